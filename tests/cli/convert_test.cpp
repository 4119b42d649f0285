// convert: values as read, in our document or as `cpuid -r` prints them.

#include <algorithm>
#include <nlohmann/json.hpp>
#include <string>

#include "tests/catch.hpp"
#include "tests/cli/support/run_program.hpp"
#include "tests/cli/support/sample_hosts.hpp"
#include "tests/cli/support/temporary_directory.hpp"

namespace poolcpuid::test::convert_test {

using Catch::Contains;

TEST_CASE("our document read back is the same document", "[convert]") {
    const TemporaryDirectory dir;
    const Result first = run({"convert", dir.write("a.json", document(intel_host("node-1")))});
    REQUIRE(first.status == 0);
    CHECK(run({"convert", dir.write("b.json", first.out), "--to", "json"}).out == first.out);
}

TEST_CASE("what the firmware hides from a dump is told beside it", "[convert]") {
    const TemporaryDirectory dir;
    HostDump host = with_bit(intel_host("node-1"), {0x80000001, 0}, Register::edx, 20, false);
    host.hardware->msrs = std::vector<MsrRow>{{0x1A0, 1ULL << 34U}};
    const Result json = run({"convert", dir.write("a.json", document(host))});
    CHECK(json.status == 0);
    CHECK_THAT(json.err, Contains("node-1: MSR 0x1a0[34]") && Contains("the CPU may have: nx."));
}

TEST_CASE("cpuid -r text keeps the registers and says what it cannot carry", "[convert]") {
    const TemporaryDirectory dir;
    HostDump host = intel_host("node-1");
    host.hardware->msrs = std::vector<MsrRow>{{0x10A, 0xC}};
    host.meta["kernel"] = "6.1";
    const Result text = run({"convert", dir.write("a.json", document(host)), "--to", "cpuid-r"});
    CHECK(text.status == 0);
    CHECK_THAT(text.out, Contains("0x00000007 0x00: eax=0x00000000 ebx=0x00000129"));
    CHECK_THAT(text.err, Contains("MSR") && Contains("meta"));
    const Result back = run({"convert", "node-1=" + dir.write("a.txt", text.out)});
    REQUIRE(back.status == 0);
    const auto before = nlohmann::json::parse(document(host)).at("views").at("hardware").at("cpus");
    const auto after = nlohmann::json::parse(back.out).at("views").at("hardware").at("cpus");
    for (const auto& row : before.at(0).at("cpuid")) {
        const auto& rows = after.at(0).at("cpuid");
        INFO(row.dump());
        CHECK(std::find(rows.begin(), rows.end(), row) != rows.end());
    }
}

TEST_CASE("a subleaf of AMX that the dump announces and lacks is unknown, and check says so", "[convert]") {
    const TemporaryDirectory dir;
    HostDump host = with_register(intel_host("whole"), {0x0, 0x0}, Register::eax, 0x1E);
    host = with_bit(host, {0x7, 0x0}, Register::edx, 24, true);  // AMX-TILE
    host = with_register(host, {0xD, 0x0}, Register::eax, 0x60007);
    host = with_register(host, {0xD, 0x0}, Register::ecx, 0x2B00);
    host = with_register(host, {0xD, 0x1}, Register::eax, 0x1F);
    host = with_register(host, {0xD, 0x11}, Register::eax, 0x40);
    host = with_register(host, {0xD, 0x11}, Register::ebx, 0xAC0);
    host = with_register(host, {0xD, 0x12}, Register::eax, 0x2000);
    host = with_register(host, {0xD, 0x12}, Register::ebx, 0xB00);
    host = with_register(host, {0x1D, 0x0}, Register::eax, 1);
    host = with_register(host, {0x1D, 0x1}, Register::eax, 0x04002000);
    host = with_register(host, {0x1E, 0x0}, Register::eax, 1);
    host = with_register(host, {0x1E, 0x0}, Register::ebx, 0x4010);
    host = with_register(host, {0x1E, 0x1}, Register::eax, 0x10);  // AMX-FP8
    const std::string json = dir.write("whole.json", document(host));
    const std::string text = run({"convert", json, "--to", "cpuid-r"}).out;
    const std::size_t row = text.find("   0x0000001e 0x01:");
    REQUIRE(row != std::string::npos);
    const std::string cut = dir.write("cut.txt", std::string(text).erase(row, text.find('\n', row) + 1 - row));

    const auto cpu = nlohmann::json::parse(run({"convert", cut}).out).at("views").at("hardware").at("cpus").at(0);
    CHECK(cpu.at("unknown") == nlohmann::json::parse(R"([{"leaf": "0x1e", "subleaf": "0x1"}])"));

    REQUIRE(run({"merge", json, "--show", "amx_fp8", "-o", dir.file("policy.json")}).status == 0);
    CHECK(run({"check", dir.file("policy.json"), dir.write("whole.txt", text)}).status == 0);
    const Result checked = run({"check", dir.file("policy.json"), cut, "--format", "json"});
    CHECK(checked.status == 1);
    const auto violations = nlohmann::json::parse(checked.out).at("hosts").at(0).at("violations");
    REQUIRE(violations.size() == 1);
    CHECK(violations.at(0).at("field") == "amx_fp8");
    CHECK(violations.at(0).at("known") == false);
    CHECK(run({"check", dir.file("policy.json"), cut, "--unknown", "warn"}).status == 0);
}

TEST_CASE("two dumps in one text are refused, with the line of the second", "[convert]") {
    const TemporaryDirectory dir;
    const std::string text = run({"convert", dir.write("a.json", document(amd_host("a"))), "--to", "cpuid-r"}).out;
    const auto lines = std::count(text.begin(), text.end(), '\n');
    const Result two = run({"convert", dir.write("two.txt", text + text)});
    CHECK(two.status == 3);
    CHECK(two.out.empty());
    CHECK_THAT(two.err,
               Contains("two.txt:" + std::to_string(lines + 1) + ": expected each logical CPU of one host once") &&
                   Contains("two hosts, which need a file each"));
}

TEST_CASE("values are as read: nothing is repaired", "[convert]") {
    const TemporaryDirectory dir;
    const HostDump host =
        with_bit(intel_host("n"), {0x80000001, 0}, Register::edx, 11, false);  // SYSCALL in 32-bit code
    CHECK_THAT(run({"convert", dir.write("a.json", document(host))}).out, Contains("\"edx\": \"0x2c100000\""));
}

TEST_CASE("convert takes one host, writes to -o, and refuses what it cannot read", "[convert]") {
    const TemporaryDirectory dir;
    const std::string file = dir.write("a.json", document(amd_host("a")));
    const Result written = run({"convert", file, "-o", dir.file("out.json")});
    CHECK(written.status == 0);
    CHECK(written.out.empty());
    CHECK(dir.read("out.json") == document(amd_host("a")));
    CHECK(run({"convert", "-"}, {.input = document(amd_host("a"))}).out == document(amd_host("a")));

    const std::string two =
        dir.write("two.ndjson", document_line(amd_host("a")) + "\n" + document_line(amd_host("b")) + "\n");
    CHECK(run({"convert", two}).status == 2);
    const Result broken = run({"convert", dir.write("broken", "CPUID 00000000: 00000010-68747541\n")});
    CHECK(broken.status == 3);
    CHECK_THAT(broken.err, Contains("broken:1: expected") && Contains("found"));
    CHECK(run({"convert", file, "--to", "yaml"}).status == 2);
    CHECK(run({"convert", dir.file("nowhere")}).status == 3);
}

TEST_CASE("a directory converts to NDJSON, a host document a line, by name", "[convert]") {
    const TemporaryDirectory dir;
    const TemporaryDirectory hosts;
    hosts.write("1.json", document(amd_host("b")));
    hosts.write("2.json", document(intel_host("a")));
    const Result result = run({"convert", hosts.path(), "--to", "ndjson"});
    CHECK(result.status == 0);
    CHECK(result.out == document_line(intel_host("a")) + document_line(amd_host("b")));
    CHECK(run({"convert", hosts.file("1.json"), hosts.file("2.json"), "--to", "ndjson"}).out == result.out);

    // It reads back as the same hosts.
    const std::string stream = dir.write("fleet.ndjson", result.out);
    CHECK(run({"convert", stream, "--to", "ndjson"}).out == result.out);
    CHECK(run({"convert", hosts.path()}).status == 2);
    hosts.write("bad", "x");
    const Result bad = run({"convert", hosts.path(), "--to", "ndjson"});
    CHECK(bad.status == 3);
    CHECK(bad.out.empty());
}

}  // namespace poolcpuid::test::convert_test
