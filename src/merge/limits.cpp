#include "merge/limits.hpp"

#include <algorithm>
#include <functional>
#include <map>
#include <optional>
#include <utility>

#include "promises/seen_value.hpp"

namespace poolcpuid::merge {

namespace {

// How a variant limits something: not at all, by what is known of it, or by not being known.
enum class How : std::uint8_t { not_at_all, known, unknown };

template <typename HowOf>
Limiting limiting_where(const std::vector<Variant>& variants, const HowOf& how_of) {
    Limiting limiting;
    for (const Variant& variant : variants) {
        const How how = how_of(variant);
        if (how == How::known) limiting.known.insert(&variant);
        if (how == How::unknown) limiting.unknown.insert(&variant);
    }
    return limiting;
}

Limiting of_both(const Limiting& one, const Limiting& other) {
    Limiting both;
    for (const VariantSet* variants : {&one.known, &one.unknown}) {
        for (const Variant* variant : *variants) {
            const bool is_known = one.known.contains(variant) && other.known.contains(variant);
            if (other.contains(variant)) (is_known ? both.known : both.unknown).insert(variant);
        }
    }
    return both;
}

}  // namespace

Limits::Limits(const DecisionInputs& inputs)
    : in_(inputs), rules_(inputs.draft.rules()), rulebook_(inputs.draft.rules().rulebook()) {}

void Limiting::add(const Limiting& other) {
    known.insert(other.known.begin(), other.known.end());
    unknown.insert(other.unknown.begin(), other.unknown.end());
    std::erase_if(unknown, [&](const Variant* variant) { return known.contains(variant); });
}

Limiting Limits::of(FieldIndex index, std::uint32_t subleaf) const {
    Way way;
    return by_fate(index, subleaf, way);
}

// What its own gate needs goes with that gate, and the gate with it: where the way comes back, the one that the hosts
// do not all have began.
Limiting Limits::by_fate(FieldIndex index, std::uint32_t subleaf, Way& way) const {
    if (!way.visited.insert(index).second) {
        way.is_circle = way.is_circle || way.open.contains(index);
        return {};
    }
    const bool was_circle = std::exchange(way.is_circle, false);
    way.open.insert(index);
    Limiting found = by_cause(index, subleaf, way);
    if (found.empty() && way.is_circle) found = by_value(index, subleaf);
    way.open.erase(index);
    way.is_circle = way.is_circle || was_circle;
    return found;
}

Limiting Limits::by_cause(FieldIndex index, std::uint32_t subleaf, Way& way) const {
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
        return is_kept(*state) ? Limiting{} : of_state(*state, way);
    }
    const XsaveComponent* row = rules_.state_of_row(rulebook_[index], subleaf);
    if (row != nullptr && !is_kept(*row)) return of_state(*row, way);
    return by_value(index, subleaf);
}

Limiting Limits::of_all(std::span<const FieldIndex> fields, Way& way) const {
    Limiting all;
    for (const FieldIndex index : fields) all.add(by_fate(index, rulebook_[index].subleaf_first, way));
    return all;
}

// Of several alternatives those that no host has limit nobody, as long as there is another. Of the others, the hosts
// that took each of them: without these there would be one. A host took each by what is known of it where that is so of
// every one.
Limiting Limits::of_any(std::span<const FieldIndex> alternatives, Way& way) const {
    std::vector<FieldIndex> some;
    for (const FieldIndex index : alternatives) {
        const bool is_there = std::any_of(in_.variants.begin(), in_.variants.end(), [&](const Variant& variant) {
            return promises::brought_value(rules_, *variant.promises, index, rulebook_[index].subleaf_first).value != 0;
        });
        if (is_there) some.push_back(index);
    }
    Limiting any;
    std::optional<Limiting> of_each;
    for (const FieldIndex index : some.empty() ? alternatives : std::span<const FieldIndex>(some)) {
        Way own = way;  // what another alternative met counts for this one, too
        const Limiting found = by_fate(index, rulebook_[index].subleaf_first, own);
        way.is_circle = way.is_circle || own.is_circle;
        of_each = of_each ? of_both(*of_each, found) : found;
        any.add(found);
    }
    return of_each && !of_each->empty() ? *of_each : any;
}

// Hosts whose value of a field of the group is unknown, or not the usual one; where a model has its own values, those
// of another model than the guest's.
Limiting Limits::disagreeing(const EqualityGroup& group) const {
    Limiting all;
    if (group.of_model) {
        const std::uint32_t model = model_bits(in_.identity.promises->leaf1_eax);
        all.known = variants_where(
            in_.variants, [&](const Variant& variant) { return model_bits(variant.promises->leaf1_eax) != model; });
    }
    for (const FieldIndex index : group.fields) all.add(by_value(index, rulebook_[index].subleaf_first));
    return all;
}

// Hosts that demand of the duty's bits what others do not allow, and those that do not allow it. What a host does not
// say it may demand, and need not allow.
Limiting Limits::at_odds(FieldIndex index) const {
    const Field& duty = rulebook_[index];
    struct Side {
        std::uint64_t known = 0;
        std::uint64_t may_be = 0;
    };
    const auto value = [&](const Variant& variant, FieldIndex of) {
        return promises::brought_value(rules_, *variant.promises, of, duty.subleaf_first);
    };
    const auto demands = [&](const Variant& variant) {
        const promises::SeenValue seen = value(variant, index);
        return seen.known ? Side{seen.value, seen.value} : Side{0, duty.mask() >> duty.low};
    };
    const auto denies = [&](const Variant& variant) {
        std::uint64_t allowed = 0;
        std::uint64_t unknown = 0;
        for (const FieldIndex other : rules_.fields()) {
            const Field& field = rulebook_[other];
            if (promises::place_of(field, duty.subleaf_first) != promises::place_of(duty, duty.subleaf_first)) continue;
            const promises::SeenValue seen = value(variant, other);
            (seen.known ? allowed : unknown) |= seen.known ? seen.value << field.low : field.mask();
        }
        return Side{~(allowed | unknown) >> duty.allowed_by, ~allowed >> duty.allowed_by};
    };
    std::uint64_t demanded = 0;
    std::uint64_t denied = 0;
    for (const Variant& variant : in_.variants) {
        demanded |= demands(variant).may_be;
        denied |= denies(variant).may_be;
    }
    const std::uint64_t open = demanded & denied;
    return limiting_where(in_.variants, [&](const Variant& variant) {
        const Side demand = demands(variant);
        const Side denial = denies(variant);
        if (((demand.known | denial.known) & open) != 0) return How::known;
        return ((demand.may_be | denial.may_be) & open) != 0 ? How::unknown : How::not_at_all;
    });
}

const XsaveComponent* Limits::state_of(FieldIndex index, std::uint32_t subleaf) const {
    return rules_.lays_out_state(rulebook_[index]) ? rules_.state_of_row(rulebook_[index], subleaf) : nullptr;
}

bool Limits::is_kept(const XsaveComponent& component) const {
    return ((in_.draft.kept_components() >> component.bit) & 1U) != 0;
}

Limiting Limits::without_state(const XsaveComponent& component) const {
    return limiting_where(in_.variants, [&](const Variant& variant) {
        const promises::HostPromises& host = *variant.promises;
        if (host.atoms.components[component.bit].promised) return How::not_at_all;
        return ((host.components_unknown >> component.bit) & 1U) != 0 ? How::unknown : How::known;
    });
}

// Those that lay it out otherwise than the vendor's documents say or, where no host does it as documented,
// otherwise than the identity host.
VariantSet Limits::with_other_layout(const XsaveComponent& component) const {
    const auto atom = [&](const promises::HostPromises& host) { return host.atoms.components[component.bit]; };
    const auto any_host_has = [&](const promises::Component& layout) {
        return std::any_of(in_.variants.begin(), in_.variants.end(),
                           [&](const Variant& variant) { return atom(*variant.promises) == layout; });
    };
    promises::Component reference = atom(*in_.identity.promises);
    for (const XsaveLayout& layout : component.layouts) {
        const bool of_vendor = ((layout.vendors >> rules_.vendor()) & 1U) != 0;
        const promises::Component documented{true, layout.size, layout.offset, layout.align64};
        if (of_vendor && any_host_has(documented)) reference = documented;
    }
    return variants_where(in_.variants, [&](const Variant& variant) { return atom(*variant.promises) != reference; });
}

// The hosts that keep a state out of the policy: those without it or (when all have it) with another
// layout, of a state with which it stands or falls, or of the features for which it is there.
Limiting Limits::of_state(const XsaveComponent& component, Way& way) const {
    std::vector<const XsaveComponent*> candidates{&component};
    for (const XsaveComponent& other : rulebook_.xsave) {
        const bool together = ((component.together >> other.bit) & 1U) != 0;
        if (together && other.bit != component.bit && !is_kept(other)) candidates.push_back(&other);
    }
    for (const XsaveComponent* candidate : candidates) {
        Limiting found = without_state(*candidate);
        if (found.empty()) found.known = with_other_layout(*candidate);
        if (!found.empty()) return found;
    }
    return of_all(component.features, way);
}

Cause Limits::cause_of(const XsaveComponent& component) const {
    if (is_kept(component)) return Cause::hosts;
    const Limiting without = without_state(component);
    const auto is_uneven = [&](const Variant* variant) {
        return ((variant->promises->uneven_layouts >> component.bit) & 1U) != 0;
    };
    for (const VariantSet* variants : {&without.known, &without.unknown}) {
        if (!std::all_of(variants->begin(), variants->end(), is_uneven)) return Cause::hosts;
    }
    if (!without.empty()) return Cause::layout;
    if (!with_other_layout(component).empty()) return Cause::layout;
    const bool has_feature = std::any_of(component.features.begin(), component.features.end(),
                                         [&](FieldIndex index) { return in_.draft.present(index); });
    return has_feature ? Cause::xsave_state : Cause::dependency;
}

// Of whom nothing is known limits whatever the rule, but for a rule that no host limits.
Limiting Limits::by_value(FieldIndex index, std::uint32_t subleaf) const {
    if (index == rules_.microcode()) return of_microcode();
    if (rules_.retpoline_of(index) != nullptr) return with_bad_news(index);
    const IsLimiting is_limiting = limiting_value(index, subleaf);
    if (!is_limiting) return {};
    return limiting_where(in_.variants, [&](const Variant& variant) {
        const promises::SeenValue seen = promises::brought_value(rules_, *variant.promises, index, subleaf);
        if (!seen.known) return How::unknown;
        return is_limiting(seen.value) ? How::known : How::not_at_all;
    });
}

Limits::Brought Limits::gather(FieldIndex index, std::uint32_t subleaf) const {
    const Field& field = rulebook_[index];
    Brought brought;
    for (const Variant& variant : in_.variants) {
        const promises::SeenValue seen = promises::brought_value(rules_, *variant.promises, index, subleaf);
        brought.any_silent = brought.any_silent || !seen.known;
        if (!seen.known) continue;
        brought.any |= promises::with_covered(field, seen.value << field.low) >> field.low;
        brought.all &= seen.value;
        brought.least = std::min(brought.least, seen.value);
        brought.most = std::max(brought.most, seen.value);
    }
    return brought;
}

// Which of the known values limit the field, by its rule; nothing for a rule that no host limits.
Limits::IsLimiting Limits::limiting_value(FieldIndex index, std::uint32_t subleaf) const {
    const Field& field = rulebook_[index];
    const Brought brought = gather(index, subleaf);
    switch (field.rule) {
        case Rule::intersect:
            return [&field, any = brought.any](std::uint64_t value) {
                return any == 0 || (any & ~(promises::with_covered(field, value << field.low) >> field.low)) != 0;
            };
        case Rule::union_:
        case Rule::guarded: {
            // The bits that not all hosts have or, when all have the same, every host.
            const std::uint64_t uneven = brought.any & ~brought.all;
            return [deciding = uneven != 0 ? uneven : brought.any](std::uint64_t value) {
                return (value & deciding) != 0;
            };
        }
        case Rule::min:
        case Rule::max: return limiting_number(index, subleaf, brought);
        case Rule::equal: return [usual = usual_value(index, subleaf)](std::uint64_t value) { return value != usual; };
        case Rule::group: return [any = brought.any](std::uint64_t value) { return (any & ~value) != 0; };
        default: return {};
    }
}

// What was assumed of a host that does not say it may be beyond what the others have: then it decides alone. A 0 that
// stands for another field's value says nothing of its own.
Limits::IsLimiting Limits::limiting_number(FieldIndex index, std::uint32_t subleaf, const Brought& brought) const {
    const Field& field = rulebook_[index];
    const std::uint64_t value = value_in(in_.rows, field, subleaf);
    const bool is_of_other = value == 0 && field.zero_means_field != no_field;
    const bool is_min = field.rule == Rule::min;
    const bool is_beyond = is_min ? value < brought.least : value > brought.most;
    const bool is_assumed = brought.any_silent && !is_of_other && is_beyond;
    if (is_assumed || brought.least == brought.most) return [](std::uint64_t) { return false; };
    return [limit = is_min ? brought.least : brought.most](std::uint64_t seen) { return seen == limit; };
}

// The value that most hosts have; of several the one that the identity host has, else the least.
std::uint64_t Limits::usual_value(FieldIndex index, std::uint32_t subleaf) const {
    std::map<std::uint64_t, std::size_t> hosts;
    for (const Variant& variant : in_.variants) {
        const promises::SeenValue seen = promises::brought_value(rules_, *variant.promises, index, subleaf);
        if (seen.known) hosts[seen.value] += variant.hosts.count;
    }
    const promises::SeenValue identity = promises::brought_value(rules_, *in_.identity.promises, index, subleaf);
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
Limiting Limits::of_microcode() const {
    const std::uint32_t signature = in_.identity.promises->leaf1_eax;
    const promises::Number oldest = in_.draft.atoms().microcode.at(signature);
    return limiting_where(in_.variants, [&](const Variant& variant) {
        const auto& revisions = variant.promises->atoms.microcode;
        const auto at = revisions.find(signature);
        if (at == revisions.end() || at->second != oldest) return How::not_at_all;
        return at->second.known ? How::known : How::unknown;
    });
}

// The hosts that are not known to keep RET to its own predictor, under whichever name they say so.
Limiting Limits::with_bad_news(FieldIndex index) const {
    const Field& field = rulebook_[index];
    const std::size_t word = *rules_.find_word(index, field.subleaf_first);
    return limiting_where(in_.variants, [&](const Variant& variant) {
        const promises::HostPromises& host = *variant.promises;
        if ((host.atoms.words[word] & field.mask()) != 0) return How::not_at_all;
        return (host.unknown[word] & field.mask()) != 0 ? How::unknown : How::known;
    });
}

}  // namespace poolcpuid::merge
