#include "cli/diff_text.hpp"

#include <algorithm>
#include <set>
#include <utility>
#include <vector>

#include "base/lists.hpp"
#include "base/printable.hpp"
#include "cli/page.hpp"
#include "policy/document_text.hpp"

namespace poolcpuid::cli {

namespace {

constexpr std::size_t most_without_promise = 24;  // names a list; --format json has all

class DiffText {
public:
    DiffText(const Difference& difference, const Rulebook& rulebook, std::size_t width, bool colour)
        : difference_(difference),
          rulebook_(rulebook),
          directions_(grouped(difference)),
          width_(width),
          colour_(colour) {}

    std::string text() {
        head();
        return details();
    }

    // What follows the head, after what has been written so far.
    std::string details() {
        numbers();
        for (const DirectionGroup& direction : directions_) {
            line("\n" + painted(title_of(difference_, direction.direction), colour_of(direction.direction)));
            if (direction.direction == Direction::none) {
                without_promise(direction);
            } else {
                with_promise(direction);
            }
        }
        rest();
        return terminal_text(text_, colour_);
    }

private:
    void line(const std::string& text) { text_ += text + "\n"; }

    // A label, then words that wrap under it.
    void paragraph(std::size_t indent, const std::string& label, const std::string& words) {
        const std::string start = std::string(indent, ' ') + label;
        line(start + wrapped(words, width_, display_width(start), indent + 4));
    }

    static Colour colour_of(Direction direction) {
        switch (direction) {
            case Direction::loses: return Colour::red;
            case Direction::both: return Colour::red;
            case Direction::relaxes: return Colour::yellow;
            case Direction::gains: return Colour::green;
            case Direction::none: break;
        }
        return Colour::bold;
    }

    static std::string side_text(const DiffSide& side) {
        return (side.is_policy ? "policy " : "host ") + printable(side.name);
    }

    void head() {
        const bool same_vendor = !difference_.is_of_two_vendors();
        line(wrapped("From " + side_text(difference_.before) + " to " + side_text(difference_.after) +
                         (same_vendor ? " (" + printable(difference_.before.vendor) + ")" : ""),
                     width_, 0, 2));
        line(wrapped(verdict_text(difference_), width_, 0, 2));
    }

    void numbers() {
        if (directions_.empty()) return;
        std::string titles;
        std::string counts;
        for (const Direction direction :
             {Direction::loses, Direction::both, Direction::relaxes, Direction::gains, Direction::none}) {
            const auto at = std::find_if(directions_.begin(), directions_.end(),
                                         [&](const DirectionGroup& group) { return group.direction == direction; });
            const std::string count = at == directions_.end() ? "." : std::to_string(at->count);
            const std::string title(to_string(direction));
            const std::size_t columns = std::max(title.size(), count.size()) + 2;
            titles += std::string(columns - title.size(), ' ') + title;
            counts += std::string(columns - count.size(), ' ') + count;
        }
        line("\n" + titles + "\n" + counts);
    }

    std::string item(const FieldChange& change) const {
        std::string text = name_of(rulebook_, change);
        if (has_values(rulebook_, change)) {
            return text + " (" + printable(change.before) + " -> " + printable(change.after) + ")";
        }
        const FieldIndex index = rulebook_.find(change.field);
        if (index == no_field || rulebook_[index].names.vendor.empty()) return text;
        return text + " (" + std::string(rulebook_[index].names.vendor) + ")";
    }

    void with_promise(const DirectionGroup& direction) {
        const bool gains = direction.direction == Direction::gains;
        for (const ChangeGroup& group : direction.groups) {
            std::string items;
            for (const FieldChange* change : group.changes) items += (items.empty() ? "" : ", ") + item(*change);
            paragraph(2, group.label + ": ", items);
            if (!gains) paragraph(4, "migrated live: ", group.migrated);
        }
        std::string sentences;
        for (const std::string& sentence : direction.restarted) sentences += (sentences.empty() ? "" : " ") + sentence;
        if (gains) paragraph(2, "migrated live: ", direction.groups.front().migrated);
        paragraph(2, "restarted: ", sentences);
    }

    // Names alone, each once, and no more than a screen of them.
    void without_promise(const DirectionGroup& direction) {
        bool cut = false;
        for (const ChangeGroup& group : direction.groups) {
            std::vector<std::string> names;
            for (const FieldChange* change : group.changes) {
                const bool is_stray = change->field == stray_change;
                const std::string name = is_stray ? name_of(rulebook_, *change) : change->field;
                if (std::find(names.begin(), names.end(), name) == names.end()) names.push_back(name);
            }
            cut = cut || names.size() > most_without_promise;
            paragraph(2, group.label + ": ", short_list(names, most_without_promise));
        }
        if (cut) line("  (--format json has all of them)");
    }

    void rest() {
        const std::vector<std::string> others = other_differences(difference_);
        if (others.empty()) return;
        line("\n" + painted("Besides the registers", Colour::bold));
        for (const std::string& other : others) paragraph(2, "", other);
    }

    const Difference& difference_;
    const Rulebook& rulebook_;
    std::vector<DirectionGroup> directions_;
    std::size_t width_;
    bool colour_;
    std::string text_;
};

}  // namespace

std::string diff_text(const Difference& difference, const Rulebook& rulebook, std::size_t width, bool colour) {
    return DiffText(difference, rulebook, width, colour).text();
}

std::string diff_details(const Difference& difference, const Rulebook& rulebook, std::size_t width, bool colour) {
    return DiffText(difference, rulebook, width, colour).details();
}

using document::place_text;

namespace {

constexpr std::size_t digest_digits = 12;     // enough to tell digests apart
constexpr std::size_t most_in_sentence = 24;  // of hosts, fields or findings; --format json has all

std::string label_of(const FieldChange& change, bool two_vendors) {
    if (change.direction != Direction::none) {
        const std::string of = change.mitigates.empty() ? "" : "mitigation (" + joined(change.mitigates) + "), ";
        return of + std::string(to_string(change.impact)) + (change.known ? "" : ", not known");
    }
    if (change.rule.empty()) return "not in the rulebook";
    if (two_vendors) return "registers";
    if (change.rule == "derive") return "derived";
    if (change.rule == "identity") return "identity";
    if (change.rule == "owned") return "owned";
    if (change.rule == "hide") return "hidden";
    return "the same promise";
}

std::string class_text(const HostClass& host) {
    std::vector<std::string> names = host.names;
    if (host.count > names.size()) names.push_back(std::to_string(host.count - names.size()) + " more");
    return printable(joined(names)) + " (" + printable(host.sha256.substr(0, digest_digits)) + ")";
}

template <typename Entry, typename Text>
void put_list(const char* what, const std::vector<Entry>& entries, Text text_of, std::vector<std::string>& out) {
    std::vector<std::string> parts;
    for (const Entry& entry : entries) {
        std::string part = text_of(entry);
        if (std::find(parts.begin(), parts.end(), part) == parts.end()) parts.push_back(std::move(part));
    }
    if (!parts.empty()) out.push_back(what + short_list(parts, most_in_sentence));
}

std::string finding_text(const Finding& finding) {
    const std::string what = std::string(to_string(finding.severity)) + " " + printable(finding.code);
    if (!finding.field.empty()) return what + " (" + printable(finding.field) + ")";
    return finding.hosts.empty() ? what : what + " (" + printable(joined(finding.hosts)) + ")";
}

std::string rulebook_text(const DiffSide& side) {
    return printable(side.rulebook_version + " (" + side.rulebook_sha256.substr(0, digest_digits) + ")");
}

// Decisions on fields of which the list of changes does not speak.
std::vector<std::string> untold(const Difference& difference) {
    std::set<std::string> told;
    for (const FieldChange& change : difference.changes) told.insert(change.field);
    std::vector<std::string> fields = difference.provenance.decisions;
    std::erase_if(fields, [&](const std::string& field) { return told.contains(field); });
    return fields;
}

}  // namespace

std::vector<DirectionGroup> grouped(const Difference& difference) {
    std::vector<DirectionGroup> directions;
    for (const FieldChange& change : difference.changes) {
        if (directions.empty() || directions.back().direction != change.direction) {
            directions.push_back({change.direction, 0, {}, {}});
        }
        DirectionGroup& direction = directions.back();
        ++direction.count;
        const std::string label = label_of(change, difference.is_of_two_vendors());
        auto group = std::find_if(direction.groups.begin(), direction.groups.end(), [&](const ChangeGroup& candidate) {
            return candidate.label == label && candidate.migrated == change.migrated;
        });
        if (group == direction.groups.end()) {
            group = direction.groups.insert(direction.groups.end(), {label, change.migrated, {}});
        }
        group->changes.push_back(&change);
        auto& sentences = direction.restarted;
        if (std::find(sentences.begin(), sentences.end(), change.restarted) == sentences.end()) {
            sentences.push_back(change.restarted);
        }
    }
    return directions;
}

const char* title_of(const Difference& difference, Direction direction) {
    switch (direction) {
        case Direction::loses: return "Loses promises";
        case Direction::both: return "Changes both ways";
        case Direction::relaxes: return "Relaxes: guests are told of what was not so";
        case Direction::gains: return "Gains promises";
        case Direction::none: break;
    }
    return difference.is_of_two_vendors() ? "Shows other values, which promise by vendor" : "Changes no promise";
}

std::string name_of(const Rulebook& rulebook, const FieldChange& change) {
    if (change.field == stray_change) return place_text(change.place);
    return document::field_text(rulebook, change.field, change.place);
}

std::string short_list(const std::vector<std::string>& names, std::size_t most) {
    if (names.size() <= most) return joined(names);
    const auto shown = static_cast<std::ptrdiff_t>(most);
    return joined({names.begin(), names.begin() + shown}) + " and " + std::to_string(names.size() - most) + " more";
}

bool has_values(const Rulebook& rulebook, const FieldChange& change) {
    const bool is_flag = change.place.low == change.place.high && rulebook.find(change.field) != no_field;
    const bool is_bit = change.before.size() == 3 && change.after.size() == 3;  // "0x0", "0x1"
    return !is_flag || !is_bit || change.before == change.after;
}

std::vector<std::string> other_differences(const Difference& difference) {
    const Provenance& provenance = difference.provenance;
    std::vector<std::string> out;
    if (provenance.rulebook) {
        out.push_back("rulebook: " + rulebook_text(difference.before) + " -> " + rulebook_text(difference.after));
    }
    if (provenance.options) {
        out.push_back("options: " + difference.before.options + " -> " + difference.after.options);
    }
    if (provenance.pool && difference.equal_registers) {
        out.push_back("pool: " + printable(difference.before.name) + " -> " + printable(difference.after.name));
    }
    put_list("hosts that are no longer there: ", provenance.hosts_removed, class_text, out);
    put_list("new hosts: ", provenance.hosts_added, class_text, out);
    put_list(
        "hosts of the same content under other names: ", provenance.hosts_renamed,
        [](const RenamedHosts& hosts) { return class_text(hosts.before) + " -> " + class_text(hosts.after); }, out);
    const bool same_classes =
        provenance.hosts_removed.empty() && provenance.hosts_added.empty() && provenance.hosts_renamed.empty();
    if (provenance.names && same_classes) out.push_back("names of hosts that the documents do not list");
    put_list("no longer filled in by the VMM: ", provenance.owned_removed, place_text, out);
    put_list("now filled in by the VMM: ", provenance.owned_added, place_text, out);
    put_list(
        "the same value, decided otherwise: ", untold(difference), [](const std::string& id) { return id; }, out);
    put_list("findings that are gone: ", provenance.findings_removed, finding_text, out);
    put_list("new findings: ", provenance.findings_added, finding_text, out);
    return out;
}

std::string verdict_text(const Difference& difference) {
    if (difference.equal_registers) {
        if (!difference.changes.empty()) return "The registers are equal; what the model table makes of them is not.";
        return difference.provenance.empty() ? "No difference."
                                             : "The registers are equal; only the provenance differs.";
    }
    if (difference.changes.empty()) {
        return "The registers differ, but no field that the merge looks at: other logical CPUs, or another view.";
    }
    const auto breaks = std::count_if(difference.changes.begin(), difference.changes.end(), [](const FieldChange& c) {
        return c.direction != Direction::gains && c.direction != Direction::none;
    });
    if (breaks == 0) return "The registers differ; no promise is broken for a running guest.";
    return "The registers differ; " + std::to_string(breaks) +
           (breaks == 1 ? " change breaks a promise" : " changes break promises") + " of a running guest.";
}

}  // namespace poolcpuid::cli
