#include "merge/ceiling.hpp"

#include <algorithm>
#include <string_view>
#include <vector>

#include "base/lists.hpp"
#include "base/printable.hpp"
#include "poolcpuid/error.hpp"
#include "rulebook/near_names.hpp"

namespace poolcpuid::merge {

namespace {

std::string_view name_of(const Baseline& baseline) {
    const std::string_view id = baseline.id;
    return id.substr(id.find(':') + 1);
}

const Level* find_level(const Rulebook& rulebook, std::string_view name) {
    const auto at =
        std::find_if(rulebook.levels.begin(), rulebook.levels.end(), [&](const Level& l) { return l.id == name; });
    return at == rulebook.levels.end() ? nullptr : &*at;
}

class Search {
public:
    Search(const promises::VendorRules& rules, const std::string& name)
        : rules_(rules), rulebook_(rules.rulebook()), name_(name), option_("--ceiling " + printable(name) + ": ") {}

    const Baseline& baseline() const {
        std::vector<const Baseline*> found;
        for (const Baseline& each : rulebook_.baselines) {
            if (each.id == name_) return usable(each);
            if (name_of(each) == name_) found.push_back(&each);
        }
        if (found.empty()) refuse_unknown();
        for (const Baseline* other : found) {
            const bool is_same = std::ranges::equal(other->features, found.front()->features) &&
                                 std::ranges::equal(other->numbers, found.front()->numbers) &&
                                 other->refusal.empty() == found.front()->refusal.empty();
            if (!is_same) refuse_several(found);
        }
        return usable(*found.front());
    }

private:
    const Baseline& usable(const Baseline& baseline) const {
        if (!baseline.refusal.empty()) throw UsageError(option_ + std::string(baseline.refusal));
        if (((baseline.vendors >> rules_.vendor()) & 1U) != 0) return baseline;
        std::vector<std::string> vendors;
        for (std::size_t i = 0; i < rulebook_.vendors.size(); ++i) {
            if (((baseline.vendors >> i) & 1U) != 0) vendors.emplace_back(rulebook_.vendors[i].name);
        }
        throw UsageError(option_ + "a CPU of " + joined(vendors) + ", and the hosts' are of " +
                         std::string(rulebook_.vendors[rules_.vendor()].name));
    }

    [[noreturn]] void refuse_several(const std::vector<const Baseline*>& found) const {
        std::vector<std::string> ids;
        for (const Baseline* each : found) ids.emplace_back(each->id);
        throw UsageError(option_ + "more than one baseline has that name, and they differ: " + joined(ids));
    }

    [[noreturn]] void refuse_unknown() const {
        const std::string project = name_.substr(0, name_.find(':') + 1);
        std::vector<std::string> names;
        for (const Level& level : rulebook_.levels) names.emplace_back(level.id);
        for (const Baseline& each : rulebook_.baselines) {
            const bool is_of_project = !project.empty() && std::string_view(each.id).starts_with(project);
            // Of a project that says nothing of any baseline, a name that is not listed is one more of them.
            if (is_of_project && !each.refusal.empty()) throw UsageError(option_ + std::string(each.refusal));
            if (each.refusal.empty()) names.emplace_back(project.empty() ? name_of(each) : each.id);
        }
        std::vector<std::string> levels(names.begin(), names.begin() + static_cast<long>(rulebook_.levels.size()));
        throw UsageError(option_ + "no level or baseline has that name" +
                         rulebook::did_you_mean(rulebook::near_words(names, name_)) + " (there are " + joined(levels) +
                         ", and what poolcpuid rules levels lists)");
    }

    const promises::VendorRules& rules_;
    const Rulebook& rulebook_;
    const std::string& name_;
    std::string option_;
};

// Whether a guest has the feature for its CPU's sake, so that a baseline without it is one that lacks it.
bool depends_on_cpu(const promises::VendorRules& rules, const Field& field) {
    if (field.rule != Rule::intersect || field.exposure != Exposure::shown || field.required) return false;
    // What is made of models that are immune is made for the CPU's sake.
    const bool is_given_by_all = field.emulated || (field.made.by == Makers::all && field.made.model.empty());
    return !is_given_by_all && field.mitigation.empty() && !rules.lays_out_state(field);
}

// True for what a guest is shown without the ceiling: what is behind a gate that is not there says nothing.
bool is_told(const Draft& draft, FieldIndex index) {
    while (index != no_field && draft.present(index)) index = draft.rules().rulebook()[index].gate;
    return index == no_field;
}

// What is above the ceiling: features, and more of numbers than it has.
struct Above {
    std::vector<FieldIndex> features;
    List<NumberBound> numbers;
};

Above above_of(const std::string& name, const promises::VendorRules& rules) {
    const Rulebook& rulebook = rules.rulebook();
    Above above;
    if (const Level* level = find_level(rulebook, name)) {
        for (auto next = level + 1; next != rulebook.levels.end(); ++next) {
            above.features.insert(above.features.end(), next->features.begin(), next->features.end());
        }
        return above;
    }
    const Baseline& baseline = Search(rules, name).baseline();
    for (const FieldIndex index : rules.fields()) {
        const bool is_below = std::binary_search(baseline.features.begin(), baseline.features.end(), index);
        if (!is_below && depends_on_cpu(rules, rulebook[index])) above.features.push_back(index);
    }
    above.numbers = baseline.numbers;
    return above;
}

}  // namespace

std::string ceiling_id(const promises::VendorRules& rules, const std::string& name) {
    if (find_level(rules.rulebook(), name) != nullptr) return name;
    return std::string(Search(rules, name).baseline().id);
}

// All are looked at before one is taken out, which may be the gate of another, and come back with --set.
void apply_ceiling(const std::string& name, Draft& draft) {
    Above above = above_of(name, draft.rules());
    std::erase_if(above.features, [&](FieldIndex index) { return !is_told(draft, index); });
    for (const NumberBound& bound : above.numbers) {
        if (is_told(draft, bound.field)) draft.bound(bound.field, bound.most, {Cause::ceiling, 0});
    }
    for (const FieldIndex index : above.features) draft.take_out(index, {Cause::ceiling, 0});
}

}  // namespace poolcpuid::merge
