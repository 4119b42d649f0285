// Reading lists of KVM's CPUID entries: our own document of render --to kvm, and what Cloud Hypervisor keeps of a VM.

#include "tests/catch.hpp"
#include "tests/unit/host_samples.hpp"

namespace poolcpuid::test::kvm_entries_test {

namespace {

// An entry with numbers, as serde writes it.
std::string entry(std::uint32_t function, std::uint32_t index, int flags, const Registers& r) {
    const auto member = [](const char* key, std::uint32_t value) {
        return "\"" + std::string(key) + "\": " + std::to_string(value);
    };
    return "{" + member("function", function) + ", " + member("index", index) + ", " +
           member("flags", static_cast<std::uint32_t>(flags)) + ", " + member("eax", r.eax) + ", " +
           member("ebx", r.ebx) + ", " + member("ecx", r.ecx) + ", " + member("edx", r.edx) + "}";
}

const std::string entry_0 = entry(0, 0, 0, {0xd, 0x68747541, 0x444d4163, 0x69746e65});
const std::string entry_1 = entry(1, 0, 0, {0xa10f11, 0, 0x8c000001, 2});  // XSAVE, OSXSAVE, hypervisor

std::string list(const std::string& more = "") {
    return "[\n" + entry_0 + ",\n" + entry_1 + (more.empty() ? "" : ",\n" + more) + "\n]";
}

const std::string own_entry_0 =
    R"({"function": "0x0", "index": "0x0", "flags": 0, "eax": "0x0000000d", "ebx": "0x68747541", "ecx": "0x444d4163",
        "edx": "0x69746e65"})";
const std::string own_entry_1 =
    R"({"function": "0x1", "index": "0x0", "flags": 0, "eax": "0x00a10f11", "ebx": "0x00000000", "ecx": "0x00000001",
        "edx": "0x00000002"})";

std::string own(const std::string& entries, const std::string& msrs = "") {
    return R"({"schema": "poolcpuid/kvm/v1", "pool": "zen", "vendor": "AuthenticAMD", "cpuid": [)" + entries +
           R"(], "msrs": [)" + msrs + R"(], "owned": []})";
}

}  // namespace

TEST_CASE("a list of KVM's entries is what a vCPU is given", "[kvm_entries]") {
    for (const std::string& text : {list(), R"({"vm_config": {"cpus": 1}, "common_cpuid": )" + list() + "}"}) {
        const HostDump host = read_host(text, "vm.json");
        CHECK(host.format == "kvm");
        CHECK(host.name == "vm");
        CHECK_FALSE(host.hardware);
        REQUIRE(host.hypervisor);
        CHECK(host.hypervisor->name == "kvm");
        CHECK_FALSE(host.hypervisor->msrs);
        CHECK(*host.hypervisor->cpuid.find({1, 0}) == Registers{0xa10f11, 0, 0x8c000001, 2});
        CHECK(host.hypervisor->cpuid.find({7, 0}) == nullptr);
    }
}

TEST_CASE("an entry without the flag of an index answers for every subleaf", "[kvm_entries]") {
    const HostDump host = read_host(list(entry(6, 9, 0, {4, 0, 0, 0}) + "," + entry(4, 1, 1, {5, 0, 0, 0}) + "," +
                                         R"({"function": 5, "index": 0, "flags": 0, "eax": 1, "ebx": 0, "ecx": 0,
                                             "edx": 0, "padding": [0, 0, 0]})"));
    CHECK(host.hypervisor->cpuid.find({6, 0})->eax == 4);
    CHECK(host.hypervisor->cpuid.find({4, 1})->eax == 5);
    CHECK(host.hypervisor->cpuid.find({5, 0})->eax == 1);
}

TEST_CASE("a document of render --to kvm is whole, with its MSRs", "[kvm_entries]") {
    const HostDump host =
        read_host(own(own_entry_0 + "," + own_entry_1, R"({"index": "0x10a", "data": "0x0000000000000008"})"));
    CHECK(host.format == "kvm");
    REQUIRE(host.hypervisor);
    CHECK(host.hypervisor->cpuid.unknown.empty());
    CHECK(host.hypervisor->msrs == std::vector<MsrRow>{{0x10a, 8}});
}

TEST_CASE("the revision that a policy shows is that of its hosts, another list's is its VMM's", "[kvm_entries]") {
    const auto msr = [](const std::string& data) { return R"({"index": "0x8b", "data": ")" + data + "\"}"; };
    const std::string entries = own_entry_0 + "," + own_entry_1;
    const HostDump host = read_host(own(entries, msr("0x000000000a101148")));
    CHECK(microcode_revision(host) == 0xa101148U);
    CHECK(host.meta.at("microcode") == "0xa101148");
    CHECK_FALSE(microcode_revision(read_host(own(entries))));
    CHECK_FALSE(microcode_revision(read_host(own(entries, msr("0x0000000000000000")))));
    HostDump other = host;
    other.meta.clear();
    CHECK_FALSE(microcode_revision(other));
}

TEST_CASE("what is wrong with KVM's entries is told", "[kvm_entries]") {
    const auto refused = [](const std::string& extra) { return refusal(list(extra), "vm.json"); };
    CHECK(
        contains(refused(R"({"function": 2, "index": 0, "flags": 0, "eax": 4294967296, "ebx": 0, "ecx": 0, "edx": 0})"),
                 "vm.json:4: expected a number of 32 bits as \"eax\" in a CPUID entry of KVM, found 4294967296"));
    CHECK(contains(refused(R"({"function": -2, "index": 0, "flags": 0, "eax": 0, "ebx": 0, "ecx": 0, "edx": 0})"),
                   "vm.json:4: expected a number of 32 bits as \"function\""));
    CHECK(contains(refused(R"({"function": 2, "index": 0, "eax": 0, "ebx": 0, "ecx": 0, "edx": 0})"),
                   "vm.json:4: expected \"flags\" in a CPUID entry of KVM, found none"));
    CHECK(
        contains(refused(R"({"function": 2, "index": 0, "flags": 0, "eax": 0, "ebx": 0, "ecx": 0, "edx": 0, "x": 1})"),
                 "vm.json:4: expected only known keys in a CPUID entry of KVM, found \"x\""));
    CHECK(contains(refusal(own("7"), "g.json"), "g.json:1: expected "));
    CHECK(contains(refused(entry(1, 0, 0, {1, 0, 0, 0})), "vm.json"));
    CHECK(contains(refusal("[" + entry_0 + "]", "vm.json"), "vm.json"));
    CHECK(contains(refusal(own(own_entry_0 + "," + own_entry_1, R"({"index": "0x10a", "data": 8})"), "g.json"),
                   "g.json:3: expected "));
}

TEST_CASE("a CPU profile of Cloud Hypervisor is refused as what it is", "[kvm_entries]") {
    CHECK(contains(refusal(R"({"hypervisor": "Kvm", "cpu_vendor": "Intel", "adjustments": []})"),
                   "a CPU profile of Cloud Hypervisor"));
}

}  // namespace poolcpuid::test::kvm_entries_test
