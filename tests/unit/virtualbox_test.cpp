// Reading VirtualBox's two texts: VBox.log, and what `VBoxManage list hostcpuids` prints.

#include <string>
#include <vector>

#include "dump/leaf_shapes.hpp"
#include "tests/catch.hpp"
#include "tests/support/corpus.hpp"
#include "tests/unit/host_samples.hpp"
#include "tests/unit/text_dump_samples.hpp"

namespace poolcpuid::test::virtualbox_test {

namespace {

HostDump read(std::string_view text) { return dump::read_vbox_log({text, "host"}); }
std::string refusal_text(std::string_view text) { return refusal_of(dump::read_vbox_log, text); }

const std::string stamp = "00:00:04.809418 ";
const std::string head = stamp + "         Raw Standard CPUID Leaves\n" + stamp +
                         "     Leaf/sub-leaf  eax      ebx      ecx      edx\n" + stamp +
                         "Gst: 00000000/0000  0000000d 756e6547 6c65746e 49656e69\n" + stamp +
                         "Hst:                00000016 756e6547 6c65746e 49656e69\n" + stamp +
                         "Gst: 00000001/0000  000906ea 00020800 00000201 178bfbff\n" + stamp +
                         "Hst:                000906ea 03100800 04000001 bfebfbff\n";

const std::string list =
    "Host CPUIDs:\n\nLeaf no.  EAX      EBX      ECX      EDX\n"
    "00000000  0000000d 756e6547 6c65746e 49656e69\n"
    "00000001  000306a9 00100800 04000001 bfebfbff\n"
    "00000007  00000001 00000281 00000000 00000000\n"
    "0000000d  00000007 00000340 00000340 00000000\n";

}  // namespace

TEST_CASE("a row of the host has the leaf of the guest's row above it, or its own", "[virtualbox]") {
    const std::string text = head + stamp + "Gst: 00000004/0002  00000000 00000000 00000000 00000000\n" + stamp +
                             "Hst:                1c004143 00c0003f 000003ff 00000000\n" + stamp +
                             "Hst: 00000015/0000  00000002 000000d8 00000000 00000000\n" + stamp + "CPUM: other text\n";
    const HostDump dump = read_host(text, "host");
    CHECK(dump.format == "vbox-log");
    REQUIRE(dump.hardware->cpus.size() == 1);
    CHECK(value_of(dump, {0, 0}).eax == 0x16);
    CHECK(value_of(dump, {1, 0}) == Registers{0x000906EA, 0x03100800, 0x04000001, 0xBFEBFBFF});
    CHECK(value_of(dump, {4, 2}) == Registers{0x1C004143, 0x00C0003F, 0x3FF, 0});
    CHECK(value_of(dump, {0x15, 0}).ebx == 0xD8);
    CHECK_FALSE(dump.hypervisor.has_value());
    CHECK(contains(note_text(dump, "guest-rows"), "Left out 3 rows of what a guest was given"));
}

TEST_CASE("a row of the host that VBox.log does not have is unknown", "[virtualbox]") {
    const HostDump dump = read(head +
                               "Hst: 00000007/0000  00000001 00000281 00000000 00000000\n"
                               "Hst: 0000000d/0000  00000007 00000340 00000340 00000000\n"
                               "Hst: 00000014/0000  00000001 0000000f 00000007 00000000\n");
    for (const LeafKey key :
         {LeafKey{2, 0}, LeafKey{4, 0}, LeafKey{7, 1}, LeafKey{0xD, 1}, LeafKey{0xD, 2}, LeafKey{0x14, 1}}) {
        CHECK(table_of(dump).is_unknown(key));
    }
}

TEST_CASE("before VirtualBox 5 rows have no subleaf, and guest's rows may end in a star", "[virtualbox]") {
    const HostDump dump = read(stamp + "Gst: 00000000  00000001 68747541 444d4163 69746e65\n" + stamp +
                               "Hst:           00000004 68747541 444d4163 69746e65\n" + stamp +
                               "Gst: 00000001  00020f32 00000800 00000000 0788a1bf\n" + stamp +
                               "Hst:           00020f32 00020800 00000001 178bfbff\n" + stamp +
                               "Gst: 00000004  00000000 00000000 00000000 00000000*\n" + stamp +
                               "Hst:           04000121 01c0003f 0000003f 00000001\n");
    CHECK(value_of(dump, {1, 0}) == Registers{0x00020F32, 0x00020800, 1, 0x178BFBFF});
    CHECK(value_of(dump, {4, 0}).eax == 0x04000121);
    CHECK(table_of(dump).is_unknown({4, 1}));
}

TEST_CASE("a damaged row of VBox.log is refused with its line", "[virtualbox]") {
    const auto row = GENERATE(as<std::string>{}, "Hst: 00000002/0000  76036301 00f0b5ff 00000000",
                              "Hst: 00000002/0000  76036301 00f0b5ff 00000000 00c30000 0",
                              "Hst: 00000002/  76036301 00f0b5ff 00000000 00c30000", "Gst: 2/0000  0 0 0 0", "Hst:");
    CAPTURE(row);
    CHECK(contains(refusal_text(head + stamp + row + "\n"), "host:7: expected a row of VBox.log"));
}

TEST_CASE("a row of VBox.log whose leaf nobody names is refused", "[virtualbox]") {
    const std::string bare_row = stamp + "Hst:                76036301 00f0b5ff 00000000 00c30000\n";
    CHECK(contains(refusal_text(head + bare_row),
                   "host:7: expected a leaf behind \"Hst:\", or a row \"Gst:\" on the line above it"));
    CHECK(contains(refusal_text(head + stamp + "Gst: 76036301 00f0b5ff 00000000 00c30000\n"),
                   "host:7: expected a leaf behind \"Gst:\""));
    CHECK(contains(refusal_text(head + stamp + "Hst: 00000001/0000  00000001 00000000 00000000 00000000\n"),
                   "host:7: expected one value"));
}

// The two rows are printed one after the other: what stands between them is in the place of other rows.
TEST_CASE("a row of the host has no leaf from a guest's row that is not right above it", "[virtualbox]") {
    const std::string guest = stamp + "Gst: 00000007/0000  00000000 00842421 00000000 10000400\n";
    const std::string host = stamp + "Hst:                80000023 68747541 444d4163 69746e65\n";
    const auto between =
        GENERATE(as<std::string>{}, "[...]\n", "--\n", "\n", "\n\n", "00:00:04.809419 CPUM: other text\n",
                 "00:00:04.809419 Hst: 00000015/0000  00000002 000000d8 00000000 00000000\n");
    CAPTURE(between);
    const std::string refused = refusal_text(head + guest + between + host);
    CHECK(contains(refused, "expected a leaf behind \"Hst:\", or a row \"Gst:\" on the line above it that has one"));
    CHECK(value_of(read(head + guest + host), {7, 0}).eax == 0x80000023);
}

TEST_CASE("where lines of VBox.log are missing without a mark the leaves and the times show it", "[virtualbox]") {
    const std::string text = read_file(POOLCPUID_SOURCE_DIR "/examples/formats/VBox.log");
    const HostDump whole = read(text);
    std::vector<std::size_t> lines{0};
    for (std::size_t at = 0; (at = text.find('\n', at)) != std::string::npos;) lines.push_back(++at);
    std::size_t read_count = 0;
    for (const std::size_t length : {1U, 2U, 3U, 4U, 7U, 20U}) {
        for (std::size_t first = 0; first + length < lines.size(); ++first) {
            const std::string gap = text.substr(0, lines[first]) + text.substr(lines[first + length]);
            if (!refusal(gap).empty()) continue;
            ++read_count;
            CAPTURE(first + 1, length);
            const HostDump host = read(gap);
            for (const CpuidRow& row : table_of(host).rows) {
                if (row.key.leaf != dump::xsave_leaf) CHECK(row.value == value_of(whole, row.key));
            }
        }
    }
    CHECK(read_count > lines.size());
    // Of an excerpt whose rows are whole pairs the rows count, with times or without.
    const std::string pairs = head + stamp + "Gst: 00000007/0000  00000000 00842421 00000000 10000400\n" + stamp +
                              "Hst:                00000000 029c67af 40000000 9c002400\n" + stamp +
                              "Gst: 0000000d/0000  00000007 00000340 00000340 00000000\n" + stamp +
                              "Hst:                0000001f 00000440 00000440 00000000\n";
    CHECK(value_of(read(pairs), {7, 0}).ebx == 0x029C67AF);
    std::string without_times = pairs;
    for (std::size_t at = 0; (at = without_times.find(stamp)) != std::string::npos;)
        without_times.erase(at, stamp.size());
    CHECK(read(without_times).hardware == read(pairs).hardware);
}

TEST_CASE("a VBox.log with a blank line between all lines is the log", "[virtualbox]") {
    const std::string text = head + stamp + "Gst: 00000007/0000  00000000 00842421 00000000 10000400\n" + stamp +
                             "Hst:                00000000 029c67af 40000000 9c002400\n";
    std::string spaced;
    for (const char c : text) spaced += c == '\n' ? "\n\n" : std::string(1, c);
    CHECK(read(spaced).hardware == read(text).hardware);
}

TEST_CASE("VBox.log is told from other text", "[virtualbox]") {
    CHECK(dump::is_vbox_log(head));
    CHECK(dump::is_vbox_log("Hst: 00000015/0000  00000002 000000d8 00000000 00000000\n"));
    CHECK_FALSE(dump::is_vbox_log(stamp + "Gst: 00000000/0000  00000016 756e6547 6c65746e 49656e69\n"));
    CHECK_FALSE(dump::is_vbox_log("a log of Hst: 00000000 00000000 00000000 00000000\n"));
    CHECK_FALSE(dump::is_vbox_log(""));
}

TEST_CASE("the host of a public report's VBox.log is read", "[virtualbox][corpus]") {
    const HostDump dump = read_host(read_file(dump_directory().parent_path() / "cases" / "VBox.log"), "case");
    CHECK(dump.format == "vbox-log");
    CHECK(value_of(dump, {7, 0}) == Registers{0, 0x029C67AF, 0x40000000, 0x9C002400});
    CHECK(value_of(dump, {0x16, 0}) == Registers{0xA28, 0x1194, 0x64, 0});
    CHECK(value_of(dump, {0xD, 0}).eax == 0x1F);
    CHECK(table_of(dump).is_unknown({0xD, 8}) == false);
    CHECK(table_of(dump).is_unknown({0xD, 4}));
}

TEST_CASE("list hostcpuids gives subleaf 0 of each leaf, and leaves the others unknown", "[virtualbox]") {
    const HostDump dump = read_host(list +
                                    "80000000  80000001 00000000 00000000 00000000\n"
                                    "80000001  00000000 00000000 00000001 28100800\n"
                                    "80000002  20202020 20202020 65746e49 2952286c\n");
    CHECK(dump.format == "vbox-hostcpuids");
    CHECK(value_of(dump, {7, 0}).ebx == 0x281);
    CHECK(table_of(dump).is_unknown({7, 1}));
    CHECK(table_of(dump).is_unknown({0xD, 2}));
    CHECK(table_of(dump).is_unknown({4, 0}));
    CHECK(contains(note_text(dump, "rows-beyond-maximum"), "Left out 1 rows"));
}

TEST_CASE("a damaged row of list hostcpuids is refused with its line", "[virtualbox]") {
    const auto row =
        GENERATE(as<std::string>{}, "00000002  76036301 00f0b5ff 00000000",
                 "00000002  76036301 00f0b5ff 00000000 00c30000 00000000",
                 "00000002  76036301 00f0b5ff 00000000 00c3000", "00000002: 76036301 00f0b5ff 00000000 00c30000");
    CAPTURE(row);
    CHECK(contains(refusal_of(dump::read_vbox_host_cpuids, list + row + "\n"),
                   "host:8: expected a row of `VBoxManage list hostcpuids`"));
}

TEST_CASE("list hostcpuids is told from a VM's overrides", "[virtualbox]") {
    CHECK(dump::is_vbox_host_cpuids(list));
    CHECK_FALSE(
        dump::is_vbox_host_cpuids("CPUID overrides: Leaf no.  EAX      EBX      ECX      EDX\n"
                                  "                 00000000  0000000d 756e6547 6c65746e 49656e69\n"));
    CHECK(contains(refusal_of(dump::read_vbox_host_cpuids, "Host CPUIDs:\n"), "expected leaf 0x0"));
}

TEST_CASE("a row of VBox.log before other text is refused with its line", "[virtualbox]") {
    const std::string row = "00:00:04.809419 Hst: 00000000/0000  00000016 756e6547 6c65746e 49656e69";
    CHECK(contains(refusal(row + "<br>\n"), "host.json:1: expected a row of VBox.log"));
    CHECK(contains(refusal(row + "\x1B[0m\n"),
                   "host.json:1: expected a CPUID dump, found rows of VBox.log with escapes of a terminal"));
}

}  // namespace poolcpuid::test::virtualbox_test
