#include "dump/diff_output.hpp"

#include "dump/line_reader.hpp"
#include "dump/reader.hpp"

namespace poolcpuid::dump {

namespace {

// "1" or "1,60".
bool skip_range(Cursor& cursor) noexcept {
    if (!cursor.decimal()) return false;
    return !cursor.skip(",") || cursor.decimal().has_value();
}

// "@@ -1,60 +1,60 @@"
bool is_hunk(std::string_view line) noexcept {
    Cursor cursor(line);
    return cursor.skip("@@ -") && skip_range(cursor) && cursor.skip(" +") && skip_range(cursor) && cursor.skip(" @@");
}

// "8c8", "3a4,5", "7d6"
bool is_command(std::string_view line) noexcept {
    Cursor cursor(line);
    if (!skip_range(cursor)) return false;
    return (cursor.skip("a") || cursor.skip("c") || cursor.skip("d")) && skip_range(cursor) && cursor.at_end();
}

// Two rows of one format with what sdiff puts between them: blanks, "|", "<" or ">".
bool is_side_by_side(std::string_view line) noexcept {
    for (const Format& format : formats) {
        if (format.is_row == nullptr || !format.is_row(line)) continue;
        const std::size_t middle = line.find_last_of("\t|");
        if (middle == std::string_view::npos) return false;
        return format.is_row(bare(line.substr(middle + 1)));
    }
    return false;
}

}  // namespace

std::optional<std::size_t> find_diff_line(std::string_view text) noexcept {
    const auto has = [text](std::string_view mark) { return text.find(mark) != std::string_view::npos; };
    if (!has("@@ -") && !has("\n< ") && !has("\n> ") && !has("\t") && !has("|")) return std::nullopt;  // nearly always
    std::size_t number = 0;
    bool after_command = false;
    while (!text.empty()) {
        std::string_view line = take_line(text);
        if (line.ends_with('\r')) line.remove_suffix(1);
        ++number;
        if (after_command && (line.starts_with("< ") || line.starts_with("> "))) return number - 1;
        if (is_hunk(line) || is_side_by_side(bare(line))) return number;
        after_command = is_command(line);
    }
    return std::nullopt;
}

}  // namespace poolcpuid::dump
