// Which bits that ask for VERW check calls bad news, over generated hosts: those of hosts that need it, and of these to
// a guest that does not count on it already. What the oracle says of a host decides, not the merge.

#include <algorithm>
#include <set>
#include <string>
#include <vector>

#include "poolcpuid/check.hpp"
#include "poolcpuid/pool_state.hpp"
#include "tests/catch.hpp"
#include "tests/support/host_facts.hpp"
#include "tests/support/host_generator.hpp"
#include "tests/support/law_divisor.hpp"
#include "tests/support/policy_values.hpp"

namespace poolcpuid::test::guarded_test {

namespace {

// The guest counts on VERW for it: the bit tells it to, or what says the same.
bool is_told(const VendorRules& rules, const PolicyValues& guest, const RuleField& field) {
    const auto holds = [&](const std::string& term) {
        const bool negated = term.starts_with("!");
        const RuleField* of = rules.find(negated ? term.substr(1) : term);
        return (of != nullptr && guest.value(*of) != 0) != negated;
    };
    return guest.value(field) != 0 || any_list_holds(field.guard.value("told_by", nlohmann::json::array()), holds);
}

std::set<std::string> requests_named(const VendorRules& rules, const Verdict& verdict) {
    std::set<std::string> named;
    for (const Violation& violation : verdict.violations) {
        const RuleField* field = rules.find(violation.field);
        if (field != nullptr && field->rule == "guarded" && violation.breach == Breach::not_told) {
            named.insert(violation.field);
        }
    }
    return named;
}

// The guarded bits that a host shows, or may show, and of which a guest does not see the same.
struct Requests {
    std::set<std::string> news;  // that it must know of
    std::set<std::string> no_news;
};

Requests requests_of(const VendorRules& rules, const PolicyValues& guest, const HostDump& host) {
    const std::vector<Slot> slots = slots_of(rules);
    const HostFacts facts = facts_of(rules, slots, host);
    Requests requests;
    for (std::size_t i = 0; i < slots.size(); ++i) {
        const RuleField& field = *slots[i].field;
        if (field.rule != "guarded" || facts.kept[i] != 0 || guest.value(field) != 0) continue;
        const bool is_heard = facts.heeds.at(field.id) && is_told(rules, guest, field);
        const bool is_no_news = facts.immune.at(field.id) || is_heard;
        (is_no_news ? requests.no_news : requests.news).insert(field.id);
    }
    return requests;
}

}  // namespace

TEST_CASE("a bit that asks for VERW is bad news where VERW is needed and the guest does not count on it",
          "[law][check]") {
    const std::set<std::string> nothing_asked;
    std::size_t news = 0;
    std::size_t no_news = 0;
    for (std::size_t i = 0; i < 400 / law_divisor(); ++i) {
        const auto seed = static_cast<std::uint32_t>(law_seed() + 11 * 1000003U + i);
        CAPTURE(seed, i);
        HostGenerator generate(seed);
        const std::string vendor = generate.vendor();
        const VendorRules& rules = rules_for(vendor);
        const std::vector<HostDump> hosts = generate.pool(vendor, 4);
        for (const HostDump& own : hosts) {
            PoolState state(builtin_rulebook());
            state.add(own);
            const PoolPolicy policy = state.finish_promises({});
            const PolicyValues guest(rules, policy, nothing_asked);
            const PolicyCheck check(builtin_rulebook(), policy);
            for (const HostDump& host : hosts) {
                CAPTURE(own.name, host.name);
                const Requests expected = requests_of(rules, guest, host);
                CHECK(requests_named(rules, check.against(host)) == expected.news);
                news += expected.news.size();
                no_news += expected.no_news.size();
            }
        }
    }
    CHECK(news > 0);
    CHECK(no_news > 0);
}

}  // namespace poolcpuid::test::guarded_test
