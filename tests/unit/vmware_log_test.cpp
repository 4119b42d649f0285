// Reading the rows of the host in vmware.log.

#include "tests/catch.hpp"
#include "tests/support/corpus.hpp"
#include "tests/unit/host_samples.hpp"
#include "tests/unit/text_dump_samples.hpp"

namespace poolcpuid::test::vmware_log_test {

namespace {

HostDump read(std::string_view text) { return dump::read_vmware_log({text, "host"}); }
std::string refusal_text(std::string_view text) { return refusal_of(dump::read_vmware_log, text); }

const std::string stamp = "2016-01-04T16:19:46.611-08:00| vmx| I125: ";

std::string row(const std::string& head, const std::string& key, const std::string& registers) {
    return stamp + head + " level " + key + ": " + registers + "\n";
}

std::string leaf_0_of(const std::string& head) {
    return row(head, "00000000, 0", "0x00000007 0x756e6547 0x6c65746e 0x49656e69");
}
std::string leaf_1_of(const std::string& head, const std::string& ebx = "0x00100800") {
    return row(head, "00000001, 0", "0x00050654 " + ebx + " 0x00000001 0x00000010");
}
const std::string zeros = "0x00000000 0x00000000 0x00000000 0x00000000";
const std::string host = leaf_0_of("hostCPUID") + leaf_1_of("hostCPUID");

}  // namespace

TEST_CASE("hostCPUID is the host, with hexadecimal subleaves", "[vmware_log]") {
    const std::string text = stamp + "hostCPUID vendor: GenuineIntel\n" + host +
                             row("hostCPUID", "00000004, b", "0x00000021 0x00000000 0x00000000 0x00000000") +
                             row("hostCPUID", "00000007, 0", zeros);
    const HostDump dump = read_host(text, "host");
    CHECK(dump.format == "vmware-log");
    REQUIRE(dump.hardware->cpus.size() == 1);
    CHECK(value_of(dump, {1, 0}) == Registers{0x50654, 0x100800, 1, 0x10});
    CHECK(value_of(dump, {4, 11}).eax == 0x21);
    CHECK_FALSE(dump.hypervisor.has_value());
    CHECK_FALSE(dump.hardware->msrs.has_value());
}

TEST_CASE("a row that the log does not have is unknown", "[vmware_log]") {
    const HostDump dump = read(host + row("hostCPUID", "00000007, 0", "0x00000001 0x00000000 0x00000000 0x00000000"));
    for (const LeafKey key : {LeafKey{2, 0}, LeafKey{4, 0}, LeafKey{7, 1}}) CHECK(table_of(dump).is_unknown(key));
}

TEST_CASE("old logs have subleaf 0 alone, and of the others nothing is known", "[vmware_log]") {
    const HostDump dump =
        read(row("hostCPUID", "00000000, 0", "0x0000000d 0x756e6547 0x6c65746e 0x49656e69") + leaf_1_of("hostCPUID") +
             row("hostCPUID", "00000004, 0", "0x04000121 0x01c0003f 0x0000003f 0x00000001") +
             row("hostCPUID", "0000000d, 0", "0x00000003 0x00000240 0x00000240 0x00000000"));
    CHECK(table_of(dump).is_unknown({4, 1}));
    CHECK(table_of(dump).is_unknown({0xD, 1}));
}

TEST_CASE("CPUs that are listed differ from the host in their rows, and the others are like it", "[vmware_log]") {
    const HostDump dump =
        read(host + leaf_1_of("CPUID[2]", "0x02100800") + row("CPUID[2]", "00000006, 0", zeros) + "other text\n");
    REQUIRE(dump.hardware->cpus.size() == 3);
    CHECK(dump.hardware->cpus[2].number == 2);
    CHECK(value_of(dump, {1, 0}, 1).ebx == 0x00100800);
    CHECK(value_of(dump, {1, 0}, 2).ebx == 0x02100800);
    CHECK(value_of(dump, {0, 0}, 2).eax == 7);
    CHECK(table_of(dump, 1).is_unknown({6, 0}));
    CHECK_FALSE(table_of(dump, 2).is_unknown({6, 0}));
}

TEST_CASE("logs of 2007 list every CPU, before the host", "[vmware_log]") {
    const HostDump dump = read(leaf_0_of("CPUID[0]") + leaf_1_of("CPUID[0]") + leaf_0_of("CPUID[1]") +
                               leaf_1_of("CPUID[1]", "0x01100800") + host);
    REQUIRE(dump.hardware->cpus.size() == 2);
    CHECK(value_of(dump, {1, 0}, 1).ebx == 0x01100800);
    CHECK(read(leaf_0_of("CPUID[3]") + leaf_1_of("CPUID[3]")).hardware->cpus.at(0).number == 3);
}

TEST_CASE("no CPU is missing from a log that lists those that differ", "[vmware_log]") {
    const HostDump dump =
        read(row("hostCPUID", "00000000, 0", "0x0000000b 0x756e6547 0x6c65746e 0x49656e69") + leaf_1_of("hostCPUID") +
             row("hostCPUID", "0000000b, 0", "0x00000001 0x00000008 0x00000100 0x00000000") +
             row("hostCPUID", "0000000b, 1", "0x00000000 0x00000000 0x00000001 0x00000000") +
             leaf_1_of("CPUID[1]", "0x01100800"));
    CHECK_FALSE(has_note(dump, "cpus-missing"));
}

TEST_CASE("what the guest is given is left out, with a note", "[vmware_log]") {
    const std::string guest = stamp + "guest vs. host CPUID ";
    const HostDump dump = read(host + guest + "guest level 00000001,  0: 0x000006f2 0x0 0x0 0x0\n" + guest +
                               "*host level 00000001,  0: 0x000006f2 0x0 0x0 0x0\n" + guest +
                               "guest level 00000002,  0: 0x0 0x0 0x0 0x0\n");
    CHECK(value_of(dump, {1, 0}).eax == 0x50654);
    CHECK(contains(note_text(dump, "guest-rows"), "Left out 2 rows of what a guest was given"));
    CHECK_FALSE(has_note(read(host), "guest-rows"));
}

TEST_CASE("a damaged row of vmware.log is refused with its line", "[vmware_log]") {
    const auto damaged = GENERATE(as<std::string>{}, "hostCPUID level 00000002, 0: 0x00000000 0x00000000 0x00000000",
                                  "hostCPUID level 00000002, 0: 0x00000000 0x00000000 0x00000000 0x00000000 0x00000000",
                                  "hostCPUID level 00000002: 0x00000000 0x00000000 0x00000000 0x00000000",
                                  "hostCPUID level 2, 0: 0x00000000 0x00000000 0x00000000 0x00000000",
                                  "CPUID[1] level 00000002, 0: 00000000 00000000 00000000 00000000");
    CAPTURE(damaged);
    CHECK(contains(refusal_text(host + stamp + damaged + "\n"), "host:3: expected a row of vmware.log"));
}

TEST_CASE("logs of two hosts in one text are refused", "[vmware_log]") {
    CHECK(contains(refusal_text(host + leaf_1_of("hostCPUID", "0x01100800")), "host:3: expected one value"));
}

TEST_CASE("a short text does not stand for millions of rows", "[vmware_log]") {
    CHECK(contains(refusal_text(host + leaf_1_of("CPUID[4294967295]")), "host:3: expected at most 8192 logical CPUs"));
    std::string many = host;
    for (int subleaf = 0x100; subleaf < 0x800; ++subleaf) {
        many += row("hostCPUID", "00000004, " + hex8(static_cast<std::uint32_t>(subleaf)), zeros);
    }
    CHECK(contains(refusal_text(many + leaf_1_of("CPUID[8000]")), "1048576 rows of all of them, found CPU 8000"));
}

TEST_CASE("vmware.log is told from other text", "[vmware_log]") {
    CHECK(dump::is_vmware_log(host));
    CHECK(dump::is_vmware_log(leaf_0_of("CPUID[0]")));
    CHECK_FALSE(dump::is_vmware_log(stamp + "guest vs. host CPUID guest level 00000001,  0: 0x1 0x0 0x0 0x0\n"));
    CHECK_FALSE(dump::is_vmware_log("CPUID[eax=1] level\nno hostCPUID levels\n"));
    CHECK_FALSE(dump::is_vmware_log(""));
}

TEST_CASE("the host of a public report's vmware.log is read", "[vmware_log][corpus]") {
    const HostDump dump = read_host(read_file(dump_directory().parent_path() / "cases" / "vmware-t6500.log"), "case");
    CHECK(dump.format == "vmware-log");
    CHECK(value_of(dump, {1, 0}) == Registers{0x0001067A, 0x00020800, 0x0C08E39D, 0xBFEBFBFF});
    CHECK(value_of(dump, {0xA, 0}) == Registers{0x07280202, 0, 0, 0x503});
    CHECK(table_of(dump).is_unknown({0x80000002, 0}));
    CHECK(table_of(dump).is_unknown({4, 1}));
}

TEST_CASE("a row of vmware.log that no wrapping explains is refused as it stands", "[vmware_log]") {
    const std::string part = "hostCPUID level 00000002, 0: 0x00000000 0x00000000 0x00000000";
    const std::string expected =
        "host:3: expected a row of vmware.log: leaf, subleaf, and four registers of 8 hexadecimal digits, found \"" +
        part + "\"";
    CHECK(refusal_text(host + part + "\n" + leaf_1_of("CPUID[1]")) == expected);
    CHECK(refusal_text(host + part + "\n0x00000000 0x00000000\n") == expected);
    CHECK(refusal_text(host + part + "\n0x0000000\n") == expected);
    CHECK(refusal_text(host + part + "\nand a word\n0x00000000\n") == expected);
    CHECK(refusal_text(host + part) == expected);
    CHECK(refusal_text(host + part + "\n\n 0x00000000\n").empty());
}

}  // namespace poolcpuid::test::vmware_log_test
