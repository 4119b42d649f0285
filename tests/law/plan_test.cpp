// What a plan says over generated pools and changes: its reach is what check says of each host, its policy
// after is what merge makes of the hosts after, and both sides of the change are told apart.

#include <algorithm>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "policy/document_text.hpp"
#include "poolcpuid/pool_plan.hpp"
#include "tests/catch.hpp"
#include "tests/support/host_generator.hpp"
#include "tests/support/law_divisor.hpp"

namespace poolcpuid::test::plan_test {

namespace {

using Hosts = std::map<std::string, HostDump>;

PoolState state_of(const Hosts& hosts) {
    PoolState state(builtin_rulebook());
    for (const auto& [name, host] : hosts) state.add(host);
    return state;
}

// The same dump under another name and, so that the bytes differ, with another remark.
HostDump copy_of(HostDump host, const std::string& name, bool same_bytes) {
    if (!same_bytes) host.meta["remark"] = name;
    host = with_digest(std::move(host), name);
    return host;
}

// A generated pool, a change of it, and policies of parts of the pool that still run.
struct Scene {
    explicit Scene(std::uint32_t seed) : generator(seed) {
        vendor = generator.vendor();
        for (HostDump& host : generator.pool(vendor, 3 + generator.below(4))) before[host.name] = host;
        const std::string first = before.begin()->first;
        before["twin"] = copy_of(before[first], "twin", generator.one_in(2));
        if (generator.one_in(3)) options.show = {"nested"};
        if (generator.one_in(3)) options.identity = first;
        after = before;
        change_hosts();
        running = {{"pool", state_of(before).finish(options), true}};
        for (int i = 0; i < 2; ++i) {
            Hosts part = before;
            for (const auto& [name, host] : before) {
                if (part.size() > 1 && generator.one_in(2)) part.erase(name);
            }
            running.push_back({"old-" + std::to_string(i), state_of(part).finish({}), false});
        }
        strictness = {generator.one_in(2) ? UnknownIs::failure : UnknownIs::warning, generator.one_in(2)};
    }

    void change_hosts() {
        std::vector<HostDump> fresh = generator.pool(vendor, 3);
        for (const auto& [name, host] : before) {
            if (generator.one_in(5) && after.size() > 1) {
                change.removed.push_back(name);
                after.erase(name);
            } else if (generator.one_in(4)) {
                change.replaced.push_back(copy_of(fresh[generator.below(3)], name, true));
                after[name] = change.replaced.back();
            }
        }
        for (std::uint32_t i = 0; i < generator.below(4); ++i) {
            const HostDump& model = generator.one_in(2) ? fresh[i] : before.begin()->second;
            change.added.push_back(copy_of(model, "new-" + std::to_string(i), generator.one_in(2)));
            after[change.added.back().name] = change.added.back();
        }
    }

    PoolPlan plan() const {
        std::vector<HostDump> hosts;
        for (const auto& [name, host] : before) hosts.push_back(host);
        const PoolState state = state_of(before);
        return plan_change(builtin_rulebook(), {running.front().policy, hosts, state, options}, change, running,
                           strictness);
    }

    std::set<std::string> moving() const {
        std::set<std::string> names(change.removed.begin(), change.removed.end());
        for (const HostDump& host : change.replaced) names.insert(host.name);
        return names;
    }

    HostGenerator generator;
    std::string vendor;
    Hosts before;
    Hosts after;
    MergeOptions options;
    PoolChange change;
    std::vector<RunningPolicy> running;
    Strictness strictness = UnknownIs::failure;
};

const Unreachable* group_of(const RunningPlan& entry, const std::string& name) {
    for (const Unreachable& group : entry.cannot_reach) {
        if (std::binary_search(group.hosts.begin(), group.hosts.end(), name)) return &group;
    }
    return nullptr;
}

const StartUpHosts* start_up_of(const std::vector<StartUpHosts>& groups, const std::string& name) {
    for (const StartUpHosts& group : groups) {
        if (std::binary_search(group.hosts.begin(), group.hosts.end(), name)) return &group;
    }
    return nullptr;
}

// What a plan of the scene must say of a running policy, asked of check host by host.
void check_running(const Scene& scene, const RunningPolicy& policy, const RunningPlan& entry) {
    const PolicyCheck check(builtin_rulebook(), policy.policy);
    const auto may_run = [&](const HostDump& host) { return check.against(host).compatible(scene.strictness); };
    std::vector<std::string> reached;
    std::set<std::string> degraded;
    for (const auto& [name, host] : scene.after) {
        const Verdict verdict = check.against(host);
        const bool compatible = verdict.compatible(scene.strictness);
        if (compatible) reached.push_back(name);
        if (compatible && verdict.outcome(scene.strictness.unknown) == Outcome::runs_degraded) degraded.insert(name);
        const Unreachable* group = group_of(entry, name);
        CHECK((group != nullptr) == !compatible);
        if (group != nullptr) {
            CHECK(group->violations == verdict.violations);
            const auto old = scene.before.find(name);
            CHECK(group->before == (old != scene.before.end() && !may_run(old->second)));
        }
        const StartUpHosts* needs = start_up_of(entry.start_up, name);
        CHECK((needs == nullptr ? std::vector<StartUp>{} : needs->start_up) ==
              (compatible ? verdict.start_up.get() : std::vector<StartUp>{}));
    }
    CHECK(entry.reaches == reached);
    std::set<std::string> said;
    for (const FlawedHosts& group : entry.degraded) said.insert(group.hosts.begin(), group.hosts.end());
    CHECK(said == degraded);
    CHECK((!scene.strictness.degraded_fails || said.empty()));
    std::vector<std::string> must_move;
    for (const std::string& name : scene.moving()) {
        if (may_run(scene.before.at(name))) must_move.push_back(name);
    }
    CHECK(entry.must_move == must_move);
    std::erase_if(must_move, [&](const std::string& name) {
        return std::any_of(reached.begin(), reached.end(), [&](const std::string& other) { return other != name; });
    });
    CHECK(entry.no_refuge == must_move);
    CHECK(entry.stranded() == (reached.size() < scene.after.size()));
}

MergeOptions options_after(const Scene& scene) {
    MergeOptions options = scene.options;
    if (!scene.after.contains(options.identity)) options.identity.clear();
    return options;
}

}  // namespace

TEST_CASE("a plan's reach is what check says of each host, and its policy what merge makes", "[law][plan]") {
    const std::uint32_t seed = law_seed();
    const std::size_t runs = 60 / law_divisor();
    std::size_t stranded = 0;
    std::size_t changed = 0;
    for (std::size_t i = 0; i < runs; ++i) {
        const std::uint32_t one = seed + static_cast<std::uint32_t>(i);
        const Scene scene(one);
        CAPTURE(one);
        const PoolPlan plan = scene.plan();
        CHECK(to_json(plan.after) == to_json(state_of(scene.after).finish(options_after(scene))));
        CHECK(plan.before == scene.running.front().policy);
        CHECK(plan.policy_is_current == std::optional(true));
        CHECK(plan.hosts_after == scene.after.size());
        CHECK(plan.identity_gone.empty() == (options_after(scene).identity == scene.options.identity));
        REQUIRE(plan.running.size() == scene.running.size());
        for (const RunningPolicy& policy : scene.running) {
            const auto entry =
                std::find_if(plan.running.begin(), plan.running.end(),
                             [&](const RunningPlan& candidate) { return candidate.label == policy.label; });
            REQUIRE(entry != plan.running.end());
            check_running(scene, policy, *entry);
            stranded += entry->stranded() ? 1 : 0;
        }
        const PolicyCheck new_vms(builtin_rulebook(), plan.after);
        for (const auto& [name, host] : scene.after) {
            const Verdict verdict = new_vms.against(host);
            CHECK(verdict.compatible(UnknownIs::failure));
            const StartUpHosts* needs = start_up_of(plan.start_up, name);
            CHECK((needs == nullptr ? std::vector<StartUp>{} : needs->start_up) == verdict.start_up);
        }
        std::vector<std::string> wait_for;
        for (const std::string& name : scene.moving()) {
            if (!new_vms.against(scene.before.at(name)).compatible(scene.strictness)) wait_for.push_back(name);
        }
        CHECK(plan.wait_for == wait_for);
        changed += plan.difference.equal_registers ? 0 : 1;
    }
    // The scenes are worth their time only where something strands and something changes.
    CHECK(stranded > runs / 2);
    CHECK(changed > runs / 4);
}

namespace {

// The scene's change without some of the hosts that join or come back.
PoolChange change_without(const Scene& scene, const std::vector<std::string>& hosts) {
    const auto is_gone = [&](const HostDump& host) {
        return std::find(hosts.begin(), hosts.end(), host.name) != hosts.end();
    };
    PoolChange change = scene.change;
    std::erase_if(change.added, is_gone);
    for (const HostDump& host : change.replaced) {
        if (is_gone(host)) change.removed.push_back(host.name);
    }
    std::erase_if(change.replaced, is_gone);
    return change;
}

using Promises = std::set<std::pair<std::string, std::string>>;  // by field and place

Promises lost(const std::vector<FieldChange>& changes) {
    Promises fields;
    for (const FieldChange& change : changes) {
        if (breaks_promise(change.direction)) fields.emplace(change.field, document::place_text(change.place));
    }
    return fields;
}

// Those of which guests are told to run VERW.
Promises told_to_scrub(std::vector<FieldChange> changes) {
    std::erase_if(changes, [](const FieldChange& change) {
        return change.direction != Direction::relaxes || change.rule != to_string(Rule::guarded);
    });
    return lost(changes);
}

}  // namespace

TEST_CASE("what hosts cost is what the policy loses, and does not in a plan without them", "[law][plan]") {
    const std::size_t runs = std::max<std::size_t>(30 / law_divisor(), 10);  // of fewer none might have a price
    std::size_t prices = 0;
    for (std::size_t i = 0; i < runs; ++i) {
        Scene scene(law_seed() + 5000 + static_cast<std::uint32_t>(i));
        CAPTURE(i);
        const PoolPlan plan = scene.plan();
        const PoolChange change = scene.change;
        for (const HostPrice& price : plan.price) {
            ++prices;
            for (const std::string& name : price.hosts) {
                CHECK((!scene.before.contains(name) || scene.moving().contains(name)));
            }
            scene.change = change_without(scene, price.hosts);
            Promises costs = lost(plan.difference.changes);
            for (const auto& promise : lost(scene.plan().difference.changes)) costs.erase(promise);
            scene.change = change;
            CHECK_FALSE(price.gains.empty());
            for (const auto& promise : lost(price.gains)) CHECK(costs.erase(promise) == 1);
            // To be told to run VERW costs nothing where it does not scrub on all other hosts.
            for (const auto& promise : told_to_scrub(plan.difference.changes)) costs.erase(promise);
            CHECK(costs.empty());
        }
    }
    CHECK(prices > runs / 4);
}

}  // namespace poolcpuid::test::plan_test
