// verify: on this machine's /dev/kvm where there is one, and without it; and its document, whatever it finds.

#include <sys/utsname.h>
#include <unistd.h>

#include <algorithm>
#include <nlohmann/json.hpp>
#include <sstream>
#include <string>
#include <vector>

#include "poolcpuid/verify.hpp"
#include "tests/catch.hpp"
#include "tests/cli/support/run_program.hpp"
#include "tests/cli/support/sample_hosts.hpp"
#include "tests/cli/support/temporary_directory.hpp"
#include "tests/cli/support/validate.hpp"
#include "tests/support/fake_kvm.hpp"

using namespace poolcpuid;
using namespace poolcpuid::test;
using Catch::Contains;

namespace {

using Json = nlohmann::json;

// Of both vendors: one is not this machine's.
const std::vector<std::string> example_pools{"amd-zen", "intel-haswell-skylake", "qemu-tcg-amd", "qemu-tcg-intel"};

std::string example_policy(const std::string& pool) {
    return POOLCPUID_SOURCE_DIR "/examples/" + pool + "/policy.json";
}

bool has_kvm() {
    try {
        kvm_vcpus();
        return true;
    } catch (const std::exception& error) {
        WARN("skipped: " << error.what());
        return false;
    }
}

void check_valid(const std::string& document) {
    for (const std::string& error : schema_errors("verify", document)) FAIL_CHECK(error);
}

// What verify says of a policy, which must be as the schema has it and agree with the exit status.
Json verified(const std::string& policy) {
    const Result result = run({"verify", policy, "--format", "json"});
    INFO(result.text());
    check_valid(result.out);
    Json json = Json::parse(result.out);
    CHECK(result.status == (json.at("shows_policy").get<bool>() ? 0 : 1));
    return json;
}

}  // namespace

TEST_CASE("the policy of this machine's own capture is one that its KVM shows", "[verify]") {
    if (!has_kvm()) return;
    const TemporaryDirectory dir;
    REQUIRE(run({"capture", "--name", "here", "-o", dir.file("here.json")}).status == 0);
    REQUIRE(run({"merge", dir.file("here.json"), "-o", dir.file("policy.json")}).status == 0);
    const Json json = verified(dir.file("policy.json"));
    INFO(json.dump(1));
    CHECK(json.at("shows_policy") == true);
    const Json policy = Json::parse(dir.read("policy.json"));
    CHECK(json.at("compared").at("rows") == policy.at("cpuid").size());
    CHECK(json.at("compared").at("msrs") == policy.at("msrs").size());
    CHECK(json.at("compared").at("other_rows") > 50);
}

TEST_CASE("policies of both vendors are verified, whatever this machine's is", "[verify]") {
    if (!has_kvm()) return;
    utsname system{};
    REQUIRE(::uname(&system) == 0);
    for (const std::string& pool : example_pools) {
        INFO(pool);
        const Json json = verified(example_policy(pool));
        CHECK(json.at("pool") == pool);
        CHECK(json.at("kvm").at("kernel") == system.release);
        CHECK(json.at("compared").at("rows").get<int>() + json.at("compared").at("other_rows").get<int>() > 100);
        // KVM refuses no entry of them, and takes every CPUID bit as it is told or not at all.
        for (const Json& refused : json.at("refused")) CHECK(refused.contains("msr"));
        CHECK(json.at("differences").empty());
    }
}

TEST_CASE("a bit that the hosts OR is seen in the guest, or said to be out of the VMM's hands", "[verify]") {
    if (!has_kvm()) return;
    const TemporaryDirectory dir;
    HostDump genoa = with_bit(amd_host("genoa"), leaf_8000_0021, Register::eax, fs_gs_base_ns_bit, true);
    genoa = with_register(genoa, {0x80000000, 0}, Register::eax, 0x80000021);
    REQUIRE(run({"merge", dir.write("rome", document(amd_host("rome"))), dir.write("genoa", document(genoa)), "-o",
                 dir.file("policy")})
                .status == 0);
    REQUIRE_THAT(dir.read("policy"), Contains(R"("leaf": "0x80000021")"));
    const Json json = verified(dir.file("policy"));
    for (const Json& field : json.at("differences")) CHECK(field.at("field") != "fs_gs_base_ns");
}

TEST_CASE("a policy with what KVM refuses does not pass, and the entry is named", "[verify]") {
    if (!has_kvm()) return;
    const TemporaryDirectory dir;
    Json policy = Json::parse(bytes_of(example_policy("amd-zen")));
    policy["decisions"] = Json::array();
    for (Json& row : policy["cpuid"]) {
        if (row.at("leaf") == "0x80000008") row["eax"] = "0x00002d30";  // linear addresses of 45 bits
    }
    const Json json = verified(dir.write("policy", policy.dump()));
    CHECK(json.at("shows_policy") == false);
    REQUIRE(json.at("refused").size() == 1);
    CHECK(json.at("refused").at(0).at("leaf") == "0x80000008");
    CHECK_THAT(json.at("refused").at(0).at("reason").get<std::string>(), Contains("48 or 57"));
    CHECK(json.at("compared").at("rows") == policy.at("cpuid").size() - 1);
}

TEST_CASE("verify writes its document to a file, and the text to standard error", "[verify]") {
    if (!has_kvm()) return;
    const TemporaryDirectory dir;
    const std::string policy = example_policy("amd-zen");
    const Result printed = run({"verify", policy, "--format", "json"});
    CHECK(run({"verify", policy, "--format", "json"}).out == printed.out);
    CHECK(run({"verify", policy}).out == printed.out);  // no terminal
    CHECK(run({"verify", "-"}, {bytes_of(policy)}).out == printed.out);
    const Result written = run({"verify", policy, "-o", dir.file("verified.json")});
    CHECK(written.status == printed.status);
    CHECK(written.out.empty());
    CHECK(dir.read("verified.json") == printed.out);
    CHECK_THAT(written.err, Contains("The vCPU"));
    CHECK(run({"verify", policy, "-o", dir.file("no/such/file")}).status == 5);
}

TEST_CASE("the text opens with the verdict and keeps to 80 columns", "[verify]") {
    if (!has_kvm()) return;
    const TemporaryDirectory dir;
    Json long_name = Json::parse(bytes_of(example_policy("qemu-tcg-intel")));
    long_name["pool"] = std::string(40, 'x') + " \u202e " + std::string(40, 'y');
    std::vector<std::string> policies{dir.write("long", long_name.dump())};
    for (const std::string& pool : example_pools) policies.push_back(example_policy(pool));
    for (const std::string& policy : policies) {
        Surroundings narrow;
        narrow.environment = {"COLUMNS=80"};
        const Result result = run({"verify", policy, "--format", "text"}, narrow);
        INFO(result.text());
        CHECK(result.out.starts_with(result.status == 0 ? "The vCPU shows the policy" : "The vCPU does not show"));
        CHECK(result.out.find("\u202e") == std::string::npos);
        std::istringstream lines(result.out);
        for (std::string line; std::getline(lines, line);) CHECK(line.size() <= 80);
    }
}

TEST_CASE("without a usable /dev/kvm verify exits 5 and says what helps", "[verify]") {
    struct Case {
        std::string script;  // run in a mount namespace of its own before the program
        const char* text;
    };
    const std::vector<Case> cases{
        {"mount -t tmpfs none /dev",
         "/dev/kvm cannot be opened (No such file or directory). Load kvm_intel or kvm_amd"},
        {"mount --bind /dev/null /dev/kvm", "/dev/kvm is not KVM"},
        {"mount --bind /dev/kvm /dev/kvm && mount -o remount,bind,nodev /dev/kvm",
         "/dev/kvm cannot be opened (Permission"},
    };
    for (const Case& one : cases) {
        Surroundings there;
        there.launcher = {"unshare", "--mount", "sh", "-c", one.script + R"( && exec "$@")", "sh"};
        const Result result = run({"verify", example_policy("amd-zen")}, there);
        if (result.err.find("poolcpuid: ") == std::string::npos) {
            WARN("skipped: " << one.script << ": " << result.err);
            continue;
        }
        INFO(result.text());
        CHECK(result.status == 5);
        CHECK(result.out.empty());
        CHECK_THAT(result.err, Contains(one.text));
    }
}

TEST_CASE("verify refuses what is no policy before it asks for KVM", "[verify]") {
    CHECK(run({"verify"}).status == 2);
    CHECK(run({"verify", example_policy("amd-zen"), "--format", "yaml"}).status == 2);
    CHECK(run({"verify", "/no/such/policy"}).status == 3);
    CHECK(run({"verify", "-"}, {document(amd_host("a"))}).status == 3);
    CHECK(run({"verify", example_policy("amd-zen"), "--rulebook", "/no/such/directory"}).status == 3);
}

TEST_CASE("verify's document is valid whatever KVM does", "[verify]") {
    const TemporaryDirectory dir;
    const PoolPolicy policy = read_policy(bytes_of(example_policy("intel-haswell-skylake")), "policy");
    const auto check = [&](FakeKvm& kvm, const char* contained) {
        const Verification result = verify_policy(builtin_rulebook(), policy, kvm.runner());
        const std::string json = to_json(policy, builtin_rulebook(), result, {});
        INFO(json);
        check_valid(json);
        CHECK_THAT(json, Contains(contained));
    };
    FakeKvm exact;
    check(exact, R"("shows_policy": true)");
    FakeKvm overlaying;
    overlaying.fixed({0x7, 0}, Register::ebx, ~0U, 0x219C03AB).fixed({0x8, 0}, Register::ecx, ~0U, 3);
    check(overlaying, R"("bits without a field")");
    FakeKvm odd;
    odd.overlay([](const VcpuTask& task, LeafKey key, Registers& value) {
        if (key == LeafKey{0x1, 0} && task.cpuid.size() > 1) value.ecx ^= 1;
    });
    check(odd, R"("differences": [)");
    FakeKvm refusing;
    refusing.refuse_msr(0x10A).refuse([](const std::vector<VcpuEntry>& entries) {
        return FakeKvm::find(entries, {0x80000008, 0}) != nullptr;
    });
    check(refusing, R"("msr": "0x10a")");
    FakeKvm full;
    full.refuse([](const std::vector<VcpuEntry>& entries) { return entries.size() > 3; });
    check(full, R"("rows": 0)");
    CHECK_FALSE(schema_errors("verify", R"({"schema": "poolcpuid/verify/v1"})").empty());
}
