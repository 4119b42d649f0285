// Capturing the host on which the program runs: both views, feature MSRs and what else describes it.
//
// What may not be seen is left out, which the host document means as "unknown", and is named: nothing is
// taken for zero because it could not be read. Linux only.
#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "poolcpuid/host_dump.hpp"
#include "poolcpuid/rulebook.hpp"

namespace poolcpuid {

// Where the kernel's files are. Other directories than the real ones are for tests.
struct CaptureSources {
    std::string dev = "/dev";    // kvm, cpu/N/cpuid, cpu/N/msr
    std::string proc = "/proc";  // cpuinfo
    std::string sys = "/sys";    // devices/system/cpu, module
};

struct CaptureOptions {
    std::string name;  // the host's; empty: what gethostname() gives
    CaptureSources sources;
};

// What a capture may fail to see, as words that scripts compare: in the host's meta, under "missing", they stand
// sorted, with commas between them.
namespace unseen {
inline constexpr std::string_view cpus = "cpus";                      // logical CPUs, or some of their leaves
inline constexpr std::string_view kvm = "kvm";                        // the hypervisor view
inline constexpr std::string_view kvm_msrs = "kvm-msrs";              // its MSRs
inline constexpr std::string_view kvm_states = "kvm-states";          // XSAVE states that KVM hides from the process
inline constexpr std::string_view kvm_parameters = "kvm-parameters";  // some of KVM's modules'
inline constexpr std::string_view microcode = "microcode";            // one version for all CPUs
inline constexpr std::string_view msrs = "msrs";                      // the hardware view's, of all CPUs or of some
inline constexpr std::string_view some_msrs = "some-msrs";  // which differ between CPUs, or the kernel does not read
inline constexpr std::array all{cpus, kvm, kvm_msrs, kvm_parameters, kvm_states, microcode, msrs, some_msrs};
}  // namespace unseen

// Something that could not be read.
struct NotSeen {
    std::string_view word;  // one of unseen
    std::string sentence;   // what, why, and what helps
};

struct CaptureResult {
    HostDump host;                  // its notes say what a reader of the document should know but cannot see in it
    std::vector<NotSeen> not_seen;  // in the order in which it was looked for; a word may come several times
};

// Captures this host.
//
// The hardware view holds every logical CPU that is online: the calling thread is moved to each, and back
// before the call returns. A CPU that it may not run on is read through /dev/cpu/N/cpuid; one that cannot
// be read at all is left out and named in not_seen and in the meta entry "cpus_not_read". The meta entry "missing" has
// the words of not_seen. The hypervisor
// view is KVM's (KVM_GET_SUPPORTED_CPUID and its feature MSRs, asked on the first CPU that is online: a
// few bits tell on which CPU KVM was asked), and absent where /dev/kvm cannot be used. KVM hides state
// components for which the process has no permission (AMX): it is asked for, for the life of the process,
// as every VMM that offers them has to. The hardware view's MSRs are feature_msrs(rulebook), and no list
// at all where no /dev/cpu/N/msr can be opened.
//
// Two captures of a host that has not changed are equal. sha256 is that of its document. Throws
// UsageError when the name is no host's name, and SystemError when no CPU can be read or the machine has
// no name. Takes some hundred executions of CPUID a logical CPU, and a system call for each MSR of each.
CaptureResult capture_host(const Rulebook& rulebook, const CaptureOptions& options = {});

// The MSRs of which rulebook promises something: those that have a field with a rule other than hide and
// owned. Sorted, unique. Linear in the number of fields.
std::vector<std::uint32_t> feature_msrs(const Rulebook& rulebook);

}  // namespace poolcpuid
