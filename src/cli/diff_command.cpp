// poolcpuid diff: what changed between two policies, two hosts, or one of each.
#include <CLI/CLI.hpp>
#include <algorithm>
#include <memory>
#include <optional>
#include <string>
#include <vector>

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
    std::vector<std::string> hosts;
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
    warn_of_document(argument, inputs.policies.front(), rulebook);
    return PolicyOrHost(std::move(inputs.policies.front()));
}

// The hosts on which guests run, each once. Nothing, and the reasons logged, where one cannot be read.
std::optional<std::vector<HostDump>> read_hosts(const DiffArguments& arguments) {
    Inputs inputs = read_inputs(arguments.hosts);
    if (report_unreadable(inputs)) return std::nullopt;
    return std::move(inputs.hosts);
}

// The differences of both sides and, of two policies, what guests wrongly believe on hosts.
Difference differences_on(const Rulebook& rulebook, const PolicyOrHost& before, const PolicyOrHost& after,
                          const std::vector<HostDump>& hosts) {
    if (!hosts.empty() && (std::holds_alternative<HostDump>(before) || std::holds_alternative<HostDump>(after))) {
        throw UsageError("--hosts goes with two policies: it asks what guests that have them believe");
    }
    std::vector<const HostDump*> asked;
    for (const HostDump& host : hosts) asked.push_back(&host);
    return differences(rulebook, before, after, asked);
}

ExitStatus diff(const DiffArguments& arguments) {
    check_output(arguments.result.output, {arguments.before, arguments.after}, arguments.hosts);
    std::vector<std::string> inputs{arguments.before, arguments.after};
    inputs.insert(inputs.end(), arguments.hosts.begin(), arguments.hosts.end());
    if (std::count_if(inputs.begin(), inputs.end(), is_standard_input) > 1) {
        throw UsageError("only one of A and B can be standard input");
    }
    const RulebookChoice choice(arguments.rulebook);
    const Rulebook& rulebook = choice.get();
    const std::optional<PolicyOrHost> before = read_side(arguments.before, rulebook);
    const std::optional<PolicyOrHost> after = read_side(arguments.after, rulebook);
    const std::optional<std::vector<HostDump>> hosts = read_hosts(arguments);
    if (!before || !after || !hosts) return ExitStatus::bad_input;

    const Difference difference = differences_on(rulebook, *before, *after, *hosts);
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
    verb.add_option("--hosts", arguments->hosts,
                    "Of two policies: the dumps of the hosts on which guests run, to say where these are falsely safe")
        ->type_name("HOST...");
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
        "  poolcpuid diff q2.json q3.json --hosts hosts/      who is falsely safe, where\n"
        "  poolcpuid diff old=a.txt new=b.txt --format text   two hosts\n"
        "  poolcpuid diff a.json b.json --format json | jq '.changes[].field'");
    verb.callback([&action, arguments] { action = [arguments] { return diff(*arguments); }; });
}

}  // namespace poolcpuid::cli
