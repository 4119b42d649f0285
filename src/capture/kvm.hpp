// What KVM on this machine can give to a guest: the ioctls of /dev/kvm itself, no VM is made.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "poolcpuid/capture.hpp"

namespace poolcpuid::capture {

// KVM_GET_SUPPORTED_CPUID and the feature MSRs as the ioctls return them, sorted, under the name "kvm"; an MSR
// that KVM lists and refuses to read has no value. Nothing where /dev/kvm cannot be used, and no list of MSRs
// where KVM has none; not_seen says why. Asks for the permission to use every state component that KVM can
// give to guests, and names those that are refused. Some bits (APIC ids) are those of the CPU on which the
// thread runs, which should be pinned.
std::optional<HypervisorView> read_kvm(const CaptureSources& sources, std::vector<NotSeen>& not_seen);

}  // namespace poolcpuid::capture
