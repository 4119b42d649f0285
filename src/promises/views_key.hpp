// What tells hosts apart that promise the same.
#pragma once

#include <string>

#include "poolcpuid/host_dump.hpp"
#include "poolcpuid/rulebook.hpp"

namespace poolcpuid::promises {

// What a host's views say, for a map: hosts with equal keys promise the same for the same reasons, whatever the hosts
// are called, however many logical CPUs they have, whatever ids these have, and whatever stands in MSRs that no field
// is of (counters, temperatures). Bytes without a meaning of their own; some kilobytes. Linear in the host's rows.
std::string views_key(const Rulebook& rulebook, const HostDump& host);

}  // namespace poolcpuid::promises
