// The policy that a merge of the same hosts makes of the dumps that there are now.
#pragma once

#include <optional>
#include <vector>

#include "poolcpuid/host_dump.hpp"
#include "poolcpuid/policy.hpp"
#include "poolcpuid/rulebook.hpp"

namespace poolcpuid::audit {

// Its promises (PoolState::finish_promises), with the options of the policy. Nothing where the hosts are not its own by
// their names, where no policy is true on all of them or its ceiling is not at hand, and where that policy has the same
// registers. Linear in the hosts.
std::optional<PoolPolicy> merged_again(const Rulebook& rulebook, const PoolPolicy& policy,
                                       const std::vector<HostDump>& hosts);

}  // namespace poolcpuid::audit
