#include "explain/policy_view.hpp"

#include <limits>
#include <utility>

#include "explain/story.hpp"
#include "explain/words.hpp"
#include "policy/reason.hpp"

namespace poolcpuid::explain {

PolicyView::PolicyView(const Rulebook& rulebook, const PoolPolicy& policy, const PoolPolicy* hosts)
    : rules_(promises::VendorRules::of(rulebook, policy)),
      policy_(policy),
      registers_(policy),
      shown_(rules_, policy.options) {
    if (hosts != nullptr) hosts_ = std::make_unique<const PolicyView>(rulebook, *hosts, nullptr);
    for (const Decision& decision : policy.decisions) {
        decisions_[{decision.field, decision.place.subleaf_first}] = &decision;
        if (!decision.state.empty()) states_[decision.state] = &decision;
    }
}

std::uint64_t PolicyView::value(FieldIndex index) const {
    const Field& field = rulebook()[index];
    return rules_.applies(field) ? registers_.value(field) : 0;
}

const Decision* PolicyView::decision(const Field& field, std::uint32_t subleaf) const {
    if (rules_.lays_out_state(field)) {
        if (const XsaveComponent* state = rulebook().find_state(subleaf)) return decision(*state);
    }
    const auto at = decisions_.find({std::string(field.id), subleaf});
    return at == decisions_.end() ? nullptr : at->second;
}

const Decision* PolicyView::decision(const XsaveComponent& component) const {
    const auto at = states_.find(std::string(component.id));
    return at == states_.end() ? nullptr : at->second;
}

std::optional<Cause> PolicyView::cause(const Field& field, std::uint32_t subleaf) const {
    const Decision* known = decision(field, subleaf);
    if (known != nullptr && known->cause != Cause::hosts) return known->cause;
    if (former_class(field, subleaf)) return known != nullptr ? Cause::hosts : Cause::agreement;
    const Cause of_kind = document::cause_of(field);
    if (of_kind == Cause::owned || of_kind == Cause::never) return of_kind;
    if (is_unasked(field, subleaf)) return Cause::not_asked;
    const bool is_void = field.gate != no_field && value(field.gate) == 0;
    if (is_void) return Cause::gate;
    if (of_kind != Cause::hosts) return of_kind;
    if (known != nullptr) return Cause::hosts;
    if (is_undecided(field, subleaf)) return std::nullopt;
    return Cause::agreement;
}

std::optional<FormerClass> PolicyView::former_class(const Field& field, std::uint32_t subleaf) const {
    const Decision* known = decision(field, subleaf);
    const bool is_of_state = known != nullptr && !known->state.empty();
    if (is_of_state || !is_of_other_rulebook()) return std::nullopt;
    FormerClass former{known == nullptr ? "" : known->rule, former_exposure(field, subleaf), {}};
    const bool is_by_other_rule = known != nullptr && former.rule != to_string(field.rule);
    if (!former.exposure && !is_by_other_rule) return std::nullopt;
    former.sentence = former_sentence(policy_.rulebook_version, former, field);
    return former;
}

std::optional<Exposure> PolicyView::former_exposure(const Field& field, std::uint32_t subleaf) const {
    const Decision* known = decision(field, subleaf);
    const Cause cause = known == nullptr ? Cause::agreement : known->cause;
    const bool is_never = document::cause_of(field) == Cause::never;
    if (cause == Cause::not_asked) {
        return field.exposure == Exposure::asked ? std::nullopt : std::optional(Exposure::asked);
    }
    if (cause == Cause::never) return is_never ? std::nullopt : std::optional(Exposure::never);
    const bool is_withheld_now = is_never || shown_.is_unasked(rulebook().find(field.id));
    return is_withheld_now && was_shown(field, subleaf) ? std::optional(Exposure::shown) : std::nullopt;
}

// With --show a field may have come with another; and documents of version 1.0 do not tell what was decided among hosts
// from what no guest is shown.
bool PolicyView::was_shown(const Field& field, std::uint32_t subleaf) const {
    if (!policy_.options.show.empty()) return false;
    const Decision* known = decision(field, subleaf);
    if (known == nullptr) return value(field, subleaf) != 0;
    return policy_.older_sha256.empty() && (known->cause == Cause::hosts || is_consequence(known->cause));
}

// A bit that no rule covers is 0: a field that is not was decided by rules, and without a decision its hosts agree. Of
// several bits some may have been without.
bool PolicyView::is_undecided(const Field& field, std::uint32_t subleaf) const {
    if (!is_of_other_rulebook() || decision(field, subleaf) != nullptr) return false;
    const std::uint64_t shown = value(field, subleaf);
    return promises::promises_by_bits(field.rule) ? shown != field.mask() >> field.low : shown == 0;
}

bool PolicyView::is_undecided(const XsaveComponent& component) const {
    return is_of_other_rulebook() && decision(component) == nullptr;
}

// Where the hosts' own policy has no decision, either, each of them has what it has.
std::vector<ValueOfHosts> PolicyView::values_in_dumps(const Field& field, std::uint32_t subleaf) const {
    if (!has_dumps()) return {};
    if (const Decision* known = hosts_->decision(field, subleaf)) return values_of(*known, field);
    if (hosts_->cause(field, subleaf) != Cause::agreement) return {};
    HostList all;
    for (const HostClass& host : hosts_->policy().hosts) {
        if (!host.is_ceiling()) all.add({host.names, host.count}, std::numeric_limits<std::size_t>::max());
    }
    return {{hosts_->value(field, subleaf), std::move(all.names), all.count}};
}

// Another rulebook may have shown it unasked.
bool PolicyView::is_unasked(const Field& field, std::uint32_t subleaf) const {
    if (!shown_.is_unasked(rulebook().find(field.id))) return false;
    return !is_of_other_rulebook() || value(field, subleaf) == 0;
}

bool PolicyView::is_scrub_lost(const Field& field) const {
    const Decision* known = decision(field, field.subleaf_first);
    return known != nullptr ? known->scrubs == std::optional(false) : is_undecided(field, field.subleaf_first);
}

std::vector<Finding> PolicyView::findings_about(const Field& field) const {
    std::vector<Finding> found;
    for (const Finding& finding : policy_.findings) {
        if (finding.field == field.id) found.push_back(finding);
    }
    return found;
}

}  // namespace poolcpuid::explain
