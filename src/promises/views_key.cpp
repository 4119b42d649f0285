#include "promises/views_key.hpp"

#include <cstdint>
#include <optional>
#include <type_traits>
#include <vector>

#include "promises/host_promises.hpp"
#include "promises/host_tables.hpp"

namespace poolcpuid::promises {

namespace {

template <typename T>
void append_value(std::string& bytes, const T& value) {
    static_assert(std::has_unique_object_representations_v<T>);
    bytes.append(reinterpret_cast<const char*>(&value), sizeof value);
}

void append_rows(std::string& bytes, const std::vector<CpuidRow>& rows) {
    static_assert(std::has_unique_object_representations_v<CpuidRow>);
    append_value(bytes, rows.size());
    bytes.append(reinterpret_cast<const char*>(rows.data()), rows.size() * sizeof(CpuidRow));
}

void append_table(std::string& bytes, const CpuidTable& table) {
    append_rows(bytes, table.rows);
    append_rows(bytes, table.unknown_bits);
    append_value(bytes, table.unknown.size());
    for (const UnknownRow& row : table.unknown) {
        append_value(bytes, row.leaf);
        append_value(bytes, row.subleaf ? std::uint64_t{*row.subleaf} : ~std::uint64_t{0});
    }
}

bool has_field_in(const Rulebook& rulebook, std::uint32_t msr) {
    const auto at = std::partition_point(rulebook.fields.begin(), rulebook.fields.end(),
                                         [&](const Field& field) { return !field.is_msr || field.leaf < msr; });
    return at != rulebook.fields.end() && at->leaf == msr;
}

void append_msrs(std::string& bytes, const Rulebook& rulebook, const std::optional<std::vector<MsrRow>>& msrs) {
    append_value(bytes, msrs ? std::uint32_t{1} : std::uint32_t{0});
    if (!msrs) return;
    for (const MsrRow& row : *msrs) {
        if (!has_field_in(rulebook, row.index)) continue;
        append_value(bytes, row.index);
        append_value(bytes, row.value ? std::uint32_t{1} : std::uint32_t{0});
        append_value(bytes, row.value.value_or(0));
    }
    append_value(bytes, ~std::uint32_t{0});  // the end of the list
}

}  // namespace

std::string views_key(const Rulebook& rulebook, const HostDump& host) {
    std::string bytes;
    if (host.hardware) {
        const std::vector<const CpuidTable*> tables = different_tables(*host.hardware);
        append_value(bytes, tables.size());
        for (const CpuidTable* table : tables) append_table(bytes, *table);
        append_msrs(bytes, rulebook, host.hardware->msrs);
    } else {
        append_value(bytes, std::size_t{0});
    }
    append_value(bytes, microcode_revision(host).value_or(0));
    bytes += kernel_of(host) + '\0';
    append_value(bytes, host.hypervisor ? std::uint32_t{1} : std::uint32_t{0});
    if (host.hypervisor) {
        append_table(bytes, host.hypervisor->cpuid);
        append_msrs(bytes, rulebook, host.hypervisor->msrs);
    }
    return bytes;
}

}  // namespace poolcpuid::promises
