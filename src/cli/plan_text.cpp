// plan: which VMs strand first, then the pool, the difference, each running policy, and what to do.
#include <algorithm>
#include <iterator>
#include <map>
#include <optional>
#include <utility>
#include <vector>

#include "cli/plan_words.hpp"
#include "cli/texts.hpp"

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

// The names among names of hosts that leave; the others come back.
struct LeavingOrBack {
    std::vector<std::string> leaving;
    std::vector<std::string> back;
};

LeavingOrBack split(const PoolPlan& plan, const std::vector<std::string>& names) {
    LeavingOrBack result;
    std::partition_copy(names.begin(), names.end(), std::back_inserter(result.leaving), std::back_inserter(result.back),
                        [&](const std::string& name) { return plan.leaves(name); });
    return result;
}

class PlanText {
public:
    PlanText(const PoolPlan& plan, const Rulebook& rulebook, Page& page)
        : plan_(plan), rulebook_(rulebook), page_(page) {}

    void put() {
        page_.line(plan_headline(plan_), plan_.stranded().empty() ? Colour::green : Colour::red, 0, 0);
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
        const bool changes = plan_.changes_hosts();
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
            text += "; " + (change.name == cpu_setting ? "CPU" : change.name) + " " +
                    change.before.value_or("unknown") + " -> " + change.after.value_or("unknown");
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
                                (group.before && plan_.changes_hosts() ? ", nor before the change" : ""));
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
                page_.paragraph(2, std::string("a restart with ") + name_of(plan_.restart_with()) + ": ", restart);
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
        page_.title(std::string("New VMs, with ") + name_of(plan_.restart_with()));
        start_up(plan_.start_up);
    }

    void advice() {
        page_.title("What to do");
        for (const std::string& sentence : plan_advice(plan_, rulebook_)) page_.paragraph(2, "", "-> " + sentence);
    }

    const PoolPlan& plan_;
    const Rulebook& rulebook_;
    Page& page_;
};

}  // namespace

void plan_text(const PoolPlan& plan, const Rulebook& rulebook, Page& page) { PlanText(plan, rulebook, page).put(); }

}  // namespace poolcpuid::cli
