#include "names/name_filter.hpp"

namespace poolcpuid::names {

namespace {

// Of each name eight bits are set, in a block of 21 names on average: of names that are not there one in 200 may be.
constexpr std::size_t bits_of_name = 12;
constexpr std::size_t bits_of_block = 256;

// Odd numbers without a pattern, those of Apache Parquet's filter: each makes another bit of the same hash.
constexpr std::array<std::uint32_t, 8> salts = {0x47b6137b, 0x44974d91, 0x8824ad5b, 0xa2b7289d,
                                                0x705495c7, 0x2df1424b, 0x9efc4947, 0x5c6bfb31};

constexpr std::uint32_t bit_of(std::uint32_t hash, std::uint32_t salt) noexcept {
    return std::uint32_t{1} << ((hash * salt) >> 27U);
}

}  // namespace

NameFilter::NameFilter(std::size_t names) : blocks_(names * bits_of_name / bits_of_block + 1) {}

// The hash as a fraction of what it may be, of the number of blocks: the upper bits choose, and need no division.
std::size_t NameFilter::block_of(std::uint32_t hash) const noexcept { return (hash * blocks_.size()) >> 32U; }

void NameFilter::add(std::uint32_t hash) noexcept {
    Block& block = blocks_[block_of(hash)];
    for (std::size_t i = 0; i < salts.size(); ++i) block.words[i] |= bit_of(hash, salts[i]);
}

bool NameFilter::may_have(std::uint32_t hash) const noexcept {
    const Block& block = blocks_[block_of(hash)];
    for (std::size_t i = 0; i < salts.size(); ++i) {
        if ((block.words[i] & bit_of(hash, salts[i])) == 0) return false;
    }
    return true;
}

}  // namespace poolcpuid::names
