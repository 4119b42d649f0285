#include "compare/two_vendors.hpp"

#include <algorithm>
#include <cstdint>
#include <iterator>
#include <set>
#include <utility>

#include "compare/change_words.hpp"
#include "compare/side_values.hpp"
#include "policy/document_text.hpp"

namespace poolcpuid::compare {

namespace {

FieldChange change_of(const Field& field, std::uint32_t subleaf, const Value& before, const Value& after) {
    FieldChange change;
    change.field = field.id;
    change.place = field.place(subleaf);
    change.rule = to_string(field.rule);
    change.before = document::value_word(before);
    change.after = document::value_word(after);
    change.known = before && after;
    change.impact = field.impact;
    change.restarted = "The guest finds what a CPU of the other vendor shows there.";
    change.migrated = "VMs do not move between vendors.";
    return change;
}

}  // namespace

std::vector<FieldChange> register_changes(const promises::VendorRules& before_plan, const Promised& before,
                                          const promises::VendorRules& after_plan, const Promised& after) {
    std::vector<FieldIndex> fields;  // numbered in the order of their places
    std::set_union(before_plan.fields().begin(), before_plan.fields().end(), after_plan.fields().begin(),
                   after_plan.fields().end(), std::back_inserter(fields));
    const Values old_values(before_plan, before);
    const Values new_values(after_plan, after);
    const bool same_kind = before.is_policy == after.is_policy;
    std::vector<FieldChange> changes;
    for (const FieldIndex index : fields) {
        const Field& field = before_plan.rulebook()[index];
        if (field.rule == Rule::owned && !same_kind) continue;  // a policy does not say what with
        for (std::uint32_t subleaf = field.subleaf_first; subleaf <= field.subleaf_last; ++subleaf) {
            const Value old_value = old_values.literal(index, subleaf);
            const Value new_value = new_values.literal(index, subleaf);
            if (old_value.value_or(0) == new_value.value_or(0)) continue;
            changes.push_back(change_of(field, subleaf, old_value, new_value));
        }
    }
    std::ranges::move(stray_changes(old_values, new_values, {&before_plan, &after_plan}), std::back_inserter(changes));
    sort_changes(changes);
    return changes;
}

namespace {

using promises::RegisterPlace;

FieldChange stray(const BitPlace& place, const Value& before, const Value& after) {
    FieldChange change;
    change.field = stray_change;
    change.place = place;
    change.before = document::value_word(before);
    change.after = document::value_word(after);
    change.known = before && after;
    Subject subject;
    subject.has_field = false;
    describe(subject, change);
    return change;
}

// mask are the bits of before and after that are compared.
void compare_runs(const RegisterPlace& place, std::uint64_t mask, const Value& before, const Value& after,
                  std::vector<FieldChange>& changes) {
    for (const BitPlace& run : place.runs_of(mask)) {
        const auto part = [&](const Value& value) { return value ? Value(run.part_of(*value)) : std::nullopt; };
        const Value old_part = part(before);
        const Value new_part = part(after);
        if (old_part.value_or(0) != new_part.value_or(0)) changes.push_back(stray(run, old_part, new_part));
    }
}

}  // namespace

std::vector<FieldChange> stray_changes(const Values& before, const Values& after,
                                       const std::vector<const promises::VendorRules*>& of_sides) {
    std::set<RegisterPlace> places;
    before.collect_places(places);
    after.collect_places(places);
    std::vector<FieldChange> changes;
    for (const RegisterPlace& place : places) {
        std::uint64_t mask = place.all_bits();
        for (const promises::VendorRules* rules : of_sides) mask &= ~rules->bits_with_field(place);
        const Value old_bits = before.bits(place, mask);
        const Value new_bits = after.bits(place, mask);
        if (old_bits.value_or(0) != new_bits.value_or(0)) compare_runs(place, mask, old_bits, new_bits, changes);
    }
    return changes;
}

}  // namespace poolcpuid::compare
