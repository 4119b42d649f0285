// The compiled rulebook: what each bit promises, as flat read-only tables.
//
// A Rulebook is a view: its lists and texts live in the program's read-only data (the rulebook that
// was compiled in) or in a LoadedRulebook (one read from a directory). policy/README.md says what
// each entry means; field numbers are indices into Rulebook::fields.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "poolcpuid/model_table.hpp"
#include "poolcpuid/registers.hpp"
#include "poolcpuid/rulebook_data.hpp"
#include "poolcpuid/rulebook_field.hpp"

namespace poolcpuid {

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

// A hypervisor's interface to its guests: leaves from 40000000h on, or 100h above where it stands beside another. Only
// there they mean what the rulebook says of them; of `signature` and `interface` one may be empty.
struct HypervisorInterface {
    Text id;         // "kvm"
    Text name;       // as people say it
    Text signature;  // what EBX, ECX and EDX of its first leaf spell, without zeros at the end
    Text interface;  // what EAX of its second leaf spells
    Text source;
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
