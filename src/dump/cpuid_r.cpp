// `cpuid -r` of Todd Allen's cpuid: "CPU 0:" ("CPU:" with -1), then one line for each leaf and subleaf.
//
//      0x00000007 0x01: eax=0x00000030 ebx=0x00000000 ecx=0x00000000 edx=0x00000000
//
// The tool also queries ranges that the CPU may not have; TableBuilder drops what comes back from there.

#include <optional>
#include <string>
#include <string_view>
#include <utility>

#include "dump/cursor.hpp"
#include "dump/hardware_builder.hpp"
#include "dump/line_reader.hpp"
#include "dump/reader.hpp"
#include "text/quote.hpp"

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

class CpuidRReader {
public:
    explicit CpuidRReader(const Source& source)
        : source_(source), rows_(source.file), hardware_(source.file, DumpFormat::cpuid_r) {}

    HostDump read() {
        LineReader lines(source_);
        while (lines.next()) read_line(lines.text(), lines.number());
        end_cpu();
        HostDump dump;
        dump.format = DumpFormat::cpuid_r;
        dump.hardware = std::move(hardware_).finish(dump.notes);
        return dump;
    }

private:
    void read_line(std::string_view line, std::size_t number) {
        if (line.starts_with("CPU")) return read_header(line);
        if (!line.starts_with("0x")) return;
        Cursor cursor(line);
        const auto key = read_key(cursor);
        const auto value = key ? read_registers(cursor) : std::nullopt;
        if (!value) {
            throw InputError(std::string(source_.file), number,
                             "a row of `cpuid -r`: leaf, subleaf, and four registers of 8 hexadecimal digits",
                             quote(line));
        }
        // Dumps that were joined without their headers: leaf 0 again is the next CPU.
        if (*key == LeafKey{0, 0} && rows_.has(*key)) end_cpu();
        rows_.add(*key, *value, number);
    }

    void read_header(std::string_view line) {
        Cursor cursor(line.substr(3));
        const bool numbered = cursor.skip_blanks();
        const auto cpu = numbered ? cursor.decimal() : std::nullopt;
        if (cursor.rest() != ":") return;
        end_cpu();
        cpu_number_ = cpu;
    }

    void end_cpu() {
        if (!rows_.empty()) {
            hardware_.add_cpu(cpu_number_, std::move(rows_));
            rows_ = TableBuilder(source_.file);
        }
        cpu_number_.reset();
    }

    Source source_;
    TableBuilder rows_;
    std::optional<std::uint32_t> cpu_number_;
    HardwareBuilder hardware_;
};

}  // namespace

bool is_cpuid_r(std::string_view bytes) noexcept {
    return any_line(bytes, [](std::string_view line) noexcept {
        Cursor cursor(line);
        return read_key(cursor) && cursor.skip_blanks() && cursor.skip("eax=");
    });
}

HostDump read_cpuid_r(const Source& source) { return CpuidRReader(source).read(); }

}  // namespace poolcpuid::dump
