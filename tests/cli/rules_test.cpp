// rules: what a person or a script learns of a bit, and what lint says of a rulebook.

#include <algorithm>
#include <filesystem>
#include <nlohmann/json.hpp>
#include <string>

#include "tests/catch.hpp"
#include "tests/cli/support/run_program.hpp"
#include "tests/cli/support/temporary_directory.hpp"
#include "tests/cli/support/validate.hpp"

namespace poolcpuid::test::rules_test {

using Catch::Contains;
using nlohmann::json;

TEST_CASE("rules levels lists what --ceiling can name", "[rules]") {
    const json list = json::parse(run({"rules", "levels", "--format", "json"}).out).at("levels");
    const auto entry = [&](const std::string& name) {
        const auto at = std::find_if(list.begin(), list.end(), [&](const json& e) { return e.at("name") == name; });
        REQUIRE(at != list.end());
        return *at;
    };
    const auto has = [&](const std::string& name, const char* feature) {
        const json features = entry(name).at("features");
        return std::find(features.begin(), features.end(), feature) != features.end();
    };
    CHECK(list.at(0).at("name") == "x86-64-v1");
    CHECK((has("x86-64-v3", "avx2") && has("x86-64-v3", "sse4_2") && !has("x86-64-v3", "avx512f")));
    CHECK((has("qemu:Haswell-v1", "rtm") && !has("qemu:Haswell-v4", "rtm") && has("qemu:Haswell-v4", "spec_ctrl")));
    CHECK((has("qemu:Haswell-noTSX-IBRS", "spec_ctrl") && !has("qemu:Haswell-noTSX-IBRS", "rtm")));
    CHECK((has("libvirt:EPYC-Genoa", "avx512f") && !has("libvirt:EPYC-Milan", "avx512f")));
    CHECK(entry("libvirt:EPYC-Genoa").at("vendors") == json::array({"amd"}));
    CHECK(entry("qemu:GraniteRapids-v5").at("numbers") == json({{"amx_palette", "0x1"}, {"avx10_version", "0x1"}}));
    CHECK(entry("libvirt:DiamondRapids-v1").at("numbers").at("avx10_version") == "0x2");
    CHECK_FALSE(entry("qemu:Haswell-v4").contains("numbers"));
    CHECK(entry("evc:intel-merom").contains("refused"));
    CHECK_THAT(run({"rules", "levels", "--format", "text"}).out,
               Contains("ceiling") && Contains("qemu:Haswell-v4") && Contains("QEMU 11.1.3") && Contains("unknown"));
}

TEST_CASE("rules show finds a field by any of its names", "[rules]") {
    for (const char* name :
         {"fs_gs_base_ns", "fs-gs-base-ns", "FS_GS_NS", "wrmsr_xx_base_ns", "FsGsKernelGsBaseNonSerializing"}) {
        const json rules = json::parse(run({"rules", "show", name}).out);
        INFO(name);
        REQUIRE(rules.at("fields").size() == 1);
        CHECK(rules.at("fields").at(0).at("field") == "fs_gs_base_ns");
        CHECK(rules.at("fields").at(0).at("rule") == "union");
        CHECK(rules.at("fields").at(0).at("leaf") == "0x80000021");
    }
    const Result unknown = run({"rules", "show", "frobnicate"});
    CHECK(unknown.status == 2);
    CHECK_THAT(unknown.err, Contains("frobnicate"));
}

TEST_CASE("rules show says what a feature needs and who needs it", "[rules]") {
    const json field = json::parse(run({"rules", "show", "avx512f"}).out).at("fields").at(0);
    CHECK_THAT(field.at("needs").dump(), Contains("\"avx2\""));
    CHECK_THAT(field.at("needed_by").dump(), Contains("\"avx512bw\""));
    const Result text = run({"rules", "show", "avx512f", "--format", "text"});
    CHECK_THAT(text.out, Contains("XSAVE state opmask") && Contains("level       x86-64-v4"));
}

TEST_CASE("rules says of what is behind a gate whether the gate is shown", "[rules]") {
    const auto guest = [](const char* field) {
        const std::string out = run({"rules", "show", field, "--format", "text"}).out;
        const std::string key = "\n  guest       ";
        const std::size_t at = out.find(key);
        REQUIRE(at != std::string::npos);
        return out.substr(at + key.size(), out.find('\n', at + 1) - at - key.size());
    };
    CHECK(guest("avx2") == "shown by default");
    CHECK(guest("sgx1") == "never shown (it says nothing without sgx)");
    CHECK(guest("lbr_depths") == "never shown (it says nothing without arch_lbr)");
    CHECK(guest("legacy_reduced_isa") == "never shown (it says nothing without sipi64)");
    CHECK(guest("mwait_ext") == "only with --show monitor (it says nothing without monitor)");
    CHECK(guest("npt") == "only with --show nested");
    CHECK(guest("vmx_invvpid_all") == "only with --show nested");
    CHECK(guest("osvw_status") == "shown by default");  // through two gates
    CHECK_THAT(run({"rules", "list", "--leaf", "0x12", "--format", "text"}).out, !Contains("default"));
    CHECK(json::parse(run({"rules", "show", "sgx1"}).out).at("fields").at(0).at("exposure") == "default");
}

TEST_CASE("rules list --count has the numbers as text and as JSON", "[rules]") {
    const json count = json::parse(run({"rules", "list", "--count", "--format", "json"}).out);
    for (const std::string& error : schema_errors("rules-count", count.dump())) FAIL_CHECK(error);
    CHECK(json::parse(run({"rules", "list", "--count"}).out) == count);  // in a pipe, as everywhere
    const json fields = json::parse(run({"rules", "list"}).out).at("fields");
    CHECK(count.at("all").at("cpuid").get<std::size_t>() + count.at("all").at("msr").get<std::size_t>() ==
          fields.size());
    const auto unions = [](const json& counts) {
        const auto& rules = counts.at("rules");
        const auto at =
            std::find_if(rules.begin(), rules.end(), [](const json& rule) { return rule.at("rule") == "union"; });
        return at == rules.end() ? 0 : at->at("cpuid").get<int>();
    };
    const json amd = json::parse(run({"rules", "list", "--rule", "union", "--vendor", "amd", "--count"}).out);
    CHECK(amd.at("rules").size() == 1);
    CHECK(unions(amd) > 0);
    CHECK(unions(amd) <= unions(count));
    const Result text = run({"rules", "list", "--count", "--format", "text"});
    CHECK_THAT(text.out, Contains("union       " + std::to_string(unions(count)) + " "));
}

TEST_CASE("rules list is filtered by rule, vendor and leaf", "[rules]") {
    const json unions =
        json::parse(run({"rules", "list", "--rule", "union", "--vendor", "amd", "--leaf", "0x80000021"}).out);
    for (const json& field : unions.at("fields")) {
        CHECK(field.at("rule") == "union");
        CHECK(field.at("leaf") == "0x80000021");
    }
    CHECK(unions.at("fields").size() >= 1);
    CHECK(run({"rules", "list", "--vendor", "acme"}).status == 2);
    CHECK(run({"rules", "list", "--leaf", "seven"}).status == 2);
    CHECK(run({"rules", "list", "--rule", "foo"}).status == 2);
}

TEST_CASE("rules lint names file, line and field, and is exit status 3", "[rules]") {
    const TemporaryDirectory dir;
    const std::string copy = dir.file("policy");
    std::filesystem::copy(POOLCPUID_SOURCE_DIR "/policy", copy, std::filesystem::copy_options::recursive);
    const Result clean = run({"rules", "lint", copy});
    CHECK(clean.status == 0);
    CHECK_THAT(clean.out, Contains("clean"));

    std::string leaf = dir.read("policy/cpuid/0x80000021.json");
    const std::string wrong = "\"rule\": \"onion\"";
    leaf.replace(leaf.find("\"rule\": \"union\""), wrong.size(), wrong);
    dir.write("policy/cpuid/0x80000021.json", leaf);
    const Result text = run({"rules", "lint", copy});
    CHECK(text.status == 3);
    CHECK_THAT(text.out, Contains("cpuid/0x80000021.json:") && Contains("fs_gs_base_ns: unknown rule \"onion\""));
    const json findings = json::parse(run({"rules", "lint", copy, "--format", "json"}).out).at("findings");
    CHECK(findings.at(0).at("field") == "fs_gs_base_ns");
    CHECK(run({"rules", "lint", dir.file("nowhere")}).status == 3);
    CHECK(run({"rules", "lint"}).status == 0);
}

TEST_CASE("rules show takes the names that check prints", "[rules]") {
    for (const char* name : {"l4_wbinvd[0]", "xsave state pkru", "vendor"}) {
        CAPTURE(name);
        const Result result = run({"rules", "show", name, "--format", "json"});
        CHECK(result.status == 0);
        CHECK_FALSE(json::parse(result.out).at("fields").empty());
    }
    CHECK(run({"rules", "show", "l4_wbinvd[64]"}).status == 2);
}

TEST_CASE("a rulebook that is odd in any way is refused with findings", "[rules]") {
    const TemporaryDirectory dir;
    const std::string copy = dir.file("policy");
    std::filesystem::copy(POOLCPUID_SOURCE_DIR "/policy", copy, std::filesystem::copy_options::recursive);
    json leaf = json::parse(dir.read("policy/cpuid/0x80000021.json"));
    leaf["fields"][0]["vendors"] = {"no-such-vendor"};
    dir.write("policy/cpuid/0x80000021.json", leaf.dump(1));
    const Result odd = run({"rules", "lint", copy});
    CHECK(odd.status == 3);
    CHECK_THAT(odd.out, Contains(": unknown vendor \"no-such-vendor\""));
    CHECK(run({"rules", "list", "--rulebook", copy}).status == 3);

    std::filesystem::create_directory(copy + "/cpuid/0x99.json");
    const Result directory = run({"rules", "lint", copy});
    CHECK(directory.status == 3);
    CHECK_THAT(directory.err, Contains("0x99.json: expected a regular file"));
}

TEST_CASE("rules show and explain say what a mitigation helps against", "[rules][mitigation]") {
    CHECK_THAT(run({"rules", "show", "ssbd", "--format", "text"}).out,
               Contains("Spectre v4 (speculative store bypass)"));
    CHECK_THAT(run({"rules", "show", "ssbd", "--format", "json"}).out,
               Contains("\"mitigates\": [\n        \"spec_store_bypass\""));
    CHECK_THAT(run({"rules", "show", "avx2", "--format", "text"}).out, !Contains("against  "));
}

}  // namespace poolcpuid::test::rules_test
