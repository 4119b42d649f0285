// poolcpuid check: may a VM that holds a policy run on each host.
#include <CLI/CLI.hpp>
#include <algorithm>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "cli/arguments.hpp"
#include "cli/commands.hpp"
#include "cli/inputs.hpp"
#include "cli/output.hpp"
#include "cli/texts.hpp"
#include "poolcpuid/check.hpp"
#include "poolcpuid/error.hpp"

namespace poolcpuid::cli {

namespace {

struct CheckArguments {
    std::string policy;
    std::vector<std::string> hosts;
    StrictnessOptions strictness;
    ResultOptions result;
    std::string rulebook;
    bool skip_unreadable = false;
};

// One verdict a name, hosts before policies.
std::vector<Verdict> verdicts_of(const PolicyCheck& checker, const Inputs& inputs) {
    std::map<std::pair<bool, std::string>, Verdict> by_name;
    const auto add = [&](Verdict verdict) {
        const std::pair key(verdict.is_policy, verdict.name);
        by_name.emplace(key, std::move(verdict));
    };
    for (const HostDump& host : inputs.hosts) add(checker.against(host));
    for (const PoolPolicy& other : inputs.policies) add(checker.against(other));
    std::vector<Verdict> all;
    for (auto& [name, verdict] : by_name) all.push_back(std::move(verdict));
    return all;
}

ExitStatus check(const CheckArguments& arguments) {
    check_output(arguments.result.output, {arguments.policy}, arguments.hosts);
    const RulebookChoice rulebook(arguments.rulebook);
    const PoolPolicy policy = read_bound(arguments.policy, rulebook.get());
    const PolicyCheck checker(rulebook.get(), policy);
    const Inputs inputs = read_hosts_or_policies(arguments.hosts);
    const std::vector<Verdict> verdicts = verdicts_of(checker, inputs);
    if (report_unreadable(inputs, arguments.skip_unreadable)) return ExitStatus::bad_input;
    if (verdicts.empty()) throw InputError(arguments.hosts.front(), 0, "a host to check", "none that can be read");

    const Strictness strictness = arguments.strictness.get();
    emit(
        arguments.result, [&] { return to_json(policy, rulebook.get(), verdicts, strictness); },
        [&](Page& page) { check_text(policy, rulebook.get(), verdicts, strictness, page); });
    const bool all = std::all_of(verdicts.begin(), verdicts.end(),
                                 [&](const Verdict& verdict) { return verdict.compatible(strictness); });
    return all ? ExitStatus::done : ExitStatus::different;
}

}  // namespace

void add_check_command(CLI::App& verb, Action& action) {
    auto arguments = std::make_shared<CheckArguments>();
    verb.add_option("POLICY", arguments->policy, "The policy that the VM was started with, or - for stdin")->required();
    verb.add_option("HOST", arguments->hosts,
                    "A host dump as for merge, or a policy: may VMs move into the pool that it is of")
        ->required();
    add_strictness_options(verb, arguments->strictness);
    add_result_options(verb, arguments->result);
    add_rulebook_option(verb, arguments->rulebook);
    verb.add_flag("--skip-unreadable", arguments->skip_unreadable, "Leave out hosts that cannot be read");
    verb.footer(
        "Both directions count: the guest must not lose what it was promised, and\n"
        "must not meet a relaxed behaviour of which it was not told. A host on which it\n"
        "only gets slower, or finds another description, may run it degraded.\n"
        "\"start-up\" is no violation: there the VMM must be told to show a bit by itself.\n\n"
        "Exit status 0: every host may run the VM; 1: some must not or, with --strict,\n"
        "would run it degraded.\n\n"
        "Examples:\n"
        "  poolcpuid check pool.json hosts/new.txt\n"
        "  poolcpuid check pool-a.json pool-b.json     may A's VMs move into B\n"
        "  poolcpuid check vm.json hosts/ --format json | jq '.hosts[].violations'");
    verb.callback([&action, arguments] { action = [arguments] { return check(*arguments); }; });
}

}  // namespace poolcpuid::cli
