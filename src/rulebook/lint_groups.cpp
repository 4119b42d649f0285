// Lint of what says something of several fields: dependencies, equality groups, the retpoline bits, XSAVE's components
// and levels.
#include <algorithm>
#include <map>
#include <set>
#include <string>
#include <utility>

#include "rulebook/lint_context.hpp"
#include "rulebook/words.hpp"

namespace poolcpuid::rulebook {

namespace {

class GroupLinter : LintContext {
public:
    explicit GroupLinter(const LintContext& context) : LintContext(context) {}

    void run() {
        check_dependencies();
        check_cycles();
        check_equality();
        check_retpoline();
        check_xsave();
        check_levels();
        check_baselines();
    }

private:
    void check_dependencies() {
        for (const SourceDependency& dependency : source_.dependencies) {
            const std::string owner = dependency.prerequisites.front();
            check_ids(dependency.place, owner, dependency.prerequisites);
            check_may_carry(dependency.place, owner, dependency.prerequisites);
            check_ids(dependency.place, owner, dependency.dependents);
            check_may_go(dependency.place, owner, dependency.dependents);
            check_vendors(dependency.place, owner, dependency.vendors);
            check_reason(dependency.place, owner, dependency.why, dependency.source);
            check_shown_without(dependency, owner);
            if (dependency.where_had) check_where_had(dependency, owner);
        }
    }

    // Whether a host has one, and whether it keeps the other, is said of bits that announce a capability.
    void check_where_had(const SourceDependency& dependency, const std::string& owner) {
        for (const auto* ids : {&dependency.prerequisites, &dependency.dependents}) {
            for (const std::string& id : *ids) {
                const SourceField* field = find(id);
                if (field != nullptr && field->rule != "intersect")
                    report(dependency.place, owner,
                           "where_had is of fields of the rule intersect, not of \"" + id + "\"");
            }
        }
        if (!dependency.shown_without.empty())
            report(dependency.place, owner,
                   "where_had goes without shown_without: hosts without the prerequisite may show all");
    }

    void check_shown_without(const SourceDependency& dependency, const std::string& owner) {
        const auto& dependents = dependency.dependents;
        for (const auto& [id, reason] : dependency.shown_without) {
            if (std::find(dependents.begin(), dependents.end(), id) == dependents.end())
                report(dependency.place, owner, "shown_without names \"" + id + "\", which is not a dependent");
            if (reason.empty()) report(dependency.place, owner, "no reason why \"" + id + "\" goes all the same");
        }
    }

    // Dependencies and gates must not run in a circle, but for a field that its own gate needs: the two
    // stand or fall together, like a control and the MSR that it announces.
    void check_cycles() {
        std::map<std::string, std::vector<std::pair<std::string, Place>>> edges;
        for (const SourceDependency& dependency : source_.dependencies) {
            for (const std::string& from : dependency.prerequisites) {
                const SourceField* field = find(from);
                for (const std::string& to : dependency.dependents) {
                    if (field == nullptr || field->gate != to) edges[from].emplace_back(to, dependency.place);
                }
            }
        }
        for (const SourceField& field : source_.fields) {
            if (!field.gate.empty()) edges[field.gate].emplace_back(field.id, field.place);
        }
        enum class State : std::uint8_t { fresh, open, done };
        std::map<std::string, State> states;
        const auto visit = [&](const auto& self, const std::string& id) -> void {
            states[id] = State::open;
            const auto out = edges.find(id);
            if (out != edges.end()) {
                for (const auto& [to, place] : out->second) {
                    if (states[to] == State::open) report(place, to, "a cycle of dependencies through \"" + id + "\"");
                    if (states[to] == State::fresh) self(self, to);
                }
            }
            states[id] = State::done;
        };
        for (const auto& [id, unused] : edges) {
            if (states[id] == State::fresh) visit(visit, id);
        }
    }

    void check_equality() {
        std::map<std::string, int> uses;
        for (const SourceEquality& group : source_.equality) {
            check_ids(group.place, group.id, group.fields);
            check_ids(group.place, group.id, group.drop);
            check_may_go(group.place, group.id, group.drop);
            check_reason(group.place, group.id, group.why, group.source);
            count_members(group.place, group.fields, "equal", uses);
        }
        for (const SourceField& field : source_.fields) {
            if (field.rule != "equal" || field.required || is_xsave_layout(field)) continue;
            check_used_once(field, uses[field.id], "equality group");
        }
    }

    void count_members(const Place& place, const std::vector<std::string>& ids, const std::string& rule,
                       std::map<std::string, int>& uses) {
        for (const std::string& id : ids) {
            ++uses[id];
            const SourceField* field = find(id);
            if (field != nullptr && field->rule != rule) report(place, id, "not of the rule " + rule);
        }
    }

    // What a field of such a rule promises is said where it stands with others: nowhere, it would promise nothing.
    void check_used_once(const SourceField& field, int uses, const std::string& where) {
        if (uses == 1) return;
        report(field.place, field.id,
               "a field of the rule " + field.rule + " is in one " + where + ", this is in " + std::to_string(uses));
    }

    // The layout rows of the XSAVE leaf are governed by xsave.json.
    bool is_xsave_layout(const SourceField& field) const {
        return std::any_of(source_.fields.begin(), source_.fields.end(), [&](const SourceField& other) {
            return other.derive && other.derive->how == "xsave_size" && !field.is_msr && field.leaf == other.leaf;
        });
    }

    void check_retpoline() {
        std::map<std::string, int> uses;
        for (const SourceRetpoline& bits : source_.retpoline) {
            const std::vector<std::string> ids{bits.rsba, bits.rrsba, bits.eibrs};
            check_ids(bits.place, "retpoline", ids);
            check_reason(bits.place, "retpoline", bits.why, bits.source);
            count_members(bits.place, ids, "group", uses);
        }
        // A slip in the file of the entries is one finding, and not also that a field stands in none.
        if (std::any_of(findings_.begin(), findings_.end(),
                        [](const LintFinding& finding) { return finding.file == "rulebook.json"; }))
            return;
        for (const SourceField& field : source_.fields) {
            if (field.rule == "group") check_used_once(field, uses[field.id], "entry of retpoline");
        }
    }

    void check_xsave() {
        std::set<std::string> ids;
        std::set<unsigned> bits;
        for (const SourceComponent& component : source_.xsave) {
            if (!ids.insert(component.id).second) report(component.place, component.id, "the component again");
            if (!bits.insert(component.bit).second)
                report(component.place, component.id, "the bit of another component");
            if (!parse_word(xsave_state_words, component.state)) {
                report(component.place, component.id, "unknown state \"" + component.state + "\"");
            }
            check_ids(component.place, component.id, component.features);
            check_may_go(component.place, component.id, component.features);
            check_reason(component.place, component.id, component.why, component.source);
            for (const SourceLayout& layout : component.layouts) {
                check_vendors(component.place, component.id, layout.vendors);
                if (layout.size == 0) report(component.place, component.id, "a layout of size 0");
                if (layout.source.empty()) report(component.place, component.id, "a layout without source");
            }
        }
        for (const std::vector<std::string>& list : source_.xsave_together) {
            for (const std::string& id : list) {
                if (!ids.contains(id)) report({"xsave.json", 0}, id, "unknown component in \"together\"");
            }
        }
    }

    void check_levels() {
        for (const SourceLevel& level : source_.levels) check_ids(level.place, level.id, level.features);
    }

    // What a baseline is like must come before it, or nobody could tell what it has.
    void check_baselines() {
        std::map<std::string, std::set<std::string>> known;
        std::map<std::string, std::set<std::string>> numbers;  // that are said of each
        for (const SourceBaseline& baseline : source_.baselines) {
            const std::string& name = baseline.id;
            const bool has_features = !baseline.like.empty() || !baseline.features.empty();
            if (name.empty() || name.find_first_of(":/.") != std::string::npos) {
                report(baseline.place, name, "a baseline's id is not empty, and has no \":\", \"/\" or \".\"");
            }
            if (baseline.of.empty()) report(baseline.place, name, "no \"of\": whose baseline it is");
            if (has_features != baseline.refused.empty()) {
                report(baseline.place, name, "a baseline has features, or its file says why it is refused");
            }
            check_vendors(baseline.place, name, baseline.vendors);
            if (!baseline.features.empty()) check_ids(baseline.place, name, baseline.features);
            std::set<std::string> features;
            if (!baseline.like.empty()) {
                const auto like = known.find(baseline.project + ":" + baseline.like);
                if (like == known.end()) {
                    report(baseline.place, name, "like \"" + baseline.like + "\", which is no baseline before it");
                } else {
                    features = like->second;
                }
            }
            for (const std::string& id : baseline.features) {
                if (!features.insert(id).second) report(baseline.place, name, "\"" + id + "\" again");
            }
            for (const std::string& id : baseline.without) {
                if (features.erase(id) == 0) report(baseline.place, name, "without \"" + id + "\", which it has not");
            }
            std::set<std::string>& said = numbers[baseline.name()];
            if (!baseline.like.empty()) said = numbers[baseline.project + ":" + baseline.like];
            check_numbers(baseline, said);
            check_versions(baseline, features, said);
            if (!known.emplace(baseline.name(), features).second) {
                report(baseline.place, name, "a baseline of that name again");
            }
        }
    }

    // Adds the baseline's own to said. What only --show brings no baseline bounds.
    void check_numbers(const SourceBaseline& baseline, std::set<std::string>& said) {
        for (const auto& [id, most] : baseline.numbers) {
            said.insert(id);
            const SourceField* field = find(id);
            if (field == nullptr) {
                report(baseline.place, baseline.id, "numbers names the unknown field \"" + id + "\"");
                continue;
            }
            if (field->rule != "min" || field->of_identity || field->exposure != "default") {
                report(baseline.place, baseline.id,
                       "numbers has \"" + id + "\", which is no limit that guests are shown");
            }
            if (most == 0 || most > bit_mask(field->bits.low, field->bits.high) >> field->bits.low) {
                report(baseline.place, baseline.id, "the number of \"" + id + "\" is of its bits, and not 0");
            }
        }
    }

    // A number that stands for what the rulebook has to describe is no width that follows from the hosts: of a CPU that
    // has AVX10 someone must say which.
    void check_versions(const SourceBaseline& baseline, const std::set<std::string>& features,
                        const std::set<std::string>& said) {
        for (const SourceField& field : source_.fields) {
            const bool is_version = field.known_to && !field.is_msr && field.exposure == "default";
            if (is_version && features.contains(field.gate) && !said.contains(field.id)) {
                report(baseline.place, baseline.id,
                       "has \"" + field.gate + "\", and numbers does not say which \"" + field.id + "\"");
            }
        }
    }
};

}  // namespace

void lint_groups(const LintContext& context) { GroupLinter(context).run(); }

}  // namespace poolcpuid::rulebook
