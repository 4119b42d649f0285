// diff: a difference in a terminal.
#include <algorithm>
#include <set>
#include <string>
#include <vector>

#include "cli/diff_words.hpp"
#include "cli/texts.hpp"

namespace poolcpuid::cli {

namespace {

class DiffText {
public:
    DiffText(const Difference& difference, const Rulebook& rulebook, Page& page)
        : difference_(difference), rulebook_(rulebook), directions_(grouped(difference)), page_(page) {}

    void put() {
        head();
        details();
        const std::vector<std::string> advice = belief_advice(difference_);
        if (!advice.empty()) page_.title("What to do");
        for (const std::string& sentence : advice) page_.paragraph(2, "-> ", sentence);
    }

    // What follows the head.
    void details() {
        numbers();
        for (const DirectionGroup& direction : directions_) {
            page_.title(title_of(difference_, direction.direction), colour_of(direction.direction));
            if (direction.direction == Direction::none) {
                without_promise(direction);
            } else {
                with_promise(direction);
            }
        }
        beliefs();
        false_beliefs();
        rest();
    }

private:
    static Colour colour_of(Direction direction) {
        switch (direction) {
            case Direction::loses:
            case Direction::both: return Colour::red;
            case Direction::relaxes: return Colour::yellow;
            case Direction::gains: return Colour::green;
            case Direction::none: break;
        }
        return Colour::bold;
    }

    static std::string side_text(const DiffSide& side) { return (side.is_policy ? "policy " : "host ") + side.name; }

    void head() {
        const bool same_vendor = !difference_.is_of_two_vendors();
        page_.line("From " + side_text(difference_.before) + " to " + side_text(difference_.after) +
                   (same_vendor ? " (" + difference_.before.vendor + ")" : ""));
        page_.line(verdict_text(difference_));
    }

    void numbers() {
        if (directions_.empty()) return;
        std::vector<Cell> titles;
        std::vector<Cell> counts;
        for (const Direction direction :
             {Direction::loses, Direction::both, Direction::relaxes, Direction::gains, Direction::none}) {
            const auto at = std::find_if(directions_.begin(), directions_.end(),
                                         [&](const DirectionGroup& group) { return group.direction == direction; });
            const std::string count = at == directions_.end() ? "." : std::to_string(at->count);
            const std::string title(to_string(direction));
            const std::size_t columns = std::max(title.size(), count.size()) + 2;
            titles.push_back({title, columns, true});
            counts.push_back({count, columns, true});
        }
        if (!page_.empty()) page_.blank();
        page_.cells(titles);
        page_.cells(counts);
    }

    std::string item(const FieldChange& change) const {
        std::string text = name_of(rulebook_, change);
        if (has_values(rulebook_, change)) {
            return text + " (" + change.before + " -> " + change.after + ")";
        }
        const FieldIndex index = rulebook_.find(change.field);
        if (index == no_field || rulebook_[index].names.vendor.empty()) return text;
        return text + " (" + std::string(rulebook_[index].names.vendor) + ")";
    }

    void with_promise(const DirectionGroup& direction) {
        const bool gains = direction.direction == Direction::gains;
        for (const ChangeGroup& group : direction.groups) {
            std::vector<std::string> items;
            for (const FieldChange* change : group.changes) items.push_back(item(*change));
            page_.paragraph(2, group.label + ": ", joined(items));
            if (!gains) page_.paragraph(4, "migrated live: ", group.migrated);
        }
        std::string sentences;
        for (const std::string& sentence : direction.restarted) sentences += (sentences.empty() ? "" : " ") + sentence;
        if (gains) page_.paragraph(2, "migrated live: ", direction.groups.front().migrated);
        page_.paragraph(2, "restarted: ", sentences);
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
            cut = cut || names.size() > most_fields;
            page_.paragraph(2, group.label + ": ", short_list(names, most_fields));
            put_verw(group);
        }
        if (cut) page_.line("(--format json has all of them)", Colour::none, 2);
    }

    // Whether a guest runs VERW changes though no promise does: why is not seen from the field's name.
    void put_verw(const ChangeGroup& group) {
        std::set<std::string> sentences;
        for (const FieldChange* change : group.changes) {
            if (change->rule == to_string(Rule::guarded)) sentences.insert(change->restarted);
        }
        for (const std::string& sentence : sentences) page_.paragraph(4, "restarted: ", sentence);
    }

    // What a guest believes of vulnerabilities.
    void beliefs() {
        if (!difference_.beliefs || difference_.beliefs->changes.empty()) return;
        page_.title(beliefs_title(*difference_.beliefs));
        for (const BeliefChange& change : difference_.beliefs->changes) {
            page_.paragraph(2, change.id + ": ", change.before + " -> " + change.after);
        }
    }

    // And on which hosts that is false.
    void false_beliefs() {
        if (!difference_.beliefs || difference_.beliefs->falsely_safe.empty()) return;
        page_.title(falsely_safe_title(*difference_.beliefs), Colour::red);
        for (const FalseBelief& belief : difference_.beliefs->falsely_safe) {
            page_.paragraph(2, belief.id + ": ", where_false(belief, difference_.beliefs->cpus));
        }
    }

    void rest() {
        const std::vector<std::string> others = other_differences(difference_);
        if (others.empty()) return;
        page_.title("Besides the registers");
        for (const std::string& other : others) page_.paragraph(2, "", other);
    }

    const Difference& difference_;
    const Rulebook& rulebook_;
    std::vector<DirectionGroup> directions_;
    Page& page_;
};

}  // namespace

void diff_text(const Difference& difference, const Rulebook& rulebook, Page& page) {
    DiffText(difference, rulebook, page).put();
}

void diff_details(const Difference& difference, const Rulebook& rulebook, Page& page) {
    DiffText(difference, rulebook, page).details();
}

}  // namespace poolcpuid::cli
