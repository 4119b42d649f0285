// A whole policy: its decisions by what is behind them.
#pragma once

#include <vector>

#include "explain/policy_view.hpp"

namespace poolcpuid::explain {

Story story_of(const PolicyView& view);

// The XSAVE state components of a policy, and what keeps the others out.

ExplainedState explain_state(const PolicyView& view, const XsaveComponent& component);

// Those that the policy keeps or a host has, by bit.
std::vector<ExplainedState> explain_states(const PolicyView& view);

// Those of them that a field lists (a half of XCR0 or IA32_XSS, the size of the area), lays out, or needs.
std::vector<ExplainedState> states_of(const PolicyView& view, FieldIndex field);

// The values of a field that a decision is on, by hosts; where it is on an XSAVE state, those of one of the fields of
// its row. Nothing for a field of which the decision does not say them.
std::vector<ValueOfHosts> values_of(const Decision& decision, const Field& field);

}  // namespace poolcpuid::explain
