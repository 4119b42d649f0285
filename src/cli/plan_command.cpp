// poolcpuid plan: what a change of the pool's hosts means, and which running VMs strand where.
#include <CLI/CLI.hpp>
#include <algorithm>
#include <filesystem>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <system_error>
#include <utility>
#include <vector>

#include "cli/arguments.hpp"
#include "cli/commands.hpp"
#include "cli/inputs.hpp"
#include "cli/log.hpp"
#include "cli/output.hpp"
#include "cli/split_text.hpp"
#include "cli/texts.hpp"
#include "dump/host_name.hpp"
#include "poolcpuid/error.hpp"
#include "poolcpuid/infer_change.hpp"
#include "poolcpuid/pool_plan.hpp"
#include "poolcpuid/pool_split.hpp"
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
    bool skip_unreadable = false;  // of hosts
};

struct PlanInputs {
    CurrentPool current;
    PoolChange change;
    std::vector<RunningPolicy> running;  // that in force first
    std::vector<Finding> findings;       // of the change
};

struct PlanArguments {
    PlanSources sources;
    std::size_t split = 0;  // into so many pools; 0: no split is asked for
    std::vector<std::string> together;
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

// The hosts that arguments name. Logs what cannot be read, and sets failed, unless that is to be skipped.
Inputs read_dumps(const PoolPolicy& policy, const std::vector<std::string>& arguments, bool& failed,
                  bool skip = false) {
    Inputs inputs = read_hosts_of(policy, arguments);
    failed = report_unreadable(inputs, skip) || failed;
    return inputs;
}

// A policy with the label that argument, or its file, gives it.
RunningPolicy read_running(const Argument& argument, const Rulebook& rulebook) {
    const std::string label = argument.name.value_or(dump::name_from_file(argument.path));
    const std::string problem = host_name_problem(label);
    if (!problem.empty()) {
        throw InputError(argument.path, 0, "a name for the running policy (NAME=FILE, or that of the file)", problem);
    }
    return {label, read_bound(argument.path, rulebook), false};
}

// The files that --running names: each of a directory is one.
std::vector<Argument> running_files(const std::string& text) {
    const Argument argument = parse_argument(text);
    std::error_code error;
    if (argument.path == "-" || !std::filesystem::is_directory(argument.path, error)) return {argument};
    if (argument.name) {
        throw InputError(argument.path, 0, "a file, since it is given the name \"" + *argument.name + "\"",
                         "a directory");
    }
    std::vector<Argument> files;
    for (const std::string& file : files_in(argument.path)) files.push_back({std::nullopt, file});
    if (files.empty()) throw InputError(argument.path, 0, "a directory with policies", "no file");
    return files;
}

// The policy in force and those of --running. One that is given twice counts once.
class RunningReader {
public:
    RunningReader(const PlanSources& sources, const PoolPolicy& in_force, const Rulebook& rulebook)
        : sources_(sources), rulebook_(rulebook), all_{{dump::name_from_file(sources.policy), in_force, true}} {}

    std::vector<RunningPolicy> run(bool& failed) {
        const auto attempt = [&](const auto& body) {
            try {
                body();
            } catch (const InputError& error) {
                log_error(error);
                failed = true;
            }
        };
        for (const std::string& text : sources_.running) {
            attempt([&] {
                for (const Argument& file : running_files(text)) {
                    attempt([&] { take(read_running(file, rulebook_)); });
                }
            });
        }
        return std::move(all_);
    }

private:
    void take(RunningPolicy fresh) {
        const auto same = std::find_if(all_.begin(), all_.end(),
                                       [&](const RunningPolicy& policy) { return policy.label == fresh.label; });
        if (same == all_.end()) {
            all_.push_back(std::move(fresh));
        } else if (same->policy != fresh.policy) {
            throw UsageError("two running policies are called " + fresh.label +
                             ": give one of them another name with --running NAME=FILE");
        }
    }

    const PlanSources& sources_;
    const Rulebook& rulebook_;
    std::vector<RunningPolicy> all_;
};

// Dumps of which none is a host of the policy are more likely of another pool than of this one, changed throughout.
void require_some_known(const PlanSources& sources, const InferredChange& inferred) {
    if (!inferred.kept.empty() || !inferred.change.replaced.empty()) return;
    throw InputError(sources.policy, 0, "hosts of this policy among --hosts", "none, by name or by content");
}

// Hosts of the policy that have no dump, and of which nothing is asked by name.
std::vector<std::string> without_dump(const InferredChange& inferred, const PoolChange& asked) {
    std::set<std::string> told(asked.removed.begin(), asked.removed.end());
    for (const auto* hosts : {&asked.added, &asked.replaced}) {
        for (const HostDump& host : *hosts) told.insert(host.name);
    }
    std::vector<std::string> missing = inferred.change.removed;
    std::erase_if(missing, [&](const std::string& name) { return told.contains(name); });
    return missing;
}

// A dump that is left out may be that of a host which then seems to have left.
void require_all_read(const Inputs& now, std::vector<std::string> missing, const InferredChange& change) {
    if (now.unreadable.empty() || (missing.empty() && change.unnamed == 0)) return;
    if (change.unnamed > 0) missing.push_back(counted(change.unnamed, "host") + " that the policy does not name");
    throw InputError(now.unreadable.front().first, 0,
                     "dumps of all hosts of the policy beside those that are left out, or that the host left (--remove "
                     "NAME)",
                     "none of " + enumerate(missing) + ", which this may be");
}

// The pool as it was, as far as its dumps are there, and its change: what the dumps of --hosts say, and what is asked
// for. now: --hosts as they were read. Throws InputError as PoolState::add does.
PlanInputs plan_inputs_of(const PlanSources& sources, const Rulebook& rulebook, PoolPolicy policy,
                          InferredChange inferred, const Inputs& now) {
    for (const auto* hosts : {&inferred.change.added, &inferred.change.replaced}) {
        for (const HostDump& host : *hosts) {
            if (host.is_partial()) throw partial_problem(host.name, host, " that joins or comes back");
        }
    }
    std::optional<PoolPolicy> ceiling;
    if (!sources.ceiling.empty()) ceiling = read_bound(sources.ceiling, rulebook);
    PoolState state(rulebook);
    for (const HostDump& host : inferred.kept) state.add(host);
    for (const auto& [file, error] : now.unreadable) state.note_skipped(file, error.what());
    const MergeOptions options = with_all_names(options_of(policy, std::move(ceiling)));
    if (inferred.lost.empty()) warn_if_other(policy, sources.policy, state.finish(options));
    CurrentPool current{std::move(policy), std::move(inferred.kept), std::move(state), options,
                        std::move(inferred.lost)};
    return {std::move(current), std::move(inferred.change), {}, std::move(inferred.findings)};
}

// Reads them. Nothing, with every reason logged, when something cannot be read. Throws UsageError when the arguments
// do not fit together, InputError when --hosts has no host of the policy.
std::optional<PlanInputs> read_plan_inputs(const PlanSources& sources, const Rulebook& rulebook) {
    check_arguments(sources);
    PoolPolicy policy = read_bound(sources.policy, rulebook);
    bool failed = false;
    const Inputs now = read_dumps(policy, sources.hosts, failed, sources.skip_unreadable);
    const PoolChange asked{read_dumps(policy, sources.add, failed).hosts, sources.remove,
                           read_dumps(policy, sources.replace, failed).hosts};
    std::vector<RunningPolicy> running = RunningReader(sources, policy, rulebook).run(failed);
    if (failed) return std::nullopt;
    InferredChange inferred = infer_change(policy, now.hosts);
    require_some_known(sources, inferred);
    const std::vector<std::string> missing = without_dump(inferred, asked);
    inferred = with_explicit(std::move(inferred), asked);
    require_all_read(now, missing, inferred);
    PlanInputs inputs = plan_inputs_of(sources, rulebook, std::move(policy), std::move(inferred), now);
    inputs.running = std::move(running);
    return inputs;
}

// What makes no sense with --split, and what does without.
void check_split(const PlanArguments& arguments) {
    const PlanSources& sources = arguments.sources;
    if (arguments.split == 0) {
        if (sources.policy.empty())
            throw UsageError("POLICY is required, in front of --hosts, or --split with hosts alone");
        if (!arguments.together.empty()) throw UsageError("--keep-together goes with --split");
        return;
    }
    const bool changes = !sources.add.empty() || !sources.remove.empty() || !sources.replace.empty() ||
                         !sources.running.empty() || !sources.ceiling.empty() || !sources.policy.empty();
    if (changes) throw UsageError("--split takes --hosts alone: no POLICY, change or running policy");
    if (arguments.strictness.are_given()) {
        throw UsageError("--split runs no policy on a host, which --strict and --unknown are about");
    }
}

// The names of a list. A comma of a name stands behind a backslash, and so does a backslash before one.
std::vector<std::string> names_in(const std::string& list) {
    std::vector<std::string> names(1);
    for (std::size_t i = 0; i < list.size(); ++i) {
        const bool escapes = list[i] == '\\' && i + 1 < list.size() && (list[i + 1] == ',' || list[i + 1] == '\\');
        if (list[i] == ',') {
            names.emplace_back();
        } else {
            names.back() += escapes ? list[++i] : list[i];
        }
    }
    return names;
}

ExitStatus split(const PlanArguments& arguments, const Rulebook& rulebook) {
    Inputs inputs = read_inputs(arguments.sources.hosts);
    for (const HostDump& host : inputs.hosts) {
        if (host.is_partial()) inputs.unreadable.emplace_back(host.name, partial_problem(host.name, host, " to part"));
    }
    if (report_unreadable(inputs, arguments.sources.skip_unreadable)) return ExitStatus::bad_input;
    std::erase_if(inputs.hosts, [](const HostDump& host) { return host.is_partial(); });
    std::set<std::string> names;  // a host that is given twice is one
    std::erase_if(inputs.hosts, [&](const HostDump& host) { return !names.insert(host.name).second; });
    SplitOptions options;
    options.most_pools = arguments.split;
    for (const std::string& text : arguments.together) options.keep_together.push_back(names_in(text));
    const PoolSplit result = split_pool(rulebook, inputs.hosts, options);
    emit(
        arguments.result, [&] { return to_json(result, rulebook); }, [&](Page& page) { split_text(result, page); });
    return ExitStatus::done;
}

ExitStatus plan(const PlanArguments& arguments) {
    check_split(arguments);
    check_output(arguments.result.output, inputs_of(arguments.sources));
    const RulebookChoice choice(arguments.rulebook);
    const Rulebook& rulebook = choice.get();
    if (arguments.split > 0) return split(arguments, rulebook);
    const std::optional<PlanInputs> inputs = read_plan_inputs(arguments.sources, rulebook);
    if (!inputs) return ExitStatus::bad_input;

    PoolPlan result =
        plan_change(rulebook, inputs->current, inputs->change, inputs->running, arguments.strictness.get());
    result.findings.insert(result.findings.begin(), inputs->findings.begin(), inputs->findings.end());
    emit(
        arguments.result, [&] { return to_json(result, rulebook); },
        [&](Page& page) { plan_text(result, rulebook, page); });
    return result.stranded().empty() ? ExitStatus::done : ExitStatus::different;
}

void add_sources(CLI::App& verb, PlanSources& sources) {
    verb.add_option("POLICY", sources.policy, "The pool's policy, or - for stdin; none with --split");
    verb.add_option("--hosts", sources.hosts,
                    "The dumps of the pool's hosts as they are now; what changed since POLICY is inferred by name")
        ->required()
        ->type_name("HOST...");
    const char* change = "The change";
    verb.add_option("--add", sources.add, "A host that joins: a dump as for merge")
        ->type_name("HOST")
        ->group(change)
        ->allow_extra_args(false);
    verb.add_option("--remove", sources.remove, "Hosts of the pool that leave, by name or shell pattern: 'rack-3-*'")
        ->type_name("NAME...")
        ->group(change);
    verb.add_option("--replace", sources.replace,
                    "A host of the pool that comes back with another dump (upgrade, microcode, BIOS, kernel)")
        ->type_name("NAME=FILE")
        ->group(change)
        ->allow_extra_args(false);
    verb.add_option("--running", sources.running,
                    "A policy with which VMs run besides POLICY, such as an older one of this pool; NAME=FILE names "
                    "it, and each "
                    "file of a directory is one")
        ->type_name("POLICY")
        ->allow_extra_args(false);
    verb.add_option("--ceiling", sources.ceiling, ceiling_help)->type_name("POLICY");
    verb.add_flag("--skip-unreadable", sources.skip_unreadable, skip_hosts_help);
}

void add_split_options(CLI::App& verb, PlanArguments& arguments) {
    const char* split = "Pools instead of one";
    verb.add_option("--split,--max-pools", arguments.split,
                    "Part the hosts into at most so many pools: the fewest error findings, then the most kept")
        ->type_name("K")
        ->check(CLI::Range(1, 1000))
        ->group(split);
    verb.add_option("--keep-together", arguments.together,
                    "Hosts that stay in one pool, a backslash before a comma of a name; may be given several times")
        ->type_name("NAME,NAME")
        ->group(split)
        ->allow_extra_args(false);
}

}  // namespace

void add_plan_command(CLI::App& verb, Action& action) {
    auto arguments = std::make_shared<PlanArguments>();
    add_sources(verb, arguments->sources);
    add_split_options(verb, *arguments);
    add_strictness_options(verb, arguments->strictness);
    add_result_options(verb, arguments->result);
    add_rulebook_option(verb, arguments->rulebook);
    verb.footer(
        "A VM keeps the CPUID that it was started with. It strands when the pool after\n"
        "the change has a host on which it must not run: because the host lacks what\n"
        "the VM was promised, or relaxes what the VM was not told of. Where it would\n"
        "only get slower it does not strand, unless --strict says so. Options with one\n"
        "HOST, NAME or POLICY may be given several times; without a change, plan\n"
        "answers for the running VMs of the pool as it is.\n\n"
        "A change is also inferred from --hosts, by name: a dump that the policy does\n"
        "not name is a host that joins, a name without a dump one that leaves, and a\n"
        "name with other content one that came back. --add, --remove and --replace win.\n\n"
        "Exit status 0: no VM strands; 1: some do; 4: no policy is true on all hosts\n"
        "after the change.\n\n"
        "Examples:\n"
        "  poolcpuid plan pool.json --hosts last-night/ --running generations/\n"
        "  poolcpuid plan pool.json --hosts hosts/ --add new.txt\n"
        "  poolcpuid plan pool.json --hosts hosts/ --remove node-3 --running 2024.json\n"
        "  poolcpuid plan pool.json --hosts hosts/ --replace node-7=after-update.json\n"
        "  poolcpuid plan --split 3 --hosts hosts/ --keep-together node-1,node-2\n"
        "  poolcpuid plan pool.json --hosts hosts/ --add new/ | jq '.running[].reaches'");
    verb.callback([&action, arguments] { action = [arguments] { return plan(*arguments); }; });
}

}  // namespace poolcpuid::cli
