// An explanation as a person reads it in a terminal.
#pragma once

#include <cstddef>
#include <string>
#include <vector>

#include "cli/host_names.hpp"
#include "policy/document_text.hpp"
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

// What the texts of explain have in common: names, XSAVE states.

using document::value_text;

// A field's name, with its subleaf where the rulebook has it in several.
std::string item_name(const Rulebook& rulebook, const StoryItem& item);

// True where no host is known to have anything of a field, and at least one dump does not say.
bool is_unsaid(const Decision& decision);

// Which states are kept, and what keeps the others out: a line for those that are alike.
std::vector<std::string> state_lines(const std::vector<ExplainedState>& states, const PoolSize& pool);

}  // namespace poolcpuid::cli
