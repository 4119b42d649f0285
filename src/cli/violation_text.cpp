#include "cli/violation_text.hpp"

#include <map>
#include <tuple>

namespace poolcpuid::cli {

namespace {

std::string name_of(const Field& field, const BitPlace& place) {
    std::string text(field.id);
    if (field.subleaf_first != field.subleaf_last) text += "[" + std::to_string(place.subleaf_first) + "]";
    return text;
}

std::string item(const Rulebook& rulebook, const Violation& violation) {
    const FieldIndex index = rulebook.find(violation.field);
    if (index == no_field) return violation.field + " (" + violation.host + ", not " + violation.promised + ")";
    const Field& field = rulebook[index];
    std::string text = name_of(field, violation.place);
    const bool is_flag = field.low == field.high;
    if (is_flag && !field.names.vendor.empty()) text += " (" + std::string(field.names.vendor) + ")";
    if (!is_flag && violation.known) text += " (" + violation.host + ", not " + violation.promised + ")";
    return text;
}

const char* heading(bool is_unknown, Breach breach) {
    if (is_unknown) return "Not known to be kept";
    return breach == Breach::lost ? "Promised, and not there" : "There, and not told";
}

}  // namespace

std::vector<ViolationParagraph> paragraphs_of(const Rulebook& rulebook, const std::vector<Violation>& violations) {
    using Key = std::tuple<bool, Impact, Breach>;
    std::map<Key, std::string> items;
    for (const Violation& violation : violations) {
        std::string& list = items[{!violation.known, violation.impact, violation.breach}];
        list += (list.empty() ? "" : ", ") + item(rulebook, violation);
    }
    std::vector<ViolationParagraph> paragraphs;
    for (const auto& [key, list] : items) {
        const auto& [is_unknown, impact, breach] = key;
        paragraphs.push_back({std::string(heading(is_unknown, breach)) + " (" + std::string(to_string(impact)) + "): ",
                              list, is_unknown});
    }
    return paragraphs;
}

std::string items_of(const Rulebook& rulebook, const std::vector<StartUp>& start_up) {
    std::string items;
    for (const StartUp& entry : start_up) {
        const FieldIndex index = rulebook.find(entry.field);
        const std::string name = index == no_field ? entry.field : name_of(rulebook[index], entry.place);
        items += (items.empty() ? "" : ", ") + name;
    }
    return items;
}

}  // namespace poolcpuid::cli
