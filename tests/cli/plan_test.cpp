// plan: exit statuses, the answer's headline, which hosts and fields it names, and its forms of output.

#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "cli/texts.hpp"
#include "poolcpuid/pool_plan.hpp"
#include "tests/catch.hpp"
#include "tests/cli/support/plan_pool.hpp"

namespace poolcpuid::test::plan_test {

using Catch::Contains;
using Catch::StartsWith;
using Json = nlohmann::ordered_json;

namespace {

std::string text_of(const PlanPool& pool, std::vector<std::string> arguments) {
    arguments.insert(arguments.end(), {"--format", "text"});
    return flat(pool.plan(arguments).out);
}

// What merge prints for these arguments.
std::string merged(std::vector<std::string> arguments) {
    arguments.insert(arguments.begin(), {"merge", "--pool", "blue", "--format", "json"});
    return run(arguments).out;
}

}  // namespace

TEST_CASE("what differs between the policies has its colours on a terminal", "[plan]") {
    const Rulebook& rulebook = builtin_rulebook();
    HostDump host = amd_host("a");
    HostDump fresh = with_bit(amd_host("b"), leaf_7, Register::ebx, avx2_bit, false);
    host.sha256 = std::string(64, 'a');
    fresh.sha256 = std::string(64, 'b');
    PoolState state(rulebook);
    state.add(host);
    const MergeOptions options;
    const PoolPolicy policy = state.finish(options);
    const PoolPlan plan = plan_change(rulebook, {policy, {host}, state, options}, {{fresh}, {}, {}},
                                      {{"pool", policy, true}}, {UnknownIs::failure, false});
    cli::Page page(80, true);
    cli::plan_text(plan, rulebook, page);
    CHECK_THAT(page.text(), Contains("\033[31mLoses promises\033[0m"));
    CHECK_THAT(page.text(), !Contains("\\u{"));
}

TEST_CASE("exit status 0 when no VM strands, 1 when a host lacks or relaxes what it was promised", "[plan]") {
    const PlanPool pool;
    CHECK(pool.plan({}).status == 0);
    CHECK(pool.plan({"--add", pool.strong}).status == 0);
    CHECK(pool.plan({"--remove", "a"}).status == 0);
    CHECK(pool.plan({"--replace", "a=" + pool.strong}).status == 0);
    for (const std::string& host : {pool.weak, pool.relaxed}) {
        CHECK(pool.plan({"--add", host}).status == 1);
        CHECK(pool.plan({"--replace", "a=" + host}).status == 1);
    }
    CHECK(pool.plan({"--add", pool.weak, "--remove", "a"}).status == 1);
}

TEST_CASE("VMs that would only get slower do not strand, but are told of; with --strict they strand", "[plan]") {
    const PlanPool pool;
    constexpr unsigned erms_bit = 9;
    const auto host = [&](const std::string& name, bool erms) {
        return pool.dir.write(name + ".json",
                              document(with_bit(amd_host(name), leaf_7, Register::ebx, erms_bit, erms)));
    };
    const std::string fast = host("fast", true);
    const std::vector<std::string> plan{
        "plan", pool.policy_of({fast}, "fast-policy.json"), "--hosts", fast, "--add", host("slow", false)};
    const Result json = run(plan);
    CHECK(json.status == 0);
    const Json entry = plan_json(json).at("running").at(0);
    CHECK(entry.at("stranded") == false);
    CHECK(words(entry.at("reaches")) == "fast slow ");
    CHECK(words(entry.at("degraded").at(0).at("hosts")) == "slow ");
    CHECK(entry.at("degraded").at(0).at("violations").at(0).at("field") == "erms");
    CHECK(entry.at("doubtful").empty());
    const auto with = [&](std::vector<std::string> more) {
        more.insert(more.begin(), plan.begin(), plan.end());
        return run(more);
    };
    CHECK_THAT(flat(with({"--format", "text"}).out), StartsWith("No VM strands") && Contains("degraded on some") &&
                                                         Contains("run degraded on slow") &&
                                                         Contains("(performance): erms"));
    const Result strict = with({"--strict"});
    CHECK(strict.status == 1);
    CHECK(cannot_reach(plan_json(strict).at("running").at(0)) == "slow (erms)");
    CHECK(plan_json(strict).at("strict") == true);
}

TEST_CASE("the answer names the hosts, the fields and the way in which VMs strand", "[plan]") {
    const PlanPool pool;
    const Json weak = plan_json(pool.plan({"--add", pool.weak}));
    CHECK(words(weak.at("stranded")) == "blue ");
    const Json blue = running_of(weak, "blue");
    CHECK(blue.at("of_pool") == true);
    CHECK(words(blue.at("reaches")) == "a b ");
    CHECK(cannot_reach(blue) == "weak (avx2)");
    CHECK(blue.at("cannot_reach").at(0).at("before") == false);
    CHECK(blue.at("cannot_reach").at(0).at("violations").at(0).at("breach") == "lost");
    CHECK(weak.at("policy").at("change") == "weaker");
    CHECK(weak.at("diff").at("changes").at(0).at("direction") == "loses");

    const Json relaxed = plan_json(pool.plan({"--add", pool.relaxed}));
    const Json violation = running_of(relaxed, "blue").at("cannot_reach").at(0).at("violations").at(0);
    CHECK(violation.at("field") == "fs_gs_base_ns");
    CHECK(violation.at("breach") == "not-told");
    CHECK(relaxed.at("diff").at("changes").at(0).at("direction") == "relaxes");
}

TEST_CASE("the headline stands first and says what a person must know", "[plan]") {
    const PlanPool pool;
    CHECK_THAT(text_of(pool, {}), StartsWith("No VM strands: VMs of blue may run on every host of the pool."));
    CHECK_THAT(text_of(pool, {"--add", pool.strong}),
               StartsWith("No VM strands: VMs of blue may run on every host after the change."));
    CHECK_THAT(text_of(pool, {"--add", pool.weak}),
               StartsWith("1 of 1 running policy strands: VMs of blue cannot move to weak until they restart."));
    CHECK_THAT(text_of(pool, {"--replace", "a=" + pool.weak, "--remove", "b"}),
               StartsWith("1 of 1 running policy strands: VMs of blue may run on no host after the change."));
    const std::string old = pool.policy_of({pool.weak}, "old.json");
    CHECK_THAT(text_of(pool, {"--add", pool.weak, "--running", old}), StartsWith("1 of 2 running policies strands: "));
    CHECK_THAT(text_of(pool, {"--running", old}), StartsWith("No VM strands: VMs of 2 running policies may run "));
}

TEST_CASE("what strands, and did so before, is told apart from what the change strands", "[plan]") {
    const PlanPool pool;
    const std::string strong = pool.policy_of({pool.strong}, "old.json");
    const std::string mixed = pool.policy_of({pool.strong, pool.weak}, "mixed.json");
    const std::vector<std::string> start{"plan",    mixed,       "--hosts",          pool.strong,
                                         pool.weak, "--running", "strong=" + strong, "--format"};
    const auto plan = [&](const std::string& format, const std::vector<std::string>& more) {
        std::vector<std::string> all = start;
        all.push_back(format);
        all.insert(all.end(), more.begin(), more.end());
        return run(all);
    };
    const Result no_change = plan("json", {});
    CHECK(no_change.status == 1);
    const Json entry = running_of(plan_json(no_change), "strong");
    CHECK(cannot_reach(entry) == "weak (avx2)");
    CHECK(entry.at("cannot_reach").at(0).at("before") == true);

    const Result added = plan("json", {"--add", "weak-2=" + pool.weak, "--add", "c=" + pool.a});
    const Json groups = running_of(plan_json(added), "strong").at("cannot_reach");
    REQUIRE(groups.size() == 2);
    CHECK(words(groups.at(0).at("hosts")) == "weak ");
    CHECK(groups.at(0).at("before") == true);
    CHECK(words(groups.at(1).at("hosts")) == "weak-2 ");
    CHECK(groups.at(1).at("before") == false);

    const std::string text = flat(plan("text", {"--add", "c=" + pool.a}).out);
    CHECK_THAT(text, Contains("So it was before the change.") && Contains("must not run on weak, nor before"));
    // The last host that they reached leaves: that is news.
    const std::string alone = flat(plan("text", {"--remove", "strong"}).out);
    CHECK_THAT(alone, StartsWith("1 of 2 running policies strands: VMs of strong may run on no host after the"));
    CHECK_THAT(alone, !Contains("So it was before the change."));
    CHECK_THAT(alone, Contains("from strong they can move nowhere"));
}

TEST_CASE("VMs of hosts that leave or are replaced are told where they can go", "[plan]") {
    const PlanPool pool;
    const std::string c = pool.dir.write("c.json", document(amd_host("c")));
    const Json removed = running_of(plan_json(pool.plan({"--remove", "a", "--add", c})), "blue");
    CHECK(words(removed.at("must_move")) == "a ");
    CHECK(words(removed.at("reaches")) == "b c ");
    CHECK(words(removed.at("no_refuge")).empty());
    CHECK_THAT(text_of(pool, {"--remove", "a", "--add", c}), Contains("from a they can move to b and c"));
    CHECK_THAT(text_of(pool, {"--replace", "a=" + pool.strong}), Contains("from a they can move to b"));

    const Result alone = pool.plan({"--remove", "a", "--replace", "b=" + pool.strong});
    CHECK(alone.status == 0);
    CHECK(words(running_of(plan_json(alone), "blue").at("no_refuge")) == "b ");
    CHECK_THAT(text_of(pool, {"--remove", "a", "--replace", "b=" + pool.strong}),
               Contains("VMs on b have nowhere to go while it changes.") && Contains("they can move nowhere"));
    // VMs of a policy that may not run there have nothing to move.
    const std::string relaxed_policy = pool.policy_of({pool.weak, pool.relaxed}, "old.json");
    const std::string strong_policy = pool.policy_of({"s=" + pool.strong}, "strong-policy.json");
    const Result other = run({"plan", relaxed_policy, "--hosts", pool.weak, pool.relaxed, "--remove", "relaxed",
                              "--running", "strong=" + strong_policy});
    CHECK(words(running_of(plan_json(other), "strong").at("must_move")).empty());
    CHECK(words(running_of(plan_json(other), "old").at("must_move")) == "relaxed ");
}

TEST_CASE("without a change nothing is said of one", "[plan]") {
    const PlanPool pool;
    const std::string intel = pool.policy_of({pool.dir.write("i.json", document(intel_host("i")))}, "intel.json");
    const std::string text = text_of(pool, {"--running", intel});
    CHECK_THAT(text, Contains("Shut down the VMs of intel, and start them again with the pool's policy."));
    CHECK_THAT(text, !Contains("before the change") && !Contains("policy after") && !Contains("from before to after"));
    CHECK_THAT(text_of(pool, {"--running", intel, "--add", pool.weak}),
               Contains("Shut down the VMs of intel before the change, and start them again with the policy after."));
}

TEST_CASE("the policy after is what merge makes of the hosts after, the one before is the file", "[plan]") {
    const PlanPool pool;
    const auto documents = [&](const std::vector<std::string>& change) {
        const Json plan = plan_json(pool.plan(change));
        CHECK(plan.at("before").dump(2) + "\n" == bytes_of(pool.policy));
        return plan.at("after").dump(2) + "\n";
    };
    CHECK(documents({"--add", pool.weak}) == merged({pool.a, pool.b, pool.weak}));
    CHECK(documents({"--remove", "a"}) == merged({pool.b}));
    CHECK(documents({"--replace", "a=" + pool.relaxed}) == merged({"a=" + pool.relaxed, pool.b}));
    CHECK(documents({"--remove", "a", "--replace", "b=" + pool.weak, "--add", pool.strong}) ==
          merged({"b=" + pool.weak, pool.strong}));
    CHECK(documents({}) == bytes_of(pool.policy));
}

TEST_CASE("when to use the policy after: now, or when what does not keep it is gone", "[plan]") {
    const PlanPool pool;
    CHECK_THAT(text_of(pool, {"--add", pool.weak}), Contains("Start new VMs with the policy after from now on"));
    CHECK_THAT(text_of(pool, {"--add", pool.strong}), Contains("Keep the pool's policy"));
    const std::string mixed = pool.policy_of({pool.strong, pool.weak}, "mixed.json");
    const std::vector<std::string> plan{"plan", mixed, "--hosts", pool.strong, pool.weak};
    const auto with = [&](std::vector<std::string> more) {
        more.insert(more.begin(), plan.begin(), plan.end());
        return run(more);
    };
    const Json leaves = plan_json(with({"--remove", "weak"}));
    CHECK(leaves.at("policy").at("change") == "stronger");
    CHECK(words(leaves.at("policy").at("wait_for")) == "weak ");
    CHECK(running_of(leaves, "mixed").at("restart").at("gains") == 1);
    const std::string text = flat(with({"--remove", "weak", "--format", "text"}).out);
    CHECK_THAT(text, Contains("policy after when weak has left, and not before") &&
                         Contains("a restart with the policy after: gains 1"));
    CHECK_THAT(flat(with({"--replace", "weak=" + pool.strong, "--format", "text"}).out),
               Contains("policy after when weak has come back"));
    const Json both = plan_json(with({"--remove", "weak", "--add", pool.relaxed}));
    CHECK(both.at("policy").at("change") == "both");
    CHECK(plan_json(with({"--remove", "strong"})).at("policy").at("change") == "equal");
}

TEST_CASE("the price of hosts is what the policy loses with them, and no other host's", "[plan]") {
    const PlanPool pool;
    const Json plan = plan_json(pool.plan({"--add", pool.weak, "--add", pool.relaxed, "--add", pool.strong}));
    REQUIRE(plan.at("price").size() == 2);
    CHECK(words(plan.at("price").at(0).at("hosts")) == "relaxed ");
    CHECK(words(plan.at("price").at(0).at("gains")) == "fs_gs_base_ns ");
    CHECK(words(plan.at("price").at(1).at("hosts")) == "weak ");
    CHECK(words(plan.at("price").at(1).at("gains")) == "avx2 ");
    CHECK_THAT(text_of(pool, {"--add", pool.weak, "--add", pool.relaxed}),
               Contains("The price of weak: 1 of the 2 promises that the policy loses, avx2."));
    CHECK_THAT(text_of(pool, {"--add", pool.weak}),
               Contains("The price of weak: the 1 promise that the policy loses."));
    // What an old host costs is not the new one's price.
    const std::string mixed = pool.policy_of({pool.strong, pool.weak}, "mixed.json");
    CHECK(plan_json(run({"plan", mixed, "--hosts", pool.strong, pool.weak, "--add", "w=" + pool.weak}))
              .at("price")
              .empty());
}

TEST_CASE("stdout is JSON, or text on a terminal; -o writes the JSON and leaves the text to stderr", "[plan]") {
    const PlanPool pool;
    const Result piped = pool.plan({"--add", pool.weak});
    CHECK(plan_json(piped).at("schema") == "poolcpuid/plan/v1");
    CHECK(piped.err.empty());
    CHECK_THAT(pool.plan({}, {.terminal = true, .environment = {"TERM=dumb"}}).out, StartsWith("No VM strands"));
    const Result written = pool.plan({"--add", pool.weak, "-o", pool.dir.file("plan.json")});
    CHECK(written.status == 1);
    CHECK(written.out.empty());
    CHECK(pool.dir.read("plan.json") == piped.out);
    CHECK(written.err == pool.plan({"--add", pool.weak, "--format", "text"}).out);
    CHECK(pool.plan({"-o", "/dev/full"}).status == 5);
}

TEST_CASE("a promise that a host is not known to keep strands VMs, or with --unknown=warn is told", "[plan]") {
    const PlanPool pool;
    const Result failed = pool.plan({"--add", pool.silent});
    CHECK(failed.status == 1);
    CHECK_THAT(cannot_reach(running_of(plan_json(failed), "blue")), StartsWith("silent (") && Contains("avx2"));
    const Result warned = pool.plan({"--add", pool.silent, "--unknown=warn"});
    CHECK(warned.status == 0);
    const Json entry = running_of(plan_json(warned), "blue");
    CHECK(words(entry.at("reaches")) == "a b silent ");
    CHECK(words(entry.at("doubtful").at(0).at("hosts")) == "silent ");
    CHECK(plan_json(warned).at("unknown") == "warn");
    CHECK_THAT(text_of(pool, {"--add", pool.silent, "--unknown=warn"}),
               Contains("reach silent, of which not all is known") && Contains("Take a complete dump"));
    CHECK(pool.plan({"--add", pool.weak, "--unknown=warn"}).status == 1);
}

TEST_CASE("a host that comes back tells what changed around its CPU, and what would mend it", "[plan]") {
    const PlanPool pool;
    HostDump before = amd_host("c");
    before.meta = {{"kernel", "6.1.0"}, {"microcode", "0xa0011d5"}, {"note", "no setting"}};
    HostDump after = without_avx2("c");
    after.meta = {{"kernel", "5.10.0"}, {"microcode", "0xa0011d5"}, {"kvm_amd.nested", "0"}};
    const std::string old = pool.dir.write("c.json", document(before));
    const std::string fresh = pool.dir.write("c-after.json", document(after));
    const std::string policy = pool.policy_of({old}, "c-policy.json");
    const std::vector<std::string> plan{"plan", policy, "--hosts", old, "--replace", "c=" + fresh};
    const Json json = plan_json(run(plan));
    const Json replaced = json.at("change").at("replaced").at(0);
    CHECK(replaced.at("promises").at("loses") == 1);
    REQUIRE(replaced.at("settings").size() == 2);
    CHECK(replaced.at("settings").at(0) == Json{{"name", "kernel"}, {"before", "6.1.0"}, {"after", "5.10.0"}});
    CHECK(replaced.at("settings").at(1) == Json{{"name", "kvm_amd.nested"}, {"before", "unknown"}, {"after", "0"}});
    const Json& advice = json.at("advice");
    REQUIRE(advice.size() == 3);
    CHECK(advice.at(0) == Json{{"kind", "shut-down-vms"}, {"with", "after"}, {"running", Json{"c-policy"}}});
    CHECK(advice.at(1) ==
          Json{{"kind", "restore-settings"}, {"hosts", Json{"c"}}, {"settings", Json{"bios", "kernel", "microcode"}}});
    CHECK(advice.at(2) == Json{{"kind", "start-new-vms"}, {"with", "after"}});
    std::vector<std::string> as_text = plan;
    as_text.insert(as_text.end(), {"--format", "text"});
    const std::string text = flat(run(as_text).out);
    CHECK_THAT(text, Contains("kernel 6.1.0 ->") && Contains("c comes back weaker"));
    CHECK_THAT(text_of(pool, {"--replace", "a=" + pool.strong}), !Contains("comes back weaker"));
}

namespace {

const std::string example_hosts = POOLCPUID_SOURCE_DIR "/examples/";

// The text of a plan in which a pool of one host has it replaced; more: further arguments.
std::string replaced_text(const std::string& name, const std::string& before, const std::string& after,
                          std::vector<std::string> more = {}) {
    const TemporaryDirectory dir;
    const std::string policy = dir.file("pool.json");
    REQUIRE(run({"merge", name + "=" + example_hosts + before, "-o", policy}).status == 0);
    more.insert(more.begin(), {"plan", policy, "--hosts", name + "=" + example_hosts + before, "--replace",
                               name + "=" + example_hosts + after, "--format", "text"});
    const Result result = run(more);
    CHECK(result.status == 1);
    return flat(result.out);
}

}  // namespace

TEST_CASE("a host whose new microcode asks for VERW is not to go back, and its VMs are as open as before", "[plan]") {
    const std::string text =
        replaced_text("ivb", "intel-haswell-skylake/hosts/ivybridge-1.json", "plan-upgrade/ivybridge-1.json");
    INFO(text);
    CHECK_THAT(text, Contains("Nothing gets worse for them there: they are as open on every host where they may run "
                              "before the change."));
    CHECK_THAT(text, Contains("They are as open on every host where they may run before the change: md_clear"));
    CHECK_THAT(text, Contains("Restart the VMs of pool with the policy after: on ivb that protects them (md_clear)."));
    CHECK_THAT(text, !Contains("of before") && !Contains("Shut down") && !Contains("The price of"));
}

TEST_CASE("settings of before mend nothing on another CPU", "[plan]") {
    const std::string text = replaced_text("n", "intel-haswell-skylake/hosts/skylake-1.json",
                                           "plan-overlapping-joins/cascadelake-1.json", {"--strict"});
    INFO(text);
    CHECK_THAT(text, Contains("n comes back with another CPU (Skylake") && Contains("-> Cascade Lake"));
    CHECK_THAT(text, Contains("no setting of before would mend that.") && !Contains("comes back weaker"));
    CHECK_THAT(text, Contains("against its former self: loses 2, gains 9; CPU Skylake"));
}

}  // namespace poolcpuid::test::plan_test
