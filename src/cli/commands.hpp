// The verbs of the command line. Each adds its subcommand to the parser and says what to run.
#pragma once

#include <functional>

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

void add_merge_command(CLI::App& app, Action& action);
void add_check_command(CLI::App& app, Action& action);
void add_diff_command(CLI::App& app, Action& action);
void add_plan_command(CLI::App& app, Action& action);
void add_explain_command(CLI::App& app, Action& action);
void add_capture_command(CLI::App& app, Action& action);
void add_verify_command(CLI::App& app, Action& action);
void add_render_command(CLI::App& app, Action& action);
void add_convert_command(CLI::App& app, Action& action);
void add_report_command(CLI::App& app, Action& action);
void add_rules_command(CLI::App& app, Action& action);

}  // namespace poolcpuid::cli
