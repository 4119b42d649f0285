// audit as users run it: its document against its schema, its text, and its exit status.

#include <filesystem>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "tests/catch.hpp"
#include "tests/cli/support/run_program.hpp"
#include "tests/cli/support/sample_hosts.hpp"
#include "tests/cli/support/temporary_directory.hpp"
#include "tests/cli/support/validate.hpp"

namespace poolcpuid::test::audit_test {

namespace {

using Catch::Contains;
using Json = nlohmann::json;

const std::string examples = POOLCPUID_SOURCE_DIR "/examples/";

// The document of an example pool's audit, which must be as the schema says.
Json audited(const std::string& pool, const std::vector<std::string>& options, int status) {
    const TemporaryDirectory dir;
    const std::string policy = dir.file("policy");
    REQUIRE(run({"merge", "--pool", pool, examples + pool + "/hosts", "-o", policy}).status == 0);
    std::vector<std::string> arguments{"audit", policy, "--format", "json"};
    arguments.insert(arguments.end(), options.begin(), options.end());
    const Result result = run(arguments);
    INFO(result.text());
    CHECK(result.status == status);
    for (const std::string& error : schema_errors("audit", result.out)) FAIL_CHECK(error);
    return Json::parse(result.out);
}

Json entry(const Json& document, const std::string& id) {
    for (const Json& candidate : document.at("vulnerabilities")) {
        if (candidate.at("id") == id) return candidate;
    }
    return Json::object();
}

}  // namespace

TEST_CASE("audit says what a guest believes, and on which hosts that is false", "[audit][schema]") {
    const Json document = audited("amd-zen", {"--hosts", examples + "amd-zen/hosts"}, 1);
    CHECK(document.at("falsely_safe") == true);
    CHECK(document.at("hosts") == 3);
    CHECK(document.at("guest").at("id") == "linux-6.12");
    const Json tsa = entry(document, "tsa");
    CHECK(tsa.at("says") == "Not affected");
    CHECK(tsa.at("verdict") == "falsely-safe");
    CHECK(tsa.at("hosts").at(0).at("names") == Json({"genoa-1", "milan-1"}));
    CHECK(tsa.at("advice").at(0).at("by") == "identity");
    CHECK(entry(document, "retbleed").at("verdict") == "true");
}

TEST_CASE("audit of every example pool is valid, with hosts and without", "[audit][schema][long]") {
    for (const char* pool : {"amd-zen", "intel-haswell-skylake", "qemu-tcg-amd", "qemu-tcg-intel"}) {
        INFO(pool);
        const Json alone = audited(pool, {}, 0);
        CHECK(alone.at("hosts") == 0);
        CHECK_FALSE(entry(alone, "mds").contains("verdict"));
        for (const char* guest : {"linux-6.1", "linux-6.12"}) {
            const Json document = audited(pool, {"--guest", guest, "--assume", "smt", "--assume", "ignore_msrs"}, 0);
            CHECK(document.at("guest").at("id") == guest);
            CHECK(document.at("assumptions").at(0).at("holds") == true);
        }
    }
}

TEST_CASE("audit of a pool whose hosts are alike has nothing falsely safe", "[audit]") {
    const TemporaryDirectory dir;
    const std::string host = dir.write("a.json", document(amd_host("a")));
    REQUIRE(run({"merge", host, "-o", dir.file("policy")}).status == 0);
    const Result result = run({"audit", dir.file("policy"), "--hosts", host, "--format", "json"});
    INFO(result.text());
    CHECK(result.status == 0);
    CHECK(Json::parse(result.out).at("falsely_safe") == false);
}

TEST_CASE("the text of an audit fits into 80 columns, the worst first", "[audit]") {
    const TemporaryDirectory dir;
    const std::string hosts = examples + "intel-haswell-skylake/hosts";
    REQUIRE(run({"merge", "--pool", "mixed", hosts, "-o", dir.file("policy")}).status == 0);
    const Result result = run({"audit", dir.file("policy"), "--hosts", hosts, "--format", "text"});
    INFO(result.text());
    CHECK(result.status == 1);
    CHECK_THAT(result.out, Catch::StartsWith("Linux 6.12.118, Debian 13 in a VM of mixed"));
    const std::size_t bad = result.out.find("\nFalsely safe");
    const std::size_t open = result.out.find("\nOpen, and the guest says so");
    const std::size_t good = result.out.find("\nTrue on every host");
    const std::size_t needless = result.out.find("\nNeedless");
    CHECK(bad < open);
    CHECK(open < good);
    CHECK(good < needless);
    CHECK(needless != std::string::npos);
    CHECK_THAT(result.out, Contains("ivybridge-1: affected, and what the guest does has no effect there") &&
                               Contains("-> ivybridge-1: md_clear is missing there"));
    for (std::size_t begin = 0; begin < result.out.size();) {
        const std::size_t end = result.out.find('\n', begin);
        CHECK(end - begin <= 80);
        begin = end + 1;
    }
}

TEST_CASE("audit without hosts says which hosts decided what is believed", "[audit]") {
    const TemporaryDirectory dir;
    const std::string hosts = examples + "intel-haswell-skylake/hosts";
    REQUIRE(run({"merge", "--pool", "mixed", hosts, "-o", dir.file("policy")}).status == 0);
    const Result result = run({"audit", dir.file("policy"), "--format", "text", "--assume", "smt"});
    CHECK(result.status == 0);
    CHECK_THAT(result.out, Contains("--hosts says whether that is true") && Contains("Assumed: ") &&
                               Contains("ssbd 0x0: because of ivybridge-1"));
}

TEST_CASE("audit refuses what it cannot answer, and says why", "[audit]") {
    const TemporaryDirectory dir;
    const std::string policy = dir.file("policy");
    REQUIRE(run({"merge", dir.write("a.json", document(amd_host("a"))), "-o", policy}).status == 0);
    const auto refused = [&](std::vector<std::string> arguments, int status, const std::string& words) {
        arguments.insert(arguments.begin(), {"audit", policy});
        const Result result = run(arguments);
        INFO(result.text());
        CHECK(result.status == status);
        CHECK(result.out.empty());
        CHECK_THAT(result.err, Contains(words));
    };
    refused({"--hosts", dir.write("b.json", document(intel_host("b")))}, 3, "b: expected a host of AuthenticAMD");
    refused({"--hosts", dir.file("nowhere")}, 3, "nowhere");
    refused({"--hosts", dir.write("bad", "x")}, 3, "bad");
    refused({"--hosts", dir.write("bad", "x"), "--skip-unreadable"}, 3, "a host to ask, found none that can be read");
    refused({"--guest", "bsd"}, 2, "it knows linux-6.1, linux-6.12");
    refused({"--assume", "rain"}, 2, "it knows smt, ignore_msrs");
}

TEST_CASE("audit takes its rules from --rulebook", "[audit]") {
    const TemporaryDirectory dir;
    std::filesystem::copy(POOLCPUID_SOURCE_DIR "/policy", dir.file("rules"), std::filesystem::copy_options::recursive);
    std::string rules = bytes_of(dir.file("rules/guests/linux.json"));
    const std::string before = "Mitigation: PTI\"";
    rules.replace(rules.find(before), before.size(), "Mitigation: other words\"");
    dir.write("rules/guests/linux.json", rules);
    const std::string policy = dir.file("policy");
    REQUIRE(run({"merge", dir.write("a.json", document(intel_host("a"))), "-o", policy}).status == 0);
    const Result result = run({"audit", policy, "--rulebook", dir.file("rules"), "--format", "json"});
    INFO(result.text());
    CHECK(entry(Json::parse(result.out), "meltdown").at("says") == "Mitigation: other words");
}

}  // namespace poolcpuid::test::audit_test
