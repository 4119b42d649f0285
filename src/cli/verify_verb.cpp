#include "cli/verify_verb.hpp"

#include <unistd.h>

#include <cstdio>

#include "cli/inputs.hpp"
#include "cli/output.hpp"
#include "cli/page.hpp"
#include "cli/verify_text.hpp"

namespace poolcpuid::cli {

ExitStatus verify(const VerifyArguments& arguments, const std::function<VcpuRunner()>& open_kvm, const KvmHost& host) {
    check_output(arguments.output, {arguments.policy});
    const RulebookChoice choice(arguments.rulebook);
    const Rulebook& rulebook = choice.get();
    const PoolPolicy policy = read_bound(arguments.policy, rulebook);
    const Verification result = verify_policy(rulebook, policy, open_kvm());

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

}  // namespace poolcpuid::cli
