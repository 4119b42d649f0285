// poolcpuid diff: what changed between two policies, two hosts, or one of each.
#include <CLI/CLI.hpp>
#include <memory>
#include <optional>
#include <string>

#include "cli/arguments.hpp"
#include "cli/commands.hpp"
#include "cli/inputs.hpp"
#include "cli/log.hpp"
#include "cli/output.hpp"
#include "cli/texts.hpp"
#include "poolcpuid/diff.hpp"
#include "poolcpuid/error.hpp"

namespace poolcpuid::cli {

namespace {

struct DiffArguments {
    std::string before;
    std::string after;
    ResultOptions result;
    std::string rulebook;
};

// The one policy or host that an argument names; nothing, and the reason logged, when it is not one.
std::optional<PolicyOrHost> read_side(const std::string& argument, const Rulebook& rulebook) {
    Inputs inputs = read_hosts_or_policies({argument});
    if (report_unreadable(inputs)) return std::nullopt;
    const std::size_t count = inputs.hosts.size() + inputs.policies.size();
    if (count != 1) {
        log_error(InputError(argument, 0, "one host or one policy, as diff compares two documents",
                             std::to_string(count) + " hosts"));
        return std::nullopt;
    }
    if (!inputs.hosts.empty()) return PolicyOrHost(std::move(inputs.hosts.front()));
    warn_of_rulebook(argument, inputs.policies.front(), rulebook);
    return PolicyOrHost(std::move(inputs.policies.front()));
}

ExitStatus diff(const DiffArguments& arguments) {
    check_output(arguments.result.output, {arguments.before, arguments.after});
    if (is_standard_input(arguments.before) && is_standard_input(arguments.after)) {
        throw UsageError("only one of A and B can be standard input");
    }
    const RulebookChoice choice(arguments.rulebook);
    const Rulebook& rulebook = choice.get();
    const std::optional<PolicyOrHost> before = read_side(arguments.before, rulebook);
    const std::optional<PolicyOrHost> after = read_side(arguments.after, rulebook);
    if (!before || !after) return ExitStatus::bad_input;

    const Difference difference = differences(rulebook, *before, *after);
    const bool as_markdown = arguments.result.format == "markdown";
    const auto document = [&] {
        return as_markdown ? diff_markdown(difference, rulebook) : to_json(difference, rulebook);
    };
    emit(arguments.result, document, [&](Page& page) { diff_text(difference, rulebook, page); });
    return difference.equal_registers ? ExitStatus::done : ExitStatus::different;
}

}  // namespace

void add_diff_command(CLI::App& verb, Action& action) {
    auto arguments = std::make_shared<DiffArguments>();
    verb.add_option("A", arguments->before, "The older policy or host dump: FILE, NAME=FILE, or - for stdin")
        ->required();
    verb.add_option("B", arguments->after, "The newer one")->required();
    verb.add_option("--format", arguments->result.format,
                    "json, text or markdown; text when standard output is a terminal")
        ->check(one_of({"json", "text", "markdown"}))
        ->type_name("FORMAT");
    add_output_option(verb, arguments->result.output,
                      "Write the JSON (or Markdown, if asked for) to FILE, and the text to standard error");
    add_rulebook_option(verb, arguments->rulebook);
    verb.footer(
        "Each change says in which direction promises go: loses, both, relaxes (the\n"
        "guest is now told of a relaxed behaviour), gains, or none. What breaks a guest\n"
        "that was started under A and is live-migrated to where B holds comes first.\n\n"
        "Exit status 0: equal registers; 1: different.\n\n"
        "Examples:\n"
        "  poolcpuid diff q2.json q3.json                     what changed in a quarter\n"
        "  poolcpuid diff old=a.txt new=b.txt --format text   two hosts\n"
        "  poolcpuid diff a.json b.json --format json | jq '.changes[].field'");
    verb.callback([&action, arguments] { action = [arguments] { return diff(*arguments); }; });
}

}  // namespace poolcpuid::cli
