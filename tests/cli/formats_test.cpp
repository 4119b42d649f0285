// examples/formats has a dump in each format that is read, docs/formats.md a row for each, and every verb takes them.

#include <filesystem>
#include <nlohmann/json.hpp>
#include <set>
#include <string>

#include "dump/reader.hpp"
#include "tests/catch.hpp"
#include "tests/cli/support/run_program.hpp"
#include "tests/cli/support/temporary_directory.hpp"
#include "tests/cli/support/validate.hpp"

namespace poolcpuid::test::formats_test {

using Catch::Contains;
using Json = nlohmann::json;
using Words = std::set<std::string>;
namespace fs = std::filesystem;

namespace {

const std::string examples = POOLCPUID_SOURCE_DIR "/examples/formats";

Words words() {
    Words all;
    for (const dump::Format& format : dump::formats) all.emplace(format.word);
    return all;
}

}  // namespace

TEST_CASE("a directory with a dump in each format is merged, and hosts shows each", "[formats]") {
    const Result merged = run({"merge", examples, "--allow-partial", "--format", "json"});
    REQUIRE(merged.status == 0);
    for (const std::string& error : schema_errors("policy", merged.out)) FAIL_CHECK(error);
    const Json policy = Json::parse(merged.out);
    Words found;
    for (const Json& host : policy.at("hosts")) found.insert(host.at("format").get<std::string>());
    CHECK(found == words());
    const Result hosts = run({"hosts", examples, "--format", "text"});
    CHECK(hosts.status == 0);
    for (const std::string& word : words()) CHECK_THAT(hosts.out, Contains(word));
}

TEST_CASE("every example of a format gives a host document that is read back the same", "[formats]") {
    const TemporaryDirectory dir;
    for (const fs::directory_entry& example : fs::directory_iterator(examples)) {
        INFO(example.path().string());
        const Result converted = run({"convert", example.path().string()});
        CHECK(converted.status == 0);
        for (const std::string& error : schema_errors("host", converted.out)) FAIL_CHECK(error);
        const std::string again = run({"convert", dir.write("again.json", converted.out)}).out;
        CHECK(again == converted.out);
    }
}

TEST_CASE("docs/formats.md has a row for each format", "[formats]") {
    const std::string page = bytes_of(POOLCPUID_SOURCE_DIR "/docs/formats.md");
    for (const std::string& word : words()) CHECK_THAT(page, Contains("\n| `" + word + "` | "));
}

TEST_CASE("a VM may run where its policy comes from, whatever tool dumped the host", "[formats]") {
    const TemporaryDirectory dir;
    const std::string policy = dir.write("policy.json", run({"merge", examples, "--allow-partial"}).out);
    CHECK(run({"check", policy, examples, "--unknown", "warn"}).status == 0);
}

}  // namespace poolcpuid::test::formats_test
