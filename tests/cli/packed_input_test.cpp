// Hosts that come compressed, in archives, in arrays or one after another: wherever a HOST is read.

#include <nlohmann/json.hpp>
#include <string>

#include "poolcpuid/read_hosts.hpp"
#include "tests/catch.hpp"
#include "tests/cli/support/run_program.hpp"
#include "tests/cli/support/sample_hosts.hpp"
#include "tests/cli/support/temporary_directory.hpp"
#include "tests/support/packed.hpp"

namespace poolcpuid::test::packed_input_test {

using Catch::Contains;

namespace {

const std::string example = std::string(POOLCPUID_SOURCE_DIR) + "/examples/amd-zen/hosts/";

// The files of the example as members of an archive, in an order that no directory has.
std::vector<Member> example_members() {
    std::vector<Member> members;
    for (const char* name : {"rome-1.json", "genoa-1.txt", "milan-1.txt"}) {
        members.push_back({std::string("zen/") + name, bytes_of(example + name)});
    }
    return members;
}

std::string merged(const std::vector<std::string>& hosts, const Surroundings& surroundings = {}) {
    std::vector<std::string> arguments{"merge", "--pool", "zen", "-q"};
    arguments.insert(arguments.end(), hosts.begin(), hosts.end());
    const Result result = run(arguments, surroundings);
    INFO(result.text());
    CHECK(result.status == 0);
    return result.out;
}

}  // namespace

TEST_CASE("the pool of an archive is that of the directory", "[packed]") {
    const TemporaryDirectory dir;
    const std::string expected = merged({example});
    for (const Packing packing : {Packing::none, Packing::gzip, Packing::xz, Packing::zstd}) {
        const std::string archive = tar_of(example_members(), packing);
        CHECK(merged({dir.write("fleet", archive)}) == expected);
        CHECK(merged({"-"}, {.input = archive}) == expected);
    }
    // A directory of an archive, and of a compressed file that is in the archive, too.
    std::vector<Member> two = example_members();
    two.pop_back();
    dir.write("hosts/two.tar", tar_of(two));
    dir.write("hosts/milan-1.txt.gz", packed(Packing::gzip, bytes_of(example + "milan-1.txt")));
    CHECK(merged({dir.file("hosts")}) == expected);
    CHECK(merged({dir.file("hosts"), dir.file("fleet"), example}) == expected);
}

TEST_CASE("streams of documents over several lines, and arrays, are hosts", "[packed]") {
    const std::string a = document(amd_host("a"));
    const std::string b = document(amd_host("b"));
    const std::string expected =
        merged({"-"}, {.input = document_line(amd_host("a")) + "\n" + document_line(amd_host("b"))});
    CHECK(merged({"-"}, {.input = a + b}) == expected);
    CHECK(merged({"-"}, {.input = "[" + a + "," + b + "]"}) == expected);
    CHECK(merged({"-"}, {.input = packed(Packing::zstd, "[" + a + "," + b + "]")}) == expected);
}

TEST_CASE("every bad file of an archive is reported with its name", "[packed]") {
    const TemporaryDirectory dir;
    const std::string archive = dir.write(
        "fleet.tar", tar_of({{"good.json", document(amd_host("good"))}, {"d/a.json", "\n{}"}, {"b.txt", "hello"}}));
    const Result result = run({"merge", archive, "--errors", "json"});
    INFO(result.text());
    CHECK(result.status == 3);
    const auto problems = nlohmann::json::parse(result.err).at("errors");
    REQUIRE(problems.size() == 2);
    CHECK(problems[0].at("file") == archive + ":d/a.json");
    CHECK(problems[1].at("file") == archive + ":b.txt");

    const Result skipping = run({"merge", archive, "--skip-unreadable"});
    INFO(skipping.text());
    CHECK(skipping.status == 0);
    CHECK_THAT(skipping.err, Contains("left out: " + archive + ":b.txt: expected a CPUID dump"));
    CHECK_THAT(skipping.out, Contains("\"good\""));
}

TEST_CASE("of an archive that is cut off no host counts", "[packed]") {
    const TemporaryDirectory dir;
    const std::string archive = tar_of(example_members());
    const std::string part = dir.write("part.tar", archive.substr(0, archive.size() - 2048));
    const Result result = run({"hosts", part});
    CHECK(result.status == 3);
    CHECK_THAT(result.err, Contains("part.tar: expected a tar archive that is whole, found "));
    const std::string good = dir.write("good.json", document(amd_host("good")));
    const Result skipping = run({"merge", part, good, "--skip-unreadable"});
    INFO(skipping.text());
    CHECK(nlohmann::json::parse(skipping.out).at("hosts").size() == 1);
}

TEST_CASE("what is left aside of an archive is said", "[packed]") {
    const Result result = run({"hosts", "-"}, {.input = tar_of({{"._a.json", "x"},
                                                                {"\x1B[31m", "", MemberType::symbolic_link},
                                                                {"a.json", document(amd_host("a"))}})});
    INFO(result.text());
    CHECK(result.status == 0);
    CHECK_THAT(result.err, Contains("stdin: each file is a host; left out: ._a.json, "));
    CHECK_THAT(result.err, !Contains("\x1B[31m"));
}

TEST_CASE("a name is given to one host, packed or not", "[packed]") {
    const TemporaryDirectory dir;
    const std::string host = nameless_document(amd_host("a"));
    const std::string one = dir.write("one.tar.gz", tar_of({{"a.json", host}}, Packing::gzip));
    CHECK_THAT(run({"hosts", "b=" + one}).out, Contains("\"b\""));
    const std::string two = dir.write("two.tar", tar_of({{"a.json", host}, {"c.json", host}}));
    const Result result = run({"hosts", "b=" + two});
    CHECK(result.status == 3);
    CHECK_THAT(result.err, Contains("expected one host, since it is given the name \"b\", found 2"));
}

TEST_CASE("a file of an archive, as of a directory, is one host", "[packed]") {
    const std::string stream = document_line(amd_host("a")) + "\n" + document_line(amd_host("b")) + "\n";
    const Result result = run({"hosts", "-"}, {.input = tar_of({{"pool.ndjson", stream}})});
    CHECK(result.status == 3);
    CHECK_THAT(result.err,
               Contains("stdin:pool.ndjson: expected one host, as each file of an archive is one, found 2"));
}

TEST_CASE("a bomb is refused", "[packed]") {
    const TemporaryDirectory dir;
    const std::string zeros(limits::dump_bytes + 70000, '\0');
    const std::string bomb = dir.write("bomb.gz", packed(Packing::gzip, zeros));
    const Result result = run({"hosts", bomb});
    CHECK(result.status == 3);
    CHECK_THAT(result.err,
               Contains("bomb.gz: expected one document of at most 67108864 bytes when unpacked, found more"));
    const Result of_tar = run({"hosts", "-"}, {.input = tar_of({{"bomb", zeros}}, Packing::zstd)});
    CHECK(of_tar.status == 3);
    CHECK_THAT(of_tar.err, Contains("stdin:bomb: expected a dump of at most 67108864 bytes, found more"));
}

}  // namespace poolcpuid::test::packed_input_test
