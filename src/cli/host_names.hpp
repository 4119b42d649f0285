// Lists of hosts in the texts that people read: as many names as a person wants to see, and the number of the rest.
#pragma once

#include <cstddef>
#include <string>

#include "poolcpuid/explain.hpp"
#include "poolcpuid/policy.hpp"

namespace poolcpuid::cli {

// Lists in a text hold at most this many names.
inline constexpr std::size_t most_hosts_listed = 8;

// Who stands behind a policy.
struct PoolSize {
    std::size_t hosts = 0;
    bool has_ceiling = false;  // a policy joined, which decisions count as one more host
};

PoolSize size_of(const PoolPolicy& policy);

// True for a list of all that there are, a ceiling among them.
bool is_everybody(const HostList& hosts, const PoolSize& pool) noexcept;

// "a, b": all names of at most most hosts, else the first, "a, b, c and 30 more"; "all 3 hosts" when those are
// all of the pool.
std::string hosts_text(const HostList& hosts, const PoolSize& pool, std::size_t most = most_hosts_listed);

// "1 host", "3 hosts".
std::string counted_hosts(std::size_t count);

}  // namespace poolcpuid::cli
