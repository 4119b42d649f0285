// merge: the forms of HOST, the names of hosts, and inputs that cannot be read (docs/design.md, "Hosts").

#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "base/sha256.hpp"
#include "tests/catch.hpp"
#include "tests/cli/support/run_program.hpp"
#include "tests/cli/support/sample_hosts.hpp"
#include "tests/cli/support/temporary_directory.hpp"

namespace poolcpuid::test::merge_hosts_test {

using Catch::Contains;

namespace {

// The names in the policy that a merge prints, each followed by a blank; what it said when it failed.
std::string names_of(const Result& result) {
    if (result.status != 0) return result.text();
    std::string names;
    const nlohmann::json policy = nlohmann::json::parse(result.out);
    for (const auto& host : policy.at("hosts")) {
        for (const auto& name : host.at("names")) names += name.get<std::string>() + " ";
    }
    return names;
}

// The digest of a host document (docs/design.md).
std::string content_digest(const std::string& text) {
    nlohmann::json content = nlohmann::json::parse(text);
    content.erase("name");
    return sha256_hex(content.dump());
}

HostDump weaker(const std::string& name) { return with_bit(amd_host(name), leaf_7, Register::ebx, avx2_bit, false); }

}  // namespace

TEST_CASE("a host is a file, whatever the file is called", "[merge][hosts]") {
    const TemporaryDirectory dir;
    for (const char* file : {"a.json", "b.txt", "c", "d.tar.gz", "with blank", "a%sb"}) {
        INFO(file);
        CHECK(names_of(run({"merge", dir.write(file, document(amd_host("node-1")))})) == "node-1 ");
    }
}

TEST_CASE("a host's name is the document's, else the file's without its extension", "[merge][hosts]") {
    const TemporaryDirectory dir;
    CHECK(names_of(run({"merge", dir.write("rack.json", document(amd_host("node-1")))})) == "node-1 ");
    CHECK(names_of(run({"merge", dir.write("rack.json", nameless_document(amd_host("x")))})) == "rack ");
    CHECK(names_of(run({"merge", dir.write("deep/er/rack-7", nameless_document(amd_host("x")))})) == "rack-7 ");
    CHECK(names_of(run({"merge", dir.write("rack.a.b", nameless_document(amd_host("x")))})) == "rack.a ");
}

TEST_CASE("NAME=FILE beats the document's own name", "[merge][hosts]") {
    const TemporaryDirectory dir;
    const std::string file = dir.write("rack.json", document(amd_host("node-1")));
    CHECK(names_of(run({"merge", "mine=" + file})) == "mine ");
    CHECK(names_of(run({"merge", "Knoten 1=" + file})) == "Knoten 1 ");
    CHECK(names_of(run({"merge", "a=" + file, "b=" + file})) == "a b ");
    dir.write("x=y.json", document(amd_host("node-2")));
    CHECK(names_of(run({"merge", "mine=x=y.json"}, {.directory = dir.path()})) == "mine ");
}

TEST_CASE("NAME=FILE beats a file's name that can name no host", "[merge][hosts]") {
    const TemporaryDirectory dir;
    for (const char* odd : {"new\nline.txt", "bad\xff.txt", "\xe2\x80\xaeodd.txt"}) {
        const std::string file = dir.write(odd, nameless_document(amd_host("x")));
        CAPTURE(file);
        CHECK(names_of(run({"merge", "mine.a=" + file})) == "mine.a ");
        CHECK(names_of(run({"merge", "--files0-from", "-"}, {.input = "mine=" + file + '\0'})) == "mine ");
        for (const char* verb : {"hosts", "convert"}) CHECK_THAT(run({verb, "mine=" + file}).out, Contains("\"mine\""));
    }
    CHECK(run({"merge", dir.file("new\nline.txt")}).status == 3);
    CHECK(run({"merge", "bad\xff=" + dir.file("new\nline.txt")}).status == 3);
}

TEST_CASE("an = is part of the path after a /, and where the file is there, with a warning", "[merge][hosts]") {
    const TemporaryDirectory dir;
    dir.write("a=b", document(amd_host("node-1")));
    CHECK(names_of(run({"merge", "./a=b"}, {.directory = dir.path()})) == "node-1 ");
    CHECK(names_of(run({"merge", dir.file("a=b")})) == "node-1 ");
    const Result result = run({"merge", "a=b"}, {.directory = dir.path()});
    CHECK(names_of(result) == "node-1 ");
    CHECK_THAT(result.err, Contains("a=b is the name of a file") && Contains("not as NAME="));
    const Result absent = run({"merge", "a=c"}, {.directory = dir.path()});
    CHECK(absent.status == 3);
    CHECK_THAT(absent.err, Contains("c: expected a readable file"));
}

TEST_CASE("a name is 1 to 255 bytes of UTF-8 without control or bidi characters", "[merge][hosts]") {
    const TemporaryDirectory dir;
    const std::string file = dir.write("rack.json", document(amd_host("node-1")));
    CHECK(names_of(run({"merge", std::string(255, 'n') + "=" + file})) == std::string(255, 'n') + " ");
    CHECK(names_of(run({"merge", "Z\xC3\xBCrich=" + file})) == "Z\xC3\xBCrich ");
    const std::vector<std::string> bad{"",
                                       std::string(256, 'n'),
                                       "a\nb",
                                       "a\x7f",
                                       "a\xff",
                                       "a\xE2\x80\xAE"
                                       "b",
                                       "\x1b[31m"};
    for (const std::string& name : bad) {
        const Result result = run({"merge", name + "=" + file});
        INFO(result.text());
        CHECK(result.status == 3);
        CHECK(result.out.empty());
        CHECK_THAT(result.err, Contains("rack.json") && Contains("expected") && Contains("name"));
        CHECK_THAT(result.err, !Contains("\x1b[31m") && !Contains("\xff") && !Contains("\xE2\x80\xAE"));
    }
}

TEST_CASE("a directory is its files, not the dot files or what is in directories of it", "[merge][hosts]") {
    const TemporaryDirectory dir;
    dir.write("hosts/b.json", nameless_document(amd_host("x")));
    dir.write("hosts/a.txt", nameless_document(weaker("x")));
    dir.write("hosts/.hidden.json", "not a dump");
    dir.write("hosts/.git/x.json", "not a dump");
    dir.write("hosts/sub/c.json", "not a dump");
    CHECK_THAT(names_of(run({"merge", dir.file("hosts")})), Contains("a ") && Contains("b ") && !Contains("c "));
    CHECK(names_of(run({"merge", dir.file("hosts")})).size() == 4);
    CHECK(names_of(run({"merge", dir.file("hosts/")})).size() == 4);
    CHECK(names_of(run({"merge", "."}, {.directory = dir.file("hosts")})).size() == 4);
    std::filesystem::create_symlink(dir.file("hosts/b.json"), dir.file("hosts/linked"));
    CHECK_THAT(names_of(run({"merge", dir.file("hosts")})), Contains("linked "));
}

TEST_CASE("a directory that gives no host, or a name for a directory, is refused", "[merge][hosts]") {
    const TemporaryDirectory dir;
    dir.write("empty/.hidden", "x");
    CHECK_THAT(run({"merge", dir.file("empty")}).err, Contains("expected a directory with host dumps, found no file"));
    CHECK(run({"merge", dir.file("empty")}).status == 3);
    dir.write("hosts/a.json", document(amd_host("a")));
    const Result named = run({"merge", "mine=" + dir.file("hosts")});
    CHECK(named.status == 3);
    CHECK_THAT(named.err, Contains("expected a file, since it is given the name \"mine\", found a directory"));
    dir.write("hosts/two.json", document_line(amd_host("b")) + document_line(amd_host("c")));
    const Result stream = run({"merge", dir.file("hosts")});
    CHECK(stream.status == 3);
    CHECK_THAT(stream.err, Contains("two.json: expected one host, as each file of a directory is one, found 2"));
}

TEST_CASE("- is standard input: one host, or one a line", "[merge][hosts]") {
    CHECK(names_of(run({"merge", "-"}, {.input = document(amd_host("node-1"))})) == "node-1 ");
    CHECK(names_of(run({"merge", "mine=-"}, {.input = document(amd_host("node-1"))})) == "mine ");
    CHECK(names_of(run({"merge", "-"}, {.input = nameless_document(amd_host("x"))})) == "stdin ");
    const std::string lines = document_line(amd_host("one")) + document_line(weaker("two"));
    CHECK_THAT(names_of(run({"merge", "-"}, {.input = lines})), Contains("one ") && Contains("two "));
    const Result named = run({"merge", "mine=-"}, {.input = lines});
    CHECK(named.status == 3);
    CHECK_THAT(named.err, Contains("expected one host, since it is given the name \"mine\", found 2"));
}

TEST_CASE("a stream of hosts may be a file; the digest of a line is its document's", "[merge][hosts]") {
    const TemporaryDirectory dir;
    const std::string line = document_line(amd_host("one"));
    const std::string file = dir.write("hosts.ndjson", line + document_line(weaker("two")));
    const Result result = run({"merge", file});
    CHECK_THAT(names_of(result), Contains("one ") && Contains("two "));
    CHECK_THAT(result.out, Contains("\"" + content_digest(line) + "\""));
}

TEST_CASE("the digest of a host document is that of its content, without the name, without blanks and by key",
          "[merge][hosts]") {
    const std::string text = document(amd_host("node-1"));
    const Result result = run({"merge", "-"}, {.input = text});
    CHECK_THAT(result.out, Contains("\"sha256\": \"" + content_digest(text) + "\""));
    const Result two = run({"merge", "-"}, {.input = document_line(amd_host("a")) + document_line(amd_host("b"))});
    const nlohmann::json hosts = nlohmann::json::parse(two.out).at("hosts");
    CHECK(hosts.size() == 1);
    CHECK(hosts.at(0).at("names") == nlohmann::json{"a", "b"});
}

TEST_CASE("a policy that lists the digest of a document with its name is what the host gives", "[merge][hosts]") {
    const TemporaryDirectory dir;
    const std::string text = document(amd_host("node-1"));
    const std::string file = dir.write("node-1.json", text);
    std::string old = run({"merge", file}).out;
    const std::string digest = content_digest(text);
    old.replace(old.find(digest), digest.size(), sha256_hex(nlohmann::json::parse(text).dump()));
    const std::string policy = dir.write("old.json", old);
    const std::string copy = dir.write("copy/node-1.json", nlohmann::ordered_json::parse(text).dump(8));
    for (const std::string& host : {file, copy}) {
        CHECK(run({"merge", "--expect", policy, host}).status == 0);
        CHECK(run({"plan", policy, "--hosts", host, "--add", host}).status == 0);
        CHECK(run({"explain", policy, "--hosts", host}).status == 0);
    }
}

TEST_CASE("a policy that lists the digest of a document's bytes is what the same bytes give", "[merge][hosts]") {
    const TemporaryDirectory dir;
    const std::string text = document(amd_host("node-1"));
    const std::string file = dir.write("node-1.json", text);
    std::string old = run({"merge", file}).out;
    const std::string digest = content_digest(text);
    old.replace(old.find(digest), digest.size(), sha256_hex(text));
    const std::string policy = dir.write("old.json", old);
    CHECK(run({"merge", "--expect", policy, file}).status == 0);
    CHECK(run({"plan", policy, "--hosts", file, "--add", file}).status == 0);
    CHECK(run({"explain", policy, "--hosts", file}).status == 0);
    const std::string copy = dir.write("copy/node-1.json", nlohmann::ordered_json::parse(text).dump(8));
    CHECK(run({"merge", "--expect", policy, copy}).status == 1);
}

TEST_CASE("a line that is no host is named by its number", "[merge][hosts]") {
    const std::string good = document_line(amd_host("one"));
    const Result result = run({"merge", "-"}, {.input = good + good + "{\"schema\": 1}\n"});
    CHECK(result.status == 3);
    CHECK_THAT(result.err, Contains("stdin:3: expected "));
}

TEST_CASE("one name and one content is one host, one name and two contents an error", "[merge][hosts]") {
    const TemporaryDirectory dir;
    const std::string file = dir.write("a.json", document(amd_host("node-1")));
    const std::string copy = dir.write("copy.json", document(amd_host("node-1")));
    const std::string other = dir.write("b.json", document(weaker("node-1")));
    const Result same = run({"merge", file, copy, file});
    CHECK(names_of(same) == "node-1 ");
    CHECK(nlohmann::json::parse(same.out).at("hosts").at(0).at("count") == 1);
    CHECK(same.out == run({"merge", file}).out);
    const Result different = run({"merge", file, other});
    CHECK(different.status == 3);
    CHECK(different.out.empty());
    CHECK_THAT(different.err, Contains("node-1"));
}

TEST_CASE("every bad input is reported, not just the first", "[merge][hosts]") {
    const TemporaryDirectory dir;
    const std::string good = dir.write("good.json", document(amd_host("node-1")));
    dir.write("hosts/empty.json", "");
    dir.write("hosts/half.json", document(amd_host("half")).substr(0, 400));
    dir.write("hosts/fine.json", document(amd_host("fine")));
    const std::string other = dir.write("other.json", document(weaker("node-1")));
    const Result result =
        run({"merge", good, dir.file("missing"), dir.file("hosts"), other, "-"}, {.input = "nonsense"});
    INFO(result.text());
    CHECK(result.status == 3);
    CHECK(result.out.empty());
    CHECK_THAT(result.err, Contains("missing: expected a readable file, found No such file or directory"));
    CHECK_THAT(result.err, Contains("empty.json"));
    CHECK_THAT(result.err, Contains("half.json:"));
    CHECK_THAT(result.err, Contains("stdin"));
    CHECK_THAT(result.err, Contains("node-1"));
    CHECK_THAT(result.err, !Contains("fine"));
}

TEST_CASE("--skip-unreadable leaves bad inputs out with an error finding each", "[merge][hosts]") {
    const TemporaryDirectory dir;
    const std::string good = dir.write("good.json", document(amd_host("node-1")));
    const std::string half = dir.write("half.json", document(amd_host("half")).substr(0, 400));
    const Result result = run({"merge", good, half, dir.file("missing"), "--skip-unreadable"});
    INFO(result.text());
    REQUIRE(result.status == 0);
    CHECK(names_of(result) == "node-1 ");
    CHECK_THAT(result.err, Contains("half.json:") && Contains("missing"));
    std::string skipped;
    const auto policy = nlohmann::json::parse(result.out);
    for (const auto& finding : policy.at("findings")) {
        if (finding.at("code") != "skipped-host") continue;
        CHECK(finding.at("severity") == "error");
        CHECK_THAT(finding.at("message").get<std::string>(), Contains("expected") && Contains("found"));
        skipped += finding.at("hosts").dump();
    }
    CHECK_THAT(skipped, Contains("half.json") && Contains("missing"));
    CHECK(run({"merge", good, half, "--skip-unreadable", "--fail-on", "error"}).status == 1);
}

TEST_CASE("of a stream every malformed document is reported, and left out alone", "[merge][hosts]") {
    const TemporaryDirectory dir;
    const std::string line = document_line(amd_host("one"));
    const std::string other = document_line(weaker("two"));
    const std::string bad = R"({"schema": "poolcpuid/host/v1", "name": "three"})";
    const auto stream =
        GENERATE_COPY(std::pair{line + bad + "\n" + other + "{x\n", std::string("4")},
                      std::pair{"[" + line + ",\n" + bad + ",\n" + other + ",\n" + bad + "]", std::string("6")});
    const auto& [text, last] = stream;
    CAPTURE(text.front());
    const std::string file = dir.write("hosts", text);
    const std::string second = text.front() == '[' ? "3" : "2";
    const Result refused = run({"merge", file});
    INFO(refused.text());
    CHECK(refused.status == 3);
    CHECK(refused.out.empty());
    CHECK_THAT(refused.err, Contains("hosts:" + second + ": expected"));
    CHECK_THAT(refused.err, Contains("hosts:" + last + ": expected"));
    const Result rest = run({"merge", file, "--skip-unreadable"});
    INFO(rest.text());
    REQUIRE(rest.status == 0);
    CHECK(names_of(rest) == "two one ");
    std::string skipped;
    const auto policy = nlohmann::json::parse(rest.out);
    for (const auto& finding : policy.at("findings")) {
        if (finding.at("code") == "skipped-host") skipped += finding.at("hosts").dump();
    }
    CHECK_THAT(skipped, Contains("hosts:" + second + "\""));
    CHECK_THAT(skipped, Contains("hosts:" + last + "\""));
    // By partial results it is the same.
    const std::string part = dir.file("part.json");
    REQUIRE(run({"merge", "--partial", file, "--skip-unreadable", "-o", part}).status == 0);
    CHECK(run({"merge", part, "--skip-unreadable"}).out == rest.out);
    // One of them is not the host of a name, and a file of a directory is one host.
    CHECK_THAT(run({"merge", "n=" + file, "--skip-unreadable"}).err, !Contains("hosts:" + last));
}

TEST_CASE("where a document of a stream does not end, the rest cannot be told", "[merge][hosts]") {
    const TemporaryDirectory dir;
    const std::string one = document_line(amd_host("one"));
    const std::string cut = document(amd_host("two")).substr(0, 400);
    const std::string file = dir.write("hosts", "[" + one + "," + cut + "," + one);
    CHECK(run({"merge", file}).status == 3);
    const Result result = run({"merge", file, "--skip-unreadable"});
    INFO(result.text());
    REQUIRE(result.status == 0);
    CHECK(names_of(result) == "one ");
    CHECK_THAT(result.err, Contains("left out: ") && Contains("expected a comma or the end of the array"));
}

TEST_CASE("--skip-unreadable does not make a pool of nothing", "[merge][hosts]") {
    const Result result = run({"merge", "/nowhere/at/all", "--skip-unreadable"});
    INFO(result.text());
    CHECK(result.status == 4);
    CHECK(result.out.empty());
}

TEST_CASE("--skip-unreadable survives a file whose name is no UTF-8", "[merge][hosts]") {
    const TemporaryDirectory dir;
    const std::string good = dir.write("good.json", document(amd_host("node-1")));
    const std::string odd = dir.write("odd\xff.json", "nonsense");
    const Result result = run({"merge", good, odd, "--skip-unreadable"});
    INFO(result.text());
    CHECK(result.status == 0);
    CHECK(names_of(result) == "node-1 ");
}

TEST_CASE("hosts of one content are one class", "[merge][hosts]") {
    const TemporaryDirectory dir;
    const std::string file = dir.write("a.json", document(amd_host("a")));
    CHECK_THAT(run({"merge", file, "b=" + file, "--format", "text"}).out,
               Contains("2 hosts in 1 class of equal content, "));
}

}  // namespace poolcpuid::test::merge_hosts_test
