// A policy that was rendered for KVM, read back as a host: what a vCPU that has it is given.

#include <nlohmann/json.hpp>
#include <string>

#include "tests/catch.hpp"
#include "tests/cli/support/example_policy.hpp"
#include "tests/cli/support/run_program.hpp"
#include "tests/cli/support/sample_hosts.hpp"
#include "tests/cli/support/temporary_directory.hpp"
#include "tests/cli/support/validate.hpp"

namespace poolcpuid::test::kvm_document_test {

using Json = nlohmann::json;

TEST_CASE("a document of --to kvm reads back as the policy's registers", "[convert][render]") {
    const TemporaryDirectory dir;
    for (const char* pool : {"amd-zen", "intel-haswell-skylake", "qemu-tcg-amd", "qemu-tcg-intel"}) {
        CAPTURE(pool);
        const std::string& policy_file = example_policy(pool);
        const Json policy = Json::parse(bytes_of(policy_file));
        const std::string guest = dir.write("guest.json", run({"render", "--to", "kvm", policy_file}).out);

        const Json host = Json::parse(run({"convert", guest}).out);
        const Json& view = host.at("views").at("hypervisor");
        CHECK_FALSE(host.at("views").contains("hardware"));
        CHECK_FALSE(view.contains("unknown"));
        CHECK(view.at("cpuid") == policy.at("cpuid"));
        CHECK(view.at("msrs") == policy.at("msrs"));

        const Result check = run({"check", policy_file, guest});
        INFO(check.text());
        CHECK(check.status == 0);
        const Result merged = run({"merge", guest});
        INFO(merged.text());
        REQUIRE(merged.status == 0);
        CHECK(Json::parse(merged.out).at("cpuid") == policy.at("cpuid"));
        CHECK(Json::parse(merged.out).at("msrs") == policy.at("msrs"));
    }
}

TEST_CASE("a policy with what the VMM signs, or what KVM makes, is kept by what it became", "[convert][render]") {
    const TemporaryDirectory dir;
    HostDump served = with_register(amd_host("served"), {0x40000001, 0}, Register::eax, 0x29);  // clocks, steal time
    served = with_register(served, {0x40000000, 0}, Register::eax, 0x40000001);
    served = with_register(served, {0x40000000, 0}, Register::ebx, 0x4B4D564B);  // "KVMK" "VMKV" "M"
    served = with_register(served, {0x40000000, 0}, Register::ecx, 0x564B4D56);
    served = with_register(served, {0x40000000, 0}, Register::edx, 0x4D);
    served.hypervisor = HypervisorView{"kvm", served.hardware->cpus.front().cpuid, std::nullopt};
    served.hardware.reset();
    const auto is_kept = [&](const HostDump& host, const std::string& shown) {
        const std::string policy = dir.file(host.name + "-policy.json");
        REQUIRE(run({"merge", dir.write("host.json", document(host)), "--show", shown, "-o", policy}).status == 0);
        const std::string guest = dir.write("guest.json", run({"render", "--to", "kvm", policy}).out);
        const Result check = run({"check", policy, guest});
        INFO(check.text());
        CHECK(check.status == 0);
        return Json::parse(bytes_of(guest));
    };
    CHECK_FALSE(is_kept(served, "kvm_steal_time").contains("made"));
    const Json nested = is_kept(vmx_host("vmx"), "nested");
    CHECK(nested.at("made").size() == 6);
    for (const std::string& error : schema_errors("kvm", nested.dump())) FAIL_CHECK(error);
}

TEST_CASE("a policy's microcode revision is kept by what it became, and by no other list", "[convert][render]") {
    const TemporaryDirectory dir;
    HostDump host = intel_host("a");
    host.meta["microcode"] = "0xb000010";
    const std::string policy = dir.file("policy.json");
    REQUIRE(run({"merge", dir.write("a.json", document(host)), "-o", policy}).status == 0);
    const std::string guest = dir.write("guest.json", run({"render", "--to", "kvm", policy}).out);
    REQUIRE(bytes_of(guest).find("0x0b00001000000000") != std::string::npos);
    const Result check = run({"check", policy, guest});
    INFO(check.text());
    CHECK(check.status == 0);
    // A VMM's own list, as a host document has it: the revision there is what it shows its guests.
    Json own = Json::parse(run({"convert", guest}).out);
    CHECK(own.at("meta").at("microcode") == "0xb000010");
    own.erase("meta");
    CHECK(run({"check", policy, dir.write("own.json", own.dump())}).status == 1);
}

}  // namespace poolcpuid::test::kvm_document_test
