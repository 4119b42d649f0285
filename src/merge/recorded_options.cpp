#include "merge/recorded_options.hpp"

#include <algorithm>
#include <string>
#include <utility>
#include <vector>

#include "base/hex.hpp"
#include "base/printable.hpp"
#include "merge/ceiling.hpp"
#include "merge/option_names.hpp"
#include "merge/shown.hpp"
#include "poolcpuid/error.hpp"
#include "promises/sorted_lists.hpp"

namespace poolcpuid {

namespace merge {

RecordedOptions recorded(const MergeOptions& options, const promises::VendorRules& rules) {
    const Rulebook& rulebook = rules.rulebook();
    const auto id_of = [&](const std::string& name, const char* option) {
        return std::string(rulebook[field_named(rules, name, option)].id);
    };
    RecordedOptions record;
    record.identity = options.identity;
    if (!options.ceiling_level.empty()) record.ceiling_level = ceiling_id(rules, options.ceiling_level);
    if (options.ceiling_policy) {
        record.ceiling_policy = {options.ceiling_policy->pool, sha256_of(*options.ceiling_policy)};
    }
    for (const std::string& name : options.hide) record.hide.push_back(id_of(name, "--hide"));
    for (const std::string& name : options.show) {
        record.show.push_back(is_group_to_show(rulebook, name) ? name : id_of(name, "--show"));
    }
    for (const auto& [name, text] : options.set) {
        const Field& field = rulebook[field_named(rules, name, "--set")];
        record.set.emplace_back(field.id, to_hex(parse_value(field, text)));
    }
    promises::merge_sorted(record.hide, {});
    promises::merge_sorted(record.show, {});
    std::sort(record.set.begin(), record.set.end());
    return record;
}

}  // namespace merge

MergeOptions options_of(const PoolPolicy& policy, std::optional<PoolPolicy> ceiling) {
    const RecordedOptions& record = policy.options;
    const bool joined = record.ceiling_policy.has_value();
    if (joined && !ceiling) {
        throw UsageError("the policy was made with --ceiling POLICY (of the pool " +
                         printable(record.ceiling_policy->pool) + "): give that policy with --ceiling again");
    }
    if (ceiling && (!joined || sha256_of(*ceiling) != record.ceiling_policy->sha256)) {
        throw UsageError("--ceiling: not the policy that this one was made with" +
                         std::string(joined ? " (sha256 " + record.ceiling_policy->sha256 + ")" : ", which was none"));
    }
    MergeOptions options;
    options.pool = policy.pool;
    options.identity = record.identity;
    options.ceiling_level = record.ceiling_level;
    options.ceiling_policy = std::move(ceiling);
    options.hide = record.hide;
    options.show = record.show;
    options.set = record.set;
    return options;
}

MergeOptions without_lost_identity(MergeOptions options, const PoolState& state) {
    const auto names = state.names();
    const bool there = std::any_of(names.begin(), names.end(), [&](const auto& entry) {
        return entry.first == options.identity || entry.second == options.identity;
    });
    if (!there) options.identity.clear();
    return options;
}

}  // namespace poolcpuid
