// poolcpuid verify: does a vCPU of this host's KVM show the policy.
#include <CLI/CLI.hpp>
#include <memory>

#include "cli/arguments.hpp"
#include "cli/commands.hpp"
#include "cli/texts.hpp"

namespace poolcpuid::cli {

void add_verify_command(CLI::App& verb, Action& action) {
    auto arguments = std::make_shared<VerifyArguments>();
    verb.add_option("POLICY", arguments->policy, "The policy, or - for stdin")->required();
    add_result_options(verb, arguments->result);
    add_rulebook_option(verb, arguments->rulebook);
    verb.footer(
        "Gives the policy to a vCPU of /dev/kvm, executes CPUID and RDMSR in it, and\n"
        "compares; no guest system is needed. Bits that the VMM or the guest fills in\n"
        "are left aside. What the KVM in use shows whatever it is told (nested ones\n"
        "do so) is told apart and is no failure. A vCPU shows what its VMM tells it,\n"
        "be it there or not: whether the host keeps what the policy promises is said\n"
        "by `poolcpuid check`.\n\n"
        "Exit status 0: the vCPU shows the policy; 1: it does not; 5: no usable\n"
        "/dev/kvm.\n\n"
        "Examples:\n"
        "  poolcpuid verify pool.json                after check, where VMs are to run\n"
        "  poolcpuid verify pool.json --format json | jq '.differences[].field'\n"
        "  ssh node-17 ./poolcpuid verify - < pool.json   the program, copied there");
    verb.callback([&action, arguments] {
        action = [arguments] {
            return verify(
                *arguments, [] { return kvm_vcpus(); }, this_kvm_host());
        };
    });
}

}  // namespace poolcpuid::cli
