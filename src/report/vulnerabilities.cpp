// What a guest's kernel believes of vulnerabilities, the worst verdict first.
#include <algorithm>
#include <vector>

#include "audit/words.hpp"
#include "poolcpuid/cpu.hpp"
#include "report/page.hpp"

namespace poolcpuid::report {

namespace {

// Of these, which hosts they are and what would help is said.
bool calls_for_action(AuditVerdict verdict) { return verdict >= AuditVerdict::unknown; }

std::vector<const AuditEntry*> worst_first(const Audit& audit) {
    std::vector<const AuditEntry*> entries;
    for (const AuditEntry& entry : audit.entries) entries.push_back(&entry);
    std::stable_sort(entries.begin(), entries.end(),
                     [](const AuditEntry* a, const AuditEntry* b) { return a->verdict > b->verdict; });
    return entries;
}

void put_verdict(Page& page, const AuditEntry& entry, const Audit& audit) {
    const auto cell = page.html.open("td");
    const std::string_view severity = *entry.verdict == AuditVerdict::falsely_safe ? "error"
                                      : calls_for_action(*entry.verdict)           ? "warning"
                                                                                   : "note";
    page.html.element("span", {{"class", "verdict " + std::string(severity)}}, to_string(*entry.verdict));
    for (const AuditHosts& group : entry.hosts) {
        if (!calls_for_action(group.verdict)) continue;
        const auto line = page.html.open("p");
        put_hosts(page, list_of(group.hosts, audit.cpus));
        page.html.text(": " + poolcpuid::audit::story_of(entry, group));
    }
}

void put_advice(Page& page, const AuditEntry& entry, const Audit& audit) {
    const auto cell = page.html.open("td");
    for (const AuditAdvice& advice : entry.advice) {
        const auto line = page.html.open("p");
        if (!advice.hosts.empty() && advice.hosts.size() < audit.hosts) {
            put_hosts(page, list_of(advice.hosts, audit.cpus));
            page.html.text(": ");
        }
        page.html.text(advice.text);
    }
}

void put_entry(Page& page, const AuditEntry& entry, const Audit& audit) {
    const bool quiet = entry.verdict && !calls_for_action(*entry.verdict);
    const auto row = page.html.open("tr", {{"class", quiet ? "quiet" : "loud"}});
    {
        const auto cell = page.html.open("th", {{"scope", "row"}});
        page.html.element("span", {{"class", "word"}}, entry.id);
    }
    page.html.element("td", entry.says);
    if (!entry.verdict) return;
    put_verdict(page, entry, audit);
    put_advice(page, entry, audit);
}

}  // namespace

std::size_t falsely_safe_count(const Audit& audit) {
    return static_cast<std::size_t>(
        std::count_if(audit.entries.begin(), audit.entries.end(),
                      [](const AuditEntry& entry) { return entry.verdict == AuditVerdict::falsely_safe; }));
}

void put_vulnerabilities(Page& page) {
    if (!page.input.audit) return;
    const Audit& audit = *page.input.audit;
    const Section section(page, "vulnerabilities", "Vulnerabilities");
    page.html.element("p",
                      "What the files of /sys/devices/system/cpu/vulnerabilities hold in a guest of this policy with " +
                          audit.kernel.name +
                          (audit.hosts == 0 ? ". Made with the hosts’ dumps (--hosts) the page says whether it is true."
                                            : ", and whether that is true on each host."));
    const auto scroll = page.html.open(
        "div", {{"class", "scroll"}, {"role", "region"}, {"aria-labelledby", "vulnerabilities"}, {"tabindex", "0"}});
    const auto table = page.html.open("table", {{"class", "plain vulnerabilities"}});
    page.html.element("caption", "CPU vulnerabilities as a guest sees them");
    if (audit.hosts == 0) {
        put_head(page, {"Vulnerability", "The guest says"});
    } else {
        put_head(page, {"Vulnerability", "The guest says", "On the hosts", "What would help"});
    }
    const auto body = page.html.open("tbody");
    for (const AuditEntry* entry : worst_first(audit)) put_entry(page, *entry, audit);
}

}  // namespace poolcpuid::report
