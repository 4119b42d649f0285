#include "kvm/vcpu.hpp"

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <cstring>

#include "kvm/ioctls.hpp"
#include "kvm/time_limit.hpp"
#include "poolcpuid/error.hpp"

namespace poolcpuid::kvm {

namespace {

constexpr std::chrono::seconds time_to_run{10};  // it takes milliseconds, also where KVM itself is emulated

// Three pages that Intel CPUs without the "unrestricted guest" need below 4 GiB for real mode, away from
// the guest's memory: where QEMU puts them, too (Linux, virt/kvm/api.rst, KVM_SET_TSS_ADDR).
constexpr unsigned long tss_address = 0xFFFBD000;

// IA32_APIC_BASE as after reset of the first CPU. KVM shows leaf 1 EDX[9] (APIC) by its enable bit.
constexpr std::uint64_t apic_base = 0xFEE00900;

[[noreturn]] void fail(const std::string& what) { throw SystemError("KVM " + what + " (" + os::reason(errno) + ")."); }

int checked(int result, const char* what) {
    if (result < 0) fail(what);
    return result;
}

int create_vm(const Device& device) {
    const int vm = ::ioctl(device.number(), KVM_CREATE_VM, 0);
    if (vm >= 0) return vm;
    const int error = errno;
    throw SystemError(device.path() + " makes no VM (" + os::reason(error) + ")." +
                      (error == EBUSY ? " Another hypervisor uses the CPU's virtualization: stop it." : ""));
}

std::size_t state_bytes(const Device& device) {
    return static_cast<std::size_t>(
        checked(::ioctl(device.number(), KVM_GET_VCPU_MMAP_SIZE, 0), "does not say how large a vCPU's state is"));
}

int create_vcpu(int vm, const Mapping& memory) {
    ::ioctl(vm, KVM_SET_TSS_ADDR, tss_address);  // where it fails it is not needed
    kvm_userspace_memory_region region{};
    region.memory_size = memory.bytes().size();
    region.userspace_addr = reinterpret_cast<std::uintptr_t>(memory.address());
    checked(::ioctl(vm, KVM_SET_USER_MEMORY_REGION, &region), "gives the VM no memory");
    return checked(::ioctl(vm, KVM_CREATE_VCPU, 0), "makes no vCPU");
}

kvm_cpuid_entry2 kernel_entry(const VcpuEntry& entry) {
    kvm_cpuid_entry2 out{};
    out.function = entry.row.key.leaf;
    out.index = entry.row.key.subleaf;
    out.flags = entry.has_subleaves ? KVM_CPUID_FLAG_SIGNIFCANT_INDEX : 0;
    out.eax = entry.row.value.eax;
    out.ebx = entry.row.value.ebx;
    out.ecx = entry.row.value.ecx;
    out.edx = entry.row.value.edx;
    return out;
}

// An empty span may have no address, which memcpy does not take even for no bytes.
void copy_bytes(void* to, const void* from, std::size_t size) {
    if (size != 0) std::memcpy(to, from, size);
}

}  // namespace

Vcpu::Vcpu(const Device& device)
    : vm_(create_vm(device)),
      memory_(guest::memory_bytes, MAP_PRIVATE | MAP_ANONYMOUS, -1, "The guest's memory"),
      vcpu_(create_vcpu(vm_.number(), memory_)),
      state_(state_bytes(device), MAP_SHARED, vcpu_.number(), "The vCPU's state") {}

int Vcpu::set_cpuid(std::span<const VcpuEntry> entries) {
    Words list(cpuid_head + entries.size() * cpuid_entry);
    list[0] = static_cast<std::uint32_t>(entries.size());
    std::uint32_t* at = list.data() + cpuid_head;
    for (const VcpuEntry& entry : entries) {
        const kvm_cpuid_entry2 out = kernel_entry(entry);
        std::memcpy(at, &out, sizeof out);
        at += cpuid_entry;
    }
    return ::ioctl(vcpu_.number(), kvm::set_cpuid, list.data()) == 0 ? 0 : errno;
}

bool Vcpu::set_msr(std::uint32_t index, std::uint64_t value) {
    OneMsr msr;
    msr.entry.index = index;
    msr.entry.data = value;
    return ::ioctl(vcpu_.number(), set_msrs, &msr) == 1;
}

void Vcpu::run(std::span<guest::Record> cpuid, std::span<guest::Record> rdmsr) {
    write_memory(cpuid, rdmsr);
    reset_registers(cpuid.size(), rdmsr.size());
    run_to_halt();
    check_registers();
    const unsigned char* at = memory_.bytes().data() + guest::table_address;
    for (const std::span<guest::Record> records : {cpuid, rdmsr}) {
        copy_bytes(records.data(), at, records.size_bytes());
        at += records.size_bytes();
    }
}

void Vcpu::write_memory(std::span<const guest::Record> cpuid, std::span<const guest::Record> rdmsr) {
    unsigned char* const memory = memory_.bytes().data();
    std::array<guest::Vector, guest::vectors> vectors;
    vectors.fill({guest::address_of(poolcpuid_guest_stop), 0});
    vectors[guest::fault_vector].offset = guest::address_of(poolcpuid_guest_fault);
    std::memcpy(memory, vectors.data(), sizeof vectors);
    std::memcpy(memory + guest::code_address, guest::code().data(), guest::code().size());
    copy_bytes(memory + guest::table_address, cpuid.data(), cpuid.size_bytes());
    copy_bytes(memory + guest::table_address + cpuid.size_bytes(), rdmsr.data(), rdmsr.size_bytes());
}

// The vCPU comes out of its reset in real mode; only CS is elsewhere than the other segments.
void Vcpu::reset_registers(std::size_t cpuid, std::size_t rdmsr) {
    kvm_sregs segments{};
    checked(::ioctl(vcpu_.number(), KVM_GET_SREGS, &segments), "does not show the vCPU's registers");
    segments.cs.base = 0;
    segments.cs.selector = 0;
    segments.apic_base = apic_base;
    checked(::ioctl(vcpu_.number(), KVM_SET_SREGS, &segments), "refuses the vCPU's segments");
    kvm_regs registers{};
    registers.rip = guest::code_address;
    registers.rsp = guest::stack_top;
    registers.rsi = guest::table_address;
    registers.rcx = cpuid;
    registers.rdi = rdmsr;
    registers.rflags = 2;  // a bit that is always 1
    checked(::ioctl(vcpu_.number(), KVM_SET_REGS, &registers), "refuses the vCPU's registers");
}

void Vcpu::run_to_halt() {
    const TimeLimit limit(vcpu_.number(), time_to_run);
    while (::ioctl(vcpu_.number(), KVM_RUN, 0) != 0) {
        if (errno != EINTR) fail("does not run the vCPU");
        if (limit.is_over()) {
            throw SystemError("KVM did not bring the guest, which executes CPUID and halts, to its end within " +
                              std::to_string(time_to_run.count()) + " seconds.");
        }
    }
    const auto* const state = static_cast<const kvm_run*>(state_.address());
    if (state->exit_reason == KVM_EXIT_HLT) return;
    throw SystemError("KVM stopped the guest, which executes CPUID and halts, for the reason " +
                      std::to_string(state->exit_reason) + " (KVM_EXIT_…, linux/kvm.h).");
}

void Vcpu::check_registers() const {
    kvm_regs registers{};
    checked(::ioctl(vcpu_.number(), KVM_GET_REGS, &registers), "does not show the vCPU's registers");
    if ((registers.rdi & 0xFFFFU) == 0 && (registers.rsp & 0xFFFFU) == guest::stack_top) return;
    throw SystemError("The guest met an exception that CPUID and RDMSR do not raise.");
}

}  // namespace poolcpuid::kvm
