// What CPUID returns on each logical CPU that is online.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "os/pinning.hpp"
#include "poolcpuid/capture.hpp"

namespace poolcpuid::capture {

// The logical CPUs that are online, sorted, as sources.sys lists them; where that is not readable, those on
// which the thread may run, which is said in not_seen.
std::vector<std::uint32_t> online_cpus(const CaptureSources& sources, const os::Pinning& pinning,
                                       std::vector<std::string>& not_seen);

struct HardwareCpus {
    std::vector<LogicalCpu> cpus;         // in the order of their numbers
    std::vector<std::uint32_t> not_read;  // neither by running there nor through the kernel's device; sorted
};

// Reads the CPUs that online lists, each on the CPU itself or, where the thread may not run there, through
// its /dev/cpu/N/cpuid. Leaves the thread on the last CPU to which it could move. Adds to not_seen what
// could not be read, and why.
HardwareCpus read_hardware_cpus(const std::vector<std::uint32_t>& online, const CaptureSources& sources,
                                os::Pinning& pinning, std::vector<std::string>& not_seen);

}  // namespace poolcpuid::capture
