// vmware.log, which a VM of VMware Workstation, Fusion or ESXi writes: CPUID as the vmx process read it on the host.
//
//   2016-01-04T16:19:46.611-08:00| vmx| I125: hostCPUID level 0000000d, 2: 0x00000100 0x00000240 0x00000000 0x00000000
//   Aug 18 10:01:57.546: vmx| CPUID[1] level 00000001, 0: 0x000006f2 0x01020800 0x0000e39d 0xbfebfbff
//   2021-02-05T17:52:27.765+08:00| vmx| I005: guest vs. host CPUID guest level 00000001,  0: 0x000906ea …
//
// "hostCPUID" are the rows of the host. "CPUID[1]" are those of a logical CPU: all of them in logs of 2007, later those
// that differ from the host's. "guest vs. host CPUID" is what this guest is given, and of the host what differs from
// it; those are passed over. Subleaves are hexadecimal. Old logs have only subleaf 0 of each leaf.

#include <algorithm>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "dump/guest_rows.hpp"
#include "dump/hardware_builder.hpp"
#include "dump/leaf_shapes.hpp"
#include "dump/line_reader.hpp"
#include "dump/reader.hpp"
#include "dump/row_ends.hpp"

namespace poolcpuid::dump {

namespace {

// The cursor behind "level " of a row that counts, with the logical CPU that it names.
struct VmwareLine {
    std::optional<std::uint32_t> cpu;
    Cursor cursor;
};

constexpr std::string_view vmware_mark = "CPUID";

std::optional<VmwareLine> vmware_line(std::string_view line) noexcept {
    const std::size_t at = line.find(vmware_mark);
    if (at == std::string_view::npos) return std::nullopt;
    VmwareLine found{std::nullopt, Cursor(line.substr(at + vmware_mark.size()))};
    if (line.substr(0, at).ends_with("host")) {
        if (!found.cursor.skip(" level ")) return std::nullopt;
    } else {
        if (!found.cursor.skip("[")) return std::nullopt;
        found.cpu = found.cursor.decimal();
        if (!found.cpu || !found.cursor.skip("] level ")) return std::nullopt;
    }
    return found;
}

struct VmwareRow {
    LeafKey key;
    Registers value;
    std::size_t line = 0;
};

std::optional<VmwareRow> read_vmware_row(Cursor cursor, std::size_t line) noexcept {
    const auto leaf = cursor.hex(8);
    if (!leaf || !cursor.skip(",")) return std::nullopt;
    cursor.skip_blanks();
    const auto subleaf = cursor.hex();
    if (!subleaf || !cursor.skip(":")) return std::nullopt;
    const auto value = read_joined_registers(cursor, " ", "0x");
    if (!value || !cursor.at_end()) return std::nullopt;
    return VmwareRow{{*leaf, *subleaf}, *value, line};
}

bool is_whole_vmware_row(std::string_view line) noexcept {
    const auto found = vmware_line(line);
    return found && read_vmware_row(found->cursor, 0).has_value();
}

// The line may break behind every word of a row.
Piece vmware_piece(std::string_view line) noexcept {
    if (vmware_line(line)) return is_whole_vmware_row(line) ? Piece::whole : Piece::part;
    if (line.ends_with("level")) line.remove_suffix(std::string_view("level").size());
    line = trim(line);
    const std::size_t word = line.find_last_of(" \t") + 1;
    const bool names_rows = line.substr(word) == "hostCPUID" || line.substr(word).starts_with("CPUID[");
    return names_rows ? Piece::part : Piece::none;
}

class VmwareLogReader {
public:
    explicit VmwareLogReader(const Source& source) : source_(source), hardware_(source.file, format_of("vmware-log")) {}

    HostDump read() {
        LineReader lines(source_, vmware_piece);
        while (lines.next()) read_line(lines.text(), lines.number());
        if (of_cpus_.empty()) {
            add_cpu(0, {});
        } else {
            add_cpus();
        }
        HostDump dump;
        dump.hardware = std::move(hardware_).finish(dump.notes);
        // Logical CPUs that the log does not list are like the host: none is missing.
        if (!of_host_.empty())
            std::erase_if(dump.notes, [](const DumpNote& note) { return note.code == "cpus-missing"; });
        note_guest_rows(guest_rows_, dump.notes);
        return dump;
    }

private:
    void read_line(std::string_view line, std::size_t number) {
        if (const auto found = vmware_line(line)) {
            in_comparison_ = false;
            const auto row = read_vmware_row(found->cursor, number);
            if (!row) {
                refuse(number, "a row of vmware.log: leaf, subleaf, and four registers of 8 hexadecimal digits", line);
            }
            (found->cpu ? of_cpus_[*found->cpu] : of_host_).push_back(*row);
        } else if (is_of_comparison(line)) {
            in_comparison_ = true;
            if (line.find("guest vs. host CPUID guest level ") != std::string_view::npos) ++guest_rows_;
        } else if (!in_comparison_ && is_end_of_row(line, whole_row, is_whole_vmware_row)) {
            refuse(number, lost_beginning, line);
        }
    }

    // A line of what the guest is given and the host has, which may be broken: what follows may be the rest of a row.
    static bool is_of_comparison(std::string_view line) noexcept {
        return line.find("guest vs.") != std::string_view::npos ||
               line.find("vs. host CPUID") != std::string_view::npos;
    }

    [[noreturn]] void refuse(std::size_t number, const char* expected, std::string_view line) const {
        throw InputError(std::string(source_.file), number, expected, quote_row(line));
    }

    // Where the host has rows, a CPU without any of its own is like them.
    void add_cpus() {
        if (of_host_.empty()) {
            for (const auto& [number, rows] : of_cpus_) add_cpu(number, rows);
            return;
        }
        const std::size_t count = std::size_t{of_cpus_.rbegin()->first} + 1;
        if (count > limits::logical_cpus || count * of_host_.size() > limits::rows_per_host) {
            throw InputError(std::string(source_.file), of_cpus_.rbegin()->second.front().line,
                             "at most " + std::to_string(limits::logical_cpus) + " logical CPUs and " +
                                 std::to_string(limits::rows_per_host) + " rows of all of them",
                             "CPU " + std::to_string(count - 1) + " of " + std::to_string(of_host_.size()) + " rows");
        }
        for (std::uint32_t number = 0; number < count; ++number) {
            const auto own = of_cpus_.find(number);
            add_cpu(number, own == of_cpus_.end() ? std::vector<VmwareRow>{} : own->second);
        }
    }

    // The rows of one CPU: its own, and the host's where it has none.
    void add_cpu(std::uint32_t number, const std::vector<VmwareRow>& own) {
        TableBuilder rows(source_.file);
        std::vector<LeafKey> keys;
        for (const VmwareRow& row : own) {
            rows.add(row.key, row.value, row.line);
            keys.push_back(row.key);
        }
        std::sort(keys.begin(), keys.end());
        for (const VmwareRow& row : of_host_) {
            if (!std::binary_search(keys.begin(), keys.end(), row.key)) rows.add(row.key, row.value, row.line);
        }
        const std::size_t line = rows.first_line();
        // Nothing announces subleaf 1: where it is missing, nothing is known of it.
        hardware_.add_cpu(CpuHeader{number, {}, line}, std::move(rows), {{xsave_leaf, 1}});
    }

    static constexpr std::string_view whole_row =
        "hostCPUID level 00000000, 0: 0x00000000 0x00000000 0x00000000 0x00000000";

    Source source_;
    bool in_comparison_ = false;
    std::vector<VmwareRow> of_host_;
    std::map<std::uint32_t, std::vector<VmwareRow>> of_cpus_;
    HardwareBuilder hardware_;
    std::size_t guest_rows_ = 0;
};

}  // namespace

bool is_vmware_log(std::string_view bytes) noexcept {
    // Its first letter is rare in other dumps, so that the large ones of them are passed over fast.
    if (bytes.find("level ") == std::string_view::npos) return false;
    return any_line(bytes, [](std::string_view line) noexcept { return vmware_line(line).has_value(); });
}

HostDump read_vmware_log(const Source& source) { return VmwareLogReader(source).read(); }

}  // namespace poolcpuid::dump
