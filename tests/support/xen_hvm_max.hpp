// The HVM max featureset of a host, as Xen computes it from what CPUID returns there: raw policy, host policy, HVM
// max policy (xen/arch/x86/cpu-policy.c). Written from Xen's source and from nothing else here: policy/targets/xen.json
// is what it tests.
//
// Where Xen needs what a dump does not say (VMX controls, microcode, boot options), it is taken as on a host that
// was not told otherwise. What Xen adds by its own tables of models (RSBA, GDS_NO, SBPB …) is left out: that only
// makes the maximum smaller than it is.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "poolcpuid/host_dump.hpp"
#include "poolcpuid/rulebook.hpp"

namespace poolcpuid::test {

constexpr std::size_t xen_words = 19;
using XenSet = std::array<std::uint32_t, xen_words>;

// The words in their order (xen/include/xen/lib/x86/cpu-policy.h, FEATURESET_*). reg(leaf, subleaf, register) is a
// register's value, arch_caps that of MSR 10Ah.
template <typename Reg>
XenSet xen_set_of(const Reg& reg, std::uint64_t arch_caps) {
    return {reg(0x1, 0, Register::edx),
            reg(0x1, 0, Register::ecx),
            reg(0x80000001, 0, Register::edx),
            reg(0x80000001, 0, Register::ecx),
            reg(0xD, 1, Register::eax),
            reg(0x7, 0, Register::ebx),
            reg(0x7, 0, Register::ecx),
            reg(0x80000007, 0, Register::edx),
            reg(0x80000008, 0, Register::ebx),
            reg(0x7, 0, Register::edx),
            reg(0x7, 1, Register::eax),
            reg(0x80000021, 0, Register::eax),
            reg(0x7, 1, Register::ebx),
            reg(0x7, 2, Register::edx),
            reg(0x7, 1, Register::ecx),
            reg(0x7, 1, Register::edx),
            static_cast<std::uint32_t>(arch_caps),
            static_cast<std::uint32_t>(arch_caps >> 32),
            reg(0x80000021, 0, Register::ecx)};
}

// A release's tables: xen/include/public/arch-x86/cpufeatureset.h as xen/tools/gen-cpuid.py sums it up.
struct XenRelease {
    const char* name;
    XenSet known;    // INIT_KNOWN_FEATURES: every XEN_CPUFEATURE
    XenSet hap_max;  // INIT_HVM_HAP_MAX_FEATURES: those with A, S, H, a, s or h
};

inline constexpr XenRelease xen_4_20{
    "4.20",
    {0xBFEBFBFF, 0xFFFEFBFF, 0xEE500800, 0x6469BFFF, 0x0000001F, 0xFFBFFFFF, 0xFB417FFF, 0x00000780, 0x779FD205,
     0xFFDDEF3E, 0x00AA1CB7, 0xF81E0D67, 0x00000001, 0x0000003F, 0x00000000, 0x00044530, 0x1FBEFFFF, 0x40000001,
     0x00000006},
    {0x1FCBFBFF, 0xF7FA3223, 0xEE500800, 0x442109F7, 0x0000000F, 0xF1BF4FBB, 0x9A405F4F, 0x00000100, 0x751FD005,
     0xBC814510, 0x00881CB7, 0x781C0D67, 0x00000000, 0x00000037, 0x00000000, 0x00004430, 0x1D12E173, 0x40000000,
     0x00000006}};

inline constexpr XenRelease xen_4_17{
    "4.17",
    {0xBFEBFBFF, 0xFFFEF3FF, 0xEE500800, 0x2469BFFF, 0x0000000F, 0xFFBFFFFF, 0x3A405FDF, 0x00000780, 0x779FD205,
     0xFC91EF1C, 0x00001C30, 0x38000164, 0x00000001, 0x00000037, 0x00000000, 0x00040000, 0x1FBEFFFF, 0x40000000,
     0x00000006},
    {0x1FCBFBFF, 0xF7FA3223, 0xEE500800, 0x042109F7, 0x0000000F, 0xFDBF4FBB, 0x1A405F4F, 0x00000100, 0x751FD005,
     0xBC01451C, 0x00001C30, 0x38000064, 0x00000000, 0x00000037, 0x00000000, 0x00000000, 0x1D12E173, 0x40000000,
     0x00000006}};

// gen-cpuid.py, deps: a feature and those that are gone without it, as word * 32 + bit. 4.20; what 4.17 has not, it
// does not know either.
inline const std::vector<std::pair<unsigned, std::vector<unsigned>>>& xen_dependencies() {
    static const std::vector<std::pair<unsigned, std::vector<unsigned>>> all = [] {
        std::vector<std::pair<unsigned, std::vector<unsigned>>> result{
            {0 * 32 + 0, {0 * 32 + 23, 8 * 32 + 2}},                                                     // FPU
            {0 * 32 + 3, {0 * 32 + 17}},                                                                 // PSE
            {0 * 32 + 4, {1 * 32 + 24, 2 * 32 + 27, 5 * 32 + 1, 7 * 32 + 8}},                            // TSC
            {0 * 32 + 6, {2 * 32 + 20, 2 * 32 + 29}},                                                    // PAE
            {0 * 32 + 9, {1 * 32 + 21, 1 * 32 + 24, 3 * 32 + 3}},                                        // APIC
            {0 * 32 + 23, {2 * 32 + 22, 2 * 32 + 31}},                                                   // MMX
            {0 * 32 + 24, {0 * 32 + 25, 2 * 32 + 25}},                                                   // FXSR
            {0 * 32 + 25, {0 * 32 + 26, 3 * 32 + 7}},                                                    // SSE
            {0 * 32 + 26, {1 * 32 + 0, 1 * 32 + 1, 1 * 32 + 25, 2 * 32 + 29, 5 * 32 + 29, 6 * 32 + 8}},  // SSE2
            {1 * 32 + 0, {1 * 32 + 9, 3 * 32 + 6}},                                                      // SSE3
            {1 * 32 + 1, {6 * 32 + 10}},                                                                 // PCLMULQDQ
            {1 * 32 + 9, {1 * 32 + 19}},                                                                 // SSSE3
            {1 * 32 + 19, {1 * 32 + 20}},                                                                // SSE4_1
            {1 * 32 + 25, {6 * 32 + 9}},                                                                 // AESNI
            {1 * 32 + 26,                                                                                // XSAVE
             {1 * 32 + 28, 3 * 32 + 15, 4 * 32 + 0, 4 * 32 + 1, 4 * 32 + 2, 4 * 32 + 3, 5 * 32 + 14, 6 * 32 + 3,
              9 * 32 + 24}},
            {1 * 32 + 28,  // AVX
             {1 * 32 + 12, 1 * 32 + 29, 3 * 32 + 11, 3 * 32 + 16, 5 * 32 + 5, 10 * 32 + 1, 15 * 32 + 5}},
            {2 * 32 + 20, {5 * 32 + 20}},  // NX
            {2 * 32 + 29,                  // LM
             {1 * 32 + 13, 1 * 32 + 17, 2 * 32 + 26, 3 * 32 + 0, 6 * 32 + 3, 8 * 32 + 20, 9 * 32 + 24, 10 * 32 + 7}},
            {2 * 32 + 31, {2 * 32 + 30}},  // 3DNOW
            {5 * 32 + 5,                   // AVX2
             {5 * 32 + 16, 6 * 32 + 9, 6 * 32 + 10, 10 * 32 + 0, 10 * 32 + 2, 10 * 32 + 4, 10 * 32 + 23, 15 * 32 + 4,
              15 * 32 + 10}},
            {5 * 32 + 11, {9 * 32 + 16}},  // RTM
            {5 * 32 + 16,                  // AVX512F
             {5 * 32 + 17, 5 * 32 + 21, 5 * 32 + 26, 5 * 32 + 27, 5 * 32 + 28, 5 * 32 + 30, 5 * 32 + 31, 6 * 32 + 11,
              6 * 32 + 14, 9 * 32 + 2, 9 * 32 + 3, 9 * 32 + 8}},
            {5 * 32 + 30, {6 * 32 + 1, 6 * 32 + 6, 6 * 32 + 12, 9 * 32 + 23, 10 * 32 + 5}},  // AVX512BW
            {8 * 32 + 12, {8 * 32 + 30, 11 * 32 + 27, 11 * 32 + 28}},                        // IBPB
            {8 * 32 + 14,                                                                    // IBRS
             {8 * 32 + 15, 8 * 32 + 16, 8 * 32 + 18, 8 * 32 + 19, 8 * 32 + 24, 8 * 32 + 28, 11 * 32 + 8}},
            {8 * 32 + 15, {8 * 32 + 17}},                                          // AMD_STIBP
            {8 * 32 + 28, {11 * 32 + 18}},                                         // PSFD
            {9 * 32 + 24, {9 * 32 + 22, 9 * 32 + 25, 10 * 32 + 21, 15 * 32 + 8}},  // AMX_TILE
            {9 * 32 + 26,                                                          // IBRSB
             {9 * 32 + 27, 9 * 32 + 31, 13 * 32 + 0, 13 * 32 + 1, 13 * 32 + 2, 13 * 32 + 4, 16 * 32 + 1}},
            {16 * 32 + 1, {16 * 32 + 19}},  // EIBRS
        };
        std::vector<unsigned> arch_caps;
        for (unsigned bit = 0; bit < 64; ++bit) arch_caps.push_back(16 * 32 + bit);
        result.emplace_back(9 * 32 + 29, std::move(arch_caps));  // ARCH_CAPS: list(range(RDCL_NO, RDCL_NO + 64))
        return result;
    }();
    return all;
}

class XenHost {
public:
    // The host must have a hardware view.
    explicit XenHost(const HostDump& host) {
        const CpuidTable& cpuid = host.hardware->cpus.front().cpuid;  // Xen asks the boot CPU
        vendor_ = vendor_string(cpuid).value_or("");
        const auto reg = [&](std::uint32_t leaf, std::uint32_t subleaf, Register which) {
            const Registers* row = cpuid.find({leaf, subleaf});
            return row == nullptr ? 0U : (*row)[which];
        };
        signature_ = signature_of(reg(0x1, 0, Register::eax));
        npt_ = (reg(0x8000000A, 0, Register::edx) & 1U) != 0;
        svm_spec_ctrl_ = (reg(0x8000000A, 0, Register::edx) & (1U << 20)) != 0;
        raw_ = xen_set_of(reg, 0);
        // Intel shows SYSCALL to 64-bit code alone (SDM vol. 2A, CPUID), which Xen is and what wrote the dump may not
        // be.
        if (is_intel() && has(raw_, lm)) put(raw_, syscall);
        read_arch_caps(host);
    }

    const std::string& vendor() const { return vendor_; }

    // Xen runs HVM guests where the CPU has VMX or SVM.
    bool runs_hvm() const { return has(raw_, is_amd() ? svm : vmx); }

    // What calculate_hvm_max_policy leaves.
    XenSet hvm_max(const XenRelease& release) const {
        const XenSet host = host_policy(release);
        XenSet set{};
        for (std::size_t i = 0; i < xen_words; ++i) set[i] = host[i] & release.hap_max[i];
        if (!hap_supported()) {
            // hvm_shadow_max_featuremask lacks H and h.
            for (const unsigned bit : {1U * 32 + 17, 2U * 32 + 26, 5U * 32 + 10, 6U * 32 + 3, 6U * 32 + 31})
                clear(set, bit);
        }
        put(set, apic);
        put(set, x2apic);
        put(set, no_lmsl);
        if (is_amd() && has(raw_, sep)) put(set, sep);
        // Xen virtualises MSR_SPEC_CTRL where it is, on AMD with SVM's help (init_speculation_mitigations).
        if (has(host, ibrs) && !svm_spec_ctrl_) clear(set, ibrs);
        if (has(host, virt_ssbd) || (has(host, ibrs) && svm_spec_ctrl_ && has(host, amd_ssbd))) put(set, virt_ssbd);
        if (!is_intel()) clear(set, 6 * 32 + 31);  // PKS

        // guest_common_max_feature_adjustments
        if (is_intel()) {
            for (const unsigned bit :
                 {arch_caps, 16U * 32 + 2, 16U * 32 + 19, 9U * 32 + 10, 16U * 32 + 17, 16U * 32 + 28}) {
                put(set, bit);  // RSBA, RRSBA, MD_CLEAR, FB_CLEAR, RFDS_CLEAR
            }
            if (signature_.family == 6 && signature_.model == 0x55 && has(raw_, clwb)) put(set, clwb);
            if (has(set, rtm)) put(set, 9 * 32 + 11);  // RTM_ALWAYS_ABORT
        }
        if (vendor_ == "AuthenticAMD") put(set, 11 * 32 + 5);  // VERW_CLEAR
        put(set, htt);
        put(set, cmp_legacy);

        // guest_common_feature_adjustments
        put(set, hypervisor);
        if (has(set, ibrsb)) put(set, 9 * 32 + 27);  // STIBP
        if (has(set, ibrs)) put(set, 8 * 32 + 15);   // AMD_STIBP
        if (has(host, ibrsb)) put(set, ibpb);
        return sanitised(set, release);
    }

    // False when the dump does not say what ARCH_CAPABILITIES is: then every bit of it counts as the host's.
    bool knows_arch_caps() const { return knows_arch_caps_; }

private:
    static constexpr unsigned apic = 9, vmx = 32 + 5, svm = 3 * 32 + 2, sep = 11, htt = 28, x2apic = 32 + 21,
                              rdrand = 32 + 30, hypervisor = 32 + 31, syscall = 2 * 32 + 11, lm = 2 * 32 + 29,
                              lahf_lm = 3 * 32 + 0, cmp_legacy = 3 * 32 + 1, rtm = 5 * 32 + 11, clwb = 5 * 32 + 24,
                              ibpb = 8 * 32 + 12, ibrs = 8 * 32 + 14, no_lmsl = 8 * 32 + 20, amd_ssbd = 8 * 32 + 24,
                              virt_ssbd = 8 * 32 + 25, ibrsb = 9 * 32 + 26, arch_caps = 9 * 32 + 29;

    static bool has(const XenSet& set, unsigned bit) { return ((set[bit / 32] >> (bit % 32)) & 1U) != 0; }
    static void put(XenSet& set, unsigned bit) { set[bit / 32] |= 1U << (bit % 32); }
    static void clear(XenSet& set, unsigned bit) { set[bit / 32] &= ~(1U << (bit % 32)); }

    bool is_intel() const { return vendor_ == "GenuineIntel"; }
    bool is_amd() const { return vendor_ == "AuthenticAMD" || vendor_ == "HygonGenuine"; }

    // Intel has EPT from the first CPU that has any of the bits that need it.
    bool hap_supported() const { return !is_amd() || npt_; }

    void read_arch_caps(const HostDump& host) {
        knows_arch_caps_ = !has(raw_, arch_caps);
        if (knows_arch_caps_) return;
        raw_[16] = raw_[17] = ~0U;
        if (!host.hardware->msrs) return;
        for (const MsrRow& row : *host.hardware->msrs) {
            if (row.index != 0x10A || !row.value) continue;
            raw_[16] = static_cast<std::uint32_t>(*row.value);
            raw_[17] = static_cast<std::uint32_t>(*row.value >> 32);
            knows_arch_caps_ = true;
        }
    }

    // identify_cpu and calculate_host_policy: what Xen knows of, after init_intel, init_amd and init_hygon.
    XenSet host_policy(const XenRelease& release) const {
        XenSet set{};
        for (std::size_t i = 0; i < xen_words; ++i) set[i] = raw_[i] & release.known[i];
        if (is_amd()) {
            clear(set, sep);
            put(set, 11 * 32 + 2);  // LFENCE_DISPATCH: Xen makes it so
        }
        if (vendor_ == "AuthenticAMD") {
            clear(set, 31);  // PBE
            if (signature_.family == 0xF && signature_.model < 0x14) clear(set, lahf_lm);
            if (signature_.family == 0x15 || signature_.family == 0x16) clear(set, rdrand);
        }
        if (is_intel() && signature_.family == 6 && signature_.model == 0x55) clear(set, clwb);
        return set;
    }

    // sanitise_featureset
    static XenSet sanitised(XenSet set, const XenRelease& release) {
        for (std::size_t i = 0; i < xen_words; ++i) set[i] &= release.known[i];
        for (bool changed = true; changed;) {
            changed = false;
            for (const auto& [feature, dependents] : xen_dependencies()) {
                if (has(set, feature)) continue;
                for (const unsigned dependent : dependents) {
                    changed = changed || has(set, dependent);
                    clear(set, dependent);
                }
            }
        }
        return set;
    }

    std::string vendor_;
    Signature signature_;
    bool npt_ = false;
    bool svm_spec_ctrl_ = false;
    bool knows_arch_caps_ = false;
    XenSet raw_{};
};

}  // namespace poolcpuid::test
