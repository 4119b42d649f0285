#include <algorithm>
#include <set>

#include "cli/plan_words.hpp"
#include "cli/texts.hpp"

namespace poolcpuid::cli {

namespace {

std::set<std::string> out_of_reach(const RunningPlan& entry) {
    std::set<std::string> names;
    for (const Unreachable& group : entry.cannot_reach) names.insert(group.hosts.begin(), group.hosts.end());
    return names;
}

std::vector<std::string> labels_of(const std::vector<const RunningPlan*>& entries) {
    std::vector<std::string> labels;
    for (const RunningPlan* entry : entries) labels.push_back(entry->label);
    return labels;
}

// "VMs of a and b cannot move to x"; to some hosts where they differ in which.
std::string where(const PoolPlan& plan, const std::vector<const RunningPlan*>& stranded) {
    const std::set<std::string> hosts = out_of_reach(*stranded.front());
    const bool same = std::all_of(stranded.begin(), stranded.end(),
                                  [&](const RunningPlan* entry) { return out_of_reach(*entry) == hosts; });
    return "VMs of " + enumerate(labels_of(stranded)) + " cannot move to " +
           (same ? named(plan, {hosts.begin(), hosts.end()}) : "some hosts of the pool") + " until they restart";
}

// Which VMs stand, which move and which do not.
std::string answer(const PoolPlan& plan) {
    std::vector<const RunningPlan*> confined;  // stranded, with hosts left to run on
    std::vector<const RunningPlan*> nowhere;
    bool before = true;
    for (const RunningPlan& entry : plan.running) {
        if (!entry.stranded()) continue;
        before = before && entry.stranded_before();
        (entry.reaches.empty() ? nowhere : confined).push_back(&entry);
    }
    const std::size_t count = confined.size() + nowhere.size();
    const bool changes = plan.changes_hosts();
    const std::string pool = changes ? " after the change" : " of the pool";
    if (count == 0) {
        const std::string who = plan.running.size() == 1 ? enumerate({plan.running.front().label})
                                                         : std::to_string(plan.running.size()) + " running policies";
        const bool degrades = std::any_of(plan.running.begin(), plan.running.end(),
                                          [](const RunningPlan& entry) { return !entry.degraded.empty(); });
        return "No VM strands: VMs of " + who + " may run on every host" + pool +
               (degrades ? ", degraded on some." : ".");
    }
    std::string text = std::to_string(count) + " of " +
                       counted(plan.running.size(), "running policy", "running policies") +
                       (count == 1 ? " strands: " : " strand: ");
    if (!confined.empty()) text += where(plan, confined);
    if (!nowhere.empty()) {
        if (!confined.empty()) text += "; ";
        text += "VMs of " + enumerate(labels_of(nowhere)) + " may run on no host" + pool;
    }
    return text + (before && changes ? ". So it was before the change." : ".");
}

}  // namespace

std::string plan_headline(const PoolPlan& plan) {
    std::set<std::string> stuck;  // where VMs run that reach this host after the change, and no other
    for (const RunningPlan& entry : plan.running) {
        if (!entry.reaches.empty()) stuck.insert(entry.no_refuge.begin(), entry.no_refuge.end());
    }
    std::string text = answer(plan);
    const auto is_harmless = [&](const RunningPlan& entry) {
        return !entry.stranded() || entry.is_no_worse(plan.strictness);
    };
    if (!plan.stranded().empty() && std::all_of(plan.running.begin(), plan.running.end(), is_harmless)) {
        text += std::string(" Nothing gets worse for them there: they are as open ") + where_they_run(plan) + ".";
    }
    if (stuck.empty()) return text;
    return text + " VMs on " + named(plan, {stuck.begin(), stuck.end()}) + " have nowhere to go while it changes.";
}

}  // namespace poolcpuid::cli
