// The fields without which no 64-bit guest runs (Field::required): a pool without one of them has no policy.
#pragma once

#include <vector>

#include "merge/draft.hpp"
#include "merge/pool.hpp"
#include "poolcpuid/pool_state.hpp"
#include "promises/vendor_rules.hpp"

namespace poolcpuid::merge {

// Throws NoPolicyError, with the hosts, where some lack one or are not known to have it. groups: those of the variants,
// of whose dumps it is said where they are cut short.
void require_on_hosts(const promises::VendorRules& rules, const std::vector<Variant>& variants,
                      const HostGroups& groups);

// Throws NoPolicyError, with the option, where the overrides or closing the draft after them took away what a 64-bit
// guest cannot do without (Field::required).
void require_in_draft(const MergeOptions& options, const Draft& draft);

}  // namespace poolcpuid::merge
