// May a VM that was started with a policy run on a host? Every promise that the host breaks, in both
// directions.
//
//   PolicyCheck check(builtin_rulebook(), policy);
//   Verdict verdict = check.against(host);
//   if (!verdict.compatible(UnknownIs::failure)) for (const Violation& violation : verdict.violations) ...
//
// A guest was promised what its policy shows: that AVX2 is there (a set bit), and that writes to FS_BASE
// are serializing (a clear bit). A host that lacks the first or does not keep the second breaks the
// guest. Derived, identity, owned and hidden fields promise nothing and are never compared.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "poolcpuid/host_dump.hpp"
#include "poolcpuid/policy.hpp"
#include "poolcpuid/rulebook.hpp"
#include "poolcpuid/shared_list.hpp"

namespace poolcpuid {

// Which of the two ways to break a guest.
enum class Breach : std::uint8_t {
    lost,      // the guest was promised something that the host does not give
    not_told,  // the host has a relaxed behaviour of which the guest was not told
};

// "lost", "not-told".
std::string_view to_string(Breach breach) noexcept;

// What an unknown promise counts as.
enum class UnknownIs : std::uint8_t { failure, warning };

// An atom of the policy that the host does not keep.
struct Violation {
    std::string field;  // the rulebook's id; "vendor"; "xsave state NAME"
    std::string state;  // the id of that XSAVE state; empty: it is about none
    BitPlace place;
    Breach breach = Breach::lost;
    bool known = true;     // false: the dump does not say, so the host is not known to keep it
    bool given = false;    // likewise, but every hypervisor gives it: it is told of, and never counts
    std::string promised;  // "0x…", or a word for what is no number
    std::string host;      // likewise; "unknown"
    Impact impact = Impact::cosmetic;
    std::string message;  // one sentence, without the host's name
    std::string mend;     // what would mend it on the host, likewise; empty: nothing there does
    std::string remedy;   // the same and, where it is not sure or there is none, what is left

    // True when a move fails for it, or degrades the guest.
    bool counts(UnknownIs unknown) const noexcept { return known || (unknown == UnknownIs::failure && !given); }

    friend bool operator==(const Violation&, const Violation&) = default;
};

// A field that the policy shows and the host's VMM would not show by itself: no promise is broken, but
// the VMM there must be told to show it when the VM is started or received.
struct StartUp {
    std::string field;
    BitPlace place;
    std::string value;    // what the policy shows
    std::string message;  // one sentence, without the host's name

    friend bool operator==(const StartUp&, const StartUp&) = default;
};

// What a move fails for beside broken promises that hurt.
struct Strictness {
    UnknownIs unknown = UnknownIs::failure;
    bool degraded_fails = false;  // promises count whose breach only degrades the guest

    constexpr Strictness(UnknownIs unknown_is, bool degraded = false) noexcept
        : unknown(unknown_is), degraded_fails(degraded) {}
};

// What becomes of the VM on the host.
enum class Outcome : std::uint8_t {
    runs,
    runs_degraded,  // it may run, and is slower, or finds another description
    must_not_run,
};

// "runs", "runs-degraded", "must-not-run".
std::string_view to_string(Outcome outcome) noexcept;

struct Verdict {
    std::string name;                  // the host's, or the other policy's pool
    std::string sha256;                // of the host; of the other policy's document
    bool is_policy = false;            // a second policy stands in the host's place
    SharedList<Violation> violations;  // CPUID before MSR, then by leaf or index, subleaf, register, low bit
    SharedList<StartUp> start_up;      // in the same order

    // By the worst of the promises that count.
    Outcome outcome(UnknownIs unknown) const noexcept;

    // False when the VM must not run, or degraded_fails and it would run degraded.
    bool compatible(Strictness strictness) const noexcept;
};

class PolicyCheck {
public:
    // The rulebook must outlive the check. Throws NoPolicyError when it does not know the policy's vendor.
    PolicyCheck(const Rulebook& rulebook, const PoolPolicy& policy);
    PolicyCheck(PolicyCheck&& other) noexcept;
    PolicyCheck& operator=(PolicyCheck&& other) noexcept;
    ~PolicyCheck();

    // Every atom of the policy against the host's. A host of another vendor has that one violation.
    // Linear in the host's rows and the rulebook's fields.
    Verdict against(const HostDump& host) const;

    // The same with the pool of another policy in the host's place: may VMs of this policy move into it?
    Verdict against(const PoolPolicy& other) const;

private:
    struct Impl;
    std::unique_ptr<const Impl> impl_;
};

// The verdicts as a JSON document (schemas/check.schema.json), sorted by name: deterministic, ends with
// a newline.
std::string to_json(const PoolPolicy& policy, const Rulebook& rulebook, const std::vector<Verdict>& verdicts,
                    Strictness strictness);

// The same as NDJSON: such a document for each verdict, in their order, each a line that sink is given. What verdicts
// on one content, by the digest, share is made once. Linear.
void to_ndjson(const PoolPolicy& policy, const Rulebook& rulebook, const std::vector<Verdict>& verdicts,
               Strictness strictness, const std::function<void(std::string_view line)>& sink);

// What one of several policies finds.
struct PolicyVerdicts {
    PoolPolicy policy;
    std::vector<Verdict> verdicts;  // of the same hosts for each policy
};

// Several policies against the same hosts as one JSON document (schemas/check-matrix.schema.json), policies in their
// order, verdicts sorted by name.
std::string to_json(const std::vector<PolicyVerdicts>& matrix, const Rulebook& rulebook, Strictness strictness);

}  // namespace poolcpuid
