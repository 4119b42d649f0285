#include "cli/plan_text.hpp"

#include <algorithm>
#include <iterator>
#include <map>
#include <utility>
#include <vector>

#include "cli/diff_text.hpp"
#include "cli/plan_advice.hpp"
#include "cli/plan_headline.hpp"
#include "cli/terminal_text.hpp"
#include "cli/text_layout.hpp"
#include "cli/violation_text.hpp"
#include "text/printable.hpp"

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

class PlanText {
public:
    PlanText(const PoolPlan& plan, const Rulebook& rulebook, std::size_t width, bool colour)
        : plan_(plan), rulebook_(rulebook), width_(width), colour_(colour) {}

    std::string text() {
        line(painted(wrapped(plan_headline(plan_), width_, 0, 0),
                     plan_.stranded().empty() ? Colour::green : Colour::red));
        pool();
        difference();
        for (const RunningPlan& entry : plan_.running) running(entry);
        new_vms();
        advice();
        return terminal_text(text_, colour_);
    }

private:
    void line(const std::string& text) { text_ += text + "\n"; }

    // Words after a label, indented further where they wrap.
    void paragraph(std::size_t indent, const std::string& label, const std::string& words,
                   Colour colour = Colour::none) {
        const std::string start = std::string(indent, ' ') + label;
        line(painted(start, colour) + wrapped(words, width_, display_width(start), indent + 4));
    }

    void title(const std::string& text) { line("\n" + painted(wrapped(text, width_, 0, 2), Colour::bold)); }

    void pool() {
        const std::string before = counted(plan_.hosts_before, "host", "hosts");
        const std::string after = counted(plan_.hosts_after, "host", "hosts");
        const bool changes = !plan_.added.empty() || !plan_.removed.empty() || !plan_.replaced.empty();
        title("Pool " + printable(plan_.before.pool) + " (" + printable(plan_.before.vendor) + "): " + before +
              (changes ? " -> " + after : ", no change"));
        put_changed("joins: ", plan_.added, "against the pool's policy");
        put_changed("leaves: ", plan_.removed, nullptr);
        put_changed("comes back: ", plan_.replaced, "against its former self");
        if (!plan_.policy_is_current) {
            paragraph(2, "",
                      "The policy before is not what its hosts give now, with this rulebook: what they give is part of "
                      "the difference.");
        }
        if (!plan_.identity_gone.empty()) {
            paragraph(2, "",
                      "The identity was to be that of " + printable(plan_.identity_gone) +
                          ", which is gone after the change: it is chosen anew, without that option.");
        }
        if (changes || !plan_.policy_is_current) paragraph(2, "", strength());
    }

    // Hosts that change alike in one paragraph.
    void put_changed(const char* what, const std::vector<ChangedHost>& hosts, const char* against) {
        std::map<std::string, std::vector<std::string>> names;
        for (const ChangedHost& host : hosts) {
            names[against == nullptr ? "" : " (" + how(host, against) + ")"].push_back(host.name);
        }
        for (const auto& [text, alike] : names) paragraph(2, "", what + named(alike) + text);
    }

    static std::string how(const ChangedHost& host, const std::string& against) {
        const std::string counts = counts_text(host.counts);
        std::string text = against + ": " + (counts.empty() ? "the same promises" : counts);
        for (const SettingChange& change : host.settings) {
            text += "; " + printable(change.name) + " " + printable(change.before) + " -> " + printable(change.after);
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
        const std::string details = diff_details(without_what_is_told(), rulebook_, width_, colour_);
        if (details.empty()) return;
        title("The policy, from before to after");
        text_ += details.substr(details.starts_with('\n') ? 1 : 0);
    }

    // The hosts stand in the pool's paragraph, new errors in the advice; notes and reasons are for auditors.
    Difference without_what_is_told() const {
        Difference rest = plan_.difference;
        Provenance& provenance = rest.provenance;
        provenance.hosts_removed.clear();
        provenance.hosts_added.clear();
        provenance.hosts_renamed.clear();
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

    void running(const RunningPlan& entry) {
        const std::size_t out = plan_.hosts_after - entry.reaches.size();
        const std::string who = "VMs of " + printable(entry.label) + (entry.of_pool ? " (the pool's policy)" : "");
        title(who + (out == 0                ? " reach every host"
                     : entry.reaches.empty() ? " reach no host"
                                             : " reach " + std::to_string(entry.reaches.size()) + " of " +
                                                   std::to_string(plan_.hosts_after) + " hosts"));
        each(entry.cannot_reach, [&](const Unreachable& group) {
            paragraph(2, "", "must not run on " + named(group.hosts) + (group.before ? ", nor before the change" : ""));
            violations(group.violations);
        });
        each(entry.degraded, [&](const FlawedHosts& group) {
            paragraph(2, "", "run degraded on " + named(group.hosts));
            violations(group.violations);
        });
        each(entry.doubtful, [&](const FlawedHosts& group) {
            paragraph(2, "", "reach " + named(group.hosts) + ", of which not all is known");
            violations(group.violations);
        });
        refuges(entry);
        // From the pool's own policy it is the difference above; worth a line where it gains.
        if (!entry.of_pool || entry.restart.gains > 0) {
            const std::string restart = counts_text(entry.restart);
            if (!restart.empty()) paragraph(2, "a restart with the policy after: ", restart);
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
            paragraph(
                2, "",
                "and " + std::to_string(groups.size() - shown) + " groups of hosts more, which --format json has");
        }
    }

    void violations(const std::vector<Violation>& all) {
        for (const ViolationParagraph& text : paragraphs_of(rulebook_, all)) {
            paragraph(4, text.label, text.items, text.is_unknown ? Colour::yellow : Colour::red);
        }
    }

    // Where the VMs of hosts that leave or are replaced can go.
    void refuges(const RunningPlan& entry) {
        std::vector<std::string> movable;
        std::set_difference(entry.must_move.begin(), entry.must_move.end(), entry.no_refuge.begin(),
                            entry.no_refuge.end(), std::back_inserter(movable));
        const auto [leaving, back] = split(plan_, movable);
        if (!leaving.empty()) {
            paragraph(2, "", "from " + named(leaving) + " they can move to " + named(entry.reaches));
        }
        if (!back.empty()) {
            std::vector<std::string> others;
            std::set_difference(entry.reaches.begin(), entry.reaches.end(), back.begin(), back.end(),
                                std::back_inserter(others));
            paragraph(2, "",
                      "from " + named(back) + " they can move to " +
                          (others.empty() ? "the others that they reach" : named(others)));
        }
        if (!entry.no_refuge.empty()) {
            paragraph(2, "", "from " + named(entry.no_refuge) + " they can move nowhere", Colour::red);
        }
    }

    void start_up(const std::vector<StartUpHosts>& groups) {
        each(groups, [&](const StartUpHosts& group) {
            paragraph(
                2, "",
                "the VMM of " + named(group.hosts) + " must be told to show: " + items_of(rulebook_, group.start_up));
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
        title("New VMs, with the policy after");
        start_up(plan_.start_up);
    }

    void advice() {
        title("What to do");
        for (const std::string& sentence : plan_advice(plan_, rulebook_)) paragraph(2, "", "-> " + sentence);
    }

    const PoolPlan& plan_;
    const Rulebook& rulebook_;
    std::size_t width_;
    bool colour_;
    std::string text_;
};

}  // namespace

std::string plan_text(const PoolPlan& plan, const Rulebook& rulebook, std::size_t width, bool colour) {
    return PlanText(plan, rulebook, width, colour).text();
}

}  // namespace poolcpuid::cli
