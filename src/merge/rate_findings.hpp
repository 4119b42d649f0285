// The findings on promises of one rate, such as that of an invariant TSC: they are true in a pool whose hosts have one,
// or can scale to one.
#pragma once

#include <vector>

#include "merge/decisions.hpp"
#include "poolcpuid/policy.hpp"

namespace poolcpuid::merge {

// Appends "rate-not-one" for each field of the policy that promises a rate (Field::rates) where several hosts tell
// different rates, or some do not tell theirs. Linear in variants.
void report_rates(const DecisionInputs& inputs, std::vector<Finding>& findings);

}  // namespace poolcpuid::merge
