// poolcpuid plan: what a change of the pool's hosts means, and which running VMs strand where.
#include <CLI/CLI.hpp>
#include <algorithm>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "cli/arguments.hpp"
#include "cli/commands.hpp"
#include "cli/inputs.hpp"
#include "cli/log.hpp"
#include "cli/output.hpp"
#include "cli/texts.hpp"
#include "dump/host_name.hpp"
#include "poolcpuid/error.hpp"
#include "poolcpuid/pool_plan.hpp"
#include "poolcpuid/read_hosts.hpp"

namespace poolcpuid::cli {

namespace {

// The arguments that name what plan reads, as given.
struct PlanSources {
    std::string policy;
    std::vector<std::string> hosts;
    std::vector<std::string> add;
    std::vector<std::string> remove;
    std::vector<std::string> replace;
    std::vector<std::string> running;
    std::string ceiling;
};

struct PlanInputs {
    CurrentPool current;
    PoolChange change;
    std::vector<RunningPolicy> running;  // that in force first
};

struct PlanArguments {
    PlanSources sources;
    StrictnessOptions strictness;
    ResultOptions result;
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

void check_arguments(const PlanSources& sources) {
    const std::vector<std::string> all = inputs_of(sources);
    if (std::count_if(all.begin(), all.end(), is_standard_input) > 1) {
        throw UsageError("only one input can be standard input");
    }
    for (const std::string& text : sources.replace) {
        if (!parse_argument(text).name) {
            throw UsageError("--replace takes NAME=FILE, with the name of a host of the pool, not \"" + text + "\"");
        }
    }
}

// The hosts that arguments name. Logs what cannot be read, and sets failed.
std::vector<HostDump> read_dumps(const std::vector<std::string>& arguments, bool& failed) {
    Inputs inputs = read_inputs(arguments);
    failed = report_unreadable(inputs) || failed;
    return std::move(inputs.hosts);
}

RunningPolicy read_running(const std::string& text, const Rulebook& rulebook) {
    const Argument argument = parse_argument(text);
    const std::string label = argument.name.value_or(dump::name_from_file(argument.path));
    const std::string problem = host_name_problem(label);
    if (!problem.empty()) {
        throw InputError(argument.path, 0, "a name for the running policy (NAME=FILE, or that of the file)", problem);
    }
    return {label, read_bound(argument.path, rulebook), false};
}

// The policy in force and those of --running. One that is given twice counts once.
std::vector<RunningPolicy> read_all_running(const PlanSources& sources, const PoolPolicy& in_force,
                                            const Rulebook& rulebook, bool& failed) {
    std::vector<RunningPolicy> all{{dump::name_from_file(sources.policy), in_force, true}};
    for (const std::string& text : sources.running) {
        try {
            RunningPolicy fresh = read_running(text, rulebook);
            const auto same = std::find_if(all.begin(), all.end(),
                                           [&](const RunningPolicy& policy) { return policy.label == fresh.label; });
            if (same == all.end()) {
                all.push_back(std::move(fresh));
            } else if (same->policy != fresh.policy) {
                throw UsageError("two running policies are called " + fresh.label +
                                 ": give one of them another name with --running NAME=FILE");
            }
        } catch (const InputError& error) {
            log_error(error);
            failed = true;
        }
    }
    return all;
}

// Reads them. Nothing, with every reason logged, when something cannot be read or --hosts are not the hosts
// of the policy. Throws UsageError when the arguments do not fit together, else as read_policy_hosts does.
std::optional<PlanInputs> read_plan_inputs(const PlanSources& sources, const Rulebook& rulebook) {
    check_arguments(sources);
    PoolPolicy policy = read_bound(sources.policy, rulebook);
    std::optional<PolicyHosts> hosts = read_policy_hosts(policy, sources.policy, sources.hosts, sources.ceiling,
                                                         rulebook, "; a host that joins is given with --add");
    bool failed = !hosts;
    PoolChange change{read_dumps(sources.add, failed), sources.remove, read_dumps(sources.replace, failed)};
    std::vector<RunningPolicy> running = read_all_running(sources, policy, rulebook, failed);
    if (failed) return std::nullopt;
    CurrentPool current{std::move(policy), std::move(hosts->dumps), std::move(hosts->state), std::move(hosts->options)};
    return PlanInputs{std::move(current), std::move(change), std::move(running)};
}

ExitStatus plan(const PlanArguments& arguments) {
    check_output(arguments.result.output, inputs_of(arguments.sources));
    const RulebookChoice choice(arguments.rulebook);
    const Rulebook& rulebook = choice.get();
    const std::optional<PlanInputs> inputs = read_plan_inputs(arguments.sources, rulebook);
    if (!inputs) return ExitStatus::bad_input;

    const PoolPlan result =
        plan_change(rulebook, inputs->current, inputs->change, inputs->running, arguments.strictness.get());
    emit(
        arguments.result, [&] { return to_json(result, rulebook); },
        [&](Page& page) { plan_text(result, rulebook, page); });
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

void add_plan_command(CLI::App& verb, Action& action) {
    auto arguments = std::make_shared<PlanArguments>();
    add_sources(verb, arguments->sources);
    add_strictness_options(verb, arguments->strictness);
    add_result_options(verb, arguments->result);
    add_rulebook_option(verb, arguments->rulebook);
    verb.footer(
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
    verb.callback([&action, arguments] { action = [arguments] { return plan(*arguments); }; });
}

}  // namespace poolcpuid::cli
