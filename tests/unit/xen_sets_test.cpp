// Xen's max sets have bad news of any host: what the host does stands in the other sets of the same Xen.
//
// The policies of Alder Lake are those of a public report (xen-devel, April 2026; IA32_ARCH_CAPABILITIES and leaf 7
// alone); those of other CPUs are constructed as guest_common_max_feature_adjustments of Xen 4.20 makes them.

#include <cstdint>
#include <string>
#include <vector>

#include "tests/catch.hpp"
#include "tests/support/merged.hpp"
#include "tests/unit/host_samples.hpp"
#include "tests/unit/text_dump_samples.hpp"

namespace poolcpuid::test::xen_sets_test {

namespace {

using Names = std::vector<std::string>;

constexpr std::uint32_t md_clear = 1U << 10U;          // leaf 7 EDX
constexpr std::uint32_t rtm_always_abort = 1U << 11U;  // likewise
constexpr std::uint32_t arch_caps = 1U << 29U;         // likewise
constexpr std::uint32_t verw_clear = 1U << 5U;         // 80000021h EAX
constexpr std::uint32_t no_lmsl = 1U << 20U;           // 80000008h EBX

constexpr std::uint32_t skylake = 0x00050654;
constexpr std::uint32_t haswell = 0x000306F2;

const std::string no_caps = "0000000000000000";
const std::string tolerated_caps = "0000000010020004";  // RSBA, FB_CLEAR, RFDS_CLEAR

std::string policy(const std::string& name, const std::string& rows, const std::string& caps) {
    return name + " policy: 30 leaves, 2 MSRs\n CPUID:\n" + rows +
           " MSRs:\n  000000ce -> 0000000080000000\n  0000010a -> " + caps + "\n";
}

std::string intel(const std::string& name, std::uint32_t signature, std::uint32_t leaf7_edx, const std::string& caps) {
    return policy(name,
                  "  00000000:ffffffff -> 0000000d:756e6547:6c65746e:49656e69\n"
                  "  00000001:ffffffff -> " +
                      hex8(signature) +
                      ":00400800:7ffefbf7:bfebfbff\n"
                      "  00000007:00000000 -> 00000000:00000fb9:00000000:" +
                      hex8(leaf7_edx) +
                      "\n"
                      "  0000000d:00000000 -> 00000007:00000340:00000340:00000000\n"
                      "  0000000d:00000002 -> 00000100:00000240:00000000:00000000\n"
                      "  80000000:ffffffff -> 80000008:00000000:00000000:00000000\n"
                      "  80000001:ffffffff -> 00000000:00000000:00000121:2c100800\n"
                      "  80000008:ffffffff -> 0000302e:00000000:00000000:00000000\n",
                  caps);
}

std::string milan(const std::string& name, std::uint32_t leaf_e8_ebx, std::uint32_t leaf_e21_eax) {
    return policy(name,
                  "  00000000:ffffffff -> 0000000d:68747541:444d4163:69746e65\n"
                  "  00000001:ffffffff -> 00a00f11:00400800:7eda320b:178bfbff\n"
                  "  80000000:ffffffff -> 80000021:68747541:444d4163:69746e65\n"
                  "  80000001:ffffffff -> 00a00f11:40000000:000203fb:2fd3fbff\n"
                  "  80000008:ffffffff -> 00003030:" +
                      hex8(leaf_e8_ebx) +
                      ":00000000:00000000\n"
                      "  80000021:ffffffff -> " +
                      hex8(leaf_e21_eax) + ":00000000:00000000:00000000\n",
                  no_caps);
}

// A host without the microcode, as Xen's policies tell of it.
std::string without_microcode(std::uint32_t signature) {
    constexpr std::uint32_t own = 0x8C000000;
    return intel("Raw", signature, own, no_caps) + intel("Host", signature, own, no_caps) +
           intel("HVM Max", signature, own | md_clear | rtm_always_abort | arch_caps, tolerated_caps) +
           intel("HVM Default", signature, own, no_caps);
}

std::string with_microcode(std::uint32_t signature) {
    constexpr std::uint32_t own = 0x8C000000 | md_clear | arch_caps;
    return intel("Raw", signature, own, "0000000000020004") + intel("Host", signature, own, "0000000000020004") +
           intel("HVM Max", signature, own | rtm_always_abort, tolerated_caps) +
           intel("HVM Default", signature, own, "0000000000020004");
}

const Registers& leaf_7(const HostDump& host) { return *host.hypervisor->cpuid.find({7, 0}); }

std::uint32_t leaf_e21(const HostDump& host) { return host.hypervisor->cpuid.find({0x80000021, 0})->eax; }

HostDump named(HostDump host, const std::string& name) {
    host.name = name;
    return host;
}

constexpr std::uint32_t arch_capabilities = 0x10A;

const MsrRow* caps_of(const HostDump& host) { return find_msr(host.hypervisor->msrs.value(), arch_capabilities); }

}  // namespace

TEST_CASE("HVM Max of a host without microcode does not say that VERW scrubs there", "[xen_sets]") {
    const HostDump host = read_host(without_microcode(skylake));
    CHECK((leaf_7(host).edx & md_clear) == 0);
    CHECK((leaf_7(host).edx & arch_caps) != 0);         // Xen can give the MSR
    CHECK((leaf_7(host).edx & rtm_always_abort) != 0);  // a promise: what Max says is so
    REQUIRE(caps_of(host) != nullptr);
    CHECK_FALSE(caps_of(host)->value.has_value());
    const HostDump patched = read_host(with_microcode(skylake));
    CHECK((leaf_7(patched).edx & md_clear) != 0);
    CHECK(caps_of(patched)->value == std::uint64_t{0x20004});
}

TEST_CASE("a pool names the hosts of Xen on which VERW does not scrub", "[xen_sets]") {
    const Merged pool(
        {named(read_host(with_microcode(skylake)), "patched"), named(read_host(without_microcode(skylake)), "open")});
    CHECK(pool.bit(7, 0, edx, 10) == 1);  // MD_CLEAR
    CHECK(pool.named_by("verw-promise-lost", "md_clear") == Names{"open"});
}

TEST_CASE("a pool of Haswell on Xen has no bad news that only HVM Max tolerates", "[xen_sets]") {
    const Merged pool({read_host(without_microcode(haswell))});
    CHECK((pool.msr(arch_capabilities) & 0x10000004) == 0);  // RSBA, RFDS_CLEAR
}

TEST_CASE("HVM Max of Alder Lake has the bad news of Host, in place of that of any host", "[xen_sets]") {
    constexpr std::uint32_t alder_lake = 0x00090672;
    const std::string text = intel("Raw", alder_lake, 0xFC1CC410, "000000001488fd6b") +
                             intel("Host", alder_lake, 0xFC1CC410, "400000001488fd6b") +
                             intel("HVM Max", alder_lake, 0xBC004410, "40000000140ae167") +
                             intel("HVM Default", alder_lake, 0xBC004410, "400000001408e163");
    // Without RSBA and FB_CLEAR; RRSBA and RFDS_CLEAR are the host's.
    CHECK(caps_of(read_host(text))->value == std::uint64_t{0x400000001408E163});
}

TEST_CASE("what Xen finds out of the CPU by itself stands in Host, and counts", "[xen_sets]") {
    const std::string max = milan("HVM Max", 0, 0x204D | verw_clear);
    const auto eax = [&](std::uint32_t host, std::uint32_t guest) {
        return leaf_e21(
            read_host(milan("Raw", 0, 0x204D) + milan("Host", 0, host) + max + milan("HVM Default", 0, guest)));
    };
    CHECK(eax(0x204D | verw_clear, 0x204D | verw_clear) == (0x204D | verw_clear));
    CHECK(eax(0x204D | verw_clear, 0x204D) == (0x204D | verw_clear));
    CHECK(eax(0x204D, 0x204D) == 0x204D);
    // Xen forces RSBA where it knows the CPU for it, though that has no IA32_ARCH_CAPABILITIES.
    const std::string text =
        intel("Raw", skylake, 0x8C000000, no_caps) + intel("Host", skylake, 0x8C000000, "0000000000000004") +
        intel("HVM Max", skylake, 0xAC000C00, tolerated_caps) + intel("HVM Default", skylake, 0x8C000000, no_caps);
    CHECK(caps_of(read_host(text))->value == std::uint64_t{4});
}

TEST_CASE("a guest that is not given the MSR is told nothing of it", "[xen_sets]") {
    // Xen 4.18 gave it when asked for only.
    const std::string text =
        intel("Raw", skylake, 0xBC000400, "0000000000020004") + intel("Host", skylake, 0xBC000400, "0000000000020004") +
        intel("HVM Max", skylake, 0xBC000C00, tolerated_caps) + intel("HVM Default", skylake, 0x9C000400, no_caps);
    CHECK(caps_of(read_host(text))->value == std::uint64_t{0x20004});
}

TEST_CASE("that EFER.LMSLE is not there is so in every guest of Xen", "[xen_sets]") {
    const HostDump host =
        read_host(milan("Raw", 0, 0x204D) + milan("Host", 0, 0x204D) + milan("HVM Max", no_lmsl, 0x204D));
    CHECK(host.hypervisor->cpuid.find({0x80000008, 0})->ebx == no_lmsl);
}

TEST_CASE("an HVM Max alone is refused where it tolerates what nobody says of the host", "[xen_sets]") {
    const std::string alone = intel("HVM Max", skylake, 0xAC000C00, tolerated_caps);
    CHECK(contains(refusal(alone, "host"),
                   "host:1: expected the policy \"Raw\", \"Host\" or \"HVM Default\" beside \"HVM Max\""));
    CHECK(refusal(intel("Host", skylake, 0x8C000000, no_caps) + alone).empty());
    CHECK(refusal(intel("HVM Max", skylake, 0x8C000000, no_caps)).empty());  // older than that
}

namespace {

// A Skylake of `xe host-cpu-info`: words up to EDX of leaf 7 and of IA32_ARCH_CAPABILITIES.
std::string xe_words(std::uint32_t leaf7_edx, const std::string& caps) {
    const std::string zeros = "-00000000";
    return "bfebfbff-fffefbf7-2c100800-00000121-0000000f-d19f6ffb-00000018-00000100-00000000-" + hex8(leaf7_edx) +
           zeros + zeros + zeros + zeros + zeros + zeros + "-" + caps + zeros + zeros;
}

std::string xe(const std::string& max, const std::string& more = "") {
    return "vendor: GenuineIntel\nfamily: 6\nmodel: 85\nstepping: 4\nfeatures_hvm: " + max + "\n" +
           (more.empty() ? "" : "features_hvm_host: " + more + "\n");
}

}  // namespace

TEST_CASE("of features_hvm alone what Xen sets on every host is not known", "[xen_sets]") {
    const HostDump host = read_host(xe(xe_words(0xAC000C00, "1002000c")));
    const CpuidTable& table = host.hypervisor->cpuid;
    CHECK((table.unknown_in({7, 0}, Register::edx) == md_clear));
    CHECK((table.find({7, 0})->edx & md_clear) == 0);
    CHECK_FALSE(host.hypervisor->msrs.has_value());
    const HostDump older = read_host(xe(xe_words(0x8C000000, "00000000")));
    CHECK(older.hypervisor->cpuid.unknown_in({7, 0}, Register::edx) == 0);
}

TEST_CASE("features_hvm_host says what of the bad news of features_hvm is so", "[xen_sets]") {
    const std::string max = xe_words(0xAC000C00, "1002000c");
    const auto edx_with = [&](std::uint32_t host_edx, const std::string& caps) {
        const HostDump host = read_host(xe(max, xe_words(host_edx, caps)));
        CHECK(host.hypervisor->cpuid.unknown_in({7, 0}, Register::edx) == 0);
        return leaf_7(host).edx;
    };
    CHECK(edx_with(0x8C000000, "00000000") == 0xAC000800);
    CHECK(edx_with(0xAC000400, "00020004") == 0xAC000C00);
    const HostDump patched = read_host(xe(max, xe_words(0xAC000400, "00020004")));
    CHECK(caps_of(patched)->value == std::uint64_t{0x2000C});  // SKIP_L1DFL is a promise: what Max says is so
    CHECK_FALSE(read_host(xe(max, xe_words(0x8C000000, "00000000"))).hypervisor->msrs.has_value());
}

}  // namespace poolcpuid::test::xen_sets_test
