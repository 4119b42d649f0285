#include "dump/line_reader.hpp"

#include <string>

#include "base/printable.hpp"

namespace poolcpuid::dump {

namespace {

bool may_begin_register(char c) noexcept { return c == 'e' || c == 'E'; }

// "edx=0x", in either case.
bool starts_with_register(std::string_view text) noexcept {
    if (text.size() < 6 || !may_begin_register(text.front()) || std::string_view(text.data() + 3, 3) != "=0x")
        return false;
    const std::string_view name(text.data(), 3);
    for (const std::string_view reg : {"eax", "ebx", "ecx", "edx", "EAX", "EBX", "ECX", "EDX"}) {
        if (name == reg) return true;
    }
    return false;
}

}  // namespace

LineReader::LineReader(const Source& source, PieceOf piece_of)
    : source_(source), piece_of_(piece_of), rest_(source.bytes) {
    if (rest_.size() > limits::dump_bytes) {
        throw InputError(std::string(source.file), 0,
                         "a dump of at most " + std::to_string(limits::dump_bytes) + " bytes",
                         std::to_string(rest_.size()));
    }
}

bool LineReader::next() {
    leave_line();
    if (!take_line()) {
        if (source_.unused != nullptr) source_.unused->is_all = !has_unused_joined_;
        return false;
    }
    is_used_ = false;
    number_ = taken_;
    if (!text_.empty() && continues(rest_)) {
        join_registers();
    } else if (piece_of_ != nullptr && piece_of_(text_) == Piece::part) {
        join_pieces();
    }
    return true;
}

bool LineReader::next_if(std::string_view line) {
    if (!rest_.starts_with(line)) return false;
    const std::string_view behind(rest_.data() + line.size(), rest_.size() - line.size());
    if (continues(behind)) return false;
    leave_line();
    begin_ = rest_.data();
    text_ = bare({begin_, line.size() - 1});
    rest_ = behind;
    number_ = ++taken_;
    return true;
}

void LineReader::join_registers() {
    joined_ = text_;
    while (continues(rest_)) {
        while (take_line() && text_.empty()) {
        }
        (joined_ += ' ') += text_;
    }
    text_ = joined_;
}

void LineReader::join_pieces() {
    constexpr int most_pieces = 8;  // most lines of mails hold half a row
    const char* const begin = begin_;
    const std::string_view part = text_;
    const std::string_view rest = rest_;
    const std::size_t taken = taken_;
    joined_ = part;
    for (int pieces = 1; pieces < most_pieces && take_line();) {
        if (text_.empty()) continue;  // some pastes have a blank line between all lines
        (joined_ += ' ') += text_;
        ++pieces;
        text_ = joined_;
        if (piece_of_(joined_) == Piece::whole) return;
    }
    begin_ = begin;
    text_ = part;
    rest_ = rest;
    taken_ = taken;
}

// Of the line on which the reader stands, which it leaves.
void LineReader::leave_line() {
    if (is_used_ || source_.unused == nullptr) return;
    (source_.unused->text += text_) += '\n';
    has_unused_joined_ = has_unused_joined_ || is_joined();
    is_used_ = true;
}

bool LineReader::take_line() {
    if (rest_.empty()) return false;
    ++taken_;
    begin_ = rest_.data();
    const std::string_view line = dump::take_line(rest_);
    if (line.size() > limits::line_bytes) {
        throw InputError(std::string(source_.file), taken_,
                         "a line of at most " + std::to_string(limits::line_bytes) + " bytes",
                         std::to_string(line.size()));
    }
    text_ = bare(line);
    return true;
}

// True when next begins with a register, be it after blank lines, as some pastes have between all lines.
bool LineReader::continues(std::string_view next) noexcept {
    const auto is_skipped = [](char c) { return c == ' ' || c == '\t' || c == '\r' || c == '\n' || c == '>'; };
    while (!next.empty() && is_skipped(next.front())) next.remove_prefix(1);
    return !next.empty() && may_begin_register(next.front()) && starts_with_register(next);  // hardly a line does
}

std::string_view trim(std::string_view text) noexcept {
    const auto is_blank = [](char c) { return c == ' ' || c == '\t' || c == '\r'; };
    while (!text.empty() && is_blank(text.front())) text.remove_prefix(1);
    while (!text.empty() && is_blank(text.back())) text.remove_suffix(1);
    return text;
}

char first_character(std::string_view text) noexcept {
    const std::size_t at = text.find_first_not_of(" \t\r\n");
    return at == std::string_view::npos ? '\0' : text[at];
}

std::string_view unquoted(std::string_view text) noexcept {
    text = trim(text);
    while (text.starts_with('>')) text = trim(text.substr(1));
    return text;
}

std::string quote_row(std::string_view line) {
    constexpr std::size_t longest_row = 200;
    return quote(line, longest_row);
}

namespace {

bool has_registers(std::string_view line, std::size_t wanted) noexcept {
    std::size_t count = 0;
    for (std::size_t at = 0; count < wanted && at < line.size(); ++at)
        count += starts_with_register(line.substr(at)) ? 1 : 0;
    return count == wanted;
}

}  // namespace

bool has_register(std::string_view line) noexcept { return has_registers(line, 1); }

bool has_registers(std::string_view line) noexcept { return has_registers(line, 2); }

std::optional<Registers> read_joined_registers(Cursor& cursor, std::string_view separator,
                                               std::string_view prefix) noexcept {
    Registers value;
    for (const Register reg : all_registers) {
        const bool separated = separator == " " ? cursor.skip_blanks() : reg == Register::eax || cursor.skip(separator);
        if ((reg != Register::eax && !separated) || !cursor.skip(prefix)) return std::nullopt;
        const auto part = cursor.hex(8);
        if (!part) return std::nullopt;
        value[reg] = *part;
    }
    return value;
}

}  // namespace poolcpuid::dump
