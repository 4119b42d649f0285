// What each set of limiting hosts costs the pool.
#include <algorithm>

#include "policy/document_text.hpp"
#include "report/page.hpp"

namespace poolcpuid::report {

namespace {

constexpr std::size_t most_sets = 20;    // of hosts: the most costly come first
constexpr std::size_t most_fields = 60;  // that one of them would bring

void put_change(Page& page, const FieldChange& change) {
    const auto& decisions = page.policy.decisions;
    const auto decision = std::find_if(decisions.begin(), decisions.end(), [&](const Decision& d) {
        return d.field == change.field && d.place.subleaf_first == change.place.subleaf_first;
    });
    if (decision != decisions.end()) {
        put_field_link(page, *decision);
    } else {
        page.html.text(document::field_text(page.rulebook, change.field, change.place));
    }
}

void put_what_if(Page& page, const WhatIf& what_if, const CpuNames& cpus) {
    const auto row = page.html.open("tr");
    {
        const auto cell = page.html.open("th", {{"scope", "row"}});
        put_hosts(page, list_of(what_if.hosts, cpus));
    }
    page.html.element("td", std::to_string(what_if.hosts.size()));
    page.html.element("td", std::to_string(what_if.gains.size()));
    const auto cell = page.html.open("td");
    const std::size_t shown = std::min(what_if.gains.size(), most_fields);
    for (std::size_t i = 0; i < shown; ++i) {
        if (i > 0) page.html.text(", ");
        put_change(page, what_if.gains[i]);
    }
    if (shown < what_if.gains.size()) {
        page.html.text(" and " + std::to_string(what_if.gains.size() - shown) + " more");
    }
}

}  // namespace

void put_costs(Page& page) {
    if (!page.input.hosts) return;
    const std::vector<WhatIf>& all = page.input.hosts->what_ifs;
    const Section section(page, "costs", "What limiting hosts cost");
    if (all.empty()) {
        page.html.element("p", "Nothing: no promise would come back if the hosts that limit a field left the pool.");
        return;
    }
    page.html.element("p",
                      "Promises that the policy would gain if these hosts left the pool, or were brought up to the "
                      "others. Each line is for itself.");
    if (all.size() > most_sets) {
        page.html.element("p", "The " + std::to_string(most_sets) + " sets of hosts that cost most, of " +
                                   std::to_string(all.size()) + ".");
    }
    const auto scroll = page.html.open(
        "div", {{"class", "scroll"}, {"role", "region"}, {"aria-labelledby", "costs"}, {"tabindex", "0"}});
    const auto table = page.html.open("table", {{"class", "plain costs"}});
    page.html.element("caption", "Promises that come back without some hosts");
    put_head(page, {"Without", "Hosts", "Gains", "Fields"});
    const auto body = page.html.open("tbody");
    const CpuNames cpus = cpu_names_of(page.policy);
    for (std::size_t i = 0; i < std::min(all.size(), most_sets); ++i) put_what_if(page, all[i], cpus);
}

}  // namespace poolcpuid::report
