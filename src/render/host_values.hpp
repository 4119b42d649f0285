// What a policy says of the values that its hosts have. Its decisions say it; a lean policy has none, and one of
// another rulebook none on fields that its rulebook did not know: what is not told there may be anything.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <string_view>
#include <utility>

#include "poolcpuid/policy.hpp"
#include "poolcpuid/rulebook.hpp"
#include "promises/vendor_rules.hpp"

namespace poolcpuid::render {

class HostValues {
public:
    // Both must outlive this. Linear in the policy's decisions.
    HostValues(const promises::VendorRules& rules, const PoolPolicy& policy);

    // True of a policy in which a field without a decision may be anything on its hosts.
    bool are_untold() const noexcept { return are_untold_; }

    // False for a field of which the policy does not say what its hosts have.
    bool is_told(const Field& field) const;

    // The values of the hosts and of the policy in a field's first subleaf; nothing among them: not all are told.
    std::set<std::optional<std::uint64_t>> of(const Field& field) const;

    // The values that its hosts are known to have in the field's first subleaf; none where each has the policy's. A
    // ceiling is no host.
    std::set<std::uint64_t> known(const Field& field) const;

    // True where a host has another value than the policy, or may have.
    bool are_contested(const Field& field) const;

    // True where a host has something in a field of which the policy has nothing, or may have.
    bool may_be_there(const Field& field, std::uint32_t subleaf) const;

private:
    struct Told {
        bool is_contested = false;
        std::set<std::optional<std::uint64_t>> values;
        std::set<std::uint64_t> of_hosts;
    };

    std::set<std::optional<std::uint64_t>> untold(const Field& field, std::uint64_t promised) const;
    std::set<std::optional<std::uint64_t>> by_signature(const Field& field) const;

    const promises::VendorRules& rules_;
    const PoolPolicy& policy_;
    bool are_untold_ = false;
    std::map<std::string_view, Told> told_;  // by the fields' ids
    std::set<std::pair<std::string_view, std::uint32_t>> rows_;
};

}  // namespace poolcpuid::render
