// Hosts by what their views say: a pool of thousands has a few dozen kinds, and questions are asked of those.
#pragma once

#include <cstddef>
#include <map>
#include <string>
#include <vector>

#include "poolcpuid/host_dump.hpp"

namespace poolcpuid::plan {

// Hosts of a pool by name. The dumps live as long as the map.
using HostsByName = std::map<std::string, const HostDump*>;

class HostKinds {
public:
    // Takes the hosts in. Linear in their rows, once for each dump that is equal to the byte.
    void add(const HostsByName& hosts);

    // The kind of a host that was taken in: 0 to examples().size() - 1. Hosts whose views are equal are of
    // one kind, whatever their names.
    std::size_t of(const HostDump& host) const { return by_digest_.at(host.sha256); }

    // A host of each kind.
    const std::vector<const HostDump*>& examples() const noexcept { return examples_; }

private:
    std::map<std::string, std::size_t> by_digest_;  // of the dump
    std::map<std::string, std::size_t> by_views_;   // of the views
    std::vector<const HostDump*> examples_;
};

}  // namespace poolcpuid::plan
