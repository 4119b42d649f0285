// poolcpuid audit: what a guest's kernel believes of each CPU vulnerability, and whether that is true.
#include <CLI/CLI.hpp>
#include <memory>
#include <string>
#include <vector>

#include "base/lists.hpp"
#include "cli/arguments.hpp"
#include "cli/commands.hpp"
#include "cli/inputs.hpp"
#include "cli/output.hpp"
#include "cli/texts.hpp"
#include "poolcpuid/audit.hpp"
#include "poolcpuid/error.hpp"

namespace poolcpuid::cli {

namespace {

struct AuditArguments {
    std::string policy;
    std::vector<std::string> hosts;
    bool skip_unreadable = false;
    AuditOptions options;
    ResultOptions result;
    std::string rulebook;
};

ExitStatus audit(const AuditArguments& arguments) {
    check_output(arguments.result.output, {arguments.policy}, arguments.hosts);
    const RulebookChoice rulebook(arguments.rulebook);
    const PoolPolicy policy = read_bound(arguments.policy, rulebook.get());
    const Inputs inputs = read_inputs(arguments.hosts);
    if (report_unreadable(inputs, arguments.skip_unreadable)) return ExitStatus::bad_input;
    if (inputs.hosts.empty() && !arguments.hosts.empty()) {
        throw InputError(arguments.hosts.front(), 0, "a host to ask", "none that can be read");
    }

    const Audit result = audit_policy(rulebook.get(), policy, inputs.hosts, arguments.options);
    emit(
        arguments.result, [&] { return to_json(policy, rulebook.get(), result); },
        [&](Page& page) { audit_text(policy, result, page); });
    return result.is_falsely_safe() ? ExitStatus::different : ExitStatus::done;
}

// "linux-6.12 (Linux 6.12.118, Debian 13)", as the program's own rulebook has them.
std::string known_kernels() {
    std::vector<std::string> kernels;
    for (const GuestKernel& kernel : guest_kernels(builtin_rulebook())) {
        kernels.push_back(kernel.id + " (" + kernel.name + ")");
    }
    return joined(kernels);
}

std::string known_assumptions() {
    std::vector<std::string> assumptions;
    for (const GuestAssumption& assumption : guest_assumptions(builtin_rulebook())) {
        assumptions.push_back(assumption.id + " (" + assumption.says + ")");
    }
    return joined(assumptions);
}

}  // namespace

void add_audit_command(CLI::App& verb, Action& action) {
    auto arguments = std::make_shared<AuditArguments>();
    verb.add_option("POLICY", arguments->policy, "The policy that the guest is started with, or - for stdin")
        ->required();
    verb.add_option("--hosts", arguments->hosts, "The dumps of the hosts on which it may run, as for merge")
        ->type_name("HOST...");
    verb.add_flag("--skip-unreadable", arguments->skip_unreadable, "Leave out hosts that cannot be read");
    verb.add_option("--guest", arguments->options.guest,
                    "The guest's kernel: " + known_kernels() + "; the newest by default")
        ->type_name("KERNEL");
    verb.add_option("--assume", arguments->options.assume,
                    "What the policy does not say of the guest: " + known_assumptions())
        ->type_name("WHAT");
    add_result_options(verb, arguments->result);
    add_rulebook_option(verb, arguments->rulebook);
    verb.footer(
        "What the files of /sys/devices/system/cpu/vulnerabilities hold in a Linux guest\n"
        "with this policy and, with --hosts, whether that is true there. Falsely safe is\n"
        "a guest that does nothing, or does what has no effect, on a host that is\n"
        "affected. What Linux says, and by which bits, is data: policy/guests/linux.json.\n\n"
        "Exit status 0: no guest is falsely safe; 1: some are.\n\n"
        "Examples:\n"
        "  poolcpuid audit pool.json\n"
        "  poolcpuid audit pool.json --hosts hosts/\n"
        "  poolcpuid audit pool.json --hosts hosts/ --guest linux-6.1 --assume smt\n"
        "  poolcpuid audit pool.json --hosts hosts/ --format json | jq '.falsely_safe'");
    verb.callback([&action, arguments] { action = [arguments] { return audit(*arguments); }; });
}

}  // namespace poolcpuid::cli
