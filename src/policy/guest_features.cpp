#include "poolcpuid/guest_features.hpp"

#include <algorithm>

#include "poolcpuid/policy_registers.hpp"

namespace poolcpuid {

namespace {

bool can_be_feature(const Field& field) {
    switch (field.rule) {
        case Rule::intersect:
        case Rule::union_:
        case Rule::guarded:
        case Rule::group:
        case Rule::derive: return field.low == field.high;
        case Rule::min:
        case Rule::max:
        case Rule::equal:
        case Rule::identity:
        case Rule::owned:
        case Rule::hide: break;
    }
    return false;
}

}  // namespace

std::vector<FieldIndex> guest_features(const Rulebook& rulebook, const PoolPolicy& policy) {
    std::vector<FieldIndex> features;
    const auto vendor = rulebook.vendor_of(policy.vendor);
    if (!vendor) return features;
    const PolicyRegisters guest(policy);
    for (std::size_t i = 0; i < rulebook.fields.size(); ++i) {
        const Field& field = rulebook.fields[i];
        if (((field.vendors >> *vendor) & 1U) == 0 || !can_be_feature(field)) continue;
        if (guest.value(field) == 0 || guest.is_owned(field.place())) continue;
        features.push_back(static_cast<FieldIndex>(i));
    }
    return features;
}

bool is_announcement(const Rulebook& rulebook, FieldIndex feature) {
    const Rule rule = rulebook[feature].rule;
    return rule == Rule::union_ || rule == Rule::guarded || rulebook.retpoline_of(feature) != nullptr;
}

std::vector<FieldIndex> missing_for(const Rulebook& rulebook, const PoolPolicy& policy, const Level& level) {
    std::vector<FieldIndex> missing;
    const PolicyRegisters guest(policy);
    for (const Level& each : rulebook.levels) {
        for (const FieldIndex feature : each.features) {
            if (guest.value(rulebook[feature]) == 0) missing.push_back(feature);
        }
        if (each.id == level.id) break;
    }
    std::sort(missing.begin(), missing.end());
    return missing;
}

const Level* level_of(const Rulebook& rulebook, const PoolPolicy& policy) {
    const Level* highest = nullptr;
    for (const Level& level : rulebook.levels) {
        if (!missing_for(rulebook, policy, level).empty()) break;
        highest = &level;
    }
    return highest;
}

}  // namespace poolcpuid
