// --errors json: what went wrong as one document on standard error, which is as the schema says and has the facts that
// the text has. --log-format json has the same, a document a line.

#include <algorithm>
#include <filesystem>
#include <nlohmann/json.hpp>
#include <sstream>
#include <string>
#include <vector>

#include "tests/catch.hpp"
#include "tests/cli/support/run_program.hpp"
#include "tests/cli/support/sample_hosts.hpp"
#include "tests/cli/support/temporary_directory.hpp"
#include "tests/cli/support/validate.hpp"

namespace poolcpuid::test::errors_test {

using Catch::Contains;
using Catch::StartsWith;
using Json = nlohmann::json;
using Words = std::vector<std::string>;

namespace fs = std::filesystem;

namespace {

Words with(Words arguments, const char* option) {
    arguments.insert(arguments.end(), {option, "json"});
    return arguments;
}

// The errors and warnings of standard error as lines, each of which must be as the schema of the log says.
Json logged(const std::string& lines) {
    Json problems{{"error", Json::array()}, {"warning", Json::array()}};
    std::istringstream text(lines);
    for (std::string line; std::getline(text, line);) {
        INFO(line);
        for (const std::string& error : schema_errors("log", line)) FAIL_CHECK(error);
        Json json = Json::parse(line, nullptr, false);
        REQUIRE_FALSE(json.is_discarded());
        const std::string level = json.at("level");
        for (const char* key : {"schema", "level"}) json.erase(key);
        if (problems.contains(level)) problems.at(level).push_back(json);
    }
    return problems;
}

// The document of a run, which must be all of standard error. As a log it has the same errors and warnings.
Json errors_of(const Words& arguments, int status) {
    const Result result = run(with(arguments, "--errors"));
    INFO(result.text());
    CHECK(result.status == status);
    for (const std::string& error : schema_errors("errors", result.err)) FAIL_CHECK(error);
    Json json = Json::parse(result.err, nullptr, false);
    REQUIRE_FALSE(json.is_discarded());
    CHECK(json.at("exit_status") == status);
    const Json lines = logged(run(with(arguments, "--log-format")).err);
    CHECK(lines.at("error") == json.at("errors"));
    CHECK(lines.at("warning") == json.at("warnings"));
    return json;
}

// The one error of a run.
Json error_of(const Words& arguments, int status) {
    const Json json = errors_of(arguments, status);
    INFO(json.dump(2));
    REQUIRE(json.at("errors").size() == 1);
    return json.at("errors").at(0);
}

struct Pool {
    TemporaryDirectory dir{};
    std::string strong = dir.write("strong.json", document(amd_host("strong")));
    std::string weak =
        dir.write("weak.json", document(with_bit(amd_host("weak"), leaf_7, Register::ebx, avx2_bit, false)));
    std::string policy = dir.file("policy.json");

    Pool() { REQUIRE(run({"merge", strong, "-o", policy}).status == 0); }
};

}  // namespace

TEST_CASE("without errors the document is there all the same", "[errors]") {
    const Pool pool;
    const Json json = errors_of({"merge", pool.strong, "-o", pool.dir.file("out")}, 0);
    CHECK(json.at("errors").empty());
    CHECK(json.at("warnings").empty());
    CHECK(pool.dir.read("out") == pool.dir.read("policy.json"));
    CHECK(errors_of({"check", pool.policy, pool.weak}, 1).at("errors").empty());
}

TEST_CASE("every bad input is an error with file, line, expected and found", "[errors]") {
    const Pool pool;
    const std::string bad = pool.dir.write("bad.json", "{\"schema\": \"poolcpuid/host/v1\",\n \"views\": 7}");
    const std::string absent = pool.dir.file("absent");
    for (const Words& verb :
         {Words{"merge"}, {"check", pool.policy}, {"plan", pool.policy, "--hosts", pool.strong, "--add"}}) {
        Words arguments = verb;
        arguments.insert(arguments.end(), {bad, absent});
        if (verb.front() == "plan") arguments.insert(arguments.end() - 1, "--add");
        const Json errors = errors_of(arguments, 3).at("errors");
        REQUIRE(errors.size() == 2);
        CHECK(errors.at(0).at("kind") == "input");
        CHECK(errors.at(0).at("file") == bad);
        CHECK(errors.at(0).at("line") == 2);
        CHECK(errors.at(0).at("message") == bad + ":2: expected " + errors.at(0).at("expected").get<std::string>() +
                                                ", found " + errors.at(0).at("found").get<std::string>());
        CHECK(errors.at(1).at("file") == absent);
        CHECK(errors.at(1).at("expected") == "a readable file");
        CHECK_FALSE(errors.at(1).contains("line"));
    }
    CHECK(error_of({"check", absent, pool.strong}, 3).at("file") == absent);
    CHECK(error_of({"diff", pool.policy, bad}, 3).at("line") == 2);
    CHECK(error_of({"convert", bad}, 3).at("line") == 2);
}

TEST_CASE("what is left out is a warning with the same facts", "[errors]") {
    const Pool pool;
    const std::string bad = pool.dir.write("bad", "x");
    const Json json = errors_of({"merge", pool.strong, bad, "--skip-unreadable"}, 0);
    CHECK(json.at("errors").empty());
    REQUIRE(json.at("warnings").size() == 1);
    CHECK(json.at("warnings").at(0).at("file") == bad);
    CHECK(json.at("warnings").at(0).at("expected") == "a CPUID dump");
}

TEST_CASE("other failures have their kind", "[errors]") {
    const Pool pool;
    CHECK(error_of({"mrge"}, 2).at("kind") == "usage");
    CHECK(error_of({"merge", "--format", "xml"}, 2).at("kind") == "usage");
    CHECK(error_of({"merge", pool.strong, "--hide", "avx22"}, 2).at("kind") == "usage");
    CHECK(error_of({"merge", pool.strong, pool.dir.write("intel.json", document(intel_host("intel")))}, 4).at("kind") ==
          "no-policy");
    CHECK(error_of({"merge", pool.strong, "-o", pool.dir.file("no/such")}, 5).at("kind") == "output");
    fs::copy(POOLCPUID_SOURCE_DIR "/policy", pool.dir.file("rules"), fs::copy_options::recursive);
    std::string levels = pool.dir.read("rules/levels/x86-64.json");
    pool.dir.write("rules/levels/x86-64.json", levels.replace(levels.find("\"avx2\""), 6, "\"avx22\""));
    const Json errors = errors_of({"merge", pool.strong, "--rulebook", pool.dir.file("rules")}, 3).at("errors");
    CHECK(errors.at(0).at("kind") == "rulebook");
    CHECK(errors.at(0).at("file").get<std::string>().starts_with(pool.dir.file("rules")));
}

TEST_CASE("--floor says that to be told to run VERW takes nothing from new VMs", "[errors]") {
    const TemporaryDirectory dir;
    const std::string hosts = POOLCPUID_SOURCE_DIR "/examples/";
    const std::string floor = dir.file("floor.json");
    REQUIRE(run({"merge", hosts + "intel-haswell-skylake/hosts/ivybridge-1.json", "-o", floor}).status == 0);
    const Result result = run({"merge", hosts + "plan-upgrade/ivybridge-1.json", "--floor", floor});
    CHECK(result.status == 1);
    CHECK_THAT(result.err, Contains("md_clear is 0x1, the floor promises 0x0 (ivybridge-1): it only tells new VMs to "
                                    "run VERW, of which those of the floor are not told"));
}

TEST_CASE("--floor says which field of which host is below it", "[errors]") {
    const Pool pool;
    const Json errors = errors_of({"merge", pool.strong, pool.weak, "--floor", pool.policy}, 1).at("errors");
    REQUIRE_FALSE(errors.empty());
    CHECK(errors.at(0) == Json{{"kind", "floor"},
                               {"message", "below the floor: avx2 is 0x0, the floor promises 0x1 (weak)"},
                               {"expected", "0x1"},
                               {"found", "0x0"},
                               {"fields", {"avx2"}},
                               {"hosts", {"weak"}},
                               {"count", 1}});
}

TEST_CASE("--floor and --fail-on count the hosts of which they name eight", "[errors]") {
    const Pool pool;
    const TemporaryDirectory weak;
    for (int i = 10; i < 30; ++i) {
        const std::string name = "old" + std::to_string(i);
        const HostDump host = svm_host(name);
        weak.write(name + ".json", document(with_bit(host, leaf_7, Register::ebx, avx2_bit, false)));
    }
    const Json error = errors_of({"merge", pool.strong, weak.path(), "--floor", pool.policy}, 1).at("errors").at(0);
    CHECK(error.at("message") == "below the floor: avx2 is 0x0, the floor promises 0x1 (20 hosts (Milan ×20))");
    CHECK(error.at("hosts").size() == 8);
    CHECK(error.at("count") == 20);
    CHECK(error.at("cpus") == Json{{"Milan", 20}});

    const Json found =
        errors_of({"merge", weak.path(), "--show", "nested", "--fail-on", "warning"}, 1).at("errors").at(0);
    CHECK(found.at("hosts").size() == 8);
    CHECK(found.at("count") == 20);
}

TEST_CASE("--expect says what is not as it was, and of which host and field", "[errors]") {
    const Pool pool;
    const auto causes = [&](Words arguments) {
        arguments.insert(arguments.begin(), "merge");
        arguments.insert(arguments.end(), {"--expect", pool.policy});
        std::string text;
        const Json json = errors_of(arguments, 1);
        for (const Json& error : json.at("errors")) {
            CHECK(error.at("kind") == "expect");
            CHECK(error.at("file") == pool.policy);
            text += error.at("cause").get<std::string>();
            for (const char* list : {"hosts", "fields"}) {
                if (error.contains(list)) text += " " + error.at(list).at(0).get<std::string>();
            }
            text += "; ";
        }
        return text;
    };
    CHECK(causes({pool.strong, pool.weak}) == "host-new weak; fields avx2; ");
    CHECK(causes({"weak=" + pool.strong}) == "host-missing strong; host-new weak; ");
    CHECK(causes({"strong=" + pool.weak}) == "host-changed strong; fields avx2; ");
    CHECK(causes({pool.strong, "--pool", "blue"}) == "pool; ");
    CHECK(causes({pool.strong, "--hide", "avx"}) == "options; fields fma; ");
    Json policy = Json::parse(pool.dir.read("policy.json"));
    for (Json& row : policy.at("cpuid")) {
        if (row.at("leaf") == "0x7" && row.at("subleaf") == "0x0") row.at("ebx") = "0x00000000";
    }
    pool.dir.write("policy.json", policy.dump());
    CHECK_THAT(causes({pool.strong}), Contains("document avx2; "));
}

TEST_CASE("--fail-on names the findings with their hosts", "[errors]") {
    const Pool pool;
    const Json skipped =
        error_of({"merge", pool.strong, pool.dir.write("bad", "x"), "--skip-unreadable", "--fail-on", "error"}, 1);
    CHECK(skipped.at("kind") == "finding");
    CHECK(skipped.at("severity") == "error");
    CHECK(skipped.at("code") == "skipped-host");
    const Result text = run({"merge", pool.strong, pool.dir.file("bad"), "--skip-unreadable", "--fail-on", "error"});
    CHECK_THAT(text.err, Contains("poolcpuid: error: --fail-on error: skipped-host: "));
}

TEST_CASE("what render's target cannot say is a warning where it may hurt, and all of it an error with --strict",
          "[errors][render]") {
    const Pool pool;
    const std::string told = pool.dir.write(
        "told.json", document(with_bit(amd_host("told"), leaf_8000_0021, Register::eax, fs_gs_base_ns_bit, true)));
    REQUIRE(run({"merge", pool.strong, told, "-o", pool.policy}).status == 0);
    Words arguments{"render", "--to", "qemu", "--qemu", "7.2", pool.policy, "-o", pool.dir.file("out")};
    const auto is_of_field = [](const Json& problem) {
        return problem.at("fields").dump().find("fs_gs_base_ns") != std::string::npos;
    };
    const Json lax = errors_of(arguments, 0);
    CHECK(lax.at("errors").empty());
    const Json& warnings = lax.at("warnings");
    REQUIRE(std::count_if(warnings.begin(), warnings.end(), is_of_field) == 1);
    const Json& entry = *std::find_if(warnings.begin(), warnings.end(), is_of_field);
    CHECK(entry.at("kind") == "inexpressible");
    CHECK(entry.at("telling") == "more");
    CHECK(entry.at("impact") == "wrong-result");
    CHECK_THAT(entry.at("message").get<std::string>(), StartsWith("qemu cannot say all: more (wrong-result): "));
    for (const Json& warning : warnings) CHECK(warning.at("impact") != "cosmetic");

    Words quiet = arguments;
    quiet.emplace_back("-q");
    CHECK_THAT(run(quiet).err, StartsWith("poolcpuid: warning: ") &&
                                   Contains("poolcpuid: warning: " + entry.at("message").get<std::string>() + "\n"));
    CHECK_THAT(run(arguments).err, !Contains("warning:"));  // the remarks say it

    arguments.emplace_back("--strict");
    const Json strict = errors_of(arguments, 1);
    CHECK(strict.at("warnings").empty());
    CHECK(strict.at("errors").size() == warnings.size() + 1);
    CHECK(strict.at("errors").back().at("impact") == "cosmetic");
    CHECK(strict.at("errors").at(0).at("message") == "--strict: " + warnings.at(0).at("message").get<std::string>());
}

TEST_CASE("hostile names stay harmless in the document", "[errors][attack]") {
    const Pool pool;
    const Result result = run({"merge", pool.dir.file("\033[31m\u202e"), "--errors", "json"});
    CHECK(result.status == 3);
    CHECK(result.err.find('\033') == std::string::npos);
    CHECK_THAT(result.err, Contains("\\u202e"));
    CHECK(schema_errors("errors", result.err).empty());
}

}  // namespace poolcpuid::test::errors_test
