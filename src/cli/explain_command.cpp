// poolcpuid explain: why each value of a policy is what it is.
#include <CLI/CLI.hpp>
#include <algorithm>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "cli/arguments.hpp"
#include "cli/commands.hpp"
#include "cli/explain_text.hpp"
#include "cli/inputs.hpp"
#include "cli/output.hpp"
#include "poolcpuid/error.hpp"
#include "poolcpuid/explain.hpp"

namespace poolcpuid::cli {

namespace {

struct ExplainArguments {
    std::string policy;
    std::vector<std::string> fields;
    PolicyHostsArguments of;  // the policy
    std::vector<std::string> without;
    ResultOptions result;
    std::string rulebook;
};

void check_usage(const ExplainArguments& arguments) {
    if (!arguments.without.empty() && arguments.of.hosts.empty()) {
        throw UsageError(
            "--without asks what the pool would be without some hosts; that takes the dumps of all of its "
            "hosts: give them with --hosts");
    }
    if (!arguments.of.ceiling.empty() && arguments.of.hosts.empty()) {
        throw UsageError("--ceiling is the policy with which the hosts are merged again: give those with --hosts");
    }
    const auto inputs = std::count_if(arguments.of.hosts.begin(), arguments.of.hosts.end(), is_standard_input) +
                        (arguments.policy == "-" ? 1 : 0) + (arguments.of.ceiling == "-" ? 1 : 0);
    if (inputs > 1) throw UsageError("only one of POLICY, --hosts and --ceiling can be standard input");
}

// The fields and XSAVE states that were asked about. Every name that means nothing is reported, not just the first.
void explain_named(const Explainer& explainer, const std::vector<std::string>& names, Explanation& explanation) {
    std::string problems;
    for (const std::string& name : names) {
        if (auto state = explainer.state_named(name)) {
            explanation.states.push_back(std::move(*state));
            continue;
        }
        try {
            for (const FieldIndex index : explainer.fields_named(name)) {
                const bool is_there = std::any_of(explanation.fields.begin(), explanation.fields.end(),
                                                  [&](const ExplainedField& field) { return field.field == index; });
                if (!is_there) explanation.fields.push_back(explainer.field(index));
            }
        } catch (const UsageError& error) {
            problems += (problems.empty() ? "" : "; ") + std::string(error.what());
        }
    }
    if (!problems.empty()) throw UsageError(problems + " (see poolcpuid rules list)");
}

bool concerns(const WhatIf& what_if, const Explanation& explanation, const Rulebook& rulebook) {
    return std::any_of(what_if.gains.begin(), what_if.gains.end(), [&](const FieldChange& gain) {
        return std::any_of(explanation.fields.begin(), explanation.fields.end(),
                           [&](const ExplainedField& field) { return rulebook[field.field].id == gain.field; }) ||
               std::any_of(explanation.states.begin(), explanation.states.end(),
                           [&](const ExplainedState& state) { return state.id == gain.state; });
    });
}

std::vector<WhatIf> ask(const ExplainArguments& arguments, const PolicyHosts& hosts, const Explanation& explanation,
                        const Rulebook& rulebook) {
    if (!arguments.without.empty()) {
        return {without(rulebook, hosts.state, hosts.options, hosts.whole, arguments.without)};
    }
    std::vector<WhatIf> all = what_ifs(rulebook, hosts.state, hosts.options, hosts.whole);
    if (!arguments.fields.empty()) {
        std::erase_if(all, [&](const WhatIf& what_if) { return !concerns(what_if, explanation, rulebook); });
    }
    return all;
}

ExitStatus explain(const ExplainArguments& arguments) {
    check_usage(arguments);
    check_output(arguments.result.output, {arguments.policy, arguments.of.ceiling}, arguments.of.hosts);
    const RulebookChoice choice(arguments.rulebook);
    const Rulebook& rulebook = choice.get();
    const PoolPolicy policy = read_bound(arguments.policy, rulebook);
    require_decisions(policy, arguments.policy, !arguments.of.hosts.empty());
    std::optional<PolicyHosts> hosts;
    if (!arguments.of.hosts.empty()) {
        hosts = read_policy_hosts(policy, arguments.policy, arguments.of, rulebook);
        if (!hosts) return ExitStatus::bad_input;
    }
    const PoolPolicy named = hosts ? with_names_of(policy, hosts->whole) : policy;
    const Explainer explainer(rulebook, named, hosts ? &hosts->whole : nullptr);
    Explanation explanation;
    explain_named(explainer, arguments.fields, explanation);
    const bool asked_without = !arguments.without.empty();
    if (arguments.fields.empty() && !asked_without) explanation.story = explainer.story();
    if (hosts) {
        explanation.what_ifs = ask(arguments, *hosts, explanation, rulebook);
        explanation.whole = &hosts->whole;
    }

    const ExplainedPolicy of{named, rulebook, size_of(named), asked_without, cpu_names_of(named)};
    const auto text = [&](Page& page) {
        if (explanation.story) return story_text(explanation, of, page);
        if (!arguments.fields.empty()) return fields_text(explanation, of, page);
        what_if_text(explanation.what_ifs->front(), of, page);
    };
    emit(
        arguments.result, [&] { return to_json(explanation, rulebook, policy); }, text);
    return ExitStatus::done;
}

}  // namespace

void add_explain_command(CLI::App& verb, Action& action) {
    auto arguments = std::make_shared<ExplainArguments>();
    verb.add_option("POLICY", arguments->policy, "The policy, or - for stdin")->required();
    verb.add_option("FIELD", arguments->fields,
                    "Fields by any of their names, or \"xsave state NAME\"; without one, the whole policy");
    verb.add_option("--hosts", arguments->of.hosts, hosts_help)->type_name("HOST...");
    verb.add_option("--without", arguments->without, "Ask what the pool would gain without this host of --hosts")
        ->type_name("NAME")
        ->allow_extra_args(false);
    verb.add_option("--ceiling", arguments->of.ceiling, ceiling_help)->type_name("POLICY");
    verb.add_flag("--skip-unreadable", arguments->of.skip_unreadable, skip_hosts_help);
    add_result_options(verb, arguments->result);
    add_rulebook_option(verb, arguments->rulebook);
    verb.footer(
        "For a field: the value, what it means for the guest, the hosts' values and which\n"
        "of them decide, what closure or the operator did, and why, with the source.\n"
        "For a policy: who limits it, the costliest first. With --hosts (after the\n"
        "fields) also what the pool would gain without them, and the JSON names every\n"
        "host. Several --without: without all of them.\n\n"
        "Examples:\n"
        "  poolcpuid explain pool.json avx512f phys-bits xcr0\n"
        "  poolcpuid explain pool.json --hosts hosts/             who costs what\n"
        "  poolcpuid explain pool.json --hosts hosts/ --without node-07\n"
        "  poolcpuid explain pool.json pku --format json | jq '.fields[].values'");
    verb.callback([&action, arguments] { action = [arguments] { return explain(*arguments); }; });
}

}  // namespace poolcpuid::cli
