#include "report/words.hpp"

#include <algorithm>
#include <array>

namespace poolcpuid::report {

namespace {

constexpr std::array<RuleWords, 11> all_rules{{
    {"intersect", "A set bit promises.", "Set when every host has it."},
    {"union", "A clear bit promises.", "Set as soon as one host has it."},
    {"min", "A limit that holds on every host.", "The smallest of the hosts."},
    {"max", "An obligation.", "The largest of the hosts."},
    {"equal", "The value itself promises.", "The value of all hosts, or none; what needs it goes with it."},
    {"guarded", "The bit asks for VERW; the promise is that VERW scrubs wherever the guest runs.",
     "Set as soon as one host has it; the promise holds when every host without it is immune."},
    {"group", "Several fields carry one promise.", "The weakest promise of the hosts, shown by the fields together."},
    {"derive", "Nothing: it follows from other fields.", "Computed last, from what the policy has."},
    {"identity", "Nothing: it describes one CPU.", "From the host that lends the identity."},
    {"owned", "Nothing: the VMM or the guest fills it in.", "0, and listed as owned."},
    {"hide", "Nothing: it is not for a guest in a pool.", "0."},
}};

}  // namespace

const RuleWords* words_of(std::string_view rule) {
    const auto at =
        std::find_if(all_rules.begin(), all_rules.end(), [&](const RuleWords& w) { return w.rule == rule; });
    return at == all_rules.end() ? nullptr : &*at;
}

std::string_view style_of(std::string_view rule) {
    const RuleWords* words = words_of(rule);
    return words == nullptr ? "other" : words->rule;
}

std::string_view cost_of(Impact impact) {
    switch (impact) {
        case Impact::crash: return "The guest may crash.";
        case Impact::security: return "The guest may be open to an attack.";
        case Impact::wrong_result: return "The guest may compute wrong results.";
        case Impact::performance: return "The guest may run slower.";
        case Impact::cosmetic: break;
    }
    return "The guest shows something that is not so.";
}

std::string counted(std::size_t count, std::string_view one) {
    return std::to_string(count) + " " + std::string(one) + (count == 1 ? "" : "s");
}

std::string ranges(const std::vector<std::size_t>& numbers) {
    std::string text;
    for (std::size_t i = 0; i < numbers.size();) {
        std::size_t last = i;
        while (last + 1 < numbers.size() && numbers[last + 1] == numbers[last] + 1) ++last;
        text += (text.empty() ? "" : ", ") + std::to_string(numbers[i]);
        if (last > i) text += (last == i + 1 ? ", " : "–") + std::to_string(numbers[last]);
        i = last + 1;
    }
    return text;
}

std::string letter(std::size_t index) {
    std::string text(1, static_cast<char>('a' + index % 26));
    return index < 26 ? text : letter(index / 26 - 1) + text;
}

}  // namespace poolcpuid::report
