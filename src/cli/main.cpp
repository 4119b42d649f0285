// The poolcpuid program: parses the command line, runs a verb, maps failures to exit statuses.
#include <CLI/CLI.hpp>
#include <algorithm>
#include <csignal>
#include <exception>
#include <memory>
#include <new>
#include <set>
#include <sstream>
#include <string>
#include <string_view>
#include <thread>

#include "cli/arguments.hpp"
#include "cli/commands.hpp"
#include "cli/log.hpp"
#include "cli/manner.hpp"
#include "cli/output.hpp"
#include "cli/usage.hpp"
#include "os/standard_files.hpp"
#include "poolcpuid/error.hpp"

namespace {

using namespace poolcpuid;
using cli::Colours;
using cli::ExitStatus;
using cli::Manner;

constexpr const char* footer =
    "Exit status: 0 done; 1 incompatible or different; 2 wrong usage; 3 input that\n"
    "cannot be read or is malformed; 4 no policy exists; 5 anything else.\n\n"
    "Examples:\n"
    "  poolcpuid merge hosts/ -o pool.json     the policy of all hosts in a directory\n"
    "  poolcpuid check pool.json new-host.txt  may the pool's VMs run there\n"
    "  poolcpuid diff old.json new.json        what changed, and for which guests\n"
    "  poolcpuid explain pool.json avx512f     why a value is what it is\n"
    "  poolcpuid plan pool.json --hosts hosts/ --add new.txt\n"
    "                                          which running VMs would strand, where\n"
    "  poolcpuid report pool.json -o pool.html a page for the auditor\n"
    "  poolcpuid render --to qemu pool.json    the pool's CPU in a VMM's language\n"
    "  poolcpuid capture -o node-17.json       the dump of this host\n"
    "  poolcpuid verify pool.json              does a vCPU here show the policy\n"
    "  poolcpuid rules show fs_gs_base_ns      what a bit means and how it is merged";

constexpr std::size_t most_threads = 256;

cli::Problem problem(const char* kind, const std::string& message) { return {.kind = kind, .message = message}; }

ExitStatus run(const cli::Action& action) {
    try {
        return action();
    } catch (const UsageError& error) {
        cli::log_error(problem("usage", error.what()));
        return ExitStatus::usage;
    } catch (const InputError& error) {
        cli::log_error(error);
        return ExitStatus::bad_input;
    } catch (const NoPolicyError& error) {
        cli::log_error(problem("no-policy", std::string("no policy: ") + error.what()));
        return ExitStatus::no_policy;
    } catch (const SystemError& error) {
        cli::log_error(problem("system", error.what()));
    } catch (const cli::OutputError& error) {
        cli::log_error(problem("output", error.what()));
    }
    return ExitStatus::failed;
}

// What the parser has to say: help and the version, asked for, to standard output; else what was wrong with the usage.
ExitStatus say(const CLI::App& app, const CLI::ParseError& error) {
    if (error.get_exit_code() != 0) {
        cli::log_error(problem("usage", cli::usage_message(app, error)));
        return ExitStatus::usage;
    }
    std::ostringstream out;
    app.exit(error, out, out);
    return run([&] {
        cli::write_stdout(out.str());
        return ExitStatus::done;
    });
}

// True when the arguments ask for json by this option, which counts for errors of the arguments, too.
bool asks_for_json(const std::string& option, int argc, char** argv) {
    for (int i = 1; i < argc; ++i) {
        const std::string_view argument = argv[i];
        if (argument == option + "=json") return true;
        if (argument == option && i + 1 < argc && std::string_view(argv[i + 1]) == "json") return true;
    }
    return false;
}

void add_manner(CLI::App& app, Manner& manner) {
    app.add_flag("-v,--verbose", manner.verbose, "Say on standard error what is being done");
    app.add_flag("-q,--quiet", manner.quiet, "Neither summary nor notes on standard error");
    app.add_option_function<std::string>(
           "--color",
           [&manner](const std::string& word) {
               manner.colours = word == "always"  ? Colours::always
                                : word == "never" ? Colours::never
                                                  : Colours::automatic;
           },
           "auto (default): on a terminal, unless NO_COLOR is set. always, never")
        ->check(cli::one_of({"auto", "always", "never"}))
        ->type_name("WHEN");
    CLI::Option* errors =
        app.add_option_function<std::string>(
               "--errors", [&manner](const std::string& word) { manner.errors_as_json = word == "json"; },
               "text (default), or json: standard error is one document")
            ->check(cli::one_of({"json", "text"}))
            ->type_name("FORMAT");
    app.add_option_function<std::string>(
           "--log-format", [&manner](const std::string& word) { manner.log_as_json = word == "json"; },
           "text (default), or json: each line on standard error is a document")
        ->check(cli::one_of({"json", "text"}))
        ->type_name("FORMAT")
        ->excludes(errors);
    app.add_option("--threads", manner.threads,
                   "Read so many files at once (default: one a CPU). The output is the same")
        ->check(CLI::Range(std::size_t{1}, most_threads))
        ->type_name("N");
}

// Which verbs the parser knows.
enum class Verbs { named, all };

// Adds verbs, and what those take that the arguments may be of: to make all verbs with all their options takes longer
// than the rest of a short run. Help and complaints need all.
void add_verbs(CLI::App& app, Verbs which, int argc, char** argv, cli::Action& action) {
    const std::set<std::string_view> words(argv + std::min(argc, 1), argv + argc);
    const auto is_named = [&](const cli::Verb& verb) { return words.contains(verb.name); };
    const bool are_all = std::any_of(cli::verbs.begin(), cli::verbs.end(),
                                     [&](const cli::Verb& verb) { return verb.is_of_all && is_named(verb); });
    for (const cli::Verb& verb : cli::verbs) {
        if (which == Verbs::named && !are_all && !is_named(verb)) continue;
        CLI::App& added = *app.add_subcommand(verb.name, verb.help);
        if (are_all || is_named(verb)) verb.add(added, action);
    }
}

ExitStatus run_program(Verbs which, int argc, char** argv) {
    CLI::App app("The strongest CPUID policy that is true on every host of a migration pool.", "poolcpuid");
    app.require_subcommand(1);
    app.set_version_flag("--version", cli::version_text, "Print the version and the rulebook's, and exit");
    app.set_help_flag("-h,--help", "Print this help and exit");
    app.formatter(std::make_shared<cli::HelpFormatter>());
    app.fallthrough();
    Manner manner = cli::manner();
    manner.threads = std::max(1U, std::thread::hardware_concurrency());
    add_manner(app, manner);

    cli::Action action;
    add_verbs(app, which, argc, argv, action);
    app.footer(footer);  // after the verbs, which would take it over

    try {
        app.parse(argc, argv);
    } catch (const CLI::ParseError& error) {
        if (which == Verbs::named) return run_program(Verbs::all, argc, argv);
        return say(app, error);
    }
    cli::set_manner(manner);
    cli::start_log();
    return run(action);
}

}  // namespace

// Nothing that goes wrong ends the program without a word and a status of the contract.
int main(int argc, char** argv) {
    auto status = ExitStatus::failed;
    if (!os::open_standard_files()) return static_cast<int>(status);
    std::signal(SIGXFSZ, SIG_IGN);  // a file that must not grow is an error like a full disk, with its message
    try {
        cli::set_manner({.errors_as_json = asks_for_json("--errors", argc, argv),
                         .log_as_json = asks_for_json("--log-format", argc, argv)});
        cli::start_log();
        status = run_program(Verbs::named, argc, argv);
    } catch (const std::bad_alloc&) {
        cli::log_error(problem("system", "out of memory"));
    } catch (const std::exception& error) {
        cli::log_error(
            problem("internal",
                    std::string("this is a mistake in poolcpuid, please report it with the input: ") + error.what()));
    }
    cli::end_log(static_cast<int>(status));
    return static_cast<int>(status);
}
