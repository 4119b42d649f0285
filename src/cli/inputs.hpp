// What the arguments of the command line name: hosts, policies and rulebooks, read from files, directories and standard
// input.
#pragma once

#include <cstddef>
#include <functional>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "poolcpuid/error.hpp"
#include "poolcpuid/explain.hpp"
#include "poolcpuid/host_dump.hpp"
#include "poolcpuid/load_rulebook.hpp"
#include "poolcpuid/partial_result.hpp"
#include "poolcpuid/policy.hpp"
#include "poolcpuid/pool_state.hpp"
#include "poolcpuid/read_hosts.hpp"
#include "poolcpuid/rulebook.hpp"

namespace poolcpuid::cli {

class Progress;

// An argument that names a file, with or without a name for what is in it.
struct Argument {
    std::optional<std::string> name;
    std::string path;  // "-" for standard input
};

// "NAME=FILE" when the "=" stands before any "/", so that ./a=b is a path; else a path. A file that is called like the
// whole text wins, as a shell's pattern may have named it.
Argument parse_argument(const std::string& text);

// True for "NAME=FILE": the "=" stands before any "/".
bool looks_named(const std::string& text);

// What could be read and what could not: every bad input is reported, not just the first.
struct Inputs {
    std::vector<HostDump> hosts;                                 // named, in the order of the arguments
    std::vector<PoolPolicy> policies;                            // only where they are accepted
    PartialResult part;                                          // likewise: all partial results together
    std::vector<std::pair<std::string, InputError>> unreadable;  // a file or host, and what is wrong with it
    std::vector<InputError> refused;                             // partial results, which are never left out
};

// Logs what could not be read: as errors, or as warnings where it is skipped. True when the verb cannot go on without.
// Of a partial result that cannot be read it cannot: it stands for any number of hosts.
bool report_unreadable(const Inputs& inputs, bool skip = false);

// What is wrong with a partial host in a pool: it was read from names of features, and what these do not say may be
// there. Throws nothing.
InputError partial_problem(const std::string& name, const HostDump& dump, const std::string& instead);

// How partial results (partial_result.hpp) are taken, which stand for their hosts: they must have been made with this
// rulebook, which must outlive the reading, and these options.
struct MergeInputs {
    const Rulebook* rulebook = nullptr;
    PartialOptions options;
};

// How inputs are read. Manner::threads of them are read at once; nothing depends on how many.
struct InputOptions {
    bool accepts_policies = false;       // a file that holds a policy stands for its pool
    IsListed listed{};                   // as read_hosts has it
    Progress* progress = nullptr;        // to which hosts and bytes are counted, if there is one
    bool says = true;                    // what is left aside is logged
    std::optional<MergeInputs> merge{};  // none: partial results are not taken
};

// Reads the hosts that the arguments name: a file, NAME=FILE ("=" before any "/"), a directory (not
// recursive, dot files skipped, each file one host), or "-" for standard input.
Inputs read_inputs(const std::vector<std::string>& arguments, const InputOptions& options = {});

// The same, but each host is given to sink as soon as it and those before it are read, and then forgotten; the result
// has no hosts. Names that two hosts have are the sink's to find.
using HostSink = std::function<void(const std::string& name, const HostDump& dump)>;  // not the dump's own name
Inputs read_each(const std::vector<std::string>& arguments, const InputOptions& options, const HostSink& sink);

// Adds to what is unreadable that each of these names is that of two hosts with different content, and in which files
// they stand: the arguments are read again for that.
void add_name_conflicts(Inputs& inputs, const std::set<std::string>& names, const std::vector<std::string>& arguments);

// What policy lists its hosts by.
IsListed listed_in(const PoolPolicy& policy);

// Reads hosts that may be those behind policy, by the digests that it lists.
Inputs read_hosts_of(const PoolPolicy& policy, const std::vector<std::string>& arguments);

// As read_inputs; a file that holds a policy stands for its pool, and NAME for the pool's name.
Inputs read_hosts_or_policies(const std::vector<std::string>& arguments);

// The files of a directory, sorted, without dot files and directories; says: what is left out is logged. Throws
// InputError.
std::vector<std::string> files_in(const std::string& directory, bool says = true);

// Logs a warning where the hosts behind policy have other names, or whole, what they give, is another policy.
void warn_if_other(const PoolPolicy& policy, const std::string& path, const PoolPolicy& whole);

// True for an argument that names standard input: "-" or NAME=-.
bool is_standard_input(const std::string& argument);

// The bytes of a file, or of standard input for "-". Throws InputError.
std::string read_file(const std::string& path);

// Reads a policy document. Throws InputError.
PoolPolicy read_policy_file(const std::string& path);

// Logs a warning when the policy was made with another rulebook or, of this one, has a level or features that are not
// what its registers show. path is used in the message.
void warn_of_document(const std::string& path, const PoolPolicy& policy, const Rulebook& rulebook);

// Reads a policy to compare with, and logs a warning when it was made with another rulebook. Throws InputError.
PoolPolicy read_bound(const std::string& path, const Rulebook& rulebook);

// Throws InputError when the policy does not say why its values are as they are (merge --lean) and no hosts tell it.
void require_decisions(const PoolPolicy& policy, const std::string& path, bool has_hosts);

// The rulebook of a run: the one compiled in, or the directory that --rulebook names.
class RulebookChoice {
public:
    // directory: empty for the built-in rulebook. Logs every lint finding and throws InputError when
    // there is one.
    explicit RulebookChoice(const std::string& directory);

    const Rulebook& get() const noexcept { return loaded_ ? loaded_->view() : builtin_rulebook(); }

private:
    std::optional<LoadedRulebook> loaded_;
};

// The hosts behind a policy, read again (--hosts): what questions about the pool need beyond the policy.
struct PolicyHosts {
    std::vector<HostDump> dumps;  // in the order of the arguments
    PoolState state;
    MergeOptions options;  // those of the policy, with no bound on lists of names
    PoolPolicy whole;      // state.finish(options)
};

// How --hosts is described in the help of a verb.
inline constexpr const char* hosts_help = "The dumps of the policy's hosts, as for merge; matched by digest";
inline constexpr const char* skip_hosts_help = "Leave out those of --hosts that cannot be read, as merge did";
inline constexpr const char* ceiling_help = "The policy that was the ceiling, where the policy was made with one";

// Which hosts are behind a policy, as a verb is told.
struct PolicyHostsArguments {
    std::vector<std::string> hosts;
    std::string ceiling;           // the file of the policy that joined as the ceiling, or empty
    bool skip_unreadable = false;  // as merge did, or may have
};

// Reads the hosts and merges them as policy was made. path (of the policy) is used in messages. Nothing, with every
// reason logged, when a host cannot be read and is not to be skipped, is not behind the policy, or is missing. Logs a
// warning when what the hosts give now is another policy. Throws UsageError where the ceiling does not fit the policy,
// as merge does for the rest.
std::optional<PolicyHosts> read_policy_hosts(const PoolPolicy& policy, const std::string& path,
                                             const PolicyHostsArguments& arguments, const Rulebook& rulebook);

}  // namespace poolcpuid::cli
