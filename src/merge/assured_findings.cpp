#include "merge/assured_findings.hpp"

#include <algorithm>
#include <string>
#include <utility>

#include "policy/document_text.hpp"
#include "poolcpuid/finding_code.hpp"

namespace poolcpuid::merge {

namespace {

// Whether the host's CPU goes further than what is known of its hypervisor.
bool is_cut(const Plan& plan, const HostPromises& host, FieldIndex index) {
    const Field& field = plan.rulebook()[index];
    const auto slot = plan.find_number(index, field.subleaf_first);
    const bool is_assumed = std::find(host.assumed.begin(), host.assumed.end(), index) != host.assumed.end();
    if (!slot || host.has_hypervisor_view || !is_assumed) return false;
    const Number& number = host.atoms.numbers[*slot];
    return number.known && number.value == field.assured;
}

}  // namespace

void report_assured(const DecisionInputs& inputs, std::vector<Finding>& findings) {
    const Plan& plan = inputs.draft.plan();
    for (const FieldIndex index : plan.fields()) {
        const Field& field = plan.rulebook()[index];
        if (field.assured == 0 || inputs.draft.value(index, field.subleaf_first) != field.assured) continue;
        const VariantSet cut = variants_where(inputs.variants, [&](const Variant& variant) {
            return !variant.is_ceiling && is_cut(plan, *variant.promises, index);
        });
        if (cut.empty()) continue;
        HostList hosts = hosts_of(cut, inputs.most_names);
        const std::string id(field.id);
        findings.push_back(
            {Severity::note, std::string(FindingCode("no-hypervisor-view")),
             "The dump of " + document::enumerate(hosts) +
                 " is of the hardware alone. Whether hypervisors give guests more than " +
                 std::to_string(field.assured) + " of " + id +
                 " there is unknown, and the policy has no more. A dump of what the hypervisor gives settles it: " +
                 document::hypervisor_dump + ".",
             id, std::move(hosts)});
    }
}

}  // namespace poolcpuid::merge
