#include "cli/policy_hosts.hpp"

#include <algorithm>
#include <map>
#include <set>
#include <utility>

#include "cli/inputs.hpp"
#include "cli/log.hpp"
#include "poolcpuid/error.hpp"
#include "poolcpuid/what_if.hpp"

namespace poolcpuid::cli {

namespace {

// What keeps the hosts from being those of the policy, a sentence each.
std::vector<std::string> mismatches(const PoolPolicy& policy, const std::string& path, const Inputs& inputs,
                                    const std::string& unlisted_hint) {
    std::vector<std::string> problems;
    std::set<std::string> given;
    for (const HostDump& host : inputs.hosts) given.insert(host.sha256);
    std::set<std::string> expected;
    for (const HostClass& host : policy.hosts) {
        // A ceiling joins as one more host, and is none whose dump could be given.
        if (host.is_ceiling()) continue;
        expected.insert(host.sha256);
        if (given.contains(host.sha256)) continue;
        const std::string name = host.names.empty() ? "a host" : host.names.front();
        problems.push_back(InputError(path, 0, "the dump of " + name + " (sha256 " + host.sha256 + ") among --hosts",
                                      "no host with that digest")
                               .what());
    }
    for (const HostDump& host : inputs.hosts) {
        if (expected.contains(host.sha256)) continue;
        problems.push_back(InputError(host.name, 0, "a host behind " + path,
                                      "the digest " + host.sha256 + ", which it does not list" + unlisted_hint)
                               .what());
    }
    return problems;
}

void warn_if_other(const PoolPolicy& policy, const std::string& path, const PoolPolicy& whole) {
    const char* const hint = "; poolcpuid merge --expect says more";
    if (policy.names_sha256 != whole.names_sha256) {
        log_warning("--hosts has other names than " + path + ", or more or fewer hosts of equal content" + hint);
    }
    if (policy.cpuid != whole.cpuid || policy.msrs != whole.msrs) {
        log_warning("from these hosts now follows another policy than " + path + hint);
    }
}

}  // namespace

std::optional<PolicyHosts> read_policy_hosts(const PoolPolicy& policy, const std::string& path,
                                             const std::vector<std::string>& hosts, const std::string& ceiling,
                                             const Rulebook& rulebook, const std::string& unlisted_hint) {
    MergeOptions options = with_all_names(
        options_of(policy, ceiling.empty() ? std::nullopt : std::optional<PoolPolicy>(read_bound(ceiling, rulebook))));
    Inputs inputs = read_inputs(hosts);
    std::vector<std::string> problems;
    for (const auto& [file, message] : inputs.unreadable) problems.push_back(message);
    if (problems.empty()) problems = mismatches(policy, path, inputs, unlisted_hint);

    PoolState state(rulebook);
    for (const HostDump& host : inputs.hosts) {
        try {
            state.add(host);
        } catch (const InputError& error) {
            problems.emplace_back(error.what());
        }
    }
    for (const std::string& problem : problems) log_error(problem);
    if (!problems.empty()) return std::nullopt;
    PoolPolicy whole = state.finish(options);
    warn_if_other(policy, path, whole);
    return PolicyHosts{std::move(inputs.hosts), std::move(state), std::move(options), std::move(whole)};
}

}  // namespace poolcpuid::cli
