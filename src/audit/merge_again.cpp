#include "audit/merge_again.hpp"

#include <utility>

#include "poolcpuid/error.hpp"
#include "poolcpuid/pool_state.hpp"

namespace poolcpuid::audit {

std::optional<PoolPolicy> merged_again(const Rulebook& rulebook, const PoolPolicy& policy,
                                       const std::vector<HostDump>& hosts) {
    if (hosts.empty()) return std::nullopt;
    try {
        const MergeOptions options = options_of(policy, std::nullopt);
        PoolState state(rulebook);
        for (const HostDump& host : hosts) state.add(host);
        PoolPolicy again = state.finish(options);
        const bool is_same_pool = again.names_sha256 == policy.names_sha256;
        const bool is_same = again.cpuid == policy.cpuid && again.msrs == policy.msrs;
        return is_same_pool && !is_same ? std::optional(std::move(again)) : std::nullopt;
    } catch (const NoPolicyError&) {
    } catch (const UsageError&) {  // the ceiling is missing
    } catch (const InputError&) {  // two hosts of one name
    }
    return std::nullopt;
}

}  // namespace poolcpuid::audit
