// A real vCPU of /dev/kvm, where there is one: the guest's code, faults, long lists, and the time limit.

#include <linux/kvm.h>
#include <sys/ioctl.h>

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <csignal>
#include <optional>
#include <vector>

#include "kvm/mapping.hpp"
#include "kvm/time_limit.hpp"
#include "os/file_descriptor.hpp"
#include "poolcpuid/error.hpp"
#include "poolcpuid/verify.hpp"
#include "tests/catch.hpp"
#include "tests/cli/support/temporary_directory.hpp"

using namespace poolcpuid;
using namespace poolcpuid::test;
using Catch::Contains;

namespace {

// The vCPUs of this machine, or nothing with a warning.
std::optional<VcpuRunner> vcpus() {
    try {
        return kvm_vcpus();
    } catch (const SystemError& error) {
        WARN("skipped: " << error.what());
        return std::nullopt;
    }
}

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
    const auto run = vcpus();
    if (!run) return;
    const Registers value{0x12345678, 0x9ABCDEF0, 0x0F1E2D3C, 0x4B5A6978};
    VcpuTask task = task_with(value);
    task.execute = {{free_leaf, 0}, {0, 0}, {free_leaf, 7}, {free_leaf + 1, 0}};
    const VcpuAnswer answer = (*run)(task);
    REQUIRE(answer.refusal.empty());
    REQUIRE(answer.cpuid.size() == 4);
    CHECK(answer.cpuid[0] == value);
    CHECK(answer.cpuid[1] == task.cpuid.front().row.value);
    CHECK(answer.cpuid[2] == value);  // its entry has no subleaves
    CHECK(answer.cpuid[3].all_zero());
    CHECK(answer.msrs.empty());
}

TEST_CASE("an entry with subleaves answers for its own alone", "[vcpu]") {
    const auto run = vcpus();
    if (!run) return;
    constexpr std::uint32_t leaf = 0x8000001D;
    VcpuTask task = task_with({1, 2, 3, 4});
    task.cpuid.insert(task.cpuid.end() - 1, {{{leaf, 1}, {5, 6, 7, 8}}, true});
    task.execute = {{leaf, 0}, {leaf, 1}, {leaf, 2}};
    const VcpuAnswer answer = (*run)(task);
    REQUIRE(answer.cpuid.size() == 3);
    CHECK(answer.cpuid[0].all_zero());
    CHECK(answer.cpuid[1] == Registers{5, 6, 7, 8});
    CHECK(answer.cpuid[2].all_zero());
}

TEST_CASE("more questions than the guest's memory holds are all answered, in order", "[vcpu]") {
    const auto run = vcpus();
    if (!run) return;
    VcpuTask task = task_with({1, 2, 3, 4});
    for (std::uint32_t i = 0; i < 5000; ++i) task.execute.push_back({free_leaf + (i % 3 == 0 ? 0 : 1), i});
    const VcpuAnswer answer = (*run)(task);
    REQUIRE(answer.cpuid.size() == task.execute.size());
    for (std::size_t i = 0; i < answer.cpuid.size(); ++i) {
        const Registers expected = i % 3 == 0 ? Registers{1, 2, 3, 4} : Registers{};
        if (answer.cpuid[i] != expected) FAIL("question " << i);
    }
}

TEST_CASE("an MSR that does not exist faults in the guest, and those around it are read", "[vcpu]") {
    const auto run = vcpus();
    if (!run) return;
    constexpr std::uint32_t apic_base = 0x1B;  // every guest has it
    constexpr std::uint32_t none = 0xDEADBEEF;
    VcpuTask task = task_with({});
    task.rdmsr = {none, apic_base, none, apic_base};
    task.execute = {{0, 0}};
    const VcpuAnswer answer = (*run)(task);
    REQUIRE(answer.msrs.size() == 4);
    CHECK_FALSE(answer.msrs[0]);
    CHECK(answer.msrs[1] == 0xFEE00900);
    CHECK_FALSE(answer.msrs[2]);
    CHECK(answer.msrs[3] == 0xFEE00900);
    CHECK(answer.cpuid.front() == task.cpuid.front().row.value);
}

TEST_CASE("an MSR is set before the guest reads it, and one that KVM does not know is refused", "[vcpu]") {
    const auto run = vcpus();
    if (!run) return;
    constexpr std::uint32_t microcode = 0x8B;
    VcpuTask task = task_with({});
    task.msrs = {{microcode, 0x0123456789ABCDEF}, {0xDEADBEEF, 1}};
    task.rdmsr = {microcode};
    const VcpuAnswer answer = (*run)(task);
    REQUIRE(answer.msr_refusals.size() == 2);
    CHECK(answer.msr_refusals[0].empty());
    CHECK(answer.msrs.front() == 0x0123456789ABCDEF);
    CHECK_THAT(answer.msr_refusals[1], Contains("refuses the value 0x0000000000000001") && Contains("knows no such"));
}

TEST_CASE("entries that KVM refuses are told with the reason", "[vcpu]") {
    const auto run = vcpus();
    if (!run) return;
    VcpuTask task = task_with({});
    task.cpuid.insert(task.cpuid.end() - 1, {{{0x80000008, 0}, {0x2D30, 0, 0, 0}}, false});  // 45 bits
    task.execute = {{0, 0}};
    const VcpuAnswer answer = (*run)(task);
    CHECK_THAT(answer.refusal, Contains("Invalid argument") && Contains("48 or 57 bits"));
    CHECK(answer.cpuid.empty());
}

TEST_CASE("without KVM the reason and what helps are told", "[vcpu]") {
    const TemporaryDirectory dir;
    CHECK_THROWS_WITH(kvm_vcpus(dir.file("kvm")),
                      Contains("cannot be opened (No such file") && Contains("Load kvm_intel or kvm_amd"));
    CHECK_THROWS_WITH(kvm_vcpus(dir.write("file", "x")), Contains("is not KVM"));
}

TEST_CASE("a guest that does not end is stopped, and the thread's signals are as before", "[vcpu]") {
    const os::FileDescriptor kvm("/dev/kvm", O_RDWR);
    const os::FileDescriptor vm(kvm.is_open() ? ::ioctl(kvm.number(), KVM_CREATE_VM, 0) : -1);
    if (!vm.is_open()) {
        WARN("skipped: /dev/kvm cannot be used here");
        return;
    }
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
