// explain: what it answers for the example pools, what it refuses, and how it looks.

#include <algorithm>
#include <filesystem>
#include <nlohmann/json.hpp>
#include <sstream>
#include <string>
#include <vector>

#include "base/hex.hpp"
#include "tests/catch.hpp"
#include "tests/cli/support/example_policy.hpp"
#include "tests/cli/support/run_program.hpp"
#include "tests/cli/support/sample_hosts.hpp"
#include "tests/cli/support/temporary_directory.hpp"
#include "tests/cli/support/validate.hpp"
#include "tests/support/law_divisor.hpp"

namespace poolcpuid::test::explain_test {

using Catch::Contains;
using Catch::StartsWith;
using nlohmann::json;

namespace {

const std::string examples = POOLCPUID_SOURCE_DIR "/examples/";
const std::string zen = example_policy("amd-zen");
const std::string zen_hosts = examples + "amd-zen/hosts";
const std::vector<std::string> pools{"amd-zen", "intel-haswell-skylake", "qemu-tcg-amd", "qemu-tcg-intel"};

Result explain(std::vector<std::string> arguments) {
    arguments.insert(arguments.begin(), "explain");
    const Result result = run(arguments);
    INFO(result.text());
    CHECK(result.status == 0);
    return result;
}

std::string text(std::vector<std::string> arguments) {
    arguments.insert(arguments.begin() + 1, {"--format", "text"});
    return explain(std::move(arguments)).out;
}

json document_of(const std::vector<std::string>& arguments) {
    const std::string out = explain(arguments).out;
    for (const std::string& error : schema_errors("explain", out)) FAIL_CHECK(error);
    return json::parse(out);
}

json value_of(const json& document, const std::string& id) {
    for (const json& field : document.at("fields")) {
        if (field.at("field") == id) return field.at("values").front();
    }
    return {};
}

json seen(const std::vector<std::pair<std::string, std::vector<std::string>>>& values) {
    json result = json::array();
    for (const auto& [value, hosts] : values) {
        result.push_back({{"value", value}, {"hosts", hosts}, {"count", hosts.size()}});
    }
    return result;
}

// The rulebook with these members of fields otherwise, as the directory's "rules".
void write_rulebook(const TemporaryDirectory& dir, const json& changes) {
    std::filesystem::copy(POOLCPUID_SOURCE_DIR "/policy", dir.file("rules"), std::filesystem::copy_options::recursive);
    for (const auto& file : std::filesystem::directory_iterator(dir.file("rules/cpuid"))) {
        json leaf = json::parse(bytes_of(file.path().string()));
        for (json& field : leaf.at("fields")) {
            const auto change = changes.find(field.at("id").get<std::string>());
            if (change != changes.end()) field.update(*change);
        }
        dir.write("rules/cpuid/" + file.path().filename().string(), leaf.dump());
    }
    json head = json::parse(dir.read("rules/rulebook.json"));
    head["version"] = "1999.01";
    dir.write("rules/rulebook.json", head.dump());
}

void check_width(const std::string& out) {
    std::istringstream lines(out);
    for (std::string line; std::getline(lines, line);) {
        if (line.size() > 80) FAIL_CHECK("more than 80 columns: " + line);
    }
    CHECK_FALSE(out.empty());
}

// Fifteen hosts without AVX2, and one with it: more than a document lists.
struct LargePool {
    TemporaryDirectory dir{};
    std::string hosts = dir.write("hosts.ndjson", lines());
    std::string policy = dir.file("pool.json");

    LargePool() { REQUIRE(run({"merge", hosts, "-o", policy}).status == 0); }

    static std::string lines() {
        std::string text = document_line(amd_host("new")) + "\n";
        for (int i = 10; i < 25; ++i) {
            const HostDump host = amd_host("old-" + std::to_string(i));
            text += document_line(with_bit(host, leaf_7, Register::ebx, avx2_bit, false)) + "\n";
        }
        return text;
    }
};

}  // namespace

TEST_CASE("of many hosts it is told which decide, and which do by not being known", "[explain]") {
    const TemporaryDirectory dir;
    std::vector<std::string> merge{"merge", "--format", "json"};
    const auto add = [&](const HostDump& host) { merge.push_back(dir.write(host.name + ".json", document(host))); };
    add(intel_host("has"));
    for (int i = 1; i <= 9; ++i) {
        add(with_bit(intel_host("lacks-" + std::to_string(i)), leaf_7, Register::ebx, avx2_bit, false));
    }
    for (int i = 10; i <= 21; ++i) {
        HostDump host = intel_host("silent-" + std::to_string(i));
        host.hardware->cpus.front().cpuid.mark_unknown(leaf_7, Register::ebx, 1U << avx2_bit);
        add(host);
    }
    merge.emplace_back("--allow-partial");
    const std::string policy = dir.write("pool.json", run(merge).out);
    const json value = value_of(document_of({policy, "avx2"}), "avx2");
    CHECK(value.at("because").at("count") == 21);
    CHECK(value.at("because_known").at("count") == 9);
    CHECK(value.at("because_known").at("hosts").front() == "lacks-1");
    CHECK(value.at("because_unknown").at("count") == 12);
    CHECK(value.at("because_unknown").at("hosts").front() == "silent-10");
    const std::string out = text({policy, "avx2"});
    CHECK_THAT(out, Contains("not known on") && Contains("which decide"));
    CHECK_THAT(out, !Contains("because of"));  // the rows of the hosts say it
}

TEST_CASE("explain answers for Rome, Milan and Genoa with the right hosts", "[explain]") {
    const json answer = document_of({zen, "fs_gs_base_ns", "avx512f", "PKU", "phys-bits", "xcr0"});
    REQUIRE(answer.at("fields").size() == 6);

    const json relaxed = value_of(answer, "fs_gs_base_ns");
    CHECK(relaxed.at("value") == "0x1");
    CHECK(relaxed.at("origin") == "hosts");
    CHECK(relaxed.at("because") == json{{"hosts", {"genoa-1"}}, {"count", 1}});
    CHECK(relaxed.at("seen") == seen({{"0x0", {"milan-1", "rome-1"}}, {"0x1", {"genoa-1"}}}));
    CHECK(relaxed.at("reason") == "Set as soon as one host has it.");

    const json vectors = value_of(answer, "avx512f");
    CHECK(vectors.at("value") == "0x0");
    CHECK(vectors.at("because").at("hosts") == json{"milan-1", "rome-1"});
    CHECK(vectors.at("seen") == seen({{"0x0", {"milan-1", "rome-1"}}, {"0x1", {"genoa-1"}}}));

    const json keys = value_of(answer, "pku");
    CHECK(keys.at("value") == "0x0");
    CHECK(keys.at("because").at("hosts") == json{"rome-1"});
    CHECK(keys.at("seen") == seen({{"0x0", {"rome-1"}}, {"0x1", {"genoa-1", "milan-1"}}}));
    const json& pkru = answer.at("fields")[2].at("states").front();
    CHECK(pkru.at("state") == "pkru");
    CHECK(pkru.at("reason") == "The XSAVE state pkru is laid out differently on the hosts.");
    CHECK(pkru.at("because").at("hosts") == json{"rome-1"});
    CHECK(pkru.at("seen") == seen({{"8 bytes at 2432", {"genoa-1", "milan-1"}}, {"64 bytes at 832", {"rome-1"}}}));

    const json width = value_of(answer, "maxphyaddr");
    CHECK(width.at("value") == "0x30");
    CHECK(width.at("because").at("hosts") == json{"milan-1", "rome-1"});
    CHECK(width.at("seen") == seen({{"0x30", {"milan-1", "rome-1"}}, {"0x34", {"genoa-1"}}}));

    const json states = value_of(answer, "xcr0_lo");
    CHECK(states.at("value") == "0x7");
    CHECK(states.at("seen") == seen({{"0x207", {"milan-1", "rome-1"}}, {"0x2e7", {"genoa-1"}}}));
    std::vector<std::string> kept;
    std::vector<std::string> lost;
    for (const json& state : answer.at("fields")[4].at("states")) {
        if (state.at("kept")) {
            kept.push_back(state.at("state"));
        } else {
            lost.push_back(state.at("state").get<std::string>() + ": " + state.at("because").at("hosts").dump());
        }
    }
    CHECK(kept == std::vector<std::string>{"x87", "sse", "avx"});
    CHECK(lost == std::vector<std::string>{R"(opmask: ["milan-1","rome-1"])", R"(zmm_hi256: ["milan-1","rome-1"])",
                                           R"(hi16_zmm: ["milan-1","rome-1"])", R"(pkru: ["rome-1"])"});
}

TEST_CASE("the text of a field says the value, the hosts that decide, and why with its source", "[explain]") {
    const std::string out = text({zen, "fs_gs_base_ns", "maxphyaddr", "xcr0_lo"});
    INFO(out);
    CHECK_THAT(out, StartsWith("fs_gs_base_ns = 1 (0x80000021.0 eax[1], union)\n"));
    CHECK_THAT(out, Contains("FsGsKernelGsBaseNonSerializing (SDM/APM)"));
    CHECK_THAT(out, Contains("0 on milan-1, rome-1\n") && Contains("1 on genoa-1, which decides\n"));
    CHECK_THAT(out, Contains("Clear promises that WRMSR to FS_BASE") && Contains("K cpuid.c:1203"));
    CHECK_THAT(out, Contains("48 on milan-1, rome-1, which decide\n") && Contains("52 on genoa-1\n"));
    CHECK_THAT(out, Contains("x87, sse, avx (256 bytes at 576): kept"));
    CHECK_THAT(out, Contains("opmask, zmm_hi256, hi16_zmm: not on every host (milan-1, rome-1)"));
    CHECK_THAT(out, !Contains("what if"));
}

TEST_CASE("what all hosts agree on is said with their number", "[explain]") {
    CHECK_THAT(text({zen, "avx2"}), Contains("1 on all 3 hosts\n"));
}

TEST_CASE("with its hosts a field says without which of them it would be another", "[explain][what-if]") {
    const std::string out = text({zen, "avx512f", "fs_gs_base_ns", "maxphyaddr", "pku", "--hosts", zen_hosts});
    INFO(out);
    CHECK_THAT(out, Contains("without milan-1, rome-1: 1 (and 40 more promises)"));
    CHECK_THAT(out, Contains("without genoa-1: 0\n"));
    CHECK_THAT(out, Contains("without milan-1, rome-1: 52 (and 40 more promises)"));
    CHECK_THAT(out, Contains("without rome-1: 1 (and 15 more promises)"));
    const json answer = document_of({zen, "pku", "--hosts", zen_hosts});
    REQUIRE(answer.at("what_ifs").size() == 2);  // {milan-1, rome-1} and {rome-1}
    CHECK(answer.at("what_ifs")[1].at("without") == json{"rome-1"});
    CHECK(answer.at("what_ifs")[1].at("gains").size() == 16);
}

TEST_CASE("--without asks about the hosts that it names", "[explain][what-if]") {
    const std::string rome = text({zen, "--hosts", zen_hosts, "--without", "rome-1"});
    INFO(rome);
    CHECK_THAT(rome, StartsWith("Without rome-1 the pool amd-zen would gain 16 promises:\n"));
    CHECK_THAT(rome, Contains("pku") && !Contains("avx512f"));
    CHECK_THAT(text({zen, "--hosts", zen_hosts, "--without", "milan-1"}),
               StartsWith("Without milan-1 the pool amd-zen would gain nothing.\n"));
    CHECK_THAT(text({zen, "--hosts", zen_hosts, "--without", "rome-1", "--without", "milan-1"}),
               StartsWith("Without milan-1, rome-1 the pool amd-zen would gain 41 promises:\n"));
    CHECK_THAT(text({zen, "avx512f", "--hosts", zen_hosts, "--without", "rome-1"}),
               Contains("without rome-1: the same\n"));
    const json answer = document_of({zen, "--hosts", zen_hosts, "--without", "genoa-1"});
    REQUIRE(answer.at("what_ifs").size() == 1);
    CHECK(answer.at("what_ifs")[0].at("without") == json{"genoa-1"});
    CHECK(answer.at("what_ifs")[0].at("gains")[0].at("field") == "fs_gs_base_ns");
}

TEST_CASE("--without tells what becomes of fields that are no promise, and of XSAVE states", "[explain][what-if]") {
    const std::vector<std::string> names{"xcr0", "stepping", "avx512f", "guestphys", "xsave state pkru"};
    std::vector<std::string> arguments{zen};
    arguments.insert(arguments.end(), names.begin(), names.end());
    arguments.insert(arguments.end(), {"--hosts", zen_hosts, "--without", "rome-1", "--without", "milan-1"});
    const std::string out = text(arguments);
    INFO(out);
    CHECK_THAT(out, Contains("without milan-1, rome-1: 0x2e7, and 41 promises are gained\n"));
    CHECK_THAT(out, Contains("without milan-1, rome-1: 1, and 41 promises are gained\n"));
    CHECK_THAT(out, Contains("without milan-1, rome-1: 1 (and 40 more promises)\n"));
    CHECK_THAT(out, Contains("without milan-1, rome-1: the same\n"));
    CHECK_THAT(out, Contains("without milan-1, rome-1: 8 bytes at 2432 (and 40 more promises)\n"));
    const json answer = document_of(arguments);
    const json& values = answer.at("what_ifs")[0].at("values");
    REQUIRE(values.size() == 5);  // XCR0 has two halves
    const auto is_told = [&](const char* field, const char* before, const char* after) {
        return std::any_of(values.begin(), values.end(), [&](const json& value) {
            return value.at("field") == field && value.at("before") == before && value.at("after") == after;
        });
    };
    CHECK(is_told("xcr0_lo", "0x7", "0x2e7"));
    CHECK(is_told("avx512f", "0x0", "0x1"));
    CHECK(is_told("guestphys", "0x0", "0x30"));  // Genoa's dump has no hypervisor's view
    CHECK_FALSE(document_of({zen, "--hosts", zen_hosts, "--without", "rome-1"}).at("what_ifs")[0].contains("values"));
}

TEST_CASE("a what-if without the hosts is wrong usage, and says so", "[explain][what-if]") {
    const Result result = run({"explain", zen, "--without", "rome-1"});
    CHECK(result.status == 2);
    CHECK_THAT(result.err, Contains("--without") && Contains("give them with --hosts"));
    CHECK(result.out.empty());
    CHECK(run({"explain", zen, "--hosts", zen_hosts, "--without", "rome-2"}).status == 2);
    CHECK(run({"explain", zen, "--ceiling", zen}).status == 2);
    CHECK(run({"explain", zen, "--hosts", zen_hosts, "--ceiling", zen}).status == 2);  // it was made with none
}

TEST_CASE("unknown names are wrong usage: all of them are named, with what is near", "[explain]") {
    const Result result = run({"explain", zen, "avx512ff", "pku", "nonsense_at_all"});
    CHECK(result.status == 2);
    CHECK_THAT(result.err, Contains("avx512ff") && Contains("did you mean avx512f") && Contains("nonsense_at_all") &&
                               Contains("poolcpuid rules list"));
    CHECK(result.out.empty());
    const Result other = run({"explain", example_policy("intel-haswell-skylake"), "l1d_sets"});
    CHECK(other.status == 2);
    CHECK_THAT(other.err, Contains("is a field of another vendor than GenuineIntel"));
}

TEST_CASE("explain maps failures to the contract's statuses", "[explain]") {
    const TemporaryDirectory dir;
    CHECK(run({"explain"}).status == 2);
    CHECK(run({"explain", zen, "--format", "yaml"}).status == 2);
    CHECK(run({"explain", "-", "--hosts", "-"}).status == 2);
    CHECK(run({"explain", dir.file("nowhere")}).status == 3);
    CHECK(run({"explain", zen_hosts + "/rome-1.json"}).status == 3);  // a host, no policy
    CHECK(run({"explain", zen, "-o", dir.file("no/such/directory")}).status == 5);
    const Result missing = run({"explain", zen, "--hosts", zen_hosts + "/rome-1.json", zen_hosts + "/genoa-1.txt"});
    CHECK(missing.status == 3);
    CHECK_THAT(missing.err, Contains("the dump of milan-1"));
    CHECK(missing.out.empty());
    const Result strange = run({"explain", zen, "--hosts", zen_hosts, dir.write("x.json", document(amd_host("x")))});
    CHECK(strange.status == 3);
    CHECK_THAT(strange.err, Contains("which it does not list"));
}

TEST_CASE("the policy may be standard input", "[explain]") {
    const Result result = run({"explain", "-", "pku"}, {.input = bytes_of(zen)});
    CHECK(result.status == 0);
    CHECK(result.out == explain({zen, "pku"}).out);
}

TEST_CASE("the story of a policy begins with who limits it, the costliest first", "[explain]") {
    const std::string out = text({zen});
    INFO(out);
    CHECK_THAT(out, StartsWith("amd-zen: why the policy of 3 hosts (AuthenticAMD) is what it is\n"));
    const std::size_t both = out.find("  milan-1, rome-1: 22 promises\n");
    const std::size_t rome = out.find("  rome-1: 13 promises\n");
    const std::size_t genoa = out.find("  genoa-1: 1 promise\n");
    CHECK(both < rome);
    CHECK(rome < genoa);
    CHECK(genoa < out.find("\nXSAVE state\n"));
    CHECK_THAT(out, Contains("maxphyaddr 48 (elsewhere 52)"));
    CHECK_THAT(out, Contains("fs_gs_base_ns (wrong-result): Clear promises"));
    CHECK_THAT(out, Contains("error no-safe-identity:"));
    CHECK_THAT(out, !Contains("xsave-layout-conflict"));  // told among the XSAVE states
    CHECK_THAT(out, !Contains("the pool gains"));
    for (const char* once : {"avx512f,", "fs_gs_base_ns", "maxphyaddr 48", "pkru", "cet_ss"}) {
        CAPTURE(once);
        CHECK(out.find(once) == out.rfind(once));
    }
}

TEST_CASE("with the hosts the story says what the pool would gain without each set", "[explain][what-if]") {
    const std::string out = text({zen, "--hosts", zen_hosts});
    INFO(out);
    CHECK_THAT(out, Contains("without them  the pool gains 41: all of this; what rome-1 costs; and the\n"));
    CHECK_THAT(out, Contains("without it    the pool gains 16: all of this; and the XSAVE states pkru,\n"));
    CHECK_THAT(out, Contains("without it    the pool gains 1: all of this\n"));
    const json answer = document_of({zen, "--hosts", zen_hosts});
    REQUIRE(answer.at("what_ifs").size() >= 3);
    CHECK(answer.at("what_ifs")[0].at("without") == json{"milan-1", "rome-1"});
    CHECK(answer.at("what_ifs")[0].at("gains").size() == 41);
}

TEST_CASE("the microcode's revision is no promise that comes back with another CPU", "[explain][what-if]") {
    const TemporaryDirectory dir;
    const auto file = [&](const char* name, std::uint32_t signature, std::uint64_t revision, bool has_avx2) {
        HostDump host = with_bit(intel_host(name), leaf_7, Register::ebx, avx2_bit, has_avx2);
        host = with_register(std::move(host), {1, 0}, Register::eax, signature);
        host.hardware->msrs = std::vector<MsrRow>{{0x8B, revision << 32}};
        return dir.write(std::string(name) + ".json", document(host));
    };
    const std::string old = file("old", 0x000306F2, 0x1F, false);
    const std::string newer = file("newer", 0x00050654, 0x2007006, true);
    const std::string policy = dir.file("pool.json");
    REQUIRE(run({"merge", old, newer, "--identity", "old", "-o", policy}).status == 0);
    const std::string out = text({policy, "--hosts", old, newer});
    INFO(out);
    CHECK_THAT(out, Contains("limits        ucode_rev 0x1f\n"));
    CHECK_THAT(out, Contains("all of this but ucode_rev"));
}

TEST_CASE("the operator's part is told", "[explain]") {
    const TemporaryDirectory dir;
    const std::string policy = dir.file("pool.json");
    REQUIRE(run({"merge", zen_hosts, "--ceiling", "x86-64-v2", "--hide", "fs-gs-base-ns", "--set", "phys-bits=40",
                 "--show", "nested", "--identity", "genoa-1", "-o", policy})
                .status == 0);
    const std::string out = text({policy});
    INFO(out);
    CHECK_THAT(out, Contains("What the operator asked for\n"));
    CHECK_THAT(out, Contains("--ceiling     x86-64-v2 withholds fma, movbe, avx,"));
    CHECK_THAT(out, Contains("--hide        fs_gs_base_ns\n") && Contains("--set         maxphyaddr = 40\n"));
    CHECK_THAT(out, Contains("the CPU of genoa-1, as\n"));
    const std::string fields = text({policy, "avx2", "svm"});
    CHECK_THAT(fields, Contains("Withheld by --ceiling x86-64-v2.") && Contains("The operator asked for it."));
    CHECK_THAT(text({policy, "avx2", "--hosts", zen_hosts}), !Contains("what if"));  // no host could bring it back
    document_of({policy, "--hosts", zen_hosts});
}

TEST_CASE("what comes with its gate is told as that", "[explain]") {
    const TemporaryDirectory dir;
    const std::string policy = dir.file("pool.json");
    REQUIRE(run({"merge", zen_hosts, "--show", "rdpru", "-o", policy}).status == 0);
    CHECK_THAT(text({policy, "rdpru_max"}),
               Contains("  decided    It comes with rdpru.\n") && !Contains("Shown only when asked for"));
    CHECK_THAT(text({policy, "rdpru"}), Contains("The operator asked for it."));
}

TEST_CASE("a policy that was made with a ceiling needs that again beside its hosts", "[explain]") {
    const TemporaryDirectory dir;
    const std::string ceiling = dir.file("ceiling.json");
    const std::string policy = dir.file("pool.json");
    REQUIRE(run({"merge", zen_hosts + "/rome-1.json", "--pool", "small", "-o", ceiling}).status == 0);
    REQUIRE(run({"merge", zen_hosts + "/milan-1.txt", zen_hosts + "/genoa-1.txt", "--ceiling", ceiling, "-o", policy})
                .status == 0);
    const std::string out = text({policy, "pku", "avx2"});
    INFO(out);
    CHECK_THAT(out, Contains("0 on ceiling:small, which decides"));
    CHECK_THAT(out, Contains("1 on all 2 hosts"));
    CHECK_THAT(text({policy}), Contains("the policy of small, which counts as one more host:\n"));
    const Result without = run({"explain", policy, "--hosts", zen_hosts + "/milan-1.txt", zen_hosts + "/genoa-1.txt"});
    CHECK(without.status == 2);
    CHECK_THAT(without.err, Contains("give that policy with --ceiling again"));
    CHECK_THAT(text({policy, "avx512f", "--ceiling", ceiling, "--hosts", zen_hosts + "/milan-1.txt",
                     zen_hosts + "/genoa-1.txt"}),
               !Contains("what if"));
}

TEST_CASE("XSAVE states go by the names that check and diff give them", "[explain]") {
    const std::string out = text({zen, "xsave state pkru", "xsave state avx"});
    INFO(out);
    CHECK_THAT(out, StartsWith("xsave state pkru: not kept (bit 9 of XCR0)\n"));
    CHECK_THAT(out, Contains("8 bytes at 2432 on genoa-1, milan-1\n") && Contains("64 bytes at 832 on rome-1\n"));
    CHECK_THAT(out, Contains("because of rome-1\n") && Contains("xsave state avx: kept (bit 2 of XCR0)\n"));
    const json answer = document_of({zen, "xsave state pkru", "--hosts", zen_hosts});
    CHECK(answer.at("fields").empty());
    CHECK(answer.at("states").size() == 1);
    CHECK(answer.at("what_ifs").size() == 2);
}

TEST_CASE("lists of hosts are counted, and complete with the hosts", "[explain]") {
    const LargePool pool;
    const json cut = value_of(document_of({pool.policy, "avx2"}), "avx2");
    CHECK(cut.at("because").at("count") == 15);
    CHECK(cut.at("because").at("hosts").size() == 8);
    const json whole = value_of(document_of({pool.policy, "avx2", "--hosts", pool.hosts}), "avx2");
    CHECK(whole.at("because").at("hosts").size() == 15);
    CHECK(whole.at("seen")[0].at("hosts").size() == 15);
    CHECK_THAT(text({pool.policy, "avx2"}), Contains("old-17\n             and 7 more, which decide\n"));
    CHECK_THAT(text({pool.policy, "avx2", "--hosts", pool.hosts}), Contains("old-24,\n             which decide\n"));
    const std::string story = text({pool.policy});
    INFO(story);
    CHECK_THAT(story, Contains("Milan ×15: 1 promise\n"));
    CHECK_THAT(text({pool.policy, "--hosts", pool.hosts}), Contains("without them  the pool gains 1: all of this\n"));
}

TEST_CASE("the same hosts in any order give the same explanation", "[explain]") {
    const std::vector<std::string> files{zen_hosts + "/rome-1.json", zen_hosts + "/milan-1.txt",
                                         zen_hosts + "/genoa-1.txt"};
    const std::string one = explain({zen, "--hosts", files[0], files[1], files[2]}).out;
    CHECK(explain({zen, "--hosts", files[2], files[0], files[1]}).out == one);
    CHECK(explain({zen, "--hosts", zen_hosts}).out == one);
}

TEST_CASE("a policy of another rulebook is explained with a warning", "[explain]") {
    const TemporaryDirectory dir;
    std::string other = bytes_of(zen);
    const std::size_t at = other.find("\"sha256\": \"", other.find("\"rulebook\"")) + 11;
    other[at] = other[at] == '0' ? '1' : '0';
    const Result result = run({"explain", dir.write("other.json", other), "pku", "--format", "text"});
    CHECK(result.status == 0);
    CHECK_THAT(result.err, Contains("made with another rulebook"));
    CHECK(result.out == text({zen, "pku"}));
}

TEST_CASE("of what a policy of another rulebook did not decide it says nothing, and the dumps do", "[explain]") {
    const TemporaryDirectory dir;
    json old = json::parse(bytes_of(zen));
    old["rulebook"] = {{"version", "1999.01"}, {"sha256", std::string(64, 'a')}};
    json decisions = json::array();
    for (const json& decision : old.at("decisions")) {
        if (decision.at("field") != "fs_gs_base_ns") decisions.push_back(decision);
    }
    old["decisions"] = decisions;
    for (json& row : old["cpuid"]) {
        if (row.at("leaf") != "0x80000021") continue;
        const auto eax = std::stoul(row.at("eax").get<std::string>(), nullptr, 16);
        row["eax"] = to_hex(eax & ~2UL, 8);
    }
    const std::string file = dir.write("old.json", old.dump());
    const json alone = value_of(document_of({file, "fs_gs_base_ns"}), "fs_gs_base_ns");
    CHECK(alone.at("origin") == "undecided");
    CHECK(alone.at("seen").empty());
    const std::string out = text({file, "fs_gs_base_ns"});
    INFO(out);
    CHECK_THAT(out, Contains("The policy's rulebook (1999.01) decided nothing of it, and may not\n") &&
                        Contains("hosts      the policy does not say; --hosts would\n") && !Contains("all 3 hosts"));
    const std::string told = text({file, "fs_gs_base_ns", "--hosts", zen_hosts});
    INFO(told);
    CHECK_THAT(told, Contains("hosts      0 on milan-1, rome-1\n") && Contains("1 on genoa-1\n"));
    document_of({file, "fs_gs_base_ns", "--hosts", zen_hosts});
    CHECK_THAT(text({file, "sse2"}), Contains("hosts      1 on all 3 hosts\n"));
    CHECK_THAT(text({file}), Contains("What it did not know") && !Contains("what follows is the rest"));
    CHECK_THAT(text({file, "xsave state bndregs"}), !Contains("none is known to have it"));
}

TEST_CASE("a field that the policy's rulebook classed otherwise is told as both rulebooks have it", "[explain]") {
    const TemporaryDirectory dir;
    const std::string rules = dir.file("rules");
    write_rulebook(dir, {{"clzero", {{"exposure", "asked"}}},
                         {"rstr_fp_err_ptrs", {{"rule", "hide"}, {"exposure", "never"}}},
                         {"amd_fsrs", {{"rule", "union"}}}});
    const std::string old = dir.file("old.json");
    REQUIRE(run({"merge", zen_hosts, "--rulebook", rules, "-o", old}).status == 0);

    const json document = document_of({old, "clzero", "rstr_fp_err_ptrs", "amd_fsrs", "pku"});
    const json asked = value_of(document, "clzero");
    CHECK(asked.at("origin") == "not-asked");
    CHECK(asked.at("decided_as") == json{{"rule", "intersect"}, {"exposure", "asked"}});
    CHECK(asked.at("reason") == "Its rulebook (1999.01) showed it only when asked for; this one shows it by default.");
    CHECK(asked.at("means") == "The guest is not shown it and does without.");
    const json hidden = value_of(document, "rstr_fp_err_ptrs");
    CHECK(hidden.at("decided_as") == json{{"rule", "hide"}, {"exposure", "never"}});
    CHECK(hidden.at("reason") == "Its rulebook (1999.01) showed it to no guest; this one shows it by default.");
    const json united = value_of(document, "amd_fsrs");
    CHECK(united.at("decided_as") == json{{"rule", "union"}});
    CHECK(united.at("reason") ==
          "Set as soon as one host has it. Its rulebook (1999.01) decided it by the rule union; this one has "
          "intersect.");
    CHECK_FALSE(value_of(document, "pku").contains("decided_as"));

    const std::string fields = text({old, "clzero", "rstr_fp_err_ptrs", "amd_fsrs"});
    INFO(fields);
    CHECK_THAT(fields, Contains("showed it only when asked for") && !Contains("--show") &&
                           !Contains("No guest in a pool is shown it"));
    const std::string story = text({old});
    INFO(story);
    CHECK_THAT(story, Contains("Decided otherwise than this rulebook would\n") && !Contains("--show FIELD  clzero"));
    CHECK_THAT(story, !Contains("performance   amd_fsrs"));
    document_of({old});

    // The other way round: what is withheld now was shown.
    const json now = document_of({zen, "clzero", "pku", "amd_fsrs", "--rulebook", rules});
    CHECK(value_of(now, "clzero").at("decided_as") == json{{"exposure", "default"}});
    CHECK(value_of(now, "clzero").at("means") == "The guest may rely on it.");
    CHECK_THAT(text({zen, "clzero", "--rulebook", rules}),
               Contains("showed it by default; this one") && !Contains("perator asked"));
    CHECK(value_of(now, "amd_fsrs").at("decided_as") == json{{"rule", "intersect"}});
}

TEST_CASE("a what-if is of one policy, and says where that is not the one that is explained", "[explain]") {
    const TemporaryDirectory dir;
    const json current = document_of({zen, "amd_fsrs", "--hosts", zen_hosts});
    CHECK(current.at("policy").at("current") == true);
    CHECK_FALSE(document_of({zen}).at("policy").contains("current"));
    // By a rulebook that merged the bit by OR, as one host has it.
    write_rulebook(dir, {{"amd_fsrs", {{"rule", "union"}}}});
    const std::string old = dir.file("old.json");
    REQUIRE(run({"merge", zen_hosts, "--rulebook", dir.file("rules"), "-o", old}).status == 0);
    const std::vector<std::string> question{old,         "amd_fsrs", "--hosts",   zen_hosts,
                                            "--without", "rome-1",   "--without", "milan-1"};
    const json document = document_of(question);
    CHECK(document.at("policy").at("current") == false);
    CHECK(value_of(document, "amd_fsrs").at("value") == "0x1");
    const json what_if = document.at("what_ifs").at(0);
    CHECK(what_if.at("values").at(0).at("before") == "0x0");
    CHECK(what_if.at("values").at(0).at("after") == "0x1");
    const json gains = what_if.at("gains");
    const auto gain =
        std::find_if(gains.begin(), gains.end(), [](const json& each) { return each.at("field") == "amd_fsrs"; });
    REQUIRE(gain != gains.end());
    CHECK(gain->at("before") == "0x0");
    CHECK_THAT(text(question), Contains("without milan-1, rome-1: 1 (with them this rulebook gives 0)"));
}

TEST_CASE("what was asked for and goes with something else was asked for in vain", "[explain]") {
    const TemporaryDirectory dir;
    const std::string policy = dir.file("pool.json");
    REQUIRE(run({"merge", zen_hosts, "--show", "nested", "--hide", "npt", "-o", policy}).status == 0);
    CHECK_THAT(text({policy, "vmsave_vmload"}), Contains("The operator asked for it in vain."));
    CHECK_THAT(text({policy, "svm"}), Contains("The operator asked for it."));
}

TEST_CASE("names from a policy document are made printable", "[explain]") {
    const TemporaryDirectory dir;
    std::string evil = bytes_of(zen);
    const std::string name = "rome-1";
    const std::string put = R"(r\u001b[2J)";
    for (std::size_t at = evil.find(name); at != std::string::npos; at = evil.find(name, at + put.size())) {
        evil.replace(at, name.size(), put);
    }
    const std::string file = dir.write("evil.json", evil);
    for (const std::string& out : {text({file}), text({file, "pku", "xcr0", "stepping"})}) {
        CHECK_THAT(out, !Contains("\x1b") && Contains("r\\u{1b}[2J"));
    }
}

TEST_CASE("-o writes the JSON and leaves the text to standard error", "[explain]") {
    const TemporaryDirectory dir;
    const std::string file = dir.file("why.json");
    const Result result = run({"explain", zen, "pku", "-o", file});
    CHECK(result.status == 0);
    CHECK(result.out.empty());
    CHECK_THAT(result.err, StartsWith("pku = 0 "));
    CHECK(dir.read("why.json") == explain({zen, "pku"}).out);
}

TEST_CASE("the text is for terminals: 80 columns, colours where they are wanted", "[explain]") {
    const Result plain = run({"explain", zen, "pku"}, {.terminal = true, .environment = {"TERM=dumb"}});
    CHECK_THAT(plain.out, StartsWith("pku = 0 ") && !Contains("\x1b["));
    const Result coloured = run({"explain", zen, "pku"}, {.terminal = true, .environment = {"TERM=xterm"}});
    CHECK_THAT(coloured.out, StartsWith("\x1b[1mpku = 0 "));
}

TEST_CASE("the stories and all fields of the example pools fit into 80 columns, and are valid JSON",
          "[explain][long][schema]") {
    for (const std::string& pool : pools) {
        CAPTURE(pool);
        const std::string policy = example_policy(pool);
        const std::string hosts = examples + pool + "/hosts";
        const std::string vendor = pool.find("amd") != std::string::npos ? "amd" : "intel";
        std::vector<std::string> fields{policy};
        const json rules = json::parse(run({"rules", "list", "--vendor", vendor, "--format", "json"}).out);
        std::size_t count = 0;
        for (const json& field : rules.at("fields")) {
            if (is_in_part(count)) fields.push_back(field.at("field"));
        }
        check_width(text({policy}));
        check_width(text({policy, "--hosts", hosts}));
        check_width(text(fields));
        document_of({policy, "--hosts", hosts});
        CHECK(document_of(fields).at("fields").size() >= fields.size() - 1);
    }
    CHECK_FALSE(schema_errors("explain", R"({"schema": "poolcpuid/explain/v1"})").empty());
}

TEST_CASE("a host's long name does not run over the line", "[explain]") {
    const TemporaryDirectory dir;
    const std::string name(200, 'n');
    const std::string host = document(with_bit(amd_host("x"), leaf_7, Register::ebx, avx2_bit, false));
    const std::string policy = dir.file("pool.json");
    REQUIRE(run({"merge", dir.write("a.json", document(amd_host("a"))), name + "=" + dir.write("b.json", host), "-o",
                 policy})
                .status == 0);
    check_width(text({policy}));
    check_width(text({policy, "avx2"}));
    check_width(run({"merge", dir.file("a.json"), name + "=" + dir.file("b.json"), "--format", "text"}).out);
}

}  // namespace poolcpuid::test::explain_test
