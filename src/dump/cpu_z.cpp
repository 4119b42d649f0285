// A text report of CPU-Z (Save Report as .TXT), whose "Thread dumps" have the rows and MSRs of every logical CPU:
//
//   CPU Thread 0
//           APIC ID                 0
//           Max CPUID level 0000000Ah
//           CPUID
//           0x00000001              0x000006F6      0x00020800      0x0000E3BD      0xBFEBFBFF
//           0x00000004              0x04000121      0x01C0003F      0x0000003F      0x00000001
//           0x00000004              0x04000122      0x01C0003F      0x0000003F      0x00000001
//           MSR 0x0000001B          0x00000000      0xFEE00900
//
// Subleaves follow one another without a label. Versions before 1.50 write "edx = 0x… eax = 0x…" for an MSR. Of a leaf
// that a version did not know nothing is printed.

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

#include "dump/hardware_builder.hpp"
#include "dump/leaf_shapes.hpp"
#include "dump/line_reader.hpp"
#include "dump/msr_builder.hpp"
#include "dump/reader.hpp"
#include "dump/row_ends.hpp"
#include "dump/unlabelled_subleaves.hpp"

namespace poolcpuid::dump {

namespace {

constexpr std::string_view cpu_z_mark = "CPU Thread ";

// The thread of its header.
std::optional<std::uint32_t> cpu_z_thread(std::string_view line) noexcept {
    Cursor cursor(line);
    if (!cursor.skip(cpu_z_mark)) return std::nullopt;
    const auto number = cursor.decimal();
    return cursor.at_end() ? number : std::nullopt;
}

struct CpuZRow {
    std::uint32_t leaf = 0;
    Registers value;
};

std::optional<CpuZRow> read_cpu_z_row(Cursor cursor) noexcept {
    if (!cursor.skip("0x")) return std::nullopt;
    const auto leaf = cursor.hex(8);
    if (!leaf || !cursor.skip_blanks()) return std::nullopt;
    const auto value = read_joined_registers(cursor, " ", "0x");
    if (!value || !cursor.at_end()) return std::nullopt;
    return CpuZRow{*leaf, *value};
}

bool is_whole_cpu_z_row(std::string_view line) noexcept { return read_cpu_z_row(Cursor(line)).has_value(); }

// Whole, or broken behind a register, as a mail program does it.
bool begins_cpu_z_row(std::string_view line) noexcept {
    Cursor cursor(line);
    if (!cursor.skip("0x") || !cursor.hex(8)) return false;
    while (cursor.skip_blanks()) {
        if (!cursor.skip("0x") || !cursor.hex(8)) return false;
    }
    return cursor.at_end() && line.size() > std::string_view("0x00000000").size();
}

// Behind "MSR ".
std::optional<MsrRow> read_cpu_z_msr(Cursor cursor) noexcept {
    if (!cursor.skip("0x")) return std::nullopt;
    const auto index = cursor.hex(8);
    if (!index) return std::nullopt;
    std::uint64_t value = 0;
    for (const std::string_view label : {"edx = ", "eax = "}) {
        if (!cursor.skip_blanks()) return std::nullopt;
        cursor.skip(label);
        if (!cursor.skip("0x")) return std::nullopt;
        const auto half = cursor.hex(8);
        if (!half) return std::nullopt;
        value = value << 32U | *half;
    }
    return cursor.at_end() ? std::optional(MsrRow{*index, value}) : std::nullopt;
}

// Of a row or an MSR; in other sections of the report lines begin alike, and none of them makes a whole one.
Piece cpu_z_piece(std::string_view line) noexcept {
    Cursor cursor(line);
    if (line.starts_with("0x")) return read_cpu_z_row(cursor) ? Piece::whole : Piece::part;
    if (cursor.skip("MSR ")) return read_cpu_z_msr(cursor) ? Piece::whole : Piece::part;
    return Piece::none;
}

class CpuZReader {
public:
    explicit CpuZReader(const Source& source)
        : source_(source), rows_(source.file), hardware_(source.file, format_of("cpu-z")) {}

    HostDump read() {
        LineReader lines(source_, cpu_z_piece);
        while (lines.next()) read_line(lines.text(), lines.number());
        end_thread();
        HostDump dump;
        dump.hardware = std::move(hardware_).finish(dump.notes);
        note_unknown_subleaves(lost_rows_, dump.notes);
        if (!msrs_.empty()) dump.hardware->msrs = std::move(msrs_).finish(source_.file, dump.notes);
        return dump;
    }

private:
    // Other sections of the report have rows of their own: those of memory modules, of PCI devices ….
    void read_line(std::string_view line, std::size_t number) {
        Cursor cursor(line);
        if (const auto thread = cpu_z_thread(line)) {
            end_thread();
            header_ = CpuHeader{thread, {}, number};
            hardware_.add_heading(thread);
        } else if (line.starts_with("-----")) {
            end_thread();
        } else if (!header_) {
            return;
        } else if (line.starts_with("0x")) {
            const auto row = read_cpu_z_row(cursor);
            if (!row) refuse(number, "a row of CPU-Z: leaf, and four registers of 8 hexadecimal digits", line);
            add_row(*row, number);
        } else if (cursor.skip("MSR ")) {
            const auto msr = read_cpu_z_msr(cursor);
            if (!msr) refuse(number, "an MSR of CPU-Z: index, and 2 times 8 hexadecimal digits", line);
            msrs_.add(*msr);
        } else if (is_end_of_row(line, "0x00000000 0x00000000 0x00000000 0x00000000 0x00000000", is_whole_cpu_z_row)) {
            refuse(number, lost_beginning, line);
        }
    }

    [[noreturn]] void refuse(std::size_t number, const char* expected, std::string_view line) const {
        throw InputError(std::string(source_.file), number, expected, quote_row(line));
    }

    void add_row(const CpuZRow& row, std::size_t number) {
        if (row.leaf == 0) maximum_basic_ = row.value.eax;
        if (has_subleaves(row.leaf)) {
            unlabelled_.add(row.leaf, row.value, number);
        } else {
            rows_.add({row.leaf, 0}, row.value, number);
        }
    }

    void end_thread() {
        if (!rows_.empty() || !unlabelled_.empty()) {
            auto placed = std::exchange(unlabelled_, {}).place(maximum_basic_, rows_);
            lost_rows_ += placed.lost;
            hardware_.add_cpu(header_, std::exchange(rows_, TableBuilder(source_.file)), std::move(placed.unknown));
        }
        header_.reset();
        maximum_basic_ = 0;
    }

    Source source_;
    TableBuilder rows_;
    UnlabelledRows unlabelled_;
    std::uint32_t maximum_basic_ = 0;
    std::optional<CpuHeader> header_;  // while a thread is being read
    HardwareBuilder hardware_;
    RepeatedMsrs msrs_;
    std::size_t lost_rows_ = 0;
};

}  // namespace

bool is_cpu_z(std::string_view bytes) noexcept {
    if (bytes.find("Thread ") == std::string_view::npos) return false;
    bool in_thread = false;
    return any_line(bytes, [&in_thread](std::string_view line) noexcept {
        in_thread = in_thread || cpu_z_thread(line);
        return in_thread && begins_cpu_z_row(line);
    });
}

bool is_cpu_z_row(std::string_view line) noexcept { return cpu_z_piece(line) == Piece::whole; }

HostDump read_cpu_z(const Source& source) { return CpuZReader(source).read(); }

}  // namespace poolcpuid::dump
