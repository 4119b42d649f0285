// The compiled rulebook: what each bit promises, as flat read-only tables.
//
// A Rulebook is a view: its lists and texts live in the program's read-only data (the rulebook that
// was compiled in) or in a LoadedRulebook (one read from a directory). policy/README.md says what
// each entry means; field numbers are indices into Rulebook::fields.
#pragma once

#include <cstddef>
#include <cstdint>
#include <limits>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

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

// One term of a condition: a field that must be set, or must be clear.
struct GuardTerm {
    FieldIndex field = no_field;
    bool negated = false;
};

// What turns a mitigation on in a Linux guest that holds itself for safe.
struct ByHand {
    Text option;                  // of the kernel's command line
    List<List<GuardTerm>> where;  // it works in guests that see all of one of these lists; none: in all
};

// An attack that software can do something against. A bit that helps is a mitigation, and what breaks when the bit is
// falsely promised is another matter: see Field::impact.
struct Vulnerability {
    Text id;                 // where the kernel has a file for it, its name in /sys/devices/system/cpu/vulnerabilities
    Text name;               // as people say it: "Spectre v2 (branch target injection)"
    VendorMask vendors = 0;  // those with a CPU that is affected
    List<ByHand> by_hand;    // each does; empty: nothing does
    Text source;
};

// An index into Rulebook::vulnerabilities.
using VulnerabilityIndex = std::uint8_t;

// A hypervisor's interface to its guests: leaves from 40000000h on, or 100h above where it stands beside another. Only
// there they mean what the rulebook says of them; of `signature` and `interface` one may be empty.
struct HypervisorInterface {
    Text id;         // "kvm"
    Text name;       // as people say it
    Text signature;  // what EBX, ECX and EDX of its first leaf spell, without zeros at the end
    Text interface;  // what EAX of its second leaf spells
    Text source;
};

// An index into Rulebook::hypervisors.
using HypervisorIndex = std::uint8_t;
inline constexpr HypervisorIndex no_hypervisor = std::numeric_limits<HypervisorIndex>::max();

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

struct Vendor {
    Text id;
    Text name;
    List<Text> strings;  // of CPUID leaf 0, 12 bytes each
};

// When none of prerequisites is in the policy, dependents are taken away.
struct Dependency {
    List<FieldIndex> prerequisites;
    List<FieldIndex> dependents;
    VendorMask vendors = 0;  // of whose CPUs it is so
    bool where_had = false;  // only of hosts with a prerequisite: without it a guest's dependents do nothing there
    Text why;
    Text source;
};

// Fields whose values must agree; when they do not they are 0 and the features in drop go.
struct EqualityGroup {
    Text id;
    List<FieldIndex> fields;
    List<FieldIndex> drop;
    bool of_model = false;  // values agree only between CPUs of one family and model
    Text why;
    Text source;
};

// The bits that carry one promise together: what returns may be predicted from.
struct RetpolineBits {
    FieldIndex rsba = no_field;
    FieldIndex rrsba = no_field;
    FieldIndex eibrs = no_field;
    Text why;
    Text source;

    // Whether the field is one of the two names of the bad news; EIBRS is a promise like others.
    constexpr bool is_bad_news(FieldIndex field) const noexcept { return field == rsba || field == rrsba; }
};

enum class XsaveState : std::uint8_t { legacy, user, supervisor };

// A documented layout of a component, for hosts whose dump lacks the row.
struct XsaveLayout {
    VendorMask vendors = 0;
    std::uint32_t size = 0;    // bytes
    std::uint32_t offset = 0;  // bytes from the start of the XSAVE area; 0 for supervisor state
    bool align64 = false;      // in the compacted format
    Text source;
};

struct XsaveComponent {
    Text id;
    std::uint8_t bit = 0;  // of XCR0 or IA32_XSS
    XsaveState state = XsaveState::user;
    List<FieldIndex> features;  // any of them keeps the component; each needs it
    List<XsaveLayout> layouts;
    std::uint64_t together = 0;  // bits of the components with which this one stands or falls
    Text why;
    Text source;
};

// What a field is on the silicon of a model, whatever a view shows.
struct SiliconFact {
    FieldIndex field = no_field;
    std::uint32_t value = 0;
};

// What a field is on that silicon with certain microcode: the facts hold for from <= revision < below.
struct MicrocodeFacts {
    std::uint32_t from = 0;
    std::uint32_t below = std::numeric_limits<std::uint32_t>::max();
    List<SiliconFact> silicon;
    bool recalled = false;       // its vendor took it back: a host whose revision is not known is not taken to have it
    bool spares_guests = false;  // not so in a guest; kernels take the field from their host, and so from guests

    constexpr bool hold_with(std::uint32_t revision) const noexcept { return from <= revision && revision < below; }
};

struct NumberRange {
    std::uint16_t first = 0;
    std::uint16_t last = 0;
};

struct Model {
    VendorMask vendors = 0;
    std::uint16_t family = 0;     // displayed family: base plus extended
    List<NumberRange> models;     // displayed models
    List<NumberRange> steppings;  // empty: all
    Text name;
    Text microarchitecture;
    std::uint32_t generation = 0;  // orders models of a vendor by age
    List<SiliconFact> silicon;
    List<MicrocodeFacts> microcode;  // no two hold with one revision; fields that silicon has not
    List<Text> immune;               // what the silicon is immune to
    List<Text> inferred;             // immunities that guests infer from family and model
    List<Text> unaware;              // what guests that are shown this family do not look for
    List<Text> beyond_software;      // against what guests do by software alone is not enough here, as on older models
    Text source;
};

// What guests make of any CPU of a family, for those of which the model table has no row.
struct CpuFamily {
    VendorMask vendors = 0;
    std::uint16_t family = 0;  // displayed family: base plus extended
    List<Text> inferred;       // immunities that guests infer from the family alone
    List<Text> unaware;        // what guests that are shown this family do not look for
    Text source;
};

// A level of the x86-64 psABI, for --ceiling; levels are in rising order.
struct Level {
    Text id;
    List<FieldIndex> features;  // those that this level adds
};

// The most that something has of a number.
struct NumberBound {
    FieldIndex field = no_field;  // of the rule min
    std::uint32_t most = 0;

    friend constexpr bool operator==(const NumberBound&, const NumberBound&) = default;
};

// A CPU by which others bound a pool, for --ceiling: a CPU model of QEMU or of libvirt, say.
struct Baseline {
    Text id;                    // "qemu:Haswell-v4": whose it is, and its name there
    Text of;                    // "QEMU 11.1.3"
    VendorMask vendors = 0;     // whose CPUs it is for
    Text refusal;               // why nobody can say what it has; empty: features says it
    List<FieldIndex> features;  // all that it has, in the rulebook's order
    List<NumberBound> numbers;  // of numbers that it has: the rest is as the pool's; likewise
};

// What a key at the start of a `source` stands for: "SDM", "K" …
struct SourceKey {
    Text key;
    Text means;
};

// What a target of render shows whatever it is told. It is JSON until somebody renders for that target: programs that
// do not render need none of it.
struct TargetFile {
    Text name;      // "qemu"
    Text document;  // the bytes of targets/NAME.json
};

// What a guest's kernel makes of the CPU that it sees, JSON until somebody audits a policy.
struct GuestFile {
    Text name;      // "linux"
    Text document;  // the bytes of guests/NAME.json
};

struct Rulebook {
    Text version;
    Text sha256;  // see LoadedRulebook
    List<Vendor> vendors;
    List<Vulnerability> vulnerabilities;
    List<HypervisorInterface> hypervisors;
    List<Field> fields;  // CPUID before MSR, then leaf or index, subleaf, register, low bit
    List<Dependency> dependencies;
    List<EqualityGroup> equality;
    List<RetpolineBits> retpoline;
    std::uint32_t xsave_legacy_size = 0;  // bytes of legacy region and header
    List<XsaveComponent> xsave;
    List<Model> models;
    List<CpuFamily> families;
    List<Level> levels;
    List<Baseline> baselines;
    List<SourceKey> sources;   // sorted by key
    List<TargetFile> targets;  // sorted by name; not part of the digest
    List<GuestFile> guests;    // likewise

    const Field& operator[](FieldIndex index) const { return fields[index]; }

    // What a field is a mitigation of, on CPUs of these vendors, in the order of the field's list.
    std::vector<VulnerabilityIndex> mitigated_by(const Field& field, VendorMask on) const;
    // Their ids.
    std::vector<std::string> ids_mitigated_by(const Field& field, VendorMask on) const;

    // The entry of `retpoline` in which the field is a name of the bad news, or nullptr.
    const RetpolineBits* retpoline_of(FieldIndex field) const noexcept;

    // The XSAVE state of this bit of XCR0 or IA32_XSS, or nullptr.
    const XsaveComponent* find_state(std::uint32_t bit) const noexcept;

    // The hypervisor's interface with this id, or nullptr.
    const HypervisorInterface* find_hypervisor(std::string_view id) const noexcept;

    // The field with this id, or no_field. Linear in the number of fields.
    FieldIndex find(std::string_view id) const noexcept;

    // Every field that has this id or, in any project, this name; letter case and the difference of "_" and "-" are
    // ignored for names. Where there is none, so are "_", "-" and "." themselves. Linear in the number of fields.
    std::vector<FieldIndex> find_any_name(std::string_view name) const;

    // As find_any_name, and what a name means as the program prints it: "FIELD[SUBLEAF]" with a subleaf that the field
    // has; "xsave state NAME", the fields that need the state; "vendor", the fields that spell the vendor.
    std::vector<FieldIndex> find_printed_name(std::string_view name) const;

    // The vendor whose CPUID vendor string this is (an index into vendors), or nothing.
    std::optional<std::size_t> vendor_of(std::string_view vendor_string) const noexcept;
    // The vendor of that id, or nothing.
    std::optional<std::size_t> vendor_named(std::string_view id) const noexcept;
    // The set of this vendor alone; of none where the rulebook does not know it.
    VendorMask vendor_mask(std::string_view vendor_string) const noexcept;

    // The row of the model table for a displayed family, model and stepping, or nullptr.
    const Model* model_of(std::size_t vendor, const struct Signature& signature) const noexcept;
    // What is known of a displayed family as such, or nullptr.
    const CpuFamily* family_of(std::size_t vendor, std::uint16_t family) const noexcept;
};

// Family, model and stepping as displayed: extended parts combined (SDM vol. 2A, CPUID leaf 1;
// APM vol. 3, appendix E.3.2).
struct Signature {
    std::uint16_t family = 0;
    std::uint16_t model = 0;
    std::uint16_t stepping = 0;

    friend constexpr bool operator==(const Signature&, const Signature&) = default;
};

// The bits of leaf 1 EAX that say family, model and stepping, where they stand: two CPUs are of one signature if these
// are equal, whatever the type and the reserved bits.
constexpr std::uint32_t signature_bits(std::uint32_t leaf1_eax) noexcept { return leaf1_eax & 0x0FFF0FFFU; }

// Those of them that say family and model.
constexpr std::uint32_t model_bits(std::uint32_t leaf1_eax) noexcept { return leaf1_eax & 0x0FFF0FF0U; }

// Decodes EAX of leaf 1.
constexpr Signature signature_of(std::uint32_t leaf1_eax) noexcept {
    const auto base_family = static_cast<std::uint16_t>((leaf1_eax >> 8) & 0xFU);
    const auto base_model = static_cast<std::uint16_t>((leaf1_eax >> 4) & 0xFU);
    const auto extended_family = static_cast<std::uint16_t>((leaf1_eax >> 20) & 0xFFU);
    const auto extended_model = static_cast<std::uint16_t>((leaf1_eax >> 16) & 0xFU);
    Signature signature;
    signature.stepping = static_cast<std::uint16_t>(leaf1_eax & 0xFU);
    signature.family = base_family == 0xF ? static_cast<std::uint16_t>(base_family + extended_family) : base_family;
    const bool model_is_extended = base_family == 0x6 || base_family == 0x7 || base_family == 0xF;
    signature.model = model_is_extended ? static_cast<std::uint16_t>((extended_model << 4) | base_model) : base_model;
    return signature;
}

// The reverse: family, model and stepping where they stand in EAX of leaf 1, and zeros beside them.
constexpr std::uint32_t leaf1_eax_of(const Signature& signature) noexcept {
    const std::uint32_t base = signature.family < 0xF ? signature.family : 0xF;
    const std::uint32_t extended = signature.family - base;
    return (extended << 20) | ((signature.model & 0xF0U) << 12) | (base << 8) | ((signature.model & 0xFU) << 4) |
           signature.stepping;
}

// The rulebook that was compiled into the program from policy/.
const Rulebook& builtin_rulebook() noexcept;

// "31:24", or "7" for a single bit.
std::string bits_text(const Field& field);

}  // namespace poolcpuid
