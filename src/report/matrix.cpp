#include "report/matrix.hpp"

#include "base/hex.hpp"
#include "policy/document_text.hpp"
#include "report/page.hpp"

namespace poolcpuid::report {

namespace {

constexpr std::size_t widest_value = 4;  // characters, in a numbered column

// Where columns carry no names, or there are none, a column says who decides.
bool says_who(const Page& page) { return page.numbered() || page.columns.columns.empty(); }

void put_column_heads(Page& page) {
    const auto head = page.html.open("thead");
    const auto row = page.html.open("tr");
    for (const char* title : {"Field", "Rule", "Policy"}) page.html.element("th", {{"scope", "col"}}, title);
    if (says_who(page)) page.html.element("th", {{"scope", "col"}}, "Decided by");
    std::size_t number = 0;
    for (const Column& column : page.columns.columns) {
        ++number;
        const auto cell = page.html.open("th", {{"scope", "col"}, {"class", "host"}});
        const auto label = page.html.open("span");
        if (page.numbered()) page.html.text(std::to_string(number) + " · ");
        page.html.element("bdi", column.names.empty() ? "no name listed" : column.names.front());
        if (column.count > 1) page.html.text(" ×" + std::to_string(column.count));
    }
}

// The first of names, and how many more there are as far as the policy says.
void put_first(Page& page, const HostList& hosts) {
    const std::vector<std::string>& names = hosts.names;
    if (names.empty()) return;
    if (hosts.count > most_names && !hosts.cpus.empty()) return put_hosts(page, hosts);
    page.html.element("bdi", names.front());
    const bool may_go_on = !page.columns.every_name && names.size() == most_names;
    if (names.size() > 1)
        page.html.text(" and " + std::to_string(names.size() - 1) + (may_go_on ? " or more" : " more"));
}

void put_cells(Page& page, std::size_t index) {
    const Decision& decision = page.policy.decisions[index];
    for (const Column& column : page.columns.columns) {
        const Cell& cell = column.cells[index];
        const std::string text = cell.value ? cell_text(page, decision, *cell.value) : "…";
        const bool is_policys = cell.value && decision.values[*cell.value].value == decision.value;
        if (cell.limits) {
            page.html.element("td", {{"class", "limits"}}, std::string(limit_mark) + " " + text);
        } else if (is_policys) {
            page.html.element("td", text);
        } else {
            page.html.element("td", {{"class", "other"}}, text);
        }
    }
}

// What the policy has: a value or, of an XSAVE state, whether it has it.
std::string policy_text(const Decision& decision) {
    if (decision.state.empty()) return to_hex(decision.value);
    return decision.value == 0 ? "none" : "kept";
}

void put_row(Page& page, std::size_t index) {
    const Decision& decision = page.policy.decisions[index];
    const auto row = page.html.open("tr");
    {
        const auto cell = page.html.open("th", {{"scope", "row"}});
        page.html.element("span", {{"class", "field"}}, document::name_of(page.rulebook, decision));
        page.html.text(" ");
        page.html.element("span", {{"class", "place"}}, document::place_text(decision.place));
    }
    {
        const auto cell = page.html.open("td");
        put_rule(page, decision.rule);
    }
    page.html.element("td", {{"class", "value"}}, policy_text(decision));
    if (says_who(page)) {
        const auto cell = page.html.open("td", {{"class", "who"}});
        put_first(page, decision.because);
    }
    put_cells(page, index);
}

// The style of the decision's rule, and by what else the controls can choose it.
std::string classes_of(const Decision& decision) {
    std::string classes(style_of(decision.rule));
    if (decision.values.size() > 1) classes += " differs";
    if (decision.because.count > 0 && decision.rule != to_string(Rule::identity)) classes += " limited";
    if (!decision.mitigates.empty()) classes += " mitigation";
    return classes;
}

// What a column has room for: of an XSAVE state size@offset.
std::string in_column(const Decision& decision, const ValueOfHosts& value) {
    const std::uint64_t size = value.value.value_or(0);
    if (decision.state.empty() || size == 0) return value_text(decision, value);
    return std::to_string(size) + (value.at && value.at->offset != 0 ? "@" + std::to_string(value.at->offset) : "");
}

}  // namespace

std::string value_text(const Decision& decision, const ValueOfHosts& value) {
    return decision.state.empty() ? document::value_word(value.value) : document::layout_text(value);
}

std::string cell_text(const Page& page, const Decision& decision, std::size_t value) {
    if (!decision.values[value].value) return "?";
    const std::string text = in_column(decision, decision.values[value]);
    if (!page.numbered()) return text;
    const bool is_bit = decision.place.low == decision.place.high && text.size() == 3;
    if (is_bit) return text.substr(2);
    return text.size() > widest_value ? letter(value) : text;
}

void put_matrix(Page& page) {
    const bool is_many = page.numbered() || page.columns.columns.empty();
    const auto scroll = page.html.open("div", {{"class", page.numbered() ? "scroll wide"
                                                         : is_many       ? "scroll many"
                                                                         : "scroll"},
                                               {"role", "region"},
                                               {"aria-labelledby", "fields"},
                                               {"tabindex", "0"}});
    const auto table = page.html.open("table", {{"id", "matrix"}});
    page.html.element("caption", "Fields by hosts");
    put_column_heads(page);
    const std::size_t width = (says_who(page) ? 4 : 3) + page.columns.columns.size();
    for (std::size_t i = 0; i < page.policy.decisions.size(); ++i) {
        const Decision& decision = page.policy.decisions[i];
        const FieldIndex index = page.rulebook.find(decision.field);
        const std::string_view impact = index == no_field ? "" : to_string(page.rulebook[index].impact);
        const auto body = page.html.open("tbody", {{"id", page.anchors[i]},
                                                   {"class", classes_of(decision)},
                                                   {"data-rule", decision.rule},
                                                   {"data-impact", impact}});
        put_row(page, i);
        const auto below = page.html.open("tr", {{"class", "panel"}});
        const auto cell = page.html.open("td", {{"colspan", std::to_string(width)}});
        put_panel(page, i);
    }
}

}  // namespace poolcpuid::report
