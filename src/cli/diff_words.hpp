// What the two forms of a difference have in common, that for a terminal and that for a review: groups of changes,
// titles and sentences.
#pragma once

#include <cstddef>
#include <string>
#include <vector>

#include "poolcpuid/diff.hpp"

namespace poolcpuid::cli {

// Changes of one direction that are alike in impact and in what they mean for a running guest; of those
// without a promise, alike in why there is none.
struct ChangeGroup {
    std::string label;     // "crash", "security, not known"; "identity"
    std::string migrated;  // what it means for a running guest
    std::vector<const FieldChange*> changes;
};

struct DirectionGroup {
    Direction direction = Direction::none;
    std::size_t count = 0;
    std::vector<ChangeGroup> groups;
    std::vector<std::string> restarted;  // what it means for a guest that restarts, each sentence once
};

// A side's digest is cut to so many digits, which is enough to tell digests apart.
inline constexpr std::size_t digest_digits = 12;

// The changes by direction and group, in their order; the difference must outlive the result.
std::vector<DirectionGroup> grouped(const Difference& difference);

const char* title_of(const Difference& difference, Direction direction);

// One sentence that says whether and how much the sides differ.
std::string verdict_text(const Difference& difference);

std::string beliefs_title(const BeliefChanges& beliefs);
std::string falsely_safe_title(const BeliefChanges& beliefs);

// "on a until restarted; on b once restarted": where a guest is falsely safe.
std::string where_false(const FalseBelief& belief, const CpuNames& cpus);

}  // namespace poolcpuid::cli
