#include "cli/explain_words.hpp"

#include <algorithm>
#include <utility>

namespace poolcpuid::cli {

namespace {

// "not on every host" of "The XSAVE state opmask is not on every host."
std::string without_subject(const ExplainedState& state) {
    std::string text = state.reason;
    const std::string subject = "The XSAVE state " + state.id + " ";
    if (text.starts_with(subject)) text.erase(0, subject.size());
    if (text.starts_with("is ")) text.erase(0, 3);
    if (text.ends_with(".")) text.pop_back();
    return text;
}

// Layouts that no two hosts share are what keeps a state out that all of them have.
bool is_conflict(const ExplainedState& state) {
    return state.seen.size() > 1 && std::none_of(state.seen.begin(), state.seen.end(), [](const ValueOfHosts& seen) {
               return seen.value == "none" || seen.value == "unknown";
           });
}

std::string line_of(const ExplainedState& state, const PoolSize& pool) {
    if (state.kept) return "kept";
    std::string detail;
    if (is_conflict(state)) {
        for (const ValueOfHosts& seen : state.seen) {
            detail += (detail.empty() ? "" : "; ") + seen.value + " on " + hosts_text({seen.hosts, seen.count}, pool);
        }
    } else if (state.because.count > 0) {
        detail = hosts_text(state.because, pool);
    }
    return without_subject(state) + (detail.empty() ? "" : " (" + detail + ")");
}

std::string words_for(const ExplainedState& state) {
    return state.kept && !state.layout.empty() ? state.id + " (" + state.layout + ")" : state.id;
}

}  // namespace

std::string item_name(const Rulebook& rulebook, const StoryItem& item) {
    return document::field_text(rulebook, item.decision->field, item.decision->place);
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
