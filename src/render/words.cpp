#include "render/words.hpp"

#include "compare/told.hpp"
#include "promises/vendor_rules.hpp"

namespace poolcpuid::render {

namespace {

using compare::trouble;

// True when nothing relies on the field's value: it says which CPU this is, or follows from the rest.
bool only_describes(const Field* field) {
    return field != nullptr && !promises::promises_by_bits(field->rule) && !promises::promises_by_number(field->rule);
}

// True when a guest of the vendor that is not shown the field goes without a mitigation, whatever a broken promise of
// it costs.
bool is_protection(const promises::VendorRules& rules, const Field* field) {
    return field != nullptr && field->rule == Rule::intersect &&
           !rules.rulebook().mitigated_by(*field, rules.vendor_mask()).empty();
}

}  // namespace

void describe(const promises::VendorRules& rules, const Field* field, bool inverted, Inexpressible& entry) {
    const compare::Told told{field, inverted, entry.value, entry.instead};
    const Impact impact = field == nullptr ? Impact::crash : field->impact;
    entry.telling = compare::telling_of(told);
    // A value that promises by being equal is one that not every host keeps.
    if (entry.telling == Telling::otherwise && !only_describes(field)) entry.telling = Telling::more;
    entry.impact = impact;
    switch (entry.telling) {
        case Telling::more: entry.consequence = compare::meaning_of_more(told, impact); break;
        case Telling::less: {
            const Impact lost = is_protection(rules, field) ? Impact::security : impact;
            entry.impact = lost == Impact::security ? lost : Impact::performance;
            entry.consequence = compare::meaning_of_less(told, lost);
            break;
        }
        case Telling::otherwise:
            if (impact != Impact::security) return describe_otherwise(entry);
            entry.consequence = "The guest takes its CPU for another one, and may choose the wrong protections.";
            break;
        case Telling::unknown:
            if (!only_describes(field)) {
                entry.consequence =
                    std::string("The guest may see what not every host keeps; there it ") + trouble(impact) + ".";
                break;
            }
            if (impact != Impact::security) entry.impact = Impact::cosmetic;
            entry.consequence = "The guest sees a description that is not known here.";
            break;
    }
}

bool is_plain_name(std::string_view name) noexcept {
    constexpr std::string_view plain = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._-";
    return !name.empty() && name.find_first_not_of(plain) == std::string_view::npos;
}

void describe_lost_state(Inexpressible& entry) {
    entry.telling = Telling::less;
    entry.impact = Impact::performance;
    entry.consequence = compare::meaning_of_less({}, Impact::performance);
}

void describe_otherwise(Inexpressible& entry) {
    entry.telling = Telling::otherwise;
    entry.impact = Impact::cosmetic;
    entry.consequence = "The guest sees another description; no promise changes.";
}

}  // namespace poolcpuid::render
