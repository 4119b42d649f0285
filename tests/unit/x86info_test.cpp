// Reading `x86info -r`.

#include "tests/catch.hpp"
#include "tests/unit/host_samples.hpp"
#include "tests/unit/text_dump_samples.hpp"

namespace poolcpuid::test::x86info_test {

namespace {

HostDump read(std::string_view text) { return dump::read_x86info({text, "host"}); }
std::string refusal_text(std::string_view text) { return refusal_of(dump::read_x86info, text); }

std::string cpu(const std::string& apic_id = "00") {
    return "eax in: 0x00000000, eax = 00000007 ebx = 756e6547 ecx = 6c65746e edx = 49656e69\n"
           "eax in: 0x00000001, eax = 00050654 ebx = " +
           apic_id +
           "100800 ecx = 00000001 edx = 00000010\n"
           "eax in: 0x00000006, eax = 00000004 ebx = 00000000 ecx = 00000000 edx = 00000000\n"
           "eax in: 0x00000007, eax = 00000000 ebx = 00000000 ecx = 00000000 edx = 00000000\n";
}

}  // namespace

TEST_CASE("x86info -r gives the leaves that have no subleaves", "[x86info]") {
    const HostDump host = read_host("x86info v1.31pre\nFound 16 identical CPUs\n" + cpu() + "\nother text\n", "host");
    CHECK(host.format == "x86info");
    REQUIRE(host.hardware->cpus.size() == 1);
    CHECK(value_of(host, {1, 0}) == Registers{0x50654, 0x100800, 1, 0x10});
    CHECK(value_of(host, {6, 0}).eax == 4);
}

TEST_CASE("of leaves with subleaves x86info tells nothing, nor of what it does not print", "[x86info]") {
    const HostDump host = read(cpu());
    CHECK(table_of(host).find({7, 0}) == nullptr);
    for (const LeafKey key : {LeafKey{7, 0}, LeafKey{7, 1}, LeafKey{4, 0}, LeafKey{2, 0}}) {
        CHECK(table_of(host).is_unknown(key));
    }
    CHECK(note_text(host, "subleaf-unknown") == "Left out 1 rows without a label whose subleaf cannot be told.");
}

TEST_CASE("x86info numbers CPUs, or begins one with leaf 0", "[x86info]") {
    const HostDump numbered = read("CPU #1\n" + cpu() + "CPU #2\n" + cpu("01"));
    REQUIRE(numbered.hardware->cpus.size() == 2);
    CHECK(numbered.hardware->cpus[1].number == 2);
    CHECK(table_of(numbered, 1).is_unknown({7, 0}));
    CHECK(read(cpu() + cpu("01")).hardware->cpus.size() == 2);
    CHECK(contains(refusal_text("CPU #1\n" + cpu() + "CPU #1\n" + cpu()), "each logical CPU of one host once"));
}

TEST_CASE("a row of leaf 0 that stands twice begins no other CPU of x86info", "[x86info]") {
    const std::string leaf_0 = cpu().substr(0, cpu().find('\n') + 1);
    CHECK(read("CPU #1\n" + leaf_0 + cpu()).hardware == read("CPU #1\n" + cpu()).hardware);
    CHECK(read(leaf_0 + cpu() + leaf_0 + cpu("01")).hardware->cpus.size() == 2);
    // What stands between them is of a CPU that lacks leaf 1.
    CHECK(contains(refusal_text(leaf_0 + cpu().substr(cpu().rfind("eax in")) + cpu()), "host:1: expected leaf 0x1"));
}

TEST_CASE("a damaged row of x86info is refused with its line", "[x86info]") {
    const auto row = GENERATE(as<std::string>{}, "eax in: 0x00000002, eax = 00000001 ebx = 00000000 ecx = 00000000",
                              "eax in: 0x2, eax = 00000001 ebx = 00000000 ecx = 00000000 edx = 00000000",
                              "eax in: 0x00000002, eax = 00000001 ebx = 00000000 ecx = 00000000 edx =",
                              "eax in: 0x00000002 eax = 00000001 ebx = 00000000 ecx = 00000000 edx = 00000000");
    CAPTURE(row);
    CHECK(contains(refusal_text(cpu() + row + "\n"), "host:5: expected a row of `x86info -r`"));
}

TEST_CASE("x86info's rows are told from other text", "[x86info]") {
    CHECK(dump::is_x86info(cpu()));
    CHECK_FALSE(dump::is_x86info("x86info v1.30.  Dave Jones 2001-2011\n"));
    CHECK_FALSE(dump::is_x86info("with eax in: 0x00000002\n"));
    CHECK_FALSE(dump::is_x86info(""));
}

}  // namespace poolcpuid::test::x86info_test
