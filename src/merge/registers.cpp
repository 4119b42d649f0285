#include "merge/registers.hpp"

#include <algorithm>

namespace poolcpuid::merge {

namespace {

class Renderer {
public:
    explicit Renderer(const Draft& draft) : draft_(draft), rules_(draft.rules()), rulebook_(draft.rules().rulebook()) {}

    Rows run() {
        put_plain_fields();
        put_components();
        put_derived(Derived::values);
        put_derived(Derived::maxima);
        std::erase_if(cpuid_, [](const auto& row) { return row.second.all_zero(); });
        std::erase_if(rows_.msrs, [](const auto& row) { return row.second == 0; });
        put_counted_bits();
        return std::move(rows_);
    }

private:
    void put(const Field& field, std::uint32_t subleaf, std::uint64_t value) {
        if (value == 0) return;
        const std::uint64_t bits = (value << field.low) & field.mask();
        if (field.is_msr) {
            rows_.msrs[field.leaf] |= bits;
        } else {
            cpuid_[{field.leaf, subleaf}][field.reg] |= static_cast<std::uint32_t>(bits);
        }
    }

    void put_plain_fields() {
        for (const FieldIndex index : rules_.fields()) {
            const Field& field = rulebook_[index];
            if (field.rule == Rule::derive || field.rule == Rule::owned || field.rule == Rule::hide) continue;
            for (std::uint32_t subleaf = field.subleaf_first; subleaf <= field.subleaf_last; ++subleaf) {
                put(field, subleaf, draft_.value(index, subleaf));
            }
        }
    }

    // Where the guest is told that an MSR of bits is there, and another that counts them, both are, be they 0.
    void put_counted_bits() {
        for (const FieldIndex index : rules_.fields()) {
            const Field& field = rulebook_[index];
            if (!field.is_msr || field.length_from == no_field) continue;
            const Field& length = rulebook_[field.length_from];
            if (!length.is_msr || length.gate == no_field || !draft_.present(length.gate)) continue;
            rows_.msrs.try_emplace(field.leaf);
            rows_.msrs.try_emplace(length.leaf);
        }
    }

    // The rows of components that went are zero, whatever field has bits there.
    void put_components() {
        if (!rules_.xsave_leaf()) return;
        std::erase_if(
            cpuid_, [&](const auto& row) { return row.first.leaf == *rules_.xsave_leaf() && row.first.subleaf >= 2; });
        for (const XsaveComponent& component : rulebook_.xsave) {
            if (component.state == XsaveState::legacy || !keeps(component)) continue;
            const promises::Component& atom = draft_.atoms().components[component.bit];
            const std::uint32_t supervisor = component.state == XsaveState::supervisor ? 1 : 0;
            const std::uint32_t flags = supervisor | (atom.align64 ? 2U : 0U);
            cpuid_[{*rules_.xsave_leaf(), component.bit}] = {atom.size, atom.offset, flags, 0};
        }
        put_component_flags();
    }

    // Promises about a component (XFD) that stand in its row.
    void put_component_flags() {
        for (const FieldIndex index : rules_.fields()) {
            const Field& field = rulebook_[index];
            if (field.is_msr || field.leaf != *rules_.xsave_leaf() || !promises::promises_by_bits(field.rule)) continue;
            for (std::uint32_t subleaf = std::max(field.subleaf_first, 2U); subleaf <= field.subleaf_last; ++subleaf) {
                if (cpuid_.contains({field.leaf, subleaf})) put(field, subleaf, draft_.value(index, subleaf));
            }
        }
    }

    bool keeps(const XsaveComponent& component) const {
        return ((draft_.kept_components() >> component.bit) & 1U) != 0;
    }

    std::uint64_t mask_of(bool supervisor) const {
        std::uint64_t mask = 0;
        for (const XsaveComponent& component : rulebook_.xsave) {
            if ((component.state == XsaveState::supervisor) == supervisor && keeps(component)) {
                mask |= std::uint64_t{1} << component.bit;
            }
        }
        return mask;
    }

    // The standard-format area with every user component (SDM vol. 1, 13.4.3).
    std::uint32_t xsave_size() const {
        std::uint32_t size = rulebook_.xsave_legacy_size;
        for (const XsaveComponent& component : rulebook_.xsave) {
            if (component.state != XsaveState::user || !keeps(component)) continue;
            const promises::Component& atom = draft_.atoms().components[component.bit];
            size = std::max(size, atom.offset + atom.size);
        }
        return size;
    }

    // The maximum leaves come after all other derived fields: they depend on what those put.
    enum class Derived : std::uint8_t { values, maxima };

    void put_derived(Derived which) {
        for (const FieldIndex index : rules_.fields()) {
            const Field& field = rulebook_[index];
            const bool is_maximum =
                field.derive.how == Derivation::max_leaf || field.derive.how == Derivation::max_subleaf;
            if (field.rule != Rule::derive || draft_.is_out(index) || is_maximum != (which == Derived::maxima))
                continue;
            put(field, field.subleaf_first, derived(field));
        }
    }

    std::uint64_t derived(const Field& field) {
        const Derive& derive = field.derive;
        switch (derive.how) {
            case Derivation::xcr0_low: return static_cast<std::uint32_t>(mask_of(false));
            case Derivation::xcr0_high: return static_cast<std::uint32_t>(mask_of(false) >> 32);
            case Derivation::xss_low: return static_cast<std::uint32_t>(mask_of(true));
            case Derivation::xss_high: return static_cast<std::uint32_t>(mask_of(true) >> 32);
            case Derivation::xsave_size: return xsave_size();
            case Derivation::select: return draft_.present(derive.condition) ? derive.then_value : derive.else_value;
            case Derivation::constant: return derive.then_value;
            case Derivation::copy_bits: return (register_of(derive.from, derive.reg) & field.mask()) >> field.low;
            case Derivation::max_leaf: return max_leaf(field);
            case Derivation::max_subleaf: return max_subleaf(field);
            case Derivation::msr_offered: return msr_of(derive.msr) != 0 ? 1 : 0;
            case Derivation::vmx_default1: return with_default1(field);
            case Derivation::vmx_cr4_fixed1: return bits_of_features(derive);
            case Derivation::vmx_vmcs_enum: return first_choice(derive);
            case Derivation::none: break;
        }
        return 0;
    }

    std::uint32_t register_of(LeafKey key, Register reg) const {
        const auto row = cpuid_.find(key);
        return row == cpuid_.end() ? 0 : row->second[reg];
    }

    std::uint64_t msr_of(std::uint32_t index) const {
        const auto row = rows_.msrs.find(index);
        return row == rows_.msrs.end() ? 0 : row->second;
    }

    // The half of a TRUE control MSR that this field is of; nothing where that MSR is not offered.
    std::uint64_t with_default1(const Field& field) const {
        const std::uint64_t source = msr_of(field.derive.msr);
        if (source == 0) return 0;
        return ((source & field.mask()) >> field.low) | field.derive.default1;
    }

    std::uint64_t bits_of_features(const Derive& derive) const {
        std::uint64_t value = 0;
        for (const BitSource& source : derive.bits) {
            if (source.field == no_field || draft_.present(source.field)) value |= std::uint64_t{1} << source.bit;
        }
        return value;
    }

    std::uint64_t first_choice(const Derive& derive) const {
        for (const Choice& choice : derive.choices) {
            if (draft_.present(choice.condition)) return choice.value;
        }
        return derive.else_value;
    }

    // Leaves that must be in range though all their bits are owned: a kept feature needs them.
    bool pins_leaf(FieldIndex index) const {
        const Field& field = rulebook_[index];
        return !field.is_msr && field.rule == Rule::owned && field.gate != no_field && draft_.present(field.gate);
    }

    std::uint32_t max_leaf(const Field& field) const {
        std::uint32_t highest = 0;
        const auto consider = [&](std::uint32_t leaf) {
            if (range_of(leaf) == range_of(field.leaf)) highest = std::max(highest, leaf);
        };
        for (const auto& [key, value] : cpuid_) {
            if (!value.all_zero()) consider(key.leaf);
        }
        for (const FieldIndex index : rules_.fields()) {
            if (pins_leaf(index)) consider(rulebook_[index].leaf);
        }
        return highest;
    }

    std::uint32_t max_subleaf(const Field& field) const {
        std::uint32_t highest = 0;
        for (const auto& [key, value] : cpuid_) {
            if (key.leaf == field.leaf && !value.all_zero()) highest = std::max(highest, key.subleaf);
        }
        return highest;
    }

    const Draft& draft_;
    const promises::VendorRules& rules_;
    const Rulebook& rulebook_;
    Rows rows_;
    std::map<LeafKey, Registers>& cpuid_ = rows_.cpuid;
};

std::uint32_t highest_leaf(const Rows& rows, std::uint32_t range) {
    std::uint32_t highest = 0;
    for (const auto& [key, value] : rows.cpuid) {
        if (range_of(key.leaf) == range) highest = std::max(highest, key.leaf == range ? value.eax : key.leaf);
    }
    return highest;
}

}  // namespace

Rows render(const Draft& draft) { return Renderer(draft).run(); }

std::vector<BitPlace> owned_bits(const Draft& draft, const Rows& rows) {
    const promises::VendorRules& rules = draft.rules();
    std::vector<BitPlace> owned;
    for (const FieldIndex index : rules.fields()) {
        const Field& field = rules.rulebook()[index];
        if (field.is_msr || field.rule != Rule::owned || draft.is_out(index)) continue;
        const bool in_range =
            range_of(field.leaf) == hypervisor_range || field.leaf <= highest_leaf(rows, range_of(field.leaf));
        if (!in_range) continue;
        owned.push_back(field.place());
    }
    return owned;
}

void put_rows(const Rows& rows, PoolPolicy& policy) {
    for (const auto& [key, value] : rows.cpuid) policy.cpuid.push_back({key, value});
    for (const auto& [index, value] : rows.msrs) policy.msrs.push_back({index, value});
}

std::uint64_t bits_in(const Rows& rows, const promises::RegisterPlace& place) {
    if (place.is_msr) {
        const auto row = rows.msrs.find(place.key.leaf);
        return row == rows.msrs.end() ? 0 : row->second;
    }
    const auto row = rows.cpuid.find(place.key);
    return row == rows.cpuid.end() ? 0 : row->second[place.reg];
}

std::uint64_t value_in(const Rows& rows, const Field& field, std::uint32_t subleaf) {
    return (bits_in(rows, promises::place_of(field, subleaf)) & field.mask()) >> field.low;
}

}  // namespace poolcpuid::merge
