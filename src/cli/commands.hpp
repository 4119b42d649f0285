// The verbs of the command line: each a file, and a row here.
#pragma once

#include <array>
#include <functional>
#include <string>

namespace CLI {
class App;
}

namespace poolcpuid::cli {

// The program's exit statuses: part of the contract, so they never change.
enum class ExitStatus : int {
    done = 0,       // done, compatible, or no difference
    different = 1,  // incompatible or different
    usage = 2,      // wrong usage
    bad_input = 3,  // input that cannot be read or is malformed; nothing was written
    no_policy = 4,  // no policy exists that is true on every host
    failed = 5,     // anything else, such as output that could not be written
};

// Set by the verb that was chosen; run after parsing.
using Action = std::function<ExitStatus()>;

// Each adds the arguments of its verb to the parser, and what to run once they are parsed.
void add_hosts_command(CLI::App& verb, Action& action);
void add_merge_command(CLI::App& verb, Action& action);
void add_show_command(CLI::App& verb, Action& action);
void add_check_command(CLI::App& verb, Action& action);
void add_audit_command(CLI::App& verb, Action& action);
void add_diff_command(CLI::App& verb, Action& action);
void add_explain_command(CLI::App& verb, Action& action);
void add_plan_command(CLI::App& verb, Action& action);
void add_report_command(CLI::App& verb, Action& action);
void add_render_command(CLI::App& verb, Action& action);
void add_capture_command(CLI::App& verb, Action& action);
void add_verify_command(CLI::App& verb, Action& action);
void add_convert_command(CLI::App& verb, Action& action);
void add_rules_command(CLI::App& verb, Action& action);
void add_schema_command(CLI::App& verb, Action& action);
void add_completion_command(CLI::App& verb, Action& action);
void add_help_command(CLI::App& verb, Action& action);
void add_version_command(CLI::App& verb, Action& action);

// The program's version and that of the rulebook compiled in, a line each, without the last line feed.
std::string version_text();

struct Verb {
    const char* name;
    const char* help;  // in a line
    void (*add)(CLI::App& verb, Action& action);
    bool is_of_all = false;  // it says what the other verbs take
};

// In the order of --help.
inline constexpr std::array verbs{
    Verb{"hosts", "Say what the hosts are before a merge: CPUs, microcode, kernels, gaps", add_hosts_command},
    Verb{"merge", "The policy of a pool from its hosts' dumps: the main job", add_merge_command},
    Verb{"show", "Say what a guest with a policy gets: level, features, limits", add_show_command},
    Verb{"check", "Say from dumps whether a VM that holds a policy may run on each host", add_check_command},
    Verb{"audit", "Say what a guest's kernel believes of each CPU vulnerability, and whether it is true",
         add_audit_command},
    Verb{"diff", "Say what changed between two policies, two hosts, or one of each", add_diff_command},
    Verb{"explain", "Say why each value of a policy is what it is", add_explain_command},
    Verb{"plan", "Say what a change of the hosts means, and which VMs strand where", add_plan_command},
    Verb{"report", "Write a policy as a page that an auditor reads", add_report_command},
    Verb{"render", "Write a policy in a VMM's own language", add_render_command},
    Verb{"capture", "Dump this host: both views and feature MSRs", add_capture_command},
    Verb{"verify", "Try on this host: start a vCPU with a policy, and compare what it sees", add_verify_command},
    Verb{"convert", "Show a host dump as it was read, in another format", add_convert_command},
    Verb{"rules", "The rulebook: what each bit promises and how it is merged", add_rules_command},
    Verb{"schema", "Print a JSON Schema of what is read or written", add_schema_command},
    Verb{"completion", "Print what bash, zsh or fish read to complete this command line", add_completion_command, true},
    Verb{"help", "Print the help of a verb, or this", add_help_command, true},
    Verb{"version", "Print the version and the rulebook's", add_version_command},
};

}  // namespace poolcpuid::cli
