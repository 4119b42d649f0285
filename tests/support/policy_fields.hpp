// What a policy says of a field or of an MSR, by name, and hosts in which a few bits matter.
#pragma once

#include <cstdint>
#include <optional>
#include <stdexcept>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "tests/support/host_builder.hpp"
#include "tests/support/merged.hpp"

namespace poolcpuid::test {

// The MSR's value in the policy, or nothing when the guest is not offered it.
inline std::optional<std::uint64_t> msr_of(const PoolPolicy& policy, std::uint32_t index) {
    for (const MsrRow& row : policy.msrs) {
        if (row.index == index) return row.value;
    }
    return std::nullopt;
}

inline const Field& field_named(std::string_view id) {
    const FieldIndex index = builtin_rulebook().find(id);
    if (index == no_field) throw std::runtime_error("no field has the id " + std::string(id));
    return builtin_rulebook()[index];
}

// The table with all bits of these fields of CPUID set.
inline TableBuilder with(TableBuilder table, const std::vector<std::string>& ids) {
    for (const std::string& id : ids) {
        const Field& field = field_named(id);
        table.set(field.leaf, field.subleaf_first, field.reg, static_cast<std::uint32_t>(field.mask()));
    }
    return table;
}

// A field's value in the policy, shifted down; in its first subleaf.
inline std::uint64_t value_of(const Merged& pool, const std::string& id) {
    const Field& field = field_named(id);
    const std::uint64_t word = field.is_msr ? msr_of(pool.policy, field.leaf).value_or(0)
                                            : pool.reg(field.leaf, field.subleaf_first, field.reg);
    return (word & field.mask()) >> field.low;
}

inline std::size_t count_findings(const Merged& pool, const std::string& code) {
    std::size_t count = 0;
    for (const Finding& finding : pool.policy.findings) count += finding.code == code ? 1 : 0;
    return count;
}

// The hosts of which the dump does not say the field's value, by the decision on it.
inline Names unknown_on(const Merged& pool, const std::string& field) {
    const Decision* decision = pool.decision(field);
    if (decision == nullptr) return {};
    for (const ValueOfHosts& seen : decision->values) {
        if (!seen.value) return seen.hosts;
    }
    return {};
}

inline constexpr std::uint32_t arch_capabilities = 0x10A;  // IA32_ARCH_CAPABILITIES

// What the dump says of MSRs beyond its value of IA32_ARCH_CAPABILITIES.
enum class MsrList : std::uint8_t {
    none,    // no list at all: nothing is known
    others,  // a list without IA32_ARCH_CAPABILITIES
    value,   // the list has its value
    faults,  // the list says that reading it faults
};

// The revision is as Linux words it ("0xb000038"), or empty when the dump does not say.
// The host after an update: its dump says no other revision.
inline HostDump with_microcode(HostDump host, const std::string& revision) {
    if (!revision.empty()) {
        host.meta["microcode"] = revision;
        if (host.hardware && host.hardware->msrs) {
            std::erase_if(*host.hardware->msrs, [](const MsrRow& row) { return row.index == 0x8B; });
        }
    }
    std::string name = host.name;
    return with_digest(std::move(host), std::move(name));
}

inline std::optional<std::vector<MsrRow>> msr_list(MsrList list, std::uint64_t value) {
    if (list == MsrList::none) return std::nullopt;
    std::vector<MsrRow> rows;
    if (list == MsrList::value) rows.push_back({arch_capabilities, value});
    if (list == MsrList::faults) rows.push_back({arch_capabilities, std::nullopt});
    return rows;
}

}  // namespace poolcpuid::test
