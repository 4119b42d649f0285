// What two sides of different vendors show, register by register: their promises do not compare.
#pragma once

#include <vector>

#include "compare/field_changes.hpp"
#include "compare/side_values.hpp"
#include "poolcpuid/diff.hpp"
#include "promises/vendor_rules.hpp"

namespace poolcpuid::compare {

// Every field that one of the vendors has and in which the registers differ, and such bits without a field: changes
// without a direction, in the order of all lists of changes. The rules are those of its side's vendor.
std::vector<FieldChange> register_changes(const promises::VendorRules& before_plan, const Promised& before,
                                          const promises::VendorRules& after_plan, const Promised& after);

// Differences in bits that no field covers.

// The runs of neighbouring bits in which the sides differ and that no field of theirs covers, in the order of
// their places.
std::vector<FieldChange> stray_changes(const Values& before, const Values& after,
                                       const std::vector<const promises::VendorRules*>& of_sides);

}  // namespace poolcpuid::compare
