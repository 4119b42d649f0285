// What must hold whatever the fuzzer gives: else the target ends here, and the fuzzer keeps the input.
#pragma once

#include <cstdio>
#include <cstdlib>

namespace poolcpuid::fuzz {

inline void require(bool holds, const char* law) {
    if (holds) return;
    std::fprintf(stderr, "does not hold: %s\n", law);
    std::abort();
}

}  // namespace poolcpuid::fuzz
