#include "rulebook/other_names.hpp"

#include <algorithm>
#include <set>

#include "rulebook/klauspost_names.hpp"
#include "rulebook/names.hpp"
#include "rulebook/target_data.hpp"

namespace poolcpuid::rulebook {

namespace {

bool has_target(const Rulebook& rulebook, std::string_view name) {
    return std::any_of(rulebook.targets.begin(), rulebook.targets.end(),
                       [&](const TargetFile& target) { return target.name == name; });
}

}  // namespace

std::vector<FieldIndex> fields_called(const Rulebook& rulebook, const std::function<bool(std::string_view)>& is_it) {
    std::set<FieldIndex> found;
    for (std::size_t i = 0; i < rulebook.fields.size(); ++i) {
        const Field& field = rulebook.fields[i];
        bool is_called = is_it(field.id);
        for (const auto& [project, name] : names_of(field)) is_called = is_called || is_it(name);
        if (is_called) found.insert(static_cast<FieldIndex>(i));
    }
    for (const auto& [name, id] : klauspost_names) {
        if (is_it(name)) found.insert(rulebook.find(id));
    }
    if (has_target(rulebook, "vmware")) {
        for (const auto& [id, name] : vmware_data(rulebook).names) {
            if (is_it(name)) found.insert(rulebook.find(id));
        }
    }
    found.erase(no_field);  // of a rulebook that does not have it
    return {found.begin(), found.end()};
}

}  // namespace poolcpuid::rulebook
