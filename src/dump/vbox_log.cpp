// VBox.log, which a VM of VirtualBox writes: under "CPUID dump" the rows of the guest and of the host.
//
//   00:00:04.809420 Gst: 00000001/0000  000906ea 00020800 d6fa2203 178bfbff
//   00:00:04.809420 Hst:                000906ea 03100800 7ffafbbf bfebfbff
//   00:00:04.809471 Hst: 00000015/0000  00000002 000000d8 00000000 00000000
//
// A row of the host has its leaf from the guest's row on the line above it, or names it where the guest has none
// (cpumR3CpuIdInfoRawSubLeafs of VirtualBox 7, src/VBox/VMM/VMMR3/CPUMDbg.cpp; before, CPUMR3CpuId.cpp). The two are
// printed one after the other: where anything stands between them the host's row is another leaf's. Where lines are
// missing without a mark the leaves show that, which follow one another, and the times of the rows show where. Before
// VirtualBox 5 rows had no subleaf, which was 0, guest's rows could end in "*", and there were few leaves.

#include <algorithm>
#include <array>
#include <cstdint>
#include <initializer_list>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

#include "dump/guest_rows.hpp"
#include "dump/hardware_builder.hpp"
#include "dump/leaf_shapes.hpp"
#include "dump/line_reader.hpp"
#include "dump/reader.hpp"
#include "dump/row_ends.hpp"

namespace poolcpuid::dump {

namespace {

// The cursor behind "Gst:" or "Hst:", before which only a time may stand: its digits, which grow, or 0.
struct VboxLine {
    bool of_host = false;
    std::uint64_t time = 0;
    Cursor cursor;
};

std::uint64_t digits_of(std::string_view time) noexcept {
    constexpr std::uint64_t base = 10;
    std::uint64_t digits = 0;
    for (const char c : time) {
        if (c >= '0' && c <= '9') digits = digits * base + static_cast<std::uint64_t>(c - '0');
    }
    return digits;
}

std::optional<VboxLine> vbox_line(std::string_view line) noexcept {
    for (const std::string_view mark : {"Hst:", "Gst:"}) {
        const std::size_t at = line.find(mark);
        if (at == std::string_view::npos) continue;
        if (trim(line.substr(0, at)).find_first_of(" \t") != std::string_view::npos) continue;
        return VboxLine{mark == "Hst:", digits_of(line.substr(0, at)), Cursor(line.substr(at + mark.size()))};
    }
    return std::nullopt;
}

struct VboxRow {
    std::optional<LeafKey> key;  // none: that of the row above
    Registers value;
};

// "00000001/0000" or "00000001", which four registers follow.
std::optional<LeafKey> read_vbox_key(Cursor& cursor) noexcept {
    constexpr std::size_t registers_and_blanks = std::size_t{4} * 9;
    Cursor ahead = cursor;
    const auto leaf = ahead.hex(8);
    if (!leaf) return std::nullopt;
    LeafKey key{*leaf, 0};
    if (ahead.skip("/")) {
        const auto subleaf = ahead.hex();
        if (!subleaf) return std::nullopt;
        key.subleaf = *subleaf;
    } else if (ahead.rest().size() < registers_and_blanks) {
        return std::nullopt;  // it is the first of the registers
    }
    cursor = ahead;
    return key;
}

std::optional<VboxRow> read_vbox_row(Cursor cursor) noexcept {
    cursor.skip_blanks();
    VboxRow row;
    row.key = read_vbox_key(cursor);
    const auto value = read_joined_registers(cursor, " ");
    if (!value) return std::nullopt;
    row.value = *value;
    cursor.skip("*");
    return cursor.at_end() ? std::optional(row) : std::nullopt;
}

Piece vbox_piece(std::string_view line) noexcept {
    const auto found = vbox_line(line);
    if (!found) return Piece::none;
    return read_vbox_row(found->cursor) ? Piece::whole : Piece::part;
}

class VboxLogReader {
public:
    explicit VboxLogReader(const Source& source) : source_(source), rows_(source.file) {}

    HostDump read() {
        LineReader lines(source_, vbox_piece);
        while (lines.next()) read_line(lines.text(), lines.number());
        HostDump dump;
        HardwareBuilder hardware(source_.file, format_of("vbox-log"));
        // Nothing announces subleaf 1: where it is missing, nothing is known of it.
        hardware.add_cpu(std::nullopt, std::move(rows_), {{xsave_leaf, 1}});
        dump.hardware = std::move(hardware).finish(dump.notes);
        note_guest_rows(guest_rows_, dump.notes);
        return dump;
    }

private:
    void read_line(std::string_view line, std::size_t number) {
        // A paste may have a blank line between all lines.
        if (line.empty()) {
            ++blank_lines_;
            return;
        }
        const std::size_t blank_lines = std::exchange(blank_lines_, 0);
        const auto above = std::exchange(above_, std::nullopt);
        const auto found = vbox_line(line);
        if (!found) return refuse_end_of_row(line, number);
        const auto row = read_vbox_row(found->cursor);
        if (!row) refuse(number, "a row of VBox.log: leaf, subleaf, and four registers of 8 hexadecimal digits", line);
        if (!found->of_host) {
            if (!row->key) refuse(number, "a leaf behind \"Gst:\"", line);
            ++guest_rows_;
            check_pair_before(*row->key, found->time);
            above_ = GuestRow{*row->key, blank_lines, found->time};
            return;
        }
        const bool is_of_above = above && above->blank_lines == blank_lines;
        if (!row->key && !is_of_above)
            refuse(number, "a leaf behind \"Hst:\", or a row \"Gst:\" on the line above it that has one", line);
        if (row->key) {
            check_pair_before(*row->key, found->time);
        } else {
            pair_ = Pair{above->key, above->time, found->time, std::string(line), number};
        }
        add_row(row->key ? *row->key : above->key, row->value, number);
    }

    void add_row(LeafKey key, const Registers& value, std::size_t number) {
        rows_.add(key, value, number);
        if (key == LeafKey{range_of(key.leaf), 0}) maximum_ = {key.leaf, value.eax};
    }

    // Lines are missing at a pair that key does not follow: within it, where more time passed there than behind it.
    void check_pair_before(LeafKey key, std::uint64_t time) {
        const auto pair = std::exchange(pair_, std::nullopt);
        if (!pair || follows(key, pair->key)) return;
        const auto passed = [](std::uint64_t from, std::uint64_t to) { return to - std::min(from, to); };
        if (passed(pair->guest_time, pair->host_time) <= passed(pair->host_time, time)) return;
        refuse(pair->line, "a row \"Hst:\" right behind its row \"Gst:\", and no lines missing between them",
               pair->text);
    }

    // All leaves of a range are printed, up to its maximum; of the XSAVE components those that are there.
    bool follows(LeafKey key, LeafKey before) const noexcept {
        if (key.leaf == before.leaf) return key.leaf == xsave_leaf || key.subleaf == before.subleaf + 1;
        if (range_of(key.leaf) == range_of(before.leaf)) return key == LeafKey{before.leaf + 1, 0};
        return maximum_.leaf != range_of(before.leaf) || before.leaf >= maximum_.value;
    }

    void refuse_end_of_row(std::string_view line, std::size_t number) const {
        const auto is_row = [](std::string_view whole) noexcept {
            const auto found = vbox_line(whole);
            return found && read_vbox_row(found->cursor).has_value();
        };
        constexpr std::string_view whole = "Hst: 00000000/0000  00000000 00000000 00000000 00000000";
        if (is_end_of_row(line, whole, is_row)) refuse(number, lost_beginning, line);
    }

    [[noreturn]] void refuse(std::size_t number, const char* expected, std::string_view line) const {
        throw InputError(std::string(source_.file), number, expected, quote_row(line));
    }

    Source source_;
    TableBuilder rows_;
    // The guest's row on the line above, and how many blank lines stand before it.
    struct GuestRow {
        LeafKey key;
        std::size_t blank_lines = 0;
        std::uint64_t time = 0;
    };
    // A row of the host that has its leaf from the guest's.
    struct Pair {
        LeafKey key;
        std::uint64_t guest_time = 0;
        std::uint64_t host_time = 0;
        std::string text;
        std::size_t line = 0;
    };
    // The maximum of the range whose first leaf was read last.
    struct Maximum {
        std::uint32_t leaf = 0;
        std::uint32_t value = 0;
    };
    std::optional<Pair> pair_;  // until the next row
    Maximum maximum_;
    std::optional<GuestRow> above_;
    std::size_t blank_lines_ = 0;  // since the last line that is not blank
    std::size_t guest_rows_ = 0;
};

}  // namespace

bool is_vbox_log_row(std::string_view line) noexcept {
    constexpr std::size_t most_looked_at = 100;  // a row behind its time has fewer characters
    auto found = vbox_line(line.substr(0, most_looked_at));
    if (!found || !found->of_host) return false;
    found->cursor.skip_blanks();
    return found->cursor.hex(8).has_value();  // the rest of the row may be broken off
}

bool is_vbox_log(std::string_view bytes) noexcept {
    if (bytes.find("Hst:") == std::string_view::npos) return false;
    return any_line(bytes, is_vbox_log_row);
}

// Of other leaves than these the host's subleaf 0 alone.
bool vbox_log_expresses(LeafKey key) noexcept {
    if (key.subleaf == 0) return true;
    for (const std::uint32_t leaf : {0x4U, 0x7U, 0xBU, 0xDU, 0x8000001DU}) {
        if (key.leaf == leaf) return true;
    }
    return false;
}

HostDump read_vbox_log(const Source& source) { return VboxLogReader(source).read(); }

}  // namespace poolcpuid::dump
