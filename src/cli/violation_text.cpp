#include "cli/violation_text.hpp"

#include <cstdint>
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

enum class Standing : std::uint8_t { broken, unknown, given };

Standing standing_of(const Violation& violation) {
    if (violation.known) return Standing::broken;
    return violation.given ? Standing::given : Standing::unknown;
}

const char* heading(Standing standing, Breach breach) {
    switch (standing) {
        case Standing::broken: break;
        case Standing::unknown: return "Not known to be kept";
        case Standing::given: return "Not seen, but given by every hypervisor";
    }
    return breach == Breach::lost ? "Promised, and not there" : "There, and not told";
}

}  // namespace

std::vector<ViolationParagraph> paragraphs_of(const Rulebook& rulebook, const std::vector<Violation>& violations) {
    using Key = std::tuple<Standing, Impact, Breach>;
    std::map<Key, std::string> items;
    for (const Violation& violation : violations) {
        std::string& list = items[{standing_of(violation), violation.impact, violation.breach}];
        list += (list.empty() ? "" : ", ") + item(rulebook, violation);
    }
    std::vector<ViolationParagraph> paragraphs;
    for (const auto& [key, list] : items) {
        const auto& [standing, impact, breach] = key;
        paragraphs.push_back({std::string(heading(standing, breach)) + " (" + std::string(to_string(impact)) + "): ",
                              list, standing != Standing::broken});
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
