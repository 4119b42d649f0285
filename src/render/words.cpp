#include "render/words.hpp"

#include "compare/change_words.hpp"
#include "merge/vendor_rules.hpp"

namespace poolcpuid::render {

namespace {

const char* trouble(Impact impact) {
    return impact == Impact::cosmetic ? "it shows what is not so" : diff::trouble(impact);
}

Telling telling_of_bits(bool inverted, std::uint64_t promised, std::uint64_t seen) {
    const std::uint64_t added = inverted ? promised & ~seen : seen & ~promised;
    return added != 0 ? Telling::more : Telling::less;
}

Telling telling_of_number(const Field& field, std::uint64_t promised, std::uint64_t seen) {
    if (field.rule == Rule::equal) return Telling::more;
    if (seen == 0 && field.zero_has_meaning) return Telling::unknown;
    const bool stronger = field.rule == Rule::min ? seen > promised : seen < promised;
    return stronger ? Telling::more : Telling::less;
}

Telling telling_of(const Field* field, bool inverted, std::uint64_t promised, std::optional<std::uint64_t> seen) {
    if (!seen) return Telling::unknown;
    if (field == nullptr) return telling_of_bits(false, promised, *seen);
    if (merge::promises_by_bits(field->rule)) return telling_of_bits(inverted, promised, *seen);
    if (merge::promises_by_number(field->rule)) return telling_of_number(*field, promised, *seen);
    return Telling::otherwise;
}

std::string more_text(const Field* field, bool inverted, Impact impact) {
    const std::string then = std::string("; there ") + trouble(impact) + ".";
    if (inverted) return "The guest is not told of it, and relies on what not every host keeps" + then;
    if (field != nullptr && merge::promises_by_number(field->rule)) {
        return "The guest counts on a value that not every host keeps" + then;
    }
    return "The guest may use what not every host has" + then;
}

std::string less_text(bool inverted, Impact impact) {
    if (inverted) return "The guest is told of it without need, and gives up a behaviour that every host keeps.";
    if (impact == Impact::security) return "The guest does without it: it may lack a protection, or use a slower one.";
    return "The guest does without what every host has.";
}

// True when nothing relies on the field's value: it says which CPU this is, or follows from the rest.
bool only_describes(const Field* field) {
    return field != nullptr && !merge::promises_by_bits(field->rule) && !merge::promises_by_number(field->rule);
}

}  // namespace

void describe(const Field* field, bool inverted, std::uint64_t promised, std::optional<std::uint64_t> seen,
              Inexpressible& entry) {
    const Impact impact = field == nullptr ? Impact::crash : field->impact;
    entry.telling = telling_of(field, inverted, promised, seen);
    entry.impact = impact;
    switch (entry.telling) {
        case Telling::more: entry.consequence = more_text(field, inverted, impact); break;
        case Telling::less:
            if (impact != Impact::security) entry.impact = Impact::performance;
            entry.consequence = less_text(inverted, impact);
            break;
        case Telling::otherwise:
            if (impact != Impact::security) return describe_otherwise(entry);
            entry.consequence = "The guest takes its CPU for another one, and may choose the wrong protections.";
            break;
        case Telling::unknown:
            if (!only_describes(field)) {
                entry.consequence =
                    std::string("The guest may see what not every host keeps; there ") + trouble(impact) + ".";
                break;
            }
            if (impact != Impact::security) entry.impact = Impact::cosmetic;
            entry.consequence = "The guest sees a description that is not known here.";
            break;
    }
}

void describe_lost_state(Inexpressible& entry) {
    entry.telling = Telling::less;
    entry.impact = Impact::performance;
    entry.consequence = less_text(false, Impact::performance);
}

void describe_otherwise(Inexpressible& entry) {
    entry.telling = Telling::otherwise;
    entry.impact = Impact::cosmetic;
    entry.consequence = "The guest sees another description; no promise changes.";
}

}  // namespace poolcpuid::render
