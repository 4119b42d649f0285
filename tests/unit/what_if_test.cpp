// What a pool would gain without some of its hosts: which sets are asked about, and what is refused.

#include <algorithm>
#include <string>
#include <vector>

#include "poolcpuid/error.hpp"
#include "poolcpuid/what_if.hpp"
#include "tests/catch.hpp"
#include "tests/support/host_builder.hpp"
#include "tests/support/merged.hpp"

namespace poolcpuid::test::what_if_test {

using Catch::Contains;

namespace {

constexpr std::uint32_t avx2 = 1U << 5;     // leaf 7 EBX
constexpr std::uint32_t rdseed = 1U << 18;  // likewise
constexpr std::uint32_t avx = 1U << 28;     // leaf 1 ECX
constexpr std::uint32_t xsave = 1U << 26;   // likewise

// A host with AVX and what it stands on, and these bits of leaf 7 EBX.
TableBuilder host_with(std::uint32_t features) {
    return amd_table()
        .set(1, 0, ecx, avx | xsave)
        .row(0xD, 0, {0x7, 0x340, 0x340, 0})
        .row(0xD, 2, {0x100, 0x240, 0, 0})
        .set(7, 0, ebx, features);
}

// A pool that can be asked.
struct Pool {
    explicit Pool(const std::vector<HostDump>& hosts, const MergeOptions& asked = {})
        : options(with_all_names(asked)), state(builtin_rulebook()) {
        for (const HostDump& host : hosts) state.add(host);
        whole = state.finish(options);
    }

    WhatIf without(const Names& hosts) const {
        return poolcpuid::without(builtin_rulebook(), state, options, whole, hosts);
    }

    std::vector<WhatIf> what_ifs() const { return poolcpuid::what_ifs(builtin_rulebook(), state, options, whole); }

    MergeOptions options;
    PoolState state;
    PoolPolicy whole;
};

Names fields_of(const WhatIf& what_if) {
    Names fields;
    for (const FieldChange& gain : what_if.gains) fields.push_back(gain.field);
    std::sort(fields.begin(), fields.end());
    return fields;
}

}  // namespace

TEST_CASE("what_ifs names the sets of hosts whose leaving gains something, the most gains first", "[what-if]") {
    const Pool pool({hardware_host("both", host_with(avx2 | rdseed)), hardware_host("no-avx2", host_with(rdseed)),
                     hardware_host("neither", host_with(0))});
    const std::vector<WhatIf> answers = pool.what_ifs();
    REQUIRE(answers.size() == 2);
    CHECK(answers[0].hosts == Names{"neither", "no-avx2"});
    CHECK(fields_of(answers[0]) == Names{"avx2", "rdseed"});
    CHECK(answers[1].hosts == Names{"neither"});
    CHECK(fields_of(answers[1]) == Names{"rdseed"});
}

TEST_CASE("a relaxed behaviour that leaves with its host is a gain", "[what-if]") {
    const auto genoa = amd_table().reg(0x80000000, 0, eax, 0x80000021).reg(0x80000021, 0, eax, 2);
    const Pool pool({hardware_host("rome", amd_table()), hardware_host("genoa", genoa)});
    const std::vector<WhatIf> answers = pool.what_ifs();
    REQUIRE(answers.size() == 1);
    CHECK(answers.front().hosts == Names{"genoa"});
    REQUIRE(fields_of(answers.front()) == Names{"fs_gs_base_ns"});
    CHECK(answers.front().gains.front().before == "0x1");
    CHECK(answers.front().gains.front().after == "0x0");
}

TEST_CASE("a set is asked about though nothing comes back with it, and is no answer then", "[what-if]") {
    // What the one host lacks directly needs what the other one lacks.
    const TableBuilder no_avx = host_with(avx2).clear(1, 0, ecx, avx);
    const Pool pool({hardware_host("no-avx", no_avx), hardware_host("no-avx2", host_with(0))});
    CHECK(pool.without({"no-avx2"}).gains.empty());
    const std::vector<WhatIf> answers = pool.what_ifs();
    REQUIRE(answers.size() == 1);
    CHECK(answers.front().hosts == Names{"no-avx"});
    CHECK(fields_of(answers.front()) == Names{"avx", "xsave state avx"});
}

TEST_CASE("without one of two equal hosts nothing changes, and without both it does", "[what-if]") {
    HostDump twin = hardware_host("old-1", host_with(0));
    twin.name = "old-2";
    const Pool pool({hardware_host("new", host_with(avx2)), hardware_host("old-1", host_with(0)), twin});
    CHECK(pool.without({"old-1"}).gains.empty());
    CHECK(fields_of(pool.without({"old-2", "old-1"})) == Names{"avx2"});
    REQUIRE(pool.what_ifs().size() == 1);
    CHECK(pool.what_ifs().front().hosts == Names{"old-1", "old-2"});
}

TEST_CASE("names are sorted and count once", "[what-if]") {
    const Pool pool(
        {hardware_host("a", host_with(avx2)), hardware_host("b", host_with(0)), hardware_host("c", host_with(rdseed))});
    CHECK(pool.without({"c", "b", "c"}).hosts == Names{"b", "c"});
    CHECK(fields_of(pool.without({"c", "b", "c"})) == Names{"avx2"});
}

TEST_CASE("a name that no host has is refused, and so is a pool of nobody", "[what-if]") {
    const Pool pool({hardware_host("a", host_with(avx2)), hardware_host("b", host_with(0))});
    CHECK_THROWS_AS(pool.without({"a", "c"}), UsageError);
    CHECK_THROWS_WITH(pool.without({"nobody\n"}), Contains("no host of the pool is called nobody\\u{a}"));
    CHECK_THROWS_AS(pool.without({"a", "b"}), UsageError);
}

TEST_CASE("an identity that leaves is chosen anew", "[what-if]") {
    MergeOptions options;
    options.identity = "lender";
    const Pool pool({hardware_host("lender", host_with(0)), hardware_host("other", host_with(avx2))}, options);
    CHECK(fields_of(pool.without({"lender"})) == Names{"avx2"});
    CHECK(pool.without({"other"}).gains.empty());
}

TEST_CASE("a ceiling is no host that could leave", "[what-if]") {
    MergeOptions options;
    options.ceiling_policy = Merged({hardware_host("small", host_with(0))}).policy;
    const Pool pool({hardware_host("a", host_with(avx2)), hardware_host("b", host_with(rdseed))}, options);
    // avx2 is kept out by b and the ceiling: without b the ceiling still is.
    CHECK(pool.what_ifs().empty());
    CHECK_THROWS_AS(pool.without({"ceiling:pool"}), UsageError);
}

TEST_CASE("a state without some hosts is the state of the others", "[what-if]") {
    const std::vector<HostDump> hosts{hardware_host("a", host_with(avx2 | rdseed)), hardware_host("b", host_with(avx2)),
                                      hardware_host("c", host_with(rdseed))};
    const Pool all(hosts);
    PoolState others(builtin_rulebook());
    others.add(hosts[0]);
    others.add(hosts[2]);
    const PoolState rest = all.state.without({"b"});
    CHECK(rest.same_promises(others));
    CHECK(rest.names() == others.names());
    CHECK(to_json(rest.finish({})) == to_json(others.finish({})));
    CHECK(all.state.host_count() == 3);  // and the asked one is as it was
    CHECK_THROWS_AS(all.state.without({"d"}), UsageError);
}

TEST_CASE("a state without any host takes hosts of another vendor, and remembers what was left out", "[what-if]") {
    PoolState state(builtin_rulebook());
    state.add(hardware_host("amd", amd_table()));
    state.note_skipped("bad.txt", "no dump");
    PoolState nobody = state.without({"amd"});
    CHECK(nobody.host_count() == 0);
    nobody.add(hardware_host("intel", intel_table()));
    const PoolPolicy policy = nobody.finish({});
    CHECK(policy.vendor == "GenuineIntel");
    CHECK(std::any_of(policy.findings.begin(), policy.findings.end(),
                      [](const Finding& finding) { return finding.code == "skipped-host"; }));
}

TEST_CASE("a policy's promises can be had without its decisions", "[what-if]") {
    const Pool pool({hardware_host("a", host_with(avx2)), hardware_host("b", host_with(0))});
    const PoolPolicy promises = pool.state.finish_promises(pool.options);
    CHECK(promises.cpuid == pool.whole.cpuid);
    CHECK(promises.msrs == pool.whole.msrs);
    for (const Decision& decision : promises.decisions) CHECK(decision.scrubs.has_value());
    CHECK(promises.hosts.empty());
}

}  // namespace poolcpuid::test::what_if_test
