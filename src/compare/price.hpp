// What hosts cost a pool: the promises that its policy loses and would keep without them.
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "poolcpuid/pool_plan.hpp"
#include "poolcpuid/pool_state.hpp"

namespace poolcpuid::compare {

// A pool whose policy was another one before its hosts changed.
struct ChangedPool {
    const PoolState& state;                   // after the change
    const MergeOptions& options;              // with_all_names
    const PoolPolicy& before;                 // the policy before
    const std::vector<FieldChange>& changes;  // from that to the policy after
};

// One for each set of hosts (sorted names) of which the question is asked and that limits a field by itself, if without
// it a promise of the policy before is kept that the policy after breaks. That is not what the policy after would gain:
// of two policies that tell no guest to run VERW neither does. Ordered as what_ifs. One finish for each such set, and a
// comparison with each kind of its hosts.
std::vector<HostPrice> prices(const Rulebook& rulebook, const ChangedPool& pool,
                              const std::function<bool(const std::vector<std::string>&)>& which);

}  // namespace poolcpuid::compare
