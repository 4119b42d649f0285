#include "policy/summary_groups.hpp"

#include <algorithm>
#include <map>
#include <optional>
#include <set>
#include <tuple>
#include <utility>

#include "policy/document_text.hpp"
#include "poolcpuid/cpu.hpp"
#include "poolcpuid/host_dump.hpp"
#include "poolcpuid/policy_registers.hpp"
#include "rulebook/covered.hpp"

namespace poolcpuid::summary {

namespace {

// RSBA or RRSBA, as against EIBRS, of the retpoline bits.
bool is_bad_news(const Rulebook& rulebook, const Decision& decision) {
    return decision.rule == to_string(Rule::group) && rulebook.retpoline_of(rulebook.find(decision.field)) != nullptr;
}

bool relaxes_promise(const Rulebook& rulebook, const Decision& decision) {
    return decision.rule == to_string(Rule::union_) || decision.rule == to_string(Rule::guarded) ||
           is_bad_news(rulebook, decision);
}

bool announces_feature(const Rulebook& rulebook, const Decision& decision) {
    return decision.rule == to_string(Rule::intersect) ||
           (decision.rule == to_string(Rule::group) && !is_bad_news(rulebook, decision));
}

bool is_limit(const Decision& decision) {
    return decision.rule == to_string(Rule::min) || decision.rule == to_string(Rule::max);
}

// What a value of the decision's field promises: its bits, and those that they cover. To find a field is a search, so
// it is asked only of what may have bits that cover others: a field of several, of the rule intersect.
std::uint64_t promised(const Rulebook& rulebook, const Decision& decision, std::uint64_t value) {
    const bool is_one_bit = decision.place.low == decision.place.high;
    if (is_one_bit || decision.rule != to_string(Rule::intersect)) return value;
    const FieldIndex index = rulebook.find(decision.field);
    if (index == no_field) return value;
    const Field& field = rulebook[index];
    return rulebook::with_covered(field, value << field.low) >> field.low;
}

// True of what stands in the row of an XSAVE state that the policy does not have: it went with the state, and whoever
// has not the state does not miss it.
bool is_of_lost_state(const Rulebook& rulebook, const Decision& decision) {
    constexpr std::uint32_t first_row = 2;  // those before it are about XSAVE itself
    if (decision.cause != Cause::xsave_state || decision.on.size() != 1) return false;
    if (decision.place.is_msr || decision.place.subleaf_first < first_row) return false;
    const XsaveComponent* state = rulebook.find_state(decision.place.subleaf_first);
    return state != nullptr && state->id == decision.on.front();
}

// The bits that some host has and the policy has not.
std::uint64_t lost_bits(const Rulebook& rulebook, const Decision& decision) {
    std::uint64_t any = 0;
    for (const ValueOfHosts& value : decision.values) any |= promised(rulebook, decision, value.value.value_or(0));
    return any & ~promised(rulebook, decision, decision.value);
}

template <typename Predicate>
HostList hosts_where(const Decision& decision, Predicate wanted) {
    HostList hosts;
    for (const ValueOfHosts& value : decision.values) {
        if (wanted(value)) hosts.add(value.list());
    }
    return hosts;
}

bool is_unknown(const ValueOfHosts& value) { return !value.value; }

// Those that are known to lack one of the bits.
HostList known_lacking(const Rulebook& rulebook, const Decision& decision, std::uint64_t bits) {
    return hosts_where(decision, [&](const ValueOfHosts& value) {
        return value.value && (bits & ~promised(rulebook, decision, *value.value)) != 0;
    });
}

// The features that the operator's options took, and what went with those.
class OperatorsDoing {
public:
    OperatorsDoing(const PoolPolicy& policy, const Rulebook& rulebook) : policy_(policy), rulebook_(rulebook) {
        std::vector<const Decision*> followers;
        for (const Decision& decision : policy.decisions) {
            if (!option_of(decision).empty()) {
                taken_.insert(decision.field);
            } else if (decision.because.count == 0 && is_consequence(decision.cause)) {
                followers.push_back(&decision);
            }
        }
        for (bool grown = !taken_.empty(); grown;) {
            grown = std::erase_if(followers, [&](const Decision* decision) { return follow(*decision); }) > 0;
        }
    }

    bool took(const Decision& decision) const { return taken_.contains(decision.field); }

    // "--ceiling x86-64-v2", or nothing.
    std::string option_of(const Decision& decision) const {
        switch (decision.cause) {
            case Cause::ceiling: return "--ceiling " + policy_.options.ceiling_level;
            case Cause::hidden: return "--hide";
            case Cause::set: return "--set";
            default: break;
        }
        // A policy that joined as the ceiling counts as a host, and may be the only one that decided.
        return is_ceiling(decision.because) ? "--ceiling " + policy_.options.ceiling_policy->pool : "";
    }

    // True for a ceiling's policy and nobody else.
    bool is_ceiling(const HostList& hosts) const {
        return hosts.count == 1 && !hosts.names.empty() && is_ceiling(hosts.names.front());
    }

private:
    bool is_ceiling(const std::string& name) const {
        return policy_.options.ceiling_policy &&
               std::any_of(policy_.hosts.begin(), policy_.hosts.end(), [&](const HostClass& host) {
                   return host.is_ceiling() && !host.names.empty() && host.names.front() == name;
               });
    }

    // True when the decision's field stands on what was taken, and so goes as well.
    bool follow(const Decision& decision) {
        const bool on_states = decision.cause == Cause::xsave_state;
        const bool follows = std::any_of(decision.on.begin(), decision.on.end(), [&](const std::string& id) {
            return on_states ? took_feature_of(id) : taken_.contains(id);
        });
        if (follows) taken_.insert(decision.field);
        return follows;
    }

    // A state goes with the features that need it.
    bool took_feature_of(const std::string& id) const {
        return std::any_of(rulebook_.xsave.begin(), rulebook_.xsave.end(), [&](const XsaveComponent& state) {
            return state.id == id && std::any_of(state.features.begin(), state.features.end(), [&](FieldIndex index) {
                       return taken_.contains(std::string(rulebook_[index].id));
                   });
        });
    }

    const PoolPolicy& policy_;
    const Rulebook& rulebook_;
    std::set<std::string> taken_;  // ids of fields
};

// Without its features; nothing when the policy has what the hosts have, or does not because nobody asked for it.
std::optional<GivenUp> loss_of(const Rulebook& rulebook, const Decision& decision, const OperatorsDoing& doing) {
    const std::uint64_t lost = lost_bits(rulebook, decision);
    if (lost == 0) return std::nullopt;
    if (doing.took(decision)) return GivenUp{Loss::option, doing.option_of(decision), {}, {}, {}};
    if (decision.because.count == 0) return std::nullopt;
    const HostList lacking = known_lacking(rulebook, decision, lost);
    const HostList unknown = hosts_where(decision, is_unknown);
    // A ceiling that lacks what is not known of a host: of the hosts none is known to lack it.
    const bool is_known = lacking.count > 0 && !(doing.is_ceiling(lacking) && unknown.count > 0);
    if (is_known) return GivenUp{Loss::lacking, {}, lacking, unknown, {}};
    if (unknown.count > 0) return GivenUp{Loss::unknown, {}, {}, unknown, {}};
    return GivenUp{Loss::followed, {}, decision.because, {}, {}};
}

}  // namespace

Groups groups_of(const PoolPolicy& policy, const Rulebook& rulebook) {
    Groups groups;
    const OperatorsDoing doing(policy, rulebook);
    // Lists hold only the first of many hosts, so that their number tells sets apart, too. What an option took comes
    // before what went with it.
    using Hosts = std::pair<std::vector<std::string>, std::size_t>;
    std::map<std::tuple<Loss, bool, std::string, Hosts, Hosts>, GivenUp> lost;
    for (const Decision& decision : policy.decisions) {
        const bool has_value = decision.value != 0;
        if (is_of_lost_state(rulebook, decision)) continue;
        if (announces_feature(rulebook, decision)) {
            if (auto loss = loss_of(rulebook, decision, doing)) {
                const std::tuple key(loss->loss, loss->option.empty(), loss->option,
                                     Hosts(loss->hosts.names, loss->hosts.count),
                                     Hosts(loss->unknown.names, loss->unknown.count));
                lost.try_emplace(key, std::move(*loss)).first->second.features.push_back(&decision);
            }
        } else if (relaxes_promise(rulebook, decision)) {
            auto& announced = doing.option_of(decision).empty() ? groups.announced : groups.announced_by_option;
            if (has_value) announced.push_back(&decision);
        } else if (is_limit(decision)) {
            if (has_value && (decision.because.count > 0 || doing.took(decision))) groups.limits.push_back(&decision);
        }
    }
    for (auto& [key, loss] : lost) groups.given_up.push_back(std::move(loss));
    return groups;
}

std::size_t host_count(const PoolPolicy& policy) {
    std::size_t count = 0;
    for (const HostClass& host : policy.hosts) count += host.is_ceiling() ? 0 : host.count;
    return count;
}

std::string identity_text(const PoolPolicy& policy, const Rulebook& rulebook) {
    return full_text(cpu_of(rulebook, rulebook.vendor_of(policy.vendor), PolicyRegisters(policy).signature()));
}

}  // namespace poolcpuid::summary
