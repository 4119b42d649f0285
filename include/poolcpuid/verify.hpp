// Does a guest on this host see what a policy says? A vCPU is started with it, executes CPUID and RDMSR,
// and what it reads is compared.
//
//   Verification result = verify_policy(builtin_rulebook(), policy, kvm_vcpus());
//   if (!result.shows_policy()) for (const SeenField& field : result.differences) ...
//
// A difference is the policy's trouble on this host only where KVM could have shown what the policy says.
// Some KVMs, nested ones above all, put bits of their own over what a VMM asks for. So where something
// differs, two more vCPUs are asked, one with every flag set and one with every flag clear: a bit that reads
// the same in all three is out of the VMM's hands on this host, and is told apart.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "poolcpuid/host_dump.hpp"
#include "poolcpuid/policy.hpp"
#include "poolcpuid/registers.hpp"
#include "poolcpuid/rulebook.hpp"
#include "poolcpuid/telling.hpp"

namespace poolcpuid {

// An entry of a vCPU's CPUID.
struct VcpuEntry {
    CpuidRow row;
    bool has_subleaves = false;  // false: it answers for every subleaf of its leaf
};

// What a vCPU is given, and what it is asked.
struct VcpuTask {
    std::vector<VcpuEntry> cpuid;      // sorted, unique
    std::vector<MsrRow> msrs;          // each with a value; set before the vCPU runs
    std::vector<LeafKey> execute;      // by CPUID
    std::vector<std::uint32_t> rdmsr;  // indices
};

struct VcpuAnswer {
    std::string refusal;                             // why KVM refuses the entries; empty: it took them
    std::vector<std::string> entry_refusals;         // then for each entry why it is refused alone; empty: it is not
    std::vector<std::string> msr_refusals;           // the same for each of the task's MSRs
    std::vector<Registers> cpuid;                    // an answer to each of execute; none after a refusal
    std::vector<std::optional<std::uint64_t>> msrs;  // and of rdmsr; without a value where RDMSR faults
};

// Makes a vCPU, lets it do the task and takes it away. Where nothing is asked, the vCPU need not run.
using VcpuRunner = std::function<VcpuAnswer(const VcpuTask&)>;

// vCPUs of KVM on this machine. Throws SystemError, a sentence that says what helps, when KVM cannot be used;
// the runner throws it when a vCPU cannot be made or does not come to its end. The calling thread stays on
// one logical CPU while a vCPU runs. Asks for the permission to use every XSAVE state component that KVM
// can give to guests, for the life of the process.
VcpuRunner kvm_vcpus(const std::string& device = "/dev/kvm");

struct SeenField {
    std::string field;  // the rulebook's id, or stray_change (diff.hpp)
    BitPlace place;
    std::string rule;                    // the rulebook's word; empty where there is no field
    std::string policy;                  // "0x…", shifted down
    std::string seen;                    // likewise
    Telling shows = Telling::otherwise;  // of what is seen
    Impact impact = Impact::cosmetic;
    std::string meaning;  // a sentence: what it means for the guest

    friend bool operator==(const SeenField&, const SeenField&) = default;
};

// What KVM does not take, or the guest cannot read.
struct Refused {
    bool is_msr = false;
    std::optional<LeafKey> key;  // leaf and subleaf, or the index of an MSR as leaf; none: the list as a whole
    std::string reason;          // a sentence

    friend bool operator==(const Refused&, const Refused&) = default;
};

struct Verification {
    std::size_t rows = 0;                 // of the policy, compared
    std::size_t other_rows = 0;           // leaves and subleaves that the policy has not, compared with zeros
    std::size_t msrs = 0;                 // of the policy, compared
    std::vector<Refused> refused;         // entries, then MSRs, by leaf or index
    std::vector<SeenField> differences;   // that KVM could have shown; by shows, impact, place
    std::vector<SeenField> uncontrolled;  // that this KVM shows whatever it is told; likewise

    // True when nothing is refused and nothing differs but what is out of the VMM's hands.
    bool shows_policy() const noexcept { return refused.empty() && differences.empty(); }
};

// Starts a vCPU with the policy and compares what it reads, all but the bits that the policy leaves to the
// VMM (owned): every row; the other subleaves of each leaf that the rulebook knows and the one beyond; each
// leaf up to the maximum of its range and the one beyond. What has no row is to read as zeros, but a leaf
// beyond the maximum of any range may repeat what this vCPU reads at the highest basic leaf and the same
// subleaf, right or wrong, as Intel's CPUs do (SDM vol. 2A, CPUID) and KVM for guests of all vendors but AMD
// and Hygon (Linux, arch/x86/kvm/cpuid.c, get_out_of_range_cpuid_entry). Throws NoPolicyError when the
// rulebook does not know the policy's vendor, and what run throws.
Verification verify_policy(const Rulebook& rulebook, const PoolPolicy& policy, const VcpuRunner& run);

// On whose word it is so.
struct KvmHost {
    std::string kernel;  // the release; empty where it cannot be told, as the next
    std::string module;  // "kvm_amd", or several with a comma between them
};

// Of the machine on which the program runs.
KvmHost this_kvm_host();

// The verification as a JSON document (schemas/verify.schema.json): deterministic, ends with a newline.
std::string to_json(const PoolPolicy& policy, const Rulebook& rulebook, const Verification& verification,
                    const KvmHost& host);

}  // namespace poolcpuid
