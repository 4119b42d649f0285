#include "summary/groups.hpp"

#include <algorithm>
#include <map>
#include <utility>

#include "merge/reasons.hpp"
#include "poolcpuid/host_dump.hpp"
#include "text/hex.hpp"

namespace poolcpuid::summary {

namespace {

// RSBA or RRSBA, as against EIBRS, of a promise group.
bool is_bad_news(const Rulebook& rulebook, const Decision& decision) {
    return std::any_of(rulebook.groups.begin(), rulebook.groups.end(), [&](const PromiseGroup& group) {
        return rulebook[group.rsba].id == decision.field || rulebook[group.rrsba].id == decision.field;
    });
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

std::size_t limiting_count(const Rulebook& rulebook, const Decision& decision) {
    const FieldIndex index = rulebook.find(decision.field);
    return merge::parts_of(decision, index == no_field ? std::string_view() : rulebook[index].why).limiting;
}

// True when some host has a bit that the policy has not.
bool lacks_bits(const Decision& decision) {
    std::uint64_t any = 0;
    for (const ValueOfHosts& value : decision.values) any |= number_of(value.value);
    return (any & ~number_of(decision.value)) != 0;
}

}  // namespace

Groups groups_of(const PoolPolicy& policy, const Rulebook& rulebook) {
    Groups groups;
    // Decisions list only the first of many hosts, so that their number tells sets apart, too.
    std::map<std::pair<std::vector<std::string>, std::size_t>, std::vector<const Decision*>> lost;
    for (const Decision& decision : policy.decisions) {
        const bool has_value = number_of(decision.value) != 0;
        const bool is_limited = !decision.because.empty();
        if (announces_feature(rulebook, decision)) {
            if (is_limited && lacks_bits(decision)) {
                lost[{decision.because, limiting_count(rulebook, decision)}].push_back(&decision);
            }
        } else if (relaxes_promise(rulebook, decision)) {
            if (has_value) groups.announced.push_back(&decision);
        } else if (is_limit(decision)) {
            if (is_limited && has_value) groups.limits.push_back(&decision);
        }
    }
    for (auto& [hosts, features] : lost) groups.given_up.push_back({hosts.first, std::move(features)});
    return groups;
}

std::size_t host_count(const PoolPolicy& policy) {
    std::size_t count = 0;
    for (const HostClass& host : policy.hosts) count += host.is_ceiling() ? 0 : host.count;
    return count;
}

std::string identity_text(const PoolPolicy& policy, const Rulebook& rulebook) {
    const CpuidTable table{policy.cpuid, {}};
    const Registers* row = table.find(signature_key);
    const auto vendor = rulebook.vendor_of(policy.vendor);
    const Signature signature = signature_of(row == nullptr ? 0 : row->eax);
    std::string text = "family " + std::to_string(signature.family) + ", model " + std::to_string(signature.model) +
                       ", stepping " + std::to_string(signature.stepping);
    const Model* model = vendor ? rulebook.model_of(*vendor, signature) : nullptr;
    return model == nullptr ? text : std::string(model->name) + " (" + text + ")";
}

std::uint64_t number_of(std::string_view value) { return from_hex(value, 16).value_or(0); }

}  // namespace poolcpuid::summary
