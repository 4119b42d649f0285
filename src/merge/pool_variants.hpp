// What a state knows of its hosts and no policy of theirs says, for those who compare policies.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <vector>

#include "merge/pool.hpp"
#include "poolcpuid/pool_state.hpp"
#include "promises/vendor_rules.hpp"

namespace poolcpuid::merge {

struct PoolVariants {
    std::shared_ptr<const promises::VendorRules> rules;
    std::uint64_t scrubs = 0;  // as Atoms has it: where VERW scrubs on all of them
    std::vector<Variant> variants;
};

// Of a state that has a host, with at most so many names in each list. Linear in the distinct contents and the names
// that are listed.
PoolVariants variants_of(const PoolState& state, std::size_t most);

}  // namespace poolcpuid::merge
