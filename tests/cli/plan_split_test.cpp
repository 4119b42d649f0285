// plan --split: hosts parted into pools, in text and JSON, and what it refuses.

#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "tests/catch.hpp"
#include "tests/cli/support/plan_pool.hpp"
#include "tests/cli/support/validate.hpp"

namespace poolcpuid::test::plan_split_test {

using Catch::Contains;
using Json = nlohmann::ordered_json;

namespace {

struct SplitHosts {
    PlanPool pool{};
    std::string intel = pool.dir.write("intel.json", document(intel_host("intel")));

    Result split(const std::string& pools, const std::vector<std::string>& more = {}) const {
        std::vector<std::string> arguments{"plan", "--split", pools,     "--hosts",
                                           pool.a, pool.b,    pool.weak, pool.relaxed};
        arguments.insert(arguments.end(), more.begin(), more.end());
        return run(arguments);
    }
};

// "a b | weak": the hosts of each pool.
std::string pools_of(const Result& result) {
    std::string text;
    const Json split = Json::parse(result.out);
    for (const Json& pool : split.at("pools")) {
        text += (text.empty() ? "" : "| ") + words(pool.at("hosts"));
    }
    return text;
}

}  // namespace

TEST_CASE("a split needs hosts alone, and is what its schema says", "[plan][split]") {
    const SplitHosts hosts;
    const Result three = hosts.split("3");
    INFO(three.text());
    CHECK(three.status == 0);
    CHECK(schema_errors("split", three.out).empty());
    CHECK(pools_of(three) == "a b | relaxed | weak ");
    CHECK(pools_of(hosts.split("9")) == "a b | relaxed | weak ");
    CHECK(pools_of(hosts.split("1")) == "a b relaxed weak ");
    const Json split = Json::parse(three.out);
    CHECK(split.at("method") == "exact");
    CHECK(split.at("classes") == 3);
    CHECK(split.at("migrations_end").dump() ==
          R"([{"pools":[1,2],"hosts":[2,1]},{"pools":[1,3],"hosts":[2,1]},{"pools":[2,3],"hosts":[1,1]}])");
    CHECK(split.at("kept").at("split") == split.at("kept").at("bound"));
    // What each has that one pool of all has not.
    std::string gains;
    for (const Json& pool : split.at("pools")) {
        for (const Json& gain : pool.at("gains")) gains += gain.at("field").get<std::string>() + " ";
        gains += "| ";
    }
    CHECK(gains == "avx2 fs_gs_base_ns | avx2 | fs_gs_base_ns | ");
    CHECK(run({"plan", "--max-pools", "3", "--hosts", hosts.pool.weak, hosts.pool.b, hosts.pool.relaxed, hosts.pool.a})
              .out == three.out);
    CHECK_THAT(flat(hosts.split("3", {"--format", "text"}).out),
               Contains("4 hosts in 3 pools") && Contains("Pool 1: 2 hosts, AuthenticAMD a, b gains") &&
                   Contains("between pool 1 (2 hosts) and pool 2 (1 host)"));
}

TEST_CASE("hosts that are kept together share a pool", "[plan][split]") {
    const SplitHosts hosts;
    CHECK(pools_of(hosts.split("3", {"--keep-together", "a,weak"})) == "a b weak | relaxed ");
    CHECK(pools_of(hosts.split("3", {"--keep-together", "a,weak", "--keep-together", "b,relaxed"})) ==
          "a b relaxed weak ");
}

TEST_CASE("what the hosts could keep is the same whatever is kept together", "[plan][split]") {
    const SplitHosts hosts;
    const Json free = Json::parse(hosts.split("3", {"--format", "json"}).out);
    const Json together = Json::parse(hosts.split("3", {"--format", "json", "--keep-together", "a,weak,relaxed"}).out);
    CHECK(together.at("kept").at("bound") == free.at("kept").at("bound"));
    CHECK(together.at("kept").at("split") < together.at("kept").at("bound"));
}

TEST_CASE("a comma of a host's name stands behind a backslash", "[plan][split]") {
    const SplitHosts hosts;
    const std::string comma = hosts.pool.dir.write("a,b.json", document(intel_host("a,b")));
    const std::string slash = hosts.pool.dir.write("slash.json", document(intel_host("c\\")));
    const auto split = [&](const std::string& together) {
        return run({"plan", "--split", "2", "--hosts", comma, slash, hosts.intel, "--keep-together", together});
    };
    CHECK(split("a\\,b,intel").status == 0);
    CHECK(split("c\\\\,a\\,b").status == 0);
    CHECK(split("a,b,intel").status == 2);
}

TEST_CASE("hosts of two vendors are never of one pool", "[plan][split]") {
    const SplitHosts hosts;
    const Result two = run({"plan", "--split", "2", "--hosts", hosts.pool.a, hosts.intel, hosts.pool.weak});
    CHECK(two.status == 0);
    CHECK(pools_of(two) == "a weak | intel ");
    CHECK(Json::parse(two.out).at("migrations_end").empty());
    const Result one = run({"plan", "--split", "1", "--hosts", hosts.pool.a, hosts.intel});
    CHECK(one.status == 4);
    CHECK_THAT(one.err, Contains("of 2 vendors") && Contains("at least 2 pools"));
    CHECK(hosts.split("3", {hosts.intel, "--keep-together", "a,intel"}).status == 2);
}

TEST_CASE("a split refuses what does not go with it", "[plan][split]") {
    const SplitHosts hosts;
    CHECK(hosts.split("0").status == 2);
    CHECK(hosts.split("x").status == 2);
    CHECK(hosts.split("2", {"--add", hosts.pool.strong}).status == 2);
    CHECK(hosts.split("2", {"--keep-together", "a,nobody"}).status == 2);
    for (const std::vector<std::string>& option :
         {std::vector<std::string>{"--strict"}, {"--unknown", "warn"}, {"--unknown", "fail"}}) {
        const Result result = hosts.split("2", option);
        CHECK(result.status == 2);
        CHECK_THAT(result.err, Contains("--strict and --unknown"));
    }
    CHECK(run({"plan", "--hosts", hosts.pool.a}).status == 2);
    CHECK(hosts.pool.plan({"--keep-together", "a,b"}).status == 2);
    CHECK(hosts.pool.plan({"--split", "2"}).status == 2);
    CHECK(run({"plan", "--split", "2", "--hosts", hosts.pool.dir.file("gone")}).status == 3);
}

TEST_CASE("that guests of open hosts are not told to run VERW is no gain", "[plan][split]") {
    const TemporaryDirectory dir;
    constexpr unsigned md_clear_bit = 10;
    const HostDump patched = with_bit(intel_host("patched"), leaf_7, Register::edx, md_clear_bit, true);
    const std::string hosts = dir.write("open.json", document(intel_host("open")));
    const Result result = run({"plan", "--split", "2", "--hosts", hosts, dir.write("patched.json", document(patched))});
    REQUIRE(result.status == 0);
    const Json split = Json::parse(result.out);
    for (const Json& pool : split.at("pools")) {
        const bool is_patched = words(pool.at("hosts")) == "patched ";
        std::string gains;
        for (const Json& gain : pool.at("gains")) gains += gain.at("field").get<std::string>() + " ";
        CHECK(gains == (is_patched ? "md_clear " : ""));
    }
}

}  // namespace poolcpuid::test::plan_split_test
