// --threads: files, and pieces of a long stream, are read at once, and nothing that a user sees depends on how many.

#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "poolcpuid/write_hosts.hpp"
#include "tests/catch.hpp"
#include "tests/cli/support/run_program.hpp"
#include "tests/cli/support/sample_hosts.hpp"
#include "tests/cli/support/temporary_directory.hpp"

namespace poolcpuid::test::threads_test {

using Catch::Contains;

namespace {

// Lines of hosts, of which every third lacks AVX2: long enough to be read in several pieces.
std::string fleet(std::size_t count) {
    std::string text;
    for (std::size_t i = 0; i < count; ++i) {
        const HostDump host = amd_host("node-" + std::to_string(i));
        text += to_host_line(i % 3 == 0 ? with_bit(host, leaf_7, Register::ebx, avx2_bit, false) : host);
    }
    return text;
}

constexpr std::size_t many = 6000;

// What merge says and prints with so many threads.
Result merged(const std::string& threads, const std::vector<std::string>& arguments, const std::string& input = {}) {
    std::vector<std::string> all{"--threads", threads, "merge", "--format", "json"};
    all.insert(all.end(), arguments.begin(), arguments.end());
    return run(all, {.input = input});
}

// The result with one thread, after the others were compared with it.
Result same_for_all(const std::vector<std::string>& arguments, const std::string& input = {}) {
    const Result one = merged("1", arguments, input);
    for (const char* threads : {"2", "4", "13"}) {
        const Result more = merged(threads, arguments, input);
        INFO("threads: " << threads);
        CHECK(more.status == one.status);
        CHECK(more.out == one.out);
        CHECK(more.err == one.err);
    }
    return one;
}

}  // namespace

TEST_CASE("a stream in pieces gives one policy, from a file and from standard input", "[threads]") {
    const TemporaryDirectory dir;
    const std::string text = fleet(many);
    REQUIRE(text.size() > std::size_t{3} << 20);
    const Result file = same_for_all({dir.write("fleet.ndjson", text)});
    CHECK(file.status == 0);
    CHECK_THAT(file.out, Contains("\"count\": 4000") && Contains("\"count\": 2000"));
    CHECK(same_for_all({"-"}, text).out == file.out);
}

TEST_CASE("a partial result in a long stream stands for its hosts, and is never left out", "[threads]") {
    const TemporaryDirectory dir;
    const std::string text = fleet(many);
    const std::string host =
        dir.write("other.json", document(with_bit(amd_host("other"), leaf_7, Register::ebx, avx2_bit, false)));
    const Result part = run({"merge", "--partial", host});
    REQUIRE(part.status == 0);
    const std::string line = nlohmann::json::parse(part.out).dump() + "\n";
    const Result whole = run({"merge", dir.write("fleet.ndjson", text), host});
    REQUIRE(whole.status == 0);
    CHECK(same_for_all({"-"}, text + line).out == whole.out);
    std::string damaged = line;
    damaged.insert(damaged.size() - 2, ",");
    const Result refused = same_for_all({"-", "--skip-unreadable"}, text + damaged);
    CHECK(refused.status == 3);
    CHECK(refused.out.empty());
}

TEST_CASE("a bad line of a stream is told with its number, and nothing is written", "[threads]") {
    const TemporaryDirectory dir;
    std::string text = fleet(many);
    const std::string broken = dir.write("fleet.ndjson", text + "{\"schema\": 1}\n" + fleet(10));
    const Result result = same_for_all({broken});
    CHECK(result.status == 3);
    CHECK(result.out.empty());
    CHECK_THAT(result.err, Contains("fleet.ndjson:6001: expected"));
    // That line alone is left out.
    const std::string other = dir.write("other.json", document(amd_host("other")));
    const Result left = same_for_all({broken, other, "--skip-unreadable"});
    CHECK(left.status == 0);
    CHECK_THAT(left.out, Contains("fleet.ndjson:6001\"") && Contains("\"count\": 4001") && Contains("\"count\": 2000"));
    std::string more = text;
    for (int i = 0; i <= 10'000; ++i) more += "{}\n";
    const Result too_many = same_for_all({dir.write("more.ndjson", more), "--skip-unreadable"});
    CHECK_THAT(too_many.err, Contains("expected at most 10000 malformed documents in a stream, found more"));
}

TEST_CASE("errors come in the order of the inputs, those of a stream with two hosts of one name, too", "[threads]") {
    const TemporaryDirectory dir;
    std::vector<std::string> files;
    for (int i = 0; i < 30; ++i) {
        const std::string name = "host-" + std::to_string(i);
        files.push_back(dir.write(name, i % 4 == 0 ? "nothing\n" : document(amd_host(name))));
    }
    const Result unreadable = same_for_all(files);
    CHECK(unreadable.status == 3);
    CHECK(unreadable.err.find("host-4:") < unreadable.err.find("host-8:"));

    const HostDump twice = with_bit(amd_host("node-1"), leaf_7, Register::ebx, avx2_bit, false);
    const std::string text = fleet(many) + to_host_line(twice);
    const Result conflict = same_for_all({dir.write("twice.ndjson", text)});
    CHECK(conflict.status == 3);
    CHECK_THAT(conflict.err, Contains("node-1: expected one host of this name, found two with different content"));
    const Result left = same_for_all({dir.write("twice.ndjson", text), "--skip-unreadable"});
    CHECK(left.status == 0);
    CHECK_THAT(left.out, Contains("\"count\": 3999"));
}

TEST_CASE("threads are a number", "[threads]") {
    for (const char* threads : {"0", "-1", "many", "100000"}) {
        INFO(threads);
        CHECK(merged(threads, {"x"}).status == 2);
    }
}

}  // namespace poolcpuid::test::threads_test
