// What a pool would gain if some of its hosts left: the price of each limiting host.
//
//   const PoolPolicy whole = state.finish(options);  // options.most_names: every name
//   for (const WhatIf& what_if : what_ifs(rulebook, state, options, whole)) ...
#pragma once

#include <string>
#include <vector>

#include "poolcpuid/diff.hpp"
#include "poolcpuid/policy.hpp"
#include "poolcpuid/pool_state.hpp"
#include "poolcpuid/rulebook.hpp"

namespace poolcpuid {

struct WhatIf {
    std::vector<std::string> hosts;  // those that are left out: all their names, sorted
    std::vector<FieldChange> gains;  // promises of the policy without them that the pool's has not, as in a Difference
    PoolPolicy policy;               // the one without them, as finish_promises gives it
};

// The options with no bound on the names in each list of hosts: what policies need in order to be asked
// about all hosts. Such a policy is no document to be written.
MergeOptions with_all_names(MergeOptions options);

// What the policy of state would gain without hosts. whole is state.finish(options). An identity that
// the options take from one of hosts is chosen anew. Throws UsageError when a name is not of the pool,
// or all are named.
WhatIf without(const Rulebook& rulebook, const PoolState& state, const MergeOptions& options, const PoolPolicy& whole,
               const std::vector<std::string>& hosts);

// One for each set of hosts that limits a field by itself (the `because` of a decision of whole, or those on which
// VERW does not scrub), if anything is gained without it: the most gains first, then the fewest hosts, then by name.
// whole must be state.finish(with_all_names(options)). One finish for each such set.
std::vector<WhatIf> what_ifs(const Rulebook& rulebook, const PoolState& state, const MergeOptions& options,
                             const PoolPolicy& whole);

}  // namespace poolcpuid
