// What became of a pool's hosts: by name and content, by the counts of classes whose names a policy cuts, and as asked.

#include "poolcpuid/infer_change.hpp"

#include <algorithm>
#include <string>
#include <vector>

#include "poolcpuid/error.hpp"
#include "tests/catch.hpp"
#include "tests/support/host_builder.hpp"
#include "tests/support/merged.hpp"

namespace poolcpuid::test::infer_change_test {

using Catch::Contains;

namespace {

constexpr std::uint32_t popcnt = 1U << 23;  // leaf 1, ECX

HostDump good(const std::string& name) { return hardware_host(name, amd_table().set(1, 0, ecx, popcnt)); }
HostDump weak(const std::string& name) { return hardware_host(name, amd_table()); }

std::vector<HostDump> good_hosts(std::size_t count) {
    std::vector<HostDump> hosts;
    for (std::size_t i = 0; i < count; ++i) hosts.push_back(good("n" + std::to_string(10 + i)));
    return hosts;
}

template <typename Item>
std::string names(const std::vector<Item>& items) {
    std::vector<std::string> sorted;
    for (const Item& item : items) sorted.push_back(item.name);
    std::sort(sorted.begin(), sorted.end());
    std::string text;
    for (const std::string& name : sorted) text += (text.empty() ? "" : " ") + name;
    return text;
}

std::string names(std::vector<std::string> items) {
    std::sort(items.begin(), items.end());
    std::string text;
    for (const std::string& name : items) text += (text.empty() ? "" : " ") + name;
    return text;
}

// "kept a; joins b; back c; leaves d; lost c d": what there is of it.
std::string told(const InferredChange& inferred) {
    std::string text;
    const auto put = [&](const char* what, const std::string& who) {
        if (!who.empty()) text += (text.empty() ? "" : "; ") + std::string(what) + " " + who;
    };
    put("kept", names(inferred.kept));
    put("joins", names(inferred.change.added));
    put("back", names(inferred.change.replaced));
    put("leaves", names(inferred.change.removed));
    put("lost", names(inferred.lost));
    return text;
}

std::string codes(const InferredChange& inferred) {
    std::string text;
    for (const Finding& finding : inferred.findings) text += (text.empty() ? "" : " ") + finding.code;
    return text;
}

InferredChange inferred(const std::vector<HostDump>& pool, const std::vector<HostDump>& dumps) {
    return infer_change(Merged(pool).policy, dumps);
}

}  // namespace

TEST_CASE("a name with another content came back, a new one joins, one without a dump leaves", "[infer]") {
    const std::vector<HostDump> pool{good("a"), good("b"), weak("c")};
    CHECK(told(inferred(pool, pool)) == "kept a b c");
    CHECK(told(inferred(pool, {good("a"), weak("b"), weak("c")})) == "kept a c; back b; lost b");
    CHECK(told(inferred(pool, {good("a"), good("b"), weak("c"), weak("d")})) == "kept a b c; joins d");
    CHECK(told(inferred(pool, {good("a"), weak("c")})) == "kept a c; leaves b; lost b");
    CHECK(told(inferred(pool, {weak("a"), weak("c"), good("d")})) == "kept c; joins d; back a; leaves b; lost a b");
}

TEST_CASE("what came back or left is remembered with the content that it had", "[infer]") {
    const InferredChange change = inferred({good("a"), weak("b")}, {weak("a"), weak("c")});
    REQUIRE(names(change.lost) == "a b");
    CHECK(change.lost[0].sha256 == good("a").sha256);
    CHECK(change.lost[1].sha256 == weak("b").sha256);
    CHECK(change.findings.empty());
}

TEST_CASE("as many hosts of the same contents under other names are the same pool", "[infer]") {
    CHECK(told(inferred({good("a"), good("b"), weak("c")}, {good("x"), good("y"), weak("z")})) == "kept x y z");
    // One more of a content, and they are no longer.
    CHECK(told(inferred({good("a"), weak("c")}, {good("a"), good("b"), weak("c")})) == "kept a c; joins b");
    // Two that swapped their contents came back as each other: nobody can tell, and nothing changes.
    CHECK(told(inferred({good("a"), weak("b")}, {weak("a"), good("b")})) == "kept a b");
}

TEST_CASE("without any dump every host that is named leaves", "[infer]") {
    CHECK(told(inferred({good("a"), weak("b")}, {})) == "leaves a b; lost a b");
    const InferredChange many = inferred(good_hosts(10), {});
    CHECK(many.change.removed.size() == 8);
    CHECK(many.unnamed == 2);
    CHECK(codes(many) == "unnamed-hosts-gone");
}

TEST_CASE("the order of the dumps does not matter", "[infer]") {
    std::vector<HostDump> pool{good("a"), good("b"), weak("c"), weak("d")};
    std::vector<HostDump> dumps{weak("a"), good("b"), weak("e"), weak("d")};
    const std::string once = told(inferred(pool, dumps));
    std::reverse(dumps.begin(), dumps.end());
    std::reverse(pool.begin(), pool.end());
    CHECK(told(inferred(pool, dumps)) == once);
    CHECK(once == "kept b d; joins e; back a; leaves c; lost a c");
}

TEST_CASE("a host that the policy counts and does not name came back where the set of names is the same", "[infer]") {
    std::vector<HostDump> dumps = good_hosts(10);
    dumps[9] = weak("n19");  // one of the two that are not named
    const InferredChange back = inferred(good_hosts(10), dumps);
    CHECK(names(back.change.replaced) == "n19");
    REQUIRE(names(back.lost) == "n19");
    CHECK(back.lost[0].sha256 == good("n19").sha256);
    CHECK(codes(back).empty());
    std::reverse(dumps.begin(), dumps.end());
    CHECK(names(inferred(good_hosts(10), dumps).change.replaced) == "n19");
    std::reverse(dumps.begin(), dumps.end());
    dumps[9] = weak("new");  // the names are others: nobody knows whether n19 is called new now
    const InferredChange joined = inferred(good_hosts(10), dumps);
    CHECK(names(joined.change.added) == "new");
    CHECK(joined.change.replaced.empty());
    CHECK(codes(joined) == "may-have-changed may-have-joined unnamed-hosts-gone");
}

TEST_CASE("what is asked for wins over what was inferred of the same host", "[infer]") {
    const std::vector<HostDump> pool{good("a"), good("b"), weak("c")};
    // b has no dump, and comes back with one that is given.
    CHECK(told(with_explicit(inferred(pool, {good("a"), weak("c")}), {{}, {}, {weak("b")}})) ==
          "kept a c; back b; lost b");
    // A host that joins under the name of one that is gone is that one.
    CHECK(told(with_explicit(inferred(pool, {good("a"), weak("c")}), {{weak("b")}, {}, {}})) ==
          "kept a c; back b; lost b");
    // It came back, and is to leave.
    CHECK(told(with_explicit(inferred(pool, {good("a"), weak("b"), weak("c")}), {{}, {"b"}, {}})) ==
          "kept a c; leaves b; lost b");
    // It came back, and with another dump than the one that is given.
    const HostDump given = hardware_host("b", amd_table().set(1, 0, ecx, 1));
    const InferredChange replaced = with_explicit(inferred(pool, {good("a"), weak("b"), weak("c")}), {{}, {}, {given}});
    REQUIRE(told(replaced) == "kept a c; back b; lost b");
    CHECK(replaced.change.replaced.front().sha256 == given.sha256);
    // A name that is given twice, or by a pattern, too, leaves once.
    CHECK(told(with_explicit(inferred(pool, pool), {{}, {"a", "a", "[ab]"}, {}})) == "kept a b c; leaves a b");
}

TEST_CASE("a name that is not of the pool is refused with those that are near, or those that there are", "[infer]") {
    const std::vector<HostDump> pool{good("rack-1"), weak("rack-2")};
    const auto removing = [&](const std::string& name) {
        return with_explicit(inferred(pool, pool), {{}, {name}, {}});
    };
    CHECK_THROWS_AS(removing("rakc-1"), UsageError);
    CHECK_THROWS_WITH(removing("rakc-1"), Contains("no host of the pool is called rakc-1; did you mean rack-1"));
    CHECK_THROWS_WITH(removing("x*"), Contains("called x*; it has rack-1, rack-2"));
    CHECK_THROWS_WITH(removing("n\n"), Contains("called n\\u{a}; it has rack-1"));
}

TEST_CASE("a host that came back may be one for which another stands by its content", "[infer]") {
    std::vector<HostDump> dumps = good_hosts(11);  // one more than the policy has
    dumps[9] = weak("n19");                        // of the policy, which does not name it
    const InferredChange change = inferred(good_hosts(10), dumps);
    CHECK(told(change) == "kept n10 n11 n12 n13 n14 n15 n16 n17 n18 n20; joins n19");
    CHECK(codes(change) == "may-have-changed may-have-joined");
    const InferredChange back = with_explicit(change, {{}, {}, {weak("n19")}});
    CHECK(told(back) == "kept n10 n11 n12 n13 n14 n15 n16 n17 n18; joins n20; back n19; lost n19");
    CHECK(codes(back) == "may-have-joined");
    CHECK(told(with_explicit(change, {{}, {"n19"}, {}})) ==
          "kept n10 n11 n12 n13 n14 n15 n16 n17 n18; joins n20; leaves n19; lost n19");
    // Of n18 and n20 one is none of the policy: that is all there is to give up.
    CHECK_NOTHROW(with_explicit(change, {{}, {}, {weak("x1"), weak("x2")}}));
    CHECK_THROWS_AS(with_explicit(change, {{}, {"x1", "x2", "x3"}, {}}), UsageError);
}

TEST_CASE("where the names of the hosts that are kept are all of the policy's, nothing was guessed", "[infer]") {
    std::vector<HostDump> dumps = good_hosts(10);
    dumps.push_back(weak("new"));
    const InferredChange joined = inferred(good_hosts(10), dumps);
    CHECK(names(joined.change.added) == "new");
    CHECK(codes(joined).empty());
    // So a name that is none of theirs is none of the pool's, and pool_plan says so.
    CHECK(told(with_explicit(joined, {{}, {}, {weak("new")}})) ==
          "kept n10 n11 n12 n13 n14 n15 n16 n17 n18 n19; back new");
}

}  // namespace poolcpuid::test::infer_change_test
