// poolcpuid help and version: what the program can do, and which one it is.
#include <CLI/CLI.hpp>
#include <memory>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "base/json_text.hpp"
#include "cli/arguments.hpp"
#include "cli/command_line.hpp"
#include "cli/commands.hpp"
#include "cli/output.hpp"
#include "cli/usage.hpp"
#include "poolcpuid/rulebook.hpp"

namespace poolcpuid::cli {

namespace {

constexpr const char* program_version = POOLCPUID_VERSION;

std::string version_json() {
    const Rulebook& rulebook = builtin_rulebook();
    return json::text_of(
        {{"schema", "poolcpuid/version/v1"},
         {"version", program_version},
         {"rulebook",
          {{"version", rulebook.version}, {"sha256", rulebook.sha256}, {"fields", rulebook.fields.size()}}}});
}

}  // namespace

std::string version_text() {
    const Rulebook& rulebook = builtin_rulebook();
    return std::string("poolcpuid ") + program_version + "\nrulebook " + std::string(rulebook.version) + " (" +
           std::to_string(rulebook.fields.size()) + " fields, sha256 " + std::string(rulebook.sha256) + ")";
}

void add_help_command(CLI::App& verb, Action& action) {
    auto words = std::make_shared<std::vector<std::string>>();
    verb.add_option("VERB", *words, "The verb: merge, or two words as in rules list. Default: the program");
    auto as_man = std::make_shared<bool>(false);
    verb.add_flag("--man", *as_man, "As a page for man, in roff: poolcpuid help --man merge | man -l -");
    CLI::App* const program = verb.get_parent();
    verb.callback([&action, words, as_man, program] {
        action = [words, as_man, program] {
            CLI::App& app = verb_named(*program, *words);
            if (*as_man) {
                write_stdout(manual_page(command_of(*program), command_of(app)));
                return ExitStatus::done;
            }
            write_stdout(app.get_formatter()->make_help(&app, full_name(app), CLI::AppFormatMode::Normal));
            return ExitStatus::done;
        };
    });
}

void add_version_command(CLI::App& verb, Action& action) {
    auto result = std::make_shared<ResultOptions>();
    add_result_options(verb, *result);
    verb.callback([&action, result] {
        action = [result] {
            emit(*result, version_json, [](Page& page) { page.verbatim(version_text() + "\n"); });
            return ExitStatus::done;
        };
    });
}

}  // namespace poolcpuid::cli
