// A VM with one vCPU, which runs the guest of guest_code.S.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "kvm/device.hpp"
#include "kvm/guest_code.hpp"
#include "kvm/mapping.hpp"
#include "os/file_descriptor.hpp"
#include "poolcpuid/verify.hpp"

namespace poolcpuid::kvm {

class Vcpu {
public:
    // Throws SystemError, a sentence that says what KVM does not do and why.
    explicit Vcpu(const Device& device);

    // Gives the vCPU its CPUID, before it runs for the first time. Returns 0, or the error with which KVM
    // refuses the entries: it then has those that it had.
    int set_cpuid(std::span<const VcpuEntry> entries);

    // Gives an MSR its value. False when KVM refuses it.
    bool set_msr(std::uint32_t index, std::uint64_t value);

    // Lets the guest answer a table of questions, at most guest::most_records: first the CPUID ones, then
    // those for RDMSR. Throws SystemError when the guest does not come to its end.
    void run(std::span<guest::Record> cpuid, std::span<guest::Record> rdmsr);

private:
    void write_memory(std::span<const guest::Record> cpuid, std::span<const guest::Record> rdmsr);
    void reset_registers(std::size_t cpuid, std::size_t rdmsr);
    void run_to_halt();
    void check_registers() const;

    os::FileDescriptor vm_;
    Mapping memory_;
    os::FileDescriptor vcpu_;
    Mapping state_;  // kvm_run
};

}  // namespace poolcpuid::kvm
