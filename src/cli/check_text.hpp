// A check as a person reads it: a line a host, then what is wrong, hosts that fail alike together.
#pragma once

#include <cstddef>
#include <functional>
#include <string>
#include <vector>

#include "cli/explain_text.hpp"
#include "poolcpuid/check.hpp"
#include "poolcpuid/rulebook.hpp"
#include "poolcpuid/what_if.hpp"

namespace poolcpuid::cli {

// The text for an output of width columns. verdicts are sorted by name.
std::string check_text(const PoolPolicy& policy, const Rulebook& rulebook, const std::vector<Verdict>& verdicts,
                       Strictness strictness, std::size_t width, bool colour);

// The violations of a verdict as a person reads them: alike in everything but the field, one paragraph.

// How many groups of hosts are told in full; --format json has all.
inline constexpr std::size_t most_groups_in_full = 12;

struct ViolationParagraph {
    std::string label;  // "Promised, and not there (crash): "
    std::string items;  // the fields
    bool is_unknown = false;
};

// Known violations before unknown ones, then by impact, then by breach.
std::vector<ViolationParagraph> paragraphs_of(const Rulebook& rulebook, const std::vector<Violation>& violations);

// The fields, with their subleaves where the rulebook has them in several.
std::string items_of(const Rulebook& rulebook, const std::vector<StartUp>& start_up);

// What a pool would be without some of its hosts, as a person reads it.

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
