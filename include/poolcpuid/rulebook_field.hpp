// One field of the rulebook: where it stands, what a set bit or a number promises, and how hosts' values combine.
#pragma once

#include <cstdint>
#include <limits>
#include <string_view>

#include "poolcpuid/registers.hpp"
#include "poolcpuid/rulebook_data.hpp"
#include "poolcpuid/vmm_version.hpp"

namespace poolcpuid {

// How the values of a field combine in a pool; policy/README.md has the table.
enum class Rule : std::uint8_t {
    intersect,  // a set bit promises
    union_,     // a clear bit promises ("union" in documents)
    min,
    max,
    equal,
    guarded,  // union, plus the promise that VERW scrubs wherever the guest runs
    group,    // carried by several fields together
    derive,   // follows from other fields
    identity,
    owned,
    hide,
};

// Whether a guest is shown the field: by default, only when asked for (--show), or never.
enum class Exposure : std::uint8_t { shown, asked, never };

// What a broken promise costs the guest, the worst first.
enum class Impact : std::uint8_t { crash, security, wrong_result, performance, cosmetic };

// True of what costs the guest no more than speed, or a description: it forbids no move.
constexpr bool only_degrades(Impact impact) noexcept {
    return impact == Impact::performance || impact == Impact::cosmetic;
}

// How a derived field is computed.
enum class Derivation : std::uint8_t {
    none,
    max_leaf,     // the highest leaf of its range with content
    max_subleaf,  // the highest subleaf of its leaf with content
    copy_bits,    // the same bits of another register
    select,       // one of two constants, by another field
    constant,     // one value in every policy
    xcr0_low,     // the user state components that are kept
    xcr0_high,
    xss_low,  // the supervisor state components that are kept
    xss_high,
    xsave_size,      // bytes of the XSAVE area with every user component that is kept
    msr_offered,     // 1 when the policy offers the MSR
    vmx_default1,    // the same half of a TRUE control MSR, with the default1 class forced to 1
    vmx_cr4_fixed1,  // CR4 bits that the policy's CPUID allows
    vmx_vmcs_enum,   // the highest VMCS field that the policy's controls need
};

// Which hypervisors give guests a feature that the silicon need not have.
enum class Makers : std::uint8_t {
    none,
    some,  // those of some kernels or settings only
    all,   // every one that runs VMs today
};

std::string_view to_string(Rule rule) noexcept;
std::string_view to_string(Exposure exposure) noexcept;
std::string_view to_string(Impact impact) noexcept;
std::string_view to_string(Makers makers) noexcept;  // "all", "some"; "none" stands in no document

using FieldIndex = std::uint16_t;
inline constexpr FieldIndex no_field = std::numeric_limits<FieldIndex>::max();

// A set of vendors: bit i stands for Rulebook::vendors[i].
using VendorMask = std::uint8_t;

// An index into Rulebook::vulnerabilities.
using VulnerabilityIndex = std::uint8_t;

// An index into Rulebook::hypervisors.
using HypervisorIndex = std::uint8_t;
inline constexpr HypervisorIndex no_hypervisor = std::numeric_limits<HypervisorIndex>::max();

// One term of a condition: a field that must be set, or must be clear.
struct GuardTerm {
    FieldIndex field = no_field;
    bool negated = false;
};

// What other projects call a field; empty where they have no name for it.
struct FieldNames {
    Text vendor;  // Intel SDM or AMD APM
    Text kernel;  // Linux: `linux` is a macro where GNU's extensions are on
    Text qemu;
    Text libvirt;
    Text xen;
    NameAge qemu_age;  // which releases know the name that QEMU has
};

// When a host is immune to what a guarded bit is for, what says the same as the bit, where a host minds that, and where
// the bit is there and VERW does nothing all the same.
struct Guard {
    List<List<GuardTerm>> immune;  // any list of which every term holds
    List<Text> model;              // or: the model has all these immunities
    // Any list of which every term holds: VERW scrubs on such a host, and a guest that sees it counts on that.
    List<List<GuardTerm>> told_by;
    // The same of a host that has the bit: its hypervisor lets VERW scrub for guests, too, that are told by told_by
    // alone.
    List<List<GuardTerm>> heeds;
    List<List<GuardTerm>> in_vain;  // any list of which every term holds
};

// Where hypervisors make a feature by themselves, so that a view of the hardware alone says nothing of it.
struct Made {
    Makers by = Makers::none;
    VendorMask vendors = 0;       // on whose CPUs
    List<List<GuardTerm>> where;  // any list of which every term holds
    List<Text> model;             // or: the model has all these immunities; neither: everywhere
    // Where a list may hold of which every term does, only some of all hypervisors make it.
    List<List<GuardTerm>> unsure;
    Text source;
};

// What it means that a policy lacks a mitigation where software alone does not do: a host has a CPU of which the model
// table says so (Model::beyond_software), or that has the field itself, whatever its hypervisor shows.
struct Missed {
    FieldIndex unless = no_field;  // a host that has this field needs no mitigation; no_field: nothing says so
    Text says;                     // what guests do without it, and what comes of that; empty: nothing to speak of
};

// A bit that is 1 when a field is in the policy, or always.
struct BitSource {
    std::uint8_t bit = 0;         // of the derived field, from its low bit on
    FieldIndex field = no_field;  // no_field: always
};

// A value that counts when a field is in the policy.
struct Choice {
    FieldIndex condition = no_field;
    std::uint32_t value = 0;
};

// A bit that keeps the promise of others: a CPU that names its widest unit only has the narrower ones too.
struct Cover {
    std::uint8_t bit = 0;       // of the register
    std::uint64_t covered = 0;  // bits of the register, those that these cover in turn included
};

// What a broken promise costs on a host where another field is set.
struct Easing {
    FieldIndex field = no_field;
    Impact impact = Impact::cosmetic;
};

// Where a host tells a rate: a product of fields, divided by another where there is one.
struct Rate {
    List<FieldIndex> product;
    FieldIndex per = no_field;
    bool in_khz = false;  // else in Hz
};

struct Derive {
    Derivation how = Derivation::none;
    LeafKey from;                     // copy_bits
    Register reg = Register::eax;     // copy_bits
    FieldIndex condition = no_field;  // select
    std::uint32_t then_value = 0;     // select, constant
    std::uint32_t else_value = 0;     // select, vmx_vmcs_enum
    std::uint32_t msr = 0;            // msr_offered, vmx_default1
    std::uint32_t default1 = 0;       // vmx_default1: bits that are 1 in either half
    List<BitSource> bits;             // vmx_cr4_fixed1: sorted; a bit with several fields needs one of them
    List<Choice> choices;             // vmx_vmcs_enum: the first that holds counts, else else_value
};

struct Field {
    Text id;
    bool is_msr = false;
    std::uint32_t leaf = 0;  // leaf, or MSR index
    std::uint32_t subleaf_first = 0;
    std::uint32_t subleaf_last = 0;
    Register reg = Register::eax;
    std::uint8_t low = 0;
    std::uint8_t high = 0;
    VendorMask vendors = 0;
    HypervisorIndex hypervisor = no_hypervisor;  // whose interface it is of
    Rule rule = Rule::hide;
    Exposure exposure = Exposure::never;
    Impact impact = Impact::cosmetic;
    List<VulnerabilityIndex> mitigation;  // what a guest that has the bit can do something against
    bool required = false;
    bool emulated = false;          // a hardware view counts as having it
    bool by_microcode = false;      // updates brought it to CPUs that were sold without it
    List<Text> brought_to;          // and to no others than those with all these immunities; empty: to any
    bool of_identity = false;       // the hosts with the policy's family, model and stepping decide it
    bool zero_has_meaning = false;  // a zero stands for zero_means or zero_means_field
    std::uint32_t zero_means = 0;
    FieldIndex zero_means_field = no_field;
    std::uint32_t assured = 0;   // no more of the number is known where no hypervisor's view says it; 0: all of it is
    std::uint32_t known_to = 0;  // the largest number that the rulebook describes; 0: it need not describe any
    FieldIndex gate = no_field;  // while that is 0 in the policy, this says nothing
    GuardTerm implied_by;        // where that holds, so does this promise, whatever the dump shows
    FieldIndex length_from = no_field;  // bits at or above that number count as 1
    std::uint8_t allowed_by = 0;        // the lowest of the register's bits that allow these, one each; 0: none do
    List<Cover> covers;                 // bits that keep the promises of others
    List<Easing> eased_by;              // the first whose field a host has counts, else impact
    List<FieldIndex> hides;             // of CPUID: what a host with this MSR bit set may have, though it shows it not
    List<Rate> rates;                   // of a promise of one rate: the first that a host tells is its own
    Text ask;                           // group for --show
    Guard guard;
    Made made;
    Missed missed;  // with a mitigation
    Derive derive;
    FieldNames names;
    Text wider;  // of a number: what a guest meets on a host with more, in sentences; empty: nothing to speak of
    Text why;
    Text source;

    // The field's bits within its register: 32 bits of a CPUID register, 64 of an MSR.
    constexpr std::uint64_t mask() const noexcept { return bit_mask(low, high); }

    // Where the field stands: in one subleaf, or in all of its subleaves.
    constexpr BitPlace place(std::uint32_t subleaf) const noexcept {
        return {is_msr, leaf, subleaf, subleaf, reg, low, high};
    }
    constexpr BitPlace place() const noexcept { return {is_msr, leaf, subleaf_first, subleaf_last, reg, low, high}; }

    // Whether the field is in this subleaf of its leaf; not for MSRs.
    constexpr bool is_in_subleaf(std::uint32_t subleaf) const noexcept {
        return subleaf_first <= subleaf && subleaf <= subleaf_last;
    }
};

}  // namespace poolcpuid
