// The rulebook against the reference table of merge rules, which is not part of the source: every bit
// that a row of the table names has a field, for every vendor of the row, that merges the same way.

#include <algorithm>
#include <array>
#include <charconv>
#include <filesystem>
#include <fstream>
#include <map>
#include <set>
#include <sstream>
#include <string>
#include <string_view>
#include <vector>

#include "poolcpuid/rulebook.hpp"
#include "tests/catch.hpp"
#include "tests/support/corpus.hpp"
#include "tests/unit/host_samples.hpp"

namespace poolcpuid::test::rulebook_coverage_test {

namespace {

// A row of the table. Bits of an MSR count from 0 to 63, also where the table counts in a half.
struct Row {
    std::string id;
    bool is_msr = false;
    std::uint32_t leaf = 0;
    std::uint32_t subleaf_first = 0;
    std::uint32_t subleaf_last = 0;
    Register reg = Register::eax;
    unsigned low = 0;
    unsigned high = 0;
    VendorMask vendors = 0;
    std::string rule;
};

std::vector<std::string> split(std::string_view text, char separator) {
    std::vector<std::string> parts;
    for (std::size_t end = text.find(separator); end != std::string_view::npos; end = text.find(separator)) {
        parts.emplace_back(text.substr(0, end));
        text.remove_prefix(end + 1);
    }
    parts.emplace_back(text);
    return parts;
}

unsigned number(std::string_view text, int base = 10) {
    unsigned value = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value, base);
    if (error != std::errc{} || end != text.data() + text.size())
        throw std::runtime_error("no number: " + std::string(text));
    return value;
}

VendorMask vendor_mask(const std::string& text) {
    const Rulebook& rulebook = builtin_rulebook();
    VendorMask mask = 0;
    for (const std::string& id : split(text, ',')) {
        for (std::size_t i = 0; i < rulebook.vendors.size(); ++i) {
            if (id == "all" || id == rulebook.vendors[i].id) mask = static_cast<VendorMask>(mask | (1U << i));
        }
    }
    return mask;
}

// "-" (no subleaf), "3", "2-63", or "0-n" (every subleaf, of which the first four are looked at).
void set_subleaves(const std::string& text, Row& row) {
    if (text == "-") return;
    const std::vector<std::string> parts = split(text, '-');
    row.subleaf_first = number(parts.front());
    row.subleaf_last = parts.back() == "n" ? row.subleaf_first + 3 : number(parts.back());
}

Row row_of(const std::string& line) {
    const std::vector<std::string> cells = split(line, '\t');
    Row row;
    row.id = cells.at(0);
    row.is_msr = cells.at(1) == "msr";
    row.leaf = number(std::string_view(cells.at(2)).substr(2), 16);
    set_subleaves(cells.at(3), row);
    for (const Register reg : all_registers) {
        if (cells.at(4) == to_string(reg)) row.reg = reg;
    }
    const std::vector<std::string> bits = split(cells.at(5), ':');
    const unsigned half = row.is_msr && cells.at(4) == "hi" ? 32 : 0;
    row.high = number(bits.front()) + half;
    row.low = number(bits.back()) + half;
    row.vendors = vendor_mask(cells.at(6));
    row.rule = cells.at(8);
    return row;
}

std::vector<Row> read_rows(const std::filesystem::path& file) {
    std::ifstream in(file);
    std::vector<Row> rows;
    std::string line;
    std::getline(in, line);  // the names of the columns
    while (std::getline(in, line)) rows.push_back(row_of(line));
    return rows;
}

// The field that covers a bit for a vendor, or nullptr.
const Field* covering(const Row& row, std::uint32_t subleaf, unsigned bit, std::size_t vendor) {
    const auto& fields = builtin_rulebook().fields;
    const auto at = std::find_if(fields.begin(), fields.end(), [&](const Field& f) {
        return f.is_msr == row.is_msr && f.leaf == row.leaf && (row.is_msr || f.reg == row.reg) &&
               f.subleaf_first <= subleaf && subleaf <= f.subleaf_last && f.low <= bit && bit <= f.high &&
               ((f.vendors >> vendor) & 1U) != 0;
    });
    return at == fields.end() ? nullptr : &*at;
}

// What the table's word allows a field to be.
const std::map<std::string, std::set<Rule>> same_rule{
    {"and", {Rule::intersect}},    {"or", {Rule::union_, Rule::guarded}},
    {"min", {Rule::min}},          {"max", {Rule::max}},
    {"equal", {Rule::equal}},      {"choose", {Rule::identity}},
    {"dynamic", {Rule::owned}},    {"hypervisor", {Rule::owned}},
    {"recompute", {Rule::derive}}, {"zero", {Rule::hide}}};

// How a row's bits are merged other than as its word says: the rules of the fields, and "none" where a bit
// has no field. No field is as good as hide: the bit is 0 in every policy, and a host that sets it is named.
std::set<std::string> deviations(const Row& row) {
    std::set<std::string> found;
    for (std::uint32_t subleaf = row.subleaf_first; subleaf <= row.subleaf_last; ++subleaf) {
        for (unsigned bit = row.low; bit <= row.high; ++bit) {
            for (std::size_t vendor = 0; vendor < builtin_rulebook().vendors.size(); ++vendor) {
                if (((row.vendors >> vendor) & 1U) == 0) continue;
                const Field* field = covering(row, subleaf, bit, vendor);
                if (field == nullptr && row.rule != "zero") found.insert("none");
                if (field != nullptr && !same_rule.at(row.rule).contains(field->rule)) {
                    found.insert(std::string(to_string(field->rule)));
                }
            }
        }
    }
    return found;
}

struct Deviation {
    std::vector<const char*> rows;
    std::set<std::string> as;
    const char* reason;
};

const std::vector<Deviation> deliberate{
    {{"x2apic", "mce", "mtrr", "mca", "arat", "overflow_recov", "succor", "topoext", "svme_addr_chk"},
     {"intersect"},
     "the VMM decides, but only a bit that stands in the policy reaches the guest: the AND over the hypervisor views"},
    {{"monitor"}, {"intersect"}, "shown only when asked for, and then faults on a host without it"},
    {{"invtsc", "rtm_always_abort"},
     {"intersect"},
     "no rule computes them from CPUID alone (TSC rates; RTM beside it), so they are shown only when asked for"},
    {{"logical_cpu_count", "htt", "l4_sharing", "l4_cores", "cmp_legacy", "nthreads", "apicidsize", "nthreads_hi",
      "l1d_sharing", "core_id", "node_id", "topo26_eax", "topo26_ebx", "topo26_ecx", "core_thread_count"},
     {"owned"},
     "the guest's topology, which the VMM knows and the pool does not"},
    {{"topo_b_eax", "topo_b_ebx", "topo_b_ecx", "topo_1f_eax", "topo_1f_ebx", "topo_1f_ecx"},
     {"none", "owned"},
     "the guest's topology; the upper bits of these registers are reserved"},
    {{"hv_sig_ebx", "hv_sig_ecx", "hv_sig_edx", "hv_freq_tsc", "hv_freq_apic"},
     {"owned"},
     "the VMM's own signature and clocks, the same for every guest that it starts"},
    {{"l4_linesize", "l1d_linesize"},
     {"identity"},
     "part of the description of a cache, which comes whole from one host; clflush_size is the equal one"},
    {{"l4_wbinvd", "l1d_wbinvd"}, {"identity"}, "the VMM emulates a guest's WBINVD, so its scope promises nothing"},
    {{"fp512_downgrade"}, {"hide"}, "set on every Zen 5, with full width or without: it tells a guest nothing"},
    {{"pdcm"}, {"intersect"}, "KVM lists the MSR also where its own host has no PDCM: the bit is a promise of its own"},
    {{"pcap_pebs_baseline", "pcap_pebs_timing"}, {"equal"}, "part of the PEBS format, which KVM compares as one value"},
    {{"no_smm_ctl_msr"}, {"derive"}, "KVM gives no guest the MSR and says so on every host"},
    {{"sev_feat", "sev_feat_hi"}, {"hide"}, "encrypted guests do not migrate through a pool's policy"},
    {{"ac_ibrs_all", "ac_rsba", "ac_rrsba"}, {"group"}, "one promise carried by three bits on Intel"},
    {{"tmul_sub", "avx10_sub"}, {"derive"}, "as in leaf 7, the count of subleaves follows from what the policy shows"},
    {{"ucode_rev"}, {"none"}, "the revision is one half of the MSR, by vendor; the other one is reserved"},
    {{"mtrrcap_flags"}, {"hide", "none"}, "SMRR protects the host's firmware; bit 9 is reserved"},
    {{"pt_ebx", "tmul_feat"}, {"hide", "none"}, "has bits that no guest is shown: trace triggers, AMX-TRANSPOSE"},
    {{"sgx_sub", "sgx_misc", "sgx_attr", "sgx_epc_ebx", "sgx_epc_edx", "lbr_info", "pmx_submask", "pmx_ebx",
      "pmx_events", "avx10_sl1_ecx", "kvm_features", "svm_features", "svm_features_hi", "perf_hints", "mcg_flags"},
     {"none"},
     "the row is a whole register; bits of it without a meaning get no field, and so are 0"},
    {{"vmx_procbased2_hi", "vmx_ept_cap", "vmx_true_pinbased_hi", "vmx_true_procbased_hi", "vmx_vmfunc",
      "vmx_procbased3", "vmx_exit2"},
     {"none"},
     "the row is half an MSR; what it allows is a field each, and what nobody names is not promised"},
    {{"vmx_vpid_cap"}, {"none", "min"}, "the same; the size of the HLAT prefix is a number"},
    {{"vmx_true_entry_hi"}, {"none", "hide"}, "the same; two controls are for the host's firmware"},
};

}  // namespace

TEST_CASE("every bit of the reference table merges as the table says", "[rulebook][corpus]") {
    const auto table = test::dump_directory().parent_path() / "reference" / "merge-rules.tsv";
    std::map<std::string, std::set<std::string>> expected;
    for (const Deviation& deviation : deliberate) {
        for (const char* row : deviation.rows) expected[row] = deviation.as;
    }
    const std::vector<Row> rows = read_rows(table);
    CHECK(rows.size() > 700);
    for (const Row& row : rows) {
        INFO(row.id << ", rule " << row.rule);
        CHECK(deviations(row) == expected[row.id]);
        expected.erase(row.id);
    }
    for (const auto& [row, as] : expected) FAIL_CHECK("no row " << row << " in the table");
}

}  // namespace poolcpuid::test::rulebook_coverage_test
