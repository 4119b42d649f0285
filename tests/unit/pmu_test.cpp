// What a pool promises of performance monitoring: formats that hold on one model of CPU, and what goes without
// counters. MSR 345h as Linux 6.19 offers it (arch/x86/kvm/vmx/vmx.c, vmx_get_perf_capabilities): full-width writes
// (bit 13), the host's LBR format (5, LBR_FORMAT_INFO, on Skylake to Ice Lake; arch/x86/events/perf_event.h) and, where
// EPT can serve PEBS, its PEBS format (4 on Ice Lake with bits 6 and 7; arch/x86/events/intel/ds.c). Hosts are
// constructed.

#include <algorithm>
#include <string>
#include <vector>

#include "poolcpuid/check.hpp"
#include "poolcpuid/load_rulebook.hpp"
#include "poolcpuid/render.hpp"
#include "tests/catch.hpp"
#include "tests/support/policy_fields.hpp"

namespace poolcpuid::test::pmu_test {

using Catch::Contains;

namespace {

constexpr std::uint32_t cascade_lake = 0x00050657;
constexpr std::uint32_t skylake = 0x00050654;  // the same model
constexpr std::uint32_t ice_lake = 0x000606A6;
constexpr std::uint32_t sapphire_rapids = 0x000806F8;

constexpr std::uint64_t full_width = 1U << 13;
constexpr std::uint64_t lbr_info = 5;
constexpr std::uint64_t pebs_4 = 0x4C0;
constexpr std::uint64_t baseline = 1U << 14;
constexpr std::uint64_t timing = 1U << 17;

// Leaf 0Ah of Skylake (InstLatx64: 07300404, 00000603).
TableBuilder counting(std::uint32_t signature) {
    return with(intel_table(signature), {"pdcm", "ds", "dtes64"}).row(0xA, 0, {0x07300404, 0, 0, 0x00000603});
}

// A host whose KVM shows guests what the table has.
HostDump host(const std::string& name, const TableBuilder& table, std::uint64_t perf_capabilities) {
    return with_hypervisor(hardware_host(name, table), table, std::vector<MsrRow>{{0x345, perf_capabilities}});
}

Merged pmu(const std::vector<HostDump>& hosts) {
    MergeOptions options;
    options.show = {"pmu"};
    return Merged(hosts, options);
}

std::string broken(const PoolPolicy& policy, const HostDump& on) {
    std::string text;
    for (const Violation& violation : PolicyCheck(builtin_rulebook(), policy).against(on).violations) {
        text += violation.field + ": " + violation.message + "\n";
    }
    return text;
}

}  // namespace

TEST_CASE("formats of branch records and samples hold on one model of CPU", "[pmu]") {
    const HostDump clx = host("clx", counting(cascade_lake), full_width | lbr_info);
    const HostDump skx = host("skx", counting(skylake), full_width | lbr_info);
    const HostDump icx = host("icx", counting(ice_lake), full_width | lbr_info);
    CHECK(pmu({clx, skx}).msr(0x345) == (full_width | lbr_info));  // one model, two steppings
    const Merged pool = pmu({clx, skx, icx});
    CHECK(pool.msr(0x345) == full_width);
    CHECK(value_of(pool, "pdcm") == 1);
    REQUIRE(pool.decision("pcap_lbr_fmt") != nullptr);
    CHECK(pool.decision("pcap_lbr_fmt")->cause == Cause::equality);
    CHECK(pool.decision("pcap_lbr_fmt")->on == Names{"lbr_format"});
    const auto is_identity = [&](std::uint32_t signature) { return pool.reg(1, 0, eax) == signature; };
    CHECK(pool.because("pcap_lbr_fmt") == (is_identity(ice_lake) ? Names{"clx", "skx"} : Names{"icx"}));
    CHECK_THAT(pool.decision("pcap_lbr_fmt")->reason, Contains("several CPU models"));

    const HostDump ice = host("ice", counting(ice_lake), full_width | pebs_4);
    const HostDump spr = host("spr", counting(sapphire_rapids), full_width | pebs_4);
    CHECK(pmu({ice}).msr(0x345) == (full_width | pebs_4));
    const Merged mixed = pmu({ice, spr});
    CHECK(mixed.msr(0x345) == full_width);
    for (const char* lost : {"ds", "dtes64", "pcap_pebs_trap", "pcap_pebs_arch_reg"}) {
        CAPTURE(lost);
        CHECK(value_of(mixed, lost) == 0);
        CHECK_FALSE(mixed.because(lost).empty());
    }
}

TEST_CASE("a guest with a format must not run on another model", "[pmu][check]") {
    const HostDump clx = host("clx", counting(cascade_lake), full_width | lbr_info);
    const HostDump skx = host("skx", counting(skylake), full_width | lbr_info);
    const HostDump icx = host("icx", counting(ice_lake), full_width | lbr_info);
    const PoolPolicy policy = pmu({clx}).policy;
    CHECK(broken(policy, clx).empty());
    CHECK(broken(policy, skx).empty());
    CHECK_THAT(broken(policy, icx), Contains("pcap_lbr_fmt: ") && Contains("this host is of another"));
    CHECK_FALSE(PolicyCheck(builtin_rulebook(), policy).against(icx).compatible(UnknownIs::failure));
    CHECK(broken(Merged({clx}).policy, icx).empty());  // no format was shown
    const Verdict moved = PolicyCheck(builtin_rulebook(), policy).against(pmu({icx}).policy);
    CHECK_FALSE(moved.compatible(UnknownIs::failure));
    const HostDump spr = host("spr", counting(sapphire_rapids), full_width | pebs_4);
    const HostDump ice = host("ice", counting(ice_lake), full_width | pebs_4);
    const std::string samples = broken(pmu({ice}).policy, spr);
    CHECK_THAT(samples, Contains("pcap_pebs_fmt: ") && !Contains("pcap_pebs_trap"));  // said once
}

TEST_CASE("what KVM compares as one value agrees as a whole", "[pmu]") {
    for (const std::uint64_t part : {baseline, timing}) {
        CAPTURE(part);
        const HostDump old = host("old", counting(ice_lake), full_width | pebs_4 | part);
        const HostDump recent = host("recent", counting(ice_lake), full_width | pebs_4);
        CHECK(pmu({old}).msr(0x345) == (full_width | pebs_4 | part));
        const Merged pool = pmu({old, recent});
        CHECK(pool.msr(0x345) == full_width);
        CHECK(value_of(pool, "ds") == 0);
    }
}

TEST_CASE("there are no samples without the debug store in its 64-bit layout", "[pmu]") {
    const TableBuilder table = counting(ice_lake);
    for (const char* lost : {"ds", "dtes64"}) {
        CAPTURE(lost);
        const Field& field = field_named(lost);
        const TableBuilder without =
            TableBuilder(table).clear(1, 0, field.reg, static_cast<std::uint32_t>(field.mask()));
        const Merged pool = pmu({host("a", without, full_width | pebs_4), host("b", table, full_width | pebs_4)});
        CHECK(pool.msr(0x345) == full_width);
        CHECK(value_of(pool, "dtes64") == 0);
        CHECK(pool.because("pcap_pebs_fmt") == Names{"a"});
    }
}

TEST_CASE("PDCM is promised where each host has it, and with the MSR", "[pmu]") {
    const TableBuilder table = counting(ice_lake);
    const TableBuilder without =
        TableBuilder(table).clear(1, 0, ecx, static_cast<std::uint32_t>(field_named("pdcm").mask()));
    // KVM in a VM lists full-width writes though its own host shows no PDCM.
    const Merged pool = pmu({host("in-a-vm", without, full_width)});
    CHECK(value_of(pool, "pdcm") == 0);
    CHECK_FALSE(msr_of(pool.policy, 0x345).has_value());
    CHECK(value_of(pmu({host("b", table, full_width)}), "pdcm") == 1);
    CHECK(value_of(pmu({host("b", table, 0)}), "pdcm") == 0);
    CHECK(value_of(pmu({with_hypervisor(hardware_host("c", table), table)}), "pdcm") == 0);  // no MSR is known
    // The MSR without a bit takes PDCM, and that the bits of the MSR: of either the host is named.
    const Merged circle = pmu({host("b", table, full_width), host("empty", table, 0)});
    CHECK(circle.because("pdcm") == Names{"empty"});
    CHECK(circle.because("pcap_fw_write") == Names{"empty"});
    const PoolPolicy policy = pmu({host("b", table, full_width)}).policy;
    CHECK_THAT(broken(policy, host("in-a-vm", without, full_width)), Contains("pdcm: "));
}

TEST_CASE("without counters there are neither capabilities of counters nor samples", "[pmu]") {
    const TableBuilder table = counting(ice_lake);
    const TableBuilder without = TableBuilder(table).drop(0xA, 0);  // KVM with enable_pmu=0
    const HostDump on = host("on", table, full_width | lbr_info | pebs_4);
    const HostDump off = with_hypervisor(hardware_host("off", table), without,
                                         std::vector<MsrRow>{{0x345, full_width | lbr_info | pebs_4}});
    const Merged pool = pmu({on, off});
    CHECK(value_of(pool, "pmu_version") == 0);
    CHECK_FALSE(msr_of(pool.policy, 0x345).has_value());
    for (const char* lost : {"pdcm", "ds", "dtes64", "pcap_lbr_fmt"}) {
        CAPTURE(lost);
        CHECK(value_of(pool, lost) == 0);
        CHECK(pool.because(lost) == Names{"off"});
    }
}

TEST_CASE("QEMU is told the format of branch records", "[pmu][render]") {
    const PoolPolicy policy = pmu({host("clx", counting(cascade_lake), full_width | lbr_info)}).policy;
    const Rendering qemu = render_policy(builtin_rulebook(), policy, "qemu", {});
    CHECK_THAT(qemu.output, Contains("lbr-fmt=5") && Contains("pmu=on") && Contains("pdcm=on"));
    const auto names_format = [](const Rendering& rendering) {
        return std::any_of(rendering.inexpressible.begin(), rendering.inexpressible.end(),
                           [](const Inexpressible& lost) { return lost.field == "pcap_lbr_fmt"; });
    };
    CHECK_FALSE(names_format(qemu));
    const Rendering libvirt = render_policy(builtin_rulebook(), policy, "libvirt", {});
    CHECK_THAT(libvirt.output, !Contains("lbr-fmt"));
    CHECK(names_format(libvirt));
    const PoolPolicy none = pmu({host("clx", counting(cascade_lake), full_width)}).policy;
    CHECK_THAT(render_policy(builtin_rulebook(), none, "qemu", {}).output, !Contains("lbr-fmt"));
}

TEST_CASE("events beyond the vector's length are not told of", "[pmu][check]") {
    // Leaf 0Ah of Skylake and Ice Lake (InstLatx64): 7 and 8 events.
    const HostDump seven = hardware_host("seven", counting(ice_lake).row(0xA, 0, {0x07300404, 0x04, 0, 0x00000603}));
    const HostDump eight = hardware_host("eight", counting(ice_lake).row(0xA, 0, {0x08300805, 0, 0, 0x00008604}));
    CHECK(pmu({eight}).reg(0xA, 0, ebx) == 0);
    const Merged pool = pmu({seven, eight});
    CHECK(pool.reg(0xA, 0, eax) == 0x07300404);
    CHECK(pool.reg(0xA, 0, ebx) == 0x04);
    CHECK(broken(pool.policy, seven).empty());
    CHECK(broken(pool.policy, eight).empty());
    // A policy of earlier versions has the reserved bits set: no VMM need be told of them.
    PoolPolicy old = pool.policy;
    for (CpuidRow& row : old.cpuid) {
        if (row.key == LeafKey{0xA, 0}) row.value.ebx |= 0xFFFFFF80;
    }
    for (const StartUp& entry : PolicyCheck(builtin_rulebook(), old).against(seven).start_up) {
        CHECK(entry.field != "pmu_ev_unavail");
    }
    CHECK(broken(pool.policy, hardware_host("six", counting(ice_lake).row(0xA, 0, {0x06300404, 0x04, 0, 0x603}))) !=
          "");
}

}  // namespace poolcpuid::test::pmu_test
