// Settings of the firmware by which a CPU denies what it has: what such a dump lacks is not known.

#include <string>
#include <vector>

#include "dump/hidden_cpuid.hpp"
#include "poolcpuid/check.hpp"
#include "poolcpuid/inventory.hpp"
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

// The host as its document is read.
HostDump as_read(const HostDump& host) { return read_host(to_host_json(host)); }

// What is said of the dump of a host; empty: nothing is hidden.
std::string hidden_note(const HostDump& host) {
    const std::vector<DumpNote> notes = dump::notes_on_hidden(builtin_rulebook(), as_read(host));
    REQUIRE(notes.size() < 2);
    return notes.empty() ? "" : notes.front().message;
}

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

// Leaf 1 announces leaf Dh by XSAVE, leaf Bh by x2APIC, and leaf 5 by MONITOR.
TEST_CASE("a maximum below a leaf that leaf 1 announces is limited, though no MSR says so", "[hidden_cpuid]") {
    constexpr std::uint32_t xsave = 1U << 26U;
    constexpr std::uint32_t x2apic = 1U << 21U;
    constexpr std::uint32_t monitor = 1U << 3U;
    const TableBuilder plain_features = limited().reg(1, 0, ecx, 0);
    for (const auto& [bit, leaf] : {std::pair(xsave, "0xd"), std::pair(x2apic, "0xb"), std::pair(monitor, "0x5")}) {
        const TableBuilder table = TableBuilder(plain_features).set(1, 0, ecx, bit);
        const HostDump cut = hardware_host("cut", table);
        CHECK_THAT(hidden_note(cut), Contains("it seems to be set, for leaf 0x1 announces leaf " + std::string(leaf)) &&
                                         Contains("leaves above 0x2"));
        CHECK_FALSE(is_known(verdict(Merged({plain}).policy, cut), "smep"));
        CHECK(hidden_note(host_with("off", table, 0)).empty());  // the MSR says that it is not
    }
    CHECK(hidden_note(hardware_host("old", plain_features)).empty());
}

TEST_CASE("NX that the firmware turns off is unknown, not absent", "[hidden_cpuid]") {
    const HostDump denied = host_with("denied", whole().clear(0x80000001, 0, edx, nx), xd_disable);
    const PoolPolicy promises = Merged({plain}).policy;
    CHECK_FALSE(is_known(verdict(promises, denied), "nx"));
    CHECK(is_known(verdict(promises, host_with("none", whole().clear(0x80000001, 0, edx, nx), 0)), "nx"));
    CHECK_THAT(hidden_note(denied), Contains("MSR 0x1a0[34]") && Contains("the CPU may have: nx."));
    CHECK_FALSE(as_read(denied).is_partial());
}

TEST_CASE("a setting that hides nothing is no matter", "[hidden_cpuid]") {
    CHECK(hidden_note(host_with("shown", whole(), xd_disable | limit_maximum)).empty());
    CHECK(hidden_note(hardware_host("silent", std::vector{limited()}, std::vector<MsrRow>{})).empty());
    CHECK(hidden_note(hardware_host("without", limited())).empty());
    const TableBuilder amd = amd_table().reg(0, 0, eax, 1);
    CHECK(hidden_note(host_with("amd", amd, limit_maximum)).empty());
}

TEST_CASE("the tables of a host say what a setting hides, and keep what they show", "[hidden_cpuid]") {
    const std::vector<MsrRow> msrs{{misc_enable, limit_maximum | xd_disable}};
    const CpuidTable table = limited().clear(0x80000001, 0, edx, nx).table();
    const auto settings = dump::hiding_settings(builtin_rulebook(), table, msrs);
    REQUIRE(settings.size() == 2);
    const CpuidTable hidden = dump::with_hidden_unknown(builtin_rulebook(), table, settings);
    CHECK(hidden.rows == table.rows);
    CHECK(hidden.is_unknown({7, 0}));
    CHECK(hidden.is_unknown({0xD, 1}));
    CHECK(hidden.unknown_in({0x80000001, 0}, edx) == nx);
    CHECK_FALSE(hidden.is_unknown({0x40000001, 0}));
    CHECK(dump::hiding_settings(builtin_rulebook(), table, std::nullopt).empty());
}

TEST_CASE("an inventory tells what is hidden, and the dump itself does not", "[hidden_cpuid][hosts]") {
    const HostDump cut = as_read(host_with("cut", limited(), limit_maximum));
    CHECK_FALSE(has_note(cut, "cpuid-hidden"));
    const Inventory inventory = inventory_of(builtin_rulebook(), {cut});
    const auto& notes = inventory.hosts.front().notes;
    REQUIRE(notes.size() == 1);
    CHECK(notes.front() == DumpNote{"cpuid-hidden", hidden_note(cut)});
    CHECK(inventory.hosts.front().unknown.empty());
}

TEST_CASE("what a second CPU of a host hides is told, too", "[hidden_cpuid]") {
    const TableBuilder denied = whole().clear(0x80000001, 0, edx, nx);
    const Merged pool(
        {hardware_host("two", std::vector{whole(), denied}, std::vector<MsrRow>{{misc_enable, xd_disable}})});
    CHECK(pool.named_by("cpuid-hidden") == Names{"two"});
    CHECK(pool.bit(0x80000001, 0, edx, 20) == 0);
}

}  // namespace poolcpuid::test::hidden_cpuid_test
