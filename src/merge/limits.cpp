#include "merge/limits.hpp"

#include <algorithm>
#include <functional>
#include <map>
#include <optional>
#include <utility>

namespace poolcpuid::merge {

Limits::Limits(const DecisionInputs& inputs)
    : in_(inputs), plan_(inputs.draft.plan()), rulebook_(inputs.draft.plan().rulebook()) {}

HostList Limits::hosts(FieldIndex index, std::uint32_t subleaf) const {
    if (rulebook_[index].rule == Rule::identity && !in_.draft.is_out(index)) return in_.identity.hosts;
    Way way;
    return hosts_of(by_fate(index, subleaf, way), in_.most_names);
}

// What its own gate needs goes with that gate, and the gate with it: where the way comes back, the one that the hosts
// do not all have began.
VariantSet Limits::by_fate(FieldIndex index, std::uint32_t subleaf, Way& way) const {
    if (!way.visited.insert(index).second) {
        way.is_circle = way.is_circle || way.open.contains(index);
        return {};
    }
    const bool was_circle = std::exchange(way.is_circle, false);
    way.open.insert(index);
    VariantSet found = by_cause(index, subleaf, way);
    if (found.empty() && way.is_circle) found = by_value(index, subleaf);
    way.open.erase(index);
    way.is_circle = way.is_circle || was_circle;
    return found;
}

VariantSet Limits::by_cause(FieldIndex index, std::uint32_t subleaf, Way& way) const {
    const Fate fate = in_.draft.fate(index);
    switch (fate.cause) {
        case Cause::dependency: return of_any(rulebook_.dependencies[fate.detail].prerequisites, way);
        case Cause::gate: return of_all({&rulebook_[index].gate, 1}, way);
        case Cause::equality: return disagreeing(rulebook_.equality[fate.detail]);
        case Cause::duty: return at_odds(static_cast<FieldIndex>(fate.detail));
        case Cause::xsave_state: return of_state(rulebook_.xsave[fate.detail], way);
        case Cause::not_asked:
        case Cause::ceiling:
        case Cause::hidden:
        case Cause::set: return {};
        default: break;
    }
    if (const XsaveComponent* state = state_of(index, subleaf)) {
        return is_kept(*state) ? VariantSet{} : of_state(*state, way);
    }
    const XsaveComponent* row = state_of_row(index, subleaf);
    if (row != nullptr && !is_kept(*row)) return of_state(*row, way);
    return by_value(index, subleaf);
}

VariantSet Limits::of_all(std::span<const FieldIndex> fields, Way& way) const {
    VariantSet all;
    for (const FieldIndex index : fields) all.merge(by_fate(index, rulebook_[index].subleaf_first, way));
    return all;
}

// Of several alternatives those that no host has limit nobody, as long as there is another. Of the others, the hosts
// that took each of them: without these there would be one.
VariantSet Limits::of_any(std::span<const FieldIndex> alternatives, Way& way) const {
    std::vector<FieldIndex> some;
    for (const FieldIndex index : alternatives) {
        const bool is_there = std::any_of(in_.variants.begin(), in_.variants.end(), [&](const Variant& variant) {
            return brought_value(plan_, *variant.promises, index, rulebook_[index].subleaf_first).value != 0;
        });
        if (is_there) some.push_back(index);
    }
    VariantSet any;
    std::optional<VariantSet> of_each;
    for (const FieldIndex index : some.empty() ? alternatives : std::span<const FieldIndex>(some)) {
        Way own = way;  // what another alternative met counts for this one, too
        const VariantSet found = by_fate(index, rulebook_[index].subleaf_first, own);
        way.is_circle = way.is_circle || own.is_circle;
        if (!of_each) of_each = found;
        std::erase_if(*of_each, [&](const Variant* variant) { return !found.contains(variant); });
        any.insert(found.begin(), found.end());
    }
    return of_each && !of_each->empty() ? *of_each : any;
}

// Hosts whose value of a field of the group is unknown, or not the usual one; where a model has its own values, those
// of another model than the guest's.
VariantSet Limits::disagreeing(const EqualityGroup& group) const {
    VariantSet all;
    if (group.of_model) {
        const std::uint32_t model = model_bits(in_.identity.promises->leaf1_eax);
        all = variants_where(in_.variants,
                             [&](const Variant& variant) { return model_bits(variant.promises->leaf1_eax) != model; });
    }
    for (const FieldIndex index : group.fields) all.merge(by_value(index, rulebook_[index].subleaf_first));
    return all;
}

// Hosts that demand of the duty's bits what others do not allow, and those that do not allow it.
VariantSet Limits::at_odds(FieldIndex index) const {
    const Field& duty = rulebook_[index];
    const auto value = [&](const Variant& variant, FieldIndex of) {
        return brought_value(plan_, *variant.promises, of, duty.subleaf_first);
    };
    const auto demands = [&](const Variant& variant) {
        const SeenValue seen = value(variant, index);
        return seen.known ? seen.value : duty.mask() >> duty.low;
    };
    const auto allows = [&](const Variant& variant) {
        std::uint64_t bits = 0;
        for (const FieldIndex other : plan_.fields()) {
            const Field& field = rulebook_[other];
            if (place_of(field, duty.subleaf_first) != place_of(duty, duty.subleaf_first)) continue;
            const SeenValue seen = value(variant, other);
            if (seen.known) bits |= seen.value << field.low;
        }
        return bits >> duty.allowed_by;
    };
    std::uint64_t demanded = 0;
    std::uint64_t allowed = ~std::uint64_t{0};
    for (const Variant& variant : in_.variants) {
        demanded |= demands(variant);
        allowed &= allows(variant);
    }
    const std::uint64_t open = demanded & ~allowed;
    return variants_where(in_.variants, [&](const Variant& variant) {
        return (demands(variant) & open) != 0 || (~allows(variant) & open) != 0;
    });
}

const XsaveComponent* Limits::state_of(FieldIndex index, std::uint32_t subleaf) const {
    return plan_.lays_out_state(rulebook_[index]) ? state_of_row(index, subleaf) : nullptr;
}

const XsaveComponent* Limits::state_of_row(FieldIndex index, std::uint32_t subleaf) const {
    constexpr std::uint32_t first_row = 2;  // those before it are about XSAVE itself (SDM vol. 1, 13.2)
    const Field& field = rulebook_[index];
    if (field.is_msr || field.leaf != plan_.xsave_leaf() || subleaf < first_row) return nullptr;
    const auto at = std::find_if(rulebook_.xsave.begin(), rulebook_.xsave.end(),
                                 [&](const XsaveComponent& component) { return component.bit == subleaf; });
    return at == rulebook_.xsave.end() ? nullptr : &*at;
}

bool Limits::is_kept(const XsaveComponent& component) const {
    return ((in_.draft.kept_components() >> component.bit) & 1U) != 0;
}

VariantSet Limits::without_state(const XsaveComponent& component) const {
    return variants_where(in_.variants, [&](const Variant& variant) {
        return !variant.promises->atoms.components[component.bit].promised;
    });
}

// Those that lay it out otherwise than the vendor's documents say or, where no host does it as documented,
// otherwise than the identity host.
VariantSet Limits::with_other_layout(const XsaveComponent& component) const {
    const auto atom = [&](const HostPromises& host) { return host.atoms.components[component.bit]; };
    const auto any_host_has = [&](const Component& layout) {
        return std::any_of(in_.variants.begin(), in_.variants.end(),
                           [&](const Variant& variant) { return atom(*variant.promises) == layout; });
    };
    Component reference = atom(*in_.identity.promises);
    for (const XsaveLayout& layout : component.layouts) {
        const bool of_vendor = ((layout.vendors >> plan_.vendor()) & 1U) != 0;
        const Component documented{true, layout.size, layout.offset, layout.align64};
        if (of_vendor && any_host_has(documented)) reference = documented;
    }
    return variants_where(in_.variants, [&](const Variant& variant) { return atom(*variant.promises) != reference; });
}

// The hosts that keep a state out of the policy: those without it or (when all have it) with another
// layout, of a state with which it stands or falls, or of the features for which it is there.
VariantSet Limits::of_state(const XsaveComponent& component, Way& way) const {
    std::vector<const XsaveComponent*> candidates{&component};
    for (const XsaveComponent& other : rulebook_.xsave) {
        const bool together = ((component.together >> other.bit) & 1U) != 0;
        if (together && other.bit != component.bit && !is_kept(other)) candidates.push_back(&other);
    }
    for (const XsaveComponent* candidate : candidates) {
        VariantSet found = without_state(*candidate);
        if (found.empty()) found = with_other_layout(*candidate);
        if (!found.empty()) return found;
    }
    return of_all(component.features, way);
}

Cause Limits::cause_of(const XsaveComponent& component) const {
    if (is_kept(component)) return Cause::hosts;
    const VariantSet without = without_state(component);
    const auto is_uneven = [&](const Variant* variant) {
        return ((variant->promises->uneven_layouts >> component.bit) & 1U) != 0;
    };
    if (!std::all_of(without.begin(), without.end(), is_uneven)) return Cause::hosts;
    if (!without.empty()) return Cause::layout;
    if (!with_other_layout(component).empty()) return Cause::layout;
    const bool has_feature = std::any_of(component.features.begin(), component.features.end(),
                                         [&](FieldIndex index) { return in_.draft.present(index); });
    return has_feature ? Cause::xsave_state : Cause::dependency;
}

VariantSet Limits::by_value(FieldIndex index, std::uint32_t subleaf) const {
    if (index == plan_.microcode()) return of_microcode();
    const Field& field = rulebook_[index];
    const auto promised = [&](const SeenValue& seen) {
        return with_covered(field, seen.value << field.low) >> field.low;
    };
    const std::uint64_t value = value_in(in_.rows, field, subleaf);
    std::uint64_t any = 0;
    std::uint64_t all = ~std::uint64_t{0};
    std::uint64_t least = ~std::uint64_t{0};
    std::uint64_t most = 0;
    bool any_silent = false;
    for (const Variant& variant : in_.variants) {
        const SeenValue seen = brought_value(plan_, *variant.promises, index, subleaf);
        any_silent = any_silent || !seen.known;
        if (!seen.known) continue;
        any |= promised(seen);
        all &= seen.value;
        least = std::min(least, seen.value);
        most = std::max(most, seen.value);
    }
    const auto with = [&](const std::function<bool(const SeenValue&)>& which) {
        return variants_where(in_.variants, [&](const Variant& variant) {
            const SeenValue seen = brought_value(plan_, *variant.promises, index, subleaf);
            return !seen.known || which(seen);
        });
    };
    // A 0 that stands for another field's value says nothing of its own.
    const bool is_of_other = value == 0 && field.zero_means_field != no_field;
    const bool below = any_silent && !is_of_other && value < least;
    const bool above = any_silent && !is_of_other && value > most;
    switch (field.rule) {
        case Rule::intersect:
            return with([&](const SeenValue& seen) { return any == 0 || (any & ~promised(seen)) != 0; });
        case Rule::union_:
        case Rule::guarded: {
            // The bits that not all hosts have or, when all have the same, every host.
            const std::uint64_t deciding = (any & ~all) != 0 ? any & ~all : any;
            return with([&](const SeenValue& seen) { return (seen.value & deciding) != 0; });
        }
        // What was assumed of a host that does not say it may be beyond what the others have: then it decides alone.
        case Rule::min:
            return with([&](const SeenValue& seen) { return !below && least != most && seen.value == least; });
        case Rule::max:
            return with([&](const SeenValue& seen) { return !above && least != most && seen.value == most; });
        case Rule::equal: {
            const std::uint64_t reference = usual_value(index, subleaf);
            return with([&](const SeenValue& seen) { return seen.value != reference; });
        }
        case Rule::group:
            if (plan_.retpoline_of(index) != nullptr) return with_bad_news(index);
            return with([&](const SeenValue& seen) { return (any & ~seen.value) != 0; });
        default: return {};
    }
}

// The value that most hosts have; of several the one that the identity host has, else the least.
std::uint64_t Limits::usual_value(FieldIndex index, std::uint32_t subleaf) const {
    std::map<std::uint64_t, std::size_t> hosts;
    for (const Variant& variant : in_.variants) {
        const SeenValue seen = brought_value(plan_, *variant.promises, index, subleaf);
        if (seen.known) hosts[seen.value] += variant.hosts.count;
    }
    const SeenValue identity = brought_value(plan_, *in_.identity.promises, index, subleaf);
    std::uint64_t usual = identity.value;
    std::size_t most = identity.known ? hosts[identity.value] : 0;
    for (const auto& [value, count] : hosts) {
        if (count <= most) continue;
        usual = value;
        most = count;
    }
    return usual;
}

// The hosts with the policy's signature whose microcode is the oldest, or not known.
VariantSet Limits::of_microcode() const {
    const std::uint32_t signature = in_.identity.promises->leaf1_eax;
    const Number oldest = in_.draft.atoms().microcode.at(signature);
    return variants_where(in_.variants, [&](const Variant& variant) {
        const auto& revisions = variant.promises->atoms.microcode;
        const auto at = revisions.find(signature);
        return at != revisions.end() && at->second == oldest;
    });
}

// The hosts that are not known to keep RET to its own predictor, under whichever name they say so.
VariantSet Limits::with_bad_news(FieldIndex index) const {
    const Field& field = rulebook_[index];
    const std::size_t word = *plan_.find_word(index, field.subleaf_first);
    return variants_where(in_.variants, [&](const Variant& variant) {
        return (variant.promises->atoms.words[word] & field.mask()) == 0;
    });
}

}  // namespace poolcpuid::merge
