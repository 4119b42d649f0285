// poolcpuid check: may a VM that holds a policy run on each host.
#include <CLI/CLI.hpp>
#include <algorithm>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <unordered_map>
#include <utility>
#include <vector>

#include "cli/arguments.hpp"
#include "cli/commands.hpp"
#include "cli/inputs.hpp"
#include "cli/list_of_files.hpp"
#include "cli/name_conflicts.hpp"
#include "cli/output.hpp"
#include "cli/texts.hpp"
#include "poolcpuid/check.hpp"
#include "poolcpuid/error.hpp"

namespace poolcpuid::cli {

namespace {

struct CheckArguments : HostArguments {
    std::string policy;
    std::vector<std::string> more_policies;
    StrictnessOptions strictness;
    ResultOptions result;
    std::string rulebook;
    bool skip_unreadable = false;
};

// One policy's verdicts on hosts as they are read: of each content one is found, and hosts are not kept.
class Judge {
public:
    Judge(const Rulebook& rulebook, PoolPolicy policy) : checker_(rulebook, policy), policy_(std::move(policy)) {}

    void add(const std::string& name, const HostDump& host) {
        auto [at, fresh] = by_content_.try_emplace(host.sha256);
        if (fresh) at->second = checker_.against(host);
        Verdict verdict = at->second;  // the violations are shared
        verdict.name = name;
        add(std::move(verdict));
    }

    void add(const PoolPolicy& other) { add(checker_.against(other)); }

    // One verdict a name, hosts before policies, without those of some names.
    PolicyVerdicts finish(const std::set<std::string>& without) && {
        std::vector<Verdict> all;
        for (auto& [key, verdict] : by_name_) {
            if (key.first || !without.contains(verdict.name)) all.push_back(std::move(verdict));
        }
        return {std::move(policy_), std::move(all)};
    }

private:
    void add(Verdict verdict) {
        const std::pair key(verdict.is_policy, verdict.name);
        by_name_.emplace(key, std::move(verdict));
    }

    PolicyCheck checker_;
    PoolPolicy policy_;
    std::unordered_map<std::string, Verdict> by_content_;
    std::map<std::pair<bool, std::string>, Verdict> by_name_;
};

// POLICY and those of --policy, by pool and digest; what is given twice counts once.
std::vector<PoolPolicy> policies_of(const CheckArguments& arguments, const Rulebook& rulebook) {
    std::map<std::pair<std::string, std::string>, PoolPolicy> by_pool;
    std::vector<std::string> files = arguments.more_policies;
    files.insert(files.begin(), arguments.policy);
    for (const std::string& file : files) {
        PoolPolicy policy = read_bound(file, rulebook);
        std::pair key(policy.pool, sha256_of(policy));
        by_pool.emplace(std::move(key), std::move(policy));
    }
    std::vector<PoolPolicy> policies;
    for (auto& [key, policy] : by_pool) policies.push_back(std::move(policy));
    return policies;
}

// The CPUs of hosts as they are read, one a content.
class Cpus {
public:
    void see(const Rulebook& rulebook, const HostDump& host) {
        const auto [at, fresh] = by_content_.try_emplace(host.sha256);
        if (!fresh) return;
        CpuNames cpus;
        add_cpu(rulebook, host, cpus);
        if (!cpus.empty()) at->second = cpus.begin()->second;
    }

    // Of the hosts that these verdicts are on, where a dump shows it.
    CpuNames of(const std::vector<Verdict>& verdicts) const {
        CpuNames cpus;
        for (const Verdict& verdict : verdicts) {
            const auto at = by_content_.find(verdict.sha256);
            if (at != by_content_.end() && !at->second.empty()) cpus.emplace(verdict.name, at->second);
        }
        return cpus;
    }

private:
    std::unordered_map<std::string, std::string> by_content_;
};

// Holds all hosts against each policy. Adds names that two hosts have to what is unreadable.
std::vector<PolicyVerdicts> matrix_of(const Rulebook& rulebook, std::vector<PoolPolicy> policies,
                                      const std::vector<std::string>& arguments, Inputs& inputs, Cpus& cpus) {
    std::vector<Judge> judges;
    for (PoolPolicy& policy : policies) judges.emplace_back(rulebook, std::move(policy));
    NameConflicts conflicts;
    const auto judge = [&](const std::string& name, const HostDump& host) {
        conflicts.see(name, host.sha256);
        cpus.see(rulebook, host);
        for (Judge& each : judges) each.add(name, host);
    };
    inputs = read_each(arguments, {.accepts_policies = true}, judge);
    add_name_conflicts(inputs, conflicts.names(), arguments);
    std::vector<PolicyVerdicts> matrix;
    for (Judge& each : judges) {
        for (const PoolPolicy& other : inputs.policies) each.add(other);
        matrix.push_back(std::move(each).finish(conflicts.names()));
    }
    return matrix;
}

// The schema follows from what was asked, not from how many of the policies are different ones.
std::string document_of(const std::vector<PolicyVerdicts>& matrix, bool is_of_several, const Rulebook& rulebook,
                        Strictness strictness) {
    const PolicyVerdicts& first = matrix.front();
    return is_of_several ? to_json(matrix, rulebook, strictness)
                         : to_json(first.policy, rulebook, first.verdicts, strictness);
}

void put_text(const std::vector<PolicyVerdicts>& matrix, const Rulebook& rulebook, Strictness strictness,
              const Cpus& of_hosts, Page& page) {
    const PolicyVerdicts& first = matrix.front();
    const CpuNames cpus = of_hosts.of(first.verdicts);
    if (matrix.size() > 1) return check_matrix_text(matrix, strictness, cpus, page);
    check_text(first.policy, rulebook, first.verdicts, strictness, cpus, page);
}

// In the form that --format says. NDJSON, which is for fleets, goes to standard output as it is made.
void put_out(const CheckArguments& arguments, const std::vector<PolicyVerdicts>& matrix, const Rulebook& rulebook,
             Strictness strictness, const Cpus& cpus) {
    const ResultOptions& options = arguments.result;
    const Text text = [&](Page& page) { put_text(matrix, rulebook, strictness, cpus, page); };
    if (options.format != ndjson) {
        return emit(
            options, [&] { return document_of(matrix, !arguments.more_policies.empty(), rulebook, strictness); }, text);
    }
    emit_lines(
        options,
        [&](const auto& sink) {
            for (const PolicyVerdicts& row : matrix) to_ndjson(row.policy, rulebook, row.verdicts, strictness, sink);
        },
        text);
}

ExitStatus check(CheckArguments& arguments) {
    arguments.read_list();
    std::vector<std::string> policies = arguments.more_policies;
    policies.insert(policies.end(), {arguments.policy, arguments.list});
    check_output(arguments.result.output, policies, arguments.hosts);
    const RulebookChoice choice(arguments.rulebook);
    const Rulebook& rulebook = choice.get();
    std::vector<PoolPolicy> all = policies_of(arguments, rulebook);
    Inputs inputs;
    Cpus cpus;
    const std::vector<PolicyVerdicts> matrix = matrix_of(rulebook, std::move(all), arguments.hosts, inputs, cpus);
    if (report_unreadable(inputs, arguments.skip_unreadable)) return ExitStatus::bad_input;
    if (matrix.front().verdicts.empty()) {
        throw InputError(arguments.hosts.front(), 0, "a host to check", "none that can be read");
    }

    const Strictness strictness = arguments.strictness.get();
    put_out(arguments, matrix, rulebook, strictness, cpus);
    const bool are_all = std::all_of(matrix.begin(), matrix.end(), [&](const PolicyVerdicts& row) {
        return std::all_of(row.verdicts.begin(), row.verdicts.end(),
                           [&](const Verdict& verdict) { return verdict.compatible(strictness); });
    });
    return are_all ? ExitStatus::done : ExitStatus::different;
}

}  // namespace

void add_check_command(CLI::App& verb, Action& action) {
    auto arguments = std::make_shared<CheckArguments>();
    verb.add_option("POLICY", arguments->policy, "The policy that the VM was started with, or - for stdin")->required();
    add_host_arguments(verb, *arguments,
                       "A host dump as for merge, or a policy: may VMs move into the pool that it is of");
    verb.add_option("--policy", arguments->more_policies,
                    "Another policy to hold against the same hosts; may be given several times")
        ->type_name("POLICY")
        ->allow_extra_args(false);
    add_strictness_options(verb, arguments->strictness);
    add_result_options(verb, arguments->result, {ndjson});
    add_rulebook_option(verb, arguments->rulebook);
    verb.add_flag("--skip-unreadable", arguments->skip_unreadable, "Leave out hosts that cannot be read");
    verb.footer(
        "Both directions count: the guest must not lose what it was promised, and\n"
        "must not meet a relaxed behaviour of which it was not told. A host on which it\n"
        "only gets slower, or finds another description, may run it degraded.\n"
        "\"start-up\" is no violation: there the VMM must be told to show a bit by itself.\n\n"
        "Exit status 0: every host may run the VM; 1: some must not or, with --strict,\n"
        "would run it degraded. NDJSON is a document a host, for each policy.\n\n"
        "Examples:\n"
        "  poolcpuid check pool.json hosts/new.txt\n"
        "  poolcpuid check pool-a.json pool-b.json     may A's VMs move into B\n"
        "  poolcpuid check a.json --policy b.json hosts/   which VMs run where\n"
        "  poolcpuid check vm.json hosts/ --format json | jq '.hosts[].violations'");
    verb.callback([&action, arguments] { action = [arguments] { return check(*arguments); }; });
}

}  // namespace poolcpuid::cli
