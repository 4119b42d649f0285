// The finding on the family and model that guests are shown: what they conclude from it that is not so on every host.
#pragma once

#include "merge/finding_list.hpp"

namespace poolcpuid::merge {

// Adds "no-safe-identity" when a guest holds itself for safe from what a host of the pool is open to, with the
// hosts and what can be done in the guests. Linear in variants.
void report_unsafe_identity(FindingList& list, const HostGroups& groups);

}  // namespace poolcpuid::merge
