#include "explain/states.hpp"

#include <algorithm>
#include <map>
#include <utility>

#include "merge/reasons.hpp"

namespace poolcpuid::explain {

namespace {

// Where in the row of a component its size and its place are (SDM vol. 1, 13.4.2).
constexpr Register size_register = Register::eax;
constexpr Register offset_register = Register::ebx;

bool holds(std::span<const FieldIndex> fields, FieldIndex index) {
    return std::find(fields.begin(), fields.end(), index) != fields.end();
}

std::string bytes_at(std::uint64_t size, std::uint64_t offset) {
    if (size == 0) return "none";
    return std::to_string(size) + " bytes" + (offset == 0 ? "" : " at " + std::to_string(offset));
}

// The bits of XCR0, or of IA32_XSS, in the policy's registers.
std::uint64_t enabled_states(const PolicyView& view, bool supervisor) {
    std::uint64_t mask = 0;
    for (const FieldIndex index : view.plan().fields()) {
        const Field& field = view.rulebook()[index];
        const Derivation how = field.derive.how;
        if (how == (supervisor ? Derivation::xss_low : Derivation::xcr0_low)) mask |= view.value(index);
        if (how == (supervisor ? Derivation::xss_high : Derivation::xcr0_high)) mask |= view.value(index) << 32;
    }
    return mask;
}

const Decision* at_register(const std::vector<const Decision*>& decisions, Register reg) {
    const auto at = std::find_if(decisions.begin(), decisions.end(),
                                 [&](const Decision* decision) { return decision->place.reg == reg; });
    return at == decisions.end() ? nullptr : *at;
}

std::string layout_text(const std::string& size, const std::string& offset) {
    return size == "unknown" ? size : bytes_at(number_of(size), number_of(offset));
}

bool is_complete(const std::vector<ValueOfHosts>& values) {
    return std::all_of(values.begin(), values.end(),
                       [](const ValueOfHosts& value) { return value.hosts.size() == value.count; });
}

std::vector<ValueOfHosts> joined_by_host(const std::vector<ValueOfHosts>& sizes,
                                         const std::vector<ValueOfHosts>& offsets) {
    std::map<std::string, std::string> offset_of;
    for (const ValueOfHosts& offset : offsets) {
        for (const std::string& host : offset.hosts) offset_of[host] = offset.value;
    }
    std::vector<ValueOfHosts> layouts;
    for (const ValueOfHosts& size : sizes) {
        for (const std::string& host : size.hosts) {
            const std::string text = layout_text(size.value, offset_of[host]);
            auto at = std::find_if(layouts.begin(), layouts.end(),
                                   [&](const ValueOfHosts& layout) { return layout.value == text; });
            if (at == layouts.end()) at = layouts.insert(at, {text, {}, 0});
            at->hosts.push_back(host);
            ++at->count;
        }
    }
    return layouts;
}

// The layouts that hosts have. Sizes and offsets are decisions of their own.
std::vector<ValueOfHosts> layouts_seen(const std::vector<const Decision*>& decisions) {
    const Decision* size = at_register(decisions, size_register);
    const Decision* offset = at_register(decisions, offset_register);
    if (size == nullptr) return {};
    const std::vector<ValueOfHosts> offsets = offset == nullptr ? std::vector<ValueOfHosts>{} : offset->values;
    if (is_complete(size->values) && is_complete(offsets)) return joined_by_host(size->values, offsets);
    // Lists that are cut off cannot be joined: then only that is told which tells the hosts apart.
    const bool offsets_differ = size->values.size() == 1;
    std::vector<ValueOfHosts> layouts = offsets_differ ? offsets : size->values;
    for (ValueOfHosts& layout : layouts) {
        layout.value =
            offsets_differ ? layout_text(size->values.front().value, layout.value) : layout_text(layout.value, "");
    }
    return layouts;
}

std::string layout_in(const PolicyView& view, const XsaveComponent& component) {
    if (component.state == XsaveState::legacy || !view.plan().xsave_leaf()) return "";
    for (const CpuidRow& row : view.policy().cpuid) {
        if (row.key == LeafKey{*view.plan().xsave_leaf(), component.bit}) {
            return bytes_at(row.value[size_register], row.value[offset_register]);
        }
    }
    return "";
}

bool is_seen(const std::vector<const Decision*>& decisions) {
    return std::any_of(decisions.begin(), decisions.end(), [](const Decision* decision) {
        return std::any_of(decision->values.begin(), decision->values.end(),
                           [](const ValueOfHosts& value) { return number_of(value.value) != 0; });
    });
}

}  // namespace

std::vector<const Decision*> layout_decisions(const PolicyView& view, const XsaveComponent& component) {
    if (!view.plan().xsave_leaf()) return {};
    std::vector<const Decision*> decisions = view.decisions_at({*view.plan().xsave_leaf(), component.bit});
    const bool has_row = component.state != XsaveState::legacy;
    std::erase_if(decisions,
                  [&](const Decision* decision) { return !has_row || decision->rule != to_string(Rule::equal); });
    return decisions;
}

ExplainedState explain_state(const PolicyView& view, const XsaveComponent& component) {
    ExplainedState state;
    state.id = component.id;
    state.bit = component.bit;
    state.supervisor = component.state == XsaveState::supervisor;
    state.kept = ((enabled_states(view, state.supervisor) >> component.bit) & 1U) != 0;
    for (const FieldIndex index : component.features) {
        if (view.plan().applies(view.rulebook()[index])) state.features.push_back(index);
    }
    if (state.kept) {
        state.layout = layout_in(view, component);
        return state;
    }
    const std::vector<const Decision*> decisions = layout_decisions(view, component);
    if (decisions.empty()) return state;
    const Decision& decision = *decisions.front();
    const FieldIndex index = view.rulebook().find(decision.field);
    const auto parts = merge::parts_of(decision, index == no_field ? std::string_view() : view.rulebook()[index].why);
    state.reason = parts.happened;
    state.because = {decision.because, parts.limiting};
    state.seen = layouts_seen(decisions);
    return state;
}

std::vector<ExplainedState> explain_states(const PolicyView& view) {
    std::vector<ExplainedState> states;
    for (const XsaveComponent& component : view.rulebook().xsave) {
        ExplainedState state = explain_state(view, component);
        if (state.kept || is_seen(layout_decisions(view, component))) states.push_back(std::move(state));
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
        const bool lays_out = !field.is_msr && field.rule == Rule::equal && field.leaf == view.plan().xsave_leaf();
        if (lays_out) return !state.layout.empty() || !state.seen.empty();
        const bool has_row = !state.layout.empty() || !state.seen.empty();
        return has_row && holds(state.features, index);
    };
    std::vector<ExplainedState> states = explain_states(view);
    std::erase_if(states, [&](const ExplainedState& state) { return !concerns(state); });
    return states;
}

}  // namespace poolcpuid::explain
