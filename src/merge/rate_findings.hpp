// The findings on promises of one rate, such as that of an invariant TSC: they are true in a pool whose hosts have one,
// or can scale to one.
#pragma once

#include "merge/finding_list.hpp"

namespace poolcpuid::merge {

// Adds "rate-not-one" for each field of the policy that promises a rate (Field::rates) where several hosts tell
// different rates, or some do not tell theirs. Linear in variants.
void report_rates(FindingList& list);

}  // namespace poolcpuid::merge
