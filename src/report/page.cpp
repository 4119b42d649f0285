#include "report/page.hpp"

#include <algorithm>
#include <array>
#include <set>
#include <utility>

#include "policy/document_text.hpp"

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

void put_hosts(Page& page, const HostList& hosts) {
    constexpr std::size_t most_cpus = 6;
    if (hosts.count <= most_names || hosts.cpus.empty()) return put_names(page, hosts.names, hosts.count);
    page.html.text(document::cpus_text(hosts.cpus, most_cpus));
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

namespace {

constexpr std::array<RuleWords, 11> all_rules{{
    {"intersect", "A set bit promises.", "Set when every host has it."},
    {"union", "A clear bit promises.", "Set as soon as one host has it."},
    {"min", "A limit that holds on every host.", "The smallest of the hosts."},
    {"max", "An obligation.", "The largest of the hosts."},
    {"equal", "The value itself promises.", "The value of all hosts, or none; what needs it goes with it."},
    {"guarded", "The bit asks for VERW; the promise is that VERW scrubs wherever the guest runs.",
     "Set as soon as one host has it; the promise holds when every host without it is immune."},
    {"group", "Several fields carry one promise.", "The weakest promise of the hosts, shown by the fields together."},
    {"derive", "Nothing: it follows from other fields.", "Computed last, from what the policy has."},
    {"identity", "Nothing: it describes one CPU.", "From the host that lends the identity."},
    {"owned", "Nothing: the VMM or the guest fills it in.", "0, and listed as owned."},
    {"hide", "Nothing: it is not for a guest in a pool.", "0."},
}};

}  // namespace

const RuleWords* words_of(std::string_view rule) {
    const auto at =
        std::find_if(all_rules.begin(), all_rules.end(), [&](const RuleWords& w) { return w.rule == rule; });
    return at == all_rules.end() ? nullptr : &*at;
}

std::string_view style_of(std::string_view rule) {
    const RuleWords* words = words_of(rule);
    return words == nullptr ? "other" : words->rule;
}

std::string ranges(const std::vector<std::size_t>& numbers) {
    std::string text;
    for (std::size_t i = 0; i < numbers.size();) {
        std::size_t last = i;
        while (last + 1 < numbers.size() && numbers[last + 1] == numbers[last] + 1) ++last;
        text += (text.empty() ? "" : ", ") + std::to_string(numbers[i]);
        if (last > i) text += (last == i + 1 ? ", " : "–") + std::to_string(numbers[last]);
        i = last + 1;
    }
    return text;
}

std::string letter(std::size_t index) {
    std::string text(1, static_cast<char>('a' + index % 26));
    return index < 26 ? text : letter(index / 26 - 1) + text;
}

}  // namespace poolcpuid::report
