#include "promises/seen_value.hpp"

#include "promises/table_values.hpp"

namespace poolcpuid::promises {

bool keeps_bits(const VendorRules& rules, const HostPromises& host, FieldIndex index) {
    const Field& field = rules.rulebook()[index];
    const auto word = rules.find_word(index, field.subleaf_first);
    return word && (host.atoms.words[*word] & field.mask()) == field.mask();
}

SeenValue seen_value(const VendorRules& rules, const HostPromises& host, FieldIndex index, std::uint32_t subleaf) {
    const Field& field = rules.rulebook()[index];
    if (promises_by_bits(field.rule)) {
        if (const auto word = rules.find_word(index, subleaf)) {
            std::uint64_t value = rules.words()[*word].value_of(host.atoms.words[*word]) & field.mask();
            const bool known = (host.unknown[*word] & field.mask()) == 0;
            // Bad news goes by the name that the host's own EIBRS gives it.
            if (const RetpolineBits* group = rules.retpoline_of(index)) {
                const bool restricted = keeps_bits(rules, host, group->eibrs);
                if (restricted != (index == group->rrsba)) value = 0;
            }
            value = without_covered(field, value);
            return {known, known ? value >> field.low : 0, (host.modelled[*word] & field.mask()) != 0,
                    (host.implied[*word] & field.mask()) != 0};
        }
    }
    if (index == rules.microcode()) {
        const auto& revision = host.silicon.microcode;
        return {revision.has_value(), revision.value_or(0)};
    }
    if (const auto slot = rules.find_number(index, subleaf)) {
        // The least that the architecture allows, taken for what the dump does not say, is not known of the host; so
        // much as every hypervisor gives is.
        const Number& number = host.atoms.numbers[*slot];
        const bool is_assured = field.assured != 0 && number.value == field.assured;
        return {number.known && (!host.assumes(index) || is_assured), number.value};
    }
    const CpuidTable& table = field.is_msr ? *host.offered_table : *host.table;
    const auto raw = ViewReader(rules, table, *host.msrs).field(field, subleaf);
    return {raw.has_value(), raw.value_or(0) & (rules.bits_of(field, subleaf) >> field.low)};
}

SeenValue brought_value(const VendorRules& rules, const HostPromises& host, FieldIndex index, std::uint32_t subleaf) {
    SeenValue seen = seen_value(rules, host, index, subleaf);
    if (seen.implied) seen.value = 0;
    return seen;
}

bool is_withheld(const VendorRules& rules, const HostPromises& host, FieldIndex index, std::uint32_t subleaf) {
    const Field& field = rules.rulebook()[index];
    if (!promises_by_bits(field.rule)) return false;
    const auto word = rules.find_word(index, subleaf);
    return word && (host.withheld[*word] & field.mask()) != 0;
}

bool may_have(const VendorRules& rules, const HostPromises& host, FieldIndex index) {
    const Field& field = rules.rulebook()[index];
    const auto word = rules.find_word(index, field.subleaf_first);
    if (!word) return false;
    const std::uint64_t silent = host.unknown[*word] & ~host.made[*word];  // what hypervisors make the CPU has not
    return ((host.atoms.words[*word] | host.withheld[*word] | silent) & field.mask()) != 0;
}

}  // namespace poolcpuid::promises
