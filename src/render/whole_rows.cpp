#include "render/whole_rows.hpp"

#include <algorithm>

#include "promises/owned_bits.hpp"
#include "render/host_values.hpp"

namespace poolcpuid::render {

namespace {

bool has_leaf(const std::vector<LeafRange>& ranges, std::uint32_t leaf) {
    return std::any_of(ranges.begin(), ranges.end(),
                       [&](const LeafRange& range) { return range.first <= leaf && leaf <= range.last; });
}

}  // namespace

std::map<LeafKey, Registers> rows_with_zeros(const promises::VendorRules& rules, const PoolPolicy& policy) {
    const promises::OwnedBits owned(policy.owned);
    const auto is_owned = [&](const LeafKey& key) {
        return std::any_of(all_registers.begin(), all_registers.end(), [&](Register reg) {
            return owned.of({false, key, reg}) != 0;
        });
    };
    std::map<LeafKey, Registers> rows;
    for (const CpuidRow& row : policy.cpuid) rows[row.key] = row.value;
    for (const FieldIndex index : rules.fields()) {
        const Field& field = rules.rulebook()[index];
        if (field.derive.how != Derivation::max_leaf) continue;
        const auto row = rows.find({field.leaf, field.subleaf_first});
        if (row == rows.end()) continue;
        const std::uint32_t highest = row->second[field.reg];
        for (std::uint32_t leaf = field.leaf; leaf <= highest && leaf - field.leaf < most_leaves_of_range; ++leaf) {
            const LeafKey key{leaf, 0};
            if (!rows.contains(key) && !is_owned(key)) rows.emplace(key, Registers{});
        }
    }
    return rows;
}

std::map<LeafKey, Registers> rows_for(const RowWords& words, const promises::VendorRules& rules,
                                      const PoolPolicy& policy) {
    std::map<LeafKey, Registers> rows = rows_with_zeros(rules, policy);
    std::erase_if(rows,
                  [&](const auto& row) { return row.first.subleaf != 0 || !has_leaf(words.leaves, row.first.leaf); });
    return rows;
}

void forget_absent(GuestView& view, const std::function<bool(LeafKey)>& is_left_to_host, const std::string& reason) {
    const promises::VendorRules& rules = view.rules();
    const std::vector<LeafKey> rows = view.rows();
    const HostValues hosts(rules, view.policy());
    for (const FieldIndex index : rules.fields()) {
        const Field& field = rules.rulebook()[index];
        if (field.is_msr || !promises::promises_by_bits(field.rule)) continue;
        for (std::uint32_t subleaf = field.subleaf_first; subleaf <= field.subleaf_last; ++subleaf) {
            const LeafKey key{field.leaf, subleaf};
            const bool is_of_state = field.leaf == rules.xsave_leaf() && subleaf >= 2;  // it goes with the state
            if (is_of_state || !is_left_to_host(key) || std::binary_search(rows.begin(), rows.end(), key)) continue;
            if (hosts.may_be_there(field, subleaf)) view.forget(field, subleaf, reason);
        }
    }
}

void forget_the_rest(GuestView& view, const RowWords& words, const std::string& of_rows, const std::string& of_msrs) {
    const auto is_left_to_host = [&](LeafKey key) {
        const bool is_said = key.subleaf == 0 && has_leaf(words.leaves, key.leaf);
        return !is_said && !has_leaf(words.computed, key.leaf);
    };
    forget_absent(view, is_left_to_host, of_rows);
    for (const LeafKey& key : view.rows()) {
        if (!is_left_to_host(key)) continue;
        const bool describes = has_leaf(words.caches, key.leaf);
        for (const Register reg : all_registers) {
            view.forget({false, key, reg}, ~std::uint32_t{0}, of_rows,
                        describes ? GuestView::Kind::caches : GuestView::Kind::feature);
        }
    }
    for (const MsrRow& row : view.policy().msrs) {
        view.forget({true, {row.index, 0}, Register::eax}, ~std::uint64_t{0}, of_msrs);
    }
}

}  // namespace poolcpuid::render
