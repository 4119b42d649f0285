// The section of the matrix: what it shows, and the controls that filter it.
#include <algorithm>
#include <map>
#include <string>
#include <utility>
#include <vector>

#include "report/matrix.hpp"
#include "report/page.hpp"
#include "rulebook/words.hpp"

namespace poolcpuid::report {

namespace {

// The rules of the policy's decisions in the order of the rulebook's table, with their numbers.
std::vector<std::pair<std::string, std::size_t>> rules_of(const PoolPolicy& policy) {
    std::map<std::string, std::size_t> counts;
    for (const Decision& decision : policy.decisions) ++counts[decision.rule];
    std::vector<std::pair<std::string, std::size_t>> rules(counts.begin(), counts.end());
    std::stable_sort(rules.begin(), rules.end(), [](const auto& a, const auto& b) {
        // Words of no rule, of a policy from elsewhere, come last.
        const RuleWords* left = words_of(a.first);
        const RuleWords* right = words_of(b.first);
        return (left == nullptr ? 1 : 0) < (right == nullptr ? 1 : 0) ||
               (left != nullptr && right != nullptr && left < right);
    });
    return rules;
}

void put_words(Page& page) {
    const auto control = page.html.open("div", {{"class", "control grow"}});
    page.html.element("label", {{"for", "words"}}, "Words: a field, a place, a reason, a host that decides");
    page.html.void_element("input", {{"type", "search"}, {"id", "words"}, {"autocomplete", "off"}});
}

void put_kinds(Page& page) {
    const auto control = page.html.open("div", {{"class", "control"}});
    page.html.element("label", {{"for", "which"}}, "Fields");
    const auto select = page.html.open("select", {{"id", "which"}});
    page.html.element("option", {{"value", "all"}}, "all of them");
    page.html.element("option", {{"value", "differs"}}, "on which hosts differ");
    page.html.element("option", {{"value", "limited"}}, "that hosts limit");
    page.html.element("option", {{"value", "mitigation"}}, "that help against attacks");
}

// A choice of one of several words, or of none of them.
void put_choice(Page& page, std::string_view id, std::string_view label, const std::vector<std::string>& words) {
    const auto control = page.html.open("div", {{"class", "control"}});
    page.html.element("label", {{"for", id}}, label);
    const auto select = page.html.open("select", {{"id", id}});
    page.html.element("option", {{"value", ""}}, "any");
    for (const std::string& word : words) page.html.element("option", {{"value", word}}, word);
}

void put_impacts(Page& page) {
    std::vector<std::string> impacts;
    for (const auto& [word, impact] : rulebook::impact_words) impacts.emplace_back(word);
    put_choice(page, "impact", "A broken promise costs", impacts);
}

// Which hosts decide is known by their columns, so without columns by CPU neither.
void put_cpus(Page& page) {
    const CpuCounts cpus = cpus_of(page.policy);
    if (cpus.size() < 2 || page.columns.columns.empty()) return;
    std::vector<std::string> names;
    for (const auto& [cpu, count] : cpus) names.push_back(cpu);
    put_choice(page, "cpu", "Decided by hosts with", names);
}

void put_paper(Page& page) {
    const auto label = page.html.open("label");
    page.html.void_element("input", {{"type", "checkbox"}, {"id", "print-all"}});
    page.html.text("print all of the page, not only what hosts limit");
}

void put_rule_choices(Page& page) {
    const auto set = page.html.open("fieldset", {{"class", "all"}});
    page.html.element("legend", "Rules (none ticked: all)");
    for (const auto& [rule, count] : rules_of(page.policy)) {
        const auto label = page.html.open("label");
        page.html.void_element("input", {{"type", "checkbox"}, {"name", "rule"}, {"value", rule}});
        put_rule(page, rule);
        page.html.text(" " + std::to_string(count));
    }
}

// Hidden until the script shows them: without it they would do nothing.
void put_controls(Page& page) {
    const auto controls = page.html.open(
        "div", {{"id", "controls"}, {"role", "search"}, {"aria-label", "Filter the fields"}, {"hidden", ""}});
    put_words(page);
    put_kinds(page);
    put_impacts(page);
    put_cpus(page);
    put_rule_choices(page);
    page.html.element("button", {{"type", "button"}, {"id", "open-all"}}, "Open all");
    page.html.element("button", {{"type", "button"}, {"id", "fold-all"}}, "Fold all");
    put_paper(page);
    page.html.element("p", {{"id", "shown"}, {"role", "status"}, {"aria-live", "polite"}}, "");
}

void put_legend(Page& page) {
    const bool has_columns = !page.columns.columns.empty();
    page.html.element(
        "p",
        "Every field on which hosts differ, or whose value something other than plain agreement set. Each "
        "opens to its reason, its meaning and its source.");
    const auto list = page.html.open("ul", {{"class", "legend"}});
    if (!has_columns) {
        page.html.element("li", "The hosts fall into " + std::to_string(page.columns.groups) +
                                    " groups, more than a table can show: each field lists them by value.");
        return;
    }
    page.html.element("li", page.columns.every_name
                                ? "A column stands for hosts that have the same values throughout; those that decide "
                                  "most come first."
                                : "A column stands for hosts that the policy’s lists do not tell apart; those that "
                                  "decide most come first.");
    page.html.element("li", std::string(limit_mark) +
                                " and bold on the rule’s colour: these hosts decide. The policy has its value because "
                                "of them.");
    page.html.element("li",
                      "Pale: the policy’s own value. “?”: the dump does not say. “…”: the policy does not say. "
                      "64@832: an XSAVE state of 64 bytes at 832.");
    if (page.columns.by_promises) {
        page.html.element("li",
                          "Hosts that differ only in fields without a promise (identity, derived, hidden) share a "
                          "column; “…” stands where they differ.");
    }
    if (!page.numbered()) return;
    {
        const auto item = page.html.open("li");
        page.html.text("Groups of hosts are numbered and listed under ");
        page.html.element("a", {{"href", "#inputs"}}, "Inputs");
        page.html.text(". A letter is a value that is too long for its column; the opened field says which.");
    }
    page.html.element("li", {{"class", "on-paper"}},
                      "On paper the columns are left out: each opened field says which groups have which value.");
}

}  // namespace

void put_fields(Page& page) {
    const Section section(page, "fields", "Fields");
    if (page.policy.decisions.empty()) {
        page.html.element("p", "None: the hosts agree on every field, and the policy has what they have.");
        return;
    }
    put_legend(page);
    put_controls(page);
    put_matrix(page);
}

}  // namespace poolcpuid::report
