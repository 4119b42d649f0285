// poolcpuid completion: what a shell reads to complete the command line.
#include <CLI/CLI.hpp>
#include <memory>
#include <string>

#include "base/lists.hpp"
#include "cli/arguments.hpp"
#include "cli/command_line.hpp"
#include "cli/commands.hpp"
#include "cli/output.hpp"

namespace poolcpuid::cli {

void add_completion_command(CLI::App& verb, Action& action) {
    auto shell = std::make_shared<std::string>();
    verb.add_option("SHELL", *shell, "The shell that is to complete: " + joined(shells))
        ->required()
        ->check(one_of(shells));
    verb.footer(
        "Packages and cmake --install bring the scripts along. Without them:\n\n"
        "Examples:\n"
        "  source <(poolcpuid completion bash)\n"
        "  poolcpuid completion zsh > ~/.zfunc/_poolcpuid   a directory of fpath\n"
        "  poolcpuid completion fish | source");
    CLI::App* const program = verb.get_parent();
    verb.callback([&action, shell, program] {
        action = [shell, program] {
            write_stdout(completion_script(command_of(*program), *shell));
            return ExitStatus::done;
        };
    });
}

}  // namespace poolcpuid::cli
