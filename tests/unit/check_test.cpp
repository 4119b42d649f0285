// PolicyCheck on hosts that differ in one thing: every kind of atom once broken and once kept, both
// directions of a breach, and what is never compared.

#include <algorithm>
#include <string>
#include <vector>

#include "base/sha256.hpp"
#include "poolcpuid/check.hpp"
#include "poolcpuid/error.hpp"
#include "tests/catch.hpp"
#include "tests/support/host_builder.hpp"
#include "tests/support/merged.hpp"

namespace poolcpuid::test::check_test {

using Catch::Contains;

namespace {

constexpr std::uint32_t skylake = 0x00050654;
constexpr std::uint32_t milan = 0x00A00F11;

constexpr std::uint32_t popcnt = 1U << 23;            // leaf 1, ECX
constexpr std::uint32_t md_clear = 1U << 10;          // leaf 7, EDX
constexpr std::uint32_t offers_arch_caps = 1U << 29;  // leaf 7, EDX
constexpr std::uint32_t spec_ctrl = 1U << 26;         // leaf 7, EDX; enhanced IBRS goes without it
constexpr std::uint64_t rdcl_no = 1U << 0;            // MSR 10Ah
constexpr std::uint64_t eibrs = 1U << 1;
constexpr std::uint64_t rsba = 1U << 2;
constexpr std::uint64_t mds_no = 1U << 5;
constexpr std::uint64_t taa_no = 1U << 8;
constexpr std::uint64_t fb_clear = 1U << 17;
constexpr std::uint64_t fb_clear_ctrl = 1U << 18;
constexpr std::uint64_t rrsba = 1U << 19;

PoolPolicy policy_of(const std::vector<HostDump>& hosts, const MergeOptions& options = {}) {
    return Merged(hosts, options).policy;
}

Verdict verdict(const PoolPolicy& policy, const HostDump& host) {
    return PolicyCheck(builtin_rulebook(), policy).against(host);
}

Verdict verdict(const PoolPolicy& policy, const PoolPolicy& other) {
    return PolicyCheck(builtin_rulebook(), policy).against(other);
}

// "popcnt lost 0x1/0x0, …": field, breach, what was promised and what the host has; "" when all is kept.
std::string broken(const Verdict& verdict) {
    std::string text;
    for (const Violation& v : verdict.violations) {
        text += (text.empty() ? "" : ", ") + v.field + " " + std::string(to_string(v.breach)) + " " + v.promised + "/" +
                v.host;
    }
    return text;
}

// The fields that the host's VMM must be told to show, each followed by a blank.
std::string start_up(const Verdict& verdict) {
    std::string text;
    for (const StartUp& entry : verdict.start_up) text += entry.field + " ";
    return text;
}

const Violation& only(const Verdict& verdict) {
    REQUIRE(verdict.violations.size() == 1);
    return verdict.violations.front();
}

HostDump host_of(const TableBuilder& table) { return hardware_host("the-host", table); }

HostDump with_microcode(const TableBuilder& table, const std::string& revision) {
    HostDump host = host_of(table);
    if (!revision.empty()) host.meta["microcode"] = revision;
    return with_digest(std::move(host), "the-host");
}

// Haswell, which is affected by MDS, with IA32_ARCH_CAPABILITIES.
HostDump with_arch_caps(std::uint64_t value, std::uint32_t leaf_7_edx = 0) {
    const TableBuilder table = intel_table().set(7, 0, edx, offers_arch_caps | leaf_7_edx);
    return hardware_host("the-host", std::vector{table}, std::vector<MsrRow>{{0x10A, value}});
}

TableBuilder with_21(std::uint32_t eax_bits, std::uint32_t ebx_bits = 0) {
    return amd_table().reg(0x80000000, 0, eax, 0x80000021).row(0x80000021, 0, {eax_bits, ebx_bits, 0, 0});
}

// XSAVE with the components of XCR0, AVX with it when it is there.
TableBuilder with_xsave(std::uint32_t xcr0) {
    TableBuilder table = amd_table(milan).set(1, 0, ecx, (xcr0 & 4U) != 0 ? 0x14000000 : 0x04000000);
    table.row(0xD, 0, {xcr0, 0x340, 0x340, 0});
    if ((xcr0 & 4U) != 0) table.row(0xD, 2, {0x100, 0x240, 0, 0});
    return table;
}

// PKRU, where AMD has it and where it might be.
TableBuilder with_pkru(std::uint32_t size, std::uint32_t offset) {
    return with_xsave(0x207).set(7, 0, ecx, 0x8).row(0xD, 9, {size, offset, 0, 0});
}

TableBuilder with_mpx(std::uint32_t mawau) {
    return intel_table(skylake)
        .set(1, 0, ecx, 0x04000000)
        .row(7, 0, {0, 0x00004000, mawau << 17, 0})
        .row(0xD, 0, {0x1B, 0x440, 0x440, 0})
        .row(0xD, 3, {0x40, 0x3C0, 0, 0})
        .row(0xD, 4, {0x40, 0x400, 0, 0});
}

TableBuilder with_line(std::uint32_t line) { return intel_table().reg(1, 0, ebx, line << 8); }

TableBuilder with_widths(std::uint32_t widths) { return amd_table().reg(0x80000008, 0, eax, widths); }

// Two hosts, and what a VM of the one's pool finds on the other, there and back.
struct Case {
    const char* what;
    HostDump one;
    HostDump other;
    const char* there;
    const char* back;
    std::vector<std::string> show{};
};

const std::vector<Case>& cases() {
    static const std::vector<Case> all{
        {"intersect", host_of(intel_table().set(1, 0, ecx, popcnt)), host_of(intel_table()), "popcnt lost 0x1/0x0", ""},
        {"union", host_of(with_21(0)), host_of(with_21(1U << 1)), "fs_gs_base_ns not-told 0x0/0x1", ""},
        {"union beyond the maximum leaf", host_of(amd_table()), host_of(with_21(1U << 1)),
         "fs_gs_base_ns not-told 0x0/0x1", ""},
        {"guarded bit, and that VERW scrubs", host_of(intel_table()), host_of(intel_table().set(7, 0, edx, md_clear)),
         "md_clear not-told 0x0/0x1", "md_clear lost VERW scrubs/VERW does not scrub"},
        {"guarded bit of an immune host", with_arch_caps(mds_no | taa_no, md_clear), with_arch_caps(mds_no | taa_no),
         "", ""},
        {"min", host_of(with_widths(0x3030)), host_of(with_widths(0x3028)), "maxphyaddr lost 0x30/0x28", ""},
        {"max",
         host_of(with_21(1U << 24, 8U << 16)),
         host_of(with_21(1U << 24, 12U << 16)),
         "rapsize lost 0x8/0xc",
         "",
         {"eraps", "rapsize"}},
        {"max, where the least obligation is none",
         host_of(with_21(1U << 24)),
         host_of(with_21(1U << 24, 8U << 16)),
         "rapsize lost 0x0/0x8",
         "",
         {"eraps", "rapsize"}},
        {"equal", host_of(with_line(8)), host_of(with_line(4)), "clflush_size lost 0x8/0x4",
         "clflush_size lost 0x4/0x8"},
        {"XSAVE component that is gone", host_of(with_xsave(7)), host_of(with_xsave(3)),
         "avx lost 0x1/0x0, xsave state avx lost 256 bytes at 576/none", ""},
        {"XSAVE component of another size", host_of(with_pkru(8, 0x980)), host_of(with_pkru(16, 0x980)),
         "xsave state pkru lost 8 bytes at 2432/16 bytes at 2432",
         "xsave state pkru lost 16 bytes at 2432/8 bytes at 2432"},
        {"MSR bit", with_arch_caps(rdcl_no), with_arch_caps(0), "ac_rdcl_no lost 0x1/0x0", ""},
        {"MSR that is not there", with_arch_caps(rdcl_no), host_of(intel_table()), "ac_rdcl_no lost 0x1/0x0", ""},
        {"retpoline-safe and restricted", with_arch_caps(0, spec_ctrl), with_arch_caps(rrsba | eibrs, spec_ctrl),
         "ac_rrsba not-told 0x0/0x1", "ac_ibrs_all lost 0x1/0x0"},
        {"retpoline-safe and not at all", with_arch_caps(0), with_arch_caps(rsba), "ac_rsba not-told 0x0/0x1", ""},
        {"restricted and not at all", with_arch_caps(rrsba | eibrs, spec_ctrl), with_arch_caps(rsba, spec_ctrl),
         "ac_ibrs_all lost 0x1/0x0", ""},
        {"older microcode of one CPU", with_microcode(intel_table(), "0x46"), with_microcode(intel_table(), "0x3d"),
         "ucode_rev lost 0x46/0x3d", ""},
        {"microcode of another CPU", with_microcode(intel_table(0x000306F2), "0x46"),
         with_microcode(intel_table(0x000306F4), "0x10"), "", ""},
    };
    return all;
}

// The violations, none of which is known to be one.
std::string only_unknown(const PoolPolicy& policy, const HostDump& host) {
    const Verdict of = verdict(policy, host);
    CHECK(of.compatible(UnknownIs::warning));
    return broken(of);
}

PoolPolicy policy_of(const HostDump& host, const std::vector<std::string>& show) {
    MergeOptions options;
    options.show = show;
    return policy_of({host}, options);
}

}  // namespace

TEST_CASE("every kind of promise, broken and kept", "[check]") {
    for (const Case& one : cases()) {
        CAPTURE(one.what);
        const PoolPolicy here = policy_of(one.one, one.show);
        const PoolPolicy there = policy_of(one.other, one.show);
        CHECK(broken(verdict(here, one.other)) == one.there);
        CHECK(broken(verdict(there, one.one)) == one.back);
        CHECK(broken(verdict(here, one.one)).empty());
        CHECK(broken(verdict(there, one.other)).empty());
    }
}

TEST_CASE("a policy in a host's place breaks what the host breaks", "[check]") {
    for (const Case& one : cases()) {
        CAPTURE(one.what);
        const PoolPolicy here = policy_of(one.one, one.show);
        const PoolPolicy there = policy_of(one.other, one.show);
        const auto fields = [](const Verdict& of) {
            std::vector<std::string> all;
            for (const Violation& v : of.violations) all.push_back(v.field + std::string(to_string(v.breach)));
            return all;
        };
        CHECK(fields(verdict(here, there)) == fields(verdict(here, one.other)));
        CHECK(fields(verdict(there, here)) == fields(verdict(there, one.one)));
        CHECK(broken(verdict(here, here)).empty());
    }
}

TEST_CASE("a policy says the same when it was written and read", "[check]") {
    for (const Case& one : cases()) {
        CAPTURE(one.what);
        const PoolPolicy policy = policy_of(one.one, one.show);
        const PoolPolicy read = read_policy(to_json(policy), "policy.json");
        CHECK(verdict(read, one.other).violations == verdict(policy, one.other).violations);
        CHECK(verdict(read, one.other).start_up == verdict(policy, one.other).start_up);
    }
}

TEST_CASE("a violation says where, how bad, and what would mend it, without the host's name", "[check]") {
    for (const Case& one : cases()) {
        CAPTURE(one.what);
        const PoolPolicy policy = policy_of(one.one, one.show);
        for (const Verdict& of : {verdict(policy, one.other), verdict(policy, policy_of(one.other, one.show))}) {
            for (const Violation& v : of.violations) {
                CAPTURE(v.field, v.message, v.remedy);
                CHECK(v.known);
                CHECK(v.promised != v.host);
                CHECK_THAT(v.message, Catch::EndsWith(".") && !Contains("the-host"));
                CHECK_THAT(v.remedy, Catch::EndsWith(".") && !Contains("the-host"));
                const FieldIndex index = builtin_rulebook().find(v.field);
                if (index == no_field) continue;
                const Field& field = builtin_rulebook()[index];
                CHECK(v.place == BitPlace{field.is_msr, field.leaf, v.place.subleaf_first, v.place.subleaf_first,
                                          field.reg, field.low, field.high});
                CHECK(v.impact == field.impact);
            }
        }
    }
}

TEST_CASE("0 is a value like others of a field that must be equal", "[check]") {
    const HostDump one = host_of(with_mpx(1));
    const HostDump zero = host_of(with_mpx(0));
    CHECK(broken(verdict(policy_of(one, {"mpx"}), zero)) == "mawau lost 0x1/0x0");
    CHECK(broken(verdict(policy_of(zero, {"mpx"}), one)) == "mawau lost 0x0/0x1");
    CHECK(broken(verdict(policy_of(zero, {"mpx"}), zero)).empty());
}

TEST_CASE("another layout of an XSAVE state is told from the same one", "[check]") {
    const Verdict moved = verdict(policy_of({host_of(with_pkru(8, 0x980))}), host_of(with_pkru(8, 0xA80)));
    CHECK(only(moved).field == "xsave state pkru");
    CHECK(only(moved).place == BitPlace{false, 0xD, 9, 9, eax, 0, 31});
    CHECK(only(moved).promised != only(moved).host);
}

TEST_CASE("a policy that names an XSAVE state and does not say where it is promises what no host keeps", "[check]") {
    const HostDump host = host_of(with_xsave(7));
    PoolPolicy policy = policy_of(std::vector{host});
    CHECK(broken(verdict(policy, host)).empty());
    std::erase_if(policy.cpuid, [](const CpuidRow& row) { return row.key == LeafKey{0xD, 2}; });
    CHECK(only(verdict(policy, host)).field == "xsave state avx");
}

TEST_CASE("every violation is reported, CPUID before MSRs and by place", "[check]") {
    const auto host = [](TableBuilder table, std::uint32_t widths, const char* microcode, std::uint64_t msr) {
        table.set(7, 0, edx, offers_arch_caps).reg(0x80000008, 0, eax, widths);
        HostDump made = hardware_host("the-host", std::vector{table}, std::vector<MsrRow>{{0x10A, msr}});
        made.meta["microcode"] = microcode;
        return with_digest(std::move(made), "the-host");
    };
    const TableBuilder strong = intel_table()
                                    .set(1, 0, ecx, popcnt | 0x14002000)  // CMPXCHG16B, XSAVE, AVX
                                    .row(0xD, 0, {7, 0x340, 0x340, 0})
                                    .row(0xD, 2, {0x100, 0x240, 0, 0});
    const TableBuilder weak =
        intel_table().set(1, 0, ecx, 0x04000000).set(7, 0, ebx, 0x40).row(0xD, 0, {3, 0x240, 0x240, 0});
    const Verdict all =
        verdict(policy_of({host(strong, 0x302E, "0x46", rdcl_no | mds_no)}), host(weak, 0x3027, "0x3d", rsba));
    CHECK(broken(all) ==
          "cx16 lost 0x1/0x0, popcnt lost 0x1/0x0, avx lost 0x1/0x0, fdp_excptn_only not-told 0x0/0x1, "
          "xsave state avx lost 256 bytes at 576/none, maxphyaddr lost 0x2e/0x27, "
          "ucode_rev lost 0x46/0x3d, ac_rdcl_no lost 0x1/0x0, ac_rsba not-told 0x0/0x1, ac_mds_no lost 0x1/0x0");
    CHECK(std::is_sorted(all.violations.begin(), all.violations.end(),
                         [](const Violation& one, const Violation& other) { return one.place < other.place; }));
}

TEST_CASE("what is derived, owned, hidden or one CPU's own is never compared", "[check]") {
    const TableBuilder one = amd_table(0x00830F10);
    const TableBuilder other = amd_table(0x00830F11)                            // stepping
                                   .reg(1, 0, ebx, 0x07100800)                  // APIC id, logical CPUs
                                   .set(1, 0, ecx, 0x08000000)                  // OSXSAVE
                                   .reg(0, 0, eax, 0x10)                        // the maximum leaf
                                   .row(0xB, 0, {1, 2, 0x100, 7})               // topology
                                   .row(0x10, 0, {0, 2, 0, 0})                  // RDT
                                   .row(0x80000002, 0, {1, 2, 3, 4})            // brand
                                   .row(0x80000006, 0, {0, 0, 0x02006140, 0});  // caches
    CHECK(broken(verdict(policy_of({host_of(one)}), host_of(other))).empty());
    CHECK(broken(verdict(policy_of({host_of(other)}), host_of(one))).empty());
    CHECK(start_up(verdict(policy_of({host_of(other)}), host_of(one))) ==
          start_up(verdict(policy_of({host_of(one)}), host_of(one))));
}

TEST_CASE("a bit that no rule covers fails no check", "[check]") {
    const HostDump one = host_of(amd_table());
    const HostDump other = host_of(amd_table().reg(0x80000000, 0, eax, 0x80000030).row(0x80000030, 0, {~0U, 1, 2, 3}));
    CHECK(broken(verdict(policy_of({one}), other)).empty());
    CHECK(broken(verdict(policy_of({other}), one)).empty());
}

TEST_CASE("a promise that one logical CPU breaks is broken", "[check]") {
    const TableBuilder big = intel_table().set(1, 0, ecx, popcnt);
    const PoolPolicy policy = policy_of({host_of(big)});
    CHECK(broken(verdict(policy, hardware_host("hybrid", {big, big}))).empty());
    CHECK(only(verdict(policy, hardware_host("hybrid", {big, intel_table()}))).field == "popcnt");
    CHECK(only(verdict(policy, hardware_host("hybrid", {big, TableBuilder(big).set(7, 0, ebx, 0x40)}))).field ==
          "fdp_excptn_only");
}

TEST_CASE("what a dump does not say fails where the policy promises, and is a warning when asked", "[check]") {
    const HostDump silent = host_of(amd_table().unknown(7, 0));
    const Verdict of = verdict(policy_of({host_of(amd_table().set(7, 0, ebx, 0x80))}), silent);  // SMEP
    REQUIRE_FALSE(of.violations.empty());
    CHECK_THAT(broken(of), Contains("smep lost 0x1/unknown"));
    for (const Violation& v : of.violations) {
        CAPTURE(v.field);
        CHECK_FALSE(v.known);
        CHECK(v.host == "unknown");
        CHECK_THAT(v.message, Contains("does not say"));
        CHECK_THAT(v.remedy, Contains("dump"));
    }
    CHECK_FALSE(of.compatible(UnknownIs::failure));
    CHECK(of.compatible(UnknownIs::warning));
    // A policy of a host that was silent itself promises nothing there.
    CHECK(broken(verdict(policy_of({silent}), silent)).empty());
    CHECK(broken(verdict(policy_of({silent}), host_of(amd_table().set(7, 0, ebx, 0x80)))).empty());
}

TEST_CASE("what a policy in a host's place lacks for want of a dump is not known, and not lost", "[check]") {
    const HostDump smep = host_of(amd_table().set(7, 0, ebx, 0x80));
    const HostDump silent = host_of(amd_table().unknown(7, 0));
    const HostDump lacking = host_of(amd_table());
    const auto named = [](HostDump host, const std::string& name) {
        host.name = name;
        return host;
    };
    const PoolPolicy policy = policy_of({smep});
    const Verdict of = verdict(policy, policy_of({smep, named(silent, "silent")}));
    CHECK_THAT(broken(of), Contains("smep lost 0x1/unknown"));
    CHECK_FALSE(of.compatible(UnknownIs::failure));
    CHECK(of.compatible(UnknownIs::warning));
    for (const Violation& v : of.violations) CHECK_THAT(v.remedy, Contains("dumps of that pool's hosts"));
    // One host that is known to lack it is enough.
    const PoolPolicy other = policy_of({smep, named(silent, "silent"), named(lacking, "lacking")});
    CHECK_THAT(broken(verdict(policy, other)), Contains("smep lost 0x1/0x0"));
}

TEST_CASE("an unknown relaxed behaviour, clock, MSR, scrub or microcode is not known to be kept", "[check]") {
    // Family 15h, of which the model table says nothing about the bit.
    const TableBuilder carrizo = amd_table(0x00610F01);
    CHECK(only_unknown(policy_of({host_of(carrizo)}), host_of(TableBuilder(carrizo).unknown(0x80000021, 0))) ==
          "fs_gs_base_ns not-told 0x0/unknown");
    const TableBuilder clock = intel_table().reg(0, 0, eax, 0x15).row(0x15, 0, {2, 0xA8, 0, 0});
    MergeOptions asked;
    asked.show = {"tsc"};
    CHECK(only_unknown(policy_of({host_of(clock)}, asked), host_of(TableBuilder(clock).unknown(0x15, 0))) ==
          "tsc_den lost 0x2/unknown, tsc_num lost 0xa8/unknown, crystal_hz lost 0x0/unknown");
    const TableBuilder silent = intel_table().set(7, 0, edx, offers_arch_caps);
    CHECK_THAT(only_unknown(policy_of({with_arch_caps(rdcl_no)}), host_of(silent)),
               Contains("ac_rdcl_no lost 0x1/unknown"));
    CHECK_THAT(only_unknown(policy_of({with_arch_caps(0, md_clear)}), host_of(silent)),
               Contains("md_clear lost VERW scrubs/unknown"));
    CHECK(only_unknown(policy_of({with_microcode(intel_table(), "0x46")}), with_microcode(intel_table(), "")) ==
          "ucode_rev lost 0x46/unknown");
}

TEST_CASE("a number that a dump does not say is not known to be kept", "[check]") {
    CHECK(only_unknown(policy_of({host_of(with_widths(0x3030))}), host_of(amd_table().unknown(0x80000008, 0))) ==
          "maxphyaddr lost 0x30/unknown");
}

TEST_CASE("an XSAVE state that a dump does not say is not known to be there", "[check]") {
    const TableBuilder silent = with_pkru(8, 0x980).unknown(7, 0).unknown(0xD, 0).unknown(0xD, 9);
    CHECK_THAT(only_unknown(policy_of({host_of(with_pkru(8, 0x980))}), host_of(silent)),
               Contains("xsave state pkru lost 8 bytes at 2432/unknown"));
}

TEST_CASE("what eases a broken promise does so where every logical CPU of the host shows it", "[check]") {
    constexpr std::uint32_t rtm = 1U << 11;            // leaf 7, EBX
    constexpr std::uint32_t always_aborts = 1U << 11;  // leaf 7, EDX: XBEGIN does not fault
    const PoolPolicy promised = policy_of({host_of(intel_table(skylake).set(7, 0, ebx, rtm))});
    const TableBuilder aborts = intel_table(skylake).set(7, 0, edx, always_aborts);
    const TableBuilder faults = intel_table(skylake);
    const auto impact = [&](const std::vector<TableBuilder>& cpus) {
        return only(verdict(promised, hardware_host("the-host", cpus))).impact;
    };
    CHECK(impact({aborts, aborts}) == Impact::performance);
    CHECK(impact({aborts, faults}) == Impact::crash);
    CHECK(impact({faults, aborts}) == Impact::crash);
    CHECK(impact({faults, faults}) == Impact::crash);
}

TEST_CASE("an obligation that could be any promises nothing, and its own host keeps that", "[check]") {
    const TableBuilder table = intel_table().set(1, 0, ecx, 0x8).row(5, 0, {0x40, 0x80, 3, 0});
    const HostDump silent = host_of(TableBuilder(table).unknown(5, 0));
    MergeOptions options;
    options.show = {"monitor"};
    CHECK(broken(verdict(policy_of({silent}, options), silent)).empty());
    CHECK(broken(verdict(policy_of({host_of(table)}, options), silent)) != "");
}

TEST_CASE("what the dump of one logical CPU leaves open is open for the host", "[check]") {
    const TableBuilder scrubs = intel_table().set(7, 0, edx, md_clear);
    const TableBuilder silent = intel_table().unknown(7, 0);
    const TableBuilder pkru = with_pkru(8, 0x980);
    const TableBuilder no_xcr0 = TableBuilder(pkru).unknown(7, 0).unknown(0xD, 0).unknown(0xD, 9);
    const TableBuilder no_widths = amd_table(milan).unknown(0x80000008, 0);
    struct Row {
        const char* what;
        TableBuilder known;
        TableBuilder silent;
        const char* broken;
    };
    const std::vector<Row> rows{
        {"that VERW scrubs", scrubs, silent, "md_clear lost VERW scrubs/unknown"},
        {"an XSAVE state", pkru, no_xcr0, "xsave state pkru lost 8 bytes at 2432/unknown"},
        {"a width", amd_table(milan), no_widths, "maxphyaddr lost 0x30/unknown"},
    };
    for (const Row& row : rows) {
        CAPTURE(row.what);
        const PoolPolicy policy = policy_of({host_of(row.known)});
        CHECK_THAT(only_unknown(policy, hardware_host("uneven", {row.known, row.silent})), Contains(row.broken));
        CHECK_THAT(only_unknown(policy, hardware_host("uneven", {row.silent, row.known})), Contains(row.broken));
    }
}

TEST_CASE("a host that is known to be affected scrubs perhaps, where its dump does not say whether it shows the bit",
          "[check]") {
    const HostDump affected =
        hardware_host("the-host", std::vector{intel_table().unknown(7, 0)}, std::vector<MsrRow>{{0x10A, 0}});
    CHECK_THAT(only_unknown(policy_of({host_of(intel_table().set(7, 0, edx, md_clear))}), affected),
               Contains("md_clear lost VERW scrubs/unknown"));
}

TEST_CASE("that returns may have another predictor is one violation, known or not", "[check]") {
    const PoolPolicy safe = policy_of({with_arch_caps(0)});
    constexpr std::uint32_t merom = 0x000006F6;  // the model table says nothing of its returns
    const Verdict of = verdict(safe, host_of(intel_table(merom)));
    std::string names;
    for (const Violation& v : of.violations) {
        if (v.field == "ac_rsba" || v.field == "ac_rrsba") names += v.field + (v.known ? " known" : " unknown") + " ";
    }
    CHECK(names == "ac_rsba unknown ");
}

TEST_CASE("an MSR of which the dump does not say whether it is there is not said to be missing", "[check]") {
    const Verdict of = verdict(policy_of({with_arch_caps(rsba)}), host_of(intel_table().unknown(7, 0)));
    CHECK_THAT(start_up(of), !Contains("arch_caps"));
    CHECK_THAT(start_up(verdict(policy_of({with_arch_caps(rsba)}), host_of(intel_table()))), Contains("arch_caps"));
}

TEST_CASE("a policy that shows no microcode is not known to have an older one", "[check]") {
    const PoolPolicy newer = policy_of({with_microcode(intel_table(), "0x46")});
    const Verdict of = verdict(newer, policy_of({with_microcode(intel_table(), "")}));
    CHECK(broken(of) == "ucode_rev lost 0x46/unknown");
    CHECK_FALSE(only(of).known);
    CHECK(of.compatible(UnknownIs::warning));
    CHECK_FALSE(verdict(newer, policy_of({with_microcode(intel_table(), "0x3d")})).compatible(UnknownIs::warning));
}

TEST_CASE("a promise that is broken for certain fails whatever unknown counts as", "[check]") {
    const PoolPolicy policy = policy_of({host_of(amd_table().set(1, 0, ecx, popcnt).set(7, 0, ebx, 0x80))});
    const Verdict of = verdict(policy, host_of(amd_table().unknown(7, 0)));
    CHECK(broken(of) == "popcnt lost 0x1/0x0, smep lost 0x1/unknown");
    CHECK_FALSE(of.compatible(UnknownIs::warning));
}

TEST_CASE("a host of another vendor has that one violation", "[check]") {
    const PoolPolicy policy = policy_of({host_of(amd_table().set(1, 0, ecx, popcnt))});
    for (const char* vendor : {"GenuineIntel", "HygonGenuine", "NobodyKnows!"}) {
        const Verdict of = verdict(policy, host_of(base_table(vendor, skylake)));
        CHECK(broken(of) == "vendor lost AuthenticAMD/" + std::string(vendor));
        CHECK(of.start_up.empty());
        CHECK_FALSE(of.compatible(UnknownIs::warning));
    }
    CHECK(broken(verdict(policy, policy_of({host_of(intel_table())}))) == "vendor lost AuthenticAMD/GenuineIntel");
}

TEST_CASE("a policy of a vendor that the rulebook does not know cannot be checked", "[check]") {
    PoolPolicy policy = policy_of({host_of(amd_table())});
    policy.vendor = "NobodyKnows!";
    CHECK_THROWS_AS(PolicyCheck(builtin_rulebook(), policy), NoPolicyError);
}

TEST_CASE("bad news of another host breaks nothing where it is not: the VMM there must be told to show it", "[check]") {
    const HostDump without = host_of(amd_table());
    const HostDump with = hardware_host("zz-host", with_21(1U << 1));
    const Verdict of = verdict(policy_of({without, with}), without);
    CHECK(broken(of).empty());
    CHECK(of.compatible(UnknownIs::failure));
    REQUIRE(start_up(of) == "fs_gs_base_ns ");
    CHECK(of.start_up.front().place == BitPlace{false, 0x80000021, 0, 0, eax, 1, 1});
    CHECK(of.start_up.front().value == "0x1");
    CHECK_THAT(of.start_up.front().message, !Contains("the-host") && !Contains("zz-host") && Catch::EndsWith("."));
    CHECK(start_up(verdict(policy_of({without, with}), with)).empty());
    CHECK(start_up(verdict(policy_of({without}), without)).empty());
}

TEST_CASE("bad news of the host's own silicon is not laid to another host", "[check]") {
    // Milan has EferLmsleUnsupported, whatever its VMM shows.
    const HostDump host = host_of(amd_table(milan));
    const Verdict of = verdict(policy_of({host}), host);
    CHECK(broken(of).empty());
    REQUIRE(start_up(of) == "efer_lmsle_unsupported ");
    CHECK_THAT(of.start_up.front().message, !Contains("another host"));
}

TEST_CASE("an MSR that the policy offers must be given to guests of a host that has not got it", "[check]") {
    const HostDump without = host_of(intel_table());
    HostDump with = with_arch_caps(rsba);
    with.name = "zz-host";
    const Verdict of = verdict(policy_of({without, with}), without);
    CHECK(broken(of).empty());
    CHECK(start_up(of) == "zero_fcs_fds arch_caps ac_rsba ");  // Haswell's x87, whatever a dump shows
    REQUIRE(of.start_up.size() > 1);
    CHECK_THAT(of.start_up[1].message, Contains("0x10a"));
}

TEST_CASE("a hypervisor's view decides what is there, the wider view what is not told", "[check]") {
    constexpr std::uint32_t x2apic = 1U << 21;  // emulated, as ARAT is: hardware is taken to have it
    const TableBuilder plain = with_21(0).set(1, 0, ecx, x2apic).row(6, 0, {4, 0, 0, 0});
    const TableBuilder both = with_21(1U << 1).set(1, 0, ecx, popcnt);
    const HostDump host = with_hypervisor(host_of(both), plain);
    const PoolPolicy promising = policy_of({host_of(with_21(1U << 1).set(1, 0, ecx, popcnt))});
    const Verdict lost = verdict(promising, host);
    CHECK(broken(lost) == "popcnt lost 0x1/0x0");
    CHECK_THAT(only(lost).remedy, Contains("The CPU has it") && Contains("does not offer it"));
    CHECK(start_up(lost) == "fs_gs_base_ns ");
    const Verdict not_told = verdict(policy_of({host_of(plain)}), host);
    CHECK(broken(not_told) == "fs_gs_base_ns not-told 0x0/0x1");
    CHECK_THAT(only(not_told).message, Contains("though what it offers to guests does not show it"));
    // Where the silicon lacks it too, or shows the guest what it has, neither is said.
    CHECK_THAT(only(verdict(promising, with_hypervisor(host_of(with_21(1U << 1)), plain))).remedy,
               !Contains("The CPU has it"));
    CHECK_THAT(only(verdict(policy_of({host_of(plain)}), host_of(with_21(1U << 1)))).message, !Contains("though"));
}

TEST_CASE("a policy in a host's place is named by its pool and its document's digest", "[check]") {
    MergeOptions options;
    options.pool = "blue";
    const PoolPolicy blue = policy_of({host_of(intel_table())}, options);
    const Verdict of = verdict(policy_of({host_of(intel_table().set(1, 0, ecx, popcnt))}), blue);
    CHECK(of.is_policy);
    CHECK(of.name == "blue");
    CHECK(of.sha256 == sha256_hex(to_json(blue)));
    CHECK(of.start_up.empty());
    CHECK_THAT(only(of).message, Contains("the other pool") && !Contains("this host"));
    CHECK_THAT(only(of).remedy, Contains("both pools"));
    const HostDump host = host_of(intel_table());
    const Verdict of_host = verdict(policy_of({host}), host);
    CHECK_FALSE(of_host.is_policy);
    CHECK(of_host.name == "the-host");
    CHECK(of_host.sha256 == host.sha256);
}

TEST_CASE("that VERW scrubs is not demanded when the policy says that it may not", "[check]") {
    const HostDump patched = hardware_host("patched", intel_table().set(7, 0, edx, md_clear));
    const HostDump open = hardware_host("open", intel_table());
    const Merged pool({patched, open});
    REQUIRE(pool.finding("verw-promise-lost", "md_clear") != nullptr);
    const PoolPolicy read = read_policy(to_json(pool.policy), "policy.json");
    for (const PoolPolicy* policy : {&pool.policy, &read}) {
        CHECK(broken(verdict(*policy, patched)).empty());
        CHECK(broken(verdict(*policy, open)).empty());
        CHECK_THAT(start_up(verdict(*policy, open)), Catch::EndsWith("md_clear "));
        // A pool whose VERW scrubs loses that in a pool whose does not.
        CHECK(broken(verdict(policy_of({patched}), *policy)) == "md_clear lost VERW scrubs/VERW does not scrub");
        CHECK(broken(verdict(*policy, policy_of({patched}))).empty());
    }
}

// K bugs.c, mmio_select_mitigation: FB_CLEAR, or MD_CLEAR with L1D_FLUSH where there is no MDS_NO.
TEST_CASE("what says the same as a guarded bit is held to the same promise", "[check]") {
    constexpr std::uint32_t clears_and_flushes = 0x10000000 | md_clear;
    const auto host = [&](const char* name, std::uint64_t caps) {
        const TableBuilder table = intel_table().set(7, 0, edx, clears_and_flushes | offers_arch_caps);
        return hardware_host(name, std::vector{table}, std::vector{MsrRow{0x10A, caps}});
    };
    const HostDump affected = host("affected", 0);
    const HostDump open = host("open", mds_no);
    const HostDump patched = host("patched", mds_no | fb_clear | fb_clear_ctrl);
    CHECK(broken(verdict(policy_of({affected}), open)) == "ac_fb_clear lost VERW scrubs/VERW does not scrub");
    // KVM takes the scrubbing away there from a guest that does not see the bit itself (vmx_update_fb_clear_dis).
    CHECK(broken(verdict(policy_of({affected}), patched)) == "ac_fb_clear not-told 0x0/0x1");
    const Merged pool({affected, open});
    CHECK(pool.named_by("verw-promise-lost", "ac_fb_clear") == Names{"open"});
    const Decision* told = pool.decision("ac_fb_clear");
    REQUIRE(told != nullptr);
    CHECK_THAT(told->reason, Catch::StartsWith("No host has it, and other bits tell a guest the same"));
    for (const HostDump& each : {affected, open}) CHECK(broken(verdict(pool.policy, each)).empty());
    CHECK(broken(verdict(read_policy(to_json(pool.policy), "policy.json"), open)).empty());
}

TEST_CASE("an MSR that a policy offers and does not list is 0, and promises what 0 does", "[check]") {
    PoolPolicy policy = policy_of({host_of(intel_table())});
    policy.msrs.clear();
    for (CpuidRow& row : policy.cpuid) {
        if (row.key == LeafKey{7, 0}) row.value[Register::edx] |= offers_arch_caps;
    }
    CHECK(broken(verdict(policy, with_arch_caps(rsba))) == "ac_rsba not-told 0x0/0x1");
    CHECK(broken(verdict(policy, with_arch_caps(mds_no))).empty());
}

TEST_CASE("an immune host keeps the promise that VERW scrubs", "[check]") {
    const PoolPolicy policy = policy_of({hardware_host("patched", intel_table().set(7, 0, edx, md_clear))});
    CHECK(broken(verdict(policy, with_arch_caps(mds_no))).empty());
    // MDS_NO does not cover TAA: with RTM, and without TAA_NO, VERW is needed.
    HostDump with_rtm = with_arch_caps(mds_no);
    with_rtm.hardware->cpus.front().cpuid = intel_table().row(7, 0, {0, 0x00000800, 0, offers_arch_caps}).table();
    CHECK(broken(verdict(policy, with_digest(with_rtm, "the-host"))) ==
          "md_clear lost VERW scrubs/VERW does not scrub");
}

TEST_CASE("the verdicts' document is sorted by name, whatever the order", "[check]") {
    const PoolPolicy policy = policy_of({host_of(intel_table())});
    std::vector<Verdict> verdicts;
    for (const char* name : {"b", "c", "a"}) verdicts.push_back(verdict(policy, hardware_host(name, intel_table())));
    const std::string document = to_json(policy, builtin_rulebook(), verdicts, UnknownIs::failure);
    std::reverse(verdicts.begin(), verdicts.end());
    CHECK(to_json(policy, builtin_rulebook(), verdicts, UnknownIs::failure) == document);
    CHECK(document.find("\"name\": \"a\"") < document.find("\"name\": \"b\""));
    CHECK(document.find("\"name\": \"b\"") < document.find("\"name\": \"c\""));
    CHECK(document.back() == '\n');
}

TEST_CASE("no update is hoped for that brings what only immune CPUs have to one that is open", "[check]") {
    constexpr std::uint32_t cascade_lake = 0x00050656;
    constexpr std::uint32_t comet_lake = 0x000A0653;  // of which the model table does not say whether it is immune
    constexpr std::uint64_t tsx_ctrl = 1U << 7;
    const auto host = [](std::uint32_t signature, std::uint64_t caps) {
        const TableBuilder table = intel_table(signature).set(7, 0, edx, offers_arch_caps);
        return hardware_host("the-host", std::vector{table}, std::vector<MsrRow>{{0x10A, caps}});
    };
    const PoolPolicy policy = policy_of({host(cascade_lake, mds_no | tsx_ctrl)});
    const auto mends = [&](const HostDump& on) {
        std::string text;
        for (const Violation& violation : verdict(policy, on).violations) {
            if (violation.field == "ac_mds_no" || violation.field == "ac_tsx_ctrl") {
                text += violation.field + ": " + violation.mend + ";";
            }
        }
        return text;
    };
    CHECK(mends(host(skylake, 0)) == "ac_mds_no: ;ac_tsx_ctrl: ;");
    CHECK(mends(host(comet_lake, mds_no)) == "ac_tsx_ctrl: A newer microcode or kernel may bring it.;");
    CHECK(mends(host(cascade_lake, mds_no)) == "ac_tsx_ctrl: A newer microcode or kernel may bring it.;");
}

}  // namespace poolcpuid::test::check_test
