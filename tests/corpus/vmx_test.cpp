// Nested virtualization in pools of real Intel hosts: the VMX capability MSRs that their dumps hold, merged, and
// whether each host's KVM would take the result back.

#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "tests/catch.hpp"
#include "tests/support/law_divisor.hpp"
#include "tests/support/vmx_hosts.hpp"

namespace poolcpuid::test::vmx_test {

namespace {

const std::string sandy_bridge = "instlatx64/GenuineIntel00206D5_SandyBridgeEP_CPUID";
const std::string haswell = "instlatx64/GenuineIntel00306F2_HaswellEP_04_CPUID";
const std::string haswell_client = "instlatx64/GenuineIntel00306C3_HaswellXeon_CPUID";
const std::string avoton = "instlatx64/GenuineIntel00406D8_Avoton_CPUID2";
const std::string broadwell = "instlatx64/GenuineIntel00406F1_BroadwellE_02_CPUID";
const std::string skylake = "instlatx64/GenuineIntel0050654_SkylakeXeon_20_CPUID";
const std::string cascade_lake = "instlatx64/GenuineIntel0050657_CascadeLakeSP_CPUID1";
const std::string coffee_lake = "instlatx64/GenuineIntel00906EA_Coffeelake_CPUID6";
const std::string ice_lake = "instlatx64/GenuineIntel00606A6_ICX_CPUID3";
const std::string emerald_rapids = "instlatx64/GenuineIntel00C06F2_EmeraldRapids_03_CPUID";
const std::string dunnington = "instlatx64/GenuineIntel00106D1_Dunnington_CPUID";

using Values = std::map<std::uint32_t, std::uint64_t>;
using Texts = std::vector<std::string>;

std::vector<HostDump> raw(const std::vector<std::string>& names) {
    std::vector<HostDump> hosts;
    for (const std::string& name : names) hosts.push_back(real_host(name));
    return hosts;
}

std::vector<HostDump> kvm(const std::vector<std::string>& names) {
    std::vector<HostDump> hosts;
    for (const std::string& name : names) hosts.push_back(as_kvm(real_host(name)));
    return hosts;
}

bool shows_vmx(const Merged& pool) { return pool.bit(1, 0, ecx, 5) == 1; }

// What is wrong with the VMX MSRs of the pool of these hosts; empty when each of their KVMs takes them.
Texts complaints(const Merged& pool, const std::vector<HostDump>& hosts) {
    Texts all = VmxJudge(pool, hosts).run();
    for (const HostDump& host : hosts) {
        for (const std::string& refusal : kvm_refuses(vmx_msrs_of(host), restorable(pool.policy))) {
            all.push_back(host.name + ": " + refusal);
        }
    }
    return all;
}

std::uint64_t revision_of(const HostDump& host) { return kvm_vmx::bits(vmx_msrs_of(host)[kvm_vmx::basic], 30, 0); }

}  // namespace

TEST_CASE("real hosts with one VMCS revision keep VMX, bit by bit", "[corpus][vmx]") {
    const std::vector<HostDump> hosts = hosts_with_vmx();
    std::size_t pairs = 0;
    for (const HostDump& a : hosts) {
        for (const HostDump& b : hosts) {
            if (b.name < a.name || revision_of(a) != revision_of(b) || !has_true_controls(vmx_msrs_of(a))) continue;
            if (!is_in_part(pairs)) continue;
            CAPTURE(a.name, b.name);
            const std::vector<HostDump> both{a, b};
            const Merged pool = nested(both);
            CHECK(shows_vmx(pool));
            CHECK(complaints(pool, both) == Texts{});
        }
    }
    CHECK(pairs > 60);
}

TEST_CASE("VMX MSRs of known pairs", "[corpus][vmx]") {
    struct Row {
        std::vector<std::string> hosts;
        Values values;
    };
    const std::vector<Row> rows{
        // No dump lists 491h, so VM functions (48Bh bit 45) go. 48Bh 00007FFF, 00077FFF; 485h 300481E5 (both) without
        // SMBASE (15) and VMXOFF (28)
        {{haswell, broadwell}, {{0x480, 0x00D8040000000012}, {0x485, 0x200401E5}, {0x48B, 0x00005FFF00000000}}},
        // 48Dh FF, 7F: no posted interrupts; 48Bh 00007CFF: no virtual interrupts
        {{haswell_client, haswell}, {{0x48B, 0x00005CFF00000000}, {0x48D, 0x0000007F00000016}}},
        // 48Bh 025F7FFF, 005F7CFF, without processor trace and what no VMM shows (50, 51, 54); 48Fh 01FFFFFF and
        // 490h 0003FFFF (both) without MPX and processor trace
        {{cascade_lake, coffee_lake},
         {{0x48B, 0x00135CFF00000000},
          {0x48D, 0x0000007F00000016},
          {0x48F, 0x007FFFFF00036DFB},
          {0x490, 0x0000F3FF000011FB}}},
        // 480h 00DA0500, 03DA0500: no error code but where it belongs on one; 48Bh 4BDFFFFF, CFFFFFFF
        {{ice_lake, emerald_rapids}, {{0x480, 0x00D8050000000013}, {0x48B, 0x02135FFF00000000}, {0x48A, 0x32}}},
    };
    for (const Row& row : rows) {
        CAPTURE(row.hosts);
        const Merged pool = nested(raw(row.hosts));
        for (const auto& expected : row.values) {
            INFO("MSR " << std::hex << expected.first);
            CHECK(kvm_vmx::hex(msr_of(pool.policy, expected.first).value_or(0)) == kvm_vmx::hex(expected.second));
        }
    }
}

TEST_CASE("VMX is not shown unless asked for", "[corpus][vmx]") {
    for (const auto& hosts : {raw({haswell, broadwell}), kvm({haswell, skylake})}) {
        const Merged pool(hosts);
        CHECK_FALSE(shows_vmx(pool));
        CHECK(vmx_msrs_in(pool.policy.msrs).value.empty());
    }
}

TEST_CASE("VMX goes where the VMCS revisions differ", "[corpus][vmx]") {
    const std::vector<std::vector<std::string>> pools{{haswell, skylake},
                                                      {skylake, ice_lake},
                                                      {sandy_bridge, haswell},
                                                      {dunnington, haswell},
                                                      {haswell, broadwell, skylake}};
    for (const auto& names : pools) {
        CAPTURE(names);
        const Merged pool = nested(raw(names));
        CHECK_FALSE(shows_vmx(pool));
        CHECK(vmx_msrs_in(pool.policy.msrs).value.empty());
        const Decision* decision = pool.decision("vmx");
        REQUIRE(decision != nullptr);
        CHECK(decision->value == 0x0);
        CHECK(decision->reason.find("vmx_vmcs") != std::string::npos);
        CHECK(pool.decision("vmx_basic_vmcs_rev") != nullptr);
    }
}

TEST_CASE("the hosts with another VMCS revision are named", "[corpus][vmx]") {
    const Merged pool = nested(raw({haswell, broadwell, skylake}));  // 12, 12, 4
    // The identity is Haswell's or Broadwell's, since they are older.
    CHECK(pool.because("vmx_basic_vmcs_rev") == Names{skylake});
    CHECK(pool.because("vmx") == Names{skylake});
}

TEST_CASE("a policy with VMX offers the control MSRs", "[corpus][vmx]") {
    // IA32_VMX_PINBASED_CTLS to IA32_VMX_ENTRY_CTLS are there wherever VMX is (SDM vol. 3D, A.3.1, A.3.2, A.4, A.5).
    for (const HostDump& host : hosts_with_vmx()) {
        CAPTURE(host.name);
        const Merged pool = nested({host});
        if (!shows_vmx(pool)) continue;
        for (std::uint32_t index = kvm_vmx::pinbased; index <= kvm_vmx::entry; ++index) {
            CHECK(msr_of(pool.policy, index).has_value());
        }
    }
}

TEST_CASE("a VMX control that says that an MSR is there is shown with that MSR", "[corpus][vmx]") {
    struct Row {
        const char* what;
        std::uint32_t control;
        unsigned bit;
        std::uint32_t announced;
    };
    // SDM vol. 3D, A.11, A.3.4 and A.4.2: each of the three exists exactly where its control may be 1.
    const std::vector<Row> rows{{"VM functions", kvm_vmx::procbased2, half + 13, 0x491},
                                {"tertiary controls", kvm_vmx::true_procbased, half + 17, 0x492},
                                {"secondary VM-exit controls", kvm_vmx::true_exit, half + 31, 0x493}};
    HostDump other = as_kvm(real_host(haswell));
    other.name = "without VM functions";
    const std::vector<std::vector<HostDump>> pools{
        kvm({haswell}),
        kvm({haswell, skylake}),
        kvm({emerald_rapids}),
        {as_kvm(real_host(haswell)), with_vmx(other, {{kvm_vmx::vmfunc, 0}})}};
    for (const auto& hosts : pools) {
        const Merged pool = nested(hosts);
        const VmxMsrs msrs = vmx_msrs_in(pool.policy.msrs);
        for (const Row& row : rows) {
            INFO(row.what << " of " << hosts.front().name << " and " << hosts.back().name);
            const bool is_shown = ((msrs[row.control] >> row.bit) & 1U) != 0;
            if (is_shown) CHECK(msrs.value.contains(row.announced));
        }
    }
}

TEST_CASE("every pair of real hosts keeps VMX as KVM shows it, and each host takes the merged MSRs", "[corpus][vmx]") {
    std::vector<HostDump> hosts;
    for (const HostDump& host : hosts_with_vmx()) {
        if (has_true_controls(vmx_msrs_of(host))) hosts.push_back(as_kvm(host));
    }
    std::size_t pairs = 0;
    for (const HostDump& a : hosts) {
        for (const HostDump& b : hosts) {
            if (b.name < a.name || !is_in_part(pairs)) continue;
            CAPTURE(a.name, b.name);
            const std::vector<HostDump> both{a, b};
            const Merged pool = nested(both);
            CHECK(shows_vmx(pool));
            CHECK(complaints(pool, both) == Texts{});
        }
    }
}

TEST_CASE("all real hosts in one pool keep VMX as KVM shows it", "[corpus][vmx]") {
    std::vector<HostDump> hosts;
    for (const HostDump& host : hosts_with_vmx()) {
        if (has_true_controls(vmx_msrs_of(host))) hosts.push_back(as_kvm(host));
    }
    REQUIRE_FALSE(hosts.empty());
    const Merged pool = nested(hosts);
    CHECK(shows_vmx(pool));
    CHECK(complaints(pool, hosts) == Texts{});
    CHECK(msr_of(pool.policy, kvm_vmx::basic) == kvm_vmx_basic);
}

TEST_CASE("other timer rates take the preemption timer and nothing else", "[corpus][vmx]") {
    const auto with_rate = [](const HostDump& host, std::uint64_t rate) {
        return with_vmx(host, {{kvm_vmx::misc, (vmx_msrs_of(host)[kvm_vmx::misc] & ~timer_rate_mask) | rate}});
    };
    const HostDump a = as_kvm(real_host(haswell));
    const HostDump b = as_kvm(real_host(skylake));
    const std::vector<HostDump> same{a, b};
    const std::vector<HostDump> other{a, with_rate(b, 7)};  // 7 is Skylake's own
    const Merged before = nested(same);
    const Merged after = nested(other);
    CHECK(complaints(after, other) == Texts{});
    Values expected = vmx_msrs_in(before.policy.msrs).value;
    const std::uint64_t timer = kvm_vmx::preemption_timer;
    const std::uint64_t save_timer = std::uint64_t{1} << (half + 22);
    REQUIRE((expected[kvm_vmx::true_pinbased] & timer) != 0);
    REQUIRE((expected[kvm_vmx::true_exit] & save_timer) != 0);
    for (const std::uint32_t index : {kvm_vmx::pinbased, kvm_vmx::true_pinbased}) expected[index] &= ~timer;
    for (const std::uint32_t index : {kvm_vmx::exit, kvm_vmx::true_exit}) expected[index] &= ~save_timer;
    expected[kvm_vmx::misc] &= ~timer_rate_mask;
    CHECK(vmx_msrs_in(after.policy.msrs).value == expected);
    CHECK(after.policy.cpuid == before.policy.cpuid);
    REQUIRE(after.decision("vmx_true_pinbased_preemption_timer") != nullptr);
    CHECK(after.decision("vmx_true_pinbased_preemption_timer")->reason.find("vmx_timer_rate") != std::string::npos);
}

TEST_CASE("sizes, limits and fixed bits of VMX follow their rules", "[corpus][vmx]") {
    struct Row {
        const char* what;
        std::uint32_t index;
        std::uint64_t a;
        std::uint64_t b;
        std::uint64_t merged;
        bool kvm_could = true;  // KVM never limits addresses, and refuses to be told to
    };
    // Constructed, but for the bits that do not differ.
    const std::vector<Row> rows{
        {"the larger region", 0x480, 0x00D8100011E57ED0, 0x00D8040011E57ED0, 0x00D8100011E57ED0},
        {"addresses of 32 bits if one needs them", 0x480, 0x00D9100011E57ED0, 0x00D8100011E57ED0, 0x00D9100011E57ED0,
         false},
        {"INS and OUTS where both tell", 0x480, 0x00D8100011E57ED0, 0x0098100011E57ED0, 0x0098100011E57ED0},
        {"the fewer CR3 targets", 0x485, 0x200401E5, 0x200101E5, 0x200101E5},
        {"the shorter MSR lists", 0x485, 0x260401E5, 0x220401E5, 0x220401E5},
        {"activity states of both", 0x485, 0x20040065, 0x200401E5, 0x20040065},
        {"the fixed bits of CR0 of either", 0x486, 0x80000021, 0x80000031, 0x80000031},
        {"the fixed bits of CR4 of either", 0x488, 0x2000, 0x2020, 0x2020},
        {"controls that must be 1 on either", 0x48D, 0x0000007F00000016, 0x0000007F00000017, 0x0000007F00000017},
        {"secondary controls that must be 1 on either", 0x48B, 0x00007FFF00000002, 0x00007FFF00000000,
         0x00007FFF00000002},
        {"controls that may be 1 on both", 0x48E, 0xFFF9FFFE04006172, 0xF7F9FFFE04006172, 0xF7F9FFFE04006172},
        {"EPT and VPID of both", 0x48C, 0x00000F0106334041, 0x0000070106314041, 0x0000070106314041},
        {"VM functions of both", 0x491, 0x1, 0x0, 0x0},
        {"VM functions of one kind", 0x491, 0x1, 0x3, 0x1},
    };
    const HostDump base = as_kvm(real_host(haswell));
    for (const Row& row : rows) {
        INFO(row.what);
        HostDump a = base;
        HostDump b = base;
        a.name = "a";
        b.name = "b";
        const std::vector<HostDump> both{with_vmx(a, {{row.index, row.a}}), with_vmx(b, {{row.index, row.b}})};
        const Merged pool = nested(both);
        CHECK(kvm_vmx::hex(msr_of(pool.policy, row.index).value_or(0)) == kvm_vmx::hex(row.merged));
        CHECK(VmxJudge(pool, both).run() == Texts{});
        if (row.kvm_could) CHECK(complaints(pool, both) == Texts{});
    }
}

TEST_CASE("tertiary and secondary VM-exit controls are shown when both hosts have them and someone asks",
          "[corpus][vmx]") {
    const HostDump one = as_kvm(real_host(emerald_rapids));  // 48Eh FFFBFFFE: tertiary; 48Fh FF7FFFFF: secondary
    const HostDump other = as_kvm(real_host("instlatx64/GenuineIntel00A06D1_GraniteRapids_03_CPUID"));
    // 492h and 493h are constructed.
    const std::vector<HostDump> hosts{with_vmx(one, {{0x492, 0x1D}, {0x493, 0xB}}),
                                      with_vmx(other, {{0x492, 0x11}, {0x493, 0x9}})};
    const Merged plain = nested(hosts);
    CHECK(complaints(plain, hosts) == Texts{});
    CHECK_FALSE(msr_of(plain.policy, 0x492).has_value());
    CHECK_FALSE(msr_of(plain.policy, 0x493).has_value());

    MergeOptions options;
    options.show = {"nested", "vmx_true_procbased_tertiary", "vmx_procbased3_loadiwkey_exit", "vmx_procbased3_ipi_virt",
                    "vmx_procbased3_ept_paging_write"};
    const Merged asked(hosts, options);
    CHECK(msr_of(asked.policy, 0x492) == 0x11U);
    CHECK(value_of(asked, "vmx_true_procbased_tertiary") == 1);
    // Without the control that activates them they go.
    options.show = {"nested", "vmx_procbased3_ipi_virt"};
    CHECK_FALSE(msr_of(Merged(hosts, options).policy, 0x492).has_value());
}

TEST_CASE("each merged VMX MSR is at the edge of what some host takes", "[corpus][vmx]") {
    const std::vector<HostDump> hosts = kvm({haswell, skylake});
    const Merged pool = nested(hosts);
    const VmxMsrs good = restorable(pool.policy);
    const auto refusals_with = [&](std::uint32_t index, std::uint64_t value) {
        VmxMsrs restored = good;
        restored.value[index] = value;
        std::size_t count = 0;
        for (const HostDump& host : hosts) count += kvm_refuses(vmx_msrs_of(host), restored).size();
        return count;
    };
    for (const auto& msr : good.value) {
        INFO("MSR " << std::hex << msr.first);
        CHECK(refusals_with(msr.first, msr.second) == 0);
    }
    // One step further each: another revision, a smaller VMCS, a timer rate, one CR3 target more, ...
    struct Step {
        std::uint32_t index;
        std::uint64_t flipped;
    };
    const std::vector<Step> steps{{0x480, 1},
                                  {0x480, 0x100000000000},
                                  {0x485, 0x2},
                                  {0x485, 0x10000},
                                  {0x485, 0x40000000},  // injection of length 0: Skylake alone
                                  {0x486, 0x1},
                                  {0x488, 0x2000},
                                  {0x48B, 0x0001000000000000},  // RDSEED exits: Skylake alone
                                  {0x48C, 0x400000},            // exit information: Skylake alone
                                  {0x48D, 0x2},
                                  {0x48E, 0x0002000000000000},  // tertiary controls: neither
                                  {0x48E, 0x2},
                                  {0x48F, 0x0080000000000000},  // clear BNDCFGS: Skylake alone
                                  {0x48F, 0x1},
                                  {0x490, 0x0001000000000000},  // load BNDCFGS: Skylake alone
                                  {0x490, 0x1},
                                  {0x491, 0x2}};
    for (const Step& step : steps) {
        INFO("MSR " << std::hex << step.index << ", flipped " << step.flipped);
        CHECK(refusals_with(step.index, good[step.index] ^ step.flipped) > 0);
    }
}

TEST_CASE("the judge of VMX MSRs sees each wrong bit", "[corpus][vmx]") {
    const std::vector<HostDump> hosts = kvm({haswell, skylake});
    const Merged pool = nested(hosts);
    REQUIRE(complaints(pool, hosts) == Texts{});
    std::size_t bits = 0;
    for (std::size_t i = 0; i < pool.policy.msrs.size(); ++i) {
        const MsrRow& row = pool.policy.msrs[i];
        if (row.index < first_vmx_msr || row.index > last_vmx_msr) continue;
        for (unsigned bit = 0; bit < 64; ++bit) {
            if (!is_in_part(bits)) continue;
            Merged wrong = pool;
            wrong.policy.msrs[i].value = *row.value ^ (std::uint64_t{1} << bit);
            INFO("MSR " << std::hex << row.index << std::dec << ", bit " << bit);
            CHECK_FALSE(complaints(wrong, hosts).empty());
        }
    }
}

}  // namespace poolcpuid::test::vmx_test
