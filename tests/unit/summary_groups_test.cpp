// What the summary says of whom: who lacks a feature, of whom it is not known, what the operator took.

#include "policy/summary_groups.hpp"

#include <algorithm>
#include <string>

#include "tests/catch.hpp"
#include "tests/support/host_builder.hpp"
#include "tests/support/merged.hpp"

namespace poolcpuid::test::summary_groups_test {

using summary::Loss;

namespace {

constexpr std::uint32_t popcnt = 1U << 23U;             // leaf 1 ECX
constexpr std::uint32_t smap = 1U << 20U;               // leaf 7 EBX
constexpr std::uint32_t with_avx = 0x1C001000;          // leaf 1 ECX: FMA, XSAVE, OSXSAVE, AVX
constexpr std::uint32_t avx2 = 1U << 5U;                // leaf 7 EBX
constexpr std::uint32_t arch_capabilities = 1U << 29U;  // leaf 7 EDX

TableBuilder avx_table() {
    TableBuilder table = intel_table();
    table.set(1, 0, ecx, with_avx).set(7, 0, ebx, avx2);
    return table.row(0xD, 0, {7, 0x340, 0x340, 0}).row(0xD, 2, {0x100, 0x240, 0, 0});
}

summary::Groups groups_of(const PoolPolicy& policy) { return summary::groups_of(policy, builtin_rulebook()); }

// " a b", and " a b c d e f g h +4" of a list that is cut.
std::string names_text(const HostList& hosts) {
    std::string text;
    for (const std::string& name : hosts.names) text += " " + name;
    const bool is_cut = hosts.count > hosts.names.size();
    return text + (is_cut ? " +" + std::to_string(hosts.count - hosts.names.size()) : "");
}

// "lacking a b; unknown c", "option --hide"; "kept" when the feature is not among what is given up.
std::string loss_of(const PoolPolicy& policy, const std::string& field) {
    for (const summary::GivenUp& loss : groups_of(policy).given_up) {
        for (const Decision* decision : loss.features) {
            if (decision->field != field) continue;
            static const std::array words{"lacking", "unknown", "followed", "option"};
            const std::string word = words.at(static_cast<std::size_t>(loss.loss));
            if (loss.loss == Loss::option) return word + " " + loss.option;
            if (loss.loss == Loss::unknown) return word + names_text(loss.unknown);
            return word + names_text(loss.hosts) +
                   (loss.unknown.count == 0 ? "" : "; unknown" + names_text(loss.unknown));
        }
    }
    return "kept";
}

// "known a; unknown b"; "nobody" when the decision is not in the list.
std::string deciders_of(const std::vector<const Decision*>& decisions, const std::string& field) {
    const auto at = std::find_if(decisions.begin(), decisions.end(),
                                 [&](const Decision* decision) { return decision->field == field; });
    if (at == decisions.end()) return "nobody";
    const Deciders deciders = poolcpuid::deciders_of(**at);
    const std::string known = deciders.known.count == 0 ? "" : "known" + names_text(deciders.known);
    const std::string unknown = deciders.unknown.count == 0 ? "" : "unknown" + names_text(deciders.unknown);
    if (known.empty() && unknown.empty()) return "the operator";
    return known + (known.empty() || unknown.empty() ? "" : "; ") + unknown;
}

// So many hosts of one content: "a01", "a02" …
void add_hosts(std::vector<HostDump>& pool, const HostDump& like, std::size_t count, const std::string& name) {
    for (std::size_t i = 1; i <= count; ++i) {
        pool.push_back(like);
        pool.back().name = name + (i < 10 ? "0" : "") + std::to_string(i);
    }
}

HostDump genoa_of(std::uint64_t revision) {
    return hardware_host("genoa", std::vector{amd_table(0x00A10F11)}, std::vector<MsrRow>{{microcode_msr, revision}});
}

}  // namespace

TEST_CASE("hosts that lack a feature cost it, with those of which it is not known", "[summary]") {
    const HostDump has = hardware_host("has", intel_table().set(1, 0, ecx, popcnt));
    const HostDump lacks = hardware_host("lacks", intel_table());
    const HostDump silent = hardware_host("silent", intel_table().unknown(7, 0).set(1, 0, ecx, popcnt));
    CHECK(loss_of(Merged({has, lacks}).policy, "popcnt") == "lacking lacks");
    CHECK(loss_of(Merged({has, has}).policy, "popcnt") == "kept");
    CHECK(loss_of(Merged({has}).policy, "popcnt") == "kept");

    // Of leaf 7 one host is silent. Where another lacks the bit, the pool without that one would not have it, either.
    const HostDump with_smap = hardware_host("smap", intel_table().set(7, 0, ebx, smap));
    CHECK(loss_of(Merged({with_smap, silent}).policy, "smap") == "unknown silent");
    CHECK(loss_of(Merged({with_smap, silent, lacks}).policy, "smap") == "lacking lacks; unknown silent");
}

TEST_CASE("what all hosts have goes with what it stands on, and no host is said to lack it", "[summary]") {
    TableBuilder no_avx = avx_table();
    no_avx.clear(1, 0, ecx, with_avx & ~(1U << 26U)).reg(0xD, 0, eax, 3).drop(0xD, 2);
    const PoolPolicy pair = Merged({hardware_host("whole", avx_table()), hardware_host("part", no_avx)}).policy;
    CHECK(loss_of(pair, "avx") == "lacking part");
    CHECK(loss_of(pair, "avx2") == "followed part");
    // A pool of one has no other host to name.
    CHECK(loss_of(Merged({hardware_host("part", no_avx)}).policy, "avx2") == "followed part");
}

TEST_CASE("a ceiling takes nothing that says nothing without it", "[summary]") {
    constexpr std::uint32_t intel_pt = 1U << 25U;  // leaf 7 EBX
    constexpr std::uint32_t monitor = 1U << 3U;    // leaf 1 ECX
    TableBuilder table = intel_table();
    table.set(0, 0, eax, 0x14).set(1, 0, ecx, monitor).set(7, 0, ebx, intel_pt);
    table.row(5, 0, {0x40, 0x40, 3, 0}).row(0x14, 0, {0, 0xF, 7, 0});
    const auto story = [&](const MergeOptions& options, const std::string& field) {
        const Merged pool({hardware_host("a", table)}, options);
        const Decision* decision = pool.decision(field);
        REQUIRE(decision != nullptr);
        CHECK(decision->value == 0);
        return std::string(to_string(decision->cause)) + ", " + loss_of(pool.policy, field);
    };
    MergeOptions options;
    options.ceiling_level = "libvirt:Skylake-Server-IBRS";
    for (const char* field : {"pt_ebx", "pt_out", "mwait_ext"}) CHECK(story(options, field) == "gate, kept");
    options.show = {"monitor"};
    CHECK(story(options, "mwait_ext") == "ceiling, option --ceiling libvirt:Skylake-Server-IBRS");
    CHECK(story(options, "pt_ebx") == "gate, kept");
}

TEST_CASE("what the operator's options took is said to be theirs, with what stood on it", "[summary]") {
    const HostDump host = hardware_host("a", avx_table().set(7, 0, ebx, smap));
    MergeOptions options;
    options.hide = {"smap", "avx"};
    const PoolPolicy hidden = Merged({host}, options).policy;
    CHECK(loss_of(hidden, "smap") == "option --hide");
    CHECK(loss_of(hidden, "avx") == "option --hide");
    CHECK(loss_of(hidden, "avx2") == "option ");
    CHECK(loss_of(hidden, "sse2") == "kept");
    const auto groups = groups_of(hidden);
    REQUIRE(groups.given_up.size() == 2);
    CHECK(groups.given_up.front().option == "--hide");  // before what went with it

    // What another host lacks is not taken by the option, too, nor what stands on it.
    const PoolPolicy idle = Merged({host, hardware_host("lacks", intel_table())}, options).policy;
    for (const char* field : {"smap", "avx", "avx2"}) CHECK(loss_of(idle, field) == "lacking lacks");

    options = {};
    options.ceiling_level = "x86-64-v2";
    CHECK(loss_of(Merged({host}, options).policy, "avx") == "option --ceiling x86-64-v2");
    CHECK(loss_of(Merged({host}, options).policy, "smap") == "kept");

    // What another host lacks is not taken by the ceiling, too.
    CHECK(loss_of(Merged({host, hardware_host("lacks", intel_table())}, options).policy, "avx") == "lacking lacks");

    options = {};
    options.ceiling_policy = Merged({hardware_host("old", intel_table().set(1, 0, ecx, popcnt))}).policy;
    options.ceiling_policy->pool = "spring";
    const PoolPolicy ceiled = Merged({host, hardware_host("b", avx_table())}, options).policy;
    CHECK(loss_of(ceiled, "avx") == "option --ceiling spring");
    CHECK(loss_of(ceiled, "smap") == "lacking b ceiling:spring");

    // A bit that announces what no host does is no host's doing.
    const HostDump rome = hardware_host("rome", amd_table().reg(0x80000000, 0, eax, 0x80000021));
    const HostDump genoa =
        hardware_host("genoa", amd_table().reg(0x80000000, 0, eax, 0x80000021).row(0x80000021, 0, {2, 0, 0, 0}));
    options = {};
    options.hide = {"fs_gs_base_ns"};
    const PoolPolicy told = Merged({rome}, options).policy;
    CHECK(groups_of(told).announced.empty());
    CHECK(deciders_of(groups_of(told).announced_by_option, "fs_gs_base_ns") == "the operator");
    const PoolPolicy with_genoa = Merged({rome, genoa}, options).policy;
    CHECK(deciders_of(groups_of(with_genoa).announced, "fs_gs_base_ns") == "known genoa");
    CHECK(groups_of(with_genoa).announced_by_option.empty());

    options = {};
    options.set = {{"smap", "0x0"}, {"maxphyaddr", "0x24"}};
    const PoolPolicy set = Merged({host}, options).policy;
    CHECK(loss_of(set, "smap") == "option --set");
    CHECK(deciders_of(groups_of(set).limits, "maxphyaddr") == "the operator");
}

TEST_CASE("who costs a feature is who the decision names, whatever is known of them", "[summary]") {
    const HostDump silent = hardware_host("silent", avx_table().unknown(7, 0).set(1, 0, ecx, popcnt));
    const HostDump lacks = hardware_host("lacks", intel_table());
    const PoolPolicy policy = Merged({hardware_host("has", avx_table().set(7, 0, ebx, smap)), silent, lacks}).policy;
    std::size_t of_both = 0;
    for (const summary::GivenUp& loss : groups_of(policy).given_up) {
        if (loss.loss == Loss::followed) continue;
        std::vector<std::string> names = loss.hosts.names;
        names.insert(names.end(), loss.unknown.names.begin(), loss.unknown.names.end());
        std::sort(names.begin(), names.end());
        for (const Decision* decision : loss.features) {
            CAPTURE(decision->field);
            CHECK(names == decision->because.names);
        }
        if (!loss.hosts.names.empty() && !loss.unknown.names.empty()) of_both += loss.features.size();
    }
    CHECK(of_both > 0);
}

TEST_CASE("a host of which nothing is known sets a bit beside those that are known to", "[summary]") {
    const auto host = [](const char* name, std::optional<std::uint64_t> capabilities) {
        const TableBuilder table = intel_table(0x000F06E0).set(7, 0, edx, arch_capabilities);  // no model of the table
        std::optional<std::vector<MsrRow>> msrs;
        if (capabilities) msrs = {{0x10A, *capabilities}};
        return hardware_host(name, std::vector{table}, msrs);
    };
    constexpr std::uint64_t fb_clear = 1U << 17U;
    const HostDump told = host("told", fb_clear);
    const HostDump silent = host("silent", std::nullopt);
    CHECK(deciders_of(groups_of(Merged({told, silent}).policy).announced, "ac_fb_clear") ==
          "known told; unknown silent");
    CHECK(deciders_of(groups_of(Merged({silent}).policy).announced, "ac_rsba") == "unknown silent");
}

TEST_CASE("a document that counts a host and does not name it is summed up all the same", "[summary]") {
    PoolPolicy policy =
        Merged({hardware_host("with", intel_table().set(1, 0, ecx, popcnt)), hardware_host("without", intel_table())})
            .policy;
    for (Decision& decision : policy.decisions) {
        for (ValueOfHosts& value : decision.values) value.hosts.clear();
    }
    CHECK_FALSE(groups_of(policy).given_up.empty());
}

TEST_CASE("who names a wider unit alone lacks no narrower one", "[summary]") {
    const auto host = [](const char* name, std::uint32_t units) {
        return hardware_host(name, amd_table().reg(0x80000000, 0, eax, 0x8000001A).reg(0x8000001A, 0, eax, units));
    };
    // IL Naples, Rome, Turin: the 512 bits of the last keep the hint of 256.
    const PoolPolicy policy = Merged({host("naples", 0x3), host("rome", 0x6), host("turin", 0xA)}).policy;
    CHECK(loss_of(policy, "perf_hints") == "lacking naples rome");
}

TEST_CASE("a revision of which nothing is known limits none of another CPU", "[summary]") {
    HostDump told = hardware_host("genoa", amd_table(0x00A10F11));
    told.hardware->msrs = std::vector<MsrRow>{{microcode_msr, 0xA101148}};
    const HostDump turin = hardware_host("turin", amd_table(0x00B00F21));
    const PoolPolicy policy = Merged({with_digest(told, "genoa"), turin}).policy;
    CHECK(deciders_of(groups_of(policy).limits, "amd_ucode_rev") == "known genoa");
}

// Nine of the oldest revision and one of a newer; of twelve the revision is not known, and limits nothing.
TEST_CASE("who decides is told of many hosts as of few", "[summary]") {
    std::vector<HostDump> hosts;
    add_hosts(hosts, genoa_of(0xA101148), 9, "a");
    add_hosts(hosts, genoa_of(0xA101150), 1, "n");
    add_hosts(hosts, hardware_host("turin", amd_table(0x00B00F21)), 12, "z");
    MergeOptions options;
    options.identity = "a01";
    const PoolPolicy policy = Merged(hosts, options).policy;
    CHECK(deciders_of(groups_of(policy).limits, "amd_ucode_rev") == "known a01 a02 a03 a04 a05 a06 a07 a08 +1");
    CHECK(read_policy(to_json(policy), "pool.json") == policy);
}

TEST_CASE("of many hosts those that decide by not being known are told from the others", "[summary]") {
    const auto host = [](std::optional<std::uint64_t> capabilities) {
        const TableBuilder table = intel_table(0x000F06E0).set(7, 0, edx, arch_capabilities);  // no model of the table
        std::optional<std::vector<MsrRow>> msrs;
        if (capabilities) msrs = {{0x10A, *capabilities}};
        return hardware_host("host", std::vector{table}, msrs);
    };
    std::vector<HostDump> hosts;
    add_hosts(hosts, host(1U << 17U), 9, "t");  // FB_CLEAR
    add_hosts(hosts, host(std::nullopt), 12, "s");
    const PoolPolicy policy = Merged(hosts).policy;
    const std::string expected = "known t01 t02 t03 t04 t05 t06 t07 t08 +1; unknown s01 s02 s03 s04 s05 s06 s07 s08 +4";
    CHECK(deciders_of(groups_of(policy).announced, "ac_fb_clear") == expected);
    const PoolPolicy back = read_policy(to_json(policy), "pool.json");
    CHECK(back == policy);
    CHECK(deciders_of(groups_of(back).announced, "ac_fb_clear") == expected);
}

TEST_CASE("what goes with a feature that a host does not say goes by not being known", "[summary]") {
    constexpr std::uint32_t avx = 1U << 28U;  // leaf 1 ECX
    const HostDump whole = hardware_host("whole", avx_table());
    const HostDump without = hardware_host("without", avx_table().clear(1, 0, ecx, avx));
    HostDump silent = whole;
    silent.hardware->cpus.front().cpuid.mark_unknown({1, 0}, ecx, avx);
    silent = with_digest(silent, "silent");
    const auto avx2_by = [](const std::vector<HostDump>& hosts) {
        const Merged pool(hosts);
        const Decision* decision = pool.decision("avx2");
        REQUIRE(decision != nullptr);
        CHECK(is_consequence(decision->cause));
        return deciders_of({decision}, "avx2");
    };
    CHECK(avx2_by({whole, silent}) == "unknown silent");
    CHECK(avx2_by({whole, without}) == "known without");
    CHECK(avx2_by({whole, silent, without}) == "known without; unknown silent");
}

TEST_CASE("a number is limited by those that are known to", "[summary]") {
    const auto with_bits = [](const char* name, std::uint32_t bits) {
        return hardware_host(name, intel_table().reg(0x80000008, 0, eax, 0x3000 | bits));
    };
    const HostDump silent = hardware_host("silent", intel_table().unknown(0x80000008, 0));
    const HostDump narrow = with_bits("narrow", 0x27);
    const HostDump wide = with_bits("wide", 0x2E);
    CHECK(deciders_of(groups_of(Merged({wide, narrow}).policy).limits, "maxphyaddr") == "known narrow");
    CHECK(deciders_of(groups_of(Merged({wide, silent}).policy).limits, "maxphyaddr") == "unknown silent");
}

TEST_CASE("what stands in the row of a state that the policy does not have is not given up", "[summary][xsave]") {
    // Of APX, which is shown only when asked for: a row with ECX[2], XFD.
    const TableBuilder saves =
        intel_table().set(1, 0, ecx, 0x0C000000).row(0xD, 0, {3, 0x240, 0x240, 0}).row(0xD, 1, {0x1F, 0x240, 0, 0});
    const HostDump with = hardware_host(
        "with", TableBuilder(saves).row(0xD, 0, {0x80003, 0x440, 0x440, 0}).row(0xD, 19, {0x80, 0x3C0, 4, 0}));
    CHECK(loss_of(Merged({with, hardware_host("without", saves)}).policy, "xs_xfd") == "kept");
    // Of AMX, which the ceiling takes.
    const HostDump tiles = hardware_host("tiles", TableBuilder(saves)
                                                      .set(7, 0, edx, 1U << 24U)
                                                      .row(0xD, 0, {0x60003, 0x2B00, 0x2B00, 0})
                                                      .row(0xD, 17, {0x40, 0xAC0, 2, 0})
                                                      .row(0xD, 18, {0x2000, 0xB00, 6, 0})
                                                      .reg(0, 0, eax, 0x1D)
                                                      .row(0x1D, 0, {1, 0, 0, 0})
                                                      .row(0x1D, 1, {0x04002000, 0x00080040, 0x10, 0}));
    MergeOptions options;
    options.ceiling_level = "qemu:SierraForest-v1";
    const PoolPolicy under = Merged({tiles}, options).policy;
    CHECK(loss_of(under, "amx_tile") == "option --ceiling qemu:SierraForest-v1");
    CHECK(loss_of(under, "xs_xfd") == "kept");
}

TEST_CASE("a ceiling that joined took what it alone decided, and nothing else", "[summary][ceiling]") {
    const HostDump has = hardware_host("has", intel_table().set(1, 0, ecx, popcnt).set(7, 0, ebx, smap));
    const HostDump silent = hardware_host("silent", intel_table().unknown(7, 0).set(1, 0, ecx, popcnt));
    const std::vector<HostDump> hosts{has, silent};
    MergeOptions options;
    options.ceiling_policy = Merged(hosts).policy;  // of the pool itself: it takes nothing
    const PoolPolicy same = Merged(hosts, options).policy;
    CHECK(loss_of(same, "popcnt") == "kept");
    CHECK(loss_of(same, "smap") == "unknown silent");
    for (const summary::GivenUp& loss : groups_of(same).given_up) CHECK(loss.loss != Loss::option);

    options.ceiling_policy = Merged({hardware_host("low", intel_table())}).policy;
    const PoolPolicy lower = Merged(hosts, options).policy;
    CHECK(loss_of(lower, "popcnt") == "option --ceiling pool");
    CHECK(loss_of(lower, "smap") == "unknown silent");
    // What nobody asked for is not the ceiling's doing.
    const HostDump nested = hardware_host("nested", intel_table().set(1, 0, ecx, popcnt | 1U << 5U));
    CHECK(loss_of(Merged({nested}, options).policy, "vmx") == "kept");
}

}  // namespace poolcpuid::test::summary_groups_test
