// What a rulebook can say and ours happens not to: the merge knows nothing but the rulebook, so what it promises
// holds for every one that passes lint.

#include <algorithm>
#include <string>
#include <vector>

#include "poolcpuid/check.hpp"
#include "poolcpuid/floor.hpp"
#include "poolcpuid/pool_state.hpp"
#include "poolcpuid/read_hosts.hpp"
#include "poolcpuid/write_hosts.hpp"
#include "tests/catch.hpp"
#include "tests/support/host_builder.hpp"
#include "tests/support/policy_fields.hpp"
#include "tests/unit/lint_slips.hpp"

namespace poolcpuid::test::other_rulebook_test {

namespace {

using Names = std::vector<std::string>;

constexpr auto eax = Register::eax;
constexpr auto ebx = Register::ebx;
constexpr auto ecx = Register::ecx;
constexpr auto edx = Register::edx;

constexpr std::uint32_t skylake = 0x00050654;
constexpr std::uint32_t milan = 0x00A00F11;

// Of leaf 7 of the small rulebook.
constexpr std::uint32_t base = 1U << 0;      // EBX
constexpr std::uint32_t addon = 1U << 1;     // EBX
constexpr std::uint32_t of_intel = 1U << 3;  // EDX

// The small rulebook with changes, and pools of it.
class OtherRulebook {
public:
    explicit OtherRulebook(const std::vector<Slip>& changes) {
        std::vector<RulebookFile> files = small_rulebook();
        for (const Slip& change : changes) make(files, change);
        loaded_ = load_rulebook(files);
        INFO(all_texts(loaded_.findings));
        REQUIRE(loaded_.findings.empty());
    }

    PoolState pool(const std::vector<HostDump>& hosts) const {
        PoolState state(loaded_.rulebook.view());
        for (const HostDump& host : hosts) state.add(host);
        return state;
    }

    PoolPolicy policy(const std::vector<HostDump>& hosts) const { return pool(hosts).finish({}); }

    Verdict check(const PoolPolicy& policy, const HostDump& host) const {
        return PolicyCheck(loaded_.rulebook.view(), policy).against(host);
    }

private:
    LoadResult loaded_;
};

Registers row(const PoolPolicy& policy, std::uint32_t leaf, std::uint32_t subleaf) {
    for (const CpuidRow& candidate : policy.cpuid) {
        if (candidate.key == LeafKey{leaf, subleaf}) return candidate.value;
    }
    return {};
}

// Fields of the same three subleaves in two registers, each of them one bit.
const Slip two_registers{
    "cpuid/0x7.json",
    R"("id": "many")",
    R"({"id": "many")",
    R"({"id": "wide_b", "subleaf": "0x1-0x3", "register": "ebx", "bits": "0", "vendors": ["all"], )"
    R"("rule": "intersect", "exposure": "default", "impact": "crash", "why": "W.", "source": "T"}, )"
    R"({"id": "wide_c", "subleaf": "0x1-0x3", "register": "ecx", "bits": "0", "vendors": ["all"], )"
    R"("rule": "intersect", "exposure": "default", "impact": "crash", "why": "W.", "source": "T"}, )"
    R"({"id": "many")",
    "",
    ""};

// XCR0 and IA32_XSS as the policy shows them.
const Slip shown_states{
    "cpuid/0xd.json",
    R"("id": "area")",
    R"({"id": "area")",
    R"({"id": "xcr0", "subleaf": "0x0", "register": "eax", "bits": "31:0", "vendors": ["all"], "rule": "derive", )"
    R"("exposure": "default", "derive": {"how": "xcr0_low"}, "impact": "crash", "why": "W.", "source": "T"}, )"
    R"({"id": "xcr0_high", "subleaf": "0x0", "register": "edx", "bits": "31:0", "vendors": ["all"], "rule": "derive", )"
    R"("exposure": "default", "derive": {"how": "xcr0_high"}, "impact": "crash", "why": "W.", "source": "T"}, )"
    R"({"id": "xss", "subleaf": "0x1", "register": "ecx", "bits": "31:0", "vendors": ["all"], "rule": "derive", )"
    R"("exposure": "default", "derive": {"how": "xss_low"}, "impact": "crash", "why": "W.", "source": "T"}, )"
    R"({"id": "xss_high", "subleaf": "0x1", "register": "edx", "bits": "31:0", "vendors": ["all"], "rule": "derive", )"
    R"("exposure": "default", "derive": {"how": "xss_high"}, "impact": "crash", "why": "W.", "source": "T"}, )"
    R"({"id": "area")",
    "",
    ""};

constexpr const char* mask_state = R"("id": "mask")";

TableBuilder intel_with(std::uint32_t leaf_7_ebx) { return intel_table(skylake).reg(7, 0, ebx, base | leaf_7_ebx); }

constexpr const char* leaf_7 = "cpuid/0x7.json";
constexpr const char* end_of_row = R"("why": "W.", "source": "T"})";

const Finding* finding_of(const PoolPolicy& policy, std::string_view code) {
    for (const Finding& finding : policy.findings) {
        if (finding.code == code) return &finding;
    }
    return nullptr;
}

}  // namespace

TEST_CASE("what a setting hides is what the rulebook of the merge says", "[merge][hidden_cpuid]") {
    const OtherRulebook plain({});
    const OtherRulebook hiding({{"msr/0x10a.json", R"("id": "high")", end_of_row,
                                 R"("hides": ["addon"], "why": "W.", "source": "T"})", "", ""}});
    const auto host = [](const char* name, std::uint64_t capabilities) {
        const std::vector<MsrRow> msrs{{0x10A, capabilities}, {0x1A0, 1ULL << 34U}};  // XD Bit Disable
        return read_hosts(to_host_json(hardware_host(name, std::vector{intel_with(0)}, msrs)), name).at(0);
    };
    const std::vector<HostDump> hosts{host("a", 1ULL << 63U), host("b", 0)};
    CHECK(finding_of(plain.policy(hosts), "cpuid-hidden") == nullptr);
    const PoolPolicy policy = hiding.policy(hosts);
    const Finding* told = finding_of(policy, "cpuid-hidden");
    REQUIRE(told != nullptr);
    CHECK(told->hosts.names == Names{"a"});
    CHECK_THAT(told->message, Catch::Contains("MSR 0x10a[63]") && Catch::Contains("the CPU may have: addon."));
    CHECK(finding_of(policy, "unknown-leaf") == nullptr);
}

TEST_CASE("a bit that another implies is told by its own name", "[merge]") {
    const OtherRulebook rules({});
    const auto reads = [](const char* name, std::uint32_t bits) { return hardware_host(name, intel_with(bits)); };
    const PoolPolicy policy = rules.policy({reads("clear", 0), reads("set", 1U << 2U)});
    const Finding* told = finding_of(policy, "syscall-read-in-32-bit-mode");
    REQUIRE(told != nullptr);
    CHECK(told->hosts.names == Names{"clear"});
    CHECK(told->field == "extra");
    CHECK(told->message == "extra reads 0 on clear, where base implies it, so it counts as set. W.");
}

TEST_CASE("what an unknown microcode decides no hypervisor is taken to give", "[check]") {
    const OtherRulebook rules(
        {{leaf_7, R"("id": "of_intel")", end_of_row,
          R"("made": {"by": "all", "source": "T"}, "why": "W.", "source": "T"})", "", ""},
         {"models.json", R"("name": "New")", R"({"rsba": "0x1"})", R"({"rsba": "0x1", "of_intel": "0x0"})", "", ""}});
    const auto host = [](const char* name, std::uint32_t bits, const std::string& microcode) {
        const TableBuilder table = intel_table(0x00050655).reg(7, 0, ebx, base).reg(7, 0, edx, bits);
        return with_microcode(hardware_host(name, table), microcode);
    };
    const PoolPolicy policy = rules.policy({host("promising", of_intel, "0x2a")});
    REQUIRE((row(policy, 7, 0).edx & of_intel) != 0);
    const auto is_given = [&](const std::string& microcode) {
        const Verdict verdict = rules.check(policy, host("bare", 0, microcode));
        const auto at = std::find_if(verdict.violations.begin(), verdict.violations.end(),
                                     [](const Violation& violation) { return violation.field == "of_intel"; });
        REQUIRE(at != verdict.violations.end());
        return at->given;
    };
    CHECK(is_given("0x2a"));
    CHECK_FALSE(is_given("0x29"));
    CHECK_FALSE(is_given(""));
}

TEST_CASE("what a wider host costs is told in the rulebook's words, and of no other number", "[merge]") {
    const OtherRulebook plain({});
    const OtherRulebook with_words({{leaf_7, R"("id": "width")", end_of_row,
                                     R"("wider": "Faults differ there.", "why": "W.", "source": "T"})", "", ""}});
    const auto host = [](const char* name, std::uint32_t width) {
        return hardware_host(name, intel_with(width << 16U));
    };
    const std::vector<HostDump> hosts{host("narrow", 40), host("wide", 46)};
    CHECK(finding_of(plain.policy(hosts), "address-width-differs") == nullptr);
    const PoolPolicy policy = with_words.policy(hosts);
    const Finding* told = finding_of(policy, "address-width-differs");
    REQUIRE(told != nullptr);
    CHECK(told->hosts.names == Names{"wide"});
    CHECK(told->field == "width");
    CHECK(told->message == "width is 40 in the pool; wide has more. Faults differ there.");
}

TEST_CASE("fields that share subleaves in several registers are each met in their own place", "[merge]") {
    const OtherRulebook rules({two_registers});
    const TableBuilder all = intel_with(0).row(7, 1, {0, 1, 1, 0}).row(7, 2, {0, 1, 1, 0}).row(7, 3, {0, 1, 1, 0});
    const PoolPolicy agreed = rules.policy({hardware_host("a", all), hardware_host("b", all)});
    for (const std::uint32_t subleaf : {1U, 2U, 3U}) {
        CAPTURE(subleaf);
        CHECK(row(agreed, 7, subleaf) == Registers{0, 1, 1, 0});
        for (const Register lost : {ebx, ecx}) {
            CAPTURE(to_string(lost));
            const TableBuilder less = TableBuilder(all).reg(7, subleaf, lost, 0);
            const PoolPolicy pool = rules.policy({hardware_host("a", all), hardware_host("b", less)});
            Registers expected{0, 1, 1, 0};
            expected[lost] = 0;
            for (const std::uint32_t other : {1U, 2U, 3U}) {
                CHECK(row(pool, 7, other) == (other == subleaf ? expected : Registers{0, 1, 1, 0}));
            }
        }
    }
}

TEST_CASE("a promise that the floor loses in one subleaf is laid to the hosts that lack it there", "[merge][floor]") {
    const OtherRulebook rules({two_registers});
    const TableBuilder both = intel_with(0).row(7, 1, {0, 1, 0, 0}).row(7, 2, {0, 1, 0, 0});
    const PoolState pool = rules.pool({hardware_host("without-1", TableBuilder(both).reg(7, 1, ebx, 0)),
                                       hardware_host("without-2", TableBuilder(both).reg(7, 2, ebx, 0))});
    const std::vector<FloorLoss> lost = below_floor(pool, rules.policy({hardware_host("a", both)}), pool.finish({}));
    REQUIRE(lost.size() == 2);
    CHECK(lost[0].field == "wide_b");
    CHECK(lost[0].hosts.names == Names{"without-1"});
    CHECK(lost[1].field == "wide_b");
    CHECK(lost[1].hosts.names == Names{"without-2"});
}

TEST_CASE("XSAVE states that stand or fall together do so whatever features they are for", "[merge][xsave]") {
    // XSETBV faults when a group of states is not enabled as a whole, so a guest must not be shown a part of it.
    const OtherRulebook rules({shown_states, {"xsave.json", mask_state, R"(["addon"])", R"(["of_intel"])", "", ""}});
    const TableBuilder both = intel_with(addon)
                                  .reg(7, 0, edx, of_intel)
                                  .row(0xD, 0, {0x25, 0x380, 0x380, 0})
                                  .row(0xD, 2, {0x100, 0x240, 0, 0})
                                  .row(0xD, 5, {0x40, 0x340, 0, 0});
    const TableBuilder without_mask = TableBuilder(both).reg(0xD, 0, eax, 0x5).drop(0xD, 5);
    const PoolPolicy agreed = rules.policy({hardware_host("a", both), hardware_host("b", both)});
    CHECK(row(agreed, 0xD, 0).eax == 0x25);
    CHECK((row(agreed, 7, 0).ebx & addon) == addon);
    const PoolPolicy pool = rules.policy({hardware_host("a", both), hardware_host("b", without_mask)});
    CHECK(row(pool, 0xD, 0) == Registers{0x1, 0, 0x240, 0});
    CHECK((row(pool, 7, 0).ebx & addon) == 0);
    CHECK((row(pool, 7, 0).edx & of_intel) == 0);
    for (const Decision& decision : pool.decisions) {
        if (decision.field == "addon" || decision.field == "of_intel") CHECK(decision.because.names == Names{"b"});
    }
}

TEST_CASE("what needs a feature that an XSAVE state took along goes too, however long the chain", "[merge][xsave]") {
    const OtherRulebook rules(
        {shown_states,
         {"dependencies.json", R"({"prerequisite": "base")", R"({"prerequisite": "base")",
          R"({"prerequisite": "addon", "dependents": ["of_intel"], "why": "W.", "source": "T"}, {"prerequisite": "base")",
          "", ""}});
    const TableBuilder with = intel_with(addon).reg(7, 0, edx, of_intel).row(0xD, 0, {0x25, 0x380, 0x380, 0});
    const TableBuilder whole = TableBuilder(with).row(0xD, 2, {0x100, 0x240, 0, 0}).row(0xD, 5, {0x40, 0x340, 0, 0});
    const TableBuilder otherwise =
        TableBuilder(with).row(0xD, 2, {0x100, 0x340, 0, 0}).row(0xD, 5, {0x40, 0x240, 0, 0});
    const PoolPolicy agreed = rules.policy({hardware_host("a", whole)});
    CHECK((row(agreed, 7, 0).ebx & addon) == addon);
    CHECK((row(agreed, 7, 0).edx & of_intel) == of_intel);
    const PoolPolicy pool = rules.policy({hardware_host("a", whole), hardware_host("b", otherwise)});
    CHECK((row(pool, 7, 0).ebx & addon) == 0);
    CHECK((row(pool, 7, 0).edx & of_intel) == 0);
}

TEST_CASE("an XSAVE state above bit 31 is read from and shown in the high half", "[merge][xsave]") {
    constexpr std::uint32_t bit_40 = 1U << 8;
    const TableBuilder avx = intel_with(addon).row(0xD, 2, {0x100, 0x240, 0, 0});
    SECTION("of XCR0") {
        const OtherRulebook rules({shown_states, {"xsave.json", mask_state, R"("5")", R"("40")", "", ""}});
        const TableBuilder with =
            TableBuilder(avx).row(0xD, 0, {0x5, 0x380, 0x380, bit_40}).row(0xD, 40, {0x40, 0x340, 0, 0});
        const PoolPolicy policy = rules.policy({hardware_host("a", with)});
        CHECK(row(policy, 0xD, 0) == Registers{0x5, 0, 0x380, bit_40});
        CHECK(row(policy, 0xD, 40) == Registers{0x40, 0x340, 0, 0});
        CHECK((row(policy, 7, 0).ebx & addon) == addon);
        const TableBuilder without = TableBuilder(with).reg(0xD, 0, edx, 0);
        CHECK(row(rules.policy({hardware_host("b", without)}), 0xD, 0) == Registers{0x1, 0, 0x240, 0});
    }
    SECTION("of IA32_XSS") {
        const OtherRulebook rules(
            {shown_states,
             {"xsave.json", mask_state, R"("5", "state": "user")", R"("40", "state": "supervisor")", "", ""}});
        const TableBuilder with = TableBuilder(avx)
                                      .row(0xD, 0, {0x5, 0x340, 0x340, 0})
                                      .row(0xD, 1, {0, 0, 0, bit_40})
                                      .row(0xD, 40, {0x40, 0, 1, 0});
        const PoolPolicy policy = rules.policy({hardware_host("a", with)});
        CHECK(row(policy, 0xD, 0) == Registers{0x5, 0, 0x340, 0});
        CHECK(row(policy, 0xD, 1) == Registers{0, 0, 0, bit_40});
        CHECK(row(policy, 0xD, 40) == Registers{0x40, 0, 1, 0});
        const TableBuilder without = TableBuilder(with).reg(0xD, 1, edx, 0);
        CHECK(row(rules.policy({hardware_host("b", without)}), 0xD, 0) == Registers{0x1, 0, 0x240, 0});
    }
}

TEST_CASE("RSBA is shown as long as RRSBA is not known, though the model settles RSBA alone", "[merge][retpoline]") {
    constexpr std::uint64_t rsba = 0x4;
    const auto with_fact = [](const char* facts) {
        return OtherRulebook({{"models.json", R"("name": "Milan")", R"("source")", facts, "", ""}});
    };
    const OtherRulebook half(with_fact(R"("silicon": {"rsba": "0x0"}, "source")"));
    const OtherRulebook whole(with_fact(R"("silicon": {"rsba": "0x0", "rrsba": "0x0"}, "source")"));
    const HostDump silent = hardware_host("a", amd_table(milan).reg(7, 0, ebx, base));
    const auto shown = [&](const OtherRulebook& rules) {
        std::uint64_t value = 0;
        for (const MsrRow& msr : rules.policy({silent}).msrs) value |= msr.value.value_or(0);
        return value;
    };
    CHECK(shown(half) == rsba);
    for (const Decision& decision : half.policy({silent}).decisions) {
        if (decision.field != "rsba") continue;
        REQUIRE(decision.values.size() == 1);
        CHECK(!decision.values.front().value);
        CHECK(decision.values.front().hosts == Names{"a"});
    }
    CHECK(shown(whole) == 0);
}

}  // namespace poolcpuid::test::other_rulebook_test
