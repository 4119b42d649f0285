// The lines of a text dump, one by one with their numbers.
#pragma once

#include <algorithm>
#include <array>
#include <charconv>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "dump/reader.hpp"

namespace poolcpuid::dump {

// What a line is to a format whose rows a mail program may have broken: the beginning of a row ("part"), a row, or
// neither.
enum class Piece : std::uint8_t { none, part, whole };
using PieceOf = Piece (*)(std::string_view line) noexcept;

// Splits a dump at line feeds, or carriage returns with line feeds; the last line need not end in one.
// What mail programs do to a dump is undone: the marks of a quotation ("> ") are taken away, and a line that begins
// with a register ("edx=0x…") is the rest of the row before it, to which it is joined by a blank. So are the lines
// behind the beginning of a row where they make a whole one of it, and else they stay as they are. No byte is special
// otherwise: dumps hold stray bytes in lines that are not rows. Copies only what it joins.
class LineReader {
public:
    // Throws InputError beyond limits::dump_bytes. The bytes of source must outlive the reader. piece_of: of a format
    // whose rows do not name their registers.
    explicit LineReader(const Source& source, PieceOf piece_of = nullptr);

    // Goes to the next line; false at the end. Throws InputError beyond limits::line_bytes.
    // Linear in the length of the line, and of the few lines that it may be joined to.
    bool next();

    // Goes to the next line, and says that it is used, if it is this one, which ends in a line feed, whole() and with
    // nothing that continues it; else false, and nothing changes. Linear in line: the quick way over a row that is
    // expected.
    bool next_if(std::string_view line);

    // Says that the current line is a row that the reader takes.
    void use() noexcept { is_used_ = true; }

    // The current line, bare. Valid until the next call of next().
    std::string_view text() const noexcept { return text_; }
    // True when text() is of several lines of the dump: else its characters are the dump's own, and stay.
    bool is_joined() const noexcept { return text_.data() == joined_.data(); }
    // The line of which text() is, where that is not joined, as it stands in the dump: with what was taken away around
    // it, and with its line feed, which the last line need not have.
    std::string_view whole() const noexcept { return {begin_, static_cast<std::size_t>(rest_.data() - begin_)}; }
    // The number of the current line, from 1; of a row that was joined, its first.
    std::size_t number() const noexcept { return number_; }

private:
    bool take_line();
    void leave_line();
    static bool continues(std::string_view next) noexcept;
    void join_registers();
    void join_pieces();

    Source source_;
    PieceOf piece_of_;
    std::string_view rest_;
    const char* begin_ = rest_.data();  // of the current line
    std::string_view text_;
    std::string joined_;
    std::size_t number_ = 0;
    std::size_t taken_ = 0;
    bool is_used_ = true;  // the current line; before the first there is none
    bool has_unused_joined_ = false;
};

// text without spaces, tabs and carriage returns at both ends.
std::string_view trim(std::string_view text) noexcept;

// The first character of text that is no blank and no end of a line; '\0' where there is none.
char first_character(std::string_view text) noexcept;

// text without blanks at both ends and the marks of a quotation before it.
std::string_view unquoted(std::string_view text) noexcept;

// The first line of rest, which is not empty, without its line feed; rest loses both. Every byte of a dump goes through
// here, once or twice.
inline std::string_view take_line(std::string_view& rest) noexcept {
    const std::size_t end = std::min(rest.find('\n'), rest.size());
    const std::string_view line(rest.data(), end);
    rest.remove_prefix(std::min(end + 1, rest.size()));
    return line;
}

// line without its end, the marks of a quotation before it, and blanks around it.
inline std::string_view bare(std::string_view line) noexcept {
    // Most lines have nothing to take away but the carriage return.
    if (line.ends_with('\r')) line.remove_suffix(1);
    const bool is_bare = !line.empty() && line.front() > ' ' && line.front() != '>' && line.back() > ' ';
    return is_bare ? line : unquoted(line);
}

// A line in a message about it: whole, if it is one that a dump may have.
std::string quote_row(std::string_view line);

// True when line has a register of a row in it ("eax=0x…", in either case). Before the first row one without is of what
// somebody wrote about the dump, whatever it begins with: leaf 0 comes first, and is missed where it was lost.
bool has_register(std::string_view line) noexcept;

// True when line, which is no row, has two of a row's registers in it ("eax=0x… ebx=0x…", in either case): something
// stands before the row.
bool has_registers(std::string_view line) noexcept;

// True when wanted(line) holds for some line of bytes, bare: what format detection needs. wanted must not throw. Stops
// at the first such line.
template <typename Predicate>
bool any_line(std::string_view bytes, Predicate wanted) noexcept {
    while (!bytes.empty()) {
        if (wanted(bare(take_line(bytes)))) return true;
    }
    return false;
}

// What the rows of the last logical CPU were read to: nearly all rows of the next one are the same characters.
template <typename Row>
class RowsBefore {
public:
    // Goes over the next line if it is the last CPU's at this place again: what that was read to, else nullptr.
    // Constant but for the comparison. The result is there until the next call of a function that changes this.
    const Row* find(LineReader& lines) {
        return at_ < rows_.size() && lines.next_if(rows_[at_].line) ? &rows_[at_++].row : nullptr;
    }

    // What the current line, which find() did not know, was read to.
    void put(const LineReader& lines, const Row& row) {
        if (lines.is_joined()) return;               // its characters do not stay
        if (!lines.whole().ends_with('\n')) return;  // it is the last
        if (at_ == rows_.size()) {
            rows_.push_back({lines.whole(), row});
        } else {
            rows_[at_] = {lines.whole(), row};
        }
        ++at_;
    }

    // Another logical CPU's rows begin.
    void restart() noexcept { at_ = 0; }

private:
    struct Entry {
        std::string_view line;
        Row row;
    };

    std::vector<Entry> rows_;
    std::size_t at_ = 0;
};

// Reads the parts of one line from left to right. Dumps are read digit by digit here, so it counts.

class Cursor {
public:
    explicit Cursor(std::string_view text) noexcept : rest_(text) {}

    std::string_view rest() const noexcept { return rest_; }
    bool at_end() const noexcept { return rest_.empty(); }

    // Steps over text when it comes next.
    bool skip(std::string_view text) noexcept {
        if (!rest_.starts_with(text)) return false;
        rest_.remove_prefix(text.size());
        return true;
    }
    // The same of a literal, compared without a call.
    template <std::size_t Size>
    bool skip(const char (&text)[Size]) noexcept {
        constexpr std::size_t length = Size - 1;
        if (rest_.size() < length || std::memcmp(rest_.data(), text, length) != 0) return false;
        rest_.remove_prefix(length);
        return true;
    }

    // Steps over a run of spaces and tabs; false when there is none.
    bool skip_blanks() noexcept {
        std::size_t length = 0;
        while (length < rest_.size() && (rest_[length] == ' ' || rest_[length] == '\t')) ++length;
        rest_.remove_prefix(length);
        return length != 0;
    }

    static bool is_hex_digit(char c) noexcept { return digit_value(c) < 16; }

    // The number of hexadecimal digits that come next.
    std::size_t hex_digits() const noexcept {
        std::size_t length = 0;
        while (length < rest_.size() && is_hex_digit(rest_[length])) ++length;
        return length;
    }

    // Steps over a run of hexadecimal digits; false when there is none.
    bool skip_hex_digits() noexcept {
        const std::size_t length = hex_digits();
        rest_.remove_prefix(length);
        return length != 0;
    }

    // A number of exactly this many hexadecimal digits (at most 8), any case; nothing when a shorter or
    // longer run of digits comes next, which stays unread.
    std::optional<std::uint32_t> hex(std::size_t digits) noexcept {
        std::uint32_t value = 0;
        std::size_t length = 0;
        for (; length < rest_.size(); ++length) {
            const unsigned digit = digit_value(rest_[length]);
            if (digit >= 16) break;
            value = value << 4U | digit;
        }
        if (length != digits) return std::nullopt;
        rest_.remove_prefix(length);
        return value;
    }

    // A number of 1 to 8 hexadecimal digits.
    std::optional<std::uint32_t> hex() noexcept {
        const std::size_t digits = hex_digits();
        return digits == 0 || digits > 8 ? std::nullopt : hex(digits);
    }

    // A decimal number below 2^32.
    std::optional<std::uint32_t> decimal() noexcept {
        std::uint32_t value = 0;
        const auto [end, error] = std::from_chars(rest_.data(), rest_.data() + rest_.size(), value);
        if (error != std::errc{}) return std::nullopt;
        rest_.remove_prefix(static_cast<std::size_t>(end - rest_.data()));
        return value;
    }

private:
    // 0 to 15, or 16 for a character that is no hexadecimal digit.
    static unsigned digit_value(char c) noexcept {
        static constexpr auto values = [] {
            std::array<std::uint8_t, 256> table{};
            table.fill(16);
            for (std::uint8_t digit = 0; digit < 16; ++digit) {
                table[static_cast<unsigned char>("0123456789abcdef"[digit])] = digit;
                table[static_cast<unsigned char>("0123456789ABCDEF"[digit])] = digit;
            }
            return table;
        }();
        return values[static_cast<unsigned char>(c)];
    }

    std::string_view rest_;
};

// Four registers of 8 hexadecimal digits, as most tools print them: prefix ("0x") before each, separator between two; a
// blank for a separator stands for a run of spaces and tabs, which may stand before the first, too. Nothing where other
// text comes; some of it is read then.
std::optional<Registers> read_joined_registers(Cursor& cursor, std::string_view separator,
                                               std::string_view prefix = {}) noexcept;

}  // namespace poolcpuid::dump
