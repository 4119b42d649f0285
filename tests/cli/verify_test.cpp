// verify: what it reads, prints, writes and exits with, on a KVM made of code and without any; and its document,
// whatever it finds. tests/e2e/kvm has the machine's own.

#include <unistd.h>

#include <nlohmann/json.hpp>
#include <sstream>
#include <string>
#include <vector>

#include "cli/output.hpp"
#include "cli/texts.hpp"
#include "poolcpuid/error.hpp"
#include "poolcpuid/verify.hpp"
#include "tests/catch.hpp"
#include "tests/cli/support/example_policy.hpp"
#include "tests/cli/support/run_here.hpp"
#include "tests/cli/support/run_program.hpp"
#include "tests/cli/support/sample_hosts.hpp"
#include "tests/cli/support/temporary_directory.hpp"
#include "tests/cli/support/validate.hpp"
#include "tests/support/fake_kvm.hpp"

namespace poolcpuid::test::verify_test {

using Catch::Contains;

namespace {

using Json = nlohmann::json;

const std::vector<std::string> example_pools{"amd-zen", "intel-haswell-skylake", "qemu-tcg-amd", "qemu-tcg-intel"};

void check_valid(const std::string& document) {
    for (const std::string& error : schema_errors("verify", document)) FAIL_CHECK(error);
}

const KvmHost host{"6.18.0", "kvm_amd"};

// The verb on a KVM made of code.
Result verify(const cli::VerifyArguments& arguments, FakeKvm& kvm) {
    return run_here([&] {
        return cli::verify(
            arguments, [&] { return kvm.runner(); }, host);
    });
}

// SSE3 is otherwise than told, so that it follows what a vCPU is told: a difference.
void flip_sse3(const VcpuTask&, LeafKey key, Registers& value) {
    if (key == LeafKey{0x1, 0}) value.ecx ^= 1;
}

bool is_told_widths(const std::vector<VcpuEntry>& entries) {
    return FakeKvm::find(entries, {0x80000008, 0}) != nullptr;
}

// The program in a mount namespace of its own, with nothing in /dev but what the script puts into $dev.
Surroundings with_dev(const std::string& directory, const std::string& script) {
    Surroundings there;
    there.launcher = {"unshare", "--mount"};
    if (::geteuid() != 0) there.launcher.insert(there.launcher.end(), {"--user", "--map-root-user"});
    const std::string before = "dev=" + directory + R"( && mount -t tmpfs none "$dev" && )" + script;
    const std::vector<std::string> shell{"sh", "-c", before + R"( && mount --rbind "$dev" /dev && exec "$@")", "sh"};
    there.launcher.insert(there.launcher.end(), shell.begin(), shell.end());
    return there;
}

}  // namespace

TEST_CASE("verify exits 0 where the vCPU shows the policy, also as far as a VMM can decide, and 1 else", "[verify]") {
    const cli::VerifyArguments arguments{example_policy("amd-zen"), {"json", ""}, ""};
    struct Case {
        FakeKvm kvm;
        int status;
        const char* text;
    };
    std::vector<Case> cases{
        {FakeKvm(), 0, R"("shows_policy": true)"},
        {FakeKvm().fixed({0x7, 0}, Register::ebx, 1U << 5, 0), 0, R"("field": "avx2")"},
        {FakeKvm().overlay(flip_sse3), 1, R"("shows_policy": false)"},
        {FakeKvm().refuse(is_told_widths), 1, R"("leaf": "0x80000008")"},
    };
    for (Case& one : cases) {
        const Result result = verify(arguments, one.kvm);
        INFO(result.text());
        CHECK(result.status == one.status);
        CHECK_THAT(result.out, Contains(one.text) && Contains(R"("pool": "amd-zen")") &&
                                   Contains(R"("kernel": "6.18.0")") && Contains(R"("module": "kvm_amd")"));
        CHECK(result.err.empty());
        check_valid(result.out);
    }
}

TEST_CASE("verify prints its document or its text, or writes the document and says the text", "[verify]") {
    const TemporaryDirectory dir;
    const std::string policy = example_policy("amd-zen");
    FakeKvm kvm;
    kvm.overlay(flip_sse3);
    const Result json = verify({policy, {"json", ""}, ""}, kvm);
    const Result text = verify({policy, {"text", ""}, ""}, kvm);
    CHECK(Json::parse(json.out).at("schema") == "poolcpuid/verify/v1");
    CHECK(text.out.starts_with("The vCPU does not show the policy: "));
    CHECK(verify({policy, {}, ""}, kvm).out == json.out);  // no terminal
    for (const char* format : {"", "json", "text"}) {
        const Result written = verify({policy, {format, dir.file("verified.json")}, ""}, kvm);
        CHECK(written.status == 1);
        CHECK(written.out.empty());
        CHECK(written.err == text.out);
        CHECK(dir.read("verified.json") == json.out);
    }
    CHECK_THROWS_AS(verify({policy, {"json", dir.file("no/such/file")}, ""}, kvm), cli::OutputError);
}

TEST_CASE("verify reads the policy before it opens KVM", "[verify]") {
    const TemporaryDirectory dir;
    FakeKvm kvm;
    CHECK_THROWS_AS(verify({dir.write("host", document(amd_host("a"))), {}, ""}, kvm), InputError);
    CHECK(kvm.tasks().empty());
    FakeKvm broken;
    broken.fail_from(0);
    CHECK_THROWS_AS(verify({example_policy("amd-zen"), {"", dir.file("out")}, ""}, broken), SystemError);
    CHECK_FALSE(dir.has("out"));
}

TEST_CASE("the text opens with the verdict and keeps to 80 columns", "[verify]") {
    std::vector<PoolPolicy> policies;
    for (const std::string& pool : example_pools) policies.push_back(read_policy(bytes_of(example_policy(pool)), pool));
    policies.push_back(policies.front());
    policies.back().pool = std::string(40, 'x') + " \u202e " + std::string(40, 'y');
    for (const PoolPolicy& policy : policies) {
        std::vector<FakeKvm> kvms{FakeKvm(), FakeKvm().fixed({0x7, 0}, Register::ebx, ~0U, 0x219C03AB),
                                  FakeKvm().overlay(flip_sse3), FakeKvm().refuse_msr(0x10A).refuse(is_told_widths)};
        for (FakeKvm& kvm : kvms) {
            const Verification result = verify_policy(builtin_rulebook(), policy, kvm.runner());
            cli::Page page(80, false);
            cli::verify_text(policy, builtin_rulebook(), result, host, page);
            const std::string text = page.text();
            INFO(text);
            CHECK(text.starts_with(result.shows_policy() ? "The vCPU shows the policy" : "The vCPU does not show"));
            CHECK(text.find("\u202e") == std::string::npos);
            CHECK_THAT(text, Contains("on: kvm_amd, Linux 6.18.0"));
            std::istringstream lines(text);
            for (std::string line; std::getline(lines, line);) CHECK(line.size() <= 80);
        }
    }
}

TEST_CASE("without a usable /dev/kvm verify exits 5 and says what helps", "[verify]") {
    struct Case {
        std::string kvm;  // makes $dev/kvm
        const char* text;
    };
    const std::vector<Case> cases{
        {"true", "/dev/kvm cannot be opened (No such file or directory). Load kvm_intel or kvm_amd"},
        {"touch $dev/kvm", "/dev/kvm is not KVM"},
        {"touch $dev/kvm && mount --bind /dev/null $dev/kvm && mount -o remount,bind,nodev $dev/kvm",
         "/dev/kvm cannot be opened (Permission denied). Run as root, or as a member of the group kvm."},
    };
    for (const Case& one : cases) {
        const TemporaryDirectory dir;
        const Surroundings there = with_dev(dir.path(), one.kvm);
        const Result result = run({"verify", example_policy("amd-zen")}, there);
        if (result.err.find("poolcpuid: ") == std::string::npos) {
            WARN("skipped: no mount namespaces here: " << result.err);
            return;
        }
        INFO(one.kvm << ": " << result.text());
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
    // A policy is taken from standard input, whatever becomes of it then.
    CHECK(run({"verify", "-"}, {bytes_of(example_policy("amd-zen"))}).status != 3);
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
    odd.overlay(flip_sse3);
    check(odd, R"("differences": [)");
    FakeKvm refusing;
    refusing.refuse_msr(0x10A).refuse(is_told_widths);
    check(refusing, R"("msr": "0x10a")");
    FakeKvm full;
    full.refuse([](const std::vector<VcpuEntry>& entries) { return entries.size() > 3; });
    check(full, R"("rows": 0)");
    CHECK_FALSE(schema_errors("verify", R"({"schema": "poolcpuid/verify/v1"})").empty());
}

}  // namespace poolcpuid::test::verify_test
