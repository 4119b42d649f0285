// check: a line a host, then what is wrong, hosts that fail alike together.
#include <algorithm>
#include <cstdint>
#include <map>
#include <string_view>
#include <tuple>
#include <utility>

#include "cli/texts.hpp"
#include "policy/document_text.hpp"

namespace poolcpuid::cli {

namespace {

constexpr std::size_t answer_columns = 8;  // "may run", and " degraded" under it

// Hosts with the same verdict.
struct Group {
    const Verdict* verdict = nullptr;
    std::vector<std::string> names;
};

class CheckText {
public:
    CheckText(const PoolPolicy& policy, const Rulebook& rulebook, const std::vector<Verdict>& verdicts,
              Strictness strictness, const CpuNames& cpus, Page& page)
        : policy_(policy), rulebook_(rulebook), strictness_(strictness), cpus_(cpus), page_(page) {
        for (const Verdict& verdict : verdicts) add(verdict);
        count_ = verdicts.size();
    }

    void put() {
        head();
        table();
        std::size_t shown = 0;
        for (const Group& group : groups_) {
            if (group.verdict->violations.empty() && group.verdict->start_up.empty()) continue;
            if (shown++ == most_groups_in_full) {
                page_.title("More hosts fail in other ways: --format json has all of it.", Colour::none);
                break;
            }
            details(group);
        }
    }

private:
    void add(const Verdict& verdict) {
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
        page_.line("A VM of " + policy_.pool + " (" + policy_.vendor + ") may run on " + std::to_string(yes) + " of " +
                   counted(count_, "host") + (degraded == 0 ? "" : ", degraded on " + std::to_string(degraded)));
    }

    std::string names_of(const Group& group) const {
        return (group.verdict->is_policy ? "pool " : "") + group_text(group.names, cpus_);
    }

    Outcome outcome(const Group& group) const { return group.verdict->outcome(strictness_.unknown); }

    // Red is what makes the check fail.
    Cell answer(const Group& group) const {
        const bool fails = !group.verdict->compatible(strictness_);
        switch (outcome(group)) {
            case Outcome::runs: return {"yes", answer_columns, true, Colour::green};
            case Outcome::runs_degraded:
                return {"degraded", answer_columns, true, fails ? Colour::red : Colour::yellow};
            case Outcome::must_not_run: break;
        }
        return {"no", answer_columns, true, Colour::red};
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
        for (const Column& column : shown) numbers += column.title.size() + 2;
        constexpr std::size_t least = 8;  // with every column there are 80 then
        std::vector<std::string> names;
        for (const Group& group : groups_) names.push_back(names_of(group));
        const std::size_t left = std::max(least, page_.width() - std::min(page_.width(), numbers + 9));
        const std::size_t columns_of_name = group_columns(names, left) + 1;

        std::vector<Cell> titles{{"host", columns_of_name}, {"may run", answer_columns, true}};
        for (const Column& column : shown) titles.push_back({column.title, column.title.size() + 2, true});
        page_.blank();
        page_.cells(titles);
        for (const Group& group : groups_) {
            std::string name = names_of(group);
            if (display_width(name) >= columns_of_name) page_.line(std::exchange(name, ""));
            std::vector<Cell> row{{name, columns_of_name}, answer(group)};
            for (const Column& column : shown) {
                const std::size_t count = column.count(*group.verdict);
                row.push_back({count == 0 ? "." : std::to_string(count), column.title.size() + 2, true});
            }
            page_.cells(row);
        }
    }

    template <typename Predicate>
    static std::size_t count_if(const Verdict& verdict, const Predicate& predicate) {
        return static_cast<std::size_t>(std::count_if(verdict.violations.begin(), verdict.violations.end(), predicate));
    }

    // Violations that are alike in everything but the field are one paragraph, and a remedy stands once.
    void details(const Group& group) {
        page_.title(names_of(group) + sentence(outcome(group)));
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
        put_violations(rulebook_, group.verdict->violations, 2, page_);
        // The remedy of most fields needs no list of them; it comes last.
        std::stable_sort(remedies.begin(), remedies.end(),
                         [](const auto& one, const auto& other) { return one.second.size() < other.second.size(); });
        for (std::size_t i = 0; i < remedies.size(); ++i) {
            const bool last = i + 1 == remedies.size();
            const std::string what = !last ? remedies[i].second + ": " : remedies.size() == 1 ? "" : "The others: ";
            page_.paragraph(2, "", "-> " + what + remedies[i].first);
        }
        const std::vector<StartUp>& start_up = group.verdict->start_up;
        if (start_up.empty()) return;
        page_.paragraph(2, "The VMM there must be told to show: ", items_of(rulebook_, start_up), Colour::cyan);
    }

    const PoolPolicy& policy_;
    const Rulebook& rulebook_;
    Strictness strictness_;
    const CpuNames& cpus_;
    Page& page_;
    std::size_t count_ = 0;
    std::vector<Group> groups_;
};

}  // namespace

void check_text(const PoolPolicy& policy, const Rulebook& rulebook, const std::vector<Verdict>& verdicts,
                Strictness strictness, const CpuNames& cpus, Page& page) {
    CheckText(policy, rulebook, verdicts, strictness, cpus, page).put();
}

namespace {

std::string item(const Rulebook& rulebook, const Violation& violation) {
    const FieldIndex index = rulebook.find(violation.field);
    if (index == no_field) return violation.field + " (" + violation.host + ", not " + violation.promised + ")";
    const Field& field = rulebook[index];
    std::string text = document::field_text(rulebook, violation.field, violation.place);
    const bool is_flag = field.low == field.high;
    if (is_flag && !field.names.vendor.empty()) text += " (" + std::string(field.names.vendor) + ")";
    // It is there, and what else the host has takes its effect.
    if (is_flag && violation.known && violation.host == violation.promised) text += " (there, and does nothing)";
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

void put_violations(const Rulebook& rulebook, const std::vector<Violation>& violations, std::size_t indent,
                    Page& page) {
    using Key = std::tuple<Standing, Impact, Breach>;
    std::map<Key, std::vector<std::string>> items;
    for (const Violation& violation : violations) {
        items[{standing_of(violation), violation.impact, violation.breach}].push_back(item(rulebook, violation));
    }
    for (const auto& [key, list] : items) {
        const auto& [standing, impact, breach] = key;
        page.paragraph(indent, std::string(heading(standing, breach)) + " (" + std::string(to_string(impact)) + "): ",
                       joined(list), standing == Standing::broken ? Colour::red : Colour::yellow);
    }
}

std::string items_of(const Rulebook& rulebook, const std::vector<StartUp>& start_up) {
    std::vector<std::string> items;
    for (const StartUp& entry : start_up) items.push_back(document::field_text(rulebook, entry.field, entry.place));
    return joined(items);
}

}  // namespace poolcpuid::cli
