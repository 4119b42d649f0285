// Bits that keep the promises of others: a CPU names its widest unit alone.
#pragma once

#include <cstdint>

#include "poolcpuid/rulebook.hpp"

namespace poolcpuid::rulebook {

// A field's bits of a register with those that they cover, whose promises they keep.
inline std::uint64_t with_covered(const Field& field, std::uint64_t bits) noexcept {
    for (const Cover& cover : field.covers) {
        if (((bits >> cover.bit) & 1U) != 0) bits |= cover.covered;
    }
    return bits;
}

// The same as hardware shows it: only the bits that no other one covers.
inline std::uint64_t without_covered(const Field& field, std::uint64_t bits) noexcept {
    for (const Cover& cover : field.covers) {
        if (((bits >> cover.bit) & 1U) != 0) bits &= ~cover.covered;
    }
    return bits;
}

}  // namespace poolcpuid::rulebook
