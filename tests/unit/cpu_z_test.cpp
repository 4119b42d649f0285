// Reading the thread dumps in a report of CPU-Z.

#include "tests/catch.hpp"
#include "tests/unit/host_samples.hpp"
#include "tests/unit/text_dump_samples.hpp"

namespace poolcpuid::test::cpu_z_test {

namespace {

HostDump read(std::string_view text) { return dump::read_cpu_z({text, "host"}); }
std::string refusal_text(std::string_view text) { return refusal_of(dump::read_cpu_z, text); }

const std::string title = "CPU-Z TXT Report\n-------------------------------------\n\n";

std::string thread(const std::string& number, const std::string& more = "") {
    return "CPU Thread " + number + "\t\n\tAPIC ID\t\t\t" + number +
           "\n\tMax CPUID level\t00000007h\n\n\tCPUID\t\t \n"
           "\t0x00000000\t\t0x00000007\t0x756E6547\t0x6C65746E\t0x49656E69\n"
           "\t0x00000001\t\t0x00050654\t0x0" +
           number +
           "100800\t0x00000001\t0x00000010\n"
           "\t0x00000004\t\t0x1C004121\t0x01C0003F\t0x0000003F\t0x00000000\n"
           "\t0x00000004\t\t0x1C004122\t0x01C0003F\t0x0000003F\t0x00000000\n"
           "\t0x00000007\t\t0x00000001\t0x00000281\t0x00000000\t0x00000000\n" +
           more + "\n";
}

}  // namespace

TEST_CASE("every thread of CPU-Z is a logical CPU, and repeated rows are subleaves", "[cpu_z]") {
    const HostDump host = read_host(title + thread("0") + thread("1"), "host");
    CHECK(host.format == "cpu-z");
    REQUIRE(host.hardware->cpus.size() == 2);
    CHECK(host.hardware->cpus[1].number == 1);
    CHECK(value_of(host, {1, 0}, 1) == Registers{0x50654, 0x01100800, 1, 0x10});
    CHECK(value_of(host, {4, 1}).eax == 0x1C004122);
    CHECK_FALSE(host.hardware->msrs.has_value());
}

TEST_CASE("what CPU-Z does not print is unknown", "[cpu_z]") {
    const HostDump host = read(title + thread("0"));
    for (const LeafKey key : {LeafKey{2, 0}, LeafKey{7, 1}}) CHECK(table_of(host).is_unknown(key));
    const std::string later = "\t0x00000007\t\t0x00000000\t0x00000000\t0x00000000\t0x00000012\n";
    CHECK(value_of(read(title + thread("0", later)), {7, 1}).edx == 0x12);
    const HostDump lost = read(title + thread("0", later + later));
    CHECK(table_of(lost).is_unknown({7, 1}));
    CHECK(has_note(lost, "subleaf-unknown"));
}

TEST_CASE("MSRs of CPU-Z are those that all threads have alike, in the words of old and new versions", "[cpu_z]") {
    const std::string alike = "\tMSR 0x000000CE\t\t0x001B0829\t0x7F7F0718\n";
    const std::string old = "MSR 0x00000017\t\tedx = 0x000A0000\teax = 0x00000001\n";
    const HostDump host = read(title + thread("0", alike + old + "\tMSR 0x0000019C\t\t0x00000000\t0x88200000\n") +
                               thread("1", alike + old + "\tMSR 0x0000019C\t\t0x00000000\t0x88230000\n"));
    CHECK(host.hardware->msrs == std::vector<MsrRow>{{0x17, 0x000A000000000001}, {0xCE, 0x001B08297F7F0718}});
    CHECK(has_note(host, "msr-not-constant"));
}

TEST_CASE("rows of other sections are none of CPU-Z's threads", "[cpu_z]") {
    const HostDump host = read(title + "0x0000000F\t0x00\n" + thread("0") + "Chipset\n-----------------\n\n" +
                               "0x00000001\t\t0x00000000\t0x00000000\t0x00000000\t0x00000000\nMSR of nothing\n");
    CHECK(value_of(host, {1, 0}).eax == 0x50654);
}

TEST_CASE("a damaged row of CPU-Z is refused with its line", "[cpu_z]") {
    const auto row = GENERATE(as<std::string>{}, "\t0x00000006\t\t0x00000004\t0x00000000\t0x00000000\n",
                              "\t0x00000006\t\t0x00000004\t0x00000000\t0x00000000\t0x00000000\t0x0\n",
                              "\t0x6\t\t0x00000004\t0x00000000\t0x00000000\t0x00000000\n");
    CAPTURE(row);
    CHECK(contains(refusal_text(title + thread("0", row)), "host:14: expected a row of CPU-Z"));
    CHECK(contains(refusal_text(title + thread("0", "\tMSR 0x0000001B\t\t0x0\t0x0\n")),
                   "host:14: expected an MSR of CPU-Z"));
}

TEST_CASE("a thread of CPU-Z that comes again is another host", "[cpu_z]") {
    CHECK(contains(refusal_text(title + thread("0") + thread("0")), "each logical CPU of one host once"));
}

TEST_CASE("a report of CPU-Z of which every row is broken behind a register is the report", "[cpu_z]") {
    const std::string whole = title + thread("0");
    for (std::size_t from_end = 0; from_end < 4; ++from_end) {
        std::string broken;
        for (std::size_t begin = 0; begin < whole.size();) {
            const std::size_t end = whole.find('\n', begin) + 1;
            std::string line = whole.substr(begin, end - begin);
            std::size_t at = line.size();
            for (std::size_t i = 0; i <= from_end && at != std::string::npos; ++i) at = line.rfind('\t', at - 1);
            if (line.starts_with("\t0x")) line.replace(at, 1, " \n");
            broken += line;
            begin = end;
        }
        CAPTURE(from_end);
        CHECK(read_host(broken).hardware == read_host(whole).hardware);
    }
}

TEST_CASE("reports of CPU-Z with thread dumps are told from other text", "[cpu_z]") {
    CHECK(dump::is_cpu_z(thread("0")));
    CHECK_FALSE(dump::is_cpu_z(title + "CPU Thread 0\n\tAPIC ID\t\t\t0\n"));
    CHECK_FALSE(dump::is_cpu_z(title + "CPU Thread 0\n0x0000000F\n0x0000000F of 0x00000001\n"));
    CHECK_FALSE(dump::is_cpu_z("0x00000001\t\t0x00000000\t0x00000000\t0x00000000\t0x00000000\n"));
    CHECK_FALSE(dump::is_cpu_z(""));
}

}  // namespace poolcpuid::test::cpu_z_test
