#include "cli/check_text.hpp"

#include <algorithm>
#include <array>
#include <map>
#include <tuple>
#include <utility>

#include "cli/text_layout.hpp"
#include "text/hex.hpp"

namespace poolcpuid::cli {

namespace {

constexpr std::array impacts{Impact::crash, Impact::security, Impact::wrong_result, Impact::performance,
                             Impact::cosmetic};
constexpr std::size_t most_groups_in_full = 12;  // beyond, the table and --format json say the rest

// Hosts with the same verdict.
struct Group {
    const Verdict* verdict = nullptr;
    std::vector<std::string> names;
};

class CheckText {
public:
    CheckText(const PoolPolicy& policy, const Rulebook& rulebook, const std::vector<Verdict>& verdicts,
              UnknownIs unknown, std::size_t width, bool colour)
        : policy_(policy), rulebook_(rulebook), unknown_(unknown), width_(width), colour_(colour) {
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
        return std::move(text_);
    }

private:
    void line(const std::string& text) { text_ += text + "\n"; }

    std::string painted(const std::string& text, const char* code) const {
        return colour_ ? std::string("\033[") + code + "m" + text + "\033[0m" : text;
    }

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
        for (const Group& group : groups_) {
            if (group.verdict->compatible(unknown_)) yes += group.names.size();
        }
        line(wrapped("A VM of " + policy_.pool + " (" + policy_.vendor + ") may run on " + std::to_string(yes) +
                         " of " + std::to_string(count_) + (count_ == 1 ? " host" : " hosts"),
                     width_, 0, 2));
    }

    static std::string names_of(const Group& group) {
        const std::size_t more = group.names.size() - 1;
        const std::string kind = group.verdict->is_policy ? "pool " : "";
        return kind + group.names.front() + (more == 0 ? "" : " and " + std::to_string(more) + " more");
    }

    static std::string cell(std::size_t count, std::size_t columns) {
        const std::string text = count == 0 ? "." : std::to_string(count);
        return std::string(columns - std::min(columns, text.size()), ' ') + text;
    }

    // A line a group: how many promises are broken, by what that costs the guest.
    void table() {
        constexpr std::size_t name_columns = 25;
        line("\n" + padded("host", name_columns) + " run  crash secur wrong  perf  look unkn. start-up");
        for (const Group& group : groups_) {
            const Verdict& verdict = *group.verdict;
            std::string row = padded(names_of(group), name_columns);
            if (display_width(row) > name_columns) row += "\n" + std::string(name_columns, ' ');
            const bool may_run = verdict.compatible(unknown_);
            row += may_run ? painted(" yes", "32") : painted("  no", "31");
            for (const Impact impact : impacts) {
                const auto is_it = [&](const Violation& v) { return v.known && v.impact == impact; };
                row += cell(count_if(verdict, is_it), 6);
            }
            row += cell(count_if(verdict, [](const Violation& v) { return !v.known; }), 6);
            line(row + cell(verdict.start_up.size(), 9));
        }
    }

    template <typename Predicate>
    static std::size_t count_if(const Verdict& verdict, const Predicate& predicate) {
        return static_cast<std::size_t>(std::count_if(verdict.violations.begin(), verdict.violations.end(), predicate));
    }

    std::string item(const Violation& violation) const {
        const FieldIndex index = rulebook_.find(violation.field);
        if (index == no_field) return violation.field + " (" + violation.host + ", not " + violation.promised + ")";
        const Field& field = rulebook_[index];
        std::string text = violation.field;
        if (field.subleaf_first != field.subleaf_last) {
            text += "[" + std::to_string(violation.place.subleaf_first) + "]";
        }
        const bool is_flag = field.low == field.high;
        if (is_flag && !field.names.vendor.empty()) text += " (" + std::string(field.names.vendor) + ")";
        if (!is_flag && violation.known) text += " (" + violation.host + ", not " + violation.promised + ")";
        return text;
    }

    static std::string heading(const Violation& violation) {
        if (!violation.known) return "Not known to be kept";
        return violation.breach == Breach::lost ? "Promised to the guest, not there" : "There, and the guest not told";
    }

    // Violations that are alike in everything but the field are one paragraph.
    void details(const Group& group) {
        const bool may_run = group.verdict->compatible(unknown_);
        line("\n" +
             painted(wrapped(names_of(group) + (may_run ? ": may run it" : ": must not run it"), width_, 0, 2), "1"));
        using Key = std::tuple<bool, Impact, Breach, std::string>;
        std::map<Key, std::pair<std::string, std::string>> paragraphs;  // heading and items
        for (const Violation& violation : group.verdict->violations) {
            auto& [title, items] = paragraphs[{!violation.known, violation.impact, violation.breach, violation.remedy}];
            title = heading(violation);
            items += (items.empty() ? "" : ", ") + item(violation);
        }
        for (const auto& [key, paragraph] : paragraphs) {
            const auto& [unknown, impact, breach, remedy] = key;
            const std::string label = "  " + paragraph.first + " [" + std::string(to_string(impact)) + "]: ";
            line(painted(label, unknown ? "33" : "31") + wrapped(paragraph.second, width_, display_width(label), 6));
            line("      " + wrapped(remedy, width_, 6, 6));
        }
        start_up(*group.verdict);
    }

    void start_up(const Verdict& verdict) {
        if (verdict.start_up.empty()) return;
        std::string items;
        for (const StartUp& entry : verdict.start_up) items += (items.empty() ? "" : ", ") + entry.field;
        const std::string label = "  The VMM there must be told to show: ";
        line(painted(label, "36") + wrapped(items, width_, display_width(label), 6));
    }

    const PoolPolicy& policy_;
    const Rulebook& rulebook_;
    UnknownIs unknown_;
    std::size_t width_;
    bool colour_;
    std::size_t count_ = 0;
    std::vector<Group> groups_;
    std::string text_;
};

}  // namespace

std::string check_text(const PoolPolicy& policy, const Rulebook& rulebook, const std::vector<Verdict>& verdicts,
                       UnknownIs unknown, std::size_t width, bool colour) {
    return CheckText(policy, rulebook, verdicts, unknown, width, colour).text();
}

}  // namespace poolcpuid::cli
