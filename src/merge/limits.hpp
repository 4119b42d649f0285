// Which hosts keep a field, or an XSAVE state, from a stronger value.
#pragma once

#include <cstdint>
#include <set>
#include <span>
#include <string>
#include <vector>

#include "merge/decisions.hpp"

namespace poolcpuid::merge {

class Limits {
public:
    // inputs must outlive this.
    explicit Limits(const DecisionInputs& inputs);

    // The names of the hosts that keep the field from a stronger value, sorted: those that lack the bit,
    // have the relaxed behaviour, or the limiting number; for a field that closure took, those that limit
    // what it stands on. Linear in the variants, times what it stands on.
    std::vector<std::string> hosts(FieldIndex field, std::uint32_t subleaf) const;

    // The XSAVE state that a field lays out; nullptr for all other fields.
    const XsaveComponent* state_of(FieldIndex field, std::uint32_t subleaf) const;

    bool is_kept(const XsaveComponent& component) const;

    // What keeps a state out of the policy: hosts that lack it or lay it out differently, another state
    // (xsave_state) or that no feature needs it (dependency).
    Cause cause_of(const XsaveComponent& component) const;

private:
    std::vector<std::string> by_fate(FieldIndex field, std::uint32_t subleaf, std::set<FieldIndex>& visited) const;
    std::vector<std::string> of_all(std::span<const FieldIndex> fields, std::set<FieldIndex>& visited) const;
    std::vector<std::string> disagreeing(const EqualityGroup& group) const;
    std::vector<std::string> of_state(const XsaveComponent& component, std::set<FieldIndex>& visited) const;
    std::vector<std::string> without_state(const XsaveComponent& component) const;
    std::vector<std::string> with_other_layout(const XsaveComponent& component) const;
    std::vector<std::string> by_value(FieldIndex field, std::uint32_t subleaf) const;
    std::uint64_t usual_value(FieldIndex field, std::uint32_t subleaf) const;
    std::vector<std::string> of_microcode() const;
    std::vector<std::string> with_bad_news(FieldIndex field) const;

    const DecisionInputs& in_;
    const Plan& plan_;
    const Rulebook& rulebook_;
};

}  // namespace poolcpuid::merge
