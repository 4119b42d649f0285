// Reading VirtualBox's two texts: VBox.log, and what `VBoxManage list hostcpuids` prints.

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
    CHECK(contains(refusal_text(head + bare_row), "host:7: expected a leaf behind \"Hst:\", or a row \"Gst:\""));
    CHECK(contains(refusal_text(head + stamp + "Gst: 76036301 00f0b5ff 00000000 00c30000\n"),
                   "host:7: expected a leaf behind \"Gst:\""));
    CHECK(contains(refusal_text(head + stamp + "Hst: 00000001/0000  00000001 00000000 00000000 00000000\n"),
                   "host:7: expected one value"));
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
    for (const char* behind : {"\x1B[0m", "<br>"}) {
        CHECK(contains(refusal("00:00:04.809419 Hst: 00000000/0000  00000016 756e6547 6c65746e 49656e69" +
                               std::string(behind) + "\n"),
                       "host.json:1: expected a row of VBox.log"));
    }
}

}  // namespace poolcpuid::test::virtualbox_test
