// plan: which VMs strand first, then the pool, the difference, each running policy, and what to do.
#include <algorithm>
#include <iterator>
#include <map>
#include <optional>
#include <set>
#include <string_view>
#include <utility>
#include <vector>

#include "base/hex.hpp"
#include "cli/texts.hpp"
#include "policy/document_text.hpp"

namespace poolcpuid::cli {

namespace {

// "loses 3, gains 41"; empty when nothing changes.
std::string counts_text(const PromiseCounts& counts) {
    std::string text;
    const auto put = [&](const char* what, std::size_t count) {
        if (count > 0) text += (text.empty() ? "" : ", ") + std::string(what) + " " + std::to_string(count);
    };
    put("loses", counts.loses);
    put("both", counts.both);
    put("relaxes", counts.relaxes);
    put("gains", counts.gains);
    return text;
}

bool hosts_change(const PoolPlan& plan) {
    return !plan.added.empty() || !plan.removed.empty() || !plan.replaced.empty();
}

// The policy that VMs restart with.
const char* policy_to_restart_with(const PoolPlan& plan) {
    return hosts_change(plan) || !plan.difference.equal_registers ? "the policy after" : "the pool's policy";
}

// Hosts for a sentence: "a, b and 3 more" or, of many, "40 hosts (Rome ×28, Milan ×12)".
std::string named(const PoolPlan& plan, const std::vector<std::string>& hosts) {
    return document::enumerate(list_of(hosts, plan.cpus));
}

// The names among names of hosts that leave; the others come back.
struct LeavingOrBack {
    std::vector<std::string> leaving;
    std::vector<std::string> back;
};

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
    const bool changes = hosts_change(plan);
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

// Where VMs are that were not told of something that is no worse elsewhere.
const char* where_they_run(const PoolPlan& plan) {
    return hosts_change(plan) ? "on every host where they may run before the change"
                              : "on every host where they may run now";
}

// The answer in a sentence or two: which VMs strand, and where.
std::string headline(const PoolPlan& plan) {
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

// What to do, a sentence or two each: for the stranded VMs, then for the hosts, then for the policy.
class Advice {
public:
    Advice(const PoolPlan& plan, const Rulebook& rulebook) : plan_(plan), rulebook_(rulebook) {}

    std::vector<std::string> run() {
        for_stranded();
        for_open();
        for_weakened();
        for (const Mend& mend : plan_.mends) {
            put(named(plan_, mend.hosts) + " (" + short_list(mend.fields, most_fields) + "): " + mend.remedy);
        }
        for (const WhatIf& price : plan_.price) put(price_text(price));
        for_policy();
        for (std::string& sentence : belief_advice(plan_.difference, policy_to_restart_with(plan_)))
            put(std::move(sentence));
        for (const Finding* error : errors()) put("error " + error->code + ": " + error->message);
        return std::move(sentences_);
    }

private:
    void put(std::string sentence) { sentences_.push_back(std::move(sentence)); }

    // Those of the policy after that the one before has not, or has of other hosts.
    std::vector<const Finding*> errors() const {
        const Provenance& provenance = plan_.difference.provenance;
        std::vector<const Finding*> found;
        for (const Finding& finding : provenance.findings_added) found.push_back(&finding);
        for (const FindingPair& finding : provenance.findings_changed) found.push_back(&finding.after);
        std::erase_if(found, [](const Finding* finding) { return finding->severity != Severity::error; });
        return found;
    }

    void for_stranded() {
        std::vector<std::string> confined;
        std::vector<std::string> nowhere;
        for (const RunningPlan& entry : plan_.running) {
            if (entry.is_no_worse(plan_.strictness)) continue;
            if (entry.stranded()) (entry.reaches.empty() ? nowhere : confined).push_back(entry.label);
        }
        if (!confined.empty()) {
            put("Keep the VMs of " + enumerate(confined) +
                " on the hosts that they reach until they have restarted with " + policy_to_restart_with(plan_) + ".");
        }
        if (!nowhere.empty()) {
            put("Shut down the VMs of " + enumerate(nowhere) +
                (hosts_change(plan_) ? " before the change, and start" : ", and start") + " them again with " +
                policy_to_restart_with(plan_) + ".");
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
        for (const auto& [where, of] : labels) {
            const auto& [fields, hosts] = where;
            put("Restart the VMs of " + enumerate(of) + " with " + policy_to_restart_with(plan_) + ": on " +
                named(plan_, hosts) + " that protects them (" + short_list(fields, most_fields) +
                "). Until then they are as open " + where_they_run(plan_) + ", and lose nothing of that by a move.");
        }
    }

    // Hosts that come back and lack what the policy in force promises. Of what guests are not told there nothing is
    // said: an older microcode or kernel would only hide it.
    void for_weakened() {
        const std::set<std::string> lacking = newly_lacking();
        std::map<std::string, std::vector<std::string>> hosts;  // by what is to be said of them
        for (const ChangedHost& host : plan_.replaced) {
            if (lacking.contains(host.name)) hosts[what_would_mend(host)].push_back(host.name);
        }
        for (const auto& [what, names] : hosts)
            put(named(plan_, names) + (names.size() == 1 ? " comes" : " come") + what);
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

    static std::string what_would_mend(const ChangedHost& host) {
        const SettingChange* cpu = change_of(host, cpu_setting);
        if (cpu != nullptr && cpu->before != unknown_setting) {
            return " back with another CPU (" + cpu->before + " -> " + cpu->after +
                   "), which lacks promises of the policy before: no setting of before would mend that.";
        }
        return std::string(" back weaker: the ") + (has_newer_microcode(host) ? "" : "microcode, ") +
               "BIOS settings and kernel of before would mend that" +
               (cpu != nullptr ? ", if the CPU is that of before." : ".");
    }

    static const SettingChange* change_of(const ChangedHost& host, std::string_view name) {
        const auto at = std::find_if(host.settings.begin(), host.settings.end(),
                                     [&](const SettingChange& change) { return change.name == name; });
        return at == host.settings.end() ? nullptr : &*at;
    }

    // It is the one that closes holes: nobody is to go back to the older one.
    static bool has_newer_microcode(const ChangedHost& host) {
        const SettingChange* microcode = change_of(host, microcode_setting);
        if (microcode == nullptr) return false;
        const auto before = from_hex(microcode->before, 8);
        const auto after = from_hex(microcode->after, 8);
        return before && after && *before < *after;
    }

    // No list of fields where it is all that the difference lists.
    std::string price_text(const WhatIf& price) const {
        const std::size_t lost = plan_.counts.loses + plan_.counts.both + plan_.counts.relaxes;
        const std::string all = counted(lost, "promise") + " that the policy loses";
        const std::string start = "The price of " + named(plan_, price.hosts) + ": ";
        if (price.gains.size() == lost) return start + "the " + all + ".";
        std::vector<std::string> fields;
        for (const FieldChange& change : price.gains) fields.push_back(name_of(rulebook_, change));
        return start + std::to_string(fields.size()) + " of the " + all + ", " + short_list(fields, most_fields) + ".";
    }

    bool leaves_falsely_safe() const {
        const std::optional<BeliefChanges>& beliefs = plan_.difference.beliefs;
        return beliefs && std::any_of(beliefs->falsely_safe.begin(), beliefs->falsely_safe.end(),
                                      [](const FalseBelief& belief) { return !belief.hosts_after.empty(); });
    }

    void for_policy() {
        if (plan_.difference.equal_registers) {
            put("Keep the pool's policy: new VMs start with it as before.");
        } else if (plan_.wait_for.empty()) {
            const bool is_flawed = !errors().empty() || leaves_falsely_safe();
            put(std::string("Start new VMs with the policy after from now on: ") +
                (plan_.policy_is_current ? "every host keeps it, before the change and after"
                                         : "every host keeps it that has a dump now") +
                (is_flawed ? ", but for what follows." : "."));
        } else {
            const auto [leaving, back] = split(plan_, plan_.wait_for);
            std::string when =
                leaving.empty() ? "" : named(plan_, leaving) + (leaving.size() == 1 ? " has left" : " have left");
            if (!back.empty()) {
                when += (when.empty() ? "" : " and ") + named(plan_, back) +
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

class PlanText {
public:
    PlanText(const PoolPlan& plan, const Rulebook& rulebook, Page& page)
        : plan_(plan), rulebook_(rulebook), page_(page) {}

    void put() {
        page_.line(headline(plan_), plan_.stranded().empty() ? Colour::green : Colour::red, 0, 0);
        pool();
        difference();
        matrix();
        for (const RunningPlan& entry : plan_.running) running(entry);
        new_vms();
        advice();
    }

private:
    void pool() {
        const std::string before = counted(plan_.hosts_before, "host");
        const std::string after = counted(plan_.hosts_after, "host");
        const bool changes = hosts_change(plan_);
        page_.title("Pool " + plan_.before.pool + " (" + plan_.before.vendor + "): " + before +
                    (changes ? " -> " + after : ", no change"));
        put_changed("joins: ", plan_.added, "against the pool's policy");
        put_changed("leaves: ", plan_.removed, nullptr);
        std::vector<ChangedHost> known;
        std::vector<ChangedHost> unknown;
        std::partition_copy(plan_.replaced.begin(), plan_.replaced.end(), std::back_inserter(known),
                            std::back_inserter(unknown), [](const ChangedHost& host) { return host.former_known; });
        put_changed("comes back: ", known, "against its former self");
        put_changed("comes back: ", unknown, "against the pool's policy");
        for (const Finding& finding : plan_.findings) {
            page_.paragraph(2, std::string(to_string(finding.severity)) + " " + finding.code + ": ", finding.message,
                            finding.severity == Severity::warning ? Colour::yellow : Colour::none);
        }
        if (plan_.policy_is_current == std::optional(false)) {
            page_.paragraph(
                2, "",
                "The policy before is not what its hosts give now, with this rulebook: what they give is part of "
                "the difference.");
        }
        if (!plan_.identity_gone.empty()) {
            page_.paragraph(2, "",
                            "The identity was to be that of " + plan_.identity_gone +
                                ", which is gone after the change: it is chosen anew, without that option.");
        }
        if (changes || plan_.policy_is_current == std::optional(false)) page_.paragraph(2, "", strength());
    }

    // Hosts that change alike in one paragraph.
    void put_changed(const char* what, const std::vector<ChangedHost>& hosts, const char* against) {
        std::map<std::string, std::vector<std::string>> names;
        for (const ChangedHost& host : hosts) {
            names[against == nullptr ? "" : " (" + how(host, against) + ")"].push_back(host.name);
        }
        for (const auto& [text, alike] : names) page_.paragraph(2, "", what + named(plan_, alike) + text);
    }

    static std::string how(const ChangedHost& host, const std::string& against) {
        const std::string counts = counts_text(host.counts);
        std::string text = against + ": " + (counts.empty() ? "the same promises" : counts);
        for (const SettingChange& change : host.settings) {
            text +=
                "; " + (change.name == cpu_setting ? "CPU" : change.name) + " " + change.before + " -> " + change.after;
        }
        return text;
    }

    std::string strength() const {
        switch (strength_of(plan_.counts)) {
            case Strength::equal:
                return plan_.difference.equal_registers ? "The policy after is the same."
                                                        : "The policy after promises the same.";
            case Strength::weaker: return "The policy after is weaker.";
            case Strength::stronger: return "The policy after is stronger.";
            case Strength::both: break;
        }
        return "The policy after is weaker in some promises and stronger in others.";
    }

    void difference() {
        const Difference rest = without_what_is_told();
        Page details = page_.fresh();
        diff_details(rest, rulebook_, details);
        if (details.empty()) return;
        const bool differs = !rest.changes.empty() || !other_differences(rest).empty() ||
                             (rest.beliefs && !rest.beliefs->changes.empty());
        if (differs) {
            page_.title("The policy, from before to after");
        } else {
            page_.blank();  // what is falsely believed has a title of its own
        }
        page_.add(details);
    }

    // The hosts stand in the pool's paragraph, new errors in the advice; notes and reasons are for auditors.
    Difference without_what_is_told() const {
        Difference rest = plan_.difference;
        Provenance& provenance = rest.provenance;
        provenance.hosts_removed.clear();
        provenance.hosts_added.clear();
        provenance.hosts_renamed.clear();
        provenance.hosts_recaptured.clear();
        provenance.findings_changed.clear();
        provenance.names = false;
        provenance.decisions.clear();
        const auto alike = [](const Finding& a, const Finding& b) { return a.code == b.code && a.field == b.field; };
        const auto is_among = [&](const Finding& finding, const std::vector<Finding>& others) {
            return std::any_of(others.begin(), others.end(),
                               [&](const Finding& other) { return alike(finding, other); });
        };
        std::erase_if(provenance.findings_added, [&](const Finding& finding) {
            return finding.severity != Severity::warning || is_among(finding, plan_.before.findings);
        });
        std::erase_if(provenance.findings_removed, [&](const Finding& finding) {
            return finding.severity == Severity::note || is_among(finding, plan_.after.findings);
        });
        return rest;
    }

    // Policies down, groups of hosts across, which a line each below names.
    void matrix() {
        if (plan_.running.size() < 2) return;
        const std::vector<MatrixHosts> groups = matrix_of(plan_);
        page_.title("Running policies by hosts");
        std::size_t label = 8;
        for (const RunningPlan& entry : plan_.running) label = std::max(label, display_width(entry.label) + 4);
        label = std::min(label, page_.width() / 2);
        const std::size_t room = (page_.width() - label) / matrix_column;
        const std::size_t shown = std::min({groups.size(), most_groups_in_full, room});
        std::vector<Cell> head{{"", label}};
        for (std::size_t i = 0; i < shown; ++i) head.push_back({"[" + std::to_string(i + 1) + "]", matrix_column});
        page_.cells(head);
        for (std::size_t row = 0; row < plan_.running.size(); ++row) {
            const std::string& name = plan_.running[row].label;
            const bool fits = display_width(name) + 4 <= label;
            if (!fits) page_.line(name, Colour::none, 2);
            std::vector<Cell> cells{{fits ? "  " + name : "", label}};
            for (std::size_t i = 0; i < shown; ++i) cells.push_back(standing_cell(groups[i].standing[row]));
            page_.cells(cells);
        }
        for (std::size_t i = 0; i < shown; ++i) {
            page_.row(2, "[" + std::to_string(i + 1) + "]", 7,
                      hosts_text(list_of(groups[i].hosts, plan_.cpus), {}) + " (" +
                          counted(groups[i].hosts.size(), "host") + ")");
        }
        if (shown < groups.size()) {
            page_.paragraph(2, "",
                            "and " + std::to_string(groups.size() - shown) + " groups more, which --format json has");
        }
    }

    static constexpr std::size_t matrix_column = 6;

    static Cell standing_cell(VmStanding standing) {
        switch (standing) {
            case VmStanding::runs: return {"yes", matrix_column, false, Colour::green};
            case VmStanding::degraded: return {"slow", matrix_column, false, Colour::yellow};
            case VmStanding::doubtful: return {"?", matrix_column, false, Colour::yellow};
            case VmStanding::must_not_run: break;
        }
        return {"no", matrix_column, false, Colour::red};
    }

    void running(const RunningPlan& entry) {
        const std::size_t out = plan_.hosts_after - entry.reaches.size();
        const std::string who = "VMs of " + entry.label + (entry.of_pool ? " (the pool's policy)" : "");
        page_.title(who + (out == 0                ? " reach every host"
                           : entry.reaches.empty() ? " reach no host"
                                                   : " reach " + std::to_string(entry.reaches.size()) + " of " +
                                                         std::to_string(plan_.hosts_after) + " hosts"));
        each(entry.cannot_reach, [&](const Unreachable& group) {
            page_.paragraph(2, "",
                            "must not run on " + named(plan_, group.hosts) +
                                (group.before && hosts_change(plan_) ? ", nor before the change" : ""));
            violations(group.violations);
            if (!group.open_before.empty()) {
                page_.paragraph(4, "",
                                std::string("They are as open ") + where_they_run(plan_) + ": " +
                                    short_list(group.open_before, most_fields));
            }
        });
        each(entry.degraded, [&](const FlawedHosts& group) {
            page_.paragraph(2, "", "run degraded on " + named(plan_, group.hosts));
            violations(group.violations);
        });
        each(entry.doubtful, [&](const FlawedHosts& group) {
            page_.paragraph(2, "", "reach " + named(plan_, group.hosts) + ", of which not all is known");
            violations(group.violations);
        });
        refuges(entry);
        // From the pool's own policy it is the difference above; worth a line where it gains.
        if (!entry.of_pool || entry.restart.gains > 0) {
            const std::string restart = counts_text(entry.restart);
            if (!restart.empty())
                page_.paragraph(2, std::string("a restart with ") + policy_to_restart_with(plan_) + ": ", restart);
        }
        std::vector<StartUpHosts> needs = entry.start_up;
        std::erase_if(needs, [&](const StartUpHosts& group) { return is_as_for_new(group); });
        start_up(needs);
    }

    // The groups in full, up to a bound.
    template <typename Group, typename Write>
    void each(const std::vector<Group>& groups, const Write& write) {
        const std::size_t shown = std::min(groups.size(), most_groups_in_full);
        for (std::size_t i = 0; i < shown; ++i) write(groups[i]);
        if (shown < groups.size()) {
            page_.paragraph(
                2, "",
                "and " + std::to_string(groups.size() - shown) + " groups of hosts more, which --format json has");
        }
    }

    void violations(const std::vector<Violation>& all) { put_violations(rulebook_, all, 4, page_); }

    // Where the VMs of hosts that leave or are replaced can go.
    void refuges(const RunningPlan& entry) {
        std::vector<std::string> movable;
        std::set_difference(entry.must_move.begin(), entry.must_move.end(), entry.no_refuge.begin(),
                            entry.no_refuge.end(), std::back_inserter(movable));
        const auto [leaving, back] = split(plan_, movable);
        if (!leaving.empty()) {
            page_.paragraph(2, "",
                            "from " + named(plan_, leaving) + " they can move to " + named(plan_, entry.reaches));
        }
        if (!back.empty()) {
            std::vector<std::string> others;
            std::set_difference(entry.reaches.begin(), entry.reaches.end(), back.begin(), back.end(),
                                std::back_inserter(others));
            page_.paragraph(2, "",
                            "from " + named(plan_, back) + " they can move to " +
                                (others.empty() ? "the others that they reach" : named(plan_, others)));
        }
        if (!entry.no_refuge.empty()) {
            page_.paragraph(2, "", "from " + named(plan_, entry.no_refuge) + " they can move nowhere", Colour::red);
        }
    }

    void start_up(const std::vector<StartUpHosts>& groups) {
        each(groups, [&](const StartUpHosts& group) {
            page_.paragraph(2, "",
                            "the VMM of " + named(plan_, group.hosts) +
                                " must be told to show: " + items_of(rulebook_, group.start_up));
        });
    }

    // True when new VMs need the same there.
    bool is_as_for_new(const StartUpHosts& group) const {
        return std::any_of(plan_.start_up.begin(), plan_.start_up.end(), [&](const StartUpHosts& other) {
            return other.start_up == group.start_up &&
                   std::includes(other.hosts.begin(), other.hosts.end(), group.hosts.begin(), group.hosts.end());
        });
    }

    void new_vms() {
        if (plan_.start_up.empty()) return;
        page_.title(std::string("New VMs, with ") + policy_to_restart_with(plan_));
        start_up(plan_.start_up);
    }

    void advice() {
        page_.title("What to do");
        for (const std::string& sentence : Advice(plan_, rulebook_).run()) page_.paragraph(2, "", "-> " + sentence);
    }

    const PoolPlan& plan_;
    const Rulebook& rulebook_;
    Page& page_;
};

}  // namespace

void plan_text(const PoolPlan& plan, const Rulebook& rulebook, Page& page) { PlanText(plan, rulebook, page).put(); }

}  // namespace poolcpuid::cli
