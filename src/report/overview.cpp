// The summary and the findings: what an auditor reads first.
#include <algorithm>
#include <array>

#include "base/lists.hpp"
#include "policy/document_text.hpp"
#include "policy/summary_groups.hpp"
#include "report/page.hpp"

namespace poolcpuid::report {

namespace {

constexpr std::array all_severities{Severity::error, Severity::warning, Severity::note};

std::size_t count_of(const PoolPolicy& policy, Severity severity) {
    return static_cast<std::size_t>(
        std::count_if(policy.findings.begin(), policy.findings.end(),
                      [&](const Finding& finding) { return finding.severity == severity; }));
}

void put_tally_entry(Page& page, std::string_view target, std::size_t count, std::string_view one,
                     std::string_view many) {
    const auto item = page.html.open("li");
    const auto link = page.html.open("a", {{"href", "#" + std::string(target)}});
    page.html.element("b", std::to_string(count));
    page.html.text(" " + std::string(count == 1 ? one : many));
}

void put_tally(Page& page, const summary::Groups& groups) {
    std::size_t given_up = 0;
    for (const summary::GivenUp& loss : groups.given_up) given_up += loss.features.size();
    const auto list = page.html.open("ul", {{"class", "tally"}});
    put_tally_entry(page, "given-up", given_up, "feature given up", "features given up");
    put_tally_entry(page, "announced", groups.announced.size() + groups.announced_by_option.size(),
                    "relaxed behaviour announced", "relaxed behaviours announced");
    put_tally_entry(page, "limits", groups.limits.size(), "number limited", "numbers limited");
    put_tally_entry(page, "findings", count_of(page.policy, Severity::error), "error", "errors");
    put_tally_entry(page, "findings", count_of(page.policy, Severity::warning), "warning", "warnings");
    if (!page.input.audit || page.input.audit->hosts == 0) return;
    put_tally_entry(page, "vulnerabilities", falsely_safe_count(*page.input.audit),
                    "vulnerability falsely thought safe", "vulnerabilities falsely thought safe");
}

void put_bold(Page& page, const HostList& hosts) {
    const auto who = page.html.open("b");
    put_hosts(page, hosts);
}

// Who or what costs the features that follow.
void put_losing(Page& page, const summary::GivenUp& loss) {
    const bool is_one = loss.features.size() == 1;
    switch (loss.loss) {
        case summary::Loss::option:
            page.html.element("b", loss.option.empty() ? "What goes with those" : loss.option);
            break;
        case summary::Loss::unknown:
            page.html.text("Not known of ");
            put_bold(page, loss.unknown);
            return page.html.text(": ");
        case summary::Loss::followed:
            page.html.text(is_one ? "With what it stands on, " : "With what they stand on, ");
            [[fallthrough]];
        case summary::Loss::lacking: put_bold(page, loss.hosts); break;
    }
    if (loss.unknown.count > 0) {
        page.html.text(" together with ");
        put_bold(page, loss.unknown);
        page.html.text(is_one ? ", of which it is not known," : ", of which they are not known,");
    }
    page.html.text(loss.hosts.count > 1 ? " cost " : " costs ");
}

void put_given_up(Page& page, const std::vector<summary::GivenUp>& losses) {
    page.html.element("h3", {{"id", "given-up"}}, "Given up");
    if (losses.empty()) {
        page.html.element("p", "Nothing: every feature that a host has and a guest may be shown is in the policy.");
        return;
    }
    page.html.element("p",
                      "Features that some hosts have and the policy has not, by the hosts that lack them, of which "
                      "they are not known, or that keep away what they stand on, and by the operator's options.");
    const auto list = page.html.open("ul", {{"class", "groups"}});
    for (const summary::GivenUp& loss : losses) {
        const auto item = page.html.open("li");
        put_losing(page, loss);
        page.html.text(counted(loss.features.size(), "feature") + ": ");
        for (const Decision* decision : loss.features) {
            if (decision != loss.features.front()) page.html.text(", ");
            put_field_link(page, *decision);
        }
    }
}

// A field and the hosts because of which it has its value.
void put_decided(Page& page, const Decision& decision, const std::string& before_hosts) {
    {
        const auto term = page.html.open("dt");
        put_field_link(page, decision);
    }
    const auto description = page.html.open("dd");
    page.html.text(before_hosts);
    const Deciders deciders = deciders_of(decision);
    if (deciders.known.count + deciders.unknown.count == 0) return page.html.text("the operator");
    if (deciders.known.count > 0) put_hosts(page, deciders.known);
    if (deciders.unknown.count == 0) return;
    page.html.text(deciders.known.count > 0 ? "; not known of " : "not known of ");
    put_hosts(page, deciders.unknown);
}

void put_announced(Page& page, const char* what, const std::vector<const Decision*>& decisions) {
    if (decisions.empty()) return;
    page.html.element("p", what);
    const auto list = page.html.open("dl");
    for (const Decision* decision : decisions) put_decided(page, *decision, "");
}

void put_announced(Page& page, const summary::Groups& groups) {
    page.html.element("h3", {{"id", "announced"}}, "Relaxed behaviours that guests are told of");
    if (groups.announced.empty()) {
        page.html.element("p", "None: no host relaxes a promise that others keep.");
    }
    put_announced(
        page,
        "These bits announce that CPUs stopped keeping a promise. One host with such a bit is enough: a guest "
        "that is not told would go on relying on it.",
        groups.announced);
    put_announced(page, "These the operator's options set, though no host relaxes the promise.",
                  groups.announced_by_option);
}

void put_limits(Page& page, const std::vector<const Decision*>& decisions) {
    page.html.element("h3", {{"id", "limits"}}, "Limits");
    if (decisions.empty()) {
        page.html.element("p", "None: the hosts agree on every number that a guest is shown.");
        return;
    }
    const auto list = page.html.open("dl");
    for (const Decision* decision : decisions) {
        put_decided(page, *decision, document::value_text(page.rulebook, *decision) + ": ");
    }
}

void put_options(Page& page) {
    const RecordedOptions& options = page.policy.options;
    page.html.element("h3", {{"id", "options"}}, "What the operator asked for");
    if (options.empty()) {
        page.html.element("p", "Nothing beyond the hosts: no option of the merge changed a value.");
        return;
    }
    const auto list = page.html.open("dl");
    if (!options.identity.empty()) put_term(page, "Identity of", options.identity);
    if (!options.ceiling_level.empty()) put_term(page, "Ceiling", options.ceiling_level);
    if (options.ceiling_policy) {
        put_term(page, "Ceiling",
                 "the policy of " + options.ceiling_policy->pool + ", sha256 " + options.ceiling_policy->sha256);
    }
    if (!options.hide.empty()) put_term(page, "Hidden", joined(options.hide));
    if (!options.show.empty()) put_term(page, "Shown on request", joined(options.show));
    for (const auto& [field, value] : options.set) put_term(page, "Set", field + " = " + value);
}

void put_notices(Page& page) {
    const ReportInput& input = page.input;
    if (input.policy.rulebook_sha256 != page.rulebook.sha256) {
        page.html.element("p", {{"class", "notice"}},
                          "The policy was made with another rulebook than this page. What the page says of the meaning "
                          "and the source of a field is of rulebook " +
                              std::string(page.rulebook.version) + " (sha256 " + std::string(page.rulebook.sha256) +
                              "); values, reasons and findings are the policy's own. Where there is no decision the "
                              "hosts agree on what that rulebook knew; of what it did not know the page says nothing.");
    }
    if (input.other_hosts) {
        page.html.element("p", {{"class", "notice"}},
                          "From the hosts that were given now follows another policy than this one, so they are not "
                          "used: the page shows what the policy itself says.");
    }
    if (!page.columns.every_name) {
        page.html.element("p", {{"class", "notice"}},
                          "The policy lists at most eight names of a list of hosts, and this page can name no others: "
                          "lists that may go on end in “…”, and the mark of a host that decides may be missing. Made "
                          "with the hosts’ dumps (--hosts) the page names all.");
    }
}

void put_finding(Page& page, const Finding& finding) {
    const std::string severity(to_string(finding.severity));
    const auto item = page.html.open("li", {{"class", "finding " + severity}});
    {
        const auto head = page.html.open("p");
        page.html.element("span", {{"class", "severity"}}, severity);
        page.html.text(" ");
        page.html.element("code", finding.code);
        const auto& decisions = page.policy.decisions;
        const auto decision = std::find_if(decisions.begin(), decisions.end(),
                                           [&](const Decision& d) { return d.field == finding.field; });
        if (!finding.field.empty()) page.html.text(" · ");
        if (decision != decisions.end()) {
            put_field_link(page, *decision);
        } else if (!finding.field.empty()) {
            page.html.text(finding.field);
        }
    }
    page.html.element("p", finding.message);
    if (finding.hosts.count == 0) return;
    const auto hosts = page.html.open("p", {{"class", "hosts"}});
    page.html.text("Hosts: ");
    // A list of eight may have been cut in a document that has no count beside it; a shorter one is whole.
    const bool has_all =
        page.policy.minor > 1 || (page.input.hosts ? !page.input.hosts->own_findings : page.columns.every_name);
    const bool may_be_cut = finding.hosts.names.size() == most_names && !has_all;
    if (may_be_cut) return put_names(page, finding.hosts.names, 0);
    put_hosts(page, finding.hosts);
}

}  // namespace

void put_summary(Page& page) {
    const Section section(page, "summary", "Summary");
    put_notices(page);
    const summary::Groups groups = summary::groups_of(page.policy, page.rulebook);
    put_tally(page, groups);
    put_given_up(page, groups.given_up);
    put_announced(page, groups);
    put_limits(page, groups.limits);
    put_options(page);
}

void put_findings(Page& page) {
    const Section section(page, "findings", "Findings");
    if (page.policy.findings.empty()) {
        page.html.element("p", "None.");
        return;
    }
    const auto list = page.html.open("ul", {{"class", "findings"}});
    for (const Severity severity : all_severities) {
        for (const Finding& finding : page.policy.findings) {
            if (finding.severity == severity) put_finding(page, finding);
        }
    }
}

}  // namespace poolcpuid::report
