// What a vCPU with a policy is told and asked, and what it is to answer.
#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include "poolcpuid/policy.hpp"
#include "poolcpuid/verify.hpp"
#include "promises/owned_bits.hpp"
#include "promises/vendor_rules.hpp"

namespace poolcpuid::verify {

// One execution of CPUID.
struct Question {
    CpuidRow row;            // what the policy says; zeros where it has no such row
    bool in_policy = false;  // it has one

    // Beyond the maximum of the range: another question, of the highest basic leaf, whose answer may be read instead.
    std::optional<LeafKey> echo;
};

// Bits of a register that were seen otherwise than the policy says.
struct WrongBits {
    promises::RegisterPlace place;
    std::uint64_t policy = 0;  // the whole register
    std::uint64_t seen = 0;
    std::uint64_t bits = 0;  // those that are wrong
};

// The entries of a vCPU with this policy, in its order. Which have subleaves: policy/subleaves.hpp.
std::vector<VcpuEntry> entries_of(const promises::VendorRules& rules, const PoolPolicy& policy);

// The questions that verify_policy's comment lists and those whose answers may be echoed, sorted by key, unique.
std::vector<Question> questions_of(const promises::VendorRules& rules, const PoolPolicy& policy);

// What is wrong with the answer to a question: at most one a register. echoed: the answer to question.echo, if it has
// one; else not looked at.
std::vector<WrongBits> wrong_bits(const Question& question, const Registers& seen, const Registers& echoed,
                                  const promises::OwnedBits& owned);

}  // namespace poolcpuid::verify
