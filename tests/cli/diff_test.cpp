// diff: exit statuses, the three formats, and which inputs it takes.

#include <algorithm>
#include <nlohmann/json.hpp>
#include <sstream>
#include <string>
#include <vector>

#include "tests/catch.hpp"
#include "tests/cli/support/example_policy.hpp"
#include "tests/cli/support/run_program.hpp"
#include "tests/cli/support/sample_hosts.hpp"
#include "tests/cli/support/temporary_directory.hpp"
#include "tests/cli/support/validate.hpp"
#include "tests/support/packed.hpp"

namespace poolcpuid::test::diff_test {

using Catch::Contains;
using Catch::StartsWith;

namespace {

HostDump relaxed_host(const std::string& name) {
    return with_bit(with_bit(amd_host(name), leaf_8000_0021, Register::eax, fs_gs_base_ns_bit, true), leaf_7,
                    Register::ebx, avx2_bit, false);
}

// Two hosts and the policy of each.
struct Files {
    TemporaryDirectory dir{};
    std::string plain = dir.write("plain.json", document(amd_host("plain")));
    std::string relaxed = dir.write("relaxed.json", document(relaxed_host("relaxed")));
    std::string plain_policy = policy("old.json", plain);
    std::string relaxed_policy = policy("new.json", relaxed);

    std::string policy(const std::string& name, const std::string& host) const {
        const std::string file = dir.file(name);
        REQUIRE(run({"merge", host, "--pool", name.substr(0, 3), "-o", file}).status == 0);
        return file;
    }
};

std::size_t longest_line(const std::string& text) {
    std::size_t longest = 0;
    std::istringstream lines(text);
    for (std::string line; std::getline(lines, line);) longest = std::max(longest, line.size());
    return longest;
}

void check_valid(const std::string& document) {
    for (const std::string& error : schema_errors("diff", document)) FAIL_CHECK(error);
}

}  // namespace

TEST_CASE("diff exits 0 for equal registers and 1 for others, whatever the sides are", "[diff]") {
    const Files files;
    CHECK(run({"diff", files.plain, files.plain}).status == 0);
    CHECK(run({"diff", files.plain, files.relaxed}).status == 1);
    CHECK(run({"diff", files.plain_policy, files.plain_policy}).status == 0);
    CHECK(run({"diff", files.plain_policy, files.relaxed_policy}).status == 1);
    CHECK(run({"diff", files.plain_policy, files.relaxed}).status == 1);
    CHECK(run({"diff", files.plain, files.relaxed_policy}).status == 1);
    const std::string intel = files.dir.write("intel.json", document(intel_host("intel")));
    const Result vendors = run({"diff", files.plain, intel});
    CHECK(vendors.status == 1);
    const auto changes = nlohmann::json::parse(vendors.out).at("changes");
    CHECK(changes.at(0).at("field") == "vendor");
    CHECK(changes.size() > 1);
}

TEST_CASE("diff maps failures to the contract's statuses", "[diff]") {
    const Files files;
    CHECK(run({"diff", files.plain}).status == 2);
    CHECK(run({"diff", files.plain, files.plain, "--format", "yaml"}).status == 2);
    const Result twice = run({"diff", "-", "x=-"});
    CHECK(twice.status == 2);
    CHECK_THAT(twice.err, Contains("standard input"));
    const Result unreadable = run({"diff", files.dir.file("nowhere"), files.dir.write("bad", "x")});
    CHECK(unreadable.status == 3);
    CHECK_THAT(unreadable.err, Contains("nowhere") && Contains("bad"));
    CHECK(unreadable.out.empty());
    CHECK(run({"diff", files.plain, files.relaxed, "-o", files.dir.file("no/such/directory")}).status == 5);
    std::string nobody = document(amd_host("nobody"));
    // "Auth" of leaf 0, EBX
    for (std::size_t at = nobody.find("0x68747541"); at != std::string::npos; at = nobody.find("0x68747541")) {
        nobody.replace(at, 10, "0x68747542");
    }
    const std::string file = files.dir.write("nobody.json", nobody);
    CHECK(run({"diff", file, file}).status == 4);
}

TEST_CASE("diff refuses a stream of several hosts", "[diff]") {
    const Files files;
    const std::string two =
        files.dir.write("two.ndjson", document_line(amd_host("a")) + "\n" + document_line(amd_host("b")) + "\n");
    const Result result = run({"diff", two, files.plain});
    CHECK(result.status == 3);
    CHECK_THAT(result.err, Contains("expected one host or one policy") && Contains("found 2 hosts"));
    CHECK(result.out.empty());
}

TEST_CASE("a policy is taken for one, whatever the program that saved it put around it", "[diff]") {
    const Files files;
    const std::string text = bytes_of(files.plain_policy);
    const std::string marked = files.dir.write("marked.json", "\xEF\xBB\xBF" + text);
    CHECK(run({"diff", files.plain_policy, marked}).status == 0);
    CHECK(run({"check", files.plain_policy, marked}).status == 0);

    const auto refusal = [&](const std::string& verb, const std::string& bytes) {
        const std::string file = files.dir.write("other.json", bytes);
        const Result result = verb == "show" ? run({verb, file}) : run({verb, files.plain_policy, file});
        CHECK(result.status == 3);
        CHECK_THAT(result.err, !Contains("no host's"));
        return result.err;
    };
    const std::string gzip = packed(Packing::gzip, text);
    CHECK_THAT(refusal("show", gzip), Contains("found compressed data or an archive (unpack it first)"));
    CHECK_THAT(refusal("show", "\xFF\xFE{"), Contains("found UTF-16 text (convert it to UTF-8 first)"));
    std::string later = text;
    later.replace(later.find("policy/v1"), 9, "policy/v2");
    for (const char* verb : {"show", "diff", "check"}) {
        CHECK_THAT(refusal(verb, later), Contains("found \"poolcpuid/policy/v2\", a policy of another version"));
    }
    for (const char* verb : {"diff", "check"}) {
        CHECK_THAT(refusal(verb, gzip),
                   Contains("expected a policy as it stands, found one that is packed (unpack it"));
        CHECK_THAT(refusal(verb, "```json\n" + text + "```\n"),
                   Contains("where one is taken, it is a file of its own, as it stands"));
    }
}

TEST_CASE("a side may be standard input, and may be given a name", "[diff]") {
    const Files files;
    const Result host = run({"diff", "-", "fresh=" + files.relaxed}, {.input = document(amd_host("plain"))});
    CHECK(host.status == 1);
    const auto json = nlohmann::json::parse(host.out);
    CHECK(json.at("before").at("name") == "plain");
    CHECK(json.at("after").at("name") == "fresh");
    CHECK(run({"diff", files.plain_policy, "-"}, {.input = bytes_of(files.plain_policy)}).status == 0);
    CHECK(run({"diff", files.plain_policy, "q3=-"}, {.input = bytes_of(files.plain_policy)}).status == 0);
}

TEST_CASE("the JSON of diff is valid and the same each time", "[diff][schema]") {
    const Files files;
    for (const std::string& before : {files.plain, files.plain_policy}) {
        for (const std::string& after : {files.relaxed, files.relaxed_policy, files.plain_policy}) {
            const Result result = run({"diff", before, after, "--format", "json"});
            check_valid(result.out);
            CHECK(run({"diff", before, after, "--format", "json"}).out == result.out);
        }
    }
    check_valid(run({"diff", example_policy("qemu-tcg-amd"), example_policy("amd-zen")}).out);
    check_valid(run({"diff", example_policy("qemu-tcg-intel"), example_policy("amd-zen")}).out);
    CHECK_FALSE(schema_errors("diff", R"({"schema": "poolcpuid/diff/v1"})").empty());
}

TEST_CASE("-o writes the document and leaves the text to standard error", "[diff]") {
    const Files files;
    const std::string file = files.dir.file("diff.json");
    const Result written = run({"diff", files.plain, files.relaxed, "-o", file});
    CHECK(written.status == 1);
    CHECK(written.out.empty());
    CHECK_THAT(written.err, Contains("From host plain to host relaxed"));
    CHECK(files.dir.read("diff.json") == run({"diff", files.plain, files.relaxed}).out);
    CHECK(run({"diff", files.plain, files.relaxed, "-o", file, "--format", "markdown"}).status == 1);
    CHECK_THAT(files.dir.read("diff.json"), StartsWith("# plain → relaxed\n"));
}

TEST_CASE("the text names each change once, what breaks a running guest first, in 80 columns", "[diff]") {
    const Files files;
    const std::string text =
        run({"diff", files.plain, files.relaxed}, {.terminal = true, .environment = {"TERM=dumb"}}).out;
    INFO(text);
    CHECK_THAT(text, StartsWith("From host plain to host relaxed (AuthenticAMD)"));
    CHECK_THAT(text, Contains("crash: avx2 (AVX2)") && Contains("wrong-result: fs_gs_base_ns"));
    CHECK(text.find("Loses promises") < text.find("Relaxes"));
    CHECK(text.find("fs_gs_base_ns") == text.rfind("fs_gs_base_ns"));
    CHECK(longest_line(text) <= 80);
    const std::string long_text =
        run({"diff", example_policy("qemu-tcg-amd"), example_policy("amd-zen"), "--format", "text"}).out;
    CHECK(longest_line(long_text) <= 80);
    CHECK_THAT(run({"diff", files.plain, files.plain, "--format", "text"}).out, Contains("No difference."));
}

TEST_CASE("the text says when only the provenance differs", "[diff]") {
    const Files files;
    const std::string same = files.policy("sam.json", files.plain);
    const Result result = run({"diff", files.plain_policy, same, "--format", "text"});
    CHECK(result.status == 0);
    CHECK_THAT(result.out,
               Contains("The registers are equal; only the provenance differs.") && Contains("pool: old -> sam"));
    const std::string changed = run({"diff", files.plain_policy, files.relaxed_policy, "--format", "text"}).out;
    CHECK_THAT(changed, !Contains("pool: old"));  // the first line says it
    CHECK_THAT(changed, Contains("hosts that are no longer there: plain (") && Contains("new hosts: relaxed ("));
}

TEST_CASE("a difference says when the operator asked for other things", "[diff]") {
    const Files files;
    const std::string hiding = files.dir.file("hiding.json");
    REQUIRE(run({"merge", files.plain, "--pool", "old", "--hide", "AVX2", "-o", hiding}).status == 0);
    const std::string text = run({"diff", files.plain_policy, hiding, "--format", "text"}).out;
    CHECK_THAT(text, Contains("Besides the registers\n  options: no options -> --hide avx2\n"));
    const auto difference = nlohmann::json::parse(run({"diff", files.plain_policy, hiding}).out);
    CHECK(difference.at("provenance").at("options") == true);
    CHECK(difference.at("after").at("options") == "--hide avx2");
}

TEST_CASE("Markdown is tables, and names are no markup", "[diff]") {
    const Files files;
    const std::string text = run({"diff", "a|b<i>`*_[x](y)=" + files.plain, files.relaxed, "--format", "markdown"}).out;
    INFO(text);
    CHECK_THAT(text, StartsWith(R"(# a\|b\<i\>\`\*\_\[x\]\(y\) → relaxed)"));
    CHECK_THAT(text, Contains("| field | names | place | before | after |\n|---|---|---|---|---|\n"));
    CHECK_THAT(text, Contains("| `avx2` | AVX2 | 0x7.0 ebx[5] | 0x1 | 0x0 |"));
    CHECK_THAT(text, Contains("## Loses promises\n\n### crash\n"));
}

TEST_CASE("a difference of policies says what a guest then believes of vulnerabilities", "[diff][audit]") {
    const TemporaryDirectory dir;
    const std::string hosts = POOLCPUID_SOURCE_DIR "/examples/intel-haswell-skylake/hosts";
    const std::string all = dir.file("all.json");
    const std::string one = dir.file("one.json");
    REQUIRE(run({"merge", hosts, "--pool", "all", "-o", all}).status == 0);
    REQUIRE(run({"merge", hosts + "/skylake-1.json", "--pool", "one", "-o", one}).status == 0);

    const auto beliefs = nlohmann::json::parse(run({"diff", all, one}).out).at("beliefs");
    const auto audited = [&](const std::string& policy) {
        nlohmann::json said;
        const auto audit = nlohmann::json::parse(run({"audit", policy, "--format", "json"}).out);
        for (const auto& entry : audit.at("vulnerabilities")) {
            said[entry.at("id").get<std::string>()] = {{"says", entry.at("says")}, {"belief", entry.at("belief")}};
        }
        return said;
    };
    // What the audits of the two say otherwise, and nothing else.
    const nlohmann::json before = audited(all);
    const nlohmann::json after = audited(one);
    nlohmann::json expected;
    for (const auto& [id, said] : before.items()) {
        if (said != after.at(id)) expected[id] = {{"before", said}, {"after", after.at(id)}};
    }
    REQUIRE(expected.contains("retbleed"));
    nlohmann::json found;
    for (const auto& change : beliefs.at("changes")) {
        found[change.at("id").get<std::string>()] = {{"before", change.at("before")}, {"after", change.at("after")}};
    }
    CHECK(found == expected);

    CHECK_THAT(run({"diff", all, one, "--format", "text"}).out,
               Contains("  retbleed: Vulnerable -> Mitigation: IBRS\n"));
    CHECK_THAT(run({"diff", all, one, "--format", "markdown"}).out,
               Contains("| `retbleed` | Vulnerable | Mitigation\\: IBRS |\n"));
    CHECK_THAT(run({"diff", all, all, "--format", "text"}).out, !Contains("vulnerabilities"));
    CHECK_FALSE(nlohmann::json::parse(run({"diff", all, hosts + "/skylake-1.json"}).out).contains("beliefs"));
}

TEST_CASE("a difference with hosts says where a guest is falsely safe, and what to do", "[diff][audit]") {
    const TemporaryDirectory dir;
    const std::string zen = POOLCPUID_SOURCE_DIR "/examples/amd-zen/hosts";
    const std::string rome = dir.file("rome.json");
    const std::string milan = dir.file("milan.json");
    REQUIRE(run({"merge", zen + "/rome-1.json", "-o", rome}).status == 0);
    REQUIRE(run({"merge", zen + "/milan-1.txt", "-o", milan}).status == 0);
    const Result result = run({"diff", rome, milan, "--hosts", zen, "--format", "json"});
    CHECK(result.status == 1);
    check_valid(result.out);
    const auto beliefs = nlohmann::json::parse(result.out).at("beliefs");
    CHECK(beliefs.at("hosts") == 3);
    const auto& all = beliefs.at("falsely_safe");
    REQUIRE(all.size() == 2);
    CHECK(all[0].at("id") == "retbleed");
    CHECK(all[0].at("before").at("hosts").empty());
    CHECK(all[0].at("after").at("hosts") == std::vector<std::string>{"rome-1"});
    CHECK(all[0].at("advice")[0].at("by") == "identity");
    CHECK(all[1].at("id") == "tsa");
    CHECK(all[1].at("before").at("hosts") == std::vector<std::string>{"genoa-1", "milan-1"});
    CHECK(all[1].at("after").at("hosts").empty());

    const std::string text = run({"diff", rome, milan, "--hosts", zen, "--format", "text"}).out;
    CHECK_THAT(text, Contains("  retbleed: on rome-1 once restarted\n  tsa: on genoa-1 and milan-1 until restarted\n"));
    CHECK_THAT(text, Contains("\nWhat to do\n  -> Restart the guests with the policy after:"));
    CHECK_THAT(text, Contains("  -> retbleed on rome-1: a restart with the policy after leaves guests"));
    CHECK_THAT(run({"diff", rome, rome, "--hosts", zen, "--format", "text"}).out,
               Contains("  tsa: on genoa-1 and milan-1, restarted or not\n"));
    const std::string markdown = run({"diff", rome, milan, "--hosts", zen, "--format", "markdown"}).out;
    CHECK_THAT(markdown, Contains("| `retbleed` | on rome-1 once restarted |\n"));
    CHECK_FALSE(nlohmann::json::parse(run({"diff", rome, milan}).out).at("beliefs").contains("falsely_safe"));

    const Result of_host = run({"diff", rome, zen + "/milan-1.txt", "--hosts", zen});
    CHECK(of_host.status == 2);
    CHECK_THAT(of_host.err, Contains("--hosts goes with two policies"));
    CHECK(run({"diff", rome, milan, "--hosts", zen + "/gone"}).status == 3);
}

TEST_CASE("a mitigation that is lost is called that, and a feature is not", "[diff][mitigation]") {
    constexpr unsigned smap_bit = 20;  // leaf 7, EBX
    const TemporaryDirectory dir;
    const auto policy = [&](const HostDump& host, const std::string& name) {
        const std::string file = dir.write(name + "-host.json", document(host));
        return dir.write(name, run({"merge", file}).out);
    };
    const HostDump all = with_bit(amd_host("a"), leaf_7, Register::ebx, smap_bit, true);
    const std::string with_smap = policy(all, "with");
    const std::string without = policy(amd_host("a"), "without");
    const std::string json = run({"diff", with_smap, without, "--format", "json"}).out;
    check_valid(json);
    const auto changes = nlohmann::json::parse(json).at("changes");
    const auto change_of = [&](const auto& all_changes, const std::string& field) {
        return *std::find_if(all_changes.begin(), all_changes.end(),
                             [&](const auto& entry) { return entry.at("field") == field; });
    };
    const auto smap = change_of(changes, "smap");
    CHECK(smap.at("direction") == "loses");
    CHECK(smap.at("impact") == "crash");
    CHECK(smap.at("mitigates") == std::vector<std::string>{"ret2usr"});
    CHECK_THAT(smap.at("restarted").get<std::string>(), Contains("without this mitigation"));
    CHECK_THAT(run({"diff", with_smap, without, "--format", "text"}).out,
               Contains("mitigation (ret2usr), crash: smap (SMAP)"));

    const std::string slower = policy(with_bit(all, leaf_7, Register::ebx, avx2_bit, false), "slower");
    const auto avx2 = change_of(
        nlohmann::json::parse(run({"diff", with_smap, slower, "--format", "json"}).out).at("changes"), "avx2");
    CHECK_FALSE(avx2.contains("mitigates"));
    CHECK_THAT(avx2.at("restarted").get<std::string>(), !Contains("mitigation"));
}

TEST_CASE("a host that was captured again is told, and of findings which hosts left and came", "[diff]") {
    const TemporaryDirectory dir;
    constexpr unsigned md_clear_bit = 10;
    const auto patched = [](const std::string& name) {
        return with_bit(intel_host(name), leaf_7, Register::edx, md_clear_bit, true);
    };
    const auto merged = [&](const std::string& file, const std::vector<HostDump>& hosts) {
        std::string lines;
        for (const HostDump& host : hosts) lines += document_line(host) + "\n";
        REQUIRE(run({"merge", dir.write(file + ".ndjson", lines), "-o", dir.file(file + ".json")}).status == 0);
        return dir.file(file + ".json");
    };
    const std::string before = merged("before", {intel_host("s1"), intel_host("s2"), patched("c")});
    const std::string after = merged("after", {patched("s1"), intel_host("s2"), patched("c")});
    const std::string text = run({"diff", before, after, "--format", "text"}).out;
    INFO(text);
    CHECK_THAT(text, Contains("hosts that were captured again: s1 ("));
    CHECK_THAT(text, Contains("(md_clear): no longer of s1"));
    CHECK_THAT(text, !Contains("under other names") && !Contains("new findings: error"));
    CHECK_THAT(run({"diff", after, before, "--format", "text"}).out, Contains("(md_clear): also of s1"));
    const std::string document = run({"diff", before, after, "--format", "json"}).out;
    check_valid(document);
    CHECK_THAT(document, Contains("\"changed\""));
    // Where nobody asks for VERW any more and hosts may need it, nothing is gained, and a sentence says so.
    const std::string open = merged("open", {intel_host("s1"), intel_host("s2")});
    const std::string told_no_more = run({"diff", before, open, "--format", "text"}).out;
    INFO(told_no_more);
    CHECK_THAT(told_no_more,
               Contains("the same promise: md_clear\n    restarted: The guest is no longer told to run VERW,"));
    CHECK_THAT(told_no_more, !Contains("Gains promises"));
    check_valid(run({"diff", before, open, "--format", "json"}).out);
}

}  // namespace poolcpuid::test::diff_test
