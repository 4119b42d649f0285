#include "policy/subleaves.hpp"

#include <algorithm>
#include <iterator>

#include "dump/leaf_shapes.hpp"

namespace poolcpuid {

std::uint32_t last_subleaf(const PoolPolicy& policy, std::uint32_t leaf) {
    const auto above = std::upper_bound(policy.cpuid.begin(), policy.cpuid.end(), LeafKey{leaf, ~std::uint32_t{0}},
                                        [](const LeafKey& key, const CpuidRow& row) { return key < row.key; });
    const bool has_rows = above != policy.cpuid.begin() && std::prev(above)->key.leaf == leaf;
    return has_rows ? std::prev(above)->key.subleaf : 0;
}

bool has_subleaves(const Rulebook& rulebook, const PoolPolicy& policy, std::uint32_t leaf) {
    return dump::has_subleaves(leaf) || last_subleaf(policy, leaf) > 0 ||
           std::any_of(rulebook.fields.begin(), rulebook.fields.end(), [&](const Field& field) {
               return !field.is_msr && field.leaf == leaf && field.subleaf_last > 0;
           });
}

}  // namespace poolcpuid
