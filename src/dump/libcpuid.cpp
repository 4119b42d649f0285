// libcpuid's raw dumps, and those of its .test files that hold one:
//
//   _________________ Logical CPU #0 _________________
//   basic_cpuid[7]=00000000 00000281 00000000 00000000
//   ext_cpuid[8]=0000302e 00000000 00000000 00000000
//   intel_fn4[1]=3c004122 01c0003f 0000003f 00000000
//   --------------------------------------------------------------------------------
//   what libcpuid is expected to make of it
//
// The tool prints whole arrays, whatever the CPU's maximum leaves: TableBuilder drops what lies beyond.

#include <algorithm>
#include <array>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

#include "dump/hardware_builder.hpp"
#include "dump/line_reader.hpp"
#include "dump/reader.hpp"
#include "dump/row_ends.hpp"
#include "dump/test_dump.hpp"

namespace poolcpuid::dump {

namespace {

// One of libcpuid's arrays of rows: entry i is leaf + i, or subleaf i of leaf.
struct Array {
    std::string_view name;
    std::uint32_t leaf;
    bool of_subleaves;
};

constexpr std::array arrays{
    Array{"basic_cpuid[", 0x0, false},
    Array{"ext_cpuid[", 0x80000000, false},
    Array{"intel_fn4[", 0x4, true},
    Array{"intel_fn11[", 0xB, true},
    Array{"intel_fn12h[", 0x12, true},
    Array{"intel_fn14h[", 0x14, true},
    Array{"amd_fn8000001dh[", 0x8000001D, true},
    Array{"amd_fn80000026h[", 0x80000026, true},
};

constexpr std::uint32_t leaves_in_array = 32;

constexpr std::string_view cpu_mark = "_________________ Logical CPU #";

const Array* find_array(Cursor& cursor) noexcept {
    for (const Array& array : arrays) {
        // Nearly all lines of other tools begin with another letter, which is looked at without a call.
        if (cursor.rest().starts_with(array.name.front()) && cursor.skip(array.name)) return &array;
    }
    return nullptr;
}

// "7]=00000000 00000281 00000000 00000000": the index, and the registers to the end of the line.
struct Entry {
    std::uint32_t index = 0;
    Registers value;
};

std::optional<Entry> read_entry(Cursor& cursor) noexcept {
    constexpr std::uint32_t longest_array = 0x10000;
    const auto index = cursor.decimal();
    if (!index || *index >= longest_array || !cursor.skip("]=")) return std::nullopt;
    const auto value = read_joined_registers(cursor, " ");
    if (!value || !cursor.at_end()) return std::nullopt;
    return Entry{*index, *value};
}

bool is_whole_entry(std::string_view line) noexcept {
    Cursor cursor(line);
    return find_array(cursor) != nullptr && read_entry(cursor);
}

bool is_end_of_entry(std::string_view line) {
    return std::any_of(arrays.begin(), arrays.end(), [line](const Array& array) {
        return is_end_of_row(line, std::string(array.name) + "0]=00000000 00000000 00000000 00000000", is_whole_entry);
    });
}

class LibcpuidReader {
public:
    explicit LibcpuidReader(const Source& source)
        : source_(source), rows_(source.file), hardware_(source.file, format_of("libcpuid")) {}

    HostDump read() {
        LineReader lines(source_);
        while (lines.next() && !(has_rows_ && ends_test_dump(lines.text()))) read_line(lines.text(), lines.number());
        go_over_expectations(lines, is_libcpuid_row, source_.file);
        end_cpu();
        HostDump dump;
        dump.hardware = std::move(hardware_).finish(dump.notes);
        return dump;
    }

private:
    void read_line(std::string_view line, std::size_t number) {
        Cursor cursor(line);
        if (cursor.skip(cpu_mark)) {
            end_cpu();
            if (const auto cpu = cursor.decimal()) header_ = CpuHeader{cpu, {}, number};
            if (header_) hardware_.add_heading(*header_->number);
        } else if (const Array* array = find_array(cursor)) {
            const auto entry = read_entry(cursor);
            if (!entry) {
                throw InputError(std::string(source_.file), number,
                                 "a row of libcpuid: \"" + std::string(array->name) +
                                     "index]=\" and four registers of 8 hexadecimal digits",
                                 quote_row(line));
            }
            add_entry(*array, *entry, number);
        } else if (line.starts_with("arm_")) {
            throw InputError(std::string(source_.file), number, "x86 CPUID rows", "a dump of an ARM CPU");
        } else if (is_end_of_entry(line)) {
            throw InputError(std::string(source_.file), number, lost_beginning, quote_row(line));
        }
    }

    void add_entry(const Array& array, const Entry& entry, std::size_t number) {
        has_rows_ = true;
        if (!array.of_subleaves) {
            rows_.add({array.leaf + entry.index, 0}, entry.value, number);
            return;
        }
        // Subleaf 0 stands in basic_cpuid or ext_cpuid as well, and was read another time, perhaps on
        // another CPU: topology leaves may differ.
        const LeafKey key{array.leaf, entry.index};
        if (entry.index != 0 || !rows_.has(key)) rows_.add(key, entry.value, number);
    }

    void end_cpu() {
        if (!rows_.empty()) {
            hardware_.add_cpu(header_, std::move(rows_));
            rows_ = TableBuilder(source_.file);
        }
        header_.reset();
    }

    Source source_;
    TableBuilder rows_;
    std::optional<CpuHeader> header_;
    HardwareBuilder hardware_;
    bool has_rows_ = false;
};

}  // namespace

bool is_libcpuid_row(std::string_view line) noexcept {
    Cursor cursor(line);
    return line.starts_with(cpu_mark) || find_array(cursor) != nullptr;
}

bool is_libcpuid(std::string_view bytes) noexcept { return any_line(bytes, is_libcpuid_row); }

// An entry of one of its arrays.
bool libcpuid_expresses(LeafKey key) noexcept {
    return std::any_of(arrays.begin(), arrays.end(), [key](const Array& array) {
        if (array.of_subleaves) return key.leaf == array.leaf;
        return key.subleaf == 0 && key.leaf >= array.leaf && key.leaf - array.leaf < leaves_in_array;
    });
}

HostDump read_libcpuid(const Source& source) { return LibcpuidReader(source).read(); }

}  // namespace poolcpuid::dump
