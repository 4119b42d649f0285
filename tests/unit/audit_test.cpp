// What a guest's kernel believes under a policy, and whether that is true on each host. What Debian's kernels say is
// held against them in tests/e2e/audit_kernels; here it is what the belief is worth.

#include <algorithm>
#include <cstdint>
#include <string>
#include <vector>

#include "poolcpuid/audit.hpp"
#include "poolcpuid/error.hpp"
#include "poolcpuid/load_rulebook.hpp"
#include "tests/catch.hpp"
#include "tests/support/policy_fields.hpp"

namespace poolcpuid::test::audit_test {

using Catch::Contains;

namespace {

constexpr std::uint32_t haswell_ep = 0x000306F2;
constexpr std::uint32_t skylake = 0x00050654;
constexpr std::uint32_t cascade_lake = 0x00050657;
constexpr std::uint32_t alder_lake = 0x00090672;
constexpr std::uint32_t raptor_lake = 0x000B0671;
constexpr std::uint32_t ice_lake = 0x000606A6;
constexpr std::uint32_t naples = 0x00800F12;
constexpr std::uint32_t rome = 0x00830F10;
constexpr std::uint32_t milan = 0x00A00F11;
constexpr std::uint32_t turin = 0x00B00F21;

constexpr std::uint32_t rtm = 1U << 11;       // leaf 7 EBX
constexpr std::uint32_t md_clear = 1U << 10;  // leaf 7 EDX
constexpr std::uint32_t spec_ctrl = 1U << 26;
constexpr std::uint32_t l1d_flush = 1U << 28;
constexpr std::uint32_t arch_caps = 1U << 29;
constexpr std::uint32_t amd_ibpb = 1U << 12;     // leaf 80000008h EBX
constexpr std::uint32_t ibpb_brtype = 1U << 28;  // leaf 80000021h EAX
constexpr std::uint64_t eibrs = 0x2;             // MSR 10Ah
constexpr std::uint64_t mds_no = 0x20;
constexpr std::uint64_t tsx_ctrl = 0x80;
constexpr std::uint64_t taa_no = 0x100;
constexpr std::uint64_t fb_clear = 0x20000;
constexpr std::uint64_t fb_clear_ctrl = 0x40000;
constexpr std::uint64_t rfds_clear = 0x10000000;

HostDump intel(const std::string& name, std::uint32_t signature, std::uint32_t leaf7_ebx, std::uint32_t leaf7_edx) {
    const TableBuilder table = intel_table(signature).reg(7, 0, ebx, leaf7_ebx).reg(7, 0, edx, leaf7_edx);
    return hardware_host(name, std::vector{table}, std::vector<MsrRow>{});
}

HostDump with_caps(const std::string& name, std::uint32_t signature, std::uint64_t value, std::uint32_t leaf7_ebx = 0,
                   std::uint32_t leaf7_edx = 0) {
    const TableBuilder table = intel_table(signature).reg(7, 0, ebx, leaf7_ebx).reg(7, 0, edx, leaf7_edx | arch_caps);
    return hardware_host(name, std::vector{table}, msr_list(MsrList::value, value));
}

HostDump amd(const std::string& name, std::uint32_t signature, std::uint32_t leaf8_ebx = 0,
             std::uint32_t leaf21_eax = 0, std::uint32_t leaf21_ecx = 0) {
    const TableBuilder table = amd_table(signature)
                                   .reg(0x80000000, 0, eax, 0x80000028)
                                   .reg(0x80000008, 0, ebx, leaf8_ebx)
                                   .row(0x80000021, 0, {leaf21_eax, 0, leaf21_ecx, 0});
    return hardware_host(name, std::vector{table}, std::vector<MsrRow>{});
}

Audit audited(const PoolPolicy& policy, const std::vector<HostDump>& hosts, const AuditOptions& options = {}) {
    return audit_policy(builtin_rulebook(), policy, hosts, options);
}

// Of the policy of some hosts on these, or on others.
Audit audited(const std::vector<HostDump>& pool, const std::vector<HostDump>& hosts, const AuditOptions& options = {}) {
    return audited(Merged(pool).policy, hosts, options);
}

const AuditEntry& entry(const Audit& audit, const std::string& id) {
    const auto at = std::find_if(audit.entries.begin(), audit.entries.end(),
                                 [&](const AuditEntry& entry) { return entry.id == id; });
    if (at == audit.entries.end()) throw std::runtime_error("no vulnerability " + id);
    return *at;
}

std::string verdict(const Audit& audit, const std::string& id) {
    const AuditEntry& found = entry(audit, id);
    return found.verdict ? std::string(to_string(*found.verdict)) : "none";
}

// "falsely-safe: a, b; true: c".
std::string by_host(const Audit& audit, const std::string& id) {
    std::string text;
    for (const AuditHosts& group : entry(audit, id).hosts) {
        std::string names;
        for (const std::string& name : group.hosts) names += (names.empty() ? "" : ", ") + name;
        text += (text.empty() ? "" : "; ") + std::string(to_string(group.verdict)) + ": " + names;
    }
    return text;
}

// "identity, option": who could help.
std::string helpers(const Audit& audit, const std::string& id) {
    std::string text;
    for (const AuditAdvice& advice : entry(audit, id).advice) {
        text += (text.empty() ? "" : ", ") + std::string(to_string(advice.by));
    }
    return text;
}

std::string all_advice(const Audit& audit, const std::string& id) {
    std::string text;
    for (const AuditAdvice& advice : entry(audit, id).advice) text += advice.text + "\n";
    return text;
}

}  // namespace

TEST_CASE("a guest with an older CPU's family and model is falsely safe from what newer ones have", "[audit]") {
    // Linux holds family 19h for affected by TSA, and 17h not.
    const Audit audit = audited({amd("rome", rome), amd("milan", milan)}, {amd("rome", rome), amd("milan", milan)});
    CHECK(entry(audit, "tsa").says == "Not affected");
    CHECK(entry(audit, "tsa").belief == Belief::not_affected);
    CHECK(verdict(audit, "tsa") == "falsely-safe");
    CHECK(by_host(audit, "tsa") == "falsely-safe: milan; true: rome");
    CHECK(audit.is_falsely_safe());
    CHECK(helpers(audit, "tsa") == "identity");
    CHECK_THAT(all_advice(audit, "tsa"), Catch::Contains("merge --identity milan"));
}

TEST_CASE("a guest with that CPU's own family and model knows, whatever the microcode", "[audit]") {
    const Audit audit = audited({amd("milan", milan)}, {amd("milan", milan)});
    CHECK(entry(audit, "tsa").says == "Vulnerable: Clear CPU buffers attempted, no microcode");
    CHECK(verdict(audit, "tsa") == "vulnerable");
    CHECK_FALSE(audit.is_falsely_safe());
}

TEST_CASE("a mitigation is not true where its instruction scrubs nothing", "[audit]") {
    const std::vector<HostDump> hosts{intel("old", haswell_ep, 0, 0), intel("new", haswell_ep, 0, md_clear)};
    const Audit audit = audited(hosts, hosts);
    CHECK(entry(audit, "mds").says == "Mitigation: Clear CPU buffers; SMT Host state unknown");
    CHECK(by_host(audit, "mds") == "falsely-safe: old; true: new");
    const AuditHosts& old = entry(audit, "mds").hosts.front();
    CHECK(old.affected == Answer::yes);
    CHECK(old.effective == Answer::no);
    CHECK(helpers(audit, "mds") == "microcode");
    CHECK(entry(audit, "mds").advice.front().fields == Names{"md_clear"});
    CHECK(entry(audit, "mds").advice.front().hosts == Names{"old"});
}

TEST_CASE("VERW against TAA is in vain on a Cascade Lake without TSX_CTRL, whose pool cannot say so", "[audit]") {
    const HostDump mds = intel("mds", skylake, rtm, md_clear);
    const HostDump old = with_caps("old", cascade_lake, 0x2B, rtm, md_clear);
    const Audit audit = audited({mds, old}, {mds, old});
    CHECK(entry(audit, "tsx_async_abort").says == "Mitigation: Clear CPU buffers; SMT Host state unknown");
    CHECK(by_host(audit, "tsx_async_abort") == "falsely-safe: old; true: mds");
}

// kvm/vmx/vmx.c vmx_update_fb_clear_dis.
TEST_CASE("KVM turns VERW off for a guest that is not told of FB_CLEAR, on hosts free of MDS and TAA", "[audit]") {
    const HostDump old = intel("skylake", skylake, 0, md_clear | l1d_flush);
    const auto host = [](std::uint32_t signature, std::uint64_t caps, std::uint32_t leaf7_ebx = 0) {
        return with_caps("host", signature, caps, leaf7_ebx, md_clear | l1d_flush);
    };
    const auto on = [&](const HostDump& there) { return verdict(audited({old}, {old, there}), "mmio_stale_data"); };
    const HostDump controlled = host(ice_lake, mds_no | taa_no | fb_clear | fb_clear_ctrl);
    CHECK(on(host(ice_lake, mds_no | taa_no | fb_clear)) == "true");
    CHECK(on(controlled) == "falsely-safe");
    CHECK(on(host(ice_lake, mds_no | fb_clear | fb_clear_ctrl, rtm)) == "true");  // TAA
    CHECK(on(host(skylake, fb_clear | fb_clear_ctrl)) == "true");                 // MDS
    // Of a KVM that hides the control nobody knows.
    HostDump hidden =
        with_hypervisor(controlled, intel_table(ice_lake).reg(7, 0, edx, md_clear | l1d_flush | arch_caps),
                        msr_list(MsrList::value, mds_no | taa_no | fb_clear));
    CHECK(on(hidden) == "falsely-safe");
    hidden.hardware.reset();
    CHECK(on(hidden) == "unknown");
    // The guest of a pool with that host is told.
    CHECK(verdict(audited({old, controlled}, {old, controlled}), "mmio_stale_data") == "true");
    const Audit audit = audited({old}, {old, controlled});
    CHECK(helpers(audit, "mmio_stale_data") == "option");
    CHECK_THAT(all_advice(audit, "mmio_stale_data"),
               Catch::Contains("Tell the guest of ac_fb_clear") && Catch::Contains("has an effect there"));
}

TEST_CASE("a guest that would turn TSX off needs hosts on which it can", "[audit]") {
    const std::vector<HostDump> pool{with_caps("new", cascade_lake, mds_no | tsx_ctrl, rtm, md_clear)};
    const auto on = [&](const HostDump& host) { return verdict(audited(pool, {host}), "tsx_async_abort"); };
    REQUIRE(entry(audited(pool, pool), "tsx_async_abort").says == "Mitigation: TSX disabled");
    CHECK(on(pool.front()) == "true");
    CHECK(on(with_caps("old", cascade_lake, mds_no, rtm, md_clear)) == "falsely-safe");
    CHECK(on(with_caps("off", cascade_lake, mds_no, 0, md_clear)) == "needless");
}

// entry_64.S clear_bhb_loop, and "Make clear_bhb_loop() effective on newer CPUs" of linux-kernel.
TEST_CASE("the loop against branch history is too short for CPUs with a control of their own", "[audit]") {
    constexpr std::uint32_t bhi_ctrl = 1U << 4;  // leaf 7, subleaf 2, EDX
    const auto host = [&](const char* name, std::uint32_t signature, std::uint32_t controls) {
        const TableBuilder table =
            intel_table(signature).row(7, 0, {2, 0, 0, spec_ctrl | arch_caps}).row(7, 2, {0, 0, 0, controls});
        return hardware_host(name, std::vector{table}, msr_list(MsrList::value, eibrs));
    };
    const HostDump icx = host("icx", 0x000606A6, 0);
    const HostDump spr = host("spr", 0x000806F8, bhi_ctrl);
    const Audit mixed = audited({icx, spr}, {icx, spr});
    CHECK_THAT(entry(mixed, "spectre_v2").says, Catch::Contains("BHI: SW loop"));
    CHECK(by_host(mixed, "spectre_v2") == "falsely-safe: spr; true: icx");
    REQUIRE(entry(mixed, "spectre_v2").advice.size() == 1);
    CHECK(entry(mixed, "spectre_v2").advice.front().by == AuditAdvice::By::host);
    CHECK(entry(mixed, "spectre_v2").advice.front().fields.empty());  // nobody can bring BHI_NO to a CPU
    const Audit alone = audited({spr}, {spr});
    CHECK_THAT(entry(alone, "spectre_v2").says, Catch::Contains("BHI: BHI_DIS_S"));
    CHECK(by_host(alone, "spectre_v2") == "true: spr");
    // Wildcat Lake and Diamond Rapids, as the model table has them.
    const std::vector<HostDump> newest{icx, host("wcl", 0x000D0650, 0), host("dmr", 0x00400F10, 0)};
    CHECK(by_host(audited(newest, newest), "spectre_v2") == "falsely-safe: dmr, wcl; true: icx");
    // An older microcode or kernel hides the control; the history is as long.
    const HostDump hidden = host("hidden", 0x000806F8, 0);
    const Audit older = audited({hidden, spr}, {hidden, spr});
    CHECK(by_host(older, "spectre_v2") == "falsely-safe: hidden, spr");
    REQUIRE(entry(older, "spectre_v2").advice.size() == 1);
    CHECK(entry(older, "spectre_v2").advice.front().fields == Names{"bhi_ctrl"});
    CHECK(entry(older, "spectre_v2").advice.front().hosts == Names{"hidden"});
    // Its CPU has the control, and its kernel does not offer it.
    HostDump withheld = spr;
    withheld.hypervisor = HypervisorView{"kvm", hidden.first_table(), hidden.hardware->msrs};
    withheld = with_digest(withheld, "withheld");
    const Audit of_kernel = audited({withheld, spr}, {withheld, spr});
    CHECK(by_host(of_kernel, "spectre_v2") == "falsely-safe: spr, withheld");
    REQUIRE(entry(of_kernel, "spectre_v2").advice.size() == 1);
    CHECK(entry(of_kernel, "spectre_v2").advice.front().by == AuditAdvice::By::host);
    CHECK(entry(of_kernel, "spectre_v2").advice.front().hosts == Names{"withheld"});
    CHECK_THAT(all_advice(of_kernel, "spectre_v2"), Catch::Contains("its hypervisor does not offer it"));
    MergeOptions options;
    options.hide = {"bhi_ctrl"};
    const Audit by_option = audited(Merged({spr}, options).policy, {spr});
    CHECK(by_host(by_option, "spectre_v2") == "falsely-safe: spr");
    CHECK_THAT(all_advice(by_option, "spectre_v2"), Catch::Contains("bhi_ctrl is missing on none of these hosts"));
}

// bugs.c bhi_select_mitigation: a retpoline is none "unless the CPU has RRSBA behavior"; Xen's retpoline_calculations:
// under enhanced IBRS RSBA is called RRSBA, and without it the CPU has it.
TEST_CASE("a guest that is not told of enhanced IBRS is open where returns are predicted from elsewhere", "[audit]") {
    constexpr std::uint64_t rrsba = 0x80000;
    const HostDump haswell = intel("haswell", haswell_ep, 0, 0);
    const HostDump spr = with_caps("spr", 0x000806F8, eibrs | rrsba, 0, spec_ctrl);
    const Audit pool = audited({haswell, spr}, {haswell, spr});
    CHECK(entry(pool, "retbleed").says == "Vulnerable");
    CHECK(by_host(pool, "retbleed") == "vulnerable: spr; needless: haswell");
    CHECK_THAT(entry(pool, "spectre_v2").says, Catch::Contains("Mitigation: Retpolines"));
    CHECK_THAT(entry(pool, "spectre_v2").says, Catch::Contains("BHI: Retpoline"));
    CHECK(by_host(pool, "spectre_v2") == "falsely-safe: spr; true: haswell");
    // Haswell's guests see neither name.
    CHECK(by_host(audited({haswell}, {spr}), "retbleed") == "falsely-safe: spr");
    CHECK(by_host(audited({spr}, {spr}), "retbleed") == "true: spr");
}

// bugs.c retbleed_show_state.
TEST_CASE("a thread whose sibling runs others is open to retbleed, and who says so knows it", "[audit]") {
    const auto host = [](const char* name, std::uint32_t more_threads) {
        const TableBuilder table =
            amd_table(naples).reg(0x80000000, 0, eax, 0x8000001F).row(0x8000001E, 0, {0, more_threads << 8U, 0, 0});
        return hardware_host(name, std::vector{table}, std::vector<MsrRow>{});
    };
    const std::vector<HostDump> hosts{host("with", 1), host("without", 0)};
    const Audit alone = audited(hosts, hosts);
    CHECK(entry(alone, "retbleed").says == "Mitigation: untrained return thunk; SMT disabled");
    CHECK(by_host(alone, "retbleed") == "falsely-safe: with; true: without");
    const Audit threads = audited(Merged(hosts).policy, hosts, {.guest = {}, .assume = {"smt"}});
    CHECK(entry(threads, "retbleed").says == "Mitigation: untrained return thunk; SMT vulnerable");
    CHECK(entry(threads, "retbleed").belief == Belief::vulnerable);
    CHECK(by_host(threads, "retbleed") == "vulnerable: with, without");
}

TEST_CASE("a host without RTM is not affected by TAA, whatever its dump says of MSRs", "[audit]") {
    const HostDump host = hardware_host("a", intel_table(0x000A0655));
    CHECK(by_host(audited({host}, {host}), "tsx_async_abort") == "true: a");
}

TEST_CASE("speculative stores are held back by the switch that the guest was told of", "[audit]") {
    constexpr std::uint32_t amd_ssbd = 1U << 24;  // leaf 80000008h EBX
    constexpr std::uint32_t virt_ssbd = 1U << 25;
    const HostDump has = amd("has", milan, amd_ssbd);
    const HostDump other = amd("other", naples, virt_ssbd);
    CHECK(by_host(audited({has}, {has, other}), "spec_store_bypass") == "falsely-safe: other; true: has");
    CHECK(by_host(audited({other}, {other}), "spec_store_bypass") == "true: other");
    // K6 bugs.c x86_virt_spec_ctrl: with AMD_SSBD a host switches nothing by VIRT_SPEC_CTRL.
    const HostDump both = amd("both", rome, amd_ssbd | virt_ssbd);
    CHECK(by_host(audited({other}, {other, both}), "spec_store_bypass") == "falsely-safe: both; true: other");
}

// bugs.c srso_select_mitigation goes by the threads that the guest sees; Xen's srso_calculations: "in hardware".
TEST_CASE("a guest without SMT is not safe from SRSO on a Zen 2 whose SMT is on", "[audit]") {
    const auto host = [](const char* name, std::uint32_t more_threads) {
        const TableBuilder table = amd_table(rome)
                                       .reg(0x80000000, 0, eax, 0x80000028)
                                       .reg(0x80000008, 0, ebx, amd_ibpb)
                                       .row(0x8000001E, 0, {0, more_threads << 8U, 0, 0})
                                       .row(0x80000021, 0, {ibpb_brtype, 0, 0, 0});
        return hardware_host(name, std::vector{table}, std::vector<MsrRow>{});
    };
    const std::vector<HostDump> hosts{host("with", 1), host("without", 0)};
    const Audit audit = audited(hosts, hosts);
    CHECK(entry(audit, "spec_rstack_overflow").says == "Mitigation: SMT disabled");
    CHECK(by_host(audit, "spec_rstack_overflow") == "falsely-safe: with; true: without");
    REQUIRE(entry(audit, "spec_rstack_overflow").advice.size() == 1);
    CHECK_THAT(entry(audit, "spec_rstack_overflow").advice.front().text, Catch::Contains("--assume smt"));
    const Audit told = audited(Merged(hosts).policy, hosts, {.guest = {}, .assume = {"smt"}});
    CHECK(entry(told, "spec_rstack_overflow").says == "Mitigation: Safe RET");
    CHECK(by_host(told, "spec_rstack_overflow") == "true: with, without");
}

// bugs.c srso_select_mitigation: SRSO_USER_KERNEL_NO leaves what a guest's own guests do to it.
TEST_CASE("a guest with SVM needs the barrier against SRSO on Zen 5, and one without does not", "[audit]") {
    constexpr std::uint32_t srso_us_no = 1U << 30U;
    const TableBuilder table = amd_table(turin)
                                   .reg(0x80000000, 0, eax, 0x80000028)
                                   .set(0x80000001, 0, ecx, 0x4)
                                   .reg(0x80000008, 0, ebx, amd_ibpb)
                                   .row(0x8000000A, 0, {1, 8, 0, 1})
                                   .row(0x80000021, 0, {ibpb_brtype | srso_us_no, 0, 0, 0});
    const HostDump zen5 = hardware_host("zen5", std::vector{table}, std::vector<MsrRow>{});
    CHECK(verdict(audited({zen5}, {zen5}), "spec_rstack_overflow") == "needless");
    MergeOptions nested;
    nested.show = {"nested"};
    const Audit audit = audited(Merged({zen5}, nested).policy, {zen5});
    CHECK(entry(audit, "spec_rstack_overflow").says == "Mitigation: IBPB on VMEXIT only");
    CHECK(verdict(audit, "spec_rstack_overflow") == "true");
}

// Linux looks for GDS on the models of a list alone, and does nothing about it in a guest but say so.
TEST_CASE("of CPUs from which guests infer as much, one that has what they report lends its family and model",
          "[audit][identity]") {
    const std::vector<HostDump> hosts{intel("haswell", haswell_ep, 0, md_clear),
                                      intel("skylake", skylake, 0, md_clear)};
    CHECK((Merged(hosts).reg(1, 0, eax) & 0xFFFFFFF0U) == (skylake & 0xFFFFFFF0U));
}

TEST_CASE("who says vulnerable is never falsely safe, and is told which hosts lack what", "[audit]") {
    const std::vector<HostDump> hosts{intel("a", skylake, 0, 0), intel("b", skylake, 0, spec_ctrl)};
    const Audit audit = audited(hosts, hosts);
    CHECK(entry(audit, "retbleed").says == "Vulnerable");
    CHECK(by_host(audit, "retbleed") == "vulnerable: a, b");
    CHECK(entry(audit, "retbleed").advice.front().fields == Names{"spec_ctrl"});
    CHECK(entry(audit, "retbleed").advice.front().hosts == Names{"a"});
    CHECK_THAT(all_advice(audit, "retbleed"), Catch::Contains("\"Mitigation: IBRS\""));
}

TEST_CASE("nobody is told to bring a bit that is not for its CPU, and what a dump does not say it is asked",
          "[audit]") {
    const auto advice_of = [](const std::vector<HostDump>& hosts) {
        MergeOptions options;
        options.identity = "milan";
        const Audit audit = audited(Merged(hosts, options).policy, hosts);
        REQUIRE(entry(audit, "tsa").says == "Vulnerable: Clear CPU buffers attempted, no microcode");
        REQUIRE(entry(audit, "tsa").advice.size() == 1);
        return entry(audit, "tsa").advice.front();
    };
    // VERW_CLEAR comes with a microcode of Milan, which the dump does not name; Rome needs none.
    const AuditAdvice unknown = advice_of({amd("rome", rome), amd("milan", milan)});
    CHECK(unknown.by == AuditAdvice::By::dump);
    CHECK(unknown.hosts == Names{"milan"});
    CHECK_THAT(unknown.text, Catch::Contains("verw_clear is not known there"));
    const AuditAdvice old = advice_of({amd("rome", rome), with_microcode(amd("milan", milan), "0xa001100")});
    CHECK(old.by == AuditAdvice::By::microcode);
    CHECK(old.hosts == Names{"milan"});
    CHECK_THAT(old.text, Catch::Contains("verw_clear is missing there"));
}

TEST_CASE("what no host has is mitigated needlessly", "[audit]") {
    // Without ITS_NO every guest on Intel mitigates ITS; Haswell does not have it.
    const Audit audit = audited({intel("a", haswell_ep, 0, 0)}, {intel("a", haswell_ep, 0, 0)});
    CHECK(entry(audit, "indirect_target_selection").says == "Mitigation: Aligned branch/return thunks");
    CHECK(verdict(audit, "indirect_target_selection") == "needless");
    const Audit affected = audited({intel("b", cascade_lake, 0, 0)}, {intel("b", cascade_lake, 0, 0)});
    CHECK(verdict(affected, "indirect_target_selection") == "true");
}

TEST_CASE("a dump without MSRs leaves it open whether a belief is true", "[audit]") {
    const TableBuilder table = intel_table(alder_lake).reg(7, 0, edx, arch_caps);
    const HostDump silent = hardware_host("silent", std::vector{table});
    const HostDump clear = with_caps("clear", alder_lake, rfds_clear);
    const Audit audit = audited({clear}, {clear, silent});
    CHECK(entry(audit, "reg_file_data_sampling").says == "Mitigation: Clear Register File");
    CHECK(by_host(audit, "reg_file_data_sampling") == "unknown: silent; true: clear");
    CHECK(helpers(audit, "reg_file_data_sampling") == "dump");
    CHECK(verdict(audit, "reg_file_data_sampling") == "unknown");
}

TEST_CASE("a hypervisor's view without the MSR of immunities says nothing of what its CPU is immune to", "[audit]") {
    const auto view = [](const std::string& name, std::uint32_t signature) {
        HostDump host = hardware_host(name, std::vector<TableBuilder>{intel_table(signature)});
        host.hardware.reset();
        return with_hypervisor(host, intel_table(signature).reg(7, 0, ebx, rtm).reg(7, 0, edx, md_clear | l1d_flush),
                               std::vector<MsrRow>{});
    };
    // MDS does not affect a Cascade Lake, so that VERW may be in vain; it does a Haswell.
    const std::vector<HostDump> hosts{view("clx", cascade_lake), view("hsw", haswell_ep)};
    const Audit audit = audited({hosts[1]}, hosts);
    CHECK(by_host(audit, "tsx_async_abort") == "unknown: clx; true: hsw");
    CHECK(by_host(audit, "mmio_stale_data") == "unknown: clx; true: hsw");
}

// common.c: "the VMM may have disabled the use of GATHER by disabling AVX2".
TEST_CASE("a guest that is not told of AVX is safe from GDS, and one that is told and has no microcode is not",
          "[audit]") {
    const TableBuilder table = with(intel_table(skylake), {"xsave", "avx", "avx2"}).row(0xD, 0, {7, 0x340, 0x340, 0});
    const HostDump host = hardware_host("host", std::vector{table}, std::vector<MsrRow>{});
    MergeOptions hiding;
    hiding.hide = {"avx"};
    const Audit without = audited(Merged({host}, hiding).policy, {host});
    CHECK(entry(without, "gather_data_sampling").says == "Not affected");
    CHECK(by_host(without, "gather_data_sampling") == "true: host");
    const Audit told = audited({host}, {host});
    CHECK(by_host(told, "gather_data_sampling") == "vulnerable: host");
}

TEST_CASE("what the operator hid is on the hosts, and the advice sends nobody to their dumps", "[audit]") {
    const HostDump host = intel("host", 0x00050654, 0, spec_ctrl);
    MergeOptions hiding;
    hiding.hide = {"spec_ctrl"};
    const Audit audit = audited(Merged({host}, hiding).policy, {host});
    CHECK_THAT(all_advice(audit, "retbleed"),
               Catch::Contains("spec_ctrl is missing on none of these hosts") && Catch::Contains("--hide"));
}

TEST_CASE("a guest that is not told of RTM is safe from TAA where the host turns TSX off", "[audit]") {
    const std::vector<HostDump> pool{intel("haswell", haswell_ep, 0, md_clear)};
    const auto on = [&](std::uint64_t caps) {
        return verdict(audited(pool, {with_caps("host", cascade_lake, caps, rtm, md_clear)}), "tsx_async_abort");
    };
    CHECK(on(mds_no) == "falsely-safe");
    CHECK(on(mds_no | tsx_ctrl) == "true");
    // Skylake has MDS, for which the guest clears the same buffers.
    CHECK(verdict(audited(pool, {intel("host", skylake, rtm, md_clear)}), "tsx_async_abort") == "true");
}

TEST_CASE("what the family and model of a virtual machine say well of VERW is not known of its host", "[audit]") {
    const auto guest = [](const HostDump& host) {
        HostDump taken = host;
        taken.hardware->cpus.front().cpuid.rows[1].value.ecx |= 1U << 31;  // leaf 1
        return with_digest(taken, "guest");
    };
    REQUIRE(amd("milan", milan).hardware->cpus.front().cpuid.rows[1].key == LeafKey{1, 0});
    const HostDump patched = amd("milan", milan, 0, 1U << 5);
    const auto tsa_on = [&](const HostDump& host) { return verdict(audited({patched}, {host}), "tsa"); };
    CHECK(tsa_on(amd("naples", naples)) == "needless");
    CHECK(tsa_on(guest(amd("naples", naples))) == "unknown");
    const Audit audit = audited({patched}, {guest(amd("naples", naples))});
    CHECK_THAT(all_advice(audit, "tsa"), Catch::Contains("take dumps of their hosts"));
    // Of what VERW is not against the model is taken at its word.
    CHECK(verdict(audit, "meltdown") == "true");
    CHECK(verdict(audit, "mds") == "true");  // AMD has none of it
    const HostDump mds = intel("haswell", haswell_ep, 0, md_clear);
    const auto mds_on = [&](const HostDump& host) { return verdict(audited({mds}, {host}), "mds"); };
    CHECK(mds_on(guest(with_caps("clx", cascade_lake, mds_no))) == "needless");
    CHECK(mds_on(intel("spr", 0x000806F8, rtm, 0)) == "needless");
    CHECK(mds_on(guest(intel("spr", 0x000806F8, rtm, 0))) == "unknown");
    CHECK(mds_on(guest(intel("haswell", haswell_ep, 0, 0))) == "falsely-safe");  // bad news of the model stays
}

TEST_CASE("a return thunk of the other form protects nobody", "[audit]") {
    const std::uint32_t brtype = 1U << 28;
    const Merged pool({amd("naples", naples, amd_ibpb, brtype)});
    const std::vector<HostDump> hosts{amd("naples", naples, amd_ibpb, brtype), amd("milan", milan, amd_ibpb, brtype)};
    const Audit without = audited(pool.policy, hosts);
    CHECK(entry(without, "spec_rstack_overflow").says == "Mitigation: SMT disabled");
    CHECK(by_host(without, "spec_rstack_overflow") == "falsely-safe: milan; true: naples");
    const Audit with = audited(pool.policy, hosts, {"", {"smt"}});
    CHECK(entry(with, "spec_rstack_overflow").says == "Mitigation: Safe RET");
    CHECK(by_host(with, "spec_rstack_overflow") == "falsely-safe: milan; true: naples");
    CHECK(with.assumptions.front().holds);
}

TEST_CASE("no advice leads into another false belief, or it says so", "[audit]") {
    // Both are open to SRSO, and to Retbleed the older alone; the guest with its family is told of neither of the
    // newer's.
    const std::vector<HostDump> hosts{amd("rome", rome, amd_ibpb), amd("milan", milan, amd_ibpb)};
    const Audit audit = audited(hosts, hosts);
    CHECK(by_host(audit, "tsa") == "falsely-safe: milan; true: rome");
    CHECK_THAT(all_advice(audit, "tsa"), Catch::Contains("But then it is falsely safe from retbleed"));
    // With IBPB_BRTYPE it would believe in what does not help the newer.
    CHECK(verdict(audit, "spec_rstack_overflow") == "vulnerable");
    CHECK_THAT(all_advice(audit, "spec_rstack_overflow"), !Catch::Contains("ibpb_brtype"));
    // Where all are alike it helps.
    const std::vector<HostDump> alike{amd("rome", rome, amd_ibpb)};
    CHECK_THAT(all_advice(audited(alike, alike), "spec_rstack_overflow"), Catch::Contains("ibpb_brtype"));
}

TEST_CASE("an identity with which the guest does nothing any more is warned of where it is deceived already",
          "[audit]") {
    // Of Zen 1 with SMT the thunk protects half; a guest with Zen 3's family has none.
    const TableBuilder smt =
        amd_table(naples).reg(0x80000000, 0, eax, 0x80000028).row(0x8000001E, 0, {0, 1U << 8U, 0, 0});
    const std::vector<HostDump> hosts{hardware_host("naples", std::vector{smt}, std::vector<MsrRow>{}),
                                      amd("milan", milan)};
    const Audit audit = audited(hosts, hosts);
    REQUIRE(by_host(audit, "retbleed") == "falsely-safe: naples; needless: milan");
    REQUIRE(by_host(audit, "tsa") == "falsely-safe: milan; true: naples");
    CHECK_THAT(all_advice(audit, "tsa"), Contains("But then it is falsely safe from retbleed"));
    // Where the guest has that identity, no other helps the older host.
    const Audit other = audited({hosts.back()}, hosts);
    REQUIRE(by_host(other, "retbleed") == "falsely-safe: naples; true: milan");
    CHECK(all_advice(other, "retbleed") == "Leave them out of the pool: the guest does nothing there.\n");
}

TEST_CASE("an older kernel does not know what newer ones do, and the truth is the newest's", "[audit]") {
    const std::vector<HostDump> hosts{amd("turin", turin)};
    const Audit newest = audited(hosts, hosts);
    CHECK(newest.kernel.id == "linux-6.12");
    CHECK(verdict(newest, "spec_rstack_overflow") == "vulnerable");
    const Audit older = audited(hosts, hosts, {"linux-6.1", {}});
    CHECK(entry(older, "spec_rstack_overflow").says == "Not affected");
    CHECK(verdict(older, "spec_rstack_overflow") == "falsely-safe");
    CHECK_THAT(all_advice(older, "spec_rstack_overflow"), Catch::Contains("Linux 6.12"));
}

TEST_CASE("retpolines are not enough where returns are predicted from elsewhere", "[audit]") {
    // Haswell's policy, moved to Skylake, which has RSBA whatever its dump shows.
    const Audit audit = audited({intel("haswell", haswell_ep, 0, 0)}, {intel("skylake", skylake, 0, 0)});
    CHECK(verdict(audit, "retbleed") == "falsely-safe");
    CHECK(helpers(audit, "retbleed") == "option, identity");
}

TEST_CASE("enhanced IBRS is asked of the host as it words it", "[audit]") {
    const HostDump has = with_caps("has", cascade_lake, eibrs, 0, spec_ctrl);
    const Audit audit = audited({has}, {has, with_caps("has-not", cascade_lake, 0, 0, spec_ctrl)});
    CHECK_THAT(entry(audit, "spectre_v2").says, Catch::StartsWith("Mitigation: Enhanced / Automatic IBRS"));
    CHECK(by_host(audit, "spectre_v2") == "falsely-safe: has-not; true: has");
}

TEST_CASE("without hosts an audit says what is believed, and which hosts decided it", "[audit]") {
    const Merged pool({intel("old", haswell_ep, 0, 0), intel("new", haswell_ep, 0, md_clear)});
    const Audit audit = audited(pool.policy, {});
    CHECK(audit.hosts == 0);
    CHECK_FALSE(audit.is_falsely_safe());
    CHECK(verdict(audit, "mds") == "none");
    REQUIRE(entry(audit, "mds").decided.size() == 1);
    CHECK(entry(audit, "mds").decided.front().field == "md_clear");
    CHECK(entry(audit, "mds").decided.front().because.names == Names{"new"});
    CHECK_THAT(all_advice(audit, "retbleed"), !Catch::Contains("missing"));
}

TEST_CASE("an audit has every file of the kernel, in order, and does not mind the order of hosts", "[audit]") {
    const std::vector<HostDump> hosts{amd("rome", rome), amd("milan", milan)};
    const std::vector<HostDump> turned{hosts[1], hosts[0]};
    const Merged pool(hosts);
    const Audit audit = audited(pool.policy, hosts);
    CHECK(audit.entries.size() == 17);
    CHECK(std::is_sorted(audit.entries.begin(), audit.entries.end(),
                         [](const AuditEntry& a, const AuditEntry& b) { return a.id < b.id; }));
    for (const AuditEntry& entry : audit.entries) {
        INFO(entry.id);
        CHECK_FALSE(entry.name.empty());
        CHECK_FALSE(entry.says.empty());
        CHECK_FALSE(entry.source.empty());
    }
    CHECK(to_json(pool.policy, builtin_rulebook(), audit) ==
          to_json(pool.policy, builtin_rulebook(), audited(pool.policy, turned)));
}

TEST_CASE("what an audit cannot be asked is refused", "[audit]") {
    const Merged pool({amd("rome", rome)});
    CHECK_THROWS_AS(audited(pool.policy, {intel("other", haswell_ep, 0, 0)}), InputError);
    CHECK_THROWS_WITH(audited(pool.policy, {}, {"linux-2.4", {}}), Catch::Contains("it knows linux-6.1, linux-6.12"));
    CHECK_THROWS_WITH(audited(pool.policy, {}, {"", {"rain"}}), Catch::Contains("it knows smt, ignore_msrs"));
    std::vector<RulebookFile> files = read_rulebook_directory(POOLCPUID_SOURCE_DIR "/policy");
    std::erase_if(files, [](const RulebookFile& file) { return file.path.starts_with("guests/"); });
    const LoadResult without = load_rulebook(files);
    REQUIRE(without.findings.empty());
    CHECK_THROWS_AS(audit_policy(without.rulebook.view(), pool.policy, {}, {}), InputError);
}

TEST_CASE("a host that lags behind others of its model is to be updated, and not those that it keeps open to leave",
          "[audit]") {
    constexpr std::uint64_t rrsba = 0x80000;
    const HostDump late = intel("late", skylake, 0, 0);
    const HostDump good = intel("good", skylake, 0, spec_ctrl | md_clear);
    const HostDump newer = with_caps("newer", cascade_lake, mds_no | rrsba, 0, spec_ctrl | md_clear);
    const std::vector<HostDump> hosts{late, good, newer};
    const Audit audit = audited(hosts, hosts);
    REQUIRE(by_host(audit, "spectre_v2") == "falsely-safe: newer; true: good, late");
    REQUIRE(entry(audit, "spectre_v2").advice.size() == 1);
    const AuditAdvice& update = entry(audit, "spectre_v2").advice.front();
    CHECK(update.by == AuditAdvice::By::microcode);
    CHECK(update.hosts == Names{"late"});
    CHECK(update.fields == Names{"spec_ctrl"});
    CHECK_THAT(update.text, Contains("\"Mitigation: IBRS"));
    // As it says: the rules asked again with that host mended.
    const std::vector<HostDump> mended{intel("late", skylake, 0, spec_ctrl | md_clear), good, newer};
    CHECK(verdict(audited(mended, mended), "spectre_v2") == "true");
}

TEST_CASE("where none of its model shows that it could, both ways out are told", "[audit]") {
    constexpr std::uint64_t rrsba = 0x80000;
    const HostDump late = intel("late", skylake, 0, 0);
    const HostDump newer = with_caps("newer", cascade_lake, rrsba, 0, spec_ctrl);
    const Audit audit = audited({late, newer}, {late, newer});
    REQUIRE(by_host(audit, "spectre_v2") == "falsely-safe: newer; true: late");
    CHECK_THAT(all_advice(audit, "spectre_v2"),
               Contains("Leave them out of the pool") && Contains("Or mend or leave out late, without spec_ctrl"));
}

TEST_CASE("what one host lacks and its policy has for others counts among what an update brings", "[audit]") {
    const std::vector<HostDump> hosts{intel("late", skylake, 0, 0), intel("good", skylake, 0, md_clear | l1d_flush)};
    const Audit audit = audited(hosts, hosts);
    REQUIRE(verdict(audit, "mmio_stale_data") == "vulnerable");
    CHECK(entry(audit, "mmio_stale_data").advice.front().fields == Names{"l1d_flush", "md_clear"});
    CHECK(entry(audit, "mmio_stale_data").advice.front().hosts == Names{"late"});
}

TEST_CASE("no advice leaves out all hosts of a pool", "[audit]") {
    const TableBuilder table =
        amd_table(naples).reg(0x80000000, 0, eax, 0x8000001F).row(0x8000001E, 0, {0, 1U << 8U, 0, 0});
    const std::vector<HostDump> hosts{hardware_host("host", std::vector{table}, std::vector<MsrRow>{})};
    const Audit audit = audited(hosts, hosts);
    REQUIRE(by_host(audit, "retbleed") == "falsely-safe: host");
    CHECK_THAT(all_advice(audit, "retbleed"),
               !Contains("Leave them out") && Contains("--assume smt") && Contains("and knows that it is open"));
    const std::vector<HostDump> old{intel("old", haswell_ep, 0, 0)};
    const Audit of_other = audited({intel("new", haswell_ep, 0, md_clear)}, old);
    REQUIRE(by_host(of_other, "mds") == "falsely-safe: old");
    CHECK_THAT(all_advice(of_other, "mds"), Contains("md_clear is missing there") && !Contains("leave them out"));
}

TEST_CASE("a host whose dump does not say is to be captured again, beside those that are to be updated", "[audit]") {
    constexpr std::uint32_t clzero = 1U << 0;  // likewise; with both every hypervisor makes IBPB_BRTYPE
    const HostDump silent = amd("silent", milan, amd_ibpb | clzero);
    const HostDump lacking = with_hypervisor(amd("lacking", milan, amd_ibpb | clzero), amd_table(milan));
    const std::vector<HostDump> hosts{silent, lacking};
    const Audit audit = audited(hosts, hosts);
    REQUIRE(verdict(audit, "spec_rstack_overflow") == "vulnerable");
    REQUIRE(helpers(audit, "spec_rstack_overflow") == "microcode, dump");
    CHECK(entry(audit, "spec_rstack_overflow").advice[0].hosts == Names{"lacking"});
    CHECK(entry(audit, "spec_rstack_overflow").advice[1].hosts == Names{"silent"});
    CHECK_THAT(entry(audit, "spec_rstack_overflow").advice[1].text, Contains("capture the hosts again"));
}

TEST_CASE("microcode brings nothing to CPUs whose CPUID ends before it, or that are not affected", "[audit]") {
    const TableBuilder ends_early = intel_table(0x00000F34).reg(0, 0, eax, 5);
    const HostDump nocona = hardware_host("nocona", std::vector{ends_early}, std::vector<MsrRow>{});
    const std::vector<HostDump> hosts{nocona, intel("late", haswell_ep, 0, 0)};
    const Audit audit = audited(hosts, hosts);
    REQUIRE(verdict(audit, "spec_store_bypass") == "vulnerable");
    REQUIRE(helpers(audit, "spec_store_bypass") == "microcode, host");
    CHECK(entry(audit, "spec_store_bypass").advice[0].hosts == Names{"late"});
    CHECK(entry(audit, "spec_store_bypass").advice[1].hosts == Names{"nocona"});
    CHECK_THAT(entry(audit, "spec_store_bypass").advice[1].text, Contains("no microcode brings it to such CPUs"));
    // Haswell is not affected by retbleed, and got what helps there for another attack.
    const std::vector<HostDump> others{intel("haswell", haswell_ep, 0, 0), intel("skylake", skylake, 0, spec_ctrl)};
    const Audit other = audited(others, others);
    REQUIRE(verdict(other, "retbleed") == "vulnerable");
    CHECK(helpers(other, "retbleed") == "microcode");
    CHECK(entry(other, "retbleed").advice.front().hosts == Names{"haswell"});
    // A guest of the other host's policy is deceived on it.
    const Audit deceived = audited({intel("good", haswell_ep, 0, md_clear)}, {nocona});
    REQUIRE(verdict(deceived, "mds") == "falsely-safe");
    CHECK(helpers(deceived, "mds") == "host");
}

TEST_CASE("nobody waits for a microcode that is for CPUs with an immunity that this one lacks", "[audit]") {
    // TSX_CTRL came to CPUs that are immune to MDS; VERW scrubs on the others.
    const std::vector<HostDump> hosts{intel("skylake", skylake, rtm, 0)};
    const Audit audit = audited(hosts, hosts);
    REQUIRE(verdict(audit, "tsx_async_abort") == "vulnerable");
    CHECK(entry(audit, "tsx_async_abort").advice.front().fields == Names{"md_clear"});
    CHECK(helpers(audit, "tsx_async_abort") == "microcode");
    const std::vector<HostDump> newer{with_caps("cascade", cascade_lake, mds_no, rtm, md_clear)};
    CHECK(entry(audited(newer, newer), "tsx_async_abort").advice.front().fields == Names{"ac_tsx_ctrl"});
}

TEST_CASE("a microcode that tells the guest, or mends the host, comes before other pools", "[audit]") {
    // RFDS_CLEAR of one host is told to all guests.
    const auto with_alder_lake = [](std::uint64_t caps) {
        return std::vector<HostDump>{intel("haswell", haswell_ep, 0, spec_ctrl | md_clear),
                                     with_caps("alder", alder_lake, mds_no | caps, 0, spec_ctrl | md_clear)};
    };
    const Audit late = audited(with_alder_lake(0), with_alder_lake(0));
    REQUIRE(by_host(late, "reg_file_data_sampling") == "falsely-safe: alder; true: haswell");
    const AuditAdvice& update = entry(late, "reg_file_data_sampling").advice.front();
    CHECK(update.by == AuditAdvice::By::microcode);
    CHECK(update.fields == Names{"ac_rfds_clear"});
    CHECK(update.hosts == Names{"alder"});
    CHECK_THAT(update.text, Contains("\"Mitigation: Clear Register File\""));
    CHECK_THAT(all_advice(late, "reg_file_data_sampling"), !Contains("only other pools"));
    CHECK(verdict(audited(with_alder_lake(rfds_clear), with_alder_lake(rfds_clear)), "reg_file_data_sampling") ==
          "true");

    // TSX_CTRL turns TSX off on the host, whether or not the guest is told.
    const auto with_cascade_lake = [](std::uint64_t caps) {
        return std::vector<HostDump>{with_caps("cascade", cascade_lake, mds_no | caps, rtm, spec_ctrl | md_clear),
                                     with_caps("ice", ice_lake, mds_no | taa_no, 0, spec_ctrl | md_clear)};
    };
    const Audit open = audited(with_cascade_lake(0), with_cascade_lake(0));
    REQUIRE(by_host(open, "tsx_async_abort") == "falsely-safe: cascade; true: ice");
    REQUIRE(helpers(open, "tsx_async_abort") == "microcode");
    CHECK(entry(open, "tsx_async_abort").advice.front().fields == Names{"ac_tsx_ctrl"});
    CHECK(entry(open, "tsx_async_abort").advice.front().hosts == Names{"cascade"});
    CHECK(verdict(audited(with_cascade_lake(tsx_ctrl), with_cascade_lake(tsx_ctrl)), "tsx_async_abort") !=
          "falsely-safe");
}

TEST_CASE("on AMD's CPUs AMD's bit is missing, and not Intel's, which hypervisors make of it", "[audit]") {
    const std::vector<HostDump> zen{amd("zen", rome, amd_ibpb)};
    const Audit audit = audited(zen, zen, {"", {"smt"}});
    REQUIRE(verdict(audit, "retbleed") == "vulnerable");
    CHECK(entry(audit, "retbleed").advice.front().fields == Names{"amd_stibp"});
    CHECK(entry(audit, "spec_store_bypass").advice.front().fields == Names{"amd_ssbd"});
    const std::vector<HostDump> old{intel("old", haswell_ep, 0, 0)};
    CHECK(entry(audited(old, old), "spec_store_bypass").advice.front().fields == Names{"ssbd"});
}

TEST_CASE("where no host is affected no bit is missing", "[audit]") {
    // The guest is told of neither RFDS_NO nor RFDS_CLEAR.
    constexpr std::uint64_t rfds_no = 0x8000000;
    const std::vector<HostDump> hosts{with_caps("p", raptor_lake, rfds_no), with_caps("q", raptor_lake, 0)};
    const Audit audit = audited({hosts.back()}, {hosts.front()});
    REQUIRE(verdict(audit, "reg_file_data_sampling") == "needless");
    CHECK(all_advice(audit, "reg_file_data_sampling").empty());
}

TEST_CASE("what a merge of the hosts as they are now would settle is said first", "[audit]") {
    const auto host = [](const std::string& name, std::uint32_t leaf21_eax) {
        return with_microcode(amd(name, milan, amd_ibpb, leaf21_eax), leaf21_eax == 0 ? "0xa001173" : "0xa0011d1");
    };
    const std::vector<HostDump> before{host("a", 0), host("b", 0)};
    const std::vector<HostDump> now{host("a", ibpb_brtype), host("b", ibpb_brtype)};
    const PoolPolicy old = Merged(before).policy;
    const Audit audit = audited(old, now);
    REQUIRE(verdict(audit, "spec_rstack_overflow") == "vulnerable");
    REQUIRE(helpers(audit, "spec_rstack_overflow") == "option");
    const AuditAdvice& advice = entry(audit, "spec_rstack_overflow").advice.front();
    CHECK(advice.hosts == Names{"a", "b"});
    CHECK_THAT(advice.text, Contains("Merge these hosts again") && Contains("\"Mitigation: Safe RET\"."));

    // The hosts as they were: nothing new comes of a merge. Nor is one host of two the pool.
    const std::vector<std::vector<HostDump>> others{before, {now.front()}};
    for (const std::vector<HostDump>& hosts : others) {
        CHECK_THAT(all_advice(audited(old, hosts), "spec_rstack_overflow"), !Contains("Merge these hosts again"));
    }
}

TEST_CASE("of what a host's answer rests on it is said which the guest is told", "[audit]") {
    const TableBuilder table = with(intel_table(skylake), {"xsave", "avx", "avx2"}).row(0xD, 0, {7, 0x340, 0x340, 0});
    const HostDump host = hardware_host("host", std::vector{table}, std::vector<MsrRow>{});
    const Audit audit = audited({host}, {host});
    const std::vector<AuditGround>& grounds = entry(audit, "gather_data_sampling").hosts.at(0).grounds;
    CHECK(std::count(grounds.begin(), grounds.end(), AuditGround{"avx", true, Answer::yes, true}) == 1);
    CHECK(std::count_if(grounds.begin(), grounds.end(), [](const AuditGround& ground) { return !ground.is_told; }) > 0);
}

}  // namespace poolcpuid::test::audit_test
