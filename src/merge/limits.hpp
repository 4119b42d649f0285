// Which hosts keep a field, or an XSAVE state, from a stronger value.
#pragma once

#include <cstdint>
#include <functional>
#include <set>
#include <span>

#include "merge/decisions.hpp"

namespace poolcpuid::merge {

// The variants that limit a field; none is in both sets.
struct Limiting {
    VariantSet known;    // by what is known of them
    VariantSet unknown;  // by not being known

    bool empty() const noexcept { return known.empty() && unknown.empty(); }
    bool contains(const Variant* variant) const { return known.contains(variant) || unknown.contains(variant); }

    // Adds what limits something else on which the field stands as well: of a variant that limits the one by what is
    // known of it, it does not matter that the other is not known.
    void add(const Limiting& other);
};

class Limits {
public:
    // inputs must outlive this.
    explicit Limits(const DecisionInputs& inputs);

    // Those that keep the field from a stronger value: that lack the bit, have the relaxed behaviour, or the limiting
    // number; for a field that closure took, those that limit what it stands on. None for what describes the host that
    // lends the identity. Linear in the variants, times what it stands on.
    Limiting of(FieldIndex field, std::uint32_t subleaf) const;

    // The XSAVE state that a field lays out; nullptr for all other fields.
    const XsaveComponent* state_of(FieldIndex field, std::uint32_t subleaf) const;

    bool is_kept(const XsaveComponent& component) const;

    // What keeps a state out of the policy: hosts that lack it or lay it out differently, another state
    // (xsave_state) or that no feature needs it (dependency).
    Cause cause_of(const XsaveComponent& component) const;

private:
    // The way from a field along what took it.
    struct Way {
        std::set<FieldIndex> visited;
        std::set<FieldIndex> open;  // of these what is not yet answered
        bool is_circle = false;     // it came back to one that is open
    };

    // What the variants bring of a field, as far as it is known.
    struct Brought {
        std::uint64_t any = 0;  // bits, with those that they cover
        std::uint64_t all = ~std::uint64_t{0};
        std::uint64_t least = ~std::uint64_t{0};
        std::uint64_t most = 0;
        bool any_silent = false;
    };
    using IsLimiting = std::function<bool(std::uint64_t)>;

    Limiting by_fate(FieldIndex field, std::uint32_t subleaf, Way& way) const;
    Limiting by_cause(FieldIndex field, std::uint32_t subleaf, Way& way) const;
    Limiting of_all(std::span<const FieldIndex> fields, Way& way) const;
    Limiting of_any(std::span<const FieldIndex> alternatives, Way& way) const;
    Limiting disagreeing(const EqualityGroup& group) const;
    Limiting at_odds(FieldIndex duty) const;
    Limiting of_state(const XsaveComponent& component, Way& way) const;
    Limiting without_state(const XsaveComponent& component) const;
    VariantSet with_other_layout(const XsaveComponent& component) const;
    Limiting by_value(FieldIndex field, std::uint32_t subleaf) const;
    Brought gather(FieldIndex field, std::uint32_t subleaf) const;
    IsLimiting limiting_value(FieldIndex field, std::uint32_t subleaf) const;
    IsLimiting limiting_number(FieldIndex field, std::uint32_t subleaf, const Brought& brought) const;
    std::uint64_t usual_value(FieldIndex field, std::uint32_t subleaf) const;
    Limiting of_microcode() const;
    Limiting with_bad_news(FieldIndex field) const;

    const DecisionInputs& in_;
    const promises::VendorRules& rules_;
    const Rulebook& rulebook_;
};

}  // namespace poolcpuid::merge
