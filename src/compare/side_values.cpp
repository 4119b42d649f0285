#include "compare/side_values.hpp"

#include "base/hex.hpp"
#include "merge/pool.hpp"

namespace poolcpuid::compare {

bool has_atom(const merge::Plan& plan, FieldIndex index, std::uint32_t subleaf) {
    return merge::promises_by_bits(plan.rulebook()[index].rule) || plan.find_number(index, subleaf);
}

Values::Values(const merge::Plan& plan, const Promised& side)
    : plan_(plan),
      side_(side),
      registers_(plan, *side.promises.table, *side.promises.msrs, /*only_listed=*/side.is_policy) {}

Value Values::literal(FieldIndex index, std::uint32_t subleaf) const {
    return registers_.field(plan_.rulebook()[index], subleaf);
}

Value Values::effective(FieldIndex index, std::uint32_t subleaf) const {
    if (index == plan_.microcode()) return microcode();
    if (!has_atom(plan_, index, subleaf)) return literal(index, subleaf);
    const merge::SeenValue seen = merge::seen_value(plan_, side_.promises, index, subleaf);
    return seen.known ? Value(seen.value) : std::nullopt;
}

Value Values::bits(const merge::RegisterPlace& place, std::uint64_t mask) const {
    const merge::Reading reading = registers_.read(place);
    return (reading.unknown & mask) == 0 ? Value(reading.value & mask) : std::nullopt;
}

void Values::collect_places(std::set<merge::RegisterPlace>& places) const {
    for (const CpuidRow& row : side_.promises.table->rows) {
        for (const Register reg : all_registers) places.insert({false, row.key, reg});
    }
    if (!*side_.promises.msrs) return;
    for (const MsrRow& row : **side_.promises.msrs) places.insert({true, {row.index, 0}, Register::eax});
}

Value Values::microcode() const {
    const auto at = side_.promises.atoms.microcode.find(side_.promises.leaf1_eax);
    const bool known = at != side_.promises.atoms.microcode.end() && at->second.known;
    if (!known) return is_policy() ? Value(0) : std::nullopt;
    return at->second.value;
}

}  // namespace poolcpuid::compare
