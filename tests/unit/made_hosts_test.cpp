// Hosts that a program made: they have no digest of a file, and are told apart all the same.

#include <string>
#include <vector>

#include "poolcpuid/audit.hpp"
#include "poolcpuid/check.hpp"
#include "poolcpuid/diff.hpp"
#include "poolcpuid/error.hpp"
#include "poolcpuid/infer_change.hpp"
#include "poolcpuid/inventory.hpp"
#include "poolcpuid/partial_result.hpp"
#include "poolcpuid/pool_plan.hpp"
#include "poolcpuid/pool_split.hpp"
#include "poolcpuid/read_hosts.hpp"
#include "poolcpuid/write_hosts.hpp"
#include "tests/catch.hpp"
#include "tests/support/host_builder.hpp"
#include "tests/support/merged.hpp"

namespace poolcpuid::test::made_hosts_test {

namespace {

constexpr std::uint32_t milan = 0x00A00F11;
constexpr std::uint32_t popcnt = 1U << 23;    // leaf 1, ECX
constexpr std::uint32_t movbe = 1U << 22;     // leaf 1, ECX
constexpr std::uint32_t md_clear = 1U << 10;  // leaf 7, EDX

HostDump made(const std::string& name, const TableBuilder& table) {
    HostDump host = hardware_host(name, table);
    host.sha256.clear();
    return host;
}

HostDump good(const std::string& name) { return made(name, amd_table(milan).set(1, 0, ecx, popcnt | movbe)); }
HostDump weak(const std::string& name) { return made(name, amd_table(milan).set(1, 0, ecx, movbe)); }

// As if each had been read.
std::vector<HostDump> read(std::vector<HostDump> hosts) {
    for (HostDump& host : hosts) host.sha256 = read_hosts(to_host_json(host), "file").front().sha256;
    return hosts;
}

PoolState state_of(const std::vector<HostDump>& hosts) {
    PoolState state(builtin_rulebook());
    for (const HostDump& host : hosts) state.add(host);
    return state;
}

const std::vector<HostDump> pool{good("a"), weak("b"), good("c")};

std::string check_lines(const std::vector<HostDump>& hosts) {
    const PoolPolicy policy = Merged({good("a")}).policy;
    const PolicyCheck check(builtin_rulebook(), policy);
    std::vector<Verdict> verdicts;
    for (const HostDump& host : hosts) verdicts.push_back(check.against(host));
    std::string text = to_json(policy, builtin_rulebook(), verdicts, UnknownIs::failure);
    to_ndjson(policy, builtin_rulebook(), verdicts, UnknownIs::failure, [&](std::string_view line) { text += line; });
    return text;
}

// d joins, b comes back as another.
std::string plan_text(const std::vector<HostDump>& hosts, const PoolChange& change) {
    const PoolState state = state_of(hosts);
    const PoolPolicy policy = state.finish({});
    return to_json(plan_change(builtin_rulebook(), {policy, hosts, state, {}}, change, {{"pool", policy, true}},
                               UnknownIs::failure),
                   builtin_rulebook());
}

std::string change_text(const InferredChange& change) {
    std::string text;
    for (const HostDump& host : change.kept) text += "kept " + host.name + "; ";
    for (const HostDump& host : change.change.replaced) text += "replaced " + host.name + "; ";
    for (const HostDump& host : change.change.added) text += "added " + host.name + "; ";
    return text;
}

}  // namespace

TEST_CASE("hosts without a digest are told apart by their content", "[made_hosts]") {
    const Merged merged(pool);
    CHECK(merged.bit(1, 0, ecx, 23) == 0);
    CHECK(merged.bit(1, 0, ecx, 22) == 1);
    CHECK(merged.because("popcnt") == Names{"b"});
    REQUIRE(merged.policy.hosts.size() == 2);
    CHECK(to_json(merged.policy) == to_json(Merged(read(pool)).policy));

    PoolState state = state_of(pool);
    CHECK_NOTHROW(state.add(good("a")));
    CHECK(state.host_count() == 3);
    CHECK_THROWS_AS(state.add(weak("a")), InputError);
}

TEST_CASE("every verb answers of hosts without a digest as of those that were read", "[made_hosts]") {
    const Rulebook& rulebook = builtin_rulebook();
    const std::vector<HostDump> files = read(pool);
    const PoolPolicy policy = Merged(files).policy;

    CHECK(to_json(rulebook, inventory_of(rulebook, pool)) == to_json(rulebook, inventory_of(rulebook, files)));
    CHECK(check_lines(pool) == check_lines(files));
    CHECK(to_json(policy, rulebook, audit_policy(rulebook, policy, pool, {})) ==
          to_json(policy, rulebook, audit_policy(rulebook, policy, files, {})));
    CHECK(to_json(split_pool(rulebook, pool, {}), rulebook) == to_json(split_pool(rulebook, files, {}), rulebook));
    CHECK(to_json(differences(rulebook, pool[0], pool[1]), rulebook) ==
          to_json(differences(rulebook, files[0], files[1]), rulebook));

    const PoolChange change{{weak("d")}, {"c"}, {good("b")}};
    CHECK(plan_text(pool, change) == plan_text(files, {read(change.added), {"c"}, read(change.replaced)}));
    CHECK(change_text(infer_change(policy, {good("a"), good("b"), good("c"), weak("d")})) ==
          "kept a; kept c; replaced b; added d; ");

    PartialResult part;
    for (const HostDump& host : pool) part.add(host, host.name);
    CHECK(part.host_count() == 3);
    CHECK(part.content_count() == 2);
}

TEST_CASE("a plan for hosts without a digest asks each of them whether guests were as open before", "[made_hosts]") {
    const HostDump open = made("a", intel_table());
    const HostDump scrubbing = made("b", intel_table().set(7, 0, edx, md_clear));
    const PoolChange change{{made("c", intel_table())}, {}, {}};
    const std::vector<HostDump> hosts{open, scrubbing};
    CHECK(plan_text(hosts, change) == plan_text(read(hosts), {read(change.added), {}, {}}));
}

TEST_CASE("a host cannot pass for a policy that joined its pool", "[made_hosts]") {
    HostDump host = good("a");
    host.format = ceiling_format;
    PoolState state(builtin_rulebook());
    CHECK_THROWS_AS(state.add(host), InputError);
}

}  // namespace poolcpuid::test::made_hosts_test
