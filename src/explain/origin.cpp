#include "explain/origin.hpp"

#include "merge/reasons.hpp"

namespace poolcpuid::explain {

namespace {

Origin origin_of_cause(merge::Cause cause) noexcept {
    switch (cause) {
        case merge::Cause::not_asked: return Origin::not_asked;
        case merge::Cause::ceiling: return Origin::ceiling;
        case merge::Cause::hidden: return Origin::hidden;
        case merge::Cause::set: return Origin::set;
        case merge::Cause::equality: return Origin::equality;
        case merge::Cause::dependency: return Origin::dependency;
        case merge::Cause::component: return Origin::xsave_state;
        case merge::Cause::gate: return Origin::gate;
        case merge::Cause::none: break;
    }
    return Origin::hosts;
}

}  // namespace

Origin origin_of(const PolicyView& view, FieldIndex index, std::uint32_t subleaf) {
    const Field& field = view.rulebook()[index];
    const Decision* decision = view.decision(field, subleaf);
    if (decision != nullptr) {
        const merge::Cause cause = merge::parts_of(*decision, field.why).cause;
        if (cause != merge::Cause::none) return origin_of_cause(cause);
    }
    if (field.rule == Rule::owned) return Origin::owned;
    if (field.exposure == Exposure::never || field.rule == Rule::hide) return Origin::never;
    if (field.exposure == Exposure::asked && !view.is_asked_for(field)) return Origin::not_asked;
    const bool is_void = field.gate != no_field && view.value(field.gate) == 0;
    if (is_void) return Origin::gate;
    if (field.rule == Rule::derive) return Origin::derived;
    if (field.rule == Rule::identity) return Origin::identity;
    return decision != nullptr ? Origin::hosts : Origin::agreement;
}

bool is_consequence(Origin origin) noexcept {
    return origin == Origin::dependency || origin == Origin::xsave_state || origin == Origin::equality ||
           origin == Origin::gate;
}

}  // namespace poolcpuid::explain
