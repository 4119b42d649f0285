// The finding on mitigations that a policy lacks where what guests do by software alone is not enough.
#pragma once

#include "merge/finding_list.hpp"

namespace poolcpuid::merge {

// Adds "mitigation-not-enough" for each field that is not in the policy and without which guests are open on a host of
// the pool (Field::missed), with these hosts and what helps. Linear in variants.
void report_missed(FindingList& list);

}  // namespace poolcpuid::merge
