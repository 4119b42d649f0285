// What the page says of rules, impacts, numbers and lists.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

#include "poolcpuid/rulebook.hpp"

namespace poolcpuid::report {

// What a rule's word means.
struct RuleWords {
    std::string_view rule;
    std::string_view promise;  // what a field of this rule promises
    std::string_view in_pool;  // and what a pool makes of it
};

// The words of a rule, or nullptr for a word that is no rule's.
const RuleWords* words_of(std::string_view rule);

// The rule itself where it is one, else "other": a class of the style sheet.
std::string_view style_of(std::string_view rule);

// A sentence: what it costs the guest when the promise is broken.
std::string_view cost_of(Impact impact);

// "1 host", "3 hosts", "0 hosts".
std::string counted(std::size_t count, std::string_view one);

// Sorted numbers as ranges: "1–4, 9".
std::string ranges(const std::vector<std::size_t>& numbers);

// "a" … "z", "aa" …: a key for a value that is too long for a narrow column.
std::string letter(std::size_t index);

}  // namespace poolcpuid::report
