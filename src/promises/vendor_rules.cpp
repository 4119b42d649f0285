#include "promises/vendor_rules.hpp"

#include <algorithm>
#include <bit>
#include <tuple>

#include "poolcpuid/error.hpp"

namespace poolcpuid::promises {

std::vector<BitPlace> RegisterPlace::runs_of(std::uint64_t bits) const {
    std::vector<BitPlace> runs;
    for (std::uint64_t left = bits & all_bits(); left != 0; left &= ~runs.back().mask()) {
        const int low = std::countr_zero(left);
        const int high = low + std::countr_one(left >> low) - 1;
        runs.push_back({is_msr, key.leaf, key.subleaf, key.subleaf, reg, static_cast<std::uint8_t>(low),
                        static_cast<std::uint8_t>(high)});
    }
    return runs;
}

VendorRules VendorRules::of(const Rulebook& rulebook, const PoolPolicy& policy) {
    if (const auto vendor = rulebook.vendor_of(policy.vendor)) return VendorRules(rulebook, *vendor);
    throw NoPolicyError("the policy is for the vendor \"" + policy.vendor + "\", which the rulebook does not know");
}

namespace {

constexpr std::size_t no_slot = ~std::size_t{0};

}  // namespace

VendorRules::VendorRules(const Rulebook& rulebook, std::size_t vendor)
    : rulebook_(&rulebook), vendor_(vendor), first_slots_(rulebook.fields.size(), no_slot) {
    for (std::size_t i = 0; i < rulebook.fields.size(); ++i) {
        const Field& field = rulebook.fields[i];
        if (!applies(field)) continue;
        fields_.push_back(static_cast<FieldIndex>(i));
        if (field.derive.how != Derivation::xcr0_low) continue;
        xsave_leaf_ = field.leaf;
        xsave_gate_ = field.gate;
    }
    for (const RetpolineBits& group : rulebook.retpoline) {
        if (applies(rulebook[group.rsba]) && applies(rulebook[group.rrsba]) && applies(rulebook[group.eibrs])) {
            retpoline_.push_back(group);
        }
    }
    for (const FieldIndex index : fields_) add_field(index);
    std::sort(words_.begin(), words_.end(),
              [](const PromiseWord& a, const PromiseWord& b) { return a.place < b.place; });
    place_words();
    find_enumerators();
}

void VendorRules::add_field(FieldIndex index) {
    const Field& field = (*rulebook_)[index];
    if (field.of_identity) {
        microcode_ = index;
        return;
    }
    // The rows that lay out XSAVE components are compared as components (Atoms::components), not one by one.
    const bool is_number = promises_by_number(field.rule) && !lays_out_state(field);
    if (is_number) first_slots_[index] = numbers_.size();
    for (std::uint32_t subleaf = field.subleaf_first; subleaf <= field.subleaf_last; ++subleaf) {
        if (bits_of(field, subleaf) == 0) continue;
        if (promises_by_bits(field.rule)) add_word(index, subleaf);
        if (is_number) numbers_.push_back({index, subleaf});
        if (field.rule == Rule::guarded) guards_.push_back({index, subleaf});
    }
}

void VendorRules::add_word(FieldIndex index, std::uint32_t subleaf) {
    const Field& field = (*rulebook_)[index];
    const RegisterPlace place = place_of(field, subleaf);
    // From the back: the rulebook has the fields of a register one behind the other.
    const auto at =
        std::find_if(words_.rbegin(), words_.rend(), [&](const PromiseWord& word) { return word.place == place; });
    PromiseWord& word = at == words_.rend() ? words_.emplace_back(PromiseWord{place, 0, 0}) : *at;
    (is_inverted(index) ? word.inverted : word.intersect) |= field.mask();
}

// Once they are sorted.
void VendorRules::place_words() {
    for (const FieldIndex index : fields_) {
        const Field& field = (*rulebook_)[index];
        if (!promises_by_bits(field.rule) || field.of_identity) continue;
        first_slots_[index] = places_.size();
        for (std::uint32_t subleaf = field.subleaf_first; subleaf <= field.subleaf_last; ++subleaf) {
            if (bits_of(field, subleaf) == 0) {
                places_.push_back(no_slot);
                continue;
            }
            // Most often the field before stands in the same register.
            const RegisterPlace place = place_of(field, subleaf);
            const bool is_same = !places_.empty() && places_.back() != no_slot && words_[places_.back()].place == place;
            places_.push_back(is_same ? places_.back() : *find_word(place));
        }
    }
}

bool VendorRules::is_inverted(FieldIndex index) const noexcept {
    const Rule rule = (*rulebook_)[index].rule;
    return rule == Rule::union_ || rule == Rule::guarded || retpoline_of(index) != nullptr;
}

const RetpolineBits* VendorRules::retpoline_of(FieldIndex index) const noexcept {
    if ((*rulebook_)[index].rule != Rule::group) return nullptr;
    for (const RetpolineBits& group : retpoline_) {
        if (group.is_bad_news(index)) return &group;
    }
    return nullptr;
}

// A CPUID bit that is set exactly when the MSR is offered enumerates it; else the gate of its fields does.
void VendorRules::find_enumerators() {
    for (const FieldIndex index : fields_) {
        const Field& field = (*rulebook_)[index];
        if (field.derive.how == Derivation::msr_offered) enumerators_[field.derive.msr] = index;
    }
    for (const FieldIndex index : fields_) {
        const Field& field = (*rulebook_)[index];
        if (!field.is_msr || field.gate == no_field) continue;
        enumerators_.emplace(field.leaf, cpuid_gate(index));
    }
}

// The gate in CPUID at the end of the chain of gates.
FieldIndex VendorRules::cpuid_gate(FieldIndex index) const noexcept {
    while (index != no_field && (*rulebook_)[index].is_msr) index = (*rulebook_)[index].gate;
    return index;
}

FieldIndex VendorRules::enumerator(std::uint32_t msr) const noexcept {
    const auto at = enumerators_.find(msr);
    return at == enumerators_.end() ? no_field : at->second;
}

std::optional<std::size_t> VendorRules::find_word(const RegisterPlace& place) const noexcept {
    const auto at =
        std::lower_bound(words_.begin(), words_.end(), place,
                         [](const PromiseWord& word, const RegisterPlace& wanted) { return word.place < wanted; });
    if (at == words_.end() || at->place != place) return std::nullopt;
    return static_cast<std::size_t>(at - words_.begin());
}

std::optional<std::size_t> VendorRules::slot_of(FieldIndex index, std::uint32_t subleaf) const noexcept {
    const Field& field = (*rulebook_)[index];
    if (first_slots_[index] == no_slot || !field.is_in_subleaf(subleaf)) return std::nullopt;
    return first_slots_[index] + (subleaf - field.subleaf_first);
}

std::optional<std::size_t> VendorRules::find_word(FieldIndex index, std::uint32_t subleaf) const noexcept {
    const auto slot = promises_by_bits((*rulebook_)[index].rule) ? slot_of(index, subleaf) : std::nullopt;
    return slot && places_[*slot] != no_slot ? std::optional(places_[*slot]) : std::nullopt;
}

std::optional<std::size_t> VendorRules::find_guard(FieldIndex index, std::uint32_t subleaf) const noexcept {
    const auto at = std::find_if(guards_.begin(), guards_.end(),
                                 [&](const GuardSlot& slot) { return slot.field == index && slot.subleaf == subleaf; });
    if (at == guards_.end()) return std::nullopt;
    return static_cast<std::size_t>(at - guards_.begin());
}

std::optional<std::size_t> VendorRules::find_number(FieldIndex index, std::uint32_t subleaf) const noexcept {
    return promises_by_number((*rulebook_)[index].rule) ? slot_of(index, subleaf) : std::nullopt;
}

std::uint64_t VendorRules::bits_with_field(const RegisterPlace& place) const noexcept {
    const auto where = [&](FieldIndex index) {
        const Field& field = (*rulebook_)[index];
        return std::tuple(field.is_msr, field.leaf);
    };
    const std::tuple wanted(place.is_msr, place.key.leaf);
    auto at = std::lower_bound(fields_.begin(), fields_.end(), wanted,
                               [&](FieldIndex index, const auto& leaf) { return where(index) < leaf; });
    std::uint64_t result = 0;
    for (; at != fields_.end() && where(*at) == wanted; ++at) {
        const Field& field = (*rulebook_)[*at];
        const std::uint32_t subleaf = place.key.subleaf;
        if (place_of(field, subleaf) == place && field.is_in_subleaf(subleaf)) result |= bits_of(field, subleaf);
    }
    return result;
}

std::uint64_t VendorRules::bits_of(const Field& field, std::uint32_t subleaf) const noexcept {
    if (field.is_msr || field.leaf != xsave_leaf_) return field.mask();
    if (is_state_row(field, subleaf)) return state_of_row(field, subleaf) != nullptr ? field.mask() : 0;
    return field.mask() & (states_in(field.derive.how) << field.low);
}

// The states that the rulebook knows of those that a field is derived from; all bits of a field that is not.
std::uint64_t VendorRules::states_in(Derivation how) const noexcept {
    const bool is_high = how == Derivation::xcr0_high || how == Derivation::xss_high;
    const bool of_supervisor = how == Derivation::xss_low || how == Derivation::xss_high;
    if (!is_high && !of_supervisor && how != Derivation::xcr0_low) return ~std::uint64_t{0};
    std::uint64_t states = 0;
    for (const XsaveComponent& state : rulebook_->xsave) {
        const bool is_supervisor = state.state == XsaveState::supervisor;
        if (is_supervisor == of_supervisor) states |= std::uint64_t{1} << state.bit;
    }
    return is_high ? states >> 32 : states & 0xFFFFFFFFU;
}

}  // namespace poolcpuid::promises
