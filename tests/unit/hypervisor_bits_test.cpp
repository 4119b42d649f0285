// What hypervisors make by themselves, and what they keep from guests: a dump of the hardware alone says nothing of
// the first, and a host with both views says the second.

#include <algorithm>
#include <cstdint>
#include <string>
#include <vector>

#include "poolcpuid/check.hpp"
#include "tests/catch.hpp"
#include "tests/support/policy_fields.hpp"

namespace poolcpuid::test::hypervisor_bits_test {

namespace {

using Catch::Contains;

constexpr std::uint32_t rome = 0x00830F10;
constexpr std::uint32_t vermeer = 0x00A20F10;
constexpr std::uint32_t unlisted_zen = 0x00AF0F10;  // no row in the model table

TableBuilder amd(std::uint32_t signature, const std::vector<std::string>& ids) {
    return with(amd_table(signature).reg(0x80000000, 0, eax, 0x80000021).row(0x80000021, 0, {}), ids);
}

HostDump with_kernel(HostDump host, const std::string& kernel) {
    host.meta["kernel"] = kernel;
    std::string name = host.name;
    return with_digest(std::move(host), std::move(name));
}

// A host whose hypervisor shows more than its hardware, or less.
HostDump two_views(const std::string& name, const TableBuilder& hardware, const TableBuilder& hypervisor) {
    return with_hypervisor(hardware_host(name, hardware), hypervisor);
}

// How the host stands to one field that the policy of another host promises.
struct Answer {
    bool named = false;
    Violation violation;
    Outcome outcome = Outcome::runs;
};

Answer answer(const HostDump& promising, const HostDump& host, const std::string& field) {
    const Verdict verdict = PolicyCheck(builtin_rulebook(), Merged({promising}).policy).against(host);
    Answer result{false, {}, verdict.outcome(UnknownIs::failure)};
    for (const Violation& violation : verdict.violations) {
        if (violation.field == field) result = {true, violation, result.outcome};
    }
    return result;
}

// more: what the hypervisor of the promising host shows beside the field.
void check_given(const TableBuilder& hardware, const std::string& field, const std::vector<std::string>& more = {}) {
    CAPTURE(field);
    const Answer given = answer(two_views("promising", hardware, with(with(hardware, more), {field})),
                                hardware_host("bare", hardware), field);
    REQUIRE(given.named);
    CHECK_FALSE(given.violation.known);
    CHECK(given.violation.given);
    CHECK(given.outcome == Outcome::runs);
    CHECK_THAT(given.violation.message, Contains("every hypervisor makes"));
    CHECK_THAT(given.violation.remedy, Contains("/dev/kvm"));
}

// What only some hypervisors make there.
void check_unsure(const TableBuilder& hardware, const std::string& field, const std::vector<std::string>& more = {}) {
    CAPTURE(field);
    const Answer unsure = answer(two_views("promising", hardware, with(with(hardware, more), {field})),
                                 hardware_host("bare", hardware), field);
    REQUIRE(unsure.named);
    CHECK_FALSE(unsure.violation.known);
    CHECK_FALSE(unsure.violation.given);
    CHECK(unsure.outcome != Outcome::runs);
}

void check_lost(const TableBuilder& hardware, const std::string& field, const std::vector<std::string>& more = {}) {
    CAPTURE(field);
    const Answer lost = answer(two_views("promising", hardware, with(with(hardware, more), {field})),
                               hardware_host("bare", hardware), field);
    REQUIRE(lost.named);
    CHECK(lost.violation.known);
    CHECK_FALSE(lost.violation.given);
    CHECK(lost.outcome != Outcome::runs);
}

}  // namespace

TEST_CASE("what every hypervisor makes is not lost on a host of which only the hardware is known",
          "[hypervisor_bits]") {
    for (const char* field : {"tsc_deadline", "tsc_adjust"}) {
        check_given(amd(rome, {}), field);
        check_given(intel_table(), field);
    }
    for (const char* with_it : {"clzero", "xop", "f16c", "amd_ssbd"}) check_given(amd(rome, {with_it}), "virt_ssbd");
    check_lost(amd(rome, {}), "virt_ssbd");  // as family 10h, whose SSB has no switch
    check_given(amd(rome, {}), "lfence_dispatch");
    const HostDump with_smep = hardware_host("promising", amd(rome, {"smep"}));
    CHECK(answer(with_smep, hardware_host("bare", amd(rome, {})), "smep").violation.known);
}

TEST_CASE("the two names of one control are made from each other, where the hardware has one", "[hypervisor_bits]") {
    const TableBuilder zen = amd(rome, {"amd_ibpb", "amd_ibrs", "amd_stibp", "amd_ssbd", "ibpb_ret"});
    const std::vector<std::string> of_intel{"spec_ctrl", "intel_stibp", "ssbd"};
    for (const std::string& field : of_intel) {
        check_given(zen, field, of_intel);
        check_lost(amd(rome, {}), field, of_intel);
    }
    // Newer kernels make SPEC_CTRL with IBPB_RET only.
    check_unsure(amd(rome, {"amd_ibpb", "amd_ibrs"}), "spec_ctrl", of_intel);
    const std::vector<std::string> of_amd{"amd_ibpb", "amd_ibrs", "amd_stibp", "amd_ssbd"};
    for (const std::string& field : of_amd) {
        check_given(with(intel_table(), of_intel), field, of_amd);
        check_lost(intel_table(), field, of_amd);
    }
    check_given(with(intel_table(), {"vmx"}), "umip");
    check_lost(intel_table(), "umip");
}

TEST_CASE("an immunity that kernels state is made on silicon that is immune, and nowhere else", "[hypervisor_bits]") {
    check_given(amd(rome, {}), "tsa_l1_no");
    check_lost(amd(unlisted_zen, {}), "tsa_l1_no");
    // GDS_NO: on Sapphire Rapids by every kernel, on Ice Lake by none but for its microcode's mitigation.
    const auto gds_no_on = [](std::uint32_t signature, std::uint64_t caps_of_silicon = 0) {
        const TableBuilder table = with(intel_table(signature), {"arch_caps"});
        const auto host = [&](const char* name, std::uint64_t caps) {
            return hardware_host(name, std::vector{table}, msr_list(MsrList::value, caps));
        };
        const HostDump promising = with_hypervisor(host("promising", 0), table, msr_list(MsrList::value, 1U << 26));
        return answer(promising, host("bare", caps_of_silicon), "ac_gds_no");
    };
    CHECK(gds_no_on(0x000806F8).violation.given);
    const Answer ice_lake = gds_no_on(0x000606A6);
    REQUIRE(ice_lake.named);
    CHECK(ice_lake.violation.known);
    CHECK(gds_no_on(0x000606A6, 1U << 25).violation.given);  // GDS_CTRL
    // Opterons of family 10h, and Silvermont.
    check_given(amd(0x00100F80, {}), "amd_ssb_no");
    check_lost(amd(rome, {}), "amd_ssb_no");
    const TableBuilder silvermont = with(intel_table(0x00030678), {"arch_caps"});
    const auto avoton = [&](const char* name) {
        return hardware_host(name, std::vector{silvermont}, msr_list(MsrList::value, 0));
    };
    const HostDump promising = with_hypervisor(avoton("promising"), silvermont, msr_list(MsrList::value, 0x10));
    CHECK(answer(promising, avoton("bare"), "ac_ssb_no").violation.given);
}

TEST_CASE("what kernels make on AMD's silicon alone is lost on Hygon's", "[hypervisor_bits]") {
    constexpr std::uint32_t dhyana = 0x00900F22;
    const std::vector<std::string> zen{"amd_ibpb", "clzero"};
    const auto silicon = [&](const TableBuilder& base) {
        return with(TableBuilder(base).reg(0x80000000, 0, eax, 0x80000021).row(0x80000021, 0, {}), zen);
    };
    const std::vector<std::string> fields{"ibpb_brtype", "tsa_sq_no", "tsa_l1_no", "tsa_fill_no"};
    for (const std::string& field : fields) {
        check_given(silicon(amd_table(rome)), field);
        check_lost(silicon(base_table("HygonGenuine", dhyana)), field);
    }
    check_lost(with(silicon(base_table("HygonGenuine", dhyana)), {"invpcid"}), "sbpb");
    // What hygon.c does as amd.c does.
    check_given(silicon(base_table("HygonGenuine", dhyana)), "lfence_dispatch");
}

TEST_CASE("what no hypervisor gives on AMD is shown to guests there only when asked for", "[hypervisor_bits]") {
    const HostDump zen5 = hardware_host("zen5", amd_table(0x00B00F21).reg(7, 0, ecx, 1U << 24));
    CHECK(value_of(Merged({zen5}), "bus_lock_detect_amd") == 0);
    MergeOptions asked;
    asked.show = {"bus_lock_detect_amd"};
    CHECK(value_of(Merged({zen5}, asked), "bus_lock_detect_amd") == 1);
    const HostDump intel = hardware_host("intel", intel_table(0x000806F8).reg(7, 0, ecx, 1U << 24));
    CHECK(value_of(Merged({intel}), "bus_lock_detect") == 1);
}

TEST_CASE("what is made for immune models no virtual machine is known to be given", "[hypervisor_bits]") {
    const TableBuilder zen = amd(rome, {});
    const HostDump promising = two_views("promising", zen, with(zen, {"tsa_sq_no"}));
    CHECK(answer(promising, hardware_host("bare", zen), "tsa_sq_no").violation.given);
    const Answer nested = answer(promising, hardware_host("guest", with(zen, {"hypervisor_bit"})), "tsa_sq_no");
    REQUIRE(nested.named);
    CHECK_FALSE(nested.violation.known);
    CHECK_FALSE(nested.violation.given);
    CHECK_THAT(nested.violation.message, Contains("the dump is of a virtual machine"));
    CHECK_THAT(nested.violation.remedy, Contains("take one of its host"));
}

TEST_CASE("where it is not known whether hypervisors make a bit, the bit is not known", "[hypervisor_bits]") {
    const TableBuilder zen = amd(rome, {"rdpid"});  // on CPUs with it kernels make the bit
    const HostDump promising = two_views("promising", zen, with(zen, {"null_sel_clr_base"}));
    CHECK(answer(promising, hardware_host("bare", zen), "null_sel_clr_base").violation.given);
    const Answer unsure =
        answer(promising, hardware_host("bare", TableBuilder(zen).unknown(7, 0)), "null_sel_clr_base");
    REQUIRE(unsure.named);
    CHECK_FALSE(unsure.violation.known);
    CHECK_FALSE(unsure.violation.given);
    // A kernel in a virtual machine goes by the bit that its own hypervisor shows.
    const Answer nested = answer(promising, hardware_host("guest", with(zen, {"hypervisor_bit"})), "null_sel_clr_base");
    REQUIRE(nested.named);
    CHECK_FALSE(nested.violation.given);
    const Answer lost = answer(promising, hardware_host("bare", amd(rome, {})), "null_sel_clr_base");
    REQUIRE(lost.named);
    CHECK(lost.violation.known);
}

// K6 amd.c early_init_amd: on family 19h by a trial write of PRED_CMD.SBPB, on 17h always.
TEST_CASE("what kernels find out by trial is not known of the hardware alone", "[hypervisor_bits]") {
    const std::vector<std::string> zen{"amd_ibpb", "clzero"};
    check_given(amd(rome, zen), "ibpb_brtype");
    check_lost(amd(rome, zen), "sbpb");
    const TableBuilder zen3 = with(amd(vermeer, zen), {"invpcid"});
    check_unsure(zen3, "ibpb_brtype");
    check_unsure(zen3, "sbpb");
    // The microcode against TSA is newer than that against SRSO.
    for (const char* field : {"ibpb_brtype", "sbpb"}) {
        const auto given_with = [&](const std::string& microcode) {
            const HostDump updated = with_microcode(hardware_host("bare", zen3), microcode);
            return answer(two_views("promising", zen3, with(zen3, {field})), updated, field).violation.given;
        };
        CHECK(given_with("0xa20102e"));
        CHECK_FALSE(given_with("0xa20102d"));
    }
    // Where it is not known which of the two a host is.
    const TableBuilder either = amd(rome, zen);
    const HostDump promising = two_views("promising", either, with(either, {"ibpb_brtype"}));
    const Answer answer_of_silent =
        answer(promising, hardware_host("bare", TableBuilder(either).unknown(7, 0)), "ibpb_brtype");
    REQUIRE(answer_of_silent.named);
    CHECK_FALSE(answer_of_silent.violation.given);
}

TEST_CASE("what was asked for is not known of a host of which only the hardware is", "[hypervisor_bits]") {
    const TableBuilder counting = intel_table().row(0xA, 0, {0x07300402, 0, 0, 0x603});
    MergeOptions asked;
    asked.show = {"pmu"};
    const HostDump bare = hardware_host("bare", counting);
    const HostDump full = two_views("full", counting, counting);
    const Merged pool({bare, full}, asked);
    CHECK(pool.named_by("asked-of-hardware") == std::vector<std::string>{"bare"});
    const Finding* found = pool.finding("asked-of-hardware");
    REQUIRE(found != nullptr);
    CHECK(found->severity == Severity::warning);
    CHECK_THAT(found->message, Contains("--show (pmu)"));
    CHECK(Merged({full}, asked).finding("asked-of-hardware") == nullptr);
    CHECK(Merged({bare}).finding("asked-of-hardware") == nullptr);
    CHECK(Merged({hardware_host("without", intel_table())}, asked).finding("asked-of-hardware") == nullptr);
}

TEST_CASE("what only some hypervisors make counts as any unknown promise", "[hypervisor_bits]") {
    const TableBuilder haswell = with(intel_table(), {"spec_ctrl"});
    const Answer unsure = answer(two_views("promising", haswell, with(haswell, {"amd_ibpb", "ibpb_ret"})),
                                 hardware_host("bare", haswell), "ibpb_ret");
    REQUIRE(unsure.named);
    CHECK_FALSE(unsure.violation.known);
    CHECK_FALSE(unsure.violation.given);
    CHECK(unsure.outcome == Outcome::must_not_run);
    CHECK_THAT(unsure.violation.message, Contains("only some hypervisors give"));
    // With EIBRS, and without PBRSB_NO, none makes it.
    const TableBuilder ice = with(intel_table(0x000606A6), {"spec_ctrl", "arch_caps"});
    const auto eibrs = [&](const std::string& name) {
        return hardware_host(name, std::vector{ice}, msr_list(MsrList::value, 0x2));
    };
    const Answer lost =
        answer(with_hypervisor(eibrs("promising"), with(ice, {"amd_ibpb", "ibpb_ret"})), eibrs("bare"), "ibpb_ret");
    REQUIRE(lost.named);
    CHECK(lost.violation.known);
}

TEST_CASE("a policy promises nothing that it does not know, and says of whom it lacks the hypervisor's view",
          "[hypervisor_bits]") {
    const TableBuilder zen = amd(rome, {"amd_ibpb", "amd_ibrs"});
    const HostDump bare = hardware_host("bare", zen);
    const HostDump full = two_views("full", zen, with(zen, {"tsc_deadline", "spec_ctrl"}));
    const Merged pool({bare, full});
    CHECK(value_of(pool, "tsc_deadline") == 0);
    CHECK(value_of(pool, "spec_ctrl") == 0);
    CHECK(unknown_on(pool, "tsc_deadline") == Names{"bare"});
    CHECK(pool.because("tsc_deadline") == std::vector<std::string>{"bare"});
    CHECK(pool.named_by("no-hypervisor-view") == std::vector<std::string>{"bare"});
    CHECK_THAT(pool.finding("no-hypervisor-view")->message,
               Contains("tsc_deadline") && Contains("spec_ctrl") && Contains("/dev/kvm") && !Contains("svme_addr_chk"));
    CHECK(pool.finding("unknown-leaf") == nullptr);
    CHECK(Merged({full}).finding("no-hypervisor-view") == nullptr);
    CHECK(value_of(Merged({full}), "tsc_deadline") == 1);
    // Alike in what is unknown, they share one finding; the hardware's own bit is no unknown.
    const HostDump twin = hardware_host("twin", with(zen, {"popcnt"}));
    CHECK(Merged({bare, twin, full}).named_by("no-hypervisor-view") == std::vector<std::string>{"bare", "twin"});
    const Merged settled({hardware_host("settled", with(zen, {"tsc_deadline"}))});
    CHECK(value_of(settled, "tsc_deadline") == 1);
    CHECK_THAT(settled.finding("no-hypervisor-view")->message, !Contains("tsc_deadline"));
}

TEST_CASE("MSR bits that KVM sets are unknown with the MSR and without it", "[hypervisor_bits]") {
    const TableBuilder table = with(intel_table(), {"arch_caps"});
    const HostDump full = with_hypervisor(hardware_host("full", std::vector{table}, msr_list(MsrList::value, 0)), table,
                                          msr_list(MsrList::value, 0x40));
    for (const MsrList list : {MsrList::value, MsrList::none}) {
        const Answer given =
            answer(full, hardware_host("bare", std::vector{table}, msr_list(list, 0)), "ac_pschange_mc_no");
        REQUIRE(given.named);
        CHECK(given.violation.given);
    }
    const Merged absent({hardware_host("old", std::vector{intel_table()}, msr_list(MsrList::others, 0))});
    CHECK(absent.finding("msr-absent") == nullptr);
}

TEST_CASE("what the kernel keeps from guests of a CPU that has it is said, with the kernel", "[hypervisor_bits]") {
    const TableBuilder rich = with(intel_table(), {"erms", "sse3", "ssse3", "popcnt"});
    const TableBuilder poor = with(intel_table(), {"popcnt"});
    const HostDump old = with_kernel(two_views("old", rich, poor), "4.14.1");
    const Merged pool({old});
    const Finding* finding = pool.finding("hidden-by-hypervisor");
    REQUIRE(finding != nullptr);
    CHECK(finding->hosts.names == std::vector<std::string>{"old"});
    CHECK(finding->severity == Severity::warning);
    CHECK_THAT(finding->message, Contains("The CPU of old has 3 features that its kernel (4.14.1) does not offer"));
    CHECK_THAT(finding->message, Contains("sse3, ssse3, erms"));
    REQUIRE(pool.decision("erms") != nullptr);
    CHECK_THAT(
        pool.decision("erms")->reason,
        Contains("The CPU of old has it, its kernel (4.14.1) does not offer it.") && !Contains("Not every host"));
    CHECK(pool.decision("popcnt") == nullptr);
    CHECK(Merged({hardware_host("bare", rich)}).finding("hidden-by-hypervisor") == nullptr);
    // Hosts under one kernel share a finding, others do not; without a kernel's name it is the hypervisor.
    const HostDump twin = with_kernel(two_views("twin", rich, poor), "4.14.1");
    const HostDump other = with_kernel(two_views("other", rich, poor), "5.10.0");
    const HostDump nameless = two_views("nameless", rich, poor);
    const Merged many({old, twin, other, nameless});
    CHECK(count_findings(many, "hidden-by-hypervisor") == 3);
    CHECK_THAT(many.decision("erms")->reason, Contains("The CPU of old and twin has it, its kernel (4.14.1)") &&
                                                  Contains("The CPU of other has it, its kernel (5.10.0)") &&
                                                  Contains("The CPU of nameless has it, its hypervisor does not"));
    const Answer lost = answer(hardware_host("promising", rich), old, "erms");
    REQUIRE(lost.named);
    CHECK_THAT(lost.violation.remedy, Contains("The CPU has it, its kernel (4.14.1) does not offer it"));
}

TEST_CASE("that the kernel keeps back what is shown only when asked for is said where it was", "[hypervisor_bits]") {
    const HostDump host = two_views("host", with(amd_table(), {"svm"}), amd_table());
    CHECK(Merged({host}).finding("hidden-by-hypervisor") == nullptr);
    MergeOptions options;
    options.show = {"nested"};
    const Merged asked({host}, options);
    REQUIRE(asked.finding("hidden-by-hypervisor") != nullptr);
    CHECK_THAT(asked.finding("hidden-by-hypervisor")->message, Contains("has 1 feature that ") &&
                                                                   Contains("does not offer to guests: svm.") &&
                                                                   Contains("may offer it."));
}

TEST_CASE("neither what a VMM emulates nor what the model table takes away is kept from guests", "[hypervisor_bits]") {
    const TableBuilder table = intel_table();
    const Merged pool({two_views("host", TableBuilder(table).row(6, 0, {}), table)});
    CHECK(pool.finding("hidden-by-hypervisor") == nullptr);
    constexpr std::uint32_t milan = 0x00A00F11;
    const Merged claims({two_views("milan", amd(milan, {"tsa_sq_no"}), amd(milan, {}))});
    CHECK(claims.finding("hidden-by-hypervisor") == nullptr);
}

TEST_CASE("a remedy names microcode for what microcode brings, a kernel for what a kernel makes", "[hypervisor_bits]") {
    const auto remedy = [](const std::string& field, const HostDump& host) {
        return answer(hardware_host("promising", with(intel_table(), {"spec_ctrl", field})), host, field)
            .violation.remedy;
    };
    const HostDump bare = hardware_host("bare", intel_table());
    for (const char* field : {"spec_ctrl", "intel_stibp", "ssbd", "l1d_flush"}) {
        CAPTURE(field);
        CHECK_THAT(remedy(field, bare), Contains("microcode or kernel may bring"));
    }
    for (const char* field : {"smep", "smap", "umip", "popcnt", "erms"}) {
        CAPTURE(field);
        CHECK_THAT(remedy(field, bare), !Contains("microcode"));
    }
    CHECK_THAT(remedy("popcnt", bare), Contains("Keep the VM off this host") && !Contains("kernel"));
    CHECK_THAT(remedy("erms", bare), Contains("Nothing breaks") && !Contains("Keep the VM off"));
    // Of a host whose hardware was not dumped, nobody knows what its kernel keeps back.
    HostDump view;
    view.hypervisor = HypervisorView{"kvm", intel_table().table(), std::nullopt};
    CHECK_THAT(remedy("popcnt", with_digest(view, "view")), Contains("newer kernel") && !Contains("microcode"));
}

}  // namespace poolcpuid::test::hypervisor_bits_test
