// The feature MSRs of the silicon, through the devices of Linux' msr driver.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "poolcpuid/capture.hpp"

namespace poolcpuid::capture {

// Reads the MSRs (sorted, unique) on every CPU whose /dev/cpu/N/msr opens. Those that read the same on all
// of these, or fault on all (EIO), sorted; nothing when no device opens. An MSR that differs between CPUs
// is no fact of the host: it is left out, and so is one that cannot be read for another reason than a
// fault; not_seen names them, and the CPUs whose device does not open.
std::optional<std::vector<MsrRow>> read_msr_devices(const std::vector<std::uint32_t>& cpus,
                                                    const std::vector<std::uint32_t>& msrs,
                                                    const CaptureSources& sources, std::vector<NotSeen>& not_seen);

}  // namespace poolcpuid::capture
