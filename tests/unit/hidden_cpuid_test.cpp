// Settings of the firmware by which a CPU denies what it has: what such a dump lacks is not known.

#include <string>
#include <vector>

#include "dump/hidden_cpuid.hpp"
#include "poolcpuid/check.hpp"
#include "poolcpuid/write_hosts.hpp"
#include "tests/catch.hpp"
#include "tests/support/host_builder.hpp"
#include "tests/support/merged.hpp"
#include "tests/unit/host_samples.hpp"
#include "tests/unit/text_dump_samples.hpp"

namespace poolcpuid::test::hidden_cpuid_test {

namespace {

using Catch::Contains;

constexpr std::uint32_t misc_enable = 0x1A0;
constexpr std::uint64_t limit_maximum = 1ULL << 22U;
constexpr std::uint64_t xd_disable = 1ULL << 34U;
constexpr std::uint32_t nx = 1U << 20U;   // 80000001h EDX
constexpr std::uint32_t smep = 1U << 7U;  // leaf 7 EBX

TableBuilder whole() { return intel_table().set(0x80000001, 0, edx, nx).set(7, 0, ebx, smep); }

// What is left of it with the maximum limited to 2.
TableBuilder limited() { return whole().reg(0, 0, eax, 2).drop(7, 0); }

HostDump host_with(const std::string& name, const TableBuilder& table, std::uint64_t misc) {
    return hardware_host(name, std::vector{table}, std::vector<MsrRow>{{misc_enable, misc}});
}

// The host as its document is read, with the notes.
HostDump as_read(const HostDump& host) { return read_host(to_host_json(host)); }

const HostDump plain = host_with("plain", whole(), 0x850089);

Verdict verdict(const PoolPolicy& policy, const HostDump& host) {
    return PolicyCheck(builtin_rulebook(), policy).against(host);
}

bool is_known(const Verdict& verdict, const std::string& field) {
    for (const Violation& violation : verdict.violations) {
        if (violation.field == field) return violation.known;
    }
    FAIL(field << " is not broken");
    return false;
}

}  // namespace

TEST_CASE("leaves above a maximum that the firmware limits are unknown, not absent", "[hidden_cpuid]") {
    const HostDump cut = host_with("cut", limited(), limit_maximum);
    const PoolPolicy promises = Merged({plain}).policy;
    CHECK_FALSE(is_known(verdict(promises, cut), "smep"));
    CHECK(is_known(verdict(promises, host_with("old", limited(), 0)), "smep"));
    const Merged pool({plain, as_read(cut)});
    CHECK(pool.bit(7, 0, ebx, 7) == 0);
    const Finding* told = pool.finding("cpuid-hidden");
    REQUIRE(told != nullptr);
    CHECK(told->severity == Severity::warning);
    CHECK_THAT(told->message,
               Contains("MSR 0x1a0[22], \"Limit CPUID Maxval\", is set") && Contains("leaves above 0x2"));
    CHECK(pool.finding("unknown-leaf") == nullptr);  // a complete dump would lack them as well
}

// Leaf 1 announces leaf Dh by XSAVE, and leaf Bh by x2APIC.
TEST_CASE("a maximum below a leaf that leaf 1 announces is limited, though no MSR says so", "[hidden_cpuid]") {
    constexpr std::uint32_t xsave = 1U << 26U;
    constexpr std::uint32_t x2apic = 1U << 21U;
    const TableBuilder plain_features = limited().reg(1, 0, ecx, 0);
    for (const auto& [bit, leaf] : {std::pair(xsave, "0xd"), std::pair(x2apic, "0xb")}) {
        const TableBuilder table = TableBuilder(plain_features).set(1, 0, ecx, bit);
        const HostDump read = as_read(hardware_host("cut", table));
        CHECK_THAT(note_text(read, "cpuid-hidden"),
                   Contains("it seems to be set, for leaf 0x1 announces leaf " + std::string(leaf)) &&
                       Contains("leaves above 0x2"));
        CHECK_FALSE(is_known(verdict(Merged({plain}).policy, read), "smep"));
        CHECK_FALSE(has_note(as_read(host_with("off", table, 0)), "cpuid-hidden"));  // the MSR says that it is not
    }
    CHECK_FALSE(has_note(as_read(hardware_host("old", plain_features)), "cpuid-hidden"));
}

TEST_CASE("NX that the firmware turns off is unknown, not absent", "[hidden_cpuid]") {
    const HostDump denied = host_with("denied", whole().clear(0x80000001, 0, edx, nx), xd_disable);
    const PoolPolicy promises = Merged({plain}).policy;
    CHECK_FALSE(is_known(verdict(promises, denied), "nx"));
    CHECK(is_known(verdict(promises, host_with("none", whole().clear(0x80000001, 0, edx, nx), 0)), "nx"));
    const HostDump read = as_read(denied);
    CHECK_THAT(note_text(read, "cpuid-hidden"), Contains("MSR 0x1a0[34]") && Contains("the CPU may have: nx."));
    CHECK_FALSE(read.is_partial());
}

TEST_CASE("a setting that hides nothing is no matter", "[hidden_cpuid]") {
    CHECK_FALSE(has_note(as_read(host_with("shown", whole(), xd_disable | limit_maximum)), "cpuid-hidden"));
    CHECK_FALSE(
        has_note(as_read(hardware_host("silent", std::vector{limited()}, std::vector<MsrRow>{})), "cpuid-hidden"));
    CHECK_FALSE(has_note(as_read(hardware_host("without", limited())), "cpuid-hidden"));
    const TableBuilder amd = amd_table().reg(0, 0, eax, 1);
    CHECK_FALSE(has_note(as_read(host_with("amd", amd, limit_maximum)), "cpuid-hidden"));
}

TEST_CASE("the tables of a host say what a setting hides, and keep what they show", "[hidden_cpuid]") {
    const std::vector<MsrRow> msrs{{misc_enable, limit_maximum | xd_disable}};
    const CpuidTable table = limited().clear(0x80000001, 0, edx, nx).table();
    const auto hidden = dump::with_hidden_unknown(builtin_rulebook(), table, msrs);
    REQUIRE(hidden.has_value());
    CHECK(hidden->rows == table.rows);
    CHECK(hidden->is_unknown({7, 0}));
    CHECK(hidden->is_unknown({0xD, 1}));
    CHECK(hidden->unknown_in({0x80000001, 0}, edx) == nx);
    CHECK_FALSE(hidden->is_unknown({0x40000001, 0}));
    CHECK_FALSE(dump::with_hidden_unknown(builtin_rulebook(), table, std::nullopt).has_value());
}

}  // namespace poolcpuid::test::hidden_cpuid_test
