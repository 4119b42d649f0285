// What a field opens to: its reason, who has which value, its names, its meaning and its source.
#include <algorithm>

#include "base/hex.hpp"
#include "base/lists.hpp"
#include "compare/told.hpp"
#include "policy/document_text.hpp"
#include "policy/reason.hpp"
#include "policy/summary_groups.hpp"
#include "report/matrix.hpp"
#include "report/page.hpp"
#include "rulebook/names.hpp"

namespace poolcpuid::report {

namespace {

std::string full_place(const BitPlace& place) {
    const std::string range = (place.low == place.high ? ", bit " : ", bits ") + document::bits(place);
    if (place.is_msr) return "MSR " + to_hex(place.leaf) + range;
    std::string reg = to_string(place.reg);
    std::transform(reg.begin(), reg.end(), reg.begin(), [](char c) { return static_cast<char>(c - 'a' + 'A'); });
    return "CPUID leaf " + to_hex(place.leaf) + ", subleaf " + document::subleaves(place) + ", " + reg + range;
}

std::string called(std::string_view project) {
    if (project == "vendor") return "SDM/APM";
    if (project == "linux") return "Linux";
    if (project == "qemu") return "QEMU";
    if (project == "xen") return "Xen";
    return std::string(project);
}

std::string names_text(const Field& field) {
    std::string text;
    for (const auto& [project, name] : rulebook::names_of(field)) {
        text += (text.empty() ? "" : " · ") + called(project) + " " + std::string(name);
    }
    return text;
}

// The numbers of the columns that have this value; none where the policy does not say it of every column.
std::vector<std::size_t> groups_with(const Page& page, std::size_t index, std::size_t value) {
    std::vector<std::size_t> groups;
    for (std::size_t i = 0; i < page.columns.columns.size(); ++i) {
        const Cell& cell = page.columns.columns[i].cells[index];
        if (!cell.value) return {};
        if (*cell.value == value) groups.push_back(i + 1);
    }
    return groups;
}

// The same with the decimal number beside a hexadecimal one that counts or measures something.
std::string full_text(const Decision& decision, const ValueOfHosts& value) {
    const std::string text = value_text(decision, value);
    const bool is_number = decision.rule == to_string(Rule::min) || decision.rule == to_string(Rule::max);
    const std::uint64_t number = value.value.value_or(0);
    return is_number && number > 0xF ? text + " (" + std::to_string(number) + ")" : text;
}

void put_value(Page& page, std::size_t index, std::size_t value_index) {
    const Decision& decision = page.policy.decisions[index];
    const ValueOfHosts& value = decision.values[value_index];
    const auto item = page.html.open("li");
    page.html.element("code", full_text(decision, value));
    const std::string key = cell_text(page, decision, value_index);
    if (key == letter(value_index)) page.html.text(" (" + key + ")");
    if (value.value == decision.value) page.html.text(", as the policy");
    page.html.text(", " + counted(value.count, "host"));
    const std::vector<std::size_t> groups =
        page.numbered() ? groups_with(page, index, value_index) : std::vector<std::size_t>{};
    if (!groups.empty()) page.html.text((groups.size() == 1 ? " in group " : " in groups ") + ranges(groups));
    page.html.text(": ");
    put_hosts(page, value.list());
}

void put_values(Page& page, std::size_t index) {
    page.html.element("dt", "Hosts have");
    const auto description = page.html.open("dd", {{"class", "have"}});
    const auto list = page.html.open("ul");
    for (std::size_t i = 0; i < page.policy.decisions[index].values.size(); ++i) put_value(page, index, i);
}

void put_meaning(Page& page, const Field& field) {
    put_term(page, "Meaning", field.why);
    put_term(page, "If broken",
             std::string(to_string(field.impact)) + ": The guest " + compare::trouble(field.impact) + ".");
    const std::string names = names_text(field);
    if (!names.empty()) put_term(page, "Names", names);
}

}  // namespace

void put_panel(Page& page, std::size_t index) {
    const Decision& decision = page.policy.decisions[index];
    const FieldIndex at = page.rulebook.find(decision.field);
    const Field* field = at == no_field ? nullptr : &page.rulebook[at];
    const auto panel = page.html.open("div", {{"id", "why-" + page.anchors[index]}});
    const auto list = page.html.open("dl");
    put_term(page, "Why", document::what_happened(page.rulebook, decision));
    put_values(page, index);
    if (decision.because.count > 0) {
        page.html.element("dt", "Decided by");
        const auto description = page.html.open("dd");
        put_hosts(page, decision.because);
    }
    const RuleWords* rule = words_of(decision.rule);
    if (rule != nullptr) {
        put_term(page, "Rule", decision.rule + ": " + std::string(rule->promise) + " " + std::string(rule->in_pool));
    }
    if (field != nullptr) {
        put_meaning(page, *field);
    }
    put_term(page, "Place", full_place(decision.place));
    {
        const auto term = page.html.open("dt");
        page.html.element("a", {{"href", "#sources"}}, "Source");
    }
    page.html.element("dd",
                      field != nullptr ? std::string_view(field->source) : "This rulebook does not know the field.");
}

}  // namespace poolcpuid::report
