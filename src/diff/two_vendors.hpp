// What two sides of different vendors show, register by register: their promises do not compare.
#pragma once

#include <vector>

#include "diff/field_changes.hpp"
#include "merge/plan.hpp"
#include "poolcpuid/diff.hpp"

namespace poolcpuid::diff {

// Every field that one of the vendors has and in which the registers differ, and such bits without a field: changes
// without a direction, in the order of all lists of changes. A plan is that of its side's vendor.
std::vector<FieldChange> register_changes(const merge::Plan& before_plan, const Promised& before,
                                          const merge::Plan& after_plan, const Promised& after);

}  // namespace poolcpuid::diff
