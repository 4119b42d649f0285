// What changed between two policies, two hosts, or one of each: field by field, in terms of promises.
//
//   Difference difference = differences(builtin_rulebook(), old_policy, new_policy);
//   if (!difference.equal_registers) for (const FieldChange& change : difference.changes) ...
//
// For a policy its registers count, literally. A host promises what the policy does that a merge makes of it alone,
// and keeps what check finds kept there: of two hosts, what the first one's policy loses on the second, and gains.
// Fields without promises (identity, derived, owned, hidden) are compared as dumped.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "poolcpuid/audit.hpp"
#include "poolcpuid/host_dump.hpp"
#include "poolcpuid/policy.hpp"
#include "poolcpuid/rulebook.hpp"

namespace poolcpuid {

// What a change does to the promises that a guest has, what breaks a running guest first.
enum class Direction : std::uint8_t {
    loses,    // a promise goes: an intersect bit, a min shrinks, a max grows, an XSAVE state goes or moves
    both,     // an `equal` value changed, or a field of several bits does more than one of the others
    relaxes,  // an announcement of relaxed behaviour appears: the guest is now told, and was not before
    gains,    // a promise appears: the reverse of one of the above
    none,     // no promise changes: identity, derived, owned and hidden fields, bits without a field
};

// True where a running guest of the first side relies on what the second does not keep.
constexpr bool breaks_promise(Direction direction) noexcept {
    return direction != Direction::gains && direction != Direction::none;
}

// "loses", "both", "relaxes", "gains", "none".
std::string_view to_string(Direction direction) noexcept;

// What stands for a field where there is none.
inline constexpr const char* vendor_change = "vendor";
inline constexpr const char* stray_change = "bits without a field";

struct FieldChange {
    std::string field;  // the rulebook's id; "xsave state NAME"; vendor_change; stray_change
    std::string state;  // the id of that XSAVE state; empty: it is about none
    BitPlace place;
    std::string rule;    // the rulebook's word; empty where there is no field
    std::string before;  // "0x…", or a word for what is no number; "unknown" where a dump does not say
    std::string after;   // likewise
    bool known = true;   // false: one of the two is unknown, or whether the promise is kept
    bool given = false;  // likewise, but every hypervisor gives it: it is told of, and never counts
    Direction direction = Direction::none;
    // Of a broken promise, as check finds it there; else of the field, were its promise broken.
    Impact impact = Impact::cosmetic;
    std::vector<std::string> mitigates;  // ids of the vulnerabilities that the bit helps against
    std::string restarted;               // a sentence: what it means for a guest that restarts under the second side
    std::string migrated;                // and for a guest of the first side that is live-migrated to the second

    // True where a guest of the first side that moves to the second is worse off.
    bool breaks() const noexcept { return breaks_promise(direction) && !given; }

    friend bool operator==(const FieldChange&, const FieldChange&) = default;
};

// One of the two that are compared.
struct DiffSide {
    std::string name;  // the host's, or the policy's pool
    bool is_policy = false;
    std::string sha256;            // of the host; of the policy's document
    std::string vendor;            // the CPUID vendor string
    std::string rulebook_version;  // with which the policy was made; empty for a host
    std::string rulebook_sha256;
    std::string options;  // of a policy: as one gives them to merge, "no options" for none
};

// Hosts that are behind both policies, and are not the same there.
struct HostPair {
    HostClass before;
    HostClass after;
};

// A finding of both policies that is not the same in them: of other hosts, most often.
struct FindingPair {
    Finding before;
    Finding after;
};

// How two policies differ beyond their registers. Empty unless both sides are policies.
struct Provenance {
    bool rulebook = false;                   // made with different rulebooks
    bool options = false;                    // the operator asked for other things
    bool pool = false;                       // the pool's name
    bool names = false;                      // the names of all hosts (documents list only some of them)
    std::vector<HostClass> hosts_removed;    // by digest
    std::vector<HostClass> hosts_added;      // likewise
    std::vector<HostPair> hosts_renamed;     // the same content under other names, in another number or told otherwise
    std::vector<HostPair> hosts_recaptured;  // the same names with other content, as far as the documents list them;
                                             // these hosts are not among the others
    std::vector<BitPlace> owned_removed;     // bits that the VMM no longer fills in
    std::vector<BitPlace> owned_added;
    std::vector<std::string> decisions;  // ids of fields that are decided otherwise, or no longer, in order of place
    std::vector<Finding> findings_removed;
    std::vector<Finding> findings_added;
    std::vector<FindingPair> findings_changed;  // of one code and subject, where each policy has one

    // True when there is no such difference.
    bool empty() const noexcept;
};

// A CPU vulnerability of which a guest's kernel believes something else under the second policy.
struct BeliefChange {
    std::string id;      // the name of the kernel's file
    std::string name;    // as people say it
    std::string before;  // what that file holds in a guest of the first policy
    std::string after;
    Belief belief_before = Belief::not_affected;
    Belief belief_after = Belief::not_affected;
};

// A CPU vulnerability from which a guest believes itself safe, and is not on some of the hosts that were asked.
struct FalseBelief {
    std::string id;
    std::string name;
    std::string before;  // as in BeliefChange; the same where only the hosts count
    std::string after;
    std::vector<std::string> hosts_before;  // where a guest of the first policy is falsely safe, sorted
    std::vector<std::string> hosts_after;   // and one that restarts under the second
    std::vector<AuditAdvice> advice;        // what would help the latter
};

// What a kernel believes otherwise.
struct BeliefChanges {
    GuestKernel kernel;
    std::vector<BeliefChange> changes;      // sorted by id
    std::size_t hosts = 0;                  // of which it was asked whether that is true
    std::vector<FalseBelief> falsely_safe;  // sorted by id
    CpuNames cpus;                          // of the hosts
};

struct Difference {
    DiffSide before;
    DiffSide after;
    // Two policies: the same CPUID rows and MSRs. Two hosts: the same CPUID rows, unknown rows and MSRs in
    // each view, whatever they are called. One of each: the same value of every field.
    bool equal_registers = false;
    std::vector<FieldChange> changes;  // by direction, then impact, then place
    Provenance provenance;
    // Of two policies for one vendor, by the newest kernel (audit.hpp) that restarts under the second. Nothing where
    // the rulebook knows no guest.
    std::optional<BeliefChanges> beliefs;

    bool is_of_two_vendors() const { return before.vendor != after.vendor; }
};

using PolicyOrHost = std::variant<PoolPolicy, HostDump>;

// The difference. Between sides of two vendors the vendor is what no longer holds; what else their registers differ
// in has no direction, and is not told where the rulebook does not know one of the vendors. Throws NoPolicyError when
// it does not know the vendor of both. Linear in the rows of both and the rulebook's fields.
//
// hosts: of two policies, those on which guests run, of which it is asked whether what they believe is true there. Of
// different names; throws InputError for a host of another vendor than that of both policies.
Difference differences(const Rulebook& rulebook, const PolicyOrHost& before, const PolicyOrHost& after,
                       const std::vector<const HostDump*>& hosts = {});

// The difference as a JSON document (schemas/diff.schema.json): deterministic, ends with a newline.
std::string to_json(const Difference& difference, const Rulebook& rulebook);

}  // namespace poolcpuid
