// Hosts that lack what the others of the same CPU have: most often by a setting of the BIOS, or an older microcode.
//
// The rule. Hosts are compared with those of the same family, model and stepping, in the features of CPUID that guests
// are shown without being asked for (single bits of the rule intersect, and none that VMMs emulate), and by what their
// hardware views say. Where fewer than half of the hosts of which a feature is known lack it, these are outliers. A
// host without a hardware view, and one whose dump does not say, lacks nothing: unknown is not lacking, and what a
// hypervisor withholds the CPU has.
#pragma once

#include <cstddef>
#include <cstdint>
#include <set>
#include <string>
#include <vector>

#include "poolcpuid/cpu.hpp"
#include "poolcpuid/policy.hpp"
#include "promises/host_promises.hpp"
#include "promises/vendor_rules.hpp"

namespace poolcpuid::merge {

// Hosts that promise the same. Both must outlive the question.
struct AlikeHosts {
    const promises::HostPromises& promises;
    const HostList& hosts;
};

// Hosts of one CPU that lack the same features, which the same others have.
struct Outlier {
    Cpu cpu;
    std::vector<FieldIndex> fields;                    // in the rulebook's order
    HostList hosts;                                    // that lack them
    std::set<const promises::HostPromises*> promises;  // theirs
    std::size_t others = 0;                            // how many have them: more than lack them
    std::vector<std::uint32_t> microcode;              // the revisions of hosts that are known, sorted
    std::vector<std::uint32_t> others_microcode;       // likewise
    bool knows_microcode = false;                      // of all of both
};

// By CPU, then by the first feature, with at most so many names of hosts. Linear in hosts that are alike times the
// fields.
std::vector<Outlier> outliers_of(const promises::VendorRules& rules, const std::vector<AlikeHosts>& hosts,
                                 std::size_t most_names);

// "5 of 40 Haswell-EP (a, b, c and 2 more) lack aes; the other 35, of the same family, model and stepping, have it: …"
std::string sentence_of(const Rulebook& rulebook, const Outlier& outlier);

}  // namespace poolcpuid::merge
