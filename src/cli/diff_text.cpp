#include "cli/diff_text.hpp"

#include <algorithm>
#include <set>
#include <utility>
#include <vector>

#include "cli/diff_groups.hpp"
#include "cli/terminal_text.hpp"
#include "cli/text_layout.hpp"
#include "text/printable.hpp"

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

}  // namespace poolcpuid::cli
