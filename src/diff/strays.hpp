// Differences in bits that no field covers.
#pragma once

#include <vector>

#include "diff/side_values.hpp"
#include "merge/plan.hpp"
#include "poolcpuid/diff.hpp"

namespace poolcpuid::diff {

// The runs of neighbouring bits in which the sides differ and that no field of the plans covers, in the order of
// their places.
std::vector<FieldChange> stray_changes(const Values& before, const Values& after,
                                       const std::vector<const merge::Plan*>& plans);

}  // namespace poolcpuid::diff
