#include "poolcpuid/host_dump.hpp"

#include <algorithm>

#include "base/hex.hpp"

namespace poolcpuid {

namespace {

// The row for key, or the end of the table's rows.
auto find_row(const CpuidTable& table, LeafKey key) noexcept {
    const auto at = std::lower_bound(table.rows.begin(), table.rows.end(), key,
                                     [](const CpuidRow& row, LeafKey wanted) { return row.key < wanted; });
    return at != table.rows.end() && at->key == key ? at : table.rows.end();
}

}  // namespace

const Registers* CpuidTable::find(LeafKey key) const noexcept {
    const auto at = find_row(*this, key);
    return at == rows.end() ? nullptr : &at->value;
}

bool CpuidTable::is_unknown(LeafKey key) const noexcept {
    if (std::binary_search(unknown.begin(), unknown.end(), UnknownRow{key.leaf, key.subleaf})) return true;
    return std::binary_search(unknown.begin(), unknown.end(), UnknownRow{key.leaf, std::nullopt}) &&
           find(key) == nullptr;
}

const CpuidTable& HostDump::first_table() const {
    return hardware ? hardware->cpus.at(0).cpuid : hypervisor.value().cpuid;
}

std::optional<std::uint32_t> microcode_revision(const HostDump& host) {
    const auto meta = host.meta.find("microcode");
    if (meta != host.meta.end()) {
        const auto revision = from_hex(meta->second, 8);
        if (revision) return static_cast<std::uint32_t>(*revision);
    }
    if (!host.hardware || !host.hardware->msrs) return std::nullopt;
    for (const MsrRow& row : *host.hardware->msrs) {
        if (row.index != microcode_msr || row.value.value_or(0) == 0) continue;
        const std::uint64_t high = *row.value >> 32;
        return static_cast<std::uint32_t>(high != 0 ? high : *row.value);
    }
    return std::nullopt;
}

std::optional<std::string> vendor_string(const CpuidTable& table) {
    const Registers* leaf = table.find({0, 0});
    if (leaf == nullptr) return std::nullopt;
    std::string vendor;
    for (const std::uint32_t part : {leaf->ebx, leaf->edx, leaf->ecx}) {
        for (unsigned shift = 0; shift < 32; shift += 8) vendor += static_cast<char>(part >> shift & 0xFFU);
    }
    return vendor;
}

}  // namespace poolcpuid
