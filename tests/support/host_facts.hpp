// What one host keeps, as DESIGN.md section 2 defines it: the oracle's own reading of a HostDump, written
// without a line of the merge. Slow and plain where the merge is fast.
#pragma once

#include <array>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "tests/support/rulebook_files.hpp"

namespace poolcpuid::test {

// A field of a promise-bearing rule in one subleaf.
struct Slot {
    const RuleField* field = nullptr;
    std::uint32_t subleaf = 0;
};

inline bool is_bit_rule(const std::string& rule) { return rule == "intersect" || rule == "union" || rule == "guarded"; }
inline bool is_number_rule(const std::string& rule) { return rule == "min" || rule == "max" || rule == "equal"; }

// XSAVE layout rows are compared component by component.
inline bool is_layout_field(const RuleField& field) { return field.leaf == 0xD && field.rule == "equal"; }

inline std::vector<Slot> slots_of(const VendorRules& rules) {
    std::vector<Slot> slots;
    for (const RuleField& field : rules.fields) {
        if ((!is_bit_rule(field.rule) && !is_number_rule(field.rule)) || is_layout_field(field)) continue;
        for (std::uint32_t s = field.subleaves.first; s <= field.subleaves.last; ++s) slots.push_back({&field, s});
    }
    return slots;
}

// A field's value in a table, shifted down; nothing when the dump does not know.
inline std::optional<std::uint32_t> value_in(const CpuidTable& table, const RuleField& field, std::uint32_t subleaf) {
    if (const Registers* row = table.find({field.leaf, subleaf})) return ((*row)[field.reg] & field.mask) >> field.low;
    if (table.is_unknown({field.leaf, subleaf})) return std::nullopt;
    return 0;
}

struct HostFacts {
    std::string name;
    std::string sha256;
    std::string vendor;
    const CpuidTable* table = nullptr;  // identity: that of the first CPU
    const ModelRow* model = nullptr;
    std::vector<std::uint32_t> kept;                    // a slot: bits of the promise that the host keeps, shifted down
    std::vector<std::optional<std::uint32_t>> numbers;  // a slot: the limit, obligation or value
    std::array<std::optional<ComponentLayout>, 63> components;
    std::map<std::string, bool> scrubs;  // guarded field: VERW scrubs, or the host is immune
};

namespace facts {

using Msrs = std::optional<std::vector<MsrRow>>;

class Reader {
public:
    Reader(const VendorRules& rules, const HostDump& host) : rules_(rules), host_(host) {}

    HostFacts read(const std::vector<Slot>& slots) {
        HostFacts facts;
        facts.name = host_.name;
        facts.sha256 = host_.sha256;
        facts.vendor = vendor_string(host_.first_table()).value_or("");
        facts.table = &host_.first_table();
        facts.model = model_ = find_model();
        for (const Slot& slot : slots) {
            const bool bits = is_bit_rule(slot.field->rule);
            facts.kept.push_back(!bits ? 0 : slot.field->rule == "intersect" ? set_bits(slot) : clear_bits(slot));
            facts.numbers.push_back(bits ? std::nullopt : number(slot));
            if (slot.field->rule == "guarded") facts.scrubs[slot.field->id] = scrubs(*slot.field);
        }
        for (const ComponentRule& component : rules_.components) facts.components[component.bit] = layout(component);
        return facts;
    }

private:
    // The tables that say what a guest can be given: the hypervisor's, or every logical CPU's.
    std::vector<const CpuidTable*> capability_tables() const {
        if (host_.hypervisor) return {&host_.hypervisor->cpuid};
        return hardware_tables();
    }

    std::vector<const CpuidTable*> hardware_tables() const {
        std::vector<const CpuidTable*> tables;
        if (!host_.hardware) return tables;
        for (const LogicalCpu& cpu : host_.hardware->cpus) tables.push_back(&cpu.cpuid);
        return tables;
    }

    static std::uint32_t ones(const RuleField& field) { return field.mask >> field.low; }

    std::uint32_t set_bits(const Slot& slot) const {
        const RuleField& field = *slot.field;
        std::uint32_t kept = ones(field);
        for (const CpuidTable* table : capability_tables()) {
            const RuleField* sign = rules_.find(field.implied_by);
            const bool implied = sign != nullptr && value_in(*table, *sign, sign->subleaves.first).value_or(0) != 0;
            const bool emulated = field.emulated && !host_.hypervisor;
            if (!implied && !emulated) kept &= value_in(*table, field, slot.subleaf).value_or(0);
        }
        return kept;
    }

    // One view of a relaxed behaviour: the bits that are set somewhere, and those known to be clear everywhere.
    struct Relaxed {
        std::uint32_t set = 0;
        std::uint32_t clear = 0;
    };

    Relaxed relaxed(const std::vector<const CpuidTable*>& tables, const Slot& slot) const {
        const RuleField& field = *slot.field;
        Relaxed result{0, tables.empty() ? 0 : ones(field)};
        for (const CpuidTable* table : tables) {
            auto value = value_in(*table, field, slot.subleaf);
            if (const RuleField* length = rules_.find(field.length_from); length != nullptr && value) {
                const auto bits = value_in(*table, *length, length->subleaves.first);
                for (unsigned bit = 0; bits && bit < 32; ++bit) *value |= bit >= *bits ? 1U << bit : 0;
            }
            result.set |= value.value_or(0);
            result.clear &= value ? ~*value : 0;
        }
        return result;
    }

    // Bits that are clear in the widest view: no view and no model says they are set, and something says they are
    // clear.
    std::uint32_t clear_bits(const Slot& slot) const {
        std::vector<const CpuidTable*> guest;
        if (host_.hypervisor) guest.push_back(&host_.hypervisor->cpuid);
        const Relaxed one = relaxed(guest, slot);
        const Relaxed two = relaxed(hardware_tables(), slot);
        std::uint32_t clear = one.clear | two.clear;
        const RuleField& field = *slot.field;
        if (field.rule == "union" && model_ != nullptr && model_->silicon.contains(field.id)) {
            const std::uint32_t fact = model_->silicon.at(field.id);
            clear = (clear | ~fact) & ~fact;
        }
        return clear & ~one.set & ~two.set & ones(field);
    }

    std::optional<std::uint32_t> number_in(const CpuidTable& table, const RuleField& field,
                                           std::uint32_t subleaf) const {
        const auto value = value_in(table, field, subleaf);
        if (field.zero_means.empty() || value.value_or(0) != 0) return value;
        if (field.zero_means.starts_with("0x")) return hex_number(field.zero_means);
        const RuleField& other = *rules_.find(field.zero_means);
        return number_in(table, other, other.subleaves.first);
    }

    std::optional<std::uint32_t> number(const Slot& slot) const {
        const std::string& rule = slot.field->rule;
        const auto meet = [&](const std::vector<const CpuidTable*>& tables) {
            std::optional<std::uint32_t> result;
            bool first = true;
            for (const CpuidTable* table : tables) {
                const auto value = number_in(*table, *slot.field, slot.subleaf);
                if (first) {
                    result = value;
                } else if (!value || !result || (rule == "equal" && *value != *result)) {
                    result.reset();
                } else {
                    result = rule == "min" ? std::min(*value, *result) : std::max(*value, *result);
                }
                first = false;
            }
            return result;
        };
        const auto capability = meet(capability_tables());
        if (rule != "max" || !host_.hypervisor || !host_.hardware) return capability;
        const auto silicon = meet(hardware_tables());
        if (!capability || !silicon) return capability ? capability : silicon;
        return std::max(*capability, *silicon);
    }

    bool term_holds(const std::string& term, const CpuidTable& table, const Msrs& msrs) const {
        const bool negated = term.starts_with("!");
        const std::string id = negated ? term.substr(1) : term;
        std::optional<std::uint64_t> value;
        if (const RuleField* field = rules_.find(id)) {
            value = value_in(table, *field, field->subleaves.first);
        } else if (msrs && rules_.msr_fields.contains(id)) {
            const MsrField& bits = rules_.msr_fields.at(id);
            for (const MsrRow& row : *msrs) {
                if (row.index == bits.index) value = (row.value.value_or(0) >> bits.low) & bits.ones;
            }
        }
        return value && (*value != 0) != negated;
    }

    bool safe(const RuleField& field, const CpuidTable& table, const Msrs& msrs) const {
        if (value_in(table, field, field.subleaves.first).value_or(0) != 0) return true;
        const auto tags = field.guard.value("model", std::vector<std::string>{});
        const auto immune = [&](const std::string& tag) { return model_ != nullptr && is_listed(model_->immune, tag); };
        if (!tags.empty() && std::all_of(tags.begin(), tags.end(), immune)) return true;
        for (const auto& list : field.guard.at("immune")) {
            const auto terms = list.get<std::vector<std::string>>();
            const auto holds = [&](const std::string& term) { return term_holds(term, table, msrs); };
            if (std::all_of(terms.begin(), terms.end(), holds)) return true;
        }
        return false;
    }

    bool scrubs(const RuleField& field) const {
        const Msrs hardware_msrs = host_.hardware ? host_.hardware->msrs : std::nullopt;
        if (host_.hypervisor) {
            const Msrs& msrs = host_.hypervisor->msrs ? host_.hypervisor->msrs : hardware_msrs;
            if (safe(field, host_.hypervisor->cpuid, msrs)) return true;
        }
        const auto tables = hardware_tables();
        return !tables.empty() && std::all_of(tables.begin(), tables.end(), [&](const CpuidTable* table) {
            return safe(field, *table, hardware_msrs);
        });
    }

    std::optional<ComponentLayout> layout_in(const CpuidTable& table, const ComponentRule& component) const {
        const bool supervisor = component.state == "supervisor";
        const LeafKey mask_row{0xD, supervisor ? 1U : 0U};
        bool supported = false;
        if (const Registers* row = table.find(mask_row)) {
            const std::uint64_t low = supervisor ? row->ecx : row->eax;
            supported = (((std::uint64_t{row->edx} << 32 | low) >> component.bit) & 1U) != 0;
        } else if (table.is_unknown(mask_row)) {
            for (const std::string& id : component.features) {
                const RuleField* field = rules_.find(id);
                supported =
                    supported || (field != nullptr && value_in(table, *field, field->subleaves.first).value_or(0) != 0);
            }
        }
        if (!supported) return std::nullopt;
        if (component.state == "legacy") return ComponentLayout{};
        const Registers* row = table.find({0xD, component.bit});
        if (row == nullptr || row->eax == 0) return component.documented;
        if (((row->ecx & 1U) != 0) != supervisor) return std::nullopt;
        return ComponentLayout{row->eax, supervisor ? 0 : row->ebx, (row->ecx & 2U) != 0};
    }

    std::optional<ComponentLayout> layout(const ComponentRule& component) const {
        const auto tables = capability_tables();
        const auto first = layout_in(*tables.front(), component);
        for (const CpuidTable* table : tables) {
            if (layout_in(*table, component) != first) return std::nullopt;
        }
        return first;
    }

    const ModelRow* find_model() const {
        const Registers* row = host_.first_table().find({1, 0});
        if (row == nullptr) return nullptr;
        const std::uint32_t base = (row->eax >> 8) & 0xF;
        const std::uint32_t family = base == 0xF ? base + ((row->eax >> 20) & 0xFF) : base;
        const bool extended = base == 6 || base == 7 || base == 0xF;
        const std::uint32_t model = (extended ? (row->eax >> 12) & 0xF0 : 0) | ((row->eax >> 4) & 0xF);
        const auto any = [](const std::vector<Span>& spans, std::uint32_t number) {
            return std::any_of(spans.begin(), spans.end(), [&](const Span& span) { return span.has(number); });
        };
        for (const ModelRow& candidate : rules_.models) {
            const bool stepping = candidate.steppings.empty() || any(candidate.steppings, row->eax & 0xF);
            if (candidate.family.has(family) && any(candidate.models, model) && stepping) return &candidate;
        }
        return nullptr;
    }

    const VendorRules& rules_;
    const HostDump& host_;
    const ModelRow* model_ = nullptr;
};

}  // namespace facts

// host must outlive the facts.
inline HostFacts facts_of(const VendorRules& rules, const std::vector<Slot>& slots, const HostDump& host) {
    return facts::Reader(rules, host).read(slots);
}

}  // namespace poolcpuid::test
