#include "merge/missed_findings.hpp"

#include <algorithm>
#include <string>
#include <string_view>
#include <vector>

#include "base/lists.hpp"
#include "policy/document_text.hpp"
#include "promises/seen_value.hpp"
#include "rulebook/claims.hpp"

namespace poolcpuid::merge {

namespace {

using document::enumerate;
using promises::HostPromises;

// One field, asked of hosts.
class MissedField {
public:
    MissedField(FindingList& list, FieldIndex index) : list_(list), field_(list.rulebook()[index]), index_(index) {}

    void report() {
        const HostList open = list_.hosts([&](const HostPromises& host) {
            const bool is_immune = field_.missed.unless != no_field && has(host, field_.missed.unless);
            return needs_it(host) && !is_immune;
        });
        if (open.count == 0) return;
        const std::string id(field_.id);
        list_.add("mitigation-not-enough",
                  id + " is not in the policy, and what guests do without it is not enough against " +
                      vulnerabilities() + " on " + enumerate(open) + ". " + std::string(field_.missed.says) + " " +
                      what_helps(),
                  open, id);
    }

private:
    // By any of its views.
    bool has(const HostPromises& host, FieldIndex index) const {
        return promises::keeps_bits(list_.rules(), host, index) ||
               promises::is_withheld(list_.rules(), host, index, list_.rulebook()[index].subleaf_first);
    }

    // A CPU on which software alone is not enough has the field, be it that its microcode or its kernel hides it.
    bool needs_it(const HostPromises& host) const {
        const auto is_listed = [&](const promises::Silicon& silicon) {
            return silicon.model != nullptr &&
                   std::any_of(field_.mitigation.begin(), field_.mitigation.end(), [&](VulnerabilityIndex each) {
                       return rulebook::lists(silicon.model->beyond_software,
                                              list_.rulebook().vulnerabilities[each].id);
                   });
        };
        return has(host, index_) || host.any_silicon(is_listed);
    }

    std::string vulnerabilities() const {
        std::vector<std::string> names;
        for (const VulnerabilityIndex each : field_.mitigation) {
            names.emplace_back(list_.rulebook().vulnerabilities[each].name);
        }
        return joined(names);
    }

    std::string what_helps() const {
        const auto lacks = [&](const HostPromises& host) { return !promises::keeps_bits(list_.rules(), host, index_); };
        const HostList lacking = list_.hosts(lacks);
        if (lacking.count == 0) return "Every host offers it: leave out the option that takes it from the policy.";
        const HostList others = list_.hosts([&](const HostPromises& host) { return lacks(host) && !needs_it(host); });
        if (others.count == 0) {
            return "Update the microcode and the kernel of " + enumerate(lacking) +
                   ", or take a dump that shows it: the CPU has it.";
        }
        return "Split the pool: " + enumerate(others) + (others.count == 1 ? " has" : " have") + " it not.";
    }

    FindingList& list_;
    const Field& field_;
    FieldIndex index_;
};

}  // namespace

void report_missed(FindingList& list) {
    for (const FieldIndex index : list.rules().fields()) {
        if (list.rulebook()[index].missed.says.empty() || list.draft().present(index)) continue;
        MissedField(list, index).report();
    }
}

}  // namespace poolcpuid::merge
