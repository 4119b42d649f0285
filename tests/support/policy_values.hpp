// The registers of a policy, read by the fields of policy/*.json.
#pragma once

#include <algorithm>
#include <cstdint>
#include <map>
#include <set>
#include <string>

#include "poolcpuid/policy.hpp"
#include "tests/support/rulebook_files.hpp"

namespace poolcpuid::test {

class PolicyValues {
public:
    // shown: names given to --show; "all asked" for every field that is shown only when asked for.
    PolicyValues(const VendorRules& rules, const PoolPolicy& policy, const std::set<std::string>& shown)
        : rules_(rules), shown_(shown) {
        for (const CpuidRow& row : policy.cpuid) rows_[row.key] = row.value;
        for (const MsrRow& row : policy.msrs) msrs_[row.index] = row.value.value_or(0);
    }

    const std::map<LeafKey, Registers>& rows() const noexcept { return rows_; }
    const std::map<std::uint32_t, std::uint64_t>& msrs() const noexcept { return msrs_; }

    Registers row(LeafKey key) const {
        const auto at = rows_.find(key);
        return at == rows_.end() ? Registers{} : at->second;
    }

    std::uint64_t msr(std::uint32_t index) const {
        const auto at = msrs_.find(index);
        return at == msrs_.end() ? 0 : at->second;
    }

    std::uint64_t value(const RuleField& field, std::uint32_t subleaf) const {
        const std::uint64_t word = field.is_msr ? msr(field.leaf) : row({field.leaf, subleaf})[field.reg];
        return (word & field.mask) >> field.low;
    }

    std::uint64_t value(const RuleField& field) const { return value(field, field.subleaves.first); }

    bool present(const std::string& id) const {
        const RuleField* field = rules_.find(id);
        return field != nullptr && value(*field) != 0;
    }

    // The bits that a field of the rule union promises by showing them clear: not those that its length does not reach.
    std::uint64_t clear_bits(const RuleField& field, std::uint32_t subleaf) const {
        const std::uint64_t clear = ~value(field, subleaf) & ones_of(field);
        const RuleField* length = rules_.find(field.length_from);
        if (length == nullptr || value(*length) >= 64) return clear;
        return clear & ((std::uint64_t{1} << value(*length)) - 1);
    }

    // What the field stands for: its value, or what zero means.
    std::uint64_t meaning(const RuleField& field, std::uint32_t subleaf) const {
        const std::uint64_t shown = value(field, subleaf);
        if (shown != 0 || field.zero_means.empty()) return shown;
        if (field.zero_means.starts_with("0x")) return hex_number(field.zero_means);
        const RuleField& other = *rules_.find(field.zero_means);
        return meaning(other, other.subleaves.first);
    }

    bool is_shown(const RuleField& field) const {
        if (field.exposure == "default") return true;
        return field.exposure == "asked" &&
               (shown_.contains("all asked") || shown_.contains(field.id) || shown_.contains(field.ask));
    }

    // Whether the field says anything in this policy: it is shown and its gate is there.
    bool speaks(const RuleField& field, std::uint32_t subleaf) const {
        if (!is_shown(field)) return false;
        if (!field.is_msr && field.leaf == 0xD && subleaf >= 2 && !rows_.contains({0xD, subleaf})) return false;
        const RuleField* gate = rules_.find(field.gate);
        if (gate == nullptr) return field.gate.empty();
        return value(*gate) != 0;
    }

private:
    const VendorRules& rules_;
    const std::set<std::string>& shown_;
    std::map<LeafKey, Registers> rows_;
    std::map<std::uint32_t, std::uint64_t> msrs_;
};

}  // namespace poolcpuid::test
