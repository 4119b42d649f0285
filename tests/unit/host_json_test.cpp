// Reading our own host document: strict, and exact in what it says is wrong.

#include "dump/host_json.hpp"

#include "tests/catch.hpp"
#include "tests/unit/host_samples.hpp"

namespace poolcpuid::test::host_json_test {

namespace {

const std::string leaf_7 =
    R"({"leaf": "0x7", "subleaf": "0x0", "eax": "0x1", "ebx": "0x20", "ecx": "0x0", "edx": "0x00000010"})";

std::string with_msrs(const std::string& msrs) {
    return document(R"("hardware": {"cpus": [{"cpu": 0, )" + cpuid_member() + R"(}], "msrs": [)" + msrs + "]}");
}

std::string with_unknown(const std::string& unknown) {
    return document(one_cpu(leaf_7, R"("unknown": [)" + unknown + "]"));
}

}  // namespace

TEST_CASE("a host document is read as it stands", "[host_json]") {
    const HostDump host = read_host(document(R"("hardware": {"cpus": [{"cpu": 3, )" + cpuid_member(leaf_7) +
                                                 R"(, "unknown": [{"leaf": "0x7", "subleaf": "0x1"}, {"leaf": "0x4"}]}],
            "msrs": [{"index": "0x480", "fault": true}, {"index": "0x10a", "value": "0x2b"}]},
            "hypervisor": {"name": "kvm", )" + cpuid_member() +
                                                 "}",
                                             R"("name": "node-17", "meta": {"kernel": "6.1", "microcode": "0x1"})"));
    CHECK(host.name == "node-17");
    CHECK(host.format == "host-json");
    REQUIRE(host.hardware);
    REQUIRE(host.hardware->cpus.size() == 1);
    CHECK(host.hardware->cpus[0].number == 3);
    const CpuidTable& table = host.hardware->cpus[0].cpuid;
    CHECK(table.rows.size() == 3);
    REQUIRE(table.find({7, 0}) != nullptr);
    CHECK(*table.find({7, 0}) == Registers{1, 0x20, 0, 0x10});
    CHECK(table.unknown == std::vector<UnknownRow>{{4, std::nullopt}, {7, 1}});
    CHECK(host.hardware->msrs == std::vector<MsrRow>{{0x10a, 0x2b}, {0x480, std::nullopt}});
    REQUIRE(host.hypervisor);
    CHECK(host.hypervisor->name == "kvm");
    CHECK_FALSE(host.hypervisor->msrs);
    CHECK(host.meta == std::map<std::string, std::string>{{"kernel", "6.1"}, {"microcode", "0x1"}});
    CHECK(host.notes.empty());
}

TEST_CASE("rows may stand in any order and come out sorted", "[host_json]") {
    const HostDump host = read_host(
        document(R"("hardware": {"cpus": [{"cpu": 0, "cpuid": [)" + leaf_7 + ", " + leaf_1 + ", " + leaf_0 + "]}]}"));
    const auto& rows = host.hardware->cpus[0].cpuid.rows;
    REQUIRE(rows.size() == 3);
    CHECK(rows[0].key == LeafKey{0, 0});
    CHECK(rows[2].key == LeafKey{7, 0});
}

TEST_CASE("a list of no MSRs is not the same as no list of MSRs", "[host_json]") {
    CHECK(read_host(with_msrs("")).hardware->msrs == std::vector<MsrRow>{});
    CHECK_FALSE(read_host(document(one_cpu())).hardware->msrs);
}

TEST_CASE("another document of ours is refused as what it is", "[host_json]") {
    CHECK(
        refusal(R"({"schema": "poolcpuid/policy/v1", "pool": "p"})") ==
        "host.json:1: expected a host document, with \"schema\": \"poolcpuid/host/v1\", found \"poolcpuid/policy/v1\", "
        "a policy (where one is taken, it is a file of its own, as it stands; else give the dumps of the hosts)");
    CHECK(refusal(R"({"schema": "poolcpuid/kvm/v1", "views": {}})")
              .ends_with("\"poolcpuid/kvm/v1\", which is read where it is a file of its own"));
    CHECK(refusal(R"({"schema": "poolcpuid/plan/v1"})").ends_with("which is no host's (give the dumps of the hosts)"));
    CHECK(refusal(R"({"schema": "poolcpuid/host/v2", "views": {}})").ends_with("found \"poolcpuid/host/v2\""));
    CHECK(contains(refusal(R"({"views": {}})"), "expected \"schema\" in a host document, found none"));
    CHECK(contains(refusal(R"({"schema": 1, "views": {}})"), "found 1"));
}

TEST_CASE("unknown keys are refused everywhere", "[host_json]") {
    const std::string extra = R"("x": 0)";
    CHECK(contains(refusal(document(one_cpu(), extra)), "only known keys in a host document, found \"x\""));
    CHECK(contains(refusal(document(one_cpu() + ", " + extra)), "only known keys in \"views\""));
    CHECK(contains(refusal(document(one_cpu("", extra))), "only known keys in a logical CPU"));
    CHECK(contains(refusal(document(R"("hardware": {"cpus": [{"cpu": 0, )" + cpuid_member() + "}], " + extra + "}")),
                   "only known keys in the hardware view"));
    CHECK(contains(refusal(document(R"("hypervisor": {"name": "kvm", )" + cpuid_member() + ", " + extra + "}")),
                   "only known keys in the hypervisor view"));
    CHECK(contains(refusal(document(one_cpu(R"({"leaf": "0x7", "subleaf": "0x0", "eax": "0x0", "ebx": "0x0",
                                                "ecx": "0x0", "edx": "0x0", "esi": "0x0"})"))),
                   "host.json:2: expected only known keys in a CPUID row, found \"esi\""));
    CHECK(contains(refusal(with_unknown(R"({"leaf": "0x7", "x": "0x0"})")), "only known keys in an unknown row"));
    CHECK(contains(refusal(with_msrs(R"({"index": "0x1", "value": "0x0", "x": 1})")), "only known keys in an MSR"));
}

TEST_CASE("repeated keys are refused", "[host_json]") {
    CHECK(contains(refusal(document(one_cpu(), R"("name": "a", "name": "a")")), "key \"name\" again"));
}

TEST_CASE("a CPUID row has all four registers, each of at most 8 digits", "[host_json]") {
    CHECK(contains(
        refusal(document(one_cpu(R"({"leaf": "0x7", "subleaf": "0x0", "eax": "0x0", "ebx": "0x0", "ecx": "0x0"})"))),
        "\"edx\" in a CPUID row, found none"));
    CHECK(contains(
        refusal(document(one_cpu(R"({"leaf": "0x7", "eax": "0x0", "ebx": "0x0", "ecx": "0x0", "edx": "0x0"})"))),
        "\"subleaf\" in a CPUID row"));
    for (const char* wrong : {R"("0x123456789")", R"("7")", R"("0x")", R"("-0x1")", "7", "null"}) {
        CAPTURE(wrong);
        CHECK(contains(refusal(document(one_cpu(R"({"leaf": "0x7", "subleaf": "0x0", "eax": )" + std::string(wrong) +
                                                R"(, "ebx": "0x0", "ecx": "0x0", "edx": "0x0"})"))),
                       "hexadecimal digits"));
    }
}

TEST_CASE("a row stands once, even with the same values", "[host_json]") {
    CHECK(contains(refusal(document(one_cpu(leaf_7 + ", " + leaf_7))),
                   "each CPUID row once, found leaf 0x7 subleaf 0x0 again"));
    CHECK(contains(refusal(with_unknown(R"({"leaf": "0x4"}, {"leaf": "0x4"})")), "found leaf 0x4 again"));
    CHECK(contains(refusal(with_msrs(R"({"index": "0x1", "value": "0x0"}, {"index": "0x1", "fault": true})")),
                   "MSR 0x1 again"));
}

TEST_CASE("a row is not both listed and unknown", "[host_json]") {
    CHECK(contains(refusal(with_unknown(R"({"leaf": "0x7", "subleaf": "0x0"})")),
                   "no row that is both listed and unknown, found leaf 0x7 subleaf 0x0"));
    // A whole leaf that is unknown means the subleaves that are not listed.
    CHECK(read_host(with_unknown(R"({"leaf": "0x7"})")).hardware->cpus[0].cpuid.is_unknown({7, 1}));
}

TEST_CASE("rows beyond the maximum leaf are dropped with a note", "[host_json]") {
    const HostDump host = read_host(document(
        one_cpu(R"({"leaf": "0x8", "subleaf": "0x0", "eax": "0x1", "ebx": "0x1", "ecx": "0x1", "edx": "0x1"})")));
    CHECK(host.hardware->cpus[0].cpuid.find({8, 0}) == nullptr);
    REQUIRE(host.notes.size() == 1);
    CHECK(host.notes[0].code == "rows-beyond-maximum");
}

TEST_CASE("a hypervisor's own leaves are kept in its view though leaf 1 does not show a hypervisor", "[host_json]") {
    const auto row = [](const std::string& leaf, const std::string& eax, const std::string& signature) {
        return R"({"leaf": ")" + leaf + R"(", "subleaf": "0x0", "eax": ")" + eax + "\", " + signature + "}";
    };
    const std::string kvm = R"("ebx": "0x4b4d564b", "ecx": "0x564b4d56", "edx": "0x4d")";
    const std::string none = R"("ebx": "0x0", "ecx": "0x0", "edx": "0x0")";
    // Old versions of KVM give 0 as the maximum of a block that has two leaves.
    for (const char* maximum : {"0x40000001", "0x0"}) {
        CAPTURE(maximum);
        const std::string rows = row("0x40000000", maximum, kvm) + ", " + row("0x40000001", "0x1007efb", none);
        const HostDump host =
            read_host(document(one_cpu(rows) + R"(, "hypervisor": {"name": "kvm", )" + cpuid_member(rows) + "}"));
        CHECK(host.hardware->cpus[0].cpuid.find({0x40000001, 0}) == nullptr);
        REQUIRE(host.hypervisor->cpuid.find({0x40000001, 0}) != nullptr);
        CHECK(host.hypervisor->cpuid.find({0x40000001, 0})->eax == 0x1007EFB);
    }
    const std::string beyond = row("0x40000002", "0x1", none);
    CHECK(read_host(document(R"("hypervisor": {"name": "kvm", )" + cpuid_member(beyond) + "}"))
              .hypervisor->cpuid.rows.size() == 2);
}

TEST_CASE("what is unknown is what the document says, nothing more", "[host_json]") {
    CHECK(read_host(document(one_cpu())).hardware->cpus[0].cpuid.unknown.empty());
}

TEST_CASE("a host without leaf 0 or leaf 1 is refused", "[host_json]") {
    const auto only = [](const std::string& rows) {
        return refusal(document(R"("hardware": {"cpus": [{"cpu": 0, "cpuid": [)" + rows + "]}]}"));
    };
    CHECK(contains(only(leaf_0), "leaf 0x1 in each logical CPU, found none"));
    CHECK(contains(only(leaf_1), "leaf 0x0 in each logical CPU, found none"));
    CHECK_FALSE(only("").empty());
}

TEST_CASE("views and CPUs of two vendors are refused", "[host_json]") {
    const std::string intel = R"("cpuid": [)" + intel_leaf_0 + ", " + leaf_1 + "]";
    const std::string expected = "CPUs of one vendor, \"AuthenticAMD\", found \"GenuineIntel\"";
    CHECK(contains(refusal(document(R"("hardware": {"cpus": [{"cpu": 0, )" + cpuid_member() + R"(}, {"cpu": 1, )" +
                                    intel + "}]}")),
                   expected));
    CHECK(contains(refusal(document(one_cpu() + R"(, "hypervisor": {"name": "kvm", )" + intel + "}")), expected));
}

TEST_CASE("a host has at least one view, and a hardware view at least one CPU", "[host_json]") {
    CHECK(contains(refusal(document("")), "\"hardware\" or \"hypervisor\" in \"views\", found none"));
    CHECK(contains(refusal(document(R"("hardware": {"cpus": []})")), "at least one logical CPU"));
    CHECK(contains(refusal(document(R"("hardware": {})")), "\"cpus\" in the hardware view"));
    CHECK(contains(refusal(R"({"schema": "poolcpuid/host/v1"})"), "\"views\" in a host document"));
    CHECK(read_host(document(R"("hypervisor": {"name": "xen", )" + cpuid_member() + "}")).hypervisor->name == "xen");
}

TEST_CASE("CPU numbers are whole numbers, each once", "[host_json]") {
    const auto numbered = [](const std::string& first, const std::string& second) {
        return refusal(document(R"("hardware": {"cpus": [{"cpu": )" + first + ", " + cpuid_member() + R"(}, {"cpu": )" +
                                second + ", " + cpuid_member() + "}]}"));
    };
    CHECK(numbered("0", "4294967295").empty());
    CHECK(contains(numbered("1", "1"), "each logical CPU once, found CPU 1 again"));
    for (const char* wrong : {"-1", "1.0", "1e3", "4294967296", "\"1\"", "null"}) {
        CAPTURE(wrong);
        CHECK(contains(numbered("0", wrong), "a number from 0 to 4294967295"));
    }
}

TEST_CASE("an MSR has a value or a fault", "[host_json]") {
    CHECK(
        read_host(with_msrs(R"({"index": "0xc0011029", "value": "0xffffffffffffffff"})")).hardware->msrs->at(0).value ==
        0xFFFFFFFFFFFFFFFF);
    CHECK(contains(refusal(with_msrs(R"({"index": "0x1"})")), "either \"value\" or \"fault\" in an MSR, found none"));
    CHECK(contains(refusal(with_msrs(R"({"index": "0x1", "value": "0x0", "fault": true})")), "found both"));
    CHECK(contains(refusal(with_msrs(R"({"index": "0x1", "fault": false})")), "true as \"fault\""));
    CHECK(contains(refusal(with_msrs(R"({"index": "0x123456789", "fault": true})")), "8 hexadecimal digits"));
    CHECK(contains(refusal(with_msrs(R"({"index": "0x1", "value": "0x00000000000000000"})")), "16 hexadecimal digits"));
}

TEST_CASE("meta is text", "[host_json]") {
    const auto meta = [](const std::string& members) {
        return refusal(document(one_cpu(), R"("meta": {)" + members + "}"));
    };
    CHECK(meta(R"("kernel": "")").empty());
    CHECK(meta(R"("k": ")" + std::string(4096, 'x') + "\"").empty());
    CHECK(contains(meta(R"("k": ")" + std::string(4097, 'x') + "\""), "4097 bytes"));
    CHECK(contains(meta(R"("kernel": 6)"), "strings in \"meta\", found 6"));
    CHECK(contains(meta(R"("kernel": "\u001b[2J")"), "control character U+001B"));
    CHECK(contains(meta(R"("\u202e": "x")"), "U+202E"));
}

TEST_CASE("a revision in a spelling that is not read is told", "[host_json]") {
    const auto notes = [](const std::string& revision) {
        return read_host(document(one_cpu(), R"("meta": {"microcode": ")" + revision + "\"}")).notes;
    };
    for (const char* const fine : {"0x8301055", "0x0", "0xffffffff"}) CHECK(notes(fine).empty());
    for (const char* const odd : {"8301055", "137367637", "", "unknown", "0x123456789"}) {
        CAPTURE(odd);
        REQUIRE(notes(odd).size() == 1);
        CHECK(notes(odd).front().code == "microcode-unknown");
        CHECK(contains(notes(odd).front().message, "\"" + std::string(odd) + "\""));
    }
}

TEST_CASE("a name in the document must be a name", "[host_json]") {
    const auto named = [](const std::string& name) { return refusal(document(one_cpu(), R"("name": )" + name)); };
    CHECK(named("\"größe-1\"").empty());
    CHECK(contains(named("\"\""), "an empty name"));
    CHECK(contains(named("\"a\\u0007\""), "control character U+0007"));
    CHECK(contains(named("17"), "a string as a host's name"));
    CHECK(contains(named("\"" + std::string(256, 'a') + "\""), "256 bytes"));
}

TEST_CASE("an error names the line of the value", "[host_json]") {
    CHECK(contains(refusal("{\"schema\": \"poolcpuid/host/v1\",\n\"name\":\n 7,\n\"views\": {}}"), "host.json:3: "));
}

}  // namespace poolcpuid::test::host_json_test
