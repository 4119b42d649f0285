// Every verb that takes a policy, as the library has it. Each function asks all that can be asked, writes the document
// that follows, and holds the answers against each other. What the library says it throws is passed on.
#pragma once

#include <vector>

#include "poolcpuid/host_dump.hpp"
#include "poolcpuid/policy.hpp"
#include "poolcpuid/rulebook.hpp"

namespace poolcpuid::fuzz {

// What a verb is asked about: a policy, another one, and hosts with different names, in any number.
struct Question {
    const Rulebook& rulebook;
    const PoolPolicy& policy;
    const PoolPolicy& other;
    const std::vector<HostDump>& hosts;
};

using Verb = void (*)(const Question&);

// check, diff, explain, plan, render, report, verify, show.
std::vector<Verb> verbs();

// The verb that a byte stands for: its first letter, or that of "html" for report; any other byte is one of them too.
Verb verb_of(unsigned char letter);

}  // namespace poolcpuid::fuzz
