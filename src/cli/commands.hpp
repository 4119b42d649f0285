// The verbs of the command line. Each adds its subcommand to the parser and says what to run.
#pragma once

#include <functional>

#include "cli/exit_status.hpp"

namespace CLI {
class App;
}

namespace poolcpuid::cli {

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
