// plan: joins, leaves and hosts that came back changed, as the dumps of --hosts show them; patterns, directories of
// running policies and the matrix.

#include <filesystem>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "base/sha256.hpp"
#include "tests/catch.hpp"
#include "tests/cli/support/plan_pool.hpp"
#include "tests/cli/support/validate.hpp"

namespace poolcpuid::test::plan_inferred_test {

using Catch::Contains;
using Json = nlohmann::ordered_json;

namespace {

// "+x -y ~z": who joins, leaves and comes back.
std::string change_of(const Json& plan) {
    std::string text;
    const auto put = [&](const char* key, char sign) {
        for (const Json& host : plan.at("change").at(key)) {
            text += (text.empty() ? "" : " ") + (sign + host.at("name").get<std::string>());
        }
    };
    put("added", '+');
    put("removed", '-');
    put("replaced", '~');
    return text;
}

std::string codes_of(const Json& plan) {
    std::string codes;
    if (!plan.contains("findings")) return codes;
    for (const Json& finding : plan.at("findings")) codes += finding.at("code").get<std::string>() + " ";
    return codes;
}

// The document, which is what its schema says.
Json planned(const std::vector<std::string>& arguments) {
    const Result result = run(arguments);
    INFO(result.text());
    CHECK(schema_errors("plan", result.out).empty());
    return plan_json(result);
}

}  // namespace

TEST_CASE("what changed since the policy is inferred by name from the dumps that are there", "[plan][inferred]") {
    const PlanPool pool;
    const std::string hosts = pool.dir.file("hosts");
    const std::vector<std::string> plan{"plan", pool.policy, "--hosts", hosts};
    CHECK(change_of(planned(plan)).empty());

    pool.dir.write("hosts/c.json", document(without_avx2("c")));
    const Json joined = planned(plan);
    CHECK(change_of(joined) == "+c");
    CHECK(words(joined.at("stranded")) == "blue ");
    CHECK(joined.at("policy").at("current") == true);
    CHECK(codes_of(joined).empty());

    // The nightly capture found another b, and overwrote the file.
    pool.dir.write("hosts/b.json", document(relaxed_base("b")));
    const Json back = planned(plan);
    CHECK(change_of(back) == "+c ~b");
    CHECK(cannot_reach(running_of(back, "blue")) == "b (fs_gs_base_ns), c (avx2)");
    const Json& entry = back.at("change").at("replaced").at(0);
    CHECK(entry.at("former_unknown") == true);
    CHECK(entry.at("sha256_before") != entry.at("sha256_after"));
    CHECK(words(running_of(back, "blue").at("must_move")) == "b ");
    CHECK_FALSE(back.at("policy").contains("current"));
    CHECK(codes_of(back) == "former-dump-gone ");
    CHECK(back.at("hosts").dump() == R"({"before":2,"after":3})");

    // The same change, given by hand where the former dump is at hand: the same policy and the same hosts out of reach.
    const std::string former = pool.dir.write("former/b.json", document(amd_host("b")));
    const Json by_hand = planned({"plan", pool.policy, "--hosts", pool.a, former, "--add",
                                  pool.dir.file("hosts/c.json"), "--replace", "b=" + pool.dir.file("hosts/b.json")});
    CHECK(by_hand.at("after") == back.at("after"));
    CHECK(running_of(by_hand, "blue").at("cannot_reach") == running_of(back, "blue").at("cannot_reach"));
}

TEST_CASE("a name without a dump left", "[plan][inferred]") {
    const PlanPool pool;
    const Json plan = planned({"plan", pool.policy, "--hosts", pool.a});
    CHECK(change_of(plan) == "-b");
    CHECK(words(running_of(plan, "blue").at("must_move")) == "b ");
    CHECK_THAT(flat(run({"plan", pool.policy, "--hosts", pool.a, "--format", "text"}).out),
               Contains("leaves: b") && Contains("note former-dump-gone: The former dump of b is not there."));
}

TEST_CASE("what is asked for by name wins over what the dumps say", "[plan][inferred]") {
    const PlanPool pool;
    const std::string hosts = pool.dir.file("hosts");
    pool.dir.write("hosts/b.json", document(relaxed_base("b")));
    pool.dir.write("hosts/c.json", document(without_avx2("c")));
    const auto change = [&](std::vector<std::string> more) {
        more.insert(more.begin(), {"plan", pool.policy, "--hosts", hosts});
        return change_of(planned(more));
    };
    CHECK(change({}) == "+c ~b");
    CHECK(change({"--remove", "b"}) == "+c -b");
    CHECK(change({"--replace", "b=" + pool.weak}) == "+c ~b");
    CHECK(change({"--add", "c=" + pool.strong}) == "+c ~b");
    CHECK(change({"--add", pool.weak}) == "+c +weak ~b");
    CHECK(run({"plan", pool.policy, "--hosts", hosts, "--remove", "c"}).status == 2);  // no host of the pool yet
}

TEST_CASE("--remove takes several names and patterns", "[plan][inferred]") {
    const PlanPool pool;
    const std::string policy = pool.policy_of(
        {"r1-a=" + pool.strong, "r1-b=" + pool.strong, "r2-[x]=" + pool.weak, "r2-y=" + pool.weak}, "p.json");
    const auto plan = [&](std::vector<std::string> more) {
        more.insert(more.begin(), {"plan", policy, "--hosts", "r1-a=" + pool.strong, "r1-b=" + pool.strong,
                                   "r2-[x]=" + pool.weak, "r2-y=" + pool.weak});
        return run(more);
    };
    CHECK(change_of(plan_json(plan({"--remove", "r1-a", "r2-y"}))) == "-r1-a -r2-y");
    CHECK(change_of(plan_json(plan({"--remove", "r1-*", "--remove", "*-a"}))) == "-r1-a -r1-b");
    CHECK(change_of(plan_json(plan({"--remove", "r2-[x]"}))) == "-r2-[x]");  // a name before it is a pattern
    const Result none = plan({"--remove", "r3-*"});
    CHECK(none.status == 2);
    CHECK_THAT(none.err, Contains("no host of the pool is called r3-*"));
}

TEST_CASE("where the policy's list of names is cut, what it does not say is a finding", "[plan][inferred]") {
    const PlanPool pool;
    const std::string nameless = pool.dir.write("n.json", nameless_document(amd_host("x")));
    std::vector<std::string> all;
    for (char name = 'a'; name <= 'j'; ++name)
        all.push_back(std::string(1, name) + "=" + nameless);  // two beyond eight
    const std::string policy = pool.policy_of(all, "ten.json");
    const auto plan = [&](const std::vector<std::string>& hosts, const std::vector<std::string>& more = {}) {
        std::vector<std::string> arguments{"plan", policy, "--hosts"};
        arguments.insert(arguments.end(), hosts.begin(), hosts.end());
        arguments.insert(arguments.end(), more.begin(), more.end());
        return planned(arguments);
    };
    CHECK(change_of(plan(all)).empty());
    // The set of names is the same, so j came back.
    std::vector<std::string> back = all;
    back.back() = "j=" + pool.weak;
    CHECK(change_of(plan(back)) == "~j");
    CHECK(codes_of(plan(back)) == "former-dump-gone ");
    // k is new or not; one that nobody names left, or is k.
    std::vector<std::string> other = all;
    other.back() = "k=" + pool.weak;
    CHECK(change_of(plan(other)) == "+k");
    CHECK(codes_of(plan(other)) == "may-have-changed may-have-joined unnamed-hosts-gone ");
    other.pop_back();
    CHECK(change_of(plan(other, {"--replace", "j=" + pool.weak})) == "~j");
    CHECK(change_of(plan(other, {"--remove", "j"})) == "-j");
    // a left, and that j is not new is settled by the digest of all names.
    std::vector<std::string> fewer(all.begin() + 1, all.end());
    CHECK(change_of(plan(fewer)) == "-a");
    CHECK(codes_of(plan(fewer)) == "former-dump-gone ");
    // a left, and k is new, or another one left and it is not: there the digest says nothing.
    fewer.back() = "k=" + nameless;
    CHECK(change_of(plan(fewer)) == "-a");
    CHECK(codes_of(plan(fewer)) == "may-have-joined former-dump-gone ");
}

TEST_CASE("the same dumps under other names are the same pool", "[plan][inferred]") {
    const PlanPool pool;
    const Result result = run({"plan", pool.policy, "--hosts", "x=" + pool.a, "y=" + pool.b});
    CHECK(change_of(plan_json(result)).empty());
    CHECK_THAT(result.err, Contains("has other names than"));
}

TEST_CASE("--running takes a directory, and several policies have a matrix", "[plan][inferred]") {
    const PlanPool pool;
    pool.dir.write("gen/old.json", bytes_of(pool.policy_of({pool.weak}, "old.json")));
    pool.dir.write("gen/new.json", bytes_of(pool.policy_of({pool.strong}, "new.json")));
    const std::string running = pool.dir.file("gen");
    const Json plan =
        planned({"plan", pool.policy, "--hosts", pool.a, pool.b, "--add", pool.weak, "--running", running});
    std::string matrix;
    for (const Json& group : plan.at("matrix")) {
        matrix += words(group.at("hosts")) + "(" + words(group.at("standing")) + ") ";
    }
    CHECK(matrix == "a b (runs runs runs ) weak (must-not-run must-not-run runs ) ");
    CHECK_FALSE(plan_json(pool.plan({})).contains("matrix"));
    const Result text = pool.plan({"--add", pool.weak, "--running", running, "--format", "text"});
    CHECK_THAT(flat(text.out),
               Contains("[1] [2] blue yes no new yes no old yes yes [1] a, b (2 hosts) [2] weak (1 host)"));
    CHECK(pool.plan({"--running", "x=" + running}).status == 3);
    CHECK(pool.plan({"--running", pool.dir.file("hosts")}).status == 3);
}

TEST_CASE("a pool that was merged without what cannot be read is planned and explained without it",
          "[plan][inferred]") {
    const PlanPool pool;
    const std::string bad = pool.dir.write("hosts/bad.json", "no dump");
    const std::string hosts = pool.dir.file("hosts");
    const std::string policy = pool.dir.file("skipped.json");
    REQUIRE(run({"merge", hosts, "--skip-unreadable", "-o", policy}).status == 0);
    for (const std::vector<std::string>& verb : std::vector<std::vector<std::string>>{
             {"plan", policy, "--hosts", hosts},
             {"plan", "--split", "2", "--hosts", hosts},
             {"explain", policy, "--hosts", hosts},
             {"audit", policy, "--hosts", hosts},
             {"report", policy, "--hosts", hosts, "-o", pool.dir.file("page.html")}}) {
        CAPTURE(verb);
        std::vector<std::string> skipping = verb;
        skipping.emplace_back("--skip-unreadable");
        CHECK(run(verb).status == 3);
        const Result result = run(skipping);
        INFO(result.text());
        CHECK(result.status ==
              (verb.front() == "audit" ? run({"audit", policy, "--hosts", pool.a, pool.b}).status : 0));
        CHECK_THAT(result.err, Contains("left out: ") && Contains("bad.json"));
    }
    // The file that cannot be read may be the dump of a host that seems to have left.
    std::filesystem::remove(pool.b);
    const std::vector<std::string> plan{"plan", policy, "--hosts", hosts, "--skip-unreadable"};
    const Result doubt = run(plan);
    CHECK(doubt.status == 3);
    CHECK_THAT(doubt.err, Contains("bad.json") && Contains("found none of b, which this may be"));
    std::vector<std::string> told = plan;
    told.insert(told.end(), {"--remove", "b"});
    CHECK(change_of(planned(told)) == "-b");
}

TEST_CASE("without a change no policy is one after", "[plan][inferred]") {
    const TemporaryDirectory dir;
    const std::string hosts = POOLCPUID_SOURCE_DIR "/examples/amd-zen/hosts";
    const std::string policy = dir.file("zen.json");
    REQUIRE(run({"merge", hosts, "-o", policy}).status == 0);
    const std::string text = flat(run({"plan", policy, "--hosts", hosts, "--format", "text"}).out);
    CHECK_THAT(
        text, Contains("a restart with the pool's policy leaves guests falsely safe") && !Contains("the policy after"));
}

}  // namespace poolcpuid::test::plan_inferred_test
