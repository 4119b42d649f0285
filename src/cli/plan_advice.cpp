#include "cli/plan_advice.hpp"

#include <algorithm>
#include <iterator>
#include <set>

#include "cli/diff_groups.hpp"
#include "cli/plan_headline.hpp"
#include "text/printable.hpp"

namespace poolcpuid::cli {

namespace {

class Advice {
public:
    Advice(const PoolPlan& plan, const Rulebook& rulebook) : plan_(plan), rulebook_(rulebook) {}

    std::vector<std::string> run() {
        for_stranded();
        for_weakened();
        for (const Mend& mend : plan_.mends) {
            put(named(mend.hosts) + " (" + short_list(mend.fields, most_fields) + "): " + mend.remedy);
        }
        for (const WhatIf& price : plan_.price) put(price_text(price));
        for_policy();
        for (const Finding& finding : plan_.difference.provenance.findings_added) {
            if (finding.severity == Severity::error) put("error " + finding.code + ": " + printable(finding.message));
        }
        return std::move(sentences_);
    }

private:
    void put(std::string sentence) { sentences_.push_back(std::move(sentence)); }

    void for_stranded() {
        std::vector<std::string> confined;
        std::vector<std::string> nowhere;
        for (const RunningPlan& entry : plan_.running) {
            if (entry.stranded()) (entry.reaches.empty() ? nowhere : confined).push_back(entry.label);
        }
        if (!confined.empty()) {
            put("Keep the VMs of " + named(confined) +
                " on the hosts that they reach until they have restarted with the policy after.");
        }
        if (!nowhere.empty()) {
            put("Shut down the VMs of " + named(nowhere) +
                " before the change, and start them again with the policy after.");
        }
    }

    // Hosts that come back and no longer keep the policy in force.
    void for_weakened() {
        std::set<std::string> broken;
        for (const RunningPlan& entry : plan_.running) {
            for (const Unreachable& group : entry.cannot_reach) {
                if (entry.of_pool && !group.before) broken.insert(group.hosts.begin(), group.hosts.end());
            }
        }
        std::vector<std::string> weakened;
        for (const ChangedHost& host : plan_.replaced) {
            if (broken.contains(host.name)) weakened.push_back(host.name);
        }
        if (weakened.empty()) return;
        put(named(weakened) + (weakened.size() == 1 ? " comes" : " come") +
            " back weaker: the microcode, BIOS settings and kernel of before would mend that.");
    }

    // No list of fields where it is all that the difference lists.
    std::string price_text(const WhatIf& price) const {
        const std::size_t lost = plan_.counts.loses + plan_.counts.both + plan_.counts.relaxes;
        const std::string all = counted(lost, "promise", "promises") + " that the policy loses";
        const std::string start = "The price of " + named(price.hosts) + ": ";
        if (price.gains.size() == lost) return start + "the " + all + ".";
        std::vector<std::string> fields;
        for (const FieldChange& change : price.gains) fields.push_back(name_of(rulebook_, change));
        return start + std::to_string(fields.size()) + " of the " + all + ", " + short_list(fields, most_fields) + ".";
    }

    void for_policy() {
        if (plan_.difference.equal_registers) {
            put("Keep the pool's policy: new VMs start with it as before.");
        } else if (plan_.wait_for.empty()) {
            put("Start new VMs with the policy after from now on: every host keeps it, before the change and after.");
        } else {
            const auto [leaving, back] = split(plan_, plan_.wait_for);
            std::string when =
                leaving.empty() ? "" : named(leaving) + (leaving.size() == 1 ? " has left" : " have left");
            if (!back.empty()) {
                when += (when.empty() ? "" : " and ") + named(back) +
                        (back.size() == 1 ? " has come back" : " have come back");
            }
            put("Start new VMs with the policy after when " + when +
                ", and not before: as the pool is now, they must not run there.");
        }
    }

    const PoolPlan& plan_;
    const Rulebook& rulebook_;
    std::vector<std::string> sentences_;
};

}  // namespace

std::vector<std::string> plan_advice(const PoolPlan& plan, const Rulebook& rulebook) {
    return Advice(plan, rulebook).run();
}

LeavingOrBack split(const PoolPlan& plan, const std::vector<std::string>& names) {
    const auto leaves = [&](const std::string& name) {
        return std::any_of(plan.removed.begin(), plan.removed.end(),
                           [&](const ChangedHost& host) { return host.name == name; });
    };
    LeavingOrBack result;
    std::partition_copy(names.begin(), names.end(), std::back_inserter(result.leaving), std::back_inserter(result.back),
                        leaves);
    return result;
}

}  // namespace poolcpuid::cli
