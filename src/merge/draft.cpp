#include "merge/draft.hpp"

#include <algorithm>
#include <span>
#include <utility>

#include "promises/table_values.hpp"

namespace poolcpuid::merge {

Draft::Draft(const promises::VendorRules& rules, promises::Atoms atoms, const CpuidTable& identity)
    : rules_(&rules),
      rulebook_(&rules.rulebook()),
      atoms_(std::move(atoms)),
      identity_(&identity),
      fates_(rules.rulebook().fields.size()) {}

// The pool's bits; bad news of a group goes by the name that enhanced IBRS gives it, so that the two
// are never shown together and losing IBRS turns the one into the other.
std::uint64_t Draft::bits(FieldIndex index, std::uint32_t subleaf) const {
    const Field& field = (*rulebook_)[index];
    const auto word = rules_->find_word(index, subleaf);
    if (!word) return 0;
    if (const RetpolineBits* group = rules_->retpoline_of(index)) {
        if (present(group->eibrs) != (index == group->rrsba)) return 0;
    }
    const std::uint64_t value = rules_->words()[*word].value_of(atoms_.words[*word]) & field.mask();
    return (promises::without_covered(field, value) >> field.low) & within_length(field);
}

// What the length does not reach is reserved: it is not there whatever the bits say, and VMMs have them clear.
std::uint64_t Draft::within_length(const Field& field) const {
    if (field.length_from == no_field) return ~std::uint64_t{0};
    return bits_below(value(field.length_from, (*rulebook_)[field.length_from].subleaf_first));
}

std::uint64_t Draft::value(FieldIndex index, std::uint32_t subleaf) const {
    const Field& field = (*rulebook_)[index];
    if (!rules_->applies(field) || is_out(index)) return 0;
    if (promises::promises_by_bits(field.rule)) return bits(index, subleaf);
    if (index == rules_->microcode()) return microcode();
    if (promises::promises_by_number(field.rule)) {
        const auto slot = rules_->find_number(index, subleaf);
        if (!slot) return 0;
        // An obligation that one host does not state could be any: only the largest is sure to hold.
        if (!atoms_.numbers[*slot].known) return field.rule == Rule::max ? field.mask() >> field.low : 0;
        const std::uint64_t number = atoms_.numbers[*slot].value;
        // 0 says "as the other field": the plainest way to say it when they agree, and no number goes beyond it.
        const bool as_other = field.zero_means_field != no_field && number >= value(field.zero_means_field, subleaf);
        return as_other ? 0 : number;
    }
    if (field.rule == Rule::identity) {
        const auto set = overrides_.find(index);
        if (set != overrides_.end()) return set->second;
        return field.is_msr ? 0 : promises::field_value(*identity_, field, subleaf).value_or(0);
    }
    return 0;
}

// The oldest of the hosts that have the policy's family, model and stepping.
std::uint64_t Draft::microcode() const {
    const auto eax = promises::register_value(*identity_, signature_key, Register::eax);
    const auto at = atoms_.microcode.find(signature_bits(eax.value_or(0)));
    return at == atoms_.microcode.end() || !at->second.known ? 0 : at->second.value;
}

bool Draft::present(FieldIndex field) const { return value(field, (*rulebook_)[field].subleaf_first) != 0; }

void Draft::take_out(FieldIndex field, Fate fate) {
    if (!is_out(field)) fates_[field] = fate;
}

void Draft::bound(FieldIndex index, std::uint64_t most, Fate fate) {
    const auto slot = rules_->find_number(index, (*rulebook_)[index].subleaf_first);
    if (!slot || is_out(index) || !atoms_.numbers[*slot].known || atoms_.numbers[*slot].value <= most) return;
    atoms_.numbers[*slot].value = most;
    fates_[index] = fate;
    fates_[index].is_bound = true;
}

bool Draft::promises_nothing(FieldIndex index) const {
    const Field& field = (*rulebook_)[index];
    for (std::uint32_t subleaf = field.subleaf_first; subleaf <= field.subleaf_last; ++subleaf) {
        const auto word = rules_->find_word(index, subleaf);
        if (word && (atoms_.words[*word] & field.mask()) != 0) return false;
    }
    return true;
}

void Draft::weaken(FieldIndex index, Fate fate) {
    const RetpolineBits* group = rules_->is_inverted(index) ? rules_->retpoline_of(index) : nullptr;
    const std::vector<FieldIndex> members =
        group == nullptr ? std::vector{index} : std::vector{group->rsba, group->rrsba};
    const auto is_weakest = [&](FieldIndex member) { return !is_out(member) && promises_nothing(member); };
    if (std::all_of(members.begin(), members.end(), is_weakest)) {
        for (const FieldIndex member : members) idle_options_[member] = fate.cause;
        return;
    }
    if (!rules_->is_inverted(index)) return take_out(index, fate);
    for (const FieldIndex member : members) {
        const Field& field = (*rulebook_)[member];
        for (std::uint32_t subleaf = field.subleaf_first; subleaf <= field.subleaf_last; ++subleaf) {
            if (const auto word = rules_->find_word(member, subleaf)) atoms_.words[*word] &= ~field.mask();
        }
        fates_[member] = fate;
    }
}

// The promises count, and not what is shown: how much of the bits is shown may depend on what is set next.
bool Draft::has_value(FieldIndex index, std::uint64_t value) const {
    const Field& field = (*rulebook_)[index];
    if (is_out(index)) return false;
    const auto word = rules_->find_word(index, field.subleaf_first);
    if (!word) return this->value(index, field.subleaf_first) == value;
    const std::uint64_t promises = rules_->words()[*word].promises_of(value << field.low);
    return ((atoms_.words[*word] ^ promises) & field.mask()) == 0;
}

void Draft::set(FieldIndex index, std::uint64_t value) {
    const Field& field = (*rulebook_)[index];
    if (has_value(index, value)) {
        idle_options_[index] = Cause::set;
        return;
    }
    fates_[index] = {Cause::set, 0};
    if (field.rule == Rule::identity) {
        overrides_[index] = value;
        return;
    }
    if (const auto word = rules_->find_word(index, field.subleaf_first)) {
        const std::uint64_t promises = rules_->words()[*word].promises_of(value << field.low) & field.mask();
        atoms_.words[*word] = (atoms_.words[*word] & ~field.mask()) | promises;
    }
    if (const auto slot = rules_->find_number(index, field.subleaf_first)) atoms_.numbers[*slot] = {true, value};
}

void Draft::close(const MayHave& may_have) {
    apply_equality();
    for (bool changed = true; changed;) {
        changed = apply_dependencies(may_have);
        changed = apply_components() || changed;
        changed = apply_gates() || changed;
        changed = apply_duties() || changed;
    }
}

// Formats that nothing uses: on which hosts need not agree, and which their gate takes out. What disagrees
// may take the gate of another one with it, so this is asked first.
std::set<FieldIndex> Draft::unused_formats() const {
    std::set<FieldIndex> unused;
    for (const EqualityGroup& group : rulebook_->equality) {
        for (const FieldIndex index : group.fields) {
            const FieldIndex gate = (*rulebook_)[index].gate;
            if (gate != no_field && !present(gate)) unused.insert(index);
        }
    }
    return unused;
}

bool Draft::apply_equality() {
    const std::set<FieldIndex> unused = unused_formats();
    bool changed = false;
    for (std::size_t i = 0; i < rulebook_->equality.size(); ++i) {
        const EqualityGroup& group = rulebook_->equality[i];
        const bool on_one_model = !group.of_model || atoms_.is_of_one_model();
        const bool agree = on_one_model && std::all_of(group.fields.begin(), group.fields.end(), [&](FieldIndex index) {
                               const auto slot = rules_->find_number(index, (*rulebook_)[index].subleaf_first);
                               return !slot || is_out(index) || atoms_.numbers[*slot].known;
                           });
        if (agree) continue;
        for (const FieldIndex index : group.fields) {
            if (unused.contains(index)) continue;
            changed = changed || present(index);
            take_out(index, {Cause::equality, i});
        }
        for (const FieldIndex index : group.drop) {
            if (!present(index)) continue;
            changed = true;
            take_out(index, {Cause::equality, i});
        }
    }
    return changed;
}

bool Draft::apply_dependencies(const MayHave& may_have) {
    bool changed = false;
    for (std::size_t i = 0; i < rulebook_->dependencies.size(); ++i) {
        const Dependency& dependency = rulebook_->dependencies[i];
        if ((dependency.vendors >> rules_->vendor() & 1U) == 0) continue;
        // A prerequisite that this vendor does not have is absent, like any other.
        const auto is_present = [&](FieldIndex index) { return present(index); };
        const auto& needed = dependency.prerequisites;
        if (std::any_of(needed.begin(), needed.end(), is_present)) continue;
        if (dependency.where_had && std::none_of(needed.begin(), needed.end(), may_have)) continue;
        for (const FieldIndex index : dependency.dependents) {
            const bool is_filled_in = (*rulebook_)[index].rule == Rule::owned && !is_out(index);
            if (!present(index) && !is_filled_in) continue;
            take_out(index, {Cause::dependency, i});
            changed = true;
        }
    }
    return changed;
}

bool Draft::any_feature(const XsaveComponent& component) const {
    return std::any_of(component.features.begin(), component.features.end(),
                       [&](FieldIndex index) { return present(index); });
}

// A component stays when every host promises it, a feature that uses it stays, and so do the
// components with which it stands or falls; a feature stays only with its component. Legacy state
// (x87, SSE) is there without XSAVE, so it takes no feature along, but XSAVE itself: what sets XCR0 counts on both
// (SDM vol. 1, 13.3; Linux, fpu__init_system_xstate, has none of XSAVE without them).
bool Draft::apply_components() {
    std::uint64_t kept = 0;
    for (const XsaveComponent& component : rulebook_->xsave) {
        if (atoms_.components[component.bit].promised && any_feature(component))
            kept |= std::uint64_t{1} << component.bit;
    }
    for (bool changed = true; changed;) {
        changed = false;
        for (const XsaveComponent& component : rulebook_->xsave) {
            const std::uint64_t bit = std::uint64_t{1} << component.bit;
            if ((kept & bit) == 0 || (kept & component.together) == component.together) continue;
            kept &= ~bit;
            changed = true;
        }
    }
    kept_ = kept;

    bool changed = false;
    const FieldIndex gate = rules_->xsave_gate();
    for (std::size_t i = 0; i < rulebook_->xsave.size(); ++i) {
        const XsaveComponent& component = rulebook_->xsave[i];
        if (((kept >> component.bit) & 1U) != 0) continue;
        const std::span<const FieldIndex> features = component.features;
        for (const FieldIndex index : component.state == XsaveState::legacy ? std::span(&gate, 1) : features) {
            if (index == no_field || !present(index)) continue;
            take_out(index, {Cause::xsave_state, i});
            changed = true;
        }
    }
    return changed;
}

bool Draft::apply_gates() {
    bool changed = false;
    for (const FieldIndex index : rules_->fields()) {
        const Field& field = (*rulebook_)[index];
        if (field.gate == no_field || is_out(index) || present(field.gate)) continue;
        changed = changed || present(index);
        take_out(index, {Cause::gate, field.gate});
    }
    return changed;
}

// The fields of the field's register together, in its first subleaf.
std::uint64_t Draft::register_of(const Field& field) const {
    const auto place = promises::place_of(field, field.subleaf_first);
    std::uint64_t bits = 0;
    for (const FieldIndex index : rules_->fields()) {
        const Field& other = (*rulebook_)[index];
        if (promises::place_of(other, field.subleaf_first) != place || !other.is_in_subleaf(field.subleaf_first))
            continue;
        bits |= value(index, field.subleaf_first) << other.low;
    }
    return bits;
}

// What must be 1 on one host may have to be 0 on another: then no setting is valid on both, and what has it goes.
bool Draft::apply_duties() {
    bool changed = false;
    for (const FieldIndex index : rules_->fields()) {
        const Field& field = (*rulebook_)[index];
        if (field.allowed_by == 0 || !present(index) || !present(field.gate)) continue;
        if ((value(index, field.subleaf_first) & ~(register_of(field) >> field.allowed_by)) == 0) continue;
        take_out(field.gate, {Cause::duty, index});
        changed = true;
    }
    return changed;
}

}  // namespace poolcpuid::merge
