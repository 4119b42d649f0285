// `cpuid -r` of Todd Allen's cpuid: "CPU 0:" ("CPU:" with -1), then one line for each leaf and subleaf.
//
//      0x00000007 0x01: eax=0x00000030 ebx=0x00000000 ecx=0x00000000 edx=0x00000000
//
// The tool also queries ranges that the CPU may not have; TableBuilder drops what comes back from there.

#include <optional>
#include <string>
#include <string_view>
#include <utility>

#include "base/hex.hpp"
#include "dump/hardware_builder.hpp"
#include "dump/line_reader.hpp"
#include "dump/one_machine.hpp"
#include "dump/reader.hpp"

namespace poolcpuid::dump {

namespace {

// " eax=0x… ebx=0x… ecx=0x… edx=0x…" to the end of the line.
std::optional<Registers> read_registers(Cursor& cursor) noexcept {
    Registers value;
    for (const Register reg : all_registers) {
        if (!cursor.skip_blanks() || !cursor.skip(to_string(reg)) || !cursor.skip("=0x")) return std::nullopt;
        const auto part = cursor.hex(8);
        if (!part) return std::nullopt;
        value[reg] = *part;
    }
    return cursor.at_end() ? std::optional(value) : std::nullopt;
}

// "0x00000007 0x01:": the leaf and subleaf that begin a row.
std::optional<LeafKey> read_key(Cursor& cursor) noexcept {
    if (!cursor.skip("0x")) return std::nullopt;
    const auto leaf = cursor.hex(8);
    if (!leaf || !cursor.skip_blanks() || !cursor.skip("0x")) return std::nullopt;
    const auto subleaf = cursor.hex();
    if (!subleaf || !cursor.skip(":")) return std::nullopt;
    return LeafKey{*leaf, *subleaf};
}

// What the tool prints first of a CPU when it is not asked for rows. It then gives rows only of the leaves that it
// cannot put into words.
constexpr std::string_view decoded_mark = "vendor_id = ";

class CpuidRReader {
public:
    explicit CpuidRReader(const Source& source)
        : source_(source), rows_(source.file), hardware_(source.file, format_of("cpuid-r")) {}

    HostDump read() {
        LineReader lines(source_);
        while (true) {
            if (const CpuidRow* row = decoded_ ? nullptr : before_.find(lines)) {
                add_row(*row, lines.number());
            } else if (lines.next()) {
                read_line(lines);
            } else {
                break;
            }
        }
        end_cpu();
        HostDump dump;
        dump.hardware = std::move(hardware_).finish(dump.notes);
        return dump;
    }

private:
    void read_line(LineReader& lines) {
        const std::string_view line = lines.text();
        if (auto header = header_of(line)) {
            end_cpu();
            header_ = std::move(header);
            header_->line = lines.number();
            hardware_.add_heading(header_->number);
        } else if (line.starts_with(decoded_mark)) {
            decoded_ = true;
        } else if (!decoded_ && is_row_or_part(line)) {
            const CpuidRow row = row_of(line, lines.number());
            lines.use();
            add_row(row, lines.number());
            before_.put(lines, row);
        }
    }

    // `cpuid -1 -r` does not say on which CPU it ran: several of them may be of several hosts.
    void check_only_cpu(const CpuHeader& header) {
        if (header.number) return;
        const std::size_t first = std::exchange(unnumbered_, header.line);
        if (first == 0) return;
        throw InputError(std::string(source_.file), header.line,
                         "each logical CPU of one host once, with its number, as one `cpuid -r` without -1 prints them",
                         "another CPU without a number, after that of line " + std::to_string(first) + two_hosts);
    }

    bool is_row_or_part(std::string_view line) const noexcept {
        if (line.starts_with("0x")) return !rows_.empty() || header_ || has_register(line);
        return has_registers(line);
    }

    // "CPU 0:" or, of the one CPU of a dump with -1, "CPU:".
    static std::optional<CpuHeader> header_of(std::string_view line) {
        Cursor cursor(line);
        if (!cursor.skip("CPU")) return std::nullopt;
        CpuHeader header;
        if (cursor.skip_blanks()) header.number = cursor.decimal();
        if (cursor.rest() != ":") return std::nullopt;
        return header;
    }

    CpuidRow row_of(std::string_view line, std::size_t number) const {
        Cursor cursor(line);
        const auto key = read_key(cursor);
        const auto value = key ? read_registers(cursor) : std::nullopt;
        if (value) return {*key, *value};
        throw InputError(std::string(source_.file), number,
                         "a row of `cpuid -r`: leaf, subleaf, and four registers of 8 hexadecimal digits",
                         quote_row(line));
    }

    void add_row(const CpuidRow& row, std::size_t number) {
        // Dumps that were joined without their headers: leaf 0 again is the next CPU.
        if (row.key == LeafKey{0, 0} && rows_.has(row.key) && !rows_.has_only(row)) end_cpu();
        rows_.add(row.key, row.value, number);
    }

    // `cpuid -r -l LEAF` prints no more of a CPU, and takes even of that leaf one subleaf alone.
    void refuse_one_leaf() const {
        const auto leaf = rows_.only_leaf();
        if (!leaf) return;
        throw InputError(std::string(source_.file), rows_.first_line(),
                         "all rows of a logical CPU, as one `cpuid -1 -r` prints them",
                         "those of leaf " + to_hex(*leaf) + " alone (without -l it prints all)");
    }

    void end_cpu() {
        if (!rows_.empty()) {
            refuse_one_leaf();
            if (header_) check_only_cpu(*header_);
            hardware_.add_cpu(header_, std::move(rows_));
            rows_ = TableBuilder(source_.file);
        }
        before_.restart();
        header_.reset();
        decoded_ = false;
    }

    Source source_;
    TableBuilder rows_;
    RowsBefore<CpuidRow> before_;
    std::optional<CpuHeader> header_;
    std::size_t unnumbered_ = 0;  // the line of a heading without a number
    bool decoded_ = false;        // this CPU is given in words
    HardwareBuilder hardware_;
};

}  // namespace

bool is_cpuid_r_row(std::string_view line) noexcept {
    Cursor cursor(line);
    return read_key(cursor) && (cursor.at_end() || (cursor.skip_blanks() && cursor.skip("eax=")));
}

bool is_cpuid_r(std::string_view bytes) noexcept {
    bool decoded = false;
    return any_line(bytes, [&decoded](std::string_view line) noexcept {
        if (line.starts_with("CPU")) decoded = false;
        if (line.starts_with(decoded_mark)) decoded = true;
        return !decoded && is_cpuid_r_row(line);
    });
}

HostDump read_cpuid_r(const Source& source) { return CpuidRReader(source).read(); }

}  // namespace poolcpuid::dump
