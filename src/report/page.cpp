#include "report/page.hpp"

#include <algorithm>
#include <set>
#include <utility>

#include "policy/document_text.hpp"
#include "report/words.hpp"

namespace poolcpuid::report {

namespace {

// An id for each decision's row: the field's where the rulebook knows it, so that a link to
// "report.html#f-avx2" can be kept; else a number, since the policy's own text is nothing for an id.
std::vector<std::string> anchors_of(const PoolPolicy& policy, const Rulebook& rulebook) {
    std::vector<std::string> anchors;
    std::set<std::string> used;
    for (const Decision& decision : policy.decisions) {
        const FieldIndex index = rulebook.find(decision.field);
        std::string anchor = index == no_field ? "" : "f-" + decision.field;
        if (index != no_field && rulebook[index].subleaf_first != rulebook[index].subleaf_last) {
            anchor += "-" + std::to_string(decision.place.subleaf_first);
        }
        if (anchor.empty() || !used.insert(anchor).second) anchor = "decision-" + std::to_string(anchors.size() + 1);
        anchors.push_back(std::move(anchor));
    }
    return anchors;
}

}  // namespace

Page::Page(const Rulebook& rules, const ReportInput& report_input)
    : input(report_input),
      rulebook(rules),
      policy(report_input.hosts ? report_input.hosts->whole : report_input.policy),
      columns(columns_of(policy)),
      anchors(anchors_of(policy, rules)) {}

Section::Section(Page& page, std::string_view id, std::string_view title)
    : element_(page.html.open("section", {{"aria-labelledby", id}})) {
    page.html.element("h2", {{"id", id}}, title);
}

void put_field_link(Page& page, const Decision& decision) {
    const auto index = static_cast<std::size_t>(&decision - page.policy.decisions.data());
    page.html.element("a", {{"href", "#" + page.anchors[index]}}, document::name_of(page.rulebook, decision));
}

void put_names(Page& page, const std::vector<std::string>& names, std::size_t total) {
    const std::size_t shown = std::min(names.size(), most_names);
    const std::size_t hidden = total > shown ? total - shown : 0;
    for (std::size_t i = 0; i < shown; ++i) {
        const bool last = i + 1 == shown && hidden == 0 && (total > 0 || shown < most_names);
        if (i > 0) page.html.text(last ? " and " : ", ");
        page.html.element("bdi", names[i]);
    }
    if (hidden > 0) page.html.text((shown == 0 ? "" : " and ") + std::to_string(hidden) + " more");
    if (total == 0 && shown == most_names) page.html.text(", …");
}

void put_because(Page& page, const Decision& decision) {
    put_names(page, decision.because.names, decision.because.count);
}

void put_rule(Page& page, std::string_view rule) {
    page.html.element("span", {{"class", "badge " + std::string(style_of(rule))}}, rule);
}

void put_term(Page& page, std::string_view term, std::string_view text) {
    page.html.element("dt", term);
    page.html.element("dd", text);
}

void put_head(Page& page, std::initializer_list<std::string_view> columns) {
    const auto head = page.html.open("thead");
    const auto row = page.html.open("tr");
    for (const std::string_view column : columns) page.html.element("th", {{"scope", "col"}}, column);
}

}  // namespace poolcpuid::report
