#include "plan/host_kinds.hpp"

#include "merge/pool.hpp"

namespace poolcpuid::plan {

void HostKinds::add(const HostsByName& hosts) {
    for (const auto& [name, host] : hosts) {
        if (by_digest_.contains(host->sha256)) continue;
        const auto [at, fresh] = by_views_.emplace(merge::views_digest(*host), examples_.size());
        if (fresh) examples_.push_back(host);
        by_digest_.emplace(host->sha256, at->second);
    }
}

}  // namespace poolcpuid::plan
