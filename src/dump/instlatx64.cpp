// The text that AIDA64 and EVEREST write, and that InstLatx64 and libcpuid collect:
//
//   ------[ Logical CPU #0 ]------
//   CPUID 00000007: 00000001-F1BF97A9-00415FCE-10000010 [SL 00]
//   MSR C0010070: < FAILED >
//
// Over the years the tools wrote five kinds of section headers, or none, and several separators; other
// lines are prose. So rows are told by their own shape, and leaf 0 coming again is a new logical CPU.

#include <cstdint>
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
#include "dump/test_dump.hpp"
#include "dump/unlabelled_subleaves.hpp"

namespace poolcpuid::dump {

namespace {

constexpr std::size_t register_digits = 8;

struct AidaRow {
    std::uint32_t leaf = 0;
    std::optional<std::uint32_t> subleaf;  // none: the row has no label, and its leaf has subleaves
    Registers value;
};

// The cursor after "CPUID" or "MSR" and the number of the leaf or MSR, with that number; nothing when the
// line is prose such as "CPUID Revision : 00000662h" or "MSR Registers:". A number is 8 digits, or any
// digits before a colon: such a line is a damaged row.
struct NumberedLine {
    Cursor cursor;
    std::optional<std::uint32_t> number;
};

std::optional<NumberedLine> numbered_line(std::string_view line, std::string_view word) noexcept {
    Cursor cursor(line);
    if (!cursor.skip(word) || !cursor.skip_blanks()) return std::nullopt;
    const std::optional<std::uint32_t> number = cursor.hex(register_digits);
    Cursor after = cursor;
    if (!number && !after.skip_hex_digits()) return std::nullopt;
    if (after.at_end() || after.rest().front() == ' ' || after.rest().front() == '\t') {
        return number ? std::optional(NumberedLine{cursor, number}) : std::nullopt;
    }
    return after.rest().front() == ':' ? std::optional(NumberedLine{cursor, number}) : std::nullopt;
}

// Between the number and the value: a colon, blanks, or both.
bool skip_separator(Cursor& cursor) noexcept {
    const bool blanks = cursor.skip_blanks();
    const bool colon = cursor.skip(":");
    cursor.skip_blanks();
    return blanks || colon;
}

// Registers are joined by dashes, in a few files by blanks.
std::optional<Registers> read_hex_registers(Cursor& cursor) noexcept {
    Registers value;
    for (const Register reg : all_registers) {
        if (reg != Register::eax && !cursor.skip("-") && !cursor.skip_blanks()) return std::nullopt;
        const auto part = cursor.hex(register_digits);
        if (!part) return std::nullopt;
        value[reg] = *part;
    }
    return value;
}

// What may follow EDX: nothing, or an annotation that blanks set off and that is no fifth register.
bool is_annotation(Cursor cursor) noexcept {
    if (cursor.at_end()) return true;
    const bool set_off = cursor.skip_blanks();
    if (!set_off && !cursor.rest().starts_with('[')) return false;
    return cursor.hex_digits() != register_digits;
}

constexpr std::string_view label_mark = "[SL";

// "[SL 3E]" among the annotations: hexadecimal. The outer optional is empty when the label is damaged.
std::optional<std::optional<std::uint32_t>> read_label(std::string_view annotations) noexcept {
    const std::size_t at = annotations.find(label_mark);
    if (at == std::string_view::npos) return std::optional<std::uint32_t>{};
    Cursor cursor(annotations.substr(at + label_mark.size()));
    if (!cursor.skip_blanks() && !cursor.at_end()) return std::optional<std::uint32_t>{};  // another word
    const std::optional<std::uint32_t> subleaf = cursor.hex();
    if (!subleaf || !cursor.skip("]")) return std::nullopt;
    return subleaf;
}

std::optional<AidaRow> read_row(NumberedLine line) noexcept {
    Cursor& cursor = line.cursor;
    if (!line.number || !skip_separator(cursor)) return std::nullopt;
    const std::optional<Registers> value = read_hex_registers(cursor);
    if (!value || !is_annotation(cursor)) return std::nullopt;
    const auto label = read_label(cursor.rest());
    if (!label) return std::nullopt;
    std::optional<std::uint32_t> subleaf = *label;
    if (!subleaf && !has_subleaves(*line.number)) subleaf = 0;
    return AidaRow{*line.number, subleaf, *value};
}

bool is_whole_row(std::string_view line) noexcept {
    const auto cpuid = numbered_line(line, "CPUID");
    return cpuid && read_row(*cpuid);
}

// The MSR with its value, or without one where the tool reports that RDMSR failed.
std::optional<MsrRow> read_msr(NumberedLine line) noexcept {
    Cursor& cursor = line.cursor;
    if (!line.number || !skip_separator(cursor)) return std::nullopt;
    if (cursor.skip("< FAILED >")) return MsrRow{*line.number, std::nullopt};
    std::uint64_t value = 0;
    for (int part = 0; part < 4; ++part) {
        if (part > 0 && !cursor.skip("-")) return std::nullopt;
        const auto word = cursor.hex(4);
        if (!word) return std::nullopt;
        value = value << 16U | *word;
    }
    if (!cursor.at_end() && !cursor.rest().starts_with(' ') && !cursor.rest().starts_with('\t')) return std::nullopt;
    return MsrRow{*line.number, value};
}

// The header of a section of CPUID rows. Its line is the caller's to fill in.
std::optional<CpuHeader> read_header(std::string_view line) {
    Cursor cursor(line);
    if (cursor.skip("------[ Logical CPU #") || cursor.skip("------[ CPUID Registers / Logical CPU #")) {
        return CpuHeader{cursor.decimal(), {}};
    }
    if (cursor.skip("CPUID Registers (CPU #")) return CpuHeader{cursor.decimal(), {}, 0, 1};
    if (cursor.skip("CPU#")) {
        const auto number = cursor.decimal();
        if (cursor.skip(" AffMask:")) return CpuHeader{number, std::string(cursor.rest())};
        return std::nullopt;
    }
    if (cursor.skip("Group:")) {
        if (line.find("Affinity mask:") == std::string_view::npos) return std::nullopt;
        return CpuHeader{std::nullopt, std::string(cursor.rest())};
    }
    if (cursor.skip("CPU ")) {  // "CPU 0:" and no more: "CPU  10: APICID …" is a line of a summary
        const auto number = cursor.decimal();
        if (number && cursor.rest() == ":") return CpuHeader{number, {}};
    }
    return std::nullopt;
}

// True where a mask of one word ends the line, behind which no row can stand.
bool ends_in_mask(const CpuHeader& header) {
    const std::string_view mask = trim(header.affinity);
    return !mask.empty() && mask.find(' ') == std::string_view::npos;
}

// The rows of one logical CPU, those whose subleaf is not known yet set aside.
struct Section {
    explicit Section(std::string_view file) noexcept : rows(file) {}

    TableBuilder rows;
    UnlabelledRows unlabelled;
    std::optional<std::uint32_t> maximum_basic;  // set once leaf 0 has been read
    bool empty() const noexcept { return rows.empty() && unlabelled.empty(); }
    bool has_only(const AidaRow& row) const noexcept {
        return unlabelled.empty() && rows.has_only({{row.leaf, row.subleaf.value_or(0)}, row.value});
    }
};

class AidaReader {
public:
    explicit AidaReader(const Source& source)
        : source_(source), section_(source.file), hardware_(source.file, format_of("instlatx64")) {}

    HostDump read() {
        LineReader lines(source_);
        while (true) {
            if (const AidaRow* row = before_.find(lines)) {
                add_row(*row, lines.number());
            } else if (msrs_before_.find(lines) != nullptr) {
                continue;  // tells nothing new
            } else if (lines.next() && !(has_rows_ && ends_test_dump(lines.text()))) {
                read_line(lines);
            } else {
                break;
            }
        }
        go_over_expectations(lines, is_instlatx64_row, source_.file);
        end_section();
        HostDump dump;
        dump.hardware = std::move(hardware_).finish(dump.notes);
        note_unknown_subleaves(lost_rows_, dump.notes);
        if (!msrs_.empty()) dump.hardware->msrs = std::move(msrs_).finish(source_.file, dump.notes);
        return dump;
    }

private:
    void read_line(LineReader& lines) {
        const std::string_view line = lines.text();
        const std::size_t number = lines.number();
        if (const auto cpuid = numbered_line(line, "CPUID")) {
            const auto row = read_row(*cpuid);
            if (!row) refuse(number, "a CPUID row: \"CPUID\", leaf, and four registers of 8 hexadecimal digits", line);
            lines.use();
            add_row(*row, number);
            before_.put(lines, *row);
        } else if (auto header = read_header(line)) {
            if (ends_in_mask(*header)) lines.use();
            end_section();
            header->line = number;
            hardware_.add_heading(header->number);
            if (header->number || !header->affinity.empty()) header_ = std::move(header);
        } else if (const auto msr = numbered_line(line, "MSR")) {
            const auto row = read_msr(*msr);
            if (!row) refuse(number, "an MSR row: \"MSR\", index, and a value of 4 times 4 hexadecimal digits", line);
            lines.use();
            if (msrs_.empty()) first_msr_ = row->index;
            if (row->index == first_msr_) msrs_before_.restart();
            msrs_.add(*row);
            msrs_before_.put(lines, *row);
        } else if (line.starts_with(label_mark)) {  // where a mail program broke the line, the row above lacks it
            refuse(number, "the label of a subleaf behind its row", line);
        } else if (is_end_of_row(line, "CPUID 00000000: 00000000-00000000-00000000-00000000", is_whole_row)) {
            refuse(number, lost_beginning, line);
        }
    }

    [[noreturn]] void refuse(std::size_t number, const char* expected, std::string_view line) const {
        throw InputError(std::string(source_.file), number, expected, quote_row(line));
    }

    void add_row(const AidaRow& row, std::size_t line) {
        has_rows_ = true;
        if (row.leaf == 0) {
            if (section_.maximum_basic && !section_.has_only(row)) end_section();
            section_.maximum_basic = row.value.eax;
        }
        if (row.subleaf) {
            section_.rows.add({row.leaf, *row.subleaf}, row.value, line);
        } else {
            section_.unlabelled.add(row.leaf, row.value, line);
        }
    }

    void end_section() {
        if (!section_.empty()) {
            auto placed = std::move(section_.unlabelled).place(section_.maximum_basic.value_or(0), section_.rows);
            lost_rows_ += placed.lost;
            hardware_.add_cpu(header_, std::move(section_.rows), std::move(placed.unknown));
            section_ = Section(source_.file);
        }
        before_.restart();
        header_.reset();
    }

    Source source_;
    Section section_;
    RowsBefore<AidaRow> before_;
    std::optional<CpuHeader> header_;
    HardwareBuilder hardware_;
    RepeatedMsrs msrs_;
    RowsBefore<MsrRow> msrs_before_;
    std::uint32_t first_msr_ = 0;  // with which the list of each logical CPU begins
    std::size_t lost_rows_ = 0;
    bool has_rows_ = false;
};

}  // namespace

bool is_instlatx64(std::string_view bytes) noexcept {
    return any_line(bytes, [](std::string_view line) noexcept { return numbered_line(line, "CPUID").has_value(); });
}

bool is_instlatx64_row(std::string_view line) noexcept {
    // Nearly all rows, told in a few comparisons.
    Cursor number(line);
    if ((number.skip("CPUID ") || number.skip("MSR ")) && number.rest().size() > register_digits &&
        number.rest()[register_digits] == ':' && number.hex_digits() == register_digits) {
        return true;
    }
    return numbered_line(line, "CPUID").has_value() || numbered_line(line, "MSR").has_value();
}

HostDump read_instlatx64(const Source& source) { return AidaReader(source).read(); }

}  // namespace poolcpuid::dump
