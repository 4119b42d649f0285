#include "cli/host_names.hpp"

#include <algorithm>
#include <vector>

namespace poolcpuid::cli {

PoolSize size_of(const PoolPolicy& policy) {
    PoolSize size;
    for (const HostClass& host : policy.hosts) {
        const bool is_ceiling = host.format == "policy";
        size.has_ceiling = size.has_ceiling || is_ceiling;
        if (!is_ceiling) size.hosts += host.count;
    }
    return size;
}

bool is_everybody(const HostList& hosts, const PoolSize& pool) noexcept {
    const std::size_t members = pool.hosts + (pool.has_ceiling ? 1 : 0);
    return hosts.count == members;
}

std::string hosts_text(const HostList& hosts, const PoolSize& pool, std::size_t most) {
    if (is_everybody(hosts, pool) && hosts.count > 1) {
        return "all " + counted_hosts(pool.hosts) + (pool.has_ceiling ? " and the ceiling" : "");
    }
    constexpr std::size_t some = 3;  // of a list that is too long
    const std::size_t shown = hosts.count > most ? std::min(some, hosts.names.size()) : hosts.names.size();
    std::string text;
    for (std::size_t i = 0; i < shown; ++i) text += (i == 0 ? "" : ", ") + hosts.names[i];
    const std::size_t more = hosts.count - std::min(hosts.count, shown);
    return more == 0 ? text : text + " and " + std::to_string(more) + " more";
}

std::string counted_hosts(std::size_t count) { return std::to_string(count) + (count == 1 ? " host" : " hosts"); }

}  // namespace poolcpuid::cli
