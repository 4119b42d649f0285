// A difference as a person reads it: in a terminal, or as Markdown in a review.
#pragma once

#include <cstddef>
#include <string>
#include <vector>

#include "poolcpuid/diff.hpp"

namespace poolcpuid::cli {

// The text for an output of width columns.
std::string diff_text(const Difference& difference, const Rulebook& rulebook, std::size_t width, bool colour);

// The same without the lines that name and judge the two sides: the numbers and the changes, each
// paragraph after an empty line. Empty when nothing differs.
std::string diff_details(const Difference& difference, const Rulebook& rulebook, std::size_t width, bool colour);

// Markdown with a table for each group of changes; names from the inputs are escaped.
std::string diff_markdown(const Difference& difference, const Rulebook& rulebook);

// A difference as its text and its Markdown lay it out: changes that are alike together.

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

// In the order of the changes; the difference must outlive the result.
std::vector<DirectionGroup> grouped(const Difference& difference);

// "Loses promises" …
const char* title_of(const Difference& difference, Direction direction);

// A field's name in a list: with its subleaf where the rulebook has it in several.
std::string name_of(const Rulebook& rulebook, const FieldChange& change);

// How many fields a list on a terminal names; --format json has all.
inline constexpr std::size_t most_fields = 24;

// Names for a sentence: "a, b and 3 more"; most of them at most.
std::string short_list(const std::vector<std::string>& names, std::size_t most);

// True for a field whose value is more than set or clear.
bool has_values(const Rulebook& rulebook, const FieldChange& change);

// What else differs, a sentence without its full stop each; empty when nothing does.
std::vector<std::string> other_differences(const Difference& difference);

// One sentence that says whether and how much the sides differ.
std::string verdict_text(const Difference& difference);

}  // namespace poolcpuid::cli
