// Real hosts that a VM may leave for one another in one direction only, and why: what a guest was promised is
// lost there, or a relaxed behaviour is there of which it was not told.

#include <algorithm>
#include <optional>
#include <string>
#include <vector>

#include "poolcpuid/check.hpp"
#include "poolcpuid/pool_state.hpp"
#include "tests/catch.hpp"
#include "tests/support/corpus.hpp"

namespace poolcpuid::test::one_direction_test {

namespace {

constexpr Breach lost = Breach::lost;
constexpr Breach not_told = Breach::not_told;
constexpr std::nullopt_t nothing = std::nullopt;

// A VM of the policy of one host on the other, and the way back.
struct Case {
    const char* policy;
    const char* host;
    Breach breach;                    // every violation's
    std::vector<std::string> named;   // among the fields
    std::optional<Breach> back;       // every violation's on the way back; nothing: none
    std::vector<std::string> hide{};  // of the policy; where two generations differ in both ways
};

// Register values are those of the dumps, policy's host / checked host.
const std::vector<Case> cases{
    // 80000008h EBX 018EF757 / 91BEF75F: setting EFER.LMSLE faults on Milan. Back: PKRU is 8 @ 980h / 40h @ 340h.
    {"instlatx64/AuthenticAMD0830F10_K17_Rome",
     "instlatx64/AuthenticAMD0A00F11_K19_Milan_02",
     not_told,
     {"efer_lmsle_unsupported"},
     lost},
    {"instlatx64/AuthenticAMD0A00F11_K19_Milan_02",
     "instlatx64/AuthenticAMD0830F10_K17_Rome",
     lost,
     {"xsave state pkru", "pku", "vaes"},
     not_told},
    // 80000021h EAX 0000204D / 00062FCF: writes to FS_BASE do not serialize on Genoa.
    {"instlatx64/AuthenticAMD0A00F11_K19_Milan_02",
     "cpuid-r/reemitted-EPYC-9124-8cpus",
     not_told,
     {"fs_gs_base_ns"},
     lost},
    {"firecracker/fingerprint_AMD_MILAN_6.18host",
     "firecracker/fingerprint_AMD_GENOA_6.18host",
     not_told,
     {"fs_gs_base_ns"},
     lost},
    // One CPU, two kernels: 5.10 does not know PSFD.
    {"firecracker/fingerprint_AMD_MILAN_6.1host",
     "firecracker/fingerprint_AMD_MILAN_5.10host",
     lost,
     {"amd_psfd"},
     nothing},
    {"firecracker/fingerprint_AMD_GENOA_6.1host",
     "firecracker/fingerprint_AMD_GENOA_5.10host",
     lost,
     {"amd_psfd"},
     nothing},
    {"firecracker/fingerprint_AMD_GENOA_6.18host",
     "firecracker/fingerprint_AMD_GENOA_6.1host",
     lost,
     {"auto_ibrs", "sbpb", "xsave state cet_u"},
     nothing},
    // 80000008h EAX 52 / 48 address bits.
    {"cpuid-r/reemitted-EPYC-9124-8cpus",
     "instlatx64/AuthenticAMD0A70F80_K19_Phoenix2_01",
     lost,
     {"maxphyaddr", "la57"},
     nothing},

    // 7.0 EBX 000037AB / D39FFFFB: FDP_EXCPTN_ONLY; Skylake's returns may use the indirect branch predictor.
    {"instlatx64/GenuineIntel00306F2_HaswellEP_04",
     "instlatx64/GenuineIntel0050654_SkylakeXeon_20",
     not_told,
     {"fdp_excptn_only", "ac_rsba"},
     lost},
    // 7.0 EBX 00000281 / 000037AB: x87's FCS and FDS are zeros from Haswell on.
    {"instlatx64/GenuineIntel00306E4_IvyBridgeEP",
     "instlatx64/GenuineIntel00306F2_HaswellEP2",
     not_told,
     {"zero_fcs_fds"},
     lost},
    // 1 ECX 7DFEFBFF: a Haswell without AES; a guest that never had it notices FCS and FDS alone.
    {"instlatx64/GenuineIntel00306E4_IvyBridgeEP",
     "instlatx64/GenuineIntel00306F2_HaswellEP_CPUID",
     not_told,
     {"zero_fcs_fds"},
     lost,
     {"aes"}},
    // 7.0 EDX 00000000 / 9C000400: one CPU, two microcodes: a guest that is not asked runs no VERW.
    {"instlatx64/GenuineIntel00306F2_HaswellEP2",
     "instlatx64/GenuineIntel00306F2_HaswellEP_04",
     not_told,
     {"md_clear"},
     lost},
    // IA32_ARCH_CAPABILITIES none / 0C0AA0EB: FB_CLEAR and RRSBA.
    {"instlatx64/GenuineIntel00306F2_HaswellEP_04",
     "firecracker/fingerprint_INTEL_CASCADELAKE_6.18host",
     not_told,
     {"ac_fb_clear", "ac_rrsba"},
     lost},
    // IA32_ARCH_CAPABILITIES 0C0AA0EB / none: RDCL_NO and MDS_NO.
    {"firecracker/fingerprint_INTEL_CASCADELAKE_5.10host",
     "instlatx64/GenuineIntel00306F2_HaswellEP2",
     lost,
     {"ac_rdcl_no", "ac_mds_no", "avx512f", "xsave state opmask"},
     not_told},
    // One CPU, two kernels: 7.0 EDX L1D_FLUSH, 7.2 EDX PSFD.
    {"firecracker/fingerprint_INTEL_CASCADELAKE_6.18host",
     "firecracker/fingerprint_INTEL_CASCADELAKE_6.1host",
     lost,
     {"l1d_flush"},
     nothing},
    {"firecracker/fingerprint_INTEL_ICELAKE_6.1host",
     "firecracker/fingerprint_INTEL_ICELAKE_5.10host",
     lost,
     {"intel_psfd"},
     nothing},
    // XCR0 7 / 3: a Celeron's AVX is fused off.
    {"libvirt/x86_64-cpuid-Core-i7-3740QM",
     "libcpuid/intel-celeron-cpu-g1610",
     lost,
     {"xsave state avx", "avx"},
     nothing},
    // 80000008h EAX 44 / 40 address bits.
    {"instlatx64/GenuineIntel00206E5_Beckton",
     "instlatx64/GenuineIntel00106A2_Nehalem-EP",
     lost,
     {"maxphyaddr"},
     nothing},
    // Leaf Dh none on Westmere: no XSAVE, so none of its state.
    {"instlatx64/GenuineIntel00206D5_SandyBridgeEP",
     "instlatx64/GenuineIntel00206C1_Gulftown",
     lost,
     {"xsave", "xsave state x87", "xsave state avx"},
     nothing},

    // 80000008h EAX 46 / 40 address bits; no PKRU.
    {"instlatx64/CentaurHauls00507B3_KX40000_01",
     "instlatx64/CentaurHauls00307B0_6640MA",
     lost,
     {"xsave state pkru", "maxphyaddr"},
     nothing},
};

PoolPolicy policy_of(const HostDump& host, const std::vector<std::string>& hide) {
    PoolState state(builtin_rulebook());
    state.add(host);
    MergeOptions options;
    options.hide = hide;
    return state.finish(options);
}

Verdict verdict_on(const PoolPolicy& policy, const HostDump& host) {
    return PolicyCheck(builtin_rulebook(), policy).against(host);
}

// Every violation is of this kind; nothing: there is none.
void check_breach(const Verdict& verdict, const std::optional<Breach>& breach) {
    CHECK(verdict.violations.empty() == !breach.has_value());
    for (const Violation& violation : verdict.violations) {
        CAPTURE(violation.field, violation.promised, violation.host);
        CHECK(breach == violation.breach);
    }
}

}  // namespace

TEST_CASE(
    "a host on which a VM breaks or gets slower is named for what it breaks, and the way back for what that breaks",
    "[corpus][check]") {
    for (const Case& one : cases) {
        CAPTURE(one.policy, one.host);
        CHECK(one.back != one.breach);
        const Verdict there = verdict_on(policy_of(real_host(one.policy), one.hide), real_host(one.host));
        constexpr bool degraded_fails = true;
        CHECK_FALSE(there.compatible({UnknownIs::warning, degraded_fails}));
        check_breach(there, one.breach);
        for (const std::string& field : one.named) {
            CAPTURE(field);
            CHECK(std::any_of(there.violations.begin(), there.violations.end(),
                              [&](const Violation& violation) { return violation.known && violation.field == field; }));
        }
        check_breach(verdict_on(policy_of(real_host(one.host), {}), real_host(one.policy)), one.back);
    }
}

}  // namespace poolcpuid::test::one_direction_test
