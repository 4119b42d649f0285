// The inventory of hosts before a merge: which CPUs they are, what their dumps say, and what they do not say.
//
//   const Inventory inventory = inventory_of(builtin_rulebook(), hosts);
//   for (const HostsAlike& group : inventory.groups) ... group.like.cpu, group.names.size() ...
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "poolcpuid/cpu.hpp"
#include "poolcpuid/host_dump.hpp"
#include "poolcpuid/policy.hpp"
#include "poolcpuid/rulebook.hpp"

namespace poolcpuid {

// What is to be known of a host before it joins a pool.
struct HostEntry {
    std::string name;
    std::string sha256;
    std::string format;  // of the dump
    std::string vendor;  // the CPUID vendor string; empty: the dump does not show it
    HostFacts facts;
    bool has_hardware_view = false;
    bool has_msrs = false;         // in one of the views
    bool partial = false;          // names or words of features alone are known
    std::vector<LeafKey> unknown;  // rows that hold promises and of which the dump knows nothing; sorted
    std::vector<DumpNote> notes;
    std::vector<std::string> lacks;  // features that most others with this CPU have: the rulebook's ids

    friend bool operator==(const HostEntry&, const HostEntry&) = default;
};

// Hosts that are alike in all of that but name, digest, notes and what they lack.
struct HostsAlike {
    HostEntry like;                  // one of them, without what they may differ in
    std::vector<std::string> names;  // all, sorted
};

// Hosts that lack what the others with the same CPU have; docs/findings.md has the rule under "outlier".
struct OutlierHosts {
    std::string vendor;
    Cpu cpu;
    std::vector<std::string> fields;              // the rulebook's ids, in its order
    HostList hosts;                               // that lack them, all by name
    std::size_t others = 0;                       // how many have them
    std::vector<std::uint32_t> microcode;         // revisions of hosts that are known, sorted
    std::vector<std::uint32_t> others_microcode;  // likewise
    std::string message;                          // a sentence or two
};

// How many hosts of a vendor there are, and how many have each CPU.
struct VendorCount {
    std::string vendor;
    std::size_t count = 0;
    CpuCounts cpus;  // of those that show theirs
};

struct Inventory {
    std::vector<HostEntry> hosts;        // by name, each once
    std::vector<VendorCount> vendors;    // the most hosts first, then by name
    std::vector<HostsAlike> groups;      // by vendor as above, CPU, and what else they are alike in
    std::vector<OutlierHosts> outliers;  // by vendor as above, CPU and the first feature
};

// The inventory of hosts, which are named. Unlike a merge it takes hosts of several vendors, and of vendors that the
// rulebook does not know: of these nothing is said that takes rules (unknown, lacks). Linear in the hosts' rows, but
// for sorting.
Inventory inventory_of(const Rulebook& rulebook, const std::vector<HostDump>& hosts);

// The most hosts first, then by name.
void sort_by_count(std::vector<VendorCount>& vendors);

// "14 AuthenticAMD (Rome ×8, Milan ×6), 3 GenuineIntel (Haswell-EP ×3)": all of them.
std::string text_of(const std::vector<VendorCount>& vendors);

// The inventory as a JSON document (schemas/hosts.schema.json): deterministic, ends with a newline.
std::string to_json(const Rulebook& rulebook, const Inventory& inventory);

// The same as NDJSON: a document for each host, on a line of its own.
std::string to_ndjson(const Rulebook& rulebook, const Inventory& inventory);

}  // namespace poolcpuid
