// Reading the raw dumps of libcpuid.

#include "tests/catch.hpp"
#include "tests/unit/host_samples.hpp"
#include "tests/unit/text_dump_samples.hpp"

namespace poolcpuid::test::libcpuid_test {

namespace {

HostDump read(std::string_view text) { return dump::read_libcpuid({text, "host"}); }
std::string refusal_text(std::string_view text) { return refusal_of(dump::read_libcpuid, text); }

const std::string head =
    "basic_cpuid[0]=00000004 756e6547 6c65746e 49656e69\n"
    "basic_cpuid[1]=000006d3 00000800 00000001 00000010\n"
    "basic_cpuid[2]=00000001 00000000 00000000 002c307d\n"
    "basic_cpuid[3]=00000000 00000000 00000000 00000000\n"
    "basic_cpuid[4]=00000121 01c0003f 0000003f 00000001\n";
const std::string dashes = std::string(80, '-') + "\n";

}  // namespace

TEST_CASE("libcpuid's arrays are leaves and subleaves, with decimal indices", "[libcpuid]") {
    const std::string text = "version=0.8.0\n" + head + "ext_cpuid[0]=80000008 00000000 00000000 00000000\n" +
                             "ext_cpuid[8]=0000302e 00000000 00000000 00000000\n" +
                             "intel_fn4[0]=00000121 01c0003f 0000003f 00000001\n"
                             "intel_fn4[1]=00000122 01c0003f 0000003f 00000001\n" +
                             dashes + "x86\nbasic_cpuid\n";
    const HostDump host = read(text);
    CHECK(read_hosts(text, "host").front().format == "libcpuid");
    REQUIRE(host.hardware->cpus.size() == 1);
    CHECK(host.hardware->cpus[0].number == 0);
    CHECK(value_of(host, {1, 0}).eax == 0x6D3);
    CHECK(value_of(host, {0x80000008, 0}).eax == 0x302E);
    CHECK(value_of(host, {4, 1}).eax == 0x122);
    CHECK_FALSE(table_of(host).is_unknown({4, 2}));
}

TEST_CASE("each header of libcpuid starts a logical CPU", "[libcpuid]") {
    const auto header = [](int number) {
        return "_________________ Logical CPU #" + std::to_string(number) + " _________________\n";
    };
    const HostDump host = read(header(0) + head + header(1) + header(7) + head);
    REQUIRE(host.hardware->cpus.size() == 2);
    CHECK(host.hardware->cpus[1].number == 7);
}

TEST_CASE("what libcpuid prints beyond the maximum leaves is garbage", "[libcpuid]") {
    const HostDump host = read(head + "basic_cpuid[5]=00000007 00000340 00000340 00000000\n" +
                               "intel_fn11[0]=00000007 00000340 00000340 00000000\n" +
                               "ext_cpuid[0]=80000000 00000000 00000000 00000000\n" +
                               "ext_cpuid[1]=00000007 00000340 00000340 00000000\n");
    CHECK(table_of(host).rows.size() == 6);
    CHECK(contains(note_text(host, "rows-beyond-maximum"), " 3 rows "));
}

TEST_CASE("subleaf 0 counts as the plain array gives it", "[libcpuid]") {
    const HostDump host = read(head + "intel_fn4[0]=ffffffff 01c0003f 0000003f 00000001\n");
    CHECK(value_of(host, {4, 0}).eax == 0x121);
    const std::string without_4 = head.substr(0, head.find("basic_cpuid[4]"));
    CHECK(value_of(read(without_4 + "intel_fn4[0]=00000122 00000000 00000000 00000000\n"), {4, 0}).eax == 0x122);
}

TEST_CASE("a damaged row of libcpuid is refused with its line", "[libcpuid]") {
    const auto row = GENERATE(as<std::string>{}, "basic_cpuid[2]=00000001 00000000 00000000",
                              "basic_cpuid[2]=00000001 00000000 00000000 002c307d 0", "basic_cpuid[]=1 2 3 4",
                              "basic_cpuid[2]=00000001 00000000 00000000 02c307d", "intel_fn4[-1]=0 0 0 0",
                              "ext_cpuid[99999999999]=00000001 00000000 00000000 002c307d");
    CAPTURE(row);
    CHECK(contains(refusal_text(head + row + "\n"), "host:6: expected a row of libcpuid"));
}

TEST_CASE("a conflicting or missing row of libcpuid is refused", "[libcpuid]") {
    CHECK(contains(refusal_text(head + "basic_cpuid[2]=00000000 00000000 00000000 00000000\n"),
                   "host:6: expected one value"));
    CHECK(contains(refusal_text("basic_cpuid[0]=00000004 756e6547 6c65746e 49656e69\n"), "expected leaf 0x1"));
    CHECK(contains(refusal_text(dashes), "expected CPUID rows, found none"));
}

TEST_CASE("libcpuid has a place for 32 leaves of each range, and for the subleaves of some", "[libcpuid]") {
    const auto has = [](std::uint32_t leaf, std::uint32_t subleaf) {
        return dump::libcpuid_expresses({leaf, subleaf});
    };
    CHECK((has(0, 0) && has(0x1F, 0) && has(0x80000000, 0) && has(0x8000001F, 0)));
    CHECK_FALSE((has(0x20, 0) || has(0x7FFFFFFF, 0) || has(0x80000020, 0) || has(0x7, 1)));
    CHECK((has(4, 0) && has(4, 100) && has(0x80000026, 3)));
}

TEST_CASE("a dump of an ARM CPU is refused by its name", "[libcpuid]") {
    const std::string text = "_________________ Logical CPU #0 _________________\narm_midr=f1255ec0410fd083\n";
    CHECK(dump::is_libcpuid(text));
    CHECK(refusal_text(text) == "host:2: expected x86 CPUID rows, found a dump of an ARM CPU");
}

TEST_CASE("libcpuid text is told from other text", "[libcpuid]") {
    CHECK(dump::is_libcpuid(head));
    CHECK_FALSE(dump::is_libcpuid("------[ Logical CPU #0 ]------\n" + aida_cpu(3) + dashes));
    CHECK_FALSE(dump::is_libcpuid("version https://git-lfs.github.com/spec/v1\n"));
    CHECK_FALSE(dump::is_libcpuid(""));
}

}  // namespace poolcpuid::test::libcpuid_test
