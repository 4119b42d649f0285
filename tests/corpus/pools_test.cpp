// Pools of real hosts for which a bitwise AND of the registers is wrong: what the policy must show. The
// register values in the comments are those of the dumps, first host / second host.

#include <string>
#include <vector>

#include "tests/catch.hpp"
#include "tests/support/corpus.hpp"
#include "tests/support/merged.hpp"

namespace poolcpuid::test::pools_test {

namespace {

Merged pool_of(const std::vector<std::string>& names, const std::vector<std::string>& show = {}) {
    std::vector<HostDump> hosts;
    for (const std::string& name : names) hosts.push_back(real_host(name));
    MergeOptions options;
    options.show = show;
    return Merged(hosts, options);
}

const std::string rome = "instlatx64/AuthenticAMD0830F10_K17_Rome_CPUID";
const std::string milan = "instlatx64/AuthenticAMD0A00F11_K19_Milan_02_CPUID";
const std::string genoa = "instlatx64/AuthenticAMD0A10F11_K19_Genoa_02_CPUID";
const std::string turin = "instlatx64/AuthenticAMD0B00F21_K20_Turin_01_CPUID";
const std::string naples = "instlatx64/AuthenticAMD0800F12_K17_Zen_CPUID";
const std::string westmere_ex = "instlatx64/GenuineIntel00206F2_Eagleton_CPUID";
const std::string sandy_bridge = "instlatx64/GenuineIntel00206D5_SandyBridgeEP_CPUID";
const std::string ivy_bridge = "instlatx64/GenuineIntel00306E4_IvyBridgeEP_CPUID";
const std::string haswell = "instlatx64/GenuineIntel00306F2_HaswellEP_04_CPUID";
const std::string haswell_old_microcode = "instlatx64/GenuineIntel00306F2_HaswellEP_CPUID";
const std::string broadwell = "instlatx64/GenuineIntel00406F1_BroadwellE_CPUID4";
const std::string skylake = "instlatx64/GenuineIntel0050654_SkylakeXeon_20_CPUID";
const std::string cascade_lake = "instlatx64/GenuineIntel0050657_CascadeLakeXeon_CPUID";
const std::string ice_lake = "instlatx64/GenuineIntel00606A6_ICX_CPUID3";
const std::string emerald_rapids = "instlatx64/GenuineIntel00C06F2_EmeraldRapids_03_CPUID";
const std::string granite_rapids = "instlatx64/GenuineIntel00A06D1_GraniteRapids_03_CPUID";

constexpr unsigned long_mode_bit = 29;  // both of 80000001h EDX
constexpr unsigned syscall_bit = 11;

}  // namespace

TEST_CASE("Ice Lake with newer Xeons loses BHI_CTRL, which these need", "[corpus][pools]") {
    const Merged pool = pool_of({ice_lake, emerald_rapids, granite_rapids});  // 7.2 EDX none / 1F / 3F
    CHECK(pool.named_by("mitigation-not-enough", "bhi_ctrl") == Names{granite_rapids, emerald_rapids});
    CHECK(pool_of({ice_lake, cascade_lake}).finding("mitigation-not-enough") == nullptr);
    CHECK(pool_of({emerald_rapids, granite_rapids}).finding("mitigation-not-enough") == nullptr);
}

TEST_CASE("Rome and Milan", "[corpus][pools]") {
    const Merged pool = pool_of({rome, milan});
    CHECK(pool.bit(0x80000008, 0, ebx, 20) == 1);  // 018EF757 / 91BEF75F: EFER.LMSLE #GPs on Milan
    CHECK(pool.row(0xD, 9) == Registers{});        // PKRU is 40h @ 340h / 8 @ 980h
    CHECK(pool.reg(0xD, 0, eax) == 0x7);           // 207 / 207
    CHECK(pool.bit(0x7, 0, ecx, 3) == 0);          // PKU 0 / 1
    CHECK(pool.reg(0xD, 0, ecx) == 0x340);         // 380 / 988
    CHECK(pool.reg(0x8000001F, 0, ebx) == 0);      // C-bit 47 / 51: no SEV
    CHECK(pool.reg(0x8000001F, 0, eax) == 0);
    const std::uint32_t signature = pool.reg(0x1, 0, eax);  // one of the two, never 00800F10, which is a Zen 1
    CHECK((signature == 0x00830F10 || signature == 0x00A00F11));
    CHECK(pool.reg(0x80000001, 0, eax) == signature);
    REQUIRE(pool.finding("no-safe-identity") != nullptr);  // Linux picks SRSO and Retbleed mitigations by family
    CHECK(pool.finding("no-safe-identity")->severity == Severity::error);
}

TEST_CASE("Rome, Milan and Genoa: the relaxed bits are seen, in range, and the hosts that cause them named",
          "[corpus]") {
    const Merged pool = pool_of({rome, milan, genoa});
    CHECK(pool.bit(0x80000021, 0, eax, 1) == 1);
    CHECK(pool.reg(0x80000000, 0, eax) >= 0x80000021);
    CHECK(pool.bit(0x80000008, 0, ebx, 20) == 1);
    CHECK(pool.row(0xD, 9) == Registers{});
    CHECK(pool.bit(0x7, 0, ecx, 3) == 0);
    CHECK(pool.reg(0xD, 0, eax) == 0x7);
    CHECK(pool.reg(0xD, 0, ecx) == 0x340);  // 576 bytes and AVX's 256
    const auto because = [&](const char* field) {
        const Decision* decision = pool.decision(field);
        return decision == nullptr ? std::vector<std::string>{} : decision->because.names;
    };
    const auto ends_with = [](const std::string& name, const std::string& file) { return file.ends_with(name); };
    REQUIRE(because("fs_gs_base_ns").size() == 1);
    CHECK(ends_with(because("fs_gs_base_ns").front(), genoa));
    REQUIRE(because("efer_lmsle_unsupported").size() == 2);
    CHECK(ends_with(because("efer_lmsle_unsupported").front(), milan));
    CHECK(ends_with(because("efer_lmsle_unsupported").back(), genoa));
}

TEST_CASE("Milan and Genoa", "[corpus][pools]") {
    const Merged pool = pool_of({milan, genoa});
    const std::uint32_t features = pool.reg(0x80000021, 0, eax);  // 0000204D / 00062FCF
    CHECK((features & 0x202) == 0x202);                           // FsGsKernelGsBaseNonSerializing and NoSmmCtlMsr
    CHECK((features & 0x45) == 0x45);                      // NoNestedDataBp, LfenceAlwaysSerializing, NullSelClrBase
    CHECK(pool.bit(0x80000021, 0, eax, 8) == 0);           // AutomaticIBRS 0 / 1
    CHECK(pool.reg(0x80000000, 0, eax) >= 0x80000021);     // 80000023 / 80000028
    CHECK(pool.reg(0x8000001F, 0, ebx) == 0);              // 4173 / 41B3
    CHECK(pool.row(0xD, 9) == Registers{8, 0x980, 0, 0});  // PKRU agrees
}

TEST_CASE("Milan and Genoa as KVM of Linux 6.18 shows them", "[corpus][pools]") {
    const Merged pool =
        pool_of({"firecracker/fingerprint_AMD_MILAN_6.18host", "firecracker/fingerprint_AMD_GENOA_6.18host"});
    CHECK(pool.bit(0x80000021, 0, eax, 1) == 1);  // 18000265 / 18000367
    CHECK(pool.bit(0x80000021, 0, eax, 8) == 0);
    CHECK(pool.bit(0x80000021, 0, eax, 9) == 1);
}

TEST_CASE("Naples and Rome, and their Hygon cousins", "[corpus][pools]") {
    const std::vector<std::vector<std::string>> pairs{
        {naples, rome},
        {"libvirt/x86_64-cpuid-EPYC-7601-32-Core", "libvirt/x86_64-cpuid-EPYC-7502-32-Core"},
        {"instlatx64/HygonGenuine0900F22_Hygon_01_CPUID", "instlatx64/HygonGenuine0910F00_Hygon_01_CPUID"}};
    for (const auto& pair : pairs) {
        CAPTURE(pair);
        const Merged pool = pool_of(pair);
        CHECK(pool.reg(0x0, 0, eax) == 0xD);                // D & 10 = 0 would leave leaf 0 alone
        CHECK(pool.reg(0x80000000, 0, eax) >= 0x8000001E);  // 8000001F & 80000020 = 80000000 takes long mode away
        CHECK(pool.bit(0x80000001, 0, edx, long_mode_bit) == 1);
        CHECK(pool.reg(0xD, 0, ecx) == 0x340);  // 340 / 380: AVX ends at 340
        CHECK(pool.row(0xD, 2) == Registers{0x100, 0x240, 0, 0});
    }
}

TEST_CASE("Ivy Bridge and Haswell", "[corpus][pools]") {
    const Merged pool = pool_of({ivy_bridge, haswell});
    CHECK(pool.reg(0x7, 0, ebx) == 0x00002281);  // 00000281 / 000037AB: FPU CS/DS deprecated on one
    CHECK(pool.reg(0x7, 0, edx) == 0x00000400);  // 0 / 9C000400: MD_CLEAR asks for VERW
    CHECK(pool.named_by("verw-promise-lost") == Names{ivy_bridge});
    CHECK(pool.bit(0x80000001, 0, edx, syscall_bit) == 1);  // 2C100000 / 2C100800: the first was read in 32-bit code
    CHECK(pool.named_by("syscall-read-in-32-bit-mode", "syscall") == Names{ivy_bridge});
    CHECK(pool.row(0xD, 1) == Registers{});  // the unlabelled row 100h @ 240h is subleaf 2; 1 is not known
    CHECK(pool.named_by("unknown-leaf") == Names{ivy_bridge});
    CHECK(pool.row(0xD, 2) == Registers{0x100, 0x240, 0, 0});
}

TEST_CASE("Sandy Bridge and Haswell of libvirt's collection", "[corpus][pools]") {
    const Merged pool = pool_of({"libvirt/x86_64-cpuid-Xeon-E5-2650", "libvirt/x86_64-cpuid-Xeon-E5-2650-v3"});
    CHECK(pool.reg(0x7, 0, ebx) == 0x00002000);  // 00000000 / 000037AB
}

TEST_CASE("Broadwell and Skylake", "[corpus][pools]") {
    const Merged pool = pool_of({broadwell, skylake});
    // 021CBFBB / D39FFFFB: bit 6 (FDP_EXCPTN_ONLY) comes from Skylake; PT (25) and RDT (12, 15) are never shown.
    CHECK(pool.reg(0x7, 0, ebx) == 0x001C2FFB);
    CHECK(pool.reg(0xD, 0, ecx) == 0x340);  // 340 / A88
    CHECK(
        pool_of({"libvirt/x86_64-cpuid-Xeon-E5-2650-v4", "libvirt/x86_64-cpuid-Xeon-Gold-6148"}).bit(0x7, 0, ebx, 6) ==
        1);
}

TEST_CASE("Haswell and Skylake keep leaves 7 and D", "[corpus][pools]") {
    const Merged pool = pool_of({haswell, skylake});  // maxima F / 16, whose AND is 6
    CHECK(pool.reg(0x0, 0, eax) >= 0xD);
    CHECK(pool.bit(0x7, 0, ebx, 5) == 1);  // AVX2
    CHECK(pool.reg(0xD, 0, ecx) == 0x340);
}

TEST_CASE("Skylake and Ice Lake, with the performance counters", "[corpus][pools]") {
    const Merged pool = pool_of({skylake, ice_lake}, {"pmu"});
    CHECK(pool.reg(0x0, 0, eax) >= 0xD);                   // 16 / 1B, whose AND is 12
    CHECK(pool.reg(0xA, 0, eax) == 0x07300404);            // 07300404 / 08300805: each field's minimum
    CHECK(pool.reg(0xA, 0, edx) == 0x00008603);            // 603 / 8604: 3 counters of 48 bits, AnyThread gone
    CHECK(pool.reg(0xA, 0, ebx) == 0);                     // all 7 events are there; event 7 is beyond the vector
    CHECK(pool.row(0xD, 9) == Registers{8, 0xA80, 0, 0});  // 2FF / 2E7: PKRU agrees
    CHECK(pool.reg(0xD, 0, ecx) == 0xA88);
    CHECK(pool.reg(0xD, 0, eax) == 0x2E7);
}

TEST_CASE("Skylake and Ice Lake show no counters unless asked", "[corpus][pools]") {
    CHECK(pool_of({skylake, ice_lake}).row(0xA, 0) == Registers{});
}

TEST_CASE("Cascade Lake's empty PKRU row is unknown, not zero", "[corpus][pools]") {
    for (const auto& pair : {std::vector{cascade_lake, ice_lake}, std::vector{cascade_lake, skylake}}) {
        const Merged pool = pool_of(pair);
        CHECK(pool.row(0xD, 9) == Registers{8, 0xA80, 0, 0});
        CHECK(pool.bit(0x7, 0, ecx, 3) == 1);
        CHECK(pool.named_by("xsave-layout-documented") == Names{cascade_lake});
    }
}

TEST_CASE("Ice Lake and Emerald Rapids; Emerald and Granite Rapids", "[corpus][pools]") {
    const Merged older = pool_of({ice_lake, emerald_rapids});
    CHECK(older.reg(0x0, 0, eax) >= 0xD);    // 1B & 20 = 0
    CHECK(older.reg(0xD, 0, ecx) == 0xA88);  // A88 / 2B00, whose AND cuts PKRU off
    const Merged newer = pool_of({emerald_rapids, granite_rapids});
    CHECK((newer.reg(0x80000008, 0, eax) & 0xFF) == 46);  // 392E / 3934, whose AND is 36 bits
    CHECK(newer.reg(0x80000008, 0, eax) == 0x0000392E);
    CHECK(newer.named_by("address-width-differs") == Names{granite_rapids});
    CHECK(newer.reg(0xD, 0, ecx) == 0x2B00);  // AMX tiles end there
}

TEST_CASE("Genoa under three kernels", "[corpus][pools]") {
    const std::string old_kernel = "firecracker/fingerprint_AMD_GENOA_5.10host";
    for (const std::vector<std::string>& hosts :
         {std::vector<std::string>{old_kernel},
          {old_kernel, "firecracker/fingerprint_AMD_GENOA_6.1host"},
          {old_kernel, "firecracker/fingerprint_AMD_GENOA_6.1host", "firecracker/fingerprint_AMD_GENOA_6.18host"}}) {
        CAPTURE(hosts);
        const Merged pool = pool_of(hosts);
        CHECK(pool.bit(0x80000021, 0, eax, 1) == 1);  // 00000065 / 00000265 / 18000367; the silicon has it
        CHECK(pool.bit(0x80000021, 0, eax, 9) == 1);
        CHECK(pool.reg(0x80000021, 0, ecx) == 0);  // 00006000 (reserved bits) / 0 / 6
        CHECK(pool.named_by("unclassified-bit") == Names{old_kernel});
    }
}

TEST_CASE("a Turin whose cloud hides bad news", "[corpus][pools]") {
    const Merged pool = pool_of({"cpuid-r/thismachine-cpuid-r"});  // 00000204; hardware D93FFFCF
    CHECK(pool.bit(0x80000021, 0, eax, 1) == 1);
    CHECK(pool.bit(0x80000021, 0, eax, 9) == 1);
    CHECK(pool.bit(0x80000008, 0, ebx, 20) == 1);
}

TEST_CASE("one SKU with two microcodes", "[corpus][pools]") {
    const Merged pool = pool_of({haswell, haswell_old_microcode});
    CHECK(pool.reg(0x7, 0, ebx) == 0x000027AB);  // 000037AB / 00003FBB: no TSX; RDT (12) is never shown
    CHECK(pool.reg(0x7, 0, edx) == 0x00000400);  // 9C000400 / 0
    CHECK(pool.named_by("verw-promise-lost") == Names{haswell_old_microcode});
    const std::string gold = "libvirt/x86_64-cpuid-Xeon-Gold-6148";
    const std::string platinum = "libvirt/x86_64-cpuid-Xeon-Platinum-8268";
    const Merged xeon = pool_of({gold, platinum});
    // 0 / BC000400: ARCH_CAPABILITIES (29) is offered though one host has none, since the guest must see RSBA, which
    // the model table knows of Skylake. EIBRS and the NO bits are only on the other (2B).
    CHECK(xeon.reg(0x7, 0, edx) == 0x20000400);
    CHECK(xeon.msr(0x10A) == 0x4);
    CHECK(xeon.because("ac_rsba") == Names{gold, platinum});
    CHECK(pool_of({platinum}).msr(0x10A) == 0x8002B);  // RRSBA of the model table, with EIBRS
    const Merged epyc =
        pool_of({"libvirt/x86_64-cpuid-EPYC-7601-32-Core", "libvirt/x86_64-cpuid-EPYC-7601-32-Core-ibpb"});
    CHECK(epyc.bit(0x80000008, 0, ebx, 12) == 0);  // 7 / 1007: IBPB on one
    CHECK(epyc.bit(0x80000008, 0, ebx, 20) == 0);
    CHECK((epyc.reg(0x80000008, 0, ebx) & 0x5) == 0x5);
}

TEST_CASE("Westmere-EX and Sandy Bridge-EP", "[corpus][pools]") {
    const Merged pool = pool_of({westmere_ex, sandy_bridge}, {"pmu"});
    CHECK((pool.reg(0xA, 0, ebx) & 0x7F) == 0x04);  // 4 / 0: Westmere lacks an event
    CHECK(pool.reg(0x0, 0, eax) == 0xB);            // B / D, whose AND is 9; Westmere has no XSAVE
}

TEST_CASE("logical CPUs of one host that differ", "[corpus][pools]") {
    const std::string opteron = "instlatx64/AuthenticAMD0600F20_K15_AbuDhabi_CPUID1";
    CHECK(pool_of({opteron}).bit(0x80000001, 0, ecx, 15) == 0);  // LWP on 12 of 24
    const std::string arrow_lake = "instlatx64/GenuineIntel00C0652_ArrowLakeH_04";
    const Merged hybrid = pool_of({arrow_lake});
    CHECK(hybrid.bit(0x80000008, 0, ebx, 9) == 0);  // WBNOINVD not on the 2 low-power E-cores
    CHECK(hybrid.named_by("cpus-differ").front().starts_with(arrow_lake));
}

TEST_CASE("Genoa and Turin: AND is nearly right", "[corpus][pools]") {
    const Merged pool = pool_of({genoa, turin});
    CHECK(pool.bit(0x80000021, 0, eax, 1) == 1);           // 00062FCF / D93FFFCF
    CHECK(pool.row(0xD, 9) == Registers{8, 0x980, 0, 0});  // the same PKRU
    CHECK(pool.reg(0x80000021, 0, ebx) == 0);              // microcode size: no promise
    const std::uint32_t signature = pool.reg(0x1, 0, eax);
    CHECK((signature == 0x00A10F11 || signature == 0x00B00F21));
}

}  // namespace poolcpuid::test::pools_test
