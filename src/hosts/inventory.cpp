#include "poolcpuid/inventory.hpp"

#include <algorithm>
#include <iterator>
#include <map>
#include <memory>
#include <set>
#include <tuple>
#include <utility>

#include "merge/host_promises.hpp"
#include "merge/outliers.hpp"
#include "merge/pool.hpp"

namespace poolcpuid {

namespace {

constexpr const char* no_cpu = "CPU not known";

HostEntry entry_of(const Rulebook& rulebook, const HostDump& host) {
    HostEntry entry;
    entry.name = host.name;
    entry.sha256 = host.sha256;
    entry.format = host.format;
    entry.vendor = vendor_string(host.first_table()).value_or("");
    entry.cpu = cpu_of(rulebook, host.first_table());
    entry.microcode = microcode_revision(host);
    if (const auto kernel = host.meta.find("kernel"); kernel != host.meta.end()) entry.kernel = kernel->second;
    entry.has_hardware_view = host.hardware.has_value();
    if (host.hypervisor) entry.hypervisor = host.hypervisor->name;
    entry.has_msrs = (host.hardware && host.hardware->msrs) || (host.hypervisor && host.hypervisor->msrs);
    entry.notes = host.notes;
    return entry;
}

// What hosts that are alike have in common.
HostEntry without_own(HostEntry entry) {
    entry.name.clear();
    entry.sha256.clear();
    entry.notes.clear();
    entry.lacks.clear();
    return entry;
}

auto key_of(const HostEntry& entry) {
    return std::tie(entry.vendor, entry.cpu, entry.microcode, entry.kernel, entry.format, entry.has_hardware_view,
                    entry.hypervisor, entry.has_msrs, entry.unknown);
}

bool has_more(const VendorCount& one, const VendorCount& other) {
    return std::tuple(other.count, one.vendor) < std::tuple(one.count, other.vendor);
}

std::vector<VendorCount> count_vendors(const std::vector<HostEntry>& hosts) {
    std::map<std::string, std::map<std::string, std::size_t>> counts;
    for (const HostEntry& host : hosts) ++counts[host.vendor][host.cpu ? short_text(*host.cpu) : no_cpu];
    std::vector<VendorCount> vendors;
    for (const auto& [vendor, cpus] : counts) {
        VendorCount& entry = vendors.emplace_back(VendorCount{vendor, 0, {cpus.begin(), cpus.end()}});
        for (const auto& [name, count] : cpus) entry.count += count;
        std::stable_sort(entry.cpus.begin(), entry.cpus.end(),
                         [](const auto& one, const auto& other) { return one.second > other.second; });
    }
    std::sort(vendors.begin(), vendors.end(), has_more);
    return vendors;
}

// By name, each once: one name with two contents is none that readers let through.
std::vector<const HostDump*> sorted(const std::vector<HostDump>& hosts) {
    std::map<std::string, const HostDump*> by_name;
    for (const HostDump& host : hosts) by_name.emplace(host.name, &host);
    std::vector<const HostDump*> all;
    for (const auto& [name, host] : by_name) all.push_back(host);
    return all;
}

class Census {
public:
    Census(const Rulebook& rulebook, const std::vector<HostDump>& hosts) : rulebook_(rulebook), dumps_(sorted(hosts)) {}

    Inventory run() {
        for (const HostDump* dump : dumps_) inventory_.hosts.push_back(entry_of(rulebook_, *dump));
        inventory_.vendors = count_vendors(inventory_.hosts);
        for (const VendorCount& vendor : inventory_.vendors) read_promises(vendor.vendor);
        group();
        return std::move(inventory_);
    }

private:
    // Hosts with equal views are reduced once.
    struct Alike {
        merge::HostPromises promises;
        std::vector<std::string> names;
    };

    void read_promises(const std::string& vendor) {
        const auto known = rulebook_.vendor_of(vendor);
        if (!known) return;
        const merge::Plan plan(rulebook_, *known);
        std::map<std::string, Alike> by_views;
        for (std::size_t i = 0; i < dumps_.size(); ++i) {
            HostEntry& entry = inventory_.hosts[i];
            if (entry.vendor != vendor) continue;
            const auto [at, fresh] = by_views.try_emplace(merge::views_digest(*dumps_[i]));
            if (fresh) at->second.promises = merge::promises_of(plan, *dumps_[i]);
            at->second.names.push_back(entry.name);
            entry.unknown = at->second.promises.silent_rows;
        }
        std::vector<merge::AlikeHosts> alike;
        for (const auto& [digest, one] : by_views) alike.push_back({one.promises, one.names});
        for (const merge::Outlier& outlier : merge::outliers_of(plan, alike)) add(vendor, outlier);
    }

    void add(const std::string& vendor, const merge::Outlier& outlier) {
        OutlierHosts entry{vendor,
                           outlier.cpu,
                           {},
                           outlier.hosts,
                           outlier.others.size(),
                           outlier.microcode,
                           outlier.others_microcode,
                           sentence_of(rulebook_, outlier)};
        for (const FieldIndex index : outlier.fields) entry.fields.emplace_back(rulebook_[index].id);
        for (HostEntry& host : inventory_.hosts) {
            if (!std::binary_search(entry.hosts.begin(), entry.hosts.end(), host.name)) continue;
            host.lacks.insert(host.lacks.end(), entry.fields.begin(), entry.fields.end());
        }
        inventory_.outliers.push_back(std::move(entry));
    }

    void group() {
        const auto less = [](const HostEntry& one, const HostEntry& other) { return key_of(one) < key_of(other); };
        std::map<HostEntry, std::vector<std::string>, decltype(less)> groups(less);
        for (const HostEntry& host : inventory_.hosts) groups[without_own(host)].push_back(host.name);
        for (const VendorCount& vendor : inventory_.vendors) {
            for (const auto& [like, names] : groups) {
                if (like.vendor == vendor.vendor) inventory_.groups.push_back({like, names});
            }
        }
    }

    const Rulebook& rulebook_;
    std::vector<const HostDump*> dumps_;
    Inventory inventory_;
};

}  // namespace

Inventory inventory_of(const Rulebook& rulebook, const std::vector<HostDump>& hosts) {
    return Census(rulebook, hosts).run();
}

std::vector<VendorCount> vendors_of(const Rulebook& rulebook, const std::vector<HostDump>& hosts) {
    std::vector<HostEntry> entries;
    for (const HostDump* host : sorted(hosts)) entries.push_back(entry_of(rulebook, *host));
    return count_vendors(entries);
}

std::string text_of(const std::vector<VendorCount>& vendors) {
    std::string text;
    for (const VendorCount& vendor : vendors) {
        text += (text.empty() ? "" : "; ") + std::to_string(vendor.count) + " " +
                (vendor.vendor.empty() ? "of no known vendor" : vendor.vendor) + ": ";
        std::string cpus;
        for (const auto& [name, count] : vendor.cpus) {
            cpus += (cpus.empty() ? "" : ", ") + std::to_string(count) + " × " + name;
        }
        text += cpus;
    }
    return text;
}

}  // namespace poolcpuid
