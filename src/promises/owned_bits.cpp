#include "promises/owned_bits.hpp"

#include <array>
#include <cstddef>
#include <iterator>

namespace poolcpuid::promises {

namespace {

constexpr unsigned register_bits = 64;  // of an MSR

// How many places begin to have each bit at a subleaf, less those that end.
using Edge = std::array<std::ptrdiff_t, register_bits>;

RegisterPlace in_every_subleaf(RegisterPlace place) {
    place.key.subleaf = 0;
    if (place.is_msr) place.reg = Register::eax;
    return place;
}

void add(const BitPlace& place, std::ptrdiff_t change, Edge& edge) {
    for (unsigned bit = place.low; bit <= place.high; ++bit) edge[bit] += change;
}

}  // namespace

OwnedBits::OwnedBits(const std::vector<BitPlace>& owned) {
    std::map<RegisterPlace, std::map<std::uint64_t, Edge>> edges;
    for (const BitPlace& place : owned) {
        auto& own = edges[in_every_subleaf({place.is_msr, {place.leaf, 0}, place.reg})];
        add(place, 1, own[place.subleaf_first]);
        add(place, -1, own[std::uint64_t{place.subleaf_last} + 1]);
    }
    for (const auto& [place, own] : edges) {
        Edge open{};
        for (const auto& [subleaf, edge] : own) {
            std::uint64_t mask = 0;
            for (unsigned bit = 0; bit < register_bits; ++bit) {
                open[bit] += edge[bit];
                if (open[bit] > 0) mask |= std::uint64_t{1} << bit;
            }
            registers_[place][subleaf] = mask;
        }
    }
}

std::uint64_t OwnedBits::of(const RegisterPlace& place) const {
    const auto steps = registers_.find(in_every_subleaf(place));
    if (steps == registers_.end()) return 0;
    const auto next = steps->second.upper_bound(place.is_msr ? 0 : place.key.subleaf);
    return next == steps->second.begin() ? 0 : std::prev(next)->second;
}

}  // namespace poolcpuid::promises
