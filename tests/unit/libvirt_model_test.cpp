// render --to libvirt: which CPU model is taken, and what is required and disabled on it. The cpu_maps are a few
// features and models of the tests' own.
#include <algorithm>
#include <pugixml.hpp>

#include "policy/document_text.hpp"
#include "poolcpuid/error.hpp"
#include "poolcpuid/render.hpp"
#include "tests/catch.hpp"
#include "tests/support/policy_fields.hpp"

namespace poolcpuid::test::libvirt_model_test {

using Catch::Contains;

namespace {

constexpr Signature skylake{6, 0x55, 4};
constexpr Signature cascade_lake{6, 0x55, 7};
constexpr Signature emerald_rapids{6, 0xCF, 2};
constexpr Signature ice_lake{6, 0x6A, 6};
constexpr Signature milan{0x19, 0x1, 1};
constexpr Signature cezanne{0x19, 0x50, 0};
constexpr Signature turin{0x1A, 0x2, 1};

std::uint32_t encoded(const Signature& signature) {
    const std::uint32_t base = std::min<std::uint32_t>(signature.family, 0xF);
    return (signature.family - base) << 20 | (signature.model & 0xF0U) << 12 | base << 8 |
           (signature.model & 0xFU) << 4 | signature.stepping;
}

struct Bit {
    std::uint32_t leaf = 0;
    std::uint32_t subleaf = 0;
    Register reg = Register::eax;
    unsigned number = 0;

    CpuMapBits bits() const { return {false, leaf, subleaf, reg, std::uint64_t{1} << number}; }
};

constexpr Bit sse3{1, 0, Register::ecx, 0};
constexpr Bit vmx{1, 0, Register::ecx, 5};
constexpr Bit hle{7, 0, Register::ebx, 4};
constexpr Bit avx2{7, 0, Register::ebx, 5};
constexpr Bit rtm{7, 0, Register::ebx, 11};
constexpr Bit fs_gs_base_ns{0x80000021, 0, Register::eax, 1};
constexpr Bit verw_clear{0x80000021, 0, Register::eax, 5};

// The bit of VMX's secondary controls that allows EPT, and the name that it had in libvirt 11.
constexpr std::uint32_t vmx_controls2 = 0x48B;
constexpr std::uint64_t allows_ept = std::uint64_t{1} << 33;

class Case {
public:
    Case(const std::string& vendor, const Signature& signature) {
        policy.vendor = vendor;
        policy.cpuid.push_back({{1, 0}, {encoded(signature), 0, 0, 0}});
        options.cpu_map = CpuMap{};
        name("hypervisor", {1, 0, Register::ecx, 31});
    }
    explicit Case(const Signature& signature)
        : Case(signature.family == 6 ? "GenuineIntel" : "AuthenticAMD", signature) {}

    Case& has(const Bit& bit) {
        const LeafKey key{bit.leaf, bit.subleaf};
        auto row =
            std::find_if(policy.cpuid.begin(), policy.cpuid.end(), [&](const CpuidRow& r) { return r.key == key; });
        if (row == policy.cpuid.end()) row = policy.cpuid.insert(row, CpuidRow{key, {}});
        row->value[bit.reg] |= 1U << bit.number;
        return *this;
    }

    Case& name(const std::string& name, const Bit& bit) {
        options.cpu_map->features[name].bits.push_back(bit.bits());
        return *this;
    }

    CpuMapModel& model(const std::string& name, const CpuMapModel::Signature& signature,
                       const std::set<std::string>& features = {}) {
        CpuMapModel& made = options.cpu_map->models[name];
        made.name = name;
        made.vendor = policy.vendor;
        made.signatures = {signature};
        made.features = features;
        return made;
    }

    // A QEMU that has the models with this signature, and the properties that are the map's names.
    QemuModels& qemu(const std::vector<std::string>& models, const Signature& signature) {
        options.qemu_models = QemuModels{"9.9.9", "/opt/qemu", {}, {}};
        for (const auto& [feature, bits] : options.cpu_map->features) options.qemu_models->properties.insert(feature);
        for (const std::string& model : models) {
            options.qemu_models->models[model] = {signature.family, signature.model, signature.stepping, {}};
        }
        return *options.qemu_models;
    }

    Case& based_on(const std::string& model) {
        options.base = model;
        return *this;
    }

    Rendering rendered() const { return render_policy(builtin_rulebook(), policy, "libvirt", options); }

    std::string chosen() const {
        pugi::xml_document document;
        REQUIRE(document.load_string(rendered().output.c_str()));
        return document.child("cpu").child("model").child_value();
    }

    std::set<std::string> features(const std::string& wanted) const {
        pugi::xml_document document;
        REQUIRE(document.load_string(rendered().output.c_str()));
        std::set<std::string> names;
        for (const pugi::xml_node feature : document.child("cpu").children("feature")) {
            if (feature.attribute("policy").value() == wanted) names.insert(feature.attribute("name").value());
        }
        return names;
    }

    std::set<std::string> required() const {
        std::set<std::string> names = features("require");
        names.erase("hypervisor");
        return names;
    }
    std::set<std::string> disabled() const { return features("disable"); }

    PoolPolicy policy;
    RenderOptions options;
};

using Names = std::set<std::string>;

std::string notes_of(const Case& test) {
    std::string all;
    for (const std::string& note : test.rendered().notes) all += note + "\n";
    return all;
}

const Inexpressible* lost(const Rendering& rendering, const std::string& field) {
    const auto at = std::find_if(rendering.inexpressible.begin(), rendering.inexpressible.end(),
                                 [&](const Inexpressible& entry) { return entry.field == field; });
    return at == rendering.inexpressible.end() ? nullptr : &*at;
}

}  // namespace

TEST_CASE("a bit is required by the name that the map has for it, whatever the rulebook calls it", "[libvirt]") {
    Case test(turin);
    test.has(fs_gs_base_ns).has(avx2).name("ns", fs_gs_base_ns).name("wide", avx2).name("avx2", sse3);
    test.model("M", {0x1A, 0x2}, {"avx2"});
    CHECK(test.required() == Names{"ns", "wide"});
    CHECK(test.disabled() == Names{"avx2"});  // that name is another bit here, which the policy lacks
    CHECK(lost(test.rendered(), "fs_gs_base_ns") == nullptr);
}

TEST_CASE("the announcements of Zen are required where the map names them, else lost with the reason", "[libvirt]") {
    Case test(milan);
    test.has(verw_clear).name("verw-clear", verw_clear);
    test.model("M", {0x19, 0x1});
    CHECK(test.required() == Names{"verw-clear"});
    test.has(fs_gs_base_ns);
    const Rendering rendering = test.rendered();
    const Inexpressible* entry = lost(rendering, "fs_gs_base_ns");
    REQUIRE(entry != nullptr);
    CHECK(entry->telling == Telling::more);
    CHECK(entry->reason == "This libvirt has no name for it.");
}

TEST_CASE("of several names for a bit the rulebook's is required, and none of them disabled", "[libvirt]") {
    Case test(skylake);
    test.has(avx2).name("a", avx2).name("avx2", avx2).name("z", avx2);
    test.model("M", {6, 0x55}, {"z"});
    CHECK(test.required() == Names{"avx2"});
    CHECK(test.disabled().empty());
    test.options.cpu_map->features.erase("avx2");
    CHECK(test.required() == Names{"a"});
    CHECK(test.disabled().empty());
    Case without(skylake);
    without.name("a", avx2).name("z", avx2).model("M", {6, 0x55}, {"a", "z"});
    CHECK(without.disabled() == Names{"a", "z"});
}

TEST_CASE("a feature of several bits is the policy's when all are, and is disabled when one is not", "[libvirt]") {
    Case test(skylake);
    test.has(avx2).name("both", avx2).name("both", rtm);
    test.model("M", {6, 0x55}, {"both"});
    CHECK(test.disabled() == Names{"both"});
    CHECK(lost(test.rendered(), "avx2") != nullptr);
    test.has(rtm);
    CHECK(test.disabled().empty());
}

TEST_CASE("what the model has and the policy lacks is disabled: unknown to the rulebook, or taken out of the model",
          "[libvirt]") {
    Case test(skylake);
    test.has(avx2).name("avx2", avx2).name("novel", {0x77777777, 3, Register::edx, 9}).name("hle", hle);
    test.options.cpu_map->features["placeless"];
    test.model("M", {6, 0x55}, {"avx2", "novel", "placeless"}).removed = {"hle"};
    CHECK(test.required() == Names{"avx2"});
    CHECK(test.disabled() == Names{"hle", "novel", "placeless"});
}

TEST_CASE("bits that the VMM fills in are neither required nor disabled", "[libvirt]") {
    constexpr Bit osxsave{1, 0, Register::ecx, 27};
    Case test(skylake);
    test.name("osxsave", osxsave).model("M", {6, 0x55}, {"osxsave"});
    CHECK(test.disabled() == Names{"osxsave"});
    test.policy.owned.push_back({false, 1, 0, 0, Register::ecx, 27, 27});
    CHECK(test.disabled().empty());
}

TEST_CASE("a name of VMX that an old map has in the wrong half of its MSR is the bit of the other half", "[libvirt]") {
    Case test(skylake);
    test.has(vmx).name("vmx", vmx);
    test.options.cpu_map->features["vmx-ept"].bits = {{true, vmx_controls2, 0, Register::eax, allows_ept >> 32}};
    test.model("M", {6, 0x55}, {"vmx", "vmx-ept"});
    test.policy.msrs = {{vmx_controls2, allows_ept}};
    CHECK(test.required() == Names{"vmx", "vmx-ept"});
    test.policy.msrs = {{vmx_controls2, allows_ept >> 32}};  // that EPT must be on says nothing of its being allowed
    CHECK(test.required() == Names{"vmx"});
    CHECK(test.disabled() == Names{"vmx-ept"});
}

TEST_CASE("a model that no QEMU has any more is not taken, and --base with it says that it does not start",
          "[libvirt]") {
    Case test(emerald_rapids);
    test.has(avx2).name("avx2", avx2).name("hle", hle);
    test.model("Icelake-Client", {6, 0x7E}, {"avx2"});
    test.model("SapphireRapids", {6, 0x8F}, {"hle"});
    CHECK(test.chosen() == "SapphireRapids");
    CHECK_THAT(notes_of(test), Contains("nearest"));
    CHECK_THAT(notes_of(test.based_on("Icelake-Client")), Contains("does not start") && Contains("7.1"));
}

TEST_CASE("where a QEMU was asked, a model that it lacks is not taken, and is refused as --base", "[libvirt]") {
    Case test(emerald_rapids);
    test.name("hle", hle).model("Cascadelake-Server", {6, 0x55, 0x00E0}, {"hle"});
    test.model("SapphireRapids", {6, 0x8F});
    CHECK(test.chosen() == "SapphireRapids");
    test.qemu({"Cascadelake-Server"}, cascade_lake);
    CHECK(test.chosen() == "Cascadelake-Server");
    CHECK_THAT(test.rendered().version, Contains("QEMU 9.9.9, asked /opt/qemu"));
    CHECK_THROWS_AS(test.based_on("SapphireRapids").rendered(), UsageError);
    Case none(emerald_rapids);
    none.model("SapphireRapids", {6, 0x8F});
    none.qemu({}, skylake);
    CHECK_THROWS_AS(none.rendered(), UsageError);
}

TEST_CASE("features of VMX do not count where the policy has no VMX", "[libvirt]") {
    Case test(skylake);
    test.has(avx2).name("avx2", avx2).name("hle", hle).name("vmx", vmx);
    for (const char* name : {"vmx-ept", "vmx-novel"}) {
        test.options.cpu_map->features[name].bits = {
            {true, vmx_controls2, 0, Register::eax, std::string(name) == "vmx-ept" ? allows_ept : allows_ept << 20}};
    }
    test.model("Near", {6, 0x55}, {"avx2", "vmx-ept", "vmx-novel"});
    test.model("Plain", {6, 0x55}, {"avx2", "hle"});
    CHECK(test.chosen() == "Near");
    CHECK(test.disabled() == Names{"vmx-ept", "vmx-novel"});
    test.has(vmx);  // without a control of it
    CHECK(test.chosen() == "Plain");
}

TEST_CASE("a model for other steppings is not for the policy's CPU", "[libvirt]") {
    for (const bool is_skylake : {true, false}) {
        Case test(is_skylake ? skylake : cascade_lake);
        test.has(avx2).name("avx2", avx2).name("hle", hle);
        test.model("Cascadelake-Server", {6, 0x55, 0x00E0}, is_skylake ? Names{"avx2"} : Names{"hle"});
        test.model("Skylake-Server", {6, 0x55, 0x001F}, is_skylake ? Names{"hle"} : Names{"avx2"});
        CHECK(test.chosen() == (is_skylake ? "Skylake-Server" : "Cascadelake-Server"));
        CHECK_THAT(notes_of(test), !Contains("nearest"));
    }
}

TEST_CASE("a newer model is not taken where one that is as old has none of its immunities", "[libvirt]") {
    Case test(emerald_rapids);
    test.has(avx2).name("avx2", avx2).name("hle", hle);
    test.model("GraniteRapids", {6, 0xAD}, {"avx2"});
    CHECK(test.chosen() == "GraniteRapids");
    CHECK_THAT(notes_of(test), Contains("newer than the policy's CPU (Emerald Rapids)"));
    test.model("Cascadelake-Server", {6, 0x55, 0x00E0}, {"hle"});
    CHECK(test.chosen() == "Cascadelake-Server");
    CHECK_THAT(notes_of(test), !Contains("newer"));
}

TEST_CASE("a model that guests take for immune to more than the policy's CPU is not taken for its age", "[libvirt]") {
    Case test(cezanne);
    test.model("EPYC-Milan", {0x19, 0x1});  // launched two months after Cezanne
    test.model("EPYC-Rome", {0x17, 0x31});  // on which Linux leaves out a part of the protection from SRSO
    CHECK(test.chosen() == "EPYC-Milan");
    CHECK_THAT(notes_of(test), !Contains("immune"));
    CHECK_THAT(notes_of(test.based_on("EPYC-Rome")), Contains("immune to") && Contains("srso_alias_form"));
}

TEST_CASE("of models that are no newer one of the policy's family is taken, though another differs less", "[libvirt]") {
    Case test(turin);
    test.has(avx2).name("avx2", avx2).name("hle", hle);
    test.model("Genoa", {0x19, 0x11}, {"avx2"});
    CHECK(test.chosen() == "Genoa");
    test.model("Strix", {0x1A, 0x24}, {"hle"});
    CHECK(test.chosen() == "Strix");
}

TEST_CASE("a model whose family and model nobody knows comes last", "[libvirt]") {
    Case test(skylake);
    test.has(avx2).name("avx2", avx2).name("hle", hle);
    test.model("Riddle", {6, 0xFF}, {"avx2"});
    test.model("Broadwell", {6, 0x3D}, {"hle"});
    CHECK(test.chosen() == "Broadwell");
}

TEST_CASE("the guest sees the family and model that QEMU's model has, which is not always libvirt's", "[libvirt]") {
    Case test(ice_lake);
    test.model("Icelake-Server", {6, 0x6A});
    const Rendering rendering = test.rendered();
    const Inexpressible* entry = lost(rendering, "ext_model");
    REQUIRE(entry != nullptr);
    CHECK(entry->value == 6U);
    CHECK(entry->instead == 0x8U);  // of Snow Ridge
    CHECK(entry->impact == Impact::security);
    CHECK_THAT(notes_of(test), Contains("Snow Ridge") && Contains("itlb_multihit"));
    test.qemu({"Icelake-Server"}, ice_lake);
    CHECK(lost(test.rendered(), "ext_model") == nullptr);
    CHECK_THAT(notes_of(test), !Contains("Snow Ridge"));
}

TEST_CASE("the stepping of a model is the one that the asked QEMU names", "[libvirt]") {
    Case test(milan);
    test.model("EPYC-Milan", {0x19, 0x1});
    const Rendering unasked = test.rendered();
    REQUIRE(lost(unasked, "stepping") != nullptr);
    CHECK(lost(unasked, "stepping")->instead == std::nullopt);
    test.qemu({"EPYC-Milan"}, milan);
    CHECK(lost(test.rendered(), "stepping") == nullptr);
    test.qemu({"EPYC-Milan"}, {0x19, 0x1, 0});
    const Rendering other = test.rendered();
    REQUIRE(lost(other, "stepping") != nullptr);
    CHECK(lost(other, "stepping")->instead == 0U);
    CHECK(lost(other, "stepping")->impact == Impact::security);
}

TEST_CASE("guest-phys-bits is 0 in a QEMU without the property, and else as its model says", "[libvirt]") {
    Case test(milan);
    test.policy.cpuid.push_back({{0x80000008, 0}, {0x3030, 0, 0, 0}});
    test.model("EPYC-Milan", {0x19, 0x1});
    const auto instead = [&] {
        const Rendering rendering = test.rendered();
        const Inexpressible* entry = lost(rendering, "guestphys");
        return entry == nullptr ? "the policy's" : document::value_word(entry->instead);
    };
    CHECK(instead() == "unknown");
    QemuModels& qemu = test.qemu({"EPYC-Milan"}, milan);
    CHECK(instead() == "the policy's");
    qemu.numbers.insert("guest-phys-bits");
    qemu.models["EPYC-Milan"].numbers["guest-phys-bits"] = 0xFFFFFFFF;  // the host's
    CHECK(instead() == "unknown");
    qemu.models["EPYC-Milan"].numbers["guest-phys-bits"] = 0;
    CHECK(instead() == "the policy's");
    qemu.models["EPYC-Milan"].numbers["guest-phys-bits"] = 46;
    CHECK(instead() == "0x2e");
}

TEST_CASE(
    "what libvirt takes for guests comes before versions of it; of these the lowest, or the nearest that the QEMU "
    "has",
    "[libvirt]") {
    Case test(ice_lake);
    test.has(avx2).name("avx2", avx2).name("hle", hle);
    for (const char* name : {"Icelake-Server-v4", "Icelake-Server-v5"}) {
        test.model(name, {6, 0x6A}, std::string(name) == "Icelake-Server-v5" ? Names{"avx2"} : Names{"hle"})
            .for_guests = false;
    }
    CHECK(test.chosen() == "Icelake-Server-v4");
    test.qemu({"Icelake-Server-v4", "Icelake-Server-v5"}, ice_lake);
    CHECK(test.chosen() == "Icelake-Server-v5");
    test.options.qemu_models.reset();
    test.model("Plain", {6, 0x6A}, {"hle"});
    CHECK(test.chosen() == "Plain");
}

TEST_CASE("what the asked QEMU's model has on is disabled, or listed where libvirt has no name for it", "[libvirt]") {
    Case test(skylake);
    test.has(avx2).name("avx2", avx2).name("hle", hle);
    test.options.cpu_map->features["hle"].qemu_names = {"elision"};
    test.model("M", {6, 0x55}, {"avx2"});
    QemuModels& qemu = test.qemu({"M"}, skylake);
    CHECK(test.disabled().empty());
    qemu.models["M"].on = {"elision", "rtm", "avx2", "check"};
    qemu.properties.insert({"elision", "rtm"});
    CHECK(test.disabled() == Names{"hle"});
    const Rendering rendering = test.rendered();
    const Inexpressible* entry = lost(rendering, "rtm");
    REQUIRE(entry != nullptr);
    CHECK(entry->telling == Telling::more);
    CHECK(lost(rendering, "hle") == nullptr);
}

TEST_CASE("KVM's services that QEMU's models have on are no loss, and more where the policy withholds them",
          "[libvirt]") {
    Case test(skylake);
    test.model("M", {6, 0x55});
    CHECK(lost(test.rendered(), "kvm_pv_eoi") == nullptr);  // the VMM's business
    test.has({0x40000001, 0, Register::eax, 5});            // kvm_steal_time
    const Rendering rendering = test.rendered();
    CHECK(lost(rendering, "kvm_steal_time") == nullptr);
    REQUIRE(lost(rendering, "kvm_pv_eoi") != nullptr);
    CHECK(lost(rendering, "kvm_pv_eoi")->telling == Telling::more);
    test.has({0x40000001, 0, Register::eax, 14});  // kvm_async_pf_int, which no model has on
    REQUIRE(lost(test.rendered(), "kvm_async_pf_int") != nullptr);
    CHECK(lost(test.rendered(), "kvm_async_pf_int")->telling == Telling::less);
}

TEST_CASE("what lies above the last leaf of the model is not seen, unless a feature raises it", "[libvirt]") {
    Case test(emerald_rapids);
    test.policy.cpuid.push_back({{0, 0}, {0x20, 0, 0, 0}});
    test.has({7, 0, Register::edx, 24}).has({7, 0, Register::edx, 29});  // AMX-TILE, ARCH_CAPABILITIES
    test.policy.cpuid.push_back({{0x1D, 1}, {0x04002000, 0x00080040, 0x10, 0}});
    std::sort(test.policy.cpuid.begin(), test.policy.cpuid.end(),
              [](const CpuidRow& a, const CpuidRow& b) { return a.key < b.key; });
    test.name("amx-tile", {7, 0, Register::edx, 24}).name("arch-capabilities", {7, 0, Register::edx, 29});
    test.name("avx2", avx2);
    test.model("M", {6, 0xCF});
    const auto instead = [&](const std::string& field) {
        const Rendering rendering = test.rendered();
        const Inexpressible* entry = lost(rendering, field);
        return entry == nullptr ? "the policy's" : document::value_word(entry->instead);
    };
    // Which leaves the model has, nobody knows here; and none of these features raises its last one.
    CHECK(instead("amx_pal1_eax") == "unknown");
    CHECK(instead("arch_caps") == "unknown");
    QemuModels& qemu = test.qemu({"M"}, emerald_rapids);
    qemu.numbers.insert("level");
    qemu.models["M"].numbers["level"] = 5;
    CHECK(instead("amx_pal1_eax") == "0x0");
    CHECK(instead("arch_caps") == "0x0");
    test.has(avx2);
    CHECK(instead("amx_pal1_eax") == "0x0");
    CHECK(instead("arch_caps") == "the policy's");
    const Rendering rendering = test.rendered();
    CHECK_THAT(lost(rendering, "amx_pal1_eax")->reason, Contains("end at 0x7"));
    CHECK(lost(rendering, "amx_pal1_eax")->impact == Impact::crash);
    qemu.models["M"].numbers["level"] = 0x20;
    CHECK(instead("amx_pal1_eax") == "the policy's");
    // Without a QEMU the rulebook knows what the models have.
    test.options.qemu_models.reset();
    test.model("SapphireRapids", {6, 0xCF});
    test.based_on("SapphireRapids");
    CHECK(instead("amx_pal1_eax") == "the policy's");
}

TEST_CASE("what the asked QEMU drops is not required, and said to be lost for that", "[libvirt]") {
    Case test(skylake);
    test.has(avx2).has(hle).name("avx2", avx2).name("hle", hle);
    test.options.cpu_map->features["hle"].qemu_names = {"elision"};
    test.model("M", {6, 0x55});
    QemuModels& qemu = test.qemu({"M"}, skylake);
    CHECK(test.required() == Names{"avx2", "hle"});
    qemu.dropped = {"avx2", "elision"};
    CHECK(test.required().empty());
    const Rendering rendering = test.rendered();
    REQUIRE(lost(rendering, "avx2") != nullptr);
    CHECK_THAT(lost(rendering, "avx2")->reason, Contains("drops it"));
    REQUIRE(lost(rendering, "hle") != nullptr);
}

TEST_CASE("a host that does not keep what the model tells guests of an MSR is named", "[libvirt]") {
    constexpr std::uint64_t rdcl_no = 1;
    constexpr std::uint64_t rsba = 4;
    const auto host = [](const std::string& name, std::uint64_t value) {
        const TableBuilder table = with(intel_table(encoded(skylake)), {"arch_caps"});
        return hardware_host(name, std::vector{table}, msr_list(MsrList::value, value));
    };
    Case test(skylake);
    test.policy = Merged({host("without", rsba), host("with", rsba | rdcl_no)}).policy;
    REQUIRE(msr_of(test.policy, arch_capabilities) == rsba);
    test.name("arch-capabilities", {7, 0, Register::edx, 29});
    test.options.cpu_map->features["rsba"].bits = {{true, arch_capabilities, 0, Register::eax, rsba}};
    test.model("M", {6, 0x55});
    QemuModels& qemu = test.qemu({"M"}, skylake);
    qemu.models["M"].on = {"rdctl-no"};
    qemu.properties.insert("rdctl-no");
    test.options.hosts = {host("without", rsba), host("with", rsba | rdcl_no)};
    const Rendering rendering = test.rendered();
    REQUIRE(lost(rendering, "ac_rdcl_no") != nullptr);
    CHECK(lost(rendering, "ac_rdcl_no")->instead == 1U);
    REQUIRE(rendering.hosts.size() == 2);
    for (const HostAdvice& advice : rendering.hosts) {
        const bool is_told_more = advice.advice.find("more than this host keeps: ac_rdcl_no,") != std::string::npos;
        CHECK(is_told_more == (advice.hosts == std::vector<std::string>{"without"}));
    }
}

TEST_CASE("a feature that the asked QEMU has no property for is neither required nor disabled", "[libvirt]") {
    Case test(skylake);
    test.has(avx2).name("avx2", avx2).name("hle", hle);
    test.model("M", {6, 0x55}, {"hle"});
    QemuModels& qemu = test.qemu({"M"}, skylake);
    qemu.properties.erase("avx2");
    qemu.properties.erase("hle");
    CHECK(test.required().empty());
    CHECK(test.disabled().empty());
    CHECK(lost(test.rendered(), "avx2")->reason == "QEMU 9.9.9 has no name for it.");
}

TEST_CASE("TSX that libvirt leaves out of what it says of Haswell is required, with a warning of tools that compare",
          "[libvirt]") {
    for (const auto& [signature, is_broken] : {std::pair{Signature{6, 0x3C, 3}, true},
                                               {Signature{6, 0x46, 1}, true},
                                               {Signature{6, 0x3F, 2}, true},
                                               {Signature{6, 0x3F, 4}, false},
                                               {skylake, false}}) {
        CAPTURE(signature.model, signature.stepping);
        Case test(signature);
        test.has(rtm).name("rtm", rtm).name("hle", hle);
        test.model("Haswell", {6, 0x3C}, {"rtm", "hle"});
        CHECK(test.required() == Names{"rtm"});
        CHECK((notes_of(test).find("that it has rtm:") != std::string::npos) == is_broken);
    }
    Case without(Signature{6, 0x3C, 3});
    without.name("rtm", rtm).model("Haswell", {6, 0x3C}, {"rtm"});
    CHECK_THAT(notes_of(without), !Contains("that it has"));
}

TEST_CASE("without a cpu_map the names are the rulebook's", "[libvirt]") {
    Case test(skylake);
    test.has(avx2);
    test.options.cpu_map.reset();
    CHECK(test.required() == Names{"avx2"});
    CHECK(test.disabled().contains("svm"));
    CHECK(test.chosen() == "qemu64");
    CHECK_THROWS_AS(test.based_on("Haswell").rendered(), UsageError);
}

}  // namespace poolcpuid::test::libvirt_model_test
