// A QEMU name carries its release in the bit's own row: what a release is given, and what lint says of a name without.

#include <algorithm>
#include <filesystem>
#include <nlohmann/json.hpp>
#include <string>

#include "tests/catch.hpp"
#include "tests/cli/support/run_program.hpp"
#include "tests/cli/support/sample_hosts.hpp"
#include "tests/cli/support/temporary_directory.hpp"

namespace poolcpuid::test::qemu_names_test {

using Catch::Contains;
using Json = nlohmann::json;

namespace {

constexpr const char* leaf_file = "policy/cpuid/0x7.json";

// The line in the place of which the new bit stands: it was reserved.
const std::string reserved_line = R"(  {"subleaf": "0x1", "register": "edx", "bits": "16", "vendors": ["all"]},)"
                                  "\n";

// A copy of policy/ with a bit that Intel published yesterday, whose QEMU name is said as given.
std::string rulebook_with_new_bit(const TemporaryDirectory& dir, const std::string& qemu_name) {
    std::filesystem::copy(POOLCPUID_SOURCE_DIR "/policy", dir.file("policy"), std::filesystem::copy_options::recursive);
    std::string leaf = dir.read(leaf_file);
    const std::size_t reserved = leaf.find(reserved_line);
    REQUIRE(reserved != std::string::npos);
    leaf.erase(reserved, reserved_line.size());
    const std::size_t next = leaf.find(R"(  {"id": "uiret_uif")");
    REQUIRE(next != std::string::npos);
    leaf.insert(next, R"(  {"id": "avx_foo", "subleaf": "0x1", "register": "edx", "bits": "16",
   "names": {"qemu": )" + qemu_name +
                          R"(},
   "vendors": ["all"], "rule": "intersect", "exposure": "default", "impact": "crash", "why": "W.", "source": "SDM"},
)");
    dir.write(leaf_file, leaf);
    return dir.file("policy");
}

std::size_t line_of(const std::string& text, const std::string& what) {
    const auto end = text.begin() + static_cast<std::ptrdiff_t>(text.find(what));
    return 1 + static_cast<std::size_t>(std::count(text.begin(), end, '\n'));
}

// Why the bit is not said to that release, or nothing when the argument says it.
std::string why_not_said(const Json& document) {
    for (const Json& entry : document.at("inexpressible")) {
        if (entry.at("field") == "avx_foo") return entry.at("reason");
    }
    CHECK_THAT(document.at("output").get<std::string>(), Contains(",avx-foo=on,"));
    return {};
}

}  // namespace

TEST_CASE("a new bit is said to the releases of QEMU that have its name, and listed for all others", "[render]") {
    const TemporaryDirectory dir;
    const std::string rulebook =
        rulebook_with_new_bit(dir, R"({"name": "avx-foo", "since": "12.0", "absent": "11.0"})");
    const std::string host =
        dir.write("host.json", document(with_bit(intel_host("new"), {0x7, 0x1}, Register::edx, 16, true)));
    const std::string policy = dir.file("policy.json");
    REQUIRE(run({"merge", "--rulebook", rulebook, host, "-o", policy}).status == 0);
    const auto told = [&](const std::string& version) {
        const Result result =
            run({"render", "--rulebook", rulebook, "--to", "qemu", "--qemu", version, policy, "--format", "json"});
        INFO(result.text());
        REQUIRE(result.status == 0);
        return why_not_said(Json::parse(result.out));
    };
    CHECK(told("7.2") == "QEMU 7.2 has no name for it.");
    CHECK(told("11.0") == "QEMU 11.0 has no name for it.");
    CHECK_THAT(told("11.1"), Contains("not known here whether QEMU 11.1"));
    CHECK(told("12.0").empty());
    CHECK(told("13.1").empty());
}

TEST_CASE("lint refuses a QEMU name without its release, on its line", "[rules]") {
    for (const auto& [name, message] : std::vector<std::pair<std::string, std::string>>{
             {R"("avx-foo")", "expected QEMU's name with its release"},
             {R"({"name": "avx-foo"})", "\"since\""},
             {R"({"name": "avx-foo", "since": "next"})", "expected a release \"MAJOR.MINOR\""}}) {
        CAPTURE(name);
        const TemporaryDirectory dir;
        const std::string rulebook = rulebook_with_new_bit(dir, name);
        const std::string line = std::to_string(line_of(dir.read(leaf_file), R"({"qemu": )" + name));
        const Result result = run({"rules", "lint", rulebook});
        CHECK(result.status == 3);
        CHECK_THAT(result.out, Contains("cpuid/0x7.json:" + line + ": avx_foo: ") && Contains(message));
        CHECK(run({"rules", "list", "--rulebook", rulebook}).status == 3);
    }
}

TEST_CASE("rules show says from which release on QEMU has a name", "[rules]") {
    const Result shown = run({"rules", "show", "fs_gs_base_ns", "--format", "text"});
    CHECK_THAT(shown.out, Contains("fs-gs-base-ns, 10.1 and later\n"));
}

}  // namespace poolcpuid::test::qemu_names_test
