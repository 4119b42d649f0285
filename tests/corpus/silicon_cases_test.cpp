// Pairs of hosts that people really have and on which a plain reading of the registers is wrong: each with the value
// that is right. The comments give the registers in which the two differ.

#include <algorithm>
#include <string>
#include <vector>

#include "poolcpuid/check.hpp"
#include "poolcpuid/error.hpp"
#include "tests/catch.hpp"
#include "tests/support/case_hosts.hpp"
#include "tests/support/policy_fields.hpp"

namespace poolcpuid::test::silicon_cases_test {

namespace {

Merged pool_of(const std::vector<std::string>& names, const MergeOptions& options = {}) {
    std::vector<HostDump> hosts;
    for (const std::string& name : names) hosts.push_back(case_host(name));
    return Merged(hosts, options);
}

// "rtm crash, hle performance": what a VM of the pool loses on the host, and what that costs.
std::string costs(const Merged& pool, const HostDump& host) {
    std::string text;
    for (const Violation& v : PolicyCheck(builtin_rulebook(), pool.policy).against(host).violations)
        text += (text.empty() ? "" : ", ") + v.field + " " + std::string(to_string(v.impact));
    return text;
}

std::string costs(const Merged& pool, const std::string& name) { return costs(pool, case_host(name)); }

}  // namespace

TEST_CASE("RDSEED of Turin is promised with the microcode that mends it", "[corpus][cases]") {
    CHECK(value_of(pool_of({"c04-turin-old"}), "rdseed") == 0);    // MSR 8Bh 0B002116
    CHECK(value_of(pool_of({"c04-turin-fixed"}), "rdseed") == 1);  // 0B00215A
    CHECK(value_of(pool_of({"c04-turin-old", "c04-turin-fixed"}), "rdseed") == 0);
    CHECK(pool_of({"c04-turin-old", "c04-turin-fixed"}).because("rdseed") == Names{"c04-turin-old"});
}

TEST_CASE("Skylake with TSX on, aborting and off", "[corpus][cases]") {
    const Merged tsx = pool_of({"c06-skl-tsx"});  // 7.0 EBX D39FFFFB
    REQUIRE(value_of(tsx, "rtm") == 1);
    CHECK(costs(tsx, "c06-skl-abort") == "hle performance, rtm performance");  // EBX D39FF7EB, EDX bit 11
    CHECK(costs(tsx, "c06-skl-off") == "hle performance, rtm crash");          // EBX D39FF7EB
}

TEST_CASE("Ice Lake with TSX off keeps TAA_NO", "[corpus][cases]") {
    MergeOptions hidden;
    hidden.hide = {"rtm", "hle"};
    const Merged pool = pool_of({"c10-icx-tsx-on"}, hidden);  // MSR 10Ah 0C02A1EB
    CHECK(costs(pool, "c10-icx-tsx-off").empty());            // 0C02A0EB
    CHECK(costs(pool, "c10-icx-tsx-on").empty());
    CHECK(costs(pool_of({"c10-icx-tsx-off"}), "c10-icx-tsx-on").empty());
    const Merged both = pool_of({"c10-icx-tsx-on", "c10-icx-tsx-off"});
    CHECK(value_of(both, "rtm") == 0);
    CHECK(value_of(both, "ac_taa_no") == 0);  // the KVM of the one offers it to no new VM
    CHECK(costs(both, "c10-icx-tsx-on").empty());
    CHECK(costs(both, "c10-icx-tsx-off").empty());
}

TEST_CASE("the scope of WBINVD is no promise", "[corpus][cases]") {
    CHECK(costs(pool_of({"f3-clx"}), "f3-clx-edx4").empty());  // 4.3 EDX 5 / 4
    CHECK(costs(pool_of({"f3-clx-edx4"}), "f3-clx").empty());
}

TEST_CASE("two SKUs of one model differ in the clock, which a guest is shown only when asked for", "[corpus][cases]") {
    for (const std::vector<std::string>& hosts :
         {std::vector<std::string>{"f4-skl-2100"}, {"f4-skl-2100", "f4-skl-3000"}}) {
        const Merged pool = pool_of(hosts);
        CHECK(pool.row(0x15) == Registers{});  // EBX A8 / F0
        CHECK(costs(pool, "f4-skl-2100").empty());
        CHECK(costs(pool, "f4-skl-3000").empty());
    }
    MergeOptions asked;
    asked.show = {"tsc"};
    CHECK(pool_of({"f4-skl-2100"}, asked).reg(0x15, 0, ebx) == 0xA8);
    CHECK(pool_of({"f4-skl-2100", "f4-skl-3000"}, asked).row(0x15) == Registers{});
    CHECK(costs(pool_of({"f4-skl-2100"}, asked), "f4-skl-3000") == "tsc_num wrong-result");
}

TEST_CASE("a Genoa VM runs on what Zen 5 shows", "[corpus][cases]") {
    const Merged genoa = pool_of({"f6-genoa"});
    CHECK(genoa.reg(0x8000001A, 0, eax) == 6);
    CHECK(costs(genoa, "f6-genoa-fp512").empty());  // 8000001Ah EAX A: FP512
    CHECK(costs(genoa, "f6-genoa-bit21").empty());  // 80000021h EAX bit 21: FP512_DOWNGRADE
    CHECK(costs(pool_of({"f6-genoa-bit21"}), "f6-genoa").empty());
    CHECK(costs(pool_of({"f6-genoa-fp512"}), "f6-genoa") == "perf_hints performance");
    CHECK(pool_of({"f6-genoa", "f6-genoa-fp512"}).reg(0x8000001A, 0, eax) == 6);
    CHECK(pool_of({"f6-genoa-fp512"}).reg(0x8000001A, 0, eax) == 0xA);
    const HostDump& turin = real_host("instlatx64/AuthenticAMD0B00F21_K20_Turin_01_CPUID");
    for (const char* field : {"fp512_downgrade", "perf_hints"})
        CHECK(costs(genoa, turin).find(field) == std::string::npos);
}

TEST_CASE("no AMD policy promises SMM_CTL", "[corpus][cases]") {
    for (const HostDump& host : real_hosts()) {
        const std::string vendor = vendor_string(host.first_table()).value_or("");
        if (vendor != "AuthenticAMD" && vendor != "HygonGenuine") continue;
        PoolState state(builtin_rulebook());
        try {
            state.add(host);
            const PoolPolicy policy = state.finish({});
            INFO(host.name);
            CHECK(std::any_of(policy.cpuid.begin(), policy.cpuid.end(), [](const CpuidRow& row) {
                return row.key == LeafKey{0x80000021, 0} && ((row.value.eax >> 9) & 1U) == 1;
            }));
        } catch (const NoPolicyError&) {
            continue;  // 32-bit hosts
        }
    }
}

TEST_CASE("GuestPhysAddrSize stays within PhysAddrSize", "[corpus][cases]") {
    MergeOptions narrow;
    narrow.set = {{"maxphyaddr", "43"}};
    const Merged milan({real_host("instlatx64/AuthenticAMD0A00F11_K19_Milan_02_CPUID")}, narrow);
    CHECK(milan.reg(0x80000008, 0, eax) == 0x0000302B);
}

}  // namespace poolcpuid::test::silicon_cases_test
