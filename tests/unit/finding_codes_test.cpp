// docs/findings.md has every code of a policy's finding, docs/plan.md of a plan's, and the program can emit each.

#include <algorithm>
#include <array>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <map>
#include <string>
#include <vector>

#include "poolcpuid/finding_code.hpp"
#include "tests/catch.hpp"

namespace poolcpuid::test::finding_codes_test {

namespace fs = std::filesystem;

namespace {

template <typename Kinds>
std::vector<std::string> codes_of(const Kinds& kinds) {
    std::vector<std::string> codes;
    for (const FindingKind& kind : kinds) codes.emplace_back(kind.code);
    return codes;
}

const std::vector<std::string> known = codes_of(finding_kinds);
const std::vector<std::string> known_of_plans = codes_of(plan_finding_kinds);

std::string text_of(const fs::path& path) {
    std::ifstream file(path);
    REQUIRE(file);
    return {std::istreambuf_iterator<char>(file), {}};
}

std::string page(const char* name) { return "\n" + text_of(fs::path(POOLCPUID_SOURCE_DIR) / "docs" / name); }

// What stands in backquotes after each opening, which ends with the first of them; sorted.
std::vector<std::string> codes_after(const std::string& opening, const std::string& text) {
    std::vector<std::string> codes;
    for (auto at = text.find(opening); at != std::string::npos; at = text.find(opening, at)) {
        at += opening.size();
        codes.push_back(text.substr(at, text.find('`', at) - at));
    }
    std::sort(codes.begin(), codes.end());
    return codes;
}

// The rows of the table of findings.
std::string table_of_findings(const std::string& text) {
    const auto start = text.find("\n| finding | says |\n");
    REQUIRE(start != std::string::npos);
    return text.substr(start, text.find("\n\n", start) - start);
}

// All of src/ but the command line, which only reads findings. Without what clang-format puts between words.
std::string source_text() {
    std::string text;
    std::size_t files = 0;
    for (const auto& entry : fs::recursive_directory_iterator(POOLCPUID_SOURCE_DIR "/src")) {
        const fs::path& path = entry.path();
        if (path.extension() != ".cpp" && path.extension() != ".hpp") continue;
        if (path.string().find("/src/cli/") != std::string::npos) continue;
        text += text_of(path);
        ++files;
    }
    REQUIRE(files > 50);
    text.erase(std::remove_if(text.begin(), text.end(), [](char c) { return c == ' ' || c == '\n'; }), text.end());
    return text;
}

// Who makes a finding, or a note on a dump, says its code behind one of these. Who reads one does not.
constexpr std::array by_table{"add(", "notes.push_back({", "plan_finding("};
constexpr const char* by_case_call = "add_by_case(";

bool has_call(const std::string& text, const std::string& call, const std::string& code) {
    return text.find(call + "\"" + code + "\",") != std::string::npos;
}

// With the severity before the code.
bool has_call_by_case(const std::string& text, const std::string& code) {
    const std::string argument = ",\"" + code + "\",";
    for (auto at = text.find(argument); at != std::string::npos; at = text.find(argument, at + 1)) {
        const auto call = text.rfind(by_case_call, at);
        if (call != std::string::npos && text.substr(call, at - call).find(';') == std::string::npos) return true;
    }
    return false;
}

// The codes under a heading of docs/findings.md.
std::vector<std::string> codes_under(const std::string& heading, const std::string& text) {
    const auto start = text.find("\n## " + heading + "\n");
    REQUIRE(start != std::string::npos);
    return codes_after("\n### `", text.substr(start, text.find("\n## ", start + 1) - start));
}

// What docs/findings.md says of one code.
std::string section_on(const std::string& code, const std::string& text) {
    const auto start = text.find("\n### `" + code + "`");
    REQUIRE(start != std::string::npos);
    return text.substr(start, text.find("\n##", start + 1) - start);
}

}  // namespace

TEST_CASE("docs/findings.md has each code of a finding once, and no other", "[findings]") {
    CHECK(codes_after("\n### `", page("findings.md")) == known);
}

TEST_CASE("the table of docs/plan.md has each code of a plan's finding once, and no other", "[findings][plan]") {
    CHECK(codes_after("\n| `", table_of_findings(page("plan.md"))) == known_of_plans);
}

TEST_CASE("what is read has no code of a plan's finding", "[findings][plan]") {
    CHECK(FindingCode::find("partial-host") == FindingCode("partial-host"));
    for (const std::string& code : known_of_plans) CHECK_FALSE(FindingCode::find(code).has_value());
}

// The other way, that every code emitted is in one of the two, is the compiler's to hold: a FindingCode is made of no
// other word.
TEST_CASE("the program can emit each code of a finding", "[findings]") {
    REQUIRE(known.size() >= 20);
    const std::string text = source_text();
    const auto check = [&](const FindingKind& kind) {
        const std::string code(kind.code);
        INFO(code);
        const bool is_made =
            std::any_of(by_table.begin(), by_table.end(), [&](const char* call) { return has_call(text, call, code); });
        CHECK(is_made == kind.severity.has_value());
        CHECK(has_call_by_case(text, code) == !kind.severity.has_value());
    };
    std::for_each(finding_kinds.begin(), finding_kinds.end(), check);
    std::for_each(plan_finding_kinds.begin(), plan_finding_kinds.end(), check);
}

TEST_CASE("who reads a finding does not make it", "[findings]") {
    const std::string reader = "if(finding.code==FindingCode(\"truncated\"))has_note(\"truncated\");";
    for (const char* call : by_table) CHECK_FALSE(has_call(reader, call, "truncated"));
    CHECK_FALSE(has_call_by_case("f(a,\"outlier\",b);add_by_case(c,\"msr-absent\",d);", "outlier"));
    CHECK(has_call_by_case("add_by_case(c,\"msr-absent\",d);", "msr-absent"));
}

// What is by case stands where it is worst.
TEST_CASE("docs/findings.md has each finding under its severity", "[findings]") {
    const std::string text = page("findings.md");
    std::map<std::string, std::vector<std::string>> expected;
    for (const FindingKind& kind : finding_kinds) {
        const Severity severity = kind.severity.value_or(Severity::warning);
        expected[severity == Severity::error     ? "Errors"
                 : severity == Severity::warning ? "Warnings"
                                                 : "Notes"]
            .emplace_back(kind.code);
        const std::string section = section_on(std::string(kind.code), text);
        const bool says_note =
            section.find(" note ") != std::string::npos || section.find(" note.") != std::string::npos;
        INFO(kind.code);
        if (!kind.severity) CHECK(says_note);
    }
    for (const auto& [heading, codes] : expected) CHECK(codes_under(heading, text) == codes);
}

TEST_CASE("the codes of findings are sorted, each once", "[findings]") {
    for (const auto* codes : {&known, &known_of_plans}) {
        CHECK(std::is_sorted(codes->begin(), codes->end()));
        CHECK(std::adjacent_find(codes->begin(), codes->end()) == codes->end());
    }
}

}  // namespace poolcpuid::test::finding_codes_test
