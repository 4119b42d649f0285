#include "hosts/vendor_counter.hpp"

namespace poolcpuid::hosts {

void VendorCounter::add(const std::string& name, const std::string& vendor, const std::optional<Cpu>& cpu) {
    if (names_.find(name)) return;
    names_.add(name, 0);
    VendorCount& of = vendors_[vendor];
    of.vendor = vendor;
    ++of.count;
    if (cpu) ++of.cpus[short_text(*cpu)];
}

std::vector<VendorCount> VendorCounter::counts() const {
    std::vector<VendorCount> counts;
    for (const auto& [name, vendor] : vendors_) counts.push_back(vendor);
    sort_by_count(counts);
    return counts;
}

}  // namespace poolcpuid::hosts
