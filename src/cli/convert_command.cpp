// poolcpuid convert: shows a dump as it was read, in another format.
#include <CLI/CLI.hpp>
#include <memory>
#include <string>
#include <vector>

#include "cli/arguments.hpp"
#include "cli/commands.hpp"
#include "cli/inputs.hpp"
#include "cli/log.hpp"
#include "cli/output.hpp"
#include "poolcpuid/error.hpp"
#include "poolcpuid/write_hosts.hpp"

namespace poolcpuid::cli {

namespace {

struct ConvertArguments {
    std::string host;
    std::string to = "json";
    std::string output;
};

ExitStatus convert(const ConvertArguments& arguments) {
    check_output(arguments.output, {arguments.host});
    const Inputs inputs = read_inputs({arguments.host});
    if (report_unreadable(inputs)) return ExitStatus::bad_input;
    if (inputs.hosts.size() != 1) {
        throw UsageError("convert takes one host; " + arguments.host + " holds " + std::to_string(inputs.hosts.size()));
    }
    const HostDump& host = inputs.hosts.front();
    for (const DumpNote& note : host.notes) log_info(host.name + ": " + note.message);

    std::vector<std::string> warnings;
    const std::string text = arguments.to == "json" ? to_host_json(host) : to_cpuid_r(host, warnings);
    for (const std::string& warning : warnings) log_warning(host.name + ": " + warning);
    write_result(arguments.output, text);
    return ExitStatus::done;
}

}  // namespace

void add_convert_command(CLI::App& verb, Action& action) {
    auto arguments = std::make_shared<ConvertArguments>();
    verb.add_option("HOST", arguments->host, "A dump in any format that is read: a file, NAME=FILE, or - for stdin")
        ->required();
    verb.add_option("--to", arguments->to,
                    "json: our host document, which carries everything (default). cpuid-r: the text of `cpuid -r`")
        ->check(one_of({"json", "cpuid-r"}))
        ->type_name("FORMAT");
    add_output_option(verb, arguments->output, "Write to FILE instead of standard output");
    verb.footer(
        "Values are shown as read: nothing is inferred or repaired. What the dump does\n"
        "not say is listed as unknown; what cpuid-r cannot carry is named on stderr.");
    verb.callback([&action, arguments] { action = [arguments] { return convert(*arguments); }; });
}

}  // namespace poolcpuid::cli
