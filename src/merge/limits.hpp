// Which hosts keep a field, or an XSAVE state, from a stronger value.
#pragma once

#include <cstdint>
#include <set>
#include <span>

#include "merge/decisions.hpp"

namespace poolcpuid::merge {

class Limits {
public:
    // inputs must outlive this.
    explicit Limits(const DecisionInputs& inputs);

    // The hosts that keep the field from a stronger value: those that lack the bit, have the relaxed behaviour, or the
    // limiting number; for a field that closure took, those that limit what it stands on; the one that lends the
    // identity, for what describes it. Linear in the variants, times what it stands on.
    HostList hosts(FieldIndex field, std::uint32_t subleaf) const;

    // The XSAVE state that a field lays out; nullptr for all other fields.
    const XsaveComponent* state_of(FieldIndex field, std::uint32_t subleaf) const;

    // The XSAVE state in whose row a field stands, which is there as long as the state is; nullptr for all others.
    const XsaveComponent* state_of_row(FieldIndex field, std::uint32_t subleaf) const;

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

    VariantSet by_fate(FieldIndex field, std::uint32_t subleaf, Way& way) const;
    VariantSet by_cause(FieldIndex field, std::uint32_t subleaf, Way& way) const;
    VariantSet of_all(std::span<const FieldIndex> fields, Way& way) const;
    VariantSet of_any(std::span<const FieldIndex> alternatives, Way& way) const;
    VariantSet disagreeing(const EqualityGroup& group) const;
    VariantSet at_odds(FieldIndex duty) const;
    VariantSet of_state(const XsaveComponent& component, Way& way) const;
    VariantSet without_state(const XsaveComponent& component) const;
    VariantSet with_other_layout(const XsaveComponent& component) const;
    VariantSet by_value(FieldIndex field, std::uint32_t subleaf) const;
    std::uint64_t usual_value(FieldIndex field, std::uint32_t subleaf) const;
    VariantSet of_microcode() const;
    VariantSet with_bad_news(FieldIndex field) const;

    const DecisionInputs& in_;
    const Plan& plan_;
    const Rulebook& rulebook_;
};

}  // namespace poolcpuid::merge
