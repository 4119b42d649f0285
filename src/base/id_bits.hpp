// Which bits of CPUID tell a logical CPU who it is: what readers of dumps leave out of a comparison of two CPUs, and of
// which a rulebook makes no promise.
#pragma once

#include <cstdint>

#include "poolcpuid/registers.hpp"

namespace poolcpuid {

// The bits of a leaf's registers that are ids, in every subleaf: the APIC IDs (SDM vol. 2A, CPUID 01h, 0Bh, 1Fh; APM
// vol. 3, E.4: 8000_001Eh, 8000_0026h), and the core, compute unit and node of the CPU (8000_001Eh). Lint sees to it
// that the rulebook makes no promise of them. Constant.
constexpr Registers own_ids(std::uint32_t leaf) noexcept {
    constexpr std::uint32_t whole = 0xFFFFFFFF;
    switch (leaf) {
        case 0x1: return {.eax = 0, .ebx = 0xFF000000, .ecx = 0, .edx = 0};
        case 0xB:
        case 0x1F:
        case 0x80000026: return {.eax = 0, .ebx = 0, .ecx = 0, .edx = whole};
        case 0x8000001E: return {.eax = whole, .ebx = 0xFF, .ecx = 0xFF, .edx = 0};
        default: return {};
    }
}

}  // namespace poolcpuid
