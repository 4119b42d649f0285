// The retpoline promise of real hosts: which of RSBA, RRSBA and enhanced IBRS their pools show.

#include <algorithm>
#include <cstdint>
#include <cstring>
#include <string>
#include <vector>

#include "tests/catch.hpp"
#include "tests/support/corpus.hpp"
#include "tests/support/law_divisor.hpp"
#include "tests/support/policy_fields.hpp"

namespace poolcpuid::test::retpoline_test {

namespace {

constexpr std::uint64_t eibrs = 0x2;  // of IA32_ARCH_CAPABILITIES
constexpr std::uint64_t rsba = 0x4;
constexpr std::uint64_t rrsba = 0x80000;

struct Row {
    std::vector<std::string> hosts;
    std::uint64_t bits;  // RSBA, RRSBA and enhanced IBRS in the policy
};

void check_row(const Row& row) {
    CAPTURE(row.hosts);
    std::vector<HostDump> hosts;
    for (const std::string& name : row.hosts) hosts.push_back(real_host(name));
    const Merged pool(hosts);
    const std::uint64_t value = msr_of(pool.policy, arch_capabilities).value_or(0);
    CHECK((value & (eibrs | rsba | rrsba)) == row.bits);
    CHECK(value_of(pool, "arch_caps") == (value != 0 ? 1U : 0U));
}

const std::string kaby_lake = "libvirt/x86_64-cpuid-Core-i7-8550U";
const std::string haswell = "instlatx64/GenuineIntel00306F2_HaswellEP_04_CPUID";
const std::string broadwell = "instlatx64/GenuineIntel00406F1_BroadwellE_02_CPUID";
const std::string broadwell_old_microcode = "instlatx64/GenuineIntel00406F1_BroadwellE_CPUID4";
const std::string skylake = "instlatx64/GenuineIntel0050654_SkylakeXeon_20_CPUID";
const std::string cascade_lake = "firecracker/fingerprint_INTEL_CASCADELAKE_6.1host";
const std::string ice_lake = "firecracker/fingerprint_INTEL_ICELAKE_6.1host";
const std::string sapphire_rapids = "instlatx64/GenuineIntel00806F8_SapphireRapids_06_CPUID";
const std::string emerald_rapids = "instlatx64/GenuineIntel00C06F2_EmeraldRapids_03_CPUID";
const std::string granite_rapids = "instlatx64/GenuineIntel00A06D1_GraniteRapids_03_CPUID";

}  // namespace

TEST_CASE("one real host and the retpoline promise", "[corpus][retpoline]") {
    const std::vector<Row> rows{
        {{kaby_lake}, rsba},                                                  // 48; by its model
        {{"libvirt/x86_64-cpuid-Ice-Lake-Server"}, eibrs | rrsba},            // B; by its model
        {{"libvirt/x86_64-cpuid-Xeon-Platinum-8268"}, eibrs | rrsba},         // 2B; by its model
        {{"instlatx64/GenuineIntel00606A6_ICX_CPUID3"}, eibrs | rrsba},       // 1EB; by its model
        {{"instlatx64/GenuineIntel0090672_AlderLake_01_LC"}, eibrs | rrsba},  // D6B; by its model
        {{ice_lake}, eibrs | rrsba},                                          // C02A0EB; by its model
        {{cascade_lake}, eibrs | rrsba},                                      // C0AA0EB
        {{sapphire_rapids}, eibrs | rrsba},                                   // A8FDEB
        {{granite_rapids}, eibrs | rrsba},                                    // 2DA9FDEB
        {{"instlatx64/GenuineIntel00B0671_RaptorLake_14"}, eibrs | rrsba},    // CC8FD6B
        {{"instlatx64/GenuineIntel00C0652_ArrowLakeH_04"}, eibrs | rrsba},    // DE9FD6B
        {{emerald_rapids}, eibrs | rrsba},                                    // 6C28FDEB
        {{haswell}, 0},                                                       // no such MSR; safe by its model
        {{skylake}, rsba},                                                    // no such MSR; by its model
        {{broadwell}, 0},                                                     // microcode B000038
        {{broadwell_old_microcode}, rsba},  // B000010, from before returns were made safe
    };
    for (const Row& row : rows) check_row(row);
}

TEST_CASE("pools of real hosts and the retpoline promise", "[corpus][retpoline]") {
    const std::vector<Row> rows{
        {{cascade_lake, ice_lake}, eibrs | rrsba},
        {{sapphire_rapids, emerald_rapids, granite_rapids}, eibrs | rrsba},
        {{haswell, cascade_lake}, rsba},  // enhanced IBRS is lost
        {{skylake, cascade_lake}, rsba},
        {{kaby_lake, granite_rapids}, rsba},
        {{haswell, "instlatx64/GenuineIntel00306F2_HaswellEP_CPUID"}, 0},
        {{haswell, skylake}, rsba},
        {{haswell, broadwell}, 0},
        {{broadwell, broadwell_old_microcode}, rsba},
    };
    for (const Row& row : rows) check_row(row);
}

TEST_CASE("an AMD host for which KVM makes the MSR up offers none of it", "[corpus][retpoline]") {
    for (const char* name :
         {"libvirt/x86_64-cpuid-EPYC-7502-32-Core", "libvirt/x86_64-cpuid-Ryzen-9-3900X-12-Core"}) {  // 69
        CAPTURE(name);
        const Merged pool({real_host(name)});
        CHECK_FALSE(msr_of(pool.policy, arch_capabilities).has_value());
        CHECK(pool.bit(7, 0, edx, 29) == 0);
    }
}

namespace {

// A real host of Zhaoxin's design, whatever vendor string it shows, with IA32_ARCH_CAPABILITIES of that value.
HostDump with_capabilities(HostDump host, const std::string& vendor, std::uint64_t value) {
    host.name += " " + vendor + " " + std::to_string(value);
    for (LogicalCpu& cpu : host.hardware->cpus) {
        for (CpuidRow& row : cpu.cpuid.rows) {
            if (row.key == LeafKey{7, 0}) row.value.edx |= 1U << 29;
            if (row.key != LeafKey{0, 0}) continue;
            row.value.eax = std::max(row.value.eax, 7U);
            std::memcpy(&row.value.ebx, vendor.data(), 4);
            std::memcpy(&row.value.edx, vendor.data() + 4, 4);
            std::memcpy(&row.value.ecx, vendor.data() + 8, 4);
        }
        if (cpu.cpuid.find({7, 0}) == nullptr) cpu.cpuid.rows.push_back({{7, 0}, {0, 0, 0, 1U << 29}});
        std::sort(cpu.cpuid.rows.begin(), cpu.cpuid.rows.end(),
                  [](const CpuidRow& a, const CpuidRow& b) { return a.key < b.key; });
    }
    host.hardware->msrs = std::vector<MsrRow>{{arch_capabilities, value}};
    const std::string name = host.name;
    return with_digest(std::move(host), name);
}

}  // namespace

TEST_CASE("no pool of Zhaoxin's hosts shows RSBA and RRSBA together", "[corpus][retpoline]") {
    for (const std::string vendor : {"CentaurHauls", "  Shanghai  "}) {
        std::vector<HostDump> hosts;
        for (const HostDump& real : real_hosts()) {
            if (vendor_string(real.first_table()) != "CentaurHauls") continue;
            hosts.push_back(real);
            for (const std::uint64_t value : {std::uint64_t{0}, eibrs, rsba, rrsba, eibrs | rsba, eibrs | rrsba,
                                              rsba | rrsba, eibrs | rsba | rrsba})
                hosts.push_back(with_capabilities(real, vendor, value));
        }
        std::size_t pairs = 0;
        std::size_t pools = 0;
        std::size_t relaxed = 0;
        for (std::size_t i = 0; i < hosts.size(); ++i) {
            for (std::size_t j = i; j < hosts.size(); ++j) {
                if (vendor_string(hosts[i].first_table()) != vendor_string(hosts[j].first_table())) continue;
                if (!is_in_part(pairs)) continue;
                PoolState state(builtin_rulebook());
                state.add(hosts[i]);
                if (i != j) state.add(hosts[j]);
                const std::uint64_t shown = msr_of(state.finish({}), arch_capabilities).value_or(0);
                ++pools;
                relaxed += (shown & (rsba | rrsba)) != 0 ? 1 : 0;
                if ((shown & rsba) != 0) CHECK((shown & (rrsba | eibrs)) == 0);
                if ((shown & rrsba) != 0) CHECK((shown & eibrs) != 0);
            }
        }
        CHECK(pools > 500 / law_divisor());
        CHECK(relaxed > pools / 2);
    }
}

}  // namespace poolcpuid::test::retpoline_test
