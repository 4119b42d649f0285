// poolcpuid capture: dumps the host on which it runs.
#include <CLI/CLI.hpp>
#include <algorithm>
#include <memory>
#include <string>
#include <vector>

#include "base/lists.hpp"
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
    std::vector<std::string> require;
};

// The words of what was not seen and must be.
std::string lacking(const CaptureResult& result, const std::vector<std::string>& required) {
    std::vector<std::string> words;
    for (const std::string& word : required) {
        const bool is_missing = std::any_of(result.not_seen.begin(), result.not_seen.end(),
                                            [&](const NotSeen& thing) { return thing.word == word; });
        if (is_missing) words.push_back(word);
    }
    return joined(words);
}

ExitStatus capture(const CaptureArguments& arguments, bool named) {
    const std::string problem = named ? host_name_problem(arguments.name) : std::string();
    if (!problem.empty()) throw UsageError("--name must be a host's name, not " + problem);
    CaptureOptions options;
    options.name = arguments.name;
    const CaptureResult result = capture_host(builtin_rulebook(), options);
    for (const DumpNote& note : result.host.notes) log_info(note.message);
    for (const NotSeen& thing : result.not_seen) {
        Problem warning{.kind = "not-seen", .message = thing.sentence};
        warning.missing = thing.word;
        log_warning(warning);
    }
    const std::string missing = lacking(result, arguments.require);
    if (!missing.empty()) throw SystemError("--require: not seen on this host, so nothing is written: " + missing);
    write_result(arguments.output, to_host_json(result.host));
    return ExitStatus::done;
}

}  // namespace

void add_capture_command(CLI::App& verb, Action& action) {
    auto arguments = std::make_shared<CaptureArguments>();
    CLI::Option* name =
        verb.add_option("--name", arguments->name, "The host's name (default: this machine's)")->type_name("NAME");
    add_output_option(verb, arguments->output, "Write to FILE instead of standard output");
    const std::vector<std::string> words(unseen::all.begin(), unseen::all.end());
    verb.add_option(
            "--require", arguments->require,
            "Exit 5 and write nothing when one of these cannot be seen, with commas between them: " + joined(words))
        ->delimiter(',')
        ->check(one_of(words))
        ->type_name("WORDS")
        ->allow_extra_args(false);
    verb.footer(
        "Reads CPUID on every logical CPU, the feature MSRs through /dev/cpu/N/msr, and\n"
        "from /dev/kvm what KVM can give to guests. Run as root, with the module msr\n"
        "loaded, to see all of it. What cannot be read is left out, which documents mean\n"
        "as unknown, and named on stderr and in the document (meta.missing); the rest is\n"
        "written all the same, unless it is required.\n\n"
        "Examples:\n"
        "  poolcpuid capture -o node-17.json\n"
        "  poolcpuid capture -o node-17.json --require kvm,msrs\n"
        "  poolcpuid capture --name node-17 | poolcpuid merge -\n"
        "  ssh node-17 ./poolcpuid capture > node-17.json  the program, copied there");
    verb.callback([&action, arguments, name] {
        const bool named = name->count() > 0;
        action = [arguments, named] { return capture(*arguments, named); };
    });
}

}  // namespace poolcpuid::cli
