// check: the forms of HOST, its output and its exit status, on small invented pools.

#include <algorithm>
#include <nlohmann/json.hpp>
#include <sstream>
#include <string>
#include <vector>

#include "base/sha256.hpp"
#include "tests/catch.hpp"
#include "tests/cli/support/run_program.hpp"
#include "tests/cli/support/sample_hosts.hpp"
#include "tests/cli/support/temporary_directory.hpp"
#include "tests/cli/support/validate.hpp"

namespace poolcpuid::test::check_test {

using Catch::Contains;
using Json = nlohmann::json;

namespace {

HostDump weak(const std::string& name) { return with_bit(amd_host(name), leaf_7, Register::ebx, avx2_bit, false); }

HostDump relaxed(const std::string& name) {
    return with_bit(amd_host(name), leaf_8000_0021, Register::eax, fs_gs_base_ns_bit, true);
}

// With or without ERMS, which a guest may lose: REP MOVSB goes on to work.
constexpr unsigned erms_bit = 9;
HostDump with_erms(const std::string& name, bool there) {
    return with_bit(amd_host(name), leaf_7, Register::ebx, erms_bit, there);
}

// A host of whose leaf 7 the dump knows nothing.
HostDump silent(const std::string& name) {
    HostDump host = amd_host(name);
    CpuidTable& table = host.hardware->cpus.front().cpuid;
    std::erase_if(table.rows, [](const CpuidRow& row) { return row.key == leaf_7; });
    table.unknown.push_back({leaf_7.leaf, leaf_7.subleaf});
    return host;
}

// A directory with the policy of amd_host, and hosts that keep it, lose AVX2, and relax FS_BASE.
struct Pool {
    TemporaryDirectory dir;
    std::string good = dir.write("good.json", document(amd_host("good")));
    std::string lost = dir.write("lost.json", document(weak("lost")));
    std::string not_told = dir.write("not_told.json", document(relaxed("not-told")));
    std::string policy = policy_of({good}, "policy.json");

    std::string policy_of(const std::vector<std::string>& hosts, const std::string& file,
                          const std::string& pool = "blue") const {
        std::vector<std::string> arguments{"merge", "--pool", pool, "-o", dir.file(file)};
        arguments.insert(arguments.end(), hosts.begin(), hosts.end());
        REQUIRE(run(arguments).status == 0);
        return dir.file(file);
    }

    Result check(std::vector<std::string> arguments, const Surroundings& surroundings = {}) const {
        arguments.insert(arguments.begin(), {"check", policy});
        return run(arguments, surroundings);
    }
};

// "good yes, lost no (avx2)": each verdict of a document, what it said when there is none.
std::string verdicts(const Result& result) {
    const Json document = Json::parse(result.out, nullptr, false);
    if (document.is_discarded()) return result.text();
    std::string text;
    for (const Json& host : document.at("hosts")) {
        text += (text.empty() ? "" : ", ") + host.at("name").get<std::string>() +
                (host.at("compatible").get<bool>() ? " yes" : " no");
        for (const Json& violation : host.at("violations")) {
            text += " (" + violation.at("field").get<std::string>() + ")";
        }
    }
    return text;
}

std::size_t count_of(const std::string& text, const std::string& part) {
    std::size_t count = 0;
    for (std::size_t at = text.find(part); at != std::string::npos; at = text.find(part, at + 1)) ++count;
    return count;
}

}  // namespace

TEST_CASE("exit status 0 when every host may run the VM, 1 when one must not", "[check]") {
    const Pool pool;
    CHECK(pool.check({pool.good}).status == 0);
    CHECK(pool.check({pool.lost}).status == 1);
    CHECK(pool.check({pool.not_told}).status == 1);
    CHECK(pool.check({pool.good, pool.lost}).status == 1);
    CHECK(verdicts(pool.check({pool.good, pool.lost, pool.not_told})) ==
          "good yes, lost no (avx2), not-told no (fs_gs_base_ns)");
}

TEST_CASE("stdout is JSON, or text on a terminal, and nothing else", "[check]") {
    const Pool pool;
    const Result piped = pool.check({pool.good});
    CHECK(Json::parse(piped.out).at("schema") == "poolcpuid/check/v1");
    CHECK(piped.err.empty());
    CHECK_THAT(pool.check({pool.good}, {.terminal = true}).out, Contains("A VM of blue (AuthenticAMD) may run on"));
    CHECK(Json::accept(pool.check({pool.good, "--format", "json"}, {.terminal = true}).out));
    const Result text = pool.check({pool.good, pool.lost, "--format", "text"});
    CHECK(text.status == 1);
    CHECK_THAT(text.out, Contains("may run on 1 of 2 hosts") && Contains("lost: must not run it") && Contains("avx2"));
    CHECK_THAT(text.out, !Contains("\033"));
    CHECK(text.err.empty());
}

TEST_CASE("the text says which way a promise is broken, and what the VMM must show", "[check]") {
    const Pool pool;
    const std::string both = pool.policy_of({pool.good, pool.not_told}, "both.json");
    const std::string lost = pool.check({pool.lost, "--format", "text"}).out;
    CHECK_THAT(lost, Contains("Promised, and not there") && !Contains("There, and not told"));
    const std::string not_told = pool.check({pool.not_told, "--format", "text"}).out;
    CHECK_THAT(not_told, Contains("There, and not told") && !Contains("Promised, and not there"));
    const std::string told = run({"check", both, pool.good, "--format", "text"}).out;
    CHECK_THAT(told, Contains("good: may run it") && Contains("The VMM there must be told to show:") &&
                         Contains("fs_gs_base_ns"));
}

TEST_CASE("no line of the text is longer than 80 columns", "[check]") {
    const Pool pool;
    const std::string poor =
        pool.dir.write("poor.json", document(with_register(with_register(relaxed("poor"), {0x1, 0x0}, Register::ecx, 0),
                                                           {0x80000008, 0x0}, Register::eax, 0x3024)));
    const std::string long_name = std::string(200, 'n') + "=" + pool.lost;
    for (const std::string& policy : {pool.policy, pool.policy_of({pool.good}, "long.json", std::string(100, 'p'))}) {
        const Result result = run({"check", policy, pool.good, poor, long_name, "--format", "text"});
        INFO(result.text());
        REQUIRE(result.status == 1);
        std::istringstream lines(result.out);
        for (std::string line; std::getline(lines, line);) {
            const std::size_t first = line.find_first_not_of(' ');
            const bool one_word = first != std::string::npos && line.find(' ', first) == std::string::npos;
            CAPTURE(line);
            CHECK((line.size() <= 80 || one_word));
        }
    }
}

TEST_CASE("hosts with one verdict are one entry of the text, and each its own in the document", "[check]") {
    const Pool pool;
    std::vector<std::string> arguments{pool.good};
    for (int i = 10; i < 60; ++i) arguments.push_back("node-" + std::to_string(i) + "=" + pool.lost);
    const Result json = pool.check(arguments);
    CHECK(Json::parse(json.out).at("hosts").size() == 51);
    arguments.insert(arguments.end(), {"--format", "text"});
    const Result text = pool.check(arguments);
    CHECK_THAT(text.out, Contains("may run on 1 of 51 hosts"));
    CHECK(count_of(text.out, "node-10 and 49 more") == 2);  // in the table and above the details
    CHECK_THAT(text.out, !Contains("node-11"));
}

TEST_CASE("-o writes the JSON to a file and the text to stderr, and leaves stdout empty", "[check]") {
    const Pool pool;
    const Result result = pool.check({pool.good, pool.lost, "-o", pool.dir.file("verdict.json")});
    CHECK(result.status == 1);
    CHECK(result.out.empty());
    CHECK(result.err == pool.check({pool.good, pool.lost, "--format", "text"}).out);
    CHECK(pool.dir.read("verdict.json") == pool.check({pool.good, pool.lost}).out);
    CHECK(pool.check({pool.good, "-o", "/dev/full"}).status == 5);
    CHECK(pool.check({pool.good}, {.output = "/dev/full"}).status == 5);
}

TEST_CASE("--unknown=warn lets a VM run where a dump does not say", "[check]") {
    const Pool pool;
    const std::string host = pool.dir.write("silent.json", document(silent("silent")));
    const Result failed = pool.check({host});
    CHECK(failed.status == 1);
    CHECK_THAT(verdicts(failed), Contains("silent no") && Contains("(avx2)"));
    CHECK(pool.check({host, "--unknown", "fail"}).out == failed.out);
    const Result warned = pool.check({host, "--unknown=warn"});
    CHECK(warned.status == 0);
    CHECK_THAT(verdicts(warned), Contains("silent yes") && Contains("(avx2)"));
    CHECK(pool.check({host, pool.lost, "--unknown=warn"}).status == 1);
    CHECK_THAT(pool.check({host, "--unknown=warn", "--format", "text"}).out,
               Contains("silent: may run it") && Contains("Not known to be kept"));
}

TEST_CASE("where only speed is lost a VM may run degraded, and --strict makes that a failure", "[check]") {
    const Pool pool;
    const std::string fast = pool.policy_of({pool.dir.write("fast.json", document(with_erms("fast", true)))}, "fast");
    const std::string slow = pool.dir.write("slow.json", document(with_erms("slow", false)));
    const Result json = run({"check", fast, slow});
    CHECK(json.status == 0);
    CHECK(verdicts(json) == "slow yes (erms)");
    CHECK(Json::parse(json.out).at("hosts").at(0).at("outcome") == "runs-degraded");
    CHECK(Json::parse(json.out).at("strict") == false);
    const Result strict = run({"check", fast, slow, "--strict"});
    CHECK(strict.status == 1);
    CHECK(verdicts(strict) == "slow no (erms)");
    CHECK(Json::parse(strict.out).at("hosts").at(0).at("outcome") == "runs-degraded");
    CHECK(Json::parse(strict.out).at("compatible") == false);
    const Result text = run({"check", fast, slow, pool.lost, "--format", "text"});
    CHECK(text.status == 1);  // for the lost AVX2
    CHECK_THAT(text.out, Contains("may run on 1 of 2 hosts, degraded on 1") && Contains("slow: may run it, degraded") &&
                             Contains("lost: must not run it") &&
                             Contains("Promised, and not there (performance): erms"));
    CHECK(run({"check", fast, slow, "--format", "text"}).status == 0);
}

TEST_CASE("a policy in a host's place stands for its pool", "[check]") {
    const Pool pool;
    const std::string green = pool.policy_of({pool.lost}, "green.json", "green");
    const Result result = pool.check({green, pool.good});
    CHECK(result.status == 1);
    CHECK(verdicts(result) == "good yes, green no (avx2)");
    const Json document = Json::parse(result.out);
    CHECK(document.at("hosts").at(1).at("kind") == "policy");
    CHECK(document.at("hosts").at(1).at("sha256") == sha256_hex(pool.dir.read("green.json")));
    CHECK(run({"check", green, pool.policy}).status == 0);
    CHECK(verdicts(pool.check({"named=" + green})) == "named no (avx2)");
    CHECK_THAT(pool.check({green, "--format", "text"}).out, Contains("pool green"));
    // A host may be called as a pool is.
    CHECK(Json::parse(pool.check({green, "green=" + pool.good}).out).at("hosts").size() == 2);
}

TEST_CASE("a host is a file, NAME=FILE, a directory, or standard input", "[check]") {
    const Pool pool;
    CHECK(verdicts(pool.check({"mine=" + pool.lost})) == "mine no (avx2)");
    pool.dir.write("hosts/b.json", nameless_document(weak("x")));
    pool.dir.write("hosts/a.txt", nameless_document(amd_host("x")));
    pool.dir.write("hosts/.hidden", "not a dump");
    CHECK(verdicts(pool.check({pool.dir.file("hosts")})) == "a yes, b no (avx2)");
    const std::string lines = document_line(amd_host("one")) + document_line(weak("two"));
    CHECK(verdicts(pool.check({"-"}, {.input = lines})) == "one yes, two no (avx2)");
    CHECK(verdicts(run({"check", "-", pool.lost}, {.input = bytes_of(pool.policy)})) == "lost no (avx2)");
    CHECK(run({"check", "-", "-"}, {.input = bytes_of(pool.policy)}).status == 3);
}

TEST_CASE("the order of the arguments changes no byte", "[check][long]") {
    const Pool pool;
    std::vector<std::string> files{pool.good, pool.lost, pool.not_told, "a=" + pool.lost, "good=" + pool.policy};
    std::sort(files.begin(), files.end());
    const Result first = pool.check(files);
    REQUIRE(first.status == 1);
    auto with_text = files;
    with_text.insert(with_text.end(), {"--format", "text"});
    const std::string text = pool.check(with_text).out;
    for (int i = 0; i < 12; ++i) {
        std::next_permutation(files.begin(), files.end());
        std::rotate(files.begin(), files.begin() + 2, files.end());
        CHECK(pool.check(files).out == first.out);
        std::copy(files.begin(), files.end(), with_text.begin());
        CHECK(pool.check(with_text).out == text);
    }
}

TEST_CASE("every bad input is reported and nothing is written", "[check]") {
    const Pool pool;
    pool.dir.write("hosts/empty.json", "");
    pool.dir.write("hosts/fine.json", document(amd_host("fine")));
    const std::string half = pool.dir.write("half.json", document(amd_host("half")).substr(0, 400));
    const Result result = pool.check(
        {pool.good, pool.dir.file("missing"), pool.dir.file("hosts"), half, "-", "-o", pool.dir.file("verdict.json")},
        {.input = "nonsense"});
    INFO(result.text());
    CHECK(result.status == 3);
    CHECK(result.out.empty());
    CHECK_FALSE(pool.dir.has("verdict.json"));
    CHECK_THAT(result.err, Contains("missing: expected a readable file, found No such file or directory"));
    CHECK_THAT(result.err, Contains("empty.json") && Contains("half.json:") && Contains("stdin"));
    CHECK_THAT(result.err, !Contains("fine"));
}

TEST_CASE("--skip-unreadable checks the rest, and says what it left out", "[check]") {
    const Pool pool;
    const std::string half = pool.dir.write("half.json", document(amd_host("half")).substr(0, 400));
    const Result result = pool.check({pool.good, half, pool.dir.file("missing"), "--skip-unreadable"});
    CHECK(result.status == 0);
    CHECK(verdicts(result) == "good yes");
    CHECK_THAT(result.err, Contains("half.json") && Contains("missing"));
    CHECK(pool.check({pool.lost, half, "--skip-unreadable"}).status == 1);
    const Result nothing = pool.check({half, "--skip-unreadable"});
    CHECK(nothing.status == 3);
    CHECK(nothing.out.empty());
}

TEST_CASE("one name and one content is one verdict, one name and two contents an error", "[check]") {
    const Pool pool;
    CHECK(verdicts(pool.check({pool.good, pool.good, "good=" + pool.good})) == "good yes");
    const Result result = pool.check({"n=" + pool.good, "n=" + pool.lost});
    CHECK(result.status == 3);
    CHECK(result.out.empty());
    CHECK_THAT(result.err, Contains("n: expected one host of this name, found two with different content"));
    CHECK(pool.check({"n=" + pool.policy, "n=" + pool.policy_of({pool.lost}, "green.json")}).status == 3);
}

TEST_CASE("one name and two contents are the same verdict in either order, skipped or not", "[check]") {
    const Pool pool;
    const Result one = pool.check({"n=" + pool.good, "n=" + pool.lost, "--skip-unreadable"});
    const Result other = pool.check({"n=" + pool.lost, "n=" + pool.good, "--skip-unreadable"});
    CHECK(one.status == other.status);
    CHECK(one.out == other.out);
}

TEST_CASE("a policy that is malformed, or none, is exit status 3", "[check]") {
    const Pool pool;
    Json document = Json::parse(bytes_of(pool.policy));
    document["cpuid"][0]["eax"] = "0xzz";
    const std::vector<std::string> bad{pool.dir.write("bad.json", document.dump()), pool.dir.write("empty.json", ""),
                                       pool.good, pool.dir.file("missing"), pool.dir.path()};
    for (const std::string& policy : bad) {
        const Result result = run({"check", policy, pool.good});
        INFO(result.text());
        CHECK(result.status == 3);
        CHECK(result.out.empty());
        CHECK_THAT(result.err, Contains(policy) && Contains("expected"));
    }
    CHECK(pool.check({pool.dir.file("bad.json")}).status == 3);
}

TEST_CASE("a check without policy, host or a known word is exit status 2", "[check]") {
    const Pool pool;
    CHECK(run({"check"}).status == 2);
    CHECK(pool.check({}).status == 2);
    CHECK(pool.check({pool.good, "--unknown", "maybe"}).status == 2);
    CHECK(pool.check({pool.good, "--format", "xml"}).status == 2);
    CHECK(pool.check({pool.good, "--identity", "good"}).status == 2);
}

TEST_CASE("a policy of another rulebook is checked with a warning", "[check]") {
    const Pool pool;
    Json document = Json::parse(bytes_of(pool.policy));
    document["rulebook"] = {{"version", "1999.01"}, {"sha256", std::string(64, '0')}};
    const Result result = run({"check", pool.dir.write("old.json", document.dump()), pool.good});
    CHECK(result.status == 0);
    CHECK(verdicts(result) == "good yes");
    CHECK_THAT(result.err, Contains("warning") && Contains("another rulebook") && Contains("1999.01"));
    CHECK(pool.check({pool.good}).err.empty());
    CHECK(Json::parse(result.out).at("rulebook").at("version") != "1999.01");
}

TEST_CASE("--rulebook checks by another rulebook", "[check]") {
    const Pool pool;
    const Result same = pool.check({pool.lost, "--rulebook", POOLCPUID_SOURCE_DIR "/policy"});
    CHECK(same.status == 1);
    CHECK(same.out == pool.check({pool.lost}).out);
    CHECK(pool.check({pool.lost, "--rulebook", pool.dir.path()}).status == 3);
}

TEST_CASE("names with markup come out as they are, names with control characters are refused", "[check]") {
    const Pool pool;
    const std::string markup = "<b>&amp; '$(id)' \\ \"%s\" {}";
    CHECK(verdicts(pool.check({markup + "=" + pool.lost})) == markup + " no (avx2)");
    CHECK_THAT(pool.check({markup + "=" + pool.lost, "--format", "text"}).out, Contains(markup));
    for (const char* bad : {"\x1b[31m", "a\nb", "\xE2\x80\xAE", "\xff"}) {
        const Result refused = pool.check({bad + ("=" + pool.lost)});
        CHECK(refused.status == 3);
        CHECK(refused.out.empty());
        CHECK_THAT(refused.err, !Contains("\x1b") && !Contains("\xE2\x80\xAE") && !Contains("\xff"));
    }
}

TEST_CASE("a vendor string with control characters or no UTF-8 neither stops the program nor reaches a terminal",
          "[check]") {
    const Pool pool;
    for (const std::uint32_t ebx : {0x31345B1BU, 0xFFFFFFFFU, 0xAE80E241U}) {  // ESC[41, no UTF-8, bidi override
        const std::string host =
            pool.dir.write("odd.json", document(with_register(amd_host("odd"), {0x0, 0x0}, Register::ebx, ebx)));
        const Result json = pool.check({host});
        CAPTURE(ebx, json.status, json.err);
        CHECK(json.status == 1);
        CHECK(Json::accept(json.out));
        const Result text = pool.check({host, "--format", "text"});
        CHECK(text.status == 1);
        CHECK_THAT(text.out, !Contains("\x1b") && !Contains("\xff") && !Contains("\xE2\x80\xAE"));
    }
}

TEST_CASE("a pool's name with control characters reaches no terminal", "[check]") {
    const Pool pool;
    Json document = Json::parse(bytes_of(pool.policy));
    document["pool"] = "\x1b[31m\nred";
    const std::string odd = pool.dir.write("odd.json", document.dump());
    CHECK_THAT(run({"check", odd, pool.good, "--format", "text"}).out, !Contains("\x1b"));
    CHECK_THAT(pool.check({odd, "--format", "text"}).out, !Contains("\x1b"));
}

TEST_CASE("several policies against the same hosts are a matrix", "[check][matrix]") {
    const Pool pool;
    const std::string weak = pool.policy_of({pool.good, pool.lost}, "weak.json", "weak");
    const Result json = pool.check({"--policy", weak, pool.good, pool.lost});
    CHECK(json.status == 1);
    for (const std::string& error : schema_errors("check-matrix", json.out)) FAIL_CHECK(error);
    const Json matrix = Json::parse(json.out);
    CHECK(matrix.at("compatible") == false);
    REQUIRE(matrix.at("policies").size() == 2);
    // The rows are what check says of each policy alone.
    const Json alone = Json::parse(run({"check", weak, pool.good, pool.lost}).out);
    CHECK(matrix.at("policies").at(0).at("pool") == "blue");
    CHECK(matrix.at("policies").at(1).at("hosts") == alone.at("hosts"));
    CHECK(matrix.at("policies").at(1).at("compatible") == true);
    // In whatever order they are given.
    CHECK(run({"check", weak, "--policy", pool.policy, pool.lost, pool.good}).out == json.out);
    // What is given twice counts once. The document is that of several policies all the same: whoever reads it asked
    // for several, and cannot know what is in them.
    const std::string copy = pool.dir.write("copy.json", bytes_of(pool.policy));
    for (const std::string& same : {pool.policy, copy}) {
        const Result twice = pool.check({"--policy", same, pool.good});
        for (const std::string& error : schema_errors("check-matrix", twice.out)) FAIL_CHECK(error);
        REQUIRE(Json::parse(twice.out).at("policies").size() == 1);
        CHECK(Json::parse(twice.out).at("policies").at(0).at("pool") == "blue");
        CHECK(pool.check({"--policy", same, pool.good, "--format", "text"}).out ==
              pool.check({pool.good, "--format", "text"}).out);
    }
    CHECK(pool.check({"--policy", weak, pool.good}).status == 0);
    CHECK(pool.check({"--policy", pool.dir.write("no-policy", "x"), pool.good}).status == 3);
}

TEST_CASE("the text of a matrix has a line for hosts that are alike and a column a policy", "[check][matrix]") {
    const Pool pool;
    const std::string weak = pool.policy_of({pool.good, pool.lost}, "weak.json", "weak");
    const std::string slow = pool.dir.write("slow.json", document(with_erms("slow", false)));
    const std::string fast =
        pool.policy_of({pool.dir.write("fast.json", document(with_erms("fast", true)))}, "fast-policy.json", "fast");
    const Result text =
        pool.check({"--policy", weak, "--policy", fast, pool.good, pool.lost, slow, "--format", "text"});
    CHECK(text.status == 1);
    CHECK(text.out ==
          "3 policies, 3 hosts\n"
          "  1  blue (AuthenticAMD): may run on 2 of 3\n"
          "  2  fast (AuthenticAMD): may run on 2 of 3, degraded on 2\n"
          "  3  weak (AuthenticAMD): may run on 3 of 3\n"
          "\n"
          "host                 1     2     3\n"
          "good and 1 more    yes  yes*   yes\n"
          "lost                no    no   yes\n"
          "\n"
          "*: degraded. It gets slower there, or finds another description.\n"
          "poolcpuid check POLICY HOST says why; --format json has all of it.\n");
}

TEST_CASE("NDJSON is a document a host, for each policy", "[check][matrix]") {
    const Pool pool;
    const std::string weak = pool.policy_of({pool.good, pool.lost}, "weak.json", "weak");
    const Result result = pool.check({"--policy", weak, pool.good, pool.lost, "--format", "ndjson"});
    CHECK(result.status == 1);
    std::istringstream lines(result.out);
    std::string seen;
    for (std::string line; std::getline(lines, line);) {
        for (const std::string& error : schema_errors("check", line)) FAIL_CHECK(error);
        const Json document = Json::parse(line);
        REQUIRE(document.at("hosts").size() == 1);
        seen += document.at("pool").get<std::string>() + " " +
                document.at("hosts").at(0).at("name").get<std::string>() +
                (document.at("compatible").get<bool>() ? " yes, " : " no, ");
    }
    CHECK(seen == "blue good yes, blue lost no, weak good yes, weak lost yes, ");
}

TEST_CASE("a line of NDJSON is its host's part of the document, whatever pool and hosts are called", "[check]") {
    const Pool pool;
    const std::string odd = R"(x","hosts":[{"name":"y)";  // which is in a line, too
    const std::string policy = pool.policy_of({pool.good}, "odd.json", odd);
    std::vector<std::string> arguments{"check", policy};
    for (const std::string& name :
         {std::string("say \\\"hi\\\""), odd, std::string("\xc3\xa9t\xc3\xa9"), std::string("plain")}) {
        arguments.push_back(pool.dir.write("host-" + std::to_string(arguments.size()) + ".json",
                                           document(with_erms(name, arguments.size() % 2 == 0))));
    }
    std::vector<std::string> as_lines = arguments;
    as_lines.insert(as_lines.end(), {"--format", "ndjson"});
    const Json whole = Json::parse(run(arguments).out);
    CHECK(whole.at("pool") == odd);
    std::istringstream lines(run(as_lines).out);
    std::size_t count = 0;
    for (std::string line; std::getline(lines, line); ++count) {
        Json one = Json::parse(line);
        Json expected = whole;
        expected["hosts"] = Json::array({whole.at("hosts").at(count)});
        expected["compatible"] = whole.at("hosts").at(count).at("compatible");
        CHECK(one == expected);
    }
    CHECK(count == 4);
}

TEST_CASE("many hosts on which the same is found are told with their CPUs", "[check]") {
    const Pool pool;
    std::string lines;
    for (int i = 1; i <= 9; ++i) lines += document_line(weak("weak-" + std::to_string(i))) + "\n";
    const std::string hosts = pool.dir.write("weak.ndjson", lines);
    const std::string text = run({"check", pool.policy, hosts, "--format", "text"}).out;
    INFO(text);
    CHECK_THAT(text,
               Contains("weak-1 and 8 more (Milan ×9)  ") && Contains("weak-1 and 8 more (Milan ×9): must not run it"));
    const std::string other = pool.policy_of({pool.lost}, "other.json", "other");
    CHECK_THAT(run({"check", pool.policy, "--policy", other, hosts, "--format", "text"}).out,
               Contains("weak-1 and 8 more (Milan ×9)  "));
    CHECK_THAT(run({"check", pool.policy, pool.lost, pool.not_told, "--format", "text"}).out, !Contains("×"));
}

}  // namespace poolcpuid::test::check_test
