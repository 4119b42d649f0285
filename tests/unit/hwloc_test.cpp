// Reading the files of hwloc-gather-cpuid.

#include "tests/catch.hpp"
#include "tests/unit/host_samples.hpp"
#include "tests/unit/text_dump_samples.hpp"

namespace poolcpuid::test::hwloc_test {

namespace {

HostDump read(std::string_view text) { return dump::read_hwloc({text, "host"}); }
std::string refusal_text(std::string_view text) { return refusal_of(dump::read_hwloc, text); }

const std::string mask = "# mask e[abcd]x => e[abcd]x\n";

std::string cpu(const std::string& apic_id = "0", const std::string& more = "") {
    return mask + "1 0 0 0 0 => 7 756e6547 6c65746e 49656e69\n1 1 0 0 0 => 50654 " + apic_id +
           "100800 1 10\n1 2 0 0 0 => 76036301 0 0 0\n1 3 0 0 0 => 0 0 0 0\n5 4 0 0 0 => 1c004121 1c0003f 3f 0\n"
           "5 4 0 1 0 => 0 0 0 0\n1 5 0 0 0 => 40 40 3 20\n1 6 0 0 0 => 4 0 0 0\n5 7 0 0 0 => 1 281 0 0\n" +
           more;
}

}  // namespace

TEST_CASE("a file of hwloc is a logical CPU, with hexadecimal numbers", "[hwloc]") {
    const HostDump host = read_host(cpu("0", "5 7 0 1 0 => 0 0 0 12\n"), "pu0");
    CHECK(host.format == "hwloc");
    CHECK(host.name == "pu0");
    REQUIRE(host.hardware->cpus.size() == 1);
    CHECK(value_of(host, {1, 0}) == Registers{0x50654, 0x100800, 1, 0x10});
    CHECK(value_of(host, {7, 1}).edx == 0x12);
    CHECK(table_of(host).unknown.empty());
}

TEST_CASE("files of hwloc in a row are one host", "[hwloc]") {
    const HostDump host = read(cpu() + cpu("1") + cpu("2"));
    REQUIRE(host.hardware->cpus.size() == 3);
    CHECK(host.hardware->cpus[2].number == 2);
    CHECK(value_of(host, {1, 0}, 2).ebx == 0x2100800);
}

TEST_CASE("what hwloc did not ask for is unknown", "[hwloc]") {
    std::string text = cpu("0", "1 80000000 0 0 0 => 80000009 0 0 0\n");
    text.replace(text.find("=> 7 "), 5, "=> e ");
    const HostDump host = read(text);
    for (const LeafKey key : {LeafKey{7, 1}, LeafKey{8, 0}, LeafKey{0xB, 0}, LeafKey{0xE, 0}, LeafKey{0x80000009, 0}}) {
        CHECK(table_of(host).is_unknown(key));
    }
    CHECK_FALSE(table_of(host).is_unknown({4, 2}));
}

TEST_CASE("leaves that hwloc has never asked for do not make a file look cut off", "[hwloc]") {
    std::string text = cpu("0", "5 7 0 1 0 => 0 0 0 12\n");
    CHECK_FALSE(has_note(read(text), "truncated"));
    text.replace(text.find("=> 7 "), 5, "=> 8 ");
    CHECK_FALSE(has_note(read(text), "truncated"));
    text.replace(text.find("=> 8 "), 5, "=> 9 ");
    CHECK(has_note(read(text), "truncated"));
}

TEST_CASE("a damaged row of hwloc is refused with its line", "[hwloc]") {
    const auto row =
        GENERATE(as<std::string>{}, "1 9 0 0 0 => 0 0 0", "1 9 0 0 => 0 0 0 0", "1 9 0 0 0 => 0 0 0 0 0",
                 "2 9 0 0 0 => 0 0 0 0", "1 9 0 0 0 => 0 0 0 123456789", "1 9 0 0 0=> 0 0 0 0", "=> 0 0 0 0");
    CAPTURE(row);
    CHECK(contains(refusal_text(cpu() + row + "\n"), "host:11: expected a row of hwloc-gather-cpuid"));
}

TEST_CASE("files of two machines, and a file twice, are no host", "[hwloc]") {
    std::string other = cpu();
    other.replace(other.find("50654"), 5, "306f2");
    CHECK(contains(refusal_text(cpu() + other), "host:12: expected CPUs of one family and model"));
    CHECK(contains(refusal_text(mask), "expected CPUID rows, found none"));
    CHECK(contains(refusal_text(cpu("0", "1 6 0 0 0 => 0 0 0 0\n")), "host:11: expected one value"));
}

TEST_CASE("hwloc's files are told from other text", "[hwloc]") {
    CHECK(dump::is_hwloc(cpu()));
    CHECK_FALSE(dump::is_hwloc("1 0 0 0 0 => 7 756e6547 6c65746e 49656e69\n"));
    CHECK_FALSE(dump::is_hwloc("Architecture: x86\n"));
    CHECK_FALSE(dump::is_hwloc(""));
}

TEST_CASE("a file of hwloc that comes again is of another host", "[hwloc]") {
    CHECK(refusal_text(cpu() + cpu("1") + cpu()) ==
          "host:22: expected each logical CPU of one host once, found another CPU with APIC ID 0, after that of line 2 "
          "(two dumps in one text are two hosts, which need a file each)");
}

TEST_CASE("a number that may be cut off at the end of hwloc's text is none", "[hwloc]") {
    const std::string row = "1 9 0 0 0 => 0 0 0 178bfbff";
    for (const std::string& cut : {row, row.substr(0, row.size() - 1), "> " + row}) {
        const std::string found = cut.starts_with('>') ? cut.substr(2) : cut;
        CHECK(refusal_text(cpu() + cut) ==
              "host:11: expected the end of the line behind a row, without which its last number may be cut off, found "
              "the end of the text behind \"" +
                  found + "\"");
    }
    CHECK(contains(refusal_text(cpu() + "1 9 0 0 0 => 0 0 0\n178b"), "host:11: expected the end of the line"));
    for (const char* end : {"\n", "\r\n", "\r", " ", "\n# end", "\n```"}) {
        CHECK(value_of(read(cpu() + row + end), {1, 0}).eax == 0x50654);
    }
}

TEST_CASE("a number of hwloc that was broken in two is refused with its line", "[hwloc]") {
    CHECK(contains(refusal_text(cpu() + "1 9 0 0 0 => 0 0 0 178b\nfb0f\n"),
                   "host:12: expected a row of hwloc-gather-cpuid"));
    CHECK(refusal_text(cpu() + "Ed\n").empty());
}

}  // namespace poolcpuid::test::hwloc_test
