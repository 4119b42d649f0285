// render --to xapi and --to xen: the words, the names and the registers that Xen's toolstacks get, and what they say
// that Xen cannot give. tests/corpus/xapi_test.cpp holds the words against what Xen computes for real hosts.

#include <algorithm>
#include <array>
#include <nlohmann/json.hpp>
#include <sstream>
#include <string>
#include <vector>

#include "tests/catch.hpp"
#include "tests/cli/support/example_policy.hpp"
#include "tests/cli/support/rendered.hpp"
#include "tests/cli/support/run_program.hpp"
#include "tests/cli/support/sample_hosts.hpp"
#include "tests/cli/support/temporary_directory.hpp"

namespace poolcpuid::test::render_xen_test {

using Catch::Contains;
using Json = nlohmann::json;

namespace {

const std::string amd_zen = example_policy("amd-zen");
const std::string haswell_skylake = example_policy("intel-haswell-skylake");

Json rendered(const std::string& target, const std::string& policy, std::vector<std::string> more = {}) {
    std::vector<std::string> arguments{"render", "--to", target, policy, "--format", "json"};
    arguments.insert(arguments.end(), more.begin(), more.end());
    return rendered_by(run(arguments));
}

// The entry of a field in the list of what cannot be said, or null.
Json lost(const Json& document, const std::string& field) {
    for (const Json& entry : document.at("inexpressible")) {
        if (entry.at("field") == field) return entry;
    }
    return nullptr;
}

std::string notes_of(const Json& document) {
    std::string all;
    for (const Json& note : document.at("notes")) all += note.get<std::string>() + "\n";
    return all;
}

bool bit(const std::vector<std::uint32_t>& words, std::size_t word, unsigned number) {
    return (words[word] >> number & 1U) != 0;
}

// The value that libxl's form gives a name: '0', '1', or '-' when it has none.
char named(const Json& document, const std::string& name) {
    const std::string text = document.at("output").get<std::string>() + ",";
    const std::size_t at = text.find("," + name + "=");
    return at == std::string::npos ? '-' : text[at + name.size() + 2];
}

// The digits that Xend's form has for a register, or "".
std::string digits(const Json& document, const std::string& leaf, const std::string& reg) {
    const std::string text = document.at("output");
    const std::size_t row = text.find("\"" + leaf + ":");
    if (row == std::string::npos) return {};
    const std::string line = text.substr(row, text.find('\n', row) - row);
    const std::size_t at = line.find(reg + "=");
    return at == std::string::npos ? std::string() : line.substr(at + 4, 32);
}

struct Hosts {
    TemporaryDirectory dir;

    std::string policy_of(const std::vector<HostDump>& hosts) const {
        std::vector<std::string> arguments{"merge", "--pool", "blue", "-o", dir.file("policy.json")};
        for (const HostDump& host : hosts) arguments.push_back(dir.write(host.name + ".json", document(host)));
        const Result result = run(arguments);
        INFO(result.text());
        REQUIRE(result.status == 0);
        return dir.file("policy.json");
    }
};

HostDump with(HostDump host, LeafKey key, Register reg, unsigned number, bool value = true) {
    return with_bit(std::move(host), key, reg, number, value);
}

}  // namespace

TEST_CASE("the featureset of Rome, Milan and Genoa is what an HVM guest of each can have", "[render][xen]") {
    const Json document = rendered("xapi", amd_zen);
    // HYPERVISOR is set, the copies of leaf 1 in 80000001h EDX are Xen's own, TOPOEXT, OSVW and WBNOINVD are no
    // guest's.
    CHECK(document.at("output") ==
          "078bfbff-f6f83203-2e500800-000001f1-00000007-219c01a9-00400004-00000000-011ed005-00000000-00000000-00000000-"
          "00000000-00000000-00000000-00000000-00000000-00000000-00000000");
    for (const char* field : {"osvw", "topoext", "wbnoinvd"}) {
        CAPTURE(field);
        CHECK(lost(document, field).at("telling") == "less");
        CHECK(lost(document, field).at("reason") == "Xen gives it to no HVM guest.");
    }
    // Genoa announces it, and the other two hosts' Xen cannot.
    CHECK(lost(document, "fs_gs_base_ns").at("telling") == "more");
    CHECK(lost(document, "no_smm_ctl_msr").at("telling") == "otherwise");  // no guest is promised the MSR
    CHECK(lost(document, "efer_lmsle_unsupported").is_null());
}

TEST_CASE("the featureset of an Intel pool announces RSBA, and says that LMSLE is gone", "[render][xen]") {
    const Json document = rendered("xapi", haswell_skylake);
    CHECK(document.at("output") ==
          "0f8bfbff-f7ba2203-2c100800-00000001-00000001-00000281-00000000-00000000-00100000-20000400-00000000-00000000-"
          "00000000-00000000-00000000-00000000-00000004-00000000-00000000");
    // Xen folds in what each host has.
    for (const char* field : {"fdp_excptn_only", "zero_fcs_fds"}) {
        CHECK(lost(document, field).at("telling") == "unknown");
        CHECK_THAT(lost(document, field).at("reason").get<std::string>(), Contains("host on which the guest runs"));
    }
    CHECK(lost(document, "ac_rsba").is_null());
}

TEST_CASE("a featureset has HYPERVISOR and NO_LMSL, whatever the policy", "[render][xen]") {
    const Hosts hosts;
    for (const HostDump& host : {amd_host("amd"), intel_host("intel")}) {
        const auto words = featureset_of(rendered("xapi", hosts.policy_of({host})));
        CHECK(bit(words, 1, 31));
        CHECK(bit(words, 8, 20));
    }
}

TEST_CASE("an announcement that every host makes is in the featureset; an older Xen does not know it",
          "[render][xen]") {
    const Hosts hosts;
    const HostDump told = with(amd_host("told"), leaf_8000_0021, Register::eax, fs_gs_base_ns_bit);
    const std::string policy = hosts.policy_of({told});
    const Json document = rendered("xapi", policy);
    CHECK(bit(featureset_of(document), 11, 1));
    CHECK(lost(document, "fs_gs_base_ns").is_null());
    CHECK_THAT(notes_of(document), Contains("FS_GS_NS") && Contains("from 4.20 on") && Contains("--xen 4.17"));
    const Json older = rendered("xapi", policy, {"--xen", "4.17"});
    CHECK_FALSE(bit(featureset_of(older), 11, 1));
    CHECK(lost(older, "fs_gs_base_ns").at("reason") == "Xen gives it to guests from 4.20 on.");
    CHECK_THAT(notes_of(older), !Contains("FS_GS_NS"));
    CHECK_THAT(older.at("version").get<std::string>(), Contains("Xen 4.17"));
    // Between the two nobody knows.
    CHECK(rendered("xapi", policy, {"--xen", "4.19"}).at("output") == older.at("output"));
    CHECK(rendered("xapi", policy, {"--xen", "4.21.1"}).at("output") == document.at("output"));
}

TEST_CASE("what KVM makes up on AMD is not in the featureset", "[render][xen]") {
    const Hosts hosts;
    HostDump host = amd_host("kvm");
    host.hypervisor = HypervisorView{"kvm", host.hardware->cpus.front().cpuid, std::nullopt};
    for (CpuidRow& row : host.hypervisor->cpuid.rows) {
        if (row.key == LeafKey{0x7, 0}) row.value[Register::edx] |= 1U << 26 | 1U << 27 | 1U << 31;
    }
    const Json document = rendered("xapi", hosts.policy_of({host}));
    CHECK((featureset_of(document)[9] & (1U << 26 | 1U << 27 | 1U << 31)) == 0);
    CHECK_THAT(notes_of(document), Contains("KVM emulates"));
}

TEST_CASE("xl gets libxl's names, MSRs included, where that loses less", "[render][xen]") {
    const Json document = rendered("xen", haswell_skylake);
    CHECK_THAT(document.at("version").get<std::string>(), Contains("libxl 4.20"));
    CHECK_THAT(document.at("output").get<std::string>(),
               Contains("cpuid = \"host,maxleaf=0xd,family=6,model=85,stepping=4,fpu=1,"));
    for (const char* name : {"rsba", "arch-caps", "md-clear", "sse4-2", "clfsh", "no-lmsl", "lahf-lm"}) {
        CAPTURE(name);
        CHECK(named(document, name) == '1');
    }
    for (const char* name : {"rrsba", "rdcl-no", "fb-clear", "avx2", "mds-no", "its-no"}) {
        CAPTURE(name);
        CHECK(named(document, name) == '0');
    }
    // The VMM's own, and what no CPU of the pool's vendor has in a leaf that hosts may lack.
    for (const char* name : {"hypervisor", "htt", "osxsave", "fs-gs-ns", "avx-vnni"}) {
        CAPTURE(name);
        CHECK(named(document, name) == '-');
    }
    CHECK(lost(document, "ac_rsba").is_null());
    CHECK_THAT(notes_of(document), Contains("--form xend"));
}

TEST_CASE("the form of Xend has no words for MSRs, and says so", "[render][xen]") {
    const Json document = rendered("xen", haswell_skylake, {"--form", "xend"});
    CHECK(document.at("version") == "xl.cfg(5), the form of Xend");
    const Json entry = lost(document, "ac_rsba");
    CHECK(entry.at("msr") == "0x10a");
    CHECK(entry.at("telling") == "unknown");
    CHECK(lost(document, "brand0_eax").is_null());
    CHECK_THAT(notes_of(document), !Contains("one form a domain"));
}

TEST_CASE("xl gets Xend's registers bit by bit where hosts differ in what has no name", "[render][xen]") {
    const Json document = rendered("xen", amd_zen);
    CHECK(document.at("version") == "xl.cfg(5), the form of Xend");
    CHECK(digits(document, "0x80000021", "eax") == "00000000000000000000000000000010");
    CHECK(digits(document, "0x80000008", "eax") == "00000000000000000011000000110000");  // 48 bits
    CHECK(digits(document, "0x1", "ecx") == "x111x110111110000011001000000011");
    CHECK(digits(document, "0x7,0x0", "ebx") == "00100001100111000000000110101001");
    CHECK(lost(document, "maxphyaddr").is_null());
    const Json libxl = rendered("xen", amd_zen, {"--form", "libxl"});
    CHECK(lost(libxl, "maxphyaddr").at("telling") == "unknown");
    // Genoa has leaf 7.1 and Rome has not: a name of it would keep the domain from starting on Rome.
    CHECK(named(libxl, "avx512-bf16") == '-');
    CHECK(lost(libxl, "avx512_bf16").at("telling") == "unknown");
}

TEST_CASE("Xend's form names a subleaf only where Xen has subleaves, and leaves topology to the toolstack",
          "[render][xen]") {
    // libxc looks for the very leaf and subleaf, and has leaves without subleaves under none: xc_cpuid_xend_policy.
    for (const std::string& policy : {amd_zen, haswell_skylake}) {
        const Json document = rendered("xen", policy, {"--form", "xend"});
        std::istringstream in(document.at("output").get<std::string>());
        std::string line;
        std::getline(in, line);
        CHECK(line == "cpuid = [");
        std::size_t rows = 0;
        while (std::getline(in, line) && line != "]") {
            CAPTURE(line);
            ++rows;
            const std::string key = line.substr(3, line.find(':') - 3);
            const bool has_subleaf = key.find(',') != std::string::npos;
            CHECK(has_subleaf == (key.starts_with("0x7,") || key.starts_with("0xd,")));
            CHECK(key != "0xb");
        }
        CHECK(rows > 8);
        CHECK(digits(document, "0x1", "ebx").empty());
        CHECK(digits(document, "0x80000008", "ecx").empty());
        CHECK(digits(document, "0x80000008", "ebx").substr(11, 1) == "1");  // NO_LMSL
    }
}

TEST_CASE("Xend's form states a leaf below the highest that the policy has nothing in", "[render][xen]") {
    // What is not said is as on the host.
    const Json document = rendered("xen", amd_zen, {"--form", "xend"});
    CHECK(digits(document, "0x8000001a", "eax") == "00000000000000000000000000000110");
    CHECK(digits(document, "0x80000005", "eax") == std::string(32, '0'));
    CHECK(digits(document, "0x80000019", "ebx") == std::string(32, '0'));
}

TEST_CASE("what is set on some hosts alone is asked for by xl, and said to depend on the host", "[render][xen]") {
    const Json document = rendered("xen", amd_zen);
    const Json entry = lost(document, "fs_gs_base_ns");
    CHECK(entry.at("telling") == "unknown");
    CHECK(entry.at("reason") == "Xen clears it on a host that does not have it.");
}

TEST_CASE("--hosts tells a host on which Xen gives an announcement from one on which it cannot", "[render][xen]") {
    const Hosts hosts;
    const HostDump plain = amd_host("plain");
    const HostDump told = with(amd_host("told"), leaf_8000_0021, Register::eax, fs_gs_base_ns_bit);
    const std::string policy = hosts.policy_of({plain, told});
    for (const std::string& target : {std::string("xapi"), std::string("xen")}) {
        const Json document = rendered(target, policy, {"--hosts", hosts.dir.file("plain.json")});
        const std::string advice = document.at("hosts").at(0).at("advice");
        CHECK_THAT(advice, Contains("fs_gs_base_ns") && Contains("must not run"));
    }
}

TEST_CASE("a release that is not known and options of other targets are refused", "[render][xen]") {
    CHECK(run({"render", "--to", "xapi", amd_zen, "--xen", "4.16"}).status == 2);
    CHECK_THAT(run({"render", "--to", "xapi", amd_zen, "--xen", "4.16"}).err, Contains("4.17 and later"));
    CHECK(run({"render", "--to", "xen", amd_zen, "--xen", "new"}).status == 2);
    CHECK(run({"render", "--to", "kvm", amd_zen, "--xen", "4.20"}).status == 2);
    CHECK(run({"render", "--to", "xapi", amd_zen, "--form", "xend"}).status == 2);
    CHECK(run({"render", "--to", "xen", amd_zen, "--form", "json"}).status == 2);
}

}  // namespace poolcpuid::test::render_xen_test
