// The findings on numbers that hypervisors may cut short: a dump of the hardware alone does not say how far.
#pragma once

#include "merge/finding_list.hpp"

namespace poolcpuid::merge {

// Adds "no-hypervisor-view" for each number of which the policy has no more than every hypervisor gives
// (Field::assured) because the CPU of a host would go further and the host has no hypervisor's view, and
// "hypervisor-silent" where it has one that does not say the number. Linear in variants.
void report_assured(FindingList& list);

}  // namespace poolcpuid::merge
