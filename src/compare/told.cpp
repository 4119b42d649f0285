#include "compare/told.hpp"

#include "promises/vendor_rules.hpp"

namespace poolcpuid {

std::string_view to_string(Telling telling) noexcept {
    switch (telling) {
        case Telling::more: return "more";
        case Telling::less: return "less";
        case Telling::otherwise: return "otherwise";
        case Telling::unknown: break;
    }
    return "unknown";
}

}  // namespace poolcpuid

namespace poolcpuid::compare {

namespace {

Rule rule_of(const Told& told) { return told.field == nullptr ? Rule::intersect : told.field->rule; }

Telling telling_of_bits(bool inverted, std::uint64_t policy, std::uint64_t seen) {
    const std::uint64_t added = inverted ? policy & ~seen : seen & ~policy;
    return added != 0 ? Telling::more : Telling::less;
}

Telling telling_of_number(const Field& field, std::uint64_t policy, std::uint64_t seen) {
    if (field.rule == Rule::equal) return Telling::otherwise;
    const bool has_zero = field.zero_has_meaning && (policy == 0 || seen == 0);
    if (has_zero && field.zero_means_field != no_field) return Telling::unknown;
    if (has_zero) (policy == 0 ? policy : seen) = field.zero_means;
    const bool stronger = field.rule == Rule::min ? seen > policy : seen < policy;
    return stronger ? Telling::more : Telling::less;
}

}  // namespace

Telling telling_of(const Told& told) {
    if (!told.seen) return Telling::unknown;
    const Rule rule = rule_of(told);
    if (promises::promises_by_bits(rule)) return telling_of_bits(told.inverted, told.policy, *told.seen);
    if (promises::promises_by_number(rule)) return telling_of_number(*told.field, told.policy, *told.seen);
    return Telling::otherwise;
}

std::string meaning_of_more(const Told& told, Impact impact) {
    const std::string then = std::string("; there it ") + trouble(impact) + ".";
    if (rule_of(told) == Rule::guarded) return "The guest is not told to run VERW, which hosts of the pool need" + then;
    if (told.inverted) return "The guest is not told of it, and relies on what not every host keeps" + then;
    if (promises::promises_by_number(rule_of(told))) {
        return "The guest counts on a value that not every host keeps" + then;
    }
    return "The guest may use what not every host has" + then;
}

std::string meaning_of_less(const Told& told, Impact impact) {
    if (rule_of(told) == Rule::guarded) return "The guest is told to run VERW without need.";
    if (told.inverted) {
        return "The guest is told of it without need, and gives up a behaviour that every host keeps.";
    }
    if (promises::promises_by_number(rule_of(told))) return "The guest keeps to a tighter limit than the pool's.";
    if (impact == Impact::security) return "The guest does without it: it may lack a protection, or use a slower one.";
    return "The guest does without what every host has.";
}

const char* trouble(Impact impact) noexcept {
    switch (impact) {
        case Impact::crash: return "may crash";
        case Impact::security: return "may be open to an attack";
        case Impact::wrong_result: return "may compute wrong results";
        case Impact::performance: return "may run slower";
        case Impact::cosmetic: break;
    }
    return "may show what is not so";
}

}  // namespace poolcpuid::compare
