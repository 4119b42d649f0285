// What is said where KVM cannot be used or refuses what a vCPU is given. tests/e2e/kvm has real vCPUs.

#include <cerrno>

#include "kvm/refusal.hpp"
#include "poolcpuid/error.hpp"
#include "poolcpuid/verify.hpp"
#include "tests/catch.hpp"
#include "tests/cli/support/temporary_directory.hpp"

namespace poolcpuid::test::vcpu_test {

using Catch::Contains;

TEST_CASE("without KVM the reason and what helps are told", "[vcpu]") {
    const TemporaryDirectory dir;
    CHECK_THROWS_WITH(kvm_vcpus(dir.file("kvm")),
                      Contains("cannot be opened (No such file") && Contains("Load kvm_intel or kvm_amd"));
    CHECK_THROWS_WITH(kvm_vcpus(dir.write("file", "x")), Contains("is not KVM"));
    CHECK_THROWS_AS(kvm_vcpus(dir.file("kvm")), SystemError);
}

TEST_CASE("entries that KVM refuses are told with the reason and what it takes", "[vcpu]") {
    CHECK(kvm::entries_refusal(EINVAL) ==
          "KVM refuses it (Invalid argument): it takes only linear addresses of 48 or 57 bits.");
    CHECK_THAT(kvm::entries_refusal(EPERM), Contains("only those that the kernel lets guests use"));
    CHECK_THAT(kvm::entries_refusal(E2BIG), Contains("it takes fewer entries"));
    CHECK(kvm::entries_refusal(ENOMEM) == "KVM refuses it (Cannot allocate memory).");
}

TEST_CASE("an MSR's refusal names what KVM supports only where the vCPU takes that", "[vcpu]") {
    constexpr std::uint64_t value = 4;
    constexpr std::uint64_t supported = 0x400000000C000069;  // IA32_ARCH_CAPABILITIES of an EPYC's KVM
    CHECK(kvm::msr_refusal({value, std::nullopt}) ==
          "KVM refuses the value 0x0000000000000004: it knows no such feature MSR here.");
    CHECK(kvm::msr_refusal({value, supported, true, false}) ==
          "KVM refuses the value 0x0000000000000004; what it supports is 0x400000000c000069.");
    for (const bool takes_supported : {false, true}) {
        CHECK(kvm::msr_refusal({value, supported, takes_supported, true}) ==
              "KVM refuses the value 0x0000000000000004: a vCPU with this CPUID does not have the MSR at all.");
    }
    CHECK(kvm::msr_refusal({value, supported, false, false}) ==
          "KVM refuses the value 0x0000000000000004, and for a vCPU with this CPUID what it supports otherwise, too.");
}

}  // namespace poolcpuid::test::vcpu_test
