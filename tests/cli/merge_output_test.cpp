// merge: where the policy goes, in which form, and that nothing else goes there (docs/design.md, "Output").

#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <filesystem>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "tests/catch.hpp"
#include "tests/cli/support/run_program.hpp"
#include "tests/cli/support/sample_hosts.hpp"
#include "tests/cli/support/temporary_directory.hpp"

namespace poolcpuid::test::merge_output_test {

using Catch::Contains;
using Catch::StartsWith;

namespace {

// Three hosts of which each costs or adds something.
std::vector<HostDump> mixed_hosts() {
    return {amd_host("plain"), with_bit(amd_host("no-avx2"), leaf_7, Register::ebx, avx2_bit, false),
            with_bit(amd_host("relaxed"), leaf_8000_0021, Register::eax, fs_gs_base_ns_bit, true)};
}

std::vector<std::string> write_all(const TemporaryDirectory& dir, const std::vector<HostDump>& hosts) {
    std::vector<std::string> files;
    for (const HostDump& host : hosts) files.push_back(dir.write(host.name + ".json", document(host)));
    return files;
}

std::vector<std::string> merge(std::vector<std::string> hosts, const std::vector<std::string>& options = {}) {
    hosts.insert(hosts.begin(), "merge");
    hosts.insert(hosts.end(), options.begin(), options.end());
    return hosts;
}

}  // namespace

TEST_CASE("the policy goes to standard output as JSON when that is no terminal", "[merge][output]") {
    const TemporaryDirectory dir;
    const Result result = run(merge(write_all(dir, mixed_hosts())));
    REQUIRE(result.status == 0);
    CHECK_THAT(result.out,
               StartsWith("{\n  \"schema\": \"poolcpuid/policy/v1\",\n  \"minor\": 3,\n  \"pool\": \"pool\","));
    CHECK(result.out.ends_with("\n}\n"));
    CHECK(nlohmann::json::accept(result.out));
    CHECK(result.err.empty());
}

TEST_CASE("on a terminal the policy is a summary", "[merge][output]") {
    const TemporaryDirectory dir;
    const auto files = write_all(dir, mixed_hosts());
    const Result text = run(merge(files), {.terminal = true, .environment = {"TERM=dumb"}});
    CHECK(text.status == 0);
    CHECK_THAT(text.out, StartsWith("pool: 3 hosts") && Contains("no-avx2") && Contains("fs_gs_base_ns"));
    CHECK_THAT(run(merge(files, {"--format", "json"}), {.terminal = true}).out, StartsWith("{"));
    CHECK_THAT(run(merge(files, {"--format", "text"})).out, StartsWith("pool: 3 hosts"));
}

TEST_CASE("the summary says who took what, and of whom it is not known", "[merge][output]") {
    const TemporaryDirectory dir;
    const auto text = [&](const std::vector<HostDump>& hosts, const std::vector<std::string>& options = {}) {
        std::vector<std::string> arguments = merge(write_all(dir, hosts), options);
        arguments.insert(arguments.end(), {"--format", "text"});
        const Result result = run(arguments);
        REQUIRE(result.status == 0);
        return result.out;
    };
    const HostDump plain = amd_host("plain");
    HostDump silent = amd_host("silent");
    CpuidTable& table = silent.hardware->cpus.front().cpuid;
    std::erase_if(table.rows, [](const CpuidRow& row) { return row.key == leaf_7; });
    table.unknown.push_back({leaf_7.leaf, leaf_7.subleaf});

    CHECK_THAT(text(mixed_hosts()),
               Contains("Given up: 1 feature that not every host has") && Contains("no-avx2 without: avx2"));
    CHECK_THAT(text({plain, silent}), Contains(" that not every host is known to have") &&
                                          Contains("not known of silent: ") && !Contains("that not every host has"));
    CHECK_THAT(text({plain, silent, mixed_hosts()[1]}),
               Contains("    no-avx2 without, not known of silent: avx2\n") && Contains("not known of silent: "));
    const std::string hidden = text({plain}, {"--hide", "avx"});
    CHECK(hidden.find("    --hide: avx\n") < hidden.find("    and with those: "));
    CHECK_THAT(text({plain}, {"--hide", "avx2"}), Contains("Taken by the operator's options: 1 feature") &&
                                                      Contains("--hide: avx2") && !Contains("not every host"));
    CHECK_THAT(text({plain}, {"--ceiling", "x86-64-v2"}),
               Contains("--ceiling x86-64-v2: ") && !Contains("not every host"));
}

TEST_CASE("colours are for terminals that understand them, when nobody asked for none", "[merge][output]") {
    const TemporaryDirectory dir;
    const auto files = write_all(dir, mixed_hosts());
    const auto has_colour = [&](const Surroundings& surroundings) {
        return run(merge(files, {"--format", "text"}), surroundings).out.find('\033') != std::string::npos;
    };
    CHECK(has_colour({.terminal = true, .environment = {"TERM=xterm"}}));
    CHECK_FALSE(has_colour({.terminal = true, .environment = {"TERM=dumb"}}));
    CHECK_FALSE(has_colour({.terminal = true, .environment = {"TERM=xterm", "NO_COLOR=1"}}));
    CHECK_FALSE(has_colour({.environment = {"TERM=xterm"}}));
}

TEST_CASE("the summary and the document call a mitigation that is given up a mitigation",
          "[merge][output][mitigation]") {
    constexpr unsigned smap_bit = 20;  // leaf 7, EBX
    const TemporaryDirectory dir;
    const std::string with =
        dir.write("with.json", document(with_bit(amd_host("with"), leaf_7, Register::ebx, smap_bit, true)));
    const std::string without = dir.write("without.json", document(amd_host("without")));
    const std::string text = run({"merge", with, without, "--format", "text"}).out;
    CHECK_THAT(text,
               Contains("Mitigations among them: 1") && Contains("a kernel made to use code or data of user space"));
    const auto policy = nlohmann::json::parse(run({"merge", with, without}).out);
    for (const auto& decision : policy.at("decisions")) {
        const std::string field = decision.at("field");
        CAPTURE(field);
        if (field == "smap") CHECK(decision.at("mitigates") == std::vector<std::string>{"ret2usr"});
        if (field == "tsc_deadline") CHECK_FALSE(decision.contains("mitigates"));
    }
    CHECK_THAT(run({"merge", with, "--hide", "avx2", "--format", "text"}).out, !Contains("Mitigations"));
    CHECK_THAT(run({"merge", with, "--hide", "smap", "--format", "text"}).out, Contains("Mitigations among them: 1"));
}

// AMD's CPUs have the flush, and none of them L1 terminal fault (Linux common.c cpu_vuln_whitelist, NO_L1TF).
TEST_CASE("a vendor without the vulnerability loses no mitigation of it", "[merge][output][mitigation]") {
    constexpr unsigned l1d_flush_bit = 28;  // leaf 7, EDX
    const TemporaryDirectory dir;
    const auto host_file = [&](const HostDump& host, bool has_it) {
        const std::string name = host.name + (has_it ? "-with" : "-without");
        const auto dump = with_bit(host, leaf_7, Register::edx, l1d_flush_bit, has_it);
        return name + "=" + dir.write(name + ".json", document(dump));
    };
    const auto given_up = [&](const HostDump& host) {
        const std::string with = host_file(host, true);
        const std::string without = host_file(host, false);
        const std::string policy = dir.write(host.name + "-policy.json", run({"merge", with, without}).out);
        std::string all;
        for (const auto& words :
             std::vector<std::vector<std::string>>{{"merge", with, without},
                                                   {"merge", with, without, "--format", "text"},
                                                   {"explain", policy, "l1d_flush"},
                                                   {"explain", policy, "l1d_flush", "--format", "json"},
                                                   {"diff", with, without, "--format", "json"}}) {
            const std::string out = run(words).out;
            CAPTURE(words.front());
            CHECK_THAT(out, Contains("l1d_flush"));
            all += out;
        }
        return all;
    };
    CHECK_THAT(given_up(intel_host("intel")), Contains("L1 terminal fault") && Contains("\"l1tf\""));
    CHECK_THAT(given_up(amd_host("amd")), !Contains("L1 terminal fault") && !Contains("l1tf"));
}

TEST_CASE("a pool of 200 hosts is told by its CPUs, and has room on a screen", "[merge][output]") {
    const std::string hosts = POOLCPUID_SOURCE_DIR "/examples/amd-zen/hosts/";
    std::vector<std::string> arguments{"merge", "--format", "text"};
    const auto add = [&](const std::string& file, int count) {
        for (int i = 0; i < count; ++i)
            arguments.push_back(file.substr(0, 5) + "-" + std::to_string(100 + i) + "=" + hosts + file);
    };
    add("rome-1.json", 100);
    add("milan-1.txt", 60);
    add("genoa-1.txt", 40);
    const Result result = run(arguments, {.environment = {"COLUMNS=80"}});
    REQUIRE(result.status == 0);
    CHECK_THAT(result.out, Contains("CPUs: Rome ×100, Milan ×60, Genoa ×40\n"));
    CHECK_THAT(result.out, Contains("\n    Rome ×100 without: ") && Contains("Rome ×100, Milan ×60 without: "));
    CHECK_THAT(result.out, Contains("fs_gs_base_ns              Genoa ×40\n"));
    CHECK_THAT(result.out, !Contains("rome-100, rome-101"));
    CHECK(std::count(result.out.begin(), result.out.end(), '\n') <= 40);
}

TEST_CASE("a lean policy promises the same, is small, and explains itself with its hosts alone", "[merge][output]") {
    const TemporaryDirectory dir;
    const std::string hosts = POOLCPUID_SOURCE_DIR "/examples/amd-zen/hosts";
    const std::string whole = dir.path() + "/whole.json";
    const std::string lean = dir.path() + "/lean.json";
    REQUIRE(run({"merge", hosts, "-o", whole}).status == 0);
    const Result merged = run({"merge", hosts, "--lean", "-o", lean});
    REQUIRE(merged.status == 0);
    CHECK(merged.err == run({"merge", hosts, "-o", whole}).err);  // the summary is of the whole
    CHECK(std::filesystem::file_size(lean) * 3 < std::filesystem::file_size(whole));
    CHECK(run({"check", lean, hosts, "--format", "text"}).out == run({"check", whole, hosts, "--format", "text"}).out);
    CHECK(run({"render", "--to", "kvm", lean}).out == run({"render", "--to", "kvm", whole}).out);
    const Result difference = run({"diff", whole, lean, "--format", "text"});
    CHECK(difference.status == 0);
    CHECK_THAT(difference.out, !Contains("decided otherwise"));
    CHECK(run({"merge", hosts, "--expect", lean}).status == 0);
    CHECK(run({"explain", lean, "avx2", "--hosts", hosts, "--format", "text"}).out ==
          run({"explain", whole, "avx2", "--hosts", hosts, "--format", "text"}).out);
    for (const std::vector<std::string>& verb :
         {std::vector<std::string>{"explain", lean}, {"report", lean, "-o", dir.path() + "/page.html"}}) {
        const Result refused = run(verb);
        CHECK(refused.status == 3);
        CHECK_THAT(refused.err, Contains("--hosts") && Contains("merge --lean"));
    }
}

TEST_CASE("a summary keeps within its columns", "[merge][output]") {
    const TemporaryDirectory dir;
    const auto files = write_all(dir, mixed_hosts());
    for (const std::size_t columns : {60U, 80U, 120U}) {
        const Result result =
            run(merge(files, {"--format", "text"}), {.environment = {"COLUMNS=" + std::to_string(columns)}});
        for (std::size_t begin = 0; begin < result.out.size();) {
            const std::size_t end = result.out.find('\n', begin);
            INFO(result.out.substr(begin, end - begin));
            CHECK(end - begin <= columns);
            begin = end + 1;
        }
    }
}

TEST_CASE("-o writes the JSON to a file, and the summary to standard error", "[merge][output]") {
    const TemporaryDirectory dir;
    const auto files = write_all(dir, mixed_hosts());
    const Result result = run(merge(files, {"-o", dir.file("pool.policy")}));
    REQUIRE(result.status == 0);
    CHECK(result.out.empty());
    CHECK_THAT(result.err, StartsWith("pool: 3 hosts") && Contains("no-avx2"));
    CHECK(dir.read("pool.policy") == run(merge(files)).out);
    CHECK(run(merge(files, {"--output=" + dir.file("other"), "--format", "text"})).status == 0);
    CHECK(dir.read("other") == dir.read("pool.policy"));
}

TEST_CASE("-o replaces a file at once and leaves nothing else behind", "[merge][output]") {
    const TemporaryDirectory dir;
    const auto files = write_all(dir, mixed_hosts());
    const std::string target = dir.write("out/policy", "old");
    ::chmod(target.c_str(), 0640);
    struct stat before {};
    ::stat(target.c_str(), &before);
    const TemporaryDirectory held;
    // A hard link still names the old bytes after the file was replaced: they were never written over.
    REQUIRE(::link(target.c_str(), held.file("old").c_str()) == 0);
    REQUIRE(run(merge(files, {"-o", target})).status == 0);
    CHECK(held.read("old") == "old");
    CHECK(nlohmann::json::accept(bytes_of(target)));
    struct stat after {};
    ::stat(target.c_str(), &after);
    CHECK((after.st_mode & 07777U) == 0640);
    const TemporaryDirectory fresh;
    REQUIRE(run(merge(files, {"-o", fresh.file("policy")})).status == 0);
    CHECK(fresh.listing() == "policy ");
}

TEST_CASE("-o through a symbolic link replaces the file that it names", "[merge][output]") {
    const TemporaryDirectory dir;
    const auto files = write_all(dir, mixed_hosts());
    const std::string target = dir.write("real", "old");
    std::filesystem::create_symlink(target, dir.file("link"));
    REQUIRE(run(merge(files, {"-o", dir.file("link")})).status == 0);
    CHECK(std::filesystem::is_symlink(dir.file("link")));
    CHECK(nlohmann::json::accept(dir.read("real")));
    std::filesystem::create_symlink(dir.file("not-yet"), dir.file("dangling"));
    REQUIRE(run(merge(files, {"-o", dir.file("dangling")})).status == 0);
    CHECK(nlohmann::json::accept(dir.read("not-yet")));
}

TEST_CASE("a merge that fails keeps the file that is there", "[merge][output]") {
    const TemporaryDirectory dir;
    auto files = write_all(dir, mixed_hosts());
    const std::string target = dir.write("out/policy", "old");
    CHECK(run(merge(files, {"-o", target, "--hide", "nobody"})).status == 2);
    CHECK(bytes_of(target) == "old");
    CHECK(run(merge(files, {"-o", target, "--set", "fs_gs_base_ns=0"})).status == 4);
    CHECK(bytes_of(target) == "old");
    files.push_back(dir.write("broken.json", "{"));
    CHECK(run(merge(files, {"-o", target})).status == 3);
    CHECK(bytes_of(target) == "old");
    CHECK(std::distance(std::filesystem::directory_iterator(dir.file("out")), {}) == 1);
}

TEST_CASE("-o writes to what is no regular file directly", "[merge][output]") {
    const TemporaryDirectory dir;
    const auto files = write_all(dir, mixed_hosts());
    const Result null = run(merge(files, {"-o", "/dev/null"}));
    CHECK(null.status == 0);
    CHECK(null.out.empty());
    CHECK(std::filesystem::is_character_file("/dev/null"));
    CHECK(run(merge(files, {"-o", "/dev/stdout"})).out == run(merge(files)).out);
}

TEST_CASE("output that cannot be written is exit status 5", "[merge][output]") {
    const TemporaryDirectory dir;
    const auto files = write_all(dir, mixed_hosts());
    for (const std::string& target : {std::string("/dev/full"), dir.file("no/such/directory/policy"), dir.path()}) {
        const Result result = run(merge(files, {"-o", target}));
        INFO(result.text());
        CHECK(result.status == 5);
        CHECK(result.out.empty());
        CHECK_THAT(result.err, Contains(target) && Contains("cannot be written"));
    }
    CHECK(run(merge(files), {.output = "/dev/full"}).status == 5);
    CHECK(run(merge(files, {"--format", "text"}), {.output = "/dev/full"}).status == 5);
    CHECK(run(merge(files, {"--list-hosts", "/dev/full"})).status == 5);
}

TEST_CASE("a directory that may not be written to is exit status 5", "[merge][output]") {
    if (::geteuid() == 0) {
        WARN("skipped: root may write everywhere");
        return;
    }
    const TemporaryDirectory dir;
    const auto files = write_all(dir, mixed_hosts());
    std::filesystem::create_directory(dir.file("closed"));
    ::chmod(dir.file("closed").c_str(), 0500);
    CHECK(run(merge(files, {"-o", dir.file("closed/policy")})).status == 5);
}

TEST_CASE("the order of the hosts changes no byte", "[merge][output][long]") {
    const TemporaryDirectory dir;
    auto files = write_all(dir, mixed_hosts());
    files.push_back("twin=" + files[0]);
    std::sort(files.begin(), files.end());
    const std::string first = run(merge(files)).out;
    REQUIRE_FALSE(first.empty());
    do {
        CHECK(run(merge(files)).out == first);
    } while (std::next_permutation(files.begin(), files.end()));
}

TEST_CASE("the form in which hosts come changes no promise", "[merge][output]") {
    const TemporaryDirectory dir;
    const auto files = write_all(dir, mixed_hosts());
    std::string lines;
    for (const HostDump& host : mixed_hosts()) lines += document_line(host);
    const auto of_files = nlohmann::json::parse(run(merge(files)).out);
    CHECK(run({"merge", dir.path()}).out == run(merge(files)).out);
    const auto of_lines = nlohmann::json::parse(run({"merge", "-"}, {.input = lines}).out);
    CHECK(of_lines.at("cpuid") == of_files.at("cpuid"));
    CHECK(of_lines.at("decisions") == of_files.at("decisions"));
}

TEST_CASE("--list-hosts writes every digest and name", "[merge][output]") {
    const TemporaryDirectory dir;
    std::vector<std::string> files;
    std::string expected;
    const std::string file = dir.write("x.json", document(amd_host("x")));
    for (int i = 10; i < 30; ++i) files.push_back("node-" + std::to_string(i) + "=" + file);
    const Result result = run(merge(files, {"--list-hosts", dir.file("list"), "-o", "/dev/null"}));
    REQUIRE(result.status == 0);
    const auto policy = nlohmann::json::parse(run(merge(files)).out);
    CHECK(policy.at("hosts").size() == 1);
    CHECK(policy.at("hosts").at(0).at("names").size() == 8);
    CHECK(policy.at("hosts").at(0).at("count") == 20);
    const std::string digest = policy.at("hosts").at(0).at("sha256");
    for (int i = 10; i < 30; ++i) expected += digest + "  node-" + std::to_string(i) + "\n";
    CHECK(dir.read("list") == expected);
}

}  // namespace poolcpuid::test::merge_output_test
