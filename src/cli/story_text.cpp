#include <algorithm>
#include <map>
#include <set>
#include <utility>
#include <vector>

#include "cli/diff_groups.hpp"
#include "cli/explain_text.hpp"
#include "cli/explain_words.hpp"
#include "cli/page.hpp"
#include "cli/story_limits.hpp"
#include "poolcpuid/finding_code.hpp"
#include "summary/groups.hpp"
#include "text/joined.hpp"

namespace poolcpuid::cli {

namespace {

constexpr std::size_t story_column = 16;

std::string counted(std::size_t count, const std::string& what) {
    return std::to_string(count) + " " + what + (count == 1 ? "" : "s");
}

class StoryText {
public:
    StoryText(const Explanation& explanation, const ExplainedPolicy& of, std::size_t width, bool colour)
        : story_(*explanation.story), explanation_(explanation), of_(of), page_(width, colour) {}

    std::string text() {
        head();
        put_limits(explanation_, of_, page_);
        unsaid();
        states();
        consequences();
        operators();
        not_asked();
        rest();
        findings();
        return page_.text();
    }

private:
    void title(const std::string& words) {
        page_.blank();
        page_.line(words, Colour::bold);
    }

    void row(const std::string& label, const std::string& words) {
        page_.row(2, label, story_column, words, Colour::cyan);
    }

    std::vector<const StoryGroup*> groups_of(const std::vector<Cause>& origins) const {
        std::vector<const StoryGroup*> groups;
        for (const StoryGroup& group : story_.groups) {
            if (std::find(origins.begin(), origins.end(), group.cause) != origins.end()) groups.push_back(&group);
        }
        return groups;
    }

    std::string names(const StoryGroup& group) const {
        std::vector<std::string> names;
        for (const StoryItem& item : group.items) names.push_back(item_name(of_.rulebook, item));
        return short_list(names, most_fields);
    }

    void head() {
        page_.line(of_.policy.pool + ": why the policy of " + counted_hosts(of_.size.hosts) + " (" + of_.policy.vendor +
                       ") is what it is",
                   Colour::bold);
        page_.line("Made with the rulebook " + of_.policy.rulebook_version + " (" +
                   of_.policy.rulebook_sha256.substr(0, 12) + "). All hosts agree on " +
                   counted(story_.agreed, "field") +
                   " of it; what follows is the rest. explain POLICY FIELD says more of one field.");
    }

    // What no dump says comes back with no host that leaves.
    void unsaid() {
        std::map<std::string, std::vector<std::string>> fields;  // by hosts
        for (const StoryGroup* group : groups_of({Cause::hosts})) {
            for (const StoryItem& item : group->items) {
                if (is_unsaid(*item.decision)) {
                    fields[hosts_text(group->because, of_.size)].push_back(item_name(of_.rulebook, item));
                }
            }
        }
        if (fields.empty()) return;
        title("Not promised, as no host is known to have it");
        for (const auto& [hosts, names] : fields) {
            page_.line(short_list(names, most_fields) + ": " + hosts, Colour::none, 2);
        }
    }

    void states() {
        if (story_.states.empty()) return;
        title("XSAVE state");
        for (const std::string& line : state_lines(story_.states, of_.size)) page_.line(line, Colour::none, 2);
    }

    void consequences() {
        const auto groups = groups_of({Cause::dependency, Cause::xsave_state, Cause::equality, Cause::gate});
        if (groups.empty()) return;
        title("Not there because something else is not");
        for (const StoryGroup* group : groups) {
            const std::string who =
                group->because.count == 0 ? "" : " Because of " + hosts_text(group->because, of_.size) + ".";
            page_.paragraph(2, names(*group) + ": ", group->reason + who);
        }
    }

    void operators() {
        const RecordedOptions& options = of_.policy.options;
        if (options.empty()) return;
        title("What the operator asked for");
        if (!options.identity.empty()) row("--identity", options.identity);
        if (!options.ceiling_level.empty()) row("--ceiling", options.ceiling_level + withheld());
        if (options.ceiling_policy) {
            row("--ceiling", "the policy of " + options.ceiling_policy->pool +
                                 ", which counts as one more host: ceiling:" + options.ceiling_policy->pool);
        }
        if (!options.hide.empty()) row("--hide", joined(options.hide));
        if (!options.show.empty()) row("--show", joined(options.show));
        std::vector<std::string> values;
        for (const auto& [field, value] : options.set) {
            const FieldIndex index = of_.rulebook.find(field);
            values.push_back(field + " = " + (index == no_field ? value : value_text(of_.rulebook[index], value)));
        }
        if (!values.empty()) row("--set", joined(values));
    }

    std::string withheld() const {
        const auto groups = groups_of({Cause::ceiling});
        if (groups.empty()) return ", which withholds nothing that a host has";
        return " withholds " + names(*groups.front());
    }

    void not_asked() {
        const auto groups = groups_of({Cause::not_asked});
        if (groups.empty()) return;
        title("Shown only when asked for, and some host has it");
        for (const StoryGroup* group : groups) {
            row("--show " + (group->ask.empty() ? "FIELD" : group->ask), names(*group));
        }
    }

    // What promises nothing.
    void rest() {
        const auto derived = groups_of({Cause::derived});
        const auto identity = groups_of({Cause::identity});
        const auto never = groups_of({Cause::never});
        title("What promises nothing");
        for (const StoryGroup* group : derived) row("computed", values(*group));
        for (const StoryGroup* group : identity) {
            row("identity", summary::identity_text(of_.policy, of_.rulebook) + ", the CPU of " +
                                hosts_text(group->because, {}) + chosen() + ": " + names(*group));
        }
        if (identity.empty()) row("identity", summary::identity_text(of_.policy, of_.rulebook) + ", as on all hosts");
        if (!of_.policy.owned.empty()) {
            row("owned", counted(of_.policy.owned.size(), "place") + " that the VMM or the guest fills in");
        }
        for (const StoryGroup* group : never) row("never shown", names(*group));
        if (!story_.unknown_fields.empty()) {
            row("not known", "to this rulebook: " + short_list(story_.unknown_fields, most_fields));
        }
    }

    std::string chosen() const {
        return of_.policy.options.identity.empty() ? ", from whose family and model guests infer the fewest immunities"
                                                   : ", as --identity asked";
    }

    std::string values(const StoryGroup& group) const {
        std::vector<std::string> texts;
        for (const StoryItem& item : group.items) {
            texts.push_back(item_name(of_.rulebook, item) + " " +
                            value_text(of_.rulebook[item.field], item.decision->value));
        }
        return short_list(texts, most_fields);
    }

    void findings() {
        std::vector<const Finding*> shown;
        for (const Finding& finding : of_.policy.findings) {
            const bool is_told = finding.code == FindingCode("xsave-layout-conflict") && !story_.states.empty();
            if (!is_told) shown.push_back(&finding);
        }
        if (shown.empty()) return;
        title("Findings");
        for (const Finding* finding : shown) {
            const Colour colour = finding->severity == Severity::error     ? Colour::red
                                  : finding->severity == Severity::warning ? Colour::yellow
                                                                           : Colour::none;
            page_.paragraph(2, std::string(to_string(finding->severity)) + " " + finding->code + ": ", finding->message,
                            colour);
        }
    }

    const Story& story_;
    const Explanation& explanation_;
    const ExplainedPolicy& of_;
    Page page_;
};

}  // namespace

std::string story_text(const Explanation& explanation, const ExplainedPolicy& of, std::size_t width, bool colour) {
    return StoryText(explanation, of, width, colour).text();
}

}  // namespace poolcpuid::cli
