// The kinds of CPU that one host has: those of one family, model and stepping. Nearly all hosts have one; sockets of
// two steppings make two, of which the model table may say different things.
#pragma once

#include <cstdint>
#include <vector>

#include "poolcpuid/host_dump.hpp"
#include "poolcpuid/rulebook.hpp"

namespace poolcpuid {

struct CpuKind {
    const CpuidTable* table = nullptr;  // the first logical CPU of the kind
    std::uint32_t leaf1_eax = 0;        // the signature as CPUID words it, and no other bits; 0: the dump does not say
};

// The signature that a table shows, as CpuKind has it.
std::uint32_t signature_in(const CpuidTable& table);

// The kinds of the host, whatever the order of its CPUs. The first stands for the host where one must: its model
// ranks least (rulebook::LenderRank). The rest by leaf1_eax.
// O(n log n) in the logical CPUs, linear where all are of one kind.
std::vector<CpuKind> cpu_kinds(const Rulebook& rulebook, const HostDump& host);

}  // namespace poolcpuid
