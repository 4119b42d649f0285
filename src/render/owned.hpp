// The bits that the VMM or the guest fills in.
#pragma once

#include <cstdint>

#include "merge/plan.hpp"
#include "poolcpuid/policy.hpp"

namespace poolcpuid::render {

// The bits of a register that the policy lists as owned. Linear in that list.
std::uint64_t owned_mask(const PoolPolicy& policy, const merge::RegisterPlace& place);

}  // namespace poolcpuid::render
