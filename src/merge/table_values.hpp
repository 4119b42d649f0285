// Field values of one CPUID table or one set of MSRs, with "not known" told apart from zero.
#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include "poolcpuid/host_dump.hpp"
#include "poolcpuid/rulebook.hpp"

namespace poolcpuid::merge {

// The register's value; nothing when the dump does not know it; 0 when there is no such row.
inline std::optional<std::uint32_t> register_value(const CpuidTable& table, LeafKey key, Register reg) {
    if (const Registers* row = table.find(key)) return (*row)[reg];
    if (table.is_unknown(key)) return std::nullopt;
    return 0;
}

// A CPUID field's value in one subleaf, shifted down.
inline std::optional<std::uint32_t> field_value(const CpuidTable& table, const Field& field, std::uint32_t subleaf) {
    const auto value = register_value(table, {field.leaf, subleaf}, field.reg);
    if (!value) return std::nullopt;
    return (*value & field.mask()) >> field.low;
}

// An MSR field's value, shifted down. An MSR that faults has no bits; one that is not listed is unknown.
inline std::optional<std::uint64_t> msr_value(const std::optional<std::vector<MsrRow>>& msrs, const Field& field) {
    if (!msrs) return std::nullopt;
    for (const MsrRow& row : *msrs) {
        if (row.index != field.leaf) continue;
        const unsigned width = static_cast<unsigned>(field.high - field.low) + 1U;
        const std::uint64_t ones = width >= 64 ? ~std::uint64_t{0} : (std::uint64_t{1} << width) - 1;
        return (row.value.value_or(0) >> field.low) & ones;
    }
    return std::nullopt;
}

}  // namespace poolcpuid::merge
