// What others put in the way: files that never end, directories with more than hosts, programs that do not answer, and
// text that a terminal or a shell would act on.

#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <cstring>
#include <filesystem>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "tests/catch.hpp"
#include "tests/cli/support/run_program.hpp"
#include "tests/cli/support/sample_hosts.hpp"
#include "tests/cli/support/temporary_directory.hpp"

namespace poolcpuid::test::foreign_input_test {

using Catch::Contains;
using Json = nlohmann::json;
namespace fs = std::filesystem;

namespace {

std::vector<std::string> shell(const std::string& commands) { return {"sh", "-c", commands, "sh"}; }

// The host with this brand string, of 48 bytes at most.
HostDump with_brand(HostDump host, std::string brand) {
    brand.resize(48, '\0');
    std::size_t at = 0;
    for (std::uint32_t leaf = 0x80000002; leaf <= 0x80000004; ++leaf) {
        for (const Register reg : all_registers) {
            std::uint32_t value = 0;
            for (unsigned byte = 0; byte < 4; ++byte) {
                value |= static_cast<std::uint32_t>(static_cast<unsigned char>(brand[at++])) << (8 * byte);
            }
            host = with_register(std::move(host), {leaf, 0}, reg, value);
        }
    }
    return host;
}

// True when a terminal would act on a byte of the text, or read it in another order.
bool is_dangerous(const std::string& text) {
    for (std::size_t i = 0; i < text.size(); ++i) {
        const auto byte = static_cast<unsigned char>(text[i]);
        if ((byte < 0x20 && byte != '\n') || byte == 0x7F) return true;
        const auto next = static_cast<unsigned char>(i + 1 < text.size() ? text[i + 1] : 0);
        if (byte == 0xC2 && next >= 0x80 && next < 0xA0) return true;        // C1
        if (byte == 0xE2 && text.compare(i, 3, "\u202E") == 0) return true;  // right to left
    }
    return false;
}

// A policy whose every string holds escapes, where a policy may hold any text.
std::string with_escapes(const std::string& policy) {
    const std::string evil = "x\x1B[31m\u009B2J\u202Ey";
    auto document = nlohmann::ordered_json::parse(policy);  // a policy is known by its first members
    document["pool"] = evil;
    document["rulebook"]["version"] = evil;
    for (auto& finding : document["findings"]) finding["message"] = finding["message"].get<std::string>() + evil;
    document["findings"].push_back({{"severity", "warning"},
                                    {"code", evil},
                                    {"message", evil},
                                    {"hosts", {evil}},
                                    {"count", 9},
                                    {"cpus", {{evil, 9}}}});
    for (auto& host : document["hosts"]) host["sha256"] = evil;
    return document.dump();
}

// A shell script in the place of a QEMU.
std::string program(const TemporaryDirectory& dir, const std::string& name, const std::string& commands) {
    const std::string path = dir.write(name, "#!/bin/sh\n" + commands + "\n");
    ::chmod(path.c_str(), 0755);
    return path;
}

// The command that docs/render.md gives for Proxmox VE, with an argument in it.
std::string recipe_for_proxmox(const std::string& argument) {
    const std::string page = bytes_of(POOLCPUID_SOURCE_DIR "/docs/render.md");
    const std::size_t begin = page.find("qm set 100 --args");
    REQUIRE(begin != std::string::npos);
    std::string command = page.substr(begin, page.find('`', begin) - begin);
    return command.replace(command.find("..."), 3, argument);
}

}  // namespace

TEST_CASE("an input without an end is given up at the limit", "[attack]") {
    const auto before = std::chrono::steady_clock::now();
    const Result zeros = run({"merge", "/dev/zero"});
    INFO(zeros.text());
    CHECK(zeros.status == 3);
    CHECK_THAT(zeros.err, Contains("/dev/zero") && Contains("at most 67108864 bytes"));
    const Result lines = run({"merge", "-"}, {.launcher = shell("yes '{}' | tr -d '\\n' | \"$@\"")});
    CHECK(lines.status == 3);
    CHECK(std::chrono::steady_clock::now() - before < std::chrono::seconds(60));
}

TEST_CASE("what a directory lists besides files is refused without waiting for it", "[attack]") {
    const TemporaryDirectory dir;
    dir.write("hosts/a.json", document(amd_host("a")));
    REQUIRE(::mkfifo(dir.file("hosts/pipe").c_str(), 0600) == 0);
    const Result result = run({"merge", dir.file("hosts")});
    INFO(result.text());
    CHECK(result.status == 3);
    CHECK_THAT(result.err, Contains("hosts/pipe") && Contains("expected a regular file, found a pipe"));
    CHECK(run({"merge", dir.file("hosts"), "--skip-unreadable"}).status == 0);
    // Named by itself it is read.
    const Result named =
        run({"merge", dir.file("hosts/pipe")},
            {.launcher = shell("cat " + dir.file("hosts/a.json") + " > " + dir.file("hosts/pipe") + " & exec \"$@\"")});
    CHECK(named.status == 0);
}

TEST_CASE("a rulebook and a cpu_map are files", "[attack]") {
    const TemporaryDirectory dir;
    fs::copy(std::string(POOLCPUID_SOURCE_DIR) + "/policy", dir.file("rulebook"), fs::copy_options::recursive);
    fs::create_directory(dir.file("rulebook/cpuid/0xff.json"));
    const Result directory = run({"rules", "lint", dir.file("rulebook")});
    INFO(directory.text());
    CHECK(directory.status == 3);
    CHECK_THAT(directory.err, Contains("0xff.json") && Contains("expected a regular file, found a directory"));
    fs::remove(dir.file("rulebook/cpuid/0xff.json"));
    REQUIRE(::mkfifo(dir.file("rulebook/cpuid/0xff.json").c_str(), 0600) == 0);
    CHECK(run({"rules", "lint", dir.file("rulebook")}).status == 3);

    const std::string policy =
        dir.write("policy.json", run({"merge", dir.write("a.json", document(amd_host("a")))}).out);
    fs::create_directory(dir.file("map"));
    REQUIRE(::mkfifo(dir.file("map/index.xml").c_str(), 0600) == 0);
    const Result map = run({"render", "--to", "libvirt", policy, "--cpu-map", dir.file("map")});
    CHECK(map.status == 3);
    CHECK_THAT(map.err, Contains("expected a regular file, found a pipe"));
}

TEST_CASE("a cpu_map of deep groups is refused", "[attack]") {
    const TemporaryDirectory dir;
    constexpr std::size_t depth = 200000;
    std::string groups;
    for (std::size_t i = 0; i < depth; ++i) groups += "<group>";
    for (std::size_t i = 0; i < depth; ++i) groups += "</group>";
    dir.write("map/index.xml", "<cpus><arch name='x86'>" + groups + "</arch></cpus>");
    const std::string policy =
        dir.write("policy.json", run({"merge", dir.write("a.json", document(amd_host("a")))}).out);
    const Result result = run({"render", "--to", "libvirt", policy, "--cpu-map", dir.file("map")});
    INFO(result.text());
    CHECK(result.status == 3);
    CHECK_THAT(result.err, Contains("groups at most 8 deep"));
}

TEST_CASE("what cannot be read is input that cannot be read", "[attack]") {
    const TemporaryDirectory dir;
    dir.write("hosts/a.json", document(amd_host("a")));
    fs::create_symlink("loop", dir.file("hosts/loop"));
    const Result loop = run({"merge", dir.file("hosts")});
    INFO(loop.text());
    CHECK(loop.status == 3);
    CHECK(run({"merge", dir.file("hosts"), "--skip-unreadable"}).status == 0);
    const Result name = run({"merge", dir.file("hosts/a.json"), "--pool", "\xFF\xFE"});
    INFO(name.text());
    CHECK(name.status == 2);
    if (::geteuid() == 0) return;  // root reads every directory
    fs::create_directory(dir.file("closed"));
    fs::permissions(dir.file("closed"), fs::perms::none);
    CHECK(run({"merge", dir.file("closed")}).status == 3);
    CHECK(run({"merge", dir.file("hosts/a.json"), dir.file("closed"), "--skip-unreadable"}).status == 0);
}

TEST_CASE("what a directory of hosts holds and is no host is named", "[attack]") {
    const TemporaryDirectory dir;
    dir.write("hosts/a.json", document(amd_host("a")));
    dir.write("hosts/.hidden.json", document(amd_host("hidden")));
    dir.write("hosts/rack2/b.json", document(amd_host("b")));
    const Result result = run({"merge", dir.file("hosts")});
    CHECK(result.status == 0);
    CHECK_THAT(result.err, Contains(".hidden.json") && Contains("rack2"));
}

TEST_CASE("a file that is called NAME=FILE is read, and that is said", "[attack]") {
    const TemporaryDirectory dir;
    dir.write("a=b.txt", document(with_bit(amd_host(""), leaf_7, Register::ebx, avx2_bit, false)));
    dir.write("b.txt", document(amd_host("")));
    const Result result = run({"merge", "a=b.txt", "--format", "json"}, {.directory = dir.path()});
    INFO(result.text());
    REQUIRE(result.status == 0);
    CHECK(Json::parse(result.out).at("hosts").at(0).at("names").at(0) == "a=b");
    CHECK_THAT(result.err, Contains("a=b.txt") && Contains("not as NAME=FILE"));
}

TEST_CASE("no text of a policy reaches a terminal as an escape", "[attack]") {
    const TemporaryDirectory dir;
    const std::string host = dir.write("a.json", document(amd_host("a")));
    const std::string plain = dir.write("plain.json", run({"merge", host}).out);
    const std::string evil = dir.write("evil.json", with_escapes(bytes_of(plain)));
    const std::vector<std::vector<std::string>> calls{{"check", evil, host, "--format", "text"},
                                                      {"check", evil, host, "--format", "json"},
                                                      {"diff", plain, evil, "--format", "text"},
                                                      {"diff", evil, plain, "--format", "json"},
                                                      {"diff", evil, plain, "--format", "markdown"},
                                                      {"explain", evil, "--format", "text"},
                                                      {"explain", evil, "--format", "json"},
                                                      {"explain", evil, "avx2", "--format", "text"},
                                                      {"render", "--to", "kvm", evil},
                                                      {"render", "--to", "qemu", "--qemu", "10.0", evil},
                                                      {"render", "--to", "kvm", evil, "--format", "json"},
                                                      {"render", "--to", "firecracker", evil},
                                                      {"render", "--to", "xen", evil},
                                                      {"render", "--to", "xapi", evil},
                                                      {"merge", host, "--floor", evil, "--format", "text"},
                                                      {"merge", host, "--expect", evil},
                                                      {"plan", evil, "--hosts", host, "--format", "text"}};
    for (const auto& call : calls) {
        const Result result = run(call);
        INFO(result.text());
        // It is read: what is refused shows nothing. Only plan looks for the hosts by their digests.
        CHECK((result.status != 3 || call.front() == "plan"));
        CHECK_FALSE(is_dangerous(result.out));
        CHECK_FALSE(is_dangerous(result.err));
    }
}

TEST_CASE("a brand string that a shell or -cpu would act on is not said", "[attack]") {
    const TemporaryDirectory dir;
    const std::string ran = dir.file("ran");
    for (const std::string& brand : {"EPYC',; touch " + ran + " #", "$(touch " + ran + ")", "`touch " + ran + "`",
                                     std::string("a\"b"), std::string("a,hv-relaxed=on"), "x\ntouch " + ran}) {
        const std::string host = dir.write("host.json", document(with_brand(amd_host("a"), brand)));
        const std::string policy = dir.write("policy.json", run({"merge", host}).out);
        const Result result = run({"render", "--to", "qemu", "--qemu", "10.0", policy, "--format", "json"});
        INFO(result.text());
        REQUIRE(result.status == 0);
        const Json rendered = Json::parse(result.out);
        const std::string argument = rendered.at("output");
        CHECK_THAT(argument, Contains(",model-id=,"));
        const Json& lost = rendered.at("inexpressible");
        CHECK(
            std::any_of(lost.begin(), lost.end(), [](const Json& entry) { return entry.at("field") == "brand0_eax"; }));
        // As docs/render.md says to paste it, in either kind of quotes.
        for (const std::string& quote : std::vector<std::string>{"'", "\""}) {
            const std::string line = argument.substr(0, argument.find('\n'));
            const Result pasted = run({}, {.launcher = {"sh", "-c", "printf '%s\\n' -cpu " + quote + line + quote}});
            CHECK(pasted.out == "-cpu\n" + line + "\n");
        }
        CHECK_FALSE(fs::exists(ran));
    }
    const std::string usual = "Intel(R) Xeon(R) Platinum 8488C @ 2.40GHz";
    const std::string host = dir.write("host.json", document(with_brand(amd_host("a"), usual)));
    const std::string policy = dir.write("policy.json", run({"merge", host}).out);
    CHECK_THAT(run({"render", "--to", "qemu", "--qemu", "10.0", policy}).out, Contains(",model-id=" + usual + ","));
}

TEST_CASE("the recipe for Proxmox VE hands the argument on in one piece, whatever names and brands say", "[attack]") {
    const TemporaryDirectory dir;
    const std::string ran = dir.file("ran");
    const std::string evil = "x'\"; touch " + ran + "; $(touch " + ran + ") `touch " + ran + "` '\"";
    const std::vector<std::string> brands{
        "EPYC' -device x; touch " + ran + " '", "a\"; touch " + ran + "; \"", "$(touch " + ran + ")", "a' b", "a\\",
        "AMD EPYC(TM) 7763 @ 2.45GHz"};
    for (const std::string& brand : brands) {
        CAPTURE(brand);
        const std::string host = dir.write("host.json", document(with_brand(amd_host(evil), brand)));
        const std::string policy = dir.write("policy.json", run({"merge", host, "--pool", evil}).out);
        const Result result = run({"render", "--to", "qemu", "--qemu", "10.0", policy});
        REQUIRE(result.status == 0);
        const std::string argument = result.out.substr(0, result.out.find('\n'));
        REQUIRE(result.out == argument + "\n");
        // qm keeps what the shell hands it, and Proxmox VE takes that apart as a shell does when the VM starts.
        const std::string script =
            "qm() { eval \"set -- $4\"; printf '%s\\n' \"$@\"; }\n" + recipe_for_proxmox(argument);
        CHECK(run({}, {.launcher = {"sh", "-c", script}}).out == "-cpu\n" + argument + "\n");
        CHECK_FALSE(fs::exists(ran));
    }
}

TEST_CASE("options that are told can be pasted into a shell", "[attack]") {
    const TemporaryDirectory dir;
    const std::string name = "a'; touch ran; b";
    const std::string host = dir.write("a.json", document(amd_host(name)));
    const std::string plain = dir.write("plain.json", run({"merge", host}).out);
    const std::string chosen = dir.write("chosen.json", run({"merge", host, "--identity", name}).out);
    const Json difference = Json::parse(run({"diff", plain, chosen, "--format", "json"}).out);
    const std::string options = difference.at("after").at("options");
    const Result pasted = run({}, {.directory = dir.path(), .launcher = {"sh", "-c", "printf '%s\\n' " + options}});
    CHECK(pasted.out == "--identity\n" + name + "\n");
    CHECK_FALSE(dir.has("ran"));
}

TEST_CASE("a program that does not answer as a QEMU does is refused with what was expected", "[attack]") {
    const TemporaryDirectory dir;
    const std::string policy =
        dir.write("policy.json", run({"merge", dir.write("a.json", document(amd_host("a")))}).out);
    const std::string greeting =
        "echo '{\"QMP\": {\"version\": {\"qemu\": {\"major\": 9, \"minor\": 0, \"micro\": 0}}}}'\n";
    const std::vector<std::string> programs{
        program(dir, "flood", "exec yes x"),
        program(dir, "garbage", "echo garbage; cat >/dev/null"),
        program(dir, "ends", "exit 0"),
        program(dir, "types", "echo '{\"QMP\": {\"version\": {\"qemu\": {\"major\": \"nine\"}}}}'; cat >/dev/null"),
        program(dir, "numbers", "echo '{\"QMP\": 7}'; cat >/dev/null"),
        program(dir, "answers", greeting + "while read -r line; do echo '{\"return\": 7}'; done"),
        program(dir, "errors", greeting + "while read -r line; do echo '{\"error\": 7}'; done"),
        program(dir, "props",
                greeting + "while read -r line; do echo '{\"return\": {\"model\": {\"props\": []}}}'; done")};
    for (const std::string& qemu : programs) {
        const Result result = run({"render", "--to", "qemu", "--qemu", qemu, "--base", "EPYC", policy});
        INFO(result.text());
        CHECK(result.status == 3);
        CHECK_THAT(result.err, Contains(qemu + ": expected ") && Contains(", found "));
    }
    const Result closed =
        run({"render", "--to", "qemu", "--qemu", "10.0", policy}, {.launcher = shell("exec \"$@\" <&-")});
    CHECK(closed.status == 0);
}

TEST_CASE("a program that drips bytes is left after the time that a QEMU has", "[attack][.slow]") {
    const TemporaryDirectory dir;
    const std::string policy =
        dir.write("policy.json", run({"merge", dir.write("a.json", document(amd_host("a")))}).out);
    const std::string qemu = program(dir, "drips", "while :; do printf x; sleep 1; done");
    const auto before = std::chrono::steady_clock::now();
    const Result result = run({"render", "--to", "qemu", "--qemu", qemu, policy});
    CHECK(result.status == 3);
    CHECK_THAT(result.err, Contains("within 20 seconds"));
    CHECK(std::chrono::steady_clock::now() - before < std::chrono::seconds(40));
}

}  // namespace poolcpuid::test::foreign_input_test
