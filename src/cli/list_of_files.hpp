// --files0-from: the hosts of a verb as a list in a file, for more of them than a command line holds.
#pragma once

#include <string>
#include <vector>

#include <CLI/CLI.hpp>

namespace poolcpuid::cli {

// The arguments HOST of a verb.
struct HostArguments {
    std::vector<std::string> hosts;
    std::string list;  // what --files0-from names, or empty

    // Puts what the list names into hosts. Throws UsageError where there are both, or where the list is standard input
    // and names it, too; InputError where it cannot be read, has an empty name or,
    // unless it may be empty, none.
    void read_list(bool may_be_empty = false);
};

// HOST, described so, and --files0-from, of which one is required. arguments must outlive the verb.
void add_host_arguments(CLI::App& verb, HostArguments& arguments, const std::string& description);

}  // namespace poolcpuid::cli
