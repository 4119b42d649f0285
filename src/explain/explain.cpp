#include "poolcpuid/explain.hpp"

#include <algorithm>
#include <utility>

#include "base/hex.hpp"
#include "base/printable.hpp"
#include "explain/policy_view.hpp"
#include "explain/story.hpp"
#include "explain/words.hpp"
#include "policy/reason.hpp"
#include "poolcpuid/error.hpp"
#include "rulebook/near_names.hpp"

namespace poolcpuid {

using explain::PolicyView;

namespace {

// Of what another rulebook withheld, only that.
std::string reason_of(const PolicyView& view, const Decision& decision, const std::optional<FormerClass>& former) {
    const bool is_withheld = decision.cause == Cause::not_asked || decision.cause == Cause::never;
    if (former && is_withheld) return former->sentence;
    return document::what_happened(view.rulebook(), decision) + (former ? " " + former->sentence : "");
}

ExplainedValue explain_value(const PolicyView& view, FieldIndex index, std::uint32_t subleaf) {
    const Field& field = view.rulebook()[index];
    ExplainedValue value;
    value.place = field.place(subleaf);
    value.value = view.value(field, subleaf);
    value.cause = view.cause(field, subleaf);
    value.undecided = view.is_undecided(field, subleaf) && !view.has_dumps();
    value.former = view.former_class(field, subleaf);
    const Cause cause = value.former ? Cause::agreement : value.cause.value_or(Cause::agreement);
    value.means = explain::meaning_of(view, index, subleaf, cause);
    if (const Decision* decision = view.decision(field, subleaf)) {
        value.seen = explain::values_of(*decision, field);
        value.because = decision->because;
        value.deciders = deciders_of(*decision);
        value.reason = reason_of(view, *decision, value.former);
        return value;
    }
    if (value.former) value.reason = value.former->sentence;
    if (view.is_undecided(field, subleaf)) value.seen = view.values_in_dumps(field, subleaf);
    if (value.cause == Cause::gate || value.cause == Cause::not_asked) {
        Decision none;  // no host has the field, so that there was nothing to decide
        none.cause = *value.cause;
        if (value.cause == Cause::gate) none.on = {std::string(view.rulebook()[field.gate].id)};
        value.reason = document::what_happened(view.rulebook(), none);
    }
    return value;
}

// What a field that is not in the policy needs, and the policy has not either.
std::vector<FieldIndex> lacking_for(const PolicyView& view, FieldIndex index) {
    std::vector<FieldIndex> lacking;
    if (view.value(index) != 0) return lacking;
    for (const Dependency& dependency : view.rulebook().dependencies) {
        const auto& dependents = dependency.dependents;
        const auto& needed = dependency.prerequisites;
        const bool is_met =
            dependency.where_had || (dependency.vendors & view.vendors()) == 0 ||
            std::find(dependents.begin(), dependents.end(), index) == dependents.end() ||
            std::any_of(needed.begin(), needed.end(), [&](FieldIndex other) { return view.value(other) != 0; });
        if (!is_met) lacking.insert(lacking.end(), needed.begin(), needed.end());
    }
    std::sort(lacking.begin(), lacking.end());
    lacking.erase(std::unique(lacking.begin(), lacking.end()), lacking.end());
    return lacking;
}

bool is_vendors(const PolicyView& view, const Field& field) { return (field.vendors & view.vendors()) != 0; }

}  // namespace

struct Explainer::Impl {
    PolicyView view;
};

Explainer::Explainer(const Rulebook& rulebook, const PoolPolicy& policy, const PoolPolicy* hosts)
    : impl_(std::make_unique<const Impl>(Impl{PolicyView(rulebook, policy, hosts)})) {}
Explainer::Explainer(Explainer&& other) noexcept = default;
Explainer& Explainer::operator=(Explainer&& other) noexcept = default;
Explainer::~Explainer() = default;

std::vector<FieldIndex> Explainer::fields_named(std::string_view name) const {
    const PolicyView& view = impl_->view;
    std::vector<FieldIndex> found = view.rulebook().find_printed_name(name);
    const bool of_another = !found.empty();
    std::erase_if(found, [&](FieldIndex index) { return !is_vendors(view, view.rulebook()[index]); });
    if (!found.empty()) return found;
    const std::string what =
        of_another ? "is a field of another vendor than " + printable(view.policy().vendor) : "is no name of a field";
    throw UsageError("\"" + printable(name) + "\" " + what +
                     rulebook::did_you_mean(view.rulebook(), view.vendors(), name));
}

ExplainedField Explainer::field(FieldIndex index) const {
    const PolicyView& view = impl_->view;
    const Field& field = view.rulebook()[index];
    ExplainedField result;
    result.field = index;
    result.asked = view.is_asked(index);
    for (std::uint32_t subleaf = field.subleaf_first; subleaf <= field.subleaf_last; ++subleaf) {
        const bool says_something = view.value(field, subleaf) != 0 || view.decision(field, subleaf) != nullptr;
        if (says_something) result.values.push_back(explain_value(view, index, subleaf));
    }
    if (result.values.empty()) {
        result.values.push_back(explain_value(view, index, field.subleaf_first));
        result.values.back().place = field.place();
    }
    result.reading = explain::reading_of(view, index);
    explain::Derived derived = explain::derivation_of(view, index);
    result.derivation = std::move(derived.sentence);
    result.follows_from = std::move(derived.from);
    result.lacking = lacking_for(view, index);
    result.states = explain::states_of(view, index);
    result.findings = view.findings_about(field);
    return result;
}

std::optional<ExplainedState> Explainer::state_named(std::string_view name) const {
    for (const XsaveComponent& component : impl_->view.rulebook().xsave) {
        if (name == "xsave state " + std::string(component.id)) return explain::explain_state(impl_->view, component);
    }
    return std::nullopt;
}

Story Explainer::story() const { return explain::story_of(impl_->view); }

PoolPolicy with_names_of(PoolPolicy policy, const PoolPolicy& whole) {
    const bool is_its = policy.cpuid == whole.cpuid && policy.msrs == whole.msrs;
    if (policy.lean && is_its) {
        policy.lean = false;
        policy.decisions = whole.decisions;
    }
    const auto decide_alike = [](const Decision& a, const Decision& b) {
        return a.field == b.field && a.place == b.place && a.value == b.value && a.cause == b.cause && a.on == b.on &&
               std::equal(a.values.begin(), a.values.end(), b.values.begin(), b.values.end(),
                          [](const ValueOfHosts& x, const ValueOfHosts& y) {
                              return x.value == y.value && x.at == y.at && x.count == y.count;
                          });
    };
    for (Decision& decision : policy.decisions) {
        const auto same = std::find_if(whole.decisions.begin(), whole.decisions.end(),
                                       [&](const Decision& other) { return decide_alike(decision, other); });
        if (same != whole.decisions.end()) decision = *same;
    }
    for (HostClass& host : policy.hosts) {
        const auto same = std::find_if(whole.hosts.begin(), whole.hosts.end(), [&](const HostClass& other) {
            return host.sha256 == other.sha256 && host.count == other.count;
        });
        if (same != whole.hosts.end()) host.names = same->names;
    }
    for (Finding& finding : policy.findings) {
        const auto same = std::find_if(whole.findings.begin(), whole.findings.end(), [&](const Finding& other) {
            return finding.code == other.code && finding.field == other.field && finding.message == other.message;
        });
        if (same != whole.findings.end()) finding.hosts = same->hosts;
    }
    return policy;
}

}  // namespace poolcpuid
