// The finding on the family and model that guests are shown: what they conclude from it that is not so on every host.
#pragma once

#include <vector>

#include "merge/decisions.hpp"
#include "poolcpuid/policy.hpp"

namespace poolcpuid::merge {

// Appends "no-safe-identity" when a guest holds itself for safe from what a host of the pool is open to, with the
// hosts and what can be done in the guests. Linear in variants.
void report_unsafe_identity(const DecisionInputs& inputs, const HostGroups& groups, std::vector<Finding>& findings);

}  // namespace poolcpuid::merge
