// All that CPUID has to say on one logical CPU: which leaves and subleaves to ask for, and the answers.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>

#include "poolcpuid/host_dump.hpp"
#include "poolcpuid/registers.hpp"

namespace poolcpuid::capture {

// Two ways to execute CPUID: on the CPU that the thread runs on, and through the kernel on another.

// Executes CPUID on some logical CPU: EAX = leaf, ECX = subleaf.
using CpuidSource = std::function<Registers(std::uint32_t leaf, std::uint32_t subleaf)>;

// Executes CPUID on the CPU that the thread runs on. Throws nothing on x86, and SystemError elsewhere.
Registers execute_cpuid(std::uint32_t leaf, std::uint32_t subleaf);

// A source that reads a device of Linux' cpuid driver, /dev/cpu/N/cpuid, or nothing where it cannot be
// opened (errno says why). The source throws SystemError that names path when a read fails.
std::optional<CpuidSource> open_cpuid_device(const std::string& path);

struct Enumeration {
    // Every leaf up to the maximum of its range, rows of zeros included, and every subleaf that the leaf
    // announces. A subleaf that ends a list is there unless it is all zeros.
    CpuidTable cpuid;

    // The CPU announces more leaves, or more rows in all, than a host document takes: what is beyond was
    // not read.
    bool cut = false;
};

// Asks cpuid for every row. Ranges are those of dump::maximum_leaf, so that what is read is what a reader of
// the document keeps. Where a leaf announces more subleaves than any real one has, those beyond are marked
// unknown. Throws what cpuid throws. At most limits::rows_per_cpu rows.
Enumeration enumerate_cpuid(const CpuidSource& cpuid);

}  // namespace poolcpuid::capture
