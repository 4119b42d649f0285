// plan_change on hosts that differ in one thing: what is refused, what is told apart, and what is put together.

#include <algorithm>
#include <string>
#include <vector>

#include "poolcpuid/error.hpp"
#include "poolcpuid/pool_plan.hpp"
#include "tests/catch.hpp"
#include "tests/support/host_builder.hpp"
#include "tests/support/merged.hpp"

namespace poolcpuid::test::pool_plan_test {

using Catch::Contains;

namespace {

constexpr std::uint32_t milan = 0x00A00F11;
constexpr std::uint32_t popcnt = 1U << 23;        // leaf 1, ECX
constexpr std::uint32_t movbe = 1U << 22;         // leaf 1, ECX
constexpr std::uint32_t fs_gs_base_ns = 1U << 1;  // leaf 80000021h, EAX
constexpr std::uint32_t md_clear = 1U << 10;      // leaf 7, EDX
constexpr std::uint32_t verw_clear = 1U << 5;     // leaf 80000021h, EAX

TableBuilder amd() { return amd_table(milan).set(1, 0, ecx, popcnt | movbe).reg(0x80000000, 0, eax, 0x80000021); }

HostDump good(const std::string& name) { return hardware_host(name, amd()); }
HostDump weak(const std::string& name) { return hardware_host(name, amd().clear(1, 0, ecx, popcnt)); }
HostDump weaker(const std::string& name) { return hardware_host(name, amd().clear(1, 0, ecx, popcnt | movbe)); }
HostDump relaxed(const std::string& name) { return hardware_host(name, amd().set(0x80000021, 0, eax, fs_gs_base_ns)); }

// The same views with other bytes.
HostDump remarked(HostDump host) {
    const std::string name = host.name;
    host.meta["remark"] = "of " + name;
    return with_digest(std::move(host), name);
}

PoolPlan plan(const std::vector<HostDump>& hosts, const PoolChange& change, const MergeOptions& options = {},
              const std::vector<PoolPolicy>& old = {}) {
    PoolState state(builtin_rulebook());
    for (const HostDump& host : hosts) state.add(host);
    const PoolPolicy policy = state.finish(options);
    std::vector<RunningPolicy> running{{"pool", policy, true}};
    for (const PoolPolicy& generation : old) {
        running.push_back({"old-" + std::to_string(running.size()), generation, false});
    }
    return plan_change(builtin_rulebook(), {policy, hosts, state, options}, change, running, UnknownIs::failure);
}

const RunningPlan& of_pool(const PoolPlan& plan) {
    return *std::find_if(plan.running.begin(), plan.running.end(),
                         [](const RunningPlan& entry) { return entry.of_pool; });
}

// An Intel host that is open to MDS, and on which VERW scrubs or does not.
HostDump haswell(const std::string& name) { return hardware_host(name, intel_table()); }
HostDump scrubs(const std::string& name) { return hardware_host(name, intel_table().set(7, 0, edx, md_clear)); }

const FieldChange* change_in(const std::vector<FieldChange>& changes, const std::string& field) {
    const auto at =
        std::find_if(changes.begin(), changes.end(), [&](const FieldChange& change) { return change.field == field; });
    return at == changes.end() ? nullptr : &*at;
}

// "loses 0x1 0x0", or "no change".
std::string text_of(const Difference& difference, const std::string& field) {
    const FieldChange* change = change_in(difference.changes, field);
    if (change == nullptr) return "no change";
    return std::string(to_string(change->direction)) + " " + change->before + " " + change->after;
}

// What these hosts cost.
Names costs(const PoolPlan& plan, const Names& hosts) {
    Names fields;
    for (const HostPrice& price : plan.price) {
        if (price.hosts != hosts) continue;
        for (const FieldChange& gain : price.gains) fields.push_back(gain.field);
    }
    return fields;
}

// "a b: popcnt; c: fs_gs_base_ns".
std::string out_of_reach(const RunningPlan& entry) {
    std::string text;
    for (const Unreachable& group : entry.cannot_reach) {
        text += text.empty() ? "" : "; ";
        for (std::size_t i = 0; i < group.hosts.size(); ++i) text += (i == 0 ? "" : " ") + group.hosts[i];
        text += ":";
        for (const Violation& violation : group.violations) text += " " + violation.field;
    }
    return text;
}

}  // namespace

TEST_CASE("a change that makes no sense is refused", "[plan]") {
    const std::vector<HostDump> pool{good("a"), good("b")};
    CHECK_THROWS_AS(plan(pool, {{}, {"nobody"}, {}}), UsageError);
    CHECK_THROWS_AS(plan(pool, {{}, {}, {good("nobody")}}), UsageError);
    CHECK_THROWS_AS(plan(pool, {{}, {"a"}, {weak("a")}}), UsageError);
    CHECK_THROWS_AS(plan(pool, {{weak("a")}, {"a"}, {}}), UsageError);
    CHECK_THROWS_AS(plan(pool, {{weak("a")}, {}, {weak("a")}}), UsageError);
    CHECK_THROWS_AS(plan(pool, {{weak("a")}, {}, {}}), InputError);
    CHECK_THROWS_AS(plan(pool, {{weak("c"), good("c")}, {}, {}}), InputError);
    CHECK_THROWS_AS(plan(pool, {{}, {"a", "b"}, {}}), NoPolicyError);
    CHECK_THROWS_AS(plan(pool, {{hardware_host("i", intel_table())}, {}, {}}), NoPolicyError);
    CHECK_THROWS_WITH(plan(pool, {{}, {"\x1b[1m"}, {}}), !Contains("\x1b"));
}

TEST_CASE("all hosts may be replaced at once", "[plan]") {
    const PoolPlan result = plan({good("a"), good("b")}, {{}, {}, {relaxed("a"), relaxed("b")}});
    CHECK(out_of_reach(of_pool(result)) == "a b: fs_gs_base_ns");
    CHECK(of_pool(result).no_refuge == Names{"a", "b"});
    CHECK(result.hosts_after == 2);
    CHECK(result.added.empty());
    REQUIRE(result.replaced.size() == 2);
    CHECK(result.replaced.front().counts == PromiseCounts{0, 0, 1, 0});
    const PoolPlan rolling = plan({good("a"), good("b")}, {{}, {}, {remarked(good("a")), remarked(good("b"))}});
    CHECK(of_pool(rolling).must_move == Names{"a", "b"});
    CHECK(of_pool(rolling).no_refuge.empty());
    CHECK(rolling.wait_for.empty());
}

TEST_CASE("a running policy of another vendor than the pool's is one change", "[plan]") {
    const PoolPolicy intel = Merged({hardware_host("i", intel_table())}).policy;
    const PoolPlan result = plan({good("a")}, {{good("b")}, {}, {}}, {}, {intel});
    const auto of_intel = std::find_if(result.running.begin(), result.running.end(),
                                       [](const RunningPlan& entry) { return !entry.of_pool; });
    REQUIRE(of_intel != result.running.end());
    CHECK(of_intel->restart == PromiseCounts{1, 0, 0, 0});
}

TEST_CASE("a host that comes back is compared with its former self, one that joins with the pool's policy", "[plan]") {
    const PoolPlan result = plan({good("a"), weak("w")}, {{good("g"), weaker("x")}, {}, {weak("a")}});
    CHECK(result.replaced.front().counts == PromiseCounts{1, 0, 0, 0});
    CHECK(result.replaced.front().before == good("a").sha256);
    CHECK(result.replaced.front().after == weak("a").sha256);
    REQUIRE(result.added.size() == 2);
    CHECK(result.added[0].counts == PromiseCounts{0, 0, 0, 1});
    CHECK(result.added[1].counts == PromiseCounts{1, 0, 0, 0});
    CHECK(result.added[1].after == weaker("x").sha256);
}

TEST_CASE("hosts whose views are equal stand together, whatever their dumps' bytes", "[plan]") {
    const PoolPlan result =
        plan({good("a")}, {{weak("w2"), remarked(weak("w1")), relaxed("r"), remarked(weak("w3"))}, {}, {}});
    CHECK(out_of_reach(of_pool(result)) == "r: fs_gs_base_ns; w1 w2 w3: popcnt");
    REQUIRE(result.price.size() == 2);
    CHECK(result.price.back().hosts == Names{"w1", "w2", "w3"});
}

TEST_CASE("different hosts that cost the same promise have one price together", "[plan]") {
    const PoolPlan result = plan({good("a")}, {{weak("w"), weaker("x")}, {}, {}});
    // Without x alone MOVBE comes back, POPCNT only without both.
    REQUIRE(result.price.size() == 2);
    std::vector<Names> hosts;
    for (const HostPrice& price : result.price) hosts.push_back(price.hosts);
    CHECK(std::find(hosts.begin(), hosts.end(), Names{"x"}) != hosts.end());
    CHECK(std::find(hosts.begin(), hosts.end(), Names{"w", "x"}) != hosts.end());
}

TEST_CASE("removing a host breaks no promise: hosts that need no VERW are known to plan", "[plan]") {
    const auto milan_with_verw = hardware_host("m", amd().set(0x80000021, 0, eax, verw_clear));
    const auto rome = hardware_host("r", amd_table());
    const PoolPlan immune = plan({milan_with_verw, rome}, {{}, {"m"}, {}});
    CHECK(text_of(immune.difference, "verw_clear") == "gains 0x1 0x0");
    CHECK(immune.counts.loses == 0);
    CHECK(of_pool(immune).restart == immune.counts);
    // A host that is open and does not scrub asks for no VERW either: what VERW does was lost before, and is then.
    const PoolPlan open = plan({scrubs("s"), haswell("h")}, {{}, {"s"}, {}});
    CHECK(text_of(open.difference, "md_clear") == "none 0x1 0x0");
    CHECK(change_in(open.difference.changes, "md_clear")->known);
    CHECK(strength_of(open.counts) == Strength::equal);
    CHECK(of_pool(open).restart == open.counts);
    const PoolPlan joins = plan({scrubs("s")}, {{haswell("h")}, {"s"}, {}});
    CHECK(text_of(joins.difference, "md_clear") == "loses 0x1 0x0");
    CHECK(change_in(joins.difference.changes, "md_clear")->known);
}

TEST_CASE("whether a promise of VERW is lost is known where the hosts after the change say it", "[plan]") {
    // Whether VERW scrubs on Genoa is a matter of its microcode, which the dump does not say.
    constexpr std::uint32_t genoa = 0x00A10F11;
    const auto asks = [](const std::string& name) {
        return hardware_host(name, amd().set(0x80000021, 0, eax, verw_clear));
    };
    const auto unknown = [](const std::string& name) {
        return hardware_host(name, amd_table(genoa).reg(0x80000000, 0, eax, 0x80000021));
    };
    const auto old_one = [](const std::string& name) { return hardware_host(name, amd_table()); };  // immune
    for (const std::vector<HostDump>& after :
         {std::vector{unknown("g")}, {unknown("g"), old_one("r")}, {unknown("g"), asks("n")}}) {
        const PoolPlan result = plan({asks("m")}, {after, {"m"}, {}});
        const FieldChange* change = change_in(result.difference.changes, "verw_clear");
        REQUIRE(change != nullptr);
        CHECK(change->direction == Direction::loses);
        CHECK_FALSE(change->known);
        CHECK_THAT(change->migrated, Contains("it is not known whether CPUs there need it"));
    }
    // One host that is known not to keep it is enough.
    const PoolPlan known = plan({scrubs("s")}, {{haswell("h")}, {"s"}, {}});
    CHECK(change_in(known.difference.changes, "md_clear")->known);
}

TEST_CASE("a price is of what the policy before promised and keeps without the hosts", "[plan]") {
    // Without `new` nobody asks for VERW, and on h it scrubs as little as before.
    const PoolPlan verw = plan({scrubs("s")}, {{scrubs("new"), haswell("h")}, {"s"}, {}});
    CHECK(text_of(verw.difference, "md_clear") == "loses VERW scrubs VERW does not scrub");
    CHECK(costs(verw, {"new"}).empty());
    CHECK(costs(verw, {"h"}) == Names{"md_clear"});
    // Where no guest is told to run VERW after the change, nothing is gained without h, and yet h alone costs it.
    constexpr std::uint32_t icelake = 0x000606A6;  // immune
    const PoolPlan untold = plan({scrubs("s"), hardware_host("i", intel_table(icelake))}, {{haswell("h")}, {"s"}, {}});
    CHECK(text_of(untold.difference, "md_clear") == "loses 0x1 0x0");
    CHECK(costs(untold, {"h"}) == Names{"md_clear"});
    // Nor are 48 bits the 52 of before.
    const auto wide = [](const std::string& name, std::uint32_t bits) {
        const TableBuilder table = amd().reg(0x80000008, 0, eax, bits << 16 | 0x3000 | bits);
        return with_hypervisor(hardware_host(name, table), table);
    };
    const PoolPlan width = plan({wide("a", 52)}, {{wide("b", 48), wide("c", 40)}, {}, {}});
    CHECK(text_of(width.difference, "maxphyaddr") == "loses 0x34 0x28");
    CHECK(text_of(width.difference, "guestphys") == "no change");  // 0 on both sides: as maxphyaddr
    CHECK(costs(width, {"c"}).empty());
    CHECK(costs(plan({wide("a", 52)}, {{wide("b", 48)}, {}, {}}), {"b"}) == Names{"maxphyaddr"});
}

TEST_CASE("what is weaker in one promise and stronger in another is both", "[plan]") {
    CHECK(strength_of({0, 0, 0, 0}) == Strength::equal);
    CHECK(strength_of({1, 0, 0, 0}) == Strength::weaker);
    CHECK(strength_of({0, 0, 1, 0}) == Strength::weaker);
    CHECK(strength_of({0, 0, 0, 1}) == Strength::stronger);
    CHECK(strength_of({0, 1, 0, 0}) == Strength::both);
    CHECK(strength_of({1, 0, 0, 1}) == Strength::both);
    CHECK(to_string(Strength::both) == "both");
    const PoolPlan result = plan({good("a"), weak("w")}, {{relaxed("r")}, {"w"}, {}});
    CHECK(strength_of(result.counts) == Strength::both);
    CHECK(result.wait_for == Names{"w"});
}

TEST_CASE("an older generation strands where the present one does not, and gains where it is weaker", "[plan]") {
    const PoolPlan result = plan({good("a"), weak("w")}, {{}, {}, {}}, {},
                                 {Merged({good("a")}).policy, Merged({weaker("x"), weak("w")}).policy});
    REQUIRE(result.running.size() == 3);
    CHECK(result.stranded() == Names{"old-1"});
    const RunningPlan& strong = result.running[0];
    CHECK(strong.label == "old-1");
    CHECK(out_of_reach(strong) == "w: popcnt");
    CHECK(strong.cannot_reach.front().before);
    CHECK(strong.stranded_before());
    CHECK(strong.restart == PromiseCounts{1, 0, 0, 0});
    CHECK(result.running[1].restart == PromiseCounts{0, 0, 0, 1});
    CHECK(of_pool(result).restart == PromiseCounts{0, 0, 0, 0});
}

TEST_CASE("what mends a host is said once a remedy, for all hosts and running policies", "[plan]") {
    constexpr std::uint32_t skylake = 0x00050654;
    const auto mended = [](const std::string& name) {
        return hardware_host(name, intel_table(skylake).set(7, 0, edx, md_clear));
    };
    const auto open = [](const std::string& name) { return hardware_host(name, intel_table(skylake)); };
    const PoolPlan result = plan({mended("a")}, {{open("o1"), open("o2")}, {}, {}}, {}, {Merged({mended("b")}).policy});
    REQUIRE(result.mends.size() == 1);
    CHECK(result.mends.front().remedy == "Update the microcode there.");
    CHECK(result.mends.front().fields == Names{"md_clear"});
    CHECK(result.mends.front().hosts == Names{"o1", "o2"});
    // What only a restart helps against is no mend.
    CHECK(plan({good("a")}, {{weak("w")}, {}, {}}).mends.empty());
    // Half of this remedy is about the host.
    const HostDump no_ibpb = hardware_host("n", amd());
    const HostDump ibpb = hardware_host("i", amd().set(0x80000008, 0, ebx, 1U << 12));
    const PoolPlan security = plan({ibpb}, {{no_ibpb}, {}, {}});
    REQUIRE(security.mends.size() == 1);
    CHECK(security.mends.front().remedy == "Another microcode or kernel may bring it.");
}

TEST_CASE("an identity that was asked for by digest is gone with the host", "[plan]") {
    MergeOptions options;
    options.identity = weak("w").sha256;
    const PoolPlan gone = plan({good("a"), weak("w")}, {{}, {"w"}, {}}, options);
    CHECK(gone.identity_gone == options.identity);
    CHECK(gone.after.options.identity.empty());
    CHECK(plan({good("a"), weak("w")}, {{}, {"a"}, {}}, options).identity_gone.empty());
    options.identity = "w";
    CHECK(plan({good("a"), weak("w")}, {{}, {}, {relaxed("w")}}, options).identity_gone.empty());
}

TEST_CASE("what changed around a CPU is its microcode, kernel and KVM's parameters", "[plan]") {
    const auto with = [](const std::map<std::string, std::string>& meta) {
        HostDump host = good("a");
        host.meta = meta;
        return with_digest(std::move(host), "a");
    };
    const auto changes = [&](const HostDump& before, const HostDump& after) {
        std::string text;
        const PoolPlan result = plan({before}, {{}, {}, {after}});
        for (const SettingChange& change : result.replaced.front().settings) {
            text += change.name + " " + change.before.value_or("?") + ">" + change.after.value_or("?") + " ";
        }
        return text;
    };
    CHECK(changes(with({}), with({})).empty());
    CHECK(changes(with({{"microcode", "0x10"}, {"kernel", "6.1"}, {"site", "x"}}),
                  with({{"microcode", "0x0f"}, {"kernel", "6.1"}, {"site", "y"}})) == "microcode 0x10>0xf ");
    CHECK(changes(with({{"kvm_amd.nested", "1"}}), with({{"kernel", "6.1"}})) == "kernel ?>6.1 kvm_amd.nested 1>? ");
}

TEST_CASE("a policy that its hosts no longer give is told apart from what the change does", "[plan]") {
    PoolState state(builtin_rulebook());
    state.add(good("a"));
    const PoolPolicy weaker_policy = Merged({weak("w")}).policy;
    const PoolPlan result = plan_change(builtin_rulebook(), {weaker_policy, {good("a")}, state, {}}, {},
                                        {{"pool", weaker_policy, true}}, UnknownIs::failure);
    CHECK(result.policy_is_current == std::optional(false));
    CHECK(strength_of(result.counts) == Strength::stronger);
    CHECK(plan({good("a")}, {}).policy_is_current == std::optional(true));
}

TEST_CASE("what hosts keep unseen and what a broken promise costs there is the same in all of a plan", "[plan]") {
    constexpr std::uint32_t icelake = 0x000606A6;
    constexpr std::uint32_t rtm = 1U << 11;        // leaf 7, EBX
    constexpr std::uint32_t arch_caps = 1U << 29;  // leaf 7, EDX
    constexpr std::uint64_t tsx_ctrl = 0x80;       // MSR 10Ah
    constexpr std::uint64_t taa_no = 0x100;
    const auto host = [&](const std::string& name, std::uint32_t leaf7_ebx, std::uint64_t caps) {
        const TableBuilder table = intel_table(icelake).set(7, 0, ebx, leaf7_ebx).set(7, 0, edx, arch_caps);
        return hardware_host(name, std::vector{table}, std::vector<MsrRow>{{0x10A, caps}});
    };
    // KVM clears TAA_NO where RTM is off, and the host is immune.
    const PoolPlan off = plan({host("h", rtm, tsx_ctrl | taa_no)}, {{}, {}, {host("h", 0, tsx_ctrl)}});
    CHECK(text_of(off.difference, "ac_taa_no") == "none 0x1 0x0");
    CHECK(change_in(off.difference.changes, "rtm")->impact == Impact::performance);
    CHECK(off.counts.loses == 1);
    CHECK(off.replaced.front().counts.loses == 1);
    CHECK(of_pool(off).restart == off.counts);
    REQUIRE(of_pool(off).degraded.size() == 1);
    // One that has RTM and not the immunity breaks it.
    const PoolPlan bad = plan({host("h", rtm, tsx_ctrl | taa_no)}, {{host("bad", rtm, tsx_ctrl)}, {}, {}});
    CHECK(text_of(bad.difference, "ac_taa_no") == "loses 0x1 0x0");
    // It costs what it costs on the worst host that breaks it, and not on those that keep it.
    const PoolPlan mixed = plan({host("h", rtm, tsx_ctrl)}, {{host("off", 0, tsx_ctrl)}, {}, {}});
    CHECK(change_in(mixed.difference.changes, "rtm")->impact == Impact::performance);
    const PoolPlan worse = plan({host("h", rtm, tsx_ctrl)}, {{host("off", 0, tsx_ctrl), host("none", 0, 0)}, {}, {}});
    CHECK(change_in(worse.difference.changes, "rtm")->impact == Impact::crash);
}

namespace {

// "h: md_clear": the hosts out of reach, with what guests are open to where they may run before the change.
std::string open_before(const RunningPlan& entry) {
    std::string text;
    for (const Unreachable& group : entry.cannot_reach) {
        text += group.hosts.front() + ":";
        for (const std::string& field : group.open_before) text += " " + field;
    }
    return text;
}

// The same where the dumps of these hosts, by name and digest, are not there any more.
PoolPlan plan_without(const std::vector<FormerHost>& lost, const std::vector<HostDump>& hosts,
                      const std::vector<HostDump>& replaced) {
    PoolState state(builtin_rulebook());
    for (const HostDump& host : hosts) state.add(host);
    const PoolPolicy policy = state.finish({});
    return plan_change(builtin_rulebook(), {policy, hosts, state, {}, lost}, {{}, {}, replaced},
                       {{"pool", policy, true}}, UnknownIs::failure);
}

}  // namespace

TEST_CASE("guests that are not told to run VERW are as open on every host where they are", "[plan]") {
    constexpr std::uint32_t icelake = 0x000606A6;  // immune to MDS and TAA
    constexpr Strictness strict{UnknownIs::failure, true};
    const PoolPlan patched = plan({haswell("h")}, {{}, {}, {scrubs("h")}});
    CHECK(open_before(of_pool(patched)) == "h: md_clear");
    CHECK(of_pool(patched).stranded());
    CHECK(of_pool(patched).is_no_worse(strict));
    CHECK(patched.price.empty());  // to tell guests of it takes nothing from them
    CHECK_THAT(change_in(patched.difference.changes, "md_clear")->migrated,
               Contains("as it is on every host before the change."));
    // One of two is patched.
    const PoolPlan half = plan({haswell("h"), haswell("i")}, {{}, {}, {scrubs("h")}});
    CHECK(open_before(of_pool(half)) == "h: md_clear");
    CHECK(half.price.empty());
    // On an immune host they need no VERW, and lose that by a move.
    const HostDump immune = hardware_host("i", intel_table(icelake));
    const PoolPlan mixed = plan({haswell("h"), immune}, {{}, {}, {scrubs("h")}});
    CHECK(open_before(of_pool(mixed)) == "h:");
    CHECK_FALSE(of_pool(mixed).is_no_worse(strict));
    CHECK_THAT(change_in(mixed.difference.changes, "md_clear")->migrated, !Contains("before the change"));
    // Nor is it all where something else is broken there, too.
    const auto with_popcnt = [](const std::string& name) {
        return hardware_host(name, intel_table().set(1, 0, ecx, popcnt));
    };
    const PoolPlan worse = plan({with_popcnt("h")}, {{}, {}, {scrubs("h")}});
    CHECK(open_before(of_pool(worse)) == "h: md_clear");
    CHECK_FALSE(of_pool(worse).is_no_worse(strict));
    CHECK_FALSE(of_pool(plan({haswell("h")}, {})).is_no_worse(strict));
}

TEST_CASE("what guests are open to is known of a former host whose content another one has", "[plan]") {
    HostDump twin = haswell("b");
    const PoolPlan known = plan_without({{"a", twin.sha256}}, {twin}, {scrubs("a")});
    CHECK(open_before(of_pool(known)) == "a: md_clear");
    const PoolPlan unknown = plan_without({{"a", std::string(64, 'f')}}, {twin}, {scrubs("a")});
    CHECK(open_before(of_pool(unknown)) == "a:");
}

TEST_CASE("another CPU is told of a host that comes back, also by what the policy says of it", "[plan]") {
    const auto settings = [](const PoolPlan& result) {
        std::string text;
        for (const SettingChange& change : result.replaced.front().settings) {
            text += change.name + " " + change.before.value_or("?") + ">" + change.after.value_or("?") + " ";
        }
        return text;
    };
    const HostDump rome = hardware_host("a", amd_table());
    const PoolPlan other = plan({rome}, {{}, {}, {good("a")}});
    CHECK_THAT(settings(other), Catch::StartsWith("cpu Rome") && Contains(">Milan"));
    const HostDump stays = hardware_host("b", amd_table());
    CHECK(settings(plan_without({{"a", stays.sha256}}, {stays}, {good("a")})) == settings(other));
    CHECK(settings(plan_without({{"a", std::string(64, 'f')}}, {stays}, {good("a")})).empty());
    CHECK(settings(plan({good("a")}, {{}, {}, {weak("a")}})).empty());
}

namespace {

// "keep-vms after pool; restore-settings a: bios kernel".
std::string text_of(const std::vector<PlanAdvice>& all) {
    std::string text;
    for (const PlanAdvice& advice : all) {
        text += (text.empty() ? "" : "; ") + std::string(to_string(advice.kind));
        const bool is_of_hosts =
            advice.kind == PlanAdvice::Kind::restore_settings || advice.kind == PlanAdvice::Kind::other_cpu;
        if (!is_of_hosts) text += " " + std::string(to_string(advice.with));
        for (const auto* names : {&advice.running, &advice.hosts}) {
            for (const std::string& name : *names) text += " " + name;
        }
        for (const auto* names : {&advice.settings, &advice.fields, &advice.errors}) {
            text += names->empty() ? "" : ":";
            for (const std::string& name : *names) text += " " + name;
        }
        if (advice.cpu) text += ": " + advice.cpu->before.value_or("?") + " > " + advice.cpu->after.value_or("?");
        if (advice.if_same_cpu) text += " if it is the same CPU";
        for (const std::string& host : advice.when_left) text += " when left " + host;
        for (const std::string& host : advice.when_back) text += " when back " + host;
    }
    return text;
}

HostDump with_microcode(HostDump host, const std::string& revision) {
    const std::string name = host.name;
    host.meta["microcode"] = revision;
    return with_digest(std::move(host), name);
}

}  // namespace

TEST_CASE("what to do about a plan is data", "[plan]") {
    const auto advice = [](const std::vector<HostDump>& hosts, const PoolChange& change) {
        return text_of(plan(hosts, change).advice);
    };
    const std::vector<HostDump> pool{good("a"), good("b")};
    CHECK(advice(pool, {}) == "start-new-vms before");
    CHECK(advice(pool, {{good("c")}, {}, {}}) == "start-new-vms before");
    CHECK(advice(pool, {{weak("w")}, {}, {}}) == "keep-vms after pool; start-new-vms after");
    CHECK(advice({good("a"), weak("w")}, {{}, {"w"}, {}}) == "start-new-vms after when left w");
    CHECK(advice({good("a"), weak("v"), weak("w")}, {{}, {"w"}, {good("v")}}) ==
          "start-new-vms after when left w when back v");
    // VERW, of which those that run are not told, and which does not scrub everywhere.
    CHECK(advice({haswell("a")}, {{scrubs("b")}, {}, {}}) ==
          "restart-vms after pool b: md_clear; start-new-vms after: verw-promise-lost");
}

TEST_CASE("of a host that comes back weaker no older microcode is asked for", "[plan]") {
    const auto advice = [](const HostDump& before, const HostDump& after) {
        return text_of(plan({before, good("b")}, {{}, {}, {after}}).advice);
    };
    const std::string keep = "keep-vms after pool; ";
    const std::string start = "; start-new-vms after";
    const std::string all = keep + "restore-settings a: bios kernel microcode" + start;
    CHECK(advice(good("a"), weak("a")) == all);
    CHECK(advice(with_microcode(good("a"), "0x10"), with_microcode(weak("a"), "0xf")) == all);
    CHECK(advice(with_microcode(good("a"), "0x10"), weak("a")) == all);
    CHECK(advice(with_microcode(good("a"), "0x9"), with_microcode(weak("a"), "0x10")) ==
          keep + "restore-settings a: bios kernel" + start);
    // Alone in its pool it is the last that its VMs could reach.
    CHECK(text_of(plan({good("a")}, {{}, {}, {weak("a")}}).advice) ==
          "shut-down-vms after pool; restore-settings a: bios kernel microcode; start-new-vms after");
}

TEST_CASE("hosts that come back alike are one advice, those with another CPU are told apart", "[plan]") {
    const PoolPlan both = plan({good("a"), good("b"), good("c")}, {{}, {}, {weak("a"), weak("b")}});
    CHECK_THAT(text_of(both.advice), Contains("restore-settings a b: bios kernel microcode"));
    const HostDump genoa = hardware_host("a", amd_table(0x00A10F11).reg(0x80000000, 0, eax, 0x80000021));
    const PoolPlan other = plan({good("a"), good("b")}, {{}, {}, {genoa}});
    CHECK_THAT(text_of(other.advice), Contains("other-cpu a: Milan") && Contains("> Genoa"));
}

TEST_CASE("the document of a plan says where advice holds for the CPU of before alone", "[plan]") {
    PoolPlan plan_of = plan({good("a"), good("b")}, {{}, {}, {weak("a")}});
    const std::string said = R"("if_same_cpu": true)";
    CHECK_THAT(to_json(plan_of, builtin_rulebook()), !Contains("if_same_cpu"));
    for (PlanAdvice& advice : plan_of.advice) {
        advice.if_same_cpu = advice.kind == PlanAdvice::Kind::restore_settings;
    }
    CHECK_THAT(to_json(plan_of, builtin_rulebook()), Contains(said));
}

}  // namespace poolcpuid::test::pool_plan_test
