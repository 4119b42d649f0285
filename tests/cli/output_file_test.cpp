// -o: which file is written, and that nothing is left or lost, whatever the name leads to and whatever happens.

#include <fcntl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <filesystem>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "tests/catch.hpp"
#include "tests/cli/support/fake_qemu.hpp"
#include "tests/cli/support/run_program.hpp"
#include "tests/cli/support/sample_hosts.hpp"
#include "tests/cli/support/temporary_directory.hpp"

namespace poolcpuid::test::output_file_test {

using Catch::Contains;
using Catch::StartsWith;
namespace fs = std::filesystem;

namespace {

struct Pool {
    TemporaryDirectory dir;
    std::string host = dir.write("hosts/a.json", document(amd_host("a")));
    std::string policy = run({"merge", host}).out;

    Result merge(const std::string& output, const Surroundings& surroundings = {}) const {
        return run({"merge", host, "-o", output}, surroundings);
    }
};

// Commands of a shell, in which $P is the program and "$@" what it is to be given.
std::vector<std::string> shell(const std::string& commands) { return {"sh", "-c", commands, "sh"}; }

bool is_root() { return ::geteuid() == 0; }

// Some other user, and not root.
constexpr uid_t other = 12345;

}  // namespace

TEST_CASE("a regular file is replaced whole wherever it is", "[output][attack]") {
    const Pool pool;
    const std::string shared = "/dev/shm/poolcpuid-test-" + std::to_string(::getpid());
    CHECK(pool.merge(shared).status == 0);
    CHECK(bytes_of(shared) == pool.policy);
    const std::string longer = pool.policy + std::string(1000, 'x');
    fs::remove(shared);
    fs::copy_file(pool.dir.write("longer", longer), shared);
    CHECK(pool.merge(shared).status == 0);
    CHECK(bytes_of(shared) == pool.policy);
    fs::remove(shared);
}

TEST_CASE("an open file is written at its own place, not from its beginning", "[output][attack]") {
    const Pool pool;
    for (const std::string& target : std::vector<std::string>{"/dev/stdout", "/dev/fd/1", "/proc/self/fd/1"}) {
        const std::string log = pool.dir.write("log", "first\n");
        const Result result =
            pool.merge(target, {.launcher = shell("\"$@\" >> " + log + "; s=$?; echo last >> " + log + "; exit $s")});
        INFO(target << ": " << result.text());
        CHECK(result.status == 0);
        CHECK(bytes_of(log) == "first\n" + pool.policy + "last\n");
    }
    const std::string log = pool.dir.file("log");
    const Result result =
        pool.merge("/dev/stdout", {.launcher = shell("{ \"$@\"; s=$?; echo last; } > " + log + "; exit $s")});
    CHECK(result.status == 0);
    CHECK(bytes_of(log) == pool.policy + "last\n");
    CHECK(pool.merge("/dev/fd/3", {.launcher = shell("\"$@\" 3>" + log)}).status == 0);
    CHECK(bytes_of(log) == pool.policy);
}

TEST_CASE("what is neither a file nor a stream is refused", "[output][attack]") {
    const Pool pool;
    for (const std::string& target :
         {pool.dir.path(), pool.dir.file("missing/policy"), pool.dir.file("hosts/a.json/x")}) {
        const Result result = pool.merge(target);
        INFO(target << ": " << result.text());
        CHECK(result.status == 5);
        CHECK_THAT(result.err, Contains("cannot be written"));
    }
}

TEST_CASE("-o takes the name of a file", "[output][attack]") {
    const Pool pool;
    for (const std::string& verb : std::vector<std::string>{"merge", "convert"}) {
        for (const std::string& target : std::vector<std::string>{"", "-"}) {
            const Result result = run({verb, pool.host, "-o", target}, {.directory = pool.dir.path()});
            INFO(result.text());
            CHECK(result.status == 2);
            CHECK(result.out.empty());
            CHECK_FALSE(pool.dir.has("-"));
        }
    }
}

TEST_CASE("a result never takes the place of what it was made from", "[output][attack]") {
    const Pool pool;
    const std::string policy = pool.dir.write("policy.json", pool.policy);
    fs::create_symlink(pool.host, pool.dir.file("link"));
    fs::create_hard_link(policy, pool.dir.file("other-name"));
    const std::vector<std::vector<std::string>> calls{
        {"merge", pool.host, "-o", pool.host},
        {"merge", "a=" + pool.host, "-o", pool.dir.file("link")},
        {"merge", pool.dir.file("hosts"), "-o", pool.host},
        {"merge", pool.host, "--list-hosts", pool.host},
        {"merge", pool.host, "--ceiling", policy, "-o", policy},
        {"merge", pool.host, "--floor", policy, "-o", policy},
        {"merge", pool.host, "-o", pool.dir.file("new"), "--list-hosts", pool.dir.file("hosts/../new")},
        {"check", policy, pool.host, "-o", policy},
        {"diff", policy, policy, "-o", pool.dir.file("other-name")},
        {"explain", policy, "-o", policy},
        {"plan", policy, "--hosts", pool.host, "-o", pool.host},
        {"report", policy, "-o", policy},
        {"render", "--to", "kvm", policy, "-o", policy},
        {"verify", policy, "-o", policy},
        {"convert", pool.host, "-o", pool.host}};
    const std::string host = bytes_of(pool.host);
    for (const auto& call : calls) {
        const Result result = run(call);
        INFO(result.text());
        CHECK(result.status == 2);
        CHECK_THAT(result.err, Contains("which is read") || Contains("every file is read") || Contains("one file"));
    }
    CHECK_THAT(run({"merge", pool.host, "--list-hosts", pool.host}).err,
               Contains("--list-hosts " + pool.host + " is "));
    CHECK_THAT(run({"merge", pool.host, "-o", pool.host}).err, Contains("-o " + pool.host + " is "));
    CHECK(bytes_of(pool.host) == host);
    CHECK(bytes_of(policy) == pool.policy);
    CHECK_FALSE(pool.dir.has("new"));
    // Devices and pipes may be both.
    CHECK(run({"merge", pool.host, "-o", "/dev/null", "--list-hosts", "/dev/null"}).status == 0);
}

TEST_CASE("a link is followed only where nobody else could have laid it", "[output][attack]") {
    if (!is_root()) {
        WARN("skipped: only root can make what belongs to others");
        return;
    }
    const Pool pool;
    const std::string victim = pool.dir.write("victim", "precious");
    const std::string sticky = pool.dir.file("tmp");
    fs::create_directory(sticky);
    REQUIRE(::chmod(sticky.c_str(), 01777) == 0);
    const std::string link = sticky + "/policy";
    fs::create_symlink(victim, link);
    REQUIRE(::lchown(link.c_str(), other, other) == 0);
    const Result laid = pool.merge(link);
    CHECK(laid.status == 5);
    CHECK_THAT(laid.err, Contains("symbolic link") && Contains("another user"));
    CHECK(bytes_of(victim) == "precious");

    // One of the caller's own in a directory of another user, who could put another in its place.
    REQUIRE(::lchown(link.c_str(), 0, 0) == 0);
    REQUIRE(::chown(sticky.c_str(), other, other) == 0);
    CHECK(pool.merge(link).status == 5);
    CHECK(bytes_of(victim) == "precious");

    REQUIRE(::chown(sticky.c_str(), 0, 0) == 0);
    CHECK(pool.merge(link).status == 0);
    CHECK(bytes_of(victim) == pool.policy);
    CHECK(fs::is_symlink(link));
}

TEST_CASE("a circle of links is an error", "[output][attack]") {
    const Pool pool;
    fs::create_symlink("b", pool.dir.file("a"));
    fs::create_symlink("a", pool.dir.file("b"));
    const Result result = pool.merge(pool.dir.file("a"));
    CHECK(result.status == 5);
    CHECK_THAT(result.err, Contains("cannot be written"));
    CHECK(run({"merge", pool.dir.file("a")}).status == 3);
}

TEST_CASE("a new file does not get the permissions that another user chose", "[output][attack]") {
    if (!is_root()) {
        WARN("skipped: only root can make what belongs to others");
        return;
    }
    const Pool pool;
    const std::string target = pool.dir.write("policy", "old");
    REQUIRE(::chmod(target.c_str(), 0666) == 0);
    REQUIRE(::chown(target.c_str(), other, other) == 0);
    REQUIRE(pool.merge(target).status == 0);
    struct stat status {};
    REQUIRE(::stat(target.c_str(), &status) == 0);
    CHECK((status.st_mode & 0022U) == 0);
}

TEST_CASE("a limit on the size of files leaves the old file and no other", "[output][attack]") {
    const Pool pool;
    const std::string target = pool.dir.write("out/policy", "old");
    const Result result = pool.merge(target, {.launcher = shell("ulimit -f 1; exec \"$@\"")});
    INFO(result.text());
    CHECK(result.status == 5);
    CHECK_THAT(result.err, Contains("cannot be written"));
    CHECK(bytes_of(target) == "old");
    CHECK(std::distance(fs::directory_iterator(pool.dir.file("out")), {}) == 1);
}

TEST_CASE("help and version that cannot be written are an error", "[output][attack]") {
    for (const char* option : {"--help", "--version"}) {
        const Result result = run({option}, {.output = "/dev/full"});
        INFO(result.text());
        CHECK(result.status == 5);
        CHECK(run({option}).status == 0);
        CHECK_FALSE(run({option}).out.empty());
    }
}

TEST_CASE("a closed standard input, output or error changes nothing else", "[output][attack]") {
    const Pool pool;
    const std::string target = pool.dir.file("policy");
    CHECK(pool.merge(target, {.launcher = shell("exec \"$@\" <&-")}).status == 0);
    CHECK(bytes_of(target) == pool.policy);
    CHECK(pool.merge(target, {.launcher = shell("exec \"$@\" 2>&-")}).status == 0);
    CHECK(bytes_of(target) == pool.policy);
    CHECK(run({"merge", pool.host}, {.launcher = shell("exec \"$@\" >&-")}).status == 5);
    // A program that is asked gets pipes of its own, which must not be what was closed.
    FakeQemu qemu;
    qemu.flags["avx2"] = {};
    qemu.models["base"] = {};
    const std::vector<std::string> render{
        "render", pool.dir.write("pool.json", pool.policy), "--to", "qemu", "--qemu", qemu.write(pool.dir)};
    const Result open = run(render);
    INFO(open.text());
    REQUIRE(open.status == 0);
    CHECK(run(render, {.launcher = shell("exec \"$@\" <&-")}).out == open.out);
}

TEST_CASE("merges beside a writer see whole files only", "[output][attack][long]") {
    const Pool pool;
    const std::string hosts = pool.dir.file("hosts");
    // A writer that replaces one of the hosts again and again, and another that is killed at any moment.
    const std::string script = "cp " + pool.host + " " + pool.dir.file("source.json") +
                               "; ( i=0; while [ $i -lt 60 ]; do \"$1\" convert " + pool.dir.file("source.json") +
                               " -o " + hosts +
                               "/b.json; i=$((i+1)); done ) & writer=$!"
                               "; ( i=0; while [ $i -lt 60 ]; do timeout -s KILL 0.00$((i % 10)) \"$1\" convert " +
                               pool.dir.file("source.json") + " -o " + hosts +
                               "/c.json; i=$((i+1)); done ) >/dev/null 2>&1 & killed=$!"
                               "; failed=0; while kill -0 $writer 2>/dev/null; do \"$1\" merge " +
                               hosts + " -o /dev/null 2>" + pool.dir.file("err") + " || { failed=1; cat " +
                               pool.dir.file("err") + " >&2; }; done; wait $killed; exit $failed";
    const Result result = run({}, {.launcher = shell(script)});
    INFO(result.text());
    CHECK(result.status == 0);
    for (const auto& entry : fs::directory_iterator(hosts)) {
        const std::string name = entry.path().filename().string();
        INFO(name);
        CHECK((name.ends_with(".json") || name.starts_with(".poolcpuid-")));
    }
}

TEST_CASE("a signal leaves no temporary file", "[output][attack]") {
    const Pool pool;
    const std::string script =
        "i=0; while [ $i -lt 100 ]; do timeout -s $((i % 2 ? 15 : 2)) 0.00$((i % 10)) \"$1\" convert " + pool.host +
        " -o " + pool.dir.file("out/x.json") + "; i=$((i+1)); done; exit 0";
    fs::create_directory(pool.dir.file("out"));
    CHECK(run({}, {.launcher = shell(script)}).status == 0);
    for (const auto& entry : fs::directory_iterator(pool.dir.file("out"))) {
        CHECK(entry.path().filename() == "x.json");
        CHECK(nlohmann::json::accept(bytes_of(entry.path().string())));
    }
}

}  // namespace poolcpuid::test::output_file_test
