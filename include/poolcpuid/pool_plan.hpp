// What a change of a pool's hosts means before it is made: the policy after it, and which running VMs
// strand where.
//
//   PoolPlan plan = plan_change(builtin_rulebook(), current, change, running, UnknownIs::failure);
//   for (const RunningPlan& entry : plan.running) if (entry.stranded()) ...
//
// A VM keeps the CPUID that it was started with, so the policies that count are those of running VMs:
// the pool's own and its older generations. Each is checked against each host of the pool after the change.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "poolcpuid/check.hpp"
#include "poolcpuid/diff.hpp"
#include "poolcpuid/host_dump.hpp"
#include "poolcpuid/policy.hpp"
#include "poolcpuid/pool_state.hpp"
#include "poolcpuid/rulebook.hpp"

namespace poolcpuid {

// A host of the pool whose dump is not there any more: its file was overwritten or removed.
struct FormerHost {
    std::string name;
    std::string sha256;  // as the policy lists it; empty where it does not say which host had which
};

// The pool before the change.
struct CurrentPool {
    PoolPolicy policy;               // in force
    std::vector<HostDump> hosts;     // those behind it, named
    PoolState state;                 // of these hosts
    MergeOptions options;            // with which the policy was made (see options_of)
    std::vector<FormerHost> lost{};  // hosts behind it whose dumps are not among hosts; each leaves or comes back
};

struct PoolChange {
    std::vector<HostDump> added;
    std::vector<std::string> removed;  // names of hosts of the pool
    std::vector<HostDump> replaced;    // hosts of the pool, by name, with other dumps
};

// A policy with which VMs run.
struct RunningPolicy {
    std::string label;  // unique among those of a plan
    PoolPolicy policy;
    bool of_pool = false;  // the policy in force
};

// What a change does to promises, counted as in a Difference.
struct PromiseCounts {
    std::size_t loses = 0;
    std::size_t both = 0;
    std::size_t relaxes = 0;
    std::size_t gains = 0;

    friend bool operator==(const PromiseCounts&, const PromiseCounts&) = default;
};

// What a change does to a policy as a whole.
enum class Strength : std::uint8_t { equal, weaker, stronger, both };

// "equal", "weaker", "stronger", "both".
std::string_view to_string(Strength strength) noexcept;

Strength strength_of(const PromiseCounts& counts) noexcept;

// Names of settings.
inline constexpr const char* cpu_setting = "cpu";
inline constexpr const char* microcode_setting = "microcode";
inline constexpr const char* kernel_setting = "kernel";

// Something about a host that explains a change of its CPUID: another CPU, microcode, kernel, KVM's parameters.
struct SettingChange {
    std::string name;
    std::optional<std::string> before;  // nothing where the dump does not say
    std::optional<std::string> after;   // likewise
    bool is_newer = false;              // of the microcode: the revision after is the newer one

    friend bool operator==(const SettingChange&, const SettingChange&) = default;
};

// A host that joins, leaves or comes back.
struct ChangedHost {
    std::string name;
    std::string before;    // the digest; empty for a host that joins
    std::string after;     // likewise; empty for a host that leaves
    PromiseCounts counts;  // from the policy before to that of the host alone; from its former self to it
    std::vector<SettingChange> settings;  // of a host that comes back, by name
    bool former_known = true;             // false: its former dump is not there, and counts are from the policy before
};

// Hosts after the change on which VMs must not run, for the same reasons.
struct Unreachable {
    std::vector<std::string> hosts;  // all their names, sorted
    bool before = false;             // nor could they before the change
    std::vector<Violation> violations;
    // Of these the guarded bits, by id, for which VERW scrubs on no host where the VMs may run before the change, and
    // all of those are affected: not told to run it, they are as open there.
    std::vector<std::string> open_before{};

    // True where nothing else keeps them away: a move makes nothing worse for them.
    bool is_no_worse(Strictness strictness) const noexcept;
};

// Hosts that VMs reach though they break promises, or are not known to keep them: alike in which.
struct FlawedHosts {
    std::vector<std::string> hosts;  // all their names, sorted
    std::vector<Violation> violations;
};

// Hosts that are alike in what a policy needs there at start-up.
struct StartUpHosts {
    std::vector<std::string> hosts;  // all their names, sorted
    std::vector<StartUp> start_up;
};

// What becomes of the VMs of one running policy.
struct RunningPlan {
    std::string label;
    std::string sha256;  // of the policy's document
    bool of_pool = false;
    std::vector<std::string> reaches;       // the hosts after the change that may run them: all names, sorted
    std::vector<Unreachable> cannot_reach;  // by the first host
    std::vector<FlawedHosts> degraded;      // reached, and slower there (see Outcome); by the first host
    std::vector<FlawedHosts> doubtful;      // reached, and not known to keep all, which does not count; likewise
    std::vector<StartUpHosts> start_up;     // on the hosts that they reach; by the first host
    std::vector<std::string> must_move;     // hosts that leave or are replaced, and on which they may run now
    std::vector<std::string> no_refuge;     // those of must_move from which they reach no other host
    PromiseCounts restart;                  // from this policy to the one after the change

    // True when they cannot move everywhere in the pool until they restart.
    bool stranded() const noexcept { return !cannot_reach.empty(); }

    // True when they strand, and what keeps them away they are as open to where they may run before the change.
    bool is_no_worse(Strictness strictness) const noexcept;

    // True when the change takes nothing from them: each host that they cannot reach was out of their reach
    // before, and they do not lose the last one that they reached.
    bool stranded_before() const noexcept;
};

// What hosts that join or come back cost.
struct HostPrice {
    std::vector<std::string> hosts;  // all their names, sorted
    std::vector<FieldChange> gains;  // of the difference: what breaks a promise that would be kept without them
};

// Something to do to hosts, so that VMs may run there.
struct Mend {
    std::string remedy;               // a sentence
    std::vector<std::string> fields;  // of whose violations it is the remedy, in order of place
    std::vector<std::string> hosts;   // all their names, sorted
};

// What there is to do about a plan beside its mends, and what it rests on. Whether a list or member is used follows
// from the kind.
struct PlanAdvice {
    enum class Kind : std::uint8_t {
        keep_vms,       // VMs of running stay on the hosts that they reach until they have restarted
        shut_down_vms,  // VMs of running reach no host after the change: before it they are shut down, and then started
        restart_vms,    // VMs of running, not told of fields, are protected on hosts once they have restarted
        restore_settings,  // hosts come back without what the pool's policy promises: settings of before would mend it
        other_cpu,         // likewise, with another CPU: no setting would
        start_new_vms,     // when new VMs start, and with which policy
    };

    // A policy of the plan with which VMs start.
    enum class Start : std::uint8_t { before, after };

    Kind kind = Kind::start_new_vms;
    Start with = Start::before;           // of the kinds that start VMs
    std::vector<std::string> running{};   // labels, sorted
    std::vector<std::string> hosts{};     // all their names, sorted
    std::vector<std::string> fields{};    // ids
    std::vector<std::string> settings{};  // restore_settings: their kinds, "bios" among them, sorted
    std::optional<SettingChange> cpu{};   // other_cpu: what it was and is
    bool if_same_cpu = false;             // restore_settings: the dump of before does not say which CPU it was

    // Of start_new_vms with the policy after.
    std::vector<std::string> when_left{};     // hosts that must have left before, sorted
    std::vector<std::string> when_back{};     // hosts that must have come back before, sorted
    std::vector<std::string> errors{};        // codes of findings of the policy after that the one before has not
    std::vector<std::string> falsely_safe{};  // vulnerabilities from which its guests are falsely safe, by id
};

// "keep-vms", "shut-down-vms", "restart-vms", "restore-settings", "other-cpu", "start-new-vms".
std::string_view to_string(PlanAdvice::Kind kind) noexcept;

// "before", "after".
std::string_view to_string(PlanAdvice::Start start) noexcept;

struct PoolPlan {
    Strictness strictness = UnknownIs::failure;
    std::size_t hosts_before = 0;
    std::size_t hosts_after = 0;
    std::vector<ChangedHost> added;  // by name
    std::vector<ChangedHost> removed;
    std::vector<ChangedHost> replaced;
    PoolPolicy before;  // the policy in force
    PoolPolicy after;   // as merge makes it of the hosts after the change
    // The hosts before still give the policy in force with this rulebook; nothing where a former dump is not there.
    std::optional<bool> policy_is_current = true;
    std::string identity_gone;           // the host that lent the identity on request, and cannot after the change
    Difference difference;               // from before to after
    PromiseCounts counts;                // of the difference
    std::vector<RunningPlan> running;    // by label
    std::vector<StartUpHosts> start_up;  // of the policy after, by the first host
    // Hosts that leave or are replaced, and do not keep the policy after as they are.
    std::vector<std::string> wait_for;
    std::vector<Finding> findings;   // what cannot be known of the change
    std::vector<HostPrice> price;    // of what the policy loses; the most first
    std::vector<Mend> mends;         // by the first host
    std::vector<PlanAdvice> advice;  // for running VMs, then for hosts, then for new VMs
    CpuNames cpus;                   // of the hosts before and after, where a dump shows it

    // True when hosts join, leave or come back.
    bool changes_hosts() const noexcept { return !added.empty() || !removed.empty() || !replaced.empty(); }

    // The policy that running VMs restart with: the one after, unless nothing tells the two apart.
    PlanAdvice::Start restart_with() const noexcept {
        return changes_hosts() || !difference.equal_registers ? PlanAdvice::Start::after : PlanAdvice::Start::before;
    }

    // True for a host that leaves. Linear in those.
    bool leaves(std::string_view host) const noexcept;

    // The findings at the level of errors that the policy after has and the one before has not, or has of other hosts.
    std::vector<const Finding*> new_errors() const;

    // The labels of the stranded, sorted.
    std::vector<std::string> stranded() const;
};

// Computes the plan. current.policy should be among running. A host that is added under the name and with
// the content of one of the pool changes nothing. Throws UsageError when a name to remove or replace is not
// of the pool, or a host would change in two ways; InputError when an added host has the name of another;
// NoPolicyError when no host is left, or no policy is true on all. Each class of equal hosts is checked
// once a policy.
PoolPlan plan_change(const Rulebook& rulebook, const CurrentPool& current, const PoolChange& change,
                     const std::vector<RunningPolicy>& running, Strictness strictness);

// Where the VMs of each running policy may run.
enum class VmStanding : std::uint8_t { runs, degraded, doubtful, must_not_run };

// "runs", "degraded", "doubtful", "must-not-run".
std::string_view to_string(VmStanding standing) noexcept;

// Hosts after the change on which every running policy stands alike.
struct MatrixHosts {
    std::vector<std::string> hosts;    // all their names, sorted
    std::vector<VmStanding> standing;  // parallel to PoolPlan::running
};

// The running policies by the hosts after the change; by the first host. O(n log n) in policies times hosts.
std::vector<MatrixHosts> matrix_of(const PoolPlan& plan);

// The plan as a JSON document (schemas/plan.schema.json): deterministic, ends with a newline.
std::string to_json(const PoolPlan& plan, const Rulebook& rulebook);

}  // namespace poolcpuid
