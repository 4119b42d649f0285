// What a result lacks of the promises of a floor policy.
#pragma once

#include <vector>

#include "merge/pool.hpp"
#include "poolcpuid/pool_state.hpp"

namespace poolcpuid::merge {

// The atoms that wanted has and given has not, with the hosts that do not keep them. Linear in the
// fields of the rulebook times the variants.
std::vector<FloorLoss> losses(const Plan& plan, const HostPromises& wanted, const HostPromises& given,
                              const std::vector<Variant>& variants);

}  // namespace poolcpuid::merge
