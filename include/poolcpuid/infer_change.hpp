// What became of a pool's hosts, from the policy that names them and the dumps that are there now.
//
//   InferredChange inferred = infer_change(policy, dumps);
//   plan_change(rulebook, {policy, inferred.kept, state, options, inferred.lost}, inferred.change, ...);
//
// A nightly capture overwrites each host's file, so that the dumps behind the policy are gone where hosts changed. What
// the policy still says of them is their names and digests, of at most most_names hosts a class.
#pragma once

#include <cstddef>
#include <string>
#include <vector>

#include "poolcpuid/host_dump.hpp"
#include "poolcpuid/policy.hpp"
#include "poolcpuid/pool_plan.hpp"

namespace poolcpuid {

struct InferredChange {
    std::vector<HostDump> kept;         // as they were when the policy was made, or under other names
    std::vector<FormerHost> lost;       // hosts of the policy whose dump is not among those given; by name
    PoolChange change;                  // which of lost left, which came back with another dump, and who joins
    std::vector<std::string> guessed;   // of kept: taken, by their content, for hosts that the policy does not name
    std::vector<std::string> doubtful;  // of those that join: they may be hosts that the policy does not name
    std::size_t unnamed = 0;  // hosts that the policy counts and does not name, without a dump of the content they had
    std::vector<Finding> findings;  // what cannot be known, as the policy names only some of its hosts
};

// A dump whose name and digest the policy has is kept. One with its name and another digest came back changed, a name
// without a dump left, a name that the policy does not have joins. Where the policy's lists are cut, names_sha256 says
// whether the set of names is the same; what it does not settle is a finding. Hosts that explicitly join, leave or come
// back are the caller's: see with_explicit. dumps have different names. O(n log n) in the hosts.
InferredChange infer_change(const PoolPolicy& policy, const std::vector<HostDump>& dumps);

// The change with what was asked for by name, which wins over what was inferred of the same host. removed: names, or
// patterns of the shell (fnmatch), each of which names at least one host. Throws UsageError where one names none.
// O(n log n) in the hosts, and O(n) for each pattern that is no host's name.
InferredChange with_explicit(InferredChange inferred, const PoolChange& asked);

}  // namespace poolcpuid
