// When a policy that is asked for nested virtualisation has no VMX, or no EPT: controls that contradict each other, and
// MSR 48Ch missing. Hosts are constructed from the MSRs that a guest of KVM read on an Intel CPU of the Haswell time
// (see kvm_vmx_restore_test.cpp).

#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "poolcpuid/check.hpp"
#include "poolcpuid/load_rulebook.hpp"
#include "poolcpuid/render.hpp"
#include "tests/catch.hpp"
#include "tests/support/policy_fields.hpp"

namespace poolcpuid::test::vmx_policy_test {

using Catch::Contains;

namespace {

using Values = std::map<std::uint32_t, std::uint64_t>;

const Values haswell_kvm{{0x480, 0x00D8100011E57ED0}, {0x481, 0x0000007F00000016}, {0x482, 0xFFF9FFFE0401E172},
                         {0x483, 0x007FFDFF00036DFF}, {0x484, 0x0000F3FF000011FF}, {0x485, 0x0000000020000065},
                         {0x486, 0x0000000080000021}, {0x487, 0x00000000FFFFFFFF}, {0x488, 0x0000000000002000},
                         {0x489, 0x00000000001727FF}, {0x48A, 0x000000000000002E}, {0x48B, 0x000078FF00000000},
                         {0x48C, 0x00000F0106334041}, {0x48D, 0x0000007F00000016}, {0x48E, 0xFFF9FFFE04006172},
                         {0x48F, 0x007FFDFF00036DFB}, {0x490, 0x0000F3FF000011FB}, {0x491, 0x0000000000000001}};

HostDump host(const std::string& name, const Values& values) {
    const TableBuilder table = with(intel_table(), {"vmx"});
    std::vector<MsrRow> msrs;
    for (const auto& [index, value] : values) msrs.push_back({index, value});
    return with_hypervisor(hardware_host(name, table), table, msrs);
}

HostDump host_with(const std::string& name, std::uint32_t index, std::uint64_t value) {
    Values values = haswell_kvm;
    values[index] = value;
    return host(name, values);
}

Merged nested(const std::vector<HostDump>& hosts) {
    MergeOptions options;
    options.show = {"nested"};
    return Merged(hosts, options);
}

}  // namespace

TEST_CASE("VMX goes where a control must be 1 and may not be", "[vmx]") {
    const HostDump plain = host("plain", haswell_kvm);
    REQUIRE(value_of(nested({plain}), "vmx") == 1);
    // One host demands HLT exiting (bit 7 of the processor-based controls), the other does not allow it.
    constexpr std::uint64_t hlt = 1U << 7;
    const HostDump demands = host_with("demands", 0x48E, haswell_kvm.at(0x48E) | hlt);
    const HostDump denies = host_with("denies", 0x48E, haswell_kvm.at(0x48E) & ~(hlt << 32));
    CHECK(value_of(nested({plain, demands}), "vmx") == 1);
    CHECK(value_of(nested({plain, denies}), "vmx") == 1);
    const Merged pool = nested({plain, demands, denies});
    CHECK(value_of(pool, "vmx") == 0);
    for (const MsrRow& row : pool.policy.msrs) CHECK((row.index < 0x480 || row.index > 0x493));
    REQUIRE(pool.decision("vmx_basic_true_ctls") != nullptr);
    CHECK(pool.decision("vmx_basic_true_ctls")->cause == Cause::duty);
    CHECK(pool.decision("vmx_basic_true_ctls")->on == Names{"vmx_true_procbased_lo"});
    CHECK(pool.because("vmx_basic_true_ctls") == Names{"demands", "denies"});
    CHECK(pool.because("vmx") == Names{"demands", "denies"});
    CHECK_THAT(pool.decision("vmx_basic_true_ctls")->reason, Contains("Not every host allows what"));
    for (const HostDump& each : {plain, demands, denies}) {
        CHECK(PolicyCheck(builtin_rulebook(), pool.policy).against(each).compatible(UnknownIs::failure));
    }
}

TEST_CASE("EPT and VPIDs go where MSR 48Ch says nothing of them", "[vmx]") {
    REQUIRE(value_of(nested({host("plain", haswell_kvm)}), "vmx_procbased2_ept") == 1);
    REQUIRE(value_of(nested({host("plain", haswell_kvm)}), "vmx_procbased2_vpid") == 1);
    Values unknown = haswell_kvm;
    unknown.erase(0x48C);
    const Merged pool = nested({host("plain", haswell_kvm), host("unknown", unknown)});
    CHECK(value_of(pool, "vmx") == 1);
    CHECK_FALSE(msr_of(pool.policy, 0x48C).has_value());
    for (const char* lost : {"vmx_procbased2_ept", "vmx_procbased2_vpid", "vmx_procbased2_unrestricted_guest",
                             "vmx_vmfunc_eptp_switching", "vmx_procbased2_vmfunc"}) {
        CAPTURE(lost);
        CHECK(value_of(pool, lost) == 0);
    }
    for (const char* lost : {"vmx_procbased2_ept", "vmx_procbased2_vpid"}) {
        CAPTURE(lost);
        CHECK(pool.because(lost) == Names{"unknown"});
    }
    // No write-back and no uncacheable memory, no walk of 4 or 5 levels, no INVVPID.
    const auto without = [&](std::uint64_t bits) { return host_with("host", 0x48C, haswell_kvm.at(0x48C) & ~bits); };
    CHECK(value_of(nested({without(1U << 14)}), "vmx_procbased2_ept") == 0);
    CHECK(value_of(nested({without(1U << 14)}), "vmx_procbased2_vpid") == 1);
    CHECK(value_of(nested({without(1U << 6)}), "vmx_procbased2_ept") == 0);
    CHECK(value_of(nested({without(std::uint64_t{1} << 32)}), "vmx_procbased2_vpid") == 0);
    CHECK(value_of(nested({without(std::uint64_t{1} << 32)}), "vmx_procbased2_ept") == 1);
}

TEST_CASE("render --to kvm sets the VMX MSRs apart that KVM makes itself", "[vmx][render]") {
    const PoolPolicy policy = nested({host("plain", haswell_kvm)}).policy;
    const Rendering rendering = render_policy(builtin_rulebook(), policy, "kvm", {});
    const std::string set = rendering.output.substr(0, rendering.output.find("\"made\""));
    for (const char* made : {"0x481", "0x482", "0x483", "0x484", "0x487", "0x489"}) {
        CAPTURE(made);
        CHECK(msr_of(policy, static_cast<std::uint32_t>(std::stoul(made, nullptr, 16))).has_value());
        CHECK_THAT(set, !Contains("\"index\": \"" + std::string(made) + "\""));
        CHECK_THAT(rendering.output.substr(set.size()), Contains("\"index\": \"" + std::string(made) + "\""));
    }
    for (const char* kept : {"0x480", "0x485", "0x48b", "0x48c", "0x48d", "0x490"}) {
        CAPTURE(kept);
        CHECK_THAT(set, Contains("\"index\": \"" + std::string(kept) + "\""));
    }
    bool told = false;
    for (const std::string& note : rendering.notes) told = told || note.starts_with("VMX MSRs that KVM makes");
    CHECK(told);
}

}  // namespace poolcpuid::test::vmx_policy_test
