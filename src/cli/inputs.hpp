// The HOST and POLICY arguments of the command line, read from files, directories and standard input.
#pragma once

#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "poolcpuid/host_dump.hpp"
#include "poolcpuid/policy.hpp"
#include "poolcpuid/rulebook.hpp"

namespace poolcpuid::cli {

// An argument that names a file, with or without a name for what is in it.
struct Argument {
    std::optional<std::string> name;
    std::string path;  // "-" for standard input
};

// "NAME=FILE" when the "=" stands before any "/", so that ./a=b is a path; else a path. A file that is called like the
// whole text wins, as a shell's pattern may have named it.
Argument parse_argument(const std::string& text);

// What could be read and what could not: every bad input is reported, not just the first.
struct Inputs {
    std::vector<HostDump> hosts;                                  // named, in the order of the arguments
    std::vector<PoolPolicy> policies;                             // only where they are accepted
    std::vector<std::pair<std::string, std::string>> unreadable;  // file and message
};

// Reads the hosts that the arguments name: a file, NAME=FILE ("=" before any "/"), a directory (not
// recursive, dot files skipped, each file one host), or "-" for standard input.
Inputs read_inputs(const std::vector<std::string>& arguments);

// The same; a file that holds a policy stands for its pool, and NAME for the pool's name.
Inputs read_hosts_or_policies(const std::vector<std::string>& arguments);

// True for an argument that names standard input: "-" or NAME=-.
bool is_standard_input(const std::string& argument);

// The bytes of a file, or of standard input for "-". Throws InputError.
std::string read_file(const std::string& path);

// Reads a policy document. Throws InputError.
PoolPolicy read_policy_file(const std::string& path);

// Logs a warning when the policy was made with another rulebook. path is used in the message.
void warn_of_rulebook(const std::string& path, const PoolPolicy& policy, const Rulebook& rulebook);

// Reads a policy to compare with, and logs a warning when it was made with another rulebook. Throws InputError.
PoolPolicy read_bound(const std::string& path, const Rulebook& rulebook);

}  // namespace poolcpuid::cli
