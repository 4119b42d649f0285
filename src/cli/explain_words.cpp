#include "cli/explain_words.hpp"

#include <algorithm>
#include <utility>

#include "policy/reason.hpp"

namespace poolcpuid::cli {

namespace {

std::string line_of(const ExplainedState& state, const PoolSize& pool) {
    if (state.kept) return "kept";
    std::string detail;
    if (state.cause == Cause::layout) {
        for (const ValueOfHosts& seen : state.seen) {
            detail += (detail.empty() ? "" : "; ") + seen.value + " on " + hosts_text({seen.hosts, seen.count}, pool);
        }
    } else if (state.because.count > 0) {
        detail = hosts_text(state.because, pool);
    }
    return std::string(document::state_fate(state.cause)) + (detail.empty() ? "" : " (" + detail + ")");
}

std::string words_for(const ExplainedState& state) {
    return state.kept && !state.layout.empty() ? state.id + " (" + state.layout + ")" : state.id;
}

}  // namespace

std::string item_name(const Rulebook& rulebook, const StoryItem& item) {
    return document::name_of(rulebook, *item.decision);
}

bool is_unsaid(const Decision& decision) {
    const auto is = [](const char* value) { return [value](const ValueOfHosts& seen) { return seen.value == value; }; };
    const bool is_empty = std::all_of(decision.values.begin(), decision.values.end(),
                                      [&](const ValueOfHosts& seen) { return is("unknown")(seen) || is("0x0")(seen); });
    return is_empty && decision.value == "0x0" &&
           std::any_of(decision.values.begin(), decision.values.end(), is("unknown"));
}

std::vector<std::string> state_lines(const std::vector<ExplainedState>& states, const PoolSize& pool) {
    std::vector<std::pair<std::string, std::string>> lines;  // what is said, and of which states
    for (const ExplainedState& state : states) {
        const std::string said = line_of(state, pool);
        const auto same =
            std::find_if(lines.begin(), lines.end(), [&](const auto& line) { return line.first == said; });
        if (same == lines.end()) {
            lines.emplace_back(said, words_for(state));
        } else {
            same->second += ", " + words_for(state);
        }
    }
    std::vector<std::string> result;
    for (const auto& [said, ids] : lines) result.push_back(ids + ": " + said);
    return result;
}

}  // namespace poolcpuid::cli
