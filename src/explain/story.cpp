#include "explain/story.hpp"

#include <algorithm>
#include <map>
#include <tuple>
#include <utility>

#include "explain/states.hpp"
#include "policy/reason.hpp"

namespace poolcpuid::explain {

namespace {

// What decisions of one group share.
using Key = std::tuple<Cause, std::vector<std::string>, std::size_t, std::string, std::string>;

bool has_promise(const Field& field) {
    return merge::promises_by_bits(field.rule) || merge::promises_by_number(field.rule);
}

Key key_of(const PolicyView& view, FieldIndex index, const Decision& decision) {
    const Field& field = view.rulebook()[index];
    const Cause cause = view.cause(field, decision.place.subleaf_first);
    const std::string reason = is_consequence(cause) ? document::what_happened(view.rulebook(), decision) : "";
    const std::string ask = cause == Cause::not_asked ? std::string(field.ask) : "";
    return {cause, decision.because.names, decision.because.count, reason, ask};
}

// The fields of which every host promises the same, so that there was nothing to decide.
std::size_t count_agreed(const PolicyView& view) {
    std::size_t count = 0;
    for (const FieldIndex index : view.plan().fields()) {
        const Field& field = view.rulebook()[index];
        const bool is_told = view.plan().lays_out_state(field) || !has_promise(field);
        if (is_told || view.value(index) == 0 || view.decision(field, field.subleaf_first) != nullptr) continue;
        ++count;
    }
    return count;
}

}  // namespace

Story story_of(const PolicyView& view) {
    Story story;
    std::map<Key, std::vector<StoryItem>> items;
    for (const Decision& decision : view.policy().decisions) {
        const FieldIndex index = view.rulebook().find(decision.field);
        if (index == no_field) story.unknown_fields.push_back(decision.field);
        if (index == no_field || view.plan().lays_out_state(view.rulebook()[index])) continue;
        items[key_of(view, index, decision)].push_back({index, &decision});
    }
    for (auto& [key, fields] : items) {
        const auto& [cause, because, count, reason, ask] = key;
        story.groups.push_back({cause, {because, count}, reason, ask, std::move(fields)});
    }
    std::stable_sort(story.groups.begin(), story.groups.end(), [](const StoryGroup& a, const StoryGroup& b) {
        return std::tuple(a.cause, b.items.size()) < std::tuple(b.cause, a.items.size());
    });
    story.states = explain_states(view);
    story.agreed = count_agreed(view);
    return story;
}

}  // namespace poolcpuid::explain
