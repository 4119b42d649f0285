// What the policy was made from: the hosts with their digests, and the rulebook.
#include <algorithm>
#include <set>
#include <string_view>
#include <utility>
#include <vector>

#include "base/hex.hpp"
#include "policy/summary_groups.hpp"
#include "report/page.hpp"

namespace poolcpuid::report {

namespace {

// Each class of hosts with the number of its column: in the order of columns, or of digests without any.
std::vector<std::pair<std::size_t, const HostClass*>> classes_of(const Page& page) {
    std::vector<std::pair<std::size_t, const HostClass*>> classes;
    for (std::size_t i = 0; i < page.columns.columns.size(); ++i) {
        for (const std::size_t index : page.columns.columns[i].classes) {
            classes.emplace_back(i + 1, &page.policy.hosts[index]);
        }
    }
    if (!classes.empty()) return classes;
    for (const HostClass& host : page.policy.hosts) classes.emplace_back(0, &host);
    return classes;
}

void put_all_names(Page& page, const HostClass& host) {
    const auto cell = page.html.open("td", {{"class", "names"}});
    for (const std::string& name : host.names) {
        if (&name != &host.names.front()) page.html.text(", ");
        page.html.element("bdi", name);
    }
    if (host.count > host.names.size()) {
        page.html.text((host.names.empty() ? "" : " and ") + std::to_string(host.count - host.names.size()) + " more");
    }
}

std::string views_text(const HostClass& host) {
    std::string text;
    for (const std::string& view : host.views) text += (text.empty() ? "" : ", ") + view;
    return text;
}

std::string microcode_text(const HostFacts& facts) { return facts.microcode ? to_hex(*facts.microcode) : ""; }

// A release may be broken behind its dots, and not within a word.
void put_kernel(Page& page, std::string_view kernel) {
    const auto cell = page.html.open("td", {{"class", "kernel"}});
    while (!kernel.empty()) {
        const std::size_t end = std::min(kernel.find_first_of("._"), kernel.size() - 1) + 1;
        page.html.text(kernel.substr(0, end));
        kernel.remove_prefix(end);
        if (!kernel.empty()) page.html.void_element("wbr", {});
    }
}

void put_class(Page& page, std::size_t group, const HostClass& host) {
    const std::string cpu = host.facts.cpu ? short_text(*host.facts.cpu) : "";
    const auto row = page.html.open("tr", {{"data-group", std::to_string(group)}, {"data-cpu", cpu}});
    if (page.numbered()) page.html.element("td", std::to_string(group));
    put_all_names(page, host);
    page.html.element("td", std::to_string(host.count));
    page.html.element("td", {{"class", "cpu"}},
                      cpu.empty() ? "" : cpu + ", stepping " + std::to_string(host.facts.cpu->stepping));
    page.html.element("td", {{"class", "short"}}, microcode_text(host.facts));
    put_kernel(page, host.facts.kernel);
    page.html.element("td", {{"class", "short"}}, host.is_ceiling() ? "policy (the ceiling)" : host.format);
    page.html.element("td", {{"class", "short"}}, views_text(host));
    page.html.element("td", {{"class", "digest"}}, host.sha256);
}

void put_digests(Page& page) {
    const auto list = page.html.open("dl");
    if (!page.input.sha256.empty()) put_term(page, "Policy document, sha256", page.input.sha256);
    put_term(page, "Names of all hosts, sha256", page.policy.names_sha256);
    put_term(page, "Hosts", std::to_string(summary::host_count(page.policy)));
}

void put_rules(Page& page) {
    std::set<std::string> used;
    for (const Decision& decision : page.policy.decisions) used.insert(decision.rule);
    page.html.element("h3", {{"id", "rules"}}, "Rules by which the fields were decided");
    const auto list = page.html.open("dl");
    for (const std::string& rule : used) {
        const RuleWords* words = words_of(rule);
        if (words == nullptr) continue;
        {
            const auto term = page.html.open("dt");
            put_rule(page, rule);
        }
        page.html.element("dd", std::string(words->promise) + " In a pool: " + std::string(words->in_pool));
    }
}

void put_sources(Page& page) {
    page.html.element("h3", {{"id", "sources"}}, "What the keys in sources stand for");
    const auto list = page.html.open("dl");
    for (const SourceKey& source : page.rulebook.sources) put_term(page, source.key, source.means);
}

}  // namespace

void put_inputs(Page& page) {
    const Section section(page, "inputs", "Inputs");
    put_digests(page);
    const auto scroll = page.html.open(
        "div", {{"class", "scroll"}, {"role", "region"}, {"aria-labelledby", "inputs"}, {"tabindex", "0"}});
    const auto table = page.html.open("table", {{"class", "plain"}, {"id", "hosts"}});
    page.html.element("caption", "Hosts, those of equal content in one row");
    if (page.numbered()) {
        put_head(page,
                 {"Group", "Names", "Hosts", "CPU", "Microcode", "Kernel", "Format", "Views", "SHA-256 of the dump"});
    } else {
        put_head(page, {"Names", "Hosts", "CPU", "Microcode", "Kernel", "Format", "Views", "SHA-256 of the dump"});
    }
    const auto body = page.html.open("tbody");
    for (const auto& [group, host] : classes_of(page)) put_class(page, group, *host);
}

void put_rulebook(Page& page) {
    const Section section(page, "rulebook", "Rulebook");
    {
        const auto list = page.html.open("dl");
        put_term(page, "Version", page.policy.rulebook_version);
        put_term(page, "SHA-256", page.policy.rulebook_sha256);
    }
    put_rules(page);
    put_sources(page);
}

}  // namespace poolcpuid::report
