// poolcpuid report: a policy as one page of HTML that an auditor reads.
#include <CLI/CLI.hpp>
#include <algorithm>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/sha256.hpp"
#include "cli/arguments.hpp"
#include "cli/commands.hpp"
#include "cli/inputs.hpp"
#include "cli/log.hpp"
#include "cli/output.hpp"
#include "poolcpuid/error.hpp"
#include "poolcpuid/report.hpp"
#include "poolcpuid/what_if.hpp"

namespace poolcpuid::cli {

namespace {

struct ReportArguments {
    std::string policy;
    PolicyHostsArguments of;  // the policy
    std::string output;
    std::string rulebook;
};

// Adds what the hosts say, if the policy follows from them still. Its findings may also be of hosts that were
// left out of the merge, which are not among these.
void add_details(const PolicyHosts& hosts, const Rulebook& rulebook, ReportInput& input) {
    MergeOptions options = hosts.options;
    options.most_names = most_names;
    PoolPolicy again = hosts.state.finish(options);
    const bool same_findings = again.findings == input.policy.findings;
    again.findings = input.policy.findings;
    if ((input.policy.lean ? as_lean(again) : again) != input.policy) {
        log_warning("the page does not use --hosts: from them now follows another policy");
        input.other_hosts = true;
        return;
    }
    PoolDetails details{hosts.whole, what_ifs(rulebook, hosts.state, hosts.options, hosts.whole), !same_findings};
    if (details.own_findings) details.whole.findings = input.policy.findings;
    input.hosts = std::move(details);
}

// What a guest believes, on the hosts where they are the policy's. A rulebook may know no guest.
std::optional<Audit> audit_of(const Rulebook& rulebook, const PoolPolicy& policy, const std::vector<HostDump>& hosts) {
    if (rulebook.guests.empty() || !rulebook.vendor_of(policy.vendor)) return std::nullopt;
    return audit_policy(rulebook, policy, hosts, {});
}

ExitStatus report(const ReportArguments& arguments) {
    check_output(arguments.output, {arguments.policy, arguments.of.ceiling}, arguments.of.hosts);
    const bool hosts_on_stdin = std::any_of(arguments.of.hosts.begin(), arguments.of.hosts.end(), is_standard_input);
    if (arguments.policy == "-" && hosts_on_stdin) {
        throw UsageError("only one of POLICY and --hosts can be standard input");
    }
    if (!arguments.of.ceiling.empty() && arguments.of.hosts.empty()) throw UsageError("--ceiling goes with --hosts");
    const RulebookChoice choice(arguments.rulebook);
    const Rulebook& rulebook = choice.get();
    const std::string path = arguments.policy == "-" ? "stdin" : arguments.policy;
    const std::string bytes = read_file(arguments.policy);
    ReportInput input;
    input.policy = read_policy(bytes, path);
    input.sha256 = sha256_hex(bytes);
    warn_of_document(path, input.policy, rulebook);
    require_decisions(input.policy, path, !arguments.of.hosts.empty());
    if (!arguments.of.hosts.empty()) {
        const auto hosts = read_policy_hosts(input.policy, path, arguments.of, rulebook);
        if (!hosts) return ExitStatus::bad_input;
        add_details(*hosts, rulebook, input);
        if (input.hosts) input.audit = audit_of(rulebook, input.policy, hosts->dumps);
    }
    if (!input.audit) input.audit = audit_of(rulebook, input.policy, {});
    write_file(arguments.output, report_html(rulebook, input));
    return ExitStatus::done;
}

}  // namespace

void add_report_command(CLI::App& verb, Action& action) {
    auto arguments = std::make_shared<ReportArguments>();
    verb.add_option("POLICY", arguments->policy, "The policy, or - for stdin")->required();
    add_output_option(verb, arguments->output, "Write the page (HTML) to FILE")->required();
    verb.add_option("--hosts", arguments->of.hosts, hosts_help)->type_name("HOST...");
    verb.add_option("--ceiling", arguments->of.ceiling, ceiling_help)->type_name("POLICY");
    verb.add_flag("--skip-unreadable", arguments->of.skip_unreadable, skip_hosts_help);
    add_rulebook_option(verb, arguments->rulebook);
    verb.footer(
        "The page is one file: it needs no network and opens from disk. It has the\n"
        "summary, the findings, a matrix of hosts and fields in which each field opens\n"
        "to its reason and source, the registers, and the inputs with their digests.\n"
        "With --hosts the inputs name every host, not the first eight of each content,\n"
        "and the page says what limiting hosts cost. Other lists of more than eight\n"
        "hosts say their CPUs.\n\n"
        "Examples:\n"
        "  poolcpuid report pool.json -o pool.html\n"
        "  poolcpuid report pool.json --hosts hosts/ -o pool.html");
    verb.callback([&action, arguments] { action = [arguments] { return report(*arguments); }; });
}

}  // namespace poolcpuid::cli
