// What the operator's words name: fields, and numbers for them.
#pragma once

#include <cstdint>
#include <string>

#include "poolcpuid/rulebook.hpp"
#include "promises/vendor_rules.hpp"

namespace poolcpuid::merge {

// The number ("0x…" or decimal) that --set gives field. Throws UsageError when it is none, or too large.
std::uint64_t parse_value(const Field& field, const std::string& text);

// The one CPUID field of the draft's vendor that name (an id or any project's name) means. Throws
// UsageError when there is none or more than one.
FieldIndex field_named(const promises::VendorRules& rules, const std::string& name, const char* option);

}  // namespace poolcpuid::merge
