// The VMX capability MSRs in the rulebook: how they are derived, and that each control is a field.

#include <algorithm>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "poolcpuid/load_rulebook.hpp"
#include "poolcpuid/rulebook.hpp"
#include "tests/catch.hpp"
#include "tests/unit/lint_slips.hpp"
#include "tests/unit/small_rulebook.hpp"

namespace poolcpuid::test::rulebook_vmx_test {

namespace {

constexpr const char* plain_controls = "msr/0x481.json";
constexpr const char* cr4_fixed1 = "msr/0x489.json";
constexpr const char* vmcs_enum = "msr/0x48a.json";
constexpr const char* true_controls = "msr/0x48d.json";

// The small rulebook with the four kinds of VMX MSR.
std::vector<RulebookFile> vmx_rulebook() {
    std::vector<RulebookFile> files = small_rulebook();
    files.push_back({plain_controls, R"({"msr": "0x481", "title": "Controls",
 "fields": [
  {"id": "must", "bits": "31:0", "vendors": ["all"], "rule": "derive", "exposure": "default", "derive": {"how": "vmx_default1", "from": "0x48d", "default1": "0x16"}, "impact": "crash", "why": "W.", "source": "T"},
  {"id": "may", "bits": "63:32", "vendors": ["all"], "rule": "derive", "exposure": "default", "derive": {"how": "vmx_default1", "from": "0x48d", "default1": "0x16"}, "impact": "crash", "why": "W.", "source": "T"}
 ]}
)"});
    files.push_back({cr4_fixed1, R"({"msr": "0x489", "title": "CR4",
 "fields": [
  {"id": "cr4", "bits": "31:0", "vendors": ["all"], "rule": "derive", "exposure": "default", "derive": {"how": "vmx_cr4_fixed1", "bits": {"23": ["addon", "extra"], "0": "base", "8": "always"}}, "impact": "crash", "why": "W.", "source": "T"}
 ]}
)"});
    files.push_back({vmcs_enum, R"({"msr": "0x48a", "title": "Fields",
 "fields": [
  {"id": "highest", "bits": "9:1", "vendors": ["all"], "rule": "derive", "exposure": "default", "derive": {"how": "vmx_vmcs_enum", "choices": [{"if": "addon", "value": "0x29"}, {"if": "true_may", "value": "0x19"}], "else": "0x17"}, "impact": "crash", "why": "W.", "source": "T"}
 ]}
)"});
    files.push_back({true_controls, R"({"msr": "0x48d", "title": "TRUE controls",
 "fields": [
  {"id": "true_must", "bits": "31:0", "vendors": ["all"], "rule": "union", "exposure": "default", "impact": "crash", "why": "W.", "source": "T"},
  {"id": "true_may", "bits": "63:32", "vendors": ["all"], "rule": "intersect", "exposure": "default", "impact": "crash", "why": "W.", "source": "T"}
 ]}
)"});
    return files;
}

// The field of a rulebook that covers a bit of an MSR, or nullptr.
const Field* covering(const Rulebook& rulebook, std::uint32_t msr, unsigned bit) {
    const auto at = std::find_if(rulebook.fields.begin(), rulebook.fields.end(), [&](const Field& f) {
        return f.is_msr && f.leaf == msr && f.low <= bit && bit <= f.high;
    });
    return at == rulebook.fields.end() ? nullptr : &*at;
}

// True when a dependency or unequal hosts may take the field away.
bool can_go(const Rulebook& rulebook, FieldIndex index) {
    const auto holds = [&](std::span<const FieldIndex> fields) {
        return std::find(fields.begin(), fields.end(), index) != fields.end();
    };
    return std::any_of(rulebook.dependencies.begin(), rulebook.dependencies.end(),
                       [&](const Dependency& d) { return holds(d.dependents); }) ||
           std::any_of(rulebook.equality.begin(), rulebook.equality.end(),
                       [&](const EqualityGroup& g) { return holds(g.drop); });
}

}  // namespace

TEST_CASE("derivations of VMX MSRs are loaded", "[rulebook][vmx]") {
    const LoadResult result = load_rulebook(vmx_rulebook());
    INFO(all_texts(result.findings));
    REQUIRE(result.findings.empty());
    const Rulebook& rulebook = result.rulebook.view();
    const auto derive = [&](std::string_view id) -> const Derive& { return rulebook[rulebook.find(id)].derive; };

    CHECK(derive("may").how == Derivation::vmx_default1);
    CHECK(derive("may").msr == 0x48D);
    CHECK(derive("may").default1 == 0x16);

    const std::span<const BitSource> bits = derive("cr4").bits;
    REQUIRE(bits.size() == 4);
    CHECK(bits[0].bit == 0);
    CHECK(bits[0].field == rulebook.find("base"));
    CHECK(bits[1].bit == 8);
    CHECK(bits[1].field == no_field);
    CHECK(bits[2].bit == 23);
    CHECK(bits[2].field == rulebook.find("addon"));
    CHECK(bits[3].bit == 23);
    CHECK(bits[3].field == rulebook.find("extra"));

    const std::span<const Choice> choices = derive("highest").choices;
    REQUIRE(choices.size() == 2);
    CHECK(choices[0].condition == rulebook.find("addon"));
    CHECK(choices[0].value == 0x29);
    CHECK(choices[1].condition == rulebook.find("true_may"));
    CHECK(choices[1].value == 0x19);
    CHECK(derive("highest").else_value == 0x17);
}

TEST_CASE("lint checks derivations of VMX MSRs", "[rulebook][lint][vmx]") {
    const char* const may = R"("id": "may")";
    const char* const cr4 = R"("id": "cr4")";
    const char* const highest = R"("id": "highest")";
    const char* const sources = "expected a field, a list of fields or \"always\"";
    check_all_found(
        {
            {plain_controls, may, R"(, "default1": "0x16")", "", "may", "\"default1\" in a derivation"},
            {plain_controls, may, R"("from": "0x48d", )", "", "may", "\"from\" in a derivation"},
            {plain_controls, may, R"("0x16")", R"("0x100000000")", "may", "8 hexadecimal digits"},
            {plain_controls, may, R"("0x48d")", R"("0x48e")", "may",
             "from an MSR of which the rulebook knows no promise"},
            {plain_controls, may, R"("0x48d")", R"("0x481")", "may",
             "from an MSR of which the rulebook knows no promise"},
            {plain_controls, may, R"("63:32")", R"("62:32")", "may", "vmx_default1 makes one half of an MSR"},
            {plain_controls, may, R"("from")", R"("bits": {}, "from")", "may", "only known keys in a derivation"},
            {cr4_fixed1, cr4, R"("base")", R"("nobody")", "cr4", "derive names the unknown field \"nobody\""},
            {cr4_fixed1, cr4, R"("extra")", R"("nobody")", "cr4", "derive names the unknown field \"nobody\""},
            {cr4_fixed1, cr4, R"("extra")", R"("always")", "cr4", "derive names the unknown field \"always\""},
            {cr4_fixed1, cr4, R"("base")", R"("many")", "cr4", "\"many\" is of the rule owned and can carry nothing"},
            {cr4_fixed1, cr4, R"("base")", R"("top")", "cr4", "\"top\" is of the rule derive and can carry nothing"},
            {cr4_fixed1, cr4, R"("8")", R"("32")", "cr4", "bit 32 is outside of the field"},
            {cr4_fixed1, cr4, R"("8")", R"("64")", "cr4", "expected the number of a bit, 0 to 63, found \"64\""},
            {cr4_fixed1, cr4, R"("8")", R"("0x8")", "cr4", "expected the number of a bit, 0 to 63, found \"0x8\""},
            {cr4_fixed1, cr4, R"("8")", R"("")", "cr4", "expected the number of a bit, 0 to 63, found \"\""},
            {cr4_fixed1, cr4, R"("base")", R"("")", "cr4", sources},
            {cr4_fixed1, cr4, R"(["addon", "extra"])", "[]", "cr4", sources},
            {cr4_fixed1, cr4, R"(["addon", "extra"])", R"(["addon", ""])", "cr4", sources},
            {cr4_fixed1, cr4, R"(["addon", "extra"])", "1", "cr4", "expected a string, found 1"},
            {cr4_fixed1, cr4, R"({"23": ["addon", "extra"], "0": "base", "8": "always"})", "{}", "cr4", "no bits"},
            {cr4_fixed1, cr4,
             R"("how": "vmx_cr4_fixed1", "bits": {"23": ["addon", "extra"], "0": "base", "8": "always"})",
             R"("how": "vmx_cr4_fixed1")", "cr4", "\"bits\" in a derivation"},
            {vmcs_enum, highest, R"("addon")", R"("nobody")", "highest", "derive names the unknown field \"nobody\""},
            {vmcs_enum, highest, R"("addon")", R"("many")", "highest",
             "\"many\" is of the rule owned and can carry nothing"},
            {vmcs_enum, highest, R"("0x29")", R"("0x200")", "highest", "a value of more than the field's 9 bits"},
            {vmcs_enum, highest, R"("0x17")", R"("0x200")", "highest", "a value of more than the field's 9 bits"},
            {vmcs_enum, highest, R"("else": "0x17")", R"("other": "0x17")", "highest", "\"else\" in a derivation"},
            {vmcs_enum, highest, R"("if": "addon", )", "", "highest", "\"if\" in a choice"},
            {vmcs_enum, highest, R"(, "value": "0x29")", "", "highest", "\"value\" in a choice"},
            {vmcs_enum, highest, R"("if": "addon")", R"("or": "", "if": "addon")", "highest",
             "only known keys in a choice"},
            {vmcs_enum, highest, R"([{"if": "addon", "value": "0x29"}, {"if": "true_may", "value": "0x19"}])", "[]",
             "highest", "no choices"},
            {"cpuid/0x7.json", R"("id": "sizes")", R"("then": "0x39")", R"("then": "0x100")", "sizes",
             "a value of more than the field's 8 bits"},
        },
        vmx_rulebook());
}

TEST_CASE("lint checks what allows the bits that must be 1", "[rulebook][lint][vmx]") {
    const char* const at = R"("id": "true_must")";
    const char* const union_rule = R"("rule": "union", "exposure": "default",)";
    check_all_found(
        {
            {true_controls, at, union_rule,
             R"("rule": "union", "exposure": "default", "gate": "base", "allowed_by": "62:32",)", "true_must",
             "allowed_by has not as many bits as the field"},
            {true_controls, at, union_rule,
             R"("rule": "union", "exposure": "default", "gate": "base", "allowed_by": "31:0",)", "true_must",
             "allowed_by stands above the field"},
            {true_controls, at, union_rule, R"("rule": "union", "exposure": "default", "allowed_by": "63:32",)",
             "true_must", "allowed_by goes with a gate"},
            {true_controls, at, union_rule,
             R"("rule": "union", "exposure": "default", "gate": "relaxed", "allowed_by": "63:32",)", "true_must",
             "announces a relaxed behaviour and may not be taken away"},
            {true_controls, R"("id": "true_may")", R"("rule": "intersect",)",
             R"("rule": "intersect", "gate": "base", "allowed_by": "63:32",)", "true_may",
             "allowed_by goes with the rule union"},
        },
        vmx_rulebook());
}

TEST_CASE("a feature of an MSR may need one of CPUID, and one of another MSR", "[rulebook][lint][vmx]") {
    std::vector<RulebookFile> files = vmx_rulebook();
    const char* const first = R"("prerequisite": "base")";
    make(files, {"dependencies.json", first, R"(["addon"])", R"(["addon", "true_may", "no_leak"])", "", ""});
    make(files, {"dependencies.json", R"("any_of")", R"(["addon", "extra"])", R"(["true_may"])", "", ""});
    INFO(all_texts(lint(files)));
    CHECK(lint(files).empty());
    make(files, {"dependencies.json", first, R"("true_may")", R"("true_must")", "", ""});
    CHECK(all_texts(lint(files)).find("\"true_must\" announces a relaxed behaviour") != std::string::npos);
}

TEST_CASE("a VMX control that must be 1 has a field that allows it", "[rulebook][vmx]") {
    struct Controls {
        std::uint32_t plain;
        std::uint32_t with_true;
        std::uint32_t default1;
    };
    // Linux arch/x86/include/asm/vmx.h, *_ALWAYSON_WITHOUT_TRUE_MSR; SDM vol. 3D, appendix A.2.
    const std::vector<Controls> all{
        {0x481, 0x48D, 0x00000016}, {0x482, 0x48E, 0x0401E172}, {0x483, 0x48F, 0x00036DFF}, {0x484, 0x490, 0x000011FF}};
    const Rulebook& rulebook = builtin_rulebook();
    for (const Controls& controls : all) {
        INFO("MSR " << std::hex << controls.plain);
        for (const unsigned half : {0U, 32U}) {
            const Field* const field = covering(rulebook, controls.plain, half);
            REQUIRE(field != nullptr);
            CHECK(field->derive.how == Derivation::vmx_default1);
            CHECK(field->derive.msr == controls.with_true);
            CHECK(field->derive.default1 == controls.default1);
        }
        for (unsigned bit = 0; bit < 32; ++bit) {
            const Field* const must = covering(rulebook, controls.with_true, bit);
            REQUIRE(must != nullptr);
            CHECK(must->rule == Rule::union_);
            if (((controls.default1 >> bit) & 1U) == 0) continue;
            const Field* const may = covering(rulebook, controls.with_true, bit + 32);
            INFO("bit " << std::dec << bit);
            REQUIRE(may != nullptr);
            CHECK(may->rule == Rule::intersect);
            CHECK(may->exposure == must->exposure);
            CHECK(may->ask == must->ask);
            CHECK(may->gate == must->gate);
            CHECK_FALSE(can_go(rulebook, static_cast<FieldIndex>(may - rulebook.fields.data())));
        }
    }
}

TEST_CASE("a VMX control with a name is one bit", "[rulebook][vmx]") {
    for (const Field& field : builtin_rulebook().fields) {
        if (!field.is_msr || field.leaf < 0x48B || field.leaf > 0x493 || field.rule != Rule::intersect) continue;
        if (std::string_view(field.id).find("default1") != std::string_view::npos) continue;
        INFO(field.id);
        CHECK(field.low == field.high);
        CHECK_FALSE(field.names.vendor.empty());
    }
}

TEST_CASE("the VMX fields of real names are where QEMU has them", "[rulebook][vmx]") {
    struct Place {
        const char* name;
        std::uint32_t msr;
        unsigned bit;
    };
    const Rulebook& rulebook = builtin_rulebook();
    for (const Place& place : std::vector<Place>{{"vmx-ins-outs", 0x480, 54},
                                                 {"vmx-store-lma", 0x485, 5},
                                                 {"vmx-ept", 0x48B, 33},
                                                 {"vmx-enable-user-wait-pause", 0x48B, 58},
                                                 {"vmx-ept-execonly", 0x48C, 0},
                                                 {"vmx-invept-single-context", 0x48C, 25},
                                                 {"vmx-invept-single-context-noglobals", 0x48C, 43},
                                                 {"vmx-posted-intr", 0x48D, 39},
                                                 {"vmx-secondary-ctls", 0x48E, 63},
                                                 {"vmx-exit-load-pkrs", 0x48F, 61},
                                                 {"vmx-entry-load-fred", 0x490, 55},
                                                 {"vmx-eptp-switching", 0x491, 0}}) {
        INFO(place.name);
        const std::vector<FieldIndex> found = rulebook.find_any_name(place.name);
        REQUIRE(found.size() == 1);
        CHECK(&rulebook[found[0]] == covering(rulebook, place.msr, place.bit));
    }
}

TEST_CASE("two rates of the preemption timer cost the timer, not VMX", "[rulebook][vmx]") {
    const Rulebook& rulebook = builtin_rulebook();
    const auto group = std::find_if(rulebook.equality.begin(), rulebook.equality.end(),
                                    [](const EqualityGroup& g) { return g.id == "vmx_timer_rate"; });
    REQUIRE(group != rulebook.equality.end());
    std::vector<const Field*> gone;
    for (const FieldIndex index : group->drop) gone.push_back(&rulebook[index]);
    CHECK(gone == std::vector<const Field*>{covering(rulebook, 0x48D, 32 + 6), covering(rulebook, 0x48F, 32 + 22)});
}

}  // namespace poolcpuid::test::rulebook_vmx_test
