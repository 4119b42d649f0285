// verify on this machine's KVM: what it says of policies that the machine can give, cannot give, and never could.

#include <sys/utsname.h>

#include <algorithm>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "tests/catch.hpp"
#include "tests/cli/support/example_policy.hpp"
#include "tests/cli/support/run_program.hpp"
#include "tests/cli/support/sample_hosts.hpp"
#include "tests/cli/support/temporary_directory.hpp"
#include "tests/cli/support/validate.hpp"

namespace poolcpuid::test::verify_kvm_test {

using Catch::Contains;

namespace {

using Json = nlohmann::json;

// What verify says of a policy, which must be as the schema has it, account for every row and MSR, and agree with the
// exit status.
Json verified(const std::string& file) {
    const Result result = run({"verify", file, "--format", "json"});
    INFO(result.text());
    for (const std::string& error : schema_errors("verify", result.out)) FAIL_CHECK(error);
    Json json = Json::parse(result.out);
    CHECK(result.status == (json.at("shows_policy").get<bool>() ? 0 : 1));
    CHECK(json.at("shows_policy") == (json.at("refused").empty() && json.at("differences").empty()));
    std::size_t rows = json.at("compared").at("rows").get<std::size_t>();
    std::size_t msrs = json.at("compared").at("msrs").get<std::size_t>();
    for (const Json& refused : json.at("refused")) ++(refused.contains("msr") ? msrs : rows);
    const Json policy = Json::parse(bytes_of(file));
    CHECK(rows == policy.at("cpuid").size());
    CHECK(msrs == policy.at("msrs").size());
    CHECK(json.at("compared").at("other_rows") > 50);
    return json;
}

// KVM takes every entry, and every bit of CPUID as it is told or not at all.
void check_cpuid_taken(const Json& json) {
    INFO(json.dump(1));
    for (const Json& refused : json.at("refused")) CHECK(refused.contains("msr"));
    CHECK(json.at("differences").empty());
}

}  // namespace

TEST_CASE("the policy of this machine's own capture is one that its KVM takes", "[verify]") {
    const TemporaryDirectory dir;
    REQUIRE(run({"capture", "--name", "here", "-o", dir.file("here.json")}).status == 0);
    REQUIRE(run({"merge", dir.file("here.json"), "-o", dir.file("policy.json")}).status == 0);
    check_cpuid_taken(verified(dir.file("policy.json")));
}

TEST_CASE("policies of both vendors are verified, whatever this machine's is", "[verify]") {
    utsname system{};
    REQUIRE(::uname(&system) == 0);
    for (const char* pool : {"amd-zen", "intel-haswell-skylake", "qemu-tcg-amd", "qemu-tcg-intel"}) {
        INFO(pool);
        const Json json = verified(example_policy(pool));
        CHECK(json.at("pool") == pool);
        CHECK(json.at("kvm").at("kernel") == system.release);
        check_cpuid_taken(json);
    }
}

TEST_CASE("a bit that the hosts OR is seen in the guest, or said to be out of the VMM's hands", "[verify]") {
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
    const TemporaryDirectory dir;
    Json policy = Json::parse(bytes_of(example_policy("amd-zen")));
    policy["decisions"] = Json::array();
    for (Json& row : policy["cpuid"]) {
        if (row.at("leaf") == "0x80000008") row["eax"] = "0x00002d30";  // linear addresses of 45 bits
    }
    const Json json = verified(dir.write("policy", policy.dump()));
    CHECK(json.at("shows_policy") == false);
    Json rows = json.at("refused");  // which MSRs it refuses besides is its own affair
    rows.erase(std::remove_if(rows.begin(), rows.end(), [](const Json& entry) { return !entry.contains("leaf"); }),
               rows.end());
    REQUIRE(rows.size() == 1);
    CHECK(rows.at(0).at("leaf") == "0x80000008");
    CHECK_THAT(rows.at(0).at("reason").get<std::string>(), Contains("48 or 57"));
    CHECK(json.at("compared").at("rows") == policy.at("cpuid").size() - 1);
}

TEST_CASE("two verifications of a policy are equal byte for byte, printed or written", "[verify]") {
    const TemporaryDirectory dir;
    const std::string policy = example_policy("intel-haswell-skylake");
    const Result printed = run({"verify", policy});
    const Result written = run({"verify", policy, "-o", dir.file("verified.json")});
    CHECK(written.status == printed.status);
    CHECK(written.out.empty());
    CHECK(dir.read("verified.json") == printed.out);
    CHECK_THAT(written.err, Contains("The vCPU"));
}

}  // namespace poolcpuid::test::verify_kvm_test
