// Options that take one of a few words.
#pragma once

#include <CLI/CLI.hpp>
#include <string>
#include <vector>

namespace poolcpuid::cli {

// A check for one of words that leaves the option's own description alone.
inline CLI::Validator one_of(const std::vector<std::string>& words) {
    CLI::IsMember check(words);
    check.description("");
    return check;
}

}  // namespace poolcpuid::cli
