// Policies up to version 1.2, which did not say who decided by not being known.

#include <stdexcept>
#include <string>
#include <vector>

#include "poolcpuid/policy.hpp"
#include "tests/catch.hpp"
#include "tests/support/host_builder.hpp"
#include "tests/support/merged.hpp"

namespace poolcpuid::test::policy_v1_2_test {

namespace {

// The policy as the program wrote it then, read back.
PoolPolicy as_read(const PoolPolicy& policy) { return read_policy(to_json(as_minor(policy, 2)), "old.json"); }

const Decision& decision_on(const PoolPolicy& policy, const std::string& field) {
    for (const Decision& decision : policy.decisions) {
        if (decision.field == field) return decision;
    }
    throw std::logic_error("no decision on " + field);
}

// An invented decision of that time; names of because and of the silent hosts.
Deciders deciders_in_old(const HostList& because, const ValueOfHosts& silent, Cause cause = Cause::hosts) {
    PoolPolicy policy = Merged({hardware_host("a", intel_table())}).policy;
    Decision decision;
    decision.field = "maxphyaddr";
    decision.place = {false, 0x4, 0x3f, 0x3f, Register::eax, 0, 7};
    decision.rule = "min";
    decision.cause = cause;
    decision.because = because;
    decision.values = {silent, {0x24, {"x"}, 1}};
    decision.reason = "R.";
    policy.decisions = {decision};
    HostClass haswell;
    haswell.sha256 = std::string(64, 'a');
    haswell.names = {"z1", "z2", "z3"};
    haswell.count = haswell.names.size();
    haswell.facts.cpu = Cpu{"Haswell-EP", "Haswell", 6, 63, 2};
    policy.hosts.push_back(haswell);
    return deciders_of(as_read(policy).decisions.front());
}

Names names(const std::string& letter, int first, int last) {
    Names all;
    for (int i = first; i <= last; ++i) all.push_back(letter + std::to_string(i));
    return all;
}

}  // namespace

TEST_CASE("an older document whose lists are whole says who decided as a newer one does", "[policy]") {
    const auto with_bits = [](const char* name, std::uint32_t bits) {
        return hardware_host(name, intel_table().reg(0x80000008, 0, eax, 0x3000 | bits));
    };
    const std::vector<HostDump> hosts{with_bits("wide", 0x2E), with_bits("narrow", 0x27),
                                      hardware_host("silent", intel_table().unknown(7, 0).unknown(0x80000008, 0))};
    const PoolPolicy policy = Merged(hosts).policy;
    const PoolPolicy old = as_read(policy);
    CHECK(old.minor == 2);
    std::size_t silent = 0;
    for (const Decision& decision : policy.decisions) {
        if (is_consequence(decision.cause)) continue;
        CAPTURE(decision.field);
        CHECK(deciders_of(decision_on(old, decision.field)) == deciders_of(decision));
        silent += decision.because_unknown.count;
    }
    CHECK(silent > 5);
}

TEST_CASE("of lists that an older document cuts it is told who decided as far as they say it", "[policy]") {
    const HostList nine{names("a", 1, 8), 9, {{"Skylake-SP", 9}}};
    // More hosts are silent than decided.
    CHECK(deciders_in_old(nine, {std::nullopt, names("z", 1, 8), 12, {}, {{"Haswell-EP", 12}}}) == Deciders{nine, {}});
    // The CPUs of those that decided are not theirs.
    CHECK(deciders_in_old(nine, {std::nullopt, {"z1"}, 1, {}, {{"Haswell-EP", 1}}}) == Deciders{nine, {}});
    // They would stand before the last that is named.
    const HostList twelve{names("b", 1, 8), 12};
    CHECK(deciders_in_old(twelve, {std::nullopt, {"a1", "a2", "a3"}, 3}) == Deciders{twelve, {}});
    // There is room for them behind the names, and the CPUs are theirs.
    const HostList both{names("a", 1, 8), 12, {{"Haswell-EP", 3}, {"Skylake-SP", 9}}};
    const Deciders told = deciders_in_old(both, {std::nullopt, {"z1", "z2", "z3"}, 3, {}, {{"Haswell-EP", 3}}});
    CHECK(told.known == nine);
    CHECK(told.unknown == HostList{{"z1", "z2", "z3"}, 3, {{"Haswell-EP", 3}}});
}

TEST_CASE("of what goes with something else an older document says that all decided in one way", "[policy]") {
    const HostList because{{"x", "y"}, 2};
    CHECK(deciders_in_old(because, {std::nullopt, {"y"}, 1}, Cause::dependency) == Deciders{because, {}});
    CHECK(deciders_in_old(because, {std::nullopt, {"y"}, 1}).unknown.names == Names{"y"});
    CHECK(deciders_in_old({{"y"}, 1}, {std::nullopt, {"y"}, 1}) == Deciders{{}, {{"y"}, 1}});
}

}  // namespace poolcpuid::test::policy_v1_2_test
