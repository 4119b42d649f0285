// The rulebook of a run: the one compiled in, or the directory that --rulebook names.
#pragma once

#include <optional>
#include <string>

#include "poolcpuid/load_rulebook.hpp"
#include "poolcpuid/rulebook.hpp"

namespace poolcpuid::cli {

class RulebookChoice {
public:
    // directory: empty for the built-in rulebook. Logs every lint finding and throws InputError when
    // there is one.
    explicit RulebookChoice(const std::string& directory);

    const Rulebook& get() const noexcept { return loaded_ ? loaded_->view() : builtin_rulebook(); }

private:
    std::optional<LoadedRulebook> loaded_;
};

}  // namespace poolcpuid::cli
