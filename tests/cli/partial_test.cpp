// Hosts that are known by names of features: which verbs take them, and which not.

#include <nlohmann/json.hpp>
#include <string>

#include "tests/catch.hpp"
#include "tests/cli/support/example_policy.hpp"
#include "tests/cli/support/run_program.hpp"
#include "tests/cli/support/temporary_directory.hpp"

namespace poolcpuid::test::partial_test {

using Catch::Contains;
using Json = nlohmann::json;

namespace {

const std::string cpuinfo = POOLCPUID_SOURCE_DIR "/examples/formats/cpuinfo.txt";
const std::string skylake = POOLCPUID_SOURCE_DIR "/examples/intel-haswell-skylake/hosts/skylake-1.json";

}  // namespace

TEST_CASE("merge refuses a host that is known by names alone, and writes nothing", "[merge][partial]") {
    const TemporaryDirectory dir;
    const Result result = run({"merge", skylake, cpuinfo, "-o", dir.file("pool.json")});
    CHECK(result.status == 3);
    CHECK_THAT(result.err,
               Contains("cpuinfo: expected the registers of a host (or --allow-partial), found names or words "
                        "of features alone (cpuinfo)"));
    CHECK_FALSE(dir.has("pool.json"));
}

TEST_CASE("--allow-partial takes it, and says what that costs", "[merge][partial]") {
    const Json policy = Json::parse(run({"merge", skylake, cpuinfo, "--allow-partial"}).out);
    const Json alone = Json::parse(run({"merge", skylake}).out);
    std::vector<std::string> warned;
    for (const Json& finding : policy.at("findings")) {
        if (finding.at("code") == "partial-host") {
            CHECK(finding.at("severity") == "warning");
            warned = finding.at("hosts").get<std::vector<std::string>>();
        }
    }
    CHECK(warned == std::vector<std::string>{"cpuinfo"});
    const auto has = [](const Json& of, const char* feature) {
        const auto& features = of.at("features");
        return std::find(features.begin(), features.end(), feature) != features.end();
    };
    CHECK(has(policy, "avx2"));  // both have it
    CHECK(has(alone, "clwb"));   // the names do not say so
    CHECK_FALSE(has(policy, "clwb"));
}

TEST_CASE("check and hosts take a host that is known by names alone", "[check][hosts][partial]") {
    const TemporaryDirectory dir;
    const std::string policy = dir.file("pool.json");
    REQUIRE(run({"merge", skylake, "-o", policy}).status == 0);
    const Result strict = run({"check", policy, cpuinfo, "--format", "text"});
    CHECK(strict.status == 1);
    CHECK_THAT(strict.out, Contains("clwb"));
    CHECK(run({"check", policy, cpuinfo, "--unknown", "warn"}).status == 0);
    const Json hosts = Json::parse(run({"hosts", cpuinfo, skylake}).out);
    CHECK(hosts.at("hosts")[0].at("partial") == true);
    CHECK_FALSE(hosts.at("hosts")[1].contains("partial"));
    CHECK_THAT(run({"hosts", cpuinfo, "--format", "text"}).out, Contains("partial: names or words of features alone"));
}

TEST_CASE("plan refuses that such a host joins", "[plan][partial]") {
    const TemporaryDirectory dir;
    const std::string policy = dir.file("pool.json");
    REQUIRE(run({"merge", skylake, "-o", policy}).status == 0);
    const Result result = run({"plan", policy, "--hosts", skylake, "--add", cpuinfo});
    CHECK(result.status == 3);
    CHECK_THAT(result.err, Contains("cpuinfo: expected the registers of a host that joins or comes back"));
}

TEST_CASE("a featureset of render --to xapi read back gives the policy's registers", "[render][partial]") {
    for (const char* pool : {"amd-zen", "intel-haswell-skylake"}) {
        CAPTURE(pool);
        const TemporaryDirectory dir;
        const std::string file = example_policy(pool);
        std::string words = run({"render", "--to", "xapi", file}).out;
        const Json policy = Json::parse(run({"diff", file, file}).out);
        const std::string vendor = policy.at("before").at("vendor");
        const std::string host =
            dir.write("xen.txt", "vendor: " + vendor + "\nfamily: 6\nmodel: 63\nstepping: 2\nfeatures_hvm: " + words);
        const Json document = Json::parse(run({"convert", host}).out);
        const Json& view = document.at("views").at("hypervisor");
        CHECK(view.at("name") == "xen");
        // Written again from the registers that were read: the words of a policy of this one host.
        const std::string again = dir.file("again.json");
        REQUIRE(run({"merge", host, "--allow-partial", "-o", again}).status == 0);
        std::size_t compared = 0;
        for (const Json& row : view.at("cpuid")) {
            if (row.at("leaf") != "0x1" && row.at("leaf") != "0x7") continue;
            const std::string reg = row.at("leaf") == "0x1" ? "edx" : "ebx";
            CHECK(words.find(row.at(reg).get<std::string>().substr(2)) != std::string::npos);
            ++compared;
        }
        CHECK(compared >= 2);
    }
}

}  // namespace poolcpuid::test::partial_test
