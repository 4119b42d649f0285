// What the program says of dumps that are cut short, empty or of another kind: what was found, and what to do.

#include <filesystem>
#include <nlohmann/json.hpp>
#include <string>

#include "tests/catch.hpp"
#include "tests/cli/support/run_program.hpp"
#include "tests/cli/support/sample_hosts.hpp"
#include "tests/cli/support/temporary_directory.hpp"
#include "tests/support/packed.hpp"

namespace poolcpuid::test::dump_messages_test {

using Catch::Contains;

namespace {

const std::string formats = POOLCPUID_SOURCE_DIR "/examples/formats/";

// What merge says of a file that it cannot take.
std::string message(const std::string& file, int status = 3, const std::vector<std::string>& options = {}) {
    std::vector<std::string> arguments{"merge", file};
    arguments.insert(arguments.end(), options.begin(), options.end());
    const Result result = run(arguments);
    CHECK(result.status == status);
    CHECK(result.out.empty());
    return result.err;
}

std::string message_of(const std::string& bytes, int status = 3, const std::vector<std::string>& options = {}) {
    const TemporaryDirectory dir;
    return message(dir.write("dump", bytes), status, options);
}

}  // namespace

TEST_CASE("a log that is cut short is named as such, where what it lacks leaves no policy", "[dump-messages]") {
    const std::string log = bytes_of(formats + "VBox.log");
    const std::size_t at = log.find("Gst: 0000000d/0009");
    REQUIRE(at != std::string::npos);
    CHECK_THAT(
        message_of(log.substr(0, log.rfind('\n', at) + 1), 4),
        Contains("is not known to have syscall, without which no 64-bit guest runs: the dump is cut short, take it "
                 "again"));
}

TEST_CASE("flags that are missing, empty or cut short are told", "[dump-messages]") {
    const std::string cpuinfo = bytes_of(formats + "cpuinfo.txt");
    const std::size_t flags = cpuinfo.rfind("flags");
    const std::string before = cpuinfo.substr(0, flags);
    CHECK_THAT(message_of(before), Contains("expected the flags of processor 1, found no line \"flags\""));
    CHECK_THAT(message_of(before + "flags\t\t:\n"),
               Contains("expected the flags of processor 1, found none in that line"));
    CHECK_THAT(message_of(before + "flags\t\t: fpu vme de ps", 4, {"--allow-partial"}),
               Contains("the dump lists names of features, and may be cut short"));
}

TEST_CASE("JSON arrays without hosts are told", "[dump-messages]") {
    CHECK_THAT(message_of("[]"), Contains("found a JSON array without elements, of which each would be a host"));
    const std::string host = document_line(amd_host("a"));
    CHECK_THAT(message_of("[" + host + ", 5]"),
               Contains("expected a host document as element 2 of the array, found \"5]\""));
    CHECK_THAT(message_of("[" + host + ", []]"), Contains("element 2 of the array"));
}

TEST_CASE("archives without hosts are told", "[dump-messages]") {
    CHECK_THAT(message_of(std::string(10240, '\0')), Contains("zero bytes alone, as of a tar archive without files"));
    CHECK_THAT(
        message_of(tar_of({{".a", "x"}, {"d/.b", "y"}})),
        Contains("expected an archive with host dumps, found only what is no host's: .a, d/.b (links, devices, and "
                 "names that begin with a dot)"));
}

TEST_CASE("compressed data that is cut short is told", "[dump-messages]") {
    const std::string host = document(amd_host("a"));
    for (const std::string& data :
         {packed(Packing::gzip, host), packed(Packing::xz, host), packed(Packing::zstd, host)}) {
        CHECK_THAT(message_of(data.substr(0, data.size() / 2)),
                   Contains("found its end before it is complete: it is cut short"));
    }
    CHECK_THAT(message_of(packed(Packing::xz, host).substr(0, 5)),
               Contains("the first bytes of xz-compressed data, or data that is packed twice (copy it again"));
}

TEST_CASE("text of lscpu is told of lscpu --json", "[dump-messages]") {
    CHECK_THAT(message_of("Architecture:        x86_64\nCPU op-mode(s):      32-bit, 64-bit\n"),
               Contains("what `lscpu` prints") && Contains("`lscpu --json` is read"));
}

TEST_CASE("rows behind other text are told with their line and what is in front of them", "[dump-messages]") {
    const auto behind = [](const std::string& name, const std::string& before) {
        std::string text = bytes_of(formats + name);
        for (std::size_t at = 0; at < text.size(); at = text.find('\n', at) + 1) text.insert(at, before);
        return message_of(text);
    };
    const std::string remedy = " (leave in each line only what the tool printed)";
    CHECK_THAT(
        behind("instlatx64.txt", "node17: "),
        Contains("dump:3: expected a CPUID dump, found rows of InstLatx64 behind other text, \"node17: \"" + remedy));
    CHECK_THAT(behind("libcpuid.txt", "+"), Contains("rows of libcpuid behind other text, \"+\"" + remedy));
    CHECK_THAT(behind("VBox.log", "JM> "), Contains("rows of VBox.log behind other text, \"JM> \"" + remedy));
    CHECK_THAT(behind("kcpuid.txt", "     7\t"), Contains("rows of kcpuid behind other text, \"7 \"" + remedy));
    CHECK_THAT(behind("x86info.txt", "| "), Contains("rows of x86info -r behind other text, \"| \"" + remedy));
    CHECK_THAT(behind("cpu-z.txt", "node17: "), Contains("rows of CPU-Z behind other text, \"node17: \"" + remedy));
    CHECK_THAT(behind("hwloc.txt", "\x1B[32m"),
               Contains("rows of hwloc-gather-cpuid with escapes of a terminal, \"\\x1b[32m\""));
}

TEST_CASE("two hosts of one name are named with both files", "[dump-messages]") {
    const TemporaryDirectory dir;
    dir.write("hosts/one.json", document(amd_host("node")));
    dir.write("hosts/two.json", document(with_bit(amd_host("node"), leaf_7, Register::ebx, avx2_bit, false)));
    const std::string found = message(dir.file("hosts"));
    CHECK_THAT(found, Contains("expected one host of this name") && Contains("one.json") && Contains("two.json"));
}

TEST_CASE("a partial host that is left out is not called unreadable", "[dump-messages]") {
    const TemporaryDirectory dir;
    const Result result =
        run({"merge", dir.write("a.json", document(amd_host("a"))), formats + "lscpu.json", "--skip-unreadable"});
    REQUIRE(result.status == 0);
    CHECK_THAT(result.out, !Contains("could not be read") && Contains("Left out, as no host could be made of it: "));
}

TEST_CASE("a featureset without its vendor and labels in YAML say what to give instead", "[dump-messages]") {
    CHECK_THAT(message_of("17cbfbff-f7fa3223-2d93fbff-00000023-00000001-000007ab\n"),
               Contains("a Xen featureset without its vendor") && Contains("xe host-cpu-info"));
    CHECK_THAT(message_of("labels:\n  feature.node.kubernetes.io/cpu-cpuid.AVX: \"true\"\n"),
               Contains("`kubectl get node NAME -o json` is read"));
}

}  // namespace poolcpuid::test::dump_messages_test
