// The model table: what lint refuses in it, and which facts hold for which microcode.

#include <algorithm>
#include <cstdint>
#include <stdexcept>
#include <string>
#include <string_view>
#include <vector>

#include "poolcpuid/rulebook.hpp"
#include "tests/catch.hpp"
#include "tests/unit/lint_slips.hpp"

namespace poolcpuid::test::rulebook_models_test {

namespace {

constexpr const char* models = "models.json";

const Model& model_of(const Rulebook& rulebook, const char* vendor, std::uint32_t leaf1_eax) {
    const auto at = rulebook.vendor_of(vendor);
    const Model* model = at ? rulebook.model_of(*at, signature_of(leaf1_eax)) : nullptr;
    if (model == nullptr) throw std::logic_error("no such model");
    return *model;
}

// "field=value ..." of the facts that hold with a microcode revision that was not taken back.
std::string facts_with(const Rulebook& rulebook, const Model& model, std::uint32_t revision) {
    std::string text;
    for (const MicrocodeFacts& facts : model.microcode) {
        if (facts.recalled || !facts.hold_with(revision)) continue;
        for (const SiliconFact& fact : facts.silicon) {
            text += std::string(rulebook[fact.field].id) + "=" + std::to_string(fact.value) + " ";
        }
    }
    return text;
}

}  // namespace

TEST_CASE("lint checks the model table", "[rulebook][lint]") {
    check_all_found({
        {models, R"("name": "New")", "0x5-0xf", "0x4-0xf", "New", "the same models as Old"},
        {models, R"("name": "New")", R"("steppings": ["0x5-0xf"], )", "", "New", "the same models as Old"},
        {models, R"("name": "Milan")", R"("amd")", R"("via")", "Milan", "unknown vendor \"via\""},
        {models, R"("name": "Milan")", R"(["0x1"])", R"(["0x10000"])", "", "expected numbers of 16 bits"},
        {models, R"("name": "Milan")", R"("source": "T")", R"("source": "")", "Milan", "no source"},
        {models, R"("name": "Old")", R"("relaxed")", R"("nobody")", "Old", "unknown field \"nobody\""},
        {models, R"("name": "Old")", R"("0x1")", R"("yes")", "", "hexadecimal digits, found \"yes\""},
        {models, R"("name": "Old")", "201501", R"("201501")", "", "expected a number of at most 32 bits"},
        {models, R"("name": "Old")", "201501", "4294967296", "", "expected a number of at most 32 bits"},
        {models, R"("name": "Old")", "201501", "[]", "", "expected a number of at most 32 bits, found an array"},
    });
    std::vector<RulebookFile> files = small_rulebook();
    make(files, {models, R"("name": "Milan")", R"(["0x1"])", "[]", "", ""});
    CHECK(all_texts(lint(files)).find("models.json:4: Milan: no model numbers") != std::string::npos);
}

TEST_CASE("models of two vendors may have the same numbers", "[rulebook][lint]") {
    std::vector<RulebookFile> files = small_rulebook();
    make(files, {models, R"("name": "Milan")", R"("0x19", "models": ["0x1"])", R"("0x6", "models": ["0x55"])", "", ""});
    CHECK(lint(files).empty());
}

TEST_CASE("lint checks the facts of a model", "[rulebook][lint]") {
    check_all_found({
        {models, R"("name": "Old")", R"("relaxed")", R"("base")", "Old",
         "\"base\" is of the rule intersect, not union or group"},
        {models, R"("name": "Old")", R"("relaxed": "0x1")", R"("scrubs": "0x0")", "Old",
         "\"scrubs\" is of the rule guarded, not union or group"},
        {models, R"("name": "Old")", R"("relaxed")", R"("of_amd")", "Old", "\"of_amd\" is no field of intel"},
        {models, R"("name": "Old")", R"("0x1")", R"("0x2")", "Old", "the value of \"relaxed\" is too wide"},
        {models, R"("name": "New")", R"({"rsba": "0x1"})", R"({"nobody": "0x1"})", "New", "unknown field \"nobody\""},
        {models, R"("name": "New")", R"({"rsba": "0x1"})", R"({"base": "0x1"})", "New",
         "\"base\" is of the rule intersect, not union or group"},
        {models, R"("name": "New")", R"({"rsba": "0x1"})", R"({"of_amd": "0x1"})", "New",
         "\"of_amd\" is no field of intel"},
        {models, R"("name": "New")", R"({"rsba": "0x1"})", R"({"rsba": "0x3"})", "New",
         "the value of \"rsba\" is too wide"},
    });
}

TEST_CASE("a fact may take a false promise away, or say that microcode scrubs", "[rulebook][lint]") {
    for (const char* const fact : {R"("base": "0x0")", R"("scrubs": "0x1")"}) {
        std::vector<RulebookFile> files = small_rulebook();
        make(files, {models, R"("name": "Old")", R"("relaxed": "0x1")", fact, "", ""});
        CHECK(lint(files).empty());
    }
}

TEST_CASE("a microcode that was taken back may have facts beside those of others, not of the same fields",
          "[rulebook][lint]") {
    const auto findings = [](const std::string& fact) {
        std::vector<RulebookFile> files = small_rulebook();
        const std::string recalled =
            R"({"below": "0x10", "silicon": {)" + fact + R"(}, "recalled": true}, {"below": "0x2a",)";
        make(files, {models, R"("name": "New")", R"({"below": "0x2a",)", recalled.c_str(), "", ""});
        return all_texts(lint(files));
    };
    CHECK(findings(R"("base": "0x0")").empty());
    CHECK(findings(R"("rsba": "0x0")").find("these microcodes overlap") != std::string::npos);
}

TEST_CASE("a fault that spares guests is about promises, which kernels can take", "[rulebook][lint]") {
    const auto findings = [](const std::string& fact) {
        std::vector<RulebookFile> files = small_rulebook();
        const std::string spared = R"({"below": "0x2a", "spares_guests": true, "silicon": {)" + fact + "}}";
        make(files,
             {models, R"("name": "New")", R"({"below": "0x2a", "silicon": {"rsba": "0x1"}})", spared.c_str(), "", ""});
        return all_texts(lint(files));
    };
    CHECK(findings(R"("base": "0x0")").empty());
    CHECK(findings(R"("rsba": "0x1")").find("kernels take only promises from guests") != std::string::npos);
}

TEST_CASE("lint knows what guests of a model can be wrong about", "[rulebook][lint]") {
    check_all_found({
        {models, R"("name": "Old")", R"("inferred": ["leak"])", R"("inferred": ["nothing"])", "Old",
         "unknown vulnerability \"nothing\""},
        {models, R"("name": "Old")", R"("immune")", R"("unaware": ["nothing"], "immune")", "Old",
         "unknown vulnerability \"nothing\""},
        {models, R"("name": "Old")", R"("immune")", R"("beyond_software": ["leak"], "immune")", "Old",
         "no field is missed that is a mitigation of \"leak\""},
    });
}

TEST_CASE("what a model needs beyond software is a mitigation that some field is", "[rulebook][lint]") {
    const auto findings = [](const char* vulnerability, const char* entry, const char* end) {
        std::vector<RulebookFile> files = small_rulebook();
        const std::string model = R"("beyond_software": [")" + std::string(vulnerability) + R"("], "immune")";
        make(files, {models, R"("name": "Old")", R"("immune")", model.c_str(), "", ""});
        make(files, {"cpuid/0x7.json", entry, R"("why": "W.", "source": "T"})", end, "", ""});
        return all_texts(lint(files));
    };
    const char* const missed =
        R"("mitigation": ["leak"], "missed": {"unless": "no_leak", "says": "Leaks."}, "why": "W.", "source": "T"})";
    CHECK(findings("leak", R"("id": "of_intel")", missed).empty());
    CHECK_THAT(findings("spill", R"("id": "of_intel")", missed), Catch::Contains("a mitigation of \"spill\""));
    CHECK_THAT(findings("nothing", R"("id": "of_intel")", missed),
               Catch::Contains("unknown vulnerability \"nothing\""));
    CHECK_THAT(findings("leak", R"("id": "of_intel")", R"("mitigation": ["leak"], "why": "W.", "source": "T"})"),
               Catch::Contains("no field is missed"));
}

TEST_CASE("lint checks the microcodes of a model", "[rulebook][lint]") {
    const char* const both = "is a fact of the model already, whatever the microcode";
    check_all_found({
        {models, R"("name": "New")", R"({"below": "0x2a", "silicon")", R"({"silicon")", "New",
         "a microcode without \"from\" and \"below\""},
        {models, R"("name": "New")", R"({"below": "0x2a",)", R"({"from": "0x2a", "below": "0x2a",)", "New",
         "no microcode is at once from and below these revisions"},
        {models, R"("name": "New")", R"({"below": "0x2a",)", R"({"from": "0x2b", "below": "0x10",)", "New",
         "no microcode is at once from and below these revisions"},
        {models, R"("name": "New")", R"({"below": "0x2a",)", R"({"below": "0x0",)", "New",
         "no microcode is at once from and below these revisions"},
        {models, R"("name": "New")", R"({"from": "0x2a",)", R"({"from": "0xffffffff",)", "New",
         "no microcode is at once from and below these revisions"},
        {models, R"("name": "New")", R"({"below": "0x2a",)", R"({"below": "0x2b",)", "New",
         "these microcodes overlap those of an entry before"},
        {models, R"("name": "New")", R"({"below": "0x2a",)", R"({"from": "0x30", "below": "0x31",)", "New",
         "these microcodes overlap those of an entry before"},
        {models, R"("name": "New")", R"({"rsba": "0x1"})", "{}", "New", "a microcode without facts"},
        {models, R"("name": "New")", R"("microcode")", R"("silicon": {"rrsba": "0x1"}, "microcode")", "New", both},
        {models, R"("name": "New")", R"("microcode")", R"("silicon": {"rrsba": "0x0"}, "microcode")", "New", both},
        {models, R"("name": "New")", R"({"below": "0x2a",)", R"({"below": "2a",)", "",
         "hexadecimal digits, found \"2a\""},
        {models, R"("name": "New")", R"({"below": "0x2a",)", R"({"below": "0x100000000",)", "", "hexadecimal digits"},
        {models, R"("name": "New")", R"({"below": "0x2a",)", R"({"until": "0x2b", "below": "0x2a",)", "",
         "only known keys in facts of a microcode"},
        {models, R"("name": "New")", R"(, "silicon": {"rsba": "0x1"}})", "}", "",
         "\"silicon\" in facts of a microcode"},
    });
}

TEST_CASE("microcodes may leave a gap", "[rulebook][lint]") {
    std::vector<RulebookFile> files = small_rulebook();
    make(files, {models, R"("name": "New")", R"({"from": "0x2a",)", R"({"from": "0x30", "below": "0x40",)", "", ""});
    const LoadResult result = load_rulebook(files);
    REQUIRE(result.findings.empty());
    const Rulebook& rulebook = result.rulebook.view();
    const Model& model = model_of(rulebook, "GenuineIntel", 0x00050655);
    CHECK(facts_with(rulebook, model, 0x29) == "rsba=1 ");
    CHECK(facts_with(rulebook, model, 0x2a).empty());
    CHECK(facts_with(rulebook, model, 0x2f).empty());
    CHECK(facts_with(rulebook, model, 0x30) == "rrsba=0 rsba=0 ");
    CHECK(facts_with(rulebook, model, 0x3f) == "rrsba=0 rsba=0 ");
    CHECK(facts_with(rulebook, model, 0x40).empty());
}

TEST_CASE("facts of a microcode hold from one revision to below another", "[rulebook]") {
    const LoadResult result = load_rulebook(small_rulebook());
    const Rulebook& rulebook = result.rulebook.view();
    const Model& model = model_of(rulebook, "GenuineIntel", 0x00050655);
    REQUIRE(model.microcode.size() == 2);
    CHECK(model.microcode[0].from == 0);  // in rising order, whatever the order in the file
    CHECK(model.microcode[0].below == 0x2a);
    CHECK(model.microcode[1].from == 0x2a);
    CHECK(facts_with(rulebook, model, 0) == "rsba=1 ");
    CHECK(facts_with(rulebook, model, 0x29) == "rsba=1 ");
    CHECK(facts_with(rulebook, model, 0x2a) == "rrsba=0 rsba=0 ");
    CHECK(facts_with(rulebook, model, 0xfffffffe) == "rrsba=0 rsba=0 ");
    CHECK(facts_with(rulebook, model, 0xffffffff).empty());  // no revision at all: what hypervisors show
    CHECK(model_of(rulebook, "GenuineIntel", 0x00050654).microcode.empty());
}

// The first microcode with which retpolines are safe on Broadwell (Xen, spec_ctrl.c, retpoline_calculations).
TEST_CASE("Broadwell is safe for retpolines from a microcode on", "[rulebook]") {
    struct Threshold {
        std::uint32_t leaf1_eax;
        std::uint32_t safe_from;
    };
    const std::vector<Threshold> thresholds{
        {0x000306D4, 0x2a},       // Broadwell-U
        {0x00040671, 0x1d},       // Broadwell-H
        {0x000406F1, 0xb000021},  // Broadwell-EP
        {0x00050662, 0x15},       // Broadwell-DE V1
        {0x00050663, 0x7000012},  // V2, V3
        {0x00050664, 0xf000011},  // Y0
        {0x00050665, 0xe000009},  // Hewitt Lake
    };
    const Rulebook& rulebook = builtin_rulebook();
    for (const Threshold& threshold : thresholds) {
        const Model& model = model_of(rulebook, "GenuineIntel", threshold.leaf1_eax);
        INFO(model.name);
        CHECK(facts_with(rulebook, model, threshold.safe_from - 1) == "ac_rsba=1 ");
        CHECK(facts_with(rulebook, model, threshold.safe_from) == "ac_rrsba=0 ac_rsba=0 ");
    }
}

// Features that silicon shows and Linux 7.2 withholds below a microcode: the first revision with which they work, and
// the first that is another CPU's where a row is of several.
TEST_CASE("features work from a microcode on", "[rulebook]") {
    struct Threshold {
        const char* vendor;
        std::uint32_t leaf1_eax;
        const char* broken;
        std::uint32_t mended_from;
        std::uint32_t mended_below = 0;
    };
    const char* const amd = "AuthenticAMD";
    const char* const intel = "GenuineIntel";
    const std::vector<Threshold> thresholds{
        {amd, 0x00800F12, "xsaves=0 ", 0x0800126e, 0x08001300},  // amd.c fix_erratum_1386
        {amd, 0x00830F10, "xsaves=0 ", 0x08301052, 0x08301100},
        {amd, 0x00B00F21, "rdseed=0 ", 0x0b00215a, 0x0b002200},  // zen5_rdseed_microcode
        {amd, 0x00B00F81, "rdseed=0 ", 0x0b008121, 0x0b008200},
        {amd, 0x00B10F10, "rdseed=0 ", 0x0b101054, 0x0b101100},
        {amd, 0x00B20F40, "rdseed=0 ", 0x0b204037, 0x0b204100},
        {amd, 0x00B40F40, "rdseed=0 ", 0x0b404035, 0x0b404100},
        {amd, 0x00B40F41, "rdseed=0 ", 0x0b404108, 0x0b404200},
        {amd, 0x00B60F00, "rdseed=0 ", 0x0b600037, 0x0b600100},
        {amd, 0x00B60F80, "rdseed=0 ", 0x0b608038, 0x0b608100},
        {amd, 0x00B70F00, "rdseed=0 ", 0x0b700037, 0x0b700100},
        {amd, 0x00A00F11, "ibpb_brtype=0 sbpb=0 ", 0x0a0011d1},  // linux-firmware amd-ucode/README of 2023-08-08
        {amd, 0x00A00F12, "ibpb_brtype=0 sbpb=0 ", 0x0a001234},
        {amd, 0x00A10F11, "ibpb_brtype=0 sbpb=0 ", 0x0a10113e},
        {amd, 0x00A10F12, "ibpb_brtype=0 sbpb=0 ", 0x0a10123e},
        {amd, 0x00AA0F01, "ibpb_brtype=0 sbpb=0 ", 0x0aa00116},
        {amd, 0x00AA0F02, "ibpb_brtype=0 sbpb=0 ", 0x0aa00212},
        {intel, 0x00090672, "pcid=0 ", 0x2e},  // mm/init.c invlpg_miss_ids
        {intel, 0x000906A3, "pcid=0 ", 0x42c},
        {intel, 0x000B06E0, "pcid=0 ", 0x11},
        {intel, 0x000B0671, "pcid=0 ", 0x118},
        {intel, 0x000B06A2, "pcid=0 ", 0x4117},
        {intel, 0x000B06F2, "pcid=0 ", 0x2e},
    };
    const Rulebook& rulebook = builtin_rulebook();
    for (const Threshold& threshold : thresholds) {
        const Model& model = model_of(rulebook, threshold.vendor, threshold.leaf1_eax);
        INFO(model.name << " " << std::hex << threshold.mended_from);
        CHECK(facts_with(rulebook, model, threshold.mended_from - 1) == threshold.broken);
        CHECK(facts_with(rulebook, model, threshold.mended_from).empty());
        if (threshold.mended_below == 0) continue;
        CHECK(facts_with(rulebook, model, threshold.mended_below - 1).empty());
        CHECK(facts_with(rulebook, model, threshold.mended_below) == threshold.broken);
    }
}

TEST_CASE("what kernels hold for broken on a model, whatever its microcode, is promised on none of them",
          "[rulebook]") {
    const auto says_zero = [](const char* vendor, std::uint32_t leaf1_eax, std::string_view id) {
        const auto& facts = model_of(builtin_rulebook(), vendor, leaf1_eax).silicon;
        const FieldIndex field = builtin_rulebook().find(id);
        REQUIRE(field != no_field);
        return std::any_of(facts.begin(), facts.end(),
                           [&](const SiliconFact& fact) { return fact.field == field && fact.value == 0; });
    };
    // K intel.c check_memory_type_self_snoop_errata
    for (const std::uint32_t intel : {0x000006F7U, 0x00010661U, 0x00010676U, 0x000106D1U, 0x000106A5U, 0x000106E5U,
                                      0x000206E6U, 0x00020655U, 0x000206C1U, 0x000206A7U}) {
        CAPTURE(intel);
        CHECK(says_zero("GenuineIntel", intel, "self_snoop"));
    }
    for (const std::uint32_t intel : {0x000206D7U, 0x000206F2U, 0x000306F2U}) {
        CAPTURE(intel);
        CHECK_FALSE(says_zero("GenuineIntel", intel, "self_snoop"));
    }
    // K amd.c clear_rdrand_cpuid_bit
    for (const std::uint32_t amd : {0x00600F20U, 0x00660F01U, 0x00730F01U})
        CHECK(says_zero("AuthenticAMD", amd, "rdrand"));
    CHECK_FALSE(says_zero("AuthenticAMD", 0x00800F12, "rdrand"));
}

// K6 amd.c tsa_init: of all AMD CPUs Zen 5 alone gets no TSA bits from the kernel.
TEST_CASE("Zen 5 is immune to TSA where its microcode says so, and the CPUs after it are by themselves", "[rulebook]") {
    const auto is_immune = [](std::uint32_t leaf1_eax, std::string_view tag) {
        const auto& immune = model_of(builtin_rulebook(), "AuthenticAMD", leaf1_eax).immune;
        return std::find(immune.begin(), immune.end(), tag) != immune.end();
    };
    for (const std::uint32_t zen5 :
         {0x00B00F21U, 0x00B10F10U, 0x00B20F40U, 0x00B40F40U, 0x00B60F00U, 0x00B70F00U, 0x00BD0F00U, 0x00BD0F70U}) {
        CHECK_FALSE((is_immune(zen5, "tsa") || is_immune(zen5, "tsa_fill")));
    }
    for (const std::uint32_t zen6 : {0x00B50F00U, 0x00B80F00U, 0x00BC0F00U, 0x00BD0F80U, 0x00BE0F00U}) {
        CHECK((is_immune(zen6, "tsa") && is_immune(zen6, "tsa_fill")));
    }
    CHECK((!is_immune(0x00A10F11, "tsa") && is_immune(0x00A10F11, "tsa_fill")));  // Genoa
}

TEST_CASE("x87's data pointer is known of the Intel models whose dumps show it", "[rulebook]") {
    for (const std::uint32_t model :
         {0x66U, 0x7eU, 0x8aU, 0x8cU, 0x8dU, 0x96U, 0x9cU, 0xa7U, 0xaaU, 0xb5U, 0xbdU, 0xbeU, 0xccU, 0xd5U, 0xd7U}) {
        CAPTURE(model);
        const Model& row =
            model_of(builtin_rulebook(), "GenuineIntel", (model >> 4) << 16 | 6U << 8 | (model & 0xF) << 4);
        const FieldIndex field = builtin_rulebook().find("fdp_excptn_only");
        CHECK(std::any_of(row.silicon.begin(), row.silicon.end(),
                          [&](const SiliconFact& fact) { return fact.field == field && fact.value == 1; }));
    }
}

// IA32_ARCH_CAPABILITIES as real silicon shows it. A model that is called immune must show so on every stepping of its
// row that was read.
TEST_CASE("no model is called immune against what its silicon says", "[rulebook]") {
    struct Read {
        std::uint32_t leaf1_eax;
        std::uint64_t arch_capabilities;
        bool rtm;
    };
    const std::vector<Read> reads{
        {0x00050656, 0x2B, true},         // libvirt, Xeon Platinum 8268
        {0x00050657, 0x2B, true},         // InstLatx64, CascadeLakeSP
        {0x00050657, 0x0C0AA0EB, false},  // Firecracker, Cascade Lake host, microcode 5003901h
        {0x000606A0, 0x0B, true},         // libvirt, Ice Lake Server: an early stepping, immune to neither
        {0x000606A6, 0x1EB, true},        // InstLatx64, ICX
        {0x000606A6, 0x0C02A0EB, false},  // Firecracker, Ice Lake host, microcode D000421h
        {0x000806F8, 0x00A8FDEB, true},   // InstLatx64, SapphireRapids
        {0x00090672, 0xD6B, false},       // InstLatx64, AlderLake
        {0x000A06D1, 0x2DA9FDEB, true},   // InstLatx64, GraniteRapids
        {0x000B0671, 0x0CC8FD6B, false},  // InstLatx64, RaptorLake
        {0x000C0652, 0x0DE9FD6B, false},  // InstLatx64, ArrowLakeH
        {0x000C06F2, 0x6C28FDEB, true},   // InstLatx64, EmeraldRapids
    };
    for (const Read& read : reads) {
        const Model& model = model_of(builtin_rulebook(), "GenuineIntel", read.leaf1_eax);
        INFO(model.name);
        const auto immune = [&](std::string_view bug) {
            return std::find(model.immune.begin(), model.immune.end(), bug) != model.immune.end();
        };
        const bool mds_no = ((read.arch_capabilities >> 5) & 1U) != 0;
        const bool taa_no = ((read.arch_capabilities >> 8) & 1U) != 0;
        if (immune("mds")) CHECK(mds_no);
        if (immune("taa")) CHECK((taa_no || !read.rtm));
    }
}

}  // namespace poolcpuid::test::rulebook_models_test
