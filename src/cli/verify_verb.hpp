// What verify does with its arguments, whatever KVM it is that makes the vCPUs.
#pragma once

#include <functional>
#include <string>

#include "cli/commands.hpp"
#include "poolcpuid/verify.hpp"

namespace poolcpuid::cli {

// As they stand on the command line; empty where they do not.
struct VerifyArguments {
    std::string policy;
    std::string format;
    std::string output;
    std::string rulebook;
};

// Opens KVM once the policy is read, verifies it there, and writes what was found. host: where that is. Throws what
// reading, writing and verifying throw.
ExitStatus verify(const VerifyArguments& arguments, const std::function<VcpuRunner()>& open_kvm, const KvmHost& host);

}  // namespace poolcpuid::cli
