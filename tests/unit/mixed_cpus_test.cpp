// Hosts whose sockets hold CPUs of two models or steppings: what the model table says of one is not so of the other. A
// host is immune to what each of its CPUs is, does what one of them does, and it does not matter which comes first.

#include <algorithm>
#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "poolcpuid/audit.hpp"
#include "poolcpuid/check.hpp"
#include "tests/catch.hpp"
#include "tests/support/policy_fields.hpp"

namespace poolcpuid::test::mixed_cpus_test {

namespace {

constexpr std::uint32_t haswell_ep = 0x000306F2;
constexpr std::uint32_t skylake = 0x00050654;
constexpr std::uint32_t cascade_lake = 0x00050657;
constexpr std::uint32_t sapphire_rapids = 0x000806F8;
constexpr std::uint32_t rome = 0x00830F10;
constexpr std::uint32_t milan = 0x00A00F11;

constexpr std::uint32_t rtm = 1U << 11;       // leaf 7 EBX
constexpr std::uint32_t md_clear = 1U << 10;  // leaf 7 EDX

HostDump intel(const std::vector<std::uint32_t>& signatures, std::uint32_t leaf7_edx = 0) {
    std::vector<TableBuilder> cpus;
    for (const std::uint32_t signature : signatures) {
        cpus.push_back(intel_table(signature).reg(7, 0, ebx, rtm).reg(7, 0, edx, leaf7_edx));
    }
    return hardware_host("mixed", cpus, std::vector<MsrRow>{});
}

HostDump amd(const std::vector<std::uint32_t>& signatures, const std::string& microcode = {}) {
    std::vector<TableBuilder> cpus;
    for (const std::uint32_t signature : signatures) {
        cpus.push_back(amd_table(signature).reg(0x80000000, 0, eax, 0x80000021).row(0x80000021, 0, {}));
    }
    return with_microcode(hardware_host("mixed", cpus, std::vector<MsrRow>{}), microcode);
}

using Signatures = std::vector<std::uint32_t>;

Signatures reversed(Signatures signatures) {
    std::reverse(signatures.begin(), signatures.end());
    return signatures;
}

}  // namespace

TEST_CASE("a host is immune to what each of its CPUs is immune to", "[mixed]") {
    const HostDump patched =
        hardware_host("patched", std::vector{intel_table(haswell_ep).reg(7, 0, edx, md_clear)}, std::vector<MsrRow>{});
    const Signatures mixed{skylake, sapphire_rapids};
    for (const Signatures& signatures : {mixed, reversed(mixed)}) {
        CAPTURE(signatures);
        const Merged pool({patched, intel(signatures)});
        CHECK(pool.named_by("verw-promise-lost", "md_clear") == Names{"mixed"});
        const PolicyCheck check(builtin_rulebook(), Merged({intel({skylake})}).policy);
        const auto& violations = check.against(intel(signatures, md_clear)).violations;
        CHECK(std::any_of(violations.begin(), violations.end(),
                          [](const Violation& violation) { return violation.field == "md_clear"; }));
    }
    CHECK(Merged({patched, intel({sapphire_rapids, sapphire_rapids})}).finding("verw-promise-lost") == nullptr);
}

TEST_CASE("a host does badly what one of its CPUs does badly", "[mixed]") {
    // The model table says of Skylake that RET may be predicted from elsewhere, and of Haswell that it is not.
    CHECK(value_of(Merged({intel({haswell_ep})}), "ac_rsba") == 0);
    const Signatures mixed{skylake, haswell_ep};
    for (const Signatures& signatures : {mixed, reversed(mixed)}) {
        CAPTURE(signatures);
        CHECK(value_of(Merged({intel(signatures)}), "ac_rsba") == 1);
    }
    // Writes to FS_BASE serialize on Rome, and the dump of neither says so of Genoa.
    const Signatures zen{rome, 0x00A10F11};
    for (const Signatures& signatures : {zen, reversed(zen)}) {
        CAPTURE(signatures);
        CHECK(value_of(Merged({amd(signatures)}), "fs_gs_base_ns") == 1);
    }
}

TEST_CASE("what a dump leaves open the model table settles if it does so for each CPU", "[mixed]") {
    const auto silent = [](const Signatures& signatures) {
        std::vector<TableBuilder> cpus;
        for (const std::uint32_t signature : signatures) {
            cpus.push_back(amd_table(signature).reg(0x80000000, 0, eax, 0x80000021).unknown(0x80000021, 0));
        }
        return hardware_host("mixed", cpus, std::vector<MsrRow>{});
    };
    constexpr std::uint32_t naples = 0x00800F12;
    constexpr std::uint32_t nobody = 0x00F00F10;  // of no row
    CHECK(value_of(Merged({silent({rome, naples})}), "fs_gs_base_ns") == 0);
    for (const Signatures& signatures : {Signatures{rome, nobody}, Signatures{nobody, rome}}) {
        CAPTURE(signatures);
        const Merged pool({silent(signatures)});
        CHECK(value_of(pool, "fs_gs_base_ns") == 1);
        CHECK(pool.named_by("unknown-model") == Names{"mixed"});
    }
}

TEST_CASE("a microcode revision is that of the first CPU's model and stepping", "[mixed]") {
    const std::string scrubs = "0xa0011d7";  // on Milan
    CHECK(value_of(Merged({amd({milan}, scrubs)}), "verw_clear") == 1);
    constexpr std::uint32_t milan_x = 0x00A00F12;
    const HostDump mixed = amd({milan, milan_x}, scrubs);
    CHECK(value_of(Merged({mixed}), "verw_clear") == 1);
    CHECK(Merged({mixed}).named_by("verw-promise-lost", "verw_clear") == Names{"mixed"});
}

TEST_CASE("the order of a host's CPUs makes no difference, and that they differ is a finding", "[mixed]") {
    const Signatures mixed{skylake, cascade_lake};
    const Merged one({intel(mixed)});
    const Merged other({intel(reversed(mixed))});
    CHECK(one.policy.cpuid == other.policy.cpuid);
    CHECK(one.policy.msrs == other.policy.msrs);
    CHECK(one.policy.findings == other.policy.findings);
    CHECK(one.policy.hosts.front().facts == other.policy.hosts.front().facts);
    CHECK(one.reg(1, 0, eax) == skylake);  // immune to less
    const Finding* found = one.finding("cpus-differ");
    REQUIRE(found != nullptr);
    CHECK(found->severity == Severity::warning);
    CHECK_THAT(found->message, Catch::Contains("stepping 4") && Catch::Contains("stepping 7"));
    CHECK(Merged({intel({skylake, skylake})}).finding("cpus-differ") == nullptr);
}

TEST_CASE("what a guest believes has to be true on each kind of CPU of a host", "[mixed]") {
    const auto mds_on = [](const Signatures& signatures) {
        const HostDump host = intel(signatures);
        const Audit audit = audit_policy(builtin_rulebook(), Merged({host}).policy, {host}, {});
        const auto at = std::find_if(audit.entries.begin(), audit.entries.end(),
                                     [](const AuditEntry& entry) { return entry.id == "mds"; });
        REQUIRE(at != audit.entries.end());
        std::string text;
        for (const AuditHosts& group : at->hosts) {
            for (const std::string& name : group.hosts) {
                text += std::string(to_string(group.verdict)) + " on " + name + ";";
            }
        }
        return text;
    };
    CHECK(mds_on({skylake}) == "vulnerable on mixed;");
    CHECK(mds_on({skylake, sapphire_rapids}) == "vulnerable on mixed;");
    CHECK(mds_on({sapphire_rapids, skylake}) == "vulnerable on mixed;");
}

}  // namespace poolcpuid::test::mixed_cpus_test
