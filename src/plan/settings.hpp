// What of a host's surroundings changed with its dump: the likely causes of a weaker or stronger host.
#pragma once

#include <vector>

#include "poolcpuid/host_dump.hpp"
#include "poolcpuid/pool_plan.hpp"

namespace poolcpuid::plan {

// The microcode revision, the kernel and KVM's parameters, as capture records them, where they differ; by name.
std::vector<SettingChange> setting_changes(const HostDump& before, const HostDump& after);

}  // namespace poolcpuid::plan
