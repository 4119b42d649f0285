// What the rulebook does not describe is passed on by no policy: numbers that stand for more than it has, and XSAVE
// states that it does not know. A finding names who has it.

#include <string>
#include <vector>

#include "poolcpuid/check.hpp"
#include "poolcpuid/diff.hpp"
#include "poolcpuid/error.hpp"
#include "tests/catch.hpp"
#include "tests/support/host_builder.hpp"
#include "tests/support/merged.hpp"
#include "tests/support/policy_fields.hpp"

namespace poolcpuid::test::undescribed_test {

using Catch::Contains;

namespace {

constexpr std::uint32_t xsave = 0x0C000000;    // leaf 1 ECX: XSAVE, OSXSAVE
constexpr std::uint32_t amx_tile = 1U << 24U;  // leaf 7 EDX
constexpr std::uint32_t avx10 = 1U << 19U;     // leaf 7.1 EDX
constexpr std::uint32_t vnni_int = 1U << 2U;   // leaf 24h.1 ECX

// XSAVE with XSAVEOPT, XSAVEC, XGETBV1, XSAVES and XFD.
TableBuilder xsave_table() {
    return intel_table().set(1, 0, ecx, xsave).row(0xD, 0, {3, 0x240, 0x240, 0}).row(0xD, 1, {0x1F, 0x240, 0, 0});
}

// A CPU with so many palettes of tiles, of which the first is that of all CPUs.
TableBuilder amx_table(std::uint32_t palettes) {
    return xsave_table()
        .reg(0, 0, eax, 0x1E)
        .set(7, 0, edx, amx_tile)
        .row(0xD, 0, {0x60003, 0x2B00, 0x2B00, 0})
        .row(0xD, 17, {0x40, 0xAC0, 2, 0})
        .row(0xD, 18, {0x2000, 0xB00, 6, 0})
        .row(0x1D, 0, {palettes, 0, 0, 0})
        .row(0x1D, 1, {0x04002000, 0x00080040, 0x10, 0})
        .row(0x1E, 0, {0, 0x4010, 0, 0});
}

// A CPU with all that AVX10 stands for.
TableBuilder avx10_table(std::uint32_t version) {
    return xsave_table()
        .reg(0, 0, eax, 0x24)
        .set(1, 0, ecx, 0x30901201)  // SSE3 to SSE4.2, FMA, POPCNT, AVX, F16C
        .row(7, 0, {1, 0xF0230128, 0x00005842, 1U << 23U})
        .row(7, 1, {0x20, 0, 0, avx10})
        .row(0xD, 0, {0xE7, 0xA80, 0xA80, 0})
        .row(0xD, 2, {0x100, 0x240, 0, 0})
        .row(0xD, 5, {0x40, 0x440, 0, 0})
        .row(0xD, 6, {0x200, 0x480, 0, 0})
        .row(0xD, 7, {0x400, 0x680, 0, 0})
        .row(0x24, 0, {1, 7U << 16U | version, 0, 0})
        .row(0x24, 1, {0, 0, vnni_int, 0});
}

PoolPolicy with_register(PoolPolicy policy, LeafKey key, Register which, std::uint32_t value) {
    for (CpuidRow& row : policy.cpuid) {
        if (row.key == key) row.value[which] = value;
    }
    return policy;
}

// "0x2/unknown, …": what the policy promises and the host has.
std::string broken(const PoolPolicy& policy, const HostDump& host) {
    std::string text;
    for (const Violation& violation : PolicyCheck(builtin_rulebook(), policy).against(host).violations) {
        text += (text.empty() ? "" : ", ") + violation.promised + "/" + violation.host;
    }
    return text;
}

// The messages of the findings on bits and numbers that the rulebook does not know.
std::string unclassified(const Merged& merged) {
    std::string text;
    for (const Finding& finding : merged.policy.findings) {
        if (finding.code == FindingCode("unclassified-bit")) text += finding.message + "\n";
    }
    return text;
}

}  // namespace

TEST_CASE("of a number no more is promised than the rulebook describes", "[merge][undescribed]") {
    const Merged palettes({hardware_host("a", amx_table(2)), hardware_host("b", amx_table(2))});
    CHECK(palettes.reg(7, 0, edx) == amx_tile);
    CHECK(palettes.reg(0x1D, 0, eax) == 1);
    CHECK(palettes.named_by("unclassified-bit", "amx_palette") == Names{"a", "b"});
    CHECK(unclassified(palettes) ==
          "amx_palette is 2 on a and b, of which the rulebook describes no more than 1: the policy has 1 at most, as "
          "nobody knows what the rest promises.\n");
    CHECK(palettes.because("amx_palette") == Names{"no decision"});

    const Merged versions({hardware_host("a", avx10_table(3)), hardware_host("b", avx10_table(4))});
    CHECK(versions.reg(0x24, 0, ebx) == (7U << 16U | 2));
    CHECK_THAT(unclassified(versions), Contains("avx10_version is 3 on a,") && Contains("avx10_version is 4 on b,"));
    const Merged described({hardware_host("a", avx10_table(2))});
    CHECK(unclassified(described).empty());
    CHECK(described.reg(0x24, 0, ebx) == (7U << 16U | 2));

    // One that guests are shown only when asked for.
    MergeOptions pmu;
    pmu.show = {"pmu"};
    const TableBuilder unit = intel_table().row(0xA, 0, {0x07300807, 0, 0, 0x603});
    CHECK((Merged({hardware_host("a", unit)}, pmu).reg(0xA, 0, eax) & 0xFF) == 6);
    CHECK(unclassified(Merged({hardware_host("a", unit)})).empty());
}

TEST_CASE("a number beyond what the rulebook describes can be set by nobody", "[merge][undescribed]") {
    MergeOptions options;
    options.set = {{"avx10_version", "3"}};
    CHECK_THROWS_AS(Merged({hardware_host("a", avx10_table(3))}, options), NoPolicyError);
}

TEST_CASE("logical CPUs and views have so much of a number in common", "[merge][undescribed]") {
    // One CPU says no more than the rulebook describes, and that is the host's.
    const Merged uneven({hardware_host("a", {amx_table(2), amx_table(1)})});
    CHECK(uneven.reg(0x1D, 0, eax) == 1);
    CHECK(unclassified(uneven).empty());
    CHECK_THAT(unclassified(Merged({hardware_host("a", {amx_table(3), amx_table(2)})})),
               Contains("amx_palette is 2 on a,"));
    // What its hypervisor does not give is no guest's.
    CHECK(unclassified(Merged({with_hypervisor(hardware_host("a", amx_table(2)), amx_table(1))})).empty());
    CHECK_THAT(unclassified(Merged({with_hypervisor(hardware_host("a", amx_table(2)), amx_table(2))})),
               Contains("amx_palette is 2 on a,"));
}

TEST_CASE("check takes a policy's number as it stands", "[check][undescribed]") {
    const HostDump two = hardware_host("a", amx_table(2));
    const PoolPolicy policy = Merged({two}).policy;
    CHECK(broken(policy, two).empty());
    const PoolPolicy old = with_register(policy, {0x1D, 0}, Register::eax, 2);
    CHECK(broken(old, two) == "0x2/unknown");
    CHECK(broken(old, hardware_host("a", amx_table(1))) == "0x2/0x1");
    CHECK(broken(with_register(policy, {0x1D, 0}, Register::eax, 3), two) == "0x3/0x1");
    CHECK(broken(old, hardware_host("a", {amx_table(2), amx_table(1)})) == "0x2/0x1");
    const Verdict verdict = PolicyCheck(builtin_rulebook(), old).against(two);
    REQUIRE(verdict.violations.size() == 1);
    const Violation& violation = *verdict.violations.begin();
    CHECK(violation.message ==
          "The guest was promised amx_palette (max_palette) of at least 0x2; this host has as much, of which the "
          "rulebook describes no more than 0x1: what the rest promises nobody knows.");
    CHECK(violation.remedy ==
          "Check again with a rulebook that describes it, or start the VM again with a policy of this one.");
}

TEST_CASE("a ceiling by CPU model bounds the version of AVX10", "[merge][undescribed][ceiling]") {
    const auto under = [](const std::string& ceiling, std::uint32_t version) {
        MergeOptions options;
        options.ceiling_level = ceiling;
        return Merged({hardware_host("a", avx10_table(version))}, options);
    };
    for (const std::string project : {"qemu", "libvirt"}) {
        const Merged older = under(project + ":GraniteRapids-v3", 2);
        CHECK(older.reg(0x24, 0, ebx) == (7U << 16U | 1));
        REQUIRE(older.decision("avx10_version") != nullptr);
        CHECK(older.decision("avx10_version")->cause == Cause::ceiling);
        CHECK(older.because("avx10_version").empty());
        CHECK_THAT(older.decision("avx10_version")->reason, Contains("Bound by --ceiling."));
        CHECK(broken(older.policy, hardware_host("b", avx10_table(1))).empty());
    }
    // What hypervisors make of models that are immune is the model's.
    const HostDump immune =
        hardware_host("b", std::vector{avx10_table(2).set(7, 0, edx, 1U << 29U)}, msr_list(MsrList::value, 0x4000021));
    MergeOptions options;
    options.ceiling_level = "qemu:Skylake-Server-v5";
    CHECK((Merged({immune}).msr(0x10A) & 0x4000020) == 0x4000020);  // GDS_NO, MDS_NO
    CHECK((Merged({immune}, options).msr(0x10A) & 0x4000020) == 0);
    // Where the hosts have no more, they decide.
    CHECK(under("qemu:GraniteRapids-v3", 1).because("avx10_version") == Names{"no decision"});
    CHECK(under("qemu:DiamondRapids", 2).reg(0x24, 0, ebx) == (7U << 16U | 2));
    // What is not there is not bound.
    const Merged none = under("qemu:SapphireRapids-v1", 2);
    CHECK(none.reg(0x24, 0, ebx) == 0);
    CHECK(none.decision("avx10_version")->cause == Cause::gate);
}

TEST_CASE("of an XSAVE state that the rulebook does not know there is a finding and no promise",
          "[merge][undescribed][xsave]") {
    const TableBuilder user = xsave_table().row(0xD, 0, {0x100003, 0x400, 0x400, 0}).row(0xD, 20, {0x80, 0x380, 6, 0});
    const TableBuilder supervisor = xsave_table().reg(0xD, 1, ecx, 0x200000).row(0xD, 21, {0x80, 0, 1, 0});
    const Merged with_user({hardware_host("a", user)});
    CHECK(with_user.reg(0xD, 0, eax) == 3);
    CHECK(with_user.row(0xD, 20) == Registers{});
    CHECK_THAT(unclassified(with_user), Contains("bits that a sets in leaf 0xd.0 eax (mask 0x100000)") &&
                                            Contains("leaf 0xd.14 eax (mask 0x80)") &&
                                            Contains("leaf 0xd.14 ecx (mask 0x6)"));
    const Merged with_supervisor({hardware_host("a", supervisor)});
    CHECK_THAT(unclassified(with_supervisor), Contains("leaf 0xd.1 ecx (mask 0x200000)") &&
                                                  Contains("leaf 0xd.15 eax (mask 0x80)") &&
                                                  Contains("leaf 0xd.15 ecx (mask 0x1)"));
    for (const Merged* merged : {&with_user, &with_supervisor}) {
        for (const char* field : {"xs_size", "xs_offset", "xs_super", "xs_align64", "xs_xfd", "xcr0_lo", "xss_lo"})
            CHECK(merged->because(field) == Names{"no decision"});
    }
    // Nor is a dump silent that leaves out its row.
    const Merged silent({hardware_host("a", TableBuilder(user).unknown(0xD, 20))});
    CHECK(silent.named_by("unknown-leaf") == Names{"no such finding"});
    // A state of the wrong register: PT is one of IA32_XSS.
    CHECK_THAT(unclassified(Merged({hardware_host("a", TableBuilder(user).reg(0xD, 0, eax, 0x103))})),
               Contains("leaf 0xd.0 eax (mask 0x100)"));
}

TEST_CASE("diff tells an XSAVE state that the rulebook does not know as bits without a field",
          "[diff][undescribed][xsave]") {
    const TableBuilder user = xsave_table().row(0xD, 0, {0x100003, 0x240, 0x240, 0}).row(0xD, 20, {0x80, 0x380, 6, 0});
    const Difference found =
        differences(builtin_rulebook(), hardware_host("a", xsave_table()), hardware_host("a", user));
    REQUIRE_FALSE(found.changes.empty());
    for (const FieldChange& change : found.changes) CHECK(change.field == stray_change);
}

TEST_CASE("bits without a field are told with the hosts that set them", "[merge][undescribed]") {
    const TableBuilder stray = intel_table().row(7, 0, {2, 0, 0, 0}).row(7, 2, {0, 0, 0, 0x80000000});
    CHECK_THAT(unclassified(Merged({hardware_host("a", stray), hardware_host("b", stray)})),
               Contains("bits that a and b set in leaf 0x7.2 edx (mask 0x80000000)"));
}

}  // namespace poolcpuid::test::undescribed_test
