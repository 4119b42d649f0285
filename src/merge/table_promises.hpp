// What one view promises: a logical CPU's CPUID with the host's MSRs, a hypervisor's, or a policy's.
#pragma once

#include <cstdint>
#include <vector>

#include "merge/host_promises.hpp"
#include "merge/table_values.hpp"
#include "merge/vendor_rules.hpp"

namespace poolcpuid::merge {

struct TablePromises {
    Atoms atoms;
    std::vector<std::uint64_t> unknown;
    std::vector<std::uint64_t> moot;     // bits that lose their object by what is not there (implied_by "!rtm")
    std::vector<std::uint64_t> implied;  // those of them that are promised though the view does not show them
    std::vector<std::uint64_t> made;     // bits of unknown that only a hypervisor's view tells
    std::vector<std::uint64_t> given;    // those of them that every hypervisor gives
    std::vector<bool> absent;            // words of MSRs that do not exist
    std::uint64_t scrub_unknown = 0;
    std::uint64_t immune = 0;           // by guard: known to need no VERW
    std::uint64_t heeds = 0;            // by guard: VERW scrubs for guests, too, that are told in another way
    std::uint64_t told = 0;             // by guard: VERW scrubs by the word of other bits alone
    std::uint64_t in_vain = 0;          // by guard: known to scrub nothing though the bit is there
    std::uint64_t in_vain_unknown = 0;  // by guard: it may be so
    std::uint64_t components_unknown = 0;
    std::vector<FieldIndex> assumed;
    std::vector<std::uint8_t> documented_layout;
    std::vector<FieldIndex> read_clear;  // fields that count as set by what implies them
};

// How a view is to be read.
enum class ViewKind : std::uint8_t {
    hardware,    // what VMMs emulate counts as there
    hypervisor,  // taken at its word
    policy,      // as hypervisor; and an MSR that is not offered carries no bad news
};

// Reduces a view to its promises. Of the silicon, guards ask for its immunities, for what its microcode
// scrubs, and for promises that kernels show falsely. Linear in the fields of the rulebook.
TablePromises read_view(const Plan& plan, const ViewReader& view, const Silicon& silicon, ViewKind kind);

}  // namespace poolcpuid::merge
