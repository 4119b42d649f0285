// `xen-cpuid -p` of Xen's tools: the CPU policies of one host, one after the other.
//
//   Raw policy: 48 leaves, 2 MSRs
//    CPUID:
//     leaf     subleaf  -> eax      ebx      ecx      edx
//     00000001:ffffffff -> 00a00f11:00400800:7eda320b:178bfbff
//     00000007:00000000 -> 00000000:219c97a9:0040068c:00000010
//    MSRs:
//     index    -> value
//     0000010a -> 0000000000000000
//
// Raw is what CPUID returned to Xen, and makes the hardware view. HVM Max is the most that an HVM or PVH guest can be
// given, and makes the hypervisor view, but for bad news, which it has of any host: that comes from HVM Default, what a
// guest gets unasked, from Host, what Xen keeps of Raw for itself, and from Raw (xen_sets.hpp). Those for PV guests,
// which run without VMX or SVM, are passed over.
//
// Xen prints all of them, in this order: Raw, Host, PV Max, HVM Max, PV Default, HVM Default. Of one that it does not
// have it says "HVM Max policy not supported by Xen".
//
// A subleaf of ffffffff says that Xen keeps one row of the leaf. Rows of zeros are not printed (print_policy in
// tools/misc/xen-cpuid.c, Xen 4.20), nor is what a policy has no place for (CPUID_GUEST_NR_* in
// xen/include/xen/lib/x86/cpu-policy.h). A guest reads zeros in either case (guest_cpuid in xen/arch/x86/cpuid.c);
// of the hardware it means that nothing is known.

#include <algorithm>
#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/hex.hpp"
#include "base/lists.hpp"
#include "base/printable.hpp"
#include "dump/completeness.hpp"
#include "dump/hardware_builder.hpp"
#include "dump/leaf_shapes.hpp"
#include "dump/line_reader.hpp"
#include "dump/msr_builder.hpp"
#include "dump/named_features.hpp"
#include "dump/one_machine.hpp"
#include "dump/reader.hpp"
#include "dump/xen_sets.hpp"

namespace poolcpuid::dump {

namespace {

constexpr std::uint32_t no_subleaf = 0xFFFFFFFF;
constexpr std::uint32_t platform_info_msr = 0xCE;
constexpr std::uint32_t arch_capabilities_msr = 0x10A;

constexpr std::string_view without_hvm = "HVM Max policy not supported by Xen";

// Of what HVM Max has no row, a guest reads zeros.
constexpr Habits guest_habits{.of_guests = true};

constexpr std::size_t xen_msr_digits = 16;
constexpr std::string_view xen_policy_mark = " policy:";

// "HVM Max", "Domain 3": words behind a capital letter.
bool is_xen_name(std::string_view text) noexcept {
    const auto is_capital = [](char c) { return c >= 'A' && c <= 'Z'; };
    const auto is_of_word = [&](char c) {
        return is_capital(c) || (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == ' ';
    };
    return !text.empty() && is_capital(text.front()) && std::all_of(text.begin(), text.end(), is_of_word);
}

// Of "Raw policy: 48 leaves, 2 MSRs".
struct XenHeading {
    std::string_view name;
    std::uint32_t msrs = 0;
};

// Nothing for any other line.
std::optional<XenHeading> xen_heading(std::string_view line) noexcept {
    const std::size_t at = line.find(xen_policy_mark);
    if (at == std::string_view::npos || !is_xen_name(line.substr(0, at))) return std::nullopt;
    Cursor cursor(line.substr(at + xen_policy_mark.size()));
    if (!cursor.skip_blanks() || !cursor.decimal() || !cursor.skip(" leaves, ")) return std::nullopt;
    const auto msrs = cursor.decimal();
    if (!msrs || !cursor.skip(" MSRs") || !cursor.at_end()) return std::nullopt;
    return XenHeading{line.substr(0, at), *msrs};
}

// The beginnings of rows, whole ones and such as were damaged: a number, and behind it ":" or "->".
bool begins_xen_leaf(std::string_view line) noexcept {
    Cursor cursor(line);
    return cursor.skip_hex_digits() && cursor.skip(":");
}

bool begins_xen_msr(std::string_view line) noexcept {
    Cursor cursor(line);
    if (!cursor.skip_hex_digits()) return false;
    cursor.skip_blanks();
    return cursor.skip("->");
}

// True where the value of an MSR stands behind an arrow, whatever stands before it.
bool holds_xen_msr(std::string_view line) noexcept {
    constexpr std::string_view arrow = "->";
    const std::size_t at = line.find(arrow);
    if (at == std::string_view::npos) return false;
    Cursor cursor(line.substr(at + arrow.size()));
    cursor.skip_blanks();
    return cursor.hex_digits() == xen_msr_digits;
}

// The beginning of a row as Xen prints it. Around the policies a mail has "Cc: …", too, and "00:1e.6] …".
bool begins_whole_xen_row(std::string_view line) noexcept {
    Cursor cursor(line);
    if (!cursor.hex(8)) return false;
    return cursor.skip(":") ? cursor.hex(8).has_value() : begins_xen_msr(line);
}

struct XenRow {
    std::uint32_t leaf = 0;
    std::optional<std::uint32_t> subleaf;  // none: Xen keeps one row of the leaf
    Registers value;
};

std::optional<XenRow> read_xen_row(std::string_view line) noexcept {
    Cursor cursor(line);
    const auto leaf = cursor.hex(8);
    if (!leaf || !cursor.skip(":")) return std::nullopt;
    const auto subleaf = cursor.hex(8);
    if (!subleaf || !cursor.skip(" -> ")) return std::nullopt;
    const auto value = read_joined_registers(cursor, ":");
    if (!value || !cursor.at_end()) return std::nullopt;
    return XenRow{*leaf, *subleaf == no_subleaf ? std::nullopt : subleaf, *value};
}

std::optional<MsrRow> read_xen_msr(std::string_view line) {
    Cursor cursor(line);
    const auto index = cursor.hex(8);
    if (!index || !cursor.skip(" -> ") || cursor.rest().size() != xen_msr_digits) return std::nullopt;
    const auto value = from_hex("0x" + std::string(cursor.rest()), xen_msr_digits);
    return value ? std::optional(MsrRow{*index, *value}) : std::nullopt;
}

// "CPUID:", and what stands above the columns, which a mail program may have broken.
bool is_xen_heading(std::string_view line) {
    constexpr std::array words{"CPUID:", "leaf", "subleaf", "->", "eax", "ebx", "ecx", "edx", "index", "value"};
    bool is_heading = true;
    for_each_word(line, [&](std::string_view word) {
        is_heading = is_heading && std::find(words.begin(), words.end(), word) != words.end();
    });
    return is_heading;
}

// Of a row or the name of a policy; MSRs are too short to be broken.
Piece xen_piece(std::string_view line) noexcept {
    const std::size_t mark = line.find(xen_policy_mark);
    if (mark != std::string_view::npos && is_xen_name(line.substr(0, mark))) {
        return xen_heading(line) ? Piece::whole : Piece::part;
    }
    Cursor cursor(line);
    if (!cursor.hex(8) || !cursor.skip(":")) return Piece::none;
    return read_xen_row(line) ? Piece::whole : Piece::part;
}

// What one policy of the text says.
struct XenPolicy {
    XenPolicy(const Source& source, ViewKind view, std::string_view its_name, std::size_t its_line)
        : name(its_name),
          line(its_line),
          is_view(its_name == "Raw" || its_name == "HVM Max"),
          rows(source.file, view),
          msrs(source.file) {}

    std::string name;
    std::size_t line;
    bool is_view;
    TableBuilder rows;
    std::vector<UnknownRow> unknown;
    MsrBuilder msrs;
    bool has_msrs = false;
    std::uint32_t msrs_missing = 0;  // of those that its heading counts
};

class XenCpuidReader {
public:
    explicit XenCpuidReader(const Source& source) : source_(source) {}

    HostDump read() {
        LineReader lines(source_, xen_piece);
        while (lines.next()) read_line(lines.text(), lines.number());
        end_policy();
        HostDump dump;
        if (raw_) dump.hardware = hardware(dump.notes);
        const bool has_hvm = hvm_max_ && !hvm_max_->rows.empty();  // empty: a Xen without HVM
        if (has_hvm) dump.hypervisor = hypervisor(dump.hardware, dump.notes);
        if (!dump.hardware && !dump.hypervisor) refuse_without_views();
        if (!hvm_max_ && !lacks_hvm_) note_cut(dump.notes);
        note_lacking_msrs(dump.notes);
        note_unlabelled(dump.notes);
        return dump;
    }

private:
    void read_line(std::string_view line, std::size_t number) {
        if (const auto heading = xen_heading(line)) {
            begin_policy(*heading, number);
        } else if (line == without_hvm) {
            end_policy();
            lacks_hvm_ = true;
        } else if (line == "MSRs:") {
            if (policy_ != nullptr) policy_->has_msrs = true;
        } else if (names_.empty()) {
            if (!begins_whole_xen_row(line)) return;
            refuse(number, "the name of a policy above its rows, as in \"Raw policy: 48 leaves, 2 MSRs\"", line);
        } else if (policy_ != nullptr && begins_row_of(*policy_, line)) {
            add_row(*policy_, line, number);
        } else if (policy_ != nullptr && !may_stand_in(*policy_, line)) {
            refuse(number, "rows of the policy and their headings alone: what is not there is zeros", line);
        }
    }

    // Between the name of a policy and its MSRs nothing else stands, and behind these no row.
    static bool may_stand_in(const XenPolicy& policy, std::string_view line) {
        return is_xen_heading(line) || (policy.has_msrs && !holds_xen_msr(line));
    }

    // The MSRs stand last: what follows them may be other text.
    static bool begins_row_of(const XenPolicy& policy, std::string_view line) noexcept {
        return begins_xen_msr(line) || (policy.has_msrs ? begins_whole_xen_row(line) : begins_xen_leaf(line));
    }

    [[noreturn]] void refuse(std::size_t number, const char* expected, std::string_view line) const {
        throw InputError(std::string(source_.file), number, expected, quote_row(line));
    }

    void begin_policy(const XenHeading& heading, std::size_t line) {
        end_policy();
        const std::string_view name = heading.name;
        names_.push_back(quote(name));
        if (name == "Raw") {
            policy_ = begin_policy_once(raw_, ViewKind::hardware, "Raw", line);
        } else if (name == "Host") {
            policy_ = begin_policy_once(host_, ViewKind::hardware, "Host", line);
        } else if (name == "HVM Max") {
            policy_ = begin_policy_once(hvm_max_, ViewKind::hypervisor, "HVM Max", line);
        } else if (name == "HVM Default") {
            policy_ = begin_policy_once(hvm_default_, ViewKind::hypervisor, "HVM Default", line);
        }
        if (policy_ != nullptr) policy_->msrs_missing = heading.msrs;
    }

    XenPolicy* begin_policy_once(std::optional<XenPolicy>& policy, ViewKind view, std::string_view name,
                                 std::size_t line) const {
        if (policy) {
            throw InputError(std::string(source_.file), line, "each policy of one host once",
                             "another " + quote(name) + " policy" + two_hosts);
        }
        policy.emplace(source_, view, name, line);
        return &*policy;
    }

    // The MSRs end a policy: without them it was cut off, and missing rows would be taken for zeros.
    void end_policy() {
        if (policy_ != nullptr && !policy_->has_msrs) {
            throw InputError(std::string(source_.file), policy_->line,
                             "the MSRs of the policy " + quote(policy_->name) + " after its CPUID rows", "none");
        }
        // Of MSRs the tool prints those with zeros, too.
        if (policy_ != nullptr && policy_->msrs_missing != 0) lack_msrs_.push_back(quote(policy_->name));
        policy_ = nullptr;
    }

    void add_row(XenPolicy& policy, std::string_view line, std::size_t number) {
        if (policy.has_msrs) {
            const auto msr = read_xen_msr(line);
            if (!msr) refuse(number, "an MSR of `xen-cpuid -p`: index, and 16 hexadecimal digits", line);
            policy.msrs.add(msr->index, msr->value, number);
            if (policy.msrs_missing != 0) --policy.msrs_missing;
            return;
        }
        const auto row = read_xen_row(line);
        if (!row) {
            refuse(number, "a row of `xen-cpuid -p`: leaf, subleaf, and four registers of 8 hexadecimal digits", line);
        }
        // Xen executes CPUID for such a row without setting ECX (cpuid_leaf in cpu-policy.h).
        if (!row->subleaf && has_subleaves(row->leaf)) {
            policy.unknown.push_back({row->leaf, std::nullopt});
            if (policy.is_view) ++unlabelled_;
        } else {
            policy.rows.add({row->leaf, row->subleaf.value_or(0)}, row->value, number);
        }
    }

    HardwareView hardware(std::vector<DumpNote>& notes) {
        HardwareBuilder builder(source_.file, format_of("xen-cpuid"));
        builder.add_cpu(std::nullopt, std::move(raw_->rows), std::move(raw_->unknown));
        HardwareView view = std::move(builder).finish(notes);
        view.msrs = std::move(raw_->msrs).finish();
        const bool enumerated = enumerates_arch_capabilities(view.cpus.front().cpuid);
        std::erase_if(*view.msrs, [&](const MsrRow& row) {
            // Xen keeps one bit of it (probe_cpuid_faulting in xen/arch/x86/cpu/common.c), on AMD none.
            if (row.index == platform_info_msr) return true;
            // Not read by all versions that print it: a value is a fact, zeros are none.
            return row.index == arch_capabilities_msr && enumerated && row.value == std::uint64_t{0};
        });
        mark_absent(*view.msrs, enumerated);
        return view;
    }

    HypervisorView hypervisor(const std::optional<HardwareView>& raw, std::vector<DumpNote>& notes) {
        HypervisorView view;
        view.name = "xen";
        TableBuilder::Result result = std::move(hvm_max_->rows).finish();
        note_beyond_maximum(result.beyond_maximum, notes);
        view.cpuid = std::move(result.table);
        view.cpuid.unknown = std::move(hvm_max_->unknown);
        std::erase_if(view.cpuid.unknown, [&](const UnknownRow& row) {
            return !within_maximum(view.cpuid, row.leaf, ViewKind::hypervisor);
        });
        if (mark_unknown(view.cpuid, guest_habits)) {
            notes.push_back({"truncated",
                             "The rows of the policy \"HVM Max\" end before the maximum leaf: what is "
                             "missing is unknown."});
        }
        view.msrs = std::move(hvm_max_->msrs).finish();
        mark_absent(*view.msrs, enumerates_arch_capabilities(view.cpuid));
        if (!take_bad_news(view, other_sets(raw))) refuse_max_alone();
        return view;
    }

    // What tells beside HVM Max what the host does.
    std::vector<XenSet> other_sets(const std::optional<HardwareView>& raw) {
        std::vector<XenSet> sets;
        if (raw) sets.push_back({raw->cpus.front().cpuid, raw->msrs.value()});
        if (host_) {
            XenSet& host = sets.emplace_back(set_of(*host_));
            // What Xen itself finds out of the CPU stands there though CPUID does not announce the MSR.
            std::erase_if(host.msrs, [](const MsrRow& row) { return row.index != arch_capabilities_msr; });
            const bool enumerated = enumerates_arch_capabilities(host.cpuid);
            mark_absent(host.msrs, enumerated || (!host.msrs.empty() && host.msrs.front().value != std::uint64_t{0}));
        }
        if (hvm_default_ && !hvm_default_->rows.empty()) {
            XenSet& guest = sets.emplace_back(set_of(*hvm_default_));
            // A guest that is not given the MSR is told nothing of it.
            if (!enumerates_arch_capabilities(guest.cpuid)) guest.msrs.clear();
        }
        return sets;
    }

    static XenSet set_of(XenPolicy& policy) {
        return {std::move(policy.rows).finish().table, std::move(policy.msrs).finish()};
    }

    [[noreturn]] void refuse_max_alone() const {
        throw InputError(
            std::string(source_.file), hvm_max_->line,
            "the policy \"Raw\", \"Host\" or \"HVM Default\" beside \"HVM Max\", in which Xen tells of bad "
            "news on every host",
            "none of them");
    }

    static bool enumerates_arch_capabilities(const CpuidTable& table) {
        const Registers* features = table.find({0x7, 0});
        return features != nullptr && (features->edx >> 29U & 1U) == 1;
    }

    // A policy prints zeros for an MSR that is not there: RDMSR of one that CPUID does not enumerate faults (SDM
    // vol. 4; guest_rdmsr in xen/arch/x86/msr.c).
    static void mark_absent(std::vector<MsrRow>& msrs, bool enumerated) {
        for (MsrRow& row : msrs) {
            if (row.index == arch_capabilities_msr && !enumerated) row.value.reset();
        }
    }

    [[noreturn]] void refuse_without_views() const {
        constexpr std::size_t names_shown = 8;
        throw InputError(std::string(source_.file), 0, "the policy \"Raw\" or \"HVM Max\" of `xen-cpuid -p`",
                         names_.empty() ? "none" : "none but " + short_list(names_, names_shown));
    }

    static void note_cut(std::vector<DumpNote>& notes) {
        notes.push_back({"truncated",
                         "The text has no policy \"HVM Max\", which `xen-cpuid -p` prints, so that it was cut: what "
                         "Xen withholds from its guests is not known, and the hardware alone counts."});
    }

    void note_lacking_msrs(std::vector<DumpNote>& notes) const {
        if (lack_msrs_.empty()) return;
        constexpr std::size_t most_shown = 4;
        notes.push_back({"truncated", "Fewer MSRs stand below the policy " + short_list(lack_msrs_, most_shown) +
                                          " than its heading counts, so that the text was cut: what is missing is "
                                          "unknown."});
    }

    void note_unlabelled(std::vector<DumpNote>& notes) const {
        if (unlabelled_ == 0) return;
        notes.push_back({"subleaf-unknown", "Left out " + std::to_string(unlabelled_) +
                                                " rows of leaves with subleaves, of which Xen keeps one row and does "
                                                "not say which."});
    }

    Source source_;
    std::optional<XenPolicy> raw_;
    std::optional<XenPolicy> host_;
    std::optional<XenPolicy> hvm_max_;
    std::optional<XenPolicy> hvm_default_;
    bool lacks_hvm_ = false;       // Xen says that it has no policies for HVM guests
    XenPolicy* policy_ = nullptr;  // the one that is being read, if it counts
    std::vector<std::string> names_;
    std::vector<std::string> lack_msrs_;  // the policies of which MSRs are missing
    std::size_t unlabelled_ = 0;
};

}  // namespace

bool is_xen_cpuid(std::string_view bytes) noexcept {
    constexpr std::string_view first_line = "Xen reports there are maximum ";
    if (bytes.find(first_line) == std::string_view::npos && bytes.find("policy: ") == std::string_view::npos) {
        return false;
    }
    return any_line(bytes, [=](std::string_view line) noexcept {
        return line.starts_with(first_line) || xen_heading(line).has_value();
    });
}

// What the policies of every version have a place for; newer ones have more (CPUID_GUEST_NR_* of Xen 4.12 and later).
bool xen_cpuid_expresses(LeafKey key) noexcept {
    constexpr std::uint32_t last_basic = 0xD;
    constexpr std::uint32_t last_extended = 0x8000001C;
    if (key.leaf == 0x7) return key.subleaf == 0;
    return range_of(key.leaf) == extended_range ? key.leaf <= last_extended : key.leaf <= last_basic;
}

HostDump read_xen_cpuid(const Source& source) { return XenCpuidReader(source).read(); }

}  // namespace poolcpuid::dump
