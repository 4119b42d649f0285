// What the texts of explain have in common: names, XSAVE states.
#pragma once

#include <string>
#include <vector>

#include "cli/host_names.hpp"
#include "policy/document_text.hpp"
#include "poolcpuid/explain.hpp"

namespace poolcpuid::cli {

using document::value_text;

// A field's name, with its subleaf where the rulebook has it in several.
std::string item_name(const Rulebook& rulebook, const StoryItem& item);

// True where no host is known to have anything of a field, and at least one dump does not say.
bool is_unsaid(const Decision& decision);

// Which states are kept, and what keeps the others out: a line for those that are alike.
std::vector<std::string> state_lines(const std::vector<ExplainedState>& states, const PoolSize& pool);

}  // namespace poolcpuid::cli
