// The operator's overrides: --show, --ceiling, --hide and --set, applied to a draft.
#pragma once

#include <cstdint>
#include <string>

#include "merge/draft.hpp"
#include "merge/pool.hpp"
#include "poolcpuid/policy.hpp"
#include "poolcpuid/pool_state.hpp"
#include "promises/vendor_rules.hpp"

namespace poolcpuid::merge {

// Takes out what nobody asked for and applies the overrides. Throws UsageError for names that the
// rulebook does not know or values that do not fit, NoPolicyError for a --set that a host does not keep.
void apply_options(const MergeOptions& options, const std::vector<Variant>& variants, Draft& draft);

// Throws NoPolicyError when closing the draft took away what --set gave.
void check_set_survived(const MergeOptions& options, const Draft& draft);

}  // namespace poolcpuid::merge
