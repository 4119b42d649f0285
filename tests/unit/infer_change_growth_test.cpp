// A change of many hosts: as many as $POOLCPUID_HOSTS says for tests/faults/growth_test.py, which counts instructions.

#include <cstdlib>
#include <string>
#include <vector>

#include "poolcpuid/infer_change.hpp"
#include "tests/catch.hpp"

namespace poolcpuid::test::infer_change_growth_test {

namespace {

HostDump dump(const std::string& name, const std::string& content) {
    HostDump host;
    host.name = name;
    host.sha256 = content;
    return host;
}

std::size_t size_of_pool() {
    const char* const asked = std::getenv("POOLCPUID_HOSTS");
    return asked == nullptr ? 100 : std::stoul(asked);
}

}  // namespace

TEST_CASE("all hosts of a large pool change, others join, and each is asked for by name", "[infer][growth]") {
    const std::size_t size = size_of_pool();
    PoolPolicy policy;
    std::vector<HostDump> dumps;
    PoolChange asked;
    for (std::size_t i = 0; i < size; ++i) {
        const std::string number = std::to_string(i);
        policy.hosts.push_back({"old-" + number, "host-json", {"hardware"}, {"named-" + number}, 2});
        dumps.push_back(dump("named-" + number, "new-" + number));
        dumps.push_back(dump("joins-" + number, "new-" + number));
        asked.added.push_back(dump("joins-" + number, "given"));
        asked.replaced.push_back(dump("unnamed-" + number, "given"));
        asked.removed.push_back("named-" + number);
    }
    const InferredChange inferred = infer_change(policy, dumps);
    REQUIRE(inferred.unnamed == size);
    REQUIRE(inferred.change.added.size() == size);
    const InferredChange change = with_explicit(inferred, asked);
    REQUIRE(change.unnamed == 0);
    REQUIRE(change.change.removed.size() == size);
}

}  // namespace poolcpuid::test::infer_change_growth_test
