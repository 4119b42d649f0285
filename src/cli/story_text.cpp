#include "cli/explain_text.hpp"

#include <algorithm>
#include <map>
#include <set>
#include <string>
#include <tuple>
#include <utility>
#include <vector>

#include "base/hex.hpp"
#include "policy/summary_groups.hpp"
#include "poolcpuid/finding_code.hpp"

namespace poolcpuid::cli {

namespace {

// The part that comes first: which hosts limit the pool, what each set of them costs, and what the pool would be
// without them.

constexpr std::size_t limit_column = 18;
constexpr std::size_t most_in_full = 8;   // sets of hosts; --format json has all
constexpr std::size_t most_along = 3;     // sets of hosts whose costs end with those of another
constexpr std::size_t most_with_why = 6;  // relaxed behaviours

// What a limit does to the policy.
enum class Effect {
    none,     // told elsewhere
    lacks,    // a feature is not in the policy
    relaxes,  // guests are told of a relaxed behaviour
    bounds,   // a limit or an obligation
    differs,  // a value that promises only where all have it
};

class Limiting {
public:
    // All must outlive it.
    Limiting(const std::vector<StoryGroup>& groups, const Explanation& explanation, const ExplainedPolicy& of,
             Page& page)
        : explanation_(explanation), of_(of), page_(page) {
        for (const StoryGroup& group : groups) {
            const bool limits = group.cause == Cause::hosts && !items_of(group).empty();
            if (limits) groups_.push_back(&group);
        }
        // What all hosts have in common comes last: nobody could leave to mend it.
        const auto rank = [&](const StoryGroup* group) {
            return std::tuple(is_everybody(group->because, of.size),
                              -static_cast<std::ptrdiff_t>(items_of(*group).size()), group->because.count);
        };
        std::stable_sort(groups_.begin(), groups_.end(),
                         [&](const StoryGroup* a, const StoryGroup* b) { return rank(a) < rank(b); });
    }

    void put() {
        if (groups_.empty()) return page_.title("No host limits the pool");
        page_.title("Who limits the pool, the costliest first");
        for (std::size_t i = 0; i < groups_.size() && i < most_in_full; ++i) put(*groups_[i]);
        if (groups_.size() > most_in_full) {
            std::size_t promises = 0;
            for (std::size_t i = most_in_full; i < groups_.size(); ++i) promises += items_of(*groups_[i]).size();
            page_.line("and " + std::to_string(groups_.size() - most_in_full) + " more sets of hosts, with " +
                           std::to_string(promises) + " promises (--format json has them)",
                       Colour::none, 2);
        }
        const bool unsure = std::any_of(groups_.begin(), groups_.end(), [](const StoryGroup* group) {
            return group->items.size() > 1 && group->because.names.size() < group->because.count;
        });
        if (unsure) {
            page_.line(
                "The policy lists only the first hosts of each set: sets that begin alike and are of one size "
                "are told as one. With --hosts they are told apart.",
                Colour::none, 2);
        }
        others();
    }

private:
    void row(const std::string& label, const std::string& words) {
        if (!words.empty()) page_.row(4, label, limit_column, words);
    }

    Effect effect_of(const StoryItem& item) const {
        const Field& field = of_.rulebook[item.field];
        const Decision& decision = *item.decision;
        if (is_unsaid(decision)) return Effect::none;
        switch (field.rule) {
            case Rule::intersect: return Effect::lacks;
            case Rule::union_:
            case Rule::guarded: return decision.value == 0 ? Effect::none : Effect::relaxes;
            case Rule::group: return is_bad_news(item.field) ? bad_news(decision) : Effect::lacks;
            case Rule::min:
            case Rule::max: return stands_for_other(item) ? Effect::none : Effect::bounds;
            case Rule::equal: return Effect::differs;
            default: return Effect::none;
        }
    }

    // A 0 that says that another field is the limit, which is told by that name.
    bool stands_for_other(const StoryItem& item) const {
        return item.decision->value == 0 && of_.rulebook[item.field].zero_means_field != no_field;
    }

    // Of the two names of bad news the other one may be shown.
    static Effect bad_news(const Decision& decision) { return decision.value == 0 ? Effect::none : Effect::relaxes; }

    bool is_bad_news(FieldIndex index) const { return of_.rulebook.retpoline_of(index) != nullptr; }

    std::vector<const StoryItem*> items_of(const StoryGroup& group) const {
        std::vector<const StoryItem*> items;
        for (const StoryItem& item : group.items) {
            if (effect_of(item) != Effect::none) items.push_back(&item);
        }
        return items;
    }

    void put(const StoryGroup& group) {
        const std::vector<const StoryItem*> items = items_of(group);
        page_.line(hosts_text(group.because, of_.size) + ": " + counted(items.size(), "promise"), Colour::cyan, 2);
        std::map<Impact, std::vector<std::string>> lacks;
        std::map<Effect, std::vector<std::string>> rest;
        for (const StoryItem* item : items) {
            const Effect effect = effect_of(*item);
            if (effect == Effect::lacks) {
                lacks[of_.rulebook[item->field].impact].push_back(item_name(of_.rulebook, *item));
            } else {
                rest[effect].push_back(text_of(*item, effect));
            }
        }
        for (const auto& [impact, names] : lacks) row(std::string(to_string(impact)), short_list(names, most_fields));
        row("limits", short_list(rest[Effect::bounds], most_fields));
        row("differ", short_list(rest[Effect::differs], most_fields));
        relaxed(items, rest[Effect::relaxes]);
        what_if(group);
    }

    // Relaxed behaviours are few and matter: each with its why.
    void relaxed(const std::vector<const StoryItem*>& items, const std::vector<std::string>& names) {
        if (names.size() > most_with_why) return row("relaxed", short_list(names, most_fields));
        std::map<FieldIndex, std::vector<std::string>> fields;  // with the names of their subleaves
        for (const StoryItem* item : items) {
            if (effect_of(*item) == Effect::relaxes) fields[item->field].push_back(item_name(of_.rulebook, *item));
        }
        std::string label = "relaxed";
        for (const auto& [index, ids] : fields) {
            const Field& field = of_.rulebook[index];
            row(std::exchange(label, ""),
                joined(ids) + " (" + std::string(to_string(field.impact)) + "): " + std::string(field.why));
        }
    }

    std::string text_of(const StoryItem& item, Effect effect) const {
        const std::string name = item_name(of_.rulebook, item);
        if (effect != Effect::bounds) return name;
        const Field& field = of_.rulebook[item.field];
        const std::string text = name + " " + value_text(field, item.decision->value);
        return field.of_identity ? text : text + others_of(field, *item.decision);
    }

    // " (others 50 to 52)"
    static std::string others_of(const Field& field, const Decision& decision) {
        std::set<std::uint64_t> others;
        for (const ValueOfHosts& seen : decision.values) {
            if (seen.value && *seen.value != decision.value) others.insert(*seen.value);
        }
        if (others.empty()) return "";
        const std::string least = value_text(field, *others.begin());
        const std::string most = value_text(field, *others.rbegin());
        return " (elsewhere " + least + (others.size() == 1 ? "" : " to " + most) + ")";
    }

    const WhatIf* what_if_of(const HostList& hosts) const {
        if (!explanation_.what_ifs) return nullptr;
        const auto at = std::find_if(explanation_.what_ifs->begin(), explanation_.what_ifs->end(),
                                     [&](const WhatIf& what_if) { return what_if.hosts == hosts.names; });
        return at == explanation_.what_ifs->end() ? nullptr : &*at;
    }

    std::set<std::string> names_of(const StoryGroup& group) const {
        std::set<std::string> names;
        for (const StoryItem* item : items_of(group)) names.insert(item_name(of_.rulebook, *item));
        return names;
    }

    // The promises that come back when hosts go, by name.
    std::set<std::string> costs_of(const StoryGroup& group) const {
        std::set<std::string> names = names_of(group);
        for (const StoryItem* item : items_of(group)) {
            // The microcode is that of the hosts with the policy's signature: another identity has another.
            if (of_.rulebook[item->field].of_identity) names.erase(item_name(of_.rulebook, *item));
        }
        return names;
    }

    // What the pool would gain without the hosts, as far as possible by what has been said of hosts before.
    void what_if(const StoryGroup& group) {
        const WhatIf* what_if = what_if_of(group.because);
        if (what_if == nullptr) return;
        told_.insert(what_if);
        std::set<std::string> gained;
        for (const FieldChange& gain : what_if->gains) gained.insert(name_of(of_.rulebook, gain));
        std::set<std::string> told;
        std::vector<std::string> parts{own_part(names_of(group), gained, told)};
        std::vector<std::string> along;
        for (const StoryGroup* other : groups_) {
            const std::set<std::string> theirs = costs_of(*other);
            const bool come_along = other != &group && !theirs.empty() &&
                                    std::includes(gained.begin(), gained.end(), theirs.begin(), theirs.end());
            if (!come_along) continue;
            told.insert(theirs.begin(), theirs.end());
            along.push_back("what " + hosts_text(other->because, of_.size) +
                            (other->because.count == 1 ? " costs" : " cost"));
        }
        if (along.size() > most_along) along = {"what " + std::to_string(along.size()) + " other sets of hosts cost"};
        parts.insert(parts.end(), along.begin(), along.end());
        std::vector<FieldChange> more = what_if->gains;
        std::erase_if(more, [&](const FieldChange& gain) { return told.contains(name_of(of_.rulebook, gain)); });
        parts.push_back(gains_text(of_.rulebook, more, most_fields));
        std::erase(parts, "");
        row(group.because.count == 1 ? "without it" : "without them",
            "the pool gains " + std::to_string(what_if->gains.size()) + ": " + list_of(parts));
    }

    // "all of this", or what of it does not come back.
    static std::string own_part(const std::set<std::string>& costs, const std::set<std::string>& gained,
                                std::set<std::string>& told) {
        std::vector<std::string> kept;
        for (const std::string& name : costs) {
            if (gained.contains(name)) {
                told.insert(name);
            } else {
                kept.push_back(name);
            }
        }
        if (kept.size() == costs.size()) return "";
        return "all of this" + (kept.empty() ? "" : " but " + short_list(kept, most_fields));
    }

    static std::string list_of(const std::vector<std::string>& parts) {
        std::string text;
        for (std::size_t i = 0; i < parts.size(); ++i) {
            text += (i == 0 ? "" : i + 1 == parts.size() ? "; and " : "; ") + parts[i];
        }
        return text;
    }

    // What-ifs of sets that limit nothing by themselves.
    void others() {
        if (!explanation_.what_ifs) return;
        std::size_t shown = 0;
        std::size_t hidden = 0;
        for (const WhatIf& what_if : *explanation_.what_ifs) {
            if (told_.contains(&what_if)) continue;
            if (++shown > most_in_full) {
                ++hidden;
                continue;
            }
            page_.line("without " + without_text(what_if, of_) + ": the pool gains " +
                           std::to_string(what_if.gains.size()) + ": " +
                           gains_text(of_.rulebook, what_if.gains, most_fields),
                       Colour::none, 2);
        }
        if (hidden > 0) page_.line("and " + std::to_string(hidden) + " more what-ifs", Colour::none, 2);
    }

    const Explanation& explanation_;
    const ExplainedPolicy& of_;
    Page& page_;
    std::vector<const StoryGroup*> groups_;
    std::set<const WhatIf*> told_;
};

constexpr std::size_t story_column = 16;

class StoryText {
public:
    StoryText(const Explanation& explanation, const ExplainedPolicy& of, Page& page)
        : story_(*explanation.story), explanation_(explanation), of_(of), page_(page) {
        for (StoryGroup group : story_.groups) {
            const auto others = std::stable_partition(group.items.begin(), group.items.end(),
                                                      [](const StoryItem& item) { return !item.former; });
            otherwise_.insert(otherwise_.end(), others, group.items.end());
            group.items.erase(others, group.items.end());
            if (!group.items.empty()) groups_.push_back(std::move(group));
        }
    }

    void put() {
        head();
        Limiting(groups_, explanation_, of_, page_).put();
        unsaid();
        states();
        consequences();
        operators();
        not_asked();
        decided_otherwise();
        rest();
        findings();
    }

private:
    void row(const std::string& label, const std::string& words) {
        page_.row(2, label, story_column, words, Colour::cyan);
    }

    std::vector<const StoryGroup*> groups_of(const std::vector<Cause>& origins) const {
        std::vector<const StoryGroup*> groups;
        for (const StoryGroup& group : groups_) {
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
        page_.line(of_.policy.pool + ": why the policy of " + counted(of_.size.hosts, "host") + " (" +
                       of_.policy.vendor + ") is what it is",
                   Colour::bold);
        page_.line("Made with the rulebook " + of_.policy.rulebook_version + " (" +
                   of_.policy.rulebook_sha256.substr(0, 12) + "). All hosts agree on " +
                   counted(story_.agreed, "field") +
                   (of_.is_of_other_rulebook()
                        ? " of it; what follows is what else it decided. What it did not know it says nothing of."
                        : " of it; what follows is the rest.") +
                   " explain POLICY FIELD says more of one field.");
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
        page_.title("Not promised, as no host is known to have it");
        for (const auto& [hosts, names] : fields) {
            page_.line(short_list(names, most_fields) + ": " + hosts, Colour::none, 2);
        }
    }

    void states() {
        if (story_.states.empty()) return;
        page_.title("XSAVE state");
        for (const std::string& line : state_lines(story_.states, of_.size)) page_.line(line, Colour::none, 2);
    }

    void consequences() {
        const auto groups =
            groups_of({Cause::dependency, Cause::xsave_state, Cause::equality, Cause::gate, Cause::duty});
        if (groups.empty()) return;
        page_.title("Not there because something else is not");
        for (const StoryGroup* group : groups) {
            const std::string who =
                group->because.count == 0 ? "" : " Because of " + hosts_text(group->because, of_.size) + ".";
            page_.paragraph(2, names(*group) + ": ", group->reason + who, Colour::none, 2);
        }
    }

    void operators() {
        const RecordedOptions& options = of_.policy.options;
        if (options.empty()) return;
        page_.title("What the operator asked for");
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
        std::vector<std::string> names;
        for (const StoryItem& item : groups.front()->items) {
            const std::uint64_t left = item.decision->value;  // of a number
            names.push_back(item_name(of_.rulebook, item) + (left == 0 ? "" : " beyond " + std::to_string(left)));
        }
        return " withholds " + short_list(names, most_fields);
    }

    void not_asked() {
        const auto groups = groups_of({Cause::not_asked});
        if (groups.empty()) return;
        page_.title("Shown only when asked for, and some host has it");
        for (const StoryGroup* group : groups) {
            row("--show " + (group->ask.empty() ? "FIELD" : group->ask), names(*group));
        }
    }

    // What was decided for reasons that are not this rulebook's.
    void decided_otherwise() {
        if (otherwise_.empty()) return;
        page_.title("Decided otherwise than this rulebook would");
        std::map<std::string, std::vector<std::string>> fields;  // by what is said of them
        for (const StoryItem& item : otherwise_) {
            fields[item.former->sentence].push_back(item_name(of_.rulebook, item));
        }
        for (const auto& [said, names] : fields) {
            page_.paragraph(2, short_list(names, most_fields) + ": ", said, Colour::none, 2);
        }
    }

    // What promises nothing.
    void rest() {
        const auto derived = groups_of({Cause::derived});
        const auto identity = groups_of({Cause::identity});
        const auto never = groups_of({Cause::never});
        page_.title("What promises nothing");
        for (const StoryGroup* group : derived) row("computed", values(*group));
        for (const StoryGroup* group : identity) {
            row("identity", summary::identity_text(of_.policy, of_.rulebook) + ", the CPU of " +
                                hosts_text(group->because, {}) + chosen() + ": " + names(*group));
        }
        if (identity.empty()) {
            row("identity", summary::identity_text(of_.policy, of_.rulebook) +
                                (of_.is_of_other_rulebook() ? "" : ", as on all hosts"));
        }
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
        page_.title("Findings");
        for (const Finding* finding : shown) {
            const Colour colour = finding->severity == Severity::error     ? Colour::red
                                  : finding->severity == Severity::warning ? Colour::yellow
                                                                           : Colour::none;
            page_.paragraph(2, std::string(to_string(finding->severity)) + " " + finding->code + ": ", finding->message,
                            colour, 2);
        }
    }

    const Story& story_;
    std::vector<StoryGroup> groups_;    // the story's, without what was decided otherwise
    std::vector<StoryItem> otherwise_;  // which is this
    const Explanation& explanation_;
    const ExplainedPolicy& of_;
    Page& page_;
};

}  // namespace

void story_text(const Explanation& explanation, const ExplainedPolicy& of, Page& page) {
    StoryText(explanation, of, page).put();
}

}  // namespace poolcpuid::cli
