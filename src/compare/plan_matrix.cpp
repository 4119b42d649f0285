#include <map>

#include "poolcpuid/pool_plan.hpp"

namespace poolcpuid {

std::string_view to_string(VmStanding standing) noexcept {
    switch (standing) {
        case VmStanding::runs: return "runs";
        case VmStanding::degraded: return "degraded";
        case VmStanding::doubtful: return "doubtful";
        case VmStanding::must_not_run: break;
    }
    return "must-not-run";
}

std::vector<MatrixHosts> matrix_of(const PoolPlan& plan) {
    std::map<std::string, std::vector<VmStanding>> rows;  // by host
    for (std::size_t i = 0; i < plan.running.size(); ++i) {
        const RunningPlan& entry = plan.running[i];
        const auto put = [&](const std::vector<std::string>& hosts, VmStanding standing) {
            for (const std::string& host : hosts) {
                std::vector<VmStanding>& row = rows[host];
                row.resize(plan.running.size(), VmStanding::runs);
                row[i] = standing;
            }
        };
        // What is worse comes last, and stays.
        put(entry.reaches, VmStanding::runs);
        for (const FlawedHosts& group : entry.doubtful) put(group.hosts, VmStanding::doubtful);
        for (const FlawedHosts& group : entry.degraded) put(group.hosts, VmStanding::degraded);
        for (const Unreachable& group : entry.cannot_reach) put(group.hosts, VmStanding::must_not_run);
    }
    std::vector<MatrixHosts> groups;
    std::map<std::vector<VmStanding>, std::size_t> places;
    for (auto& [host, row] : rows) {
        const auto [at, fresh] = places.emplace(row, groups.size());
        if (fresh) groups.push_back({{}, row});
        groups[at->second].hosts.push_back(host);
    }
    return groups;
}

}  // namespace poolcpuid
