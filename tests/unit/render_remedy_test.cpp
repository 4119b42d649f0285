// What render --hosts says of a host that hides what the policy tells: that nothing needs to be done is data of a
// target's remedy, and the words for that are written in one place.

#include <algorithm>
#include <string>

#include "poolcpuid/pool_state.hpp"
#include "render/targets.hpp"
#include "tests/catch.hpp"
#include "tests/support/host_builder.hpp"

namespace poolcpuid::test::render_remedy_test {

using Catch::Contains;

namespace {

constexpr std::uint32_t milan = 0x00A00F11;
constexpr std::uint32_t fs_gs_base_ns = 1U << 1;  // leaf 80000021h, EAX
constexpr const char* nothing = "Nothing to do";

TableBuilder amd() { return amd_table(milan).reg(0x80000000, 0, Register::eax, 0x80000021); }

// The silicon has the announcement, and its kernel does not list it.
HostDump hiding(const std::string& name) {
    return with_hypervisor(hardware_host(name, amd().set(0x80000021, 0, Register::eax, fs_gs_base_ns)), amd());
}

PoolPolicy policy_of_host(const HostDump& host) {
    PoolState state(builtin_rulebook());
    state.add(host);
    return state.finish({});
}

}  // namespace

TEST_CASE("each target says at most once that nothing needs to be done, and where it is so", "[render]") {
    const HostDump host = hiding("h");
    const PoolPolicy policy = policy_of_host(host);
    const promises::VendorRules rules = promises::VendorRules::of(builtin_rulebook(), policy);
    for (const render::Target& target : render::targets) {
        INFO(target.is.name);
        RenderOptions options;
        options.hosts = {host};
        const Rendering rendering = render_policy(builtin_rulebook(), policy, target.is.name, options);
        REQUIRE(rendering.hosts.size() == 1);
        const HostAdvice& said = rendering.hosts.front();
        REQUIRE_FALSE(said.hidden.empty());
        const render::TargetInput input{rules, policy, options, builtin_rulebook().vendors[rules.vendor()].id};
        const render::Remedy remedy = target.remedy(input, rendering, host, said.hidden);
        CHECK_FALSE(remedy.advice.empty());
        CHECK_THAT(remedy.advice, !Contains(nothing));
        // Where guests are told more than the host keeps, something is left to do.
        const bool has_bites = said.advice.find("The guest is told more") != std::string::npos;
        CHECK((said.advice.find(nothing) == 0) == (remedy.needs_nothing && !has_bites));
        CHECK((said.advice.find("About these bits nothing") == 0) == (remedy.needs_nothing && has_bites));
        CHECK_THAT(said.advice, Contains(remedy.advice));
    }
}

TEST_CASE("what is listed of a field has its numbers", "[render]") {
    const PoolPolicy policy = policy_of_host(hiding("h"));
    const Rendering rendering = render_policy(builtin_rulebook(), policy, "virtualbox", {});
    const auto at = std::find_if(rendering.inexpressible.begin(), rendering.inexpressible.end(),
                                 [](const Inexpressible& entry) { return entry.field == "fs_gs_base_ns"; });
    REQUIRE(at != rendering.inexpressible.end());
    CHECK(at->value == 1);
    CHECK(at->instead == 0U);
    CHECK_THAT(to_json(policy, builtin_rulebook(), rendering),
               Contains("\"value\": \"0x1\"") && Contains("\"instead\": \"0x0\""));
}

}  // namespace poolcpuid::test::render_remedy_test
