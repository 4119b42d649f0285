// JSON that is no dump of one host: several of them, dumps within strings, and what else is JSON or begins as if it
// were.

#include <algorithm>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "dump/reader.hpp"
#include "tests/catch.hpp"
#include "tests/unit/host_samples.hpp"

namespace poolcpuid::test::foreign_json_test {

using Catch::Contains;
using Json = nlohmann::ordered_json;

namespace {

const std::string rows =
    "CPU 0:\n"
    "   0x00000000 0x00: eax=0x00000001 ebx=0x68747541 ecx=0x444d4163 edx=0x69746e65\n"
    "   0x00000001 0x00: eax=0x00a00f11 ebx=0x00000800 ecx=0x00000001 edx=0x00000002\n";

std::string example(const std::string& name) { return read_file(POOLCPUID_SOURCE_DIR "/examples/formats/" + name); }

std::string on_one_line(std::string text) {
    std::replace(text.begin(), text.end(), '\n', ' ');
    return text + "\n";
}

std::vector<std::string> lines_of(const std::string& text) {
    std::vector<std::string> lines;
    for (std::size_t at = 0; at < text.size();) {
        const std::size_t end = text.find('\n', at) + 1;
        lines.push_back(text.substr(at, end - at));
        at = end;
    }
    return lines;
}

// As a tool logs it: a line of JSON for each line of the dump.
std::string logged(const std::string& key, bool with_line_feed) {
    std::string text;
    for (std::string line : lines_of(rows)) {
        if (!with_line_feed) line.pop_back();
        text += Json{{"time", 5}, {key, line}, {"stream", "stdout"}}.dump() + "\n";
    }
    return text;
}

}  // namespace

TEST_CASE("several documents of another tool are several hosts, and refused where the second begins", "[json]") {
    const auto name = GENERATE(as<std::string>{}, "firecracker.json", "lscpu.json", "cloud-hypervisor.json");
    CAPTURE(name);
    const std::string one = example(name);
    const std::string second = std::to_string(std::count(one.begin(), one.end(), '\n') + 1);
    const std::string what =
        ": expected the end of the text after the document of line 1, found another JSON document (two dumps in one "
        "text "
        "are two hosts, which need a file each)";
    CHECK_THAT(refusal(one + one, "f"), Contains("f:" + second + what));
    CHECK_THAT(refusal(on_one_line(one) + on_one_line(one), "f"), Contains("f:2" + what));
    CHECK_THAT(refusal("\n" + one + one, "f"), Contains("after the document of line 2, found another"));
    CHECK(refusal(one + "\n", "f").empty());
}

TEST_CASE("an array of documents of another tool is told from one of host documents", "[json]") {
    const std::string one = example("firecracker.json");
    const std::string what =
        ": expected a CPUID dump, found an array of dumps of Firecracker (each host needs a file of its own: `jq "
        "'.[0]'` "
        "prints the first)";
    CHECK_THAT(refusal("[" + one + "," + one + "]", "f"), Contains("f:1" + what));
    CHECK_THAT(refusal("[\n" + one + "]\n", "f"), Contains("f:2" + what));
    CHECK_THAT(refusal("[" + example("qmp-model.json") + "]", "f"), Contains("an array of answers of QEMU"));
}

TEST_CASE("documents of which the first is of no kind that is read are no stream of hosts", "[json]") {
    const std::string host = document(one_cpu(), "\"name\": \"a\"");
    CHECK_THAT(refusal("{}\n{\"a\":\n1}\n" + example("firecracker.json"), "f"),
               Contains("f:1: expected a dump of one host, found JSON of another kind, and more documents behind it"));
    CHECK_THAT(refusal("{}\n" + host + "\n", "f"), Contains("f:1: expected \"schema\" in a host document"));
    CHECK_THAT(refusal(host + "\n{}\n", "f"), Contains("f:2: expected \"schema\" in a host document"));
    CHECK_THAT(refusal("{\"a\": 1}\n{\"a\": 2}\n", "f"), Contains("JSON of another kind than those that are read"));
}

TEST_CASE("a log of JSON lines with a dump in them is told, with what puts it together", "[json]") {
    CHECK(refusal(logged("log", true), "f") ==
          "f:1: expected a CPUID dump, found lines of JSON with rows of cpuid -r in pieces (put them together: `jq -rj "
          ".log`)");
    CHECK(refusal(logged("MESSAGE", false), "f") ==
          "f:1: expected a CPUID dump, found lines of JSON with rows of cpuid -r in pieces (put them together: `jq -r "
          ".MESSAGE`)");
    CHECK_THAT(refusal("{\"log\": \"hello\\n\"}\n{\"log\": \"world\\n\"}\n", "f"),
               Contains("JSON of another kind than those that are read"));
}

TEST_CASE("a dump in a string of JSON is told, with its line and what takes it out", "[json]") {
    const auto found = [](const Json& document) { return refusal(document.dump(1), "f"); };
    CHECK(found({{"changed", true}, {"stdout", rows}}) ==
          "f:3: expected a CPUID dump, found JSON with rows of cpuid -r in a string (take it out: `jq -r .stdout`)");
    CHECK_THAT(found({{"results", Json::array({Json{{"rc", 0}}, Json{{"out put", rows}}})}}),
               Contains("f:7: expected") && Contains("`jq -r '.results[1].\"out put\"'`"));
    std::vector<std::string> lines = lines_of(rows);
    for (std::string& line : lines) line.pop_back();
    CHECK_THAT(found({{"stdout_lines", lines}}), Contains("f:2: expected") && Contains("`jq -r '.stdout_lines[]'`"));
    CHECK_THAT(found({{"state", example("cloud-hypervisor.json")}}),
               Contains("JSON with what is read as kvm in a string") && Contains("`jq -r .state`"));
    CHECK_THAT(found({{"a", document(one_cpu())}}), Contains("what is read as host-json") && Contains("`jq -r .a`"));
    CHECK_THAT(found(Json(rows)), Contains("f:1: expected") && Contains("`jq -r .`"));
    CHECK_THAT(found(Json(Json::array({rows, "b"}))), Contains("`jq -r '.[0]'`"));
}

TEST_CASE("JSON of another kind is refused with the kinds that are read", "[json]") {
    std::vector<std::string> texts{"{\"a\": 1}", "[5]", "[[1], [2] ]", "[{\"leaf\": \"0x0\", \"eax\": \"0xd\"}]",
                                   "{\"a\": "};
    for (const std::string& text : texts) {
        CAPTURE(text);
        const std::string message = refusal(text, "f");
        CAPTURE(message);
        CHECK_THAT(message, Contains("expected a CPUID dump, found JSON of another kind than those that are read: "));
        for (const dump::Format& format : dump::formats) {
            if (!format.documents.empty()) CHECK_THAT(message, Contains(std::string(format.documents)));
        }
        CHECK_THAT(message, Contains("cpuid -r"));
    }
    CHECK_THAT(refusal("{\"cpus\": [{\"cpu\": 0, \"l1d:l1i:l2\": \"0:0:0\"}]}", "f"),
               Contains("`lscpu --extended --json`") && Contains("run `lscpu --json`"));
    CHECK_THAT(refusal("{\"caches\": [{\"name\": \"L1d\", \"one-size\": \"32K\"}]}", "f"),
               Contains("`lscpu --caches --json`") && Contains("run `lscpu --json`"));
}

TEST_CASE("the formats whose files are JSON are those that have a name for their documents", "[json]") {
    for (const dump::Format& format : dump::formats) {
        CAPTURE(format.word);
        const bool is_json = format.word == "kvm" || format.word == "host-json" || format.word == "firecracker" ||
                             format.word == "lscpu" || format.word == "nfd" || format.word == "qmp-model";
        CHECK(format.documents.empty() != is_json);
    }
}

TEST_CASE("a bracket before what no array begins with is no JSON", "[json]") {
    for (const char* text : {"[CPUID]\n  00000000 : 00000010 68747541\n", "[root@node7 ~]# lsmod\n", "[tool] x\n",
                             "[node-7] x\n", "[ OK ]\n", "[-]\n"}) {
        CAPTURE(text);
        CHECK_THAT(refusal(text, "f"), Contains("text without CPUID rows"));
    }
    for (const char* text : {"[true]", "[null, 1]", "[ -5 ]", "[\n\"a\"]", "[[]]", "[{}]", "["}) {
        CAPTURE(text);
        CHECK_THAT(refusal(text, "f"), Contains("JSON of another kind"));
    }
}

}  // namespace poolcpuid::test::foreign_json_test
