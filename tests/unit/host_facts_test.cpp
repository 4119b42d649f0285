// Hosts by their CPU: what a policy says of each class of hosts, and of lists that are too long for names.

#include <string>
#include <vector>

#include "base/sha256.hpp"
#include "hosts/vendor_counter.hpp"
#include "poolcpuid/cpu.hpp"
#include "poolcpuid/policy.hpp"
#include "tests/catch.hpp"
#include "tests/support/host_builder.hpp"
#include "tests/support/merged.hpp"

namespace poolcpuid::test::host_facts_test {

namespace {

constexpr std::uint32_t rome = 0x00830F10;   // SDM-style EAX of leaf 1: family 17h, model 31h (policy/models.json)
constexpr std::uint32_t milan = 0x00A00F11;  // family 19h, model 01h
constexpr std::uint32_t avx2 = 0x20;         // leaf 7 EBX bit 5

void add(std::vector<HostDump>& hosts, std::size_t count, const std::string& name, const TableBuilder& table) {
    for (std::size_t i = 0; i < count; ++i) {
        HostDump host = hardware_host(name + std::to_string(i), table);
        host.sha256 = sha256_hex(host.name);
        hosts.push_back(std::move(host));
    }
}

// 12 of Rome without AVX2, 3 of Milan with it.
std::vector<HostDump> fleet() {
    std::vector<HostDump> hosts;
    add(hosts, 12, "rome-", amd_table(rome));
    add(hosts, 3, "milan-", amd_table(milan).set(7, 0, ebx, avx2));
    return hosts;
}

}  // namespace

TEST_CASE("a class of hosts has the CPU, microcode, kernel and hypervisor of its dump", "[policy][cpus]") {
    HostDump host = with_hypervisor(hardware_host("rome-0", amd_table(rome)), amd_table(rome));
    host.meta = {{"kernel", "6.1.0-37-amd64"}, {"microcode", "0x830107c"}};
    const HostFacts facts = Merged({host}).policy.hosts.front().facts;
    REQUIRE(facts.cpu.has_value());
    CHECK(full_text(*facts.cpu) == "Rome, Castle Peak (family 23, model 49, stepping 0)");
    CHECK(facts.cpu->microarchitecture == "Zen 2");
    CHECK(facts.microcode == 0x830107cU);
    CHECK(facts.kernel == "6.1.0-37-amd64");
    CHECK(facts.vmm == host.hypervisor->name);
}

TEST_CASE("a CPU that the model table does not know goes by its numbers", "[policy][cpus]") {
    const Cpu unknown = cpu_of(builtin_rulebook(), builtin_rulebook().vendor_of("AuthenticAMD"), {99, 7, 1});
    CHECK(short_text(unknown) == "family 99, model 7");
    CHECK(full_text(unknown) == "family 99, model 7, stepping 1");
}

TEST_CASE("lists of hosts count their CPUs, in values, deciders and findings", "[policy][cpus]") {
    const Merged pool(fleet());
    const Decision* decision = pool.decision("avx2");
    REQUIRE(decision != nullptr);
    REQUIRE(decision->values.size() == 2);
    CHECK(decision->values[0].cpus == CpuCounts{{"Rome", 12}});
    CHECK(decision->values[1].cpus == CpuCounts{{"Milan", 3}});
    CHECK(decision->because.count == 12);
    CHECK(decision->because.cpus == CpuCounts{{"Rome", 12}});
    CHECK(cpus_of(pool.policy) == CpuCounts{{"Milan", 3}, {"Rome", 12}});
    const Finding* views = pool.finding("no-hypervisor-view");
    REQUIRE(views != nullptr);
    CHECK(views->hosts.count == 12);  // what Milan does not show is another list, and a finding of its own
    CHECK(views->hosts.names.size() == most_names);
    CHECK(views->hosts.cpus == CpuCounts{{"Rome", 12}});
    CHECK_THAT(views->message, Catch::Contains("of 12 hosts (Rome ×12) is"));
}

TEST_CASE("a policy of many hosts is read back with its CPUs, listed or not", "[policy][cpus]") {
    const PoolPolicy policy = Merged(fleet()).policy;
    CHECK(read_policy(to_json(policy), "pool.json") == policy);
}

TEST_CASE("vendors are counted as hosts come, each name once", "[hosts][cpus]") {
    const Cpu cpu = *cpu_of(builtin_rulebook(), amd_table(rome).table());
    hosts::VendorCounter counter;
    CHECK(counter.counts().empty());
    counter.add("x", "GenuineIntel", std::nullopt);
    for (const char* name : {"a", "b", "a"}) counter.add(name, "AuthenticAMD", cpu);
    counter.add("c", "AuthenticAMD", std::nullopt);
    counter.add("d", "", std::nullopt);
    CHECK(text_of(counter.counts()) == "3 AuthenticAMD (Rome ×2), 1 of no vendor, 1 GenuineIntel");
}

}  // namespace poolcpuid::test::host_facts_test
