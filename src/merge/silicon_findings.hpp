// The findings on models, steppings and microcode: what the model table knows of the hosts, and does not.
#pragma once

#include "merge/finding_list.hpp"

namespace poolcpuid::merge {

// Adds "unknown-model", "microcode-unknown" and the "cpus-differ" of models and steppings, one a cause. Linear in
// variants times the vendor's fields.
void report_silicon(FindingList& list);

}  // namespace poolcpuid::merge
