// What --ceiling NAME withholds: what the levels above a level of the x86-64 psABI list, or what a CPU model of QEMU or
// libvirt does not have.
//
// A level says little: only what the higher ones list is above it. A baseline says all that its CPU has: every feature
// that it does not list is above it, but for mitigations, what every VMM gives guests whatever the CPU, what only
// --show brings, and the layout of XSAVE's states, which follows from the features. Of numbers it bounds those that it
// says, such as the version of AVX10; the others are the pool's. Bits that announce bad news stay:
// a ceiling only ever takes promises away, so the policy stays true on every host.
#pragma once

#include <string>
#include <vector>

#include "merge/draft.hpp"
#include "promises/vendor_rules.hpp"

namespace poolcpuid::merge {

// The level's or baseline's id, whichever name it was given by: "x86-64-v2", "qemu:Haswell-v4". A baseline's name alone
// will do where all of that name have the same features. Throws UsageError for a name of none or of several, a
// baseline of which nobody can say what it has, and one that is not for CPUs of the rules' vendor. Linear in the
// baselines.
std::string ceiling_id(const promises::VendorRules& rules, const std::string& name);

// Takes out of the draft what is above the level or baseline. Throws as ceiling_id does. Linear in the rulebook.
void apply_ceiling(const std::string& name, Draft& draft);

}  // namespace poolcpuid::merge
