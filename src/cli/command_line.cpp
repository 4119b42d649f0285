#include "cli/command_line.hpp"

#include <CLI/CLI.hpp>
#include <algorithm>
#include <array>
#include <string_view>

#include "cli/arguments.hpp"
#include "cli/usage.hpp"

namespace poolcpuid::cli {

namespace {

// By what --help calls a value or a place: what is there to complete. Words that an option allows come before.
struct Kind {
    std::string_view value;
    Takes takes;
};

constexpr std::array kinds{
    Kind{"FILE", Takes::file},      Kind{"HOST", Takes::file},
    Kind{"POLICY", Takes::file},    Kind{"PATH", Takes::file},
    Kind{"A", Takes::file},         Kind{"B", Takes::file},
    Kind{"NAME=FILE", Takes::file}, Kind{"LEVEL|MODEL|POLICY", Takes::file},
    Kind{"DIR", Takes::directory},  Kind{"VERB", Takes::verb},
};

Takes takes_of(std::string_view value) {
    if (value.ends_with("...")) value.remove_suffix(3);
    const auto at = std::find_if(kinds.begin(), kinds.end(), [&](const Kind& kind) { return kind.value == value; });
    return at == kinds.end() ? Takes::anything : at->takes;
}

Parameter parameter_of(CLI::Option& option) {
    Parameter parameter;
    parameter.description = option.get_description();
    parameter.group = option.get_group();
    parameter.required = option.get_required();
    for (const std::string& name : option.get_snames()) parameter.names.push_back("-" + name);
    for (const std::string& name : option.get_lnames()) parameter.names.push_back("--" + name);
    const bool is_place = option.get_positional();
    if (!is_place && option.get_items_expected_max() == 0) return parameter;
    parameter.value = is_place ? option.get_name(true) : option.get_type_name();
    parameter.value.resize(std::min(parameter.value.find(':'), parameter.value.size()));  // without what a check allows
    parameter.words = words_of(option);
    parameter.takes = parameter.words.empty() ? takes_of(parameter.value) : Takes::word;
    parameter.several = option.get_expected_max() > 1 && (is_place || option.get_allow_extra_args());
    return parameter;
}

}  // namespace

Command command_of(CLI::App& app) {
    Command command{.name = app.get_name(),
                    .full_name = full_name(app),
                    .description = app.get_description(),
                    .footer = app.get_footer()};
    for (CLI::Option* option : app.get_options([](const CLI::Option*) { return true; })) {
        Parameter argument = parameter_of(*option);
        (argument.names.empty() ? command.places : command.options).push_back(std::move(argument));
    }
    for (CLI::App* verb : app.get_subcommands([](const CLI::App*) { return true; })) {
        command.verbs.push_back(command_of(*verb));
    }
    return command;
}

std::string completion_script(const Command& program, const std::string& shell) {
    if (shell == "zsh") return zsh_completion(program);
    return shell == "fish" ? fish_completion(program) : bash_completion(program);
}

}  // namespace poolcpuid::cli
