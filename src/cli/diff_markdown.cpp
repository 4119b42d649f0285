// diff: a difference as Markdown in a review.
#include <string_view>
#include <utility>
#include <vector>

#include "base/printable.hpp"
#include "cli/diff_words.hpp"
#include "cli/texts.hpp"
#include "policy/document_text.hpp"
#include "rulebook/names.hpp"

namespace poolcpuid::cli {

namespace {

// text as Markdown that reads as text, in a table too: no markup, no HTML, no mention of a user.
std::string escaped(std::string_view text) {
    constexpr std::string_view markup = R"(\`*_{}[]()<>#|~!&$@:)";
    std::string result;
    for (const char c : printable(text)) {
        if (markup.find(c) != std::string_view::npos) result += '\\';
        result += c;
    }
    return result;
}

std::string code(const std::string& text) { return "`" + text + "`"; }

class DiffMarkdown {
public:
    DiffMarkdown(const Difference& difference, const Rulebook& rulebook)
        : difference_(difference), rulebook_(rulebook) {}

    std::string text() {
        line("# " + escaped(difference_.before.name) + " → " + escaped(difference_.after.name));
        line("\n" + verdict_text(difference_));
        sides();
        for (const DirectionGroup& direction : grouped(difference_)) put(direction);
        beliefs();
        false_beliefs();
        const std::vector<std::string> others = other_differences(difference_);
        if (!others.empty()) line("\n## Besides the registers\n");
        for (const std::string& other : others) line("- " + escaped(other));
        return std::move(text_);
    }

private:
    void line(const std::string& text) { text_ += text + "\n"; }

    void sides() {
        line("\n| | before | after |\n|---|---|---|");
        const auto row = [&](const char* what, const auto& of) {
            line(std::string("| ") + what + " | " + of(difference_.before) + " | " + of(difference_.after) + " |");
        };
        row("kind", [](const DiffSide& side) { return std::string(side.is_policy ? "policy" : "host"); });
        row("vendor", [](const DiffSide& side) { return escaped(side.vendor); });
        row("SHA-256", [](const DiffSide& side) { return code(side.sha256.substr(0, digest_digits)); });
    }

    // Every name that others have for the field, each once.
    std::string names(const FieldChange& change) const {
        const FieldIndex index = rulebook_.find(change.field);
        if (index == no_field) return "";
        std::vector<std::string_view> seen{change.field};
        std::string text;
        for (const auto& [project, name] : rulebook::names_of(rulebook_[index])) {
            bool fresh = true;
            for (const std::string_view other : seen) fresh = fresh && other != name;
            if (!fresh) continue;
            seen.push_back(name);
            text += (text.empty() ? "" : ", ") + escaped(name);
        }
        return text;
    }

    void put(const DirectionGroup& direction) {
        line(std::string("\n## ") + title_of(difference_, direction.direction));
        for (const ChangeGroup& group : direction.groups) {
            line("\n### " + group.label + "\n");
            const bool promises = direction.direction != Direction::none;
            if (promises) line("Migrated live: " + group.migrated + "\n");
            line("| field | names | place | before | after |\n|---|---|---|---|---|");
            for (const FieldChange* change : group.changes) {
                line("| " + code(change->field) + " | " + names(*change) + " | " + document::place_text(change->place) +
                     " | " + escaped(change->before) + " | " + escaped(change->after) + " |");
            }
        }
        std::string sentences;
        for (const std::string& sentence : direction.restarted) sentences += " " + sentence;
        line("\nRestarted:" + sentences);
    }

    void beliefs() {
        if (!difference_.beliefs || difference_.beliefs->changes.empty()) return;
        line("\n## " + beliefs_title(*difference_.beliefs));
        line("\n| file | before | after |\n|---|---|---|");
        for (const BeliefChange& change : difference_.beliefs->changes) {
            line("| " + code(change.id) + " | " + escaped(change.before) + " | " + escaped(change.after) + " |");
        }
    }

    void false_beliefs() {
        if (!difference_.beliefs || difference_.beliefs->falsely_safe.empty()) return;
        line("\n## " + falsely_safe_title(*difference_.beliefs));
        line("\n| file | where |\n|---|---|");
        for (const FalseBelief& belief : difference_.beliefs->falsely_safe) {
            line("| " + code(belief.id) + " | " + escaped(where_false(belief, difference_.beliefs->cpus)) + " |");
        }
        line("");
        for (const std::string& sentence : belief_advice(difference_)) line("- " + escaped(sentence));
    }

    const Difference& difference_;
    const Rulebook& rulebook_;
    std::string text_;
};

}  // namespace

std::string diff_markdown(const Difference& difference, const Rulebook& rulebook) {
    return DiffMarkdown(difference, rulebook).text();
}

}  // namespace poolcpuid::cli
