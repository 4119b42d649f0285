#include "merge/assured_findings.hpp"

#include <string>

#include "policy/document_text.hpp"

namespace poolcpuid::merge {

namespace {

// Whether the host's CPU goes further than what is known of its hypervisor.
bool is_cut(const promises::VendorRules& rules, const promises::HostPromises& host, FieldIndex index) {
    const Field& field = rules.rulebook()[index];
    const auto slot = rules.find_number(index, field.subleaf_first);
    if (!slot || !host.assumes(index)) return false;
    const promises::Number& number = host.atoms.numbers[*slot];
    return number.known && number.value == field.assured;
}

// "Whether hypervisors give guests more than 48 of guestphys there is unknown, and the policy has no more."
std::string what_is_unknown(const Field& field) {
    return " Whether guests are given more than " + std::to_string(field.assured) + " of " + std::string(field.id) +
           " there is unknown, and the policy has no more.";
}

void report_hardware_alone(FindingList& list, const Field& field, const HostList& hosts) {
    if (hosts.count == 0) return;
    list.add("no-hypervisor-view",
             "The dump of " + document::enumerate(hosts) + " is of the hardware alone." + what_is_unknown(field) +
                 " A dump of what the hypervisor gives settles it: " + document::hypervisor_dump + ".",
             hosts, std::string(field.id));
}

void report_silent_view(FindingList& list, const Field& field, const HostList& hosts) {
    if (hosts.count == 0) return;
    list.add("hypervisor-silent",
             "The hypervisor of " + document::enumerate(hosts) + " does not say " + std::string(field.id) + "." +
                 what_is_unknown(field) + " KVM says it since Linux 6.10.",
             hosts, std::string(field.id));
}

}  // namespace

void report_assured(FindingList& list) {
    const promises::VendorRules& rules = list.rules();
    for (const FieldIndex index : rules.fields()) {
        const Field& field = rules.rulebook()[index];
        if (field.assured == 0 || list.draft().value(index, field.subleaf_first) != field.assured) continue;
        const auto cut_where = [&](bool has_view) {
            return list.hosts([&](const promises::HostPromises& host) {
                return host.has_hypervisor_view == has_view && is_cut(rules, host, index);
            });
        };
        report_hardware_alone(list, field, cut_where(false));
        report_silent_view(list, field, cut_where(true));
    }
}

}  // namespace poolcpuid::merge
