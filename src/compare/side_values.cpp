#include "compare/side_values.hpp"

#include "compare/breach.hpp"
#include "merge/pool.hpp"
#include "policy/document_text.hpp"

namespace poolcpuid::compare {

bool has_atom(const merge::Plan& plan, FieldIndex index, std::uint32_t subleaf) {
    return merge::promises_by_bits(plan.rulebook()[index].rule) || plan.find_number(index, subleaf);
}

Values::Values(const merge::Plan& plan, const Promised& side)
    : plan_(plan),
      side_(side),
      registers_(plan, *side.kept.table, *side.kept.msrs, /*only_listed=*/side.is_policy),
      policy_(plan, *side.promises.table, *side.promises.msrs, /*only_listed=*/true) {}

Value Values::literal(FieldIndex index, std::uint32_t subleaf) const {
    return registers_.field(plan_.rulebook()[index], subleaf);
}

Value Values::shown(FieldIndex index, std::uint32_t subleaf) const {
    if (index == plan_.microcode()) return microcode();
    if (is_policy() || !has_atom(plan_, index, subleaf)) return literal(index, subleaf);
    if (!merge::seen_value(plan_, side_.kept, index, subleaf).known) return std::nullopt;
    return policy_.field(plan_.rulebook()[index], subleaf);
}

std::string Values::layout(std::uint8_t component) const {
    return knows_layout(component) ? layout_text(side_.promises.atoms.components[component])
                                   : document::value_word(std::nullopt);
}

Value Values::bits(const merge::RegisterPlace& place, std::uint64_t mask) const {
    const merge::Reading reading = registers_.read(place);
    return (reading.unknown & mask) == 0 ? Value(reading.value & mask) : std::nullopt;
}

void Values::collect_places(std::set<merge::RegisterPlace>& places) const {
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
