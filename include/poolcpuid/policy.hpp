// The policy document: what a guest in the pool is shown, and why each value is what it is.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "poolcpuid/host_dump.hpp"
#include "poolcpuid/registers.hpp"

namespace poolcpuid {

enum class Severity : std::uint8_t { error, warning, note };

std::string_view to_string(Severity severity) noexcept;

// Lists of host names in a document hold at most this many; the count beside them is exact.
inline constexpr std::size_t most_names = 8;

// Something about the inputs or the result that a person should know.
struct Finding {
    Severity severity = Severity::note;
    std::string code;                // stable, for scripts: finding_code.hpp has those of this version
    std::string message;             // a sentence or two
    std::string field;               // the rulebook's id, or empty
    std::vector<std::string> hosts;  // at most most_names, sorted

    friend bool operator==(const Finding&, const Finding&) = default;
};

// Hosts with equal content.
struct HostClass {
    std::string sha256;
    std::string format;
    std::vector<std::string> views;  // "hardware", "hypervisor"
    std::vector<std::string> names;  // at most most_names, sorted
    std::size_t count = 0;

    // True for a policy that joined the pool as its ceiling, which is no host of it.
    bool is_ceiling() const { return format == "policy"; }

    friend bool operator==(const HostClass&, const HostClass&) = default;
};

// A value of a field and the hosts that have it.
struct ValueOfHosts {
    std::string value;  // "0x…", or "unknown"
    std::vector<std::string> hosts;
    std::size_t count = 0;

    friend bool operator==(const ValueOfHosts&, const ValueOfHosts&) = default;
};

// Where bits stand: in a register of CPUID, or in an MSR.
struct BitPlace {
    bool is_msr = false;
    std::uint32_t leaf = 0;  // leaf, or MSR index
    std::uint32_t subleaf_first = 0;
    std::uint32_t subleaf_last = 0;
    Register reg = Register::eax;
    std::uint8_t low = 0;
    std::uint8_t high = 0;

    // The bits within their register or MSR.
    constexpr std::uint64_t mask() const noexcept {
        return (~std::uint64_t{0} >> (63U - static_cast<unsigned>(high - low))) << low;
    }

    friend auto operator<=>(const BitPlace&, const BitPlace&) = default;
};

// Why a field has its value: hosts differed, or something other than plain agreement set it.
struct Decision {
    std::string field;  // the rulebook's id
    BitPlace place;
    std::string rule;
    std::string value;
    std::vector<ValueOfHosts> values;
    std::vector<std::string> because;  // the hosts whose values decided
    std::string reason;
    std::vector<std::string> mitigates{};  // ids of the rulebook's vulnerabilities: what the bit helps against

    friend bool operator==(const Decision&, const Decision&) = default;
};

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

struct PoolPolicy {
    std::string pool;
    std::string vendor;  // the CPUID vendor string
    RecordedOptions options;
    std::string rulebook_version;
    std::string rulebook_sha256;
    std::vector<HostClass> hosts;  // sorted by digest
    std::string names_sha256;      // of all names, sorted, each followed by a newline
    std::vector<CpuidRow> cpuid;   // sorted; a leaf without a row reads as zeros
    std::vector<MsrRow> msrs;      // sorted; an MSR without a row is not offered
    std::vector<BitPlace> owned;   // bits that the VMM or the guest fills in
    std::vector<Decision> decisions;
    std::vector<Finding> findings;

    friend bool operator==(const PoolPolicy&, const PoolPolicy&) = default;
};

// The policy as its JSON document (schemas/policy.schema.json): deterministic, ends with a newline.
std::string to_json(const PoolPolicy& policy);

// Reads a policy document back. file is used in messages. Throws InputError when the document is
// malformed or a decision contradicts the registers.
PoolPolicy read_policy(std::string_view bytes, std::string_view file);

// True when bytes look like a policy document rather than a host's.
bool is_policy(std::string_view bytes) noexcept;

}  // namespace poolcpuid
