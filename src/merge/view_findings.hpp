// The findings on what hypervisors give guests and the CPU does not say, or the other way round.
#pragma once

#include "merge/finding_list.hpp"

namespace poolcpuid::merge {

// Adds "no-hypervisor-view", "asked-of-hardware", "hidden-by-hypervisor", "views-contradict" and
// "xsave-not-permitted", one a cause. Linear in variants times the vendor's fields.
void report_views(FindingList& list);

}  // namespace poolcpuid::merge
