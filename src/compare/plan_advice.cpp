#include "compare/plan_advice.hpp"

#include <algorithm>
#include <iterator>
#include <map>
#include <set>
#include <string>
#include <tuple>
#include <utility>

namespace poolcpuid::compare {

namespace {

using Kind = PlanAdvice::Kind;
using Start = PlanAdvice::Start;

const SettingChange* change_of(const ChangedHost& host, std::string_view name) {
    const auto at = std::find_if(host.settings.begin(), host.settings.end(),
                                 [&](const SettingChange& change) { return change.name == name; });
    return at == host.settings.end() ? nullptr : &*at;
}

class Adviser {
public:
    explicit Adviser(const PoolPlan& plan) : plan_(plan) {}

    std::vector<PlanAdvice> all() {
        for_stranded();
        for_open();
        for_weakened();
        for_new_vms();
        return std::move(advice_);
    }

private:
    PlanAdvice& add(Kind kind) {
        advice_.push_back({});
        advice_.back().kind = kind;
        return advice_.back();
    }

    void for_stranded() {
        std::vector<std::string> confined;
        std::vector<std::string> nowhere;
        for (const RunningPlan& entry : plan_.running) {
            if (!entry.stranded() || entry.is_no_worse(plan_.strictness)) continue;
            (entry.reaches.empty() ? nowhere : confined).push_back(entry.label);
        }
        for (auto [kind, labels] : {std::pair(Kind::keep_vms, &confined), std::pair(Kind::shut_down_vms, &nowhere)}) {
            if (labels->empty()) continue;
            PlanAdvice& advice = add(kind);
            advice.with = plan_.restart_with();
            advice.running = std::move(*labels);
        }
    }

    // VMs that are not told to run VERW, and are as open where they are.
    void for_open() {
        using Where = std::pair<std::vector<std::string>, std::vector<std::string>>;  // fields and hosts
        std::map<Where, std::vector<std::string>> labels;
        for (const RunningPlan& entry : plan_.running) {
            for (const Unreachable& group : entry.cannot_reach) {
                if (!group.open_before.empty()) labels[{group.open_before, group.hosts}].push_back(entry.label);
            }
        }
        for (auto& [where, of] : labels) {
            PlanAdvice& advice = add(Kind::restart_vms);
            advice.with = plan_.restart_with();
            advice.running = std::move(of);
            std::tie(advice.fields, advice.hosts) = where;
        }
    }

    // Hosts that come back and lack what the policy in force promises. Of what guests are not told there nothing is
    // said: an older microcode or kernel would only hide it.
    void for_weakened() {
        const std::set<std::string> lacking = newly_lacking();
        std::vector<PlanAdvice> all;
        for (const ChangedHost& host : plan_.replaced) {
            if (!lacking.contains(host.name)) continue;
            PlanAdvice advice = what_would_mend(host);
            const auto at =
                std::find_if(all.begin(), all.end(), [&](const PlanAdvice& other) { return is_alike(advice, other); });
            PlanAdvice& group = at == all.end() ? all.emplace_back(std::move(advice)) : *at;
            group.hosts.push_back(host.name);
        }
        std::move(all.begin(), all.end(), std::back_inserter(advice_));
    }

    static bool is_alike(const PlanAdvice& a, const PlanAdvice& b) {
        return a.kind == b.kind && a.settings == b.settings && a.if_same_cpu == b.if_same_cpu && a.cpu == b.cpu;
    }

    // The hosts on which a promise of the policy in force is broken for certain, and where its VMs could run before.
    std::set<std::string> newly_lacking() const {
        const auto is_lost = [](const Violation& violation) {
            return violation.known && violation.breach == Breach::lost;
        };
        std::set<std::string> names;
        for (const RunningPlan& entry : plan_.running) {
            for (const Unreachable& group : entry.cannot_reach) {
                const bool lacks = std::any_of(group.violations.begin(), group.violations.end(), is_lost);
                if (entry.of_pool && !group.before && lacks) names.insert(group.hosts.begin(), group.hosts.end());
            }
        }
        return names;
    }

    static PlanAdvice what_would_mend(const ChangedHost& host) {
        PlanAdvice advice;
        const SettingChange* cpu = change_of(host, cpu_setting);
        if (cpu != nullptr && cpu->before) {
            advice.kind = Kind::other_cpu;
            advice.cpu = *cpu;
            return advice;
        }
        advice.kind = Kind::restore_settings;
        advice.settings = {"bios", kernel_setting};
        // A newer one closes holes: nobody is to go back to the older one.
        const SettingChange* microcode = change_of(host, microcode_setting);
        if (microcode == nullptr || !microcode->is_newer) advice.settings.emplace_back(microcode_setting);
        advice.if_same_cpu = cpu != nullptr;
        return advice;
    }

    void for_new_vms() {
        PlanAdvice& advice = add(Kind::start_new_vms);
        if (plan_.difference.equal_registers) return;
        advice.with = Start::after;
        std::partition_copy(plan_.wait_for.begin(), plan_.wait_for.end(), std::back_inserter(advice.when_left),
                            std::back_inserter(advice.when_back),
                            [&](const std::string& host) { return plan_.leaves(host); });
        for (const Finding* error : plan_.new_errors()) advice.errors.push_back(error->code);
        if (!plan_.difference.beliefs) return;
        for (const FalseBelief& belief : plan_.difference.beliefs->falsely_safe) {
            if (!belief.hosts_after.empty()) advice.falsely_safe.push_back(belief.id);
        }
    }

    const PoolPlan& plan_;
    std::vector<PlanAdvice> advice_;
};

}  // namespace

std::vector<PlanAdvice> advice_for(const PoolPlan& plan) { return Adviser(plan).all(); }

}  // namespace poolcpuid::compare

namespace poolcpuid {

std::string_view to_string(PlanAdvice::Kind kind) noexcept {
    switch (kind) {
        case PlanAdvice::Kind::keep_vms: return "keep-vms";
        case PlanAdvice::Kind::shut_down_vms: return "shut-down-vms";
        case PlanAdvice::Kind::restart_vms: return "restart-vms";
        case PlanAdvice::Kind::restore_settings: return "restore-settings";
        case PlanAdvice::Kind::other_cpu: return "other-cpu";
        case PlanAdvice::Kind::start_new_vms: break;
    }
    return "start-new-vms";
}

std::string_view to_string(PlanAdvice::Start start) noexcept {
    return start == PlanAdvice::Start::before ? "before" : "after";
}

bool PoolPlan::leaves(std::string_view host) const noexcept {
    return std::any_of(removed.begin(), removed.end(), [&](const ChangedHost& other) { return other.name == host; });
}

std::vector<const Finding*> PoolPlan::new_errors() const {
    std::vector<const Finding*> found;
    for (const Finding& finding : difference.provenance.findings_added) found.push_back(&finding);
    for (const FindingPair& finding : difference.provenance.findings_changed) found.push_back(&finding.after);
    std::erase_if(found, [](const Finding* finding) { return finding->severity != Severity::error; });
    return found;
}

}  // namespace poolcpuid
