// The findings on XSAVE states: how hosts lay them out, and that they differ in it.
#pragma once

#include "merge/finding_list.hpp"

namespace poolcpuid::merge {

// Adds "xsave-layout-documented", "xsave-layout-conflict" and the "cpus-differ" of a layout, one a cause. Linear in
// variants times the vendor's fields.
void report_layouts(FindingList& list);

}  // namespace poolcpuid::merge
