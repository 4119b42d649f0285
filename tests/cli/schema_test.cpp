// Everything that the program writes, and the whole rulebook, is as schemas/ says: checked with valijson,
// which shares nothing with our readers and writers.

#include <filesystem>
#include <nlohmann/json.hpp>
#include <set>
#include <string>

#include "dump/reader.hpp"
#include "poolcpuid/render.hpp"
#include "tests/catch.hpp"
#include "tests/cli/support/run_program.hpp"
#include "tests/cli/support/sample_hosts.hpp"
#include "tests/cli/support/temporary_directory.hpp"
#include "tests/cli/support/validate.hpp"

namespace poolcpuid::test::schema_test {

namespace fs = std::filesystem;

namespace {

void check_valid(const std::string& schema, const std::string& document) {
    for (const std::string& error : schema_errors(schema, document)) FAIL_CHECK(error);
}

}  // namespace

TEST_CASE("the schemas list the formats that are read and the targets of render", "[schema]") {
    using Names = std::set<std::string>;
    const auto listed = [](const std::string& schema, const char* place) {
        const std::string file = POOLCPUID_SOURCE_DIR "/schemas/" + schema + ".schema.json";
        return nlohmann::json::parse(bytes_of(file)).at(nlohmann::json::json_pointer(place)).get<Names>();
    };
    Names formats{"policy"};  // of a ceiling
    for (const dump::Format& format : dump::formats) formats.emplace(format.word);
    CHECK(listed("policy", "/definitions/host_class/properties/format/enum") == formats);
    Names targets;
    for (const RenderTarget& target : render_targets()) targets.emplace(target.name);
    CHECK(listed("render", "/properties/target/enum") == targets);
}

TEST_CASE("every example host and policy is valid", "[schema][long]") {
    for (const fs::directory_entry& pool : fs::directory_iterator(POOLCPUID_SOURCE_DIR "/examples")) {
        const fs::path hosts = pool.path() / "hosts";
        if (!fs::is_directory(hosts)) continue;
        INFO(hosts.string());
        for (const fs::directory_entry& host : fs::directory_iterator(hosts)) {
            check_valid("host", run({"convert", host.path().string()}).out);
        }
        check_valid("policy", run({"merge", hosts.string()}).out);
        check_valid("policy", run({"merge", hosts.string(), "--show", "nested", "--show", "pmu"}).out);
    }
}

TEST_CASE("a policy with overrides, skipped hosts and a ceiling is valid", "[schema]") {
    const TemporaryDirectory dir;
    const std::string host = dir.write("a.json", document(amd_host("a")));
    const std::string policy = dir.file("policy.json");
    REQUIRE(run({"merge", host, "-o", policy}).status == 0);
    check_valid("policy", run({"merge", host, dir.write("bad", "x"), "--skip-unreadable", "--hide", "avx2", "--set",
                               "maxphyaddr=40", "--ceiling", policy})
                              .out);
}

TEST_CASE("what rules prints for scripts is valid", "[schema]") {
    check_valid("rules", run({"rules", "list", "--format", "json"}).out);
    check_valid("rules-levels", run({"rules", "levels", "--format", "json"}).out);
    check_valid("lint", run({"rules", "lint", POOLCPUID_SOURCE_DIR "/policy", "--format", "json"}).out);
}

TEST_CASE("every file of the rulebook is valid", "[schema][long]") {
    const fs::path policy = POOLCPUID_SOURCE_DIR "/policy";
    for (const char* folder : {"cpuid", "msr"}) {
        for (const fs::directory_entry& file : fs::directory_iterator(policy / folder)) {
            INFO(file.path().string());
            check_valid("rulebook-fields", bytes_of(file.path().string()));
        }
    }
    for (const char* name : {"dependencies", "equality", "xsave", "models"}) {
        INFO(name);
        check_valid(std::string("rulebook-") + name, bytes_of((policy / (std::string(name) + ".json")).string()));
    }
    for (const fs::directory_entry& file : fs::directory_iterator(policy / "levels")) {
        INFO(file.path().string());
        const bool is_psabi = file.path().filename() == "x86-64.json";
        check_valid(is_psabi ? "rulebook-levels" : "rulebook-baselines", bytes_of(file.path().string()));
    }
    check_valid("rulebook-head", bytes_of((policy / "rulebook.json").string()));
    for (const fs::directory_entry& file : fs::directory_iterator(policy / "targets")) {
        INFO(file.path().string());
        check_valid("rulebook-targets", bytes_of(file.path().string()));
    }
    for (const fs::directory_entry& file : fs::directory_iterator(policy / "guests")) {
        INFO(file.path().string());
        check_valid("rulebook-guests", bytes_of(file.path().string()));
    }
}

namespace {

// Calls visit with each "$ref" of a schema.
template <typename Visit>
void references(const nlohmann::json& schema, const Visit& visit) {
    for (const auto& [key, part] : schema.items()) {
        if (part.is_structured()) references(part, visit);
        if (key == "$ref" && part.is_string()) visit(part.template get<std::string>());
    }
}

}  // namespace

TEST_CASE("each schema is printed by its name, and stands alone", "[schema][long]") {
    std::set<std::string> names;
    for (const fs::directory_entry& entry : fs::directory_iterator(POOLCPUID_SOURCE_DIR "/schemas")) {
        const std::string file = entry.path().filename().string();
        names.insert(file.substr(0, file.find('.')));
    }
    std::set<std::string> listed;
    const Result list = run({"schema"});
    check_valid("schemas", list.out);
    const auto document = nlohmann::json::parse(list.out);
    for (const auto& entry : document.at("schemas")) listed.insert(entry.at("name").get<std::string>());
    CHECK(listed == names);
    const std::string text = run({"schema", "--format", "text"}).out;
    for (const std::string& name : names) {
        INFO(name);
        CHECK(text.find(name + "  ") != std::string::npos);
        const nlohmann::json printed = nlohmann::json::parse(run({"schema", name}).out);
        auto own = nlohmann::json::parse(bytes_of(POOLCPUID_SOURCE_DIR "/schemas/" + name + ".schema.json"));
        bool refers_out = false;
        references(own, [&](const std::string& reference) { refers_out = refers_out || reference[0] != '#'; });
        if (!refers_out) CHECK(printed == own);
        references(printed, [&](const std::string& reference) {
            INFO(reference);
            CHECK(reference[0] == '#');
            CHECK(printed.contains(nlohmann::json::json_pointer(reference.substr(1))));
        });
    }
}

TEST_CASE("a bundled schema holds what it refers to as strictly as the file does", "[schema]") {
    const TemporaryDirectory dir;
    const std::string host = dir.write("a.json", document(amd_host("a")));
    const std::string policy = dir.file("policy.json");
    REQUIRE(run({"merge", host, "-o", policy}).status == 0);
    auto plan = nlohmann::json::parse(run({"plan", policy, "--hosts", host, "--add", host}).out);
    check_valid("plan", plan.dump());
    plan.at("after").at("cpuid").at(0).at("eax") = "no number";
    CHECK_FALSE(schema_errors("plan", plan.dump()).empty());
}

TEST_CASE("a schema is written to a file, and a wrong name is told with what was meant", "[schema]") {
    const TemporaryDirectory dir;
    CHECK(run({"schema", "policy", "-o", dir.file("policy.schema.json")}).status == 0);
    CHECK(dir.read("policy.schema.json") == run({"schema", "policy"}).out);
    const Result wrong = run({"schema", "polcy"});
    CHECK(wrong.status == 2);
    CHECK(wrong.err == "poolcpuid: error: there is no schema \"polcy\"; did you mean policy? (see poolcpuid schema)\n");
}

TEST_CASE("the schemas refuse what is not so", "[schema]") {
    CHECK_FALSE(schema_errors("host", R"({"schema": "poolcpuid/host/v2"})").empty());
    CHECK_FALSE(schema_errors("policy", R"({"schema": "poolcpuid/policy/v1"})").empty());
    CHECK_FALSE(schema_errors("rulebook-fields", R"({"leaf": "0x7", "title": "t", "fields": [{"id": "x"}]})").empty());
    const auto models = [](const std::string& microcode) {
        return schema_errors("rulebook-models", R"({"models": [{"vendor": "intel", "family": "0x6", "models": ["0x4f"],
            "name": "n", "microarchitecture": "m", "generation": 201603, "microcode": [)" +
                                                    microcode + R"(], "source": "s"}]})");
    };
    CHECK(models(R"({"from": "0x1", "below": "0x2a", "silicon": {"ac_rsba": "0x1"}})").empty());
    CHECK_FALSE(models("").empty());
    CHECK_FALSE(models(R"({"silicon": {"ac_rsba": "0x1"}})").empty());
    CHECK_FALSE(models(R"({"from": "1", "silicon": {"ac_rsba": "0x1"}})").empty());
    CHECK_FALSE(models(R"({"from": "0x1", "silicon": {}})").empty());
}

}  // namespace poolcpuid::test::schema_test
