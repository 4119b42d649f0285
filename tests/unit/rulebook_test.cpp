// The compiled-in rulebook is policy/ and nothing else, and what the library looks up in it is right.

#include "poolcpuid/rulebook.hpp"

#include <algorithm>
#include <array>
#include <cstdio>
#include <memory>
#include <sstream>
#include <string>
#include <tuple>
#include <type_traits>
#include <utility>
#include <vector>

#include "base/sha256.hpp"
#include "poolcpuid/error.hpp"
#include "poolcpuid/load_rulebook.hpp"
#include "rulebook/klauspost_names.hpp"
#include "rulebook/members.hpp"
#include "rulebook/names.hpp"
#include "rulebook/target_data.hpp"
#include "tests/catch.hpp"
#include "tests/unit/lint_slips.hpp"
#include "tests/unit/small_rulebook.hpp"

namespace poolcpuid::test::rulebook_test {

namespace {

const std::string policy_directory = POOLCPUID_SOURCE_DIR "/policy";

// An entry of a rulebook as text, so that two of them compare member by member and differ legibly.
class EntryText {
public:
    template <typename Entry>
    static std::string of(const Entry& entry) {
        EntryText text;
        text.put(entry);
        return text.out_.str();
    }

private:
    template <typename T>
    void put(const T& value) {
        if constexpr (std::is_enum_v<T>) {
            out_ << static_cast<unsigned>(value) << "|";
        } else if constexpr (std::is_integral_v<T>) {
            out_ << +value << "|";
        } else {
            out_ << "{";
            std::apply([this](const auto&... member) { (this->put(member), ...); }, rulebook::members(value));
            out_ << "}";
        }
    }
    void put(Text text) { out_ << text << "|"; }
    template <typename T>
    void put(List<T> list) {
        out_ << "[";
        for (const T& item : list) put(item);
        out_ << "]";
    }
    template <typename T>
    void put(const std::optional<T>& value) {
        put(value.has_value());
        if (value) put(*value);
    }

    std::ostringstream out_;
};

template <typename Entry>
void check_same(const char* table, List<Entry> compiled, List<Entry> loaded) {
    INFO(table);
    REQUIRE(compiled.size() == loaded.size());
    for (std::size_t i = 0; i < compiled.size(); ++i) CHECK(EntryText::of(compiled[i]) == EntryText::of(loaded[i]));
}

// What a shell prints for command, without the line feed at the end.
std::string shell(const std::string& command) {
    const std::unique_ptr<std::FILE, int (*)(std::FILE*)> pipe(::popen(command.c_str(), "r"), &::pclose);
    std::string output;
    std::array<char, 256> buffer{};
    while (std::fgets(buffer.data(), static_cast<int>(buffer.size()), pipe.get()) != nullptr) output += buffer.data();
    return output.substr(0, output.find('\n'));
}

const Rulebook& small() {
    static const LoadResult result = load_rulebook(small_rulebook());
    return result.rulebook.view();
}

}  // namespace

TEST_CASE("the rulebook in the program is the one in policy/", "[rulebook]") {
    const LoadResult result = load_rulebook(read_rulebook_directory(policy_directory));
    std::string findings;
    for (const LintFinding& finding : result.findings) findings += finding.text() + "\n";
    INFO(findings);
    REQUIRE(result.findings.empty());
    const Rulebook& compiled = builtin_rulebook();
    const Rulebook& loaded = result.rulebook.view();
    CHECK(compiled.version == loaded.version);
    CHECK(compiled.sha256 == loaded.sha256);
    CHECK(compiled.xsave_legacy_size == loaded.xsave_legacy_size);
    check_same("vendors", compiled.vendors, loaded.vendors);
    check_same("vulnerabilities", compiled.vulnerabilities, loaded.vulnerabilities);
    check_same("fields", compiled.fields, loaded.fields);
    check_same("dependencies", compiled.dependencies, loaded.dependencies);
    check_same("equality", compiled.equality, loaded.equality);
    check_same("retpoline", compiled.retpoline, loaded.retpoline);
    check_same("xsave", compiled.xsave, loaded.xsave);
    check_same("models", compiled.models, loaded.models);
    check_same("families", compiled.families, loaded.families);
    check_same("levels", compiled.levels, loaded.levels);
    check_same("baselines", compiled.baselines, loaded.baselines);
    check_same("sources", compiled.sources, loaded.sources);
    CHECK(compiled.targets.size() == 8);
    check_same("targets", compiled.targets, loaded.targets);
    CHECK(compiled.guests.size() == 1);
    check_same("guests", compiled.guests, loaded.guests);
}

TEST_CASE("sha256sum over policy/ without targets/ and guests/ gives the rulebook's digest", "[rulebook]") {
    const std::string listing =
        "cd '" + policy_directory +
        "' && find . '(' -name targets -o -name guests ')' -prune -o -name '*.json' -print | sed 's,^[.]/,,' | "
        "LC_ALL=C sort | xargs sha256sum | sha256sum";
    CHECK(shell(listing) == std::string(builtin_rulebook().sha256) + "  -");
}

TEST_CASE("the digest covers the bytes and the path of every file", "[rulebook]") {
    const std::vector<RulebookFile> files = small_rulebook();
    std::string listing;
    for (const RulebookFile& file : files) listing += sha256_hex(file.bytes) + "  " + file.path + "\n";
    CHECK(small().sha256 == sha256_hex(listing));
    for (std::size_t i = 0; i < files.size(); ++i) {
        std::vector<RulebookFile> changed = files;
        changed[i].bytes += " ";
        CHECK(load_rulebook(changed).rulebook.view().sha256 != small().sha256);
    }
}

TEST_CASE("a rulebook directory that lacks a part is refused", "[rulebook]") {
    CHECK_THROWS_AS(read_rulebook_directory(policy_directory + "/nowhere"), InputError);
    CHECK_THROWS_AS(read_rulebook_directory(policy_directory + "/README.md"), InputError);
    CHECK_THROWS_WITH(read_rulebook_directory(policy_directory + "/cpuid"),
                      Catch::Contains("cpuid/dependencies.json") && Catch::Contains("expected a file of the rulebook"));
}

TEST_CASE("the files of a rulebook directory come sorted by path", "[rulebook]") {
    const std::vector<RulebookFile> files = read_rulebook_directory(policy_directory);
    CHECK(files.size() > 100);
    CHECK(std::is_sorted(files.begin(), files.end(), [](const auto& a, const auto& b) { return a.path < b.path; }));
}

TEST_CASE("the fields of a rulebook are in the order of every document", "[rulebook]") {
    const auto place = [](const Field& f) { return std::tuple(f.is_msr, f.leaf, f.subleaf_first, f.reg, f.low); };
    for (const Rulebook* rulebook : {&builtin_rulebook(), &small()}) {
        CHECK(std::is_sorted(rulebook->fields.begin(), rulebook->fields.end(),
                             [&](const Field& a, const Field& b) { return place(a) < place(b); }));
    }
}

TEST_CASE("what a file says once counts for its fields that do not say it themselves", "[rulebook]") {
    std::vector<RulebookFile> files = small_rulebook();
    const auto change = [&](const char* file, const char* entry, const char* from, const char* to) {
        make(files, {file, entry, from, to, "", ""});
    };
    const char* const leaf_7 = "cpuid/0x7.json";
    change(
        leaf_7, R"("title")", R"("title": "Features",)",
        R"("title": "Features", "subleaf": "0x1-0x3f", "register": "ebx", "vendors": ["intel"], "exposure": "never",)");
    change(leaf_7, R"("id": "many")", R"("subleaf": "0x1-0x3f", )", "");
    change(leaf_7, R"("id": "relaxed")", R"("register": "ebx", )", "");
    change(leaf_7, R"("id": "of_intel")", R"("vendors": ["intel"], )", "");
    change(leaf_7, R"("id": "secret")", R"("exposure": "never", )", "");
    change("msr/0x10a.json", R"("title")", R"("title")", R"("vendors": ["all"], "exposure": "default", "title")");
    change("msr/0x10a.json", R"("id": "no_leak")", R"("vendors": ["all"], )", "");
    change("msr/0x10a.json", R"("id": "no_leak")", R"("exposure": "default", )", "");
    const LoadResult result = load_rulebook(files);
    INFO(all_texts(result.findings));
    REQUIRE(result.findings.empty());
    check_same("fields", result.rulebook.view().fields, small().fields);
}

TEST_CASE("a field says what its file does not", "[rulebook][lint]") {
    check_all_found({
        {"cpuid/0x7.json", R"("id": "secret")", R"("subleaf": "0x0", )", "", "secret", R"("subleaf" in a field)"},
        {"cpuid/0x7.json", R"("id": "secret")", R"("register": "edx", )", "", "secret", R"("register" in a field)"},
        {"cpuid/0x7.json", R"("id": "secret")", R"("vendors": ["all"], )", "", "secret", R"("vendors" in a field)"},
        {"cpuid/0x7.json", R"("id": "secret")", R"("exposure": "never", )", "", "secret", R"("exposure" in a field)"},
        {"msr/0x10a.json", R"("title")", R"("title")", R"("register": "eax", "title")", "", "register"},
    });
}

TEST_CASE("loading gives each entry its meaning", "[rulebook]") {
    const Rulebook& rulebook = small();
    const auto field = [&](std::string_view id) -> const Field& { return rulebook[rulebook.find(id)]; };
    CHECK(field("of_intel").vendors == 0b01);
    CHECK(field("of_amd").vendors == 0b10);
    CHECK(field("base").vendors == 0b11);
    CHECK(field("base").required);
    CHECK(field("width").zero_has_meaning);
    CHECK(field("width").zero_means == 0x24);
    CHECK(field("length").zero_means_field == rulebook.find("width"));
    CHECK(field("events").length_from == rulebook.find("length"));
    CHECK(field("virtual").gate == rulebook.find("base"));
    CHECK(field("virtual").ask == "nested");
    CHECK(field("extra").implied_by.field == rulebook.find("base"));
    CHECK_FALSE(field("extra").implied_by.negated);
    CHECK(builtin_rulebook()[builtin_rulebook().find("ac_taa_no")].implied_by.negated);
    CHECK(field("many").subleaf_first == 0x1);
    CHECK(field("many").subleaf_last == 0x3f);
    CHECK(field("width").mask() == 0x00FF0000);
    CHECK(field("top").mask() == 0xFFFFFFFF);
    const Guard& guard = field("scrubs").guard;
    REQUIRE(guard.immune.size() == 2);
    REQUIRE(guard.immune[1].size() == 2);
    CHECK(guard.immune[1][0].field == rulebook.find("addon"));
    CHECK(guard.immune[1][0].negated);
    CHECK_FALSE(guard.immune[1][1].negated);
    CHECK(field("base").names.qemu == "q-base");
    CHECK(field("base").names.qemu_age == NameAge{{9, 0}, std::nullopt});
    CHECK(field("addon").names.qemu_age == NameAge{{11, 0}, VmmVersion{9, 2}});
    CHECK(field("sizes").derive.how == Derivation::select);
    CHECK(field("sizes").derive.then_value == 0x39);
    REQUIRE(rulebook.xsave.size() == 3);
    CHECK(rulebook.xsave[0].together == 0);
    CHECK(rulebook.xsave[1].together == ((1U << 2) | (1U << 5)));
    REQUIRE(rulebook.sources.size() == 1);
    CHECK(rulebook.sources[0].key == "T");
    CHECK(rulebook.sources[0].means == "these tests");
}

TEST_CASE("a field is found by its id and by what each project calls it", "[rulebook]") {
    const Rulebook& rulebook = builtin_rulebook();
    CHECK(rulebook.find("no_such_field") == no_field);
    CHECK(rulebook.find("") == no_field);
    CHECK(rulebook.find_any_name("").empty());
    CHECK(rulebook.find_any_name("no_such_field").empty());
    const FieldIndex fs_gs = rulebook.find("fs_gs_base_ns");
    REQUIRE(fs_gs != no_field);
    for (const char* name : {"fs_gs_base_ns", "FS-GS-base-NS", "FsGsKernelGsBaseNonSerializing", "wrmsr_xx_base_ns",
                             "fs-gs-base-ns", "FS_GS_NS"}) {
        CHECK(rulebook.find_any_name(name) == std::vector<FieldIndex>{fs_gs});
    }
    CHECK(rulebook.find_any_name("fs_gs_base_n").empty());
}

TEST_CASE("of two bits in one name each is a name", "[rulebook]") {
    const auto ids = [](std::string_view name) {
        std::vector<std::string> found;
        for (const FieldIndex index : builtin_rulebook().find_any_name(name)) {
            found.emplace_back(builtin_rulebook()[index].id);
        }
        return found;
    };
    using Ids = std::vector<std::string>;
    // The SDM calls leaf 7 EDX[26] "IBRS and IBPB", the APM leaf 80000008 EBX[12] "IBPB" and EBX[14] "IBRS".
    CHECK(ids("IBRS") == Ids{"spec_ctrl", "amd_ibrs"});
    CHECK(ids("ibpb") == Ids{"spec_ctrl", "amd_ibpb"});
    CHECK(ids("IBRS and IBPB") == Ids{"spec_ctrl"});
    CHECK(ids("information").empty());  // of "Cache and TLB information"
}

TEST_CASE("every name that a target of render or a reader of dumps knows finds the field", "[rulebook]") {
    const Rulebook& rulebook = builtin_rulebook();
    const auto check = [&](std::string_view name, std::string_view id) {
        CAPTURE(name, id);
        const auto found = rulebook.find_any_name(name);
        CHECK(std::find(found.begin(), found.end(), rulebook.find(id)) != found.end());
    };
    for (const auto& [name, id] : rulebook::klauspost_names) check(name, id);
    for (const auto& [id, name] : rulebook::vmware_data(rulebook).names) check(name, id);
    for (const Field& field : rulebook.fields) {
        for (const auto& [project, name] : rulebook::names_of(field)) check(name, field.id);
    }
    for (const auto& [xen, libxl] : rulebook::xen_data(rulebook).libxl_names) {
        CHECK(rulebook.find_any_name(libxl) == rulebook.find_any_name(xen));
    }
    // Intel's name of 80000001h ECX[5], and VMware's and NFD's of others.
    for (const auto& [name, id] :
         {std::pair("LZCNT", "abm"), std::pair("SSE41", "sse4_1"), std::pair("sse4.2", "sse4_2"),
          std::pair("LAHF", "lahf_lm"), std::pair("AVX512FP16", "avx512_fp16"), std::pair("AVX512BF16", "avx512_bf16"),
          std::pair("AVXVNNI", "avx_vnni")}) {
        CHECK(rulebook.find_any_name(name) == std::vector<FieldIndex>{rulebook.find(id)});
    }
    // The SDM's bit of leaf 7 and VMware's name of that of leaf 1.
    CHECK(rulebook.find_any_name("MWAIT") ==
          std::vector<FieldIndex>{rulebook.find("monitor"), rulebook.find("mwait_71")});
    for (const char* none : {"", "-", "._-"}) CHECK(rulebook.find_any_name(none).empty());
}

TEST_CASE("a rulebook without what other names mean does without them", "[rulebook]") {
    const LoadResult loaded = load_rulebook(small_rulebook());
    CHECK(loaded.rulebook.view().find_any_name("LZCNT").empty());
}

TEST_CASE("a vendor is found by its CPUID string", "[rulebook]") {
    const Rulebook& rulebook = builtin_rulebook();
    const auto id = [&](std::string_view text) {
        const auto vendor = rulebook.vendor_of(text);
        return vendor ? std::string(rulebook.vendors[*vendor].id) : "none";
    };
    CHECK(id("GenuineIntel") == "intel");
    CHECK(id("AuthenticAMD") == "amd");
    CHECK(id("HygonGenuine") == "hygon");
    CHECK(id("  Shanghai  ") == "zhaoxin");
    CHECK(id("CentaurHauls") == "centaur");
    CHECK(id("genuineintel") == "none");
    CHECK(id("") == "none");
}

TEST_CASE("family, model and stepping are decoded as the manuals say", "[rulebook]") {
    CHECK(signature_of(0x000806F8) == Signature{0x6, 0x8F, 8});   // Sapphire Rapids
    CHECK(signature_of(0x00A10F11) == Signature{0x19, 0x11, 1});  // Genoa
    CHECK(signature_of(0x00830F10) == Signature{0x17, 0x31, 0});  // Rome
    CHECK(signature_of(0x00000F4A) == Signature{0xF, 0x4, 10});   // Pentium 4: no extended part set
    CHECK(signature_of(0x00000543) == Signature{0x5, 0x4, 3});    // Pentium MMX
    CHECK(signature_of(0x000F0543) == Signature{0x5, 0x4, 3});    // the extended model counts in families 6, 7 and Fh
    CHECK(signature_of(0x000107B0) == Signature{0x7, 0x1B, 0});   // Zhaoxin
    CHECK(signature_of(0x0FF00600) == Signature{0x6, 0x0, 0});    // the extended family counts in family Fh only
}

TEST_CASE("the model table is asked by vendor, family, model and stepping", "[rulebook]") {
    const Rulebook& rulebook = small();
    const auto name = [&](std::size_t vendor, const Signature& signature) {
        const Model* model = rulebook.model_of(vendor, signature);
        return model == nullptr ? std::string("none") : std::string(model->name);
    };
    CHECK(name(0, {0x6, 0x55, 4}) == "Old");
    CHECK(name(0, {0x6, 0x50, 4}) == "Old");
    CHECK(name(0, {0x6, 0x55, 5}) == "New");
    CHECK(name(0, {0x6, 0x55, 15}) == "New");
    CHECK(name(0, {0x6, 0x55, 3}) == "none");
    CHECK(name(0, {0x6, 0x56, 4}) == "none");
    CHECK(name(1, {0x6, 0x55, 4}) == "none");
    CHECK(name(1, {0x19, 0x1, 0}) == "Milan");
    CHECK(name(0, {0x19, 0x1, 0}) == "none");
}

TEST_CASE("bits are written high bit first", "[rulebook]") {
    CHECK(bits_text(small()[small().find("width")]) == "23:16");
    CHECK(bits_text(small()[small().find("addon")]) == "1");
    CHECK(bits_text(small()[small().find("high")]) == "63");
}

}  // namespace poolcpuid::test::rulebook_test
