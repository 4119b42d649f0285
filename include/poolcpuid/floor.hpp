// What a pool's policy lacks of another that it must not fall below.
#pragma once

#include <string>
#include <vector>

#include "poolcpuid/policy.hpp"
#include "poolcpuid/pool_state.hpp"

namespace poolcpuid {

// A promise that a floor policy makes and the result does not.
struct FloorLoss {
    std::string field;
    std::string promised;  // the floor's value
    std::string result;    // the policy's value
    // The result only tells new VMs to run VERW (a guarded field), of which those of the floor are not told.
    bool only_tells = false;
    HostList hosts;  // that do not keep it
};

// What floor promises and policy, a result of state.finish, does not. Empty when it has all. Linear in the fields of
// the rulebook times the distinct contents of state.
std::vector<FloorLoss> below_floor(const PoolState& state, const PoolPolicy& floor, const PoolPolicy& policy);

}  // namespace poolcpuid
