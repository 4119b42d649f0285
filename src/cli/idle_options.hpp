// Options of merge that change nothing, or not all that was meant: a slip that the policy does not show.
#pragma once

#include "poolcpuid/policy.hpp"
#include "poolcpuid/rulebook.hpp"

namespace poolcpuid::cli {

// Warns of each --hide and --show of the policy without which it would be the same, and of each --hide beside which
// another field of that name stays shown. policy is not lean. Linear in the rulebook for each option.
void warn_of_idle_options(const PoolPolicy& policy, const Rulebook& rulebook);

}  // namespace poolcpuid::cli
