// One rule of policy/README.md after the other, on two or three hosts with the values of real CPUs.
// "IL" names the InstLatx64 dump that a value comes from.

#include <algorithm>
#include <optional>

#include "base/lists.hpp"
#include "poolcpuid/check.hpp"
#include "poolcpuid/error.hpp"
#include "poolcpuid/floor.hpp"
#include "poolcpuid/render.hpp"
#include "tests/catch.hpp"
#include "tests/support/host_builder.hpp"
#include "tests/support/merged.hpp"

namespace poolcpuid::test::merge_rules_test {

namespace {

// Family, model and stepping (leaf 1 EAX) of the CPUs that the tests name.
constexpr std::uint32_t nocona = 0x00000F34;
constexpr std::uint32_t haswell = 0x000306F2;
constexpr std::uint32_t skylake = 0x00050654;
constexpr std::uint32_t rome = 0x00830F10;
constexpr std::uint32_t milan = 0x00A00F11;
constexpr std::uint32_t genoa = 0x00A10F11;
constexpr std::uint32_t unlisted_zen = 0x00AF0F10;  // no row in the model table
constexpr std::uint32_t emerald_rapids = 0x000C06F2;
constexpr std::uint32_t granite_rapids = 0x000A06D1;

TableBuilder rome_table() { return amd_table(rome).reg(0x80000000, 0, eax, 0x80000020); }

// IL Genoa_02: 80000021h EAX 00062FCF.
TableBuilder genoa_table() {
    return amd_table(genoa).reg(0x80000000, 0, eax, 0x80000028).reg(0x80000021, 0, eax, 0x00062FCF);
}

}  // namespace

TEST_CASE("intersect: a feature stays when every host has it", "[merge]") {
    const Merged pool({hardware_host("a", intel_table().set(1, 0, ecx, 0x00802000)),  // POPCNT, CMPXCHG16B
                       hardware_host("b", intel_table().set(1, 0, ecx, 0x00002000))});
    CHECK(pool.bit(1, 0, ecx, 13) == 1);
    CHECK(pool.bit(1, 0, ecx, 23) == 0);
    CHECK(pool.because("popcnt") == Names{"b"});
    REQUIRE(pool.decision("popcnt") != nullptr);
    CHECK(pool.decision("popcnt")->value == 0x0);
    CHECK(pool.decision("popcnt")->rule == "intersect");
    std::vector<ValueOfHosts> values = pool.decision("popcnt")->values;
    for (ValueOfHosts& value : values) value.cpus.clear();
    CHECK(values == std::vector<ValueOfHosts>{{0x0, {"b"}, 1}, {0x1, {"a"}, 1}});
    CHECK(pool.decision("cx16") == nullptr);  // plain agreement
}

TEST_CASE("union: whoever asks for a subject is told its bad news, asked or not", "[merge]") {
    // Leaf 0xA of Cascade Lake (IL), where AnyThread is gone (EDX bit 15) or an event is not there (EBX bit 0).
    const TableBuilder pmu = intel_table().row(0xA, 0, {0x08300804, 0, 0, 0x0603});
    const Names only_version{"pmu_version"};
    for (const auto& [reg, bit] : {std::pair{edx, 15U}, std::pair{ebx, 0U}}) {
        CAPTURE(bit);
        const std::vector<HostDump> hosts{hardware_host("a", pmu),
                                          hardware_host("b", TableBuilder(pmu).set(0xA, 0, reg, 1U << bit))};
        MergeOptions options;
        CHECK(Merged(hosts, options).row(0xA, 0).all_zero());
        options.show = only_version;
        const Merged pool(hosts, options);
        CHECK(pool.bit(0xA, 0, reg, bit) == 1);
        for (const HostDump& host : hosts) {
            CHECK(PolicyCheck(builtin_rulebook(), pool.policy).against(host).compatible(UnknownIs::failure));
        }
    }
}

TEST_CASE("min: whoever asks for a feature is told its number, asked or not", "[merge]") {
    // RDPRU and the highest register that it reads: 80000008h EBX bit 4, EDX[31:16] (IL: 1 on Zen 2 to Zen 5).
    const TableBuilder table = rome_table().set(0x80000008, 0, ebx, 1U << 4).reg(0x80000008, 0, edx, 0x00010000);
    MergeOptions options;
    CHECK(Merged({hardware_host("a", table)}, options).reg(0x80000008, 0, edx) == 0);
    options.show = {"rdpru"};
    const Merged pool({hardware_host("a", table), hardware_host("b", table)}, options);
    CHECK(pool.bit(0x80000008, 0, ebx, 4) == 1);
    CHECK(pool.reg(0x80000008, 0, edx) == 0x00010000);
}

TEST_CASE("OSVW is shown with the MSRs that it announces", "[merge]") {
    constexpr std::uint32_t osvw = 1U << 9;  // 80000001h ECX
    const auto host = [&](const std::string& name, std::uint32_t signature, std::optional<std::vector<MsrRow>> msrs) {
        const TableBuilder table = amd_table(signature).set(0x80000001, 0, ecx, osvw);
        return hardware_host(name, std::vector{table}, std::move(msrs));
    };
    const auto listing = [](std::uint64_t length, std::uint64_t status) {
        return std::vector<MsrRow>{{0xC0010140, length}, {0xC0010141, status}};
    };
    const auto offers = [](const Merged& pool, std::uint32_t index) {
        return std::any_of(pool.policy.msrs.begin(), pool.policy.msrs.end(),
                           [&](const MsrRow& row) { return row.index == index; });
    };
    // The bit says that the MSRs are there; what no dump says has the length 0, as Zen 2 to Zen 5 have (IL).
    for (const auto& msrs : {std::optional<std::vector<MsrRow>>{}, std::optional(listing(0, 0))}) {
        const Merged silent({host("rome-1", rome, msrs), host("genoa-1", genoa, msrs)});
        CHECK(silent.bit(0x80000001, 0, ecx, 9) == 1);
        CHECK(offers(silent, 0xC0010140));
        CHECK(offers(silent, 0xC0010141));
        CHECK(silent.msr(0xC0010140) == 0);
        CHECK(silent.msr(0xC0010141) == 0);
    }
    CHECK_FALSE(offers(Merged({hardware_host("a", rome_table())}), 0xC0010140));
    // Firecracker asks KVM for the MSRs of a template before the vCPU has OSVW, and refuses what is not there.
    const Merged rome_1({host("rome-1", rome, std::nullopt)});
    CHECK(render_policy(builtin_rulebook(), rome_1.policy, "firecracker", {}).output.find("0xc0010140") ==
          std::string::npos);
    // 3 erratum bits, none of them set, is what KVM tells guests (svm.c, svm_init_osvw); 5 bits with bit 3 set is made.
    const Merged pool({host("rome-1", rome, listing(3, 0)), host("genoa-1", genoa, listing(5, 0x8))});
    CHECK(pool.bit(0x80000001, 0, ecx, 9) == 1);
    CHECK(pool.msr(0xC0010140) == 3);
    CHECK(offers(pool, 0xC0010141));
    CHECK(pool.msr(0xC0010141) == 0);  // bit 3 is beyond the length
    CHECK(Merged({host("genoa-1", genoa, listing(5, 0x8))}).msr(0xC0010141) == 0x8);
}

TEST_CASE("union: a host keeps its pool's policy, whether or not it states what no guest is told of", "[merge]") {
    const TableBuilder silent = intel_table().reg(7, 0, eax, 1).unknown(7, 1);
    const TableBuilder reduced = intel_table().reg(7, 0, eax, 1).reg(7, 1, ecx, 1U << 2);  // LEGACY_REDUCED_ISA
    for (const TableBuilder& table : {silent, reduced}) {
        const HostDump host = hardware_host("a", table);
        const Merged pool({host});
        CHECK(PolicyCheck(builtin_rulebook(), pool.policy).against(host).compatible(UnknownIs::failure));
    }
}

TEST_CASE("union: a relaxed behaviour of one host is shown to all guests", "[merge]") {
    struct Case {
        const char* what;
        TableBuilder without;
        TableBuilder with;
        std::uint32_t leaf;
        Register reg;
        unsigned bit;
    };
    const std::vector<Case> cases{
        // 7.0 EBX 000037AB (IL HaswellEP_04) and D39FFFFB (IL SkylakeXeon_20)
        {"FDP_EXCPTN_ONLY", intel_table(haswell).reg(7, 0, ebx, 0x000037AB),
         intel_table(skylake).reg(7, 0, ebx, 0xD39FFFFB), 7, ebx, 6},
        {"ZERO_FCS_FDS", intel_table(nocona), intel_table(haswell).reg(7, 0, ebx, 0x000037AB), 7, ebx, 13},
        // 80000008h EBX 018EF757 (IL Rome) and 91BEF75F (IL Milan_02)
        {"EferLmsleUnsupported", amd_table(rome).reg(0x80000008, 0, ebx, 0x018EF757),
         amd_table(milan).reg(0x80000008, 0, ebx, 0x91BEF75F), 0x80000008, ebx, 20},
        {"FsGsKernelGsBaseNonSerializing", rome_table(), genoa_table(), 0x80000021, eax, 1},
    };
    for (const Case& one : cases) {
        CAPTURE(one.what);
        const HostDump without = hardware_host("without", one.without);
        const HostDump with = hardware_host("with", one.with);
        CHECK(Merged({without}).bit(one.leaf, 0, one.reg, one.bit) == 0);
        CHECK(Merged({with}).bit(one.leaf, 0, one.reg, one.bit) == 1);
        CHECK(Merged({without, with}).bit(one.leaf, 0, one.reg, one.bit) == 1);
    }
}

TEST_CASE("union: the host that has the bit is named", "[merge]") {
    const Merged pool({hardware_host("rome", rome_table()), hardware_host("genoa", genoa_table())});
    CHECK(pool.because("fs_gs_base_ns") == Names{"genoa"});
    REQUIRE(pool.decision("fs_gs_base_ns") != nullptr);
    CHECK(pool.decision("fs_gs_base_ns")->value == 0x1);
}

TEST_CASE("the maximum leaf follows the content, not the hosts' maxima", "[merge]") {
    const HostDump old_host = hardware_host("rome", rome_table());
    const HostDump new_host = hardware_host("genoa", genoa_table());
    // Genoa's relaxed behaviours keep 80000021h in range though Rome ends at 80000020h.
    CHECK(Merged({old_host, new_host}).reg(0x80000000, 0, eax) == 0x80000021);
    // So does NoSmmCtlMsr, which every policy of AMD's has; without it the range ends with the content.
    CHECK(Merged({old_host}).reg(0x80000000, 0, eax) == 0x80000021);
    CHECK(Merged({hardware_host("haswell", intel_table(haswell))}).reg(0x80000000, 0, eax) == 0x80000008);
    // Bh has nothing but what the VMM fills in, and x2APIC needs it.
    CHECK(Merged({old_host}).reg(0, 0, eax) == 0xB);
}

TEST_CASE("min: the smallest address width, and a finding that names the hosts with more", "[merge]") {
    // 80000008h EAX 392E (IL EmeraldRapids_03) and 3934 (IL GraniteRapids_03)
    const Merged pool({hardware_host("emerald", intel_table(0x000C06F2).reg(0x80000008, 0, eax, 0x392E)),
                       hardware_host("granite", intel_table(0x000A06D1).reg(0x80000008, 0, eax, 0x3934))});
    CHECK((pool.reg(0x80000008, 0, eax) & 0xFF) == 46);
    CHECK(pool.because("maxphyaddr") == Names{"emerald"});
    CHECK(pool.named_by("address-width-differs", "maxphyaddr") == Names{"granite"});
}

TEST_CASE("min: a width that the dump does not say is the 36 bits that its absence means", "[merge]") {
    const Merged pool({hardware_host("a", intel_table().unknown(0x80000008, 0)), hardware_host("b", intel_table())});
    CHECK(pool.named_by("value-assumed", "maxphyaddr") == Names{"a"});
    CHECK((pool.reg(0x80000008, 0, eax) & 0xFF) == 36);
}

TEST_CASE("min: a guest address width of 0 means the physical one", "[merge]") {
    const auto host = [](const char* name, std::uint32_t widths) {
        return hardware_host(name, amd_table().reg(0x80000008, 0, eax, widths));
    };
    CHECK(Merged({host("a", 0x003030), host("b", 0x2E3030)}).reg(0x80000008, 0, eax) == 0x2E3030);
    CHECK(Merged({host("a", 0x003030), host("b", 0x303034)}).reg(0x80000008, 0, eax) == 0x003030);
    CHECK(Merged({host("a", 0x00302E), host("b", 0x303034)}).reg(0x80000008, 0, eax) == 0x00302E);
    // Where all agree there is nothing to decide, by whatever number they say it.
    CHECK(Merged({host("a", 0x003030), host("b", 0x003030)}).decision("guestphys") == nullptr);
    CHECK(Merged({host("a", 0x2E3030), host("b", 0x2E3030)}).decision("guestphys") == nullptr);
    CHECK(Merged({host("a", 0x003030), host("b", 0x2E3030)}).decision("guestphys") != nullptr);
}

TEST_CASE("min: how far hypervisors map a guest's addresses above 48 bits, only their own view says", "[merge]") {
    const auto silicon = [](const char* name, std::uint32_t widths) {
        return hardware_host(name, amd_table().reg(0x80000008, 0, eax, widths));
    };
    const auto served = [&](const char* name, std::uint32_t widths) {
        return with_hypervisor(silicon(name, 0x003034), amd_table().reg(0x80000008, 0, eax, widths));
    };
    const Merged bare({silicon("a", 0x003034), served("b", 0x343034)});
    CHECK(bare.reg(0x80000008, 0, eax) == 0x303034);
    CHECK(bare.named_by("no-hypervisor-view", "guestphys") == Names{"a"});
    CHECK(bare.because("guestphys") == Names{"a"});
    CHECK(Merged({silicon("a", 0x343034)}).reg(0x80000008, 0, eax) == 0x303034);  // a VM's may be of its host
    const Merged told({served("b", 0x343034)});
    CHECK(told.reg(0x80000008, 0, eax) == 0x003034);
    CHECK(told.finding("no-hypervisor-view", "guestphys") == nullptr);
    CHECK(Merged({served("c", 0x303034)}).reg(0x80000008, 0, eax) == 0x303034);
    CHECK(Merged({served("c", 0x303034)}).finding("hypervisor-silent", "guestphys") == nullptr);  // it says 48
    // KVM before Linux 6.10 says nothing, and maps as much as it maps (commit b628cb523c65).
    const Merged old({served("f", 0x003034)});
    CHECK(old.reg(0x80000008, 0, eax) == 0x303034);
    CHECK(old.named_by("hypervisor-silent", "guestphys") == Names{"f"});
    CHECK(Merged({served("g", 0x003030)}).finding("hypervisor-silent", "guestphys") == nullptr);
    for (const std::uint32_t width : {0x2EU, 0x30U}) {
        const Merged narrow({silicon("a", 0x003034), silicon("d", 0x003000 | width)});
        CHECK(narrow.reg(0x80000008, 0, eax) == (0x003000 | width));
        CHECK(narrow.finding("no-hypervisor-view", "guestphys") == nullptr);
    }
    const auto stand = [](const PoolPolicy& policy, const HostDump& host) -> std::string {
        for (const Violation& violation : PolicyCheck(builtin_rulebook(), policy).against(host).violations) {
            if (violation.field == "guestphys") return violation.known ? "lost" : "unknown: " + violation.message;
        }
        return "kept";
    };
    CHECK_THAT(stand(told.policy, silicon("a", 0x003034)),
               Catch::Contains("unknown: ") && Catch::Contains("at least 52"));
    CHECK(stand(told.policy, served("c", 0x303034)) == "lost");
    CHECK_THAT(stand(told.policy, served("f", 0x003034)), Catch::Contains("unknown: "));
    CHECK(stand(old.policy, served("c", 0x303034)) == "kept");
    CHECK(stand(told.policy, served("e", 0x343034)) == "kept");
    for (const HostDump& host : {silicon("a", 0x003034), served("c", 0x303034)})
        CHECK(stand(bare.policy, host) == "kept");
    CHECK(stand(Merged({silicon("d", 0x003030)}).policy, silicon("a", 0x003034)) == "kept");
}

TEST_CASE("max: an obligation is the largest", "[merge]") {
    // 80000021h EAX[24] ERAPS, EBX[23:16] RapSize: at least that many CALLs flush the return predictor.
    const auto host = [](const char* name, std::uint32_t size) {
        return hardware_host(name, amd_table(0x00B00F21)
                                       .reg(0x80000000, 0, eax, 0x80000021)
                                       .row(0x80000021, 0, {0x01000202, size << 16, 0, 0}));
    };
    MergeOptions options;
    options.show = {"eraps", "rapsize"};
    const Merged pool({host("a", 8), host("b", 12)}, options);
    CHECK(((pool.reg(0x80000021, 0, ebx) >> 16) & 0xFF) == 12);
    CHECK(pool.because("rapsize") == Names{"b"});
    CHECK(Merged({host("a", 8), host("b", 12)}).reg(0x80000021, 0, ebx) == 0);  // shown only when asked for
}

TEST_CASE("equal: CLFLUSH goes when the hosts' lines differ, and takes what steps by them", "[merge]") {
    const auto host = [](const char* name, std::uint32_t line) {
        return hardware_host(name, intel_table().reg(1, 0, ebx, line << 8).reg(7, 0, ebx, 0x01800000));
    };
    const Merged agreed({host("a", 8), host("b", 8)});
    CHECK(agreed.reg(1, 0, ebx) == 0x0800);
    CHECK(agreed.bit(1, 0, edx, 19) == 1);
    CHECK((agreed.reg(7, 0, ebx) & 0x01800000) == 0x01800000);  // CLWB, CLFLUSHOPT
    const Merged split({host("a", 8), host("b", 4)});
    CHECK(split.reg(1, 0, ebx) == 0);
    CHECK(split.bit(1, 0, edx, 19) == 0);
    CHECK((split.reg(7, 0, ebx) & 0x01800000) == 0);
    CHECK(split.decision("clwb") != nullptr);
}

TEST_CASE("equal: MPX goes when the widths of its moves differ", "[merge]") {
    const auto host = [](const char* name, std::uint32_t mawau) {
        return hardware_host(name, intel_table(skylake)
                                       .set(1, 0, ecx, 0x04000000)
                                       .row(7, 0, {0, 0x00004000, mawau << 17, 0})
                                       .row(0xD, 0, {0x1B, 0x440, 0x440, 0})
                                       .row(0xD, 3, {0x40, 0x3C0, 0, 0})
                                       .row(0xD, 4, {0x40, 0x400, 0, 0}));
    };
    MergeOptions options;
    options.show = {"mpx"};
    const Merged agreed({host("a", 1), host("b", 1)}, options);
    CHECK(agreed.bit(7, 0, ebx, 14) == 1);
    CHECK((agreed.reg(7, 0, ecx) >> 17 & 0x1F) == 1);
    CHECK(agreed.reg(0xD, 0, eax) == 0x1B);
    const Merged split({host("a", 1), host("b", 0)}, options);
    CHECK(split.bit(7, 0, ebx, 14) == 0);
    CHECK(split.reg(7, 0, ecx) == 0);
    CHECK(split.reg(0xD, 0, eax) == 0x3);
}

TEST_CASE("identity: family, model, brand and caches come whole from one host", "[merge]") {
    const auto host = [](const char* name, std::uint32_t signature, std::uint32_t brand, std::uint32_t cache) {
        return hardware_host(name, amd_table(signature)
                                       .reg(0x80000001, 0, eax, signature)
                                       .row(0x80000002, 0, {brand, brand, brand, brand})
                                       .row(0x80000006, 0, {0, 0, cache, 0}));
    };
    // Rome and Milan: AND gives 00800F10, a Zen 1.
    const Merged pool({host("rome", rome, 0x20444D41, 0x02006140), host("milan", milan, 0x43595045, 0x02006141)});
    const bool is_rome = pool.reg(1, 0, eax) == rome;
    CHECK((is_rome || pool.reg(1, 0, eax) == milan));
    CHECK(pool.reg(0x80000001, 0, eax) == pool.reg(1, 0, eax));
    CHECK(pool.reg(0x80000002, 0, ecx) == (is_rome ? 0x20444D41 : 0x43595045));
    CHECK(pool.reg(0x80000006, 0, ecx) == (is_rome ? 0x02006140 : 0x02006141));
}

TEST_CASE("owned: what the VMM fills in is 0 and listed", "[merge]") {
    const Merged pool({hardware_host(
        "a", intel_table().reg(1, 0, ebx, 0x07100800).set(1, 0, ecx, 0x0C000000).row(0xB, 0, {1, 2, 0x100, 7}))});
    CHECK(pool.reg(1, 0, ebx) == 0x00000800);  // APIC id and number of logical CPUs
    CHECK(pool.bit(1, 0, ecx, 27) == 0);       // OSXSAVE
    CHECK(pool.row(0xB) == Registers{});
    const auto lists = [&](const BitPlace& place) {
        return std::find(pool.policy.owned.begin(), pool.policy.owned.end(), place) != pool.policy.owned.end();
    };
    CHECK(lists({false, 0x1, 0, 0, ebx, 24, 31}));
    CHECK(lists({false, 0x1, 0, 0, ecx, 27, 27}));
    CHECK(lists({false, 0xB, 0, 0x1F, edx, 0, 31}));
}

// K cpuid.c kvm_update_cpuid_runtime: KVM fills it in for either.
TEST_CASE("owned: the size of the compacted XSAVE area is the VMM's where the guest has one", "[merge]") {
    const auto is_owned = [](std::uint32_t flags) {
        const Merged pool({hardware_host("a", intel_table()
                                                  .set(1, 0, ecx, 0x0C000000)
                                                  .row(0xD, 0, {3, 0x240, 0x240, 0})
                                                  .row(0xD, 1, {flags, 0x240, 0, 0}))});
        const BitPlace size{false, 0xD, 1, 1, ebx, 0, 31};
        return std::find(pool.policy.owned.begin(), pool.policy.owned.end(), size) != pool.policy.owned.end();
    };
    CHECK(is_owned(0xF));        // XSAVEOPT, XSAVEC, XGETBV with 1, XSAVES
    CHECK(is_owned(0x7));        // as on Zen 2, where XSAVES goes for an erratum
    CHECK(is_owned(0x9));        // XSAVES alone
    CHECK_FALSE(is_owned(0x5));  // neither
    CHECK_FALSE(is_owned(0x0));
}

TEST_CASE("hide: PT, RDT and SGX are never shown", "[merge]") {
    // 7.0 EBX D39FFFFB (IL SkylakeXeon_20) has PT (25), PQE (15) and PQM (12); SGX (2) is added.
    const Merged pool({hardware_host("a", intel_table(skylake)
                                              .reg(0, 0, eax, 0x16)
                                              .reg(7, 0, ebx, 0xD39FFFFF)
                                              .row(0x14, 0, {1, 0xF, 7, 0})
                                              .row(0xF, 0, {0, 0xFF, 0, 2}))});
    CHECK((pool.reg(7, 0, ebx) & 0x02009004) == 0);
    CHECK(pool.row(0x14) == Registers{});
    CHECK(pool.row(0xF) == Registers{});
}

TEST_CASE("derive: AMD's copies of leaf 1 follow it", "[merge]") {
    const auto host = [](const char* name, std::uint32_t extra) {
        return hardware_host(
            name,
            amd_table().clear(1, 0, edx, 0x00020000).set(1, 0, edx, extra).set(0x80000001, 0, edx, 0x2193FBFF | extra));
    };
    const Merged pool({host("a", 0x00020000), host("b", 0)});  // PSE36 on one
    const std::uint32_t copied = 0x0183F3FF;                   // all of EDX that repeats leaf 1, SYSCALL aside
    CHECK(pool.bit(1, 0, edx, 17) == 0);
    CHECK((pool.reg(0x80000001, 0, edx) & copied) == (pool.reg(1, 0, edx) & copied));
    CHECK(pool.reg(0x80000000, 0, ebx) == pool.reg(0, 0, ebx));
}

TEST_CASE("derive: 57 linear address bits with LA57 on every host, else 48", "[merge]") {
    const auto host = [](const char* name, bool la57) {
        return hardware_host(name, intel_table()
                                       .reg(0x80000008, 0, eax, la57 ? 0x392E : 0x302E)
                                       .row(7, 0, {0, 0, la57 ? 0x00010000U : 0U, 0}));
    };
    CHECK(Merged({host("a", true), host("b", true)}).reg(0x80000008, 0, eax) == 0x392E);
    CHECK(Merged({host("a", true), host("b", false)}).reg(0x80000008, 0, eax) == 0x302E);
}

TEST_CASE("derive: the maximum subleaf of leaf 7 follows its content", "[merge]") {
    const auto host = [](const char* name, std::uint32_t subleaf_1, std::uint32_t subleaf_2) {
        return hardware_host(
            name,
            intel_table().row(7, 0, {2, 0, 0, 0}).row(7, 1, {subleaf_1, 0, 0, 0}).row(7, 2, {0, 0, 0, subleaf_2}));
    };
    CHECK(Merged({host("a", 0x400, 0x20), host("b", 0x400, 0x20)}).reg(7, 0, eax) == 2);  // FZRM and MCDT_NO
    CHECK(Merged({host("a", 0x400, 0x20), host("b", 0x400, 0)}).reg(7, 0, eax) == 1);     // FZRM alone
}

TEST_CASE("SYSCALL that was read in 32-bit code counts as set", "[merge]") {
    // 80000001h EDX 2C100000 (IL IvyBridgeEP, 32-bit) and 2C100800 (IL HaswellEP_04)
    const Merged pool({hardware_host("ivy", intel_table(0x000306E4).reg(0x80000001, 0, edx, 0x2C100000)),
                       hardware_host("haswell", intel_table(haswell).reg(0x80000001, 0, edx, 0x2C100800))});
    CHECK(pool.bit(0x80000001, 0, edx, 11) == 1);
    CHECK(pool.named_by("syscall-read-in-32-bit-mode", "syscall") == Names{"ivy"});
}

TEST_CASE("xsave: supervisor states have no place in the standard format, whatever a dump shows", "[merge]") {
    // CET's two states, each larger than the legacy region, with an offset that means nothing (SDM vol. 1, 13.4.2).
    const auto host = [](const char* name, std::uint32_t size, std::uint32_t offset) {
        return hardware_host(name, intel_table(skylake)
                                       .set(1, 0, ecx, 0x04000000)
                                       .set(7, 0, ecx, 0x80)
                                       .row(0xD, 0, {3, 0x240, 0x240, 0})
                                       .row(0xD, 1, {0x8, 0x1000, 0x1800, 0})
                                       .row(0xD, 11, {size, offset, 1, 0})
                                       .row(0xD, 12, {size, offset, 1, 0}));
    };
    const Merged pool({host("a", 0x400, 0), host("b", 0x400, 0x240)});
    CHECK(pool.bit(7, 0, ecx, 7) == 1);
    CHECK(pool.row(0xD, 11) == Registers{0x400, 0, 1, 0});
    CHECK(pool.row(0xD, 12) == Registers{0x400, 0, 1, 0});
    CHECK(pool.reg(0xD, 0, ecx) == 0x240);
    CHECK(pool.reg(0xD, 1, ecx) == 0x1800);
    CHECK(Merged({host("a", 0x400, 0), host("b", 0x200, 0)}).bit(7, 0, ecx, 7) ==
          0);  // another layout is another promise
}

TEST_CASE("a host that is not known to have what every 64-bit guest needs makes no policy", "[merge]") {
    const HostDump whole = hardware_host("whole", amd_table());
    for (const std::uint32_t leaf : {0x1U, 0x80000001U}) {
        CAPTURE(leaf);
        const HostDump silent = hardware_host("silent", amd_table().unknown(leaf, 0));
        CHECK_THROWS_AS(Merged({silent}), NoPolicyError);
        CHECK_THROWS_WITH(Merged({whole, silent}), Catch::StartsWith("silent is not known to have "));
    }
}

TEST_CASE("a host that lacks what every 64-bit guest needs is told from one of which that is not known", "[merge]") {
    const HostDump silent = hardware_host("silent", amd_table().unknown(1, 0));
    const HostDump old = hardware_host("old", amd_table().clear(1, 0, edx, 1U << 6U));
    const HostDump older = hardware_host("older", amd_table().clear(1, 0, edx, 1U << 6U).set(1, 0, ecx, 1));
    CHECK_THROWS_WITH(Merged({old}), "old does not have pae, without which no 64-bit guest runs");
    CHECK_THROWS_WITH(Merged({old, older}), "old and older do not have pae, without which no 64-bit guest runs");
    const HostDump whole = hardware_host("whole", amd_table());
    CHECK_THROWS_WITH(Merged({old, silent, whole}), Catch::StartsWith("silent is not known to have fpu"));
}

TEST_CASE("a pool takes hosts that have a name and a view, and lists that name somebody", "[merge]") {
    PoolState state(builtin_rulebook());
    const HostDump host = hardware_host("a", amd_table());
    for (const std::string name : {"", "a\nb", "\xff"}) CHECK_THROWS_AS(state.add(host, name), InputError);
    HostDump blind = host;
    blind.hardware.reset();
    CHECK_THROWS_AS(state.add(blind), InputError);
    HostDump without_cpu = host;
    without_cpu.hardware->cpus.clear();
    CHECK_THROWS_AS(state.add(without_cpu), InputError);
    CHECK(state.host_count() == 0);
    state.add(host);
    state.add(hardware_host("b", amd_table().set(1, 0, ecx, 1)));
    MergeOptions options;
    options.most_names = 0;
    CHECK_THROWS_AS(state.finish(options), UsageError);
    CHECK_THROWS_AS(state.finish_promises(options), UsageError);
}

TEST_CASE("identity: reserved bits of leaf 1 EAX make no other CPU, whose revision would not count", "[merge]") {
    const HostDump plain = hardware_host("plain", intel_table(0x00050657));
    const HostDump odd = hardware_host("odd", std::vector{intel_table(0x80051657)},
                                       std::vector<MsrRow>{{microcode_msr, 0x5003303'00000000}});
    const Merged pool({plain, odd});
    const PolicyCheck check(builtin_rulebook(), pool.policy);
    CHECK(check.against(plain).compatible(UnknownIs::failure));
    CHECK(check.against(odd).compatible(UnknownIs::failure));
}

TEST_CASE("identity: the older generation lends it, and a model that the table does not know comes last", "[merge]") {
    // The digests, which decide last, come in both orders.
    for (std::uint32_t salt = 0; salt < 8; ++salt) {
        CAPTURE(salt);
        const auto host = [&](const char* name, TableBuilder table) {
            return hardware_host(name, table.row(0x80000002, 0, {salt, 0, 0, 0}));
        };
        const Merged ages({host("older", intel_table(emerald_rapids)), host("newer", intel_table(granite_rapids))});
        CHECK(ages.reg(1, 0, eax) == emerald_rapids);
        const Merged unknown({host("unlisted", amd_table(unlisted_zen)), host("listed", amd_table(milan))});
        CHECK(unknown.reg(1, 0, eax) == milan);
    }
}

TEST_CASE("max: an obligation that one dump does not say could be any, so the largest is shown", "[merge]") {
    const TableBuilder table = intel_table().set(1, 0, ecx, 0x8).row(5, 0, {0x40, 0x80, 3, 0});
    MergeOptions options;
    options.show = {"monitor"};
    CHECK(Merged({hardware_host("a", table), hardware_host("b", table)}, options).reg(5, 0, ebx) == 0x80);
    const Merged pool({hardware_host("a", table), hardware_host("b", TableBuilder(table).unknown(5, 0))}, options);
    CHECK(pool.reg(5, 0, ebx) == 0xFFFF);
    CHECK(pool.because("monitor_max") == Names{"b"});
}

TEST_CASE("max: an obligation may be set to more than the hosts have, and not to less", "[merge]") {
    const HostDump host = hardware_host(
        "a",
        amd_table(0x00B00F21).reg(0x80000000, 0, eax, 0x80000021).row(0x80000021, 0, {0x01000202, 8U << 16, 0, 0}));
    const auto setting = [&](const char* value) {
        MergeOptions options;
        options.show = {"eraps"};
        options.set = {{"rapsize", value}};
        return Merged({host}, options).reg(0x80000021, 0, ebx) >> 16 & 0xFF;
    };
    CHECK(setting("12") == 12);
    CHECK(setting("8") == 8);
    CHECK_THROWS_AS(setting("4"), NoPolicyError);
    // Whoever is shown ERAPS is told the size, asked or not.
    MergeOptions shown;
    shown.show = {"eraps"};
    CHECK((Merged({host}, shown).reg(0x80000021, 0, ebx) >> 16 & 0xFF) == 8);
}

TEST_CASE("who is shown one number of leaf 15h is shown the leaf", "[merge]") {
    MergeOptions options;
    options.show = {"tsc_num"};
    const Registers crystal{2, 0xA8, 24000000, 0};
    CHECK(Merged({hardware_host("a", intel_table().row(0x15, 0, crystal))}, options).row(0x15, 0) == crystal);
}

TEST_CASE("a value that promises nothing may be set though it is not known of a host", "[merge]") {
    const HostDump host = hardware_host("a", amd_table().unknown(0x80000021, 0).unknown(0x80000008, 0));
    for (const auto& [field, value] : std::vector<std::pair<std::string, std::string>>{
             {"clzero", "0"}, {"fs_gs_base_ns", "1"}, {"maxphyaddr", "36"}}) {
        CAPTURE(field);
        MergeOptions options;
        options.set = {{field, value}};
        CHECK_NOTHROW(Merged({host}, options));
    }
    MergeOptions promise;
    promise.set = {{"clzero", "1"}};
    CHECK_THROWS_AS(Merged({host}, promise), NoPolicyError);
}

TEST_CASE("what an operator sets or hides is a decision, be it what the hosts agree on", "[merge]") {
    const HostDump host = hardware_host(
        "a", amd_table().set(1, 0, ecx, 1U << 23).reg(0x80000000, 0, eax, 0x80000021).row(0x80000021, 0, {2, 0, 0, 0}));
    MergeOptions options;
    options.set = {{"popcnt", "1"}};
    options.hide = {"fs_gs_base_ns"};
    const Merged pool({host}, options);
    REQUIRE(pool.decision("popcnt") != nullptr);
    CHECK(pool.decision("popcnt")->cause == Cause::set);
    CHECK(pool.decision("popcnt")->value == 1);
    REQUIRE(pool.decision("fs_gs_base_ns") != nullptr);
    CHECK(pool.decision("fs_gs_base_ns")->cause == Cause::hosts);  // of which one alone sets it
    CHECK(Merged({host}).decision("popcnt") == nullptr);
}

TEST_CASE("who decides is told where an option asks for what the hosts leave anyway", "[merge]") {
    constexpr std::uint32_t popcnt = 1U << 23;  // leaf 1, ECX
    const TableBuilder amd = amd_table().reg(0x80000000, 0, eax, 0x80000021);
    const HostDump strong = hardware_host("strong", TableBuilder(amd).set(1, 0, ecx, popcnt));
    const HostDump weak = hardware_host("weak", TableBuilder(amd).row(0x80000021, 0, {2, 0, 0, 0}));
    const auto told = [](const std::vector<HostDump>& hosts, const MergeOptions& options, const std::string& field) {
        const Merged pool(hosts, options);
        const Decision* decision = pool.decision(field);
        if (decision == nullptr) return std::string("no decision");
        return std::string(to_string(decision->cause)) + " " + joined(decision->because.names);
    };
    MergeOptions hide;
    hide.hide = {"popcnt", "fs_gs_base_ns"};
    MergeOptions set;
    set.set = {{"popcnt", "0"}, {"fs_gs_base_ns", "1"}};
    for (const char* field : {"popcnt", "fs_gs_base_ns"}) {
        CAPTURE(field);
        CHECK(told({strong, weak}, hide, field) == "hosts weak");
        CHECK(told({strong, weak}, set, field) == "hosts weak");
        CHECK(told({weak}, hide, field) == "hosts weak");
        CHECK(told({strong}, hide, field) == "hidden ");
        CHECK(told({strong}, set, field) == "set ");
    }
    CHECK(Merged({strong}, hide).decision("fs_gs_base_ns")->value == 1);
    MergeOptions number;
    number.set = {{"maxphyaddr", "40"}};
    const auto wide = [&](const char* name, std::uint32_t bits) {
        return hardware_host(name, TableBuilder(amd).reg(0x80000008, 0, eax, 0x3000 | bits));
    };
    CHECK(told({wide("a", 48), wide("b", 40)}, number, "maxphyaddr") == "hosts b");
    CHECK(told({wide("a", 48), wide("b", 42)}, number, "maxphyaddr") == "set ");
}

TEST_CASE("a width below what every CPU has is none", "[merge]") {
    for (const char* value : {"0", "1", "35"}) {
        CAPTURE(value);
        MergeOptions options;
        options.set = {{"maxphyaddr", value}};
        CHECK_THROWS_AS(Merged({hardware_host("a", intel_table())}, options), UsageError);
    }
}

TEST_CASE("identity: of equal CPUs the one lends it of which the dump says what it is", "[merge]") {
    for (std::uint32_t salt = 0; salt < 8; ++salt) {
        CAPTURE(salt);
        const Registers caches{0x121, 0x01C0003F, 0x3F, 0};
        const auto host = [&](const char* name, TableBuilder table) {
            return hardware_host(name, table.row(7, 0, {0, salt, 0, 0}));
        };
        const Merged pool(
            {host("knows", intel_table().row(4, 0, caches)), host("silent", intel_table().unknown(4, 0))});
        CHECK(pool.row(4, 0) == caches);
    }
}

TEST_CASE("of features of which one is enough those are to blame that lack them all", "[merge]") {
    // amd_psfd (80000008h EBX[28]) needs one of amd_ibrs [14], amd_stibp [15], amd_ssbd [24].
    const auto host = [](const char* name, std::uint32_t bits) {
        return hardware_host(name, amd_table(milan).reg(0x80000008, 0, ebx, bits));
    };
    constexpr std::uint32_t psfd = 1U << 28;
    const Merged pool({host("ibrs", psfd | 1U << 14), host("ssbd", psfd | 1U << 24), host("none", psfd)});
    CHECK(pool.because("amd_psfd") == Names{"none"});
    const Merged crossed({host("ibrs", psfd | 1U << 14), host("ssbd", psfd | 1U << 24)});
    CHECK(crossed.because("amd_psfd") == Names{"ibrs", "ssbd"});
}

TEST_CASE("what goes with another field is below the floor for want of the host that lacks that one",
          "[merge][floor]") {
    constexpr std::uint32_t stibp = 1U << 15;      // 80000008h EBX
    constexpr std::uint32_t always_on = 1U << 17;  // says how STIBP behaves
    const auto host = [](const char* name, std::uint32_t bits) {
        return hardware_host(name, amd_table(milan).reg(0x80000008, 0, ebx, bits));
    };
    PoolState pool(builtin_rulebook());
    pool.add(host("strong", stibp | always_on));
    pool.add(host("weak", always_on));
    const PoolPolicy floor = Merged({host("strong", stibp | always_on)}).policy;
    const std::vector<FloorLoss> lost = below_floor(pool, floor, pool.finish({}));
    CHECK(std::any_of(lost.begin(), lost.end(), [](const FloorLoss& loss) { return loss.field == "stibp_always_on"; }));
    for (const FloorLoss& loss : lost) {
        CAPTURE(loss.field);
        CHECK(loss.hosts.names == Names{"weak"});
        CHECK(loss.hosts.count == 1);
    }
}

TEST_CASE("a bit in the row of an XSAVE state goes with the state, and no host is to blame for what an option took",
          "[merge]") {
    // AMX with its states 17 and 18; ECX[2] of 18 is XFD faulting. Sapphire Rapids.
    const HostDump host = hardware_host("a", intel_table(0x000806F8)
                                                 .set(1, 0, ecx, 0x04000000)
                                                 .row(7, 0, {0, 0, 0, 0x01000000})
                                                 .row(0xD, 0, {0x60003, 0x2B00, 0x2B00, 0})
                                                 .row(0xD, 1, {0x1F, 0x2B00, 0, 0})
                                                 .row(0xD, 17, {0x40, 0xAC0, 2, 0})
                                                 .row(0xD, 18, {0x2000, 0xB00, 6, 0})
                                                 .reg(0, 0, eax, 0x1D)
                                                 .row(0x1D, 0, {1, 0, 0, 0})
                                                 .row(0x1D, 1, {0x04002000, 0x00080040, 0x10, 0}));
    CHECK(Merged({host}).row(0xD, 18).ecx == 6);
    MergeOptions options;
    options.hide = {"amx_tile"};
    const Merged hidden({host}, options);
    REQUIRE(hidden.decision("xs_xfd") != nullptr);
    CHECK(hidden.decision("xs_xfd")->cause == Cause::xsave_state);
    CHECK(hidden.decision("xs_xfd")->on == Names{"tiledata"});
    CHECK(hidden.because("xs_xfd").empty());
}

TEST_CASE("of two places of an XSAVE state that of the vendor's documents is the right one", "[merge]") {
    const auto pkru_at = [](const std::string& name, TableBuilder table, std::uint32_t offset) {
        table.set(1, 0, ecx, 0x04000000).row(7, 0, {0, 0, 0x8, 0}).row(0xD, 0, {0x203, 0xA88, 0xA88, 0});
        return hardware_host(name, table.row(0xD, 9, {8, offset, 0, 0}));
    };
    // PKRU is at 980h on AMD and at A80h on Intel, whichever host lends its identity.
    for (const bool is_odd_first : {false, true}) {
        const std::string odd = is_odd_first ? "a" : "b";
        const std::string usual = is_odd_first ? "b" : "a";
        CHECK(Merged({pkru_at(usual, amd_table(), 0x980), pkru_at(odd, amd_table(), 0xA80)}).because("pku") ==
              Names{odd});
        CHECK(Merged({pkru_at(usual, intel_table(), 0xA80), pkru_at(odd, intel_table(), 0x980)}).because("pku") ==
              Names{odd});
    }
}

TEST_CASE("XSAVE goes where a host's XCR0 lacks the states of x87 or SSE", "[merge]") {
    const auto with_xcr0 = [](const std::string& name, std::uint32_t xcr0) {
        return hardware_host(name, amd_table().set(1, 0, ecx, 0x04000000).row(0xD, 0, {xcr0, 0x240, 0x240, 0}));
    };
    CHECK(Merged({with_xcr0("a", 3), with_xcr0("b", 3)}).bit(1, 0, ecx, 26) == 1);
    for (const std::uint32_t odd : {0U, 1U, 2U}) {
        CAPTURE(odd);
        const Merged pool({with_xcr0("whole", 3), with_xcr0("odd", odd)});
        CHECK(pool.bit(1, 0, ecx, 26) == 0);
        CHECK(pool.row(0xD, 0).eax == 0);
        REQUIRE(pool.decision("xsave") != nullptr);
        CHECK(pool.decision("xsave")->cause == Cause::xsave_state);
        CHECK(pool.because("xsave") == Names{"odd"});
    }
    // Where the row is not known, XSAVE says that they are there.
    const HostDump silent = hardware_host("silent", amd_table().set(1, 0, ecx, 0x04000000).unknown(0xD, 0));
    CHECK(Merged({with_xcr0("whole", 3), silent}).bit(1, 0, ecx, 26) == 1);
}

TEST_CASE("SVM goes where a host is not known to have a revision of it, or an address space id", "[merge]") {
    const auto with_svm = [] { return amd_table().reg(0x80000000, 0, eax, 0x8000000A).set(0x80000001, 0, ecx, 4); };
    MergeOptions options;
    options.show = {"nested"};
    const auto svm = [&](const TableBuilder& table) {
        return Merged({hardware_host("a", table)}, options).bit(0x80000001, 0, ecx, 2);
    };
    CHECK(svm(with_svm().row(0x8000000A, 0, {1, 0x8000, 0, 0})) == 1);
    CHECK(svm(with_svm().row(0x8000000A, 0, {1, 0, 0, 0})) == 0);
    CHECK(svm(with_svm().row(0x8000000A, 0, {0, 0x8000, 0, 0})) == 0);
    CHECK(svm(with_svm().unknown(0x8000000A, 0)) == 0);
}

TEST_CASE("equal: of two values as usual the identity's is not the one to blame", "[merge]") {
    const auto host = [](const char* name, std::uint32_t line) {
        return hardware_host(name, intel_table().reg(1, 0, ebx, line << 8));
    };
    for (const std::uint32_t line : {4U, 16U}) {
        CAPTURE(line);
        MergeOptions options;
        options.identity = "a";
        CHECK(Merged({host("a", 8), host("b", line)}, options).because("clflush_size") == Names{"b"});
    }
}

TEST_CASE("hosts that differ in what is not CPUID of their first CPU are told apart", "[merge]") {
    const auto silent_on = [](const char* name, std::optional<std::uint32_t> subleaf) {
        HostDump host = hardware_host(name, amd_table(milan).drop(7, 0));
        host.hardware->cpus.front().cpuid.unknown = {UnknownRow{7, subleaf}};
        return with_digest(std::move(host), name);
    };
    std::size_t silences = 0;
    for (const Finding& finding : Merged({silent_on("a", 0), silent_on("b", std::nullopt)}).policy.findings) {
        if (finding.code == "unknown-leaf") ++silences;
    }
    CHECK(silences == 2);

    const TableBuilder table = intel_table().set(7, 0, edx, 0x20000000);
    const auto kvm = [&](const char* name, std::uint64_t arch_caps) {
        return with_hypervisor(hardware_host(name, table), table, std::vector<MsrRow>{{0x10A, arch_caps}});
    };
    const Merged by_msr({kvm("a", 0x21), kvm("b", 0x20)});  // RDCL_NO and MDS_NO
    CHECK(by_msr.msr(0x10A) % 2 == 0);
    CHECK(by_msr.because("ac_rdcl_no") == Names{"b"});
}

TEST_CASE("a place beyond 4 GiB is no layout of an XSAVE state", "[merge]") {
    for (const std::uint32_t offset : {0xFFFFFEFFU, 0xFFFFFF00U}) {
        CAPTURE(offset);
        const TableBuilder avx = intel_table()
                                     .set(1, 0, ecx, 0x14000000)
                                     .row(0xD, 0, {7, 0x340, 0x340, 0})
                                     .row(0xD, 2, {0x100, offset, 0, 0});
        const Merged pool({hardware_host("a", avx)});
        const bool is_beyond = offset == 0xFFFFFF00U;
        CHECK(pool.row(0xD, 2).ebx == (is_beyond ? 0x240 : offset));
        CHECK((pool.finding("xsave-layout-documented") != nullptr) == is_beyond);
    }
}

TEST_CASE("what only a further CPU of a host shows is said as well", "[merge]") {
    const TableBuilder avx =
        intel_table().set(1, 0, ecx, 0x14000000).row(0xD, 0, {7, 0x340, 0x340, 0}).row(0xD, 2, {0x100, 0x240, 0, 0});
    const Merged by_layout({hardware_host("a", {avx, TableBuilder(avx).unknown(0xD, 2)})});
    CHECK(by_layout.named_by("xsave-layout-documented") == Names{"a"});
    const Merged by_syscall({hardware_host("a", {intel_table(), intel_table().reg(0x80000001, 0, edx, 0x20000000)})});
    CHECK(by_syscall.named_by("syscall-read-in-32-bit-mode", "syscall") == Names{"a"});
    // 7.2 EDX[4] is BHI_CTRL, 7.0 EDX[4] is FSRM.
    const TableBuilder bhi = intel_table().row(7, 0, {2, 0, 0, 0x84000000}).row(7, 2, {0, 0, 0, 0x10});
    const Merged uneven({hardware_host("a", {bhi, TableBuilder(bhi).reg(7, 2, edx, 0)})});
    REQUIRE(uneven.finding("cpus-differ") != nullptr);
    CHECK_THAT(uneven.finding("cpus-differ")->message, Catch::Contains("differ in bhi_ctrl;"));
    // 1.0 ECX[5] is VMX, of which guests are shown nothing unless it is asked for.
    const TableBuilder vmx = intel_table().reg(1, 0, ecx, 0x20);
    const HostDump nested = hardware_host("a", {vmx, intel_table()});
    CHECK(Merged({nested}).finding("cpus-differ") == nullptr);
    MergeOptions shown;
    shown.show = {"vmx"};
    const Merged asked({nested}, shown);
    REQUIRE(asked.finding("cpus-differ") != nullptr);
    CHECK_THAT(asked.finding("cpus-differ")->message, Catch::Contains("differ in vmx;"));
    // No rule covers 7.2 EDX[31].
    const Merged stray({hardware_host("a", {intel_table().row(7, 0, {2, 0, 0, 0}).row(7, 2, {}),
                                            intel_table().row(7, 0, {2, 0, 0, 0}).row(7, 2, {0, 0, 0, 0x80000000})})});
    CHECK(stray.named_by("unclassified-bit") == Names{"a"});
}

TEST_CASE("CPUs of one host that lay out an XSAVE state differently keep it out, with a finding", "[merge]") {
    const auto pkru_at = [](std::uint32_t offset) {
        return intel_table()
            .set(1, 0, ecx, 0x04000000)
            .row(7, 0, {0, 0, 0x8, 0})
            .row(0xD, 0, {0x203, 0xA88, 0xA88, 0})
            .row(0xD, 9, {8, offset, 0, 0});
    };
    const Merged alike({hardware_host("a", {pkru_at(0xA80), pkru_at(0xA80)})});
    CHECK(alike.finding("cpus-differ") == nullptr);
    CHECK((alike.reg(7, 0, ecx) & 0x8U) != 0);
    const Merged uneven({hardware_host("a", {pkru_at(0xA80), pkru_at(0x980)})});
    CHECK((uneven.reg(7, 0, ecx) & 0x8U) == 0);
    REQUIRE(uneven.finding("cpus-differ") != nullptr);
    CHECK(uneven.finding("cpus-differ")->message ==
          "The logical CPUs of a lay out the XSAVE state pkru differently, so it and what needs it are not in the "
          "policy.");
    CHECK_THAT(uneven.decision("xs_size")->reason, Catch::Contains("is laid out differently"));
}

TEST_CASE("combining pools keeps every name of equal hosts", "[merge]") {
    PoolState one(builtin_rulebook());
    PoolState other(builtin_rulebook());
    one.add(hardware_host("a", intel_table()));
    other.add(hardware_host("b", intel_table()));
    one.combine(other);
    const PoolPolicy policy = one.finish({});
    REQUIRE(policy.hosts.size() == 1);
    CHECK(policy.hosts.front().names == Names{"a", "b"});
    CHECK(policy.hosts.front().count == 2);
}

TEST_CASE("a ceiling of another vendor is no ceiling", "[merge]") {
    MergeOptions options;
    options.ceiling_policy = Merged({hardware_host("a", intel_table())}).policy;
    CHECK_THROWS_AS(Merged({hardware_host("b", amd_table())}, options), NoPolicyError);
}

}  // namespace poolcpuid::test::merge_rules_test
