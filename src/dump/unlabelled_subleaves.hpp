// Which subleaves rows belong to whose dump does not say: old tools list a leaf several times, unlabelled.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <vector>

#include "poolcpuid/registers.hpp"

namespace poolcpuid::dump {

// The subleaf of each row of one leaf, in the order of the dump; nothing where it cannot be told.
//
// The first row is subleaf 0. Lists (leaf_shapes.hpp) have no gaps and are read from 0 upward, so there the
// order tells. Leaf Dh has gaps: its rows are told by what XCR0 and IA32_XSS announce (SDM
// vol. 1, 13.2; vol. 2A, CPUID) and by the sizes that the components have. Other leaves: only the first.
// Linear in the number of rows.
std::vector<std::optional<std::uint32_t>> infer_subleaves(std::uint32_t leaf, std::span<const Registers> rows);

}  // namespace poolcpuid::dump
