// The example pools of the repository, read once, for targets that need something besides the fuzzer's bytes.
#pragma once

#include <vector>

#include "poolcpuid/host_dump.hpp"
#include "poolcpuid/policy.hpp"

namespace poolcpuid::fuzz {

// Hosts of both vendors, in three formats.
std::vector<HostDump> example_hosts();

// The policy of those of Intel.
PoolPolicy example_policy();

}  // namespace poolcpuid::fuzz
