// The options of a merge as the policy records them, so that it can be computed again.
#pragma once

#include <string>

#include "merge/plan.hpp"
#include "poolcpuid/policy.hpp"
#include "poolcpuid/pool_state.hpp"

namespace poolcpuid::merge {

// The options by the rulebook's ids, sorted, whatever names and order they were given in. Throws
// UsageError for what the rulebook does not know.
RecordedOptions recorded(const MergeOptions& options, const Plan& plan);

// The SHA-256 of the policy's document as to_json writes it.
std::string digest_of(const PoolPolicy& policy);

}  // namespace poolcpuid::merge
