// The six changes that every pool meets, on the example plans: what the answer is, which VMs strand where and
// why, and what to do. That the outputs are those in examples/ is for examples/check.

#include <filesystem>
#include <nlohmann/json.hpp>
#include <sstream>
#include <string>
#include <vector>

#include "tests/catch.hpp"
#include "tests/cli/support/plan_pool.hpp"
#include "tests/cli/support/validate.hpp"

namespace poolcpuid::test::plan_examples_test {

using Catch::Contains;
using Catch::StartsWith;
using Json = nlohmann::ordered_json;

namespace {

// The commands of an example plan, run in a copy of the examples.
class Example {
public:
    explicit Example(const std::string& name) {
        namespace fs = std::filesystem;
        fs::copy(POOLCPUID_SOURCE_DIR "/examples", dir_.file("examples"), fs::copy_options::recursive);
        const std::string directory = dir_.file("examples/" + name);
        std::istringstream commands(bytes_of(directory + "/commands"));
        for (std::string command; std::getline(commands, command);) {
            std::istringstream stream(command);
            std::vector<std::string> words;
            for (std::string word; stream >> word;) words.push_back(word);
            REQUIRE_FALSE(words.empty());
            if (words.front() == "plan") {
                result = run(words, {.directory = directory});
                words.insert(words.end(), {"--format", "text"});
                text = run(words, {.directory = directory}).out;
            } else {
                REQUIRE(run(words, {.directory = directory}).status == 0);
            }
        }
        plan = plan_json(result);
        pool = running_of(plan, "pool");
        for (const std::string& error : schema_errors("plan", result.out)) FAIL_CHECK(error);
        CHECK(longest_line(text) <= 80);
        sentences = flat(text);
        INFO(text);
    }

private:
    TemporaryDirectory dir_;

public:
    Result result;
    Json plan;
    Json pool;  // the entry of the pool's own policy
    std::string text;
    std::string sentences;
};

// "loses avx2, relaxes md_clear": the changes of the policy that concern promises.
std::string promises(const Json& plan) {
    std::string all;
    for (const Json& change : plan.at("diff").at("changes")) {
        const auto direction = change.at("direction").get<std::string>();
        if (direction == "none") continue;
        all += (all.empty() ? "" : ", ") + direction + " " + change.at("field").get<std::string>();
    }
    return all;
}

}  // namespace

TEST_CASE("a stronger host joins: VMs strand on what it relaxes, not on what it adds", "[plan][examples]") {
    const Example example("plan-stronger-joins");
    CHECK(example.result.status == 1);
    CHECK_THAT(example.sentences,
               StartsWith("1 of 1 running policy strands: VMs of pool cannot move to genoa-1 until"));
    CHECK(cannot_reach(example.pool) == "genoa-1 (efer_lmsle_unsupported fs_gs_base_ns)");
    for (const Json& violation : example.pool.at("cannot_reach").at(0).at("violations")) {
        CHECK(violation.at("breach") == "not-told");
    }
    CHECK(words(example.pool.at("reaches")) == "rome-1 ");
    CHECK(example.plan.at("policy").at("change") == "weaker");
    CHECK(promises(example.plan) == "relaxes efer_lmsle_unsupported, relaxes fs_gs_base_ns");
    CHECK(example.plan.at("change").at("added").at(0).at("promises").at("gains") > 30);
    CHECK_THAT(example.sentences, Contains("error no-safe-identity: No family and model is safe"));
    CHECK_THAT(example.sentences, Contains("safe from SRSO as Zen 3 and 4 have it") && Contains("poolcpuid audit"));
    CHECK_THAT(example.sentences, Contains("tsa: on genoa-1, restarted or not"));
    CHECK_THAT(example.sentences,
               Contains("tsa on genoa-1: a restart with the policy after leaves guests falsely safe"));
}

TEST_CASE("a weaker host joins: what it costs all new VMs, and who strands on it", "[plan][examples]") {
    const Example example("plan-weaker-joins");
    CHECK(example.result.status == 1);
    CHECK_THAT(example.sentences, StartsWith("2 of 2 running policies strand: VMs of pool and skylake cannot"));
    CHECK(example.plan.at("policy").at("change") == "weaker");
    CHECK(words(example.pool.at("reaches")) == "haswell-1 skylake-1 ");
    CHECK_THAT(cannot_reach(example.pool),
               StartsWith("ivybridge-1 (fma movbe") && Contains("avx2") && Contains("md_clear"));
    const Json price = example.plan.at("price");
    REQUIRE(price.size() == 1);
    CHECK(words(price.at(0).at("hosts")) == "ivybridge-1 ");
    CHECK(price.at(0).at("gains").size() == 14);
    CHECK_THAT(example.sentences, Contains("The price of ivybridge-1: the 14 promises that the policy loses.") &&
                                      Contains("ivybridge-1 (md_clear, ac_fb_clear): Update the microcode there."));
    // The older generation did not reach haswell-1 before, either.
    const Json groups = running_of(example.plan, "skylake").at("cannot_reach");
    REQUIRE(groups.size() == 2);
    CHECK(words(groups.at(0).at("hosts")) == "haswell-1 ");
    CHECK(groups.at(0).at("before") == true);
    CHECK(words(groups.at(1).at("hosts")) == "ivybridge-1 ");
    CHECK(groups.at(1).at("before") == false);
}

TEST_CASE("an overlapping host joins: only what both have is left", "[plan][examples]") {
    const Example example("plan-overlapping-joins");
    // TSX_CTRL has turned TSX off there: XBEGIN aborts, and a guest that uses it is slower.
    CHECK(example.result.status == 0);
    CHECK(cannot_reach(example.pool) == "");
    CHECK_THAT(example.sentences, Contains("run degraded on cascadelake-1"));
    CHECK(promises(example.plan) == "loses hle, loses rtm");  // neither costs more than speed
    const Json promised = example.plan.at("change").at("added").at(0).at("promises");
    CHECK(promised.at("loses") == 2);
    CHECK(promised.at("gains") == 9);  // AVX512_VNNI among them, which no VM of the pool will see
    CHECK_THAT(example.sentences, Contains("joins: cascadelake-1 (against the pool's policy: loses 2, gains 9)"));
}

TEST_CASE("a host is upgraded: the policy can be raised once it is back, and nobody strands", "[plan][examples]") {
    const Example example("plan-upgrade");
    CHECK(example.result.status == 0);
    CHECK_THAT(example.sentences, StartsWith("No VM strands: VMs of pool may run on every host after the change."));
    CHECK(example.plan.at("policy").at("change") == "stronger");
    // L1D_FLUSH beside MD_CLEAR says what FB_CLEAR says.
    CHECK(promises(example.plan) ==
          "gains spec_ctrl, gains intel_stibp, gains l1d_flush, gains ssbd, gains md_clear, gains ac_fb_clear");
    CHECK(words(example.plan.at("policy").at("wait_for")) == "ivybridge-1 ");
    CHECK(words(example.pool.at("must_move")) == "ivybridge-1 ");
    CHECK(example.pool.at("restart").at("gains") == 6);
    CHECK_THAT(example.sentences, Contains("when ivybridge-1 has come back, and not before") &&
                                      !Contains("comes back weaker") && !Contains("The price of"));
}

TEST_CASE("a host comes back weaker: VMs strand on it, and what changed there is said", "[plan][examples]") {
    const Example example("plan-comes-back-weaker");
    CHECK(example.result.status == 1);
    CHECK_THAT(example.sentences, StartsWith("1 of 1 running policy strands: VMs of pool cannot move to haswell-2"));
    CHECK(cannot_reach(example.pool) == "haswell-2 (invpcid md_clear spec_ctrl intel_stibp ssbd)");
    CHECK(words(example.pool.at("reaches")) == "haswell-1 skylake-1 ");
    CHECK(words(example.pool.at("must_move")) == "haswell-2 ");
    CHECK_THAT(example.sentences,
               Contains("kernel 6.1.0 -> 3.10.0; microcode 0x43 -> 0x3a") &&
                   Contains("from haswell-2 they can move to haswell-1 and skylake-1") &&
                   Contains("haswell-2 (invpcid): The CPU has it, its kernel (3.10.0) does not offer it") &&
                   Contains("haswell-2 (md_clear): Update the microcode there.") &&
                   Contains("haswell-2 comes back weaker"));
}

TEST_CASE("a host leaves: the pool can be raised, and older VMs reach all of it again", "[plan][examples]") {
    const Example example("plan-leaves");
    CHECK(example.result.status == 0);
    CHECK_THAT(example.sentences, StartsWith("No VM strands: VMs of 2 running policies may run on every host"));
    CHECK(example.plan.at("policy").at("change") == "stronger");
    CHECK(example.plan.at("policy").at("promises").at("gains") == 14);
    CHECK(words(example.plan.at("policy").at("wait_for")) == "ivybridge-1 ");
    CHECK(words(example.pool.at("must_move")) == "ivybridge-1 ");
    CHECK(example.pool.at("restart").at("gains") == 14);
    // The older generation never ran there.
    CHECK(running_of(example.plan, "before-ivybridge").at("must_move").empty());
    CHECK_THAT(example.sentences, Contains("from ivybridge-1 they can move to haswell-1 and skylake-1") &&
                                      Contains("policy after when ivybridge-1 has left, and not before"));
}

}  // namespace poolcpuid::test::plan_examples_test
