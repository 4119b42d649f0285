// Reading libvirt's raw CPU data.

#include "tests/catch.hpp"
#include "tests/unit/host_samples.hpp"

namespace poolcpuid::test::libvirt_test {

namespace {

const std::string rows =
    "  <cpuid eax_in='0x00000000' ecx_in='0x00' eax='0x00000007' ebx='0x756e6547' ecx='0x6c65746e' edx='0x49656e69'/>\n"
    "  <cpuid eax_in='0x00000001' ecx_in='0x00' eax='0x000906ea' ebx='0x00100800' ecx='0x00000001' edx='0x00000002'/>\n"
    "  <cpuid eax_in='0x00000007' ecx_in='0x00' eax='0x00000000' ebx='0x00000020' ecx='0x00000000' "
    "edx='0x20000000'/>\n";

std::string data(const std::string& more = "") {
    return "<!-- a CPU -->\n<cpudata arch='x86'>\n" + rows + more + "</cpudata>\n";
}

std::string cpuid(const std::string& attributes) { return data("<cpuid " + attributes + "/>\n"); }

}  // namespace

TEST_CASE("libvirt's CPU data is one CPU of a hardware view", "[libvirt]") {
    const HostDump host = read_host(data("  <msr index='0x10a' edx='0x00000001' eax='0x0000002b'/>\n"), "dir/cpu.xml");
    CHECK(host.format == "libvirt");
    CHECK(host.name == "cpu");
    CHECK_FALSE(host.hypervisor);
    REQUIRE(host.hardware);
    REQUIRE(host.hardware->cpus.size() == 1);
    CHECK(host.hardware->cpus[0].number == 0);
    CHECK(*host.hardware->cpus[0].cpuid.find({7, 0}) == Registers{0, 0x20, 0, 0x20000000});
    CHECK(host.hardware->msrs == std::vector<MsrRow>{{0x10a, 0x10000002b}});  // edx is the upper half
}

TEST_CASE("without an MSR element nothing is known of MSRs", "[libvirt]") {
    CHECK_FALSE(read_host(data()).hardware->msrs);
}

TEST_CASE("errors name the line of the element", "[libvirt]") {
    CHECK(contains(refusal(cpuid("eax_in='0x4' ecx_in='0x00' eax='0' ebx='0x0' ecx='0x0' edx='0x0'")),
                   "host.json:6: expected eax of \"0x\" and 1 to 8 hexadecimal digits, found \"0\""));
    CHECK(contains(refusal(data("<cpuid\n")), "expected well-formed XML"));
}

TEST_CASE("the rows without subleaves that libvirt once wrote are refused by their name", "[libvirt]") {
    const std::string row =
        "<cpudata arch='x86'>\n<cpuid function='0x0' eax='0xd' ebx='0x756e6547' ecx='0x6c65746e' edx='0x49656e69'/>\n"
        "</cpudata>\n";
    CHECK(
        contains(refusal(row, "f"), "f:2: expected <cpuid> with eax_in and ecx_in, found \"function\" in their place"));
    CHECK(contains(refusal(row, "f"), "run `poolcpuid capture`"));
}

TEST_CASE("an element has exactly its attributes", "[libvirt]") {
    CHECK(contains(refusal(cpuid("eax_in='0x4' eax='0x0' ebx='0x0' ecx='0x0' edx='0x0'")), "some of them missing"));
    CHECK(contains(refusal(cpuid("eax_in='0x4' ecx_in='0x0' eax='0x0' ebx='0x0' ecx='0x0' edx='0x0' esi='0x0'")),
                   "other attributes"));
    CHECK(contains(refusal(cpuid("eax_in='0x4' ecx_in='0x0' eax='0x0' ebx='0x0' ecx='0x0' edx='0x0' edx='0x1'")),
                   "other attributes"));
    CHECK(contains(refusal(data("<msr index='0x10a' eax='0x0'/>")), "<msr> with index edx eax"));
}

TEST_CASE("other elements, text, and documents of other architectures are refused", "[libvirt]") {
    CHECK(contains(refusal(data("<feature name='x'/>")), "<cpuid> and <msr> in <cpudata>, found \"feature\""));
    CHECK(contains(refusal(data("text")), "found text"));
    CHECK(contains(refusal(data("<cpuid><a/></cpuid>")), "an element without content"));
    CHECK(contains(refusal("<cpudata arch='ppc64'>\n<pvr value='0x1'/>\n</cpudata>"), "found arch \"ppc64\""));
    CHECK(contains(refusal("<cpudata arch='x86'>\n</cpudata>"), "host.json:1: expected <cpuid> elements"));
    CHECK(contains(refusal(data() + "<cpudata arch='x86'/>"), "the end of the text"));
    CHECK(contains(refusal(data() + "more"), "the end of the text"));
    CHECK(contains(refusal("<x><cpudata arch='x86'/></x>"), "found the element \"x\""));
}

TEST_CASE("rows that differ, missing leaves and repeated MSRs are refused", "[libvirt]") {
    CHECK_FALSE(refusal(cpuid("eax_in='0x7' ecx_in='0x0' eax='0x1' ebx='0x0' ecx='0x0' edx='0x0'")).empty());
    CHECK_FALSE(refusal("<cpudata arch='x86'>\n<cpuid eax_in='0x7' ecx_in='0x0' eax='0x1' ebx='0x0' ecx='0x0' "
                        "edx='0x0'/>\n</cpudata>")
                    .empty());
    const std::string msr = "<msr index='0x10a' edx='0x0' eax='0x1'/>\n";
    CHECK(contains(refusal(data(msr + msr)), "host.json:7: expected each MSR once"));
}

TEST_CASE("echoes of ranges that the CPU does not have are dropped", "[libvirt]") {
    const HostDump host = read_host(cpuid("eax_in='0xc0000000' ecx_in='0x0' eax='0x1' ebx='0x1' ecx='0x0' edx='0x0'"));
    CHECK(host.hardware->cpus[0].cpuid.find({0xc0000000, 0}) == nullptr);
    REQUIRE_FALSE(host.notes.empty());
    CHECK(host.notes[0].code == "rows-beyond-maximum");
}

TEST_CASE("a document type with entities gives nothing away and expands nothing", "[libvirt]") {
    const std::string bomb = "<!DOCTYPE cpudata [<!ENTITY a 'aaaaaaaaaa'><!ENTITY b '&a;&a;&a;'>]>\n";
    CHECK(read_host(bomb + data()).hardware);
}

TEST_CASE("XML far larger than any CPU's data is refused", "[libvirt]") {
    CHECK(contains(refusal(data(std::string(9U << 20, ' '))), "XML of at most 8388608 bytes"));
}

}  // namespace poolcpuid::test::libvirt_test
