// One host reduced to what it promises: the vector of atoms that the pool meets.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "dump/hidden_cpuid.hpp"
#include "poolcpuid/host_dump.hpp"
#include "poolcpuid/policy.hpp"
#include "promises/table_promises.hpp"
#include "promises/table_values.hpp"
#include "promises/vendor_rules.hpp"

namespace poolcpuid::promises {

// Bits that are set though no field covers them.
struct StrayBits {
    RegisterPlace place;
    std::uint64_t mask = 0;

    friend auto operator<=>(const StrayBits&, const StrayBits&) = default;
};

// The promises of the view that guests meet, and what only the host as a whole tells.
struct HostPromises : TablePromises {
    std::vector<std::uint64_t> withheld;      // promises that the silicon keeps and its hypervisor does not offer
    std::vector<std::uint64_t> foreign;       // promises of its hypervisor's view that none of its CPUs keeps
    std::vector<std::uint64_t> modelled;      // bits that the model table set or settled, parallel to words
    std::vector<std::uint64_t> by_microcode;  // unknown bits that a microcode decides which is not known
    std::vector<std::uint64_t> offered;       // what the view for guests alone shows, as promises
    std::uint64_t unpermitted = 0;            // components_unknown that its hypervisor gives to processes that ask
    std::uint64_t uneven_layouts = 0;         // XSAVE states that its logical CPUs lay out differently, by bit
    std::vector<FieldIndex> easings;          // fields that ease a broken promise and that a view shows
    std::vector<LeafKey> silent_rows;         // promise-bearing rows of which the dump knows nothing
    std::size_t silent_identity = 0;          // identity fields of which its first CPU's dump says nothing
    std::vector<FieldIndex> uneven;           // fields in which the host's logical CPUs differ
    std::vector<StrayBits> strays;
    std::vector<dump::HidingSetting> hiding;  // settings of the firmware that keep something from being known; sorted
    bool is_partial = false;                  // of names of features alone (HostDump::is_partial)
    bool has_msrs = false;
    bool has_hypervisor_view = false;
    bool has_hardware_view = false;
    Signature signature;
    std::string kernel;                       // its version, of a host with both views; empty: not known
    std::uint32_t leaf1_eax = 0;              // the signature as CPUID words it, and no other bits
    Silicon silicon;                          // of the CPU that stands for the host (cpu_kinds)
    std::vector<Silicon> other_silicon;       // of its CPUs of other signatures
    std::shared_ptr<const CpuidTable> table;  // the CPU that stands for the host: identity and raw values
    // The view that capabilities come from: the hypervisor's table where there is one, and its MSRs.
    std::shared_ptr<const CpuidTable> offered_table;
    std::shared_ptr<const Msrs> msrs;

    // Whether the silicon of all its CPUs, or of one, is so. What any does badly the host does.
    template <typename Test>
    bool all_silicon(const Test& is_so) const {
        return is_so(silicon) && std::all_of(other_silicon.begin(), other_silicon.end(), is_so);
    }
    template <typename Test>
    bool any_silicon(const Test& is_so) const {
        return is_so(silicon) || std::any_of(other_silicon.begin(), other_silicon.end(), is_so);
    }
};

// The kernel that makes a host's hypervisor view, where it also has a view of its own silicon; empty: not known.
std::string kernel_of(const HostDump& host);

// Reduces a host: the meet over its logical CPUs, each with what the model table says of it. rules are those of the
// host's vendor. Linear in the rows of the host.
HostPromises promises_of(const VendorRules& rules, const HostDump& host);

// What a policy promises to its guests: its registers taken literally, without a model table, and its
// decisions for the promises that registers cannot show (Decision::scrubs).
HostPromises promises_of(const VendorRules& rules, const PoolPolicy& policy);

}  // namespace poolcpuid::promises
