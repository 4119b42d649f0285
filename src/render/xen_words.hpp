// The words of Xen's featureset, read from a policy.
#pragma once

#include <cstdint>

#include "poolcpuid/policy.hpp"
#include "render/target_data.hpp"

namespace poolcpuid::render {

// The word's bits in the policy's registers; 0 where the policy has no such row.
inline std::uint32_t value_of(const PoolPolicy& policy, const FeatureWord& word) {
    const DataPlace& place = word.place;
    if (place.is_msr) {
        for (const MsrRow& row : policy.msrs) {
            if (row.index != place.leaf_first) continue;
            return static_cast<std::uint32_t>((row.value.value_or(0) & place.mask()) >> place.low);
        }
        return 0;
    }
    for (const CpuidRow& row : policy.cpuid) {
        if (row.key == LeafKey{place.leaf_first, place.subleaf_first}) return row.value[place.registers.front()];
    }
    return 0;
}

}  // namespace poolcpuid::render
