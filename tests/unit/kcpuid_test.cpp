// Reading the output of `kcpuid -r`.

#include "tests/catch.hpp"
#include "tests/unit/host_samples.hpp"
#include "tests/unit/text_dump_samples.hpp"

namespace poolcpuid::test::kcpuid_test {

namespace {

HostDump read(std::string_view text) { return dump::read_kcpuid({text, "host"}); }
std::string refusal_text(std::string_view text) { return refusal_of(dump::read_kcpuid, text); }

const std::string head =
    "Basic Leafs :\n"
    "================\n"
    "0x00000000: EAX=0x00000010, EBX=0x68747541, ECX=0x444d4163, EDX=0x69746e65\n"
    "0x00000001: EAX=0x00b00f21, EBX=0x00020800, ECX=0x04000001, EDX=0x178bfbff\n";
const std::string leaf_d =
    "0x0000000d: subleafs:\n"
    "  0: EAX=0x00000007, EBX=0x00000340, ECX=0x00000340, EDX=0x00000000\n"
    "  1: EAX=0x0000000f, EBX=0x00000358, ECX=0x00001000, EDX=0x00000000\n"
    "  2: EAX=0x00000100, EBX=0x00000240, ECX=0x00000000, EDX=0x00000000\n"
    " 12: EAX=0x00000018, EBX=0x00000000, ECX=0x00000001, EDX=0x00000000\n";
const std::string extended =
    "Extended Leafs :\n"
    "================\n"
    "0x80000000: EAX=0x80000008, EBX=0x68747541, ECX=0x444d4163, EDX=0x69746e65\n";
const std::string last = "0x80000008: EAX=0x00003030, EBX=0x00000000, ECX=0x00000000, EDX=0x00000000\n";

}  // namespace

TEST_CASE("kcpuid -r gives one CPU, with decimal subleaves", "[kcpuid]") {
    const HostDump host = read(head + leaf_d + extended);
    CHECK(read_hosts(head + leaf_d + extended, "host").front().format == "kcpuid");
    REQUIRE(host.hardware->cpus.size() == 1);
    CHECK(value_of(host, {1, 0}).eax == 0xB00F21);
    CHECK(value_of(host, {0xD, 12}).eax == 0x18);
    CHECK(table_of(host).find({0xD, 0x12}) == nullptr);
    CHECK(value_of(host, {0x80000000, 0}).eax == 0x80000008);
}

// kcpuid.c skips leaves of zeros (cpuid_store).
TEST_CASE("a leaf that kcpuid does not print is zeros as long as another one follows", "[kcpuid]") {
    const HostDump host = read(head + leaf_d + extended + last);
    CHECK(table_of(host).unknown.empty());
    CHECK_FALSE(table_of(host).is_unknown({0x80000007, 0}));
    const HostDump open = read(head + leaf_d + extended);
    CHECK_FALSE(table_of(open).is_unknown({0x10, 0}));
    CHECK(table_of(open).is_unknown({0x80000007, 0}));
}

TEST_CASE("of a kcpuid dump that was cut off nothing is known behind the cut", "[kcpuid]") {
    const HostDump basic = read(head + leaf_d);
    CHECK_FALSE(table_of(basic).is_unknown({7, 0}));
    CHECK(table_of(basic).is_unknown({0x10, 0}));
    CHECK(table_of(basic).is_unknown({0x80000001, 0}));
    const HostDump within = read(head + leaf_d.substr(0, leaf_d.find("  1:")));
    CHECK(table_of(within).is_unknown({0xD, 1}));
    CHECK(table_of(within).is_unknown({0xD, 2}));
    CHECK_FALSE(table_of(within).is_unknown({7, 0}));
    const HostDump before = read(head);
    CHECK(table_of(before).is_unknown({7, 0}));
    CHECK(table_of(before).is_unknown({0xD, 0}));
}

TEST_CASE("a damaged row of kcpuid is refused with its line", "[kcpuid]") {
    const auto row = GENERATE(
        as<std::string>{}, "0x00000006: EAX=0x00000004, EBX=0x00000000, ECX=0x00000000",
        "0x00000006: EAX=0x00000004 EBX=0x00000000 ECX=0x00000000 EDX=0x00000000",
        "0x00000006: EAX=0x00000004, EBX=0x00000000, ECX=0x00000000, EDX=0x000000000",
        "0x0000006: subleafs:", " 0: EAX=0x00000004, EBX=0x00000000, ECX=0x00000000, EDX=0x00000000", "0x00000006:");
    CAPTURE(row);
    CHECK(contains(refusal_text(head + row + "\n"), "host:5: expected a row of `kcpuid -r`"));
}

TEST_CASE("what somebody writes before the rows of kcpuid is none, whatever it begins with", "[kcpuid]") {
    const std::string prose = "10:11 AM\n0x1b before\n2: see below\n";
    CHECK(read(prose + head + leaf_d + extended).hardware == read(head + leaf_d + extended).hardware);
    CHECK(contains(refusal_text(head + prose), "host:5: expected a row of `kcpuid -r`"));
    CHECK(contains(refusal_text("10: EAX=0x00000004, EBX=0x00000000\n" + head), "host:1: expected a row"));
    CHECK(contains(refusal_text("0x00000000:\n" + head.substr(head.find("0x00000001"))), "expected leaf 0x0"));
}

TEST_CASE("a quoted and wrapped kcpuid dump is the dump", "[kcpuid]") {
    std::string mailed = "> " + head + leaf_d + extended;
    for (std::size_t at = 0; (at = mailed.find('\n', at)) + 1 < mailed.size(); at += 3) mailed.insert(at + 1, "> ");
    for (std::size_t at = 0; (at = mailed.find(" EDX=", at)) != std::string::npos; at += 2) {
        mailed.replace(at, 1, "\n");
    }
    CHECK(dump::is_kcpuid(mailed));
    CHECK(read(mailed).hardware == read(head + leaf_d + extended).hardware);
}

TEST_CASE("a row of kcpuid behind other text is not passed over", "[kcpuid]") {
    CHECK(contains(refusal_text(head + "| 0x00000006: EAX=0x00000004, EBX=0x00000000, ECX=0x00000000, EDX=0x00000000"),
                   "host:5: expected a row of `kcpuid -r`"));
}

TEST_CASE("what stands between rows of kcpuid is rows and headings, since a row that is missing is zeros", "[kcpuid]") {
    const auto stranger = GENERATE(as<std::string>{}, "...", "[...]", "(some leaves left out)", "Basic Leafs");
    CAPTURE(stranger);
    const std::string expected =
        "host:5: expected rows of `kcpuid -r` alone between the first and the last: what is not "
        "there is zeros, found \"" +
        stranger + "\"";
    CHECK(refusal_text(head + stranger + "\n" + leaf_d) == expected);
    CHECK(refusal_text(head + stranger + "\n\n" + extended) == expected);
    CHECK(read(head + leaf_d + stranger).hardware == read(head + leaf_d).hardware);
    CHECK(read(head + "\n" + leaf_d).hardware == read(head + leaf_d).hardware);
}

TEST_CASE("the head of a list of kcpuid has a subleaf below it", "[kcpuid]") {
    const std::string empty = "0x00000007: subleafs:\n";
    CHECK(contains(refusal_text(head + empty + leaf_d),
                   "host:6: expected a subleaf of leaf 0x7, as \"subleafs:\" says, found \"0x0000000d: subleafs:\""));
    CHECK(table_of(read(head + empty)).is_unknown({7, 0}));  // the text was cut off there
}

TEST_CASE("kcpuid text without leaf 1, or with a leaf twice, is refused", "[kcpuid]") {
    CHECK(contains(refusal_text(extended), "host:3: expected leaf 0x0"));
    CHECK(contains(refusal_text(head + "0x00000001: EAX=0x00000000, EBX=0x00000000, ECX=0x00000000, EDX=0x00000000\n"),
                   "host:5: expected one value"));
}

// A row that is missing is zeros: what the second dump lacks would be taken from the first.
TEST_CASE("a second dump of kcpuid in a text is another host", "[kcpuid]") {
    const std::string dump = head + leaf_d + extended + last;
    const std::string two_hosts = " (two dumps in one text are two hosts, which need a file each)";
    CHECK(refusal_text(dump + dump) ==
          "host:14: expected each logical CPU of one host once, found \"Basic Leafs :\" again, after that of line 1" +
              two_hosts);
    const std::string rows = dump.substr(dump.find("0x"));
    CHECK(refusal_text(dump + rows) ==
          "host:14: expected each logical CPU of one host once, found leaf 0x0 subleaf 0x0 behind leaf 0x80000008 "
          "subleaf 0x0" +
              two_hosts);
    CHECK(contains(refusal_text(head + leaf_d +
                                "0x00000006: EAX=0x00000004, EBX=0x00000000, ECX=0x00000001, "
                                "EDX=0x00000000\n"),
                   "host:10: expected each logical CPU of one host once, found leaf 0x6 subleaf 0x0 behind leaf 0xd"));
    CHECK(refusal_text(dump).empty());
}

TEST_CASE("kcpuid text is told from other text", "[kcpuid]") {
    CHECK(dump::is_kcpuid(head));
    CHECK(dump::is_kcpuid("0x00000007: subleafs:\n"));
    CHECK_FALSE(dump::is_kcpuid("   0x00000000 0x00: eax=0x00000001 ebx=0x0 ecx=0x0 edx=0x0\n"));
    CHECK_FALSE(dump::is_kcpuid("0x00000000: eax=0x00000001\n"));
    CHECK_FALSE(dump::is_kcpuid(""));
}

}  // namespace poolcpuid::test::kcpuid_test
