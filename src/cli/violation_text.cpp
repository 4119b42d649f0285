#include "cli/violation_text.hpp"

#include <map>
#include <tuple>

#include "policy/document_text.hpp"

namespace poolcpuid::cli {

namespace {

std::string item(const Rulebook& rulebook, const Violation& violation) {
    const FieldIndex index = rulebook.find(violation.field);
    if (index == no_field) return violation.field + " (" + violation.host + ", not " + violation.promised + ")";
    const Field& field = rulebook[index];
    std::string text = document::field_text(rulebook, violation.field, violation.place);
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
        items += (items.empty() ? "" : ", ") + document::field_text(rulebook, entry.field, entry.place);
    }
    return items;
}

}  // namespace poolcpuid::cli
