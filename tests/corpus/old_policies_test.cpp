// Policies that a release before decisions had causes made of real dumps: they are read, and mean what they meant.

#include <filesystem>
#include <fstream>
#include <iterator>
#include <string>
#include <vector>

#include "base/sha256.hpp"
#include "poolcpuid/policy.hpp"
#include "tests/catch.hpp"
#include "tests/support/case_hosts.hpp"

namespace poolcpuid::test::old_policies_test {

namespace {

std::vector<std::filesystem::path> files() {
    std::vector<std::filesystem::path> found;
    for (const auto& entry :
         std::filesystem::directory_iterator(dump_directory().parent_path() / "cases" / "policies")) {
        found.push_back(entry.path());
    }
    return found;
}

}  // namespace

TEST_CASE("policies of version 1.0 are read with their digests, causes, layouts and counts", "[corpus][cases]") {
    std::size_t states = 0;
    std::size_t consequences = 0;
    for (const std::filesystem::path& file : files()) {
        std::ifstream in(file, std::ios::binary);
        const std::string bytes{std::istreambuf_iterator<char>(in), {}};
        CAPTURE(file);
        const PoolPolicy policy = read_policy(bytes, file.string());
        CHECK(sha256_of(policy) == sha256_hex(bytes));
        for (const Decision& decision : policy.decisions) {
            CHECK(decision.because.count >= decision.because.names.size());
            states += decision.state.empty() ? 0 : 1;
            const bool follows = is_consequence(decision.cause) && decision.state.empty();
            consequences += follows ? 1 : 0;
            if (follows) CHECK_FALSE(decision.on.empty());
        }
        CHECK(read_policy(to_json(policy), "again").decisions == policy.decisions);
    }
    CHECK(states > 0);
    CHECK(consequences > 0);
}

}  // namespace poolcpuid::test::old_policies_test
