// A real vCPU: the guest's code, faults, long lists, what is refused and why, and the time limit.

#include <linux/kvm.h>
#include <sys/ioctl.h>

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <csignal>
#include <string>
#include <vector>

#include "kvm/time_limit.hpp"
#include "kvm/vcpu.hpp"
#include "os/file_descriptor.hpp"
#include "poolcpuid/capture.hpp"
#include "poolcpuid/rulebook.hpp"
#include "poolcpuid/verify.hpp"
#include "tests/catch.hpp"

namespace poolcpuid::test::vcpu_kvm_test {

using Catch::Contains;

namespace {

// A leaf that KVMs take as they are told, those too that put the hardware's bits over others.
constexpr std::uint32_t free_leaf = 0x80000021;

VcpuTask task_with(const Registers& value) {
    VcpuTask task;
    task.cpuid = {{{{0, 0}, {0xD, 0x68747541, 0x444D4163, 0x69746E65}}, false},  // AMD's name
                  {{{0x80000000, 0}, {free_leaf, 0, 0, 0}}, false},
                  {{{free_leaf, 0}, value}, false}};
    return task;
}

}  // namespace

TEST_CASE("a vCPU answers with the registers that it was told", "[vcpu]") {
    const Registers value{0x12345678, 0x9ABCDEF0, 0x0F1E2D3C, 0x4B5A6978};
    VcpuTask task = task_with(value);
    task.execute = {{free_leaf, 0}, {0, 0}, {free_leaf, 7}, {free_leaf + 1, 0}};
    const VcpuAnswer answer = kvm_vcpus()(task);
    REQUIRE(answer.refusal.empty());
    REQUIRE(answer.cpuid.size() == 4);
    CHECK(answer.cpuid[0] == value);
    CHECK(answer.cpuid[1] == task.cpuid.front().row.value);
    CHECK(answer.cpuid[2] == value);  // its entry has no subleaves
    CHECK(answer.cpuid[3].all_zero());
    CHECK(answer.msrs.empty());
}

TEST_CASE("an entry with subleaves answers for its own alone", "[vcpu]") {
    constexpr std::uint32_t leaf = 0x8000001D;
    VcpuTask task = task_with({1, 2, 3, 4});
    task.cpuid.insert(task.cpuid.end() - 1, {{{leaf, 1}, {5, 6, 7, 8}}, true});
    task.execute = {{leaf, 0}, {leaf, 1}, {leaf, 2}};
    const VcpuAnswer answer = kvm_vcpus()(task);
    REQUIRE(answer.cpuid.size() == 3);
    CHECK(answer.cpuid[0].all_zero());
    CHECK(answer.cpuid[1] == Registers{5, 6, 7, 8});
    CHECK(answer.cpuid[2].all_zero());
}

TEST_CASE("more questions than the guest's memory holds are all answered, in order", "[vcpu]") {
    VcpuTask task = task_with({1, 2, 3, 4});
    for (std::uint32_t i = 0; i < 5000; ++i) task.execute.push_back({free_leaf + (i % 3 == 0 ? 0 : 1), i});
    const VcpuAnswer answer = kvm_vcpus()(task);
    REQUIRE(answer.cpuid.size() == task.execute.size());
    for (std::size_t i = 0; i < answer.cpuid.size(); ++i) {
        const Registers expected = i % 3 == 0 ? Registers{1, 2, 3, 4} : Registers{};
        if (answer.cpuid[i] != expected) FAIL("question " << i);
    }
}

TEST_CASE("an MSR that does not exist faults in the guest, and those around it are read", "[vcpu]") {
    constexpr std::uint32_t apic_base = 0x1B;  // every guest has it
    constexpr std::uint32_t none = 0xDEADBEEF;
    VcpuTask task = task_with({});
    task.rdmsr = {none, apic_base, none, apic_base};
    task.execute = {{0, 0}};
    const VcpuAnswer answer = kvm_vcpus()(task);
    REQUIRE(answer.msrs.size() == 4);
    CHECK_FALSE(answer.msrs[0]);
    CHECK(answer.msrs[1] == 0xFEE00900);
    CHECK_FALSE(answer.msrs[2]);
    CHECK(answer.msrs[3] == 0xFEE00900);
    CHECK(answer.cpuid.front() == task.cpuid.front().row.value);
}

TEST_CASE("an MSR is set before the guest reads it, and one that KVM does not know is refused", "[vcpu]") {
    constexpr std::uint32_t microcode = 0x8B;
    VcpuTask task = task_with({});
    task.msrs = {{microcode, 0x0123456789ABCDEF}, {0xDEADBEEF, 1}};
    task.rdmsr = {microcode};
    const VcpuAnswer answer = kvm_vcpus()(task);
    REQUIRE(answer.msr_refusals.size() == 2);
    CHECK(answer.msr_refusals[0].empty());
    CHECK(answer.msrs.front() == 0x0123456789ABCDEF);
    CHECK_THAT(answer.msr_refusals[1], Contains("refuses the value 0x0000000000000001") && Contains("knows no such"));
}

TEST_CASE("entries that KVM refuses are told with the reason", "[vcpu]") {
    VcpuTask task = task_with({});
    task.cpuid.insert(task.cpuid.end() - 1, {{{0x80000008, 0}, {0x2D30, 0, 0, 0}}, false});  // 45 bits
    task.execute = {{0, 0}};
    const VcpuAnswer answer = kvm_vcpus()(task);
    CHECK_THAT(answer.refusal, Contains("Invalid argument") && Contains("48 or 57 bits"));
    CHECK(answer.cpuid.empty());
}

TEST_CASE("a value that a refusal names is one that the same vCPU takes, else the guest lacks the MSR", "[vcpu]") {
    constexpr std::uint64_t absurd = ~std::uint64_t{0};
    // With and without the bits by which KVM shows VMX and IA32_ARCH_CAPABILITIES to a guest.
    VcpuTask bare = task_with({});
    VcpuTask full = bare;
    full.cpuid.insert(full.cpuid.begin() + 1,
                      {{{{1, 0}, {0x000306F2, 0, 1U << 5, 0}}, false}, {{{7, 0}, {0, 0, 0, 1U << 29}}, true}});
    const VcpuRunner run = kvm_vcpus();
    for (VcpuTask task : {bare, full}) {
        for (const std::uint32_t index : feature_msrs(builtin_rulebook())) {
            task.msrs = {{index, absurd}};
            task.rdmsr = {index};
            const VcpuAnswer answer = run(task);
            const std::string& refusal = answer.msr_refusals.at(0);
            INFO(std::hex << index << ": " << refusal);
            if (refusal.find("does not have the MSR") != std::string::npos) CHECK_FALSE(answer.msrs.at(0));
            const std::string before = "what it supports is ";
            const std::size_t at = refusal.find(before);
            if (at == std::string::npos) continue;
            task.msrs.front().value = std::stoull(refusal.substr(at + before.size()), nullptr, 16);
            const VcpuAnswer with_supported = run(task);
            CHECK(with_supported.msr_refusals.at(0).empty());
            CHECK(with_supported.msrs.at(0));
        }
    }
}

TEST_CASE("a guest that does not end is stopped, and the thread's signals are as before", "[vcpu]") {
    const os::FileDescriptor kvm("/dev/kvm", O_RDWR);
    const os::FileDescriptor vm(::ioctl(kvm.number(), KVM_CREATE_VM, 0));
    REQUIRE(vm.is_open());
    const kvm::Mapping memory(0x10000, MAP_PRIVATE | MAP_ANONYMOUS, -1, "memory");
    memory.bytes()[0] = 0xEB;  // a jump to itself
    memory.bytes()[1] = 0xFE;
    kvm_userspace_memory_region region{};
    region.memory_size = memory.bytes().size();
    region.userspace_addr = reinterpret_cast<std::uintptr_t>(memory.address());
    REQUIRE(::ioctl(vm.number(), KVM_SET_USER_MEMORY_REGION, &region) == 0);
    const os::FileDescriptor vcpu(::ioctl(vm.number(), KVM_CREATE_VCPU, 0));
    REQUIRE(vcpu.is_open());
    kvm_sregs segments{};
    REQUIRE(::ioctl(vcpu.number(), KVM_GET_SREGS, &segments) == 0);
    segments.cs.base = 0;
    segments.cs.selector = 0;
    REQUIRE(::ioctl(vcpu.number(), KVM_SET_SREGS, &segments) == 0);
    kvm_regs registers{};
    registers.rflags = 2;
    REQUIRE(::ioctl(vcpu.number(), KVM_SET_REGS, &registers) == 0);

    sigset_t before;
    sigset_t after;
    ::pthread_sigmask(SIG_SETMASK, nullptr, &before);
    const auto start = std::chrono::steady_clock::now();
    {
        const kvm::TimeLimit limit(vcpu.number(), std::chrono::milliseconds(30));
        CHECK_FALSE(limit.is_over());
        CHECK(::ioctl(vcpu.number(), KVM_RUN, 0) == -1);
        CHECK(errno == EINTR);
        CHECK(limit.is_over());
    }
    CHECK(std::chrono::steady_clock::now() - start >= std::chrono::milliseconds(30));
    ::pthread_sigmask(SIG_SETMASK, nullptr, &after);
    for (int signal = 1; signal <= SIGRTMAX; ++signal) {
        CHECK(sigismember(&before, signal) == sigismember(&after, signal));
    }
    sigset_t pending;
    ::sigpending(&pending);
    CHECK(sigismember(&pending, SIGRTMIN) == 0);
}

}  // namespace poolcpuid::test::vcpu_kvm_test
