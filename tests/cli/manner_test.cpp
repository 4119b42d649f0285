// -q, --color and files that need not be written: what a script that runs every night relies on.

#include <sys/stat.h>

#include <filesystem>
#include <string>
#include <vector>

#include "tests/catch.hpp"
#include "tests/cli/support/run_program.hpp"
#include "tests/cli/support/sample_hosts.hpp"
#include "tests/cli/support/temporary_directory.hpp"

namespace poolcpuid::test::manner_test {

using Catch::Contains;
using Catch::EndsWith;
using Words = std::vector<std::string>;
namespace fs = std::filesystem;

namespace {

struct Pool {
    TemporaryDirectory dir{};
    std::string host = dir.write("hosts/a.json", document(amd_host("a")));
    std::string hidden = dir.write("hosts/.hidden", "x");
    std::string hosts = dir.file("hosts");
    std::string policy = dir.file("policy.json");

    Result merge(const Words& arguments, const Surroundings& surroundings = {}) const {
        Words all{"merge", hosts};
        all.insert(all.end(), arguments.begin(), arguments.end());
        return run(all, surroundings);
    }
};

bool has_colour(const std::string& text) { return text.find("\033[") != std::string::npos; }

}  // namespace

TEST_CASE("-q leaves out summaries and notes, and nothing else", "[manner]") {
    const Pool pool;
    const Result loud = pool.merge({"-o", pool.policy});
    CHECK_THAT(loud.err, Contains("left out: .hidden") && Contains("Findings: "));
    for (const char* quiet : {"-q", "--quiet"}) {
        const Result result = pool.merge({"-o", pool.policy, quiet});
        INFO(result.text());
        CHECK(result.status == 0);
        CHECK(result.err.empty());
    }
    CHECK(run({"-q", "merge", pool.hosts, "--format", "text"}).out == pool.merge({"--format", "text"}).out);
    CHECK_THAT(pool.merge({"-q", pool.dir.file("absent")}).err, Contains("poolcpuid: error: ") && Contains("absent"));
    const Result warned = pool.merge({"-q", pool.dir.write("bad", "x"), "--skip-unreadable"});
    CHECK_THAT(warned.err, Contains("warning: left out: ") && !Contains(".hidden"));
    CHECK(run({"render", "--to", "kvm", "-q", pool.policy}).err.empty());
}

TEST_CASE("the summary says how its notes are shown, and shows them", "[manner]") {
    const std::string hosts = POOLCPUID_SOURCE_DIR "/examples/amd-zen/hosts";
    const Result few = run({"merge", hosts, "--format", "text"});
    CHECK_THAT(few.out,
               Contains("Findings: 1 error, 2 warnings, 5 notes") && EndsWith("    5 notes: --notes shows them\n"));
    const Result all = run({"merge", hosts, "--format", "text", "--notes"});
    CHECK(all.out.find("--notes") == std::string::npos);
    std::size_t notes = 0;
    for (std::size_t at = 0; (at = all.out.find("\n    note ", at)) != std::string::npos; ++at) ++notes;
    CHECK(notes == 5);
    CHECK(run({"merge", hosts, "--notes"}).out == run({"merge", hosts}).out);
}

TEST_CASE("--color decides, else the terminal and NO_COLOR do", "[manner]") {
    const Pool pool;
    const Surroundings terminal{.terminal = true, .environment = {"TERM=xterm"}};
    const Surroundings no_colour{.terminal = true, .environment = {"TERM=xterm", "NO_COLOR=1"}};
    CHECK(has_colour(pool.merge({}, terminal).out));
    CHECK(has_colour(pool.merge({"--color=auto"}, terminal).out));
    CHECK_FALSE(has_colour(pool.merge({"--color", "never"}, terminal).out));
    CHECK_FALSE(has_colour(pool.merge({}, no_colour).out));
    CHECK(has_colour(pool.merge({"--color", "always"}, no_colour).out));
    CHECK_FALSE(has_colour(pool.merge({"--format", "text"}).out));
    CHECK(has_colour(pool.merge({"--format", "text", "--color", "always"}).out));
    CHECK(has_colour(pool.merge({"-o", pool.policy, "--color", "always"}).err));
    CHECK(has_colour(run({"merge", pool.dir.file("absent"), "--color", "always"}).err));
    CHECK_FALSE(has_colour(run({"merge", pool.dir.file("absent")}).err));
    CHECK(pool.merge({"--color", "sometimes"}).status == 2);
}

TEST_CASE("a file that would not change is not touched", "[manner][output]") {
    const Pool pool;
    const std::string list = pool.dir.file("hosts.txt");
    const auto merge = [&] { return pool.merge({"-o", pool.policy, "--list-hosts", list}); };
    REQUIRE(merge().status == 0);
    const fs::file_time_type long_ago = fs::file_time_type::clock::now() - std::chrono::hours(24);
    const auto age = [&](const std::string& file) {
        fs::last_write_time(file, long_ago);
        struct stat status {};
        REQUIRE(::stat(file.c_str(), &status) == 0);
        return status.st_ino;
    };
    const auto inode = age(pool.policy);
    const auto other_inode = age(list);
    const std::string before = bytes_of(pool.policy);
    CHECK(merge().status == 0);
    CHECK(fs::last_write_time(pool.policy) == long_ago);
    CHECK(fs::last_write_time(list) == long_ago);
    CHECK(age(pool.policy) == inode);
    CHECK(age(list) == other_inode);
    CHECK_THAT(pool.merge({"-o", pool.policy, "-v"}).err, Contains("policy.json has not changed"));

    // One byte more, and one that is another.
    for (const std::string& other : {before + "\n", "x" + before.substr(1)}) {
        pool.dir.write("policy.json", other);
        fs::last_write_time(pool.policy, long_ago);
        CHECK(merge().status == 0);
        CHECK(fs::last_write_time(pool.policy) > long_ago);
        CHECK(bytes_of(pool.policy) == before);
    }
}

}  // namespace poolcpuid::test::manner_test
