// What the operator asked for, as the policy records it: written, read back, and enough to merge again.

#include <string>
#include <vector>

#include "poolcpuid/error.hpp"
#include "tests/catch.hpp"
#include "tests/support/host_builder.hpp"
#include "tests/support/merged.hpp"

namespace poolcpuid::test::recorded_options_test {

using Catch::Contains;

namespace {

std::vector<HostDump> hosts() {
    const auto genoa = amd_table(0x00A10F11)
                           .reg(0x80000000, 0, eax, 0x80000021)
                           .reg(0x80000021, 0, eax, 2)
                           .reg(0x80000008, 0, eax, 0x3034)
                           .set(7, 0, ebx, 1U << 18);
    return {hardware_host("rome", amd_table()), hardware_host("genoa", genoa)};
}

PoolPolicy merge(const MergeOptions& options) { return Merged(hosts(), options).policy; }

PoolPolicy read_back(const PoolPolicy& policy) { return read_policy(to_json(policy), "policy.json"); }

MergeOptions everything() {
    MergeOptions options;
    options.pool = "gold";
    options.identity = "genoa";
    options.ceiling_level = "x86-64-v3";
    options.hide = {"erms", "clflushopt"};
    options.show = {"nested", "monitor"};
    options.set = {{"maxphyaddr", "40"}};
    return options;
}

}  // namespace

TEST_CASE("a policy records what was asked for, and is read back with it", "[options]") {
    const PoolPolicy policy = merge(everything());
    const RecordedOptions& options = policy.options;
    CHECK(options.identity == "genoa");
    CHECK(options.ceiling_level == "x86-64-v3");
    CHECK_FALSE(options.ceiling_policy);
    CHECK(options.hide == Names{"clflushopt", "erms"});
    CHECK(options.show == Names{"monitor", "nested"});
    CHECK(options.set == std::vector<std::pair<std::string, std::string>>{{"maxphyaddr", "0x28"}});
    CHECK(read_back(policy) == policy);
}

TEST_CASE("a policy of which nothing was asked has no options", "[options]") {
    const PoolPolicy policy = merge({});
    CHECK(policy.options.empty());
    CHECK_THAT(to_json(policy), !Contains("\"options\""));
    CHECK(read_back(policy).options.empty());
}

TEST_CASE("the record does not depend on names, order, repetition or the base of numbers", "[options]") {
    MergeOptions other = everything();
    other.hide = {"clflushopt", "ERMS", "clflushopt"};
    other.show = {"MONITOR", "nested", "monitor"};
    other.set = {{"phys-bits", "0x28"}};
    CHECK(to_json(merge(other)) == to_json(merge(everything())));
}

TEST_CASE("with the recorded options the hosts give the policy again", "[options]") {
    const PoolPolicy policy = read_back(merge(everything()));
    CHECK(to_json(merge(options_of(policy, std::nullopt))) == to_json(policy));
}

TEST_CASE("a policy that was a ceiling is recorded by its digest and has to be given again", "[options]") {
    const PoolPolicy ceiling = Merged({hosts().front()}).policy;
    MergeOptions options;
    options.ceiling_policy = ceiling;
    const PoolPolicy policy = read_back(merge(options));
    REQUIRE(policy.options.ceiling_policy);
    CHECK(policy.options.ceiling_policy->pool == "pool");
    CHECK(policy.options.ceiling_policy->sha256.size() == 64);
    CHECK(to_json(merge(options_of(policy, read_back(ceiling)))) == to_json(policy));

    CHECK_THROWS_WITH(options_of(policy, std::nullopt), Contains("give that policy with --ceiling again"));
    PoolPolicy another = ceiling;
    another.pool = "other";
    CHECK_THROWS_WITH(options_of(policy, another), Contains("not the policy that this one was made with (sha256 "));
    CHECK_THROWS_WITH(options_of(merge({}), ceiling), Contains("which was none"));
}

}  // namespace poolcpuid::test::recorded_options_test
