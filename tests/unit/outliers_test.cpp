// Hosts that lack what the others with the same CPU have: the inventory says so, and the merge has a finding of it.

#include <algorithm>
#include <string>
#include <vector>

#include "base/lists.hpp"
#include "poolcpuid/inventory.hpp"
#include "tests/catch.hpp"
#include "tests/support/host_builder.hpp"
#include "tests/support/merged.hpp"

namespace poolcpuid::test::outliers_test {

using Catch::Contains;

namespace {

constexpr std::uint32_t haswell = 0x000306F2;
constexpr std::uint32_t broadwell = 0x000406F1;
constexpr std::uint32_t aes = 1U << 25;     // leaf 1, ECX
constexpr std::uint32_t popcnt = 1U << 23;  // likewise
constexpr std::uint32_t x2apic = 1U << 21;  // likewise; VMMs emulate it
constexpr std::uint32_t features = aes | popcnt | x2apic;

TableBuilder with_features(std::uint32_t signature = haswell) {
    return intel_table(signature).set(1, 0, ecx, features);
}

TableBuilder without(std::uint32_t bits) { return with_features().clear(1, 0, ecx, bits); }

HostDump with_microcode(HostDump host, const std::string& revision) {
    host.meta["microcode"] = revision;
    std::string name = host.name;
    return with_digest(std::move(host), std::move(name));
}

// "a, b lack aes: 3 have it" for each.
Names outliers(const std::vector<HostDump>& hosts) {
    Names all;
    for (const OutlierHosts& outlier : inventory_of(builtin_rulebook(), hosts).outliers) {
        all.push_back(joined(outlier.hosts.names) + " lack " + joined(outlier.fields) + ": " +
                      std::to_string(outlier.others) + " have it");
    }
    return all;
}

const Finding* finding(const PoolPolicy& policy) {
    const auto at = std::find_if(policy.findings.begin(), policy.findings.end(),
                                 [](const Finding& one) { return one.code == "outlier"; });
    return at == policy.findings.end() ? nullptr : &*at;
}

}  // namespace

TEST_CASE("outliers lack what more than half of the hosts with their CPU have", "[outliers]") {
    const HostDump a = hardware_host("a", with_features());
    const HostDump b = hardware_host("b", with_features());
    const HostDump c = hardware_host("c", without(aes));
    const HostDump d = hardware_host("d", without(aes));
    CHECK(outliers({a, b, c}) == Names{"c lack aes: 2 have it"});
    CHECK(outliers({a, c}).empty());        // half
    CHECK(outliers({a, b, c, d}).empty());  // half
    CHECK(outliers({a, c, d}).empty());
    CHECK(outliers({a, b}).empty());
}

TEST_CASE("another CPU is no measure for a host", "[outliers]") {
    const std::vector<HostDump> hosts{hardware_host("a", with_features(broadwell)),
                                      hardware_host("b", with_features(broadwell)), hardware_host("c", without(aes))};
    CHECK(outliers(hosts).empty());
    // Nor is another stepping.
    CHECK(outliers({hardware_host("a", with_features(haswell + 1)), hardware_host("b", with_features(haswell + 1)),
                    hardware_host("c", without(aes))})
              .empty());
}

TEST_CASE("hosts that lack the same stand together, others apart", "[outliers]") {
    const std::vector<HostDump> hosts{
        hardware_host("a", with_features()),       hardware_host("b", with_features()),
        hardware_host("c", with_features()),       hardware_host("d", with_features()),
        hardware_host("e", without(aes | popcnt)), hardware_host("f", without(aes | popcnt)),
        hardware_host("g", without(popcnt))};
    CHECK(outliers(hosts) == Names{"e, f, g lack popcnt: 4 have it", "e, f lack aes: 5 have it"});
}

TEST_CASE("unknown is not lacking, and what is not known of a host is no majority either", "[outliers]") {
    const HostDump a = hardware_host("a", with_features());
    const HostDump b = hardware_host("b", with_features());
    const HostDump silent = hardware_host("silent", with_features().unknown(7, 0));
    const TableBuilder smep = with_features().set(7, 0, ebx, 1U << 7);
    CHECK(outliers({a, b, silent}).empty());
    // One has it, one lacks it, of one it is not known: half of those that say.
    CHECK(outliers({hardware_host("c", smep), b, silent}).empty());
    CHECK(outliers({hardware_host("c", smep), hardware_host("d", smep), silent, b}) == Names{"b lack smep: 2 have it"});
}

TEST_CASE("what hypervisors offer is no measure of CPUs", "[outliers]") {
    const HostDump a = hardware_host("a", with_features());
    const HostDump b = hardware_host("b", with_features());
    // The CPU has AES, and the kernel does not offer it.
    CHECK(outliers({a, b, with_hypervisor(hardware_host("c", with_features()), without(aes))}).empty());
    // The CPU lacks it, whatever the kernel offers.
    CHECK(outliers({a, b, with_hypervisor(hardware_host("c", without(aes)), with_features())}) ==
          Names{"c lack aes: 2 have it"});
    // Of this host's CPU nothing is known.
    HostDump offered = with_hypervisor(hardware_host("c", with_features()), without(aes));
    offered.hardware.reset();
    CHECK(outliers({a, b, with_digest(offered, "c")}).empty());
    // What VMMs emulate is no doing of the CPU.
    CHECK(outliers({a, b, with_hypervisor(hardware_host("c", without(x2apic)), without(x2apic))}).empty());
}

TEST_CASE("the sentence says how many, which, and where to look", "[outliers]") {
    const auto sentence = [](const std::string& theirs, const std::string& others) {
        const auto host = [](const char* name, const TableBuilder& table, const std::string& revision) {
            HostDump dump = hardware_host(name, table);
            return revision.empty() ? dump : with_microcode(std::move(dump), revision);
        };
        const std::vector<HostDump> hosts{host("a", with_features(), others), host("b", with_features(), others),
                                          host("c", without(aes), theirs)};
        return inventory_of(builtin_rulebook(), hosts).outliers.at(0).message;
    };
    CHECK(sentence("0x1f", "0x49") ==
          "1 of 3 Haswell-EP (c) lacks aes; the other 2, of the same family, model and stepping, have it. Look for a "
          "setting of the BIOS, the microcode (0x1f, the others 0x49) or another variant of the CPU.");
    CHECK_THAT(sentence("0x49", "0x49"), Contains("the microcode (the same: 0x49) or"));
    CHECK_THAT(sentence("", "0x49"), Contains("the microcode, whose revision is not known of all, or"));
}

TEST_CASE("an outlier that costs the pool a feature is a warning, another a note", "[outliers][merge]") {
    const HostDump a = hardware_host("a", with_features());
    const HostDump b = hardware_host("b", with_features());
    const HostDump c = hardware_host("c", without(aes));
    const PoolPolicy policy = Merged({a, b, c}).policy;
    REQUIRE(finding(policy) != nullptr);
    CHECK(finding(policy)->severity == Severity::warning);
    CHECK(finding(policy)->field == "aes");
    CHECK(finding(policy)->hosts.names == Names{"c"});
    CHECK_THAT(finding(policy)->message,
               Contains("1 of 3 Haswell-EP") && Contains("Without it the pool would have aes"));

    const HostDump old = hardware_host("old", intel_table(broadwell));
    const PoolPolicy other = Merged({a, b, c, old}).policy;
    REQUIRE(finding(other) != nullptr);
    CHECK(finding(other)->severity == Severity::note);
    CHECK_THAT(finding(other)->message, Contains("The pool loses nothing by it."));

    MergeOptions options;
    options.hide = {"aes"};
    CHECK(finding(Merged({a, b, c}, options).policy)->severity == Severity::note);
    CHECK(finding(Merged({a, b}).policy) == nullptr);
}

TEST_CASE("an outlier costs the pool what a merge without it would have, and nothing else", "[outliers][merge]") {
    // The pool has neither without what they stand on: a gate that nobody asked for, or a feature that an option takes.
    constexpr std::uint32_t monitor = 1U << 3;          // leaf 1, ECX
    constexpr std::uint32_t avx = 1U << 28 | 1U << 26;  // likewise, with XSAVE
    constexpr std::uint32_t avx2 = 1U << 5;             // leaf 7, EBX
    constexpr Registers mwait{0x40, 0x40, 3, 0};        // leaf 5: mwait_ext and mwait_ibe
    const auto full = [&] {
        TableBuilder table = with_features().set(1, 0, ecx, monitor | avx).set(7, 0, ebx, avx2).row(5, 0, mwait);
        return table.row(0xD, 0, {0x7, 0x340, 0x340, 0}).row(0xD, 2, {0x100, 0x240, 0, 0});
    };
    const auto said = [&](const TableBuilder& lacking, const MergeOptions& options) {
        const Merged pool({hardware_host("a", full()), hardware_host("b", full()), hardware_host("c", lacking)},
                          options);
        REQUIRE(finding(pool.policy) != nullptr);
        const std::string& message = finding(pool.policy)->message;
        const bool is_warning = finding(pool.policy)->severity == Severity::warning;
        return std::string(is_warning ? "warning" : "note") + message.substr(message.find("CPU.") + 4);
    };
    MergeOptions options;
    const TableBuilder no_mwait = full().row(5, 0, {});
    CHECK(said(no_mwait, options) == "note The pool loses nothing by it.");
    options.show = {"monitor"};
    CHECK(said(no_mwait, options) == "warning Without it the pool would have mwait_ext, mwait_ibe.");

    const TableBuilder no_avx2 = full().clear(7, 0, ebx, avx2);
    options = {};
    CHECK(said(no_avx2, options) == "warning Without it the pool would have avx2.");
    options.ceiling_level = "x86-64-v2";
    CHECK(said(no_avx2, options) == "note The pool loses nothing by it.");
    options = {};
    options.hide = {"avx"};
    CHECK(said(no_avx2, options) == "note The pool loses nothing by it.");
    options = {};
    options.ceiling_policy = Merged({hardware_host("plain", with_features())}).policy;
    CHECK(said(no_avx2, options) == "note The pool loses nothing by it.");
    // The host whose CPU guests were to be shown is gone then, too.
    options = {};
    options.identity = "c";
    CHECK(said(no_avx2, options) == "warning Without it the pool would have avx2.");
}

}  // namespace poolcpuid::test::outliers_test
