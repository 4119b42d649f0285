#include "compare/side_values.hpp"

#include "compare/breach.hpp"
#include "policy/document_text.hpp"
#include "promises/seen_value.hpp"

namespace poolcpuid::compare {

bool has_atom(const promises::VendorRules& rules, FieldIndex index, std::uint32_t subleaf) {
    return promises::promises_by_bits(rules.rulebook()[index].rule) || rules.find_number(index, subleaf);
}

Values::Values(const promises::VendorRules& rules, const Promised& side)
    : rules_(rules),
      side_(side),
      registers_(rules, *side.kept.table, *side.kept.msrs, /*only_listed=*/side.is_policy),
      policy_(rules, *side.promises.table, *side.promises.msrs, /*only_listed=*/true) {}

Value Values::literal(FieldIndex index, std::uint32_t subleaf) const {
    const Field& field = rules_.rulebook()[index];
    Value value = registers_.field(field, subleaf);
    if (value) *value &= rules_.bits_of(field, subleaf) >> field.low;  // the others are told as bits without a field
    return value;
}

Value Values::shown(FieldIndex index, std::uint32_t subleaf) const {
    if (index == rules_.microcode()) return microcode();
    if (is_policy() || !has_atom(rules_, index, subleaf)) return literal(index, subleaf);
    if (!promises::seen_value(rules_, side_.kept, index, subleaf).known) return std::nullopt;
    return policy_.field(rules_.rulebook()[index], subleaf);
}

std::string Values::layout(std::uint8_t component) const {
    return knows_layout(component) ? layout_text(side_.promises.atoms.components[component])
                                   : document::value_word(std::nullopt);
}

Value Values::bits(const promises::RegisterPlace& place, std::uint64_t mask) const {
    const promises::Reading reading = registers_.read(place);
    return (reading.unknown & mask) == 0 ? Value(reading.value & mask) : std::nullopt;
}

void Values::collect_places(std::set<promises::RegisterPlace>& places) const {
    for (const CpuidRow& row : side_.kept.table->rows) {
        for (const Register reg : all_registers) places.insert({false, row.key, reg});
    }
    if (!*side_.kept.msrs) return;
    for (const MsrRow& row : **side_.kept.msrs) places.insert({true, {row.index, 0}, Register::eax});
}

Value Values::microcode() const {
    const auto at = side_.kept.atoms.microcode.find(side_.kept.leaf1_eax);
    const bool known = at != side_.kept.atoms.microcode.end() && at->second.known;
    if (!known) return is_policy() ? Value(0) : std::nullopt;
    return at->second.value;
}

}  // namespace poolcpuid::compare
