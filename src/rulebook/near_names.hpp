// Names that somebody may have meant: suggestions where a name is not in the rulebook, or a word is none of several.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

#include "poolcpuid/rulebook.hpp"

namespace poolcpuid::rulebook {

// The edits between two names: characters put in, taken out or replaced, and neighbours swapped. Letter case
// and the difference of "_" and "-" count for nothing. Quadratic in the lengths.
std::size_t edits_between(std::string_view a, std::string_view b);

// Names of fields of the vendors that are few edits from name or hold it, the nearest first, at most most of
// them, one a field. Linear in the number of fields.
std::vector<std::string> near_names(const Rulebook& rulebook, VendorMask vendors, std::string_view name,
                                    std::size_t most);

// Those of words that are near to word in the same sense, at most four. Linear in their number.
std::vector<std::string> near_words(const std::vector<std::string>& words, std::string_view word);

// "; did you mean a, b or c?" for a message, or "" for no name.
std::string did_you_mean(const std::vector<std::string>& names);
std::string did_you_mean(const Rulebook& rulebook, VendorMask vendors, std::string_view name);

}  // namespace poolcpuid::rulebook
