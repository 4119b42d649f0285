#include "cli/explain_text.hpp"

#include <algorithm>
#include <limits>
#include <map>
#include <string_view>
#include <utility>
#include <vector>

#include "base/hex.hpp"
#include "policy/document_text.hpp"
#include "policy/reason.hpp"
#include "poolcpuid/policy_registers.hpp"
#include "rulebook/names.hpp"
#include "rulebook/near_names.hpp"

namespace poolcpuid::cli {

namespace {

constexpr std::size_t words_column = 11;  // of the words, after the indent
constexpr std::size_t every_name = std::numeric_limits<std::size_t>::max();

std::string project_name(std::string_view project) {
    if (project == "vendor") return "SDM/APM";
    if (project == "linux") return "Linux";
    if (project == "qemu") return "QEMU";
    return project == "xen" ? "Xen" : std::string(project);
}

// What others call a field, unless they call it the same.
std::string other_names(const Field& field) {
    std::vector<std::pair<std::string, std::string>> others;  // name and projects
    for (const auto& [project, name] : rulebook::names_of(field)) {
        if (rulebook::edits_between(name, field.id) == 0) continue;
        const auto same = std::find_if(others.begin(), others.end(),
                                       [wanted = name](const auto& other) { return other.first == wanted; });
        if (same == others.end()) {
            others.emplace_back(name, project_name(project));
        } else {
            same->second += ", " + project_name(project);
        }
    }
    std::vector<std::string> texts;
    for (const auto& [name, projects] : others) texts.push_back(name + " (" + projects + ")");
    return joined(texts);
}

bool promises(Rule rule) {
    return rule != Rule::derive && rule != Rule::identity && rule != Rule::owned && rule != Rule::hide;
}

class FieldsText {
public:
    FieldsText(const Explanation& explanation, const ExplainedPolicy& of, Page& page)
        : explanation_(explanation), of_(of), page_(page) {}

    void put() {
        for (const ExplainedField& field : explanation_.fields) {
            start();
            put(field);
        }
        for (const ExplainedState& state : explanation_.states) {
            start();
            put(state);
        }
    }

private:
    void start() {
        if (!page_.empty()) page_.blank();
    }

    void row(const std::string& label, const std::string& words) {
        if (!words.empty()) page_.row(indent_, label, indent_ + words_column, words, Colour::cyan);
    }

    void put(const ExplainedField& explained) {
        const Field& field = of_.rulebook[explained.field];
        const bool is_one = explained.values.size() == 1;
        const ExplainedValue& first = explained.values.front();
        page_.line(std::string(field.id) + (is_one ? " = " + value_text(field, first.value) : "") + "  (" +
                       document::place_text(is_one ? first.place : field.place()) + ", " +
                       std::string(to_string(field.rule)) + ")",
                   Colour::bold);
        row("also", other_names(field));
        if (first.cause == Cause::derived) row("follows", explained.derivation);
        for (const ExplainedValue& value : explained.values) {
            if (!is_one) {
                page_.line(
                    "subleaf " + std::to_string(value.place.subleaf_first) + ": " + value_text(field, value.value),
                    Colour::bold, 2);
            }
            put(field, value, explained.asked);
        }
        indent_ = 2;
        row("dumps", explained.reading);
        put_lacking(explained);
        // The decisions on the rows that lay out states have told of these.
        const bool told =
            field.rule == Rule::equal && std::any_of(explained.values.begin(), explained.values.end(),
                                                     [](const ExplainedValue& value) { return !value.reason.empty(); });
        if (!told) put_states(explained.states);
        for (const Finding& finding : explained.findings) {
            row(std::string(to_string(finding.severity)), finding.code + ": " + finding.message);
        }
        if (promises(field.rule)) row("if broken", std::string(to_string(field.impact)));
        row("against",
            joined(rulebook::mitigated_names(of_.rulebook, field, of_.rulebook.vendor_mask(of_.policy.vendor))));
        row("why", std::string(field.why));
        row("source", std::string(field.source));
    }

    void put_lacking(const ExplainedField& explained) {
        if (explained.lacking.empty()) return;
        std::vector<std::string> ids;
        for (const FieldIndex index : explained.lacking) ids.emplace_back(of_.rulebook[index].id);
        row("needs", joined(ids) + ", which the policy does not have");
    }

    void put_states(const std::vector<ExplainedState>& states) {
        std::string label = "XSAVE";
        for (const std::string& line : state_lines(states, of_.size)) row(std::exchange(label, ""), line);
    }

    void put(const Field& field, const ExplainedValue& value, bool asked) {
        const Cause cause = value.former ? Cause::hosts : value.cause.value_or(Cause::agreement);
        switch (cause) {
            case Cause::not_asked: row("guest", "Shown only when asked for: --show " + name_to_ask(field) + "."); break;
            case Cause::gate: row("decided", value.reason); break;
            case Cause::derived: break;
            default: row("guest", value.means); break;
        }
        row("decided", decided(field, value, asked));
        put_hosts(field, value);
        put_what_ifs(field, value);
    }

    static std::string name_to_ask(const Field& field) { return std::string(field.ask.empty() ? field.id : field.ask); }

    // What happened, where the other rows do not say it.
    std::string decided(const Field& field, const ExplainedValue& value, bool asked) const {
        if (!value.cause) return undecided();
        if (value.former) return value.reason;
        switch (*value.cause) {
            case Cause::not_asked:
            case Cause::gate:
            case Cause::derived:
            case Cause::never: return "";
            case Cause::ceiling:
                return (value.value == 0 ? "Withheld by --ceiling " : "Bound by --ceiling ") +
                       of_.policy.options.ceiling_level + ".";
            default: break;
        }
        if (field.exposure != Exposure::asked) return value.reason;
        const bool is_lost = value.value == 0 && (field.rule == Rule::intersect || is_consequence(*value.cause));
        if (!is_lost) return with(value.reason, why_shown(field, asked));
        return asked ? with(value.reason, "The operator asked for it in vain.") : value.reason;
    }

    static std::string with(const std::string& reason, const std::string& sentence) {
        return reason + (reason.empty() ? "" : " ") + sentence;
    }

    // Of a field that guests are not shown unless somebody asks.
    std::string why_shown(const Field& field, bool asked) const {
        if (asked) return "The operator asked for it.";
        if (field.gate == no_field) return "It comes with what the operator asked for.";
        return "It comes with " + std::string(of_.rulebook[field.gate].id) + ".";
    }

    std::string undecided() const {
        return "The policy's rulebook (" + of_.policy.rulebook_version +
               ") decided nothing of it, and may not have known it.";
    }

    void put_hosts(const Field& field, const ExplainedValue& value) {
        if (value.seen.empty()) return row("hosts", without_decision(field, value));
        const std::vector<bool> decides = deciding(value);
        const bool any = std::find(decides.begin(), decides.end(), true) != decides.end();
        const bool all = std::find(decides.begin(), decides.end(), false) == decides.end();
        std::string label = "hosts";
        for (std::size_t i = 0; i < value.seen.size(); ++i) {
            const ValueOfHosts& seen = value.seen[i];
            const std::string mark = !decides[i] || all ? "" : seen.count == 1 ? ", which decides" : ", which decide";
            const std::size_t most = decides[i] ? every_name : most_hosts_listed;
            row(std::exchange(label, ""), seen_text(field, seen, most) + mark);
        }
        if (!any && value.because.count > 0) row("because of", hosts_text(value.because, of_.size, every_name));
    }

    std::string seen_text(const Field& field, const ValueOfHosts& seen, std::size_t most) const {
        const std::string hosts = hosts_text(seen.list(), of_.size, most);
        if (seen.value) return value_text(field, seen.value) + " on " + hosts;
        return seen.count == of_.size.hosts ? "no dump says it" : "not known on " + hosts;
    }

    std::string without_decision(const Field& field, const ExplainedValue& value) const {
        const std::string all = of_.size.hosts == 1 ? "the one host" : "all " + counted(of_.size.hosts, "host");
        const char* const unsaid = "the policy does not say; --hosts would";
        switch (value.cause.value_or(Cause::agreement)) {
            case Cause::owned: return "";
            case Cause::gate:
            case Cause::not_asked:
            case Cause::never: return value.undecided ? unsaid : "none is known to have it";
            case Cause::derived:
            case Cause::identity: return value.value == 0 ? "" : "the same on " + all;
            default: return value.undecided ? unsaid : value_text(field, value.value) + " on " + all;
        }
    }

    // Of the hosts' values, those that set the policy's; none where something else did.
    static std::vector<bool> deciding(const ExplainedValue& value) {
        std::vector<bool> decides(value.seen.size(), false);
        const bool by_values =
            value.cause == Cause::hosts || value.cause == Cause::layout || value.cause == Cause::identity;
        if (!by_values) return decides;
        std::size_t count = 0;
        for (std::size_t i = 0; i < value.seen.size(); ++i) {
            const ValueOfHosts& seen = value.seen[i];
            const HostList& limiting = seen.value ? value.deciders.known : value.deciders.unknown;
            decides[i] = !seen.hosts.empty() && std::find(limiting.names.begin(), limiting.names.end(),
                                                          seen.hosts.front()) != limiting.names.end();
            if (decides[i]) count += seen.count;
        }
        // Of a list that is cut off it is not known for all: then the hosts stand in a row of their own.
        if (count != value.because.count) decides.assign(value.seen.size(), false);
        return decides;
    }

    void put_what_ifs(const Field& field, const ExplainedValue& value) {
        const auto is_about = [&](const FieldChange& gain) {
            return gain.field == field.id && gain.place.subleaf_first == value.place.subleaf_first;
        };
        // Of all hosts another value may follow now than the policy has.
        const auto text = [&](const FieldChange& gain) {
            const bool is_its = !gain.before.starts_with("0x") || gain.before == to_hex(value.value);
            return value_text(field, gain.after) +
                   (is_its ? "" : " (with them this rulebook gives " + value_text(field, gain.before) + ")");
        };
        put_what_ifs(is_about, text, [&](const WhatIf& what_if) {
            const std::uint64_t other = PolicyRegisters(what_if.policy).value(field, value.place.subleaf_first);
            return other == value.value ? "the same" : value_text(field, other) + besides_text(what_if);
        });
    }

    // What becomes of a field or a state without some hosts: what is gained, or, where --without asks for them and it
    // is no promise that is gained, what it is then.
    void put_what_ifs(const std::function<bool(const FieldChange&)>& is_about,
                      const std::function<std::string(const FieldChange&)>& gain_text,
                      const std::function<std::string(const WhatIf&)>& without_gain) {
        if (!explanation_.what_ifs) return;
        const auto gain_in = [&](const WhatIf& what_if) {
            return std::find_if(what_if.gains.begin(), what_if.gains.end(), is_about);
        };
        std::string label = "what if";
        for (const WhatIf* what_if : smallest(*explanation_.what_ifs, [&](const WhatIf& candidate) {
                 return gain_in(candidate) != candidate.gains.end();
             })) {
            row(std::exchange(label, ""),
                "without " + without_text(*what_if, of_) + ": " + gain_text(*gain_in(*what_if)) + more_text(*what_if));
        }
        const bool is_answer = of_.asked_without && label == "what if";
        if (!is_answer) return;
        const WhatIf& asked = explanation_.what_ifs->front();
        row(label, "without " + without_text(asked, of_) + ": " + without_gain(asked));
    }

    void put(const ExplainedState& state) {
        const auto& all = of_.rulebook.xsave;
        const auto component = std::find_if(all.begin(), all.end(),
                                            [&](const XsaveComponent& candidate) { return candidate.id == state.id; });
        page_.line("xsave state " + state.id + (state.kept ? ": kept" : ": not kept") + "  (bit " +
                       std::to_string(state.bit) + " of " + (state.supervisor ? "IA32_XSS" : "XCR0") + ")",
                   Colour::bold);
        row("layout", state.layout);
        row("decided", state.cause ? state.reason : undecided());
        std::string label = "hosts";
        for (const ValueOfHosts& seen : state.seen) {
            row(std::exchange(label, ""), document::layout_text(seen) + " on " + hosts_text(seen.list(), of_.size));
        }
        if (!state.kept && state.seen.empty()) row("hosts", state.cause ? "none is known to have it" : "not said");
        if (state.because.count > 0) row("because of", hosts_text(state.because, of_.size, every_name));
        std::vector<std::string> features;
        for (const FieldIndex index : state.features) features.emplace_back(of_.rulebook[index].id);
        row("needed by", joined(features));
        put_what_ifs([&](const FieldChange& gain) { return gain.state == state.id; },
                     [](const FieldChange& gain) { return gain.after; }, [](const WhatIf&) { return "the same"; });
        row("why", std::string(component->why));
        row("source", std::string(component->source));
    }

    const Explanation& explanation_;
    const ExplainedPolicy& of_;
    Page& page_;
    std::size_t indent_ = 2;
};

}  // namespace

void fields_text(const Explanation& explanation, const ExplainedPolicy& of, Page& page) {
    FieldsText(explanation, of, page).put();
}

namespace {

std::string line_of(const ExplainedState& state, const PoolSize& pool) {
    if (state.kept) return "kept";
    std::string detail;
    if (state.cause == Cause::layout) {
        for (const ValueOfHosts& seen : state.seen) {
            detail +=
                (detail.empty() ? "" : "; ") + document::layout_text(seen) + " on " + hosts_text(seen.list(), pool);
        }
    } else if (state.because.count > 0) {
        detail = hosts_text(state.because, pool);
    }
    return std::string(document::state_fate(state.cause.value_or(Cause::hosts))) +
           (detail.empty() ? "" : " (" + detail + ")");
}

std::string words_for(const ExplainedState& state) {
    return state.kept && !state.layout.empty() ? state.id + " (" + state.layout + ")" : state.id;
}

}  // namespace

std::string item_name(const Rulebook& rulebook, const StoryItem& item) {
    return document::name_of(rulebook, *item.decision);
}

bool is_unsaid(const Decision& decision) {
    const auto is_nothing = [](const ValueOfHosts& seen) { return seen.value.value_or(0) == 0; };
    const auto is_unknown = [](const ValueOfHosts& seen) { return !seen.value; };
    return decision.value == 0 && std::all_of(decision.values.begin(), decision.values.end(), is_nothing) &&
           std::any_of(decision.values.begin(), decision.values.end(), is_unknown);
}

std::vector<std::string> state_lines(const std::vector<ExplainedState>& states, const PoolSize& pool) {
    std::vector<std::pair<std::string, std::string>> lines;  // what is said, and of which states
    for (const ExplainedState& state : states) {
        const std::string said = line_of(state, pool);
        const auto same =
            std::find_if(lines.begin(), lines.end(), [&](const auto& line) { return line.first == said; });
        if (same == lines.end()) {
            lines.emplace_back(said, words_for(state));
        } else {
            same->second += ", " + words_for(state);
        }
    }
    std::vector<std::string> result;
    for (const auto& [said, ids] : lines) result.push_back(ids + ": " + said);
    return result;
}

namespace {

bool includes(const std::vector<std::string>& all, const std::vector<std::string>& some) {
    return std::includes(all.begin(), all.end(), some.begin(), some.end());
}

// What is gained: "avx512f", "maxphyaddr (48 -> 52)".
std::string gain_text(const Rulebook& rulebook, const FieldChange& gain) {
    const std::string name = name_of(rulebook, gain);
    if (!has_values(rulebook, gain)) return name;
    const FieldIndex index = rulebook.find(gain.field);
    const auto text = [&](const std::string& value) {
        return index == no_field ? value : value_text(rulebook[index], value);
    };
    return name + " (" + text(gain.before) + " -> " + text(gain.after) + ")";
}

}  // namespace

std::string gains_text(const Rulebook& rulebook, const std::vector<FieldChange>& gains, std::size_t most) {
    std::vector<std::string> fields;
    std::vector<std::string> states;
    for (const FieldChange& gain : gains) {
        if (gain.state.empty()) {
            fields.push_back(gain_text(rulebook, gain));
        } else {
            states.push_back(gain.state);
        }
    }
    const std::string listed = short_list(fields, most);
    if (states.empty()) return listed;
    const std::string what = states.size() == 1 ? "the XSAVE state " : "the XSAVE states ";
    return listed + (listed.empty() ? "" : "; ") + what + joined(states);
}

std::string without_text(const WhatIf& what_if, const ExplainedPolicy& of) {
    return hosts_text(list_of(what_if.hosts, of.cpus), {});
}

std::string more_text(const WhatIf& what_if) {
    const std::size_t more = what_if.gains.size() - 1;
    return more == 0 ? "" : " (and " + counted(more, "more promise") + ")";
}

std::string besides_text(const WhatIf& what_if) {
    if (what_if.gains.empty()) return ", and no promise is gained";
    return ", and " + counted(what_if.gains.size(), "promise is", "promises are") + " gained";
}

std::vector<const WhatIf*> smallest(const std::vector<WhatIf>& what_ifs,
                                    const std::function<bool(const WhatIf&)>& holds) {
    std::vector<const WhatIf*> all;
    for (const WhatIf& what_if : what_ifs) {
        if (holds(what_if)) all.push_back(&what_if);
    }
    std::vector<const WhatIf*> result;
    for (const WhatIf* one : all) {
        const bool is_more = std::any_of(all.begin(), all.end(), [&](const WhatIf* other) {
            return other != one && includes(one->hosts, other->hosts);
        });
        if (!is_more) result.push_back(one);
    }
    return result;
}

void what_if_text(const WhatIf& what_if, const ExplainedPolicy& of, Page& page) {
    const std::size_t count = what_if.gains.size();
    page.line("Without " + without_text(what_if, of) + " the pool " + of.policy.pool + " would gain " +
                  (count == 0   ? "nothing."
                   : count == 1 ? "one promise:"
                                : std::to_string(count) + " promises:"),
              Colour::bold);
    std::map<Impact, std::vector<FieldChange>> by_impact;
    for (const FieldChange& gain : what_if.gains) by_impact[gain.impact].push_back(gain);
    for (const auto& [impact, gains] : by_impact) {
        page.paragraph(2, std::string(to_string(impact)) + ": ", gains_text(of.rulebook, gains, gains.size()),
                       Colour::green, 2);
    }
}

}  // namespace poolcpuid::cli
