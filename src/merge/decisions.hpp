// Why each field has its value: the decisions of the policy document.
#pragma once

#include <vector>

#include "merge/decision_inputs.hpp"
#include "poolcpuid/policy.hpp"

namespace poolcpuid::merge {

// One decision for every field on which hosts differ, or whose value is not what they all have; of an XSAVE state one
// on its size, which says its whole layout. Owned fields are listed elsewhere. Linear in fields times groups.
std::vector<Decision> decide(const DecisionInputs& inputs);

// The guarded fields that the draft shows though VERW is not known to scrub wherever the guest runs: of each decision
// only what says that. Registers alone do not show it.
std::vector<Decision> lost_scrubs(const Draft& draft);

}  // namespace poolcpuid::merge
