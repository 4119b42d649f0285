// Counts the vendors of hosts as they come, so that none need be kept for it.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <vector>

#include "names/names.hpp"
#include "poolcpuid/cpu.hpp"
#include "poolcpuid/inventory.hpp"

namespace poolcpuid::hosts {

class VendorCounter {
public:
    // A host, each name once; cpu: nothing where its dump does not show it. As Names::find and add.
    void add(const std::string& name, const std::string& vendor, const std::optional<Cpu>& cpu);

    // The most hosts first, then by name.
    std::vector<VendorCount> counts() const;

private:
    names::Names names_;
    std::map<std::string, VendorCount> vendors_;
};

}  // namespace poolcpuid::hosts
