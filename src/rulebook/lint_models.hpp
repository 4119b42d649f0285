// Lint of the model table: numbers, facts and microcode revisions of its rows.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "poolcpuid/load_rulebook.hpp"
#include "rulebook/source.hpp"

namespace poolcpuid::rulebook {

using FieldsById = std::map<std::string, const SourceField*>;

// Appends what is wrong with the models of source.
void lint_models(const SourceRulebook& source, const FieldsById& fields, std::vector<LintFinding>& findings);

// True when two lists of vendors have one in common; "all" has all.
bool shares_vendor(const std::vector<std::string>& a, const std::vector<std::string>& b);

}  // namespace poolcpuid::rulebook
