// What hwloc-gather-cpuid writes, a file for each logical CPU (utils/hwloc/hwloc-gather-cpuid.c of hwloc 2.12).
//
//   # mask e[abcd]x => e[abcd]x
//   1 1 0 0 0 => a00f11 400800 7eda320b 178bfbff
//   5 7 0 0 0 => 0 219c97a9 40068c 10
//
// Numbers are hexadecimal, without zeros in front. The mask says which of the registers before the arrow were given:
// bit 0 EAX, bit 2 ECX; the others were zero. Files may follow one another, as in `cat cpuid/pu*`: each line with the
// mask begins a CPU.

#include <algorithm>
#include <array>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

#include "dump/hardware_builder.hpp"
#include "dump/line_reader.hpp"
#include "dump/reader.hpp"

namespace poolcpuid::dump {

namespace {

constexpr std::string_view hwloc_mark = "# mask e[abcd]x => e[abcd]x";

struct HwlocRow {
    LeafKey key;
    Registers value;
};

std::optional<Registers> read_short_registers(Cursor& cursor) noexcept {
    Registers value;
    for (const Register reg : all_registers) {
        if (!cursor.skip_blanks()) return std::nullopt;
        const auto part = cursor.hex();
        if (!part) return std::nullopt;
        value[reg] = *part;
    }
    return value;
}

std::optional<HwlocRow> read_hwloc_row(Cursor cursor) noexcept {
    constexpr std::uint32_t gives_eax = 1;
    constexpr std::uint32_t gives_ecx = 4;
    const auto mask = cursor.hex();
    if (!mask || (*mask & ~gives_ecx) != gives_eax) return std::nullopt;
    const auto given = read_short_registers(cursor);
    if (!given || !cursor.skip_blanks() || !cursor.skip("=>")) return std::nullopt;
    const auto value = read_short_registers(cursor);
    if (!value || !cursor.at_end()) return std::nullopt;
    return HwlocRow{{given->eax, given->ecx}, *value};
}

// True for what is a row, or was meant to be one.
bool is_like_row(std::string_view line) noexcept {
    return !line.starts_with('#') && line.find("=>") != std::string_view::npos;
}

Piece hwloc_piece(std::string_view line) noexcept {
    if (!is_like_row(line)) return Piece::none;
    return read_hwloc_row(Cursor(line)) ? Piece::whole : Piece::part;
}

// True for what a terminal breaks off a row in the middle of a number: numbers alone.
bool is_rest_of_row(std::string_view line) noexcept {
    const bool of_numbers = line.find_first_not_of("0123456789abcdefABCDEF \t") == std::string_view::npos;
    return of_numbers && line.find_first_of("0123456789") != std::string_view::npos;
}

class HwlocReader {
public:
    explicit HwlocReader(const Source& source)
        : source_(source), rows_(source.file), hardware_(source.file, format_of("hwloc")) {}

    HostDump read() {
        LineReader lines(source_, hwloc_piece);
        while (lines.next()) read_line(lines.text(), lines.number());
        check_end(lines.text(), lines.number());
        end_cpu();
        HostDump dump;
        dump.hardware = std::move(hardware_).finish(dump.notes);
        return dump;
    }

private:
    void read_line(std::string_view line, std::size_t number) {
        if (line == hwloc_mark) return end_cpu();
        if (!is_like_row(line) && !is_rest_of_row(line)) return;
        const auto row = read_hwloc_row(Cursor(line));
        if (!row) {
            refuse(number, "a row of hwloc-gather-cpuid: mask 1 or 5, four registers, \"=>\", and four registers",
                   quote_row(line));
        }
        rows_.add(row->key, row->value, number);
    }

    // Where a text ends within a number, what is left of it is a number.
    void check_end(std::string_view last, std::size_t number) const {
        constexpr std::string_view blanks = " \t\r\n";
        if (!is_like_row(last) || blanks.find(source_.bytes.back()) != std::string_view::npos) return;
        refuse(number, "the end of the line behind a row, without which its last number may be cut off",
               "the end of the text behind " + quote_row(last));
    }

    [[noreturn]] void refuse(std::size_t number, const char* expected, const std::string& found) const {
        throw InputError(std::string(source_.file), number, expected, found);
    }

    void end_cpu() {
        if (rows_.empty()) return;
        hardware_.add_next_cpu(std::move(rows_));
        rows_ = TableBuilder(source_.file);
    }

    Source source_;
    TableBuilder rows_;
    HardwareBuilder hardware_;
};

// The leaves that the tool asked for in its first version, of 2015; it grew since.
constexpr std::array hwloc_leaves{
    0x0U,        0x1U,        0x2U,        0x3U,        0x4U,        0x5U,        0x6U,        0x7U,
    0x9U,        0xAU,        0xBU,        0xDU,        0xFU,        0x10U,       0x14U,       0x15U,
    0x16U,       0x80000000U, 0x80000001U, 0x80000002U, 0x80000003U, 0x80000004U, 0x80000005U, 0x80000006U,
    0x80000007U, 0x80000008U, 0x8000000AU, 0x80000019U, 0x8000001BU, 0x8000001CU, 0x8000001DU, 0x8000001EU};

}  // namespace

bool is_hwloc(std::string_view bytes) noexcept {
    if (bytes.find(hwloc_mark) == std::string_view::npos) return false;
    return any_line(bytes, [](std::string_view line) noexcept { return line == hwloc_mark; });
}

bool is_hwloc_row(std::string_view line) noexcept { return read_hwloc_row(Cursor(line)).has_value(); }

bool hwloc_expresses(LeafKey key) noexcept {
    return std::find(hwloc_leaves.begin(), hwloc_leaves.end(), key.leaf) != hwloc_leaves.end();
}

HostDump read_hwloc(const Source& source) { return HwlocReader(source).read(); }

}  // namespace poolcpuid::dump
