// The oracle for restored VMX MSRs: it takes what a real KVM offered, and each of its checks is seen to refuse.

#include "tests/support/kvm_vmx_restore.hpp"

#include <cstdint>
#include <string>
#include <vector>

#include "poolcpuid/rulebook.hpp"
#include "tests/catch.hpp"

namespace poolcpuid::test::kvm_vmx_restore_test {

namespace {

// MSRs 480h to 491h as a guest of KVM read them on an Intel CPU of the Haswell time; from the notes of the XMHF
// hypervisor, "Support guest hypervisor setting MSR".
const VmxMsrs seen_in_guest{{{0x480, 0x00D8100011E57ED0},
                             {0x481, 0x0000007F00000016},
                             {0x482, 0xFFF9FFFE0401E172},
                             {0x483, 0x007FFDFF00036DFF},
                             {0x484, 0x0000F3FF000011FF},
                             {0x485, 0x0000000020000065},
                             {0x486, 0x0000000080000021},
                             {0x487, 0x00000000FFFFFFFF},
                             {0x488, 0x0000000000002000},
                             {0x489, 0x00000000001727FF},
                             {0x48A, 0x000000000000002E},
                             {0x48B, 0x000078FF00000000},
                             {0x48C, 0x00000F0106334041},
                             {0x48D, 0x0000007F00000016},
                             {0x48E, 0xFFF9FFFE04006172},
                             {0x48F, 0x007FFDFF00036DFB},
                             {0x490, 0x0000F3FF000011FB},
                             {0x491, 0x0000000000000001}}};

constexpr std::uint32_t made_by_kvm[]{0x481, 0x482, 0x483, 0x484, 0x487, 0x489};

// Those that a VMM may restore.
VmxMsrs restorable() {
    VmxMsrs msrs = seen_in_guest;
    for (const std::uint32_t index : made_by_kvm) msrs.value.erase(index);
    return msrs;
}

std::vector<std::string> refusals_with(std::uint32_t index, std::uint64_t value) {
    VmxMsrs restored = restorable();
    restored.value[index] = value;
    return kvm_refuses(seen_in_guest, restored);
}

}  // namespace

TEST_CASE("KVM takes back the VMX MSRs that it gave", "[kvm_vmx]") {
    CHECK(kvm_refuses(seen_in_guest, restorable()).empty());
    CHECK(kvm_refuses(seen_in_guest, {}).empty());
}

TEST_CASE("KVM makes the VMX MSRs that a guest of it read", "[kvm_vmx]") {
    for (const std::uint32_t index : {0x481U, 0x482U, 0x483U, 0x484U, 0x487U}) {
        INFO(std::hex << index);
        CHECK(kvm_makes(index, restorable()) == seen_in_guest[index]);
    }
    CHECK_THROWS_AS(kvm_makes(0x489, restorable()), std::logic_error);

    // VMX, PCID, XSAVE; VME, DE, PSE, TSC, PAE, MCE, PGE, FXSR, SSE; FSGSBASE, SMEP.
    CpuidTable cpuid;
    cpuid.rows.push_back({{0x1, 0}, {0, 0, 0x04020020, 0x030020DE}});
    cpuid.rows.push_back({{0x7, 0}, {0, 0x00000081, 0, 0}});
    CHECK(kvm_makes_cr4_fixed1(cpuid) == seen_in_guest[0x489]);
    CHECK(kvm_makes_cr4_fixed1({}) == 0x100);
}

TEST_CASE("the rulebook derives CR4_FIXED1 from every feature that KVM makes it from", "[kvm_vmx][rulebook]") {
    const Rulebook& rulebook = builtin_rulebook();
    const Derive& derive = rulebook[rulebook.find("vmx_cr4_fixed1")].derive;
    for (const LeafKey key : {LeafKey{0x1, 0}, LeafKey{0x7, 0}, LeafKey{0x7, 1}}) {
        for (const Register reg : all_registers) {
            for (unsigned bit = 0; bit < 32; ++bit) {
                CpuidTable cpuid;
                cpuid.rows.push_back({key, {}});
                cpuid.rows[0].value[reg] = 1U << bit;
                std::uint64_t by_rulebook = 0;
                for (const BitSource& source : derive.bits) {
                    const Field* const field = source.field == no_field ? nullptr : &rulebook[source.field];
                    const bool present = field == nullptr || (field->leaf == key.leaf && field->reg == reg &&
                                                              field->subleaf_first == key.subleaf && field->low == bit);
                    if (present) by_rulebook |= std::uint64_t{1} << source.bit;
                }
                // PKS, LASS and FRED, which KVM does not offer to nested hypervisors.
                constexpr std::uint64_t beyond_kvm = 0x109000000;
                INFO(std::hex << key.leaf << "." << key.subleaf << " " << to_string(reg) << " bit " << std::dec << bit);
                CHECK((by_rulebook & ~beyond_kvm) == kvm_makes_cr4_fixed1(cpuid));
            }
        }
    }
}

TEST_CASE("each check of restored VMX MSRs refuses", "[kvm_vmx]") {
    struct Slip {
        std::uint32_t index;
        std::uint64_t value;
        const char* sentence;
    };
    const std::vector<Slip> slips{
        {0x480, 0x00DA100011E57ED0, "MSR 480h: the host lacks the bits 2000000000000h."},    // dual-monitor treatment
        {0x480, 0x01D8100011E57ED0, "MSR 480h: the host lacks the bits 100000000000000h."},  // any error code
        {0x480, 0x00D8300011E57ED0, "MSR 480h: the host lacks the bits 200000000000h."},     // reserved
        {0x480, 0x00D9100011E57ED0, "MSR 480h: VMX structures are not kept below 4 GiB."},
        {0x480, 0x00D8100011E57ED1, "MSR 480h: another VMCS revision."},
        {0x480, 0x00D8040011E57ED0, "MSR 480h: a VMCS smaller than the host's."},
        {0x481, 0x0000007F00000016, "MSR 481h: KVM makes it from the TRUE controls."},
        {0x482, 0xFFF9FFFE0401E172, "MSR 482h: KVM makes it from the TRUE controls."},
        {0x483, 0x007FFDFF00036DFF, "MSR 483h: KVM makes it from the TRUE controls."},
        {0x484, 0x0000F3FF000011FF, "MSR 484h: KVM makes it from the TRUE controls."},
        {0x485, 0x0000000020000165, "MSR 485h: the host lacks the bits 100h."},  // wait-for-SIPI
        {0x485, 0x0000000020000265, "MSR 485h: the host lacks the bits 200h."},  // reserved
        {0x485, 0x0000000020000067, "MSR 485h: another rate of the preemption timer."},
        {0x485, 0x0000000020040065, "MSR 485h: more CR3 targets than the host has."},
        {0x485, 0x0000000022000065, "MSR 485h: longer MSR lists than the host takes."},
        {0x485, 0x0000000120000065, "MSR 485h: another MSEG revision."},
        {0x486, 0x0000000080000020, "MSR 486h: bits that must be 1 on the host need not be: 1h."},
        {0x487, 0x00000000FFFFFFFF, "MSR 487h: KVM makes it from CPUID."},
        {0x488, 0x0000000000000000, "MSR 488h: bits that must be 1 on the host need not be: 2000h."},
        {0x489, 0x00000000001727FF, "MSR 489h: KVM makes it from CPUID."},
        {0x48B, 0x001078FF00000000, "MSR 48bh: controls may be 1 that the host does not allow: 100000h."},  // XSAVES
        {0x48C, 0x00000F01063340C1, "MSR 48ch: the host lacks the bits 80h."},                              // 5 levels
        {0x48D, 0x000000FF00000016, "MSR 48dh: controls may be 1 that the host does not allow: 80h."},
        {0x48D, 0x0000007F00000006, "MSR 48dh: controls that must be 1 on the host need not be: 10h."},
        {0x48E, 0xFFFBFFFE04006172, "MSR 48eh: controls may be 1 that the host does not allow: 20000h."},
        {0x48F, 0x00FFFDFF00036DFB, "MSR 48fh: controls may be 1 that the host does not allow: 800000h."},
        {0x490, 0x0000F3FF000010FB, "MSR 490h: controls that must be 1 on the host need not be: 100h."},
        {0x491, 0x0000000000000003, "MSR 491h: the host lacks the bits 2h."},
        {0x492, 0x0000000000000000, "MSR 492h: KVM has no such MSR."},
        {0x493, 0x0000000000000000, "MSR 493h: KVM has no such MSR."},
    };
    for (const Slip& slip : slips) {
        INFO(std::hex << slip.index << " " << slip.value);
        CHECK(refusals_with(slip.index, slip.value) == std::vector<std::string>{slip.sentence});
    }
}

TEST_CASE("KVM takes VMX MSRs that promise less", "[kvm_vmx]") {
    CHECK(refusals_with(0x480, 0x0018180011E57ED0).empty());  // a larger VMCS, no TRUE controls, no INS and OUTS
    CHECK(refusals_with(0x485, 0x0000000000000005).empty());
    CHECK(refusals_with(0x486, 0x00000000FFFFFFFF).empty());
    CHECK(refusals_with(0x488, 0x0000000000002001).empty());
    CHECK(refusals_with(0x48A, 0xFFFFFFFFFFFFFFFF).empty());
    CHECK(refusals_with(0x48B, 0x0000000000000000).empty());
    CHECK(refusals_with(0x48C, 0x0000000000000000).empty());
    CHECK(refusals_with(0x48D, 0x0000003F0000003F).empty());
    CHECK(refusals_with(0x491, 0x0000000000000000).empty());
}

TEST_CASE("the preemption timer's rate counts only while the timer may be used", "[kvm_vmx]") {
    VmxMsrs restored = restorable();
    restored.value[0x485] = 0x0000000020000060;
    REQUIRE(kvm_refuses(seen_in_guest, restored).size() == 1);
    restored.value[0x48D] = 0x0000003F00000016;
    CHECK(kvm_refuses(seen_in_guest, restored).empty());
    restored.value.erase(0x48D);  // then the host's own controls stand
    CHECK(kvm_refuses(seen_in_guest, restored).size() == 1);
}

TEST_CASE("each MSR that does not fit is refused by itself", "[kvm_vmx]") {
    VmxMsrs restored = restorable();
    restored.value[0x486] = 0;
    restored.value[0x491] = 3;
    CHECK(kvm_refuses(seen_in_guest, restored).size() == 2);
    CHECK(kvm_refuses({}, restorable()).size() > 5);  // a host without nested VMX
}

}  // namespace poolcpuid::test::kvm_vmx_restore_test
