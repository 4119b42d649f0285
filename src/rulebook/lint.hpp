// What a rulebook must not say: overlaps, unknown words, edges to nowhere, cycles, entries without a reason.
#pragma once

#include <vector>

#include "rulebook/source.hpp"

namespace poolcpuid::rulebook {

// Appends a finding for everything in source that breaks a rule of policy/README.md.
// Quadratic only in the fields of one register.
void lint(const SourceRulebook& source, std::vector<LintFinding>& findings);

}  // namespace poolcpuid::rulebook
