// What CPUID tells a logical CPU of itself alone: its ids, and its place among the others (base/id_bits.hpp). All else
// is the same on every CPU of most machines, so that a CPU which differs in nothing else need not be understood again.
#pragma once

#include <compare>
#include <cstdint>
#include <optional>

#include "poolcpuid/host_dump.hpp"

namespace poolcpuid::dump {

// True when two logical CPUs of a machine say the same but for their ids: the same rows, unknown rows and bits. Linear.
bool equal_but_ids(const CpuidTable& one, const CpuidTable& other) noexcept;

// The same of two rows. Where ids are all that a list of subleaves begins with, as on CPUs without it, other ids are
// another list. Constant.
bool equal_but_ids(const CpuidRow& one, const CpuidRow& other) noexcept;

// True when a row of one says something else than the row of the same leaf and subleaf of other, ids aside: they are
// not of one logical CPU. O(n log n).
bool contradict(const CpuidTable& one, const CpuidTable& other) noexcept;

// Which logical CPU of its machine a table is of.
struct ApicIds {
    std::uint32_t initial = 0;
    std::optional<std::uint32_t> x2apic;
    // False where the CPU may have an x2APIC ID that the table does not give: machines with large IDs have CPUs whose
    // initial ones, of 8 bits, are alike.
    bool tell_all = false;

    bool operator==(const ApicIds&) const = default;
    auto operator<=>(const ApicIds&) const = default;
};

// Leaf 1 EBX[31:24], and leaf Bh EDX, which is there where EBX is not 0 (SDM vol. 2A, CPUID; APM vol. 3, E.4).
// Logarithmic in the rows.
ApicIds apic_ids(const CpuidTable& cpu) noexcept;

}  // namespace poolcpuid::dump
