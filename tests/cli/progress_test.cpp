// The progress bar of a long merge: what it says, and that nothing but a terminal ever sees it.

#include "cli/progress.hpp"

#include <string>
#include <vector>

#include "tests/catch.hpp"
#include "tests/cli/support/run_program.hpp"
#include "tests/cli/support/sample_hosts.hpp"
#include "tests/cli/support/temporary_directory.hpp"

namespace poolcpuid::test::progress_test {

using Catch::Contains;
using cli::progress_line;

namespace {

// Hosts of which the first takes longer than a second to come, whenever the program has started.
struct SlowPool {
    TemporaryDirectory dir{};
    std::string first = dir.write("first.json", document(amd_host("first")));
    std::string second = dir.write("second.json", document(amd_host("second")));

    Result merge(const std::vector<std::string>& more, bool terminal) const {
        std::vector<std::string> arguments{"merge", "-", second, "--color", "never", "-o", dir.file("policy.json")};
        arguments.insert(arguments.end(), more.begin(), more.end());
        Surroundings surroundings;
        surroundings.launcher = {"sh", "-c", "{ sleep 2.5; cat " + first + "; } | \"$@\"", "sh"};
        surroundings.error_terminal = terminal;
        return run(arguments, surroundings);
    }
};

}  // namespace

TEST_CASE("the line has the hosts, the bytes and the rate", "[progress]") {
    CHECK(progress_line("reading", {1000, 4000, 25'000'000}, 2, 80) ==
          "reading  [#####               ] 1,000 of 4,000 hosts  25.0 MB  12.5 MB/s");
    CHECK(progress_line("merging", {300, 1200, 0}, 1.5, 80) ==
          "merging  [#####               ] 300 of 1,200 hosts  200 hosts/s");
    CHECK(progress_line("reading", {7, 0, 500'000}, 0, 80) == "reading  7 hosts  0.5 MB");
    CHECK(progress_line("reading", {9, 3, 0}, 0, 80) == "reading  [####################] 9 of 9 hosts");
    CHECK(progress_line("reading", {1000, 4000, 25'000'000}, 2, 12) == "reading  [##");
}

TEST_CASE("a terminal sees the line once work takes over a second, and it is wiped", "[progress]") {
    const SlowPool pool;
    const Result shown = pool.merge({}, true);
    INFO(shown.text());
    CHECK(shown.status == 0);
    CHECK_THAT(shown.err, Contains("\rreading  [##########          ] 1 of 2 hosts"));
    const std::size_t wiped = shown.err.rfind("\r\033[K");
    REQUIRE(wiped != std::string::npos);
    CHECK_THAT(shown.err.substr(wiped), Contains("pool: 2 hosts"));
    CHECK(shown.err.find("\rreading", wiped) == std::string::npos);
    CHECK(pool.merge({"-q"}, true).err.empty());
    CHECK(pool.merge({}, false).err.find('\r') == std::string::npos);
}

TEST_CASE("quick work shows no progress", "[progress]") {
    const SlowPool pool;
    Surroundings terminal;
    terminal.error_terminal = true;
    const Result quick = run({"merge", pool.first, pool.second, "-o", pool.dir.file("policy.json")}, terminal);
    CHECK(quick.status == 0);
    CHECK(quick.err.find("reading") == std::string::npos);
}

}  // namespace poolcpuid::test::progress_test
