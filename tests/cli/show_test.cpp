// show: what a guest with a policy gets, as text and JSON.

#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "tests/catch.hpp"
#include "tests/cli/support/example_policy.hpp"
#include "tests/cli/support/fake_qemu.hpp"
#include "tests/cli/support/run_program.hpp"
#include "tests/cli/support/sample_hosts.hpp"
#include "tests/cli/support/small_cpu_map.hpp"
#include "tests/cli/support/temporary_directory.hpp"
#include "tests/cli/support/validate.hpp"

namespace poolcpuid::test::show_test {

using Catch::Contains;
using Json = nlohmann::json;

namespace {

Json shown(const std::string& policy, std::vector<std::string> options = {}) {
    options.insert(options.begin(), {"show", policy});
    const Result result = run(options);
    INFO(result.text());
    REQUIRE(result.status == 0);
    for (const std::string& error : schema_errors("show", result.out)) FAIL_CHECK(error);
    return Json::parse(result.out);
}

bool has(const Json& names, const std::string& name) {
    return std::find(names.begin(), names.end(), name) != names.end();
}

}  // namespace

TEST_CASE("show says level, features, limits and MSRs of a policy", "[show]") {
    const Json amd = shown(example_policy("amd-zen"));
    CHECK(amd.at("pool") == "amd-zen");
    CHECK(amd.at("identity").at("family") == 23);
    CHECK(amd.at("level") == "x86-64-v3");
    CHECK(amd.at("next_level").at("level") == "x86-64-v4");
    CHECK(has(amd.at("next_level").at("missing"), "avx512f"));
    CHECK(has(amd.at("features"), "avx2"));
    CHECK_FALSE(has(amd.at("features"), "avx512f"));
    CHECK(has(amd.at("announced"), "fs_gs_base_ns"));
    CHECK(amd.at("limits").dump().find("\"maxphyaddr\"") != std::string::npos);
    CHECK(amd.at("nearest").empty());
}

TEST_CASE("features go by any project's names, and those without one are listed", "[show]") {
    const std::string& policy = example_policy("amd-zen");
    const Json own = shown(policy);
    CHECK(own.at("unnamed").empty());
    const Json qemu = shown(policy, {"--names", "qemu"});
    CHECK(qemu.at("names") == "qemu");
    CHECK(has(qemu.at("features"), "sse4.1"));
    CHECK_FALSE(has(qemu.at("features"), "sse4_1"));
    CHECK_FALSE(qemu.at("unnamed").empty());
    for (const char* tongue : {"vendor", "linux", "libvirt", "xen"}) {
        CAPTURE(tongue);
        CHECK(shown(policy, {"--names", tongue}).at("features").size() > 50);
    }
    CHECK(run({"show", policy, "--names", "klingon"}).status == 2);
}

TEST_CASE("show's text groups features by register within its columns", "[show]") {
    const Result text = run({"show", example_policy("amd-zen"), "--format", "text"});
    CHECK(text.status == 0);
    CHECK(text.err.empty());
    CHECK_THAT(text.out, Contains("level     x86-64-v3; for x86-64-v4 it lacks avx512f") && Contains("\n  0x7.0 ebx") &&
                             Contains("Announced: ") && Contains("\n  maxphyaddr        48\n") &&
                             Contains("--qemu PATH asks one"));
    std::size_t line = 0;
    for (const char c : text.out) {
        line = c == '\n' ? 0 : line + 1;
        CHECK(line <= 80);
    }
}

TEST_CASE("show asks a QEMU and a cpu_map for the nearest model", "[show]") {
    const TemporaryDirectory dir;
    const std::string policy = dir.file("policy.json");
    REQUIRE(run({"merge", dir.write("a.json", document(amd_host("a"))), "-o", policy}).status == 0);
    FakeQemu qemu;
    qemu.flags["avx2"];
    qemu.flags["sse4.2"];
    qemu.numbers = {"family", "model", "stepping"};
    qemu.models["EPYC-Milan-v1"] = {{"avx2"}, {{"family", 25}, {"model", 1}, {"stepping", 1}}, true, {}};
    qemu.models["EPYC-v1"] = {{"avx2", "sse4.2"}, {{"family", 23}, {"model", 1}, {"stepping", 2}}, true, {}};
    qemu.models["EPYC-Milan"].alias_of = "EPYC-Milan-v1";
    qemu.models["host"].is_migration_safe = false;
    const Json asked = shown(policy, {"--qemu", qemu.write(dir)});
    CHECK(asked.at("nearest").at("qemu").at("model") == "EPYC-Milan-v1");
    CHECK(asked.at("nearest").at("qemu").at("add") == Json{"sse4.2"});
    const Json map = shown(policy, {"--cpu-map", cpu_map_in(dir)});
    CHECK_FALSE(map.at("nearest").at("libvirt").at("model").get<std::string>().empty());
    CHECK(run({"show", policy, "--qemu", dir.file("none")}).status == 5);
    CHECK(run({"show", policy, "--cpu-map", dir.file("none")}).status == 3);
}

TEST_CASE("show of what is no policy is exit status 3", "[show]") {
    const TemporaryDirectory dir;
    CHECK(run({"show", dir.write("a", "x")}).status == 3);
    CHECK(run({"show"}).status == 2);
}

}  // namespace poolcpuid::test::show_test
