// The bits that ask a guest to run VERW (MD_CLEAR, FB_CLEAR, RFDS_CLEAR, VERW_CLEAR): shown as soon as one host has
// them, and an error for each host on which VERW does not scrub. "IL" and "FC" name the InstLatx64 dump or the
// Firecracker fingerprint that a value comes from; values without a source are constructed.

#include <algorithm>
#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "poolcpuid/check.hpp"
#include "poolcpuid/floor.hpp"
#include "tests/catch.hpp"
#include "tests/support/policy_fields.hpp"

namespace poolcpuid::test::guarded_test {

namespace {

// Family, model and stepping (leaf 1 EAX), and what the model table holds the silicon for immune to.
constexpr std::uint32_t ice_lake_sp = 0x000606A6;      // immune to MDS, not to MMIO
constexpr std::uint32_t haswell_ep = 0x000306F2;       // RFDS
constexpr std::uint32_t cascade_lake = 0x00050657;     // MDS, RFDS
constexpr std::uint32_t sapphire_rapids = 0x000806F8;  // MDS, TAA, MMIO, RFDS
constexpr std::uint32_t alder_lake = 0x00090672;       // MMIO
constexpr std::uint32_t raptor_lake = 0x000B0671;      // none
constexpr std::uint32_t rome = 0x00830F10;             // TSA
constexpr std::uint32_t milan = 0x00A00F11;            // not TSA
constexpr std::uint32_t genoa = 0x00A10F11;            // not TSA
constexpr std::uint32_t turin = 0x00B00F21;            // TSA

constexpr std::uint32_t rtm = 0x00000800;        // leaf 7 EBX
constexpr std::uint32_t md_clear = 0x00000400;   // leaf 7 EDX
constexpr std::uint32_t arch_caps = 0x20000000;  // leaf 7 EDX

// Of IA32_ARCH_CAPABILITIES.
constexpr std::uint64_t mds_no = 0x20;
constexpr std::uint64_t taa_no = 0x100;
constexpr std::uint64_t mmio_no = 0xE000;  // SBDR_SSDP_NO, FBSDP_NO, PSDP_NO
constexpr std::uint64_t psdp_no = 0x8000;
constexpr std::uint64_t fb_clear = 0x20000;
constexpr std::uint64_t rfds_clear = 0x10000000;

constexpr std::uint32_t verw_clear = 0x20;      // 80000021h EAX
constexpr std::uint32_t tsa_no = 0x6;           // 80000021h ECX: TSA_SQ_NO, TSA_L1_NO
constexpr std::uint32_t tsa_fill_no = 1U << 7;  // likewise

HostDump intel(const std::string& name, std::uint32_t signature, std::uint32_t leaf7_ebx, std::uint32_t leaf7_edx,
               MsrList list = MsrList::others, std::uint64_t value = 0) {
    const TableBuilder table = intel_table(signature).reg(7, 0, ebx, leaf7_ebx).reg(7, 0, edx, leaf7_edx);
    return hardware_host(name, std::vector{table}, msr_list(list, value));
}

// A host that has IA32_ARCH_CAPABILITIES.
HostDump with_caps(const std::string& name, std::uint32_t signature, std::uint64_t value, std::uint32_t leaf7_ebx = 0,
                   std::uint32_t leaf7_edx = 0) {
    return intel(name, signature, leaf7_ebx, leaf7_edx | arch_caps, MsrList::value, value);
}

// One that has it, and a dump that does not say what is in it.
HostDump silent(const std::string& name, std::uint32_t signature) {
    return intel(name, signature, 0, arch_caps, MsrList::none);
}

HostDump amd(const std::string& name, std::uint32_t signature, std::uint32_t extended_eax, std::uint32_t extended_ecx,
             const std::string& microcode = {}) {
    const TableBuilder table =
        amd_table(signature).reg(0x80000000, 0, eax, 0x80000028).row(0x80000021, 0, {extended_eax, 0, extended_ecx, 0});
    return with_microcode(hardware_host(name, std::vector{table}, std::vector<MsrRow>{}), microcode);
}

// Whether check does not know that VERW scrubs there.
bool unknown_scrub(const Merged& pool, const HostDump& on, const std::string& field) {
    const Verdict verdict = PolicyCheck(builtin_rulebook(), pool.policy).against(on);
    return std::any_of(verdict.violations.begin(), verdict.violations.end(),
                       [&](const Violation& v) { return v.field == field && !v.known; });
}

struct Row {
    std::string what;
    std::vector<HostDump> hosts;
    std::uint64_t bit;
    Names lost = {};     // hosts in the finding that VERW is not known to scrub there
    Names unknown = {};  // hosts whose value the decision calls unknown
};

void check_rows(const std::string& field, const std::vector<Row>& rows) {
    for (const Row& row : rows) {
        INFO(field << ": " << row.what);
        const Merged pool(row.hosts);
        CHECK(value_of(pool, field) == row.bit);
        CHECK(unknown_on(pool, field) == row.unknown);
        const Finding* lost = pool.finding("verw-promise-lost", field);
        CHECK((lost == nullptr ? Names{} : lost->hosts.names) == row.lost);
        if (lost != nullptr) CHECK(lost->severity == Severity::error);
        const Finding* silence = pool.finding("msrs-unknown");
        const bool named = silence != nullptr && silence->message.find(field) != std::string::npos;
        if (row.unknown.empty()) CHECK_FALSE(named);
    }
}

}  // namespace

TEST_CASE("MD_CLEAR is shown when a host has it, and names the hosts where VERW does not scrub", "[guarded]") {
    const HostDump patched = intel("patched", haswell_ep, 0, 0x9C000400);  // IL HaswellEP_04
    const HostDump open = intel("open", haswell_ep, 0x00003FBB, 0);        // IL HaswellEP
    const HostDump by_no = with_caps("by-no", haswell_ep, mds_no | taa_no, rtm);
    const HostDump by_no_without_tsx = with_caps("by-no", haswell_ep, mds_no);
    const HostDump half_no = with_caps("half-no", haswell_ep, mds_no, rtm);
    const HostDump by_model = intel("by-model", sapphire_rapids, rtm, 0);
    check_rows("md_clear", {
                               {"patched and patched", {patched, intel("b", cascade_lake, 0, md_clear)}, 1},
                               {"patched and immune by the NO bits", {patched, by_no}, 1},
                               {"patched and immune to MDS, without TSX", {patched, by_no_without_tsx}, 1},
                               {"patched and immune by its model", {patched, by_model}, 1},
                               {"patched and affected", {patched, open}, 1, {"open"}},
                               {"patched and open to TAA", {patched, half_no}, 1, {"half-no"}},
                               {"patched, affected and immune", {patched, open, by_model}, 1, {"open"}},
                               {"immune and immune", {by_no, by_model}, 0},
                               {"affected and affected", {open, intel("b", cascade_lake, rtm, 0)}, 0},
                               {"affected and immune", {open, by_model}, 0},
                               {"patched alone", {patched}, 1},
                               {"affected alone", {open}, 0},
                           });
}

// K bugs.c taa_select_mitigation: with MD_CLEAR and MDS_NO, VERW scrubs by the microcode that brought TSX_CTRL.
TEST_CASE("MD_CLEAR is in vain on a CPU that is immune to MDS alone and has no TSX_CTRL", "[guarded]") {
    constexpr std::uint64_t tsx_ctrl = 0x80;
    const HostDump skylake = intel("skylake", 0x00050654, rtm, md_clear);
    const HostDump old = with_caps("old", cascade_lake, 0x2B, rtm, md_clear);  // IL CascadeLakeSP_CPUID1
    const auto with = [](std::uint64_t more) { return with_caps("with", cascade_lake, 0x2B | more, rtm, md_clear); };
    check_rows("md_clear", {{"TAA, and VERW does nothing", {skylake, old}, 1, {"old"}},
                            {"alone", {old}, 1, {"old"}},
                            {"TSX_CTRL", {skylake, with(tsx_ctrl)}, 1},
                            {"no TAA", {skylake, with(taa_no)}, 1},
                            {"no TSX", {skylake, with_caps("off", cascade_lake, 0x2B, 0, md_clear)}, 1},
                            {"not known", {skylake, intel("silent", cascade_lake, rtm, md_clear | arch_caps)}, 1}});
}

TEST_CASE("immunity that a dump cannot say is no immunity", "[guarded]") {
    const HostDump patched = intel("patched", haswell_ep, 0, md_clear);
    const HostDump unsure = silent("unsure", haswell_ep);  // MD_CLEAR is 0, and MDS_NO is not known
    check_rows("md_clear", {{"patched and unsure", {patched, unsure}, 1, {"unsure"}},
                            {"unsure alone: the bit itself is known", {unsure}, 0}});
    const Merged pool({patched, unsure});
    const Finding* lost = pool.finding("verw-promise-lost", "md_clear");
    REQUIRE(lost != nullptr);
    CHECK(lost->message.find("neither the bit nor immunity") != std::string::npos);
    const Merged both({patched, unsure, intel("open", haswell_ep, 0, 0)});
    CHECK_THAT(both.finding("verw-promise-lost", "md_clear")->message,
               Catch::Contains("open is affected and without the microcode; of unsure the dump shows neither"));
}

TEST_CASE("MD_CLEAR is set where the dump does not say it", "[guarded]") {
    const auto without_leaf_7 = [](const std::string& name, std::uint32_t signature) {
        return hardware_host(name, std::vector{intel_table(signature).unknown(7, 0)}, std::vector<MsrRow>{});
    };
    const Merged pool({without_leaf_7("a", haswell_ep)});
    CHECK(value_of(pool, "md_clear") == 1);
    CHECK(unknown_on(pool, "md_clear") == Names{"a"});
    CHECK(pool.named_by("unknown-leaf") == Names{"a"});
    const Finding* lost = pool.finding("verw-promise-lost", "md_clear");
    REQUIRE(lost != nullptr);
    CHECK(lost->hosts.names == Names{"a"});
    CHECK(lost->message.find("because another host has it") == std::string::npos);
    // What the dump leaves open the model settles.
    const Merged immune({without_leaf_7("a", sapphire_rapids)});
    CHECK(value_of(immune, "md_clear") == 0);
    CHECK(unknown_on(immune, "md_clear").empty());
    CHECK(immune.finding("verw-promise-lost", "md_clear") == nullptr);
}

TEST_CASE("FB_CLEAR is shown when a host has it, and names the hosts where VERW does not scrub", "[guarded]") {
    const HostDump patched = with_caps("patched", cascade_lake, 0xC0AA0EB, 0xD19F67EB, 0xAC000400);  // FC CASCADELAKE
    const HostDump open = with_caps("open", cascade_lake, 0x2B, 0xD19FFFFB, 0xBC000400);  // libvirt Platinum-8268
    const HostDump no_msr = intel("no-msr", haswell_ep, 0, 0x9C000400);                   // IL HaswellEP_04
    const HostDump no_flush = intel("no-flush", haswell_ep, 0, md_clear);
    const HostDump mds_and_flush = with_caps("mds-and-flush", cascade_lake, 0, rtm, 0x9C000400);
    const HostDump by_no = with_caps("by-no", cascade_lake, mds_no | taa_no | mmio_no, rtm);
    const HostDump by_no_without_tsx = with_caps("by-no", cascade_lake, mds_no | mmio_no);
    const HostDump half_no = with_caps("half-no", cascade_lake, mds_no | mmio_no, rtm);
    const HostDump less_no = with_caps("less-no", cascade_lake, mds_no | taa_no | (mmio_no & ~psdp_no));
    const HostDump by_model = with_caps("by-model", sapphire_rapids, 0x2B);
    check_rows("ac_fb_clear",
               {
                   {"patched and patched", {patched, with_caps("b", 0x000606A6, 0xC02A0EB)}, 1},  // FC ICELAKE
                   {"patched and immune by the NO bits", {patched, by_no}, 1},
                   {"patched and immune, TAA_NO being off with TSX", {patched, by_no_without_tsx}, 1},
                   {"patched and immune by its model", {patched, by_model}, 1},
                   {"patched and affected", {patched, open}, 1, {"open"}},
                   {"patched and affected, which MD_CLEAR and L1D_FLUSH say alike", {patched, no_msr}, 1},
                   {"patched and affected, without L1D_FLUSH", {patched, no_flush}, 1, {"no-flush"}},
                   {"patched and affected by MDS alone, MD_CLEAR being for that", {patched, mds_and_flush}, 1},
                   {"patched and open to TAA", {patched, half_no}, 1, {"half-no"}},
                   {"patched and open to one of the three", {patched, less_no}, 1, {"less-no"}},
                   {"immune and immune", {by_no, by_model}, 0},
                   {"said alike, where another is open: it is told all the same", {open, no_msr}, 0, {"open"}},
                   {"said alike and immune", {by_no, no_msr}, 0},
                   {"said alike on both", {no_msr, mds_and_flush}, 0},
                   {"L1D_FLUSH is on one: nobody is told", {open, no_flush}, 0},
                   {"affected alone", {open}, 0},
                   {"unknown alone", {silent("a", cascade_lake)}, 1, {}, {"a"}},
                   {"unknown and patched", {silent("a", cascade_lake), patched}, 1, {}, {"a"}},
                   {"unknown and affected", {silent("a", cascade_lake), open}, 1, {"open"}, {"a"}},
                   {"unknown and immune", {silent("a", cascade_lake), by_no}, 1, {}, {"a"}},
                   {"unknown but immune by its model", {silent("a", sapphire_rapids)}, 0},
                   {"unknown but immune by its model, and patched", {silent("a", sapphire_rapids), patched}, 1},
               });
}

TEST_CASE("RFDS_CLEAR is shown when a host has it, and names the hosts where VERW does not scrub", "[guarded]") {
    const HostDump patched = with_caps("patched", raptor_lake, rfds_clear);
    const HostDump open = with_caps("open", alder_lake, 0xD6B);  // IL AlderLake_01
    const HostDump no_msr = intel("no-msr", raptor_lake, 0, 0);
    const HostDump by_no = with_caps("by-no", raptor_lake, 0xCC8FD6B);    // IL RaptorLake_14, without E-cores
    const HostDump by_model = with_caps("by-model", cascade_lake, 0x2B);  // libvirt Xeon-Platinum-8268
    check_rows("ac_rfds_clear", {
                                    {"patched and patched", {patched, with_caps("b", alder_lake, rfds_clear)}, 1},
                                    {"patched and immune by RFDS_NO", {patched, by_no}, 1},
                                    {"patched and immune by its model", {patched, by_model}, 1},
                                    {"patched and affected", {patched, open}, 1, {"open"}},
                                    {"patched and affected, without the MSR", {patched, no_msr}, 1, {"no-msr"}},
                                    {"immune and immune", {by_no, by_model}, 0},
                                    {"affected and affected", {open, no_msr}, 0},
                                    {"unknown alone", {silent("a", raptor_lake)}, 1, {}, {"a"}},
                                    {"unknown and patched", {silent("a", raptor_lake), patched}, 1, {}, {"a"}},
                                    {"unknown and affected", {silent("a", raptor_lake), open}, 1, {"open"}, {"a"}},
                                    {"unknown but immune by its model", {silent("a", cascade_lake)}, 0},
                                });
}

TEST_CASE("VERW_CLEAR is shown when a host has it, and names the hosts where VERW does not scrub", "[guarded]") {
    const HostDump patched = amd("patched", genoa, 0x00000265, 0);  // FC GENOA_6.1
    const HostDump open = amd("open", genoa, 0x00062FCF, 0);        // IL Genoa_02, without its microcode
    const HostDump no_leaf = hardware_host("no-leaf", std::vector{amd_table(milan)}, std::vector<MsrRow>{});
    const HostDump by_model = amd("by-model", 0x00830F10, 0, 0);                     // Rome
    const HostDump older_turin = amd("older-turin", turin, 0xD93FFFCF, 0);           // IL Turin_01
    const HostDump half_turin = amd("half-turin", turin, 0xD93FFFCF, tsa_no);        // without TSA_FILL_NO
    const HostDump by_bits = amd("turin", turin, 0xD93FFFCF, tsa_no | tsa_fill_no);  // as a Turin of 2025 has it
    const HostDump by_no = amd("by-no", 0x00B80F00, 0, tsa_no);
    const HostDump hidden = hardware_host(
        "hidden", std::vector{amd_table(genoa).reg(0x80000000, 0, eax, 0x80000028).unknown(0x80000021, 0)},
        std::vector<MsrRow>{});
    check_rows("verw_clear", {
                                 {"patched and patched", {patched, amd("b", milan, 0x00000265, 0)}, 1},
                                 {"patched and immune by its model", {patched, by_model}, 1},
                                 {"patched and immune by the NO bits", {patched, by_no}, 1},
                                 {"patched and Zen 5 whose microcode says so", {patched, by_bits}, 1},
                                 {"patched and Zen 5 that says nothing", {patched, older_turin}, 1, {"older-turin"}},
                                 {"patched and Zen 5 that says half", {patched, half_turin}, 1, {"half-turin"}},
                                 {"patched and affected", {patched, open}, 1, {"open"}},
                                 {"patched and affected, without the leaf", {patched, no_leaf}, 1, {"no-leaf"}},
                                 {"immune and immune", {by_model, amd("b", 0x00830F10, 0, 0)}, 0},
                                 {"affected and affected", {open, no_leaf}, 0},
                                 {"unknown and patched", {hidden, patched}, 1, {"hidden"}, {"hidden"}},
                             });
}

TEST_CASE("TSA_SQ_NO and TSA_L1_NO on Zen 3 and 4 are a kernel's mistake and no immunity", "[guarded]") {
    const HostDump patched = amd("patched", genoa, verw_clear, 0);
    for (const std::uint32_t signature : {milan, genoa}) {
        const HostDump boasting = amd("boasting", signature, 0, tsa_no);
        const Merged pool({patched, boasting});
        CHECK(pool.reg(0x80000021, 0, ecx) == 0);
        CHECK(value_of(pool, "verw_clear") == 1);
        CHECK(pool.named_by("verw-promise-lost", "verw_clear") == Names{"boasting"});
        const Merged alone({amd("boasting", signature, 0x18000265, tsa_no)});  // FC MILAN_6.18
        CHECK(value_of(alone, "tsa_sq_no") == 0);
        CHECK(value_of(alone, "tsa_l1_no") == 0);
        CHECK(value_of(alone, "verw_clear") == 1);
    }
    const Merged turin_alone({amd("turin", turin, 0, tsa_no)});  // there they are true
    CHECK(value_of(turin_alone, "tsa_sq_no") == 1);
    CHECK(value_of(turin_alone, "tsa_l1_no") == 1);
}

TEST_CASE("raw Milan shows no VERW_CLEAR: its microcode says whether VERW scrubs", "[guarded]") {
    struct Revision {
        const char* revision;
        bool scrubs;
    };
    // AMD-SB-7029, as Linux amd.c tsa_init and Xen's table of microcodes have it, by CPU stepping.
    const std::vector<Revision> revisions{{"", false},          {"0xa0011ce", false}, {"0xa0011d6", false},
                                          {"0xa0011d7", true},  {"0xa0011de", true},  {"0xa001200", false},
                                          {"0xa00123a", false}, {"0xa00123b", true},  {"0xffffffff", false}};
    const HostDump patched = amd("patched", genoa, verw_clear, 0);
    for (const Revision& one : revisions) {
        CAPTURE(one.revision);
        const HostDump raw = amd("raw", milan, 0x0000204D, 0, one.revision);  // IL Milan_02
        const Merged alone({raw});
        CHECK(value_of(alone, "verw_clear") == (one.scrubs ? 1U : 0U));
        CHECK(alone.finding("verw-promise-lost") == nullptr);
        const Merged pool({patched, raw});
        CHECK(value_of(pool, "verw_clear") == 1);
        const Finding* lost = pool.finding("verw-promise-lost", "verw_clear");
        CHECK((lost == nullptr ? Names{} : lost->hosts.names) == (one.scrubs ? Names{} : Names{"raw"}));
    }
}

TEST_CASE("the patch level in MSR 8Bh is microcode as well", "[guarded]") {
    for (const std::uint64_t level : {0xA0011D6U, 0xA0011D7U}) {
        HostDump raw = amd("raw", milan, 0x0000204D, 0);
        raw.hardware->msrs = std::vector<MsrRow>{{microcode_msr, level}};
        CHECK(value_of(Merged({with_digest(raw, "raw")}), "verw_clear") == (level == 0xA0011D7U ? 1U : 0U));
    }
}

TEST_CASE("a revision in the half of MSR 8Bh where the vendor has none is none", "[guarded]") {
    const auto host = [](std::uint64_t value) {
        HostDump raw = amd("raw", milan, 0x0000204D, 0);
        raw.hardware->msrs = std::vector<MsrRow>{{microcode_msr, value}};
        return raw;
    };
    CHECK(microcode_revision(host(0xA0011D7U)) == 0xA0011D7U);
    CHECK(microcode_revision(host(0x1'0A0011D7U)) == 0xA0011D7U);
    CHECK_FALSE(microcode_revision(host(0xA0011D7'00000000U)));
    HostDump of_intel = intel("intel", cascade_lake, 0, 0);
    of_intel.hardware->msrs = std::vector<MsrRow>{{microcode_msr, 0x5003302}};
    CHECK_FALSE(microcode_revision(of_intel));
    of_intel.hardware->msrs = std::vector<MsrRow>{{microcode_msr, 0x5003302'00000000U}};
    CHECK(microcode_revision(of_intel) == 0x5003302U);
}

TEST_CASE("an identity that is not safe by choice is told from a pool without a safe one", "[identity]") {
    const HostDump avoton = hardware_host("avoton", intel_table(0x000406D8));
    const HostDump newer = hardware_host("skx", intel_table(0x00050654));
    CHECK(Merged({avoton, newer}).finding("no-safe-identity") == nullptr);
    MergeOptions chosen;
    chosen.identity = "avoton";
    const Merged pool({avoton, newer}, chosen);
    REQUIRE(pool.finding("no-safe-identity") != nullptr);
    CHECK_THAT(
        pool.finding("no-safe-identity")->message,
        Catch::Contains("those of skx are, which merge takes by itself") && Catch::Contains("Leave --identity out"));
}

TEST_CASE("a ceiling is no host that a guest can run on, whatever its family is open to", "[identity]") {
    const HostDump milan_host = amd("milan", milan, 0, 0);
    const HostDump rome_host = amd("rome", rome, 0, 0);
    REQUIRE(Merged({rome_host, milan_host}).finding("no-safe-identity") != nullptr);
    MergeOptions under;
    under.ceiling_policy = Merged({milan_host}).policy;
    CHECK(Merged({rome_host}, under).finding("no-safe-identity") == nullptr);
}

// K common.c cpu_set_bug_bits: a guest that is shown a family before 19h does not look for TSA.
TEST_CASE("a pool whose guests do not look for what a host is open to has no safe identity", "[identity]") {
    const HostDump old = amd("rome", rome, 0, 0);
    const auto finding = [&](std::uint32_t signature, std::uint32_t extended_ecx) {
        const Merged pool({old, amd("newer", signature, 0x20, extended_ecx)});
        CHECK(pool.reg(1, 0, eax) == rome);
        const Finding* found = pool.finding("no-safe-identity");
        return found == nullptr ? std::string() : found->message;
    };
    const std::string open = finding(turin, 0);
    CHECK_THAT(open,
               Catch::Contains("transient scheduler attacks, transient scheduler attacks as Zen 5 may have them") &&
                   Catch::Contains("not so on newer") && Catch::Contains("No option of a guest helps"));
    CHECK_THAT(finding(turin, tsa_no), Catch::Contains("safe from transient scheduler attacks as Zen 5"));
    CHECK_THAT(finding(turin, tsa_fill_no), Catch::Contains("safe from transient scheduler attacks, which"));
    CHECK(finding(turin, tsa_no | tsa_fill_no).empty());
}

// K bugs.c retbleed_select_mitigation, srso_select_mitigation: without IBPB, and without the microcode by which it
// forgets what returns are predicted from, Linux falls back to what does nothing on the other family.
TEST_CASE("only options of a guest are named that the policy has the bits for", "[identity]") {
    constexpr std::uint32_t brtype = 1U << 28;
    constexpr std::uint32_t ibpb = 1U << 12;
    const auto remedy = [](std::uint32_t shown, std::uint32_t eax_21, std::uint32_t ebx_8) {
        const auto host = [&](const char* name, std::uint32_t signature) {
            const TableBuilder table = amd_table(signature)
                                           .reg(0x80000000, 0, eax, 0x80000028)
                                           .reg(0x80000008, 0, ebx, ebx_8)
                                           .row(0x80000021, 0, {eax_21, 0, 0, 0});
            // A revision that has the microcode, for else nobody knows of Milan what the bit says.
            return with_hypervisor(with_microcode(hardware_host(name, table), signature == milan ? "0xa0011d7" : ""),
                                   table);
        };
        MergeOptions options;
        options.identity = shown == rome ? "rome" : "milan";
        const std::string message =
            Merged({host("rome", rome), host("milan", milan)}, options).finding("no-safe-identity")->message;
        return message.substr(message.find(", and where. ") + 13);
    };
    CHECK(remedy(rome, 0, 0) == "No option of a guest helps: split the pool.");
    CHECK(remedy(milan, 0, 0) == "No option of a guest helps: split the pool.");
    CHECK(
        remedy(rome, 0, ibpb) ==
        "Set the mitigations in the guests by hand (Linux: retbleed=force,ibpb), or split the pool. Against transient "
        "scheduler attacks no option of a guest helps.");
    CHECK_THAT(remedy(milan, 0, ibpb),
               Catch::Contains("(Linux: retbleed=force,ibpb)") && !Catch::Contains("no option of a guest helps"));
    // Milan's TSA stands beside what can be mended by hand.
    CHECK(remedy(rome, brtype, ibpb) ==
          "Set the mitigations in the guests by hand (Linux: retbleed=force,ibpb; spec_rstack_overflow=ibpb), or split "
          "the pool. Against transient scheduler attacks no option of a guest helps.");
    CHECK_THAT(remedy(milan, brtype, ibpb), Catch::Contains("(Linux: retbleed=force,ibpb; spec_rstack_overflow=ibpb)"));
}

TEST_CASE("no revision is 0 or all ones", "[guarded]") {
    const auto revision = [](const std::string& said, std::uint64_t read) {
        HostDump raw = amd("raw", milan, 0x0000204D, 0);
        raw.meta["microcode"] = said;
        raw.hardware->msrs = std::vector<MsrRow>{{microcode_msr, read}};
        return microcode_revision(raw);
    };
    CHECK_FALSE(revision("0x0", 0));
    CHECK_FALSE(revision("0xffffffff", 0xFFFFFFFFU));  // Hyper-V's guests read this in /proc/cpuinfo
    CHECK(revision("0xffffffff", 0xA0011D7U) == 0xA0011D7U);
    CHECK(revision("0xa0011d7", 0) == 0xA0011D7U);
    CHECK(revision("0xa0011d7", 0xA0011D6U) == 0xA0011D6U);  // the older one
    CHECK(revision("0xa0011d6", 0xA0011D7U) == 0xA0011D6U);
}

TEST_CASE("a virtual machine's revision is its hypervisor's making, and no host's", "[guarded]") {
    const auto revision = [](bool in_guest, bool in_view) {
        const TableBuilder plain = amd_table(milan);
        const TableBuilder guest = TableBuilder(plain).set(1, 0, ecx, 1U << 31);
        HostDump raw = with_hypervisor(hardware_host("raw", in_guest ? guest : plain), in_view ? guest : plain);
        raw.meta["microcode"] = "0xa0011d7";
        raw.hardware->msrs = std::vector<MsrRow>{{microcode_msr, 0xA0011D7}};
        return microcode_revision(raw);
    };
    CHECK(revision(false, false) == 0xA0011D7U);
    CHECK(revision(false, true) == 0xA0011D7U);  // KVM lists the bit for its guests: the host is none
    CHECK_FALSE(revision(true, true));
    CHECK_FALSE(revision(true, false));
    // So that no dump of it lacks it.
    const auto silence = [](const TableBuilder& table) {
        const Merged pool({hardware_host("alone", table)});
        const Finding* silent = pool.finding("msrs-unknown");
        return silent == nullptr ? std::string() : silent->message;
    };
    CHECK_THAT(silence(amd_table(milan)), Catch::Contains("0x8b"));
    CHECK(silence(amd_table(milan).set(1, 0, ecx, 1U << 31)).find("0x8b") == std::string::npos);
}

TEST_CASE("the family and model of a virtual machine are its hypervisor's choice, and prove no immunity", "[guarded]") {
    const auto in_guest = [](TableBuilder table) { return table.set(1, 0, ecx, 1U << 31); };
    const auto guest = [&](const char* name, const TableBuilder& table) {
        return hardware_host(name, std::vector{in_guest(table)}, std::vector<MsrRow>{});
    };
    const TableBuilder extended = amd_table(rome).reg(0x80000000, 0, eax, 0x80000028).row(0x80000021, 0, {});
    const HostDump patched = amd("patched", milan, verw_clear, 0);
    CHECK(Merged({patched, amd("rome", rome, 0, 0)}).finding("verw-promise-lost") == nullptr);
    CHECK(Merged({patched, guest("as-rome", extended)}).named_by("verw-promise-lost", "verw_clear") ==
          Names{"as-rome"});
    const HostDump mds = intel("mds", haswell_ep, 0, md_clear);
    CHECK(Merged({mds, intel("spr", sapphire_rapids, rtm, 0)}).finding("verw-promise-lost") == nullptr);
    CHECK(Merged({mds, guest("as-spr", intel_table(sapphire_rapids).reg(7, 0, ebx, rtm))})
              .named_by("verw-promise-lost", "md_clear") == Names{"as-spr"});
    const Merged doubtful({patched, guest("as-rome", extended)});
    CHECK_THAT(doubtful.finding("verw-promise-lost")->message, Catch::Contains("Take one of its host"));
    CHECK(unknown_scrub(Merged({patched}), guest("as-rome", extended), "verw_clear"));
    // Nor does a policy of such machines, whose guests are told to run VERW.
    const HostDump told_guest = guest("told", TableBuilder(extended).set(0x80000021, 0, eax, 1U << 5));
    const PolicyCheck silent(builtin_rulebook(), Merged({guest("as-rome", extended)}).policy);
    const PoolPolicy of_told = Merged({told_guest}).policy;
    for (const Verdict& verdict : {silent.against(told_guest), silent.against(of_told),
                                   silent.against(read_policy(to_json(of_told), "told.json"))}) {
        CHECK(std::any_of(verdict.violations.begin(), verdict.violations.end(),
                          [](const Violation& violation) { return violation.field == "verw_clear"; }));
    }
    // Immunity that its bits say is not the model's word.
    const HostDump told = hardware_host(
        "told", std::vector{in_guest(intel_table(sapphire_rapids).reg(7, 0, ebx, rtm).reg(7, 0, edx, arch_caps))},
        msr_list(MsrList::value, mds_no | taa_no | mmio_no));
    CHECK(Merged({mds, told}).finding("verw-promise-lost") == nullptr);
    // Where no guest runs VERW nothing is lost, and a pool of such VMs has its identity.
    const Merged alone({guest("one", extended), guest("other", TableBuilder(extended).set(1, 0, edx, 1U << 28))});
    CHECK(alone.finding("verw-promise-lost") == nullptr);
    CHECK(alone.finding("no-safe-identity") == nullptr);
    // Bad news of the model stays.
    CHECK(Merged({patched, guest("as-milan", amd_table(milan))}).named_by("verw-promise-lost", "verw_clear") ==
          Names{"as-milan"});
}

TEST_CASE("a guarded bit that one view shows is shown, and its host scrubs", "[guarded]") {
    const TableBuilder bare = intel_table(haswell_ep).reg(7, 0, edx, 0);
    const TableBuilder with = intel_table(haswell_ep).reg(7, 0, edx, md_clear);
    const HostDump open = intel("open", haswell_ep, 0, 0);
    for (const bool in_hardware : {true, false}) {
        CAPTURE(in_hardware);
        const HostDump two_views =
            with_hypervisor(hardware_host("two-views", std::vector{in_hardware ? with : bare}, std::vector<MsrRow>{}),
                            in_hardware ? bare : with);
        CHECK(value_of(Merged({two_views}), "md_clear") == 1);
        CHECK(Merged({two_views, open}).named_by("verw-promise-lost", "md_clear") == Names{"open"});
    }
}

// K bugs.c, taa_update_mitigation: "VERW doesn't clear the CPU buffers when MD_CLEAR=1 and MDS_NO=1".
TEST_CASE("a view that hides MDS_NO from guests makes VERW scrub no more than the silicon does", "[guarded]") {
    constexpr std::uint32_t l1d = 0x10000000;  // leaf 7 EDX: L1D_FLUSH
    const HostDump affected = with_caps("affected", cascade_lake, mds_no, rtm, md_clear | l1d);
    const HostDump hidden =
        with_hypervisor(affected, intel_table(cascade_lake).reg(7, 0, ebx, rtm).reg(7, 0, edx, md_clear | l1d));
    for (const char* field : {"md_clear", "ac_fb_clear"}) {
        CAPTURE(field);
        CHECK(Merged({hidden}).named_by("verw-promise-lost", field) == Names{"affected"});
    }
    const PolicyCheck check(builtin_rulebook(), Merged({hidden}).policy);
    CHECK(check.against(hidden).violations.empty());
    CHECK(check.against(affected).violations.empty());  // one CPU, one verdict
    // MDS affects Haswell, so that its VERW scrubs, and what it shows to guests tells them so.
    const HostDump scrubs = with_caps("scrubs", haswell_ep, 0, rtm, md_clear | l1d);
    CHECK(Merged({with_hypervisor(scrubs, intel_table(haswell_ep).reg(7, 0, edx, md_clear | l1d))})
              .finding("verw-promise-lost") == nullptr);
}

// FB_CLEAR is there on parts whose VERW had lost its scrubbing "due to the MDS/TAA vulnerabilities being fixed in
// hardware" (X commit 9f078482838c), so that MD_CLEAR tells nothing on one that is immune to MDS.
TEST_CASE("a view that shows no MDS_NO of a model that is immune to MDS hides it", "[guarded]") {
    constexpr std::uint32_t l1d = 0x10000000;
    const auto view = [&](const char* name, std::uint32_t signature, std::uint64_t caps) {
        const TableBuilder table = intel_table(signature).reg(7, 0, edx, md_clear | l1d | arch_caps);
        HostDump host = with_hypervisor(hardware_host(name, table), table, msr_list(MsrList::value, caps));
        host.hardware.reset();
        return host;
    };
    const HostDump scrubs = view("scrubs", ice_lake_sp, mds_no | fb_clear);
    for (const std::uint64_t caps : {mds_no, std::uint64_t{0}}) {
        CAPTURE(caps);
        CHECK(Merged({scrubs, view("icx", ice_lake_sp, caps)}).named_by("verw-promise-lost", "ac_fb_clear") ==
              Names{"icx"});
    }
    CHECK(Merged({scrubs, view("affected", haswell_ep, 0)}).finding("verw-promise-lost", "ac_fb_clear") == nullptr);
}

TEST_CASE("transactions begin on a CPU that has RTM, though its hypervisor hides that from guests", "[guarded]") {
    const TableBuilder table = intel_table(cascade_lake).reg(7, 0, edx, arch_caps);
    const HostDump silicon =
        hardware_host("clx", std::vector{TableBuilder(table).reg(7, 0, ebx, rtm)}, msr_list(MsrList::value, mds_no));
    const HostDump scrubs = with_caps("scrubs", cascade_lake, mds_no | taa_no, rtm, md_clear);
    for (const HostDump& host : {silicon, with_hypervisor(silicon, table, msr_list(MsrList::value, mds_no))}) {
        CHECK(Merged({scrubs, host}).named_by("verw-promise-lost", "md_clear") == Names{"clx"});
    }
    const HostDump without = hardware_host("clx", std::vector{table}, msr_list(MsrList::value, mds_no));
    CHECK(Merged({scrubs, without}).finding("verw-promise-lost", "md_clear") == nullptr);
}

TEST_CASE("a bit that one view knows to be there in vain is so where the other cannot tell", "[guarded]") {
    const TableBuilder table = intel_table(cascade_lake).reg(7, 0, ebx, rtm).reg(7, 0, edx, md_clear | arch_caps);
    const HostDump silicon = hardware_host("clx", std::vector{table}, msr_list(MsrList::none, 0));
    const auto shown = [&](std::uint64_t caps) {
        return Merged({with_hypervisor(silicon, table, msr_list(MsrList::value, caps))});
    };
    CHECK(shown(mds_no).named_by("verw-promise-lost", "md_clear") == Names{"clx"});
    CHECK(shown(mds_no | taa_no).finding("verw-promise-lost", "md_clear") == nullptr);
}

TEST_CASE("a ceiling that asks for no VERW is no host that could be open", "[guarded]") {
    const HostDump patched = intel("patched", haswell_ep, 0, md_clear);
    const auto below = [&](const std::vector<HostDump>& ceiling) {
        MergeOptions options;
        options.ceiling_policy = Merged(ceiling).policy;
        return Merged({patched}, options);
    };
    // Its registers do not say why: the hosts that it was made of are immune by their model.
    const Merged silent = below({intel("by-model", sapphire_rapids, rtm, 0)});
    CHECK(value_of(silent, "md_clear") == 1);
    CHECK(silent.finding("verw-promise-lost", "md_clear") == nullptr);
    // One that says that VERW does not scrub on each of its hosts takes that promise.
    const Merged open = below({patched, intel("open", haswell_ep, 0, 0)});
    CHECK(open.named_by("verw-promise-lost", "md_clear") == Names{"ceiling:pool"});
}

namespace {

// What the policy of one host says of a guarded bit on another: "" where it is kept, "not-told", "lost".
std::string breach_on(const HostDump& from, const HostDump& to, const std::string& field) {
    const PolicyCheck check(builtin_rulebook(), Merged({from}).policy);
    for (const Violation& violation : check.against(to).violations) {
        if (violation.field == field) return std::string(to_string(violation.breach));
    }
    return "";
}

}  // namespace

TEST_CASE("that an immune host asks for VERW is no news to a guest", "[guarded][check]") {
    struct Pair {
        std::string what;
        std::string field;
        HostDump from;
        HostDump to;
        std::string breach;
    };
    const HostDump open = intel("open", 0x00050654, rtm, 0x8C000000);  // IL SkylakeXeon without MD_CLEAR
    const HostDump untold = with_caps("untold", sapphire_rapids, 0xA8FDEB);
    const auto shows = [](const char* name, std::uint32_t signature, std::uint64_t caps) {
        return with_caps(name, signature, caps, rtm, md_clear);
    };
    const std::uint64_t all_no = mds_no | taa_no | mmio_no;
    const std::vector<Pair> pairs{
        {"immune by the NO bits", "md_clear", open, shows("b", cascade_lake, all_no), ""},
        {"immune by its model", "md_clear", open, intel("b", sapphire_rapids, rtm, md_clear), ""},
        {"immune to MDS alone", "md_clear", open, shows("b", cascade_lake, mds_no), "not-told"},
        {"affected", "md_clear", open, intel("b", 0x00050654, rtm, md_clear), "not-told"},
        {"immune by the NO bits", "ac_fb_clear", untold, shows("b", cascade_lake, all_no | fb_clear), ""},
        {"immune by its model", "ac_fb_clear", untold, shows("b", sapphire_rapids, 0xAAFDEB), ""},
        {"affected", "ac_fb_clear", untold, shows("b", cascade_lake, mds_no | taa_no | fb_clear), "not-told"},
        {"immune by its model", "ac_rfds_clear", untold, shows("b", sapphire_rapids, 0xA8FDEB | rfds_clear), ""},
        {"affected", "ac_rfds_clear", untold, shows("b", raptor_lake, all_no | rfds_clear), "not-told"},
        {"immune by its model", "verw_clear", amd("a", rome, 0, 0), amd("b", rome, verw_clear, 0), ""},
        {"affected", "verw_clear", amd("a", rome, 0, 0), amd("b", genoa, verw_clear, 0), "not-told"},
    };
    for (const Pair& pair : pairs) {
        INFO(pair.field << ": " << pair.what);
        CHECK(breach_on(pair.from, pair.to, pair.field) == pair.breach);
    }
    // The guest that was told by the immune host counts on it where VERW does nothing.
    CHECK(breach_on(shows("b", cascade_lake, all_no), open, "md_clear") == "lost");
}

TEST_CASE("a view of one CPU is enough to be immune, and all CPUs of a view must be", "[guarded][check]") {
    const HostDump open = intel("open", haswell_ep, 0, 0);
    const TableBuilder shows = intel_table(haswell_ep).reg(7, 0, edx, md_clear | arch_caps);
    const auto two_views = [&](std::uint64_t hardware, std::uint64_t hypervisor) {
        return with_hypervisor(hardware_host("b", std::vector{shows}, msr_list(MsrList::value, hardware)), shows,
                               msr_list(MsrList::value, hypervisor));
    };
    CHECK(breach_on(open, two_views(mds_no, 0), "md_clear").empty());
    CHECK(breach_on(open, two_views(0, mds_no), "md_clear").empty());
    CHECK(breach_on(open, two_views(0, 0), "md_clear") == "not-told");
    const TableBuilder with_tsx = TableBuilder(shows).reg(7, 0, ebx, rtm);
    const HostDump uneven = hardware_host("b", {shows, with_tsx}, msr_list(MsrList::value, mds_no));
    CHECK(breach_on(open, uneven, "md_clear") == "not-told");
}

// K bugs.c mmio_update_mitigation: MD_CLEAR and L1D_FLUSH without MDS_NO say what FB_CLEAR does. K vmx.c
// vmx_update_fb_clear_dis: where neither MDS nor TAA affects the CPU and it has FB_CLEAR_CTRL, KVM takes the scrubbing
// from a guest that does not see FB_CLEAR.
TEST_CASE("a guest that MD_CLEAR and L1D_FLUSH tell may run where FB_CLEAR is, unless KVM stops VERW there",
          "[guarded][check]") {
    constexpr std::uint64_t tsx_ctrl = 0x80;
    constexpr std::uint64_t fb_clear_ctrl = 0x40000;
    constexpr std::uint32_t skylake = 0x00050654;
    const HostDump told = intel("told", skylake, rtm, 0x9C002400);
    const HostDump half_told = intel("half", skylake, rtm, 0x8C002400);  // without L1D_FLUSH
    const auto has = [](std::uint32_t signature, std::uint64_t caps, std::uint32_t leaf7_ebx = rtm) {
        return with_caps("b", signature, caps | fb_clear, leaf7_ebx, 0x9C002400);
    };
    const auto on = [&](const HostDump& host) { return breach_on(told, host, "ac_fb_clear"); };
    CHECK(on(has(skylake, 0)).empty());
    CHECK(on(has(skylake, fb_clear_ctrl)).empty());
    CHECK(breach_on(half_told, has(skylake, 0), "ac_fb_clear") == "not-told");
    CHECK(on(has(cascade_lake, mds_no | taa_no | fb_clear_ctrl)) == "not-told");
    CHECK(on(has(cascade_lake, mds_no | fb_clear_ctrl, 0)) == "not-told");
    CHECK(on(has(cascade_lake, mds_no | fb_clear_ctrl)).empty());                // TAA
    CHECK(on(has(cascade_lake, mds_no | fb_clear_ctrl | tsx_ctrl, 0)).empty());  // TAA, with TSX turned off
    CHECK(on(has(cascade_lake, mds_no | taa_no)).empty());                       // KVM cannot stop it
    // A view for guests hides FB_CLEAR_CTRL, and TAA_NO without RTM.
    const auto for_guests = [&](std::uint64_t caps, std::uint32_t leaf7_ebx) {
        HostDump host = has(cascade_lake, caps, leaf7_ebx);
        host = with_hypervisor(
            std::move(host),
            TableBuilder(intel_table(cascade_lake)).reg(7, 0, ebx, leaf7_ebx).reg(7, 0, edx, 0x9C002400 | arch_caps),
            msr_list(MsrList::value, caps | fb_clear));
        host.hardware.reset();
        return with_digest(std::move(host), "b");
    };
    CHECK(on(for_guests(mds_no | taa_no, rtm)) == "not-told");
    CHECK(on(for_guests(mds_no | tsx_ctrl, 0)) == "not-told");
    CHECK(on(for_guests(mds_no | tsx_ctrl, rtm)).empty());
    CHECK(on(for_guests(0, 0)) == "not-told");  // of a model that is immune to MDS, which the view hides
}

TEST_CASE("equal CPUs with different microcode are told apart", "[guarded]") {
    const HostDump patched = amd("patched", milan, 0x0000204D, 0, "0xa0011d7");
    const HostDump open = amd("open", milan, 0x0000204D, 0, "0xa0011d6");
    const Merged pool({patched, open});
    CHECK(value_of(pool, "verw_clear") == 1);
    CHECK(pool.named_by("verw-promise-lost", "verw_clear") == Names{"open"});
}

TEST_CASE("a pool that asks for no VERW since its hosts are immune keeps a floor that asks for it", "[guarded]") {
    const HostDump patched = intel("patched", haswell_ep, 0, md_clear);
    const auto loses = [&](const HostDump& host) {
        PoolState pool(builtin_rulebook());
        pool.add(host);
        const std::vector<FloorLoss> lost = below_floor(pool, Merged({patched}).policy, pool.finish({}));
        return std::any_of(lost.begin(), lost.end(), [](const FloorLoss& loss) { return loss.field == "md_clear"; });
    };
    CHECK_FALSE(loses(intel("by-model", sapphire_rapids, rtm, 0)));  // its registers do not say so
    CHECK(loses(intel("open", haswell_ep, 0, 0)));
}

}  // namespace poolcpuid::test::guarded_test
