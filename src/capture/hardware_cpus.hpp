// What CPUID returns on each logical CPU that is online.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "os/pinning.hpp"
#include "poolcpuid/capture.hpp"

namespace poolcpuid::capture {

// The logical CPUs that are online, sorted, as sources.sys lists them; where that is not readable, those on
// which the thread may run, which is said in not_seen.
std::vector<std::uint32_t> online_cpus(const CaptureSources& sources, const os::Pinning& pinning,
                                       std::vector<NotSeen>& not_seen);

struct HardwareCpus {
    std::vector<LogicalCpu> cpus;         // in the order of their numbers
    std::vector<std::uint32_t> not_read;  // neither by running there nor through the kernel's device; sorted
};

// Reads the CPUs that online lists, each on the CPU itself or, where the thread may not run there, through
// its /dev/cpu/N/cpuid. Leaves the thread on the last CPU to which it could move. Adds to not_seen what
// could not be read, and why.
HardwareCpus read_hardware_cpus(const std::vector<std::uint32_t>& online, const CaptureSources& sources,
                                os::Pinning& pinning, std::vector<NotSeen>& not_seen);

// Lists of logical CPUs as Linux writes them: "0-3,8".

// The CPUs of a list, sorted and unique; nothing when text is no list, is empty, or names more CPUs than a
// host document takes (limits::logical_cpus). Blanks and a line feed at the end are taken. Linear.
std::optional<std::vector<std::uint32_t>> parse_cpu_list(std::string_view text);

// The list of sorted, unique CPUs. Linear.
std::string cpu_list_text(const std::vector<std::uint32_t>& cpus);

}  // namespace poolcpuid::capture
