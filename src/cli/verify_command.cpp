// poolcpuid verify: does a vCPU of this host's KVM show the policy.
#include <unistd.h>

#include <CLI/CLI.hpp>
#include <cstdio>
#include <memory>
#include <string>

#include "cli/commands.hpp"
#include "cli/common_options.hpp"
#include "cli/inputs.hpp"
#include "cli/output.hpp"
#include "cli/rulebook_choice.hpp"
#include "cli/text_layout.hpp"
#include "cli/verify_text.hpp"
#include "poolcpuid/verify.hpp"

namespace poolcpuid::cli {

namespace {

struct VerifyArguments {
    std::string policy;
    std::string format;
    std::string output;
    std::string rulebook;
};

ExitStatus verify(const VerifyArguments& arguments) {
    const RulebookChoice choice(arguments.rulebook);
    const Rulebook& rulebook = choice.get();
    const PoolPolicy policy = read_bound(arguments.policy, rulebook);
    const Verification result = verify_policy(rulebook, policy, kvm_vcpus());
    const KvmHost host = this_kvm_host();

    const auto text = [&](int descriptor) {
        return verify_text(policy, rulebook, result, host, output_width(), wants_colour(descriptor));
    };
    if (!arguments.output.empty()) {
        write_file(arguments.output, to_json(policy, rulebook, result, host));
        const std::string summary = text(STDERR_FILENO);
        std::fwrite(summary.data(), 1, summary.size(), stderr);
    } else {
        const bool as_text = arguments.format.empty() ? stdout_is_terminal() : arguments.format == "text";
        write_stdout(as_text ? text(STDOUT_FILENO) : to_json(policy, rulebook, result, host));
    }
    return result.shows_policy() ? ExitStatus::done : ExitStatus::different;
}

}  // namespace

void add_verify_command(CLI::App& app, Action& action) {
    auto arguments = std::make_shared<VerifyArguments>();
    CLI::App* verb = app.add_subcommand("verify", "Start a vCPU with a policy on this host and compare what it sees");
    verb->add_option("POLICY", arguments->policy, "The policy, or - for stdin")->required();
    add_result_options(*verb, arguments->format, arguments->output);
    add_rulebook_option(*verb, arguments->rulebook);
    verb->footer(
        "Gives the policy to a vCPU of /dev/kvm, executes CPUID and RDMSR in it, and\n"
        "compares; no guest system is needed. Bits that the VMM or the guest fills in\n"
        "are left aside. What the KVM in use shows whatever it is told (nested ones\n"
        "do so) is told apart and is no failure.\n\n"
        "Exit status 0: the vCPU shows the policy; 1: it does not; 5: no usable\n"
        "/dev/kvm.\n\n"
        "Examples:\n"
        "  poolcpuid verify pool.json                before the host joins the pool\n"
        "  poolcpuid verify pool.json --format json | jq '.differences[].field'\n"
        "  ssh node-17 ./poolcpuid verify - < pool.json   the static build, copied there");
    verb->callback([&action, arguments] { action = [arguments] { return verify(*arguments); }; });
}

}  // namespace poolcpuid::cli
