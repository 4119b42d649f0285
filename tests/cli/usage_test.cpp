// Wrong usage: what is said, and what was probably meant; and the verbs that say what the program can do.

#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "tests/catch.hpp"
#include "tests/cli/support/run_program.hpp"
#include "tests/cli/support/sample_hosts.hpp"
#include "tests/cli/support/temporary_directory.hpp"
#include "tests/cli/support/validate.hpp"

namespace poolcpuid::test::usage_test {

using Catch::Contains;
using Catch::StartsWith;
using Words = std::vector<std::string>;

namespace {

// What wrong usage says, without the prefix and the hint at the help.
std::string refusal(const Words& arguments) {
    const Result result = run(arguments);
    INFO(result.text());
    CHECK(result.status == 2);
    CHECK(result.out.empty());
    CHECK_THAT(result.err, StartsWith("poolcpuid: error: "));
    const std::string message = result.err.substr(std::string("poolcpuid: error: ").size());
    CHECK(message.find('\n') == message.size() - 1);
    return message.substr(0, message.find(" (see poolcpuid"));
}

}  // namespace

TEST_CASE("a misspelt verb is told with what was probably meant", "[usage]") {
    CHECK(refusal({"mrge", "hosts/"}) == "poolcpuid has no verb \"mrge\"; did you mean merge?");
    CHECK(refusal({"chekc"}) == "poolcpuid has no verb \"chekc\"; did you mean check?");
    CHECK(refusal({"rules", "lsit"}) == "poolcpuid rules has no verb \"lsit\"; did you mean list or lint?");
    CHECK(refusal({"frobnicate"}) == "poolcpuid has no verb \"frobnicate\"");
    CHECK(refusal({"help", "mrge"}) == "poolcpuid has no verb \"mrge\"; did you mean merge?\n");
}

TEST_CASE("no verb at all names them", "[usage]") {
    CHECK_THAT(refusal({}), StartsWith("poolcpuid takes a verb: hosts, merge, "));
    CHECK(refusal({"rules"}) == "poolcpuid rules takes a verb: list, show, levels, lint");
}

TEST_CASE("an option that a verb does not take is told with what was probably meant", "[usage]") {
    CHECK(refusal({"merge", "hosts", "--expct", "pool.json"}) ==
          "poolcpuid merge does not take \"--expct\"; did you mean --expect?");
    CHECK(refusal({"merge", "hosts", "--verbos"}) ==
          "poolcpuid merge does not take \"--verbos\"; did you mean --verbose, --errors or --version?");
    CHECK(refusal({"--zzzzzzzz"}) == "poolcpuid does not take \"--zzzzzzzz\"");
    CHECK(refusal({"capture", "hosts"}) == "poolcpuid capture does not take \"hosts\"");
    CHECK(refusal({"merge"}) == "HOST, or --files0-from, is required");
    CHECK_THAT(refusal({"render", "pool.json"}), StartsWith("--to is required: one of firecracker, incus, "));
    CHECK(refusal({"audit", "--hosts", "hosts", "pool.json", "--format", "text"}) ==
          "POLICY is required; --hosts took \"hosts\", \"pool.json\" (put what is required in front of it)");
    CHECK(refusal({"check"}) == "POLICY is required");
    CHECK_THAT(run({"merge"}).err, Contains("(see poolcpuid merge --help)"));
}

TEST_CASE("a misspelt field is told with what was probably meant", "[usage]") {
    const TemporaryDirectory dir;
    const std::string host = dir.write("a.json", document(amd_host("a")));
    CHECK_THAT(refusal({"merge", host, "--hide", "avx512ff"}), Contains("; did you mean avx512f"));
    CHECK_THAT(refusal({"merge", host, "--show", "nestedd"}), Contains("has that name"));
    CHECK_THAT(refusal({"rules", "show", "fs_gs_base_nss"}), Contains("; did you mean fs_gs_base_ns"));
}

TEST_CASE("help prints what --help does", "[usage][help]") {
    for (const Words& verb : {Words{}, {"merge"}, {"rules"}, {"rules", "list"}, {"help"}}) {
        Words asked{"help"};
        asked.insert(asked.end(), verb.begin(), verb.end());
        Words flag = verb;
        flag.emplace_back("--help");
        const Result result = run(asked);
        INFO(result.text());
        CHECK(result.status == 0);
        CHECK(result.out == run(flag).out);
        CHECK(result.err.empty());
    }
}

TEST_CASE("version prints what --version does, and JSON", "[usage]") {
    const Result text = run({"version", "--format", "text"});
    CHECK(text.status == 0);
    CHECK(text.out == run({"--version"}).out);
    const Result json = run({"version"});
    for (const std::string& error : schema_errors("version", json.out)) FAIL_CHECK(error);
}

}  // namespace poolcpuid::test::usage_test
