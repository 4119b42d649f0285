// Host dumps as `cpuid -r` (Todd Allen's cpuid) prints them.

#include <algorithm>
#include <cstddef>
#include <map>

#include "base/hex.hpp"
#include "base/lists.hpp"
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

// What the tables of a view do not know.
class Unknowns {
public:
    void add(const CpuidTable& table) {
        rows_ += table.unknown.size();
        for (const CpuidRow& row : table.unknown_bits) {
            Registers& bits = bits_[row.key];
            for (const Register reg : all_registers) bits[reg] |= row.value[reg];
        }
    }

    void warn(std::vector<std::string>& warnings) const {
        if (rows_ != 0) {
            warnings.push_back("cpuid -r text cannot say what is unknown: " + counted(rows_, "unknown row") +
                               " left out, which other tools take for zeros");
        }
        if (bits_.empty()) return;
        std::vector<std::string> names;
        for (const auto& [key, bits] : bits_) names.push_back(name_of(key, bits));
        warnings.push_back("cpuid -r text cannot say which bits of a row are unknown: zeros stand for those of " +
                           joined(names));
    }

private:
    // "0x7.0x0 (eax=0x0000fffe edx=0xffffffff)".
    static std::string name_of(LeafKey key, const Registers& bits) {
        std::string registers;
        for (const Register reg : all_registers) {
            if (bits[reg] == 0) continue;
            registers += std::string(registers.empty() ? "" : " ") + to_string(reg) + "=" + to_hex(bits[reg], 8);
        }
        return to_hex(key.leaf) + "." + to_hex(key.subleaf) + " (" + registers + ")";
    }

    std::size_t rows_ = 0;
    std::map<LeafKey, Registers> bits_;  // of any logical CPU
};

}  // namespace

std::string to_cpuid_r(const HostDump& host, std::vector<std::string>& warnings) {
    std::string text;
    Unknowns unknown;
    if (host.hardware) {
        for (const LogicalCpu& cpu : host.hardware->cpus) {
            text += text_of(cpu.number, cpu.cpuid);
            unknown.add(cpu.cpuid);
        }
        unknown.warn(warnings);
        warn_of_msrs(host.hardware->msrs, warnings);
        if (host.hypervisor) warnings.push_back("cpuid -r text has one view: the hypervisor's is left out");
    } else if (host.hypervisor) {
        text = text_of(0, host.hypervisor->cpuid);
        unknown.add(host.hypervisor->cpuid);
        unknown.warn(warnings);
        warn_of_msrs(host.hypervisor->msrs, warnings);
        warnings.push_back("cpuid -r text does not say that the view is a hypervisor's: it will be read as hardware");
    }
    if (!host.name.empty()) warnings.push_back("cpuid -r text has no host name");
    if (!host.meta.empty()) warnings.push_back("cpuid -r text has no meta entries");
    return text;
}

}  // namespace poolcpuid
