// What people reported of CPUID and migration in public, a case each, in their words, and the answer that they should
// have had. A source is a repository and number, or a list or page with its date. Hosts are real ones of the same CPUs,
// or made with the registers that the report gives; where a report names only features, of these alone.

#include <algorithm>
#include <cstdint>
#include <fstream>
#include <iterator>
#include <string>
#include <utility>
#include <vector>

#include "poolcpuid/check.hpp"
#include "poolcpuid/error.hpp"
#include "tests/catch.hpp"
#include "tests/support/vmx_hosts.hpp"

namespace poolcpuid::test::reports_test {

namespace {

// Family, model and stepping (leaf 1 EAX).
constexpr std::uint32_t westmere_ep = 0x000206C2;
constexpr std::uint32_t ivy_bridge_ep = 0x000306E4;
constexpr std::uint32_t haswell_ep = 0x000306F2;
constexpr std::uint32_t broadwell_ep = 0x000406F1;
constexpr std::uint32_t skylake_sp = 0x00050654;
constexpr std::uint32_t cascade_lake = 0x00050657;
constexpr std::uint32_t sapphire_rapids = 0x000806F8;
constexpr std::uint32_t alder_lake = 0x00090672;
constexpr std::uint32_t matisse = 0x00870F10;
constexpr std::uint32_t rome = 0x00830F10;
constexpr std::uint32_t milan = 0x00A00F11;
constexpr std::uint32_t strix_point = 0x00B20F40;

constexpr std::uint32_t pcid = 1U << 17;         // leaf 1 ECX
constexpr std::uint32_t avx_state = 0x14000000;  // leaf 1 ECX: XSAVE, AVX
constexpr std::uint32_t ht = 1U << 28;           // leaf 1 EDX
constexpr std::uint32_t rdseed = 1U << 18;       // leaf 7 EBX
constexpr std::uint32_t waitpkg = 1U << 5;       // leaf 7 ECX
constexpr std::uint32_t md_clear = 1U << 10;     // leaf 7 EDX
constexpr std::uint32_t ibrs = 1U << 26;         // leaf 7 EDX
constexpr std::uint32_t stibp = 1U << 27;
constexpr std::uint32_t arch_caps = 1U << 29;

// A host of ../shared/cases: the input of a public report.
HostDump case_host(const std::string& name) {
    std::ifstream in(dump_directory() / ".." / "cases" / (name + ".json"), std::ios::binary);
    REQUIRE(in.good());
    const std::string bytes{std::istreambuf_iterator<char>(in), {}};
    return read_hosts(bytes, name).front();
}

HostDump instlatx64(const std::string& name) { return real_host("instlatx64/" + name); }
HostDump fingerprint(const std::string& name) { return real_host("firecracker/fingerprint_" + name + "host"); }

HostDump named(const std::string& name, HostDump host) {
    host.name = name;
    return host;
}

// The same host with another value of a register.
HostDump with_register(HostDump host, LeafKey key, Register reg, std::uint32_t value) {
    for (LogicalCpu& cpu : host.hardware->cpus) {
        for (CpuidRow& row : cpu.cpuid.rows) {
            if (row.key == key) row.value[reg] = value;
        }
    }
    std::string name = host.name;
    return with_digest(std::move(host), std::move(name));
}

// May a VM that was started on the one host alone go to the other?
Verdict move(const HostDump& from, const HostDump& to, const MergeOptions& options = {}) {
    return PolicyCheck(builtin_rulebook(), Merged({from}, options).policy).against(to);
}

Verdict move(const Merged& pool, const HostDump& to) {
    return PolicyCheck(builtin_rulebook(), pool.policy).against(to);
}

std::vector<std::string> fields_of(const Verdict& verdict, Breach breach) {
    std::vector<std::string> fields;
    for (const Violation& violation : verdict.violations) {
        if (violation.breach == breach) fields.push_back(violation.field);
    }
    return fields;
}

std::vector<std::string> lost(const Verdict& verdict) { return fields_of(verdict, Breach::lost); }
std::vector<std::string> not_told(const Verdict& verdict) { return fields_of(verdict, Breach::not_told); }

bool has(const std::vector<std::string>& fields, const std::string& field) {
    return std::find(fields.begin(), fields.end(), field) != fields.end();
}

bool has_all(const std::vector<std::string>& fields, const std::vector<std::string>& wanted) {
    return std::all_of(wanted.begin(), wanted.end(), [&](const std::string& field) { return has(fields, field); });
}

bool is_cheap(const Violation& violation) {
    return violation.impact == Impact::performance || violation.impact == Impact::cosmetic;
}

bool runs(const Verdict& verdict) { return verdict.violations.empty(); }

// It runs, and something there costs it.
bool runs_degraded(const Verdict& verdict) {
    return !runs(verdict) && std::all_of(verdict.violations.begin(), verdict.violations.end(), is_cheap);
}

// Something known that more than time is lost by.
bool must_not_run(const Verdict& verdict) {
    return std::any_of(verdict.violations.begin(), verdict.violations.end(),
                       [](const Violation& violation) { return violation.known && !is_cheap(violation); });
}

const Violation& about(const Verdict& verdict, const std::string& field) {
    const auto at = std::find_if(verdict.violations.begin(), verdict.violations.end(),
                                 [&](const Violation& violation) { return violation.field == field; });
    REQUIRE(at != verdict.violations.end());
    return *at;
}

MergeOptions hiding(const std::vector<std::string>& fields) {
    MergeOptions options;
    options.hide = fields;
    return options;
}

MergeOptions showing(const std::vector<std::string>& names) {
    MergeOptions options;
    options.show = names;
    return options;
}

// A CPU with AVX2 and what carries it.
TableBuilder with_avx(TableBuilder table) {
    return table
        .set(1, 0, ecx, avx_state | 0x02982203)  // to SSE4.2, AES and PCLMULQDQ
        .set(7, 0, ebx, 1U << 5)
        .row(0xD, 0, {7, 0x340, 0x340, 0})
        .row(0xD, 2, {0x100, 0x240, 0, 0});
}

}  // namespace

// OpenNebula/one#1688
TEST_CASE("one server with Ivy Bridge and a second with Westmere: live migration fails", "[reports]") {
    const HostDump ivy = instlatx64("GenuineIntel00306E4_IvyBridgeEP_CPUID");
    const HostDump westmere = instlatx64("GenuineIntel00206C1_Gulftown_CPUID");
    const Verdict there = move(ivy, westmere);
    CHECK(must_not_run(there));
    CHECK(has_all(lost(there), {"xsave", "avx", "f16c", "rdrand", "fsgsbase", "smep", "erms"}));
    const Merged pool({ivy, westmere});
    CHECK(runs(move(pool, ivy)));
    CHECK(runs(move(pool, westmere)));
}

// harvester/harvester#3015: Ryzen 7 5700G and 3700X, "missing features: erms,vaes,vpclmulqdq,fsrm"
TEST_CASE("I can live migrate VMs from the older Ryzen to the newer but not the other way around", "[reports]") {
    const TableBuilder older = with_avx(amd_table(matisse));
    const TableBuilder newer =
        TableBuilder(older).set(7, 0, ebx, 1U << 9).set(7, 0, ecx, 1U << 9 | 1U << 10).set(7, 0, edx, 1U << 4);
    const Verdict back = move(hardware_host("newer", newer), hardware_host("older", older));
    CHECK(must_not_run(back));
    CHECK(lost(back) == Names{"erms", "vaes", "vpclmulqdq", "fsrm"});
    CHECK(runs(move(hardware_host("older", older), hardware_host("newer", newer))));
}

// harvester/harvester#5603
TEST_CASE("a VM from Icelake cannot be live migrated to Cascadelake even if it does not use the features",
          "[reports]") {
    const HostDump ice_lake = fingerprint("INTEL_ICELAKE_6.1");
    const HostDump cascade = fingerprint("INTEL_CASCADELAKE_6.1");
    const Verdict there = move(ice_lake, cascade);
    CHECK(must_not_run(there));  // nobody knows what it does not use
    CHECK(has_all(lost(there), {"vaes", "gfni", "avx512_vbmi2", "la57"}));
    CHECK(runs(move(cascade, ice_lake)));
    const Merged pool({ice_lake, cascade});
    CHECK(runs(move(pool, ice_lake)));
    CHECK(runs(move(pool, cascade)));
}

// e2b-dev/infra#2927
TEST_CASE("newer Intel generations are backward compatible: restore Skylake snapshots on Emerald Rapids", "[reports]") {
    const HostDump skylake = instlatx64("GenuineIntel0050654_SkylakeXeon_20_CPUID");
    const HostDump emerald = instlatx64("GenuineIntel00C06F2_EmeraldRapids_03_CPUID");
    CHECK_FALSE(must_not_run(move(skylake, emerald)));
    // "so a sandbox paused on an n4 node can still be resumed on an n2 node": not one that was started there.
    const Verdict back = move(emerald, skylake);
    CHECK(must_not_run(back));
    CHECK(has_all(lost(back), {"gfni", "avx512_fp16", "amx_tile"}));
}

// cloud-hypervisor/cloud-hypervisor#8659
TEST_CASE("Granite Rapids to Sapphire Rapids might have worked before", "[reports]") {
    const Verdict there = move(instlatx64("GenuineIntel00A06D1_GraniteRapids_03_CPUID"),
                               instlatx64("GenuineIntel00806F8_SapphireRapids_06_CPUID"));
    CHECK(must_not_run(there));
    CHECK(about(there, "amx_fp16").place == BitPlace{false, 7, 1, 1, eax, 21, 21});
}

// cloud-hypervisor/cloud-hypervisor#8291, on EC2 c6a.metal, which is Milan
TEST_CASE("the guest hangs: PhysAddrSize is 43 and GuestPhysAddrSize is left at 48", "[reports]") {
    MergeOptions options;
    options.set = {{"maxphyaddr", "43"}};
    const Merged pool({instlatx64("AuthenticAMD0A00F11_K19_Milan_02_CPUID")}, options);
    const std::uint32_t widths = pool.reg(0x80000008, 0, eax);
    CHECK((widths & 0xFF) == 43);
    CHECK((widths >> 16) <= 43);
    CHECK(widths == 0x0000302B);
}

// cloud-hypervisor/cloud-hypervisor#8746
TEST_CASE("live upgrade fails on AMX capable runners since leaf 1Dh is compared though AMX is off", "[reports]") {
    const HostDump with_amx = instlatx64("GenuineIntel00806F8_SapphireRapids_06_CPUID");
    REQUIRE(Merged({with_amx}).reg(0x1D, 0, eax) == 1);
    const Merged off({with_amx}, hiding({"amx_tile"}));
    CHECK(off.row(0x1D, 0) == Registers{});
    CHECK(off.row(0x1D, 1) == Registers{});
    CHECK(off.row(0x1E, 0) == Registers{});
    CHECK(runs(move(off, with_amx)));
}

// cloud-hypervisor/cloud-hypervisor#5800
TEST_CASE("live migration failed with AMX feature enabled", "[reports]") {
    const HostDump sapphire = instlatx64("GenuineIntel00806F8_SapphireRapids_06_CPUID");
    const Merged alone({sapphire});
    CHECK((alone.reg(0xD, 0, eax) & 0x60000) == 0x60000);
    CHECK(alone.reg(0xD, 0, ecx) >= 0xB00 + 0x2000);
    CHECK(runs(move(alone, sapphire)));
    const Verdict there = move(alone, instlatx64("GenuineIntel00606A6_ICX_CPUID3"));
    CHECK(must_not_run(there));
    CHECK(has_all(lost(there), {"amx_tile", "xsave state tilecfg", "xsave state tiledata"}));
}

// bloomberg/chef-bcpc#2278
TEST_CASE("VMs whose host supports PKU but which do not see it can no longer migrate to the new kernel", "[reports]") {
    for (const char* cpu : {"INTEL_CASCADELAKE", "INTEL_ICELAKE"}) {
        CAPTURE(cpu);
        const Merged pool({fingerprint(cpu + std::string("_5.10"))}, hiding({"pku"}));
        CHECK(value_of(pool, "pku") == 0);
        CHECK((pool.reg(0xD, 0, eax) & 0x200) == 0);  // nor PKRU, which is what the new kernel refuses
        CHECK(runs(move(pool, fingerprint(cpu + std::string("_6.1")))));
    }
}

// autotest/tp-qemu#4485; qemu-devel, 2022-01
TEST_CASE("some Milan do not expose erms and fsrm: EPYC 7543 has neither and EPYC 7713 has both", "[reports]") {
    const HostDump both = case_host("c05-milan-erms");
    const HostDump without_erms = case_host("c05-milan-noerms-fsrm");
    const HostDump neither = with_register(without_erms, {7, 0}, edx, 0);
    CHECK(lost(move(both, without_erms)) == Names{"erms"});
    CHECK(lost(move(both, neither)) == Names{"erms", "fsrm"});
    CHECK(runs_degraded(move(both, without_erms)));
    CHECK(runs_degraded(move(both, neither)));
    CHECK(runs(move(neither, both)));
    const Merged pool({both, neither});
    CHECK(value_of(pool, "erms") == 0);
    CHECK(value_of(pool, "fsrm") == 0);
    // A guest with Linux before 6.5 that is shown FSRM without ERMS does not boot (commit 14e4ec9c3e91).
    CHECK(value_of(Merged({both, without_erms}), "fsrm") == 0);
    CHECK(value_of(Merged({both}), "fsrm") == 1);
}

// LKML, 2022-04, "x86/tsx: Move automatic disablement for TSX microcode deprecation"
TEST_CASE("guests with TSX features might not migrate to a host with the new microcode and kernel", "[reports]") {
    const HostDump tsx = case_host("c06-skl-tsx");
    // Where it always aborts the guest takes its other path; where it is gone XBEGIN faults.
    const Verdict aborting = move(tsx, case_host("c06-skl-abort"));
    CHECK(has_all(lost(aborting), {"rtm", "hle"}));
    CHECK(runs_degraded(aborting));
    CHECK_THAT(about(aborting, "rtm").remedy, Catch::Contains("Nothing breaks"));
    const Verdict off = move(tsx, case_host("c06-skl-off"));
    CHECK(must_not_run(off));
    CHECK_FALSE(is_cheap(about(off, "rtm")));
    CHECK_THAT(about(off, "rtm").remedy, Catch::Contains("Keep the VM off"));
    CHECK(is_cheap(about(off, "hle")));
}

// help.univention.com/t/16041, for updates of 2019-12-18
TEST_CASE("guest CPU does not match specification: missing features tsx and hle and rtm", "[reports]") {
    const HostDump on = case_host("c10-icx-tsx-on");
    const HostDump off = case_host("c10-icx-tsx-off");
    CHECK(has_all(lost(move(on, off)), {"hle", "rtm"}));
    // The way out: a policy that has neither. TAA_NO, which only the kernel with TSX shows, does not stand in the way.
    CHECK(runs(move(on, off, hiding({"rtm", "hle"}))));
    CHECK(value_of(Merged({on, off}), "rtm") == 0);
}

// mmooresystems.com, "Fixing XCP-ng Live Migration Failures": E5-2670 v3 and E5-2650 v2
TEST_CASE("CANNOT_EVACUATE_HOST: VM last booted on a CPU with features this host CPU does not have", "[reports]") {
    const HostDump hera = instlatx64("GenuineIntel00306F2_HaswellEP_04_CPUID");
    const HostDump zeus = instlatx64("GenuineIntel00306E4_IvyBridgeEP_CPUID");
    const Verdict evacuated = move(hera, zeus);
    CHECK(must_not_run(evacuated));
    CHECK(has_all(lost(evacuated), {"fma", "movbe", "bmi1", "avx2", "bmi2", "invpcid"}));
    const Merged pool({hera, zeus});
    CHECK(value_of(pool, "avx2") == 0);
    CHECK(value_of(pool, "avx") == 1);
    CHECK_FALSE(must_not_run(move(pool, hera)));
    CHECK_FALSE(must_not_run(move(pool, zeus)));
}

// vatesfr/xen-orchestra#126
TEST_CASE("VM last booted on a host which had a CPU from a different vendor", "[reports]") {
    const Verdict there = move(fingerprint("AMD_MILAN_6.1"), fingerprint("INTEL_ICELAKE_6.1"));
    CHECK(lost(there) == Names{"vendor"});
    CHECK(there.violations.size() == 1);
    CHECK(must_not_run(there));
}

// forum.proxmox.com, thread 68663, 2020-04-16: Xeon E5-2630 v4 and EPYC 7502
TEST_CASE("live migration between Intel Xeon and AMD Epyc2: no absolute yes or no", "[reports]") {
    const HostDump xeon = real_host("libvirt/x86_64-cpuid-Xeon-E5-2650-v4");
    const HostDump epyc = real_host("libvirt/x86_64-cpuid-EPYC-7502-32-Core");
    CHECK_THROWS_AS(Merged({xeon, epyc}), NoPolicyError);
    CHECK_THROWS_WITH(Merged({xeon, epyc}), Catch::StartsWith("mixed vendors"));
}

// 01.org, 2019-09-30, "Solving VM Live Migration Failure using CPU Feature Analysis"
TEST_CASE("Sandy Bridge to Broadwell is refused: unknown CPU feature monitor", "[reports]") {
    const HostDump old_one = real_host("libvirt/x86_64-cpuid-Xeon-E5-2650");
    const HostDump new_one = real_host("libvirt/x86_64-cpuid-Xeon-E5-2650-v4");
    const Verdict there = move(old_one, new_one);
    CHECK_FALSE(has(lost(there), "monitor"));  // KVM offers it to nobody, so no guest was promised it
    CHECK_FALSE(has(lost(there), "avx"));
    CHECK(value_of(Merged({old_one}), "monitor") == 0);
}

// VMware knowledge base 1034926: Westmere, "Host bits: 0000:0010:1001:1000:0010:0010:0000:0011"
TEST_CASE("vMotion fails between equal CPUs when AES and PCLMULQDQ are on in one BIOS and off in the other",
          "[reports]") {
    const HostDump on = hardware_host("on", intel_table(westmere_ep).reg(1, 0, ecx, 0x02982203));
    const HostDump off = hardware_host("off", intel_table(westmere_ep).reg(1, 0, ecx, 0x00982201));
    CHECK(runs(move(off, on)));  // which was refused, though nothing is lost
    const Verdict there = move(on, off);
    CHECK(lost(there) == Names{"pclmulqdq", "aes"});
    CHECK(must_not_run(there));
}

// blog.michaelfmcnamara.com, 2018-12; VMware knowledge base 52085
TEST_CASE("the exact same model and CPU cannot join the EVC cluster: its microcode is from before Spectre",
          "[reports]") {
    const TableBuilder before = intel_table(ivy_bridge_ep);
    const TableBuilder after = TableBuilder(before).set(7, 0, edx, ibrs | stibp);
    const HostDump unpatched = hardware_host("unpatched", before);
    const HostDump patched = hardware_host("patched", after);
    const Verdict there = move(patched, unpatched);
    CHECK(must_not_run(there));
    CHECK(lost(there) == Names{"spec_ctrl", "intel_stibp"});
    CHECK(runs(move(unpatched, patched)));
    CHECK(runs(move(Merged({patched, unpatched}), patched)));
}

// Red Hat bug 2079311; Linux a1020a25e697
TEST_CASE("migrating a VM from a host before XSAVE such as Nehalem to a host with XSAVE fails", "[reports]") {
    const HostDump nehalem = instlatx64("GenuineIntel00106A2_Nehalem-EP_CPUID");
    const Merged pool({nehalem});
    CHECK(value_of(pool, "xsave") == 0);
    CHECK(pool.row(0xD, 0) == Registers{});
    CHECK(runs(move(pool, instlatx64("GenuineIntel00306E4_IvyBridgeEP_CPUID"))));
}

// oVirt/ovirt-engine#459; Red Hat bug 2079267
TEST_CASE("secure CPU types expect md_clear of Westmere, for which no microcode was released", "[reports]") {
    const HostDump westmere = hardware_host("westmere", intel_table(westmere_ep).set(7, 0, edx, ibrs | stibp));
    const HostDump patched = hardware_host("patched", intel_table(haswell_ep).set(7, 0, edx, ibrs | stibp | md_clear));
    CHECK(value_of(Merged({westmere}), "md_clear") == 0);
    const Merged pool({westmere, patched});
    CHECK(value_of(pool, "md_clear") == 1);  // a guest that runs no VERW is open on the patched host as well
    CHECK(pool.named_by("verw-promise-lost", "md_clear") == Names{"westmere"});
    CHECK(about(move(patched, westmere), "md_clear").impact == Impact::security);
}

// speed47/spectre-meltdown-checker#288: Xeon Platinum 8175M, microcode 200005Eh
TEST_CASE("a VM says: clear CPU buffers attempted and no microcode, though the microcode is new enough", "[reports]") {
    const TableBuilder silicon = intel_table(skylake_sp).set(7, 0, edx, ibrs | stibp | md_clear);
    const TableBuilder hidden = TableBuilder(silicon).clear(7, 0, edx, md_clear);
    const HostDump host = with_microcode(with_hypervisor(hardware_host("host", silicon), hidden), "0x200005e");
    CHECK(value_of(Merged({host}), "md_clear") == 1);
    const Verdict at_home = move(host, host);
    CHECK(runs(at_home));
    CHECK(std::any_of(at_home.start_up.begin(), at_home.start_up.end(),
                      [](const StartUp& entry) { return entry.field == "md_clear"; }));
}

// firecracker-microvm/firecracker#4070
TEST_CASE("mmio_stale_data reports Vulnerable in guests of the template that hides FB_CLEAR", "[reports]") {
    for (const char* kernel : {"5.10", "6.1", "6.18"}) {
        CAPTURE(kernel);
        const Merged pool({fingerprint(std::string("INTEL_CASCADELAKE_") + kernel),
                           fingerprint(std::string("INTEL_ICELAKE_") + kernel)});
        CHECK(value_of(pool, "ac_fb_clear") == 1);
        CHECK(value_of(pool, "arch_caps") == 1);
        CHECK(pool.finding("verw-promise-lost", "ac_fb_clear") == nullptr);
    }
    // Nor is it hidden for a host that has not got it: that one is named.
    const Merged mixed({fingerprint("INTEL_CASCADELAKE_6.1"), real_host("libvirt/x86_64-cpuid-Xeon-Platinum-8268")});
    CHECK(value_of(mixed, "ac_fb_clear") == 1);
    CHECK(mixed.named_by("verw-promise-lost", "ac_fb_clear") == Names{"libvirt/x86_64-cpuid-Xeon-Platinum-8268"});
}

// qemus/qemu#813
TEST_CASE("disable arch_capabilities on AMD CPUs", "[reports]") {
    const TableBuilder silicon = amd_table(milan);
    const HostDump host =
        with_hypervisor(hardware_host("host", silicon), TableBuilder(silicon).set(7, 0, edx, arch_caps));
    const Merged pool({host});
    CHECK(pool.bit(7, 0, edx, 29) == 0);
    CHECK(pool.msr(arch_capabilities) == 0);
}

// KVM list, Jim Mattson, "heterogeneous migration pools" (spinics kvm/msg321031)
TEST_CASE("a VM that starts on Cascade Lake may set PSFD and Skylake will refuse IA32_SPEC_CTRL", "[reports]") {
    const HostDump skylake = hardware_host("skylake", intel_table(skylake_sp).set(7, 0, edx, ibrs | stibp));
    const HostDump cascade =
        hardware_host("cascade", intel_table(cascade_lake).row(7, 0, {2, 0, 0, ibrs | stibp}).row(7, 2, {0, 0, 0, 1}));
    REQUIRE(value_of(Merged({cascade}), "intel_psfd") == 1);
    CHECK(must_not_run(move(cascade, skylake)));
    CHECK(has(lost(move(cascade, skylake)), "intel_psfd"));
    CHECK(value_of(Merged({cascade, skylake}), "intel_psfd") == 0);
}

// LKML, Jim Mattson, 2018-01-29
TEST_CASE("for GCE you might be migrated to Skylake is pretty much a certainty", "[reports]") {
    const HostDump broadwell = with_microcode(
        hardware_host("broadwell", std::vector{intel_table(broadwell_ep).set(7, 0, edx, ibrs)}, std::vector<MsrRow>{}),
        "0xb000038");
    const HostDump skylake =
        hardware_host("skylake", std::vector{intel_table(skylake_sp).set(7, 0, edx, ibrs)}, std::vector<MsrRow>{});
    const Verdict there = move(broadwell, skylake);
    CHECK(has(not_told(there), "ac_rsba"));
    CHECK(must_not_run(there));
    const Merged pool({broadwell, skylake});
    CHECK(value_of(pool, "ac_rsba") == 1);
    CHECK(value_of(pool, "arch_caps") == 1);
    CHECK(runs(move(pool, broadwell)));
    CHECK(runs(move(pool, skylake)));
}

// FrameworkComputer/SoftwareFirmwareIssueTracker#186; stable list, 2025-11-03
TEST_CASE("RDSEED32 is broken: disabling the corresponding CPUID bit", "[reports]") {
    const auto strix = [](const std::string& microcode) {
        return with_microcode(hardware_host("strix", amd_table(strix_point).set(7, 0, ebx, rdseed)), microcode);
    };
    CHECK(value_of(Merged({strix("0xb20401b")}), "rdseed") == 0);
    CHECK(value_of(Merged({strix("0xb204037")}), "rdseed") == 1);
    const HostDump old_turin = case_host("c04-turin-old");
    const HostDump fixed_turin = case_host("c04-turin-fixed");
    CHECK(value_of(Merged({old_turin}), "rdseed") == 0);
    CHECK(value_of(Merged({fixed_turin}), "rdseed") == 1);
    CHECK(value_of(Merged({old_turin, fixed_turin}), "rdseed") == 0);
    CHECK(has(lost(move(fixed_turin, old_turin)), "rdseed"));
}

// openzfs/zfs#14557
TEST_CASE("Zen 2 registers roll back to previous values after a context switch: erratum 1386", "[reports]") {
    const TableBuilder rome_table = with_avx(amd_table(rome)).row(0xD, 1, {0xF, 0x340, 0, 0});
    const auto zen2 = [&](const std::string& microcode) {
        return with_microcode(hardware_host("rome-" + microcode, rome_table), microcode);
    };
    const Merged before({zen2("0x8301034")});
    CHECK(value_of(before, "xsaves") == 0);
    CHECK(value_of(before, "xsavec") == 1);  // which the erratum spares
    CHECK(value_of(before, "avx") == 1);
    CHECK(value_of(Merged({zen2("0x8301055")}), "xsaves") == 1);
    CHECK(value_of(Merged({zen2("0x8301034"), zen2("0x8301055")}), "xsaves") == 0);
}

// Linux bug 219009; deepin-community/kernel#939
TEST_CASE("Zen 4 client advertises virtualized VMLOAD and VMSAVE and the host randomly reboots", "[reports]") {
    const HostDump client = instlatx64("AuthenticAMD0A70F80_K19_Phoenix2_01_CPUID");
    const HostDump server = instlatx64("AuthenticAMD0A10F11_K19_Genoa_02_CPUID");
    CHECK(value_of(Merged({client}, showing({"nested"})), "vmsave_vmload") == 0);
    CHECK(value_of(Merged({server}, showing({"nested"})), "vmsave_vmload") == 1);
}

// Phoronix, 2023-05-21; Linux 6.4, "x86/mm: Avoid incomplete Global INVLPG flushes"
TEST_CASE("Linux disables PCID on Alder Lake and Raptor Lake due to an issue with INVLPG", "[reports]") {
    const TableBuilder silicon = intel_table(alder_lake).set(1, 0, ecx, pcid);
    const HostDump new_kernel = with_hypervisor(hardware_host("new-kernel", silicon), intel_table(alder_lake));
    const HostDump old_kernel = with_hypervisor(hardware_host("old-kernel", silicon), silicon);
    CHECK(value_of(Merged({new_kernel}), "pcid") == 0);
    const Merged running({hardware_host("before", intel_table(sapphire_rapids).set(1, 0, ecx, pcid))});
    REQUIRE(value_of(running, "pcid") == 1);
    const Violation violation = about(move(running, new_kernel), "pcid");
    CHECK(violation.known);
    CHECK_THAT(violation.remedy, Catch::Contains("The CPU has it"));
    CHECK(value_of(Merged({old_kernel, new_kernel}), "pcid") == 0);
}

// harvester/harvester#5755
TEST_CASE("live migration fails in an upgrade: guest CPU does not match specification: missing features waitpkg",
          "[reports]") {
    const TableBuilder silicon = intel_table(sapphire_rapids).set(7, 0, ecx, waitpkg);
    const HostDump before = with_hypervisor(hardware_host("before", silicon), silicon);
    const HostDump after = with_hypervisor(hardware_host("after", silicon), intel_table(sapphire_rapids));
    const Verdict there = move(before, after);
    CHECK(lost(there) == Names{"waitpkg"});
    CHECK(must_not_run(there));
    CHECK_THAT(about(there, "waitpkg").remedy, Catch::Contains("does not offer it"));
    CHECK(runs(move(Merged({before, after}), after)));
}

// harvester/harvester#11358
TEST_CASE("CPU does not match specification: missing features pdcm", "[reports]") {
    const HostDump with = hardware_host("with", intel_table(cascade_lake).set(1, 0, ecx, 1U << 15));
    const HostDump without = hardware_host("without", intel_table(cascade_lake));
    CHECK(value_of(Merged({with}), "pdcm") == 0);  // a guest without performance counters has no use for it
    CHECK(runs(move(with, without)));
    CHECK(runs(move(without, with)));
}

// kubevirt/kubevirt#12519
TEST_CASE("missing features vmx-rdrand-exit and vmx-vmfunc and vmx-rdseed-exit and vmx-posted-intr", "[reports]") {
    const HostDump source = as_kvm(instlatx64("GenuineIntel00C06F2_EmeraldRapids_03_CPUID"));
    VmxMsrs msrs = vmx_msrs_of(source);
    const auto without = [&](std::uint32_t index, std::initializer_list<unsigned> controls) {
        std::uint64_t value = msrs[index];
        for (const unsigned control : controls) value &= ~(std::uint64_t{1} << (half + control));
        return std::pair(index, value);
    };
    const HostDump target =
        named("target", with_vmx(source, {without(kvm_vmx::procbased2, {11, 13, 16}), without(kvm_vmx::pinbased, {7}),
                                          without(kvm_vmx::true_pinbased, {7})}));
    // A guest that starts no guests was promised none of them: "the same VM can run directly on the target node".
    CHECK(runs(move(source, target)));
    const Verdict nested = move(source, target, showing({"nested"}));
    CHECK(must_not_run(nested));
    CHECK(has_all(lost(nested), {"vmx_procbased2_rdrand_exit", "vmx_procbased2_rdseed_exit"}));
    CHECK(value_of(Merged({source, target}, showing({"nested"})), "vmx_procbased2_rdrand_exit") == 0);
}

// kubevirt/kubevirt#16386
TEST_CASE("operation failed: guest CPU does not match specification: extra features ht", "[reports]") {
    const HostDump with = hardware_host("with", intel_table(cascade_lake).set(1, 0, edx, ht));
    const HostDump without = hardware_host("without", intel_table(cascade_lake));
    CHECK(runs(move(with, without)));
    CHECK(runs(move(without, with)));
}

// kubevirt/kubevirt#7672
TEST_CASE("a VM that started on a node without a feature cannot go back after it was on a node that has it",
          "[reports]") {
    const HostDump node01 = hardware_host("node01", intel_table(haswell_ep));
    const HostDump node02 = hardware_host("node02", intel_table(haswell_ep).set(1, 0, ecx, pcid));
    CHECK(runs(move(node01, node02)));
    CHECK(runs(move(node01, node01)));  // the policy that it has goes with it
    CHECK(lost(move(node02, node01)) == Names{"pcid"});
}

// intel/pcm#407: Xeon Platinum 8352
TEST_CASE("no leaf 0 under cpuid function 11 on Ice Lake", "[reports]") {
    const Merged pool({fingerprint("INTEL_ICELAKE_6.1")});
    REQUIRE(value_of(pool, "x2apic") == 1);
    CHECK(pool.reg(0, 0, eax) >= 0xB);
    // Also where no leaf above has content.
    CHECK(Merged({instlatx64("GenuineIntel00106A2_Nehalem-EP_CPUID")}).reg(0, 0, eax) == 0xB);
    CHECK(std::any_of(pool.policy.owned.begin(), pool.policy.owned.end(),
                      [](const BitPlace& place) { return place.leaf == 0xB && place.subleaf_first == 0; }));
}

// KVM list, Jim Mattson, October 2023, "x86: KVM: Add feature flag for CPUID.80000021H:EAX[bit 1]"
TEST_CASE("if one host of the pool has non-serializing FS and GS base the guest must see it", "[reports]") {
    const HostDump old_one = instlatx64("AuthenticAMD0830F10_K17_Rome_CPUID");
    const HostDump new_one = instlatx64("AuthenticAMD0A10F11_K19_Genoa_02_CPUID");
    CHECK(value_of(Merged({old_one}), "fs_gs_base_ns") == 0);
    CHECK(value_of(Merged({old_one, new_one}), "fs_gs_base_ns") == 1);
    const Verdict there = move(old_one, new_one);
    CHECK(has(not_told(there), "fs_gs_base_ns"));
    CHECK(must_not_run(there));
}

// Red Hat solution 634853
TEST_CASE("host does not meet the minimum CPU level of the cluster: model_SandyBridge", "[reports]") {
    const HostDump sandy = instlatx64("GenuineIntel00206D5_SandyBridgeEP_CPUID");
    const HostDump westmere = instlatx64("GenuineIntel00206C1_Gulftown_CPUID");
    CHECK(must_not_run(move(sandy, westmere)));
    CHECK(has_all(lost(move(sandy, westmere)), {"xsave", "avx"}));
    // "if a cluster is set to Westmere, then any Sandy Bridge or Ivy Bridge may be added"
    CHECK(runs(move(westmere, sandy)));
    CHECK(runs(move(westmere, instlatx64("GenuineIntel00306E4_IvyBridgeEP_CPUID"))));
}

}  // namespace poolcpuid::test::reports_test
