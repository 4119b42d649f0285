#include "render/owned.hpp"

namespace poolcpuid::render {

namespace {

bool stands_at(const BitPlace& bits, const merge::RegisterPlace& place) {
    if (bits.is_msr != place.is_msr || bits.leaf != place.key.leaf) return false;
    return place.is_msr ||
           (bits.reg == place.reg && bits.subleaf_first <= place.key.subleaf && place.key.subleaf <= bits.subleaf_last);
}

}  // namespace

std::uint64_t owned_mask(const PoolPolicy& policy, const merge::RegisterPlace& place) {
    std::uint64_t mask = 0;
    for (const BitPlace& bits : policy.owned) {
        if (!stands_at(bits, place)) continue;
        for (unsigned bit = bits.low; bit <= bits.high; ++bit) mask |= std::uint64_t{1} << bit;
    }
    return mask;
}

}  // namespace poolcpuid::render
