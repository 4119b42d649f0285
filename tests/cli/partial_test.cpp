// Hosts that are known by names of features: which verbs take them, and which not.

#include <algorithm>
#include <cstdint>
#include <fstream>
#include <iterator>
#include <map>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "tests/catch.hpp"
#include "tests/cli/support/example_policy.hpp"
#include "tests/cli/support/run_program.hpp"
#include "tests/cli/support/temporary_directory.hpp"

namespace poolcpuid::test::partial_test {

using Catch::Contains;
using Json = nlohmann::json;

namespace {

const std::string cpuinfo = POOLCPUID_SOURCE_DIR "/examples/formats/cpuinfo.txt";
const std::string milan = POOLCPUID_SOURCE_DIR "/examples/amd-zen/hosts/milan-1.txt";

std::string read_file(const std::string& path) {
    std::ifstream in(path, std::ios::binary);
    return {std::istreambuf_iterator<char>(in), {}};
}

// "LEAF.SUBLEAF REGISTER" and the register's value, of a list of rows.
std::map<std::string, std::uint64_t> by_place(const Json& rows) {
    std::map<std::string, std::uint64_t> values;
    for (const Json& row : rows) {
        for (const char* reg : {"eax", "ebx", "ecx", "edx"}) {
            const std::string place =
                row.at("leaf").get<std::string>() + "." + row.at("subleaf").get<std::string>() + " " + reg;
            values[place] = std::stoull(row.at(reg).get<std::string>(), nullptr, 16);
        }
    }
    return values;
}

// The bits that a rendering says that its target cannot give, likewise.
std::map<std::string, std::uint64_t> said_otherwise(const Json& rendering) {
    std::map<std::string, std::uint64_t> masks;
    for (const Json& entry : rendering.at("inexpressible")) {
        if (!entry.contains("leaf")) continue;
        const std::string bits = entry.at("bits");
        const std::size_t colon = bits.find(':');
        const unsigned high = static_cast<unsigned>(std::stoul(bits));
        const unsigned low =
            colon == std::string::npos ? high : static_cast<unsigned>(std::stoul(bits.substr(colon + 1)));
        const std::string place = entry.at("leaf").get<std::string>() + "." + entry.at("subleaf").get<std::string>() +
                                  " " + entry.at("register").get<std::string>();
        for (unsigned bit = low; bit <= high; ++bit) masks[place] |= std::uint64_t{1} << bit;
    }
    return masks;
}

// What Xen has its own way with: HYPERVISOR is set in every featureset, and AMD's copies of leaf 1 EDX are in none
// (Xen, cpufeatureset.h, CPUID_COMMON_1D_FEATURES).
std::uint64_t of_xen(const std::string& place) {
    if (place == "0x1.0x0 ecx") return 0x80000000;
    return place == "0x80000001.0x0 edx" ? 0x0183f3ff : 0;
}

}  // namespace

TEST_CASE("merge refuses a host that is known by names alone, and writes nothing", "[merge][partial]") {
    const TemporaryDirectory dir;
    const Result result = run({"merge", milan, cpuinfo, "-o", dir.file("pool.json")});
    CHECK(result.status == 3);
    CHECK_THAT(result.err,
               Contains("cpuinfo: expected the registers of a host (or --allow-partial), found names or words "
                        "of features alone (cpuinfo)"));
    CHECK_FALSE(dir.has("pool.json"));
}

TEST_CASE("--allow-partial takes it, and says what that costs", "[merge][partial]") {
    const Json policy = Json::parse(run({"merge", milan, cpuinfo, "--allow-partial"}).out);
    const Json alone = Json::parse(run({"merge", milan}).out);
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
    // The address width that is assumed of it is the pool's, and nobody else is to blame.
    std::string width;
    for (const Json& decision : policy.at("decisions")) {
        if (decision.at("field") != "maxphyaddr") continue;
        width = decision.at("value").get<std::string>() + " because of " + decision.at("because").dump();
    }
    CHECK(width == R"(0x24 because of ["cpuinfo"])");
}

TEST_CASE("check and hosts take a host that is known by names alone", "[check][hosts][partial]") {
    const TemporaryDirectory dir;
    const std::string policy = dir.file("pool.json");
    REQUIRE(run({"merge", milan, "-o", policy}).status == 0);
    const Result strict = run({"check", policy, cpuinfo, "--format", "text"});
    CHECK(strict.status == 1);
    CHECK_THAT(strict.out, Contains("clwb"));
    CHECK(run({"check", policy, cpuinfo, "--unknown", "warn"}).status == 0);
    const Json hosts = Json::parse(run({"hosts", cpuinfo, milan}).out);
    CHECK(hosts.at("hosts")[0].at("partial") == true);
    CHECK_FALSE(hosts.at("hosts")[1].contains("partial"));
    CHECK_THAT(run({"hosts", cpuinfo, "--format", "text"}).out, Contains("partial: names or words of features alone"));
}

TEST_CASE("plan refuses that such a host joins", "[plan][partial]") {
    const TemporaryDirectory dir;
    const std::string policy = dir.file("pool.json");
    REQUIRE(run({"merge", milan, "-o", policy}).status == 0);
    const Result result = run({"plan", policy, "--hosts", milan, "--add", cpuinfo});
    CHECK(result.status == 3);
    CHECK_THAT(result.err, Contains("cpuinfo: expected the registers of a host that joins or comes back"));
}

TEST_CASE("plan --split refuses to part such a host", "[plan][partial]") {
    const Result result = run({"plan", "--split", "2", "--hosts", milan, cpuinfo});
    CHECK(result.status == 3);
    CHECK(result.out.empty());
    CHECK_THAT(result.err, Contains("cpuinfo: expected the registers of a host to part"));
}

TEST_CASE("that such a host is partial is said once, and not for each leaf", "[merge][partial]") {
    const Json policy = Json::parse(run({"merge", cpuinfo, "--allow-partial"}).out);
    std::size_t partial = 0;
    for (const Json& finding : policy.at("findings")) {
        CHECK(finding.at("code") != "unknown-leaf");
        partial += finding.at("code") == "partial-host" ? 1 : 0;
    }
    CHECK(partial == 1);
}

TEST_CASE("a featureset of render --to xapi read back gives the policy's registers", "[render][partial]") {
    for (const char* pool : {"amd-zen", "intel-haswell-skylake"}) {
        CAPTURE(pool);
        const TemporaryDirectory dir;
        const std::string file = example_policy(pool);
        const Json policy = Json::parse(read_file(file));
        const Json rendered = Json::parse(run({"render", "--to", "xapi", file, "--format", "json"}).out);
        const std::string host = dir.write("xen.txt", "vendor: " + policy.at("vendor").get<std::string>() +
                                                          "\nfamily: 6\nmodel: 63\nstepping: 2\nfeatures_hvm: " +
                                                          rendered.at("output").get<std::string>());
        const Json view = Json::parse(run({"convert", host}).out).at("views").at("hypervisor");
        REQUIRE(view.at("cpuid").size() > 5);
        const auto unknown = by_place(view.at("unknown_bits"));
        const auto promised = by_place(policy.at("cpuid"));
        const auto said = said_otherwise(rendered);
        std::size_t words = 0;
        for (const auto& [place, value] : by_place(view.at("cpuid"))) {
            const std::uint64_t known = ~(unknown.contains(place) ? unknown.at(place) : 0) & 0xFFFFFFFFU;
            const std::uint64_t wanted = promised.contains(place) ? promised.at(place) : 0;
            const std::uint64_t listed = said.contains(place) ? said.at(place) : 0;
            CAPTURE(place);
            if (place != "0x1.0x0 eax") CHECK(((value ^ wanted) & known & ~listed & ~of_xen(place)) == 0);
            words += known != 0 ? 1 : 0;
        }
        CHECK(words > 10);
    }
}

}  // namespace poolcpuid::test::partial_test
