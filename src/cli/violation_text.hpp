// The violations of a verdict as a person reads them: alike in everything but the field, one paragraph.
#pragma once

#include <cstddef>
#include <string>
#include <vector>

#include "poolcpuid/check.hpp"
#include "poolcpuid/rulebook.hpp"

namespace poolcpuid::cli {

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

}  // namespace poolcpuid::cli
