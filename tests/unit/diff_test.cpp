// The difference of two policies or hosts: every rule in every direction, and what else may differ.

#include <algorithm>
#include <nlohmann/json.hpp>
#include <string>
#include <utility>
#include <vector>

#include "base/lists.hpp"
#include "base/sha256.hpp"
#include "poolcpuid/diff.hpp"
#include "poolcpuid/error.hpp"
#include "tests/catch.hpp"
#include "tests/support/host_builder.hpp"
#include "tests/support/merged.hpp"
#include "tests/unit/shown_policy.hpp"

namespace poolcpuid::test::diff_test {

using Catch::Contains;

namespace {

constexpr std::uint32_t arch_capabilities = 0x10A;
constexpr std::uint32_t rdseed = 1U << 18;  // leaf 7 EBX; stands on nothing else

Difference diff(const PolicyOrHost& before, const PolicyOrHost& after) {
    return differences(builtin_rulebook(), before, after);
}

// The change of a field, or one that says that there is none.
FieldChange change_of(const Difference& difference, const std::string& field) {
    for (const FieldChange& change : difference.changes) {
        if (change.field == field) return change;
    }
    FieldChange none;
    none.before = none.after = "no change";
    return none;
}

// "loses 0x1 0x0"
std::string text_of(const FieldChange& change) {
    if (change.before == "no change") return "no change";
    return std::string(to_string(change.direction)) + " " + change.before + " " + change.after;
}

struct Case {
    const char* field;
    PoolPolicy before;
    PoolPolicy after;
    std::string there;  // what the difference says
    std::string back;   // and in the other direction
};

void check_all(const std::vector<Case>& cases) {
    for (const Case& one : cases) {
        CAPTURE(one.field);
        CHECK(text_of(change_of(diff(one.before, one.after), one.field)) == one.there);
        CHECK(text_of(change_of(diff(one.after, one.before), one.field)) == one.back);
        CHECK(diff(one.before, one.before).changes.empty());
    }
}

TableBuilder relaxed(std::uint32_t eax_bits) {
    return amd_table().reg(0x80000000, 0, eax, 0x80000021).reg(0x80000021, 0, eax, eax_bits);
}

// ERAPS, by which RapSize means something.
TableBuilder rap(std::uint32_t size) { return relaxed(0x01000000).reg(0x80000021, 0, ebx, size << 16); }

// Hosts of the same registers, each with a dump of its own.
PoolPolicy pool_of(const Names& names) {
    std::vector<HostDump> hosts;
    for (const std::string& name : names) {
        hosts.push_back(hardware_host(name, amd_table()));
        hosts.back().sha256 = sha256_hex(name);
    }
    return Merged(hosts).policy;
}

// XSAVE with PKRU of 8 bytes at an offset; 0: without PKRU.
TableBuilder pkru(std::uint32_t offset) {
    TableBuilder table = amd_table().set(1, 0, ecx, 0x04000000).row(0xD, 0, {0x3, 0x240, 0x240, 0});
    if (offset != 0) table.set(0xD, 0, eax, 0x200).row(0xD, 9, {8, offset, 0, 0});
    return table;
}

std::vector<MsrRow> capabilities(std::uint64_t value) { return {{arch_capabilities, value}}; }

TableBuilder with_arch_caps() { return intel_table().set(7, 0, edx, 1U << 29); }

std::vector<std::string> order_of(const Difference& difference) {
    std::vector<std::string> fields;
    for (const FieldChange& change : difference.changes) fields.push_back(change.field);
    return fields;
}

}  // namespace

TEST_CASE("every rule that promises has a direction", "[diff]") {
    const auto avx2 = [](bool set) { return policy_of(intel_table().reg(7, 0, ebx, set ? 0x20 : 0)); };
    const auto width = [](std::uint32_t bits) { return policy_of(amd_table().reg(0x80000008, 0, eax, 0x3000 | bits)); };
    const auto line = [](std::uint32_t size) { return policy_of(amd_table().reg(1, 0, ebx, size << 8)); };
    check_all({
        {"avx2", avx2(false), avx2(true), "gains 0x0 0x1", "loses 0x1 0x0"},
        {"fs_gs_base_ns", policy_of(relaxed(0)), policy_of(relaxed(2)), "relaxes 0x0 0x1", "gains 0x1 0x0"},
        {"maxphyaddr", width(0x30), width(0x34), "gains 0x30 0x34", "loses 0x34 0x30"},
        {"rapsize", policy_of(rap(8)), policy_of(rap(12)), "loses 0x8 0xc", "gains 0xc 0x8"},
        {"clflush_size", line(8), line(4), "both 0x8 0x4", "both 0x4 0x8"},
        {"clflush_size", line(8), line(0), "both 0x8 0x0", "both 0x0 0x8"},
    });
}

TEST_CASE("a field of several bits may do more than one thing", "[diff]") {
    const auto events = [](std::uint32_t lost) {
        return policy_of(intel_table().reg(0xA, 0, eax, 0x07300402).reg(0xA, 0, ebx, lost));
    };
    const auto hints = [](std::uint32_t set) {
        return policy_of(amd_table().reg(0x80000000, 0, eax, 0x8000001A).reg(0x8000001A, 0, eax, set));
    };
    check_all({{"perf_hints", hints(1), hints(2), "both 0x1 0x2", "both 0x2 0x1"},
               {"perf_hints", hints(1), hints(3), "gains 0x1 0x3", "loses 0x3 0x1"}});
    check_all({{"pmu_ev_unavail", events(1), events(2), "both 0x1 0x2", "both 0x2 0x1"},
               {"pmu_ev_unavail", events(1), events(3), "relaxes 0x1 0x3", "gains 0x3 0x1"}});
}

TEST_CASE("MD_CLEAR: asking for VERW relaxes, and losing what VERW does loses", "[diff]") {
    constexpr std::uint64_t immune = 0x20 | 0x100;  // MDS_NO, TAA_NO
    const auto md_clear = [](bool set, std::uint64_t msr) {
        return policy_of(with_arch_caps().set(7, 0, edx, set ? 0x400 : 0), capabilities(msr));
    };
    check_all({
        {"md_clear", md_clear(false, 0), md_clear(true, 0), "relaxes 0x0 0x1", "loses 0x1 0x0"},
        {"md_clear", md_clear(false, immune), md_clear(true, immune), "none 0x0 0x1", "none 0x1 0x0"},
    });
    // A policy that asks for no VERW does not say whether its hosts are immune; one made of hosts that are there does.
    const FieldChange unknown = change_of(diff(md_clear(true, 0), md_clear(false, 0)), "md_clear");
    CHECK_FALSE(unknown.known);
    CHECK(unknown.migrated ==
          "The guest runs VERW and counts on it, and it is not known whether CPUs there need it, or scrub: it may be "
          "open to an attack.");
    PoolPolicy kept = md_clear(false, 0);
    kept.decisions.push_back({"md_clear", {false, 7, 0, 0, edx, 10, 10}, "guarded", 0x0, {}});
    kept.decisions.back().scrubs = true;
    CHECK(text_of(change_of(diff(md_clear(true, 0), kept), "md_clear")) == "gains 0x1 0x0");
    kept.decisions.back().scrubs = false;
    CHECK(change_of(diff(md_clear(true, 0), kept), "md_clear").known);
    PoolPolicy lost = md_clear(true, 0);
    lost.decisions.push_back({"md_clear", {false, 7, 0, 0, edx, 10, 10}, "guarded", 0x1, {}});
    lost.decisions.back().scrubs = false;
    check_all({{"md_clear", md_clear(true, 0), lost, "loses VERW scrubs VERW does not scrub",
                "gains VERW does not scrub VERW scrubs"}});
    const FieldChange change = change_of(diff(md_clear(true, 0), lost), "md_clear");
    CHECK(change.impact == Impact::security);
    CHECK(change.migrated ==
          "The guest runs VERW and counts on it, though it need not scrub there: it may be open to an attack.");
    // No longer to be told to run VERW is no gain where hosts may need it, and it did not scrub there before, either.
    PoolPolicy open = md_clear(false, 0);
    CHECK(text_of(change_of(diff(lost, open), "md_clear")) == "none 0x1 0x0");
    CHECK_FALSE(change_of(diff(lost, open), "md_clear").known);
    CHECK(change_of(diff(lost, open), "md_clear").restarted ==
          "The guest is no longer told to run VERW, and whether a host needs it is not known: it is not known to gain "
          "anything.");
    open.decisions.push_back({"md_clear", {false, 7, 0, 0, edx, 10, 10}, "guarded", 0x0, {}});
    open.decisions.back().scrubs = false;
    CHECK(text_of(change_of(diff(lost, open), "md_clear")) == "none 0x1 0x0");
    CHECK(change_of(diff(lost, open), "md_clear").known);
    CHECK(
        change_of(diff(lost, open), "md_clear").restarted ==
        "The guest is no longer told to run VERW, which does not scrub on every host that needs it: it gains nothing.");
    open.decisions.back().scrubs = true;
    CHECK(text_of(change_of(diff(lost, open), "md_clear")) == "gains 0x1 0x0");
}

TEST_CASE("a host that needs VERW and does not scrub gains nothing for a guest that it does not tell", "[diff]") {
    const HostDump open = hardware_host("open", intel_table());
    const HostDump scrubs = hardware_host("scrubs", intel_table().set(7, 0, edx, 0x400));
    const FieldChange change = change_of(diff(Merged({open, scrubs}).policy, open), "md_clear");
    CHECK(text_of(change) == "none 0x1 0x0");
    CHECK_THAT(change.restarted, Contains("it gains nothing"));
}

TEST_CASE("the models of a policy's hosts say whether they need VERW", "[diff]") {
    const HostDump milan = hardware_host("milan", relaxed(0x20).reg(1, 0, eax, 0x00A00F11));  // VERW_CLEAR
    const HostDump rome = hardware_host("rome", amd_table());                                 // no TSA
    const PoolPolicy both = Merged({milan, rome}).policy;
    PoolPolicy after = Merged({rome}).policy;
    CHECK(text_of(change_of(diff(both, after), "verw_clear")) == "gains 0x1 0x0");
    after.hosts.front().facts.cpu->model = 0x1;  // Milan's family
    after.hosts.front().facts.cpu->family = 0x19;
    CHECK(text_of(change_of(diff(both, after), "verw_clear")) == "loses 0x1 0x0");
    CHECK_FALSE(change_of(diff(both, after), "verw_clear").known);
    after.hosts.front().facts.cpu.reset();
    CHECK_FALSE(change_of(diff(both, after), "verw_clear").known);
}

TEST_CASE("RSBA and RRSBA are told, by the name that EIBRS gives them", "[diff]") {
    constexpr std::uint64_t eibrs = 0x2;
    constexpr std::uint64_t rsba = 0x4;
    constexpr std::uint64_t rrsba = 0x80000;
    const auto told = [](std::uint64_t msr) { return policy_of(with_arch_caps(), capabilities(msr)); };
    check_all({
        {"ac_rsba", told(0), told(rsba), "relaxes 0x0 0x1", "gains 0x1 0x0"},
        {"ac_rrsba", told(eibrs), told(eibrs | rrsba), "relaxes 0x0 0x1", "gains 0x1 0x0"},
        // The other name of the same news: what goes is enhanced IBRS.
        {"ac_rsba", told(eibrs | rrsba), told(rsba), "none 0x0 0x1", "none 0x1 0x0"},
        {"ac_rrsba", told(eibrs | rrsba), told(rsba), "none 0x1 0x0", "none 0x0 0x1"},
        {"ac_ibrs_all", told(eibrs | rrsba), told(rsba), "loses 0x1 0x0", "gains 0x0 0x1"},
    });
}

TEST_CASE("an XSAVE state goes, comes, or lies elsewhere", "[diff]") {
    check_all({
        {"xsave state pkru", policy_of(pkru(2432)), policy_of(pkru(0)), "loses 8 bytes at 2432 none",
         "gains none 8 bytes at 2432"},
        {"xsave state pkru", policy_of(pkru(2432)), policy_of(pkru(2688)), "loses 8 bytes at 2432 8 bytes at 2688",
         "loses 8 bytes at 2688 8 bytes at 2432"},
    });
    // The rows that lay it out are not told a second time.
    CHECK(change_of(diff(policy_of(pkru(2432)), policy_of(pkru(2688))), "xs_offset").after == "no change");
}

TEST_CASE("what promises nothing changes no promise", "[diff]") {
    check_all({
        {"max_basic_leaf", policy_of(amd_table()), policy_of(amd_table().reg(0, 0, eax, 0x10)), "none 0xd 0x10",
         "none 0x10 0xd"},
        {"stepping", policy_of(amd_table(0x00830F10)), policy_of(amd_table(0x00830F11)), "none 0x0 0x1",
         "none 0x1 0x0"},
        {"osxsave", policy_of(amd_table()), policy_of(amd_table().set(1, 0, ecx, 1U << 27)), "none 0x0 0x1",
         "none 0x1 0x0"},
        {"intel_pt", policy_of(intel_table()), policy_of(intel_table().set(7, 0, ebx, 1U << 25)), "none 0x0 0x1",
         "none 0x1 0x0"},
        {"bits without a field", policy_of(amd_table()), policy_of(amd_table().reg(0x4000ABCD, 0, edx, 0xF0)),
         "none 0x0 0xf0", "none 0xf0 0x0"},
    });
    // A guest address width of 0 means the physical one: the same promise in other words.
    const auto guest = [](std::uint32_t bits) { return policy_of(amd_table().reg(0x80000008, 0, eax, bits)); };
    check_all({{"guestphys", guest(0x003030), guest(0x303030), "none 0x0 0x30", "none 0x30 0x0"}});
}

TEST_CASE("what follows another field is no change of its own, and no value is told that no register holds", "[diff]") {
    const auto width = [](std::uint32_t bits) { return amd_table().reg(0x80000008, 0, eax, 0x3000 | bits); };
    for (const Difference& difference : {diff(policy_of(width(0x30)), policy_of(width(0x34))),
                                         diff(hardware_host("a", width(0x30)), hardware_host("b", width(0x34))),
                                         diff(policy_of(width(0x30)), hardware_host("b", width(0x34)))}) {
        CHECK(text_of(change_of(difference, "maxphyaddr")) == "gains 0x30 0x34");
        CHECK(text_of(change_of(difference, "guestphys")) == "no change");
    }
    // A guest address width of its own that is no lower, which a policy words by 0.
    const HostDump wide = with_hypervisor(hardware_host("b", width(0x34)), width(0x340034));
    const Difference own = diff(hardware_host("a", width(0x300030)), wide);
    CHECK(text_of(change_of(own, "guestphys")) == "none 0x30 0x0");
    CHECK(change_of(own, "guestphys").restarted == "The guest is shown the same.");
    // Of a shorter vector the length tells.
    const auto events = [](std::uint32_t length, std::uint32_t lost) {
        return policy_of(intel_table().reg(0xA, 0, eax, 0x00300402 | length << 24).reg(0xA, 0, ebx, lost));
    };
    check_all({{"pmu_evlen", events(8, 0), events(7, 0), "loses 0x8 0x7", "gains 0x7 0x8"},
               {"pmu_ev_unavail", events(8, 0), events(7, 0), "no change", "no change"},
               {"pmu_ev_unavail", events(8, 0), events(7, 1), "relaxes 0x0 0x1", "gains 0x1 0x0"}});
}

TEST_CASE("both sentences say what a change means for guests", "[diff]") {
    const FieldChange loses =
        change_of(diff(policy_of(intel_table().reg(7, 0, ebx, 0x20)), policy_of(intel_table())), "avx2");
    CHECK(loses.restarted == "The guest is not shown it and does without.");
    CHECK(loses.migrated == "The guest goes on using what may not be there: it may crash.");
    const FieldChange relaxes = change_of(diff(policy_of(relaxed(0)), policy_of(relaxed(2))), "fs_gs_base_ns");
    CHECK(relaxes.restarted == "The guest is told and does not rely on the old behaviour.");
    CHECK(relaxes.migrated ==
          "The guest was not told and goes on relying on the old behaviour: it may compute wrong results.");
    const FieldChange gains = change_of(diff(policy_of(relaxed(2)), policy_of(relaxed(0))), "fs_gs_base_ns");
    CHECK(gains.restarted == "The guest may rely on the stricter behaviour.");
    CHECK(gains.migrated == "Nothing changes until the guest restarts.");
    const FieldChange none = change_of(diff(policy_of(amd_table()), policy_of(amd_table(0x00830F11))), "stepping");
    CHECK(none.migrated == "Nothing changes.");
}

TEST_CASE("changes come by what they break: direction, impact, place", "[diff]") {
    const TableBuilder before = amd_table().set(7, 0, ebx, 0x220);  // AVX2, ERMS
    const TableBuilder after = amd_table(0x00830F11)
                                   .reg(1, 0, ebx, 0x400)
                                   .set(1, 0, ecx, 0x00800001)  // POPCNT, SSE3
                                   .reg(0x80000000, 0, eax, 0x80000021)
                                   .reg(0x80000021, 0, eax, 0x202);
    CHECK(order_of(diff(policy_of(before), policy_of(after))) ==
          std::vector<std::string>{"avx2", "erms", "clflush_size", "fs_gs_base_ns", "sse3", "popcnt", "stepping",
                                   "max_ext_leaf", "no_smm_ctl_msr"});
}

TEST_CASE("a silent dump promises nothing, and its value is unknown", "[diff]") {
    const HostDump loud = hardware_host("loud", intel_table().reg(7, 0, ebx, rdseed));
    const HostDump silent = hardware_host("silent", intel_table().unknown(7, 0));
    const FieldChange lost = change_of(diff(loud, silent), "rdseed");
    CHECK(text_of(lost) == "loses 0x1 unknown");
    CHECK_FALSE(lost.known);
    CHECK(lost.migrated == "The guest goes on using what is not known to be there: it may crash.");
    CHECK(text_of(change_of(diff(silent, loud), "rdseed")) == "gains unknown 0x1");
    // Family 15h, of which the model table says nothing about the bit.
    const HostDump told = hardware_host("told", amd_table(0x00610F01));
    const HostDump untold = hardware_host("untold", amd_table(0x00610F01).unknown(0x80000021, 0));
    CHECK(text_of(change_of(diff(told, untold), "fs_gs_base_ns")) == "relaxes 0x0 unknown");
    CHECK(diff(silent, silent).changes.empty());
}

TEST_CASE("a host counts as the merge sees it: both views and the model table", "[diff]") {
    // Genoa under a kernel that hides the bit which its silicon has.
    const TableBuilder silicon = amd_table(0x00A10F11).reg(0x80000000, 0, eax, 0x80000021).reg(0x80000021, 0, eax, 0x2);
    const HostDump genoa = with_hypervisor(hardware_host("genoa", silicon), amd_table(0x00A10F11));
    const HostDump rome = hardware_host("rome", amd_table());
    CHECK(text_of(change_of(diff(rome, genoa), "fs_gs_base_ns")) == "relaxes 0x0 0x1");
    // An older kernel on the same silicon: the feature is no longer offered.
    const HostDump offered = hardware_host("new-kernel", amd_table().set(7, 0, ebx, rdseed));
    const HostDump none = with_hypervisor(offered, amd_table());
    CHECK(text_of(change_of(diff(offered, none), "rdseed")) == "loses 0x1 0x0");
}

TEST_CASE("a host promises what its own policy does, and keeps what its dump shows", "[diff]") {
    // PKRU without the feature that needs it is not in the policy of the host.
    const HostDump unused = hardware_host("unused", pkru(832));
    const HostDump used = hardware_host("used", pkru(2432).set(7, 0, ecx, 0x8));
    CHECK(text_of(change_of(diff(unused, used), "xsave state pkru")) == "gains none 8 bytes at 2432");
    CHECK(text_of(change_of(diff(used, unused), "xsave state pkru")) == "loses 8 bytes at 2432 none");
    // What is shown only when it is asked for is no promise, and stands in the dump.
    const auto counter = [](std::uint32_t bits) { return amd_table().reg(0x80000007, 0, edx, bits); };
    const HostDump has = hardware_host("has", counter(0x100));  // INVTSC
    const HostDump lacks = hardware_host("lacks", counter(0));
    CHECK(text_of(change_of(diff(has, lacks), "invtsc")) == "none 0x1 0x0");
    MergeOptions options;
    options.show = {"invtsc"};
    const PoolPolicy asked = Merged({has}, options).policy;
    CHECK(change_of(diff(asked, has), "invtsc").after == "no change");
    CHECK(text_of(change_of(diff(asked, lacks), "invtsc")) == "loses 0x1 0x0");
    for (const FieldChange& change : diff(Merged({used}).policy, used).changes) {
        CHECK(change.direction == Direction::none);
    }
}

TEST_CASE("equal registers: of hosts by their views, of a host and a policy by fields", "[diff]") {
    const HostDump host = hardware_host("a", amd_table());
    HostDump other = host;
    other.name = "b";
    other.meta["kernel"] = "6.18";
    CHECK(diff(host, other).equal_registers);
    CHECK_FALSE(diff(host, hardware_host("b", amd_table().set(7, 0, ebx, rdseed))).equal_registers);
    CHECK_FALSE(diff(host, hardware_host("b", amd_table().unknown(0x17, 0))).equal_registers);
    CHECK_FALSE(diff(host, hardware_host("b", {amd_table()}, std::vector<MsrRow>{})).equal_registers);
    // A row of zeros says the same as no row.
    CHECK(diff(host, hardware_host("b", amd_table().row(0x17, 0, {}))).equal_registers);

    const PolicyOrHost policy = policy_of(amd_table());
    CHECK(text_of(change_of(diff(policy, hardware_host("b", amd_table().set(7, 0, ebx, rdseed))), "rdseed")) ==
          "gains 0x0 0x1");
    CHECK(text_of(change_of(diff(hardware_host("b", amd_table().set(7, 0, ebx, rdseed)), policy), "rdseed")) ==
          "loses 0x1 0x0");
    // A policy does not say with what the VMM fills in the APIC id.
    CHECK(
        change_of(diff(policy, hardware_host("b", amd_table().set(1, 0, ebx, 0x05000000))), "initial_apic_id").after ==
        "no change");
    // Nor does a hidden field differ because the dump is silent.
    CHECK(change_of(diff(policy, hardware_host("b", amd_table().unknown(0x80000007, 0))), "ras_rest").after ==
          "no change");
    CHECK(text_of(change_of(diff(policy, hardware_host("b", amd_table().reg(0x80000007, 0, ebx, 0xF0))), "ras_rest")) ==
          "none 0x0 0xf");
}

TEST_CASE("hosts are equal where both of their views are, rows and MSRs", "[diff]") {
    const auto host = [](std::uint32_t hardware, std::uint32_t hypervisor, std::uint64_t msr) {
        HostDump result = hardware_host("host", amd_table().reg(0x15, 7, ebx, hardware));  // a bit of no field
        result.hypervisor.emplace();
        result.hypervisor->cpuid = amd_table().reg(0x15, 7, ebx, hypervisor).table();
        result.hypervisor->msrs = std::vector<MsrRow>{{0x123, msr}};
        return result;
    };
    CHECK(diff(host(1, 1, 1), host(1, 1, 1)).equal_registers);
    CHECK_FALSE(diff(host(1, 1, 1), host(2, 1, 1)).equal_registers);
    CHECK_FALSE(diff(host(1, 1, 1), host(1, 2, 1)).equal_registers);
    CHECK_FALSE(diff(host(1, 1, 1), host(1, 1, 2)).equal_registers);
}

TEST_CASE("the microcode of two hosts is told as their dumps have it, or as unknown", "[diff]") {
    const auto host = [](const char* microcode) {
        HostDump result = hardware_host("host", amd_table());
        if (*microcode != 0) result.meta["microcode"] = microcode;
        return result;
    };
    const auto told = [](const HostDump& before, const HostDump& after) {
        const FieldChange change = change_of(diff(before, after), "amd_ucode_rev");
        return change.before + " " + change.after;
    };
    CHECK(told(host("0x8301052"), host("0x8301072")) == "0x8301052 0x8301072");
    CHECK(told(host("0x8301072"), host("")) == "0x8301072 unknown");
    CHECK(told(host(""), host("0x8301072")) == "unknown 0x8301072");
}

TEST_CASE("of two vendors one promise is broken, and the registers that differ are told", "[diff]") {
    const HostDump intel = hardware_host("a", intel_table().set(1, 0, ecx, 1U << 23U).set(1, 0, ebx, 0x05000000));
    const Difference difference = diff(intel, policy_of(amd_table()));
    CHECK_FALSE(difference.equal_registers);
    REQUIRE_FALSE(difference.changes.empty());
    CHECK(text_of(difference.changes.front()) == "loses GenuineIntel AuthenticAMD");
    CHECK(difference.changes.front().field == "vendor");
    CHECK(text_of(change_of(difference, "popcnt")) == "none 0x1 0x0");
    CHECK(change_of(difference, "popcnt").migrated == "VMs do not move between vendors.");
    CHECK(change_of(difference, "sse2").after == "no change");
    // What the VMM fills in a policy does not say.
    CHECK(change_of(difference, "initial_apic_id").after == "no change");
    CHECK(std::count_if(difference.changes.begin(), difference.changes.end(),
                        [](const FieldChange& change) { return change.direction != Direction::none; }) == 1);
    const HostDump nobody = hardware_host("nobody", base_table("NobodysChips", 0x600));
    CHECK_THROWS_AS(diff(nobody, nobody), NoPolicyError);
    CHECK(diff(intel, nobody).changes.size() == 1);
    const HostDump damaged = hardware_host("damaged", base_table("Damaged\x8B\xFF\x01!!", 0x600));
    CHECK(to_json(diff(intel, damaged), builtin_rulebook()).find("Damaged\\\\x8b") != std::string::npos);
}

TEST_CASE("fields of one vendor and bits of none are told between two vendors, the MSRs too", "[diff]") {
    const auto capabilities = std::vector<MsrRow>{{0x10A, 0x2}};
    const HostDump intel = hardware_host("a", std::vector{intel_table().set(7, 0, edx, 1U << 29U)}, capabilities);
    const HostDump amd = hardware_host(
        "b", std::vector{amd_table().set(0x80000001, 0, ecx, 4).reg(0x80000008, 0, ebx, 1)}, std::vector<MsrRow>{});
    const Difference difference = diff(intel, amd);
    CHECK(text_of(change_of(difference, "svm")) == "none 0x0 0x1");
    CHECK(text_of(change_of(difference, "ac_ibrs_all")) == "none 0x1 unknown");
    const auto strays = [&](std::uint32_t value) {
        const Difference odd = diff(hardware_host("c", intel_table().reg(0x1A, 7, edx, value)), amd);
        return change_of(odd, "bits without a field").before;
    };
    CHECK(strays(0x30) == "0x30");
    CHECK(strays(0) == "no change");
    const HostDump with_msr = hardware_host("d", std::vector{intel_table()}, std::vector<MsrRow>{{0x999, 0x5}});
    const FieldChange unseen = change_of(diff(with_msr, amd), "bits without a field");
    CHECK(text_of(unseen) == "none 0x5 unknown");
    CHECK(unseen.place.is_msr);
    CHECK(unseen.place.leaf == 0x999);
    CHECK_FALSE(unseen.known);
}

TEST_CASE("policies that differ only in provenance say in what", "[diff]") {
    const PoolPolicy before = Merged({hardware_host("a", amd_table())}).policy;
    CHECK(diff(before, before).provenance.empty());
    CHECK(diff(before, before).equal_registers);

    PoolPolicy after = before;
    after.pool = "other";
    after.rulebook_version = "2027.01";
    after.names_sha256 = std::string(64, '1');
    after.hosts.front().names = {"b"};
    after.hosts.push_back({std::string(64, 'f'), "cpuid-r", {"hardware"}, {"c"}, 1});
    after.owned.pop_back();
    after.decisions.push_back({"avx2", {false, 7, 0, 0, ebx, 5, 5}, "intersect", 0x0, {}});
    after.findings.push_back({Severity::note, "new-finding", "m", "", {}});
    const Difference difference = diff(before, after);
    CHECK(difference.equal_registers);
    CHECK(difference.changes.empty());
    const Provenance& provenance = difference.provenance;
    CHECK_FALSE(provenance.empty());
    CHECK(provenance.pool);
    CHECK(provenance.rulebook);
    CHECK(provenance.names);
    REQUIRE(provenance.hosts_renamed.size() == 1);
    CHECK(provenance.hosts_renamed.front().after.names == Names{"b"});
    REQUIRE(provenance.hosts_added.size() == 1);
    CHECK(provenance.hosts_added.front().names == Names{"c"});
    CHECK(provenance.hosts_removed.empty());
    CHECK(provenance.owned_removed == std::vector<BitPlace>{before.owned.back()});
    CHECK(provenance.owned_added.empty());
    CHECK(provenance.decisions == std::vector<std::string>{"avx2"});
    REQUIRE(provenance.findings_added.size() == 1);
    CHECK(provenance.findings_added.front().code == "new-finding");
    CHECK(diff(after, before).provenance.hosts_removed == provenance.hosts_added);
    CHECK(diff(after, before).provenance.findings_removed == provenance.findings_added);
}

TEST_CASE("a host that was captured again is neither gone nor new", "[diff]") {
    const PoolPolicy before = pool_of({"a", "b", "c"});
    PoolPolicy after = before;
    REQUIRE(before.hosts.size() == 3);
    after.hosts[0].sha256 = std::string(64, '0');  // stays the first by digest
    after.hosts[0].facts.microcode = 0x49;
    after.hosts[1].sha256[63] = after.hosts[1].sha256[63] == '1' ? '2' : '1';
    after.hosts[1].names = {"d"};
    const Provenance provenance = diff(before, after).provenance;
    REQUIRE(provenance.hosts_recaptured.size() == 1);
    CHECK(provenance.hosts_recaptured.front().before == before.hosts[0]);
    CHECK(provenance.hosts_recaptured.front().after == after.hosts[0]);
    CHECK(provenance.hosts_removed == std::vector<HostClass>{before.hosts[1]});
    CHECK(provenance.hosts_added == std::vector<HostClass>{after.hosts[1]});
}

TEST_CASE("the document has every name of a field, and provenance for policies only", "[diff]") {
    const auto document = [](const PolicyOrHost& before, const PolicyOrHost& after) {
        return nlohmann::json::parse(to_json(diff(before, after), builtin_rulebook()));
    };
    const auto json = document(policy_of(relaxed(0)), policy_of(relaxed(2)));
    REQUIRE(json.at("changes").size() == 1);
    const auto& change = json.at("changes").at(0);
    CHECK(change.at("field") == "fs_gs_base_ns");
    CHECK(change.at("leaf") == "0x80000021");
    CHECK(change.at("bits") == "1");
    CHECK(change.at("rule") == "union");
    CHECK(change.at("names").at("vendor") == "FsGsKernelGsBaseNonSerializing");
    CHECK(change.at("names").contains("qemu"));
    CHECK(json.at("equal") == false);
    CHECK(json.contains("provenance"));
    const HostDump host = hardware_host("a", amd_table());
    CHECK_FALSE(document(host, policy_of(amd_table())).contains("provenance"));
    CHECK(document(host, host).at("equal") == true);
}

// What guests of Rome's family and model do not know of on Milan: TSA. Linux holds family 19h for affected, and 17h
// not.
TEST_CASE("two policies and hosts: where a guest is falsely safe until it restarts, and after", "[diff][audit]") {
    const auto amd = [](const std::string& name, std::uint32_t signature) {
        const TableBuilder table = amd_table(signature)
                                       .reg(0x80000000, 0, Register::eax, 0x80000028)
                                       .row(0x80000008, 0, {0, 0, 0, 0})
                                       .row(0x80000021, 0, {0, 0, 0, 0});
        return hardware_host(name, std::vector{table}, std::vector<MsrRow>{});
    };
    const HostDump rome = amd("rome", 0x00830F10);
    const HostDump milan = amd("milan", 0x00A00F11);
    const HostDump twin = amd("twin", 0x00A00F11);
    const auto policy_of = [](const std::vector<HostDump>& hosts) {
        PoolState state(builtin_rulebook());
        for (const HostDump& host : hosts) state.add(host);
        return state.finish({});
    };
    const PolicyOrHost of_rome = policy_of({rome});
    const PolicyOrHost of_milan = policy_of({milan});
    const std::vector<const HostDump*> hosts{&rome, &milan, &twin};
    const auto falsely = [&](const PolicyOrHost& before, const PolicyOrHost& after, const std::string& id) {
        const Difference difference = differences(builtin_rulebook(), before, after, hosts);
        REQUIRE(difference.beliefs);
        CHECK(difference.beliefs->hosts == 3);
        const auto& all = difference.beliefs->falsely_safe;
        const auto at =
            std::find_if(all.begin(), all.end(), [&](const FalseBelief& belief) { return belief.id == id; });
        return at == all.end() ? FalseBelief{} : *at;
    };
    const FalseBelief mended = falsely(of_rome, of_milan, "tsa");
    CHECK(mended.hosts_before == std::vector<std::string>{"milan", "twin"});  // alike, and both are named
    CHECK(mended.hosts_after.empty());
    CHECK(mended.advice.empty());
    const FalseBelief broken = falsely(of_milan, of_rome, "tsa");
    CHECK(broken.hosts_before.empty());
    CHECK(broken.hosts_after == std::vector<std::string>{"milan", "twin"});
    REQUIRE(broken.advice.size() == 1);
    CHECK(broken.advice.front().hosts == std::vector<std::string>{"milan", "twin"});
    CHECK(falsely(of_rome, of_rome, "tsa").hosts_before == falsely(of_rome, of_rome, "tsa").hosts_after);
    // Nobody is asked without hosts.
    const Difference alone = differences(builtin_rulebook(), of_rome, of_milan);
    REQUIRE(alone.beliefs);
    CHECK(alone.beliefs->hosts == 0);
    CHECK(alone.beliefs->falsely_safe.empty());
}

TEST_CASE("a broken promise costs in a difference what check finds that it costs there", "[diff]") {
    constexpr std::uint32_t skylake = 0x00050654;
    constexpr std::uint32_t rtm = 1U << 11;            // leaf 7, EBX
    constexpr std::uint32_t always_aborts = 1U << 11;  // leaf 7, EDX: XBEGIN does not fault
    const TableBuilder with = intel_table(skylake).set(7, 0, ebx, rtm);
    const HostDump aborts = hardware_host("h", intel_table(skylake).set(7, 0, edx, always_aborts));
    const HostDump faults = hardware_host("h", intel_table(skylake));
    for (const PolicyOrHost& before : {PolicyOrHost(policy_of(with)), PolicyOrHost(hardware_host("h", with))}) {
        CHECK(change_of(diff(before, aborts), "rtm").impact == Impact::performance);
        CHECK_THAT(change_of(diff(before, aborts), "rtm").migrated, Contains("may run slower"));
        CHECK(change_of(diff(before, faults), "rtm").impact == Impact::crash);
    }
    // Of two policies, too: AMD's bit for IBRS takes the place of Intel's.
    constexpr std::uint32_t spec_ctrl = 1U << 26;  // leaf 7, EDX
    constexpr std::uint32_t amd_ibrs = 1U << 14;   // leaf 80000008h, EBX
    const PoolPolicy intel_like = policy_of(amd_table().set(7, 0, edx, spec_ctrl));
    CHECK(change_of(diff(intel_like, policy_of(amd_table().set(0x80000008, 0, ebx, amd_ibrs))), "spec_ctrl").impact ==
          Impact::security);
    CHECK(change_of(diff(intel_like, policy_of(amd_table())), "spec_ctrl").impact == Impact::crash);
}

TEST_CASE("what every hypervisor gives breaks nothing where a dump of the hardware does not show it", "[diff]") {
    constexpr std::uint32_t tsc_adjust = 1U << 1;  // leaf 7, EBX
    const HostDump shows = hardware_host("shows", intel_table().set(7, 0, ebx, tsc_adjust));
    const HostDump silent = hardware_host("silent", intel_table());
    const Difference difference = diff(shows, silent);
    const FieldChange given = change_of(difference, "tsc_adjust");
    CHECK(text_of(given) == "loses 0x1 unknown");
    CHECK(given.given);
    CHECK_FALSE(given.known);
    CHECK_FALSE(given.breaks());
    CHECK_THAT(given.migrated, Contains("Every hypervisor gives it") && !Contains("may crash"));
    CHECK_THAT(to_json(difference, builtin_rulebook()), Contains("\"given\": true"));
    const HostDump lacks = with_hypervisor(silent, intel_table());
    CHECK(change_of(diff(shows, lacks), "tsc_adjust").breaks());
}

TEST_CASE("a host that left its class is captured again, and the others of it are where they were", "[diff]") {
    PoolPolicy before = pool_of({"a"});
    before.hosts.front().names = {"a", "b"};
    before.hosts.front().count = 2;
    PoolPolicy after = pool_of({"a"});
    after.hosts.front().names = {"b"};
    after.hosts.push_back({std::string(64, 'f'), "cpuid-r", {"hardware"}, {"a"}, 1});
    const Provenance one = diff(before, after).provenance;
    REQUIRE(one.hosts_recaptured.size() == 1);
    CHECK(one.hosts_recaptured.front().before.names == Names{"a"});
    CHECK(one.hosts_recaptured.front().after.sha256 == std::string(64, 'f'));
    CHECK((one.hosts_renamed.empty() && one.hosts_removed.empty() && one.hosts_added.empty()));
    // And back to it.
    const Provenance back = diff(after, before).provenance;
    REQUIRE(back.hosts_recaptured.size() == 1);
    CHECK(back.hosts_recaptured.front().after.names == Names{"a"});
    CHECK((back.hosts_renamed.empty() && back.hosts_removed.empty() && back.hosts_added.empty()));
    // Of a class that is not listed to its end the next name comes up.
    before.hosts.front().names = {"a", "b", "c", "d", "e", "f", "g", "h"};
    before.hosts.front().count = 20;
    after.hosts.front().names = {"b", "c", "d", "e", "f", "g", "h", "i"};
    after.hosts.front().count = 19;
    CHECK(diff(before, after).provenance.hosts_renamed.empty());
    after.hosts.front().names.front() = "aa";
    CHECK(diff(before, after).provenance.hosts_renamed.size() == 1);
}

TEST_CASE("a finding of other hosts has changed, and is neither gone nor new", "[diff]") {
    PoolPolicy before = pool_of({"a"});
    PoolPolicy after = before;
    const auto lost = [](const std::string& field, const Names& hosts) {
        return Finding{
            Severity::error, "verw-promise-lost", field + " on " + joined(hosts), field, {hosts, hosts.size()}};
    };
    before.findings = {lost("md_clear", {"a", "b"}), lost("ac_fb_clear", {"a"})};
    after.findings = {lost("md_clear", {"b"}), lost("ac_rfds_clear", {"a"})};
    const Provenance provenance = diff(before, after).provenance;
    REQUIRE(provenance.findings_changed.size() == 1);
    CHECK(provenance.findings_changed.front().before == before.findings.front());
    CHECK(provenance.findings_changed.front().after == after.findings.front());
    CHECK(provenance.findings_removed == std::vector<Finding>{before.findings.back()});
    CHECK(provenance.findings_added == std::vector<Finding>{after.findings.back()});
    CHECK_FALSE(provenance.empty());
    // Without a field only its words say what it is about.
    const auto unknown = [](const Names& hosts) {
        return Finding{Severity::note, "unclassified-bit", "mask 0x1 on " + joined(hosts), "", {hosts, hosts.size()}};
    };
    before.findings = {unknown({"a"})};
    after.findings = {unknown({"b"})};
    CHECK(diff(before, after).provenance.findings_changed.empty());
    CHECK(diff(before, after).provenance.findings_added == after.findings);
    // Of several of one code and field nobody knows which became which.
    before.findings = {lost("md_clear", {"a"}), lost("md_clear", {"b"})};
    after.findings = {lost("md_clear", {"c"})};
    CHECK(diff(before, after).provenance.findings_changed.empty());
    CHECK(diff(before, after).provenance.findings_removed.size() == 2);
}

}  // namespace poolcpuid::test::diff_test
