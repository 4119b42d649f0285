// merge --partial: any tree of partial results says what one merge says, and what is refused.

#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "tests/catch.hpp"
#include "tests/cli/support/run_program.hpp"
#include "tests/cli/support/sample_hosts.hpp"
#include "tests/cli/support/temporary_directory.hpp"
#include "tests/cli/support/validate.hpp"

namespace poolcpuid::test::partial_result_test {

using Catch::Contains;
using Json = nlohmann::ordered_json;
using Arguments = std::vector<std::string>;

namespace {

const std::string cpuinfo = POOLCPUID_SOURCE_DIR "/examples/formats/cpuinfo.txt";

HostDump weaker(const std::string& name) { return with_bit(amd_host(name), leaf_7, Register::ebx, avx2_bit, false); }

Arguments operator+(Arguments all, const Arguments& more) {
    all.insert(all.end(), more.begin(), more.end());
    return all;
}

// A pool in the current directory of its runs: paths in messages are the same for one merge and for a tree.
class Pool {
public:
    explicit Pool(Arguments options = {}) : reading_(std::move(options)) {}

    std::string add(const std::string& name, const std::string& bytes) {
        dir_.write(name, bytes);
        files_.push_back(name);
        return name;
    }

    Result here(const Arguments& arguments) const { return run(arguments, {.directory = dir_.path()}); }

    // A partial result of these files, by the name of its file.
    std::string part(const std::string& name, const Arguments& files) const {
        const Result result = here(Arguments{"merge", "--partial"} + reading_ + files + Arguments{"-o", name});
        INFO(result.text());
        CHECK(result.status == 0);
        return name;
    }

    // One merge of all, and one of a tree with two levels, with these options.
    void compare(const Arguments& options) const {
        const Result whole = here(Arguments{"merge"} + reading_ + options + files_);
        const std::size_t half = files_.size() / 2;
        const auto middle = files_.begin() + static_cast<std::ptrdiff_t>(half);
        const std::string first = part("first.part", {files_.begin(), middle});
        const std::string second = part("second.part", {middle, files_.end()});
        const std::string root = part("root.part", {second, first});
        const std::string mixed = part("mixed.part", Arguments{first} + Arguments{middle, files_.end()});
        for (const Arguments& tree : {Arguments{first, second}, Arguments{root}, Arguments{mixed, root},
                                      Arguments{second} + Arguments{files_.begin(), middle}}) {
            const Result parts = here(Arguments{"merge"} + reading_ + options + tree);
            INFO(whole.text() << parts.text());
            CHECK(parts.status == whole.status);
            CHECK(parts.out == whole.out);
            if (reading_.empty()) CHECK(parts.err == whole.err);
        }
        CHECK(dir_.read("root.part") == dir_.read("mixed.part"));
        for (const std::string& error : schema_errors("partial", dir_.read("root.part"))) FAIL_CHECK(error);
    }

    const TemporaryDirectory& directory() const { return dir_; }
    const Arguments& files() const { return files_; }

private:
    TemporaryDirectory dir_;
    Arguments reading_;
    Arguments files_;
};

// Four of one content and one that lacks AVX2 and is of another microcode.
void fill(Pool& pool) {
    pool.add("a.json", nameless_document(amd_host("")));
    pool.add("b.json", nameless_document(amd_host("")));
    pool.add("c.json", document(amd_host("node-c")));
    HostDump odd = weaker("odd");
    odd.meta["microcode"] = "0xa0011d1";
    odd.meta["kernel"] = "6.1.0";
    pool.add("odd.json", document(odd));
    pool.add("d.json", document_line(amd_host("d")));
}

}  // namespace

TEST_CASE("a tree of partial results gives the policy of one merge", "[merge][partial]") {
    Pool pool;
    fill(pool);
    for (const Arguments& options : {Arguments{}, Arguments{"--format", "text"}, Arguments{"--lean"},
                                     Arguments{"--pool", "p", "--ceiling", "x86-64-v2"}, Arguments{"--identity", "odd"},
                                     Arguments{"--identity", "nobody"}, Arguments{"--hide", "avx2", "--show", "nested"},
                                     Arguments{"--set", "avx2=1"}, Arguments{"--fail-on", "error"}}) {
        pool.compare(options);
    }
}

TEST_CASE("--list-hosts, --floor and --expect are of all hosts behind the parts", "[merge][partial]") {
    Pool pool;
    fill(pool);
    REQUIRE(pool.here(Arguments{"merge", "-o", "pool.json", "--list-hosts", "whole.txt"} + pool.files()).status == 0);
    pool.compare({"--expect", "pool.json"});
    REQUIRE(pool.here({"merge", "a.json", "-o", "strong.json"}).status == 0);
    pool.compare({"--floor", "strong.json"});
    pool.compare({"--expect", "strong.json"});
    const std::string part = pool.part("all.part", pool.files());
    REQUIRE(pool.here({"merge", part, "-o", "again.json", "--list-hosts", "parts.txt"}).status == 0);
    CHECK(pool.directory().read("parts.txt") == pool.directory().read("whole.txt"));
    CHECK(pool.directory().read("again.json") == pool.directory().read("pool.json"));
}

TEST_CASE("hosts that are left out, and names with two contents, are told as by one merge", "[merge][partial]") {
    Pool pool({"--skip-unreadable"});
    fill(pool);
    pool.add("bad.txt", "no dump");
    pool.add("x/d.json", document(weaker("d")));
    pool.add("x/bad\nname.txt", "no dump");
    pool.add("x/odd.json", document(amd_host("odd")));
    pool.add("cpuinfo.txt", bytes_of(cpuinfo));
    pool.compare({});
    pool.compare({"--notes", "--format", "text"});
    const Result result = pool.here(Arguments{"merge", "--skip-unreadable"} + pool.files());
    CHECK_THAT(result.out, Contains("skipped-host") && Contains("two with different content") && Contains("bad.txt") &&
                               Contains("names or words of features alone"));
}

TEST_CASE("partial hosts in partial results", "[merge][partial]") {
    Pool pool({"--allow-partial"});
    pool.add("cpuinfo.txt", bytes_of(cpuinfo));
    pool.add("milan.txt", bytes_of(POOLCPUID_SOURCE_DIR "/examples/amd-zen/hosts/milan-1.txt"));
    pool.add("rome.json", bytes_of(POOLCPUID_SOURCE_DIR "/examples/amd-zen/hosts/rome-1.json"));
    pool.compare({});
    const Result refused = pool.here({"merge", "--partial", "cpuinfo.txt"});
    CHECK(refused.status == 3);
    CHECK_THAT(refused.err, Contains("cpuinfo: expected the registers of a host (or --allow-partial)"));
    CHECK(refused.out.empty());
}

TEST_CASE("a host that is a virtual machine is told of once, in whatever form and by whatever tree",
          "[merge][partial]") {
    Pool pool;
    HostDump guest = amd_host("guest");
    for (CpuidRow& row : guest.hardware->cpus.front().cpuid.rows) {
        if (row.key == signature_key) row.value.ecx |= 1U << 31U;
    }
    pool.add("a.json", document(amd_host("a")));
    pool.add("guest.json", document(guest));
    pool.add("other.txt", pool.here({"convert", "--to", "cpuid-r", "guest.json"}).out);
    pool.compare({});
    std::size_t found = 0;
    const Json policy = Json::parse(pool.here(Arguments{"merge"} + pool.files()).out);
    for (const Json& finding : policy.at("findings")) {
        if (finding.at("code") != "virtual-machine") continue;
        ++found;
        CHECK(finding.at("hosts") == Json({"guest", "other"}));
    }
    CHECK(found == 1);
}

TEST_CASE("mixed vendors are told of all hosts by the last merge", "[merge][partial]") {
    Pool pool;
    fill(pool);
    pool.add("intel.json", document(intel_host("intel")));
    pool.compare({});
    const Result result = pool.here({"merge", pool.part("all.part", pool.files()), "a.json"});
    CHECK(result.status == 4);
    CHECK_THAT(result.err, Contains("mixed vendors: 5 AuthenticAMD (Milan ×5), 1 GenuineIntel"));
}

TEST_CASE("the same name with another content in another part is an error", "[merge][partial]") {
    Pool pool;
    pool.add("a.json", document(amd_host("n")));
    pool.add("b.json", document(weaker("n")));
    const std::string a = pool.part("a.part", {"a.json"});
    const std::string b = pool.part("b.part", {"b.json"});
    for (const Arguments& run : {Arguments{"merge", a, b}, Arguments{"merge", a, "b.json"},
                                 Arguments{"merge", "--partial", a, b}, Arguments{"merge", "--partial", a, "b.json"}}) {
        const Result result = pool.here(run);
        INFO(result.text());
        CHECK(result.status == 3);
        CHECK(result.out.empty());
        CHECK_THAT(result.err, Contains("n: expected one host of this name, found two with different content"));
    }
}

TEST_CASE("a partial result is taken from wherever a host is", "[merge][partial]") {
    Pool pool;
    fill(pool);
    const std::string whole = pool.here(Arguments{"merge"} + pool.files()).out;
    pool.directory().write("p/.made", "");
    pool.part("p/1.part", {"a.json", "b.json"});
    pool.part("p/2.part", {"c.json", "odd.json"});
    pool.part("p/3.part", {"d.json"});
    CHECK(pool.here({"merge", "p"}).out == whole);
    const TemporaryDirectory& dir = pool.directory();
    const auto from_stdin = [&](const std::string& input) { return run({"merge", "-"}, {.input = input}).out; };
    const std::string one = dir.read("p/1.part");
    const std::string two = dir.read("p/2.part");
    const std::string three = dir.read("p/3.part");
    CHECK(from_stdin(one + two + three) == whole);
    const auto line = [](const std::string& part) { return Json::parse(part).dump() + "\n"; };
    CHECK(from_stdin(line(one) + line(two) + document_line(amd_host("d"))) == whole);
    CHECK(from_stdin("[" + one + "," + two + "," + document(amd_host("d")) + "]") == whole);
    CHECK(from_stdin(nlohmann::json::parse(one).dump(2) + two + three) == whole);
}

TEST_CASE("a partial result that cannot be used is never left out", "[merge][partial]") {
    Pool pool;
    fill(pool);
    const std::string part = pool.part("all.part", pool.files());
    const std::string text = pool.directory().read(part);
    std::string damaged = text;
    damaged.replace(damaged.find("node-c"), 6, "node-C");
    pool.directory().write("p/damaged.part", damaged);
    pool.directory().write("p/cut.part", text.substr(0, text.size() / 2));
    const Result result = pool.here({"merge", "--skip-unreadable", "p", part, "a.json"});
    CHECK(result.status == 3);
    CHECK(result.out.empty());
    CHECK_THAT(result.err,
               Contains("p/damaged.part:") && Contains("it is damaged, or was changed") && Contains("p/cut.part:") &&
                   Contains("all.part:1: expected a partial result of merge with --skip-unreadable and without "
                            "--allow-partial, as this one is, found one without --skip-unreadable"));
    CHECK_THAT(result.err, !Contains("left out"));
    const Result named = pool.here({"merge", "x=" + part});
    CHECK(named.status == 3);
    CHECK_THAT(named.err, Contains("expected one host, since it is given a name, found a partial result"));
    // Nor is it where something else in its stream is wrong.
    const Result stream = run({"merge", "--skip-unreadable", "-"}, {.input = text + "{\"schema\": 1}"});
    CHECK(stream.status == 3);
    CHECK(stream.out.empty());
}

TEST_CASE("a partial result by another rulebook is refused", "[merge][partial]") {
    Pool pool;
    fill(pool);
    const std::string part = pool.part("all.part", pool.files());
    Json rulebook = Json::parse(bytes_of(POOLCPUID_SOURCE_DIR "/policy/rulebook.json"));
    rulebook["version"] = "1999.1";
    std::filesystem::copy(POOLCPUID_SOURCE_DIR "/policy", pool.directory().file("rules"),
                          std::filesystem::copy_options::recursive);
    pool.directory().write("rules/rulebook.json", rulebook.dump(2));
    const Result result = pool.here({"merge", "--rulebook", "rules", part});
    CHECK(result.status == 3);
    CHECK_THAT(result.err, Contains("all.part:1: expected a partial result by the rulebook 1999.1 (sha256 ") &&
                               Contains("found one by the rulebook "));
    const Result own = pool.here({"merge", "--rulebook", "rules", "--partial", "a.json", "-o", "own.part"});
    CHECK(own.status == 0);
    CHECK(pool.here({"merge", "--rulebook", "rules", "own.part"}).status == 0);
    CHECK(pool.here({"merge", "own.part"}).status == 3);
}

TEST_CASE("--partial takes no option that acts on the policy", "[merge][partial]") {
    Pool pool;
    pool.add("a.json", document(amd_host("a")));
    for (const Arguments& option :
         {Arguments{"--ceiling", "x86-64-v2"}, Arguments{"--floor", "p"}, Arguments{"--expect", "p"},
          Arguments{"--lean"}, Arguments{"--list-hosts", "f"}, Arguments{"--identity", "a"},
          Arguments{"--hide", "avx2"}, Arguments{"--show", "nested"}, Arguments{"--set", "avx2=0"},
          Arguments{"--fail-on", "error"}, Arguments{"--pool", "p"}, Arguments{"--notes"}}) {
        const Result result = pool.here(Arguments{"merge", "--partial", "a.json"} + option);
        INFO(result.text());
        CHECK(result.status == 2);
        CHECK_THAT(result.err, Contains("--partial writes no policy: " + option.front() +
                                        " belongs to the merge that takes the partial results"));
    }
}

TEST_CASE("other verbs say that a partial result is not for them", "[partial]") {
    Pool pool;
    fill(pool);
    const std::string part = pool.part("all.part", pool.files());
    REQUIRE(pool.here({"merge", "a.json", "-o", "pool.json"}).status == 0);
    for (const Arguments& arguments :
         {Arguments{"hosts", part}, Arguments{"convert", part}, Arguments{"check", "pool.json", part},
          Arguments{"explain", "pool.json", "--hosts", part}}) {
        const Result result = pool.here(arguments);
        INFO(result.text());
        CHECK(result.status == 3);
        CHECK_THAT(result.err, Contains("all.part:1: expected a host document") &&
                                   Contains("a partial result, which merge alone takes (give the dumps of the hosts)"));
    }
    CHECK(pool.here({"show", part}).status == 3);
}

TEST_CASE("merge --partial says in short what it wrote", "[merge][partial]") {
    Pool pool({"--skip-unreadable"});
    fill(pool);
    pool.add("bad.txt", "no dump");
    const Result result = pool.here(Arguments{"merge", "--partial", "--skip-unreadable", "-o", "p"} + pool.files());
    CHECK(result.out.empty());
    CHECK_THAT(result.err, Contains("partial result: 5 hosts in 2 contents, 1 input was left out\n"
                                    "merge takes it in place of these hosts\n"));
}

TEST_CASE("a shard may have no host; the whole may not", "[merge][partial]") {
    Pool pool;
    pool.add("a.json", document(amd_host("a")));
    pool.directory().write("empty", "");
    const Result part = pool.here({"merge", "--partial", "--files0-from", "empty", "-o", "empty.part"});
    CHECK(part.status == 0);
    CHECK(pool.here({"merge", "empty.part", "a.json"}).out == pool.here({"merge", "a.json"}).out);
    const Result none = pool.here({"merge", "empty.part"});
    CHECK(none.status == 4);
    CHECK_THAT(none.err, Contains("no host to make a policy from"));
    const Result over = pool.here({"merge", "--partial", "--files0-from", "empty", "-o", "empty"});
    CHECK(over.status == 2);
}

}  // namespace poolcpuid::test::partial_result_test
