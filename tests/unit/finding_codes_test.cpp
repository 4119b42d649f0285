// docs/findings.md has every code of a finding, and the program can emit every one of them.

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

std::string text_of(const fs::path& path) {
    std::ifstream file(path);
    REQUIRE(file);
    return {std::istreambuf_iterator<char>(file), {}};
}

// The code of each heading "### `code`", sorted.
std::vector<std::string> documented_codes() {
    const std::string text = "\n" + text_of(fs::path(POOLCPUID_SOURCE_DIR) / "docs" / "findings.md");
    const std::string opening = "\n### `";
    std::vector<std::string> codes;
    for (auto at = text.find(opening); at != std::string::npos; at = text.find(opening, at)) {
        at += opening.size();
        codes.push_back(text.substr(at, text.find('`', at) - at));
    }
    std::sort(codes.begin(), codes.end());
    return codes;
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
    CHECK(documented_codes() == known);
}

// The other way, that every code emitted is in finding_codes, is the compiler's to hold: a FindingCode is made of no
// other word.
TEST_CASE("each code of a finding stands in the source that makes findings", "[findings]") {
    REQUIRE(known.size() >= 20);
    const std::string text = source_text();
    for (const std::string& code : known) {
        INFO(code);
        CHECK(text.find("\"" + code + "\"") != std::string::npos);
    }
}

TEST_CASE("the codes of findings are sorted, each once", "[findings]") {
    CHECK(std::is_sorted(known.begin(), known.end()));
    CHECK(std::adjacent_find(known.begin(), known.end()) == known.end());
}

}  // namespace poolcpuid::test::finding_codes_test
