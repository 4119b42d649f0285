// A policy as one page of HTML for an auditor: what the guest is shown, why, on whose word.
//
//   std::ofstream("pool.html") << report_html(builtin_rulebook(), {.policy = policy});
//
// The page needs nothing but itself: no network, no other file. Its Content-Security-Policy allows its
// one style and its one script and nothing else. Every text of the policy is shown as text, whatever it
// holds.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "poolcpuid/audit.hpp"
#include "poolcpuid/policy.hpp"
#include "poolcpuid/rulebook.hpp"
#include "poolcpuid/what_if.hpp"

namespace poolcpuid {

// What the hosts say beyond the policy.
struct PoolDetails {
    PoolPolicy whole;              // the same policy with all names, as of with_all_names
    std::vector<WhatIf> what_ifs;  // of the same hosts
    bool own_findings = false;     // the findings of whole are the policy's own, with eight names at most
};

struct ReportInput {
    PoolPolicy policy;
    std::string sha256;                // of the policy's document; empty: not shown
    std::optional<PoolDetails> hosts;  // without them lists of hosts are as short as the policy's
    bool other_hosts = false;          // hosts were given, but what follows from them is not this policy
    std::optional<Audit> audit{};      // of the policy, on the hosts where they were given; nothing: not shown
};

// The page: deterministic, ends with a newline. rulebook says what the fields mean; the page says so when
// it is not the one that the policy was made with. Linear in the decisions times the groups of hosts that
// differ in them, of which a table has at most 300.
std::string report_html(const Rulebook& rulebook, const ReportInput& input);

}  // namespace poolcpuid
