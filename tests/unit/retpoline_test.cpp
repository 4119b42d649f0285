// RSBA, RRSBA and enhanced IBRS carry one promise, that retpolines are safe; which of the bits a guest sees, and
// whether it is offered IA32_ARCH_CAPABILITIES. "X" is Xen's series of 26 May 2023, Message-ID
// 20230526110656.4018711-1-andrew.cooper3@citrix.com; real values name the dump that they come from, all others
// are constructed.

#include <cstdint>
#include <string>
#include <vector>

#include "tests/catch.hpp"
#include "tests/support/policy_fields.hpp"

namespace poolcpuid::test::retpoline_test {

namespace {

// Family, model and stepping (leaf 1 EAX).
constexpr std::uint32_t merom = 0x000006F6;  // the model table says nothing of its returns
constexpr std::uint32_t haswell_ep = 0x000306F2;
constexpr std::uint32_t broadwell_ep = 0x000406F1;
constexpr std::uint32_t hewitt_lake = 0x00050665;  // a Broadwell
constexpr std::uint32_t skylake_sp = 0x00050654;
constexpr std::uint32_t cascade_lake = 0x00050657;
constexpr std::uint32_t ice_lake_sp = 0x000606A6;

constexpr std::uint32_t spec_ctrl_bit = 0x04000000;  // leaf 7 EDX
constexpr std::uint32_t arch_caps_bit = 0x20000000;

constexpr std::uint64_t eibrs_bit = 0x2;  // of IA32_ARCH_CAPABILITIES
constexpr std::uint64_t rsba_bit = 0x4;
constexpr std::uint64_t rrsba_bit = 0x80000;

struct Cpu {
    std::uint32_t signature = 0;
    std::uint32_t leaf7_edx = 0;
    MsrList list = MsrList::value;
    std::uint64_t value = 0;
    std::string microcode = {};
};

HostDump host_of(const std::string& name, const Cpu& cpu) {
    const TableBuilder table = intel_table(cpu.signature).reg(7, 0, edx, cpu.leaf7_edx);
    return with_microcode(hardware_host(name, std::vector{table}, msr_list(cpu.list, cpu.value)), cpu.microcode);
}

// What a guest sees of the promise.
enum class Seen {
    safe,         // neither bit, no enhanced IBRS, no IA32_ARCH_CAPABILITIES
    safe_eibrs,   // neither bit, with enhanced IBRS
    restricted,   // RRSBA with enhanced IBRS
    alternative,  // RSBA alone
};

std::uint64_t bits_of(Seen seen) {
    switch (seen) {
        case Seen::safe: return 0;
        case Seen::safe_eibrs: return eibrs_bit;
        case Seen::restricted: return eibrs_bit | rrsba_bit;
        case Seen::alternative: return rsba_bit;
    }
    return 0;
}

// is_needed: the guest needs the MSR for something else.
void check_seen(const Merged& pool, Seen expected, bool is_needed = false) {
    const std::uint64_t bits = bits_of(expected);
    const bool is_offered = bits != 0 || is_needed;
    CHECK(value_of(pool, "ac_rsba") == ((bits & rsba_bit) != 0 ? 1U : 0U));
    CHECK(value_of(pool, "ac_rrsba") == ((bits & rrsba_bit) != 0 ? 1U : 0U));
    CHECK(value_of(pool, "ac_ibrs_all") == ((bits & eibrs_bit) != 0 ? 1U : 0U));
    CHECK(value_of(pool, "arch_caps") == (is_offered ? 1U : 0U));
    CHECK(msr_of(pool.policy, arch_capabilities).has_value() == is_offered);
}

void check_one(const Cpu& cpu, Seen expected) { check_seen(Merged({host_of("a", cpu)}), expected); }

// The findings that say that RSBA is shown.
std::vector<Finding> about_rsba(const Merged& pool) {
    std::vector<Finding> findings;
    for (const Finding& finding : pool.policy.findings) {
        if (finding.message.find("ac_rsba") != std::string::npos) findings.push_back(finding);
    }
    return findings;
}

// The eight values of RSBA, RRSBA and enhanced IBRS, and what a guest sees of each.
struct Triple {
    std::uint64_t value;
    Seen plain;             // a model of which nothing is known, or that is safe: the bits alone count
    Seen with_alternative;  // a model whose returns have another predictor
};

const std::vector<Triple>& triples() {
    static const std::vector<Triple> all{
        {0, Seen::safe, Seen::alternative},
        {eibrs_bit, Seen::safe_eibrs, Seen::restricted},
        {rrsba_bit, Seen::alternative, Seen::alternative},
        {rrsba_bit | eibrs_bit, Seen::restricted, Seen::restricted},
        {rsba_bit, Seen::alternative, Seen::alternative},
        {rsba_bit | eibrs_bit, Seen::restricted, Seen::restricted},
        {rsba_bit | rrsba_bit, Seen::alternative, Seen::alternative},
        {rsba_bit | rrsba_bit | eibrs_bit, Seen::restricted, Seen::restricted},
    };
    return all;
}

}  // namespace

TEST_CASE("one host: never both bits, RRSBA with enhanced IBRS and RSBA without", "[retpoline]") {
    for (const Triple& triple : triples()) {
        // A value in the dump counts also where CPUID denies that the MSR exists.
        for (const std::uint32_t enumerated : {arch_caps_bit, 0U}) {
            const std::uint32_t leaf7 = spec_ctrl_bit | enumerated;
            INFO("MSR 10Ah " << std::hex << triple.value << ", leaf 7 EDX " << leaf7);
            check_one({merom, leaf7, MsrList::value, triple.value}, triple.plain);
            check_one({haswell_ep, leaf7, MsrList::value, triple.value}, triple.plain);
            check_one({skylake_sp, leaf7, MsrList::value, triple.value}, triple.with_alternative);
            check_one({cascade_lake, leaf7, MsrList::value, triple.value}, triple.with_alternative);
            check_one({hewitt_lake, leaf7, MsrList::value, triple.value, "0xe000008"}, triple.with_alternative);
            check_one({hewitt_lake, leaf7, MsrList::value, triple.value, "0xe000009"}, triple.plain);
            // Which microcode it is decides, and a view may hide the bad news.
            check_one({hewitt_lake, leaf7, MsrList::value, triple.value}, triple.with_alternative);
        }
    }
}

TEST_CASE("where the MSR is not known or not there the model decides, and else RSBA is set", "[retpoline]") {
    struct Row {
        const char* what;
        std::uint32_t signature;
        const char* microcode;
        Seen seen;
        bool settled;  // the model says, so nobody needs to be told that the dump does not
    };
    const std::vector<Row> rows{
        {"a model without facts", merom, "", Seen::alternative, false},
        {"Haswell-EP", haswell_ep, "", Seen::safe, true},
        {"Skylake-SP", skylake_sp, "", Seen::alternative, true},
        {"Cascade Lake", cascade_lake, "", Seen::alternative, true},
        {"Broadwell-EP, old microcode", broadwell_ep, "0xb000010", Seen::alternative, true},
        {"Broadwell-EP, last unsafe microcode", broadwell_ep, "0xb000020", Seen::alternative, true},
        {"Broadwell-EP, first safe microcode", broadwell_ep, "0xb000021", Seen::safe, true},
        {"Broadwell-EP, new microcode", broadwell_ep, "0xb000038", Seen::safe, true},
        {"Broadwell-EP, unknown microcode", broadwell_ep, "", Seen::alternative, false},
        {"Broadwell-EP, what hypervisors show for microcode", broadwell_ep, "0xffffffff", Seen::alternative, false},
    };
    struct Dump {
        std::uint32_t enumerated;
        MsrList list;
    };
    const std::vector<Dump> dumps{{0, MsrList::none},
                                  {0, MsrList::others},
                                  {0, MsrList::faults},
                                  {arch_caps_bit, MsrList::none},
                                  {arch_caps_bit, MsrList::others},
                                  {arch_caps_bit, MsrList::faults}};
    for (const Row& row : rows) {
        for (const Dump& dump : dumps) {
            INFO(row.what << ", arch_caps " << (dump.enumerated != 0) << ", MSR list " << static_cast<int>(dump.list));
            const Merged pool(
                {host_of("a", {row.signature, spec_ctrl_bit | dump.enumerated, dump.list, 0, row.microcode})});
            // Where CPUID says that the MSR is there and the dump does not say what is in it, it may be FB_CLEAR.
            const bool is_silent = dump.enumerated != 0 && dump.list != MsrList::faults;
            CHECK(value_of(pool, "ac_fb_clear") == (is_silent ? 1U : 0U));
            check_seen(pool, row.seen, is_silent);
            CHECK(unknown_on(pool, "ac_rsba") == (row.settled ? Names{} : Names{"a"}));
            if (row.settled) continue;
            const std::vector<Finding> findings = about_rsba(pool);
            REQUIRE(findings.size() == 1);
            const bool is_absent = dump.enumerated == 0 || dump.list == MsrList::faults;
            CHECK(findings.front().code == (is_absent ? "msr-absent" : "msrs-unknown"));
            CHECK(findings.front().severity == Severity::warning);
            CHECK(findings.front().hosts.names == Names{"a"});
        }
    }
}

TEST_CASE("a dump that says that the MSR faults is not said to leave it out", "[retpoline]") {
    const Merged pool({host_of("a", {merom, spec_ctrl_bit, MsrList::faults, 0})});
    const std::vector<Finding> findings = about_rsba(pool);
    REQUIRE(findings.size() == 1);
    CAPTURE(findings.front().message);
    CHECK(findings.front().message.find("0x10a") != std::string::npos);
    CHECK(findings.front().message.find("does not list") == std::string::npos);
}

TEST_CASE("real values of the MSR, each alone", "[retpoline]") {
    struct Row {
        const char* source;
        std::uint32_t signature;
        std::uint64_t value;
        Seen seen;
    };
    const std::vector<Row> rows{
        {"libvirt Core-i7-8550U: neither bit, but Kaby Lake has RSBA", 0x000806EA, 0x48, Seen::alternative},
        {"libvirt Ice-Lake-Server", 0x000606A0, 0xB, Seen::restricted},
        {"libvirt Xeon-Platinum-8268", 0x00050656, 0x2B, Seen::restricted},
        {"IL ICX_CPUID3", ice_lake_sp, 0x1EB, Seen::restricted},
        {"IL AlderLake_01", 0x00090672, 0xD6B, Seen::restricted},
        {"FC ICELAKE", ice_lake_sp, 0xC02A0EB, Seen::restricted},
        {"FC CASCADELAKE", cascade_lake, 0xC0AA0EB, Seen::restricted},
        {"IL SapphireRapids_06", 0x000806F8, 0xA8FDEB, Seen::restricted},
        {"IL GraniteRapids_03", 0x000A06D1, 0x2DA9FDEB, Seen::restricted},
        {"IL RaptorLake_14", 0x000B0671, 0xCC8FD6B, Seen::restricted},
        {"IL ArrowLakeH_04", 0x000C0652, 0xDE9FD6B, Seen::restricted},
        {"IL EmeraldRapids_03", 0x000C06F2, 0x6C28FDEB, Seen::restricted},
        {"X, SKX Raw: rsba misc-pkg-ctrl energy-ctrl", skylake_sp, 0xC04, Seen::alternative},
    };
    for (const Row& row : rows) {
        INFO(row.source);
        check_one({row.signature, spec_ctrl_bit | arch_caps_bit, MsrList::value, row.value}, row.seen);
    }
}

TEST_CASE("two hosts: the meet of the promise, and the name that enhanced IBRS gives it", "[retpoline]") {
    const std::uint32_t leaf7 = spec_ctrl_bit | arch_caps_bit;
    const Cpu safe{haswell_ep, spec_ctrl_bit, MsrList::others};
    const Cpu safe_eibrs{merom, leaf7, MsrList::value, eibrs_bit};
    const Cpu cascade{cascade_lake, leaf7, MsrList::value, 0xC0AA0EB};  // FC CASCADELAKE
    const Cpu emerald{0x000C06F2, leaf7, MsrList::value, 0x6C28FDEB};   // IL EmeraldRapids_03
    const Cpu skylake{skylake_sp, leaf7, MsrList::value, 0xC04};        // X, SKX Raw
    const Cpu silent{merom, spec_ctrl_bit, MsrList::none};
    struct Row {
        const char* what;
        Cpu a;
        Cpu b;
        Seen seen;
        Names because;  // of the bit that is shown
    };
    const std::vector<Row> rows{
        {"safe and safe", safe, safe, Seen::safe, {}},
        {"safe with and without enhanced IBRS", safe, safe_eibrs, Seen::safe, {}},
        {"safe with enhanced IBRS, twice", safe_eibrs, safe_eibrs, Seen::safe_eibrs, {}},
        {"safe, RRSBA: enhanced IBRS is lost", safe, cascade, Seen::alternative, {"b"}},
        {"safe with enhanced IBRS, RRSBA", safe_eibrs, cascade, Seen::restricted, {"b"}},
        {"RRSBA and RRSBA", cascade, emerald, Seen::restricted, {"no decision"}},
        {"RSBA and RRSBA", skylake, cascade, Seen::alternative, {"a", "b"}},
        {"RSBA and RSBA", skylake, skylake, Seen::alternative, {"no decision"}},
        {"RSBA and safe", skylake, safe, Seen::alternative, {"a"}},
        {"unknown and safe", silent, safe, Seen::alternative, {"a"}},
        {"unknown and safe with enhanced IBRS", silent, safe_eibrs, Seen::alternative, {"a"}},
        {"unknown and RRSBA", silent, cascade, Seen::alternative, {"a", "b"}},
    };
    for (const Row& row : rows) {
        INFO(row.what);
        const Merged pool({host_of("a", row.a), host_of("b", row.b)});
        check_seen(pool, row.seen);
        check_seen(Merged({host_of("b", row.b), host_of("a", row.a)}), row.seen);
        if (row.seen == Seen::restricted) CHECK(pool.because("ac_rrsba") == row.because);
        if (row.seen == Seen::alternative) CHECK(pool.because("ac_rsba") == row.because);
    }
}

TEST_CASE("losing enhanced IBRS does not erase the bad news beside it", "[retpoline]") {
    const std::uint32_t leaf7 = spec_ctrl_bit | arch_caps_bit;
    const HostDump cascade = host_of("cascade", {cascade_lake, leaf7, MsrList::value, 0xC0AA0EB});  // FC CASCADELAKE
    const auto hiding = [&](const std::string& field) {
        MergeOptions options;
        options.hide = {field};
        return Merged({cascade}, options);
    };
    check_seen(Merged({cascade}), Seen::restricted);
    SECTION("hidden by the operator") { CHECK(value_of(hiding("ac_ibrs_all"), "ac_rsba") == 1); }
    SECTION("hidden by the operator: nothing else is shown") { check_seen(hiding("ac_ibrs_all"), Seen::alternative); }
    // IBRS and IBPB enumerate MSR SPEC_CTRL, in which enhanced IBRS is switched on: Xen gen-cpuid.py, IBRSB: EIBRS.
    SECTION("its MSR is hidden") { check_seen(hiding("spec_ctrl"), Seen::alternative); }
    SECTION("its MSR is lost") {
        const HostDump without = host_of("without", {cascade_lake, arch_caps_bit, MsrList::value, 0xC0AA0EB});
        check_seen(Merged({without}), Seen::alternative);
        const Merged pool({cascade, without});
        check_seen(pool, Seen::alternative);
        CHECK(pool.because("ac_ibrs_all") == Names{"without"});
    }
}

TEST_CASE("the weakest value of RRSBA is that there is bad news", "[retpoline]") {
    const std::uint32_t leaf7 = spec_ctrl_bit | arch_caps_bit;
    const HostDump safe = host_of("safe", {haswell_ep, spec_ctrl_bit, MsrList::others});
    const HostDump eibrs = host_of("eibrs", {merom, leaf7, MsrList::value, eibrs_bit});
    for (const char* field : {"ac_rrsba", "ac_rsba"}) {
        CAPTURE(field);
        MergeOptions options;
        options.hide = {field};
        check_seen(Merged({safe}, options), Seen::alternative);
        check_seen(Merged({eibrs}, options), Seen::restricted);
        check_seen(Merged({safe, eibrs}, options), Seen::alternative);
    }
}

TEST_CASE("RSBA in one view of a host is enough", "[retpoline]") {
    const std::uint32_t leaf7 = spec_ctrl_bit | arch_caps_bit;
    const TableBuilder table = intel_table(merom).reg(7, 0, edx, leaf7);
    for (const bool in_hardware : {true, false}) {
        CAPTURE(in_hardware);
        HostDump host = hardware_host("a", std::vector{table}, msr_list(MsrList::value, in_hardware ? rsba_bit : 0));
        host.hypervisor = HypervisorView{"kvm", table.table(), msr_list(MsrList::value, in_hardware ? 0 : rsba_bit)};
        check_seen(Merged({with_digest(host, "a")}), Seen::alternative);
    }
}

}  // namespace poolcpuid::test::retpoline_test
