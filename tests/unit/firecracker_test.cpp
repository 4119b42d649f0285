// Reading Firecracker's fingerprints and CPU configurations.

#include "tests/catch.hpp"
#include "tests/unit/host_samples.hpp"

namespace poolcpuid::test::firecracker_test {

namespace {

std::string bits(std::uint64_t value, int width) {
    std::string text = "0b";
    for (int i = width; i-- > 0;) text += (value >> i & 1U) != 0 ? '1' : '0';
    return text;
}

std::string reg(const std::string& name, const std::string& bitmap) {
    return R"({"register": ")" + name + R"(", "bitmap": ")" + bitmap + "\"}";
}

std::string entry(const std::string& leaf, const std::string& subleaf, const std::string& modifiers) {
    return R"({"leaf": ")" + leaf + R"(", "subleaf": ")" + subleaf + R"(", "flags": 0, "modifiers": [)" + modifiers +
           "]}";
}

std::string row(const std::string& leaf, const std::string& subleaf, const Registers& r) {
    return entry(leaf, subleaf,
                 reg("eax", bits(r.eax, 32)) + ", " + reg("ebx", bits(r.ebx, 32)) + ", " + reg("ecx", bits(r.ecx, 32)) +
                     ", " + reg("edx", bits(r.edx, 32)));
}

const std::string row_0 = row("0x0", "0x0", {0xd, 0x68747541, 0x444d4163, 0x69746e65});
const std::string row_1 = row("0x1", "0x0", {0xa10f11, 0, 0x8c000001, 2});  // XSAVE, OSXSAVE, hypervisor

std::string configuration(const std::string& rows, const std::string& more = "") {
    return R"({"kvm_capabilities": [], "cpuid_modifiers": [)" + rows + "]" + (more.empty() ? "" : ", " + more) + "}";
}

std::string with_row(const std::string& extra) { return configuration(row_0 + ", " + row_1 + ", " + extra); }

}  // namespace

TEST_CASE("a fingerprint is a KVM guest's view with MSRs and the versions as meta", "[firecracker]") {
    const HostDump host = read_host(
        R"({"firecracker_version": "1.0", "kernel_version": "6.1", "microcode_version": "0x2b", "bios_version": "3",
            "guest_cpu_config": )" +
        configuration(row_0 + ", " + row_1, R"("msr_modifiers": [{"addr": "0x8b", "bitmap": ")" +
                                                bits(0x2b00000000, 64) + R"("}, {"addr": "0x11", "bitmap": ")" +
                                                bits(1, 64) + "\"}]") +
        "}");
    CHECK(host.format == "firecracker");
    CHECK(host.name == "host");
    CHECK_FALSE(host.hardware);
    REQUIRE(host.hypervisor);
    CHECK(host.hypervisor->name == "kvm");
    CHECK(*host.hypervisor->cpuid.find({1, 0}) == Registers{0xa10f11, 0, 0x8c000001, 2});
    CHECK(host.hypervisor->msrs == std::vector<MsrRow>{{0x11, 1}, {0x8b, 0x2b00000000}});
    CHECK(host.meta ==
          std::map<std::string, std::string>{
              {"bios_version", "3"}, {"firecracker_version", "1.0"}, {"kernel", "6.1"}, {"microcode", "0x2b"}});
}

TEST_CASE("a CPU configuration without the versions around it is read too", "[firecracker]") {
    const HostDump host = read_host(configuration(row_0 + ", " + row_1));
    CHECK(host.hypervisor->cpuid.rows.size() == 2);
    CHECK_FALSE(host.hypervisor->msrs);
    CHECK(host.meta.empty());
}

TEST_CASE("KVM reads zeros for a leaf that is not listed", "[firecracker]") {
    const HostDump host = read_host(configuration(row_0 + ", " + row_1));
    CHECK(host.hypervisor->cpuid.find({5, 0}) == nullptr);
    CHECK_FALSE(host.hypervisor->cpuid.is_unknown({5, 0}));
}

TEST_CASE("an announced XSAVE component that is not listed is unknown", "[firecracker]") {
    const HostDump host =
        read_host(with_row(row("0xd", "0x0", {7, 0x340, 0x340, 0}) + ", " + row("0xd", "0x1", {7, 0, 0, 0})));
    CHECK(host.hypervisor->cpuid.is_unknown({0xd, 2}));
}

TEST_CASE("underscores may stand between digits, as Firecracker allows", "[firecracker]") {
    const std::string zeros = bits(0, 32);
    const HostDump host =
        read_host(with_row(entry("0x7", "0x0",
                                 reg("eax", "0b00000000_00000000_00000000_00000101") + ", " + reg("ebx", zeros) + ", " +
                                     reg("ecx", zeros) + ", " + reg("edx", zeros))));
    CHECK(host.hypervisor->cpuid.find({7, 0})->eax == 5);
}

TEST_CASE("a bitmap has exactly as many digits as the register has bits", "[firecracker]") {
    const std::string rest =
        ", " + reg("ebx", bits(0, 32)) + ", " + reg("ecx", bits(0, 32)) + ", " + reg("edx", bits(0, 32));
    for (const std::string& wrong : {bits(0, 31), bits(0, 33), std::string(32, '0'), "0b" + std::string(32, '2'),
                                     std::string("0x0"), std::string()}) {
        CAPTURE(wrong);
        CHECK(
            contains(refusal(with_row(entry("0x7", "0x0", reg("eax", wrong) + rest))), "\"0b\" and 32 binary digits"));
    }
    CHECK(contains(refusal(configuration(row_0 + ", " + row_1,
                                         R"("msr_modifiers": [{"addr": "0x8b", "bitmap": ")" + bits(0, 32) + "\"}]")),
                   "\"0b\" and 64 binary digits"));
}

TEST_CASE("a template with wildcards is refused as a template", "[firecracker]") {
    const std::string found = refusal(with_row(entry("0x7", "0x0", reg("eax", "0bxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx1"))));
    CHECK(contains(found, "the wildcard x of a CPU template"));
}

TEST_CASE("a dump of an ARM CPU is refused as that", "[firecracker]") {
    const std::string arm =
        R"({"vcpu_features": [], "reg_modifiers": [{"addr": "0x60200000001000d4", "bitmap": "0b0"}]})";
    CHECK(contains(refusal(arm), "ARM CPU"));
    CHECK(contains(refusal(R"({"kernel_version": "6.1", "guest_cpu_config": )" + arm + "}"), "ARM CPU"));
}

TEST_CASE("each entry gives each of the four registers once", "[firecracker]") {
    const std::string eax = reg("eax", bits(0, 32));
    const std::string ebx = reg("ebx", bits(0, 32));
    CHECK(contains(refusal(with_row(entry("0x7", "0x0", eax + ", " + ebx))), "bitmaps for eax, ebx, ecx and edx"));
    CHECK(contains(refusal(with_row(entry("0x7", "0x0", eax + ", " + eax))), "each register once"));
    CHECK(contains(refusal(with_row(entry("0x7", "0x0", reg("esi", bits(0, 32))))),
                   "\"eax\", \"ebx\", \"ecx\" or \"edx\""));
}

TEST_CASE("unknown keys, missing leaves and repeated MSRs are refused", "[firecracker]") {
    CHECK(contains(refusal(configuration(row_0 + ", " + row_1, R"("quirks": [])")), "only known keys"));
    CHECK(contains(refusal(configuration(row_0)), "leaf 0x1 in each logical CPU, found none"));
    const std::string msr = R"({"addr": "0x8b", "bitmap": ")" + bits(0, 64) + "\"}";
    CHECK(contains(refusal(configuration(row_0 + ", " + row_1, R"("msr_modifiers": [)" + msr + ", " + msr + "]")),
                   "MSR 0x8b again"));
    CHECK(contains(refusal(R"({"kernel_version": 6, "guest_cpu_config": )" + configuration(row_0 + ", " + row_1) + "}"),
                   "strings beside"));
}

TEST_CASE("rows of one key that differ are refused", "[firecracker]") {
    CHECK_FALSE(refusal(with_row(row("0x7", "0x0", {0, 1, 0, 0}) + ", " + row("0x7", "0x0", {0, 2, 0, 0}))).empty());
}

}  // namespace poolcpuid::test::firecracker_test
