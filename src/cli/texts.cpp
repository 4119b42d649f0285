#include "cli/texts.hpp"

#include <algorithm>

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
    constexpr std::size_t most_cpus = 6;
    if (hosts.count > most && !hosts.cpus.empty()) return document::cpus_text(hosts.cpus, most_cpus);
    return short_list(hosts.names, hosts.count > most ? some : hosts.names.size(), hosts.count);
}

std::string group_text(const std::vector<std::string>& names, const CpuNames& cpus) {
    const std::string text = short_list(names, 1);
    if (names.size() <= most_hosts_listed) return text;
    constexpr std::size_t most_cpus = 3;
    const std::string with = document::cpus_text(list_of(names, cpus).cpus, most_cpus);
    return with.empty() ? text : text + " (" + with + ")";
}

std::size_t group_columns(const std::vector<std::string>& texts, std::size_t most) {
    std::size_t columns = 12;
    for (const std::string& text : texts) {
        const std::size_t width = display_width(text);
        if (width <= most) columns = std::max(columns, width);
    }
    return std::min(columns, most);
}

}  // namespace poolcpuid::cli
