// Which leaves of a policy have subleaves: asked alike by what starts vCPUs and by what is rendered for VMMs that do.
#pragma once

#include <cstdint>

#include "poolcpuid/policy.hpp"
#include "poolcpuid/rulebook.hpp"

namespace poolcpuid {

// The last subleaf of a leaf that the policy has a row for, else 0. Its rows are sorted; logarithmic in them.
std::uint32_t last_subleaf(const PoolPolicy& policy, std::uint32_t leaf);

// True when CPUID looks at ECX for this leaf. Any of three is enough: every reader of dumps knows it; the rulebook,
// which may be newer, has a field in a subleaf above 0, of whichever vendor, as KVM's own list of such leaves is of all
// vendors; or the policy, which may be of a rulebook that is newer still, has such a row. Without that an entry of KVM
// answers for every subleaf (is_matching_cpuid_entry, arch/x86/kvm/cpuid.c), and the rows after the first are never
// read. Linear in the rulebook's fields.
bool has_subleaves(const Rulebook& rulebook, const PoolPolicy& policy, std::uint32_t leaf);

}  // namespace poolcpuid
