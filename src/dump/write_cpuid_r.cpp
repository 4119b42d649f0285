// Host dumps as `cpuid -r` (Todd Allen's cpuid) prints them.

#include <algorithm>
#include <cstddef>

#include "base/hex.hpp"
#include "dump/completeness.hpp"
#include "dump/leaf_shapes.hpp"
#include "dump/reader.hpp"
#include "poolcpuid/write_hosts.hpp"

namespace poolcpuid {

namespace {

std::string line_of(const CpuidRow& row) {
    std::string line = "   " + to_hex(row.key.leaf, 8) + " " + to_hex(row.key.subleaf, 2) + ":";
    for (const Register reg : all_registers) {
        line += std::string(" ") + to_string(reg) + "=" + to_hex(row.value[reg], 8);
    }
    return line + "\n";
}

// The rows of table, and zeros for what a reader of this format would mark as unknown although the
// dump knows it: `cpuid -r` prints rows of zeros, so their absence says that they were not asked for.
std::vector<CpuidRow> rows_to_print(const CpuidTable& table) {
    CpuidTable read_back{table.rows, {}};
    dump::mark_unknown(read_back, dump::format_of("cpuid-r"));
    std::vector<CpuidRow> rows = table.rows;
    for (const UnknownRow& row : read_back.unknown) {
        const LeafKey key{row.leaf, row.subleaf.value_or(0)};
        if (table.find(key) != nullptr || table.is_unknown(key)) continue;
        if (dump::within_maximum(table, key.leaf)) rows.push_back({key, {}});
    }
    std::sort(rows.begin(), rows.end(), [](const CpuidRow& a, const CpuidRow& b) { return a.key < b.key; });
    return rows;
}

std::string text_of(std::uint32_t number, const CpuidTable& table) {
    std::string text = "CPU " + std::to_string(number) + ":\n";
    for (const CpuidRow& row : rows_to_print(table)) text += line_of(row);
    return text;
}

void warn_of_msrs(const std::optional<std::vector<MsrRow>>& msrs, std::vector<std::string>& warnings) {
    if (!msrs) return;
    warnings.push_back("cpuid -r text has no MSRs: " + std::to_string(msrs->size()) + " left out");
}

void warn_of_unknown(std::size_t count, std::vector<std::string>& warnings) {
    if (count == 0) return;
    warnings.push_back("cpuid -r text cannot say what is unknown: " + std::to_string(count) +
                       " unknown rows left out, which other tools take for zeros");
}

}  // namespace

std::string to_cpuid_r(const HostDump& host, std::vector<std::string>& warnings) {
    std::string text;
    std::size_t unknown = 0;
    if (host.hardware) {
        for (const LogicalCpu& cpu : host.hardware->cpus) {
            text += text_of(cpu.number, cpu.cpuid);
            unknown += cpu.cpuid.unknown.size() + cpu.cpuid.unknown_bits.size();
        }
        warn_of_unknown(unknown, warnings);
        warn_of_msrs(host.hardware->msrs, warnings);
        if (host.hypervisor) warnings.push_back("cpuid -r text has one view: the hypervisor's is left out");
    } else if (host.hypervisor) {
        text = text_of(0, host.hypervisor->cpuid);
        const CpuidTable& table = host.hypervisor->cpuid;
        warn_of_unknown(table.unknown.size() + table.unknown_bits.size(), warnings);
        warn_of_msrs(host.hypervisor->msrs, warnings);
        warnings.push_back("cpuid -r text does not say that the view is a hypervisor's: it will be read as hardware");
    }
    if (!host.name.empty()) warnings.push_back("cpuid -r text has no host name");
    if (!host.meta.empty()) warnings.push_back("cpuid -r text has no meta entries");
    return text;
}

}  // namespace poolcpuid
