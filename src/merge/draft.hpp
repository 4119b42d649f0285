// A policy in the making: the pool's atoms, and which fields have been taken out and why.
//
// The steps of finish each weaken a draft and never strengthen it, so the pool's policy stays true on
// every host. A field that was taken out is 0 and promises nothing; bits that announce a relaxed
// behaviour are taken out only where they have no meaning (their gate is gone) or are not shown at all.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <set>
#include <string>
#include <vector>

#include "poolcpuid/policy.hpp"
#include "promises/host_promises.hpp"
#include "promises/vendor_rules.hpp"

namespace poolcpuid::merge {

// What took a field out, or set it; agreement: nothing did, and its hosts decide.
struct Fate {
    Cause cause = Cause::agreement;
    std::size_t detail = 0;  // the place of the equality group, dependency, XSAVE component or field in the rulebook
    bool is_bound = false;   // of a number: there is less of it, and it is not out
};

class Draft {
public:
    // identity is the table that identity fields come from; it must outlive the draft.
    Draft(const promises::VendorRules& rules, promises::Atoms atoms, const CpuidTable& identity);

    const promises::VendorRules& rules() const noexcept { return *rules_; }
    const promises::Atoms& atoms() const noexcept { return atoms_; }

    // The field's value in the policy, shifted down; derived and owned fields read as 0 here.
    std::uint64_t value(FieldIndex field, std::uint32_t subleaf) const;

    // True when the field's value in its first subleaf is not 0: what prerequisites and gates ask.
    bool present(FieldIndex field) const;

    // Whether a guest of the policy counts on VERW for what the slot is about.
    bool asks_for_scrub(const promises::GuardSlot& slot) const {
        return rules_->asks_for_scrub(slot,
                                      [&](FieldIndex field, std::uint32_t subleaf) { return value(field, subleaf); });
    }

    // What announces something and is hidden is not out, but 1; a number that was bound is there.
    bool is_out(FieldIndex field) const noexcept {
        const Cause cause = fates_[field].cause;
        if (fates_[field].is_bound) return false;
        if (cause == Cause::hidden) return !rules_->is_inverted(field);
        return cause != Cause::agreement && cause != Cause::set;
    }
    Fate fate(FieldIndex field) const noexcept { return fates_[field]; }

    // The option (hidden or set) that asks for what the hosts leave of the field anyway, so that these decide;
    // agreement: none does.
    Cause idle_option(FieldIndex field) const {
        const auto at = idle_options_.find(field);
        return at == idle_options_.end() ? Cause::agreement : at->second;
    }

    // Whether --hide was asked for, be it of what the hosts leave nothing of.
    bool is_hidden(FieldIndex field) const {
        return fate(field).cause == Cause::hidden || idle_option(field) == Cause::hidden;
    }

    // True when the guest is not shown the field, or it tells it nothing, whatever the hosts are: that costs nobody.
    bool is_out_of_sight(FieldIndex field) const noexcept {
        return fates_[field].cause == Cause::not_asked || fates_[field].cause == Cause::gate;
    }

    // Takes a field out. A later cause does not replace an earlier one.
    void take_out(FieldIndex field, Fate fate);

    // Leaves no more of a number of the rule min than this, which is not 0. Nothing where it is no more, or not known.
    void bound(FieldIndex field, std::uint64_t most, Fate fate);

    // Puts bits at their weakest: 0 for intersect, 1 for union and guarded. Where they are, it is an idle option.
    void weaken(FieldIndex field, Fate fate);

    // Gives a field a value that every host keeps (the caller has checked it) or, for identity, any value. Where it has
    // that, it is an idle option.
    void set(FieldIndex field, std::uint64_t value);

    // Whether a host of the pool has a field, or may have it.
    using MayHave = std::function<bool(FieldIndex)>;

    // Equality groups, then dependencies, XSAVE components, gates and duties until nothing changes.
    // Linear in the rulebook for each round; a round takes out at least one field.
    void close(const MayHave& may_have);

    // The components of the rulebook that the policy keeps, as a mask of XCR0 and IA32_XSS bits.
    std::uint64_t kept_components() const noexcept { return kept_; }

private:
    std::set<FieldIndex> unused_formats() const;
    bool apply_equality();
    bool apply_dependencies(const MayHave& may_have);
    bool apply_components();
    bool apply_gates();
    bool apply_duties();
    bool promises_nothing(FieldIndex field) const;
    bool has_value(FieldIndex field, std::uint64_t value) const;
    std::uint64_t register_of(const Field& field) const;
    bool any_feature(const XsaveComponent& component) const;
    std::uint64_t bits(FieldIndex field, std::uint32_t subleaf) const;
    std::uint64_t within_length(const Field& field) const;
    std::uint64_t microcode() const;

    const promises::VendorRules* rules_;
    const Rulebook* rulebook_;
    promises::Atoms atoms_;
    const CpuidTable* identity_;
    std::map<FieldIndex, std::uint64_t> overrides_;  // identity fields that were set
    std::vector<Fate> fates_;                        // parallel to the rulebook's fields
    std::map<FieldIndex, Cause> idle_options_;       // what has them
    std::uint64_t kept_ = 0;
};

}  // namespace poolcpuid::merge
