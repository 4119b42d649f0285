// `x86info -r` (and -a): a row for each leaf.
//
//   CPU #1
//   eax in: 0x00000001, eax = 000806d1 ebx = 00100800 ecx = 7ffafbff edx = bfebfbff
//
// Depending on the version, and on whether /dev/cpu is there, the tool executes CPUID with what the leaf before left in
// ECX (cpuid.c of x86info 1.31): nobody can tell which subleaf a row is. CPUs that are alike are printed once.

#include <array>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "dump/hardware_builder.hpp"
#include "dump/leaf_shapes.hpp"
#include "dump/line_reader.hpp"
#include "dump/reader.hpp"
#include "dump/row_ends.hpp"
#include "dump/unlabelled_subleaves.hpp"

namespace poolcpuid::dump {

namespace {

constexpr std::string_view x86info_mark = "eax in: 0x";

struct X86infoRow {
    std::uint32_t leaf = 0;
    Registers value;
};

// Behind the mark, to the end of the line.
std::optional<X86infoRow> read_x86info_row(Cursor cursor) noexcept {
    constexpr std::array labels{", eax = ", " ebx = ", " ecx = ", " edx = "};
    const auto leaf = cursor.hex(8);
    if (!leaf) return std::nullopt;
    X86infoRow row{*leaf, {}};
    for (const Register reg : all_registers) {
        if (!cursor.skip(labels[static_cast<std::size_t>(reg)])) return std::nullopt;
        const auto part = cursor.hex(8);
        if (!part) return std::nullopt;
        row.value[reg] = *part;
    }
    return cursor.at_end() ? std::optional(row) : std::nullopt;
}

Piece x86info_piece(std::string_view line) noexcept {
    Cursor cursor(line);
    if (!cursor.skip(x86info_mark)) return Piece::none;
    return read_x86info_row(cursor) ? Piece::whole : Piece::part;
}

class X86infoReader {
public:
    explicit X86infoReader(const Source& source)
        : source_(source), rows_(source.file), hardware_(source.file, format_of("x86info")) {}

    HostDump read() {
        LineReader lines(source_, x86info_piece);
        while (lines.next()) read_line(lines.text(), lines.number());
        end_cpu();
        HostDump dump;
        dump.hardware = std::move(hardware_).finish(dump.notes);
        note_unknown_subleaves(unlabelled_, dump.notes);
        return dump;
    }

private:
    void read_line(std::string_view line, std::size_t number) {
        Cursor cursor(line);
        if (cursor.skip("CPU #")) {
            end_cpu();
            if (const auto cpu = cursor.decimal(); cpu && cursor.at_end()) header_ = CpuHeader{cpu, {}, number, 1};
            if (header_) hardware_.add_heading(*header_->number);
        } else if (cursor.skip(x86info_mark)) {
            const auto row = read_x86info_row(cursor);
            if (!row) {
                throw InputError(std::string(source_.file), number,
                                 "a row of `x86info -r`: leaf, and four registers of 8 hexadecimal digits",
                                 quote_row(line));
            }
            add_row(*row, number);
        } else if (is_end_of_row(line,
                                 "eax in: 0x00000000, eax = 00000000 ebx = 00000000 ecx = 00000000 edx = 00000000",
                                 is_x86info_row)) {
            throw InputError(std::string(source_.file), number, lost_beginning, quote_row(line));
        }
    }

    void add_row(const X86infoRow& row, std::size_t number) {
        const bool is_again = row.leaf == 0 && !rows_.empty();
        if (is_again && !(unknown_.empty() && rows_.has_only({{row.leaf, 0}, row.value}))) end_cpu();
        if (has_subleaves(row.leaf)) {
            unknown_.push_back({row.leaf, std::nullopt});
            ++unlabelled_;
        } else {
            rows_.add({row.leaf, 0}, row.value, number);
        }
    }

    void end_cpu() {
        if (!rows_.empty()) {
            hardware_.add_cpu(header_, std::move(rows_), std::move(unknown_));
            rows_ = TableBuilder(source_.file);
            unknown_.clear();
            header_.reset();
        }
    }

    Source source_;
    TableBuilder rows_;
    std::vector<UnknownRow> unknown_;
    std::optional<CpuHeader> header_;
    HardwareBuilder hardware_;
    std::size_t unlabelled_ = 0;
};

}  // namespace

bool is_x86info(std::string_view bytes) noexcept {
    if (bytes.find("in: 0x") == std::string_view::npos) return false;
    return any_line(bytes, [](std::string_view line) noexcept { return line.starts_with(x86info_mark); });
}

bool is_x86info_row(std::string_view line) noexcept { return x86info_piece(line) == Piece::whole; }

bool x86info_expresses(LeafKey key) noexcept { return !has_subleaves(key.leaf); }

HostDump read_x86info(const Source& source) { return X86infoReader(source).read(); }

}  // namespace poolcpuid::dump
