// poolcpuid hosts: the inventory before a merge.
#include <CLI/CLI.hpp>
#include <memory>
#include <string>
#include <vector>

#include "cli/arguments.hpp"
#include "cli/commands.hpp"
#include "cli/inputs.hpp"
#include "cli/list_of_files.hpp"
#include "cli/output.hpp"
#include "cli/texts.hpp"
#include "poolcpuid/error.hpp"
#include "poolcpuid/inventory.hpp"

namespace poolcpuid::cli {

namespace {

struct HostsArguments : HostArguments {
    ResultOptions result;
    std::string rulebook;
    bool each = false;
    bool skip_unreadable = false;
};

ExitStatus hosts(HostsArguments& arguments) {
    arguments.read_list();
    check_output(arguments.result.output, arguments.hosts, {arguments.list});
    const RulebookChoice rulebook(arguments.rulebook);
    const Inputs inputs = read_inputs(arguments.hosts);
    if (report_unreadable(inputs, arguments.skip_unreadable)) return ExitStatus::bad_input;
    if (inputs.hosts.empty()) throw InputError(arguments.hosts.front(), 0, "a host", "none that can be read");

    const Inventory inventory = inventory_of(rulebook.get(), inputs.hosts);
    emit(
        arguments.result,
        [&] {
            return arguments.result.format == ndjson ? to_ndjson(rulebook.get(), inventory)
                                                     : to_json(rulebook.get(), inventory);
        },
        [&](Page& page) { hosts_text(inventory, arguments.each, page); });
    return ExitStatus::done;
}

}  // namespace

void add_hosts_command(CLI::App& verb, Action& action) {
    auto arguments = std::make_shared<HostsArguments>();
    add_host_arguments(verb, *arguments, "A host dump as for merge; vendors may be mixed");
    verb.add_flag("--each", arguments->each, "Text: a line a host instead of one for all that are alike");
    add_result_options(verb, arguments->result, {ndjson});
    add_rulebook_option(verb, arguments->rulebook);
    verb.add_flag("--skip-unreadable", arguments->skip_unreadable, "Leave out hosts that cannot be read");
    verb.footer(
        "Hosts are alike that have CPU, microcode, kernel, format, views and what is\n"
        "unknown in common. JSON has the groups and every host; NDJSON is a document a\n"
        "host, each on a line.\n\n"
        "Examples:\n"
        "  poolcpuid hosts hosts/\n"
        "  poolcpuid hosts hosts/ --format json | jq -r '.hosts[] | .name, .microcode'\n"
        "  poolcpuid hosts hosts/ --format ndjson | grep '\"lacks\":\\[\"'");
    verb.callback([&action, arguments] { action = [arguments] { return hosts(*arguments); }; });
}

}  // namespace poolcpuid::cli
