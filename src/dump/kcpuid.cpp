// `kcpuid -r` of the Linux tree (tools/arch/x86/kcpuid): one CPU; rows of zeros are not printed.
//
//   0x00000001: EAX=0x00b00f21, EBX=0x00020800, ECX=0xfffa3203, EDX=0x178bfbff
//   0x00000007: subleafs:
//     0: EAX=0x00000001, EBX=0xf1bf07ab, ECX=0x00405fc6, EDX=0x00000110
//
// Subleaves are decimal. Since a row that is not there stands for zeros, nothing but rows and the headings of ranges
// may stand between rows: "..." in a text that somebody has shortened would be features that the CPU lacks. So would
// the rows be that a second dump in the text lacks: the tool prints each range once, and its rows in order
// (raw_dump_range in kcpuid.c).

#include <algorithm>
#include <array>
#include <functional>
#include <initializer_list>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

#include "base/hex.hpp"
#include "base/printable.hpp"
#include "dump/hardware_builder.hpp"
#include "dump/line_reader.hpp"
#include "dump/one_machine.hpp"
#include "dump/reader.hpp"

namespace poolcpuid::dump {

namespace {

// " EAX=0x…, EBX=0x…, ECX=0x…, EDX=0x…" to the end of the line.
std::optional<Registers> read_labelled_registers(Cursor cursor) noexcept {
    constexpr std::array labels{"EAX=0x", "EBX=0x", "ECX=0x", "EDX=0x"};
    Registers value;
    for (const Register reg : all_registers) {
        if (reg != Register::eax && !cursor.skip(",")) return std::nullopt;
        if (!cursor.skip_blanks() || !cursor.skip(labels[static_cast<std::size_t>(reg)])) return std::nullopt;
        const auto part = cursor.hex(8);
        if (!part) return std::nullopt;
        value[reg] = *part;
    }
    return cursor.at_end() ? std::optional(value) : std::nullopt;
}

// "0x00000007:": the leaf that begins a row or a list of subleaves.
std::optional<std::uint32_t> read_leaf(Cursor& cursor) noexcept {
    if (!cursor.skip("0x")) return std::nullopt;
    const auto leaf = cursor.hex(8);
    return cursor.skip(":") ? leaf : std::nullopt;
}

// "Extended Leafs :"
bool is_range_heading(std::string_view line) noexcept { return line.ends_with("Leafs :"); }

// The line of "=" below it.
bool is_underline(std::string_view line) noexcept { return line.find_first_not_of('=') == std::string_view::npos; }

bool is_list_head(Cursor cursor) noexcept { return cursor.skip_blanks() && cursor.rest() == "subleafs:"; }

class KcpuidReader {
public:
    explicit KcpuidReader(const Source& source) : source_(source), rows_(source.file) {}

    HostDump read() {
        LineReader lines(source_);
        while (lines.next()) read_line(lines.text(), lines.number());
        HostDump dump;
        HardwareBuilder hardware(source_.file, format_of("kcpuid"));
        hardware.add_cpu(std::nullopt, std::move(rows_));
        dump.hardware = std::move(hardware).finish(dump.notes);
        return dump;
    }

private:
    void read_line(std::string_view line, std::size_t number) {
        if (is_range_heading(line)) return begin_range(line, number);
        if (rows_.empty() && !has_register(line)) return;
        Cursor cursor(line);
        if (line.starts_with("0x")) {
            read_leaf_line(line, number);
        } else if (const auto subleaf = cursor.decimal(); subleaf && cursor.skip(":")) {
            const auto value = read_labelled_registers(cursor);
            if (!value || !list_) refuse(line, number);
            add_row({list_->leaf, *subleaf}, *value, number);
            list_->is_empty = false;
        } else if (has_registers(line)) {
            refuse(line, number);
        } else if (!stranger_ && !line.empty() && !is_underline(line)) {
            stranger_ = Stranger{quote_row(line), number};
        }
    }

    void begin_range(std::string_view line, std::size_t number) {
        const auto [first, is_new] = ranges_.emplace(line, number);
        if (is_new) return;
        refuse_second_dump(quote(line) + " again, after that of line " + std::to_string(first->second), source_.file,
                           number);
    }

    void read_leaf_line(std::string_view line, std::size_t number) {
        Cursor cursor(line);
        const auto leaf = read_leaf(cursor);
        if (!leaf) refuse(line, number);
        if (list_ && list_->is_empty) refuse_empty_list(line, number);
        if (is_list_head(cursor)) {
            list_ = List{*leaf};
            return;
        }
        const auto value = read_labelled_registers(cursor);
        if (!value) refuse(line, number);
        list_.reset();
        add_row({*leaf, 0}, *value, number);
    }

    void add_row(LeafKey key, const Registers& value, std::size_t number) {
        if (stranger_) {
            throw InputError(std::string(source_.file), stranger_->line,
                             "rows of `kcpuid -r` alone between the first and the last: what is not there is zeros",
                             stranger_->text);
        }
        if (key < last_) {
            refuse_second_dump("leaf " + to_hex(key.leaf) + " subleaf " + to_hex(key.subleaf) + " behind leaf " +
                                   to_hex(last_.leaf) + " subleaf " + to_hex(last_.subleaf),
                               source_.file, number);
        }
        last_ = key;
        rows_.add(key, value, number);
    }

    [[noreturn]] void refuse(std::string_view line, std::size_t number) const {
        throw InputError(std::string(source_.file), number,
                         "a row of `kcpuid -r`: leaf or listed subleaf, and four registers of 8 hexadecimal digits",
                         quote_row(line));
    }

    // The tool prints the head of a list with its first row.
    [[noreturn]] void refuse_empty_list(std::string_view line, std::size_t number) const {
        throw InputError(std::string(source_.file), number,
                         "a subleaf of leaf " + to_hex(list_->leaf) + ", as \"subleafs:\" says", quote_row(line));
    }

    // The leaf whose subleaves are being listed.
    struct List {
        std::uint32_t leaf = 0;
        bool is_empty = true;
    };

    // What is no row and no heading, the first such line behind a row.
    struct Stranger {
        std::string text;
        std::size_t line = 0;
    };

    Source source_;
    TableBuilder rows_;
    LeafKey last_;                                            // of the last row
    std::map<std::string, std::size_t, std::less<>> ranges_;  // the lines of their headings
    std::optional<List> list_;
    std::optional<Stranger> stranger_;
};

bool is_one_of(std::uint32_t leaf, std::initializer_list<std::uint32_t> leaves) noexcept {
    return std::find(leaves.begin(), leaves.end(), leaf) != leaves.end();
}

}  // namespace

bool is_kcpuid_row(std::string_view line) noexcept {
    Cursor cursor(line);
    return read_leaf(cursor) && (is_list_head(cursor) || (cursor.skip_blanks() && cursor.skip("EAX=")));
}

bool is_kcpuid(std::string_view bytes) noexcept { return any_line(bytes, is_kcpuid_row); }

// kcpuid's list of leaves with subleaves is another one on AMD; of the rest it prints subleaf 0. Its
// vendor test takes Hygon for Intel.
bool kcpuid_expresses(LeafKey key) noexcept {
    if (key.leaf == 0xB) return key.subleaf < 2;
    return key.subleaf == 0 || is_one_of(key.leaf, {0x4, 0x7, 0xD, 0xF, 0x10, 0x14, 0x18, 0x1F});
}

bool kcpuid_expresses_of_amd(LeafKey key) noexcept {
    return key.subleaf == 0 || is_one_of(key.leaf, {0x7, 0xD, 0x8000001D});
}

HostDump read_kcpuid(const Source& source) { return KcpuidReader(source).read(); }

}  // namespace poolcpuid::dump
