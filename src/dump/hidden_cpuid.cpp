#include "dump/hidden_cpuid.hpp"

#include <algorithm>
#include <cstdint>
#include <string>
#include <utility>

#include "base/hex.hpp"
#include "base/lists.hpp"

namespace poolcpuid::dump {

namespace {

using Msrs = std::optional<std::vector<MsrRow>>;

bool is_maximum(const Field& field) noexcept { return field.derive.how == Derivation::max_leaf; }

std::uint32_t value_in(const CpuidTable& table, const Field& field) noexcept {
    const Registers* row = table.find({field.leaf, field.subleaf_first});
    return row == nullptr ? 0 : ((*row)[field.reg] & static_cast<std::uint32_t>(field.mask())) >> field.low;
}

constexpr std::uint32_t limited_maximum = 3;  // 2 (SDM vol. 4, IA32_MISC_ENABLE[22]), or 3 as firmware words it

// A bit that the table shows all the same is not hidden, nor are leaves.
bool is_hidden(const CpuidTable& table, const Field& field) noexcept {
    const std::uint32_t value = value_in(table, field);
    return is_maximum(field) ? value <= limited_maximum : value == 0;
}

// The lowest leaf above the maximum of the table, where that is limited, that a bit of leaf 1 announces: one with
// fields that say nothing without the bit.
std::optional<std::uint32_t> leaf_above_limit(const Rulebook& rulebook, const CpuidTable& table) noexcept {
    const Registers* maximum = table.find({0, 0});
    if (maximum == nullptr || maximum->eax > limited_maximum) return std::nullopt;
    if (table.unknown_in({0, 0}, Register::eax) != 0) return std::nullopt;  // names of features alone are known
    std::optional<std::uint32_t> lowest;
    for (const Field& field : rulebook.fields) {
        if (field.is_msr || field.gate == no_field || range_of(field.leaf) != 0 || field.leaf <= maximum->eax) continue;
        const Field& gate = rulebook[field.gate];
        if (gate.is_msr || gate.leaf != 1 || value_in(table, gate) == 0) continue;
        lowest = std::min(lowest.value_or(field.leaf), field.leaf);
    }
    return lowest;
}

// Whether a setting is on: nothing where its MSR does not say it.
std::optional<bool> is_on(const Field& setting, const Msrs& msrs) noexcept {
    const MsrRow* row = msrs ? find_msr(*msrs, setting.leaf) : nullptr;
    if (row == nullptr || !row->value) return std::nullopt;
    return (*row->value & setting.mask()) != 0;
}

// The leaves above a maximum that the rulebook knows.
void mark_leaves_above(const Rulebook& rulebook, const Field& maximum, CpuidTable& table) {
    const std::uint32_t highest = value_in(table, maximum);
    for (const Field& field : rulebook.fields) {
        if (field.is_msr || range_of(field.leaf) != range_of(maximum.leaf) || field.leaf <= highest) continue;
        table.unknown.push_back({field.leaf, std::nullopt});
    }
    std::sort(table.unknown.begin(), table.unknown.end());
    table.unknown.erase(std::unique(table.unknown.begin(), table.unknown.end()), table.unknown.end());
}

// Of those that hide something.
std::string state_of(const HidingSetting& setting) {
    if (setting.announced == 0) return "is set and hides";
    return "is not known; it seems to be set, for leaf 0x1 announces leaf " + to_hex(setting.announced) + ", and hides";
}

}  // namespace

std::vector<HidingSetting> hiding_settings(const Rulebook& rulebook, const CpuidTable& table, const Msrs& msrs) {
    std::vector<HidingSetting> found;
    const std::uint32_t announced = leaf_above_limit(rulebook, table).value_or(0);
    if (!msrs && announced == 0) return found;
    const VendorMask vendor = rulebook.vendor_mask(vendor_string(table).value_or(""));
    for (std::size_t i = 0; i < rulebook.fields.size(); ++i) {
        const Field& setting = rulebook.fields[i];
        if (setting.hides.empty() || (setting.vendors & vendor) == 0) continue;
        const std::optional<bool> said = is_on(setting, msrs);
        HidingSetting hiding{static_cast<FieldIndex>(i), said ? 0 : announced, {}};
        for (const FieldIndex index : setting.hides) {
            const Field& field = rulebook[index];
            if (!said.value_or(announced != 0 && is_maximum(field))) continue;
            if ((field.vendors & vendor) == 0 || !is_hidden(table, field)) continue;
            hiding.fields.push_back({index, value_in(table, field)});
        }
        if (!hiding.fields.empty()) found.push_back(std::move(hiding));
    }
    return found;
}

CpuidTable with_hidden_unknown(const Rulebook& rulebook, CpuidTable table, const std::vector<HidingSetting>& settings) {
    for (const HidingSetting& setting : settings) {
        for (const HiddenField& hidden : setting.fields) {
            const Field& field = rulebook[hidden.field];
            if (is_maximum(field)) {
                mark_leaves_above(rulebook, field, table);
            } else {
                table.mark_unknown({field.leaf, field.subleaf_first}, field.reg,
                                   static_cast<std::uint32_t>(field.mask()));
            }
        }
    }
    return table;
}

std::string text_of(const Rulebook& rulebook, const HidingSetting& hiding) {
    const Field& setting = rulebook[hiding.setting];
    std::vector<std::string> words;
    for (const HiddenField& hidden : hiding.fields) {
        const Field& field = rulebook[hidden.field];
        words.push_back(is_maximum(field) ? "leaves above " + to_hex(hidden.value) : std::string(field.id));
    }
    return "MSR " + to_hex(setting.leaf) + "[" + bits_text(setting) + "], \"" + std::string(setting.names.vendor) +
           "\", " + state_of(hiding) + " from CPUID what the CPU may have: " + joined(words) +
           ". That is not known. Turn the setting off in the firmware, or take the dump in a system that does. " +
           std::string(setting.why);
}

std::vector<DumpNote> notes_on_hidden(const Rulebook& rulebook, const HostDump& host) {
    std::vector<DumpNote> notes;
    if (!host.hardware) return notes;
    for (const HidingSetting& setting : hiding_settings(rulebook, host.first_table(), host.hardware->msrs)) {
        notes.push_back({"cpuid-hidden", text_of(rulebook, setting)});
    }
    return notes;
}

}  // namespace poolcpuid::dump
