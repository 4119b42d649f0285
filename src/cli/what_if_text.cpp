#include "cli/what_if_text.hpp"

#include <algorithm>
#include <map>
#include <string_view>

#include "cli/diff_groups.hpp"
#include "cli/explain_words.hpp"
#include "cli/page.hpp"
#include "text/joined.hpp"

namespace poolcpuid::cli {

namespace {

constexpr std::string_view state_prefix = "xsave state ";

bool includes(const std::vector<std::string>& all, const std::vector<std::string>& some) {
    return std::includes(all.begin(), all.end(), some.begin(), some.end());
}

}  // namespace

std::string gain_text(const Rulebook& rulebook, const FieldChange& gain) {
    const std::string name = name_of(rulebook, gain);
    if (!has_values(rulebook, gain)) return name;
    const FieldIndex index = rulebook.find(gain.field);
    const auto text = [&](const std::string& value) {
        return index == no_field ? value : value_text(rulebook[index], value);
    };
    return name + " (" + text(gain.before) + " -> " + text(gain.after) + ")";
}

std::string gains_text(const Rulebook& rulebook, const std::vector<FieldChange>& gains, std::size_t most) {
    std::vector<std::string> fields;
    std::vector<std::string> states;
    for (const FieldChange& gain : gains) {
        const bool is_state = gain.field.starts_with(state_prefix);
        if (is_state) {
            states.push_back(gain.field.substr(state_prefix.size()));
        } else {
            fields.push_back(gain_text(rulebook, gain));
        }
    }
    const std::string listed = short_list(fields, most);
    if (states.empty()) return listed;
    const std::string what = states.size() == 1 ? "the XSAVE state " : "the XSAVE states ";
    return listed + (listed.empty() ? "" : "; ") + what + joined(states);
}

std::string without_text(const WhatIf& what_if) { return hosts_text({what_if.hosts, what_if.hosts.size()}, {}); }

std::string more_text(const WhatIf& what_if) {
    const std::size_t more = what_if.gains.size() - 1;
    if (more == 0) return "";
    return " (and " + std::to_string(more) + (more == 1 ? " more promise)" : " more promises)");
}

std::vector<const WhatIf*> smallest(const std::vector<WhatIf>& what_ifs,
                                    const std::function<bool(const WhatIf&)>& holds) {
    std::vector<const WhatIf*> all;
    for (const WhatIf& what_if : what_ifs) {
        if (holds(what_if)) all.push_back(&what_if);
    }
    std::vector<const WhatIf*> result;
    for (const WhatIf* one : all) {
        const bool is_more = std::any_of(all.begin(), all.end(), [&](const WhatIf* other) {
            return other != one && includes(one->hosts, other->hosts);
        });
        if (!is_more) result.push_back(one);
    }
    return result;
}

std::string what_if_text(const WhatIf& what_if, const ExplainedPolicy& of, std::size_t width, bool colour) {
    Page page(width, colour);
    const std::size_t count = what_if.gains.size();
    page.line("Without " + without_text(what_if) + " the pool " + of.policy.pool + " would gain " +
                  (count == 0   ? "nothing."
                   : count == 1 ? "one promise:"
                                : std::to_string(count) + " promises:"),
              Colour::bold);
    std::map<Impact, std::vector<FieldChange>> by_impact;
    for (const FieldChange& gain : what_if.gains) by_impact[gain.impact].push_back(gain);
    for (const auto& [impact, gains] : by_impact) {
        page.paragraph(2, std::string(to_string(impact)) + ": ", gains_text(of.rulebook, gains, gains.size()),
                       Colour::green);
    }
    return page.text();
}

}  // namespace poolcpuid::cli
