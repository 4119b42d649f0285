// One CPU as a view of its host shows it: a CPUID table, the view's MSRs, and what both say about a field.
#pragma once

#include <algorithm>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "tests/support/rulebook_files.hpp"

namespace poolcpuid::test {

using Msrs = std::optional<std::vector<MsrRow>>;

struct CpuView {
    const CpuidTable* cpuid = nullptr;
    const Msrs* msrs = nullptr;
    std::uint32_t signature = 0;  // of the silicon behind it
};

// Family, model and stepping of leaf 1 EAX, in their places.
inline std::uint32_t signature_bits(std::uint32_t eax) { return eax & 0x0FFF0FFF; }

// The row of the model table for a signature, or nullptr.
inline const ModelRow* model_of(const VendorRules& rules, std::uint32_t signature) {
    const std::uint32_t base = (signature >> 8) & 0xF;
    const std::uint32_t family = base == 0xF ? base + ((signature >> 20) & 0xFF) : base;
    const bool extended = base == 6 || base == 7 || base == 0xF;
    const std::uint32_t model = (extended ? (signature >> 12) & 0xF0 : 0) | ((signature >> 4) & 0xF);
    const auto any = [](const std::vector<Span>& spans, std::uint32_t number) {
        return std::any_of(spans.begin(), spans.end(), [&](const Span& span) { return span.has(number); });
    };
    for (const ModelRow& row : rules.models) {
        const bool stepping = row.steppings.empty() || any(row.steppings, signature & 0xF);
        if (row.family.has(family) && any(row.models, model) && stepping) return &row;
    }
    return nullptr;
}

inline bool is_below_hypervisor(const HostDump& host) {
    const Registers* features = host.hardware ? host.hardware->cpus.front().cpuid.find({1, 0}) : nullptr;
    return features != nullptr && features->ecx >> 31U != 0;
}

// Hyper-V's root partition is the host's own system: it may create partitions and manage CPUs (TLFS, 40000003h EBX),
// and does not run on another Hyper-V (40000004h EAX[12]).
inline bool was_taken_in_guest(const HostDump& host) {
    if (!is_below_hypervisor(host)) return false;
    const CpuidTable& cpu = host.hardware->cpus.front().cpuid;
    const Registers* interface = cpu.find({0x40000001, 0});
    const Registers* privileges = cpu.find({0x40000003, 0});
    const Registers* hints = cpu.find({0x40000004, 0});
    const bool is_hyper_v = interface != nullptr && interface->eax == 0x31237648;  // "Hv#1"
    const bool is_nested = hints != nullptr && (hints->eax >> 12U & 1U) != 0;
    return !is_hyper_v || is_nested || privileges == nullptr || (privileges->ebx & 0x00401001U) != 0x1001U;
}

// The microcode revision that the host runs: that of the document's meta data, else of IA32_BIOS_SIGN_ID as
// the hardware shows it (Intel in the high half, AMD in the low one). A hypervisor shows another to guests, and
// some show FFFFFFFF for one: a guest does not see its host's.
inline std::optional<std::uint32_t> microcode_of(const HostDump& host) {
    if (is_below_hypervisor(host)) return std::nullopt;
    const auto is_revision = [](std::uint64_t value) { return value != 0 && value != 0xFFFFFFFF; };
    const auto meta = host.meta.find("microcode");
    if (meta != host.meta.end() && meta->second.starts_with("0x") &&
        meta->second.find_first_not_of("0123456789abcdefABCDEF", 2) == std::string::npos) {
        const std::uint32_t said = hex_number(meta->second);
        if (is_revision(said)) return said;
    }
    if (!host.hardware || !host.hardware->msrs) return std::nullopt;
    for (const MsrRow& row : *host.hardware->msrs) {
        if (row.index != 0x8B) continue;
        const std::uint64_t value = row.value.value_or(0);
        const std::string vendor = vendor_string(host.first_table()).value_or("");
        const bool is_amd = vendor == "AuthenticAMD" || vendor == "HygonGenuine";
        const auto read = static_cast<std::uint32_t>(is_amd ? value : value >> 32);
        if (is_revision(read)) return read;
    }
    return std::nullopt;
}

// The bytes of registers as text, without zeros at the end.
inline std::string spelt(const std::vector<std::uint32_t>& registers) {
    std::string text;
    for (const std::uint32_t word : registers) {
        for (unsigned i = 0; i < 4; ++i) text += static_cast<char>((word >> (8 * i)) & 0xFF);
    }
    return text.substr(0, text.find_last_not_of('\0') + 1);
}

// Whether a block of hypervisors' leaves is of the interface that gives the field its meaning.
inline bool is_signed_for(const CpuidTable& table, std::uint32_t block, const RuleField& field) {
    const Registers first = table.find({block, 0}) == nullptr ? Registers{} : *table.find({block, 0});
    const Registers second = table.find({block + 1, 0}) == nullptr ? Registers{} : *table.find({block + 1, 0});
    if (!field.signature.empty() && spelt({first.ebx, first.ecx, first.edx}) != field.signature) return false;
    return field.interface.empty() || spelt({second.eax}) == field.interface;
}

// Where the table has the leaf of a field: elsewhere for one of a hypervisor whose block is not the first, and nowhere
// for one of a hypervisor that signed no block.
inline std::optional<std::uint32_t> leaf_in(const CpuidTable& table, const RuleField& field) {
    if (field.hypervisor.empty() || table.is_unknown({0x40000000, 0})) return field.leaf;
    bool has_any = false;
    for (const CpuidRow& row : table.rows) {
        if (row.key.leaf >> 16 != 0x4000) continue;
        has_any = true;
        const std::uint32_t block = row.key.leaf & 0xFFFFFF00;
        if (is_signed_for(table, block, field)) return block | (field.leaf & 0xFF);
    }
    return has_any ? std::nullopt : std::optional(field.leaf);
}

// A field's value in a table, shifted down; nothing when the dump does not know.
inline std::optional<std::uint64_t> value_in(const CpuidTable& table, const RuleField& field, std::uint32_t subleaf) {
    const auto leaf = leaf_in(table, field);
    if (!leaf) return 0;
    if (const Registers* row = table.find({*leaf, subleaf})) return ((*row)[field.reg] & field.mask) >> field.low;
    if (table.is_unknown({*leaf, subleaf})) return std::nullopt;
    return 0;
}

// What a view says of an MSR: its value, that there is none, or nothing.
struct MsrWord {
    enum class State { present, absent, unknown } state = State::unknown;
    std::uint64_t value = 0;
};

// The CPUID field that says whether the MSR of a field is there, or nullptr.
inline const RuleField* enumerator_of(const VendorRules& rules, const RuleField& field) {
    const auto offered = rules.enumerators.find(field.leaf);
    const RuleField* sign = rules.find(offered != rules.enumerators.end() ? offered->second : field.gate);
    while (sign != nullptr && sign->is_msr) sign = rules.find(sign->gate);
    return sign;
}

inline MsrWord msr_word(const VendorRules& rules, const CpuView& view, const RuleField& field) {
    if (*view.msrs) {
        for (const MsrRow& row : **view.msrs) {
            if (row.index != field.leaf) continue;
            if (!row.value) return {MsrWord::State::absent, 0};
            return {MsrWord::State::present, (*row.value & field.mask) >> field.low};
        }
    }
    const RuleField* sign = enumerator_of(rules, field);
    if (sign == nullptr) return {};
    const auto enumerated = value_in(*view.cpuid, *sign, sign->subleaves.first);
    return {enumerated == 0U ? MsrWord::State::absent : MsrWord::State::unknown, 0};
}

// A field of CPUID or of an MSR. An absent MSR reads as 0, except that it has promised nothing about
// returns: RSBA and RRSBA are then unknown.
inline std::optional<std::uint64_t> value_in(const VendorRules& rules, const CpuView& view, const RuleField& field,
                                             std::uint32_t subleaf) {
    if (!field.is_msr) return value_in(*view.cpuid, field, subleaf);
    const MsrWord word = msr_word(rules, view, field);
    const bool returns = field.id == rules.retpoline.rsba || field.id == rules.retpoline.rrsba;
    if (word.state == MsrWord::State::unknown || (word.state == MsrWord::State::absent && returns)) return std::nullopt;
    return word.value;
}

}  // namespace poolcpuid::test
