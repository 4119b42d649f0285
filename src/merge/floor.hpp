// What a floor policy has and the pool's policy has not, with the hosts that cost it.
#pragma once

#include <vector>

#include "merge/host_promises.hpp"
#include "merge/pool.hpp"
#include "merge/vendor_rules.hpp"
#include "poolcpuid/pool_state.hpp"

namespace poolcpuid::merge {

// The atoms of wanted that given does not have. Linear in the plan's fields times the variants.
std::vector<FloorLoss> losses(const Plan& plan, const HostPromises& wanted, const HostPromises& given,
                              const std::vector<Variant>& variants);

}  // namespace poolcpuid::merge
