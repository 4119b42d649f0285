// The findings of a plan: what cannot be known of a change of hosts.
#pragma once

#include <algorithm>
#include <cstddef>
#include <string>
#include <utility>
#include <vector>

#include "poolcpuid/finding_code.hpp"
#include "poolcpuid/policy.hpp"

namespace poolcpuid {

// Of these hosts, all by name. The severity is that of the code, of plan_finding_kinds.
inline Finding plan_finding(FindingCode code, std::string message, const std::vector<std::string>& hosts) {
    const auto listed = static_cast<std::ptrdiff_t>(std::min(hosts.size(), most_names));
    const std::vector<std::string> first(hosts.begin(), hosts.begin() + listed);
    return {code.severity().value(), std::string(code), std::move(message), {}, {first, hosts.size()}};
}

}  // namespace poolcpuid
