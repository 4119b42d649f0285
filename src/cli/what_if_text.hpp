// What a pool would be without some of its hosts, as a person reads it.
#pragma once

#include <cstddef>
#include <functional>
#include <string>
#include <vector>

#include "cli/explain_text.hpp"
#include "poolcpuid/what_if.hpp"

namespace poolcpuid::cli {

// What is gained: "avx512f", "maxphyaddr (48 -> 52)".
std::string gain_text(const Rulebook& rulebook, const FieldChange& gain);

// Several of them, at most most: XSAVE states by their names alone, last.
std::string gains_text(const Rulebook& rulebook, const std::vector<FieldChange>& gains, std::size_t most);

// The hosts that are left out: "a, b and 3 more".
std::string without_text(const WhatIf& what_if);

// " (and 21 more promises)": what is gained besides one promise; empty when that is all.
std::string more_text(const WhatIf& what_if);

// Those for which holds, without those whose hosts include all hosts of another of them: the fewest hosts
// that have to leave.
std::vector<const WhatIf*> smallest(const std::vector<WhatIf>& what_ifs,
                                    const std::function<bool(const WhatIf&)>& holds);

// The answer to --without alone: everything that the pool would gain.
std::string what_if_text(const WhatIf& what_if, const ExplainedPolicy& of, std::size_t width, bool colour);

}  // namespace poolcpuid::cli
