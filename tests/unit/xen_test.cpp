// policy/targets/xen.json against the rulebook, and what becomes of single bits of a policy in XAPI's featureset.

#include <algorithm>
#include <map>
#include <set>
#include <sstream>
#include <string>
#include <vector>

#include "poolcpuid/error.hpp"
#include "poolcpuid/load_rulebook.hpp"
#include "poolcpuid/render.hpp"
#include "render/target_data.hpp"
#include "render/xen_data.hpp"
#include "tests/catch.hpp"
#include "tests/support/host_builder.hpp"
#include "tests/unit/lint_slips.hpp"

namespace poolcpuid::test::xen_test {

using namespace poolcpuid::render;

namespace {

const XenTarget& target() {
    static const XenTarget value = rulebook::xen_data(builtin_rulebook());
    return value;
}

std::vector<const Field*> fields_named(const std::string& name) {
    std::vector<const Field*> fields;
    for (const Field& field : builtin_rulebook().fields) {
        if (field.names.xen == name) fields.push_back(&field);
    }
    return fields;
}

// The names of the words, by attribute.
std::map<std::string, std::set<std::string>> names_by_attribute() {
    std::map<std::string, std::set<std::string>> all;
    for (const FeatureWord& word : target().words) {
        for (const auto& [attribute, names] : word.guests) all[attribute].insert(names.begin(), names.end());
    }
    return all;
}

std::set<std::string> all_names() {
    std::set<std::string> all;
    for (const auto& [attribute, names] : names_by_attribute()) all.insert(names.begin(), names.end());
    return all;
}

// A policy of nothing but these rows, as one host with just that makes it.
PoolPolicy policy_of(const std::string& vendor, const std::vector<CpuidRow>& rows) {
    PoolPolicy policy;
    policy.pool = "made";
    policy.vendor = vendor;
    policy.rulebook_sha256 = builtin_rulebook().sha256;
    policy.cpuid = rows;
    policy.cpuid.push_back({{0x0, 0}, {0xD, 0, 0, 0}});
    policy.cpuid.push_back({{0x80000000, 0}, {vendor == "AuthenticAMD" ? 0x80000021 : 0x80000008, 0, 0, 0}});
    std::sort(policy.cpuid.begin(), policy.cpuid.end(),
              [](const CpuidRow& a, const CpuidRow& b) { return a.key < b.key; });
    return policy;
}

const std::string amd = "AuthenticAMD";
const std::string intel = "GenuineIntel";
const CpuidRow long_mode{{0x80000001, 0}, {0, 0, 0, 1U << 29}};
// FPU, TSC, PAE, FXSR, SSE, SSE2: what long mode needs.
constexpr std::uint32_t base_1d = 1U << 0 | 1U << 4 | 1U << 6 | 1U << 24 | 1U << 25 | 1U << 26;

CpuidRow leaf_1(std::uint32_t eax, std::uint32_t ecx = 0) { return {{0x1, 0}, {eax, 0, ecx, base_1d}}; }

Rendering featureset(const PoolPolicy& policy) { return render_policy(builtin_rulebook(), policy, "xapi", {}); }

std::vector<std::uint32_t> words_of(const Rendering& rendering) {
    std::vector<std::uint32_t> words;
    std::istringstream in(rendering.output);
    for (std::string word; std::getline(in, word, '-');) {
        words.push_back(static_cast<std::uint32_t>(std::stoul(word, nullptr, 16)));
    }
    return words;
}

// What is said of a field; of one of which nothing is, nothing.
Inexpressible entry_of(const Rendering& rendering, const std::string& field) {
    for (const Inexpressible& entry : rendering.inexpressible) {
        if (entry.field == field) return entry;
    }
    return {};
}

std::string reason_of(const Rendering& rendering, const std::string& field) {
    return entry_of(rendering, field).reason;
}

}  // namespace

TEST_CASE("what Xen accumulates over a pool is no plain promise in the rulebook, and else nothing is", "[xen]") {
    for (const auto& [attribute, names] : names_by_attribute()) {
        const bool accumulates = attribute.find('|') != std::string::npos;
        for (const std::string& name : names) {
            CAPTURE(attribute, name);
            for (const Field* field : fields_named(name)) {
                const bool is_inverted = field->rule == Rule::union_ || field->rule == Rule::guarded;
                CHECK(is_inverted == accumulates);
            }
        }
    }
}

TEST_CASE("an older Xen lacks what is in the words, and has what is not", "[xen]") {
    const std::set<std::string> names = all_names();
    CHECK(names.size() > 170);
    for (const std::string& name : target().older_lacks) CHECK(names.contains(name));
    for (const std::string& name : target().older_has) {
        CAPTURE(name);
        CHECK_FALSE(names.contains(name));
    }
}

TEST_CASE("a release between two that are known is taken for the older one", "[xen]") {
    const auto release = [](const std::optional<VmmVersion>& asked) {
        return to_string(XenData(builtin_rulebook(), "intel", asked).release);
    };
    CHECK(release(std::nullopt) == "4.20");
    CHECK(release(VmmVersion{4, 20}) == "4.20");
    CHECK(release(VmmVersion{5, 0}) == "4.20");
    CHECK(release(VmmVersion{4, 19}) == "4.17");
    CHECK(release(VmmVersion{4, 17}) == "4.17");
    CHECK_THROWS_AS(release(VmmVersion{4, 16}), UsageError);
}

TEST_CASE("libxl has a name for each feature: small letters, and its own for CLFLUSH", "[xen]") {
    const XenData data(builtin_rulebook(), "intel", std::nullopt);
    std::map<std::string, std::string> names;
    for (const XenFeature& feature : data.features) names[feature.name] = data.libxl_name(feature);
    CHECK(names.at("CLFLUSH") == "clfsh");  // clflush is the size of a line
    CHECK(names.at("LAHF_LM") == "lahf-lm");
    CHECK(names.at("RRSBA") == "rrsba");
    CHECK(names.at("3DNOWPREFETCH") == "3dnowprefetch");
    std::set<std::string> distinct;
    for (const auto& [name, libxl] : names) CHECK(distinct.insert(libxl).second);
}

TEST_CASE("AMD's STIBP and SSBD go without IBRS, as Xen would take them away", "[xen]") {
    const CpuidRow leaf_8{{0x80000008, 0}, {0, 1U << 12 | 1U << 15 | 1U << 24, 0, 0}};
    const Rendering rendering = featureset(policy_of(amd, {leaf_1(0x00870F10), long_mode, leaf_8}));
    CHECK(words_of(rendering)[8] == (1U << 12 | 1U << 20));  // IBPB, and NO_LMSL
    CHECK(reason_of(rendering, "amd_stibp") == "Xen gives it only with IBRS.");
    CHECK(reason_of(rendering, "amd_ssbd") == "Xen gives it only with IBRS.");
}

TEST_CASE("of what Xen would need and has no bit for nothing is asked, and nothing depends on it", "[xen]") {
    std::vector<RulebookFile> files = read_rulebook_directory(POOLCPUID_SOURCE_DIR "/policy");
    // A name of Xen's for a field of leaf 6, which is in no word of a featureset.
    constexpr const char* arat = R"("linux": "arat")";
    make(files, {"cpuid/0x6.json", arat, arat, R"("linux": "arat", "xen": "ARAT")", "", ""});
    make(files, {"targets/xen.json", R"("FPU": ["MMX")", R"("FPU")", R"("ARAT": ["SSE"], "FPU")", "", ""});
    make(files, {"targets/xen.json", R"("with": {)", R"("with": {)", R"("with": {"ARAT": "IBRSB", )", "", ""});
    const LoadResult changed = load_rulebook(files);
    INFO(all_texts(changed.findings));
    REQUIRE(changed.findings.empty());
    PoolPolicy policy = policy_of(intel, {leaf_1(0x00050657), long_mode});
    const Rendering own = featureset(policy);
    policy.rulebook_sha256 = changed.rulebook.view().sha256;
    const Rendering rendering = render_policy(changed.rulebook.view(), policy, "xapi", {});
    CHECK(rendering.output == own.output);
    CHECK(rendering.inexpressible == own.inexpressible);
    CHECK((words_of(rendering)[0] & base_1d) == base_1d);
}

TEST_CASE("VIRT_SSBD is given where SPEC_CTRL has SSBD", "[xen]") {
    const auto leaf_8 = [](std::uint32_t ebx) { return CpuidRow{{0x80000008, 0}, {0, ebx, 0, 0}}; };
    const std::uint32_t both = 1U << 14 | 1U << 24 | 1U << 25;
    CHECK((words_of(featureset(policy_of(amd, {leaf_1(0x00830F10), long_mode, leaf_8(both)})))[8] & both) == both);
    const Rendering alone = featureset(policy_of(amd, {leaf_1(0x00830F10), long_mode, leaf_8(1U << 25)}));
    CHECK((words_of(alone)[8] & both) == 0);
    CHECK(reason_of(alone, "virt_ssbd") == "Xen gives it to no HVM guest.");
}

TEST_CASE("RDRAND of AMD's families 15h and 16h is hidden, also where one host of the pool is of these", "[xen]") {
    constexpr std::uint32_t rdrand = 1U << 30;
    const auto with_eax = [&](std::uint32_t eax) { return policy_of(amd, {leaf_1(eax, rdrand), long_mode}); };
    CHECK((words_of(featureset(with_eax(0x00830F10)))[1] & rdrand) != 0);
    const Rendering excavator = featureset(with_eax(0x00660F01));
    CHECK((words_of(excavator)[1] & rdrand) == 0);
    CHECK(reason_of(excavator, "rdrand") == "Xen hides it on such hosts.");
    PoolPolicy mixed = with_eax(0x00830F10);
    Decision family;
    family.field = "ext_family";
    family.value = 0x8;
    family.values = {{0x6, {"carrizo"}, 1}, {0x8, {"rome"}, 1}};
    mixed.decisions.push_back(family);
    CHECK((words_of(featureset(mixed))[1] & rdrand) == 0);
}

TEST_CASE("a bit of ARCH_CAPABILITIES is a guest's only where every host's CPUID shows the MSR", "[xen]") {
    PoolPolicy policy = policy_of(intel, {leaf_1(0x00050657), long_mode, {{0x7, 0}, {0, 0, 0, 1U << 29}}});
    policy.msrs = {{0x10A, 1U << 0 | 1U << 2}};  // RDCL_NO and RSBA
    CHECK(words_of(featureset(policy))[16] == 5);
    Decision enumerates;
    enumerates.field = "arch_caps";
    enumerates.value = 0x1;
    enumerates.values = {{0x0, {"old"}, 1}, {0x1, {"new"}, 1}};
    policy.decisions.push_back(enumerates);
    const Rendering rendering = featureset(policy);
    CHECK(words_of(rendering)[16] == 4);  // Xen gives RSBA on every Intel host
    CHECK(reason_of(rendering, "ac_rdcl_no").find("not every host") != std::string::npos);
}

TEST_CASE("the copies of leaf 1 that AMD has in leaf 80000001h are Xen's own", "[xen]") {
    CpuidRow copies = long_mode;
    copies.value[Register::edx] |= base_1d & 0x01FFFFFF;  // FXSR is the last that AMD copies
    const Rendering rendering = featureset(policy_of(amd, {leaf_1(0x00A00F11), copies}));
    CHECK(words_of(rendering)[2] == 1U << 29);
    CHECK(std::none_of(rendering.inexpressible.begin(), rendering.inexpressible.end(), [](const Inexpressible& entry) {
        return entry.place.leaf == 0x80000001 && entry.place.reg == Register::edx;
    }));
}

TEST_CASE("a host whose value of an announcement is not known is one that may not have it", "[xen]") {
    PoolPolicy policy = policy_of(amd, {leaf_1(0x00A10F11), long_mode, {{0x80000021, 0}, {1U << 1, 0, 0, 0}}});
    CHECK(words_of(featureset(policy))[11] == 2);
    Decision told;
    told.field = "fs_gs_base_ns";
    told.value = 0x1;
    told.values = {{0x1, {"a"}, 1}, {std::nullopt, {"b"}, 1}};
    policy.decisions.push_back(told);
    CHECK(words_of(featureset(policy))[11] == 0);
}

TEST_CASE("states of features that Xen gives to no guest go with them", "[xen]") {
    // AMX: TILECFG and TILEDATA, bits 17 and 18 of XCR0.
    PoolPolicy policy = policy_of(intel, {leaf_1(0x000806F8, 1U << 26),
                                          long_mode,
                                          {{0x7, 0}, {0, 0, 0, 1U << 22 | 1U << 24 | 1U << 25}},
                                          {{0xD, 0}, {0x60003, 0x2B00, 0x2B00, 0}},
                                          {{0xD, 1}, {0x1, 0, 0, 0}},
                                          {{0xD, 17}, {0x40, 0xAC0, 0x2, 0}},
                                          {{0xD, 18}, {0x2000, 0xB00, 0x6, 0}}});
    const Rendering rendering = featureset(policy);
    CHECK(words_of(rendering)[9] == 0);
    CHECK(reason_of(rendering, "xcr0_lo") == "It follows from the features that the guest sees.");
    CHECK(reason_of(rendering, "amx_tile") == "Xen gives it to no HVM guest.");
}

TEST_CASE("what Xen takes from the host is no loss where all hosts have the same", "[xen]") {
    constexpr std::uint32_t both = 1U << 6 | 1U << 13;  // FDP_EXCP_ONLY and NO_FPU_SEL
    PoolPolicy policy = policy_of(intel, {leaf_1(0x00050657), long_mode, {{0x7, 0}, {0, both, 0, 0}}});
    const Rendering same = featureset(policy);
    CHECK(words_of(same)[5] == 0);
    CHECK(reason_of(same, "zero_fcs_fds").empty());
    CHECK(reason_of(same, "fdp_excptn_only").empty());
    Decision old;
    old.field = "zero_fcs_fds";
    old.value = 0x1;
    old.values = {{0x0, {"old"}, 1}, {0x1, {"new"}, 1}};
    policy.decisions.push_back(old);
    CHECK(reason_of(featureset(policy), "zero_fcs_fds") == "Xen shows the value of the host on which the guest runs.");
}

// KVM's leaf is Xen's own there (xen/arch/x86/traps.c, cpuid_hypervisor_leaves).
TEST_CASE("a guest of Xen has nothing of KVM's, whatever the host", "[xen]") {
    const CpuidRow kvm_features{{0x40000001, 0}, {1U << 0 | 1U << 5, 0, 0, 0}};  // kvm_clocksource, kvm_steal_time
    const PoolPolicy policy = policy_of(amd, {leaf_1(0x00A00F11), long_mode, kvm_features});
    const Rendering rendering = featureset(policy);
    for (const char* field : {"kvm_clocksource", "kvm_steal_time"}) {
        CAPTURE(field);
        CHECK(reason_of(rendering, field) == "Xen's guests have Xen's own leaves there, and nothing of KVM's.");
        CHECK(entry_of(rendering, field).instead == 0U);
    }
}

// xen/arch/x86/cpuid.c, guest_cpuid, has no case for the leaves, and xc_cpuid_xend_policy of xg_cpuid_x86.c finds none.
TEST_CASE("a guest of Xen has no leaves of Centaur's, and Xend's form does not speak of them", "[xen]") {
    const CpuidRow highest{{0xC0000000, 0}, {0xC0000001, 0, 0, 0}};
    const CpuidRow padlock{{0xC0000001, 0}, {0, 0, 0, 0xCC}};  // ACE and ACE2
    const PoolPolicy policy = policy_of("CentaurHauls", {leaf_1(0x000107B0), long_mode, highest, padlock});
    RenderOptions xend;
    xend.xen_form = XenForm::xend;
    RenderOptions libxl;
    libxl.xen_form = XenForm::libxl;
    for (const Rendering& rendering : {render_policy(builtin_rulebook(), policy, "xen", xend),
                                       render_policy(builtin_rulebook(), policy, "xen", libxl), featureset(policy)}) {
        CAPTURE(rendering.version);
        CHECK(rendering.output.find("0xc000") == std::string::npos);
        for (const char* field : {"padlock_ace", "ace_en"}) {
            CAPTURE(field);
            CHECK(entry_of(rendering, field).telling == Telling::less);
            CHECK(reason_of(rendering, field) == "Xen shows its guests nothing there.");
        }
    }
}

// xen/lib/x86/policy.c, x86_cpu_policies_are_compatible: guest->basic.max_leaf > host->basic.max_leaf.
TEST_CASE("xl is asked for no more leaves than the host of the pool that has the fewest", "[xen]") {
    PoolPolicy policy = policy_of(intel, {leaf_1(0x00010676), long_mode, {{0x7, 0}, {0, 1, 0, 0}}});  // FSGSBASE
    policy.cpuid.front().value[Register::eax] = 0xB;
    const auto both = [&](const PoolPolicy& of, const std::vector<HostDump>& hosts) {
        std::vector<Rendering> all;
        for (const XenForm form : {XenForm::xend, XenForm::libxl}) {
            RenderOptions options;
            options.xen_form = form;
            options.hosts = hosts;
            all.push_back(render_policy(builtin_rulebook(), of, "xen", options));
        }
        return all;
    };
    for (const Rendering& rendering : both(policy, {})) CHECK(reason_of(rendering, "max_basic_leaf").empty());
    CHECK(both(policy, {}).front().output.find("\"0x7,0x0:") != std::string::npos);
    // A host that is given tells as much.
    const HostDump harpertown = hardware_host("h", intel_table(0x00010676).reg(0, 0, Register::eax, 0xA));
    for (const Rendering& rendering : both(policy, {harpertown})) {
        CHECK(entry_of(rendering, "max_basic_leaf").instead == 0xAU);
    }
    Decision highest;
    highest.field = "max_basic_leaf";
    highest.value = 0xB;
    highest.values = {{0x6, {"old"}, 1}, {0xD, {"new"}, 1}};
    highest.cause = Cause::derived;
    policy.decisions.push_back(highest);
    const std::vector<Rendering> lowered = both(policy, {});
    for (const Rendering& rendering : lowered) {
        CHECK(entry_of(rendering, "max_basic_leaf").instead == 0x6U);
        CHECK(reason_of(rendering, "max_basic_leaf") ==
              "The leaves of a host end at 0x6, and Xen starts no guest there with more.");
    }
    const std::string& xend = lowered.front().output;
    CHECK(xend.find("0x0:eax=00000000000000000000000000000110,") != std::string::npos);
    CHECK(xend.find("\"0x7,0x0:") == std::string::npos);
    CHECK(lowered.back().output.find(",maxleaf=0x6,") != std::string::npos);
    CHECK(lowered.back().output.find(",fsgsbase=") == std::string::npos);
    // A featureset says nothing of leaves.
    CHECK(entry_of(featureset(policy), "max_basic_leaf").telling == Telling::unknown);
}

// xen/include/xen/lib/x86/cpu-policy.h, CPUID_GUEST_NR_BASIC and CPUID_GUEST_NR_EXTD_INTEL.
TEST_CASE("the leaves of a guest of Xen end where Xen's do, and where they ended before it is let alone", "[xen]") {
    PoolPolicy policy = policy_of(intel, {leaf_1(0x000806F8), long_mode});
    const Rendering within = featureset(policy);
    CHECK(reason_of(within, "max_basic_leaf").empty());
    CHECK(reason_of(within, "max_ext_leaf").empty());
    policy.cpuid.front().value[Register::eax] = 0x1E;
    policy.cpuid[policy.cpuid.size() - 2].value[Register::eax] = 0x80000021;
    REQUIRE(policy.cpuid[policy.cpuid.size() - 2].key == LeafKey{0x80000000, 0});
    const Rendering beyond = featureset(policy);
    CHECK(entry_of(beyond, "max_basic_leaf").instead == 0xDU);
    CHECK(reason_of(beyond, "max_basic_leaf") == "The leaves of Xen's guests end at 0xd.");
    CHECK(entry_of(beyond, "max_ext_leaf").instead == 0x80000008U);
    CHECK(reason_of(beyond, "max_ext_leaf") == "The leaves of Xen's guests end at 0x80000008.");
    CHECK(beyond.inexpressible.size() == within.inexpressible.size() + 2);
}

TEST_CASE("xl is not asked for more leaves than Xen has, which it would refuse", "[xen]") {
    PoolPolicy policy = policy_of(intel, {leaf_1(0x000806F8), long_mode, {{0x1E, 1}, {1, 0, 0, 0}}});
    policy.cpuid.front().value[Register::eax] = 0x1E;
    RenderOptions options;
    options.xen_form = XenForm::xend;
    const std::string xend = render_policy(builtin_rulebook(), policy, "xen", options).output;
    CHECK(xend.find("\"0x0:eax=00000000000000000000000000001101,") != std::string::npos);
    CHECK(xend.find("\"0x1e") == std::string::npos);
    options.xen_form = XenForm::libxl;
    const std::string libxl = render_policy(builtin_rulebook(), policy, "xen", options).output;
    CHECK(libxl.find("host,maxleaf=0xd,") != std::string::npos);
}

}  // namespace poolcpuid::test::xen_test
