#include "poolcpuid/inventory.hpp"

#include <algorithm>
#include <limits>
#include <map>
#include <tuple>
#include <utility>

#include "base/lists.hpp"
#include "dump/hidden_cpuid.hpp"
#include "hosts/vendor_counter.hpp"
#include "merge/outliers.hpp"
#include "policy/document_text.hpp"
#include "promises/host_promises.hpp"
#include "promises/views_key.hpp"

namespace poolcpuid {

namespace {

constexpr std::size_t all_names = std::numeric_limits<std::size_t>::max();

HostEntry entry_of(const Rulebook& rulebook, const HostDump& host) {
    HostEntry entry;
    entry.name = host.name;
    entry.sha256 = sha256_of(host);
    entry.format = host.format;
    entry.vendor = vendor_string(host.first_table()).value_or("");
    entry.facts = facts_of(rulebook, host);
    entry.has_hardware_view = host.hardware.has_value();
    entry.has_msrs = (host.hardware && host.hardware->msrs) || (host.hypervisor && host.hypervisor->msrs);
    entry.partial = host.is_partial();
    entry.notes = host.notes;
    for (DumpNote& note : dump::notes_on_hidden(rulebook, host)) entry.notes.push_back(std::move(note));
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
    const HostFacts& facts = entry.facts;
    return std::tie(entry.vendor, facts.cpu, facts.microcode, facts.kernel, entry.format, entry.has_hardware_view,
                    facts.vmm, facts.is_virtual, entry.has_msrs, entry.partial, entry.unknown);
}

std::vector<VendorCount> count_vendors(const std::vector<HostEntry>& hosts) {
    hosts::VendorCounter counter;
    for (const HostEntry& host : hosts) counter.add(host.name, host.vendor, host.facts.cpu);
    return counter.counts();
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
        promises::HostPromises promises;
        HostList hosts;
    };

    void read_promises(const std::string& vendor) {
        const auto known = rulebook_.vendor_of(vendor);
        if (!known) return;
        const promises::VendorRules rules(rulebook_, *known);
        std::map<std::string, Alike> by_views;
        for (std::size_t i = 0; i < dumps_.size(); ++i) {
            HostEntry& entry = inventory_.hosts[i];
            if (entry.vendor != vendor) continue;
            const auto [at, fresh] = by_views.try_emplace(promises::views_key(rulebook_, *dumps_[i]));
            if (fresh) at->second.promises = promises::promises_of(rules, *dumps_[i]);
            at->second.hosts.add({{entry.name}, 1}, all_names);
            entry.unknown = at->second.promises.silent_rows;
        }
        std::vector<merge::AlikeHosts> alike;
        for (const auto& [digest, one] : by_views) alike.push_back({one.promises, one.hosts});
        for (const merge::Outlier& outlier : merge::outliers_of(rules, alike, all_names)) add(vendor, outlier);
    }

    void add(const std::string& vendor, const merge::Outlier& outlier) {
        OutlierHosts entry{vendor,
                           outlier.cpu,
                           {},
                           outlier.hosts,
                           outlier.others,
                           outlier.microcode,
                           outlier.others_microcode,
                           sentence_of(rulebook_, outlier)};
        for (const FieldIndex index : outlier.fields) entry.fields.emplace_back(rulebook_[index].id);
        for (HostEntry& host : inventory_.hosts) {
            if (!std::binary_search(entry.hosts.names.begin(), entry.hosts.names.end(), host.name)) continue;
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

void sort_by_count(std::vector<VendorCount>& vendors) {
    std::sort(vendors.begin(), vendors.end(), [](const VendorCount& one, const VendorCount& other) {
        return std::tie(other.count, one.vendor) < std::tie(one.count, other.vendor);
    });
}

std::string text_of(const std::vector<VendorCount>& vendors) {
    std::vector<std::string> texts;
    for (const VendorCount& vendor : vendors) {
        texts.push_back(std::to_string(vendor.count) + " " + (vendor.vendor.empty() ? "of no vendor" : vendor.vendor) +
                        (vendor.cpus.empty() ? "" : " (" + document::cpus_text(vendor.cpus, vendor.cpus.size()) + ")"));
    }
    return joined(texts);
}

}  // namespace poolcpuid
