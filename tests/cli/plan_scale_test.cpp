// plan on many hosts and with odd names: complete lists in the document, few lines in the text, and nothing
// that a terminal or a reader could take for something else.

#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "tests/catch.hpp"
#include "tests/cli/support/plan_pool.hpp"
#include "tests/cli/support/validate.hpp"

namespace poolcpuid::test::plan_scale_test {

using Catch::Contains;
using Json = nlohmann::ordered_json;

namespace {

// "node-100", …: 200 names.
std::vector<std::string> nodes() {
    std::vector<std::string> names;
    for (int i = 100; i < 300; ++i) names.push_back("node-" + std::to_string(i));
    return names;
}

std::string stream_of(HostDump (*make)(const std::string&), const std::vector<std::string>& names) {
    std::string lines;
    for (const std::string& name : names) lines += document_line(make(name));
    return lines;
}

}  // namespace

TEST_CASE("lists of hosts in the document are complete, beyond the eight names of a policy", "[plan]") {
    const PlanPool pool;
    const std::string lines = stream_of(without_avx2, nodes()) +
                              stream_of(amd_host, {"z-1", "z-2", "z-3", "z-4", "z-5", "z-6", "z-7", "z-8", "z-9"});
    const Json plan = plan_json(pool.plan({"--add", "-"}, {.input = lines}));
    const Json blue = running_of(plan, "blue");
    CHECK(blue.at("reaches").size() == 11);
    REQUIRE(blue.at("cannot_reach").size() == 1);
    CHECK(blue.at("cannot_reach").at(0).at("hosts") == Json(nodes()));
    CHECK(plan.at("change").at("added").size() == 209);
    CHECK(plan.at("price").at(0).at("hosts") == Json(nodes()));
    CHECK(plan.at("hosts").at("after") == 211);
    for (const Json& decision : plan.at("after").at("decisions")) CHECK(decision.at("because").size() <= 8);
}

TEST_CASE("200 hosts that fail alike are one line of the text, though their dumps differ in name", "[plan]") {
    const PlanPool pool;
    const Result result = pool.plan({"--add", "-", "--format", "text"}, {.input = stream_of(without_avx2, nodes())});
    CHECK(result.status == 1);
    CHECK(count_of(result.out, "Promised, and not there") == 1);
    CHECK(count_of(result.out, "must not run on 200 hosts (Milan ×200)") == 1);
    CHECK_THAT(result.out, Contains("joins: 200 hosts (Milan ×200)") && !Contains("node-103"));
    CHECK(count_of(result.out, "\n") < 45);
}

TEST_CASE("hosts that fail in many ways are cut short in the text, and said to be", "[plan]") {
    const PlanPool pool;
    std::string lines;
    for (unsigned bit = 0; bit < 14; ++bit) {
        HostDump host = relaxed_base("odd-" + std::to_string(10 + bit));
        // A bit of leaf 1 ECX and EDX each that the pool promises.
        for (const unsigned other : {0U, 9U, 12U, 19U, 20U, 22U, 23U, 25U}) {
            if (((bit + 1) >> (other % 4) & 1U) != 0) host = with_bit(host, {0x1, 0x0}, Register::ecx, other, false);
        }
        lines += document_line(with_register(host, leaf_8000_0008, Register::eax, 0x3020 + bit));
    }
    const Result text = pool.plan({"--add", "-", "--format", "text"}, {.input = lines});
    INFO(text.out);
    CHECK(count_of(text.out, "must not run on") == 12);
    CHECK_THAT(text.out, Contains("and 2 groups of hosts more, which --format json has"));
    CHECK(running_of(plan_json(pool.plan({"--add", "-"}, {.input = lines})), "blue").at("cannot_reach").size() == 14);
}

TEST_CASE("no line of a plan is longer than 80 columns, whatever the names", "[plan]") {
    const PlanPool pool;
    const std::string long_name(200, 'n');
    const std::string old = pool.policy_of({pool.weak}, "old.json");
    for (const std::vector<std::string>& change :
         {std::vector<std::string>{},
          {"--add", long_name + "=" + pool.weak, "--add", pool.relaxed},
          {"--replace", "a=" + pool.relaxed, "--remove", "b", "--running", long_name + "=" + old},
          {"--add", pool.silent, "--unknown", "warn"}}) {
        std::vector<std::string> arguments = change;
        arguments.insert(arguments.end(), {"--format", "text"});
        const Result result = pool.plan(arguments);
        INFO(result.text());
        CHECK_FALSE(result.out.empty());
        CHECK(longest_line(result.out) <= 80);
    }
}

TEST_CASE("names with markup come out as they are, control characters reach no terminal", "[plan]") {
    const PlanPool pool;
    const std::string markup = "<b>&amp; '$(id)' \\ \"%s\" {}";
    const Json plan =
        plan_json(pool.plan({"--add", markup + "=" + pool.weak, "--running", markup + "=" + pool.policy}));
    CHECK(cannot_reach(running_of(plan, "blue")) == markup + " (avx2)");
    CHECK(running_of(plan, markup).is_object());
    CHECK_THAT(pool.plan({"--add", markup + "=" + pool.weak, "--format", "text"}).out, Contains(markup));
    Json document = Json::parse(bytes_of(pool.policy));
    document["pool"] = "\x1b[31m\nred";
    const std::string odd = pool.dir.write("odd.json", document.dump(2) + "\n");
    const std::string text = run({"plan", odd, "--hosts", pool.a, pool.b, "--format", "text"}).out;
    CHECK_THAT(text, Contains("Pool \\u{1b}[31m\\u{a}red") && !Contains("\x1b"));
    for (const char* bad : {"\x1b[31m", "a\nb", "\xE2\x80\xAE", "\xff"}) {
        CHECK(pool.plan({"--add", bad + ("=" + pool.weak)}).status == 3);
        CHECK(pool.plan({"--running", bad + ("=" + pool.policy)}).status == 3);
        const Result unknown = pool.plan({"--remove", bad});
        CHECK(unknown.status == 2);
        CHECK_THAT(unknown.err, !Contains("\x1b") && !Contains("\xE2\x80\xAE") && !Contains("\xff"));
    }
}

TEST_CASE("the JSON of plan is as its schema says, and the schema is not one that accepts anything", "[plan][schema]") {
    const PlanPool pool;
    const std::string old = pool.policy_of({pool.weak, "--identity", "weak"}, "old.json");
    HostDump microcode = without_avx2("b");
    microcode.meta = {{"microcode", "0xa0011d5"}, {"kernel", "6.1"}};
    const std::string fresh = pool.dir.write("fresh.json", document(microcode));
    for (const std::vector<std::string>& change : {std::vector<std::string>{},
                                                   {"--add", pool.weak, "--add", pool.relaxed, "--running", old},
                                                   {"--remove", "a", "--replace", "b=" + fresh, "--running", old},
                                                   {"--add", pool.silent},
                                                   {"--add", pool.silent, "--unknown", "warn"}}) {
        const Result result = pool.plan(change);
        INFO(result.text());
        for (const std::string& error : schema_errors("plan", result.out)) FAIL_CHECK(error);
        CHECK(pool.plan(change).out == result.out);
    }
    for (const std::string& error :
         schema_errors("plan", run({"plan", old, "--hosts", pool.weak, "--remove", "weak", "--add", pool.a}).out)) {
        FAIL_CHECK(error);
    }
    const Json good = plan_json(pool.plan({"--add", pool.weak}));
    const auto is_refused = [&](const char* pointer, const Json& value) {
        Json bad = good;
        bad[Json::json_pointer(pointer)] = value;
        return !schema_errors("plan", bad.dump()).empty();
    };
    CHECK(is_refused("/schema", "poolcpuid/plan/v2"));
    CHECK(is_refused("/extra", 1));
    CHECK(is_refused("/policy/change", "better"));
    CHECK(is_refused("/running/0/reaches/0", 1));
    CHECK(is_refused("/running/0/cannot_reach/0/violations/0/breach", "gone"));
    CHECK(is_refused("/running/0/cannot_reach/0/hosts", Json::array()));
    CHECK(is_refused("/after/schema", "poolcpuid/policy/v2"));
    CHECK(is_refused("/diff/changes/0/direction", "up"));
    CHECK_FALSE(is_refused("/pool", "green"));
}

}  // namespace poolcpuid::test::plan_scale_test
