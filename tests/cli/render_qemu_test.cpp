// render --to qemu with a QEMU that is asked: what it has on and the policy lacks is turned off, whatever its name.
// The QEMU answers QMP and nothing else; real ones read the output in tests/e2e.

#include <algorithm>
#include <array>
#include <filesystem>
#include <nlohmann/json.hpp>
#include <sstream>
#include <string>
#include <tuple>
#include <vector>

#include "tests/catch.hpp"
#include "tests/cli/support/fake_qemu.hpp"
#include "tests/cli/support/rendered.hpp"
#include "tests/cli/support/run_program.hpp"
#include "tests/cli/support/sample_hosts.hpp"
#include "tests/cli/support/temporary_directory.hpp"

namespace poolcpuid::test::render_qemu_test {

using Catch::Contains;
using Json = nlohmann::json;

namespace {

// What QEMU 11.1 says of its Sapphire Rapids, in part: features with two names, some that need another one, and one
// that nobody here knows.
FakeQemu qemu_11() {
    FakeQemu qemu;
    std::istringstream names(
        "fpu vme de pse tsc msr pae mce cx8 apic sep mtrr pge mca cmov pat pse36 clflush mmx fxsr sse "
        "sse2 ssse3 fma cx16 pcid x2apic movbe popcnt tsc-deadline aes xsave avx f16c rdrand hypervisor "
        "fsgsbase bmi1 avx2 bmi2 syscall rdtscp pdpe1gb arat vmx vmx-ept svm monitor acpi pmu cpuid-0xb "
        "legacy-cache l3-cache host-phys-bits check kvmclock kvm-asyncpf cet-ss cet-ibt "
        "x-force-cpuid-0x1f a-feature-of-tomorrow arch-capabilities rsba rdctl-no ");
    for (std::string name; names >> name;) qemu.flags[name];
    qemu.flags["sse4.1"] = {"sse4-1", "sse4_1"};
    qemu.flags["sse4.2"] = {"sse4-2", "sse4_2"};
    qemu.flags["pni"] = {"sse3"};
    qemu.flags["lahf-lm"] = {"lahf_lm"};
    qemu.flags["lm"] = {"i64"};
    qemu.flags["nx"] = {"xd"};
    qemu.flags["pclmulqdq"] = {"pclmuldq"};
    qemu.needs["rsba"] = "arch-capabilities";
    qemu.needs["rdctl-no"] = "arch-capabilities";
    qemu.numbers = {"level", "level-func7", "xlevel", "phys-bits", "guest-phys-bits", "avx10-version", "ucode-rev"};
    FakeQemu::Model model;
    model.on = {"sse4.1", "pni",      "lm",      "nx",       "avx2",      "x-force-cpuid-0x1f", "a-feature-of-tomorrow",
                "cet-ss", "rdctl-no", "cet-ibt", "l3-cache", "hypervisor"};
    model.numbers = {{"level", 32}, {"avx10-version", 1}};
    qemu.models["SapphireRapids-v5"] = model;
    qemu.models["SapphireRapids"].alias_of = "SapphireRapids-v5";
    qemu.models["max"].is_migration_safe = false;
    qemu.models["base"].on = {"l3-cache", "legacy-cache", "check"};
    return qemu;
}

struct AskedQemu {
    TemporaryDirectory dir;
    std::string program = qemu_11().write(dir);

    std::string policy(const HostDump& host, const std::vector<std::string>& more = {}) const {
        std::vector<std::string> arguments{"merge", "-o", dir.file("policy.json"),
                                           dir.write("host.json", document(host))};
        arguments.insert(arguments.end(), more.begin(), more.end());
        const Result result = run(arguments);
        INFO(result.text());
        REQUIRE(result.status == 0);
        return dir.file("policy.json");
    }

    Json render(const std::string& policy, const std::vector<std::string>& more) const {
        std::vector<std::string> arguments{"render", "--to", "qemu", "--qemu", program, "--format", "json", policy};
        arguments.insert(arguments.end(), more.begin(), more.end());
        return rendered_by(run(arguments));
    }
};

std::vector<std::string> properties(const Json& document) {
    std::vector<std::string> all;
    std::istringstream in(document.at("output").get<std::string>());
    for (std::string part; std::getline(in, part, ',');) all.push_back(part);
    return all;
}

bool has(const std::vector<std::string>& all, const std::string& one) {
    return std::find(all.begin(), all.end(), one) != all.end();
}

std::vector<Json> lost(const Json& document, const std::string& field) {
    std::vector<Json> entries;
    for (const Json& entry : document.at("inexpressible")) {
        if (entry.at("field") == field) entries.push_back(entry);
    }
    return entries;
}

// An AMD host with the supervisor states of shadow stacks, as Zen 3 and later have them.
HostDump shadow_stack_host() {
    HostDump host = with_bit(amd_host("cet"), leaf_7, Register::ecx, 7, true);
    host = with_register(std::move(host), {0xD, 0x1}, Register::eax, 0xF);  // XSAVES is bit 3
    host = with_register(std::move(host), {0xD, 0x1}, Register::ecx, 0x1800);
    for (const auto& [subleaf, size] : {std::pair{0xBU, 0x10U}, std::pair{0xCU, 0x18U}}) {
        host = with_register(std::move(host), {0xD, subleaf}, Register::eax, size);
        host = with_register(std::move(host), {0xD, subleaf}, Register::ecx, 0x1);
    }
    return host;
}

}  // namespace

TEST_CASE("what the model has on and the policy lacks is turned off, known name or not", "[render]") {
    const AskedQemu qemu;
    const auto all = properties(qemu.render(qemu.policy(intel_host("host")), {"--base", "SapphireRapids-v5"}));
    CHECK(all.front() == "SapphireRapids-v5");
    for (const char* name : {"cet-ss", "cet-ibt", "a-feature-of-tomorrow", "x-force-cpuid-0x1f"}) {
        CAPTURE(name);
        CHECK(has(all, name + std::string("=off")));
    }
}

TEST_CASE("a second name of what the policy has on is not turned off", "[render]") {
    const AskedQemu qemu;
    const auto all = properties(qemu.render(qemu.policy(intel_host("host")), {"--base", "SapphireRapids-v5"}));
    for (const char* name : {"sse4.1", "pni", "lm", "nx", "avx2"}) {
        CAPTURE(name);
        CHECK(has(all, name + std::string("=on")));
    }
    for (const char* name : {"sse4-1", "sse4_1", "sse3", "i64", "xd"}) {
        CAPTURE(name);
        CHECK_FALSE(has(all, name + std::string("=off")));
    }
}

TEST_CASE("what the plainest model has on, too, is no feature and stays", "[render]") {
    const AskedQemu qemu;
    const auto all = properties(qemu.render(qemu.policy(intel_host("host")), {"--base", "SapphireRapids-v5"}));
    CHECK_FALSE(has(all, "l3-cache=off"));
    CHECK_FALSE(has(all, "check=off"));
    CHECK_FALSE(has(all, "legacy-cache=off"));
}

TEST_CASE("what the model has only together with a feature that the policy turns on is turned off", "[render]") {
    const AskedQemu qemu;
    const auto amd = properties(qemu.render(qemu.policy(amd_host("host")), {"--base", "SapphireRapids-v5"}));
    CHECK_FALSE(has(amd, "arch-capabilities=on"));
    CHECK_FALSE(has(amd, "rdctl-no=off"));
    const auto intel = properties(qemu.render(qemu.policy(intel_host("host")), {"--base", "SapphireRapids-v5"}));
    CHECK(has(intel, "arch-capabilities=on"));
    CHECK(has(intel, "rdctl-no=off"));
}

TEST_CASE("a number that the model has and the policy has not is set to 0", "[render]") {
    const AskedQemu qemu;
    const std::string policy = qemu.policy(intel_host("host"));
    CHECK(has(properties(qemu.render(policy, {"--base", "SapphireRapids-v5"})), "avx10-version=0"));
    CHECK_FALSE(has(properties(qemu.render(policy, {})), "avx10-version=0"));
}

TEST_CASE("a brand string that cannot be said is not left to the model", "[render]") {
    const AskedQemu qemu;
    for (const std::uint32_t bytes : {0x202C6141U, 0x80FF0141U}) {  // "Aa, " and no text
        const HostDump host = with_register(intel_host("host"), {0x80000002, 0}, Register::eax, bytes);
        const Json document = qemu.render(qemu.policy(host), {"--base", "SapphireRapids-v5"});
        CHECK(has(properties(document), "model-id="));
        CHECK(lost(document, "brand0_eax").front().at("instead") == "0x0");
    }
}

TEST_CASE("a guest without long mode is not given an address width, which QEMU refuses", "[render]") {
    const AskedQemu qemu;
    Json low = Json::parse(bytes_of(qemu.policy(intel_host("host"))));  // by hand: merge gives no such policy
    for (Json& row : low.at("cpuid")) {
        if (row.at("leaf") == "0x80000001") row.at("edx") = "0x00000800";
    }
    const Json document = qemu.render(qemu.dir.write("low.json", low.dump()), {});
    CHECK_THAT(document.at("output").get<std::string>(), !Contains(",phys-bits="));
    const Json with = qemu.render(qemu.policy(intel_host("host")), {});
    CHECK(has(properties(with), "phys-bits=46"));
}

TEST_CASE("a name without version is written as the model that it stands for", "[render]") {
    const AskedQemu qemu;
    CHECK(properties(qemu.render(qemu.policy(intel_host("host")), {"--base", "SapphireRapids"})).front() ==
          "SapphireRapids-v5");
}

TEST_CASE("without --qemu the one that the PATH has first is asked, by either name", "[render]") {
    const AskedQemu qemu;
    const std::string policy = qemu.policy(intel_host("host"));
    const auto version_with = [&](const std::string& path) {
        return rendered_by(
                   run({"render", "--to", "qemu", policy, "--format", "json"}, {.environment = {"PATH=" + path}}))
            .at("version")
            .get<std::string>();
    };
    namespace fs = std::filesystem;
    const auto directory_with = [&](const std::string& directory, const std::string& name, unsigned minor) {
        FakeQemu other = qemu_11();
        other.minor = minor;
        fs::create_directories(qemu.dir.file(directory));
        fs::rename(other.write(qemu.dir), qemu.dir.file(directory + "/" + name));
        return qemu.dir.file(directory);
    };
    const std::string of_rhel = directory_with("rhel", "qemu-kvm", 3);
    const std::string of_debian = directory_with("debian", "qemu-system-x86_64", 4);
    const std::string newer = directory_with("newer", "qemu-system-x86_64", 5);
    const std::string none = qemu.dir.file("none");
    fs::create_directories(none + "/qemu-system-x86_64");  // a directory is no program
    CHECK_THAT(version_with(of_debian + ":" + newer), Contains("11.4"));
    CHECK_THAT(version_with(none + "::" + newer + ":" + of_debian), Contains("11.5"));
    CHECK_THAT(version_with(of_rhel + ":" + of_debian), Contains("11.4"));
    CHECK_THAT(version_with(none + ":" + of_rhel), Contains("11.3"));
}

TEST_CASE("a model that is whatever the host is, or none, is no base", "[render]") {
    const AskedQemu qemu;
    const std::string policy = qemu.policy(intel_host("host"));
    for (const auto& [model, message] : {std::pair{"max", "depends on the host"}, std::pair{"Athlon-v9", "unknown"}}) {
        const Result result = run({"render", "--to", "qemu", "--qemu", qemu.program, policy, "--base", model});
        CAPTURE(model);
        CHECK(result.status == 2);
        CHECK(result.out.empty());
        CHECK_THAT(result.err, Contains(model) && Contains(message));
    }
}

TEST_CASE("a feature that the QEMU drops without one that the policy lacks is listed, and not asked for", "[render]") {
    const AskedQemu qemu;
    FakeQemu strange = qemu_11();
    strange.needs["avx2"] = "cet-ss";
    strange.write(qemu.dir);
    for (const std::vector<std::string>& base : {std::vector<std::string>{}, {"--base", "SapphireRapids-v5"}}) {
        const Json document = qemu.render(qemu.policy(intel_host("host")), base);
        CHECK_FALSE(has(properties(document), "avx2=on"));
        REQUIRE(lost(document, "avx2").size() == 1);
        CHECK(lost(document, "avx2").front().at("telling") == "less");
        CHECK_THAT(lost(document, "avx2").front().at("reason").get<std::string>(), Contains("drops it"));
    }
}

TEST_CASE("a state of XSAVE goes with the feature that QEMU has no name for, and is no promise in excess", "[render]") {
    const AskedQemu qemu;
    const std::string policy = qemu.policy(shadow_stack_host());
    const Result result = run({"render", "--to", "qemu", "--qemu", "7.2", policy, "--format", "json"});
    const Json document = Json::parse(result.out);
    REQUIRE(lost(document, "cet_ss").size() == 1);
    CHECK(lost(document, "xs_size").size() == 2);
    for (const char* field : {"xs_size", "xs_super", "xss_lo"}) {
        for (const Json& entry : lost(document, field)) {
            CAPTURE(entry.dump());
            CHECK(entry.at("telling") == "less");
            CHECK(entry.at("impact") == "performance");
            CHECK(entry.at("instead") == "0x0");
        }
    }
}

TEST_CASE("what may crash is said first, and what only describes is one line", "[render]") {
    const AskedQemu qemu;
    HostDump host = shadow_stack_host();
    for (std::uint32_t leaf = 0x80000002; leaf <= 0x80000004; ++leaf) {
        for (const Register reg : all_registers) {
            host = with_register(std::move(host), {leaf, 0}, reg, 0x202C6141);  // "Aa, "
        }
    }
    host = with_bit(std::move(host), leaf_8000_0021, Register::eax, fs_gs_base_ns_bit, true);
    host = with_bit(std::move(host), leaf_8000_0021, Register::eax, 20, true);  // EferLmsleUnsupported
    const Result result = run({"render", "--to", "qemu", "--qemu", "7.2", qemu.policy(host)});
    const std::string& text = result.err;
    INFO(text);
    const std::size_t crash = text.find("more (crash)");
    const std::size_t wrong = text.find("more (wrong-result)");
    const std::size_t less = text.find("less (performance)");
    const std::size_t cosmetic = text.find("otherwise (cosmetic)");
    CHECK(crash < wrong);
    CHECK(wrong < less);
    CHECK(less < cosmetic);
    CHECK(text.find("(cosmetic)", cosmetic + 25) == std::string::npos);
    CHECK_THAT(text.substr(cosmetic), Contains("brand string, cache description") && Contains(" registers."));
    CHECK_THAT(text, !Contains("brand0_eax") && !Contains("l1_amd_eax"));
    const Json document = Json::parse(
        run({"render", "--to", "qemu", "--qemu", "7.2", qemu.dir.file("policy.json"), "--format", "json"}).out);
    CHECK(lost(document, "brand0_eax").size() == 1);
}

TEST_CASE("what QEMU takes from the host's KVM is unknown, not lost", "[render]") {
    const AskedQemu qemu;
    const Json document = qemu.render(qemu.policy(vmx_host("vmx"), {"--show", "nested"}), {});
    for (const char* field : {"vmx_basic_vmcs_rev", "vmx_ept_wb", "vmx_cr4_fixed0"}) {
        CAPTURE(field);
        REQUIRE(lost(document, field).size() == 1);
        CHECK(lost(document, field).front().at("instead") == "unknown");
        CHECK_THAT(lost(document, field).front().at("reason").get<std::string>(), Contains("host's KVM"));
    }
}

TEST_CASE("what depends on QEMU's release is as that release has it, or unknown", "[render]") {
    const AskedQemu qemu;
    const auto instead = [&](const std::string& policy, const std::string& release, const std::string& reg) {
        const Result result = run({"render", "--to", "qemu", "--qemu", release, policy, "--format", "json"});
        const Json document = Json::parse(result.out);
        for (const Json& entry : document.at("inexpressible")) {
            if (entry.value("leaf", "") == "0x80000000" && entry.value("register", "") == reg) {
                return entry.at("instead").get<std::string>();
            }
        }
        return std::string("the policy's");
    };
    const std::string intel = qemu.policy(intel_host("host"));
    CHECK(instead(intel, "10.0", "ebx") == "0x756e6547");
    CHECK(instead(intel, "10.1", "ebx") == "the policy's");
    CHECK(instead(intel, "11.1", "edx") == "the policy's");

    constexpr LeafKey l3{0x8000001D, 0x3};
    HostDump host = with_register(amd_host("caches"), {0x80000001, 0}, Register::ecx, 0x00400001);  // TOPOEXT
    host = with_register(std::move(host), l3, Register::eax, 0x163);
    host = with_register(std::move(host), l3, Register::edx, 0x4);
    const std::string amd = qemu.policy(host);
    const auto inclusive = [&](const std::string& release) {
        const Result result = run({"render", "--to", "qemu", "--qemu", release, amd, "--format", "json"});
        for (const Json& entry : lost(Json::parse(result.out), "l1d_incl_complex")) {
            if (entry.at("subleaf") == "0x3") return entry.at("instead").get<std::string>();
        }
        return std::string("the policy's");
    };
    CHECK(inclusive("9.0") == "0x3");
    CHECK(inclusive("9.1") == "unknown");
    CHECK(inclusive("9.2") == "0x1");
    CHECK(inclusive("11.1") == "0x1");
    CHECK(inclusive("12.0") == "unknown");
}

TEST_CASE("the states of XSAVE that the emulation drops go, or are unknown where the release is", "[render]") {
    const AskedQemu qemu;
    HostDump host = with_bit(intel_host("avx512"), leaf_7, Register::ebx, 16, true);  // AVX512F
    host = with_register(std::move(host), {0xD, 0x0}, Register::eax, 0xE7);
    host = with_register(std::move(host), {0xD, 0x0}, Register::ecx, 0xA80);
    for (const auto& [subleaf, size, offset] :
         {std::tuple{5U, 0x40U, 0x440U}, std::tuple{6U, 0x200U, 0x480U}, std::tuple{7U, 0x400U, 0x680U}}) {
        host = with_register(std::move(host), {0xD, subleaf}, Register::eax, size);
        host = with_register(std::move(host), {0xD, subleaf}, Register::ebx, offset);
    }
    const std::string policy = qemu.policy(host);
    const auto states = [&](const std::string& release, const std::string& accelerator) {
        const Result result =
            run({"render", "--to", "qemu", "--qemu", release, "--accel", accelerator, policy, "--format", "json"});
        const auto entries = lost(Json::parse(result.out), "xcr0_lo");
        return entries.empty() ? std::string("the policy's") : entries.front().at("instead").get<std::string>();
    };
    CHECK(states("7.2", "tcg") == "the policy's");
    CHECK(states("9.0", "tcg") == "unknown");
    CHECK(states("10.0", "tcg") == "0x7");
    CHECK(states("11.1", "tcg") == "0x7");
    CHECK(states("11.1", "kvm") == "the policy's");
}

}  // namespace poolcpuid::test::render_qemu_test
