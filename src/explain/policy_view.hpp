// A policy as explain asks of it: values, decisions and options by field.
#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "merge/shown.hpp"
#include "poolcpuid/explain.hpp"
#include "poolcpuid/policy_registers.hpp"
#include "promises/vendor_rules.hpp"

namespace poolcpuid::explain {

class PolicyView {
public:
    // All must outlive the view. hosts: as an Explainer takes it. Throws NoPolicyError when the rulebook does not know
    // the policy's vendor.
    PolicyView(const Rulebook& rulebook, const PoolPolicy& policy, const PoolPolicy* hosts);

    const Rulebook& rulebook() const noexcept { return rules_.rulebook(); }
    const promises::VendorRules& rules() const noexcept { return rules_; }
    const PoolPolicy& policy() const noexcept { return policy_; }
    VendorMask vendors() const noexcept { return rules_.vendor_mask(); }

    // The policy's registers, of fields of whatever vendor.
    const PolicyRegisters& registers() const noexcept { return registers_; }
    // A field's value, shifted down.
    std::uint64_t value(const Field& field, std::uint32_t subleaf) const { return registers_.value(field, subleaf); }
    std::uint64_t value(FieldIndex field) const;  // in its first subleaf; 0 for one of another vendor

    // The decision on a field in one subleaf, or nullptr; of one that lays out an XSAVE state that on the state.
    const Decision* decision(const Field& field, std::uint32_t subleaf) const;
    // The decision on an XSAVE state, or nullptr.
    const Decision* decision(const XsaveComponent& component) const;

    // What set a field's value in one subleaf; nothing: that is not known.
    std::optional<Cause> cause(const Field& field, std::uint32_t subleaf) const;

    // How the policy's rulebook classed a field, where this one does otherwise, as far as the policy tells.
    std::optional<FormerClass> former_class(const Field& field, std::uint32_t subleaf) const;

    // Whether the policy may say nothing of a field, as it has no decision on it and is of another rulebook.
    bool is_undecided(const Field& field, std::uint32_t subleaf) const;
    bool is_undecided(const XsaveComponent& component) const;
    // Whether there are dumps to say what the hosts have then.
    bool has_dumps() const { return hosts_ != nullptr; }
    // The hosts' values of such a field by their dumps; empty where there is nothing to say of them, or no dump.
    std::vector<ValueOfHosts> values_in_dumps(const Field& field, std::uint32_t subleaf) const;

    // Whether the operator asked for the field, rather than for one with which it is shown.
    bool is_asked(FieldIndex field) const { return shown_.is_asked(field); }
    // Whether VERW is not known to scrub wherever the guest runs, though a guarded field asks for it.
    bool is_scrub_lost(const Field& field) const;

    std::vector<Finding> findings_about(const Field& field) const;

private:
    // To whom the policy's rulebook showed a field, where that is not to whom this one shows it.
    std::optional<Exposure> former_exposure(const Field& field, std::uint32_t subleaf) const;
    // Whether it did so unasked, for all that the policy says.
    bool was_shown(const Field& field, std::uint32_t subleaf) const;
    // Whether the guest is not shown a field since nobody asked for it.
    bool is_unasked(const Field& field, std::uint32_t subleaf) const;
    bool is_of_other_rulebook() const { return policy_.rulebook_sha256 != rulebook().sha256; }

    promises::VendorRules rules_;
    const PoolPolicy& policy_;
    PolicyRegisters registers_;
    merge::Shown shown_;
    std::map<std::pair<std::string, std::uint32_t>, const Decision*> decisions_;  // by field and subleaf
    std::map<std::string, const Decision*> states_;                               // by id
    std::unique_ptr<const PolicyView> hosts_;                                     // or none
};

}  // namespace poolcpuid::explain
