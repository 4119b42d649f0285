// A VM with one vCPU, which runs the guest of guest_code.S.
#pragma once

#include <sys/mman.h>

#include <cerrno>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "kvm/device.hpp"
#include "kvm/guest_code.hpp"
#include "os/file_descriptor.hpp"
#include "poolcpuid/error.hpp"
#include "poolcpuid/verify.hpp"

namespace poolcpuid::kvm {

// A mapping of memory that is taken away on every way out.

class Mapping {
public:
    // Maps so many bytes of a file, or with MAP_ANONYMOUS and -1 new memory of zeros. what is for the message
    // of the SystemError that is thrown when that fails.
    Mapping(std::size_t bytes, int flags, int descriptor, const char* what)
        : address_(::mmap(nullptr, bytes, PROT_READ | PROT_WRITE, flags, descriptor, 0)), bytes_(bytes) {
        if (address_ == MAP_FAILED) {
            throw SystemError(std::string(what) + " cannot be mapped (" + os::reason(errno) + ").");
        }
    }
    Mapping(const Mapping&) = delete;
    Mapping& operator=(const Mapping&) = delete;
    ~Mapping() { ::munmap(address_, bytes_); }

    void* address() const noexcept { return address_; }
    std::span<unsigned char> bytes() const noexcept { return {static_cast<unsigned char*>(address_), bytes_}; }

private:
    void* address_;
    std::size_t bytes_;
};

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
