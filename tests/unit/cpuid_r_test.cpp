// Reading the output of `cpuid -r`.

#include "tests/catch.hpp"
#include "tests/unit/host_samples.hpp"
#include "tests/unit/text_dump_samples.hpp"

using namespace poolcpuid;
using namespace poolcpuid::test;

namespace {

HostDump read(std::string_view text) { return dump::read_cpuid_r({text, "host"}); }
std::string refusal_text(std::string_view text) { return refusal_of(dump::read_cpuid_r, text); }

const std::string rows =
    "   0x00000000 0x00: eax=0x00000002 ebx=0x756e6547 ecx=0x6c65746e edx=0x49656e69\n"
    "   0x00000001 0x00: eax=0x000906ea ebx=0x00100800 ecx=0x00000001 edx=0x00000002\n"
    "   0x00000002 0x00: eax=0x00000000 ebx=0x00000000 ecx=0x00000000 edx=0x00000000\n";

}  // namespace

TEST_CASE("cpuid -r gives a CPU for each header", "[cpuid-r]") {
    const HostDump host = read("CPU 3:\n" + rows + "CPU 5:\n" + rows);
    CHECK(host.format == DumpFormat::cpuid_r);
    REQUIRE(host.hardware->cpus.size() == 2);
    CHECK(host.hardware->cpus[0].number == 3);
    CHECK(host.hardware->cpus[1].number == 5);
    CHECK(value_of(host, {1, 0}, 1) == Registers{0x906EA, 0x100800, 1, 2});
    CHECK(table_of(host).unknown.empty());
    CHECK_FALSE(host.hardware->msrs);
}

TEST_CASE("the header of cpuid -1 -r has no number, and none is needed", "[cpuid-r]") {
    CHECK(read("CPU:\n" + rows).hardware->cpus.at(0).number == 0);
    CHECK(read(rows).hardware->cpus.at(0).number == 0);
    CHECK(read(rows + rows).hardware->cpus.size() == 2);  // leaf 0 again
}

TEST_CASE("the subleaf of a cpuid -r row is hexadecimal", "[cpuid-r]") {
    std::string text = "CPU:\n   0x00000000 0x00: eax=0x00000004 ebx=0x756e6547 ecx=0x6c65746e edx=0x49656e69\n";
    text += rows.substr(rows.find('\n') + 1);
    text += "   0x00000003 0x00: eax=0x00000000 ebx=0x00000000 ecx=0x00000000 edx=0x00000000\n";
    text += "   0x00000004 0x10: eax=0x00000000 ebx=0x00000000 ecx=0x00000000 edx=0x00000007\r\n";
    CHECK(value_of(read(text), {4, 0x10}).edx == 7);
}

TEST_CASE("the ranges that cpuid -r always asks for are left out where the CPU lacks them", "[cpuid-r]") {
    const std::string echo = " 0x00: eax=0x00000c80 ebx=0x00001068 ecx=0x00000064 edx=0x00000000\n";
    const HostDump host = read("CPU:\n" + rows + "   0x20000000" + echo + "   0x40000000" + echo + "   0x40000100" +
                               echo + "   0x80860000" + echo + "   0xc0000000" + echo);
    CHECK(table_of(host).rows.size() == 3);
    CHECK(contains(note_text(host, "rows-beyond-maximum"), " 5 rows "));
}

TEST_CASE("a damaged row of cpuid -r is refused with its line", "[cpuid-r]") {
    const auto row = GENERATE(as<std::string>{}, "   0x00000002 0x00: eax=0x00000001 ebx=0x00000000 ecx=0x00000000",
                              "   0x00000002 0x00: eax=0x00000001 ebx=0x00000000 ecx=0x00000000 edx=0x0000000",
                              "   0x00000002 0x00: eax=0x00000001 ebx=0x00000000 ecx=0x00000000 edx=0x000000000",
                              "   0x00000002 0x00: eax=0x00000001 ebx=0x00000000 ecx=0x00000000 edx=0x00000000 esi=0x0",
                              "   0x00000002 0x00: ebx=0x00000001 eax=0x00000000 ecx=0x00000000 edx=0x00000000",
                              "   0x0000002 0x00: eax=0x00000001 ebx=0x00000000 ecx=0x00000000 edx=0x00000000",
                              "   0x00000002: eax=0x00000001 ebx=0x00000000 ecx=0x00000000 edx=0x00000000");
    CAPTURE(row);
    CHECK(contains(refusal_text("CPU:\n" + rows + row + "\n"), "host:5: expected a row of `cpuid -r`"));
}

TEST_CASE("cpuid -r text without a usable CPU is refused", "[cpuid-r]") {
    CHECK(contains(refusal_text("CPU 0:\n"), "expected CPUID rows, found none"));
    CHECK(contains(refusal_text("CPU 0:\n" + rows.substr(rows.find('\n') + 1)), "host:2: expected leaf 0x0"));
    const std::string other = "   0x00000001 0x00: eax=0x00000001 ebx=0x00000000 ecx=0x00000000 edx=0x00000000\n";
    CHECK(contains(refusal_text("CPU 0:\n" + rows + other), "host:5: expected one value"));
}

TEST_CASE("cpuid -r text is told from other text", "[cpuid-r]") {
    CHECK(dump::is_cpuid_r("CPU 0:\n" + rows));
    CHECK(dump::is_cpuid_r("   0x00000000 0x00: eax=damaged"));
    CHECK_FALSE(dump::is_cpuid_r("CPU 0:\nCPUID 00000000: 00000001-756E6547-6C65746E-49656E69\n"));
    CHECK_FALSE(dump::is_cpuid_r("0x00000000: EAX=0x0000001c, EBX=0x68747541, ECX=0x444d4163, EDX=0x69746e65\n"));
    CHECK_FALSE(dump::is_cpuid_r(""));
}
