// poolcpuid convert: shows a dump as it was read, in another format.
#include <CLI/CLI.hpp>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "base/lists.hpp"
#include "cli/arguments.hpp"
#include "cli/commands.hpp"
#include "cli/inputs.hpp"
#include "cli/list_of_files.hpp"
#include "cli/log.hpp"
#include "cli/output.hpp"
#include "dump/hidden_cpuid.hpp"
#include "poolcpuid/error.hpp"
#include "poolcpuid/rulebook.hpp"
#include "poolcpuid/write_hosts.hpp"

namespace poolcpuid::cli {

namespace {

struct ConvertArguments : HostArguments {
    std::string to = "json";
    std::string output;
};

// By name, each once: in whatever order they are given, the bytes are the same.
std::vector<const HostDump*> by_name(const std::vector<HostDump>& hosts) {
    std::map<std::string, const HostDump*> all;
    for (const HostDump& host : hosts) all.emplace(host.name, &host);
    std::vector<const HostDump*> sorted;
    for (const auto& [name, host] : all) sorted.push_back(host);
    return sorted;
}

ExitStatus convert(ConvertArguments& arguments) {
    arguments.read_list();
    check_output(arguments.output, arguments.hosts, {arguments.list});
    const Inputs inputs = read_inputs(arguments.hosts);
    if (report_unreadable(inputs)) return ExitStatus::bad_input;
    const std::vector<const HostDump*> hosts = by_name(inputs.hosts);
    if (arguments.to != ndjson && hosts.size() != 1) {
        throw UsageError("convert takes one host, or several with --to ndjson; " + joined(arguments.hosts) + " holds " +
                         std::to_string(hosts.size()));
    }
    std::map<std::string, std::vector<std::string>> notes;
    std::string text;
    for (const HostDump* host : hosts) {
        for (const std::vector<DumpNote>& some : {host->notes, dump::notes_on_hidden(builtin_rulebook(), *host)}) {
            for (const DumpNote& note : some) notes[note.message].push_back(host->name);
        }
        std::vector<std::string> warnings;
        text += arguments.to == ndjson   ? to_host_line(*host)
                : arguments.to == "json" ? to_host_json(*host)
                                         : to_cpuid_r(*host, warnings);
        for (const std::string& warning : warnings) log_warning(host->name + ": " + warning);
    }
    for (const auto& [message, names] : notes) log_info(enumerate(names) + ": " + message);
    write_result(arguments.output, text);
    return ExitStatus::done;
}

}  // namespace

void add_convert_command(CLI::App& verb, Action& action) {
    auto arguments = std::make_shared<ConvertArguments>();
    add_host_arguments(verb, *arguments,
                       "A dump in any format that is read: a file, NAME=FILE, or - for stdin; a directory for ndjson");
    verb.add_option("--to", arguments->to,
                    "json: our host document, which carries everything (default). ndjson: the same for any number of "
                    "hosts, a line each. cpuid-r: the text of `cpuid -r`")
        ->check(one_of({"json", ndjson, "cpuid-r"}))
        ->type_name("FORMAT");
    add_output_option(verb, arguments->output, "Write to FILE instead of standard output");
    verb.footer(
        "Values are shown as read: nothing is inferred or repaired. What the dump does\n"
        "not say is listed as unknown; what cpuid-r cannot carry is named on stderr.\n\n"
        "Examples:\n"
        "  poolcpuid convert --to cpuid-r host.json\n"
        "  poolcpuid convert --to ndjson hosts/ -o fleet.ndjson");
    verb.callback([&action, arguments] { action = [arguments] { return convert(*arguments); }; });
}

}  // namespace poolcpuid::cli
