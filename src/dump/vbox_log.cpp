// VBox.log, which a VM of VirtualBox writes: under "CPUID dump" the rows of the guest and of the host.
//
//   00:00:04.809420 Gst: 00000001/0000  000906ea 00020800 d6fa2203 178bfbff
//   00:00:04.809420 Hst:                000906ea 03100800 7ffafbbf bfebfbff
//   00:00:04.809471 Hst: 00000015/0000  00000002 000000d8 00000000 00000000
//
// A row of the host has its leaf from the guest's row above it, or names it where the guest has none
// (cpumR3CpuIdInfoRawSubLeafs of VirtualBox 7, src/VBox/VMM/VMMR3/CPUMDbg.cpp; before, CPUMR3CpuId.cpp). Before
// VirtualBox 5 rows had no subleaf, which was 0, guest's rows could end in "*", and there were few leaves.

#include <array>
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

namespace poolcpuid::dump {

namespace {

// The cursor behind "Gst:" or "Hst:", before which only a time may stand.
struct VboxLine {
    bool of_host = false;
    Cursor cursor;
};

std::optional<VboxLine> vbox_line(std::string_view line) noexcept {
    for (const std::string_view mark : {"Hst:", "Gst:"}) {
        const std::size_t at = line.find(mark);
        if (at == std::string_view::npos) continue;
        if (trim(line.substr(0, at)).find_first_of(" \t") != std::string_view::npos) continue;
        return VboxLine{mark == "Hst:", Cursor(line.substr(at + mark.size()))};
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
        const auto found = vbox_line(line);
        if (!found) return;
        const auto row = read_vbox_row(found->cursor);
        if (!row) refuse(number, "a row of VBox.log: leaf, subleaf, and four registers of 8 hexadecimal digits", line);
        if (!found->of_host) {
            if (!row->key) refuse(number, "a leaf behind \"Gst:\"", line);
            ++guest_rows_;
            above_ = row->key;
            return;
        }
        const auto key = row->key ? row->key : std::exchange(above_, std::nullopt);
        if (!key) refuse(number, "a leaf behind \"Hst:\", or a row \"Gst:\" above it that has one", line);
        rows_.add(*key, row->value, number);
        above_.reset();
    }

    [[noreturn]] void refuse(std::size_t number, const char* expected, std::string_view line) const {
        throw InputError(std::string(source_.file), number, expected, quote_row(line));
    }

    Source source_;
    TableBuilder rows_;
    std::optional<LeafKey> above_;  // the leaf of the guest's row of which the host's may follow
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
