// The findings on numbers that hypervisors may cut short: a dump of the hardware alone does not say how far.
#pragma once

#include <vector>

#include "merge/decisions.hpp"
#include "poolcpuid/policy.hpp"

namespace poolcpuid::merge {

// Appends "no-hypervisor-view" for each number of which the policy has no more than every hypervisor gives
// (Field::assured) because the CPU of a host would go further and the host has no hypervisor's view. Linear in
// variants.
void report_assured(const DecisionInputs& inputs, std::vector<Finding>& findings);

}  // namespace poolcpuid::merge
