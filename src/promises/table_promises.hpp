// What one view promises: a logical CPU's CPUID with the host's MSRs, a hypervisor's, or a policy's.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <vector>

#include "promises/atoms.hpp"
#include "promises/table_values.hpp"
#include "promises/vendor_rules.hpp"

namespace poolcpuid::promises {

// A number that is larger than the largest that the rulebook describes (Field::known_to), which was taken for it.
struct Undescribed {
    std::size_t slot = 0;  // in VendorRules::numbers()
    std::uint64_t value = 0;
};

struct TablePromises {
    Atoms atoms;
    std::vector<std::uint64_t> unknown;    // bits of which the view is silent, parallel to words, as the next four
    std::vector<std::uint64_t> moot;       // bits that lose their object by what is not there (implied_by "!rtm")
    std::vector<std::uint64_t> implied;    // those of them that are promised though the view does not show them
    std::vector<std::uint64_t> made;       // bits of unknown that only a hypervisor's view tells
    std::vector<std::uint64_t> given;      // those of made that every hypervisor gives
    std::vector<bool> absent;              // words of MSRs that are known not to exist
    std::uint64_t scrub_unknown = 0;       // by guard: whether VERW scrubs cannot be told
    std::uint64_t immune = 0;              // by guard: known to need no VERW, so that its own bit is no news
    std::uint64_t heeds = 0;               // by guard: VERW scrubs for guests, too, that are told in another way
    std::uint64_t told = 0;                // by guard: VERW scrubs by the word of other bits alone
    std::uint64_t in_vain = 0;             // by guard: known to scrub nothing though the bit is there
    std::uint64_t in_vain_unknown = 0;     // by guard: it may be so
    std::uint64_t components_unknown = 0;  // XSAVE states of which nothing is said, by bit
    std::vector<FieldIndex> assumed;       // numbers that are not said: the least was taken
    std::vector<Undescribed> undescribed;  // by slot
    std::vector<std::uint8_t> documented_layout;  // components whose layout was taken from the rulebook
    std::vector<FieldIndex> read_clear;           // fields that count as set by what implies them

    // How much the view has of a number of which the rulebook describes less; nothing where it describes all.
    std::optional<std::uint64_t> undescribed_value(std::size_t slot) const {
        const auto at = std::find_if(undescribed.begin(), undescribed.end(),
                                     [&](const Undescribed& number) { return number.slot == slot; });
        return at == undescribed.end() ? std::nullopt : std::optional(at->value);
    }

    // Whether the least that the architecture allows was taken for the number. Linear in such numbers.
    bool assumes(FieldIndex number) const { return std::find(assumed.begin(), assumed.end(), number) != assumed.end(); }
};

// How a view is to be read.
enum class ViewKind : std::uint8_t {
    hardware,    // what VMMs emulate counts as there
    hypervisor,  // taken at its word
    policy,      // as hypervisor; and an MSR that is not offered carries no bad news
};

// Reduces a view to its promises. Of the silicon, guards ask for its immunities, for what its microcode
// scrubs, and for promises that kernels show falsely. hardware: what the host's CPUs promise together, for a
// hypervisor's view beside one of the hardware; else nullptr. Linear in the fields of the rulebook.
TablePromises read_view(const VendorRules& rules, const ViewReader& view, const Silicon& silicon, ViewKind kind,
                        const TablePromises* hardware = nullptr);

}  // namespace poolcpuid::promises
