// The operator's overrides: --show, --ceiling, --hide and --set, applied to a draft.
#pragma once

#include <cstdint>
#include <string>

#include "merge/draft.hpp"
#include "merge/pool.hpp"
#include "merge/vendor_rules.hpp"
#include "poolcpuid/policy.hpp"
#include "poolcpuid/pool_state.hpp"

namespace poolcpuid::merge {

// Takes out what nobody asked for and applies the overrides. Throws UsageError for names that the
// rulebook does not know or values that do not fit, NoPolicyError for a --set that a host does not keep.
void apply_options(const MergeOptions& options, const std::vector<Variant>& variants, Draft& draft);

// Throws NoPolicyError when closing the draft took away what --set gave.
void check_set_survived(const MergeOptions& options, const Draft& draft);

// Throws NoPolicyError, with the option, where the overrides or closing the draft after them took away what a 64-bit
// guest cannot do without (Field::required).
void check_base_survived(const MergeOptions& options, const Draft& draft);

// The number ("0x…" or decimal) that --set gives field. Throws UsageError when it is none, or too large.
std::uint64_t parse_value(const Field& field, const std::string& text);

// The one CPUID field of the draft's vendor that name (an id or any project's name) means. Throws
// UsageError when there is none or more than one.
FieldIndex field_named(const Plan& plan, const std::string& name, const char* option);

// The options of a merge as the policy records them, so that it can be computed again.

// The options by the rulebook's ids, sorted, whatever names and order they were given in. Throws
// UsageError for what the rulebook does not know.
RecordedOptions recorded(const MergeOptions& options, const Plan& plan);

}  // namespace poolcpuid::merge
