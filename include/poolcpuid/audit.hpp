// What a guest's kernel believes of each CPU vulnerability under a policy, and whether that is true on each host.
//
//   const Audit audit = audit_policy(rulebook, policy, hosts, {});
//   for (const AuditEntry& entry : audit.entries) ... entry.says: "Mitigation: Clear CPU buffers; …" ...
//
// A kernel decides from the CPUID and the MSRs that it is shown, and from family, model and stepping, what its CPU is
// affected by; then it mitigates, or does nothing and says "Not affected". Behind one policy stand many hosts. Where a
// host is affected and the guest does nothing, or does what has no effect there, the guest is falsely safe. What a
// kernel says, and by what, is data of the rulebook: policy/guests/*.json, each rule with its source.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "poolcpuid/host_dump.hpp"
#include "poolcpuid/policy.hpp"
#include "poolcpuid/rulebook.hpp"
#include "poolcpuid/vmm_version.hpp"

namespace poolcpuid {

// What a guest believes of one vulnerability.
enum class Belief : std::uint8_t {
    not_affected,
    mitigated,
    vulnerable,  // it knows that it is open
    unknown,     // it knows that it cannot tell
};

// "not-affected", "mitigated", "vulnerable", "unknown".
std::string_view to_string(Belief belief) noexcept;

// The belief of that name, or nothing.
std::optional<Belief> belief_named(std::string_view name) noexcept;

// What a dump says of a question.
enum class Answer : std::uint8_t { no, yes, unknown };

// "no", "yes", "unknown".
std::string_view to_string(Answer answer) noexcept;

// Whether a belief is true of a host, the worst last.
enum class AuditVerdict : std::uint8_t {
    needless,      // the guest mitigates, or fears, what the host does not have
    holds,         // "true" in documents
    unknown,       // the dump does not say
    vulnerable,    // the host is affected, and the guest says that it is open or cannot tell
    falsely_safe,  // the host is affected, and the guest does nothing, or does what has no effect there
};

// "needless", "true", "unknown", "vulnerable", "falsely-safe".
std::string_view to_string(AuditVerdict verdict) noexcept;

// A kernel whose beliefs the rulebook knows.
struct GuestKernel {
    std::string id;  // "linux-6.12"
    VmmVersion release;
    std::string name;  // "Linux 6.12.118, Debian 13"
    std::string source;

    friend bool operator==(const GuestKernel&, const GuestKernel&) = default;
};

// What a policy does not say of a guest, and its kernel asks for.
struct GuestAssumption {
    std::string id;
    std::string says;  // "the guest's CPUs are threads …"
    bool holds = false;

    friend bool operator==(const GuestAssumption&, const GuestAssumption&) = default;
};

// What an answer rests on: a field of the rulebook, a tag that the guest's file gives to CPUs, "vendor:ID" …
struct AuditGround {
    std::string name;
    bool is_field = false;
    Answer value = Answer::no;
    bool is_told = false;  // of a host's answer: what the guest there is told, not what the host has

    friend bool operator==(const AuditGround&, const AuditGround&) = default;
};

// What several hosts are for one belief.
struct AuditHosts {
    AuditVerdict verdict = AuditVerdict::holds;
    Answer affected = Answer::no;        // whether a guest there has something to do against it
    std::optional<Answer> effective{};   // whether what the guest does has an effect there; nothing: it does nothing
    std::vector<AuditGround> grounds{};  // what decided it there
    std::vector<std::string> hosts{};    // all names, sorted

    friend bool operator==(const AuditHosts&, const AuditHosts&) = default;
};

// What would make a belief true, or better.
struct AuditAdvice {
    enum class By : std::uint8_t { microcode, host, identity, option, kernel, dump };

    By by = By::option;
    std::string text;                   // a sentence
    std::vector<std::string> fields{};  // sorted
    std::vector<std::string> hosts{};   // those that it is about, sorted

    friend bool operator==(const AuditAdvice&, const AuditAdvice&) = default;
};

// "microcode", "host", "identity", "option", "kernel", "dump".
std::string_view to_string(AuditAdvice::By by) noexcept;

// One vulnerability.
struct AuditEntry {
    std::string id;    // the name of the kernel's file
    std::string name;  // as people say it
    std::string says;  // what that file holds in the guest
    Belief belief = Belief::not_affected;
    std::vector<AuditGround> grounds;     // what decided it, in the order in which the rule asks
    std::vector<Decision> decided;        // the policy's decisions on fields among these
    std::optional<AuditVerdict> verdict;  // the worst of the hosts'; nothing without hosts
    std::vector<AuditHosts> hosts;        // the worst first
    std::vector<AuditAdvice> advice;
    std::string why;     // a remark on the rule, or empty
    std::string source;  // of the rule
};

struct Audit {
    GuestKernel kernel;
    std::vector<GuestAssumption> assumptions;
    Signature identity;               // of the guest
    std::size_t hosts = 0;            // of which it was asked
    std::vector<AuditEntry> entries;  // sorted by id
    CpuNames cpus;                    // of the hosts

    // Whether a host is affected by something that a guest there believes itself safe from.
    bool is_falsely_safe() const noexcept;
};

struct AuditOptions {
    std::string guest;                // the id of a kernel; empty: the newest
    std::vector<std::string> assume;  // ids of assumptions
};

// The kernels of which a rulebook knows what they believe, by guest and release, and what may be assumed.
std::vector<GuestKernel> guest_kernels(const Rulebook& rulebook);
std::vector<GuestAssumption> guest_assumptions(const Rulebook& rulebook);

// Audits a policy, on hosts or, without any, of itself. A host's truth is that of the newest kernel's rules, whatever
// the guest's. Throws NoPolicyError where the rulebook does not know the policy's vendor, InputError for a host of
// another vendor and a rulebook that has no guests, and UsageError for an unknown kernel or assumption. Linear in the
// hosts.
Audit audit_policy(const Rulebook& rulebook, const PoolPolicy& policy, const std::vector<HostDump>& hosts,
                   const AuditOptions& options);

// The audit as a JSON document (schemas/audit.schema.json): deterministic, ends with a newline.
std::string to_json(const PoolPolicy& policy, const Rulebook& rulebook, const Audit& audit);

}  // namespace poolcpuid
