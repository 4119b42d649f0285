// Random choices of generated hosts: one stream of numbers, so that a seed repeats a whole pool.
#pragma once

#include <cstdint>
#include <random>

namespace poolcpuid::test {

class Random {
public:
    explicit Random(std::uint32_t seed) : engine_(seed) {}

    // A number below end.
    std::uint32_t below(std::uint32_t end) { return static_cast<std::uint32_t>(engine_() % end); }
    bool one_in(std::uint32_t n) { return below(n) == 0; }

    // The bits of mask, each set with a chance of density in 20.
    std::uint64_t bits_of(std::uint64_t mask, std::uint32_t density) {
        std::uint64_t value = 0;
        for (std::uint64_t bit = 1; bit != 0; bit <<= 1) value |= (mask & bit) != 0 && below(20) < density ? bit : 0;
        return value;
    }

private:
    std::mt19937 engine_;
};

}  // namespace poolcpuid::test
