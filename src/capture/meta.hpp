// What else describes a host: the versions and settings on which its CPUID and MSRs depend.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "poolcpuid/capture.hpp"

namespace poolcpuid::capture {

// Entries for HostDump::meta, each left out where it cannot be told:
//   kernel              the release of the running kernel
//   microcode           as /proc/cpuinfo words it, when all CPUs have the same; else not_seen has a sentence
//   kvm_module          the modules kvm_* (kvm_amd, kvm_intel), with a comma between them
//   kvm.P, kvm_amd.P …  the value of each parameter P of these modules; not_seen names those that may not be read
// Values that a host document does not take are left out.
std::map<std::string, std::string> read_meta(const CaptureSources& sources, std::vector<NotSeen>& not_seen);

}  // namespace poolcpuid::capture
