// Reading the output of `cpuid -r`.

#include "tests/catch.hpp"
#include "tests/unit/host_samples.hpp"
#include "tests/unit/text_dump_samples.hpp"

namespace poolcpuid::test::cpuid_r_test {

namespace {

HostDump read(std::string_view text) { return dump::read_cpuid_r({text, "host"}); }
std::string refusal_text(std::string_view text) { return refusal_of(dump::read_cpuid_r, text); }

const std::string rows =
    "   0x00000000 0x00: eax=0x00000002 ebx=0x756e6547 ecx=0x6c65746e edx=0x49656e69\n"
    "   0x00000001 0x00: eax=0x000906ea ebx=0x00100800 ecx=0x00000001 edx=0x00000002\n"
    "   0x00000002 0x00: eax=0x00000000 ebx=0x00000000 ecx=0x00000000 edx=0x00000000\n";

}  // namespace

TEST_CASE("cpuid -r gives a CPU for each header", "[cpuid-r]") {
    const std::string text = "CPU 3:\n" + rows + "CPU 5:\n" + rows;
    const HostDump host = read(text);
    CHECK(read_hosts(text, "host").front().format == "cpuid-r");
    REQUIRE(host.hardware->cpus.size() == 2);
    CHECK(host.hardware->cpus[0].number == 3);
    CHECK(host.hardware->cpus[1].number == 5);
    CHECK(value_of(host, {1, 0}, 1) == Registers{0x906EA, 0x100800, 1, 2});
    CHECK(table_of(host).unknown.empty());
    CHECK_FALSE(host.hardware->msrs);
}

TEST_CASE("a CPU of which a text has the heading alone is told to be missing", "[cpuid-r]") {
    CHECK_THAT(note_text(read("CPU 0:\n" + rows + "CPU 1:\n"), "cpus-missing"), Catch::Contains("logical CPU 1:"));
    CHECK_FALSE(has_note(read("CPU 0:\n" + rows), "cpus-missing"));
    // A tool that numbers the CPUs with gaps, of which the processor counts no more.
    const auto topology = [](int cpus) {
        return "   0x00000000 0x00: eax=0x0000000b ebx=0x756e6547 ecx=0x6c65746e edx=0x49656e69\n"
               "   0x00000001 0x00: eax=0x000906ea ebx=0x00100800 ecx=0x00000001 edx=0x00000002\n"
               "   0x0000000b 0x00: eax=0x00000001 ebx=0x0000000" +
               std::to_string(cpus) + " ecx=0x00000100 edx=0x00000000\n";
    };
    CHECK_FALSE(has_note(read("CPU 0:\n" + topology(1) + "CPU 1:\n"), "cpus-missing"));
    CHECK(has_note(read("CPU 0:\n" + topology(2) + "CPU 1:\n"), "cpus-missing"));
    CHECK_FALSE(has_note(read("CPU:\n" + rows), "cpus-missing"));
}

TEST_CASE("the header of cpuid -1 -r has no number, and none is needed", "[cpuid-r]") {
    CHECK(read("CPU:\n" + rows).hardware->cpus.at(0).number == 0);
    CHECK(read(rows).hardware->cpus.at(0).number == 0);
    CHECK(read(rows + rows).hardware->cpus.size() == 2);  // leaf 0 again
    // Nobody can tell the CPUs of one host from those of several.
    CHECK(contains(refusal_text("CPU:\n" + rows + "CPU:\n" + rows),
                   "expected each logical CPU of one host once, with its number, as one `cpuid -r` without -1 prints "
                   "them, found another CPU without a number, after that of line 1 (two dumps in one text"));
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

TEST_CASE("what somebody writes before the rows of cpuid -r is none, whatever it begins with", "[cpuid-r]") {
    const std::string prose = "0x1b before\n0x00000001 is ours\n";
    CHECK(read(prose + rows).hardware == read(rows).hardware);
    CHECK(read(prose + "CPU 0:\n" + rows).hardware == read(rows).hardware);
    for (const std::string& text : {"CPU 0:\n" + prose + rows, rows + prose, "CPU 0:\n" + rows + "CPU 1:\n" + prose}) {
        CHECK(contains(refusal_text(text), "expected a row of `cpuid -r`"));
    }
    CHECK(contains(refusal_text("0x00000003 0x00: eax=0x00000000\n" + rows), "host:1: expected a row of `cpuid -r`"));
}

TEST_CASE("cpuid -r text without a usable CPU is refused", "[cpuid-r]") {
    CHECK(contains(refusal_text("CPU 0:\n"), "expected CPUID rows, found none"));
    CHECK(contains(refusal_text("CPU 0:\n" + rows.substr(rows.find('\n') + 1)), "host:2: expected leaf 0x0"));
    const std::string other = "   0x00000001 0x00: eax=0x00000001 ebx=0x00000000 ecx=0x00000000 edx=0x00000000\n";
    CHECK(contains(refusal_text("CPU 0:\n" + rows + other), "host:5: expected one value"));
}

TEST_CASE("a quoted cpuid -r dump is the dump", "[cpuid-r]") {
    const auto quoted = [](std::string text, const std::string& mark) {
        for (std::size_t at = 0; at < text.size(); at = text.find('\n', at) + 1) text.insert(at, mark);
        return text;
    };
    const std::string text = "CPU 3:\n" + rows + "CPU 5:\n" + rows;
    for (const char* mark : {"> ", ">", ">> ", "> > ", " > "}) {
        CAPTURE(mark);
        CHECK(dump::is_cpuid_r(quoted(text, mark)));
        CHECK(read("On Monday somebody wrote:\n" + quoted(text, mark)).hardware == read(text).hardware);
    }
}

TEST_CASE("rows of cpuid -r that a mail program wrapped are whole again, wherever they broke", "[cpuid-r]") {
    const auto reg = GENERATE(as<std::string>{}, " eax=", " ebx=", " ecx=", " edx=");
    const auto between = GENERATE(as<std::string>{}, "\n", " \n", "\r\n", "\n\n", "\n> ", "\n\t");
    std::string wrapped = "CPU 3:\n" + rows + "CPU 5:\n" + rows;
    const HostDump whole = read(wrapped);
    for (std::size_t at = 0; (at = wrapped.find(reg, at)) != std::string::npos; at += between.size()) {
        wrapped.replace(at, 1, between);
    }
    CAPTURE(wrapped);
    CHECK(dump::is_cpuid_r(wrapped));
    CHECK(read(wrapped).hardware == whole.hardware);
}

TEST_CASE("a row of cpuid -r that no wrapping explains is refused whole", "[cpuid-r]") {
    const std::string start = "0x00000002 0x00: eax=0x00000001 ebx=0x00000002 ecx=0x00000003";
    const std::string expected =
        "host:5: expected a row of `cpuid -r`: leaf, subleaf, and four registers of 8 "
        "hexadecimal digits, found \"";
    const std::string head = "CPU:\n" + rows;
    CHECK(refusal_text(head + start) == expected + start + "\"");
    CHECK(refusal_text(head + start + "\nCPU 1:\n" + rows) == expected + start + "\"");
    CHECK(refusal_text(head + start + "\nedx=0x0000000\n") == expected + start + " edx=0x0000000\"");
    CHECK(refusal_text(head + start + "\nedx=0x00000000 0x00000003\n") ==
          expected + start + " edx=0x00000000 0x00000003\"");
    CHECK(refusal_text(head + start + " edx=0x00000004\nedx=0x00000005\n") ==
          expected + start + " edx=0x00000004 edx=0x00000005\"");
    CHECK(refusal_text(head + start + "\n\nnot a register\nedx=0x00000004\n") == expected + start + "\"");
}

TEST_CASE("a row of cpuid -r behind other text is not passed over", "[cpuid-r]") {
    const std::string row = "| 0x00000002 0x00: eax=0x00000001 ebx=0x00000002 ecx=0x00000003 edx=0x00000004";
    CHECK(contains(refusal_text("CPU:\n" + rows + row + "\n"), "host:5: expected a row of `cpuid -r`"));
    CHECK(contains(refusal_text("CPU:\n" + rows + row + "\n"), row));
    CHECK(refusal_text("Note eax=0x00000007 here.\nCPU:\n" + rows).empty());
}

TEST_CASE("what cpuid says in words is no dump, and beside one it is prose", "[cpuid-r]") {
    const std::string words =
        "CPU:\n   vendor_id = \"GenuineIntel\"\n   version information (1/eax):\n"
        "   0x00000003 0x00: eax=0x00000000 ebx=0x00000000 ecx=0x00000000 edx=0x00000000\n";
    CHECK_FALSE(dump::is_cpuid_r(words));
    CHECK(dump::is_cpuid_r(words + "CPU:\n" + rows));
    CHECK(read(words + "CPU:\n" + rows).hardware == read(rows).hardware);
    CHECK(read("CPU:\n" + rows + words).hardware == read(rows).hardware);
}

TEST_CASE("cpuid -r text is told from other text", "[cpuid-r]") {
    CHECK(dump::is_cpuid_r("CPU 0:\n" + rows));
    CHECK(dump::is_cpuid_r("   0x00000000 0x00: eax=damaged"));
    CHECK_FALSE(dump::is_cpuid_r("CPU 0:\nCPUID 00000000: 00000001-756E6547-6C65746E-49656E69\n"));
    CHECK_FALSE(dump::is_cpuid_r("0x00000000: EAX=0x0000001c, EBX=0x68747541, ECX=0x444d4163, EDX=0x69746e65\n"));
    CHECK_FALSE(dump::is_cpuid_r(""));
}

TEST_CASE("calls of cpuid -r for single leaves are no dump, and told so", "[cpuid-r]") {
    const std::string leaf_7 = "   0x00000007 0x00: eax=0x00000000 ebx=0x219c91a9 ecx=0x00400004 edx=0x00000000\n";
    const std::string expected =
        "expected all rows of a logical CPU, as one `cpuid -1 -r` prints them, found those of leaf ";
    CHECK(contains(refusal_text("$ cpuid -1 -r -l 7\nCPU:\n" + leaf_7), "host:3: " + expected + "0x7 alone"));
    const std::string leaf_0 = rows.substr(0, rows.find('\n') + 1);
    CHECK(contains(refusal_text("CPU:\n" + leaf_0 + "$ cpuid -1 -r -l 7\nCPU:\n" + leaf_7),
                   "host:2: " + expected + "0x0 alone"));
    CHECK(contains(refusal_text("CPU:\n" + rows + "$ cpuid -1 -r -l 7\nCPU:\n" + leaf_7),
                   "host:7: " + expected + "0x7 alone"));
}

TEST_CASE("a row of leaf 0 that stands twice begins no other CPU of cpuid -r", "[cpuid-r]") {
    const std::string leaf_0 = rows.substr(0, rows.find('\n') + 1);
    const std::string text = "CPU 0:\n" + leaf_0 + rows + "CPU 1:\n" + leaf_0 + rows;
    CHECK(read(text).hardware == read("CPU 0:\n" + rows + "CPU 1:\n" + rows).hardware);
    CHECK(read(leaf_0 + rows + leaf_0 + leaf_0 + rows).hardware->cpus.size() == 2);
    CHECK(contains(refusal_text("CPU:\n" + leaf_0 + leaf_0), "those of leaf 0x0 alone"));
}

TEST_CASE("of an extended leaf nothing says that it lies beyond a maximum that the dump has lost", "[cpuid-r]") {
    const std::string leaf_e1 = "   0x80000001 0x00: eax=0x00000000 ebx=0x00000000 ecx=0x00000021 edx=0x2c100800\n";
    const HostDump host = read("CPU:\n" + rows + leaf_e1);
    CHECK(value_of(host, {0x80000001, 0}).ecx == 0x21);
    CHECK_FALSE(table_of(host).is_unknown({0x80000001, 0}));
    CHECK(table_of(host).is_unknown({0x80000000, 0}));
    CHECK(table_of(host).is_unknown({0x80000008, 0}));
    CHECK(note_text(host, "rows-beyond-maximum").empty());
    const std::string maximum = "   0x80000000 0x00: eax=0x80000000 ebx=0x00000000 ecx=0x00000000 edx=0x00000000\n";
    CHECK(contains(note_text(read("CPU:\n" + rows + maximum + leaf_e1), "rows-beyond-maximum"), " 1 row"));
}

}  // namespace poolcpuid::test::cpuid_r_test
