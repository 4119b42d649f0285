#include "poolcpuid/host_dump.hpp"

#include <algorithm>

namespace poolcpuid {

namespace {

// The row for key, or nullptr.
const Registers* find_row(const std::vector<CpuidRow>& rows, LeafKey key) noexcept {
    const auto at = std::lower_bound(rows.begin(), rows.end(), key,
                                     [](const CpuidRow& row, LeafKey wanted) { return row.key < wanted; });
    return at != rows.end() && at->key == key ? &at->value : nullptr;
}

}  // namespace

const MsrRow* find_msr(const std::vector<MsrRow>& rows, std::uint32_t index) noexcept {
    const auto at = std::lower_bound(rows.begin(), rows.end(), index,
                                     [](const MsrRow& row, std::uint32_t wanted) { return row.index < wanted; });
    return at != rows.end() && at->index == index ? &*at : nullptr;
}

const Registers* CpuidTable::find(LeafKey key) const noexcept { return find_row(rows, key); }

bool CpuidTable::is_unknown(LeafKey key) const noexcept {
    if (std::binary_search(unknown.begin(), unknown.end(), UnknownRow{key.leaf, key.subleaf})) return true;
    return std::binary_search(unknown.begin(), unknown.end(), UnknownRow{key.leaf, std::nullopt}) &&
           find(key) == nullptr;
}

std::uint32_t CpuidTable::unknown_in(LeafKey key, Register reg) const noexcept {
    if (unknown.empty() && unknown_bits.empty()) return 0;  // of most dumps everything is known
    if (find(key) == nullptr) return is_unknown(key) ? ~std::uint32_t{0} : 0;
    const Registers* bits = find_row(unknown_bits, key);
    return bits == nullptr ? 0 : (*bits)[reg];
}

void CpuidTable::mark_unknown(LeafKey key, Register reg, std::uint32_t bits) {
    const auto by_key = [](const CpuidRow& row, LeafKey wanted) { return row.key < wanted; };
    const auto row = std::lower_bound(rows.begin(), rows.end(), key, by_key);
    if (row == rows.end() || row->key != key) return;
    row->value[reg] &= ~bits;
    auto at = std::lower_bound(unknown_bits.begin(), unknown_bits.end(), key, by_key);
    if (at == unknown_bits.end() || at->key != key) at = unknown_bits.insert(at, {key, {}});
    at->value[reg] |= bits;
}

bool HostDump::is_partial() const noexcept {
    const auto in_part = [](const CpuidTable& table) { return !table.unknown_bits.empty(); };
    if (hypervisor && in_part(hypervisor->cpuid)) return true;
    return hardware && std::any_of(hardware->cpus.begin(), hardware->cpus.end(),
                                   [&](const LogicalCpu& cpu) { return in_part(cpu.cpuid); });
}

const CpuidTable& HostDump::first_table() const {
    return hardware ? hardware->cpus.at(0).cpuid : hypervisor.value().cpuid;
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
