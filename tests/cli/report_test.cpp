// report: its exit statuses, what the page says and of whom, and that nothing in the inputs becomes markup.

#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "base/sha256.hpp"
#include "poolcpuid/rulebook.hpp"
#include "report/html.hpp"
#include "tests/catch.hpp"
#include "tests/cli/support/example_policy.hpp"
#include "tests/cli/support/run_program.hpp"
#include "tests/cli/support/sample_hosts.hpp"
#include "tests/cli/support/temporary_directory.hpp"

namespace poolcpuid::test::report_test {

using Catch::Contains;
using Json = nlohmann::ordered_json;

namespace {

const std::string zen = POOLCPUID_SOURCE_DIR "/examples/amd-zen/";

HostDump relaxed_host(const std::string& name) {
    return with_bit(amd_host(name), leaf_8000_0021, Register::eax, fs_gs_base_ns_bit, true);
}

// A policy of two hosts in a directory.
struct Files {
    TemporaryDirectory dir{};
    std::string plain = dir.write("hosts/plain.json", document(amd_host("plain")));
    std::string relaxed = dir.write("hosts/relaxed.json", document(relaxed_host("relaxed")));
    std::string hosts = dir.file("hosts");
    std::string policy = merged("pool.json", {hosts});
    std::string page = dir.file("page.html");

    std::string merged(const std::string& name, std::vector<std::string> arguments) const {
        const std::string file = dir.file(name);
        arguments.insert(arguments.begin(), "merge");
        arguments.insert(arguments.end(), {"-o", file});
        const Result result = run(arguments);
        INFO(result.text());
        REQUIRE(result.status == 0);
        return file;
    }

    // The page of a policy; hosts are what follows --hosts.
    std::string report(const std::string& of, std::vector<std::string> more = {}) const {
        more.insert(more.begin(), {"report", of, "-o", page});
        const Result result = run(more);
        INFO(result.text());
        REQUIRE(result.status == 0);
        CHECK(result.out.empty());
        return dir.read("page.html");
    }

    // The policy's document with something changed by hand.
    template <typename Change>
    std::string changed(Change change) const {
        Json json = Json::parse(bytes_of(policy));
        change(json);
        return dir.write("changed.json", json.dump(2) + "\n");
    }
};

std::size_t count_of(const std::string& text, const std::string& part) {
    std::size_t count = 0;
    for (std::size_t at = text.find(part); at != std::string::npos; at = text.find(part, at + 1)) ++count;
    return count;
}

}  // namespace

TEST_CASE("report writes the page and nothing else", "[report]") {
    const Files files;
    const Result written = run({"report", files.policy, "-o", files.page});
    CHECK(written.status == 0);
    CHECK(written.out.empty());
    CHECK(written.err.empty());
    CHECK(files.dir.read("page.html").starts_with("<!DOCTYPE html>\n<html lang=\"en\">"));
    CHECK(run({"report", files.policy, "-o", "/dev/stdout"}).out == files.dir.read("page.html"));
    CHECK(run({"report", "-", "-o", "/dev/stdout"}, {.input = bytes_of(files.policy)}).out ==
          files.dir.read("page.html"));
    CHECK(files.report(example_policy("amd-zen"), {"--rulebook", POOLCPUID_SOURCE_DIR "/policy"}) ==
          files.report(example_policy("amd-zen")));
}

TEST_CASE("report maps failures to the contract's statuses and writes nothing then", "[report]") {
    const Files files;
    const HostDump stranger = with_bit(amd_host("other"), leaf_7, Register::ebx, avx2_bit, false);
    const std::string other = files.dir.write("other.json", document(stranger));
    const auto status = [&](std::vector<std::string> arguments) {
        arguments.insert(arguments.begin(), "report");
        return run(arguments).status;
    };
    CHECK(status({files.policy}) == 2);
    CHECK(status({"-o", files.page}) == 2);
    CHECK(status({files.policy, "-o", files.page, "--ceiling", files.policy}) == 2);
    CHECK(status({"-", "--hosts", "-", "-o", files.page}) == 2);
    CHECK(status({"-", "--hosts", "x=-", "-o", files.page}) == 2);
    CHECK(status({files.dir.file("nowhere"), "-o", files.page}) == 3);
    CHECK(status({files.plain, "-o", files.page}) == 3);
    CHECK(status({files.policy, "--hosts", files.plain, "-o", files.page}) == 3);
    const Result unknown = run({"report", files.policy, "--hosts", files.hosts, other, "-o", files.page});
    CHECK(unknown.status == 3);
    CHECK_THAT(unknown.err, Contains("other"));
    CHECK_FALSE(files.dir.has("page.html"));
    CHECK(status({files.policy, "-o", files.dir.file("no/such/directory")}) == 5);
}

TEST_CASE("the page is the same bytes each time, in whatever order hosts are given", "[report]") {
    const Files files;
    const std::string page = files.report(files.policy, {"--hosts", files.plain, files.relaxed});
    CHECK(files.report(files.policy, {"--hosts", files.relaxed, files.plain}) == page);
    CHECK(files.report(files.policy, {"--hosts", files.hosts}) == page);
}

TEST_CASE("the page says what the pool gives up, announces and limits, and on whose word", "[report]") {
    const Files files;
    const std::string page = files.report(example_policy("amd-zen"), {"--hosts", zen + "hosts"});
    CHECK_THAT(page, Contains("<b>34</b> features given up") && Contains("<b>2</b> relaxed behaviours announced") &&
                         Contains("<b>1</b> number limited"));
    CHECK_THAT(page, Contains("<a href=\"#f-fs_gs_base_ns\">fs_gs_base_ns</a>"));
    CHECK_THAT(page, Contains("<a href=\"#f-maxphyaddr\">maxphyaddr</a></dt><dd>48: "));
    CHECK_THAT(page, Contains("<span class=\"severity\">error</span> <code>no-safe-identity</code>"));
    const Rulebook& rulebook = builtin_rulebook();
    const Field& field = rulebook[rulebook.find("fs_gs_base_ns")];
    CHECK_THAT(page, Contains("<dt>Why</dt><dd>Set as soon as one host has it.</dd>"));
    for (const std::string_view text : {field.why, field.source, field.names.vendor, field.names.xen}) {
        CHECK_THAT(page, Contains(report::escaped(text)));
    }
    CHECK_THAT(page, Contains("What limiting hosts cost"));
    CHECK_THAT(page, Contains(sha256_hex(bytes_of(example_policy("amd-zen")))));
    const Json policy = Json::parse(bytes_of(example_policy("amd-zen")));
    CHECK_THAT(page, Contains(policy["rulebook"]["sha256"].get<std::string>()) &&
                         Contains(policy["names_sha256"].get<std::string>()));
    for (const Json& host : policy["hosts"]) CHECK_THAT(page, Contains(host["sha256"].get<std::string>()));
    for (const Json& decision : policy["decisions"]) {
        CHECK_THAT(page, Contains(" id=\"f-" + decision["field"].get<std::string>()));
    }
    CHECK(count_of(page, "<tbody id=") == policy["decisions"].size());
}

TEST_CASE("the page names all because of whom a feature is given up, as explain does", "[report]") {
    const Files files;
    HostDump silent = amd_host("silent");
    CpuidTable& table = silent.hardware->cpus.front().cpuid;
    std::erase_if(table.rows, [](const CpuidRow& row) { return row.key == leaf_7; });
    table.unknown.push_back({leaf_7.leaf, leaf_7.subleaf});
    const HostDump lacks = with_bit(amd_host("lacks"), leaf_7, Register::ebx, avx2_bit, false);
    std::vector<std::string> hosts;
    for (const HostDump& host : {amd_host("plain"), silent, lacks}) {
        hosts.push_back(files.dir.write(host.name + ".json", document(host)));
    }
    CHECK_THAT(
        files.report(files.merged("both.json", hosts)),
        Contains("<b><bdi>lacks</bdi></b> together with <b><bdi>silent</bdi></b>, of which it is not known, costs "
                 "1 feature: <a href=\"#f-avx2\">avx2</a>"));
}

TEST_CASE("the page breaks a kernel's release behind its dots", "[report]") {
    const Files files;
    const std::string page =
        files.report(files.changed([](Json& json) { json["hosts"][0]["kernel"] = "5.15.0-105-generic.x86_64"; }));
    CHECK_THAT(page, Contains("<td class=\"kernel\">5.<wbr>15.<wbr>0-105-generic.<wbr>x86_<wbr>64</td>"));
}

TEST_CASE("the page records what the operator asked for", "[report]") {
    const Files files;
    const std::string floor = files.merged("floor.json", {files.plain, "--pool", "<floor>"});
    const std::string policy = files.merged("options.json", {files.hosts, "--ceiling", floor, "--hide", "AVX2", "--set",
                                                             "maxphyaddr=46", "--identity", "plain"});
    const std::string page = files.report(policy);
    CHECK_THAT(page, Contains("<dt>Hidden</dt><dd>avx2</dd>") && Contains("<dt>Set</dt><dd>maxphyaddr = 0x2e</dd>") &&
                         Contains("<dt>Identity of</dt><dd>plain</dd>") &&
                         Contains("the policy of &lt;floor&gt;, sha256 "));
    CHECK_THAT(page, Contains("<dt>Hosts</dt><dd>2</dd>"));  // the ceiling is none
    CHECK_THAT(files.report(files.policy), Contains("no option of the merge changed a value"));

    CHECK(run({"report", policy, "--hosts", files.hosts, "-o", files.page}).status == 2);  // which ceiling?
    CHECK_THAT(files.report(policy, {"--hosts", files.hosts, "--ceiling", floor}),
               Contains("What limiting hosts cost"));
}

TEST_CASE("with --hosts the page names every host, and says so when it cannot", "[report]") {
    const Files files;
    std::vector<std::string> twelve;
    for (int i = 0; i < 12; ++i) twelve.push_back("node-" + std::to_string(10 + i) + "=" + files.plain);
    twelve.push_back(files.relaxed);
    const std::string policy = files.merged("many.json", twelve);
    const std::string part = files.report(policy);
    CHECK_THAT(part, Contains("at most eight names") && Contains("node-17") && !Contains("node-18"));
    twelve.insert(twelve.begin(), "--hosts");
    const std::string whole = files.report(policy, twelve);
    CHECK_THAT(whole, !Contains("at most eight names") && Contains("node-21"));
    const std::string of_finding = "class=\"hosts\">Hosts: Milan ×13</p>";  // MSRs of all 13 are unknown
    CHECK_THAT(part, Contains(of_finding));
    CHECK_THAT(whole, Contains(of_finding));
    CHECK_THAT(whole, Contains("<bdi>node-10</bdi> ×12"));  // one column
}

TEST_CASE("hosts that give another policy now are not used, and both the page and the log say so", "[report]") {
    const Files files;
    const auto check_unused = [&](const std::string& policy) {
        const Result result = run({"report", policy, "--hosts", files.hosts, "-o", files.page});
        CHECK(result.status == 0);
        CHECK_THAT(result.err, Contains("does not use --hosts"));
        CHECK_THAT(files.dir.read("page.html"), Contains("another policy than this one") && !Contains("hosts cost"));
    };
    check_unused(files.changed([](Json& json) { json["decisions"][0]["reason"] = "By hand."; }));
    check_unused(files.changed([](Json& json) { json["names_sha256"] = std::string(64, '0'); }));
    const std::string more_findings = files.changed([](Json& json) {
        json["findings"].push_back(
            {{"severity", "error"}, {"code", "left-out"}, {"message", "M."}, {"hosts", Json::array()}, {"count", 0}});
    });
    CHECK_THAT(files.report(more_findings, {"--hosts", files.hosts}), Contains("hosts cost") && Contains("left-out"));
}

TEST_CASE("a policy of another rulebook is told from the rulebook that explains it", "[report]") {
    const Files files;
    const std::string policy = files.changed([](Json& json) {
        json["rulebook"] = {{"version", "1999.01"}, {"sha256", std::string(64, 'a')}};
        json["decisions"][0]["field"] = "forgotten_field";
    });
    const Result result = run({"report", policy, "-o", files.page});
    CHECK(result.status == 0);
    CHECK_THAT(result.err, Contains("another rulebook"));
    const std::string page = files.dir.read("page.html");
    CHECK_THAT(page, Contains("another rulebook than this page") && Contains("1999.01"));
    CHECK_THAT(page, Contains("of what it did not know the page says nothing"));
    CHECK_THAT(page, Contains("forgotten_field") && Contains("This rulebook does not know the field."));
}

TEST_CASE("the page says what a guest believes of vulnerabilities, and on which hosts that is false",
          "[report][audit]") {
    const Files files;
    const std::string hosts = POOLCPUID_SOURCE_DIR "/examples/intel-haswell-skylake/hosts";
    const std::string policy = files.merged("intel.json", {hosts});
    const std::string alone = files.report(policy);
    CHECK_THAT(alone, Contains("<span class=\"word\">retbleed</span></th><td>Vulnerable</td></tr>"));
    CHECK_THAT(alone, !Contains("falsely"));
    const std::string page = files.report(policy, {"--hosts", hosts});
    CHECK_THAT(page, Contains("<b>1</b> vulnerability falsely thought safe"));
    CHECK_THAT(page, Contains("<bdi>ivybridge-1</bdi>: affected, and what the guest does has no effect there"));
    CHECK_THAT(page, Contains("<tr class=\"quiet\"><th scope=\"row\"><span class=\"word\">meltdown</span></th>"));
}

TEST_CASE("no text of a policy becomes markup", "[report]") {
    const Files files;
    const std::string evil = "\"'><img src=x onerror=alert(1)>&lt;\xE2\x80\xAE";
    const std::string shown = "&quot;&#39;&gt;&lt;img src=x onerror=alert(1)&gt;&amp;lt;\\u{202e}";
    const std::string policy = files.changed([&](Json& json) {
        json["pool"] = evil;
        json["rulebook"]["version"] = evil;
        json["rulebook"]["sha256"] = evil;
        json["names_sha256"] = evil;
        json["options"] = {{"identity", evil}, {"ceiling", evil}, {"hide", {evil}}, {"show", {evil}}};
        const Json cpu = {{"name", evil}, {"microarchitecture", evil}, {"family", 6}, {"model", 1}, {"stepping", 1}};
        json["hosts"][0] = {{"sha256", evil}, {"format", evil}, {"views", {evil}}, {"cpu", cpu},
                            {"kernel", evil}, {"vmm", evil},    {"names", {evil}}, {"count", 2}};
        Json& decision = json["decisions"][0];
        decision["field"] = evil;
        decision["rule"] = evil;
        decision["values"][0] = {{"value", "0x1"}, {"hosts", {evil}}, {"count", 1}};
        decision["because"] = {evil};
        decision["reason"] = evil;
        json["findings"].push_back({{"severity", "error"},
                                    {"code", evil},
                                    {"message", evil},
                                    {"field", evil},
                                    {"hosts", {evil}},
                                    {"count", 9},
                                    {"cpus", {{evil, 9}}}});
    });
    const std::string page = files.report(policy);
    CHECK(count_of(page, shown) >= 20);
    CHECK_THAT(page, !Contains("<img") && !Contains("\xE2\x80\xAE"));
    CHECK(count_of(page, "<script") == 1);
    CHECK_THAT(page, Contains("<tbody id=\"decision-1\" class=\"other "));
    CHECK(count_of(page, " onerror") == count_of(page, "src=x onerror"));
}

TEST_CASE("a pool whose hosts agree has a page too", "[report]") {
    const Files files;
    const std::string policy = files.merged("same.json", {files.plain});
    const std::string page = files.report(policy, {"--hosts", files.plain});
    CHECK_THAT(page, Contains("<h2 id=\"fields\">Fields</h2>") && Contains("Nothing: every feature"));
}

TEST_CASE("more than eight hosts are told by their CPUs, and the inputs name them all", "[report]") {
    const Files files;
    std::string lines = document_line(relaxed_host("relaxed")) + "\n";
    for (int i = 10; i < 25; ++i) lines += document_line(amd_host("plain-" + std::to_string(i))) + "\n";
    const std::string hosts = files.dir.write("many.ndjson", lines);
    const std::string page = files.report(files.merged("many.json", {hosts}), {"--hosts", hosts});
    CHECK_THAT(page, Contains("Milan ×15") && !Contains("and 7 more"));
    CHECK_THAT(page, Contains("plain-24"));
}

}  // namespace poolcpuid::test::report_test
