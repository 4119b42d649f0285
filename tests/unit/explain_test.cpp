// Why a value is what it is: every cause, the hosts behind it, and what a field follows from or needs.

#include <algorithm>
#include <map>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "base/hex.hpp"
#include "policy/document_text.hpp"
#include "poolcpuid/error.hpp"
#include "poolcpuid/explain.hpp"
#include "poolcpuid/load_rulebook.hpp"
#include "tests/catch.hpp"
#include "tests/support/host_builder.hpp"
#include "tests/support/merged.hpp"
#include "tests/unit/small_rulebook.hpp"

namespace poolcpuid::test::explain_test {

using Catch::Contains;
using Catch::StartsWith;

namespace {

constexpr std::uint32_t avx2 = 1U << 5;        // leaf 7 EBX
constexpr std::uint32_t smep = 1U << 7;        // leaf 7 EBX
constexpr std::uint32_t avx = 1U << 28;        // leaf 1 ECX
constexpr std::uint32_t xsave = 1U << 26;      // leaf 1 ECX
constexpr std::uint32_t monitor = 1U << 3;     // leaf 1 ECX
constexpr std::uint32_t pku = 1U << 3;         // leaf 7 ECX
constexpr std::uint32_t arch_caps = 1U << 29;  // leaf 7 EDX
constexpr std::uint32_t arch_capabilities = 0x10A;

TableBuilder relaxed_table() { return amd_table().reg(0x80000000, 0, eax, 0x80000021).reg(0x80000021, 0, eax, 2); }

// With AVX, AVX2 and their state.
TableBuilder avx_table() {
    return amd_table()
        .set(1, 0, ecx, avx | xsave)
        .set(7, 0, ebx, avx2)
        .row(0xD, 0, {0x7, 0x340, 0x340, 0})
        .row(0xD, 2, {0x100, 0x240, 0, 0});
}

// With protection keys, whose state is at an offset; 0: without.
TableBuilder pku_table(std::uint32_t offset) {
    TableBuilder table = avx_table();
    if (offset != 0) table.set(7, 0, ecx, pku).set(0xD, 0, eax, 0x200).row(0xD, 9, {8, offset, 0, 0});
    return table;
}

// A policy that is explained; the policy stays where the explainer looks for it.
class Explained {
public:
    explicit Explained(PoolPolicy policy) : policy_(std::move(policy)), explainer_(builtin_rulebook(), policy_) {}
    explicit Explained(const std::vector<HostDump>& hosts, const MergeOptions& options = {})
        : Explained(Merged(hosts, options).policy) {}

    Explained(const Explained&) = delete;  // the explainer looks at the policy where it is
    Explained& operator=(const Explained&) = delete;

    ExplainedField field(const std::string& id) const { return explainer_.field(builtin_rulebook().find(id)); }
    ExplainedValue value(const std::string& id) const { return field(id).values.front(); }
    const Explainer& explainer() const { return explainer_; }
    const PoolPolicy& policy() const { return policy_; }

private:
    PoolPolicy policy_;
    Explainer explainer_;
};

Explained two(const TableBuilder& a, const TableBuilder& b, const MergeOptions& options = {}) {
    return Explained({hardware_host("a", a), hardware_host("b", b)}, options);
}

// "0x0 a; 0x1 b, c"; of a state's, "64 bytes at 832 a".
std::string seen_text(const std::vector<ValueOfHosts>& values) {
    std::string text;
    for (const ValueOfHosts& seen : values) {
        text += (text.empty() ? "" : "; ") + (seen.at ? document::layout_text(seen) : document::value_word(seen.value));
        for (const std::string& host : seen.hosts) text += (&host == &seen.hosts.front() ? " " : ", ") + host;
    }
    return text;
}

// "hosts 0x0 because a: Not every host has it."
std::string text_of(const ExplainedValue& value) {
    std::string text = std::string(value.cause ? to_string(*value.cause) : "nothing") + " " + to_hex(value.value);
    for (const std::string& host : value.because.names) {
        text += (&host == &value.because.names.front() ? " because " : ", ") + host;
    }
    return text + ": " + value.reason;
}

Names ids_of(const std::vector<FieldIndex>& fields) {
    Names ids;
    for (const FieldIndex index : fields) ids.emplace_back(builtin_rulebook()[index].id);
    return ids;
}

Names named(const Explained& explained, const std::string& name) {
    return ids_of(explained.explainer().fields_named(name));
}

const StoryGroup* group_of(const Story& story, const std::string& id) {
    for (const StoryGroup& group : story.groups) {
        for (const StoryItem& item : group.items) {
            if (item.decision->field == id) return &group;
        }
    }
    return nullptr;
}

}  // namespace

TEST_CASE("a field goes by any of its names, and all that share one are found", "[explain]") {
    const Explained amd({hardware_host("a", amd_table())});
    CHECK(named(amd, "fs_gs_base_ns") == Names{"fs_gs_base_ns"});
    CHECK(named(amd, "FS-GS-BASE-NS") == Names{"fs_gs_base_ns"});
    CHECK(named(amd, "wrmsr_xx_base_ns") == Names{"fs_gs_base_ns"});
    CHECK(named(amd, "FsGsKernelGsBaseNonSerializing") == Names{"fs_gs_base_ns"});
    CHECK(named(amd, "phys-bits") == Names{"maxphyaddr"});
    CHECK(named(amd, "xcr0") == Names{"xcr0_lo", "xcr0_hi"});
    CHECK(named(amd, "SSBD") == Names{"ssbd", "amd_ssbd", "virt_spec_ctrl"});
}

TEST_CASE("a name means a field of the policy's vendor", "[explain]") {
    const LoadResult loaded = load_rulebook(small_rulebook());
    REQUIRE(loaded.findings.empty());
    PoolPolicy policy;
    policy.vendor = "AuthenticAMD";
    const Explainer explainer(loaded.rulebook.view(), policy);
    const std::vector<FieldIndex> shared = explainer.fields_named("q-shared");
    REQUIRE(shared.size() == 1);
    CHECK(loaded.rulebook.view()[shared.front()].id == "of_amd");
    CHECK_THROWS_WITH(explainer.fields_named("of_intel"),
                      StartsWith("\"of_intel\" is a field of another vendor than AuthenticAMD"));
    policy.vendor = "SomebodyElse";
    CHECK_THROWS_AS(Explainer(loaded.rulebook.view(), policy), NoPolicyError);
}

TEST_CASE("a name that nobody has is refused with what is near", "[explain]") {
    const Explained amd({hardware_host("a", amd_table())});
    CHECK_THROWS_WITH(amd.explainer().fields_named("avx512ff"),
                      StartsWith("\"avx512ff\" is no name of a field; did you mean avx512f"));
    CHECK_THROWS_WITH(amd.explainer().fields_named("x\x1b[31m"), Contains("\"x\\u{1b}[31m\" is no name"));
}

TEST_CASE("what all hosts have needs no decision", "[explain]") {
    const ExplainedValue value = two(avx_table(), avx_table()).value("avx2");
    CHECK(text_of(value) == "agreement 0x1: ");
    CHECK(value.seen.empty());
    CHECK(value.because.count == 0);
    CHECK(value.means == "The guest may rely on it.");
}

TEST_CASE("a policy of another rulebook agrees on nothing that this may not have known", "[explain]") {
    const std::vector<HostDump> hosts{hardware_host("a", relaxed_table().set(7, 0, ebx, smep)),
                                      hardware_host("b", amd_table().set(7, 0, ebx, smep))};
    const PoolPolicy whole = Merged(hosts).policy;
    // As a rulebook without FsGsBaseNonSerializing would have left it, which is the OR.
    PoolPolicy old = whole;
    old.rulebook_sha256 = std::string(64, 'a');
    std::erase_if(old.decisions, [](const Decision& decision) { return decision.field == "fs_gs_base_ns"; });
    for (CpuidRow& row : old.cpuid) {
        if (row.key == LeafKey{0x80000021, 0}) row.value.eax = 0;
    }
    const FieldIndex relaxed = builtin_rulebook().find("fs_gs_base_ns");
    const Explainer alone(builtin_rulebook(), old);
    const ExplainedValue unsaid = alone.field(relaxed).values.front();
    CHECK(text_of(unsaid) == "nothing 0x0: ");
    CHECK(unsaid.undecided);
    CHECK(unsaid.seen.empty());

    const Explainer with_dumps(builtin_rulebook(), old, &whole);
    const ExplainedValue seen = with_dumps.field(relaxed).values.front();
    CHECK(text_of(seen) == "nothing 0x0: ");
    CHECK_FALSE(seen.undecided);
    CHECK(seen_text(seen.seen) == "0x0 b; 0x1 a");
    const ExplainedValue none = with_dumps.field(builtin_rulebook().find("avx512f")).values.front();
    CHECK(seen_text(none.seen) == "0x0 a, b");

    // What is set was decided by a rule, and without a decision by agreement.
    CHECK(text_of(alone.field(builtin_rulebook().find("smep")).values.front()) == "agreement 0x1: ");
    CHECK_FALSE(alone.state_named("xsave state pkru").value().cause);
    CHECK(Explained(whole).explainer().state_named("xsave state pkru").value().cause == Cause::agreement);
}

TEST_CASE("the hosts' values decide, each rule in its way", "[explain]") {
    const Explained lacks = two(avx_table(), avx_table().clear(7, 0, ebx, avx2));
    CHECK(text_of(lacks.value("avx2")) == "hosts 0x0 because b: Not every host has it.");
    CHECK(seen_text(lacks.value("avx2").seen) == "0x0 b; 0x1 a");

    const Explained relaxes = two(amd_table(), relaxed_table());
    CHECK(text_of(relaxes.value("fs_gs_base_ns")) == "hosts 0x1 because b: Set as soon as one host has it.");
    CHECK(relaxes.value("fs_gs_base_ns").means == "The guest is told, and does not rely on the stricter behaviour.");

    const Explained narrow = two(amd_table(), amd_table().reg(0x80000008, 0, eax, 0x3034));
    CHECK(text_of(narrow.value("maxphyaddr")) == "hosts 0x30 because a: The smallest of the hosts.");
    CHECK(narrow.value("maxphyaddr").means == "The guest counts on 48, which every host has or exceeds.");
    CHECK(narrow.field("maxphyaddr").findings.size() == 1);
    CHECK(narrow.value("guestphys").means == "0 stands for the value of maxphyaddr, here 48.");
    CHECK(narrow.field("guestphys").reading ==
          "Of a dump of the silicon alone, or of a hypervisor's view that has 0 there, no more than 48 counts: "
          "hypervisors may give less than the silicon. "
          "A host's 0 stands for its maxphyaddr.");
}

TEST_CASE("of different formats the usual one is no cause, and none is promised", "[explain]") {
    const auto line = [](std::uint32_t size) { return amd_table().reg(1, 0, ebx, size << 8); };
    const Explained pool(
        {hardware_host("a", line(8)), hardware_host("b", line(4)), hardware_host("c", line(8).set(7, 0, ebx, 1))});
    const ExplainedValue value = pool.value("clflush_size");
    CHECK_THAT(text_of(value), StartsWith("equality 0x0 because b: The hosts do not agree on clflush_line"));
    CHECK(value.means == "The guest is shown none.");
    CHECK_THAT(text_of(pool.value("clfsh")), StartsWith("equality 0x0 because b: "));
}

TEST_CASE("a format that is not used everywhere is no disagreement: those without its feature limit it", "[explain]") {
    constexpr std::uint32_t amx_tile = 1U << 24;  // leaf 7 EDX
    const auto with_amx =
        intel_table().set(7, 0, edx, amx_tile).row(0x1D, 0, {1, 0, 0, 0}).row(0x1D, 1, {0x4002000, 0x80040, 0x10, 0});
    const auto table = [](TableBuilder leaves) { return leaves.reg(0, 0, eax, 0x1D); };
    const Explained pool = two(table(with_amx), table(intel_table()));
    CHECK(text_of(pool.value("amx_tile")) == "hosts 0x0 because b: Not every host has it.");
    const ExplainedField palette = pool.field("amx_pal1_eax");
    CHECK(text_of(palette.values.back()) == "gate 0x0 because b: Says nothing without amx_tile.");
}

TEST_CASE("what a dump does not say is no promise, and who does not say it is named", "[explain]") {
    const auto silent = amd_table().unknown(7, 0);
    const Explained pool = two(avx_table(), silent);
    CHECK(text_of(pool.value("avx2")) ==
          "hosts 0x0 because b: Not every host has it. What a dump does not say is not promised.");
    CHECK(seen_text(pool.value("avx2").seen) == "unknown b; 0x1 a");
    // Nobody has SMEP: then it is not the silent host that costs it.
    CHECK(text_of(pool.value("smep")) ==
          "hosts 0x0 because a, b: No host is known to have it. What a dump does not say is not promised.");
}

TEST_CASE("closure says what went, and who is behind it", "[explain]") {
    const Explained pool = two(avx_table(), avx_table().clear(1, 0, ecx, avx));
    CHECK(text_of(pool.value("avx")) == "hosts 0x0 because b: Not every host has it.");
    CHECK(text_of(pool.value("avx2")) == "dependency 0x0 because b: Goes with avx: Built on the YMM registers.");
    CHECK(ids_of(pool.field("avx2").lacking) == Names{"avx"});
    CHECK(pool.field("sse").lacking.empty());
}

TEST_CASE("an XSAVE state that hosts lay out differently takes its feature", "[explain]") {
    const Explained pool = two(pku_table(0x980), pku_table(0xA80));
    CHECK(text_of(pool.value("pku")) == "xsave-state 0x0 because b: Its XSAVE state pkru is not in the policy.");
    const std::vector<ExplainedState> states = pool.field("pku").states;
    REQUIRE(states.size() == 1);
    CHECK(states.front().id == "pkru");
    CHECK_FALSE(states.front().kept);
    CHECK(states.front().because.names == Names{"b"});  // AMD documents the place that a has
    CHECK(seen_text(states.front().seen) == "8 bytes at 2432 a; 8 bytes at 2688 b");
    CHECK(ids_of(states.front().features) == Names{"pku"});
}

TEST_CASE("XCR0 is told by its states: kept, or not, and why", "[explain]") {
    const Explained pool = two(pku_table(0x980), pku_table(0));
    const ExplainedField xcr0 = pool.field("xcr0_lo");
    CHECK(xcr0.values.front().cause == Cause::derived);
    CHECK(seen_text(xcr0.values.front().seen) == "0x7 b; 0x207 a");
    Names kept;
    for (const ExplainedState& state : xcr0.states) {
        if (state.kept) kept.push_back(state.id);
    }
    CHECK(kept == Names{"x87", "sse", "avx"});
    REQUIRE(xcr0.states.size() == 4);
    CHECK(xcr0.states[2].layout == "256 bytes at 576");
    CHECK(xcr0.states[3].reason == "The XSAVE state pkru is not on every host.");
    CHECK(xcr0.states[3].because.names == Names{"b"});
    CHECK(pool.field("xcr0_hi").states.empty());
    CHECK(pool.explainer().state_named("xsave state avx")->kept);
    CHECK_FALSE(pool.explainer().state_named("xsave state nobody"));
    CHECK_FALSE(pool.explainer().state_named("avx"));
}

TEST_CASE("a field that stands in several subleaves has a value for each", "[explain]") {
    const ExplainedField sizes = two(pku_table(0x980), pku_table(0)).field("xs_size");
    REQUIRE(sizes.values.size() == 2);
    CHECK(sizes.values[0].place.subleaf_first == 2);
    CHECK(sizes.values[0].value == 0x100);
    CHECK(text_of(sizes.values[1]) == "hosts 0x0 because b: The XSAVE state pkru is not on every host.");
    CHECK(sizes.values[1].means == "The state is not in the policy.");

    const ExplainedField none = two(amd_table(), amd_table()).field("xs_size");
    REQUIRE(none.values.size() == 1);
    CHECK(none.values.front().place.subleaf_first == 2);
    CHECK(none.values.front().place.subleaf_last == 0x3F);
}

TEST_CASE("what is shown only when asked for, and what says nothing without another field", "[explain]") {
    const TableBuilder table = amd_table().set(1, 0, ecx, monitor).reg(5, 0, ecx, 1);
    const Explained plain = two(table, table);
    CHECK(text_of(plain.value("monitor")) == "not-asked 0x0: Shown only when asked for with --show.");
    CHECK(seen_text(plain.value("monitor").seen) == "0x1 a, b");
    CHECK(text_of(plain.value("mwait_ext")) == "gate 0x0: Says nothing without monitor.");
    MergeOptions options;
    options.show = {"monitor"};
    CHECK(text_of(two(table, table, options).value("monitor")) == "agreement 0x1: ");
    // Nobody has it: there is no decision to say so.
    CHECK(text_of(two(amd_table(), amd_table()).value("monitor")) ==
          "not-asked 0x0: Shown only when asked for with --show.");
    CHECK(text_of(two(amd_table(), amd_table()).value("mwait_ext")) == "gate 0x0: Says nothing without monitor.");
}

namespace {

// A host that has whatever guests are shown only when asked for, and all around it.
HostDump host_with_all_to_ask_for(TableBuilder table, VendorMask vendor) {
    table.reg(0, 0, eax, 0x24).reg(0x80000000, 0, eax, 0x80000026);
    std::map<std::uint32_t, std::uint64_t> msrs;
    for (const Field& field : builtin_rulebook().fields) {
        if (field.exposure != Exposure::asked || (field.vendors & vendor) == 0) continue;
        if (field.is_msr) {
            msrs[field.leaf] |= field.mask();
        } else {
            table.set(field.leaf, field.subleaf_first, field.reg, static_cast<std::uint32_t>(field.mask()));
        }
    }
    std::vector<MsrRow> rows;
    for (const auto& [index, value] : msrs) rows.push_back({index, value});
    return hardware_host("a", {table}, rows);
}

// What --show takes.
std::set<std::string> names_to_show(VendorMask vendor) {
    std::set<std::string> names;
    for (const Field& field : builtin_rulebook().fields) {
        if (field.exposure != Exposure::asked || (field.vendors & vendor) == 0) continue;
        names.emplace(field.ask.empty() ? field.id : field.ask);
        names.emplace(field.id);
    }
    return names;
}

// The fields of a policy with a value, of which the explanation is that nobody asked for them.
Names shown_and_not_asked(const Explained& explained, VendorMask vendor) {
    Names ids;
    for (const Field& field : builtin_rulebook().fields) {
        if (field.exposure != Exposure::asked || (field.vendors & vendor) == 0) continue;
        for (const ExplainedValue& value : explained.field(std::string(field.id)).values) {
            if (value.value != 0 && value.cause == Cause::not_asked) ids.emplace_back(field.id);
        }
    }
    return ids;
}

}  // namespace

TEST_CASE("no field that a policy shows is said not to be shown", "[explain]") {
    for (const TableBuilder& table : {amd_table(), intel_table()}) {
        const VendorMask vendor = builtin_rulebook().vendor_mask(vendor_string(table.table()).value());
        const HostDump host = host_with_all_to_ask_for(table, vendor);
        for (const std::string& name : names_to_show(vendor)) {
            CAPTURE(name);
            MergeOptions options;
            options.show = {name};
            CHECK(shown_and_not_asked(Explained({host}, options), vendor) == Names{});
        }
    }
}

TEST_CASE("what is shown with its gate was not asked for itself", "[explain]") {
    constexpr std::uint32_t rdpru = 1U << 4;  // 80000008h EBX
    const HostDump host =
        hardware_host("a", amd_table().set(0x80000008, 0, ebx, rdpru).set(0x80000008, 0, edx, 0x10000));
    MergeOptions options;
    options.show = {"rdpru"};
    const Explained explained({host}, options);
    CHECK(text_of(explained.value("rdpru_max")) == "agreement 0x1: ");
    CHECK_FALSE(explained.field("rdpru_max").asked);
    CHECK(explained.field("rdpru").asked);
    CHECK(text_of(Explained({host}).value("rdpru_max")) == "not-asked 0x0: Shown only when asked for with --show.");
}

TEST_CASE("the operator's overrides are told as such", "[explain]") {
    MergeOptions options;
    options.ceiling_level = "x86-64-v2";
    options.hide = {"clzero", "fs_gs_base_ns"};
    options.set = {{"maxphyaddr", "40"}};
    const auto table = [] { return avx_table().set(0x80000008, 0, ebx, 1); };
    const Explained pool = two(table(), table(), options);
    CHECK(text_of(pool.value("avx2")) == "ceiling 0x0: Withheld by --ceiling.");
    CHECK(text_of(pool.value("clzero")) == "hidden 0x0: Hidden by --hide.");
    CHECK(text_of(pool.value("fs_gs_base_ns")) == "hidden 0x1: Set by --hide, as a clear bit would promise.");
    CHECK(text_of(pool.value("maxphyaddr")) == "set 0x28: Set by the operator.");
}

TEST_CASE("fields without a promise say where they come from", "[explain]") {
    TableBuilder newer = amd_table(0x00A20F10);
    const Explained pool = two(relaxed_table(), newer.set(6, 0, ecx, 1));
    CHECK(text_of(pool.value("ext_model")) ==
          "identity 0x3 because a: Taken whole from the host that lends the identity.");
    CHECK(pool.value("ext_model").means == "It describes the CPU that the guest is shown.");
    CHECK(text_of(pool.value("aperfmperf")) == "never-shown 0x0: Never shown to a guest in a pool.");
    CHECK(text_of(pool.value("initial_apic_id")) == "owned 0x0: ");
    CHECK(pool.value("initial_apic_id").means == "The VMM or the guest fills it in at run time.");

    const ExplainedField leaf = pool.field("max_ext_leaf");
    CHECK(leaf.values.front().cause == Cause::derived);
    CHECK(leaf.derivation == "The highest leaf of the policy is 0x80000021, which holds fs_gs_base_ns.");
    CHECK(ids_of(leaf.follows_from) == Names{"fs_gs_base_ns"});
    CHECK(pool.field("linaddr").derivation == "57 with la57, 48 without it.");
    CHECK(ids_of(pool.field("linaddr").follows_from) == Names{"la57"});
}

TEST_CASE("a policy that offers an MSR says what for", "[explain]") {
    const auto host = [](const char* name, std::uint64_t value) {
        return hardware_host(name, std::vector{intel_table().set(7, 0, edx, arch_caps)},
                             std::vector<MsrRow>{{arch_capabilities, value}});
    };
    const Explained pool({host("a", 0x4), host("b", 0x0)});
    CHECK(pool.field("arch_caps").derivation == "MSR 0x10a is in the policy, for it holds ac_rsba.");
    CHECK_THAT(text_of(pool.value("ac_rsba")), StartsWith("hosts 0x1 because a: "));
    CHECK(pool.value("ac_rrsba").means == "The guest is told the same by the name ac_rsba.");
}

TEST_CASE("enhanced IBRS is lost as a feature is, and RSBA comes as bad news does", "[explain]") {
    const auto host = [](const char* name, std::uint64_t value) {
        return hardware_host(name, std::vector{intel_table().set(7, 0, edx, arch_caps)},
                             std::vector<MsrRow>{{arch_capabilities, value}});
    };
    const Explained mixed({host("eibrs", 0x2), host("rsba", 0x4)});
    CHECK(text_of(mixed.value("ac_ibrs_all")) == "hosts 0x0 because rsba: Not every host has it.");
    CHECK(text_of(mixed.value("ac_rsba")) ==
          "hosts 0x1 because rsba: Set as soon as RET may be predicted from elsewhere on one host, or nobody knows.");
}

TEST_CASE("a guarded bit says whether VERW scrubs", "[explain]") {
    const auto md_clear = [](const char* name, bool set) {
        return hardware_host(name, intel_table().set(7, 0, edx, set ? 0x400 : 0));
    };
    const Explained all({md_clear("a", true), md_clear("b", true)});
    CHECK(all.value("md_clear").means == "The guest is asked to run VERW, which scrubs wherever it runs.");
    const Explained some({md_clear("a", true), md_clear("b", false)});
    CHECK(some.value("md_clear").means == "The guest is asked to run VERW, which is not known to scrub on every host.");
    CHECK(some.field("md_clear").findings.size() == 1);
    const Explained none({md_clear("a", false), md_clear("b", false)});
    CHECK(none.value("md_clear").means == "The guest is not asked to run VERW for this.");
}

TEST_CASE("a list that the document cuts off is counted, and complete with the names of the hosts", "[explain]") {
    std::vector<HostDump> hosts{hardware_host("new", avx_table())};
    for (int i = 10; i < 22; ++i) {
        HostDump host = hardware_host("old-" + std::to_string(i), avx_table().clear(7, 0, ebx, avx2));
        hosts.push_back(host);
    }
    const Explained cut(hosts);
    const ExplainedValue value = cut.value("avx2");
    CHECK(value.because.names.size() == most_names);
    CHECK(value.because.count == 12);
    CHECK(value.reason == "Not every host has it.");
    const Explained whole(with_names_of(cut.policy(), Merged(hosts, with_all_names({})).policy));
    CHECK(whole.value("avx2").because.names.size() == 12);
    CHECK(whole.value("avx2").seen.front().hosts.size() == 12);
    CHECK(whole.value("avx2").because.count == 12);
    CHECK(whole.policy().hosts.size() == cut.policy().hosts.size());
}

TEST_CASE("names come only from hosts that decide alike", "[explain]") {
    const PoolPolicy policy = two(avx_table(), avx_table().clear(7, 0, ebx, avx2)).policy();
    const PoolPolicy other = two(avx_table(), amd_table()).policy();
    const PoolPolicy kept = with_names_of(policy, other);
    CHECK(kept.decisions == policy.decisions);
}

TEST_CASE("a host may be called anything", "[explain]") {
    for (const char* name : {"x (a, b and 3 more)", "(", "and 5 more)", "a, b", "Not every host has it."}) {
        const Explained pool({hardware_host("new", avx_table()), hardware_host(name, amd_table())});
        CAPTURE(name);
        CHECK(text_of(pool.value("avx2")) == std::string("hosts 0x0 because ") + name + ": Not every host has it.");
    }
}

TEST_CASE("an explanation is made from a decision's data, whatever its sentence says", "[explain]") {
    PoolPolicy policy = two(avx_table(), amd_table()).policy();
    for (Decision& decision : policy.decisions) decision.reason = "Withheld by --ceiling.";
    const Explained pool(policy);
    CHECK(pool.value("avx2").reason == "Not every host has it.");
    CHECK(pool.value("avx2").cause == Cause::hosts);
    CHECK(pool.value("avx2").because.count == 1);
}

TEST_CASE("a story groups decisions by what is behind them, hosts first, the largest first", "[explain]") {
    auto both = avx_table().set(7, 0, ebx, 1U << 18).set(1, 0, ecx, monitor);  // RDSEED
    TableBuilder without_avx = both;
    without_avx.clear(1, 0, ecx, avx | xsave).clear(7, 0, ebx, avx2);
    // With its hypervisor's view a host leaves nothing open that hypervisors make.
    const auto host = [](const char* name, const TableBuilder& table) {
        return with_hypervisor(hardware_host(name, table), table);
    };
    const Explained pool({host("a", both), host("b", without_avx), host("c", avx_table())});
    const Story story = pool.explainer().story();
    REQUIRE(story.groups.size() >= 3);
    const StoryGroup* by_b = group_of(story, "avx");
    REQUIRE(by_b != nullptr);
    CHECK(by_b->cause == Cause::hosts);
    CHECK(by_b->because.names == Names{"b"});
    CHECK(group_of(story, "avx2") == by_b);
    CHECK(by_b == &story.groups.front());
    CHECK(group_of(story, "rdseed")->because.names == Names{"c"});
    CHECK(group_of(story, "monitor")->cause == Cause::not_asked);
    CHECK(group_of(story, "xs_size") == nullptr);  // told as states
    CHECK(std::is_sorted(story.groups.begin(), story.groups.end(),
                         [](const StoryGroup& a, const StoryGroup& b) { return a.cause < b.cause; }));
    CHECK(story.agreed > 10);
    CHECK(story.unknown_fields.empty());
}

TEST_CASE("a story tells of fields that this rulebook does not know", "[explain]") {
    PoolPolicy policy = two(avx_table(), amd_table()).policy();
    policy.decisions.front().field = "from_tomorrow";
    CHECK(Explained(policy).explainer().story().unknown_fields == Names{"from_tomorrow"});
}

TEST_CASE("a ceiling is named among the hosts that limit", "[explain]") {
    MergeOptions options;
    options.ceiling_policy = Merged({hardware_host("small", amd_table())}).policy;
    const Explained pool = two(avx_table(), avx_table(), options);
    CHECK(text_of(pool.value("avx")) == "hosts 0x0 because ceiling:pool: Not every host has it.");
}

}  // namespace poolcpuid::test::explain_test
