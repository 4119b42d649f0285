// The merge: a pool's promises as a semilattice, and the policy that follows from them.
//
//   PoolState state(builtin_rulebook());
//   for (const HostDump& host : hosts) state.add(host);
//   PoolPolicy policy = state.finish(options);
//
// The state is a product of semilattices: adding hosts in any order, any grouping, or twice gives the
// same promises; adding a host never strengthens one (docs/design.md).
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "poolcpuid/error.hpp"
#include "poolcpuid/host_dump.hpp"
#include "poolcpuid/policy.hpp"
#include "poolcpuid/rulebook.hpp"

namespace poolcpuid {

class PoolState;

namespace merge {
struct PoolVariants;
PoolVariants variants_of(const PoolState& state, std::size_t most);
}  // namespace merge

// What the operator asked for beyond the hosts.
struct MergeOptions {
    std::string pool = "pool";
    std::string identity;                                  // a host's name or digest; empty: choose
    std::string ceiling_level;                             // a level's id, or empty
    std::optional<PoolPolicy> ceiling_policy;              // joins as one more host
    std::vector<std::string> hide;                         // fields at their weakest value
    std::vector<std::string> show;                         // fields or groups that are shown when asked for
    std::vector<std::pair<std::string, std::string>> set;  // field and value
    std::size_t most_names = poolcpuid::most_names;        // in each list of hosts of the policy; at least 1
};

// The options with which policy was made. ceiling is the policy that joined it, where one did.
// Throws UsageError when that is missing, another, or was never asked for.
MergeOptions options_of(const PoolPolicy& policy, std::optional<PoolPolicy> ceiling);

class PoolState {
public:
    // The rulebook must outlive the state.
    explicit PoolState(const Rulebook& rulebook);
    PoolState(const PoolState& other);
    PoolState(PoolState&& other) noexcept;
    PoolState& operator=(PoolState other) noexcept;
    ~PoolState();

    // Meets the state with one host. Hosts of one digest (sha256_of) are of one content: the first of them is read.
    // Throws InputError when the host has no view, or no name (host_name_problem), or the format of no dump, or when
    // another host with this name and other content was added; NoPolicyError when its vendor is not in the rulebook or
    // not that of the pool; and, as all that asks for names, SystemError when those in a file (of 65,536 hosts) do not
    // come back. Linear in the rows of the host.
    void add(const HostDump& host) { add(host, host.name); }
    // The same of a host that is called name, whatever the dump's own.
    void add(const HostDump& host, const std::string& name);

    // Meets the state with another: the same as adding its hosts. Throws as add does.
    void combine(const PoolState& other);

    // The same pool without these hosts. Throws UsageError for a name that no host has. Linear in the
    // classes of equal hosts.
    PoolState without(const std::vector<std::string>& hosts) const;

    // A host that could not be read and was left out on purpose; it becomes an error-level finding.
    // Control characters in file and reason are escaped.
    void note_skipped(std::string_view file, std::string_view reason);

    // The number of hosts, each name counted once.
    std::size_t host_count() const noexcept;

    // How many hosts have each CPU, of those that show theirs. Linear in the distinct contents.
    CpuCounts cpus() const;

    // Every name, sorted, with the digest of its content.
    std::vector<std::pair<std::string, std::string>> names() const;

    // The policy. Throws UsageError for an unknown field, level or identity or most_names of 0; NoPolicyError when no
    // policy holds on every host, the options take what 64-bit guests need, or a host does not keep a --set value.
    PoolPolicy finish(const MergeOptions& options) const;

    // The same policy with as much as its promises need: the registers, and decisions that say of every guarded field
    // whether VERW scrubs on all hosts, also where no guest is told to run it. For questions that are asked of a pool
    // many times (what_if.hpp), and for promises that no document shows. Throws as finish does.
    PoolPolicy finish_promises(const MergeOptions& options) const;

    // True when both states hold the same promises, whatever their hosts are called.
    bool same_promises(const PoolState& other) const;

private:
    friend merge::PoolVariants merge::variants_of(const PoolState& state, std::size_t most);

    struct Impl;
    std::unique_ptr<Impl> impl_;
};

// The options without an identity that no host of state can lend: it is chosen then. Linear in the hosts.
MergeOptions without_lost_identity(MergeOptions options, const PoolState& state);

}  // namespace poolcpuid
