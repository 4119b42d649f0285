#include "base/keyed_hash.hpp"

#include <cstdint>
#include <optional>
#include <string>

#include "names/names.hpp"
#include "tests/catch.hpp"

namespace poolcpuid::test::keyed_hash_test {

TEST_CASE("who does not know a run's key cannot know how its tables hash", "[base]") {
    const KeyedHash one;
    const KeyedHash other;
    CHECK(one("rome-1") != other("rome-1"));
    CHECK(one("rome-1") != one("rome-2"));
}

TEST_CASE("a hash that was copied finds what the first one put there", "[base]") {
    const KeyedHash one;
    const KeyedHash copy = one;
    CHECK(copy("") == one(""));
    CHECK(copy(std::string(255, 'x')) == one(std::string(255, 'x')));

    names::Names names;
    for (std::uint32_t i = 0; i < 1000; ++i) names.add("host-" + std::to_string(i), i);
    const names::Names copied(names);
    for (std::uint32_t i = 0; i < 1000; ++i) CHECK(copied.find("host-" + std::to_string(i)) == i);
    CHECK(copied.find("host-1000") == std::nullopt);
}

}  // namespace poolcpuid::test::keyed_hash_test
