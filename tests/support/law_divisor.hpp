// $POOLCPUID_LAW_DIVISOR: a run under the sanitizers, ten times as slow, takes a part of the pools.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdlib>
#include <string>

namespace poolcpuid::test {

inline std::size_t law_divisor() {
    const char* given = std::getenv("POOLCPUID_LAW_DIVISOR");
    return given == nullptr ? 1 : std::max<std::size_t>(1, std::stoul(given));
}

// Counts, and says whether that one is in the part that is taken.
inline bool is_in_part(std::size_t& count) { return count++ % law_divisor() == 0; }

}  // namespace poolcpuid::test
