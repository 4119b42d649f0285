#include "cli/texts.hpp"

#include "policy/document_text.hpp"

namespace poolcpuid::cli {

PoolSize size_of(const PoolPolicy& policy) {
    PoolSize size;
    for (const HostClass& host : policy.hosts) {
        size.has_ceiling = size.has_ceiling || host.is_ceiling();
        if (!host.is_ceiling()) size.hosts += host.count;
    }
    return size;
}

bool is_everybody(const HostList& hosts, const PoolSize& pool) noexcept {
    const std::size_t members = pool.hosts + (pool.has_ceiling ? 1 : 0);
    return hosts.count == members;
}

std::string hosts_text(const HostList& hosts, const PoolSize& pool, std::size_t most) {
    if (is_everybody(hosts, pool) && hosts.count > 1) {
        return "all " + counted(pool.hosts, "host") + (pool.has_ceiling ? " and the ceiling" : "");
    }
    constexpr std::size_t some = 3;  // of a list that is too long
    constexpr std::size_t most_cpus = 3;
    if (hosts.count > most && !hosts.cpus.empty()) return document::cpus_text(hosts.cpus, most_cpus);
    return short_list(hosts.names, hosts.count > most ? some : hosts.names.size(), hosts.count);
}

}  // namespace poolcpuid::cli
