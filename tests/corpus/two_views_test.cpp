// What a kernel shows to guests is not what the silicon does: real hosts under several kernels. The values in the
// comments are those of the dumps.

#include <algorithm>
#include <string>
#include <vector>

#include "tests/catch.hpp"
#include "tests/support/corpus.hpp"
#include "tests/support/policy_fields.hpp"

namespace poolcpuid::test::two_views_test {

namespace {

Merged pool_of(const std::vector<std::string>& names) {
    std::vector<HostDump> hosts;
    for (const std::string& name : names) hosts.push_back(real_host(name));
    return Merged(hosts);
}

const std::string firecracker = "firecracker/fingerprint_";
const std::vector<std::string> kernels{"5.10", "6.1", "6.18"};

std::string under(const std::string& cpu, const std::string& kernel) {
    return firecracker + cpu + "_" + kernel + "host";
}

// Every choice of one kernel or more.
std::vector<std::vector<std::string>> kernel_mixes(const std::string& cpu) {
    std::vector<std::vector<std::string>> mixes;
    for (unsigned mask = 1; mask < 1U << kernels.size(); ++mask) {
        std::vector<std::string> mix;
        for (std::size_t i = 0; i < kernels.size(); ++i) {
            if (((mask >> i) & 1U) != 0) mix.push_back(under(cpu, kernels[i]));
        }
        mixes.push_back(mix);
    }
    return mixes;
}

}  // namespace

TEST_CASE("Cascade Lake and Ice Lake keep RRSBA whatever their kernels show", "[corpus][two_views]") {
    for (const std::string& one : kernels) {
        for (const std::string& other : kernels) {
            const std::vector<std::string> hosts{under("INTEL_CASCADELAKE", one), under("INTEL_ICELAKE", other)};
            CAPTURE(hosts);
            const Merged pool = pool_of(hosts);
            // 0C0AA0EB / 0C02A0EB: Ice Lake's kernel does not show RRSBA.
            CHECK(msr_of(pool.policy, arch_capabilities) == 0x0C0AA0EBU);
            CHECK(pool.bit(7, 0, edx, 29) == 1);
            CHECK(value_of(pool, "ac_rsba") == 0);
            CHECK(pool.finding("verw-promise-lost") == nullptr);
        }
    }
}

TEST_CASE("Ice Lake alone shows the RRSBA that its kernel hides", "[corpus][two_views]") {
    for (const std::string& kernel : kernels) {
        CAPTURE(kernel);
        const Merged pool = pool_of({under("INTEL_ICELAKE", kernel)});
        CHECK(msr_of(pool.policy, arch_capabilities) == 0x0C0AA0EBU);  // 0C02A0EB
        CHECK(pool.decision("ac_rrsba") != nullptr);
    }
}

TEST_CASE("Genoa's segment bases are as they are under every kernel", "[corpus][two_views]") {
    for (const auto& hosts : kernel_mixes("AMD_GENOA")) {
        CAPTURE(hosts);
        const Merged pool = pool_of(hosts);
        CHECK(pool.bit(0x80000021, 0, eax, 1) == 1);  // 00000065, 00000265, 18000367
        CHECK(pool.bit(0x80000021, 0, eax, 9) == 1);
        CHECK(pool.reg(0x80000000, 0, eax) >= 0x80000021);
    }
    for (const auto& hosts : kernel_mixes("AMD_MILAN")) {
        CAPTURE(hosts);
        CHECK(pool_of(hosts).bit(0x80000021, 0, eax, 1) == 0);  // 00000065, 00000265, 18000265
    }
}

TEST_CASE("a reserved bit that one kernel leaks is 0, and that host is named", "[corpus][two_views]") {
    for (const std::string cpu : {"AMD_GENOA", "AMD_MILAN"}) {
        for (const auto& hosts : kernel_mixes(cpu)) {
            CAPTURE(hosts);
            const std::string leaking = under(cpu, "5.10");  // 80000021h ECX 00006000, elsewhere 0 and 6
            const Merged pool = pool_of(hosts);
            CHECK(pool.reg(0x80000021, 0, ecx) == 0);
            if (std::find(hosts.begin(), hosts.end(), leaking) == hosts.end()) {
                CHECK(pool.finding("unclassified-bit") == nullptr);
            } else {
                CHECK(pool.named_by("unclassified-bit") == Names{leaking});
                CHECK(count_findings(pool, "unclassified-bit") == 1);
            }
        }
    }
}

TEST_CASE("hosts that lack the same MSR, or are silent on the same one, are one finding", "[corpus][two_views]") {
    const std::string laptop = "libvirt/x86_64-cpuid-Core-i7-5600U";  // dumps without MSRs
    std::vector<std::string> hosts{laptop, laptop + "-arat", laptop + "-ibrs"};
    const Names silent = hosts;
    // Leaf 7 EDX is 0 (0C000000 with IBRS): there is no MSR 10Ah; and of 8Bh the dumps are silent, which counts where
    // the policy has their family, model and stepping.
    const auto check = [&](const Merged& pool) {
        CHECK(count_findings(pool, "msr-absent") == 1);
        CHECK(pool.named_by("msr-absent") == silent);
        CHECK(count_findings(pool, "msrs-unknown") <= 1);
        if (pool.finding("msrs-unknown") != nullptr) CHECK(pool.named_by("msrs-unknown") == silent);
    };
    CHECK(count_findings(pool_of(hosts), "msrs-unknown") == 1);
    check(pool_of(hosts));
    for (const char* more : {"INTEL_CASCADELAKE_6.1host", "INTEL_ICELAKE_6.1host", "INTEL_CASCADELAKE_5.10host"}) {
        hosts.push_back(firecracker + more);
        CAPTURE(hosts);
        check(pool_of(hosts));
    }
}

}  // namespace poolcpuid::test::two_views_test
