// The fields of a rulebook as tables, details and JSON.
#pragma once

#include <cstddef>
#include <string>
#include <vector>

#include "poolcpuid/rulebook.hpp"

namespace poolcpuid::cli {

// A line a field: place, id, rule, exposure, vendors.
std::string rules_table(const Rulebook& rulebook, const std::vector<FieldIndex>& fields);

// Everything about each field, with what it depends on and what depends on it, width columns wide.
std::string rules_details(const Rulebook& rulebook, const std::vector<FieldIndex>& fields, std::size_t width);

// The same for scripts (schemas/rules.schema.json).
std::string rules_json(const Rulebook& rulebook, const std::vector<FieldIndex>& fields);

}  // namespace poolcpuid::cli
