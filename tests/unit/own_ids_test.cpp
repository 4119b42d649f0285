// A logical CPU that differs from another in nothing but its ids is not understood again: what comes of a host is the
// same.
#include "dump/own_ids.hpp"
#include "base/id_bits.hpp"

#include <random>
#include <string>

#include "poolcpuid/load_rulebook.hpp"
#include "poolcpuid/pool_state.hpp"
#include "poolcpuid/read_hosts.hpp"
#include "poolcpuid/rulebook.hpp"
#include "poolcpuid/write_hosts.hpp"
#include "tests/catch.hpp"
#include "tests/unit/host_samples.hpp"

namespace poolcpuid::test::own_ids_test {

using dump::equal_but_ids;

HostDump example(const std::string& file) {
    const std::string path = std::string(POOLCPUID_SOURCE_DIR) + "/examples/" + file;
    return read_host(read_file(path), "host.txt");
}

// The first CPU's table with the ids that the SDM and the APM give each logical CPU.
CpuidTable with_ids(CpuidTable table, std::uint32_t id) {
    for (CpuidRow& row : table.rows) {
        const Registers ids = own_ids(row.key.leaf);
        for (const Register reg : all_registers)
            row.value[reg] = (row.value[reg] & ~ids[reg]) | (0x01010101U * id & ids[reg]);
    }
    return table;
}

HostDump with_cpus(HostDump host, std::uint32_t count) {
    for (std::uint32_t i = 1; i < count; ++i) {
        host.hardware->cpus.push_back({i, with_ids(host.hardware->cpus.front().cpuid, i)});
    }
    return host;
}

Registers* find(CpuidTable& table, LeafKey key) {
    for (CpuidRow& row : table.rows) {
        if (row.key == key) return &row.value;
    }
    return nullptr;
}

bool same_promises(const HostDump& one, const HostDump& other) {
    PoolState a(builtin_rulebook());
    PoolState b(builtin_rulebook());
    a.add(one);
    b.add(other);
    return a.same_promises(b);
}

TEST_CASE("rows that differ in ids are equal but for them", "[own_ids]") {
    const CpuidRow first{{0x1, 0}, {0xA10F11, 0x00200800, 0x7EFA320B, 0x178BFBFF}};
    CpuidRow other = first;
    other.value.ebx = 0x1F200800;
    CHECK(equal_but_ids(first, other));
    other.value.ebx = 0x1F200801;
    CHECK_FALSE(equal_but_ids(first, other));
    CHECK_FALSE(equal_but_ids(first, CpuidRow{{0x2, 0}, first.value}));
    // A list of levels that is empty but for the id is no list (SDM vol. 2A, CPUID 0Bh).
    CHECK_FALSE(equal_but_ids(CpuidRow{{0xB, 0}, {0, 0, 0, 1}}, CpuidRow{{0xB, 0}, {0, 0, 0, 2}}));
    CHECK(equal_but_ids(CpuidRow{{0xB, 0}, {1, 2, 0x100, 1}}, CpuidRow{{0xB, 0}, {1, 2, 0x100, 2}}));
}

TEST_CASE("CPUs with other ids promise what the first promises, and one that lacks a feature takes it away",
          "[own_ids]") {
    for (const char* file :
         {"amd-zen/hosts/milan-1.txt", "amd-zen/hosts/genoa-1.txt", "intel-haswell-skylake/hosts/haswell-1.txt"}) {
        INFO(file);
        const HostDump one = example(file);
        HostDump many = with_cpus(one, 12);
        CHECK(same_promises(one, many));
        Registers* features = find(many.hardware->cpus.back().cpuid, {0x7, 0});
        REQUIRE(features != nullptr);
        features->ebx &= ~(1U << 5);  // AVX2
        CHECK_FALSE(same_promises(one, many));
    }
}

TEST_CASE("of hosts in which each CPU is another, all count", "[own_ids]") {
    const HostDump one = example("amd-zen/hosts/milan-1.txt");
    HostDump many = with_cpus(one, 20);
    for (std::uint32_t i = 1; i < 20; ++i) find(many.hardware->cpus[i].cpuid, {0x7, 0})->ebx &= ~(1U << i);
    HostDump least = one;
    for (std::uint32_t i = 1; i < 20; ++i) find(least.hardware->cpus[0].cpuid, {0x7, 0})->ebx &= ~(1U << i);
    CHECK(same_promises(many, least));
}

HostDump written_and_read(const HostDump& host) {
    std::vector<std::string> warnings;
    return read_host(to_cpuid_r(host, warnings), "host.txt");
}

// Rows that repeat the last CPU's are not parsed, and tables that repeat are copied.
TEST_CASE("of a dump in which CPUs differ here and there each is read as if it stood alone", "[own_ids]") {
    std::mt19937 random(20261129);
    for (int round = 0; round < 40; ++round) {
        HostDump host = with_cpus(example("amd-zen/hosts/milan-1.txt"), 10);
        host.hardware->msrs.reset();
        for (LogicalCpu& cpu : host.hardware->cpus) {
            for (CpuidRow& row : cpu.cpuid.rows) {
                if (row.key.leaf > 1 && random() % 200 == 0) row.value.edx ^= 1U << random() % 32;
            }
        }
        const HostDump again = written_and_read(host);
        REQUIRE(again.hardware->cpus.size() == host.hardware->cpus.size());
        for (std::size_t i = 0; i < host.hardware->cpus.size(); ++i) {
            INFO("round " << round << ", CPU " << i);
            HostDump alone = host;
            alone.hardware->cpus = {host.hardware->cpus[i]};
            CHECK(again.hardware->cpus[i].cpuid == written_and_read(alone).hardware->cpus.front().cpuid);
        }
    }
}

}  // namespace poolcpuid::test::own_ids_test
