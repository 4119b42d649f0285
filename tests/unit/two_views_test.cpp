// A host with two views: what its hypervisor can give, and what its silicon does. All values are constructed on the
// base of the CPU that they name.

#include <cstdint>
#include <string>
#include <vector>

#include "poolcpuid/check.hpp"
#include "tests/catch.hpp"
#include "tests/support/policy_fields.hpp"

namespace poolcpuid::test::two_views_test {

using Catch::Contains;

namespace {

constexpr std::uint32_t merom = 0x000006F6;  // the model table says nothing of its returns
constexpr std::uint32_t haswell_ep = 0x000306F2;
constexpr std::uint32_t unlisted_zen = 0x00AF0F10;  // no row in the model table, so that only the views count

constexpr std::uint32_t arch_caps = 0x20000000;  // leaf 7 EDX
constexpr std::uint64_t ssb_no = 0x10;           // of IA32_ARCH_CAPABILITIES
constexpr std::uint64_t mds_no = 0x20;

using Rows = std::optional<std::vector<MsrRow>>;

HostDump two_views(const std::string& name, const TableBuilder& hardware, const Rows& hardware_msrs,
                   const TableBuilder& hypervisor, const Rows& hypervisor_msrs) {
    HostDump host = hardware_host(name, std::vector{hardware}, hardware_msrs);
    host.hypervisor = HypervisorView{"kvm", hypervisor.table(), hypervisor_msrs};
    return with_digest(std::move(host), name);
}

Rows caps(std::uint64_t value) { return msr_list(MsrList::value, value); }

// The same table but for one bit.
TableBuilder with_bit(const TableBuilder& base, const Field& field, bool is_set) {
    TableBuilder table = base;
    const auto mask = static_cast<std::uint32_t>(field.mask());
    if (is_set) {
        table.set(field.leaf, field.subleaf_first, field.reg, mask);
    } else {
        table.clear(field.leaf, field.subleaf_first, field.reg, mask);
    }
    return table;
}

// The policy's bit for the four ways in which hardware and hypervisor show it.
std::vector<std::uint64_t> by_views(const TableBuilder& base, const std::string& id) {
    const Field& field = field_named(id);
    std::vector<std::uint64_t> values;
    for (const unsigned views : {0U, 1U, 2U, 3U}) {  // bit 0: the hypervisor's, bit 1: the hardware's
        const HostDump host = two_views("a", with_bit(base, field, (views & 2U) != 0), msr_list(MsrList::others, 0),
                                        with_bit(base, field, (views & 1U) != 0), msr_list(MsrList::others, 0));
        values.push_back(value_of(Merged({host}), id));
    }
    return values;
}

using Values = std::vector<std::uint64_t>;

}  // namespace

TEST_CASE("a capability is what the hypervisor gives, a relaxed behaviour what either view shows", "[two_views]") {
    const TableBuilder amd = amd_table(unlisted_zen).reg(0x80000000, 0, eax, 0x80000028).row(0x80000021, 0, {});
    const TableBuilder intel = intel_table(merom);
    // With neither view, the hypervisor's alone, the hardware's alone, and both.
    const Values capability{0, 0, 0, 1};
    const Values made{0, 1, 0, 1};  // which hypervisors may give without the hardware
    const Values relaxed{0, 1, 1, 1};
    CHECK(by_views(amd, "popcnt") == capability);
    for (const char* id : {"lfence_dispatch", "null_sel_clr_base"}) {
        CAPTURE(id);
        CHECK(by_views(amd, id) == made);
    }
    for (const char* id : {"fs_gs_base_ns", "efer_lmsle_unsupported", "verw_clear"}) {
        CAPTURE(id);
        CHECK(by_views(amd, id) == relaxed);
    }
    for (const char* id : {"popcnt", "smep", "erms"}) {
        CAPTURE(id);
        CHECK(by_views(intel, id) == capability);
    }
    for (const char* id : {"fdp_excptn_only", "zero_fcs_fds", "md_clear"}) {
        CAPTURE(id);
        // The model table says of this silicon that the first two are not so, which counts where no view says.
        CHECK(by_views(intel, id) == relaxed);
    }
}

TEST_CASE("what no CPU of a host has and no hypervisor makes is not the host's, though the view for guests has it",
          "[two_views]") {
    const TableBuilder amd = amd_table(unlisted_zen);
    const TableBuilder other = with(amd, {"popcnt", "smep", "umip"});
    const Merged pool({two_views("a", amd, msr_list(MsrList::others, 0), other, msr_list(MsrList::others, 0))});
    CHECK(value_of(pool, "popcnt") == 0);
    CHECK(value_of(pool, "smep") == 0);
    CHECK(value_of(pool, "umip") == 1);  // KVM emulates it
    const Finding* finding = pool.finding("views-contradict");
    REQUIRE(finding != nullptr);
    CHECK(finding->hosts.names == Names{"a"});
    CHECK_THAT(finding->message, Contains("popcnt, smep, which none of its CPUs has") && !Contains("umip"));
    // Of what the dump of the hardware does not say the view decides.
    const Merged silent({two_views("a", TableBuilder(amd).unknown(7, 0), msr_list(MsrList::others, 0),
                                   with(amd, {"smep"}), msr_list(MsrList::others, 0))});
    CHECK(value_of(silent, "smep") == 1);
    CHECK(silent.finding("views-contradict") == nullptr);
}

// K kvm/x86.c kvm_get_arch_capabilities: KVM offers the MSR on CPUs without it, and clears TAA_NO where RTM is off.
TEST_CASE("what follows from what a view does not show is no contradiction of the CPU", "[two_views]") {
    const TableBuilder bare = intel_table(haswell_ep);
    const TableBuilder offered = TableBuilder(bare).set(7, 0, edx, arch_caps);
    const Merged pool({two_views("haswell", bare, msr_list(MsrList::others, 0), offered, caps(0x48))});
    CHECK(pool.finding("views-contradict") == nullptr);
    const Merged faulting({two_views("haswell", bare, msr_list(MsrList::faults, 0), offered, caps(0x48))});
    CHECK(faulting.finding("views-contradict") == nullptr);
}

TEST_CASE("capabilities of an MSR come from the hypervisor, bad news from either view", "[two_views]") {
    const TableBuilder table = intel_table(merom).reg(7, 0, edx, 0x04000000 | arch_caps);
    struct Row {
        Rows hardware;
        Rows hypervisor;
        std::uint64_t value;
    };
    const std::vector<Row> rows{
        {caps(ssb_no | mds_no), caps(ssb_no), ssb_no},
        {caps(ssb_no), caps(ssb_no | mds_no), ssb_no | mds_no},  // kernels make MDS_NO up from their list of bugs
        {caps(0x4), caps(ssb_no), ssb_no | 0x4},
        {caps(ssb_no), caps(0x4), 0x4},
        {caps(0x80002), caps(0x2), 0x80002},              // RRSBA, which the kernel does not show
        {caps(0x80002), caps(ssb_no), ssb_no | 0x4},      // nor enhanced IBRS
        {caps(0x20000), caps(ssb_no), ssb_no | 0x20000},  // FB_CLEAR
    };
    for (const Row& row : rows) {
        INFO("expected " << std::hex << row.value);
        const Merged pool({two_views("a", table, row.hardware, table, row.hypervisor)});
        CHECK(msr_of(pool.policy, arch_capabilities) == row.value);
        const Finding* silence = pool.finding("msrs-unknown");
        const bool names_the_msr = silence != nullptr && silence->message.find("0x10a") != std::string::npos;
        CHECK_FALSE(names_the_msr);
    }
}

TEST_CASE("of a hypervisor view without MSRs nothing is promised, and bad news is the silicon's", "[two_views]") {
    const TableBuilder table = intel_table(merom).reg(7, 0, edx, arch_caps);
    const Merged neither({two_views("a", table, std::nullopt, table, std::nullopt)});
    const Merged hardware({two_views("a", table, caps(ssb_no), table, std::nullopt)});
    for (const Merged* pool : {&neither, &hardware}) {
        REQUIRE(pool->finding("msrs-unknown") != nullptr);
        CHECK(pool->finding("msrs-unknown")
                  ->message.find("does not list the feature MSRs that its hypervisor gives to guests") !=
              std::string::npos);
        CHECK(unknown_on(*pool, "ac_ssb_no") == Names{"a"});
        CHECK(value_of(*pool, "ac_ssb_no") == 0);
    }
    CHECK(value_of(neither, "ac_rsba") == 1);
    CHECK(value_of(hardware, "ac_rsba") == 0);  // the hardware says that it is clear
    CHECK(value_of(Merged({two_views("a", table, caps(0x4), table, std::nullopt)}), "ac_rsba") == 1);
    // One whose CPUID does not enumerate the MSR gives none.
    const TableBuilder without = intel_table(merom).reg(7, 0, edx, 0);
    const Merged absent({two_views("a", table, caps(ssb_no), without, std::nullopt)});
    CHECK(value_of(absent, "arch_caps") == 0);
    CHECK_FALSE(msr_of(absent.policy, arch_capabilities).has_value());
    // A list that leaves the MSR out does not say what is in it, whatever the hardware has.
    const Merged left_out({two_views("a", table, caps(ssb_no), table, msr_list(MsrList::others, 0))});
    CHECK(unknown_on(left_out, "ac_ssb_no") == Names{"a"});
    CHECK(value_of(left_out, "ac_ssb_no") == 0);
    CHECK(value_of(left_out, "ac_rsba") == 0);
}

// K kvm/cpuid.c case 0xd: permitted_xcr0; arch/x86/kernel/fpu/xstate.c fpu_xstate_prctl.
TEST_CASE("a view of KVM that was taken without permission does not say that guests cannot have AMX", "[two_views]") {
    constexpr std::uint32_t sapphire_rapids = 0x000806F8;
    constexpr std::uint32_t tiles = 0x60000;
    constexpr std::uint32_t amx_tile = 1U << 24;  // leaf 7, EDX
    const auto table = [&](std::uint32_t xcr0, std::uint32_t xfd) {
        return intel_table(sapphire_rapids)
            .reg(0, 0, eax, 0x1E)
            .set(1, 0, ecx, 0x04000000)
            .reg(7, 0, edx, amx_tile)
            .row(0xD, 0, {xcr0, 0x2B00, 0x2B00, 0})
            .row(0xD, 1, {0x1F, 0, 0, 0})
            .row(0xD, 17, {0x40, 0xAC0, 2, 0})
            .row(0xD, 18, {0x2000, 0xB00, 2 | xfd, 0})
            .row(0x1D, 0, {1, 0, 0, 0})
            .row(0x1D, 1, {0x04002000, 0x00080040, 0x10, 0})
            .row(0x1E, 0, {0, 0x4010, 0, 0});
    };
    constexpr std::uint32_t xfd = 4;
    const HostDump silicon = hardware_host("spr", table(3 | tiles, xfd));
    const HostDump whole = with_hypervisor(silicon, table(3 | tiles, xfd));
    const HostDump hidden = with_hypervisor(silicon, table(3, xfd));
    const Merged pool({whole});
    REQUIRE(value_of(pool, "amx_tile") == 1);
    CHECK(pool.finding("xsave-not-permitted") == nullptr);
    const Merged without({hidden});
    CHECK(value_of(without, "amx_tile") == 0);
    CHECK(without.named_by("xsave-not-permitted") == Names{"spr"});
    CHECK_THAT(without.finding("xsave-not-permitted")->message,
               Contains("tilecfg, tiledata") && Contains("amx_tile") && Contains("poolcpuid capture"));
    const PolicyCheck check(builtin_rulebook(), pool.policy);
    const auto states_on = [&](const HostDump& host) {
        std::string text;
        for (const Violation& v : check.against(host).violations) {
            if (v.field.starts_with("xsave state")) text += v.field.substr(12) + (v.known ? " lost " : " unknown ");
        }
        return text;
    };
    CHECK(states_on(whole).empty());
    CHECK(states_on(hidden) == "tilecfg unknown tiledata unknown ");
    // KVM leaves their rows out, too: what stands there is as little known.
    const HostDump without_rows =
        with_hypervisor(silicon, table(3, 0).row(0xD, 17, {0, 0, 0, 0}).row(0xD, 18, {0, 0, 0, 0}));
    for (const Violation& violation : check.against(without_rows).violations) {
        CAPTURE(violation.field);
        CHECK_FALSE(violation.known);
    }
    CHECK(check.against(without_rows).violations.size() == 3);  // and XFD of the tiles
    // A state that needs no permission is lost, and so is one whose features the hypervisor does not list.
    CHECK(states_on(with_hypervisor(hardware_host("spr", table(3 | tiles, 0)), table(3, 0))) ==
          "tilecfg lost tiledata lost ");
    CHECK(states_on(with_hypervisor(silicon, table(3, xfd).reg(7, 0, edx, 0))) == "tilecfg lost tiledata lost ");
}

TEST_CASE("what the silicon is known to lack is lost, though the hypervisor's view does not tell", "[two_views]") {
    constexpr std::uint64_t rdcl_no = 0x1;
    const TableBuilder table = intel_table(0x000606A6).reg(7, 0, edx, arch_caps);
    const PoolPolicy promising = Merged({two_views("has", table, caps(rdcl_no | mds_no), table, std::nullopt)}).policy;
    const PoolPolicy shown = Merged({two_views("has", table, caps(rdcl_no), table, caps(rdcl_no))}).policy;
    const auto is_known = [&](const PoolPolicy& policy, const Rows& hardware) {
        const Verdict verdict =
            PolicyCheck(builtin_rulebook(), policy).against(two_views("b", table, hardware, table, std::nullopt));
        for (const Violation& violation : verdict.violations) {
            if (violation.field == "ac_rdcl_no") return violation.known ? "lost" : "unknown";
        }
        return "";
    };
    // A view of which the MSRs are not there promises none of them, and so does its policy.
    CHECK(is_known(promising, caps(0)) == std::string());
    CHECK(is_known(shown, caps(0)) == std::string("lost"));
    CHECK(is_known(shown, caps(rdcl_no)) == std::string("unknown"));
    CHECK(is_known(shown, std::nullopt) == std::string("unknown"));
}

TEST_CASE("an obligation is the larger of the two views", "[two_views]") {
    const TableBuilder small =
        amd_table(0x00B00F21).reg(0x80000000, 0, eax, 0x80000021).row(0x80000021, 0, {0x01000202, 8U << 16, 0, 0});
    const TableBuilder large =
        amd_table(0x00B00F21).reg(0x80000000, 0, eax, 0x80000021).row(0x80000021, 0, {0x01000202, 12U << 16, 0, 0});
    MergeOptions options;
    options.show = {"eraps", "rapsize"};
    for (const bool hardware_is_larger : {true, false}) {
        const TableBuilder& hardware = hardware_is_larger ? large : small;
        const TableBuilder& hypervisor = hardware_is_larger ? small : large;
        const Merged pool({two_views("a", hardware, std::nullopt, hypervisor, std::nullopt)}, options);
        CHECK(value_of(pool, "rapsize") == 12);
    }
    // Where the hardware view does not say it the hypervisor's is what there is.
    const TableBuilder silent = TableBuilder(small).unknown(0x80000021, 0);
    CHECK(value_of(Merged({two_views("a", silent, std::nullopt, small, std::nullopt)}, options), "rapsize") == 8);
}

// KVM's view is made on one of the CPUs (K kvm/cpuid.c, kvm_cpu_cap_init).
TEST_CASE("what some CPUs of a host lack is not given by a hypervisor's view", "[two_views]") {
    constexpr std::uint32_t md_clear = 0x400;  // leaf 7 EDX
    const TableBuilder whole = intel_table(haswell_ep)
                                   .set(1, 0, ecx, 0x04000000)
                                   .row(7, 0, {0, 0x200, 0x8, md_clear})
                                   .reg(0x80000008, 0, eax, 0x302E)
                                   .row(0xD, 0, {0x203, 0xA88, 0xA88, 0})
                                   .row(0xD, 9, {8, 0xA80, 0, 0});
    const auto merged = [&](const TableBuilder& other) {
        HostDump host = hardware_host("a", std::vector{whole, other});
        host.hypervisor = HypervisorView{"kvm", whole.table(), std::nullopt};
        return Merged({with_digest(std::move(host), "a")});
    };
    const Merged even = merged(whole);
    CHECK(even.finding("cpus-differ") == nullptr);
    CHECK(value_of(even, "erms") == 1);
    CHECK(value_of(even, "pku") == 1);
    CHECK(value_of(even, "maxphyaddr") == 46);
    CHECK(even.finding("verw-promise-lost", "md_clear") == nullptr);

    CHECK(value_of(merged(TableBuilder(whole).clear(7, 0, ebx, 0x200)), "erms") == 0);
    CHECK(value_of(merged(TableBuilder(whole).reg(0x80000008, 0, eax, 0x3028)), "maxphyaddr") == 40);
    CHECK(value_of(merged(TableBuilder(whole).row(0xD, 9, {8, 0x980, 0, 0})), "pku") == 0);
    CHECK(value_of(merged(TableBuilder(whole).reg(0xD, 0, eax, 3)), "pku") == 0);
    const Merged open = merged(TableBuilder(whole).clear(7, 0, edx, md_clear));
    CHECK(value_of(open, "md_clear") == 1);
    CHECK(open.finding("verw-promise-lost", "md_clear") != nullptr);

    // What is not known of one of them the view tells, and so it does of what a hypervisor makes or emulates itself.
    CHECK(value_of(merged(TableBuilder(whole).unknown(7, 0)), "erms") == 1);
    const TableBuilder made = with_bit(with_bit(whole, field_named("umip"), true), field_named("x2apic"), true);
    HostDump host = hardware_host("a", std::vector{made, whole});
    host.hypervisor = HypervisorView{"kvm", made.table(), std::nullopt};
    const Merged pool({with_digest(std::move(host), "a")});
    CHECK(value_of(pool, "umip") == 1);
    CHECK(value_of(pool, "x2apic") == 1);
    CHECK(pool.finding("cpus-differ") == nullptr);
}

TEST_CASE("many hosts that are silent in the same way are one finding", "[two_views]") {
    std::vector<HostDump> hosts;
    Names names;
    for (const char letter : std::string("abcdefghijkl")) {
        const std::string name(1, letter);
        // Of one content but for something that does not matter here.
        const TableBuilder table = intel_table(haswell_ep)
                                       .reg(7, 0, edx, arch_caps)
                                       .reg(0x80000006, 0, ecx, static_cast<std::uint32_t>(letter) << 16);
        hosts.push_back(hardware_host(name, table));
        names.push_back(name);
    }
    const Names first_names(names.begin(), names.begin() + most_names);
    const auto check = [&](const Merged& pool, std::size_t findings) {
        CHECK(count_findings(pool, "msrs-unknown") == findings);
        CHECK(pool.named_by("msrs-unknown") == first_names);
        CHECK(unknown_on(pool, "ac_fb_clear") == first_names);
        CHECK(unknown_on(pool, "ac_ssb_no") == first_names);
    };
    check(Merged(hosts), 1);
    for (const std::string name : {"x", "y", "z"}) {
        const TableBuilder table = intel_table(haswell_ep).reg(7, 0, edx, arch_caps);
        hosts.push_back(hardware_host(name, std::vector{table},
                                      std::vector<MsrRow>{{microcode_msr, 0x0000004400000000U},
                                                          {arch_capabilities, name == "x" ? ssb_no : mds_no}}));
        check(Merged(hosts), 1);
    }
    // Another silence is another finding.
    hosts.push_back(hardware_host("other", std::vector{intel_table(haswell_ep).reg(7, 0, edx, arch_caps)},
                                  msr_list(MsrList::others, 0)));
    check(Merged(hosts), 2);
}

}  // namespace poolcpuid::test::two_views_test
