// The columns of a report's matrix: which hosts share one, and what is known of it where lists are cut.

#include "report/columns.hpp"

#include <string>
#include <vector>

#include "report/page.hpp"
#include "tests/catch.hpp"

namespace poolcpuid::test::report_columns_test {

using namespace poolcpuid::report;

namespace {

HostClass host_class(const std::string& sha256, std::vector<std::string> names, std::size_t count) {
    return {sha256, "host-json", {"hardware"}, std::move(names), count};
}

Decision decision(const std::string& rule, std::vector<ValueOfHosts> values, const std::vector<std::string>& because) {
    Decision result;
    result.field = "f" + rule;
    result.rule = rule;
    result.value = 0x0;
    result.values = std::move(values);
    result.because = {because, because.size()};
    return result;
}

// Four hosts in three classes: a1 and a2 have the bit, b and c lack it.
PoolPolicy small_policy() {
    PoolPolicy policy;
    policy.hosts = {host_class("1", {"c"}, 1), host_class("2", {"a1", "a2"}, 2), host_class("3", {"b"}, 1)};
    policy.decisions = {decision("intersect", {{0x0, {"b", "c"}, 2}, {0x1, {"a1", "a2"}, 2}}, {"b", "c"})};
    return policy;
}

std::vector<std::string> name(std::size_t number) { return {"h" + std::to_string(number)}; }

}  // namespace

TEST_CASE("hosts with the same values are one column, those that decide first", "[report]") {
    const Columns columns = columns_of(small_policy());
    REQUIRE(columns.columns.size() == 2);
    CHECK(columns.columns[0].names == std::vector<std::string>{"b", "c"});
    CHECK(columns.columns[0].count == 2);
    CHECK(columns.columns[0].cells[0] == Cell{0, false, true});
    CHECK(columns.columns[1].names == std::vector<std::string>{"a1", "a2"});
    CHECK(columns.columns[1].cells[0] == Cell{1, false, false});
    CHECK(columns.every_name);
}

TEST_CASE("hosts that decide other fields are other columns, though their values are the same", "[report]") {
    PoolPolicy policy = small_policy();
    policy.decisions.push_back(decision("equal", {{0x5, {"a1", "a2", "b", "c"}, 4}}, {"c"}));
    const Columns columns = columns_of(policy);
    REQUIRE(columns.columns.size() == 3);
    CHECK(columns.columns[0].names == std::vector<std::string>{"c"});
    CHECK(columns.columns[1].names == std::vector<std::string>{"b"});
}

TEST_CASE("hosts that decide more fields come before those that decide an earlier one", "[report]") {
    PoolPolicy policy = small_policy();
    policy.decisions = {decision("union", {{0x1, {"b"}, 1}, {0x0, {"a1", "a2", "c"}, 3}}, {"b"}),
                        decision("min", {{0x1, {"a1", "a2"}, 2}, {0x2, {"b", "c"}, 2}}, {"a1", "a2"}),
                        decision("max", {{0x2, {"a1", "a2"}, 2}, {0x1, {"b", "c"}, 2}}, {"a1", "a2"})};
    const Columns columns = columns_of(policy);
    REQUIRE(columns.columns.size() == 3);
    CHECK(columns.columns[0].names == std::vector<std::string>{"a1", "a2"});
    CHECK(columns.columns[1].names == std::vector<std::string>{"b"});
    CHECK(columns.columns[2].names == std::vector<std::string>{"c"});
}

TEST_CASE("a ceiling is a column of its own", "[report]") {
    PoolPolicy policy = small_policy();
    policy.hosts.push_back({"4", "policy", {"policy"}, {"ceiling:x"}, 1});
    policy.decisions[0].values[1] = {0x1, {"a1", "a2", "ceiling:x"}, 3};
    CHECK(columns_of(policy).columns.size() == 3);
}

TEST_CASE("a host that no complete list names has the value whose list is cut, when there is one", "[report]") {
    PoolPolicy policy = small_policy();
    policy.decisions[0].values[1] = {0x1, {"a1"}, 2};
    policy.hosts[1].names = {"a2"};  // not the name that the decision lists
    const Columns one = columns_of(policy);
    CHECK_FALSE(one.every_name);
    REQUIRE(one.columns.size() == 2);
    CHECK(one.columns[1].cells[0].value == 1U);

    policy.decisions[0].values[0] = {0x0, {"b"}, 2};
    const Columns two = columns_of(policy);  // c and a2: either value
    REQUIRE(two.columns.size() == 3);
    CHECK_FALSE(two.columns[2].cells[0].value.has_value());
}

TEST_CASE("fields without a promise do not count where columns would be too many", "[report]") {
    PoolPolicy policy;
    policy.decisions = {decision("intersect", {{0x0, {}, 0}, {0x1, {}, 0}}, {}), decision("identity", {}, {})};
    for (std::size_t i = 0; i <= most_columns; ++i) {
        policy.hosts.push_back(host_class(std::to_string(1000 + i), name(i), 1));
        ValueOfHosts& bit = policy.decisions[0].values[i % 2];
        bit.hosts.push_back(name(i).front());
        ++bit.count;
        policy.decisions[1].values.push_back({i, name(i), 1});
    }
    const Columns columns = columns_of(policy);
    CHECK(columns.by_promises);
    REQUIRE(columns.columns.size() == 2);
    CHECK(columns.columns[0].cells[0].value.has_value());
    CHECK(columns.columns[0].cells[1].several);
    CHECK_FALSE(columns.columns[0].cells[1].value.has_value());

    policy.decisions[1].rule = "equal";
    const Columns too_many = columns_of(policy);
    CHECK(too_many.columns.empty());
    CHECK(too_many.groups == most_columns + 1);

    policy.hosts.pop_back();
    CHECK(columns_of(policy).columns.size() == most_columns);
}

TEST_CASE("numbers of groups read as ranges, and letters go on after z", "[report]") {
    CHECK(ranges({}).empty());
    CHECK(ranges({3}) == "3");
    CHECK(ranges({1, 2, 5, 6, 7, 9}) == "1, 2, 5–7, 9");
    CHECK(letter(0) == "a");
    CHECK(letter(25) == "z");
    CHECK(letter(26) == "aa");
    CHECK(letter(26 * 27) == "aaa");
}

}  // namespace poolcpuid::test::report_columns_test
