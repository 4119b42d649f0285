// How places are written in our documents and for people; shared by the writers.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "dump/virtual_machine.hpp"
#include "poolcpuid/policy.hpp"
#include "poolcpuid/rulebook.hpp"

namespace poolcpuid::document {

// How a host's microcode revision comes to be known, as the beginning of a sentence.
constexpr const char* how_to_know_revision(dump::TakenIn taken_in) noexcept {
    switch (taken_in) {
        case dump::TakenIn::virtual_machine:
            return "The dump is of a virtual machine, whose hypervisor makes up the revision: take one of its host";
        case dump::TakenIn::root_partition:
            return "The dump is of the root partition of Hyper-V, of which nobody can say whether the revision is the "
                   "CPU's: take one that was started without Hyper-V (bcdedit /set hypervisorlaunchtype off)";
        case dump::TakenIn::host: break;
    }
    return "Add the revision to the dump (poolcpuid capture, as root, has it; in a host document it is \"microcode\" "
           "of \"meta\")";
}

// What shows what a host's hypervisor gives to guests, as the end of a sentence.
inline constexpr const char* hypervisor_dump = "poolcpuid capture with access to /dev/kvm, or xen-cpuid -p on Xen";

// "31:24", or "7".
std::string bits(const BitPlace& place);

// "0x2", or "0x0-0x1f" for a place that stands in every subleaf of a range.
std::string subleaves(const BitPlace& place);

// The options as one gives them to merge: "--ceiling x86-64-v3 --hide clzero"; "no options" for none.
std::string options_text(const RecordedOptions& options);

// "0x7.0 ebx[5]", "MSR 0x10a[63:0]": for people, and too short to be read back.
std::string place_text(const BitPlace& place);

// "0x7.1, 0xd.2-3f": leaves with their subleaves, runs of subleaves as one. keys are sorted.
std::string leaves_text(const std::vector<LeafKey>& keys);

// What a decision is about: a field as below, or "xsave state pkru".
std::string name_of(const Rulebook& rulebook, const Decision& decision);

// A field's id, with its subleaf where the rulebook has the field in several: "avx2", "xs_offset[5]".
std::string field_text(const Rulebook& rulebook, const std::string& field, const BitPlace& place);

// "Haswell-EP ×40", "Broadwell-EP ×28": what is most frequent first.
std::vector<std::string> by_count(const CpuCounts& counts);

// "Haswell-EP ×40, Broadwell-EP ×28 and 3 more": the most frequent CPUs first; empty where they are not known.
std::string cpus_text(const CpuCounts& cpus, std::size_t most);

// Hosts in a sentence: "a, b and c", "a, b, c and 2 more", and many of them by their CPUs: "161 hosts (Haswell-EP ×40,
// Broadwell-EP ×28, Rome ×20 and 3 more)".
std::string enumerate(const HostList& hosts);

// A value of hosts as documents have it: "0x…", or "unknown".
std::string value_word(const std::optional<std::uint64_t>& value);

// The layout of an XSAVE state: "64 bytes at 832", "none", "unknown", and "64 bytes" where the place is not known.
std::string layout_text(const ValueOfHosts& value);

// A value as a person reads it: "1", "48", "0x207", "not known".
std::string value_text(const Field& field, const std::string& value);
std::string value_text(const Field& field, const std::optional<std::uint64_t>& value);

// That of a decision, whether the rulebook knows its field or not.
std::string value_text(const Rulebook& rulebook, const Decision& decision);

}  // namespace poolcpuid::document
