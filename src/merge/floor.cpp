#include "merge/floor.hpp"

#include <string>
#include <utility>

#include "merge/table_values.hpp"
#include "text/hex.hpp"

namespace poolcpuid::merge {

namespace {

class Floor {
public:
    Floor(const Plan& plan, const HostPromises& wanted, const HostPromises& given, const std::vector<Variant>& variants)
        : plan_(plan), wanted_(wanted), given_(given), variants_(variants) {}

    std::vector<FloorLoss> run() {
        for (const FieldIndex index : plan_.fields()) {
            const Field& field = plan_.rulebook()[index];
            for (std::uint32_t subleaf = field.subleaf_first; subleaf <= field.subleaf_last; ++subleaf) {
                compare_bits(index, subleaf);
                compare_number(index, subleaf);
            }
        }
        for (const XsaveComponent& component : plan_.rulebook().xsave) compare_component(component);
        return std::move(losses_);
    }

private:
    std::vector<std::string> hosts(const std::function<bool(const HostPromises&)>& lacks) const {
        return first_names(names_where(variants_, [&](const Variant& variant) { return lacks(*variant.promises); }));
    }

    // While its gate is 0 in the floor, a field says nothing there.
    bool is_void(const Field& field, std::uint32_t subleaf) const {
        if (field.gate == no_field) return false;
        const Field& gate = plan_.rulebook()[field.gate];
        const bool per_subleaf = gate.leaf == field.leaf && gate.subleaf_first != gate.subleaf_last;
        return field_value(*wanted_.table, gate, per_subleaf ? subleaf : gate.subleaf_first).value_or(0) == 0;
    }

    void compare_bits(FieldIndex index, std::uint32_t subleaf) {
        const Field& field = plan_.rulebook()[index];
        if (!promises_by_bits(field.rule) || is_void(field, subleaf)) return;
        const auto word = plan_.find_word({field.leaf, subleaf}, field.reg);
        const std::uint32_t lost = wanted_.atoms.words[*word] & ~given_.atoms.words[*word] & field.mask();
        if (lost == 0) return;
        const auto value = [&](const HostPromises& host) {
            return to_hex((plan_.words()[*word].value_of(host.atoms.words[*word]) & field.mask()) >> field.low);
        };
        losses_.push_back({std::string(field.id), value(wanted_), value(given_),
                           hosts([&](const HostPromises& host) { return (lost & ~host.atoms.words[*word]) != 0; })});
    }

    void compare_number(FieldIndex index, std::uint32_t subleaf) {
        const Rule rule = plan_.rulebook()[index].rule;
        const auto slot = plan_.find_number(index, subleaf);
        if (!slot) return;
        const Number& before = wanted_.atoms.numbers[*slot];
        const Number& after = given_.atoms.numbers[*slot];
        // A floor that shows 0 has not the feature that the number is about.
        if (before.value == 0 || meet(rule, before, after) == before) return;
        losses_.push_back(
            {std::string(plan_.rulebook()[index].id), to_hex(before.value), to_hex(after.value),
             hosts([&](const HostPromises& host) { return meet(rule, before, host.atoms.numbers[*slot]) != before; })});
    }

    void compare_component(const XsaveComponent& component) {
        const Component& before = wanted_.atoms.components[component.bit];
        if (!before.promised || before == given_.atoms.components[component.bit]) return;
        losses_.push_back(
            {"xsave state " + std::string(component.id), "kept", "not kept",
             hosts([&](const HostPromises& host) { return host.atoms.components[component.bit] != before; })});
    }

    const Plan& plan_;
    const HostPromises& wanted_;
    const HostPromises& given_;
    const std::vector<Variant>& variants_;
    std::vector<FloorLoss> losses_;
};

}  // namespace

std::vector<FloorLoss> losses(const Plan& plan, const HostPromises& wanted, const HostPromises& given,
                              const std::vector<Variant>& variants) {
    return Floor(plan, wanted, given, variants).run();
}

}  // namespace poolcpuid::merge
