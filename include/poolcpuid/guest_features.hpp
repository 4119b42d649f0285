// What a guest with a policy can do, by name: the features that it reads as there, and its level of the x86-64 psABI.
#pragma once

#include <string_view>
#include <vector>

#include "poolcpuid/policy.hpp"
#include "poolcpuid/rulebook.hpp"

namespace poolcpuid {

// The single bits, of CPUID and of MSRs that list features, which the guest reads as 1: those that promise (set or
// clear, so bad news is among them) or follow from other bits. Not what the VMM or the guest fills in, what describes
// one CPU, what is for no guest in a pool, nor bits of numbers and layouts. In the rulebook's order; empty for a policy
// of a vendor that the rulebook does not know. Linear in the rulebook's fields times what is left to the VMM.
std::vector<FieldIndex> guest_features(const Rulebook& rulebook, const PoolPolicy& policy);

// True for a feature of which a set bit announces that a behaviour is gone, or that something has to be done.
bool is_announcement(const Rulebook& rulebook, FieldIndex feature);

// The features of a level and the levels below it that the guest does not have, in the rulebook's order. Linear in the
// levels' features.
std::vector<FieldIndex> missing_for(const Rulebook& rulebook, const PoolPolicy& policy, const Level& level);

// The highest level of which the guest has every feature, with those of the levels below; nullptr: not even the lowest.
const Level* level_of(const Rulebook& rulebook, const PoolPolicy& policy);

}  // namespace poolcpuid
