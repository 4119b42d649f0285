// Two ways to execute CPUID: on the CPU that the thread runs on, and through the kernel on another.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>

#include "poolcpuid/registers.hpp"

namespace poolcpuid::capture {

// Executes CPUID on some logical CPU: EAX = leaf, ECX = subleaf.
using CpuidSource = std::function<Registers(std::uint32_t leaf, std::uint32_t subleaf)>;

// Executes CPUID on the CPU that the thread runs on. Throws nothing on x86, and SystemError elsewhere.
Registers execute_cpuid(std::uint32_t leaf, std::uint32_t subleaf);

// A source that reads a device of Linux' cpuid driver, /dev/cpu/N/cpuid, or nothing where it cannot be
// opened (errno says why). The source throws SystemError that names path when a read fails.
std::optional<CpuidSource> open_cpuid_device(const std::string& path);

}  // namespace poolcpuid::capture
