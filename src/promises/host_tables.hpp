// The CPUID tables that are read of a host: of its logical CPUs those that differ, and its hypervisor's view.
#pragma once

#include <deque>
#include <vector>

#include "dump/hidden_cpuid.hpp"
#include "poolcpuid/host_dump.hpp"
#include "poolcpuid/rulebook.hpp"

namespace poolcpuid::promises {

// The tables of a host's logical CPUs of which none repeats another but for ids, the first CPU's first: what they
// promise together, all of them promise. Of a host with many kinds of CPU some may repeat all the same. Linear in the
// rows.
std::vector<const CpuidTable*> different_tables(const HardwareView& view);

// Points into the dump and into itself: it is neither copied nor moved, and the dump must outlive it.
class HostTables {
public:
    // lender: the table of the CPU that stands for the host, which comes first.
    HostTables(const Rulebook& rulebook, const HostDump& host, const CpuidTable* lender);
    HostTables(const HostTables&) = delete;
    HostTables& operator=(const HostTables&) = delete;

    // Of the hardware view, those that differ: what a setting of the firmware hides is unknown there, and the leaves of
    // hypervisors are their own. Empty without that view.
    const std::vector<const CpuidTable*>& cpus() const noexcept { return cpus_; }
    // The same as they stand in the dump.
    const std::vector<const CpuidTable*>& dumped() const noexcept { return dumped_; }
    // The hypervisor's view, with its own leaves; nullptr without one.
    const CpuidTable* offered() const noexcept { return offered_; }
    // The silicon's leaves, and those of hypervisors as their own view has them.
    CpuidTable whole() const;
    // The settings of the firmware that hide something, sorted.
    const std::vector<dump::HidingSetting>& hiding() const noexcept { return hiding_; }

private:
    const CpuidTable& with_own_leaves(const Rulebook& rulebook, const CpuidTable& table);

    std::deque<CpuidTable> changed_;  // tables in the place of the dump's
    std::vector<const CpuidTable*> dumped_;
    std::vector<const CpuidTable*> cpus_;
    const CpuidTable* offered_ = nullptr;
    std::vector<dump::HidingSetting> hiding_;
};

}  // namespace poolcpuid::promises
