// Lint: a clean rulebook is clean, and each thing that can be wrong with one is found, where it is.

#include <algorithm>
#include <string>
#include <vector>

#include "poolcpuid/load_rulebook.hpp"
#include "tests/catch.hpp"
#include "tests/unit/lint_slips.hpp"

namespace poolcpuid::test::rulebook_lint_test {

using Catch::Contains;

namespace {

constexpr const char* leaf_0 = "cpuid/0x0.json";
constexpr const char* leaf_7 = "cpuid/0x7.json";
constexpr const char* leaf_d = "cpuid/0xd.json";
constexpr const char* msr_10a = "msr/0x10a.json";

// Stands at the end of every entry of the small rulebook.
constexpr const char* end_of_entry = R"("why": "W.", "source": "T"})";

// What only the entry of a family says.
constexpr const char* family = R"("family": "0x19", "inferred")";

}  // namespace

TEST_CASE("the small rulebook is clean", "[rulebook][lint]") {
    const LoadResult result = load_rulebook(small_rulebook());
    INFO(all_texts(result.findings));
    REQUIRE(result.findings.empty());
    CHECK(result.rulebook.view().fields.size() == 29);
    CHECK(result.rulebook.view().version == "test");
}

TEST_CASE("a finding reads as FILE:LINE: FIELD: MESSAGE", "[rulebook][lint]") {
    CHECK(LintFinding{"cpuid/0x7.json", 4, "avx", "no why"}.text() == "cpuid/0x7.json:4: avx: no why");
    CHECK(LintFinding{"xsave.json", 0, "", "no states"}.text() == "xsave.json: no states");
}

TEST_CASE("lint checks the words of a field", "[rulebook][lint]") {
    check_all_found({
        {leaf_7, R"("id": "secret")", "secret", "Se-cret", "Se-cret", "an id is of a-z, 0-9 and _ only"},
        {leaf_7, R"("id": "secret")", R"("rule": "hide")", R"("rule": "and")", "secret", "unknown rule \"and\""},
        {leaf_7, R"("id": "relaxed")", R"("default")", R"("shown")", "relaxed", "unknown exposure \"shown\""},
        {leaf_7, R"("id": "relaxed")", R"("security")", R"("bad")", "relaxed", "unknown impact \"bad\""},
        {leaf_7, R"("id": "relaxed")", R"("W.")", R"("")", "relaxed", "no why"},
        {leaf_7, R"("id": "relaxed")", R"("T")", R"("")", "relaxed", "no source"},
        {leaf_7, R"("id": "relaxed")", R"(["all"])", R"([])", "relaxed", "no vendors"},
        {leaf_7, R"("id": "of_intel")", R"(["intel"])", R"(["intel", "via"])", "of_intel", "unknown vendor \"via\""},
        {leaf_7, R"("id": "base")", R"("qemu":)", R"("kvm": "k", "qemu":)", "base",
         "names of the unknown project \"kvm\""},
        {leaf_7, R"("id": "base")", R"("q-base")", R"("")", "base", "an empty name for qemu"},
        {leaf_7, R"("id": "of_amd")", R"("id": "of_amd")", R"("id": "of_intel")", "of_intel",
         "the id is used twice; first in cpuid/0x7.json:16"},
        {leaf_7, R"("id": "addon")", "q-addon", "q-base", "addon", "qemu calls base \"q-base\" as well"},
    });
}

TEST_CASE("lint checks who gives a leaf of hypervisors its meaning", "[rulebook][lint]") {
    const std::vector<RulebookFile> policy = read_rulebook_directory(POOLCPUID_SOURCE_DIR "/policy");
    constexpr const char* kvm = R"({"id": "kvm", "name")";
    constexpr const char* hyper_v = R"({"id": "hyperv", "name")";
    check_all_found(
        {
            {"rulebook.json", kvm, R"("KVMKVMKVM")", R"("KVMKVMKVMKVMK")", "", "a signature is of at most 12 bytes"},
            {"rulebook.json", kvm, R"("name": "KVM")", R"("name": "")", "", "no name"},
            {"rulebook.json", kvm, R"(, "signature": "KVMKVMKVM")", "", "", "by which its leaves are known"},
            {"rulebook.json", hyper_v, R"("Hv#1")", R"("Hv#12")", "", "an interface is of at most 4 bytes"},
        },
        policy);
    const auto complaint = [&](const char* file, const std::string& from, const std::string& to) {
        std::vector<RulebookFile> spoilt = policy;
        std::string& bytes = file_of(spoilt, file).bytes;
        bytes.replace(only_place_of(bytes, from), from.size(), to);
        return all_texts(lint(spoilt));
    };
    CHECK_THAT(complaint("cpuid/0x40000005.json", R"("hypervisor": "hyperv")", R"("hypervisor": "acrn")"),
               Contains("hyperv_limits: of the unknown hypervisor \"acrn\""));
    CHECK_THAT(complaint("cpuid/0x8.json", R"("title")", R"("hypervisor": "kvm", "title")"),
               Contains("no leaf of a hypervisor: those begin at 0x40000000"));
    CHECK_THAT(complaint("rulebook.json", R"("id": "hyperv")", R"("id": "kvm")"), Contains("hypervisor \"kvm\" again"));
    CHECK_THAT(complaint("cpuid/0x80000021.json",
                         R"("made": {"by": "all", "vendors": ["amd"], "where": [["amd_ibpb", "clzero"]])",
                         R"("made": {"by": "all", "vendors": ["via"], "where": [["amd_ibpb", "clzero"]])"),
               Contains("ibpb_brtype: unknown vendor \"via\""));
}

// A field that nothing else names, so that one slip is one finding.
TEST_CASE("lint wants a release with each name of QEMU", "[rulebook][lint]") {
    const char* const field = R"("id": "of_amd")";
    check_all_found({
        {leaf_7, field, R"({"name": "q-shared", "since": "7.2"})", R"("q-shared")", "of_amd",
         "expected QEMU's name with its release, {\"name\": \"…\", \"since\": \"9.0\"}, found \"q-shared\""},
        {leaf_7, field, R"("q-shared", "since": "7.2")", R"("q-shared")", "of_amd", "\"since\" in a QEMU name"},
        {leaf_7, field, R"("name": "q-shared", )", "", "of_amd", "\"name\" in a QEMU name"},
        {leaf_7, field, R"("since": "7.2")", R"("since": 7.2)", "of_amd", "expected a string, found 7.2"},
        {leaf_7, field, R"("7.2")", R"("7")", "of_amd", "expected a release \"MAJOR.MINOR\", found \"7\""},
        {leaf_7, field, R"("7.2")", R"("7.2.1")", "of_amd", "expected a release \"MAJOR.MINOR\", found \"7.2.1\""},
        {leaf_7, field, R"("7.2")", R"("07.2")", "of_amd", "expected a release \"MAJOR.MINOR\", found \"07.2\""},
        {leaf_7, field, R"("7.2")", R"("v7.2")", "of_amd", "expected a release \"MAJOR.MINOR\", found \"v7.2\""},
        {leaf_7, field, R"("7.2")", R"("7.2", "absent": "")", "of_amd", "expected a release \"MAJOR.MINOR\""},
        {leaf_7, field, R"("7.2")", R"("7.2", "absent": "11.0")", "of_amd",
         "expected a release before since, found \"11.0\""},
        {leaf_7, field, R"("7.2")", R"("7.2", "after": "7.1")", "of_amd", "only known keys in a QEMU name"},
        {leaf_7, field, R"("since": "7.2")", R"("since": "8.0")", "of_amd",
         "\"q-shared\" has another release at of_intel"},
    });
}

TEST_CASE("lint checks that a mitigation is of a vulnerability that the rulebook names", "[rulebook][lint]") {
    const char* head = "rulebook.json";
    check_all_found({
        {leaf_7, R"("id": "addon")", end_of_entry, R"("mitigation": ["flood"], "why": "W.", "source": "T"})", "addon",
         "a mitigation of the unknown vulnerability \"flood\""},
        {leaf_7, R"("id": "addon")", end_of_entry, R"("mitigation": ["leak", "leak"], "why": "W.", "source": "T"})",
         "addon", "the mitigation \"leak\" again"},
        {head, R"("id": "spill")", R"("spill")", R"("leak")", "", "vulnerability \"leak\" again"},
        {head, R"("id": "spill")", R"("spill")", R"("Spill")", "", "an id is of a-z, 0-9 and _ only"},
        {head, R"("id": "spill")", R"("A spill")", R"("")", "", "no name"},
        {head, R"("id": "spill")", R"("source": "T")", R"("source": "")", "", "no source"},
        {head, R"("id": "spill")", R"("source": "T")", R"("vendors": ["nobody"], "source": "T")", "",
         "unknown vendor \"nobody\""},
        {head, R"("id": "spill")", R"("source": "T")", R"("by_hand": [{"option": ""}], "source": "T")", "",
         "by_hand has an empty option"},
        {head, R"("id": "spill")", R"("source": "T")", R"("by_hand": [{"option": "x", "where": [[]]}], "source": "T")",
         "", "by_hand has an empty list of fields"},
        {head, R"("id": "spill")", R"("source": "T")",
         R"("by_hand": [{"option": "x", "where": [["!nobody"]]}], "source": "T")", "",
         "by_hand names the unknown field \"nobody\""},
        {head, R"("id": "spill")", R"("source": "T")", R"("by_hand": "x", "source": "T")", "", "found \"x\""},
    });
}

TEST_CASE("lint checks what it means to miss a mitigation", "[rulebook][lint]") {
    const char* const addon = R"("id": "addon")";
    check_all_found({
        {leaf_7, R"("id": "relaxed")", end_of_entry,
         R"("mitigation": ["leak"], "missed": {"says": "Leaks."}, "why": "W.", "source": "T"})", "relaxed",
         "missed goes with the rule intersect"},
        {leaf_7, addon, end_of_entry, R"("missed": {"says": "Leaks."}, "why": "W.", "source": "T"})", "addon",
         "missed goes with a mitigation"},
        {leaf_7, addon, end_of_entry, R"("mitigation": ["leak"], "missed": {"says": ""}, "why": "W.", "source": "T"})",
         "addon", "missed says nothing"},
        {leaf_7, R"("id": "longest")", end_of_entry,
         R"("mitigation": ["leak"], "missed": {"unless": "no_leak"}, "why": "W.", "source": "T"})", "longest",
         "expected \"says\" in what it means to miss a mitigation"},
        {leaf_7, addon, end_of_entry,
         R"("mitigation": ["leak"], "missed": {"unless": "nobody", "says": "L."}, "why": "W.", "source": "T"})",
         "addon", "missed names the unknown field \"nobody\""},
        {leaf_7, addon, end_of_entry,
         R"("mitigation": ["leak"], "missed": {"unless": "relaxed", "says": "L."}, "why": "W.", "source": "T"})",
         "addon", "missed unless \"relaxed\", which is no promise"},
    });
}

TEST_CASE("lint checks that the keys of a field go with its rule", "[rulebook][lint]") {
    check_all_found({
        {leaf_7, R"("id": "secret")", R"("never")", R"("default")", "secret",
         "rule hide and exposure never go together"},
        {leaf_7, R"("id": "relaxed")", R"("default")", R"("never")", "relaxed",
         "rule hide and exposure never go together"},
        {leaf_7, R"("id": "relaxed")", end_of_entry, R"("zero_means": "0x1", "why": "W.", "source": "T"})", "relaxed",
         "zero_means goes with the rule min"},
        {leaf_7, R"("id": "relaxed")", end_of_entry, R"("assured": "0x1", "why": "W.", "source": "T"})", "relaxed",
         "assured goes with the rule min"},
        {leaf_7, R"("id": "relaxed")", end_of_entry, R"("known_to": "0x1", "why": "W.", "source": "T"})", "relaxed",
         "known_to goes with the rule min"},
        {leaf_7, R"("id": "width")", end_of_entry, R"("known_to": "0x0", "why": "W.", "source": "T"})", "width",
         "known_to is a number of the field's bits, and not 0"},
        {leaf_7, R"("id": "width")", end_of_entry, R"("known_to": "0x100", "why": "W.", "source": "T"})", "width",
         "known_to is a number of the field's bits, and not 0"},
        {leaf_7, R"("id": "width")", end_of_entry,
         R"("of_identity": true, "known_to": "0x1", "why": "W.", "source": "T"})", "width",
         "known_to and of_identity exclude each other"},
        {leaf_7, R"("id": "relaxed")", end_of_entry, R"("wider": "More.", "why": "W.", "source": "T"})", "relaxed",
         "wider goes with the rule min"},
        {leaf_7, R"("id": "addon")", end_of_entry, R"("length_from": "length", "why": "W.", "source": "T"})", "addon",
         "length_from goes with the rule union"},
        {leaf_7, R"("id": "relaxed")", end_of_entry,
         R"("guard": {"immune": [["addon"]], "model": []}, "why": "W.", "source": "T"})", "relaxed",
         "guard goes with the rule guarded"},
        {leaf_7, R"("id": "addon")", end_of_entry, R"("derive": {"how": "max_leaf"}, "why": "W.", "source": "T"})",
         "addon", "derive goes with the rule derive"},
        {leaf_7, R"("id": "relaxed")", end_of_entry, R"("implied_by": "base", "why": "W.", "source": "T"})", "relaxed",
         "implied_by goes with the rule intersect"},
        {leaf_7, R"("id": "relaxed")", end_of_entry, R"("emulated": true, "why": "W.", "source": "T"})", "relaxed",
         "emulated goes with the rule intersect"},
        {leaf_7, R"("id": "relaxed")", end_of_entry,
         R"("rate": [{"product": ["length"], "unit": "Hz"}], "why": "W.", "source": "T"})", "relaxed",
         "rate goes with the rule intersect"},
        {leaf_7, R"("id": "relaxed")", end_of_entry,
         R"("made": {"by": "all", "source": "T"}, "why": "W.", "source": "T"})", "relaxed",
         "made goes with the rule intersect"},
        {leaf_7, R"("id": "addon")", end_of_entry,
         R"("made": {"by": "none", "source": "T"}, "why": "W.", "source": "T"})", "addon",
         "made by \"none\", which is neither all nor some"},
        {leaf_7, R"("id": "addon")", end_of_entry,
         R"("emulated": true, "made": {"by": "all", "source": "T"}, "why": "W.", "source": "T"})", "addon",
         "made and emulated exclude each other"},
        {leaf_7, R"("id": "addon")", end_of_entry,
         R"("made": {"by": "some", "where": [[]], "source": "T"}, "why": "W.", "source": "T"})", "addon",
         "made has an empty list of fields"},
        {leaf_7, R"("id": "addon")", end_of_entry,
         R"("made": {"by": "some", "where": [["!nobody"]], "source": "T"}, "why": "W.", "source": "T"})", "addon",
         "made names the unknown field \"nobody\""},
        {leaf_7, R"("id": "addon")", end_of_entry,
         R"("made": {"by": "all", "unsure": [["nobody"]], "source": "T"}, "why": "W.", "source": "T"})", "addon",
         "made names the unknown field \"nobody\""},
        {leaf_7, R"("id": "addon")", end_of_entry,
         R"("made": {"by": "some", "unsure": [["base"]], "source": "T"}, "why": "W.", "source": "T"})", "addon",
         "unsure goes with what all make"},
        {leaf_7, R"("id": "relaxed")", end_of_entry, R"("by_microcode": true, "why": "W.", "source": "T"})", "relaxed",
         "by_microcode goes with a bit that announces something"},
        {leaf_7, R"("id": "addon")", end_of_entry, R"("brought_to": ["mds"], "why": "W.", "source": "T"})", "addon",
         "brought_to goes with by_microcode"},
        {leaf_7, R"("id": "relaxed")", end_of_entry, R"("ask": "nested", "why": "W.", "source": "T"})", "relaxed",
         "ask goes with the exposure asked"},
        {leaf_7, R"("id": "relaxed")", R"("exposure": "default")", R"("exposure": "asked")", "relaxed",
         "bad news that is told only when asked for has a gate: without, its absence would be a promise"},
        {leaf_7, R"("id": "relaxed")", end_of_entry, R"("required": true, "why": "W.", "source": "T"})", "relaxed",
         "only a promise can be required"},
        {leaf_7, R"("id": "top")", R"("derive": {"how": "max_subleaf"},)", "", "top", "a derived field says how"},
        {leaf_7, R"("id": "top")", R"("max_subleaf"})", R"("guess"})", "top", "unknown derivation \"guess\""},
        {leaf_7, R"("id": "scrubs")", R"([["no_leak"], ["!addon", "extra"]])", "[]", "scrubs",
         "a guarded field says who is immune"},
        {leaf_7, R"("id": "scrubs")", R"("guard": {"immune": [["no_leak"], ["!addon", "extra"]], "model": ["leak"]},)",
         "", "scrubs", "a guarded field says who is immune"},
        {leaf_7, R"("id": "scrubs")", R"("model": ["leak"]})", R"("model": ["leak"], "heeds": [["extra"]]})", "scrubs",
         "heeds of a guard goes with told_by"},
        {leaf_7, R"("id": "scrubs")", R"("bits": "0")", R"("bits": "7:5")", "scrubs", "a guarded field is one bit"},
        {leaf_7, R"("id": "events")", end_of_entry, R"("covers": {"9": "8"}, "why": "W.", "source": "T"})", "events",
         "covers goes with the rule intersect"},
    });
}

TEST_CASE("a rulebook by which no policy says whose it is, is refused", "[rulebook][lint]") {
    check_all_found({
        {leaf_0, R"("id": "vendor_ebx")", R"("bits": "31:0")", R"("bits": "31:1")", "",
         "no required field of the rule equal has all of CPUID 0x0 ebx, where the vendor's string stands, for: amd, "
         "intel"},
        {leaf_0, R"("id": "vendor_ecx")", R"(["all"])", R"(["amd"])", "",
         "no required field of the rule equal has all of CPUID 0x0 ecx, where the vendor's string stands, for: intel"},
        {leaf_0, R"("id": "vendor_edx")", R"("rule": "equal")", R"("rule": "intersect")", "",
         "no required field of the rule equal has all of CPUID 0x0 edx, where the vendor's string stands, for: amd, "
         "intel"},
    });
    std::vector<RulebookFile> files = small_rulebook();
    std::erase_if(files, [](const RulebookFile& file) { return file.path == leaf_0; });
    const std::vector<LintFinding> findings = lint(files);
    INFO(all_texts(findings));
    REQUIRE(findings.size() == 3);
    for (const LintFinding& finding : findings) CHECK(finding.file == "rulebook.json");
}

TEST_CASE("a bit covers a lower one of its field", "[rulebook][lint]") {
    const auto covers = [](const char* list) {
        std::vector<RulebookFile> files = small_rulebook();
        const std::string entry = std::string(R"("bits": "2:1", "covers": )") + list + R"(, "names")";
        make(files, {leaf_7, R"("id": "extra")", R"("bits": "2")", R"("bits": "4")", "", ""});
        make(files, {leaf_7, R"("id": "relaxed")", R"("bits": "3")", R"("bits": "5")", "", ""});
        make(files, {leaf_7, R"("id": "addon")", R"("bits": "1", "names")", entry.c_str(), "", ""});
        return files;
    };
    CHECK(lint(covers(R"({"2": "1"})")).empty());
    for (const char* list : {R"({"1": "2"})", R"({"1": "1"})", R"({"3": "1"})", R"({"2": "0"})"}) {
        CAPTURE(list);
        const std::vector<LintFinding> findings = lint(covers(list));
        REQUIRE(findings.size() == 1);
        CHECK(findings[0].message.find("a bit covers a lower one of the field") == 0);
    }
    for (const char* list : {R"({"2": 1})", R"({"x": "1"})", R"({"2": "64"})"}) {
        CAPTURE(list);
        CHECK(lint(covers(list)).size() >= 1);
    }
}

TEST_CASE("lint checks the fields that a field names", "[rulebook][lint]") {
    check_all_found({
        {leaf_7, R"("id": "virtual")", R"("gate": "base")", R"("gate": "nobody")", "virtual",
         "gate names the unknown field \"nobody\""},
        {leaf_7, R"("id": "virtual")", R"("gate": "base")", R"("gate": "top")", "virtual",
         "\"top\" is of the rule derive and can carry nothing"},
        {leaf_7, R"("id": "virtual")", R"("gate": "base")", R"("gate": "component_size")", "virtual",
         "the gate \"component_size\" stands in several subleaves"},
        {leaf_7, R"("id": "extra")", R"("implied_by": "base")", R"("implied_by": "nobody")", "extra",
         "implied_by names the unknown field \"nobody\""},
        {leaf_7, R"("id": "events")", R"("length_from": "length")", R"("length_from": "nobody")", "events",
         "length_from names the unknown field \"nobody\""},
        {leaf_7, R"("id": "length")", R"("zero_means": "width")", R"("zero_means": "nobody")", "length",
         "zero_means names the unknown field \"nobody\""},
        {leaf_7, R"("id": "scrubs")", "!addon", "!nobody", "scrubs", "guard names the unknown field \"nobody\""},
        {leaf_7, R"("id": "sizes")", R"("if": "addon")", R"("if": "nobody")", "sizes",
         "derive names the unknown field \"nobody\""},
        {leaf_7, R"("id": "sizes")", R"("if": "addon")", R"("if": "")", "sizes", "derive names the unknown field \"\""},
        {leaf_7, R"("id": "addon")", end_of_entry,
         R"("eased_by": {"nobody": "performance"}, "why": "W.", "source": "T"})", "addon",
         "eased_by names the unknown field \"nobody\""},
        {leaf_7, R"("id": "addon")", end_of_entry, R"("eased_by": {"extra": "slow"}, "why": "W.", "source": "T"})",
         "addon", "unknown impact \"slow\""},
        {leaf_7, R"("id": "addon")", end_of_entry, R"("hides": ["extra"], "why": "W.", "source": "T"})", "addon",
         "hides goes with a field of an MSR"},
        {msr_10a, R"("id": "high")", end_of_entry, R"("hides": ["nobody"], "why": "W.", "source": "T"})", "high",
         "hides the unknown field \"nobody\""},
        {msr_10a, R"("id": "high")", end_of_entry, R"("hides": ["relaxed"], "why": "W.", "source": "T"})", "high",
         "hides \"relaxed\", which is neither a bit of CPUID of the rule intersect nor a maximum leaf"},
        {leaf_7, R"("id": "addon")", end_of_entry,
         R"("rate": [{"product": ["nobody"], "unit": "Hz"}], "why": "W.", "source": "T"})", "addon",
         "rate names the unknown field \"nobody\""},
        {leaf_7, R"("id": "addon")", end_of_entry,
         R"("rate": [{"product": ["length"], "per": "nobody", "unit": "Hz"}], "why": "W.", "source": "T"})", "addon",
         "rate names the unknown field \"nobody\""},
        {leaf_7, R"("id": "addon")", end_of_entry,
         R"("rate": [{"product": [], "unit": "Hz"}], "why": "W.", "source": "T"})", "addon",
         "rate is a product of one field or two"},
        {leaf_7, R"("id": "addon")", end_of_entry,
         R"("rate": [{"product": ["no_leak"], "unit": "Hz"}], "why": "W.", "source": "T"})", "addon",
         "rate is told by CPUID alone"},
        {leaf_7, R"("id": "addon")", end_of_entry,
         R"("rate": [{"product": ["length"], "unit": "MHz"}], "why": "W.", "source": "T"})", "addon",
         "rate has the unit \"MHz\", which is neither Hz nor kHz"},
    });
}

TEST_CASE("lint checks where bits stand", "[rulebook][lint]") {
    const char* const bits = "expected bits \"N\" or \"HIGH:LOW\" below 32, the high bit first";
    const char* const subleaf = "expected \"0xN\" or \"0xN-0xM\" with N not above M";
    check_all_found({
        {leaf_7, R"("id": "extra")", R"("bits": "2")", R"("bits": "1")", "extra", "its bits overlap those of addon"},
        {leaf_7, R"("id": "of_amd")", R"("q-shared", "since": "7.2"}}, "vendors": ["amd"])",
         R"("q-other", "since": "7.2"}}, "vendors": ["all"])", "of_amd", "its bits overlap those of of_intel"},
        {leaf_7, R"("id": "many")", "0x1-0x3f", "0x0-0x3f", "many", "its bits overlap those of top"},
        {msr_10a, R"("id": "rrsba")", R"("19")", R"("5")", "rrsba", "its bits overlap those of no_leak"},
        {leaf_7, R"("id": "secret")", R"("bits": "2")", R"("bits": "32")", "secret", bits},
        {leaf_7, R"("id": "secret")", R"("bits": "2")", R"("bits": "8:15")", "secret", bits},
        {leaf_7, R"("id": "secret")", R"("bits": "2")", R"("bits": "15-8")", "secret", bits},
        {leaf_7, R"("id": "secret")", R"("bits": "2")", R"("bits": 2)", "secret", "expected a string, found 2"},
        {leaf_7, R"("id": "secret")", R"("bits": "2")", R"("bits": "")", "secret", bits},
        {msr_10a, R"("id": "high")", R"("63")", R"("64")", "high", "below 64, the high bit first"},
        {leaf_7, R"("id": "many")", "0x1-0x3f", "0x3f-0x1", "many", subleaf},
        {leaf_7, R"("id": "many")", "0x1-0x3f", "1-63", "many", subleaf},
        {leaf_7, R"("id": "many")", "0x1-0x3f", "0x1-", "many", subleaf},
        {leaf_7, R"("id": "many")", "0x1-0x3f", "0x", "many", subleaf},
        {leaf_7, R"("id": "many")", "0x1-0x3f", "0x1-0x41", "many", "a range of more than 64 subleaves"},
        {leaf_7, R"("id": "secret")", R"("edx")", R"("rdx")", "secret", "expected eax, ebx, ecx or edx, found \"rdx\""},
    });
}

TEST_CASE("fields that share no vendor may share bits and names", "[rulebook][lint]") {
    std::vector<RulebookFile> files = small_rulebook();  // of_intel and of_amd do
    CHECK(lint(files).empty());
    make(files, {leaf_7, R"("id": "of_amd")", R"(["amd"])", R"(["amd", "intel"])", "", ""});
    CHECK(lint(files).size() == 2);  // the bit, and QEMU's name
}

TEST_CASE("lint refuses dependencies that no closure could follow", "[rulebook][lint]") {
    const char* const file = "dependencies.json";
    check_all_found({
        {file, R"("prerequisite")", R"(["addon"])", R"(["addon", "nobody"])", "base", "unknown field \"nobody\""},
        {file, R"("prerequisite")", R"("base")", R"("nobody")", "nobody", "unknown field \"nobody\""},
        {file, R"("any_of")", R"(["virtual"])", "[]", "addon", "an empty list of fields"},
        {file, R"("prerequisite")", R"(["addon"])", R"(["relaxed"])", "base",
         "\"relaxed\" announces a relaxed behaviour and may not be taken away"},
        {file, R"("prerequisite")", R"(["addon"])", R"(["scrubs"])", "base",
         "\"scrubs\" announces a relaxed behaviour and may not be taken away"},
        {file, R"("prerequisite")", R"(["addon"])", R"(["rsba"])", "base",
         "\"rsba\" announces a relaxed behaviour and may not be taken away"},
        {file, R"("prerequisite")", R"("base")", R"("top")", "top",
         "\"top\" is of the rule derive and can carry nothing"},
        {file, R"("prerequisite")", R"("base")", R"("many")", "many",
         "\"many\" is of the rule owned and can carry nothing"},
        {file, R"("prerequisite")", R"("W.")", R"("")", "base", "no why"},
        {file, R"("prerequisite")", R"("T")", R"("")", "base", "no source"},
        {file, R"("prerequisite")", R"(["addon"])", R"(["base"])", "base", "a cycle of dependencies through \"base\""},
        {file, R"("any_of")", R"(["virtual"])", R"(["virtual", "extra"])", "extra",
         "a cycle of dependencies through \"extra\""},
        {file, R"("prerequisite")", R"("why")", R"("shown_without": {"extra": "R."}, "why")", "base",
         "shown_without names \"extra\", which is not a dependent"},
        {file, R"("prerequisite")", R"("why")", R"("shown_without": {"addon": ""}, "why")", "base",
         "no reason why \"addon\" goes all the same"},
        {file, R"("prerequisite")", R"("why")", R"("where_had": true, "shown_without": {"addon": "R."}, "why")", "base",
         "where_had goes without shown_without: hosts without the prerequisite may show all"},
        {file, R"("prerequisite")", R"("base", "dependents": ["addon"])",
         R"("longest", "dependents": ["addon"], "where_had": true)", "longest",
         "where_had is of fields of the rule intersect, not of \"longest\""},
        {file, R"("prerequisite")", R"("prerequisite": "base")", R"("any_of": [])", "",
         "either \"prerequisite\" or \"any_of\""},
        {file, R"("any_of")", R"("any_of")", R"("prerequisite": "base", "any_of")", "",
         "either \"prerequisite\" or \"any_of\""},
    });
}

TEST_CASE("a cycle of dependencies is found through several entries and through a gate", "[rulebook][lint]") {
    const char* const file = "dependencies.json";
    // addon -> virtual by a dependency, virtual -> base by the gate turned round, base -> addon.
    std::vector<RulebookFile> files = small_rulebook();
    make(files, {leaf_7, R"("id": "base")", end_of_entry, R"("gate": "virtual", "why": "W.", "source": "T"})", "", ""});
    make(files, {leaf_7, R"("id": "virtual")", R"("gate": "base",)", "", "", ""});
    const std::vector<LintFinding> findings = lint(files);
    INFO(all_texts(findings));
    REQUIRE(findings.size() == 1);
    CHECK(findings[0].message.find("a cycle of dependencies") == 0);

    files = small_rulebook();
    make(files, {file, R"("any_of")", R"(["virtual"])", R"(["virtual", "base"])", "", ""});
    CHECK_FALSE(lint(files).empty());

    check_found({leaf_7, R"("id": "virtual")", R"("gate": "base")", R"("gate": "virtual")", "virtual",
                 "a cycle of dependencies through \"virtual\""});
}

TEST_CASE("lint checks equality groups", "[rulebook][lint]") {
    const char* const file = "equality.json";
    check_all_found({
        {leaf_7, R"("id": "secret")", R"("rule": "hide", "exposure": "never")",
         R"("rule": "equal", "exposure": "default")", "secret",
         "a field of the rule equal is in one equality group, this is in 0"},
        {file, R"("id": "line")", R"(["line_size"])", R"(["line_size", "width"])", "width", "not of the rule equal"},
        {file, R"("id": "line")", R"(["line_size"])", R"(["line_size", "nobody"])", "line", "unknown field \"nobody\""},
        {file, R"("id": "line")", R"(["extra"])", R"(["nobody"])", "line", "unknown field \"nobody\""},
        {file, R"("id": "line")", R"(["extra"])", "[]", "line", "an empty list of fields"},
        {file, R"("id": "line")", R"(["extra"])", R"(["relaxed"])", "line",
         "\"relaxed\" announces a relaxed behaviour and may not be taken away"},
        {file, R"("id": "line")", R"("W.")", R"("")", "line", "no why"},
        {file, R"("id": "line")", R"("T")", R"("")", "line", "no source"},
    });
    std::vector<RulebookFile> files = small_rulebook();
    make(files,
         {file, R"("id": "line")", R"("source": "T"})",
          R"("source": "T"}, {"id": "again", "fields": ["line_size"], "drop": ["extra"], "why": "W.", "source": "T"})",
          "", ""});
    const std::vector<LintFinding> findings = lint(files);
    REQUIRE(findings.size() == 1);
    CHECK(findings[0].text() ==
          "cpuid/0x7.json:8: line_size: a field of the rule equal is in one equality group, this is in 2");
}

TEST_CASE("lint checks the retpoline bits and levels", "[rulebook][lint]") {
    const char* const head = "rulebook.json";
    const char* const levels = "levels/x86-64.json";
    check_all_found({
        {head, R"("rsba": "rsba")", R"("rsba": "rsba")", R"("rsba": "nobody")", "retpoline",
         "unknown field \"nobody\""},
        {head, R"("rsba": "rsba")", R"("eibrs": "eibrs")", R"("eibrs": "nobody")", "retpoline",
         "unknown field \"nobody\""},
        {head, R"("rsba": "rsba")", R"(, "eibrs": "eibrs")", "", "", "\"eibrs\" in the retpoline bits"},
        {head, R"("rsba": "rsba")", R"("eibrs": "eibrs")", R"("eibrs": "no_leak")", "no_leak", "not of the rule group"},
        {msr_10a, R"("id": "no_leak")", R"("intersect")", R"("group")", "no_leak",
         "a field of the rule group is in one entry of retpoline, this is in 0"},
        {head, R"("rsba": "rsba")", R"("W.")", R"("")", "retpoline", "no why"},
        {head, R"("rsba": "rsba")", R"("T")", R"("")", "retpoline", "no source"},
        {levels, R"("id": "one")", R"(["base"])", R"(["base", "nobody"])", "one", "unknown field \"nobody\""},
        {levels, R"("id": "one")", R"(["base"])", R"([])", "one", "an empty list of fields"},
    });
}

TEST_CASE("lint checks baselines", "[rulebook][lint]") {
    const auto found = [](const std::string& entries, const std::string& head = R"("of": "Q 1", "source": "T")") {
        std::vector<RulebookFile> files = small_rulebook();
        files.push_back({"levels/qemu.json", "{" + head + ", \"baselines\": [\n" + entries + "]}"});
        std::string texts;
        for (const LintFinding& finding : lint(files)) texts += finding.text() + "\n";
        return texts;
    };
    const std::string one = R"({"id": "one", "vendors": ["intel"], "features": ["base"]})";
    CHECK(found(one) == "");
    CHECK(found(one + R"(, {"id": "two", "vendors": ["all"], "like": "one", "features": ["addon"]})") == "");
    CHECK_THAT(found(one + "," + one), Contains("levels/qemu.json:2: one: a baseline of that name again"));
    CHECK_THAT(found(R"({"id": "a:b", "vendors": ["intel"], "features": ["base"]})"), Contains("has no \":\""));
    CHECK_THAT(found(R"({"id": "one", "vendors": ["acme"], "features": ["base"]})"),
               Contains("unknown vendor \"acme\""));
    CHECK_THAT(found(R"({"id": "one", "vendors": ["intel"], "features": ["nobody"]})"),
               Contains("unknown field \"nobody\""));
    CHECK_THAT(found(R"({"id": "one", "vendors": ["intel"]})"), Contains("a baseline has features, or"));
    CHECK_THAT(found(one, R"("of": "Q 1", "source": "T", "refused": "R.")"), Contains("a baseline has features, or"));
    CHECK_THAT(found(R"({"id": "two", "vendors": ["intel"], "like": "one"}, )" + one),
               Contains("like \"one\", which is no baseline before it"));
    CHECK_THAT(found(one + R"(, {"id": "two", "vendors": ["intel"], "like": "one", "features": ["base"]})"),
               Contains("two: \"base\" again"));
    CHECK_THAT(found(one + R"(, {"id": "two", "vendors": ["intel"], "like": "one", "without": ["addon"]})"),
               Contains("without \"addon\", which it has not"));
    CHECK_THAT(found(R"({"id": "one", "vendors": ["intel"], "x": 1, "features": ["base"]})"),
               Contains("only known keys in a baseline"));
    CHECK_THAT(found(one, R"("of": "", "source": "T")"), Contains("whose baseline it is"));
}

TEST_CASE("lint checks the numbers of baselines", "[rulebook][lint]") {
    const auto found = [](const std::string& entries) {
        std::vector<RulebookFile> files = small_rulebook();
        std::string& leaf = files.at(1).bytes;  // 7, where the number is now the version of the addon
        const std::string limit = R"("rule": "min", "exposure": "default", "zero_means": "0x24")";
        leaf.replace(only_place_of(leaf, limit), limit.size(),
                     R"("rule": "min", "exposure": "default", "gate": "addon", "known_to": "0x2")");
        files.push_back({"levels/qemu.json", R"({"of": "Q 1", "source": "T", "baselines": [)" + entries + "]}"});
        std::string texts;
        for (const LintFinding& finding : lint(files)) texts += finding.text() + "\n";
        return texts;
    };
    const auto entry = [](const std::string& rest) { return R"({"id": "one", "vendors": ["intel"], )" + rest + "}"; };
    const std::string first = entry(R"("features": ["base", "addon"], "numbers": {"width": "0x1"})");
    CHECK(found(first) == "");
    CHECK(found(entry(R"("features": ["base"])")) == "");
    CHECK(found(first + R"(, {"id": "two", "vendors": ["intel"], "like": "one", "features": ["extra"]})") == "");
    CHECK_THAT(found(entry(R"("features": ["base", "addon"])")),
               Contains("one: has \"addon\", and numbers does not say which \"width\""));
    CHECK_THAT(found(entry(R"("features": ["base"], "numbers": {"nobody": "0x1"})")),
               Contains("numbers names the unknown field \"nobody\""));
    CHECK_THAT(found(entry(R"("features": ["base"], "numbers": {"extra": "0x1"})")),
               Contains("numbers has \"extra\", which is no limit that guests are shown"));
    for (const char* value : {"0x0", "0x100"}) {
        CHECK_THAT(found(entry(R"("features": ["base"], "numbers": {"width": ")" + std::string(value) + "\"}")),
                   Contains("the number of \"width\" is of its bits, and not 0"));
    }
}

TEST_CASE("lint checks XSAVE components", "[rulebook][lint]") {
    const char* const file = "xsave.json";
    check_all_found({
        {file, R"("id": "mask")", R"("5")", R"("2")", "mask", "the bit of another component"},
        {file, R"("id": "mask")", R"("user")", R"("kernel")", "mask", "unknown state \"kernel\""},
        {file, R"("id": "mask")", R"(["addon"])", R"(["nobody"])", "mask", "unknown field \"nobody\""},
        {file, R"("id": "mask")", R"(["addon"])", "[]", "mask", "an empty list of fields"},
        {file, R"("id": "mask")", R"(["addon"])", R"(["addon", "relaxed"])", "mask",
         "\"relaxed\" announces a relaxed behaviour and may not be taken away"},
        {file, R"("id": "mask")", R"("W.")", R"("")", "mask", "no why"},
        {file, R"("id": "x87")", R"("T")", R"("")", "x87", "no source"},
        {file, R"("id": "avx")", R"(["all"])", R"(["via"])", "avx", "unknown vendor \"via\""},
        {file, R"("id": "avx")", R"("0x100")", R"("0x0")", "avx", "a layout of size 0"},
        {file, R"("id": "avx")", R"(false, "source": "T")", R"(false, "source": "")", "avx", "a layout without source"},
    });
    std::vector<RulebookFile> files = small_rulebook();
    make(files, {file, R"("id": "x87")", R"("x87")", R"("mask")", "", ""});
    CHECK(all_texts(lint(files)) == "xsave.json:5: mask: the component again\n");

    files = small_rulebook();
    make(files, {file, R"("id": "x87")", R"("0")", R"("63")", "", ""});
    CHECK(all_texts(lint(files)).find("xsave.json:3: expected bits \"N\" or \"HIGH:LOW\" below 63") == 0);
}

TEST_CASE("lint checks which components stand together", "[rulebook][lint]") {
    std::vector<RulebookFile> files = small_rulebook();
    make(files, {"xsave.json", R"("together")", R"("mask")", R"("mosk")", "", ""});
    const std::vector<LintFinding> findings = lint(files);
    REQUIRE(findings.size() == 1);
    CHECK(findings[0].text() == "xsave.json: mosk: unknown component in \"together\"");
}

TEST_CASE("lint checks version and vendors", "[rulebook][lint]") {
    const char* const file = "rulebook.json";
    check_all_found({
        {file, R"("id": "amd")", R"("AuthenticAMD")", R"("Authentic")", "", "\"Authentic\" is not of 12 bytes"},
        {file, R"("id": "amd")", R"("AuthenticAMD")", R"("GenuineIntel")", "",
         "the vendor string \"GenuineIntel\" again"},
        {file, R"("id": "amd")", R"(})", R"(}, {"id": "amd", "name": "AMD", "strings": []})", "",
         "vendor \"amd\" again"},
    });
    std::vector<RulebookFile> files = small_rulebook();
    make(files, {file, R"("version")", R"("test")", R"("")", "", ""});
    CHECK(all_texts(lint(files)) == "rulebook.json: the rulebook has no version\n");

    files = small_rulebook();
    std::string more;
    for (int i = 0; i < 7; ++i) more += R"(, {"id": "v)" + std::to_string(i) + R"(", "name": "V", "strings": []})";
    make(files, {file, R"("id": "amd")", R"(})", ("}" + more).c_str(), "", ""});
    CHECK(all_texts(lint(files)) == "rulebook.json:4: more than 8 vendors\n");
}

TEST_CASE("lint names every slip, sorted by file and line", "[rulebook][lint]") {
    std::vector<RulebookFile> files = small_rulebook();
    make(files, {"xsave.json", R"("id": "mask")", R"("W.")", R"("")", "", ""});
    make(files, {leaf_7, R"("id": "relaxed")", R"("W.")", R"("")", "", ""});
    make(files, {leaf_7, R"("id": "base")", R"("W.")", R"("")", "", ""});
    make(files, {msr_10a, R"("id": "high")", R"("W.")", R"("")", "", ""});
    CHECK(all_texts(lint(files)) ==
          "cpuid/0x7.json:4: base: no why\n"
          "cpuid/0x7.json:7: relaxed: no why\n"
          "msr/0x10a.json:7: high: no why\n"
          "xsave.json:5: mask: no why\n");
}

TEST_CASE("a slip in the JSON itself is found on its line", "[rulebook][lint]") {
    check_all_found({
        {leaf_d, R"("id": "area")", R"("rule": )", R"("rule" )", "", "expected well-formed JSON"},
        {leaf_d, R"("id": "area")", R"("rule": )", R"("rule": "hide", "rule": )", "", "each key once"},
    });
    for (const Slip& slip : std::vector<Slip>{
             {leaf_7, R"("id": "secret")", R"("why")", R"("wy": "x", "why")", "secret",
              "only known keys in a field, found \"wy\""},
             {leaf_7, R"("id": "scrubs")", R"("model")", R"("family": [], "model")", "scrubs",
              "only known keys in a guard"},
             {leaf_7, R"("id": "top")", R"("max_subleaf")", R"("max_subleaf", "leaf": "0x1")", "top",
              "only known keys in a derivation"},
             {leaf_7, R"("leaf": "0x7")", R"("title")", R"("reserved": [], "title")", "",
              "only known keys in a leaf or MSR file, found \"reserved\""},
             {msr_10a, R"("id": "high")", R"("bits")", R"("register": "eax", "bits")", "high",
              "only known keys in a field"},
             {"equality.json", R"("id": "line")", R"("why")", R"("x": "", "why")", "", "only known keys in"},
             {"dependencies.json", R"("prerequisite")", R"("why")", R"("x": "", "why")", "",
              "only known keys in a dependency"},
             {"levels/x86-64.json", R"("id": "two")", R"("why")", R"("x": "", "why")", "",
              "only known keys in a level"},
             {"rulebook.json", R"("rsba": "rsba")", R"("why")", R"("x": "", "why")", "",
              "only known keys in the retpoline bits"},
             {"models.json", R"("name": "Milan")", R"("name")", R"("x": "", "name")", "", "only known keys in a model"},
             {"xsave.json", R"("id": "mask")", R"("why")", R"("x": "", "why")", "",
              "only known keys in an XSAVE component"},
             {"rulebook.json", R"("id": "amd")", R"("name")", R"("x": "", "name")", "", "only known keys in a vendor"},
         }) {
        std::vector<RulebookFile> files = small_rulebook();
        const std::size_t line = make(files, slip);
        const std::vector<LintFinding> findings = lint(files);
        INFO(slip.file << ", " << slip.entry << "\n" << all_texts(findings));
        // An entry that is left out may leave others that name it, so this is not always the only finding.
        CHECK(std::any_of(findings.begin(), findings.end(), [&](const LintFinding& finding) {
            return finding.file == slip.file && finding.line == line && finding.field == slip.field &&
                   finding.message.find(slip.message) != std::string::npos;
        }));
    }
}

TEST_CASE("a file that no rulebook has is found", "[rulebook][lint]") {
    std::vector<RulebookFile> files = small_rulebook();
    files.push_back({"zoo.json", "{}"});
    const std::vector<LintFinding> findings = lint(files);
    REQUIRE(findings.size() == 1);
    CHECK(findings[0].text() == "zoo.json: expected a file that policy/README.md names, found this one");
}

TEST_CASE("lint checks what is said of families", "[rulebook][lint]") {
    const std::string again = R"({"vendor": "amd", "family": "0x19", "unaware": ["leak"], "source": "T"})";
    check_all_found({
        {"models.json", family, R"(["leak"])", R"(["nobody"])", "amd family 0x19", "unknown vulnerability \"nobody\""},
        {"models.json", family, R"("inferred": ["leak"])", R"("unaware": ["nobody"])", "amd family 0x19",
         "unknown vulnerability \"nobody\""},
        {"models.json", family, R"(["leak"])", "[]", "amd family 0x19", "nothing is said of the family"},
        {"models.json", family, R"("T")", R"("")", "amd family 0x19", "no source"},
        {"models.json", family, R"("source": "T"})", (R"("source": "T"}, )" + again).c_str(), "amd family 0x19",
         "the same family as an entry before"},
    });
}

TEST_CASE("lint checks the vendors of everything that has some", "[rulebook][lint]") {
    check_all_found({
        {leaf_7, R"("id": "secret")", R"(["all"])", R"([])", "secret", "no vendors"},
        {leaf_7, R"("id": "secret")", R"(["all"])", R"(["amd", "via"])", "secret", "unknown vendor \"via\""},
        {msr_10a, R"("id": "high")", R"(["all"])", R"([""])", "high", "unknown vendor \"\""},
        {"xsave.json", R"("id": "avx")", R"(["all"])", R"([])", "avx", "no vendors"},
        {"models.json", R"("name": "Milan")", R"("amd")", R"("all")", "Milan", "a model is of one vendor"},
        {"models.json", family, R"("amd")", R"("via")", "via family 0x19", "unknown vendor \"via\""},
        {"models.json", family, R"("amd")", R"("all")", "all family 0x19", "a family is of one vendor"},
    });
    std::vector<RulebookFile> files = small_rulebook();
    std::string& bytes = file_of(files, "rulebook.json").bytes;
    bytes.replace(bytes.find(R"("intel")"), 7, R"("all")");
    CHECK(all_texts(lint(files)).find("a vendor's id is of a-z, 0-9 and _ only, and not \"all\"") != std::string::npos);
}

TEST_CASE("lint checks what stands for a zero and who is immune", "[rulebook][lint]") {
    check_all_found({
        {leaf_7, R"("id": "width")", R"("0x24")", R"("0x")", "width", "zero_means is a field or \"0x…\""},
        {leaf_7, R"("id": "width")", R"("0x24")", R"("0x24h")", "width", "zero_means is a field or \"0x…\""},
        {leaf_7, R"("id": "scrubs")", R"("!addon")", R"("!")", "scrubs", "guard names the unknown field \"\""},
        {leaf_7, R"("id": "scrubs")", R"([["no_leak"], )", R"([[], )", "scrubs", "guard has an empty list of fields"},
    });
}

TEST_CASE("lint refuses the subleaf beyond which none can be counted", "[rulebook][lint]") {
    check_all_found({{leaf_7, R"("id": "many")", "0x1-0x3f", "0xffffffff", "many", "no leaf has the subleaf"}});
}

}  // namespace poolcpuid::test::rulebook_lint_test
