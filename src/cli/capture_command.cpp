// poolcpuid capture: dumps the host on which it runs.
#include <CLI/CLI.hpp>
#include <memory>
#include <string>

#include "cli/arguments.hpp"
#include "cli/commands.hpp"
#include "cli/log.hpp"
#include "cli/output.hpp"
#include "poolcpuid/capture.hpp"
#include "poolcpuid/error.hpp"
#include "poolcpuid/read_hosts.hpp"
#include "poolcpuid/write_hosts.hpp"

namespace poolcpuid::cli {

namespace {

struct CaptureArguments {
    std::string name;
    std::string output;
};

ExitStatus capture(const CaptureArguments& arguments, bool named) {
    const std::string problem = named ? host_name_problem(arguments.name) : std::string();
    if (!problem.empty()) throw UsageError("--name must be a host's name, not " + problem);
    CaptureOptions options;
    options.name = arguments.name;
    const CaptureResult result = capture_host(builtin_rulebook(), options);
    for (const DumpNote& note : result.host.notes) log_info(note.message);
    for (const std::string& sentence : result.not_seen) log_warning(sentence);
    write_result(arguments.output, to_host_json(result.host));
    return ExitStatus::done;
}

}  // namespace

void add_capture_command(CLI::App& verb, Action& action) {
    auto arguments = std::make_shared<CaptureArguments>();
    CLI::Option* name =
        verb.add_option("--name", arguments->name, "The host's name (default: this machine's)")->type_name("NAME");
    add_output_option(verb, arguments->output, "Write to FILE instead of standard output");
    verb.footer(
        "Reads CPUID on every logical CPU, the feature MSRs through /dev/cpu/N/msr, and\n"
        "from /dev/kvm what KVM can give to guests. Run as root, with the module msr\n"
        "loaded, to see all of it. What cannot be read is left out, which documents mean\n"
        "as unknown, and named on stderr; the rest is written all the same.\n\n"
        "Examples:\n"
        "  poolcpuid capture -o node-17.json\n"
        "  poolcpuid capture --name node-17 | poolcpuid merge -\n"
        "  ssh node-17 ./poolcpuid capture > node-17.json  the static build, copied there");
    verb.callback([&action, arguments, name] {
        const bool named = name->count() > 0;
        action = [arguments, named] { return capture(*arguments, named); };
    });
}

}  // namespace poolcpuid::cli
