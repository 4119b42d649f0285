// The hosts behind a policy, read again (--hosts): what questions about the pool need beyond the policy.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "poolcpuid/host_dump.hpp"
#include "poolcpuid/policy.hpp"
#include "poolcpuid/pool_state.hpp"
#include "poolcpuid/rulebook.hpp"

namespace poolcpuid::cli {

struct PolicyHosts {
    std::vector<HostDump> dumps;  // in the order of the arguments
    PoolState state;
    MergeOptions options;  // those of the policy, with no bound on lists of names
    PoolPolicy whole;      // state.finish(options)
};

// How --hosts is described in the help of a verb.
inline constexpr const char* hosts_help = "The dumps of the policy's hosts, as for merge; matched by digest";
inline constexpr const char* ceiling_help = "The policy that was the ceiling, where the policy was made with one";

// Reads the hosts and merges them as policy was made. path (of the policy) is used in messages; ceiling
// is the file of the policy that joined as its ceiling, or empty. Nothing, with every reason logged, when
// a host cannot be read, is not behind the policy, or is missing. Logs a warning when what the hosts give
// now is another policy. unlisted_hint follows the message about a host that is not behind the policy.
// Throws UsageError where the ceiling does not fit the policy, as merge does for the rest.
std::optional<PolicyHosts> read_policy_hosts(const PoolPolicy& policy, const std::string& path,
                                             const std::vector<std::string>& hosts, const std::string& ceiling,
                                             const Rulebook& rulebook, const std::string& unlisted_hint = {});

}  // namespace poolcpuid::cli
