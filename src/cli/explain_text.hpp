// An explanation as a person reads it in a terminal.
#pragma once

#include <cstddef>
#include <string>

#include "cli/host_names.hpp"
#include "poolcpuid/explain.hpp"

namespace poolcpuid::cli {

// What the texts are about.
struct ExplainedPolicy {
    const PoolPolicy& policy;
    const Rulebook& rulebook;
    PoolSize size;
    bool asked_without = false;  // --without asked for the one what-if
};

// The fields and states of an explanation, one after the other.
std::string fields_text(const Explanation& explanation, const ExplainedPolicy& of, std::size_t width, bool colour);

// A whole policy: who limits it, what goes with what, what the operator asked for.
std::string story_text(const Explanation& explanation, const ExplainedPolicy& of, std::size_t width, bool colour);

}  // namespace poolcpuid::cli
