#include "merge/shown.hpp"

#include <algorithm>
#include <utility>

namespace poolcpuid::merge {

namespace {

std::set<FieldIndex> asked_by(const Rulebook& rulebook, const RecordedOptions& options) {
    std::set<FieldIndex> asked;
    for (const std::string& name : options.show) {
        const std::vector<FieldIndex> fields = fields_shown_by(rulebook, name);
        asked.insert(fields.begin(), fields.end());
    }
    for (const auto& [id, value] : options.set) {
        const FieldIndex index = rulebook.find(id);
        if (index != no_field) asked.insert(index);
    }
    return asked;
}

// Whoever is shown what has a format is told the format: 0 is one, too.
std::set<FieldIndex> with_formats(const Rulebook& rulebook, std::set<FieldIndex> shown) {
    for (const EqualityGroup& group : rulebook.equality) {
        const auto is_asked = [&](FieldIndex index) { return shown.contains(index); };
        if (std::any_of(group.drop.begin(), group.drop.end(), is_asked) ||
            std::any_of(group.fields.begin(), group.fields.end(), is_asked)) {
            shown.insert(group.fields.begin(), group.fields.end());
        }
    }
    return shown;
}

// Whoever is shown the gate is told the bad news behind it, asked or not: clear, or 0 of what is the more the
// worse, it would be a promise. Of what is there, the number of which is 0, nothing could be used.
bool comes_with_gate(const promises::VendorRules& rules, FieldIndex index) {
    const Field& field = rules.rulebook()[index];
    const bool comes_along = rules.is_inverted(index) || field.rule == Rule::max || field.rule == Rule::min;
    return comes_along && field.gate != no_field && rules.rulebook()[field.gate].rule != Rule::hide;
}

}  // namespace

Shown::Shown(const promises::VendorRules& rules, const std::set<FieldIndex>& asked) : asked_(asked) {
    const Rulebook& rulebook = rules.rulebook();
    const std::set<FieldIndex> told = with_formats(rulebook, asked);
    const auto is_told = [&](FieldIndex index) {
        return rulebook[index].exposure != Exposure::asked || told.contains(index);
    };
    for (const FieldIndex index : rules.fields()) {
        if (is_told(index) || (comes_with_gate(rules, index) && is_told(rulebook[index].gate))) continue;
        unasked_.insert(index);
    }
}

Shown::Shown(const promises::VendorRules& rules, const RecordedOptions& options)
    : Shown(rules, asked_by(rules.rulebook(), options)) {}

bool is_group_to_show(const Rulebook& rulebook, const std::string& name) {
    return !name.empty() && std::any_of(rulebook.fields.begin(), rulebook.fields.end(),
                                        [&](const Field& field) { return field.ask == name; });
}

std::vector<FieldIndex> fields_shown_by(const Rulebook& rulebook, const std::string& name) {
    std::vector<FieldIndex> fields;
    if (is_group_to_show(rulebook, name)) {
        for (std::size_t i = 0; i < rulebook.fields.size(); ++i) {
            if (rulebook.fields[i].ask == name) fields.push_back(static_cast<FieldIndex>(i));
        }
    } else if (const FieldIndex index = rulebook.find(name); index != no_field) {
        fields.push_back(index);
    }
    return fields;
}

}  // namespace poolcpuid::merge
