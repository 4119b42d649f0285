// Labels of a Kubernetes node that Node Feature Discovery has set, as `kubectl get node NAME -o json` prints them:
// features of the CPU by the names of the Go library klauspost/cpuid.
//
//   {"kind": "Node", "metadata": {"name": "n1", "labels": {"feature.node.kubernetes.io/cpu-model.vendor_id": "Intel",
//    "feature.node.kubernetes.io/cpu-cpuid.AVX512F": "true", …}}}
//
// The object in which its worker brings them (kind NodeFeature) has them as "labels" of "spec".
//
// kubernetes.io/arch is amd64 where the kernel is a 64-bit one, which says what no such CPU can do without.
//
// NFD leaves out some names by default, and the library those that the kernel does not let programs use: what has no
// label is unknown. Family and model have labels, but the stepping has none, without which they may be those of several
// CPUs: they say nothing here.
//
// Sources: node-feature-discovery source/cpu/cpu.go (labels, names that are left out); klauspost/cpuid v2 cpuid.go,
// support() (which bit is behind a name). Names of more than one bit are not taken, as POPCNT, FXSROPT (which that
// library reads from the bit of SSE) and IBPB, STIBP and SPEC_CTRL_SSBD (a bit of Intel's or one of AMD's), nor
// TSA_L1_NO and TSA_SQ_NO, which it works out itself for older AMD CPUs.
#include <algorithm>
#include <array>
#include <string>
#include <string_view>
#include <utility>

#include "base/located_json.hpp"
#include "base/printable.hpp"
#include "dump/json_reader.hpp"
#include "dump/line_reader.hpp"
#include "dump/named_features.hpp"
#include "dump/reader.hpp"

namespace poolcpuid::dump {

namespace {

using Pair = std::pair<std::string_view, std::string_view>;

constexpr std::string_view model_label = "feature.node.kubernetes.io/cpu-model.vendor_id";
constexpr std::string_view arch_label = "kubernetes.io/arch";  // Go's word for what the kernel runs
constexpr std::string_view feature_label = "feature.node.kubernetes.io/cpu-cpuid.";

// The library's names of vendors, and CPUID's.
constexpr std::array vendors{Pair{"Intel", "GenuineIntel"}, Pair{"AMD", "AuthenticAMD"}, Pair{"Hygon", "HygonGenuine"}};

// The library's names of features, and the rulebook's ids.
constexpr std::array features_of_labels{
    Pair{"ADX", "adx"},
    Pair{"AESNI", "aes"},
    Pair{"AMD3DNOW", "amd3dnow"},
    Pair{"AMD3DNOWEXT", "ext3dnow"},
    Pair{"AMXBF16", "amx_bf16"},
    Pair{"AMXCOMPLEX", "amx_complex"},
    Pair{"AMXFP16", "amx_fp16"},
    Pair{"AMXINT8", "amx_int8"},
    Pair{"AMXTILE", "amx_tile"},
    Pair{"APX_F", "apx_f"},
    Pair{"AVX", "avx"},
    Pair{"AVX10", "avx10"},
    Pair{"AVX2", "avx2"},
    Pair{"AVX512BF16", "avx512_bf16"},
    Pair{"AVX512BITALG", "avx512_bitalg"},
    Pair{"AVX512BW", "avx512bw"},
    Pair{"AVX512CD", "avx512cd"},
    Pair{"AVX512DQ", "avx512dq"},
    Pair{"AVX512ER", "avx512er"},
    Pair{"AVX512F", "avx512f"},
    Pair{"AVX512FP16", "avx512_fp16"},
    Pair{"AVX512IFMA", "avx512ifma"},
    Pair{"AVX512PF", "avx512pf"},
    Pair{"AVX512VBMI", "avx512vbmi"},
    Pair{"AVX512VBMI2", "avx512_vbmi2"},
    Pair{"AVX512VL", "avx512vl"},
    Pair{"AVX512VNNI", "avx512_vnni"},
    Pair{"AVX512VP2INTERSECT", "avx512_vp2intersect"},
    Pair{"AVX512VPOPCNTDQ", "avx512_vpopcntdq"},
    Pair{"AVXIFMA", "avx_ifma"},
    Pair{"AVXNECONVERT", "avx_ne_convert"},
    Pair{"AVXVNNI", "avx_vnni"},
    Pair{"AVXVNNIINT16", "avx_vnni_int16"},
    Pair{"AVXVNNIINT8", "avx_vnni_int8"},
    Pair{"BHI_CTRL", "bhi_ctrl"},
    Pair{"BMI1", "bmi1"},
    Pair{"BMI2", "bmi2"},
    Pair{"CETIBT", "ibt"},
    Pair{"CETSS", "cet_ss"},
    Pair{"CLDEMOTE", "cldemote"},
    Pair{"CLMUL", "pclmulqdq"},
    Pair{"CLZERO", "clzero"},
    Pair{"CMOV", "cmov"},
    Pair{"CMPCCXADD", "cmpccxadd"},
    Pair{"CMPSB_SCADBS_SHORT", "fsrc"},
    Pair{"CMPXCHG8", "cx8"},
    Pair{"CPBOOST", "cpb"},
    Pair{"CPPC", "cppc"},
    Pair{"CX16", "cx16"},
    Pair{"EFER_LMSLE_UNS", "efer_lmsle_unsupported"},
    Pair{"ENQCMD", "enqcmd"},
    Pair{"ERMS", "erms"},
    Pair{"F16C", "f16c"},
    Pair{"FLUSH_L1D", "l1d_flush"},
    Pair{"FMA3", "fma"},
    Pair{"FMA4", "fma4"},
    Pair{"FSRM", "fsrm"},
    Pair{"GFNI", "gfni"},
    Pair{"HLE", "hle"},
    Pair{"HRESET", "hreset"},
    Pair{"HWA", "hwa"},
    Pair{"HYBRID_CPU", "hybrid"},
    Pair{"HYPERVISOR", "hypervisor_bit"},
    Pair{"IA32_ARCH_CAP", "arch_caps"},
    Pair{"IA32_CORE_CAP", "core_caps"},
    Pair{"IBPB_BRTYPE", "ibpb_brtype"},
    Pair{"IBRS", "amd_ibrs"},
    Pair{"IBRS_PREFERRED", "ibrs_preferred"},
    Pair{"IBRS_PROVIDES_SMP", "ibrs_same_mode"},
    Pair{"IBS", "ibs"},
    Pair{"IDPRED_CTRL", "ipred_ctrl"},
    Pair{"INT_WBINVD", "int_wbinvd"},
    Pair{"INVLPGB", "invlpgb"},
    Pair{"KEYLOCKER", "key_locker"},
    Pair{"LAHF", "lahf_lm"},
    Pair{"LAM", "lam"},
    Pair{"LBRVIRT", "lbrv"},
    Pair{"LZCNT", "abm"},
    Pair{"MCAOVERFLOW", "overflow_recov"},
    Pair{"MCDT_NO", "mcdt_no"},
    Pair{"MCOMMIT", "mcommit"},
    Pair{"MD_CLEAR", "md_clear"},
    Pair{"MOVBE", "movbe"},
    Pair{"MOVDIR64B", "movdir64b"},
    Pair{"MOVDIRI", "movdiri"},
    Pair{"MOVSB_ZL", "fzrm"},
    Pair{"MPX", "mpx"},
    Pair{"MSRIRC", "irperf"},
    Pair{"MSRLIST", "msrlist"},
    Pair{"NRIPS", "nrip_save"},
    Pair{"NX", "nx"},
    Pair{"PCONFIG", "pconfig"},
    Pair{"PPIN", "amd_ppin"},
    Pair{"PREFETCHI", "prefetchiti"},
    Pair{"RDPRU", "rdpru"},
    Pair{"RDRAND", "rdrand"},
    Pair{"RDSEED", "rdseed"},
    Pair{"RDTSCP", "rdtscp"},
    Pair{"RRSBA_CTRL", "rrsba_ctrl"},
    Pair{"RTM", "rtm"},
    Pair{"RTM_ALWAYS_ABORT", "rtm_always_abort"},
    Pair{"SBPB", "sbpb"},
    Pair{"SERIALIZE", "serialize"},
    Pair{"SGX", "sgx"},
    Pair{"SGXLC", "sgx_lc"},
    Pair{"SHA", "sha_ni"},
    Pair{"SM3_X86", "sm3"},
    Pair{"SM4_X86", "sm4"},
    Pair{"SRBDS_CTRL", "srbds_ctrl"},
    Pair{"SRSO_MSR_FIX", "srso_msr_fix"},
    Pair{"SRSO_NO", "srso_no"},
    Pair{"SRSO_USER_KERNEL_NO", "srso_us_no"},
    Pair{"SSE", "sse"},
    Pair{"SSE2", "sse2"},
    Pair{"SSE3", "sse3"},
    Pair{"SSE4", "sse4_1"},
    Pair{"SSE42", "sse4_2"},
    Pair{"SSE4A", "sse4a"},
    Pair{"SSSE3", "ssse3"},
    Pair{"STIBP_ALWAYSON", "stibp_always_on"},
    Pair{"STOSB_SHORT", "fsrs"},
    Pair{"SUCCOR", "succor"},
    Pair{"SVM", "svm"},
    Pair{"SVMDA", "decodeassists"},
    Pair{"SVMFBASID", "flushbyasid"},
    Pair{"SVML", "svm_lock"},
    Pair{"SVMNP", "npt"},
    Pair{"SVMPF", "pausefilter"},
    Pair{"SVMPFT", "pfthreshold"},
    Pair{"SYSCALL", "syscall"},
    Pair{"SYSEE", "sep"},
    Pair{"TLB_FLUSH_NESTED", "invlpgb_nested"},
    Pair{"TME", "tme"},
    Pair{"TOPEXT", "topoext"},
    Pair{"TSA_VERW_CLEAR", "verw_clear"},
    Pair{"TSCRATEMSR", "tsc_scale"},
    Pair{"TSXLDTRK", "tsxldtrk"},
    Pair{"VAES", "vaes"},
    Pair{"VMCBCLEAN", "vmcb_clean"},
    Pair{"VMX", "vmx"},
    Pair{"VPCLMULQDQ", "vpclmulqdq"},
    Pair{"WAITPKG", "waitpkg"},
    Pair{"WBNOINVD", "wbnoinvd"},
    Pair{"WRMSRNS", "wrmsrns"},
    Pair{"X87", "fpu"},
    Pair{"XGETBV1", "xgetbv1"},
    Pair{"XOP", "xop"},
    Pair{"XSAVE", "xsave"},
    Pair{"XSAVEC", "xsavec"},
    Pair{"XSAVEOPT", "xsaveopt"},
    Pair{"XSAVES", "xsaves"},
};

template <std::size_t Size>
std::string_view found_in(const std::array<Pair, Size>& pairs, std::string_view name) {
    const auto at = std::find_if(pairs.begin(), pairs.end(), [&](const Pair& pair) { return pair.first == name; });
    return at == pairs.end() ? std::string_view() : at->second;
}

class NfdReader : JsonReader {
public:
    explicit NfdReader(const Source& source) : JsonReader(source) {}

    HostDump read() {
        const json::Value& labels = labels_of(node());
        NamedFeatures features(Tongue::rulebook, Speaker::of_registers);
        const json::Value* vendor = labels.find(model_label);
        if (vendor == nullptr || !vendor->is_string()) {
            refuse(labels, "the label " + std::string(model_label), "none");
        }
        if (!features.set_vendor(found_in(vendors, vendor->text()))) {
            refuse(*vendor, "Intel, AMD or Hygon as the vendor of an x86 CPU", quote(vendor->text()));
        }
        const json::Value* arch = labels.find(arch_label);
        if (arch != nullptr && arch->is_string() && arch->text() == "amd64") features.set_long_mode();
        for (const auto& [label, value] : labels.members()) {
            if (!label.starts_with(feature_label) || !value.is_string() || value.text() != "true") continue;
            features.set(found_in(features_of_labels, std::string_view(label).substr(feature_label.size())), true);
        }
        HostDump dump;
        dump.hardware.emplace().cpus.push_back({0, features.finish()});
        return dump;
    }

private:
    // A list of one node is one.
    const json::Value& node() const {
        const json::Value* items = document().is_object() ? document().find("items") : nullptr;
        if (items == nullptr || !items->is_array()) return document();
        if (items->items().size() == 1) return items->items().front();
        refuse(*items, "one node, as `kubectl get node NAME -o json` prints it",
               "a list of " + std::to_string(items->items().size()));
    }

    const json::Value& labels_of(const json::Value& object) const {
        const json::Value* kind = object.is_object() ? object.find("kind") : nullptr;
        const bool is_of_worker = kind != nullptr && kind->is_string() && kind->text() == "NodeFeature";
        return member(member(object, is_of_worker ? "spec" : "metadata"), "labels");
    }

    const json::Value& member(const json::Value& value, const char* key) const {
        const json::Value* found = value.is_object() ? value.find(key) : nullptr;
        if (found != nullptr && found->is_object()) return *found;
        refuse(value, std::string("an object \"") + key + "\", as a node has", found == nullptr ? "none" : "another");
    }
};

}  // namespace

bool is_nfd(std::string_view bytes) noexcept {
    return first_character(bytes) == '{' && bytes.find(feature_label) != std::string_view::npos;
}

HostDump read_nfd(const Source& source) { return NfdReader(source).read(); }

}  // namespace poolcpuid::dump
