#include "merge/plan.hpp"

#include <algorithm>
#include <tuple>

namespace poolcpuid::merge {

namespace {

auto word_key(const PromiseWord& word) noexcept { return std::tuple(word.key, word.reg); }

}  // namespace

Plan::Plan(const Rulebook& rulebook, std::size_t vendor) : rulebook_(&rulebook), vendor_(vendor) {
    for (std::size_t i = 0; i < rulebook.fields.size(); ++i) {
        const Field& field = rulebook.fields[i];
        if (field.is_msr || !applies(field)) continue;
        fields_.push_back(static_cast<FieldIndex>(i));
        if (field.derive.how == Derivation::xcr0_low) xsave_leaf_ = field.leaf;
    }
    for (const FieldIndex index : fields_) {
        const Field& field = rulebook[index];
        // The rows that lay out XSAVE components are compared as components (components.hpp), not one by one.
        const bool is_layout = field.rule == Rule::equal && xsave_leaf_ && field.leaf == *xsave_leaf_;
        for (std::uint32_t subleaf = field.subleaf_first; subleaf <= field.subleaf_last; ++subleaf) {
            const LeafKey key{field.leaf, subleaf};
            if (promises_by_bits(field.rule)) add_word(field, subleaf);
            if (promises_by_number(field.rule) && !is_layout) numbers_.push_back({index, key});
            if (field.rule == Rule::guarded) guards_.push_back({index, key});
        }
    }
    std::sort(words_.begin(), words_.end(),
              [](const PromiseWord& a, const PromiseWord& b) { return word_key(a) < word_key(b); });
}

void Plan::add_word(const Field& field, std::uint32_t subleaf) {
    const LeafKey key{field.leaf, subleaf};
    auto at = std::find_if(words_.begin(), words_.end(),
                           [&](const PromiseWord& word) { return word.key == key && word.reg == field.reg; });
    if (at == words_.end()) at = words_.insert(words_.end(), {key, field.reg, 0, 0});
    (field.rule == Rule::intersect ? at->intersect : at->inverted) |= field.mask();
}

std::optional<std::size_t> Plan::find_word(LeafKey key, Register reg) const noexcept {
    const auto at =
        std::lower_bound(words_.begin(), words_.end(), std::tuple(key, reg),
                         [](const PromiseWord& word, const auto& wanted) { return word_key(word) < wanted; });
    if (at == words_.end() || at->key != key || at->reg != reg) return std::nullopt;
    return static_cast<std::size_t>(at - words_.begin());
}

std::optional<std::size_t> Plan::find_number(FieldIndex field, std::uint32_t subleaf) const noexcept {
    for (std::size_t i = 0; i < numbers_.size(); ++i) {
        if (numbers_[i].field == field && numbers_[i].key.subleaf == subleaf) return i;
    }
    return std::nullopt;
}

Coverage Plan::coverage(LeafKey key, Register reg) const noexcept {
    Coverage result;
    const auto covers = [&](const auto& entry) {
        return entry.leaf == key.leaf && entry.subleaf_first <= key.subleaf && key.subleaf <= entry.subleaf_last &&
               entry.reg == reg && ((entry.vendors >> vendor_) & 1U) != 0;
    };
    const auto first =
        std::lower_bound(fields_.begin(), fields_.end(), key.leaf,
                         [&](FieldIndex index, std::uint32_t leaf) { return (*rulebook_)[index].leaf < leaf; });
    for (auto at = first; at != fields_.end() && (*rulebook_)[*at].leaf == key.leaf; ++at) {
        const Field& field = (*rulebook_)[*at];
        if (covers(field)) result.fields |= field.mask();
    }
    const auto& reserved = rulebook_->reserved;
    auto row = std::lower_bound(reserved.begin(), reserved.end(), key.leaf,
                                [](const ReservedBits& bits, std::uint32_t leaf) { return bits.leaf < leaf; });
    for (; row != reserved.end() && row->leaf == key.leaf; ++row) {
        if (covers(*row)) result.reserved |= row->mask;
    }
    return result;
}

bool Plan::has_promises(LeafKey key) const noexcept {
    const auto word = std::lower_bound(words_.begin(), words_.end(), key,
                                       [](const PromiseWord& w, const LeafKey& wanted) { return w.key < wanted; });
    if (word != words_.end() && word->key == key) return true;
    return std::any_of(numbers_.begin(), numbers_.end(), [&](const NumberSlot& slot) { return slot.key == key; });
}

}  // namespace poolcpuid::merge
