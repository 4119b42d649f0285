// The fields that two vectors of promises do not share, and in which direction each changed.
#pragma once

#include <vector>

#include "merge/host_promises.hpp"
#include "merge/vendor_rules.hpp"
#include "poolcpuid/diff.hpp"

namespace poolcpuid::compare {

// One side, reduced.
struct Promised {
    merge::HostPromises promises;
    bool is_policy = false;
};

// By direction, then impact, then place: the order of every list of changes.
void sort_changes(std::vector<FieldChange>& changes);

// Every change, by direction, then impact, then place. Linear in the plan's fields and both sides' rows.
std::vector<FieldChange> field_changes(const merge::Plan& plan, const Promised& before, const Promised& after);

}  // namespace poolcpuid::compare
