// capture: a document of this machine, whatever it is, that every other verb takes. With or without /dev/kvm:
// tests/e2e/kvm compares its view with KVM's.

#include <unistd.h>

#include <algorithm>
#include <array>
#include <nlohmann/json.hpp>
#include <set>
#include <string>
#include <vector>

#include "tests/catch.hpp"
#include "tests/cli/support/run_program.hpp"
#include "tests/cli/support/temporary_directory.hpp"
#include "tests/cli/support/validate.hpp"

namespace poolcpuid::test::capture_test {

using Catch::Contains;
using Json = nlohmann::json;

namespace {

// What this machine's capture says.
const Result& captured() {
    static const Result result = run({"capture", "--name", "node-17"});
    return result;
}

}  // namespace

TEST_CASE("a capture is a valid host document, and standard output is nothing else", "[capture]") {
    INFO(captured().text());
    REQUIRE(captured().status == 0);
    for (const std::string& error : schema_errors("host", captured().out)) FAIL_CHECK(error);
    CHECK(Json::parse(captured().out).at("name") == "node-17");
}

TEST_CASE("two captures are equal byte for byte", "[capture]") {
    CHECK(run({"capture", "--name", "node-17"}).out == captured().out);
    const TemporaryDirectory dir;
    const Result written = run({"capture", "--name", "node-17", "-o", dir.file("host.json")});
    CHECK(written.status == 0);
    CHECK(written.out.empty());
    CHECK(dir.read("host.json") == captured().out);
    CHECK(dir.listing() == "host.json ");
}

TEST_CASE("reading a capture loses nothing, and merge takes it", "[capture]") {
    const TemporaryDirectory dir;
    const std::string host = dir.write("host.json", captured().out);
    const Result converted = run({"convert", host});
    CHECK(converted.out == captured().out);
    const Result merged = run({"merge", host, "--format", "json"});
    INFO(merged.text());
    REQUIRE(merged.status == 0);
    const Json policy = Json::parse(merged.out);
    CHECK(policy.at("hosts").at(0).at("names") == Json{"node-17"});
    CHECK_FALSE(policy.at("cpuid").empty());
}

TEST_CASE("what a capture lacks is named on standard error, and nothing else is", "[capture]") {
    const Json views = Json::parse(captured().out).at("views");
    const auto names = [](const std::string& text) { return captured().err.find(text) != std::string::npos; };
    CHECK(names("warning: No hypervisor view: /dev/kvm") == !views.contains("hypervisor"));
    CHECK(names("warning: No MSRs in the hardware view: /dev/cpu/") == !views.at("hardware").contains("msrs"));
}

TEST_CASE("what a capture lacks is in the document as words, and as data in the errors", "[capture]") {
    const Json host = Json::parse(captured().out);
    const std::string missing = host.at("meta").value("missing", "");
    const auto lacks = [&](const std::string& word) {
        return ("," + missing + ",").find("," + word + ",") != std::string::npos;
    };
    CHECK(lacks("kvm") == !host.at("views").contains("hypervisor"));
    CHECK(lacks("msrs") == (captured().err.find("warning: No MSRs ") != std::string::npos));
    CHECK(lacks("microcode") == !host.at("meta").contains("microcode"));
    const Result told = run({"capture", "--name", "node-17", "--errors", "json"});
    CHECK(told.out == captured().out);
    for (const std::string& error : schema_errors("errors", told.err)) FAIL_CHECK(error);
    std::set<std::string> words;
    const Json document = Json::parse(told.err);
    for (const Json& warning : document.at("warnings")) words.insert(warning.at("missing").get<std::string>());
    std::string all;
    for (const std::string& word : words) all += (all.empty() ? "" : ",") + word;
    CHECK(all == missing);
}

TEST_CASE("a capture without what is required is no capture", "[capture]") {
    Surroundings nobody;
    nobody.launcher = {"setpriv", "--reuid=65534", "--regid=65534", "--clear-groups", "--inh-caps=-all"};
    const Result refused = run({"capture", "--require", "kvm,msrs"}, nobody);
    INFO(refused.text());
    if (refused.err.find("poolcpuid: ") == std::string::npos) {
        WARN("skipped: the program cannot be run as another user here: " << refused.err);
        return;
    }
    CHECK(refused.status == 5);
    CHECK(refused.out.empty());
    CHECK_THAT(refused.err,
               Contains("error: --require: not seen on this host, so nothing is written: ") && Contains("msrs\n"));
    const TemporaryDirectory dir;
    const std::string kept = dir.write("host.json", "older");
    CHECK(run({"capture", "--require", "msrs,kvm,microcode,cpus", "-o", kept}, nobody).status == 5);
    CHECK(dir.read("host.json") == "older");
    CHECK(run({"capture", "--require", "cpus"}, nobody).status == 0);
    CHECK(run({"capture", "--require", "tea"}).status == 2);
}

TEST_CASE("without root a capture has what it can see, and names the rest", "[capture]") {
    Surroundings nobody;
    nobody.launcher = {"setpriv", "--reuid=65534", "--regid=65534", "--clear-groups", "--inh-caps=-all"};
    const Result result = run({"capture", "--name", "node-17"}, nobody);
    INFO(result.text());
    if (result.err.find("poolcpuid: ") == std::string::npos && result.status != 0) {
        WARN("skipped: the program cannot be run as another user here: " << result.err);
        return;
    }
    REQUIRE(result.status == 0);
    for (const std::string& error : schema_errors("host", result.out)) FAIL_CHECK(error);
    const Json views = Json::parse(result.out).at("views");
    const auto numbers = [](const Json& hardware) {
        std::vector<unsigned> cpus;
        for (const Json& cpu : hardware.at("cpus")) cpus.push_back(cpu.at("cpu").get<unsigned>());
        return cpus;
    };
    const Json all = Json::parse(captured().out).at("views");
    CHECK(numbers(views.at("hardware")) == numbers(all.at("hardware")));
    CHECK_FALSE(views.at("hardware").contains("msrs"));
    CHECK_THAT(result.err, Contains("warning: No MSRs in the hardware view"));
    CHECK(views.contains("hypervisor") == (result.err.find("No hypervisor view: /dev/kvm") == std::string::npos));
}

TEST_CASE("a capture in a virtual machine says that it is one", "[capture]") {
    const Json rows = Json::parse(captured().out).at("views").at("hardware").at("cpus").at(0).at("cpuid");
    const auto features =
        std::find_if(rows.begin(), rows.end(), [](const Json& row) { return row.at("leaf") == "0x1"; });
    REQUIRE(features != rows.end());
    const bool virtual_machine = std::stoul(features->at("ecx").get<std::string>(), nullptr, 16) >> 31U == 1;
    CHECK((captured().err.find("virtual machine") != std::string::npos) == virtual_machine);
}

TEST_CASE("capture's host has this machine's name unless it is given another", "[capture]") {
    std::array<char, 256> name{};
    REQUIRE(::gethostname(name.data(), name.size() - 1) == 0);
    CHECK(Json::parse(run({"capture"}).out).at("name") == name.data());
    for (const char* wrong : {"", "a\tb"}) {
        const Result refused = run({"capture", "--name", wrong});
        CHECK(refused.status == 2);
        CHECK(refused.out.empty());
        CHECK_THAT(refused.err, Contains("--name must be a host's name"));
    }
}

TEST_CASE("a capture that cannot be written fails and leaves nothing", "[capture]") {
    const TemporaryDirectory dir;
    CHECK(run({"capture", "-o", dir.file("no/such/host.json")}).status == 5);
    CHECK(dir.listing().empty());
}

}  // namespace poolcpuid::test::capture_test
