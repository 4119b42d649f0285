#include "cli/check_text.hpp"

#include <algorithm>
#include <utility>

#include "cli/terminal_text.hpp"
#include "cli/text_layout.hpp"
#include "cli/violation_text.hpp"
#include "text/printable.hpp"

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

}  // namespace poolcpuid::cli
