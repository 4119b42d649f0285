// The findings of a merge while they are gathered, and what all of them ask: which hosts something is true of.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "merge/decisions.hpp"
#include "poolcpuid/finding_code.hpp"
#include "poolcpuid/policy.hpp"

namespace poolcpuid::merge {

// A code whose severity is by case: any other word does not compile.
class CodeByCase {
public:
    consteval CodeByCase(const char* word) : code_(word) {
        if (code_.severity()) throw "finding_kinds has the severity of this code";
    }

    FindingCode code() const noexcept { return code_; }

private:
    FindingCode code_;
};

class FindingList {
public:
    // inputs must outlive this.
    explicit FindingList(const DecisionInputs& inputs) : in_(inputs) {}

    const DecisionInputs& inputs() const noexcept { return in_; }
    const Draft& draft() const noexcept { return in_.draft; }
    const promises::VendorRules& rules() const noexcept { return in_.draft.rules(); }
    const Rulebook& rulebook() const noexcept { return rules().rulebook(); }
    const std::vector<Variant>& variants() const noexcept { return in_.variants; }

    // The code has its severity in finding_kinds.
    void add(FindingCode code, std::string message, HostList hosts, std::string field = {});
    void add_by_case(Severity severity, CodeByCase code, std::string message, HostList hosts, std::string field = {});

    // Takes what there is, the most severe first and then by code.
    std::vector<Finding> take_sorted();

    // By name, as many as a document lists. Of variants; of those that something is true of; of hosts, which a ceiling
    // is none of.
    HostList list_of(const VariantSet& variants) const;
    HostList hosts_where(const std::function<bool(const Variant&)>& which) const;
    HostList hosts(const std::function<bool(const promises::HostPromises&)>& which) const;

    // The fields that matter to the guest with bits in the mask of their word. masks: one a word of the rules.
    std::vector<FieldIndex> fields_with(const std::vector<std::uint64_t>& masks) const;

    // "fma, movbe and 3 more".
    std::string ids_of(const std::vector<FieldIndex>& fields, std::size_t most) const;

    // Whether hosts have the feature, by themselves or by what every hypervisor gives.
    bool brings(const Variant& variant, FieldIndex index) const;

private:
    const DecisionInputs& in_;
    std::vector<Finding> findings_;
};

}  // namespace poolcpuid::merge
