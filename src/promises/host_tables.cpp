#include "promises/host_tables.hpp"

#include <algorithm>
#include <cstddef>
#include <utility>

#include "dump/hypervisor_leaves.hpp"
#include "dump/own_ids.hpp"
#include "promises/sorted_lists.hpp"

namespace poolcpuid::promises {

std::vector<const CpuidTable*> different_tables(const HardwareView& view) {
    // Machines have two or three kinds of CPU: of one in which each differs, not each is compared with all.
    constexpr std::size_t most_compared = 8;
    std::vector<const CpuidTable*> tables;
    for (const LogicalCpu& cpu : view.cpus) {
        const auto from = tables.end() - static_cast<std::ptrdiff_t>(std::min(tables.size(), most_compared));
        const bool repeats = std::any_of(
            from, tables.end(), [&](const CpuidTable* table) { return dump::equal_but_ids(*table, cpu.cpuid); });
        if (!repeats) tables.push_back(&cpu.cpuid);
    }
    return tables;
}

HostTables::HostTables(const Rulebook& rulebook, const HostDump& host, const CpuidTable* lender) {
    if (host.hypervisor) offered_ = &with_own_leaves(rulebook, host.hypervisor->cpuid);
    if (!host.hardware) return;
    cpus_ = different_tables(*host.hardware);
    const auto first = std::find(cpus_.begin(), cpus_.end(), lender);
    if (first != cpus_.end()) std::rotate(cpus_.begin(), first, first + 1);
    dumped_ = cpus_;
    for (const CpuidTable*& cpu : cpus_) {
        const auto settings = dump::hiding_settings(rulebook, *cpu, host.hardware->msrs);
        merge_sorted(hiding_, settings);
        if (!settings.empty()) cpu = &changed_.emplace_back(dump::with_hidden_unknown(rulebook, *cpu, settings));
        cpu = &with_own_leaves(rulebook, *cpu);
    }
}

CpuidTable HostTables::whole() const {
    if (cpus_.empty()) return *offered_;
    CpuidTable table = *cpus_.front();
    if (offered_ != nullptr) dump::take_hypervisor_leaves(*offered_, table);
    return table;
}

// What a hypervisor's leaf says is said under its signature alone.
const CpuidTable& HostTables::with_own_leaves(const Rulebook& rulebook, const CpuidTable& table) {
    auto own = dump::with_hypervisor_leaves(rulebook, table);
    return own ? changed_.emplace_back(std::move(*own)) : table;
}

}  // namespace poolcpuid::promises
