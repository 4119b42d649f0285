// Reading what FreeBSD's cpucontrol prints.

#include "tests/catch.hpp"
#include "tests/unit/host_samples.hpp"
#include "tests/unit/text_dump_samples.hpp"

namespace poolcpuid::test::cpucontrol_test {

namespace {

HostDump read(std::string_view text) { return dump::read_cpucontrol({text, "host"}); }
std::string refusal_text(std::string_view text) { return refusal_of(dump::read_cpucontrol, text); }

std::string cpu(const std::string& apic_id = "00") {
    return "cpuid level 0x0: 0x0000000d 0x756e6547 0x6c65746e 0x49656e69\n"
           "cpuid level 0x1: 0x00050654 0x" +
           apic_id +
           "100800 0x04000001 0x00000010\n"
           "cpuid level 0x7, level_type 0x0: 0x00000001 0x00000281 0x00000000 0x00000000\n"
           "cpuid level 0xd: 0x00000007 0x00000340 0x00000340 0x00000000\n";
}

}  // namespace

TEST_CASE("calls of cpucontrol are rows of one CPU, and subleaf 0 where none is named", "[cpucontrol]") {
    const HostDump host =
        read_host(cpu() + "cpuid level 0xd, level_type 0x2: 0x00000100 0x00000240 0x00000000 0x00000000\n", "host");
    CHECK(host.format == "cpucontrol");
    REQUIRE(host.hardware->cpus.size() == 1);
    CHECK(value_of(host, {7, 0}).ebx == 0x281);
    CHECK(value_of(host, {0xD, 0}).eax == 7);
    CHECK(value_of(host, {0xD, 2}).eax == 0x100);
    CHECK_FALSE(host.hardware->msrs.has_value());
}

TEST_CASE("what nobody asked cpucontrol for is unknown", "[cpucontrol]") {
    const std::string caches =
        "cpuid level 0x4, level_type 0x0: 0x1c004121 0x01c0003f 0x0000003f 0x00000000\n"
        "cpuid level 0x4, level_type 0x1: 0x1c004122 0x01c0003f 0x0000003f 0x00000000\n";
    const HostDump host = read(cpu() + caches);
    for (const LeafKey key : {LeafKey{2, 0}, LeafKey{4, 2}, LeafKey{7, 1}, LeafKey{0xD, 1}, LeafKey{0xD, 2}}) {
        CHECK(table_of(host).is_unknown(key));
    }
    const HostDump ended =
        read(cpu() + caches + "cpuid level 0x4, level_type 0x2: 0x00000000 0x00000000 0x00000000 0x00000000\n");
    CHECK_FALSE(table_of(ended).is_unknown({4, 3}));
}

TEST_CASE("leaf 0 that comes again begins the next CPU of cpucontrol", "[cpucontrol]") {
    const HostDump host = read(cpu() + cpu("01"));
    REQUIRE(host.hardware->cpus.size() == 2);
    CHECK(value_of(host, {1, 0}, 1).ebx == 0x01100800);
    const std::string leaf_0 = cpu().substr(0, cpu().find('\n') + 1);
    CHECK(read(leaf_0 + cpu()).hardware->cpus.size() == 1);
}

TEST_CASE("MSRs of cpucontrol are those that read the same each time", "[cpucontrol]") {
    const HostDump host = read(cpu() + "MSR 0x10a: 0x00000001 0x0000002b\nMSR 0x10: 0x00000000 0x00000001\n" +
                               cpu("01") + "MSR 0x10a: 0x00000001 0x0000002b\nMSR 0x10: 0x00000000 0x00000002\n");
    CHECK(host.hardware->msrs == std::vector<MsrRow>{{0x10A, 0x10000002B}});
    CHECK(has_note(host, "msr-not-constant"));
    CHECK(contains(refusal_text(cpu() + "MSR 0x10: 0x0 0x1\n"), "host:5: expected a row of `cpucontrol -m`"));
}

TEST_CASE("a damaged row of cpucontrol is refused with its line", "[cpucontrol]") {
    const auto row = GENERATE(as<std::string>{}, "cpuid level 0x2: 0x76036301 0x00000000 0x00000000",
                              "cpuid level 0x2: 0x76036301 0x00000000 0x00000000 0x00000000 0x00000000",
                              "cpuid level 0x2, level_type 0: 0x76036301 0x00000000 0x00000000 0x00000000",
                              "cpuid level 0x: 0x76036301 0x00000000 0x00000000 0x00000000");
    CAPTURE(row);
    CHECK(contains(refusal_text(cpu() + row + "\n"), "host:5: expected a row of `cpucontrol -i`"));
}

TEST_CASE("cpucontrol's rows are told from other text", "[cpucontrol]") {
    CHECK(dump::is_cpucontrol(cpu()));
    CHECK_FALSE(dump::is_cpucontrol("CPU: feature disabled, no cpuid level 0xd\n"));
    CHECK_FALSE(dump::is_cpucontrol("MSR 0x10a: 0x00000001 0x0000002b\n"));
    CHECK_FALSE(dump::is_cpucontrol(""));
}

TEST_CASE("an extended leaf that cpucontrol was asked for counts, though nobody asked for their maximum",
          "[cpucontrol]") {
    const HostDump host = read(cpu() +
                               "cpuid level 0x80000001: 0x00000000 0x00000000 0x00000121 0x2c100800\n"
                               "cpuid level 0x8000001d: 0x00004121 0x01c0003f 0x0000003f 0x00000000\n");
    CHECK(value_of(host, {0x80000001, 0}).ecx == 0x121);
    CHECK_FALSE(table_of(host).is_unknown({0x80000001, 0}));
    CHECK(table_of(host).is_unknown({0x80000008, 0}));
    CHECK(table_of(host).is_unknown({0x8000001D, 1}));
    CHECK_FALSE(has_note(host, "rows-beyond-maximum"));
}

}  // namespace poolcpuid::test::cpucontrol_test
