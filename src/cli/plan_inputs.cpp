#include "cli/plan_inputs.hpp"

#include <algorithm>
#include <utility>

#include "base/printable.hpp"
#include "cli/inputs.hpp"
#include "cli/log.hpp"
#include "dump/host_name.hpp"
#include "poolcpuid/error.hpp"
#include "poolcpuid/read_hosts.hpp"

namespace poolcpuid::cli {

namespace {

void check_arguments(const PlanSources& sources) {
    std::vector<std::string> all{sources.policy, sources.ceiling};
    for (const auto* list : {&sources.hosts, &sources.add, &sources.replace, &sources.running}) {
        all.insert(all.end(), list->begin(), list->end());
    }
    if (std::count_if(all.begin(), all.end(), is_standard_input) > 1) {
        throw UsageError("only one input can be standard input");
    }
    for (const std::string& text : sources.replace) {
        if (!parse_argument(text).name) {
            throw UsageError("--replace takes NAME=FILE, with the name of a host of the pool, not \"" +
                             printable(text) + "\"");
        }
    }
}

// The hosts that arguments name. Logs what cannot be read, and sets failed.
std::vector<HostDump> read_dumps(const std::vector<std::string>& arguments, bool& failed) {
    Inputs inputs = read_inputs(arguments);
    for (const auto& [file, message] : inputs.unreadable) log_error(message);
    failed = failed || !inputs.unreadable.empty();
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
                throw UsageError("two running policies are called " + printable(fresh.label) +
                                 ": give one of them another name with --running NAME=FILE");
            }
        } catch (const InputError& error) {
            log_error(error.what());
            failed = true;
        }
    }
    return all;
}

}  // namespace

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

}  // namespace poolcpuid::cli
