// The options of a merge as the policy records them, so that it can be computed again.
#pragma once

#include "poolcpuid/policy.hpp"
#include "poolcpuid/pool_state.hpp"
#include "promises/vendor_rules.hpp"

namespace poolcpuid::merge {

// The options by the rulebook's ids, sorted, whatever names and order they were given in. Throws
// UsageError for what the rulebook does not know.
RecordedOptions recorded(const MergeOptions& options, const promises::VendorRules& rules);

}  // namespace poolcpuid::merge
