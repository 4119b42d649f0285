#include "merge/assured_findings.hpp"

#include <algorithm>
#include <string>

#include "policy/document_text.hpp"

namespace poolcpuid::merge {

namespace {

// Whether the host's CPU goes further than what is known of its hypervisor.
bool is_cut(const promises::VendorRules& rules, const promises::HostPromises& host, FieldIndex index) {
    const Field& field = rules.rulebook()[index];
    const auto slot = rules.find_number(index, field.subleaf_first);
    const bool is_assumed = std::find(host.assumed.begin(), host.assumed.end(), index) != host.assumed.end();
    if (!slot || host.has_hypervisor_view || !is_assumed) return false;
    const promises::Number& number = host.atoms.numbers[*slot];
    return number.known && number.value == field.assured;
}

}  // namespace

void report_assured(FindingList& list) {
    const promises::VendorRules& rules = list.rules();
    for (const FieldIndex index : rules.fields()) {
        const Field& field = rules.rulebook()[index];
        if (field.assured == 0 || list.draft().value(index, field.subleaf_first) != field.assured) continue;
        const HostList hosts =
            list.hosts([&](const promises::HostPromises& host) { return is_cut(rules, host, index); });
        if (hosts.count == 0) continue;
        const std::string id(field.id);
        list.add("no-hypervisor-view",
                 "The dump of " + document::enumerate(hosts) +
                     " is of the hardware alone. Whether hypervisors give guests more than " +
                     std::to_string(field.assured) + " of " + id +
                     " there is unknown, and the policy has no more. A dump of what the hypervisor gives settles it: " +
                     document::hypervisor_dump + ".",
                 hosts, id);
    }
}

}  // namespace poolcpuid::merge
