// FreeBSD's `cpucontrol -i LEAF[,SUBLEAF]` and `cpucontrol -m MSR`, of many calls in one text.
//
//   cpuid level 0x1: 0x00a00f11 0x00400800 0x7eda320b 0x178bfbff
//   cpuid level 0x7, level_type 0x0: 0x00000000 0x219c97a9 0x0040068c 0x00000010
//   MSR 0x10a: 0x00000000 0x00000004
//
// Without a level_type the subleaf is 0 (cpuctl_do_cpuid in sys/dev/cpuctl/cpuctl.c, since FreeBSD 10). Whatever nobody
// asked for is missing, so of a missing row nothing is known. The text does not name CPUs: leaf 0 that comes again
// begins the next one.

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "dump/hardware_builder.hpp"
#include "dump/leaf_shapes.hpp"
#include "dump/line_reader.hpp"
#include "dump/msr_builder.hpp"
#include "dump/reader.hpp"
#include "dump/row_ends.hpp"

namespace poolcpuid::dump {

namespace {

constexpr std::string_view cpucontrol_mark = "cpuid level 0x";
constexpr std::string_view cpucontrol_msr_mark = "MSR 0x";

struct CpucontrolRow {
    LeafKey key;
    Registers value;
};

// Behind the mark, to the end of the line.
std::optional<CpucontrolRow> read_cpucontrol_row(Cursor cursor) noexcept {
    CpucontrolRow row;
    const auto leaf = cursor.hex();
    if (!leaf) return std::nullopt;
    row.key.leaf = *leaf;
    if (cursor.skip(", level_type 0x")) {
        const auto subleaf = cursor.hex();
        if (!subleaf) return std::nullopt;
        row.key.subleaf = *subleaf;
    }
    if (!cursor.skip(":")) return std::nullopt;
    const auto value = read_joined_registers(cursor, " ", "0x");
    if (!value || !cursor.at_end()) return std::nullopt;
    row.value = *value;
    return row;
}

std::optional<MsrRow> read_cpucontrol_msr(Cursor cursor) noexcept {
    const auto index = cursor.hex();
    if (!index || !cursor.skip(": 0x")) return std::nullopt;
    const auto high = cursor.hex(8);
    if (!high || !cursor.skip(" 0x")) return std::nullopt;
    const auto low = cursor.hex(8);
    if (!low || !cursor.at_end()) return std::nullopt;
    return MsrRow{*index, std::uint64_t{*high} << 32U | *low};
}

Piece cpucontrol_piece(std::string_view line) noexcept {
    Cursor cursor(line);
    if (cursor.skip(cpucontrol_mark)) return read_cpucontrol_row(cursor) ? Piece::whole : Piece::part;
    if (cursor.skip(cpucontrol_msr_mark)) return read_cpucontrol_msr(cursor) ? Piece::whole : Piece::part;
    return line == "cpuid level" ? Piece::part : Piece::none;
}

class CpucontrolReader {
public:
    explicit CpucontrolReader(const Source& source)
        : source_(source), rows_(source.file), hardware_(source.file, format_of("cpucontrol")) {}

    HostDump read() {
        LineReader lines(source_, cpucontrol_piece);
        while (lines.next()) read_line(lines.text(), lines.number());
        end_cpu();
        HostDump dump;
        dump.hardware = std::move(hardware_).finish(dump.notes);
        if (!msrs_.empty()) dump.hardware->msrs = std::move(msrs_).finish(source_.file, dump.notes);
        return dump;
    }

private:
    void read_line(std::string_view line, std::size_t number) {
        Cursor cursor(line);
        if (cursor.skip(cpucontrol_mark)) {
            const auto row = read_cpucontrol_row(cursor);
            if (!row)
                refuse(number, "a row of `cpucontrol -i`: leaf, and four registers of 8 hexadecimal digits", line);
            add_row(*row, number);
        } else if (cursor.skip(cpucontrol_msr_mark)) {
            const auto msr = read_cpucontrol_msr(cursor);
            if (!msr) refuse(number, "a row of `cpucontrol -m`: MSR, and 2 times 8 hexadecimal digits", line);
            msrs_.add(*msr);
        } else if (is_end_of_row(line, "cpuid level 0x0, level_type 0x0: 0x00000000 0x00000000 0x00000000 0x00000000",
                                 is_cpucontrol_row)) {
            refuse(number, lost_beginning, line);
        }
    }

    [[noreturn]] void refuse(std::size_t number, const char* expected, std::string_view line) const {
        throw InputError(std::string(source_.file), number, expected, quote_row(line));
    }

    void add_row(const CpucontrolRow& row, std::size_t number) {
        const bool is_first = row.key == LeafKey{0, 0};
        if (is_first && seen_.contains(0) && seen_.size() > 1) end_cpu();
        rows_.add(row.key, row.value, number);
        const LeafShape* const shape = shape_of(row.key.leaf);
        const bool is_list = shape != nullptr && shape->how == Subleaves::list;
        seen_[row.key.leaf] |= !is_list || shape->ends_at(row.key.subleaf, row.value);
    }

    // Of a list whose end nobody asked for, the rest is unknown, and so is a subleaf that no list announces.
    void end_cpu() {
        if (rows_.empty()) return;
        std::vector<UnknownRow> unknown{{xsave_leaf, 1}};
        for (const auto& [leaf, ended] : seen_) {
            if (!ended) unknown.push_back({leaf, std::nullopt});
        }
        hardware_.add_next_cpu(std::move(rows_), std::move(unknown));
        rows_ = TableBuilder(source_.file);
        seen_.clear();
    }

    Source source_;
    TableBuilder rows_;
    std::map<std::uint32_t, bool> seen_;  // leaves, and whether nothing of them can be missing behind the last row
    HardwareBuilder hardware_;
    RepeatedMsrs msrs_;
};

}  // namespace

bool is_cpucontrol(std::string_view bytes) noexcept {
    if (bytes.find("level 0x") == std::string_view::npos) return false;
    return any_line(bytes, [](std::string_view line) noexcept {
        Cursor cursor(line);
        return cursor.skip(cpucontrol_mark) && cursor.rest().find(':') != std::string_view::npos;
    });
}

bool is_cpucontrol_row(std::string_view line) noexcept { return cpucontrol_piece(line) == Piece::whole; }

HostDump read_cpucontrol(const Source& source) { return CpucontrolReader(source).read(); }

}  // namespace poolcpuid::dump
