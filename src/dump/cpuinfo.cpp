// /proc/cpuinfo of Linux: the features that the kernel uses, by name. What it does not name the CPU may have all the
// same: the kernel turns features off, does not know some, and has no name for others.
//
//   processor       : 0
//   vendor_id       : GenuineIntel
//   cpu family      : 6
//   model           : 85
//   stepping        : 7
//   microcode       : 0x5003604
//   flags           : fpu vme de pse tsc …
//
// Where somebody has taken some of the lines alone, and "processor" is none of them, each "vendor_id" begins a CPU.

#include <algorithm>
#include <array>
#include <cstddef>
#include <optional>
#include <set>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/hex.hpp"
#include "base/printable.hpp"
#include "dump/as_printed.hpp"
#include "dump/flag_order.hpp"
#include "dump/keyed_lines.hpp"
#include "dump/line_reader.hpp"
#include "dump/microcode.hpp"
#include "dump/named_features.hpp"
#include "dump/one_machine.hpp"
#include "dump/reader.hpp"

namespace poolcpuid::dump {

namespace {

constexpr std::string_view microcode_key = "microcode";

// The lines that are read, which the kernel prints once of a CPU. None of the first is missing.
constexpr std::array read_keys{cpuinfo_mark,
                               std::string_view("cpu family"),
                               std::string_view("model"),
                               std::string_view("stepping"),
                               std::string_view("flags"),
                               microcode_key,
                               std::string_view("clflush size")};
constexpr std::size_t needed_keys = 5;

// "vendor_id\t: GenuineIntel"
bool has_cpuinfo_key(std::string_view line, std::string_view key) noexcept {
    if (!line.starts_with(key)) return false;
    Cursor behind(line.substr(key.size()));
    behind.skip_blanks();
    return behind.rest().starts_with(':');
}

std::string last_word(std::string_view words) { return std::string(words.substr(words.find_last_of(" \t") + 1)); }

std::string first_word(std::string_view words) { return std::string(words.substr(0, words.find_first_of(" \t"))); }

class CpuinfoReader {
public:
    explicit CpuinfoReader(const Source& source) : source_(source), lines_(source) {}

    HostDump read() {
        HostDump dump;
        dump.hardware.emplace();
        while (read_block()) add_cpu(dump);
        if (dump.hardware->cpus.empty()) refuse(0, "a CPU with \"vendor_id\" and \"flags\"", "none");
        put_revisions(microcodes_, dump);
        if (is_cut_) dump.notes.push_back({"truncated", cut_flags});
        return dump;
    }

    // Adds the microcode that the text names. Throws where a CPU of it is none of the host's.
    void add_to(HostDump& host) {
        is_beside_registers_ = true;
        while (read_block()) {
            const auto found = block_signature();
            if (!found) continue;
            if (has_cpu(host, *found)) {
                take_microcode();
                continue;
            }
            refuse(block_.required(cpuinfo_mark).line, "/proc/cpuinfo of the host whose registers stand in the text",
                   "that of another CPU" + std::string(two_hosts));
        }
        put_revisions(microcodes_, host);
    }

private:
    // Where a list of flags goes on in another line: the words around the break, and that line.
    struct Wrap {
        std::string before;
        std::string after;
        std::size_t line = 0;
    };

    // Of a CPU that is named. What the lines do not say is not compared.
    struct NamedCpu {
        std::string vendor;
        std::uint32_t family = 0;
        std::uint32_t model = 0;
        std::optional<std::uint32_t> stepping;
    };

    std::optional<NamedCpu> block_signature() {
        const auto number = [&](std::string_view key) {
            const KeyedLine* line = block_.find(key);
            return line == nullptr ? std::nullopt : decimal_of(line->text);
        };
        const KeyedLine* vendor = block_.find("vendor_id");
        const auto family = number("cpu family");
        const auto model = number("model");
        if (vendor == nullptr || !family || !model) return std::nullopt;
        return NamedCpu{vendor->text, *family, *model, number("stepping")};
    }

    static bool is_cpu(const CpuidTable& table, const NamedCpu& named) {
        const Registers* features = table.find(signature_key);
        const Signature own = signature_of(features != nullptr ? features->eax : 0);
        return vendor_string(table) == named.vendor && own.family == named.family && own.model == named.model &&
               own.stepping == named.stepping.value_or(own.stepping);
    }

    static bool has_cpu(const HostDump& host, const NamedCpu& named) {
        if (!host.hardware) return is_cpu(host.first_table(), named);
        return std::any_of(host.hardware->cpus.begin(), host.hardware->cpus.end(),
                           [&](const LogicalCpu& cpu) { return is_cpu(cpu.cpuid, named); });
    }

    [[noreturn]] void refuse(std::size_t line, const std::string& expected, const std::string& found) const {
        throw InputError(std::string(source_.file), line, expected, found);
    }

    // The lines of the next CPU, which begin with "processor", or "vendor_id" where it has no such line; false at the
    // end. What stands before the first one is what somebody wrote about it.
    bool read_block() {
        block_ = std::exchange(next_, KeyedLines(source_.file));
        in_flags_ = false;
        wraps_.clear();
        while (lines_.next()) {
            const std::string_view line = lines_.text();
            const bool is_again = is_cpuinfo_row(line) && block_.find(cpuinfo_mark) != nullptr;
            const bool begins = line.starts_with("processor") || is_again;
            if (begins && !block_.empty()) {
                next_.add(line, lines_.number());
                return true;
            }
            if (begins || !block_.empty() || line.starts_with("vendor_id")) {
                add_line(line);
            } else if (is_cpuinfo_line(line)) {
                above_.add(line, lines_.number());
            }
        }
        leave_out_cut_flag();
        return !block_.empty();
    }

    void add_line(std::string_view line) {
        check_not_again(line);
        const std::string_view key = block_.add(line, lines_.number());
        const bool goes_on = in_flags_ && key.empty() && !line.empty() && !is_fence(line);
        // A list of flags that a mail program has wrapped.
        if (goes_on) {
            std::string& flags = block_.find("flags")->text;
            wraps_.push_back({last_word(flags), first_word(line), lines_.number()});
            (flags += ' ') += line;
        }
        in_flags_ = goes_on || key == "flags";
    }

    // Another value of a line that the kernel prints once is of another CPU, or of another host. Beside registers other
    // tools have lines with some of these keys, and the revision alone counts.
    void check_not_again(std::string_view line) {
        const std::string_view key = trim(line.substr(0, line.find(':')));
        const bool is_read = is_beside_registers_
                                 ? key == microcode_key
                                 : std::find(read_keys.begin(), read_keys.end(), key) != read_keys.end();
        const KeyedLine* first = is_read && has_cpuinfo_key(line, key) ? block_.find(key) : nullptr;
        if (first == nullptr || trim(line.substr(line.find(':') + 1)) == first->text) return;
        refuse(lines_.number(), "each line of a CPU once, and above them \"processor\" or \"vendor_id\"",
               "another " + quote(key) + " after that of line " + std::to_string(first->line) + two_hosts);
    }

    // A terminal breaks lines anywhere, and a half of a flag may be the name of another: "fma" of "fma4".
    void check_wraps(const NamedFeatures& features) const {
        for (const Wrap& wrap : wraps_) {
            if (!features.knows(wrap.before + wrap.after)) continue;
            if (features.knows(wrap.before) && features.knows(wrap.after)) continue;
            refuse(wrap.line, "flags in lines that are broken between two of them, or not at all",
                   quote(wrap.before) + " above " + quote(wrap.after));
        }
    }

    // A text that ends within a flag may end in the name of another: "avx512vbmi" of avx512vbmi2.
    void leave_out_cut_flag() {
        if (!in_flags_ || source_.bytes.ends_with('\n')) return;
        std::string& flags = block_.find("flags")->text;
        flags.erase(std::min(flags.find_last_of(" \t"), flags.size()));
    }

    void add_cpu(HostDump& dump) {
        auto& cpus = dump.hardware->cpus;
        if (cpus.size() >= limits::logical_cpus) {
            refuse(block_.required("flags").line, "at most " + std::to_string(limits::logical_cpus) + " logical CPUs",
                   "more");
        }
        check_order();
        NamedFeatures features(Tongue::linux_kernel, Speaker::of_cpu);
        const KeyedLine& vendor = block_.required("vendor_id");
        if (!features.set_vendor(vendor.text)) {
            refuse(vendor.line, "a vendor of CPUs with CPUID as vendor_id", quote(vendor.text));
        }
        if (!features.set_signature(block_.number("cpu family"), block_.number("model"), block_.number("stepping"))) {
            refuse(block_.required("cpu family").line, "family, model and stepping as CPUID has them", "others");
        }
        check_wraps(features);
        const std::string_view whole = without_cut_flag(flags().text, features);
        if (whole.size() < trim(flags().text).size()) is_cut_ = true;
        for_each_word(whole, [&](std::string_view flag) {
            if (flag.ends_with('=')) {
                refuse(
                    flags().line, "flags as the kernel prints them",
                    quote(flag) + ", as of a mail's quoted-printable form (save the text that the mail program shows)");
            }
            features.set(flag, true);
        });
        put_clflush_size(features);
        add_header(vendor.line);
        cpus.push_back({static_cast<std::uint32_t>(cpus.size()), features.finish()});
        check_same_machine(cpus.front().cpuid, cpus.back().cpuid, source_.file, vendor.line);
        take_microcode();
    }

    // Where somebody has sorted the lines, some of those that a CPU lacks stand above what begins it.
    void check_order() {
        for (const std::string_view key : std::span(read_keys).first(needed_keys)) {
            const KeyedLine* line = block_.find(key) == nullptr ? above_.find(key) : nullptr;
            if (line == nullptr) continue;
            refuse(line->line, "the lines of a CPU in the order of /proc/cpuinfo, \"processor\" or \"vendor_id\" first",
                   quote(key) + " above them");
        }
    }

    void add_header(std::size_t line) {
        std::optional<CpuHeader> header;
        if (const KeyedLine* processor = block_.find("processor")) {
            header = CpuHeader{decimal_of(processor->text), {}, processor->line};
            headers_.add(*header, source_.file);
        }
        headers_.check_others(header, line, source_.file);
    }

    void take_microcode() {
        const KeyedLine* microcode = block_.find(microcode_key);
        if (microcode != nullptr && from_hex(microcode->text, 8)) microcodes_.insert(microcode->text);
    }

    // In bytes, of which CPUID counts eight (kernel/cpu/proc.c and common.c, x86_clflush_size).
    void put_clflush_size(NamedFeatures& features) {
        constexpr std::uint32_t unit = 8;
        const KeyedLine* line = block_.find("clflush size");
        const auto bytes = line == nullptr ? std::nullopt : decimal_of(line->text);
        if (bytes && *bytes > 0 && *bytes % unit == 0) features.set_number("clflush_size", *bytes / unit);
    }

    // The CPU's own: those of another say nothing of it.
    const KeyedLine& flags() {
        const KeyedLine* processor = block_.find("processor");
        const std::string whose = processor == nullptr ? "a CPU" : "processor " + printable(processor->text);
        const KeyedLine* line = block_.find("flags");
        if (line != nullptr && !line->text.empty()) return *line;
        refuse(line == nullptr ? block_.required("vendor_id").line : line->line, "the flags of " + whose,
               line == nullptr ? "no line \"flags\"" : "none in that line");
    }

    Source source_;
    LineReader lines_;
    KeyedLines block_{source_.file};
    KeyedLines next_{source_.file};
    KeyedLines above_{source_.file};  // what stands above the first CPU
    bool in_flags_ = false;           // the last line was one of flags, or the rest of such a line
    std::vector<Wrap> wraps_;
    bool is_cut_ = false;  // a list of flags ends within one
    CpuHeaders headers_{"a line \"processor\""};
    bool is_beside_registers_ = false;  // of a host that is known
    std::set<std::string> microcodes_;
};

}  // namespace

bool is_cpuinfo_row(std::string_view line) noexcept { return has_cpuinfo_key(line, cpuinfo_mark); }

bool is_cpuinfo_line(std::string_view line) noexcept {
    return std::any_of(read_keys.begin(), read_keys.end(),
                       [line](std::string_view key) { return has_cpuinfo_key(line, key); }) ||
           has_cpuinfo_key(line, "processor");
}

bool is_cpuinfo(std::string_view bytes) noexcept {
    if (bytes.find(cpuinfo_mark) == std::string_view::npos) return false;
    const auto has_key = [&](std::string_view key) {
        return any_line(bytes, [&](std::string_view line) noexcept { return has_cpuinfo_key(line, key); });
    };
    return has_key(cpuinfo_mark) && has_key("cpu family") && has_key("flags");
}

HostDump read_cpuinfo(const Source& source) { return CpuinfoReader(source).read(); }

void take_cpuinfo(HostDump& host, const Source& source) {
    if (is_cpuinfo(source.bytes)) CpuinfoReader(source).add_to(host);
}

}  // namespace poolcpuid::dump
