// Whether a name may be among others, in some bits for each of these: what is new is nearly always known to be new
// without reading the file in which the others are. A Bloom filter whose bits for one name stand in one block, so that
// a question is one look at memory ("Cache-, Hash- and Space-Efficient Bloom Filters", Putze, Sanders, Singler 2007).
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <vector>

namespace poolcpuid::names {

class NameFilter {
public:
    // Of no name, and with room for so many: of those that were not added one in 200 may be there then.
    explicit NameFilter(std::size_t names);

    void add(std::uint32_t hash) noexcept;

    // False: no name of this hash was added.
    bool may_have(std::uint32_t hash) const noexcept;

private:
    // Each word has one bit of a name. Half a line of a cache, and in one.
    struct alignas(32) Block {
        std::array<std::uint32_t, 8> words{};
    };

    std::size_t block_of(std::uint32_t hash) const noexcept;

    std::vector<Block> blocks_;
};

}  // namespace poolcpuid::names
