// verify with a KVM made of code: what is told and asked, what counts as a difference, and what as out of the VMM's
// hands. The tests in tests/e2e/kvm have the real one.

#include <algorithm>
#include <string>
#include <utility>
#include <vector>

#include "poolcpuid/diff.hpp"
#include "poolcpuid/error.hpp"
#include "poolcpuid/verify.hpp"
#include "tests/catch.hpp"
#include "tests/support/fake_kvm.hpp"
#include "tests/support/host_builder.hpp"
#include "tests/unit/shown_policy.hpp"

namespace poolcpuid::test::verify_test {

using Catch::Contains;

namespace {

constexpr std::uint32_t arch_capabilities = 0x10A;
constexpr std::uint32_t avx2 = 1U << 5;           // leaf 7 EBX
constexpr std::uint32_t fs_gs_base_ns = 1U << 1;  // leaf 80000021h EAX
constexpr auto eax = Register::eax;
constexpr auto ebx = Register::ebx;
constexpr auto ecx = Register::ecx;
constexpr auto edx = Register::edx;

// Genoa's promise that is taken back, and AVX2.
PoolPolicy amd_policy() {
    return policy_of(amd_table()
                         .row(0x7, 0, {0, avx2, 0, 0})
                         .row(0x80000000, 0, {0x80000021, 0, 0, 0})
                         .row(0x80000021, 0, {fs_gs_base_ns, 0, 0, 0}));
}

PoolPolicy intel_policy_with_msr() {
    return policy_of(intel_table().set(7, 0, edx, 1U << 29), {{arch_capabilities, 0x2B}});
}

Verification verify(const PoolPolicy& policy, FakeKvm& kvm) {
    return verify_policy(builtin_rulebook(), policy, kvm.runner());
}

// "more avx2 0x0 0x1; …"
std::string text_of(const std::vector<SeenField>& fields) {
    std::string text;
    for (const SeenField& field : fields) {
        text += (text.empty() ? "" : "; ") + std::string(to_string(field.shows)) + " " + field.field + " " +
                field.policy + " " + field.seen;
    }
    return text;
}

// Nothing is refused and nothing differs, in or out of the VMM's hands.
bool shows_all(const PoolPolicy& policy, FakeKvm& kvm) {
    const Verification result = verify(policy, kvm);
    return result.shows_policy() && result.uncontrolled.empty();
}

bool asks(const VcpuTask& task, LeafKey key) {
    return std::find(task.execute.begin(), task.execute.end(), key) != task.execute.end();
}

// What the one difference is when the guest of a KVM which can show the policy reads a register otherwise.
SeenField only_difference(const PoolPolicy& policy, LeafKey key, Register reg, std::uint32_t seen) {
    FakeKvm kvm;
    kvm.overlay([=, told = policy.cpuid](const VcpuTask& task, LeafKey asked, Registers& value) {
        const bool is_policy = std::equal(told.begin(), told.end(), task.cpuid.begin(), task.cpuid.end(),
                                          [](const CpuidRow& row, const VcpuEntry& entry) { return row == entry.row; });
        if (asked == key && is_policy) value[reg] = seen;
    });
    const Verification result = verify(policy, kvm);
    CHECK(result.uncontrolled.empty());
    CHECK_FALSE(result.shows_policy());
    REQUIRE(result.differences.size() == 1);
    return result.differences.front();
}

}  // namespace

TEST_CASE("a KVM that shows what it is told shows every policy, with one vCPU", "[verify]") {
    for (const PoolPolicy& policy : {amd_policy(), policy_of(intel_table()), intel_policy_with_msr()}) {
        FakeKvm kvm;
        const Verification result = verify(policy, kvm);
        INFO(policy.vendor << ": " << text_of(result.differences) << " | " << text_of(result.uncontrolled));
        CHECK(result.shows_policy());
        CHECK(result.refused.empty());
        CHECK(result.differences.empty());
        CHECK(result.uncontrolled.empty());
        CHECK(result.rows == policy.cpuid.size());
        CHECK(result.msrs == policy.msrs.size());
        CHECK(kvm.tasks().size() == 1);
    }
}

TEST_CASE("the vCPU is told the rows, with subleaves where a leaf has them", "[verify]") {
    FakeKvm kvm;
    const PoolPolicy policy = policy_of(intel_table().row(0xD, 1, {0xF, 0, 0, 0}), {{arch_capabilities, 0x2B}});
    verify(policy, kvm);
    const VcpuTask& task = kvm.tasks().front();
    REQUIRE(task.cpuid.size() == policy.cpuid.size());
    for (std::size_t i = 0; i < task.cpuid.size(); ++i) {
        CHECK(task.cpuid[i].row == policy.cpuid[i]);
        const std::uint32_t leaf = policy.cpuid[i].key.leaf;
        CHECK(task.cpuid[i].has_subleaves == (leaf == 0x7 || leaf == 0xD));
    }
    CHECK(task.msrs == policy.msrs);
    CHECK(task.rdmsr == std::vector<std::uint32_t>{arch_capabilities});
}

TEST_CASE("every row is asked for, every other subleaf and leaf of its range, and the ones beyond", "[verify]") {
    FakeKvm kvm;
    const Verification result = verify(policy_of(amd_table().row(0x7, 5, {1, 0, 0, 0})), kvm);
    const VcpuTask& task = kvm.tasks().front();
    // Leaves without rows, subleaves of which the rulebook speaks, the subleaf beyond the policy's last.
    for (const LeafKey key : {LeafKey{0x2, 0}, LeafKey{0x7, 1}, LeafKey{0x7, 2}, LeafKey{0x7, 5}, LeafKey{0x7, 6},
                              LeafKey{0xD, 1}, LeafKey{0xD, 63}, LeafKey{0x80000007, 0}}) {
        INFO(key.leaf << " " << key.subleaf);
        CHECK(asks(task, key));
    }
    for (const LeafKey key : {LeafKey{0xE, 0}, LeafKey{0x80000009, 0}, LeafKey{0x40000000, 0}}) CHECK(asks(task, key));
    for (const LeafKey key : {LeafKey{0xF, 0}, LeafKey{0x8000000A, 0}, LeafKey{0x1, 1}}) CHECK_FALSE(asks(task, key));
    CHECK(std::is_sorted(task.execute.begin(), task.execute.end()));
    CHECK(result.rows + result.other_rows == task.execute.size());
}

TEST_CASE("a policy with an absurd maximum leaf does not make verify ask for ever", "[verify]") {
    FakeKvm kvm;
    verify(policy_of(amd_table().reg(0x0, 0, eax, 0xFFFF).row(0x7, 0xFFFFFFFF, {1, 0, 0, 0})), kvm);
    CHECK(kvm.tasks().front().execute.size() < 1000);
}

TEST_CASE("bits that the policy leaves to the VMM are not compared", "[verify]") {
    PoolPolicy policy = amd_policy();
    policy.owned = {{false, 0x1, 0, 0, ebx, 24, 31}, {false, 0xD, 0, 1, ebx, 0, 31}, {true, 0xCE, 0, 0, eax, 31, 31}};
    policy.msrs = {{0xCE, 0}};
    FakeKvm kvm;
    kvm.fixed({0x1, 0}, ebx, 0xFF000000, 0x03000000)
        .fixed({0xD, 0}, ebx, ~0U, 0x240)
        .fixed({0xD, 1}, ebx, ~0U, 0x240)
        .fixed_msr(0xCE, 1U << 31, 1U << 31);
    const Verification result = verify(policy, kvm);
    CHECK(result.shows_policy());
    CHECK(result.uncontrolled.empty());
    policy.owned.clear();
    CHECK(text_of(verify(policy, kvm).uncontrolled) ==
          "otherwise platform_cpuid_fault 0x0 0x1; otherwise initial_apic_id 0x0 0x3; "
          "otherwise xsave_cur_size 0x0 0x240; otherwise xss_cur_size 0x0 0x240");
}

TEST_CASE("what KVM shows whatever it is told is told apart and is no failure", "[verify]") {
    FakeKvm kvm;
    kvm.fixed({0x7, 0}, ebx, avx2 | 1U << 3, 1U << 3)  // hides AVX2, puts BMI1 over the rest
        .fixed({0x80000021, 0}, eax, fs_gs_base_ns, 0);
    const Verification result = verify(amd_policy(), kvm);
    CHECK(result.shows_policy());
    CHECK(result.differences.empty());
    CHECK(text_of(result.uncontrolled) == "more bmi1 0x0 0x1; more fs_gs_base_ns 0x1 0x0; less avx2 0x1 0x0");
    CHECK(kvm.tasks().size() == 3);
}

TEST_CASE("a row that KVM adds whatever it is told is out of the VMM's hands", "[verify]") {
    FakeKvm kvm;
    kvm.fixed({0x7, 1}, eax, ~0U, 1U << 4);
    CHECK(text_of(verify(amd_policy(), kvm).uncontrolled) == "more avx_vnni 0x0 0x1");
}

TEST_CASE("a row that KVM adds only where it is told nothing is a difference", "[verify]") {
    FakeKvm kvm;
    kvm.overlay([](const VcpuTask& task, LeafKey key, Registers& value) {
        if (key == LeafKey{0x7, 1} && FakeKvm::find(task.cpuid, key) == nullptr) value.eax = 1U << 4;
    });
    const Verification result = verify(amd_policy(), kvm);
    CHECK(text_of(result.differences) == "more avx_vnni 0x0 0x1");
    CHECK(result.uncontrolled.empty());
    CHECK_FALSE(result.shows_policy());
}

TEST_CASE("a bit that KVM shows with other flags and not with the policy is a difference", "[verify]") {
    FakeKvm kvm;
    kvm.overlay([](const VcpuTask& task, LeafKey key, Registers& value) {
        const bool has_other = FakeKvm::told(task, {0x80000021, 0}, eax, 6);
        if (key == LeafKey{0x80000021, 0} && !has_other) value.eax &= ~fs_gs_base_ns;
    });
    const Verification result = verify(amd_policy(), kvm);
    REQUIRE(text_of(result.differences) == "more fs_gs_base_ns 0x1 0x0");
    CHECK(result.uncontrolled.empty());
    CHECK_FALSE(result.shows_policy());
    const SeenField& field = result.differences.front();
    CHECK(field.place == BitPlace{false, 0x80000021, 0, 0, eax, 1, 1});
    CHECK(field.rule == "union");
    CHECK_THAT(field.meaning, Contains("not told"));
}

TEST_CASE("bits of one field can be in the VMM's hands and out of them", "[verify]") {
    FakeKvm kvm;
    kvm.fixed({0x80000008, 0}, eax, 0x1, 0x1).overlay([](const VcpuTask& task, LeafKey key, Registers& value) {
        if (key == LeafKey{0x80000008, 0} && FakeKvm::told(task, {0x7, 0}, ebx, 5)) value.eax |= 0x2;
    });
    const Verification result = verify(amd_policy(), kvm);
    CHECK(text_of(result.uncontrolled) == "more maxphyaddr 0x30 0x33");
    CHECK(text_of(result.differences) == "more maxphyaddr 0x30 0x33");
}

TEST_CASE("what a difference means follows from the field's rule", "[verify]") {
    const PoolPolicy amd = amd_policy();
    const PoolPolicy intel = policy_of(intel_table().row(0x7, 0, {0, avx2, 0, 1U << 10}));
    struct Case {
        const PoolPolicy& policy;
        LeafKey key;
        Register reg;
        std::uint32_t seen;
        const char* text;
        const char* meaning;
    };
    const std::vector<Case> cases{
        {amd, {7, 0}, ebx, 0, "less avx2 0x1 0x0", "does without what every host has."},
        {amd,
         {7, 0},
         ebx,
         avx2 | 1U << 3,
         "more bmi1 0x0 0x1",
         "may use what not every host has; there it may compute wrong results."},
        {amd,
         {0x80000021, 0},
         eax,
         0,
         "more fs_gs_base_ns 0x1 0x0",
         "is not told of it, and relies on what not every host keeps"},
        {intel,
         {7, 0},
         edx,
         0,
         "more md_clear 0x1 0x0",
         "is not told to run VERW, which hosts of the pool need; there it may be open to an attack."},
        {amd, {0x80000008, 0}, eax, 0x302E, "less maxphyaddr 0x30 0x2e", "keeps to a tighter limit"},
        {amd, {0x80000008, 0}, eax, 0x3034, "more maxphyaddr 0x30 0x34", "counts on a value that not every host keeps"},
        {amd, {1, 0}, eax, 0x00830F11, "otherwise stepping 0x0 0x1", "sees another CPU"},
        {amd, {0, 0}, eax, 0xE, "otherwise max_basic_leaf 0xd 0xe", "does not follow from the rest"},
        {intel, {1, 0}, ecx, 1U << 7, "otherwise eist 0x0 0x1", "what a policy never shows"},
    };
    for (const Case& one : cases) {
        const SeenField seen = only_difference(one.policy, one.key, one.reg, one.seen);
        CHECK(text_of({seen}) == one.text);
        CHECK_THAT(seen.meaning, Contains(one.meaning));
    }
}

TEST_CASE("bits without a field are told by runs of neighbours", "[verify]") {
    FakeKvm kvm;
    kvm.fixed({0x8, 0}, ecx, ~0U, 0x80000006);
    const Verification result = verify(amd_policy(), kvm);
    CHECK(text_of(result.uncontrolled) ==
          "otherwise bits without a field 0x0 0x3; otherwise bits without a field 0x0 0x1");
    CHECK(result.uncontrolled.front().place == BitPlace{false, 0x8, 0, 0, ecx, 1, 2});
    CHECK(result.uncontrolled.front().rule.empty());
}

TEST_CASE("a leaf beyond the maximum of its range may repeat the highest basic leaf and nothing else", "[verify]") {
    PoolPolicy policy = policy_of(intel_table().row(0xD, 0, {0x7, 0, 0x340, 0}));
    policy.owned = {{false, 0xD, 0, 0, ebx, 0, 31}};
    for (const LeafKey beyond : {LeafKey{0xE, 0}, LeafKey{0x80000009, 0}, LeafKey{0x40000000, 0}}) {
        INFO(std::hex << beyond.leaf);
        FakeKvm echoing;
        echoing.fixed({0xD, 0}, ebx, ~0U, 0x240);  // filled in by the VMM
        CHECK(shows_all(policy, echoing));
        FakeKvm filled_in_later;  // the size changes with what the guest turns on
        filled_in_later.fixed({0xD, 0}, ebx, ~0U, 0x240).fixed(beyond, ebx, ~0U, 0x340);
        CHECK(shows_all(policy, filled_in_later));
        FakeKvm zeros;
        zeros.overlay([&](const VcpuTask&, LeafKey key, Registers& value) {
            if (key == beyond) value = {};
        });
        CHECK(shows_all(policy, zeros));
        FakeKvm wrong;
        wrong.fixed(beyond, eax, 0x100, 0x100);
        const Verification result = verify(policy, wrong);
        REQUIRE_FALSE(result.uncontrolled.empty());
        for (const SeenField& field : result.uncontrolled) CHECK(field.place.leaf == beyond.leaf);
    }
}

TEST_CASE("what KVM shows in the highest basic leaf is told once, not again where it is repeated", "[verify]") {
    // Leaf Dh as an EPYC shows it under a KVM that puts the hardware's bits there: the echoes show them too.
    const PoolPolicy policy = policy_of(intel_table().row(0xD, 0, {0x7, 0, 0x340, 0}));
    FakeKvm kvm;
    kvm.fixed({0xD, 0}, eax, ~0U, 0x207).fixed({0xD, 0}, ebx, ~0U, 0x988).fixed({0xD, 0}, ecx, ~0U, 0x988);
    const Verification result = verify(policy, kvm);
    CHECK(result.shows_policy());
    CHECK(text_of(result.uncontrolled) ==
          "otherwise xcr0_lo 0x7 0x207; otherwise xsave_max_size 0x340 0x988; otherwise xsave_cur_size 0x0 0x988");
    CHECK(text_of(result.differences).empty());
    // Of a difference that is KVM's to mend it is the same.
    const SeenField seen = only_difference(policy, {0xD, 0}, ecx, 0x240);
    CHECK(seen.place.leaf == 0xD);
}

TEST_CASE("the highest basic leaf is asked for, however high it is and whether or not it has a row", "[verify]") {
    for (const std::uint32_t highest : {0xDU, 0xFFFFU}) {
        FakeKvm kvm;
        kvm.fixed({highest, 0}, ecx, ~0U, 3);
        const Verification result = verify(policy_of(intel_table().reg(0x0, 0, eax, highest)), kvm);
        CHECK(asks(kvm.tasks().front(), {highest, 0}));
        CHECK(std::is_sorted(kvm.tasks().front().execute.begin(), kvm.tasks().front().execute.end()));
        CHECK(result.shows_policy());
        REQUIRE_FALSE(result.uncontrolled.empty());
        for (const SeenField& field : result.uncontrolled) CHECK(field.place.leaf == highest);
    }
}

TEST_CASE("the vendors of which KVM repeats the highest basic leaf, and those of which it does not, pass", "[verify]") {
    for (const char* vendor : {"AuthenticAMD", "HygonGenuine", "GenuineIntel", "CentaurHauls", "  Shanghai  "}) {
        INFO(vendor);
        TableBuilder table = base_table(vendor, 0x000306F2).row(0xD, 0, {0x7, 0, 0x340, 0});
        table.row(0xB, 0, {1, 2, 0x100, 0}).row(0xB, 1, {4, 8, 0x201, 0});  // KVM fills in the levels beyond
        PoolPolicy policy = policy_of(table);
        policy.owned = {{false, 0xB, 0, 0x1F, ecx, 0, 15}, {false, 0xB, 0, 0x1F, edx, 0, 31}};
        FakeKvm kvm;
        CHECK(shows_all(policy, kvm));
    }
}

TEST_CASE("an entry that KVM refuses is named, and the rest is verified", "[verify]") {
    const LeafKey widths{0x80000008, 0};
    FakeKvm kvm;
    kvm.refuse([&](const std::vector<VcpuEntry>& entries) { return FakeKvm::find(entries, widths) != nullptr; })
        .fixed({0x7, 0}, ebx, avx2, 0);
    const Verification result = verify(amd_policy(), kvm);
    REQUIRE(result.refused.size() == 1);
    CHECK(result.refused.front() == Refused{false, widths, "KVM refuses it (test)."});
    CHECK_FALSE(result.shows_policy());
    CHECK(result.rows == amd_policy().cpuid.size() - 1);
    CHECK(text_of(result.uncontrolled) == "less avx2 0x1 0x0");  // and nothing of the leaf that is not there
}

TEST_CASE("a list that KVM refuses as a whole is one refusal, and nothing is compared", "[verify]") {
    FakeKvm kvm;
    kvm.refuse([](const std::vector<VcpuEntry>& entries) { return entries.size() > 5; });
    const Verification result = verify(amd_policy(), kvm);
    REQUIRE(result.refused.size() == 1);
    CHECK_FALSE(result.refused.front().key);
    CHECK(kvm.tasks().size() == 1);  // and no virtual machine a row
    CHECK(result.rows + result.other_rows + result.msrs == 0);
    CHECK_FALSE(result.shows_policy());
}

TEST_CASE("an MSR that KVM refuses, or that faults in the guest, fails the policy", "[verify]") {
    const PoolPolicy policy = intel_policy_with_msr();
    FakeKvm refusing;
    refusing.refuse_msr(arch_capabilities);
    const Verification refused = verify(policy, refusing);
    REQUIRE(refused.refused.size() == 1);
    CHECK(refused.refused.front() == Refused{true, LeafKey{arch_capabilities, 0}, "KVM refuses the value (test)."});
    CHECK(refused.msrs == 0);
    CHECK_FALSE(refused.shows_policy());
    FakeKvm faulting;
    faulting.fault(arch_capabilities);
    const Verification faulted = verify(policy, faulting);
    REQUIRE(faulted.refused.size() == 1);
    CHECK_THAT(faulted.refused.front().reason, Contains("RDMSR faults"));
}

// Linux, arch/x86/kvm/vmx/nested.c, vmx_set_vmx_msr: refused whatever the value.
TEST_CASE("an MSR that KVM makes itself is read and not set", "[verify]") {
    constexpr std::uint32_t cr4_fixed1 = 0x489;
    constexpr std::uint64_t value = 0x3767FF;
    PoolPolicy policy = intel_policy_with_msr();
    policy.msrs.push_back({cr4_fixed1, value});
    FakeKvm kvm;
    kvm.refuse_msr(cr4_fixed1);
    const auto result_with = [&](std::uint64_t made) {
        FakeKvm making;
        making.fixed_msr(cr4_fixed1, ~std::uint64_t{0}, made);
        const Verification result = verify(policy, making);
        const std::vector<MsrRow>& set = making.tasks().front().msrs;
        CHECK(std::none_of(set.begin(), set.end(), [&](const MsrRow& msr) { return msr.index == cr4_fixed1; }));
        CHECK(result.msrs == 2);
        return result;
    };
    CHECK(result_with(value).shows_policy());
    const Verification other = result_with(value & ~std::uint64_t{0x2000});
    REQUIRE(other.differences.size() + other.uncontrolled.size() > 0);
    const Verification none = verify(policy, kvm);  // it makes none
    REQUIRE(none.refused.size() == 1);
    CHECK(none.refused.front().key == LeafKey{cr4_fixed1, 0});
    CHECK_THAT(none.refused.front().reason, Contains("RDMSR faults"));
}

TEST_CASE("an MSR of which KVM keeps bits is out of the VMM's hands", "[verify]") {
    FakeKvm kvm;
    kvm.fixed_msr(arch_capabilities, 1, 0);
    const Verification result = verify(intel_policy_with_msr(), kvm);
    CHECK(text_of(result.uncontrolled) == "less ac_rdcl_no 0x1 0x0");
    CHECK(result.uncontrolled.front().place == BitPlace{true, arch_capabilities, 0, 0, eax, 0, 0});
    CHECK(result.shows_policy());
}

TEST_CASE("where KVM refuses a vCPU with every flag turned, the wrong bits alone are", "[verify]") {
    FakeKvm kvm;
    kvm.fixed({0x7, 0}, ebx, avx2, 0).refuse([](const std::vector<VcpuEntry>& entries) {
        const CpuidRow* features = FakeKvm::find(entries, {1, 0});
        return features != nullptr && features->value.edx != base_leaf1_edx;
    });
    const Verification result = verify(amd_policy(), kvm);
    CHECK(text_of(result.uncontrolled) == "less avx2 0x1 0x0");
    CHECK(result.differences.empty());
    CHECK(kvm.tasks().size() == 5);
}

TEST_CASE("bits of which no other vCPU can be asked count as differences", "[verify]") {
    FakeKvm kvm;
    kvm.fixed({0x7, 0}, ebx, avx2, 0).fail_from(1);
    const Verification result = verify(amd_policy(), kvm);
    CHECK(text_of(result.differences) == "less avx2 0x1 0x0");
    CHECK(result.uncontrolled.empty());
}

TEST_CASE("a vCPU that does not run is an error, and so is a vendor that nobody knows", "[verify]") {
    FakeKvm broken;
    broken.fail_from(0);
    CHECK_THROWS_AS(verify(amd_policy(), broken), SystemError);
    FakeKvm kvm;
    PoolPolicy unknown = amd_policy();
    unknown.vendor = "NobodyKnows!";
    CHECK_THROWS_AS(verify(unknown, kvm), NoPolicyError);
}

}  // namespace poolcpuid::test::verify_test
