// What silicon shows and must not promise: facts of the model table by microcode, what is unknown where the microcode
// is, and promises that two hosts word differently. Hosts are constructed; revisions are those of Linux 7.2 (amd.c
// fix_erratum_1386, zen5_rdseed_microcode; mm/init.c invlpg_miss_ids).

#include <algorithm>
#include <string>
#include <vector>

#include "poolcpuid/check.hpp"
#include "poolcpuid/floor.hpp"
#include "tests/catch.hpp"
#include "tests/support/policy_fields.hpp"

namespace poolcpuid::test::silicon_test {

using Catch::Contains;
using Catch::StartsWith;

namespace {

// Family, model and stepping (leaf 1 EAX).
constexpr std::uint32_t rome = 0x00830F10;
constexpr std::uint32_t naples = 0x00800F12;
constexpr std::uint32_t matisse = 0x00870F10;
constexpr std::uint32_t milan = 0x00A00F11;
constexpr std::uint32_t genoa = 0x00A10F11;
constexpr std::uint32_t raphael = 0x00A60F12;
constexpr std::uint32_t turin = 0x00B00F21;
constexpr std::uint32_t alder_lake = 0x00090672;
constexpr std::uint32_t haswell_ep = 0x000306F2;
constexpr std::uint32_t haswell_ex = 0x000306F4;
constexpr std::uint32_t skylake = 0x00050654;
constexpr std::uint32_t sapphire_rapids = 0x000806F8;
constexpr std::uint32_t broadwell_ep = 0x000406F1;
constexpr std::uint32_t kx_6000 = 0x000307B0;

constexpr std::uint32_t virtual_machine_bit = 1U << 31;  // leaf 1, ECX
constexpr std::uint32_t rdseed_bit = 1U << 18;           // leaf 7, EBX
constexpr std::uint32_t hle_bit = 1U << 4;
constexpr std::uint32_t rtm_bit = 1U << 11;
constexpr std::uint32_t always_abort_bit = 1U << 11;  // leaf 7, EDX
constexpr std::uint32_t spec_ctrl_bit = 1U << 26;
constexpr std::uint32_t arch_caps_bit = 1U << 29;
constexpr std::uint64_t tsx_ctrl_bit = 1U << 7;  // MSR 10Ah
constexpr std::uint64_t taa_no_bit = 1U << 8;

TableBuilder with_rdseed(std::uint32_t signature) { return amd_table(signature).reg(7, 0, ebx, rdseed_bit); }

TableBuilder with_xsaves(std::uint32_t signature) {
    return amd_table(signature).set(1, 0, ecx, 0x04000000).row(0xD, 0, {3, 0x240, 0x240, 0}).row(0xD, 1, {8, 0, 0, 0});
}

TableBuilder with_pcid(std::uint32_t signature) { return intel_table(signature).set(1, 0, ecx, 1U << 17); }

HostDump host(const std::string& name, const TableBuilder& table, const std::string& revision) {
    return with_microcode(hardware_host(name, table), revision);
}

// A field of the policy of one such host: "1", "0", or "?" where a finding says that the microcode decides.
std::string kept(const std::string& field, const TableBuilder& table, const std::string& revision) {
    const Merged pool({host("the-host", table, revision)});
    const Finding* unknown = pool.finding("microcode-unknown", field);
    if (unknown == nullptr) return std::to_string(value_of(pool, field));
    CHECK(value_of(pool, field) == 0);
    CHECK(unknown->severity == Severity::warning);
    CHECK(unknown->hosts.names == Names{"the-host"});
    CHECK_THAT(unknown->message, Contains("the-host") && Contains(field) && Contains("microcode"));
    return "?";
}

Verdict verdict(const Merged& pool, const HostDump& on) {
    return PolicyCheck(builtin_rulebook(), pool.policy).against(on);
}

// "rtm performance, hle performance": what breaks, and what that costs.
std::string costs(const Verdict& verdict) {
    std::string text;
    for (const Violation& v : verdict.violations)
        text += (text.empty() ? "" : ", ") + v.field + " " + std::string(to_string(v.impact));
    return text;
}

HostDump tsx_host(const std::string& name, std::uint32_t signature, std::uint32_t ebx_bits, std::uint32_t edx_bits,
                  std::uint64_t capabilities) {
    const TableBuilder table = intel_table(signature).reg(7, 0, ebx, ebx_bits).reg(7, 0, edx, edx_bits | arch_caps_bit);
    return hardware_host(name, std::vector{table}, std::vector<MsrRow>{{arch_capabilities, capabilities}});
}

}  // namespace

TEST_CASE("a feature that only newer microcode mends is promised with that microcode", "[silicon]") {
    struct Row {
        const char* field;
        TableBuilder table;
        const char* broken;
        const char* mended;
    };
    const std::vector<Row> rows{{"rdseed", with_rdseed(turin), "0xb002159", "0xb00215a"},
                                {"xsaves", with_xsaves(rome), "0x8301051", "0x8301052"},
                                {"pcid", with_pcid(alder_lake), "0x2d", "0x2e"}};
    for (const Row& row : rows) {
        CAPTURE(row.field);
        CHECK(kept(row.field, row.table, row.broken) == "0");
        CHECK(kept(row.field, row.table, row.mended) == "1");
        CHECK(kept(row.field, row.table, "") == "?");
        CHECK(kept(row.field, row.table, "0xffffffff") == "?");  // what hypervisors show for a revision
    }
    CHECK(kept("rdseed", with_rdseed(genoa), "") == "1");  // no erratum there, so no question
    CHECK(kept("xsaves", with_xsaves(milan), "") == "1");
    CHECK(kept("rdseed", amd_table(turin), "") == "0");  // the CPU has none anyway
}

// Intel ADL063, RPL042: "does not apply in VMX non-root operation". Linux takes PCID from such hosts, and so KVM does
// from guests (mm/init.c setup_pcid, from 6.4); older kernels do not.
TEST_CASE("a fault that guests do not meet takes nothing that the hypervisor gives", "[silicon]") {
    const auto alder = [](const TableBuilder& given, const std::string& revision) {
        const HostDump plain = host("alder", with_pcid(alder_lake), revision);
        return with_hypervisor(plain, given);
    };
    for (const char* revision : {"0x2d", "0x2e", ""}) {
        CAPTURE(revision);
        const Merged given({alder(with_pcid(alder_lake), revision)});
        CHECK(value_of(given, "pcid") == 1);
        CHECK(given.finding("microcode-unknown") == nullptr);
        CHECK(value_of(Merged({alder(intel_table(alder_lake), revision)}), "pcid") == 0);
    }
    const Merged given({alder(with_pcid(alder_lake), "0x2d")});
    CHECK(unknown_on(given, "pcid").empty());
    const auto breach_on = [&](const HostDump& on) {
        for (const Violation& v : verdict(given, on).violations) {
            if (v.field == "pcid") return std::string(v.known ? "lost" : "unknown");
        }
        return std::string("kept");
    };
    CHECK(breach_on(alder(with_pcid(alder_lake), "0x2c")) == "kept");
    CHECK(breach_on(alder(intel_table(alder_lake), "0x2d")) == "lost");
    CHECK(breach_on(host("hardware", with_pcid(alder_lake), "0x2d")) == "unknown");
    CHECK(breach_on(host("hardware", with_pcid(alder_lake), "")) == "unknown");
    CHECK(breach_on(host("hardware", with_pcid(alder_lake), "0x2e")) == "kept");
    CHECK(breach_on(host("hardware", intel_table(alder_lake), "0x2d")) == "lost");
    // A newer kernel takes it, too: it is nothing that one would offer.
    const Merged taken({alder(intel_table(alder_lake), "0x2d")});
    CHECK(taken.finding("hidden-by-hypervisor") == nullptr);
}

TEST_CASE("where the hardware alone was dumped, such a fault leaves open what guests get", "[silicon]") {
    const Merged pool({host("alder", with_pcid(alder_lake), "0x2d")});
    CHECK(value_of(pool, "pcid") == 0);
    CHECK(unknown_on(pool, "pcid") == Names{"alder"});
    CHECK(pool.finding("microcode-unknown") == nullptr);
    const auto& findings = pool.policy.findings;
    const auto told = std::count_if(findings.begin(), findings.end(), [](const Finding& finding) {
        return finding.code == "no-hypervisor-view" && finding.message.find("keep from guests") != std::string::npos &&
               finding.message.find(" pcid.") != std::string::npos;
    });
    CHECK(told == 1);
}

// K cpu/intel.c spectre_bad_microcodes: kernels withhold IBRS and STIBP of the microcodes of January 2018.
TEST_CASE("what a microcode has that was taken back is no promise, and nobody is taken to run it", "[silicon]") {
    struct Row {
        std::uint32_t signature;
        const char* bad;
        const char* good;
    };
    for (const Row& row : {Row{skylake, "0x200003c", "0x200003d"}, Row{0x00050653, "0x100013e", "0x100013f"},
                           Row{broadwell_ep, "0xb000025", "0xb000026"}, Row{haswell_ep, "0x3b", "0x3c"},
                           Row{haswell_ex, "0x10", "0x11"}}) {
        CAPTURE(row.signature);
        const TableBuilder table = intel_table(row.signature).reg(7, 0, edx, spec_ctrl_bit | 1U << 27);
        for (const char* field : {"spec_ctrl", "intel_stibp"}) {
            CHECK(kept(field, table, row.bad) == "0");
            CHECK(kept(field, table, row.good) == "1");
            CHECK(kept(field, table, "") == "1");
            CHECK(kept(field, table, "0xffffffff") == "1");
            // QEMU shows its guests revision 1.
            CHECK(kept(field, TableBuilder(table).set(1, 0, ecx, virtual_machine_bit), "0x1") == "1");
        }
    }
}

TEST_CASE("the revision that a hypervisor shows its guest is not the host's, however new it is", "[silicon]") {
    const TableBuilder guest = with_rdseed(turin).set(1, 0, ecx, virtual_machine_bit);
    for (const char* revision : {"", "0x1000065", "0xb002116", "0xb00215a"}) {
        CAPTURE(revision);
        CHECK(kept("rdseed", guest, revision) == "?");
        const Merged pool({host("the-host", guest, revision)});
        CHECK_THAT(pool.finding("microcode-unknown")->message,
                   Contains("virtual machine") && Contains("take one of its host.") && !Contains("Add the revision"));
    }
    const Merged pool({host("mended", with_rdseed(turin), "0xb00215a"), host("guest", guest, "0xb00215a"),
                       host("unsure", with_rdseed(turin), "")});
    const auto& findings = pool.policy.findings;
    CHECK(std::count_if(findings.begin(), findings.end(), [](const Finding& finding) {
              return finding.code == "microcode-unknown";
          }) == 2);  // what mends the dump of one does not mend that of the other
}

TEST_CASE("check asks for a dump of the host where a virtual machine hides the microcode", "[silicon]") {
    const Merged pool({host("mended", with_rdseed(turin), "0xb00215a")});
    const auto remedy = [&](const TableBuilder& table) {
        for (const Violation& v : verdict(pool, host("other", table, "")).violations) {
            if (v.field == "rdseed") return v.remedy;
        }
        return std::string();
    };
    CHECK_THAT(remedy(with_rdseed(turin)), StartsWith("Add the revision to the dump (poolcpuid capture, as root"));
    CHECK(remedy(with_rdseed(turin).set(1, 0, ecx, virtual_machine_bit)) ==
          "The dump is of a virtual machine, whose hypervisor makes up the revision: take one of its host, and check "
          "again.");
}

TEST_CASE("a microcode that is not known is asked for whatever a kernel shows", "[silicon]") {
    const HostDump plain = hardware_host("turin", with_rdseed(turin));
    const Merged pool({with_hypervisor(plain, with_rdseed(turin))});
    CHECK(value_of(pool, "rdseed") == 0);
    CHECK(pool.named_by("microcode-unknown", "rdseed") == Names{"turin"});
    CHECK(pool.finding("unknown-leaf") == nullptr);
    CHECK(unknown_on(pool, "rdseed") == Names{"turin"});
}

TEST_CASE("one host of unknown microcode takes the promise from the pool, and is not known to keep it", "[silicon]") {
    const HostDump mended = host("mended", with_rdseed(turin), "0xb00215a");
    const HostDump unsure = host("unsure", with_rdseed(turin), "");
    const HostDump broken = host("broken", with_rdseed(turin), "0xb002116");
    CHECK(value_of(Merged({mended, unsure}), "rdseed") == 0);
    CHECK(Merged({mended, unsure}).named_by("microcode-unknown", "rdseed") == Names{"unsure"});
    const Merged pool({mended});
    CHECK(verdict(pool, mended).violations.empty());
    const auto rdseed_of = [&](const HostDump& on) {
        for (const Violation& v : verdict(pool, on).violations) {
            if (v.field == "rdseed") return std::string(v.known ? "lost" : "unknown");
        }
        return std::string("kept");
    };
    CHECK(rdseed_of(unsure) == "unknown");
    CHECK(rdseed_of(broken) == "lost");
}

TEST_CASE("whether VERW scrubs is unknown, not denied, where the microcode is", "[silicon]") {
    const TableBuilder zen = amd_table(milan).reg(0x80000000, 0, eax, 0x80000021).row(0x80000021, 0, {});
    const HostDump patched = host("patched", zen, "0xa0011d7");
    const HostDump old = host("old", zen, "0xa0011d6");
    const HostDump unsure = host("unsure", zen, "");
    const Merged pool({patched});
    REQUIRE(value_of(pool, "verw_clear") == 1);
    const auto scrub_on = [&](const HostDump& on) {
        for (const Violation& v : verdict(pool, on).violations) {
            if (v.field == "verw_clear") return v.host;
        }
        return std::string("scrubs");
    };
    CHECK(scrub_on(old) == "VERW does not scrub");
    CHECK(scrub_on(unsure) == "unknown");
    CHECK(Merged({patched, unsure}).named_by("verw-promise-lost", "verw_clear") == Names{"unsure"});
    CHECK_THAT(Merged({patched, unsure}).finding("verw-promise-lost")->message, Contains("revision"));
}

TEST_CASE("RSBA cannot be ruled out where the microcode decides it and is not known", "[silicon]") {
    const auto broadwell = [](const std::string& revision) {
        return with_microcode(tsx_host("broadwell", broadwell_ep, 0, spec_ctrl_bit, 0x1), revision);
    };
    CHECK(value_of(Merged({broadwell("0xb000021")}), "ac_rsba") == 0);
    CHECK(value_of(Merged({broadwell("0xb000020")}), "ac_rsba") == 1);
    const Merged unsure({broadwell("")});
    CHECK(value_of(unsure, "ac_rsba") == 1);
    CHECK(unsure.named_by("microcode-unknown", "ac_rsba") == Names{"broadwell"});
}

// A VM called Haswell may run on a Skylake, whose returns are predicted from the BTB when the RSB is empty.
TEST_CASE("the model of a virtual machine rules out no bad behaviour of the silicon below", "[silicon]") {
    const auto in_guest = [](TableBuilder table) { return table.set(1, 0, ecx, virtual_machine_bit); };
    const TableBuilder haswell = intel_table(haswell_ep).reg(7, 0, edx, spec_ctrl_bit);
    CHECK(value_of(Merged({hardware_host("haswell", haswell)}), "ac_rsba") == 0);
    const Merged pool({hardware_host("guest", in_guest(haswell))});
    CHECK(value_of(pool, "ac_rsba") == 1);
    CHECK(unknown_on(pool, "ac_rsba") == Names{"guest"});
    CHECK_THAT(pool.finding("msr-absent")->message, Contains("take one of its host"));
    // One that it is known for by its model it has all the same.
    const TableBuilder of_skylake = intel_table(skylake).reg(7, 0, edx, spec_ctrl_bit);
    CHECK(value_of(Merged({hardware_host("guest", in_guest(of_skylake))}), "ac_rsba") == 1);
    // A dump that does not know leaf 80000021h.
    const TableBuilder cut = amd_table(naples).unknown(0x80000021, 0);
    CHECK(value_of(Merged({hardware_host("naples", cut)}), "fs_gs_base_ns") == 0);
    CHECK(value_of(Merged({hardware_host("guest", in_guest(cut))}), "fs_gs_base_ns") == 1);
}

TEST_CASE("what no microcode mends is never promised", "[silicon]") {
    CHECK(kept("xsaves", with_xsaves(matisse), "0x8701033") == "0");
    CHECK(kept("rdseed", with_rdseed(0x00840F70), "0x8407007") == "0");  // Cyan Skillfish
    CHECK(kept("rdseed", with_rdseed(0x00840F71), "0x8407107") == "1");
    CHECK(kept("rtm", intel_table(haswell_ep).reg(7, 0, ebx, rtm_bit | hle_bit), "0x46") == "0");
    CHECK(kept("hle", intel_table(haswell_ep).reg(7, 0, ebx, rtm_bit | hle_bit), "") == "0");
    CHECK(kept("rtm", intel_table(haswell_ex).reg(7, 0, ebx, rtm_bit | hle_bit), "") == "1");
    const auto with_lahf = [](std::uint32_t signature) { return amd_table(signature).set(0x80000001, 0, ecx, 1); };
    CHECK(kept("lahf_lm", with_lahf(0x00000F51), "") == "0");  // K8 revision B: AMD erratum 110
    CHECK(kept("lahf_lm", with_lahf(0x00010F30), "") == "0");  // model 13h
    CHECK(kept("lahf_lm", with_lahf(0x00010F40), "") == "1");  // revision D
    MergeOptions nested;
    nested.show = {"nested"};
    const auto svm = [](std::uint32_t signature) {
        TableBuilder table = amd_table(signature).set(0x80000001, 0, ecx, 0x4).reg(0x80000000, 0, eax, 0x8000000A);
        return hardware_host("svm", table.row(0x8000000A, 0, {1, 8, 0, 0x8001}));  // nested paging, VMSAVE and VMLOAD
    };
    CHECK(value_of(Merged({svm(genoa)}, nested), "vmsave_vmload") == 1);
    CHECK(value_of(Merged({svm(raphael)}, nested), "vmsave_vmload") == 0);
}

TEST_CASE("a guest's addresses are no wider than the CPU's", "[silicon]") {
    const HostDump plain = hardware_host("plain", amd_table(milan).reg(0x80000008, 0, eax, 0x00303030));
    MergeOptions narrow;
    narrow.set = {{"maxphyaddr", "43"}};
    CHECK(Merged({plain}, narrow).reg(0x80000008, 0, eax) == 0x0000302B);
    const HostDump beyond = hardware_host("beyond", amd_table(milan).reg(0x80000008, 0, eax, 0x0030302B));
    CHECK(Merged({beyond}).reg(0x80000008, 0, eax) == 0x0000302B);
    CHECK(Merged({beyond, plain}).reg(0x80000008, 0, eax) == 0x0000302B);
    const HostDump mapped = hardware_host("mapped", amd_table(milan).reg(0x80000008, 0, eax, 0x00303034));
    CHECK(Merged({mapped}).reg(0x80000008, 0, eax) == 0x00303034);         // 52 bits, of which nested paging maps 48
    CHECK(Merged({mapped, plain}).reg(0x80000008, 0, eax) == 0x00003030);  // as PhysAddrSize
    CHECK(verdict(Merged({plain}, narrow), beyond).violations.empty());
}

TEST_CASE("a CPU that names its widest unit only keeps the hints of the narrower ones", "[silicon]") {
    const auto hints = [](const std::string& name, std::uint32_t value) {
        return hardware_host(name, amd_table(genoa).reg(0x80000000, 0, eax, 0x8000001A).reg(0x8000001A, 0, eax, value));
    };
    struct Row {
        std::vector<std::uint32_t> hosts;
        std::uint32_t policy;
    };
    // FP128 and MOVU up to Zen 1, FP256 and MOVU from Zen 2 on, FP512 and MOVU on Zen 5; 2 is what KVM leaves of that.
    for (const Row& row : std::vector<Row>{{{3}, 3},
                                           {{6}, 6},
                                           {{0xA}, 0xA},
                                           {{6, 0xA}, 6},
                                           {{3, 6}, 3},
                                           {{3, 0xA}, 3},
                                           {{3, 6, 0xA}, 3},
                                           {{2, 6}, 2},
                                           {{0xA, 0xA}, 0xA}}) {
        std::vector<HostDump> hosts;
        for (std::size_t i = 0; i < row.hosts.size(); ++i) hosts.push_back(hints(std::to_string(i), row.hosts[i]));
        CAPTURE(row.hosts);
        CHECK(Merged(hosts).reg(0x8000001A, 0, eax) == row.policy);
    }
    CHECK(verdict(Merged({hints("genoa", 6)}), hints("turin", 0xA)).violations.empty());
    CHECK(costs(verdict(Merged({hints("turin", 0xA)}), hints("genoa", 6))) == "perf_hints performance");
    CHECK(Merged({hints("genoa", 6), hints("turin", 0xA)}).because("perf_hints") == Names{"genoa"});
    MergeOptions narrow;
    narrow.set = {{"perf_hints", "6"}};
    CHECK(Merged({hints("turin", 0xA)}, narrow).reg(0x8000001A, 0, eax) == 6);
}

TEST_CASE("no guest is promised SMM_CTL, whatever the host shows", "[silicon]") {
    for (const std::uint32_t shown : {0U, 1U << 9}) {
        const TableBuilder table =
            amd_table(milan).reg(0x80000000, 0, eax, 0x80000021).row(0x80000021, 0, {shown, 0, 0, 0});
        const Merged pool({hardware_host("milan", table)});
        CHECK(value_of(pool, "no_smm_ctl_msr") == 1);
        CHECK(verdict(pool, hardware_host("other", amd_table(milan))).violations.empty());
    }
    const Merged old({hardware_host("rome", amd_table(rome))});
    CHECK(value_of(old, "no_smm_ctl_msr") == 1);
    CHECK(old.reg(0x80000000, 0, eax) == 0x80000021);
    CHECK(Merged({hardware_host("intel", intel_table())}).reg(0x80000021, 0, eax) == 0);
}

TEST_CASE("RTM lost costs speed where transactions abort, and a fault where they are gone", "[silicon]") {
    const HostDump with = tsx_host("with", skylake, rtm_bit | hle_bit, 0, 0);
    const Merged pool({with});
    REQUIRE(value_of(pool, "rtm") == 1);
    CHECK(costs(verdict(pool, tsx_host("abort", skylake, 0, always_abort_bit, 0))) ==
          "hle performance, rtm performance");
    CHECK(costs(verdict(pool, tsx_host("off", skylake, 0, 0, 0))) == "hle performance, rtm crash");
    // KVM does not offer RTM_ALWAYS_ABORT; the silicon aborts all the same.
    const HostDump abort = tsx_host("abort", skylake, 0, always_abort_bit, 0);
    CHECK_THAT(costs(verdict(pool, with_hypervisor(abort, intel_table(skylake).reg(7, 0, edx, arch_caps_bit)))),
               Contains("hle performance, rtm performance"));
    // TSX_CTRL is there and RTM is not: the kernel has turned it off, and XBEGIN aborts.
    CHECK(costs(verdict(pool, tsx_host("tsx=off", skylake, 0, 0, tsx_ctrl_bit))) == "hle performance, rtm performance");
}

TEST_CASE("a host without RTM keeps TAA_NO, though KVM clears it there", "[silicon]") {
    const HostDump on = tsx_host("on", sapphire_rapids, rtm_bit | hle_bit, 0, tsx_ctrl_bit | taa_no_bit);
    const HostDump off = tsx_host("off", sapphire_rapids, 0, 0, tsx_ctrl_bit);
    MergeOptions hidden;
    hidden.hide = {"rtm", "hle"};
    CHECK(verdict(Merged({on}, hidden), off).violations.empty());
    CHECK(verdict(Merged({off}), on).violations.empty());
    const Merged both({on, off});
    CHECK(value_of(both, "rtm") == 0);
    CHECK(verdict(both, on).violations.empty());
    CHECK(verdict(both, off).violations.empty());
    // New VMs are not shown it: the KVM of off does not offer it, and with enforce=on QEMU would not start there.
    CHECK(value_of(both, "ac_taa_no") == 0);
    CHECK(both.because("ac_taa_no") == Names{"off"});
    CHECK_THAT(both.decision("ac_taa_no")->reason,
               Contains("A VM that brings it may run on off all the same, as rtm is not there."));
    CHECK(value_of(Merged({off}), "ac_taa_no") == 0);
    CHECK(Merged({off}).decision("ac_taa_no") == nullptr);
    const Verdict told = verdict(Merged({on}, hidden), off);
    CHECK(told.violations.empty());
    CHECK(
        std::any_of(told.start_up.begin(), told.start_up.end(), [](const auto& s) { return s.field == "ac_taa_no"; }));
    CHECK(Merged({on}).decision("ac_taa_no") == nullptr);
}

TEST_CASE("a host with RTM and without TAA_NO does not keep it, whatever the guest is shown", "[silicon]") {
    const HostDump on = tsx_host("on", sapphire_rapids, rtm_bit | hle_bit, 0, tsx_ctrl_bit | taa_no_bit);
    const HostDump bad = tsx_host("bad", sapphire_rapids, rtm_bit | hle_bit, 0, tsx_ctrl_bit);
    MergeOptions hidden;
    hidden.hide = {"rtm", "hle"};
    CHECK(costs(verdict(Merged({on}), bad)) == "ac_taa_no security");
    CHECK(costs(verdict(Merged({on}, hidden), bad)) == "ac_taa_no security");
    CHECK(value_of(Merged({bad}, hidden), "ac_taa_no") == 0);
    CHECK(value_of(Merged({on, bad}), "ac_taa_no") == 0);
    // Only the hypervisor hides RTM: instructions of the guest still reach it.
    const TableBuilder offered = intel_table(sapphire_rapids).reg(7, 0, edx, arch_caps_bit);
    const auto guests = [&](const HostDump& host) { return with_hypervisor(host, offered, host.hardware->msrs); };
    CHECK_THAT(costs(verdict(Merged({on}, hidden), guests(bad))), Contains("ac_taa_no security"));
    CHECK_THAT(costs(verdict(Merged({on}, hidden), guests(on))), !Contains("ac_taa_no"));
    // One CPU of two has RTM.
    const TableBuilder with = intel_table(sapphire_rapids).reg(7, 0, ebx, rtm_bit).reg(7, 0, edx, arch_caps_bit);
    const HostDump mixed =
        hardware_host("mixed", std::vector{offered, with}, std::vector<MsrRow>{{arch_capabilities, tsx_ctrl_bit}});
    CHECK(value_of(Merged({mixed}), "ac_taa_no") == 0);
}

TEST_CASE("TAA_NO is not kept where the MSR is not there or not known, nor for the word of a policy", "[silicon]") {
    const TableBuilder without_msr = intel_table(sapphire_rapids).reg(7, 0, edx, 0);
    CHECK(value_of(Merged({hardware_host("old", without_msr)}), "ac_taa_no") == 0);
    const HostDump silent = hardware_host("silent", intel_table(sapphire_rapids).reg(7, 0, edx, arch_caps_bit));
    CHECK(value_of(Merged({silent}), "ac_taa_no") == 0);
    // Leaf 7 is not known, so neither is RTM.
    const HostDump unsure = hardware_host("unsure", std::vector{intel_table(sapphire_rapids).unknown(7, 0)},
                                          std::vector<MsrRow>{{arch_capabilities, tsx_ctrl_bit}});
    CHECK(value_of(Merged({unsure}), "ac_taa_no") == 0);
    const HostDump off = tsx_host("off", sapphire_rapids, 0, 0, tsx_ctrl_bit);
    const HostDump on = tsx_host("on", sapphire_rapids, rtm_bit | hle_bit, 0, tsx_ctrl_bit | taa_no_bit);
    MergeOptions hidden;
    hidden.hide = {"rtm", "hle"};
    const PolicyCheck check(builtin_rulebook(), Merged({on}, hidden).policy);
    CHECK(costs(check.against(Merged({off}).policy)) == "ac_taa_no security");
}

// K kvm/cpuid.h guest_has_spec_ctrl_msr: AMD's bits give a guest the MSRs, too; newer kernels do not make the Intel
// one.
TEST_CASE("SPEC_CTRL lost costs no fault where AMD has its own bits for the MSRs", "[silicon]") {
    const std::vector<std::string> of_amd{"amd_ibpb", "amd_ibrs"};
    const auto guest = [&](const char* name, const std::vector<std::string>& ids) {
        return with_hypervisor(hardware_host(name, with(amd_table(milan), of_amd)), with(amd_table(milan), ids));
    };
    const Merged pool({guest("old", {"amd_ibpb", "amd_ibrs", "spec_ctrl"})});
    CHECK(costs(verdict(pool, guest("new", of_amd))) == "spec_ctrl security");
}

TEST_CASE("STIBP and SSBD stay without IBRS, under either vendor's name", "[silicon]") {
    constexpr std::uint32_t stibp_and_ssbd = 1U << 15 | 1U << 24;        // 80000008h EBX
    constexpr std::uint32_t hints_on_ibrs = 1U << 18 | 1U << 19;         // preferred, same mode
    constexpr std::uint32_t intel_stibp_and_ssbd = 1U << 27 | 1U << 31;  // leaf 7 EDX
    const Merged pool({hardware_host("matisse", amd_table(matisse)
                                                    .reg(0x80000008, 0, ebx, stibp_and_ssbd | hints_on_ibrs)
                                                    .reg(7, 0, edx, intel_stibp_and_ssbd))});
    CHECK(pool.reg(0x80000008, 0, ebx) == stibp_and_ssbd);
    CHECK(pool.reg(7, 0, edx) == intel_stibp_and_ssbd);
    const Merged intel({hardware_host("skylake", intel_table(skylake).reg(7, 0, edx, intel_stibp_and_ssbd))});
    CHECK((intel.reg(7, 0, edx) & ~arch_caps_bit) == intel_stibp_and_ssbd);
}

TEST_CASE("Zhaoxin's RSBA and RRSBA are never shown together", "[silicon]") {
    constexpr std::uint64_t eibrs = 0x2;
    constexpr std::uint64_t rsba = 0x4;
    constexpr std::uint64_t rrsba = 0x80000;
    const auto zhaoxin = [](const std::string& name, std::uint64_t value) {
        const TableBuilder table = base_table("  Shanghai  ", kx_6000).reg(7, 0, edx, arch_caps_bit | spec_ctrl_bit);
        return hardware_host(name, std::vector{table}, std::vector<MsrRow>{{arch_capabilities, value}});
    };
    struct Row {
        std::vector<std::uint64_t> hosts;
        std::uint64_t policy;
    };
    for (const Row& row : std::vector<Row>{{{0}, 0},
                                           {{eibrs}, eibrs},
                                           {{rsba}, rsba},
                                           {{eibrs | rrsba}, eibrs | rrsba},
                                           {{rsba, eibrs | rrsba}, rsba},
                                           {{eibrs, eibrs | rrsba}, eibrs | rrsba},
                                           {{rsba | rrsba | eibrs}, eibrs | rrsba},
                                           {{0, eibrs | rrsba}, rsba}}) {
        std::vector<HostDump> hosts;
        for (std::size_t i = 0; i < row.hosts.size(); ++i) hosts.push_back(zhaoxin(std::to_string(i), row.hosts[i]));
        CAPTURE(row.hosts);
        CHECK(Merged(hosts).msr(arch_capabilities) == row.policy);
    }
    // Without the MSR the model table settles it: no CPU of these vendors is known to hide RSBA.
    const Merged bare({hardware_host("bare", base_table("  Shanghai  ", kx_6000))});
    CHECK(bare.msr(arch_capabilities) == 0);
    CHECK(bare.finding("msr-absent") == nullptr);
}

TEST_CASE("whether the hosts of a policy without RTM keep TAA_NO it does not say, and its hosts do", "[silicon]") {
    const Merged on({tsx_host("on", sapphire_rapids, rtm_bit | hle_bit, 0, tsx_ctrl_bit | taa_no_bit)});
    const Merged off({tsx_host("off", sapphire_rapids, 0, 0, tsx_ctrl_bit)});
    const Verdict verdict = PolicyCheck(builtin_rulebook(), on.policy).against(off.policy);
    const auto taa = std::find_if(verdict.violations.begin(), verdict.violations.end(),
                                  [](const Violation& violation) { return violation.field == "ac_taa_no"; });
    REQUIRE(taa != verdict.violations.end());
    CHECK_FALSE(taa->known);
    CHECK_THAT(taa->message, Contains("the other pool's policy does not say whether its hosts keep that"));
    CHECK(verdict.outcome(UnknownIs::failure) == Outcome::must_not_run);
    CHECK(verdict.outcome(UnknownIs::warning) == Outcome::runs_degraded);
    // A floor is held against the hosts.
    const auto below = [&](const std::vector<HostDump>& hosts) {
        PoolState pool(builtin_rulebook());
        for (const HostDump& host : hosts) pool.add(host);
        std::string text;
        for (const FloorLoss& loss : below_floor(pool, on.policy, pool.finish({}))) {
            text += (text.empty() ? "" : ", ") + loss.field + ":";
            for (const std::string& name : loss.hosts.names) text += " " + name;
        }
        return text;
    };
    const HostDump without = tsx_host("off", sapphire_rapids, 0, 0, tsx_ctrl_bit);
    CHECK(below({without}) == "hle: off, rtm: off");
    CHECK(below({without, tsx_host("bad", sapphire_rapids, rtm_bit | hle_bit, 0, tsx_ctrl_bit)}) ==
          "hle: off, rtm: off, ac_taa_no: bad");
    // As a ceiling it takes the bit away, and nothing about it is unknown.
    MergeOptions ceiling;
    ceiling.ceiling_policy = off.policy;
    const Merged under({tsx_host("on", sapphire_rapids, rtm_bit | hle_bit, 0, tsx_ctrl_bit | taa_no_bit)}, ceiling);
    CHECK(value_of(under, "ac_taa_no") == 0);
    CHECK(under.because("ac_taa_no") == Names{"ceiling:pool"});
}

}  // namespace poolcpuid::test::silicon_test
