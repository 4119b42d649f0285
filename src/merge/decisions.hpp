// Why each field has its value: the decisions of the policy document.
#pragma once

#include <vector>

#include "merge/decision_inputs.hpp"
#include "poolcpuid/policy.hpp"

namespace poolcpuid::merge {

// One decision for every field on which hosts differ, or whose value is not what they all have.
// Owned fields are listed elsewhere. Linear in fields times groups.
std::vector<Decision> decide(const DecisionInputs& inputs);

// Those of them that are about guarded fields.
std::vector<Decision> decide_guarded(const DecisionInputs& inputs);

}  // namespace poolcpuid::merge
