// Values of one view of a host (a CPUID table with its MSRs), with "not known" told apart from zero.
#pragma once

#include <algorithm>
#include <cstdint>
#include <optional>
#include <vector>

#include "dump/virtual_machine.hpp"
#include "poolcpuid/host_dump.hpp"
#include "poolcpuid/policy.hpp"
#include "poolcpuid/rulebook.hpp"
#include "promises/vendor_rules.hpp"
#include "rulebook/claims.hpp"

namespace poolcpuid::promises {

using Msrs = std::optional<std::vector<MsrRow>>;

// The host's row of the model table with its microcode revision: what the silicon is, whatever a view shows.
struct Silicon {
    const Model* model = nullptr;       // nullptr: not in the model table
    const CpuFamily* family = nullptr;  // what is known of the family of such a model; nullptr: nothing
    std::optional<std::uint32_t> microcode;
    dump::TakenIn taken_in = dump::TakenIn::host;  // elsewhere no revision can be read

    // Its signature is what a hypervisor chose.
    bool is_virtual() const noexcept { return taken_in == dump::TakenIn::virtual_machine; }

    // Calls body with every fact that holds.
    template <typename Body>
    void for_each_fact(const Body& body) const {
        if (model == nullptr) return;
        for (const SiliconFact& fact : model->silicon) body(fact);
        for (const MicrocodeFacts& facts : model->microcode) {
            if (facts.spares_guests || !microcode || !facts.hold_with(*microcode)) continue;
            for (const SiliconFact& fact : facts.silicon) body(fact);
        }
    }

    // Calls body with every fact that may hold: with which microcode the host runs is not known, but not with one that
    // was taken back.
    template <typename Body>
    void for_each_open_fact(const Body& body) const {
        if (model == nullptr || microcode) return;
        for (const MicrocodeFacts& facts : model->microcode) {
            if (facts.recalled || facts.spares_guests) continue;
            for (const SiliconFact& fact : facts.silicon) body(fact);
        }
    }

    // Calls body with every fact that holds, or may hold, of the CPU and not of its guests: a kernel may take the field
    // from both.
    template <typename Body>
    void for_each_spared_fact(const Body& body) const {
        if (model == nullptr) return;
        for (const MicrocodeFacts& facts : model->microcode) {
            if (!facts.spares_guests || (microcode && !facts.hold_with(*microcode))) continue;
            for (const SiliconFact& fact : facts.silicon) body(fact);
        }
    }

    // True when such a fact is about the field.
    bool spares_guests(FieldIndex field) const {
        bool spares = false;
        for_each_spared_fact([&](const SiliconFact& fact) { spares = spares || fact.field == field; });
        return spares;
    }

    // The fact about a field, or nothing.
    std::optional<std::uint32_t> fact(FieldIndex field) const {
        std::optional<std::uint32_t> value;
        for_each_fact([&](const SiliconFact& fact) {
            if (fact.field == field) value = fact.value;
        });
        return value;
    }

    // The fact about a field where it settles what a dump cannot say. The model of a virtual CPU, which its hypervisor
    // chose, settles nothing of the silicon below, which may be any of a pool.
    std::optional<std::uint32_t> settled_fact(FieldIndex field) const {
        return is_virtual() ? std::nullopt : fact(field);
    }

    // True of a known model that is not immune to all that the tags name; of a virtual CPU nobody knows.
    bool is_affected(List<Text> tags) const {
        return model != nullptr && !is_virtual() && !tags.empty() && !rulebook::is_immune_to_all(model, tags);
    }

    // True when a microcode that is not known decides what a field is.
    bool depends_on_microcode(FieldIndex field) const {
        bool depends = false;
        for_each_open_fact([&](const SiliconFact& fact) { depends = depends || fact.field == field; });
        return depends;
    }
};

// The bits of mask of a register; nothing when the dump does not know one of them; 0 when there is no such row.
inline std::optional<std::uint32_t> bits_of_register(const CpuidTable& table, LeafKey key, Register reg,
                                                     std::uint32_t mask) {
    if ((table.unknown_in(key, reg) & mask) != 0) return std::nullopt;
    const Registers* row = table.find(key);
    return row == nullptr ? 0 : (*row)[reg] & mask;
}

// All of them.
inline std::optional<std::uint32_t> register_value(const CpuidTable& table, LeafKey key, Register reg) {
    return bits_of_register(table, key, reg, ~std::uint32_t{0});
}

// The row of an XSAVE state has its size in EAX, its offset in EBX, and in ECX[1] whether it is aligned (SDM vol. 1,
// 13.4.2).
inline constexpr Register size_register = Register::eax;
inline StatePlace state_place_of(const Registers& row) noexcept { return {row.ebx, (row.ecx & 2U) != 0}; }

// The row without what the kind of the state says, ECX[0].
inline Registers state_row(std::uint32_t size, const StatePlace& at) noexcept {
    return {size, at.offset, at.aligned ? 2U : 0U, 0};
}

// A CPUID field's value in one subleaf, shifted down.
inline std::optional<std::uint32_t> field_value(const CpuidTable& table, const Field& field, std::uint32_t subleaf) {
    const auto mask = static_cast<std::uint32_t>(field.mask());
    const auto value = bits_of_register(table, {field.leaf, subleaf}, field.reg, mask);
    if (!value) return std::nullopt;
    return *value >> field.low;
}

// What a view knows of one register. An MSR that does not exist reads as 0 and is known to do so: that
// is no promise by its silence, which is why it is told apart.
struct Reading {
    std::uint64_t unknown = 0;  // the bits that are not known
    std::uint64_t value = 0;    // the others
    bool absent = false;        // an MSR that is not there
};

class ViewReader {
public:
    // table and msrs must outlive the reader. only_listed: an MSR without a row does not exist.
    ViewReader(const VendorRules& rules, const CpuidTable& table, const Msrs& msrs, bool only_listed = false)
        : rules_(rules), table_(table), msrs_(msrs), only_listed_(only_listed) {}

    Reading read(const RegisterPlace& place) const {
        if (place.is_msr) return read_msr(place.key.leaf);
        const Registers* row = table_.find(place.key);
        return {table_.unknown_in(place.key, place.reg), row == nullptr ? 0 : (*row)[place.reg], false};
    }

    // A field's value in one subleaf, shifted down.
    std::optional<std::uint64_t> field(const Field& field, std::uint32_t subleaf) const {
        const Reading reading = read(place_of(field, subleaf));
        if ((reading.unknown & field.mask()) != 0) return std::nullopt;
        return (reading.value & field.mask()) >> field.low;
    }

    // Whether it shows one of the fields.
    bool shows_any(List<FieldIndex> features) const {
        return std::any_of(features.begin(), features.end(), [&](FieldIndex index) {
            const Field& feature = rules_.rulebook()[index];
            return rules_.applies(feature) && field(feature, feature.subleaf_first).value_or(0) != 0;
        });
    }

    // The fields that it shows of those that ease a broken promise.
    std::vector<FieldIndex> easings() const {
        std::vector<FieldIndex> shown;
        for (const FieldIndex index : rules_.fields()) {
            for (const Easing& easing : rules_.rulebook()[index].eased_by) {
                const Field& other = rules_.rulebook()[easing.field];
                if (field(other, other.subleaf_first).value_or(0) != 0) shown.push_back(easing.field);
            }
        }
        return shown;
    }

    const CpuidTable& table() const noexcept { return table_; }

private:
    Reading read_msr(std::uint32_t index) const {
        const MsrRow* row = msrs_ ? find_msr(*msrs_, index) : nullptr;
        if (row != nullptr) return {0, row->value.value_or(0), !row->value};
        const bool absent = only_listed_ || is_not_enumerated(index);
        return {absent ? 0 : ~std::uint64_t{0}, 0, absent};
    }

    // CPUID says that the MSR does not exist.
    bool is_not_enumerated(std::uint32_t index) const {
        const FieldIndex sign = rules_.enumerator(index);
        if (sign == no_field) return false;
        const Field& bit = rules_.rulebook()[sign];
        const auto value = field_value(table_, bit, bit.subleaf_first);
        return value && *value == 0;
    }

    const VendorRules& rules_;
    const CpuidTable& table_;
    const Msrs& msrs_;
    bool only_listed_;
};

}  // namespace poolcpuid::promises
