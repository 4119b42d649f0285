#include "cli/check_text.hpp"

#include <algorithm>
#include <cstdint>
#include <map>
#include <string_view>
#include <tuple>
#include <utility>

#include "base/lists.hpp"
#include "base/printable.hpp"
#include "cli/diff_text.hpp"
#include "cli/explain_text.hpp"
#include "cli/page.hpp"
#include "policy/document_text.hpp"

namespace poolcpuid::cli {

namespace {

// Hosts with the same verdict.
struct Group {
    const Verdict* verdict = nullptr;
    std::vector<std::string> names;
};

class CheckText {
public:
    CheckText(const PoolPolicy& policy, const Rulebook& rulebook, const std::vector<Verdict>& verdicts,
              Strictness strictness, std::size_t width, bool colour)
        : policy_(policy), rulebook_(rulebook), strictness_(strictness), width_(width), colour_(colour) {
        for (const Verdict& verdict : verdicts) put(verdict);
        count_ = verdicts.size();
    }

    std::string text() {
        head();
        table();
        std::size_t shown = 0;
        for (const Group& group : groups_) {
            if (group.verdict->violations.empty() && group.verdict->start_up.empty()) continue;
            if (shown++ == most_groups_in_full) {
                line("\n" + wrapped("More hosts fail in other ways: --format json has all of it.", width_, 0, 0));
                break;
            }
            details(group);
        }
        return terminal_text(text_, colour_);
    }

private:
    void line(const std::string& text) { text_ += text + "\n"; }

    void put(const Verdict& verdict) {
        const auto same = std::find_if(groups_.begin(), groups_.end(), [&](const Group& group) {
            return group.verdict->violations == verdict.violations && group.verdict->start_up == verdict.start_up &&
                   group.verdict->is_policy == verdict.is_policy;
        });
        if (same != groups_.end()) {
            same->names.push_back(verdict.name);
        } else {
            groups_.push_back({&verdict, {verdict.name}});
        }
    }

    void head() {
        std::size_t yes = 0;
        std::size_t degraded = 0;
        for (const Group& group : groups_) {
            if (!group.verdict->compatible(strictness_)) continue;
            yes += group.names.size();
            if (outcome(group) == Outcome::runs_degraded) degraded += group.names.size();
        }
        line(wrapped("A VM of " + printable(policy_.pool) + " (" + printable(policy_.vendor) + ") may run on " +
                         std::to_string(yes) + " of " + std::to_string(count_) + (count_ == 1 ? " host" : " hosts") +
                         (degraded == 0 ? "" : ", degraded on " + std::to_string(degraded)),
                     width_, 0, 2));
    }

    static std::string names_of(const Group& group) {
        const std::size_t more = group.names.size() - 1;
        const std::string kind = group.verdict->is_policy ? "pool " : "";
        return kind + printable(group.names.front()) + (more == 0 ? "" : " and " + std::to_string(more) + " more");
    }

    Outcome outcome(const Group& group) const { return group.verdict->outcome(strictness_.unknown); }

    // Red is what makes the check fail.
    std::string answer(const Group& group) const {
        const bool fails = !group.verdict->compatible(strictness_);
        switch (outcome(group)) {
            case Outcome::runs: return painted("      yes", Colour::green);
            case Outcome::runs_degraded: return painted(" degraded", fails ? Colour::red : Colour::yellow);
            case Outcome::must_not_run: break;
        }
        return painted("       no", Colour::red);
    }

    static const char* sentence(Outcome outcome) {
        switch (outcome) {
            case Outcome::runs: return ": may run it";
            case Outcome::runs_degraded: return ": may run it, degraded";
            case Outcome::must_not_run: break;
        }
        return ": must not run it";
    }

    struct Column {
        std::string title;
        std::size_t (*count)(const Verdict& verdict);
    };

    template <Impact impact>
    static std::size_t broken(const Verdict& verdict) {
        return count_if(verdict, [](const Violation& v) { return v.known && v.impact == impact; });
    }

    static std::size_t unknown(const Verdict& verdict) {
        return count_if(verdict, [](const Violation& v) { return !v.known && !v.given; });
    }

    static std::size_t start_ups(const Verdict& verdict) { return verdict.start_up.size(); }

    // The columns in which any host has something.
    std::vector<Column> columns() const {
        std::vector<Column> all{{"crash", broken<Impact::crash>},
                                {"security", broken<Impact::security>},
                                {"wrong result", broken<Impact::wrong_result>},
                                {"performance", broken<Impact::performance>},
                                {"cosmetic", broken<Impact::cosmetic>},
                                {"unknown", unknown},
                                {"start-up", start_ups}};
        std::erase_if(all, [&](const Column& column) {
            return std::all_of(groups_.begin(), groups_.end(),
                               [&](const Group& group) { return column.count(*group.verdict) == 0; });
        });
        return all;
    }

    // A line a group: how many promises are broken, by what that costs the guest.
    void table() {
        const std::vector<Column> shown = columns();
        std::size_t numbers = 0;
        std::string titles;
        for (const Column& column : shown) {
            titles += "  " + column.title;
            numbers += column.title.size() + 2;
        }
        constexpr std::size_t least = 8;  // with every column there are 80 then
        std::size_t longest = 12;
        for (const Group& group : groups_) longest = std::max(longest, display_width(names_of(group)));
        const std::size_t left = std::max(least, width_ - std::min(width_, numbers + 9));
        const std::size_t name_columns = std::min(longest, left);
        line("\n" + padded("host", name_columns) + "  may run" + titles);
        for (const Group& group : groups_) {
            std::string name = names_of(group);
            if (display_width(name) > name_columns) name += "\n" + std::string(name_columns, ' ');
            std::string row = padded(name, name_columns) + answer(group);
            for (const Column& column : shown) {
                const std::size_t count = column.count(*group.verdict);
                const std::string text = count == 0 ? "." : std::to_string(count);
                row +=
                    std::string(column.title.size() + 2 - std::min(column.title.size() + 2, text.size()), ' ') + text;
            }
            line(row);
        }
    }

    template <typename Predicate>
    static std::size_t count_if(const Verdict& verdict, const Predicate& predicate) {
        return static_cast<std::size_t>(std::count_if(verdict.violations.begin(), verdict.violations.end(), predicate));
    }

    // Violations that are alike in everything but the field are one paragraph, and a remedy stands once.
    void details(const Group& group) {
        const std::string title = names_of(group) + sentence(outcome(group));
        line("\n" + painted(wrapped(title, width_, 0, 2), Colour::bold));
        std::vector<std::pair<std::string, std::string>> remedies;  // remedy and fields
        for (const Violation& violation : group.verdict->violations) {
            const auto same = std::find_if(remedies.begin(), remedies.end(),
                                           [&](const auto& entry) { return entry.first == violation.remedy; });
            if (same == remedies.end()) {
                remedies.emplace_back(violation.remedy, violation.field);
            } else {
                same->second += ", " + violation.field;
            }
        }
        for (const ViolationParagraph& paragraph : paragraphs_of(rulebook_, group.verdict->violations)) {
            const std::string label = "  " + paragraph.label;
            line(painted(label, paragraph.is_unknown ? Colour::yellow : Colour::red) +
                 wrapped(paragraph.items, width_, display_width(label), 6));
        }
        // The remedy of most fields needs no list of them; it comes last.
        std::stable_sort(remedies.begin(), remedies.end(),
                         [](const auto& one, const auto& other) { return one.second.size() < other.second.size(); });
        for (std::size_t i = 0; i < remedies.size(); ++i) {
            const bool last = i + 1 == remedies.size();
            const std::string what = !last ? remedies[i].second + ": " : remedies.size() == 1 ? "" : "The others: ";
            line("  " + wrapped("-> " + what + remedies[i].first, width_, 2, 6));
        }
        start_up(*group.verdict);
    }

    void start_up(const Verdict& verdict) {
        if (verdict.start_up.empty()) return;
        const std::string label = "  The VMM there must be told to show: ";
        line(painted(label, Colour::cyan) +
             wrapped(items_of(rulebook_, verdict.start_up), width_, display_width(label), 6));
    }

    const PoolPolicy& policy_;
    const Rulebook& rulebook_;
    Strictness strictness_;
    std::size_t width_;
    bool colour_;
    std::size_t count_ = 0;
    std::vector<Group> groups_;
    std::string text_;
};

}  // namespace

std::string check_text(const PoolPolicy& policy, const Rulebook& rulebook, const std::vector<Verdict>& verdicts,
                       Strictness strictness, std::size_t width, bool colour) {
    return CheckText(policy, rulebook, verdicts, strictness, width, colour).text();
}

namespace {

std::string item(const Rulebook& rulebook, const Violation& violation) {
    const FieldIndex index = rulebook.find(violation.field);
    if (index == no_field) return violation.field + " (" + violation.host + ", not " + violation.promised + ")";
    const Field& field = rulebook[index];
    std::string text = document::field_text(rulebook, violation.field, violation.place);
    const bool is_flag = field.low == field.high;
    if (is_flag && !field.names.vendor.empty()) text += " (" + std::string(field.names.vendor) + ")";
    if (!is_flag && violation.known) text += " (" + violation.host + ", not " + violation.promised + ")";
    return text;
}

enum class Standing : std::uint8_t { broken, unknown, given };

Standing standing_of(const Violation& violation) {
    if (violation.known) return Standing::broken;
    return violation.given ? Standing::given : Standing::unknown;
}

const char* heading(Standing standing, Breach breach) {
    switch (standing) {
        case Standing::broken: break;
        case Standing::unknown: return "Not known to be kept";
        case Standing::given: return "Not seen, but given by every hypervisor";
    }
    return breach == Breach::lost ? "Promised, and not there" : "There, and not told";
}

}  // namespace

std::vector<ViolationParagraph> paragraphs_of(const Rulebook& rulebook, const std::vector<Violation>& violations) {
    using Key = std::tuple<Standing, Impact, Breach>;
    std::map<Key, std::string> items;
    for (const Violation& violation : violations) {
        std::string& list = items[{standing_of(violation), violation.impact, violation.breach}];
        list += (list.empty() ? "" : ", ") + item(rulebook, violation);
    }
    std::vector<ViolationParagraph> paragraphs;
    for (const auto& [key, list] : items) {
        const auto& [standing, impact, breach] = key;
        paragraphs.push_back({std::string(heading(standing, breach)) + " (" + std::string(to_string(impact)) + "): ",
                              list, standing != Standing::broken});
    }
    return paragraphs;
}

std::string items_of(const Rulebook& rulebook, const std::vector<StartUp>& start_up) {
    std::string items;
    for (const StartUp& entry : start_up) {
        items += (items.empty() ? "" : ", ") + document::field_text(rulebook, entry.field, entry.place);
    }
    return items;
}

namespace {

constexpr std::string_view state_prefix = "xsave state ";

bool includes(const std::vector<std::string>& all, const std::vector<std::string>& some) {
    return std::includes(all.begin(), all.end(), some.begin(), some.end());
}

}  // namespace

std::string gain_text(const Rulebook& rulebook, const FieldChange& gain) {
    const std::string name = name_of(rulebook, gain);
    if (!has_values(rulebook, gain)) return name;
    const FieldIndex index = rulebook.find(gain.field);
    const auto text = [&](const std::string& value) {
        return index == no_field ? value : value_text(rulebook[index], value);
    };
    return name + " (" + text(gain.before) + " -> " + text(gain.after) + ")";
}

std::string gains_text(const Rulebook& rulebook, const std::vector<FieldChange>& gains, std::size_t most) {
    std::vector<std::string> fields;
    std::vector<std::string> states;
    for (const FieldChange& gain : gains) {
        const bool is_state = gain.field.starts_with(state_prefix);
        if (is_state) {
            states.push_back(gain.field.substr(state_prefix.size()));
        } else {
            fields.push_back(gain_text(rulebook, gain));
        }
    }
    const std::string listed = short_list(fields, most);
    if (states.empty()) return listed;
    const std::string what = states.size() == 1 ? "the XSAVE state " : "the XSAVE states ";
    return listed + (listed.empty() ? "" : "; ") + what + joined(states);
}

std::string without_text(const WhatIf& what_if) { return hosts_text({what_if.hosts, what_if.hosts.size()}, {}); }

std::string more_text(const WhatIf& what_if) {
    const std::size_t more = what_if.gains.size() - 1;
    if (more == 0) return "";
    return " (and " + std::to_string(more) + (more == 1 ? " more promise)" : " more promises)");
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

std::string what_if_text(const WhatIf& what_if, const ExplainedPolicy& of, std::size_t width, bool colour) {
    Page page(width, colour);
    const std::size_t count = what_if.gains.size();
    page.line("Without " + without_text(what_if) + " the pool " + of.policy.pool + " would gain " +
                  (count == 0   ? "nothing."
                   : count == 1 ? "one promise:"
                                : std::to_string(count) + " promises:"),
              Colour::bold);
    std::map<Impact, std::vector<FieldChange>> by_impact;
    for (const FieldChange& gain : what_if.gains) by_impact[gain.impact].push_back(gain);
    for (const auto& [impact, gains] : by_impact) {
        page.paragraph(2, std::string(to_string(impact)) + ": ", gains_text(of.rulebook, gains, gains.size()),
                       Colour::green);
    }
    return page.text();
}

}  // namespace poolcpuid::cli
