// docs/findings.md has every code of a policy's finding, docs/plan.md of a plan's, and the program can emit each.

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <string>
#include <vector>

#include "poolcpuid/finding_code.hpp"
#include "tests/catch.hpp"

namespace poolcpuid::test::finding_codes_test {

namespace fs = std::filesystem;

namespace {

const std::vector<std::string> known(finding_codes.begin(), finding_codes.end());
const std::vector<std::string> known_of_plans(plan_finding_codes.begin(), plan_finding_codes.end());

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

// All of src/ that makes findings: the command line only reads them.
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
    return text;
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
TEST_CASE("each code of a finding stands in the source that makes findings", "[findings]") {
    REQUIRE(known.size() >= 20);
    const std::string text = source_text();
    for (const auto* codes : {&known, &known_of_plans}) {
        for (const std::string& code : *codes) {
            INFO(code);
            CHECK(text.find("\"" + code + "\"") != std::string::npos);
        }
    }
}

TEST_CASE("the codes of findings are sorted, each once", "[findings]") {
    for (const auto* codes : {&known, &known_of_plans}) {
        CHECK(std::is_sorted(codes->begin(), codes->end()));
        CHECK(std::adjacent_find(codes->begin(), codes->end()) == codes->end());
    }
}

}  // namespace poolcpuid::test::finding_codes_test
