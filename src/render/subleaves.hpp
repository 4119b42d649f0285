// Which leaves have subleaves.
#pragma once

#include <algorithm>
#include <cstdint>

#include "dump/leaf_shapes.hpp"
#include "merge/vendor_rules.hpp"

namespace poolcpuid::render {

// True when CPUID looks at ECX for this leaf: every reader knows it, or the rulebook (which may be newer) has a field
// of the vendor in a subleaf above 0. Linear in the rulebook's fields.
inline bool has_subleaves(const merge::Plan& plan, std::uint32_t leaf) {
    const auto fields = plan.fields();
    return dump::has_subleaves(leaf) || std::any_of(fields.begin(), fields.end(), [&](FieldIndex index) {
               const Field& field = plan.rulebook()[index];
               return !field.is_msr && field.leaf == leaf && field.subleaf_last > 0;
           });
}

}  // namespace poolcpuid::render
