#include "audit/merge_again.hpp"

#include <set>
#include <string_view>
#include <utility>

#include "policy/names_digest.hpp"
#include "poolcpuid/error.hpp"
#include "poolcpuid/pool_state.hpp"

namespace poolcpuid::audit {

namespace {

bool are_of(const PoolPolicy& policy, const std::vector<HostDump>& hosts) {
    std::set<std::string_view> names;
    for (const HostDump& host : hosts) names.insert(host.name);
    NamesDigest digest;
    for (const std::string_view name : names) digest.add(name);
    return digest.hex() == policy.names_sha256;
}

}  // namespace

std::optional<PoolPolicy> merged_again(const Rulebook& rulebook, const PoolPolicy& policy,
                                       const std::vector<HostDump>& hosts) {
    if (hosts.empty() || !are_of(policy, hosts)) return std::nullopt;
    try {
        const MergeOptions options = options_of(policy, std::nullopt);
        PoolState state(rulebook);
        for (const HostDump& host : hosts) state.add(host);
        PoolPolicy again = state.finish_promises(options);
        const bool is_same = again.cpuid == policy.cpuid && again.msrs == policy.msrs;
        return is_same ? std::nullopt : std::optional(std::move(again));
    } catch (const NoPolicyError&) {
    } catch (const UsageError&) {  // the ceiling is missing
    } catch (const InputError&) {  // two hosts of one name
    }
    return std::nullopt;
}

}  // namespace poolcpuid::audit
