// A verification as text for people.
#pragma once

#include <cstddef>
#include <string>

#include "poolcpuid/policy.hpp"
#include "poolcpuid/rulebook.hpp"
#include "poolcpuid/verify.hpp"

namespace poolcpuid::cli {

// The verdict, what was compared, then what KVM refuses, what differs, and what is out of the VMM's hands, each with
// what it means for the guest. width: columns of the output.
std::string verify_text(const PoolPolicy& policy, const Rulebook& rulebook, const Verification& verification,
                        const KvmHost& host, std::size_t width, bool colour);

}  // namespace poolcpuid::cli
