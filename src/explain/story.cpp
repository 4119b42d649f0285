#include "explain/story.hpp"

#include <algorithm>
#include <map>
#include <tuple>
#include <utility>

#include "base/hex.hpp"
#include "policy/document_text.hpp"
#include "policy/reason.hpp"
#include "promises/table_values.hpp"

namespace poolcpuid::explain {

namespace {

// What decisions of one group share.
using Key = std::tuple<Cause, std::vector<std::string>, std::size_t, CpuCounts, std::string, std::string>;

bool has_promise(const Field& field) {
    return promises::promises_by_bits(field.rule) || promises::promises_by_number(field.rule);
}

Key key_of(const PolicyView& view, FieldIndex index, const Decision& decision) {
    const Field& field = view.rulebook()[index];
    // A decision has a cause, whatever the rulebook.
    const Cause cause = view.cause(field, decision.place.subleaf_first).value_or(decision.cause);
    const std::string reason = is_consequence(cause) ? document::what_happened(view.rulebook(), decision) : "";
    const bool can_be_asked = cause == Cause::not_asked && field.exposure == Exposure::asked;
    const std::string ask = can_be_asked ? std::string(field.ask) : "";
    return {cause, decision.because.names, decision.because.count, decision.because.cpus, reason, ask};
}

// The fields of which every host promises the same, so that there was nothing to decide.
std::size_t count_agreed(const PolicyView& view) {
    std::size_t count = 0;
    for (const FieldIndex index : view.rules().fields()) {
        const Field& field = view.rulebook()[index];
        const bool is_told = view.rules().lays_out_state(field) || !has_promise(field);
        const bool is_decided = view.decision(field, field.subleaf_first) != nullptr;
        if (is_told || view.value(index) == 0 || is_decided || view.is_undecided(field, field.subleaf_first)) continue;
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
        if (index == no_field || view.rules().lays_out_state(view.rulebook()[index])) continue;
        const Field& field = view.rulebook()[index];
        items[key_of(view, index, decision)].push_back(
            {index, &decision, view.former_class(field, decision.place.subleaf_first)});
    }
    for (auto& [key, fields] : items) {
        const auto& [cause, because, count, cpus, reason, ask] = key;
        story.groups.push_back({cause, {because, count, cpus}, reason, ask, std::move(fields)});
    }
    std::stable_sort(story.groups.begin(), story.groups.end(), [](const StoryGroup& a, const StoryGroup& b) {
        return std::tuple(a.cause, b.items.size()) < std::tuple(b.cause, a.items.size());
    });
    story.states = explain_states(view);
    story.agreed = count_agreed(view);
    return story;
}

namespace {

bool holds(std::span<const FieldIndex> fields, FieldIndex index) {
    return std::find(fields.begin(), fields.end(), index) != fields.end();
}

// The bits of XCR0, or of IA32_XSS, in the policy's registers.
std::uint64_t enabled_states(const PolicyView& view, bool supervisor) {
    std::uint64_t mask = 0;
    for (const FieldIndex index : view.rules().fields()) {
        const Field& field = view.rulebook()[index];
        const Derivation how = field.derive.how;
        if (how == (supervisor ? Derivation::xss_low : Derivation::xcr0_low)) mask |= view.value(index);
        if (how == (supervisor ? Derivation::xss_high : Derivation::xcr0_high)) mask |= view.value(index) << 32;
    }
    return mask;
}

std::string layout_in(const PolicyView& view, const XsaveComponent& component) {
    if (component.state == XsaveState::legacy || !view.rules().xsave_leaf()) return "";
    const Registers* row = view.registers().row({*view.rules().xsave_leaf(), component.bit});
    if (row == nullptr) return "";
    return document::layout_text({(*row)[promises::size_register], {}, 0, promises::state_place_of(*row)});
}

bool is_seen(const Decision* decision) {
    return decision != nullptr && std::any_of(decision->values.begin(), decision->values.end(),
                                              [](const ValueOfHosts& value) { return value.value.value_or(0) != 0; });
}

// What a field of the row that lays out a state has in one of the hosts' layouts.
std::optional<std::uint64_t> value_in(const ValueOfHosts& layout, const Field& field) {
    if (!layout.value) return std::nullopt;
    const Registers row =
        promises::state_row(static_cast<std::uint32_t>(*layout.value), layout.at.value_or(StatePlace{}));
    return (row[field.reg] & field.mask()) >> field.low;
}

}  // namespace

std::vector<ValueOfHosts> values_of(const Decision& decision, const Field& field) {
    if (decision.state.empty()) return decision.values;
    const Registers all = promises::state_row(~std::uint32_t{0}, {~std::uint32_t{0}, true});
    if ((all[field.reg] & field.mask()) == 0) return {};  // the decision says it of no host
    std::vector<ValueOfHosts> values;
    for (const ValueOfHosts& layout : decision.values) {
        ValueOfHosts value{value_in(layout, field), layout.hosts, layout.count};
        const auto same = std::find_if(values.begin(), values.end(),
                                       [&](const ValueOfHosts& other) { return other.value == value.value; });
        if (same == values.end()) {
            values.push_back(std::move(value));
            continue;
        }
        same->count += value.count;
        same->hosts.insert(same->hosts.end(), value.hosts.begin(), value.hosts.end());
        std::sort(same->hosts.begin(), same->hosts.end());
        // Of lists that are cut the first names of both are those of the two together.
        if (same->hosts.size() < same->count) same->hosts.resize(std::min(same->hosts.size(), most_names));
    }
    return values;
}

ExplainedState explain_state(const PolicyView& view, const XsaveComponent& component) {
    ExplainedState state;
    state.id = component.id;
    state.bit = component.bit;
    state.supervisor = component.state == XsaveState::supervisor;
    state.kept = ((enabled_states(view, state.supervisor) >> component.bit) & 1U) != 0;
    for (const FieldIndex index : component.features) {
        if (view.rules().applies(view.rulebook()[index])) state.features.push_back(index);
    }
    if (state.kept) {
        state.layout = layout_in(view, component);
        return state;
    }
    const Decision* decision = view.decision(component);
    if (view.is_undecided(component)) state.cause.reset();
    if (decision == nullptr) return state;
    state.cause = decision->cause;
    state.reason = document::what_happened(view.rulebook(), *decision);
    state.because = decision->because;
    state.seen = decision->values;
    return state;
}

std::vector<ExplainedState> explain_states(const PolicyView& view) {
    std::vector<ExplainedState> states;
    for (const XsaveComponent& component : view.rulebook().xsave) {
        ExplainedState state = explain_state(view, component);
        if (state.kept || is_seen(view.decision(component))) states.push_back(std::move(state));
    }
    std::sort(states.begin(), states.end(),
              [](const ExplainedState& a, const ExplainedState& b) { return a.bit < b.bit; });
    return states;
}

std::vector<ExplainedState> states_of(const PolicyView& view, FieldIndex index) {
    const Field& field = view.rulebook()[index];
    const auto concerns = [&](const ExplainedState& state) {
        switch (field.derive.how) {
            case Derivation::xcr0_low: return !state.supervisor && state.bit < 32;
            case Derivation::xcr0_high: return !state.supervisor && state.bit >= 32;
            case Derivation::xss_low: return state.supervisor && state.bit < 32;
            case Derivation::xss_high: return state.supervisor && state.bit >= 32;
            case Derivation::xsave_size: return !state.supervisor && state.kept;
            default: break;
        }
        if (view.rules().lays_out_state(field)) return !state.layout.empty() || !state.seen.empty();
        const bool has_row = !state.layout.empty() || !state.seen.empty();
        return has_row && holds(state.features, index);
    };
    std::vector<ExplainedState> states = explain_states(view);
    std::erase_if(states, [&](const ExplainedState& state) { return !concerns(state); });
    return states;
}

}  // namespace poolcpuid::explain
