// poolcpuid plan: what a change of the pool's hosts means, and which running VMs strand where.
#include <unistd.h>

#include <CLI/CLI.hpp>
#include <cstdio>
#include <memory>
#include <optional>
#include <string>

#include "cli/commands.hpp"
#include "cli/common_options.hpp"
#include "cli/inputs.hpp"
#include "cli/output.hpp"
#include "cli/page.hpp"
#include "cli/plan_inputs.hpp"
#include "cli/plan_text.hpp"
#include "poolcpuid/pool_plan.hpp"

namespace poolcpuid::cli {

namespace {

struct PlanArguments {
    PlanSources sources;
    StrictnessOptions strictness;
    std::string format;
    std::string output;
    std::string rulebook;
};

// Every file that is read.
std::vector<std::string> inputs_of(const PlanSources& sources) {
    std::vector<std::string> inputs{sources.policy, sources.ceiling};
    for (const auto* list : {&sources.hosts, &sources.add, &sources.replace, &sources.running}) {
        inputs.insert(inputs.end(), list->begin(), list->end());
    }
    return inputs;
}

ExitStatus plan(const PlanArguments& arguments) {
    check_output(arguments.output, inputs_of(arguments.sources));
    const RulebookChoice choice(arguments.rulebook);
    const Rulebook& rulebook = choice.get();
    const std::optional<PlanInputs> inputs = read_plan_inputs(arguments.sources, rulebook);
    if (!inputs) return ExitStatus::bad_input;

    const PoolPlan result =
        plan_change(rulebook, inputs->current, inputs->change, inputs->running, arguments.strictness.get());
    const auto text = [&](int descriptor) {
        return plan_text(result, rulebook, output_width(), wants_colour(descriptor));
    };
    if (!arguments.output.empty()) {
        write_file(arguments.output, to_json(result, rulebook));
        const std::string summary = text(STDERR_FILENO);
        std::fwrite(summary.data(), 1, summary.size(), stderr);
    } else {
        const bool as_text = arguments.format.empty() ? stdout_is_terminal() : arguments.format == "text";
        write_stdout(as_text ? text(STDOUT_FILENO) : to_json(result, rulebook));
    }
    return result.stranded().empty() ? ExitStatus::done : ExitStatus::different;
}

void add_sources(CLI::App& verb, PlanSources& sources) {
    verb.add_option("POLICY", sources.policy, "The pool's policy, or - for stdin")->required();
    verb.add_option("--hosts", sources.hosts, hosts_help)->required()->type_name("HOST...");
    const char* change = "The change";
    verb.add_option("--add", sources.add, "A host that joins: a dump as for merge")
        ->type_name("HOST")
        ->group(change)
        ->allow_extra_args(false);
    verb.add_option("--remove", sources.remove, "A host of the pool that leaves, by its name")
        ->type_name("NAME")
        ->group(change)
        ->allow_extra_args(false);
    verb.add_option("--replace", sources.replace,
                    "A host of the pool that comes back with another dump (upgrade, microcode, BIOS, kernel)")
        ->type_name("NAME=FILE")
        ->group(change)
        ->allow_extra_args(false);
    verb.add_option("--running", sources.running,
                    "A policy with which VMs run besides POLICY, such as an older one of this pool; NAME=FILE names it")
        ->type_name("POLICY")
        ->allow_extra_args(false);
    verb.add_option("--ceiling", sources.ceiling, ceiling_help)->type_name("POLICY");
}

}  // namespace

void add_plan_command(CLI::App& app, Action& action) {
    auto arguments = std::make_shared<PlanArguments>();
    CLI::App* verb = app.add_subcommand("plan", "Say what a change of the hosts means, and which VMs strand where");
    add_sources(*verb, arguments->sources);
    add_strictness_options(*verb, arguments->strictness);
    add_result_options(*verb, arguments->format, arguments->output);
    add_rulebook_option(*verb, arguments->rulebook);
    verb->footer(
        "A VM keeps the CPUID that it was started with. It strands when the pool after\n"
        "the change has a host on which it must not run: because the host lacks what\n"
        "the VM was promised, or relaxes what the VM was not told of. Where it would only\n"
        "get slower it does not strand, unless --strict says so. Options with one\n"
        "HOST, NAME or POLICY may be given several times; without a change, plan\n"
        "answers for the running VMs of the pool as it is.\n\n"
        "Exit status 0: no VM strands; 1: some do; 4: no policy is true on all hosts\n"
        "after the change.\n\n"
        "Examples:\n"
        "  poolcpuid plan pool.json --hosts hosts/ --add new.txt\n"
        "  poolcpuid plan pool.json --hosts hosts/ --remove node-3 --running 2024.json\n"
        "  poolcpuid plan pool.json --hosts hosts/ --replace node-7=after-update.json\n"
        "  poolcpuid plan pool.json --hosts hosts/ --add new/ | jq '.running[].reaches'");
    verb->callback([&action, arguments] { action = [arguments] { return plan(*arguments); }; });
}

}  // namespace poolcpuid::cli
