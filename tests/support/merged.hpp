// The policy of a few hosts, with short ways to ask what it says.
#pragma once

#include <string>
#include <vector>

#include "poolcpuid/pool_state.hpp"

namespace poolcpuid::test {

// Short names of the registers, for tables of expected values.
inline constexpr auto eax = Register::eax;
inline constexpr auto ebx = Register::ebx;
inline constexpr auto ecx = Register::ecx;
inline constexpr auto edx = Register::edx;

class Merged {
public:
    explicit Merged(const std::vector<HostDump>& hosts, const MergeOptions& options = {}) {
        PoolState state(builtin_rulebook());
        for (const HostDump& host : hosts) state.add(host);
        policy = state.finish(options);
    }

    Registers row(std::uint32_t leaf, std::uint32_t subleaf = 0) const {
        for (const CpuidRow& candidate : policy.cpuid) {
            if (candidate.key == LeafKey{leaf, subleaf}) return candidate.value;
        }
        return {};
    }

    std::uint32_t reg(std::uint32_t leaf, std::uint32_t subleaf, Register which) const {
        return row(leaf, subleaf)[which];
    }

    std::uint32_t bit(std::uint32_t leaf, std::uint32_t subleaf, Register which, unsigned number) const {
        return (reg(leaf, subleaf, which) >> number) & 1U;
    }

    // 0 when the policy does not offer the MSR.
    std::uint64_t msr(std::uint32_t index) const {
        for (const MsrRow& row : policy.msrs) {
            if (row.index == index) return row.value.value_or(0);
        }
        return 0;
    }

    // The hosts that the finding of this code (and field) names; "no such finding" when there is none.
    std::vector<std::string> named_by(const std::string& code, const std::string& field = {}) const {
        const Finding* found = finding(code, field);
        return found == nullptr ? std::vector<std::string>{"no such finding"} : found->hosts.names;
    }

    const Finding* finding(const std::string& code, const std::string& field = {}) const {
        for (const Finding& candidate : policy.findings) {
            if (candidate.code == code && (field.empty() || candidate.field == field)) return &candidate;
        }
        return nullptr;
    }

    // The decision on a field, or nullptr when plain agreement set it.
    const Decision* decision(const std::string& field) const {
        for (const Decision& candidate : policy.decisions) {
            if (candidate.field == field) return &candidate;
        }
        return nullptr;
    }

    // The hosts that decided a field; "no decision" when plain agreement did.
    std::vector<std::string> because(const std::string& field) const {
        const Decision* found = decision(field);
        return found == nullptr ? std::vector<std::string>{"no decision"} : found->because.names;
    }

    PoolPolicy policy;
};

using Names = std::vector<std::string>;

}  // namespace poolcpuid::test
