// An explanation as a person reads it in a terminal.
#pragma once

#include <cstddef>
#include <functional>
#include <string>
#include <vector>

#include "cli/texts.hpp"
#include "policy/document_text.hpp"
#include "poolcpuid/explain.hpp"
#include "poolcpuid/what_if.hpp"

namespace poolcpuid::cli {

// What the texts are about.
struct ExplainedPolicy {
    const PoolPolicy& policy;
    const Rulebook& rulebook;
    PoolSize size;
    bool asked_without = false;  // --without asked for the one what-if
    CpuNames cpus = {};          // of its hosts

    bool is_of_other_rulebook() const { return policy.rulebook_sha256 != rulebook.sha256; }
};

// The fields and states of an explanation, one after the other.
void fields_text(const Explanation& explanation, const ExplainedPolicy& of, Page& page);

// A whole policy: who limits it, what goes with what, what the operator asked for.
void story_text(const Explanation& explanation, const ExplainedPolicy& of, Page& page);

// The answer to --without alone: everything that the pool would gain.
void what_if_text(const WhatIf& what_if, const ExplainedPolicy& of, Page& page);

// What the texts of explain have in common: names, XSAVE states.

using document::value_text;

// A field's name, with its subleaf where the rulebook has it in several.
std::string item_name(const Rulebook& rulebook, const StoryItem& item);

// True where no host is known to have anything of a field, and at least one dump does not say.
bool is_unsaid(const Decision& decision);

// Which states are kept, and what keeps the others out: a line for those that are alike.
std::vector<std::string> state_lines(const std::vector<ExplainedState>& states, const PoolSize& pool);

// What a pool would be without some of its hosts.

// What is gained, at most most of it: "avx512f, maxphyaddr (48 -> 52)"; XSAVE states by their names alone, last.
std::string gains_text(const Rulebook& rulebook, const std::vector<FieldChange>& gains, std::size_t most);

// The hosts that are left out: "a, b" or, of many, "Haswell-EP ×40, Rome ×28".
std::string without_text(const WhatIf& what_if, const ExplainedPolicy& of);

// " (and 21 more promises)": what is gained besides one promise; empty when that is all.
std::string more_text(const WhatIf& what_if);

// ", and 21 promises are gained": where what is told before is none of them.
std::string besides_text(const WhatIf& what_if);

// Those for which holds, without those whose hosts include all hosts of another of them: the fewest hosts
// that have to leave.
std::vector<const WhatIf*> smallest(const std::vector<WhatIf>& what_ifs,
                                    const std::function<bool(const WhatIf&)>& holds);

}  // namespace poolcpuid::cli
