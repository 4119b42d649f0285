// The policy document: what a guest in the pool is shown, and why each value is what it is.
#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "poolcpuid/cpu.hpp"
#include "poolcpuid/finding_code.hpp"
#include "poolcpuid/host_dump.hpp"
#include "poolcpuid/registers.hpp"

namespace poolcpuid {

// Lists of host names in a document hold at most this many; the count beside them is exact.
inline constexpr std::size_t most_names = 8;

// How many of some hosts have each CPU, by short_text. Empty where it is not known, as of older documents.
using CpuCounts = std::map<std::string, std::size_t>;

// Some hosts: the first of their names, sorted, and how many they are.
struct HostList {
    std::vector<std::string> names;
    std::size_t count = 0;
    CpuCounts cpus{};

    // Adds others, none of which is among them, and keeps at most that many names.
    void add(const HostList& others, std::size_t most = most_names);

    friend bool operator==(const HostList&, const HostList&) = default;
};

// The CPUs of hosts by their names, as short_text says them.
using CpuNames = std::map<std::string, std::string, std::less<>>;

// Adds a host, unless its dump does not show its CPU. Linear in the model table.
void add_cpu(const Rulebook& rulebook, const HostDump& host, CpuNames& cpus);

// All of these names, sorted, with the CPUs where each host's is known.
HostList list_of(const std::vector<std::string>& names, const CpuNames& cpus);

// Something about the inputs or the result that a person should know.
struct Finding {
    Severity severity = Severity::note;
    std::string code;     // stable, for scripts: finding_code.hpp has those of this version
    std::string message;  // a sentence or two
    std::string field;    // the rulebook's id, or empty
    HostList hosts;       // in older documents the count is that of the names

    friend bool operator==(const Finding&, const Finding&) = default;
};

// What a dump says of its host beside the registers.
struct HostFacts {
    std::optional<Cpu> cpu;                  // nothing: the dump does not show the signature
    std::optional<std::uint32_t> microcode;  // as /proc/cpuinfo words it
    std::string kernel;                      // its release; empty: not known
    std::string vmm;                         // whose the hypervisor's view is: "kvm"; empty: there is none
    bool is_virtual = false;                 // a virtual machine, whose hypervisor chose the CPU

    friend bool operator==(const HostFacts&, const HostFacts&) = default;
};

// The facts of a dump. Linear in the model table.
HostFacts facts_of(const Rulebook& rulebook, const HostDump& host);

// The format of a class that is a policy: no dump is of that format.
inline constexpr std::string_view ceiling_format = "policy";

// Hosts with equal content.
struct HostClass {
    std::string sha256;
    std::string format;
    std::vector<std::string> views;  // "hardware", "hypervisor"
    std::vector<std::string> names;  // at most most_names, sorted
    std::size_t count = 0;
    HostFacts facts{};  // none in older documents

    // True for a policy that joined the pool as its ceiling, which is no host of it.
    bool is_ceiling() const { return format == ceiling_format; }

    friend bool operator==(const HostClass&, const HostClass&) = default;
};

// Where an XSAVE state of a known size lies (SDM vol. 1, 13.4.2).
struct StatePlace {
    std::uint32_t offset = 0;  // bytes, in the standard format; 0 for supervisor state
    bool aligned = false;      // to 64 bytes, in the compacted format

    friend auto operator<=>(const StatePlace&, const StatePlace&) = default;
};

// A value of a field and the hosts that have it.
struct ValueOfHosts {
    std::optional<std::uint64_t> value;  // shifted down; nothing: their dumps do not say
    std::vector<std::string> hosts;
    std::size_t count = 0;
    std::optional<StatePlace> at{};  // of an XSAVE state that the hosts have; value is its size
    CpuCounts cpus{};

    HostList list() const { return {hosts, count, cpus}; }

    friend bool operator==(const ValueOfHosts&, const ValueOfHosts&) = default;
};

// What set a value.
enum class Cause : std::uint8_t {
    agreement,    // every host has it so
    hosts,        // the rule, applied to hosts that differ or do not say
    layout,       // of an XSAVE state: the hosts lay it out differently
    group,        // said by another name, which the policy has
    dependency,   // closure: what it stands on is not in the policy
    xsave_state,  // closure: its XSAVE state, or one with which it stands or falls, is not
    equality,     // closure: a format that the hosts do not share
    gate,         // says nothing while another field is 0
    duty,         // closure: what the hosts' sum demands is not allowed on all of them
    ceiling,      // the operator's --ceiling LEVEL
    hidden,       // --hide
    set,          // --set, or a --hide that shows a relaxed behaviour
    not_asked,    // shown only with --show
    derived,      // follows from other fields
    identity,     // describes the CPU of one host
    owned,        // the VMM or the guest fills it in
    never,        // never shown to a guest in a pool
};

// "agreement", "hosts", "xsave-state", "never-shown" …
std::string_view to_string(Cause cause) noexcept;

// The cause of that name, or nothing.
std::optional<Cause> cause_named(std::string_view name) noexcept;

// True for a cause that is a consequence of what else is, or is not, in the policy.
bool is_consequence(Cause cause) noexcept;

// What is known of some hosts beside the values that their dumps show.
struct Remark {
    enum class Kind : std::uint8_t {
        modelled,  // the model table says what the silicon does, whatever the dump shows
        implied,   // a VM that brings the field may run there all the same
        withheld,  // the CPU has the field, and who makes the hypervisor's view does not offer it
    };

    Kind kind = Kind::modelled;
    std::string kernel{};  // of withheld: the release that does not offer it; empty: not known
    HostList hosts;

    friend bool operator==(const Remark&, const Remark&) = default;
};

// "modelled", "implied", "withheld".
std::string_view to_string(Remark::Kind kind) noexcept;

// The kind of that name, or nothing.
std::optional<Remark::Kind> remark_kind_named(std::string_view name) noexcept;

// Why a field has its value: hosts differed, or something other than plain agreement set it. An XSAVE state is one
// decision, on the field that is its size.
struct Decision {
    std::string field;  // the rulebook's id
    BitPlace place;
    std::string rule;
    std::uint64_t value = 0;  // shifted down
    std::vector<ValueOfHosts> values;
    Cause cause = Cause::hosts;
    std::vector<std::string> on{};         // ids of what it follows from: fields, an equality group, XSAVE states
    HostList because{};                    // the hosts that decided
    HostList because_unknown{};            // of them those that did by not being known
    HostList because_known{};              // and the others; empty where all are of one kind
    std::string state{};                   // of an XSAVE state: its id
    std::optional<bool> scrubs{};          // of a guarded field that the guest is told of: VERW scrubs wherever it runs
    std::vector<Remark> remarks{};         // at most one of a kind and kernel
    std::string reason{};                  // made from all this for people; no part of the program reads it
    std::vector<std::string> mitigates{};  // ids of the rulebook's vulnerabilities: what the bit helps against

    friend bool operator==(const Decision&, const Decision&) = default;
};

// The hosts that decided on a value, without some of which it would be another. None of either kind: the operator.
struct Deciders {
    HostList known;    // by what is known of them
    HostList unknown;  // by not being known

    friend bool operator==(const Deciders&, const Deciders&) = default;
};

// Those of a decision, all of its `because`.
Deciders deciders_of(const Decision& decision);

// A policy that joined the pool as a ceiling.
struct CeilingPolicy {
    std::string pool;
    std::string sha256;  // of its document

    friend bool operator==(const CeilingPolicy&, const CeilingPolicy&) = default;
};

// What the operator asked for beyond the hosts, so that the policy can be computed again.
struct RecordedOptions {
    std::string identity;  // a host's name or digest, as it was given
    std::string ceiling_level;
    std::optional<CeilingPolicy> ceiling_policy;
    std::vector<std::string> hide;                         // the rulebook's ids, sorted
    std::vector<std::string> show;                         // ids and groups, sorted
    std::vector<std::pair<std::string, std::string>> set;  // id and value ("0x…"), sorted

    // True when nothing was asked for.
    bool empty() const { return *this == RecordedOptions{}; }

    friend bool operator==(const RecordedOptions&, const RecordedOptions&) = default;
};

// The minor version of the documents that are written. From 1 on a decision has its cause as data; from 2 on a host has
// its facts, lists of hosts their CPUs, and the policy the features and the level that a guest sees; from 3 on a
// decision tells the hosts that decided by not being known from the others.
inline constexpr unsigned policy_minor = 3;

struct PoolPolicy {
    unsigned minor = policy_minor;
    bool lean = false;  // of decisions there are only those that promise something by themselves
    std::string pool;
    std::string vendor;   // the CPUID vendor string
    std::string level{};  // of the x86-64 psABI: "x86-64-v3"; empty: none, or an older document
    RecordedOptions options;
    std::string rulebook_version;
    std::string rulebook_sha256;
    std::vector<HostClass> hosts;         // sorted by digest
    std::string names_sha256;             // of all names, sorted, each followed by a newline
    std::vector<CpuidRow> cpuid;          // sorted; a leaf without a row reads as zeros
    std::vector<MsrRow> msrs;             // sorted; an MSR without a row is not offered
    std::vector<std::string> features{};  // ids of what guest_features names; none in older documents
    std::vector<BitPlace> owned;          // bits that the VMM or the guest fills in
    std::vector<Decision> decisions;
    std::vector<Finding> findings;
    std::string older_sha256{};  // of the document, where that was of an older minor version; else empty

    friend bool operator==(const PoolPolicy&, const PoolPolicy&) = default;
};

// The CPUs of the pool's hosts. Linear in the classes of hosts.
CpuCounts cpus_of(const PoolPolicy& policy);

// The same of each host that the policy names, unless its CPU is not known.
CpuNames cpu_names_of(const PoolPolicy& policy);

// The policy as its JSON document (schemas/policy.schema.json): deterministic, ends with a newline.
std::string to_json(const PoolPolicy& policy);

// The policy without the decisions that only say why: it promises the same and takes a fraction of the room.
PoolPolicy as_lean(PoolPolicy policy);

// The policy as a document of an older minor version would say it: without what later ones added. For comparing the
// two.
PoolPolicy as_minor(PoolPolicy policy, unsigned minor);

// The SHA-256 of the policy's document as this program writes it, or as the program did that wrote it.
std::string sha256_of(const PoolPolicy& policy);

// Reads a policy document back. file is used in messages. Throws InputError when the document is
// malformed or a decision contradicts the registers.
PoolPolicy read_policy(std::string_view bytes, std::string_view file);

// True when bytes are a policy document of any version, as their member "schema" says, rather than a host's. A byte
// order mark before it does not count. Linear in what stands before that member.
bool is_policy(std::string_view bytes);

}  // namespace poolcpuid
