// A check as a person reads it: a line a host, then what is wrong, hosts that fail alike together.
#pragma once

#include <cstddef>
#include <string>
#include <vector>

#include "poolcpuid/check.hpp"

namespace poolcpuid::cli {

// The text for an output of width columns. verdicts are sorted by name.
std::string check_text(const PoolPolicy& policy, const Rulebook& rulebook, const std::vector<Verdict>& verdicts,
                       Strictness strictness, std::size_t width, bool colour);

}  // namespace poolcpuid::cli
