// plan: what it reads and refuses, running policies and their labels, and that a policy's own options count.

#include <algorithm>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "tests/catch.hpp"
#include "tests/cli/support/plan_pool.hpp"

namespace poolcpuid::test::plan_inputs_test {

using Catch::Contains;
using Json = nlohmann::ordered_json;

TEST_CASE("arguments that do not fit together are exit status 2, and say why", "[plan]") {
    const PlanPool pool;
    const auto refused = [&](const std::vector<std::string>& arguments, const std::string& why) {
        const Result result = pool.plan(arguments);
        INFO(result.text());
        CHECK(result.status == 2);
        CHECK(result.out.empty());
        CHECK_THAT(result.err, Contains(why));
    };
    CHECK(run({"plan"}).status == 2);
    CHECK(run({"plan", pool.policy}).status == 2);
    CHECK(run({"plan", "--hosts", pool.a}).status == 2);
    refused({"--unknown", "maybe"}, "--unknown");
    refused({"--format", "xml"}, "--format");
    refused({"--remove", "nobody"}, "no host of the pool is called nobody");
    refused({"--replace", "nobody=" + pool.weak}, "no host of the pool is called nobody");
    refused({"--remove", "aa"}, "is called aa; did you mean a");
    refused({"--remove", "nobody"}, "is called nobody; it has a, b");
    refused({"--replace", pool.weak}, "--replace takes NAME=FILE");
    refused({"--replace", "./a=" + pool.weak}, "--replace takes NAME=FILE");
    refused({"--remove", "a", "--replace", "a=" + pool.weak}, "a changes twice");
    refused({"--remove", "a", "--add", "a=" + pool.weak}, "a changes twice");
    refused({"--replace", "a=" + pool.weak, "--add", "a=" + pool.weak}, "a changes twice");
    refused({"--add", "-", "--running", "-"}, "only one input can be standard input");
    refused({"--running", "blue=" + pool.policy_of({pool.weak}, "old.json")}, "two running policies are called blue");
    refused({"--ceiling", pool.policy}, "--ceiling");
}

TEST_CASE("dumps of which none is a host of the policy are exit status 3", "[plan]") {
    const PlanPool pool;
    const Result foreign = run({"plan", pool.policy, "--hosts", pool.weak, pool.strong});
    CHECK(foreign.status == 3);
    CHECK(foreign.out.empty());
    CHECK_THAT(foreign.err, Contains("expected hosts of this policy among --hosts, found none, by name or by content"));
    const Result other = pool.plan({"--add", "a=" + pool.weak});
    CHECK(other.status == 3);
    CHECK_THAT(other.err, Contains("a: expected a host of a new name") && Contains("is replaced"));
    CHECK(pool.plan({"--add", "n=" + pool.weak, "--add", "n=" + pool.strong}).status == 3);
    CHECK(pool.plan({"--replace", "a=" + pool.weak, "--replace", "a=" + pool.strong}).status == 3);
}

TEST_CASE("every bad input of a plan is reported and nothing is written", "[plan]") {
    const PlanPool pool;
    const std::string half = pool.dir.write("half.json", document(amd_host("half")).substr(0, 400));
    const std::string gone = pool.dir.file("gone");
    const Result result =
        run({"plan", pool.policy, "--hosts", pool.a, pool.b, gone, "--add", half, "--replace", "a=" + pool.policy,
             "--running", "x=" + half, "--running", pool.weak, "-o", pool.dir.file("plan.json")});
    INFO(result.text());
    CHECK(result.status == 3);
    CHECK(result.out.empty());
    CHECK_FALSE(pool.dir.has("plan.json"));
    CHECK_THAT(result.err, Contains("gone: expected a readable file") && Contains("weak.json"));
    CHECK(count_of(result.err, "half.json:") == 2);
    CHECK_THAT(result.err, Contains("blue.json"));
    CHECK(run({"plan", half, "--hosts", pool.a}).status == 3);
    CHECK(pool.plan({"--running", "a\nb=" + pool.policy}).status == 3);
}

TEST_CASE("no host left, or hosts of two vendors, is exit status 4", "[plan]") {
    const PlanPool pool;
    const Result none = pool.plan({"--remove", "a", "--remove", "b"});
    CHECK(none.status == 4);
    CHECK(none.out.empty());
    CHECK_THAT(none.err, Contains("no host is left in the pool after the change"));
    const std::string intel = pool.dir.write("intel.json", document(intel_host("intel")));
    const Result mixed = pool.plan({"--add", intel});
    CHECK(mixed.status == 4);
    CHECK_THAT(mixed.err, Contains("mixed vendors"));
    const Result all = pool.plan({"--remove", "a", "--replace", "b=" + intel});
    CHECK(all.status == 1);  // a pool of the other vendor has a policy, on which nothing that runs may run
    CHECK(cannot_reach(running_of(plan_json(all), "blue")) == "b (vendor)");
}

TEST_CASE("running policies go by NAME or by their file, each once, the pool's own among them", "[plan]") {
    const PlanPool pool;
    const std::string old = pool.policy_of({pool.weak}, "2024.q1.json");
    const auto labels = [&](const std::vector<std::string>& arguments) {
        std::string all;
        const Json plan = plan_json(pool.plan(arguments));
        for (const Json& entry : plan.at("running")) all += entry.at("label").get<std::string>() + " ";
        return all;
    };
    CHECK(labels({}) == "blue ");
    CHECK(labels({"--running", old}) == "2024.q1 blue ");
    CHECK(labels({"--running", "z=" + old, "--running", "a b=" + old}) == "a b blue z ");
    CHECK(labels({"--running", old, "--running", old, "--running", pool.policy}) == "2024.q1 blue ");
    const Result stdin_policy = pool.plan({"--running", "old=-"}, {.input = bytes_of(old)});
    CHECK(running_of(plan_json(stdin_policy), "old").at("sha256") ==
          running_of(plan_json(pool.plan({"--running", old})), "2024.q1").at("sha256"));
    // An older generation that was promised more strands where the present one does not.
    const std::string strong = pool.policy_of({pool.strong}, "strong-policy.json");
    const std::string mixed = pool.policy_of({pool.strong, pool.weak}, "mixed.json");
    const Json plan = plan_json(
        run({"plan", mixed, "--hosts", pool.strong, pool.weak, "--add", "w=" + pool.weak, "--running", strong}));
    CHECK(words(plan.at("stranded")) == "strong-policy ");
    CHECK(words(running_of(plan, "strong-policy").at("reaches")) == "strong ");
}

TEST_CASE("hosts are files, directories or streams, and their order changes no byte", "[plan]") {
    const PlanPool pool;
    pool.dir.write("new/w.json", nameless_document(without_avx2("x")));
    pool.dir.write("new/r.json", nameless_document(relaxed_base("x")));
    const Result directories =
        run({"plan", pool.policy, "--hosts", pool.dir.file("hosts"), "--add", pool.dir.file("new")});
    CHECK(cannot_reach(running_of(plan_json(directories), "blue")) == "r (fs_gs_base_ns), w (avx2)");
    const std::string lines = document_line(without_avx2("w")) + document_line(relaxed_base("r"));
    const Result stream = pool.plan({"--add", "-"}, {.input = lines});
    CHECK(cannot_reach(running_of(plan_json(stream), "blue")) == "r (fs_gs_base_ns), w (avx2)");

    const std::string old = pool.policy_of({pool.weak}, "old.json");
    const Result one = pool.plan({"--add", pool.weak, "--add", pool.relaxed, "--add", pool.a, "--running", old});
    const Result other = run({"plan", pool.policy, "--running", old, "--add", pool.relaxed, "--add", pool.weak,
                              "--hosts", pool.b, pool.a, "--add", pool.weak});
    CHECK(one.status == 1);
    CHECK(one.out == other.out);
}

TEST_CASE("a host that is added again as it is changes nothing", "[plan]") {
    const PlanPool pool;
    const Json plan = plan_json(pool.plan({"--add", pool.a}));
    CHECK(plan.at("change").at("added").empty());
    CHECK(plan.at("hosts").at("after") == 2);
    CHECK(pool.plan({"--add", pool.a}).out == pool.plan({}).out);
}

TEST_CASE("an identity that was asked for and leaves is chosen anew, and the plan says so", "[plan]") {
    const PlanPool pool;
    const std::string policy = pool.policy_of({pool.a, pool.b, "--identity", "b"}, "with-b.json");
    const std::vector<std::string> start{"plan", policy, "--hosts", pool.a, pool.b};
    const auto plan = [&](std::vector<std::string> more) {
        more.insert(more.begin(), start.begin(), start.end());
        return run(more);
    };
    const Json gone = plan_json(plan({"--remove", "b"}));
    CHECK(gone.at("policy").at("identity_gone") == "b");
    CHECK(gone.at("after").dump(2) + "\n" == run({"merge", "--pool", "blue", pool.a}).out);
    CHECK_THAT(flat(plan({"--remove", "b", "--format", "text"}).out),
               Contains("The identity was to be that of b") && Contains("chosen anew"));
    const Json kept = plan_json(plan({"--replace", "b=" + pool.weak}));
    CHECK_FALSE(kept.at("policy").contains("identity_gone"));
    CHECK(kept.at("after").at("options").at("identity") == "b");
}

TEST_CASE("the policy after is made with the options of the one before", "[plan]") {
    const PlanPool pool;
    const std::string hidden = pool.policy_of({pool.a, pool.b, "--hide", "avx2"}, "hidden.json");
    const Result plan = run({"plan", hidden, "--hosts", pool.a, pool.b, "--add", pool.weak});
    CHECK(plan.status == 0);  // nobody was promised AVX2
    CHECK(plan_json(plan).at("after").dump(2) + "\n" ==
          run({"merge", "--pool", "blue", "--hide", "avx2", pool.a, pool.b, pool.weak}).out);

    const std::string ceiling = pool.policy_of({pool.weak}, "ceiling.json");
    const std::string low = pool.policy_of({pool.a, pool.b, "--ceiling", ceiling}, "low.json");
    const std::vector<std::string> change{"plan", low, "--hosts", pool.a, pool.b, "--add", pool.strong};
    const Result without = run(change);
    CHECK(without.status == 2);
    CHECK_THAT(without.err, Contains("--ceiling"));
    std::vector<std::string> with = change;
    with.insert(with.end(), {"--ceiling", ceiling});
    const Result result = run(with);
    INFO(result.text());
    CHECK(result.status == 0);
    CHECK(plan_json(result).at("after").dump(2) + "\n" ==
          run({"merge", "--pool", "blue", "--ceiling", ceiling, pool.a, pool.b, pool.strong}).out);
}

TEST_CASE("a policy that is not what its hosts give now is said to be so", "[plan]") {
    const PlanPool pool;
    CHECK(plan_json(pool.plan({})).at("policy").at("current") == true);
    Json edited = Json::parse(bytes_of(pool.policy));
    for (Json& row : edited.at("cpuid")) {
        if (row.at("leaf") == "0x7") row.at("ebx") = "0x00000109";  // without AVX2
    }
    const std::string file = pool.dir.write("edited.json", edited.dump(2) + "\n");
    const Result result = run({"plan", file, "--hosts", pool.a, pool.b});
    CHECK_THAT(result.err, Contains("another policy"));
    CHECK(plan_json(result).at("policy").at("current") == false);
    CHECK(plan_json(result).at("policy").at("change") == "stronger");
    CHECK_THAT(flat(run({"plan", file, "--hosts", pool.a, pool.b, "--format", "text"}).out),
               Contains("The policy before is not what its hosts give now"));

    // A policy that promised too much all along: the host that comes back as it was is not weaker than before.
    Json weak = Json::parse(bytes_of(pool.policy_of({pool.weak}, "weak-policy.json")));
    for (Json& row : weak.at("cpuid")) {
        if (row.at("leaf") == "0x7") row.at("ebx") = "0x00000129";
    }
    const std::string wrong = pool.dir.write("wrong.json", weak.dump(2) + "\n");
    const std::string text =
        run({"plan", wrong, "--hosts", pool.weak, "--replace", "weak=" + pool.weak, "--format", "text"}).out;
    CHECK_THAT(text, Contains("must not run on weak, nor before the change") && !Contains("comes back weaker"));
}

TEST_CASE("--rulebook plans by another rulebook", "[plan]") {
    const PlanPool pool;
    CHECK(pool.plan({"--add", pool.weak, "--rulebook", POOLCPUID_SOURCE_DIR "/policy"}).out ==
          pool.plan({"--add", pool.weak}).out);
    CHECK(pool.plan({"--rulebook", pool.dir.path()}).status == 3);
}

}  // namespace poolcpuid::test::plan_inputs_test
