#include "dump/diff_output.hpp"

#include <algorithm>

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

// The number of the first line with this character of which is_one(what stands before it, line) is true. The character
// is one that few dumps have: of all else nothing is looked at.
template <typename IsOne>
std::optional<std::size_t> find_line(std::string_view text, char mark, const IsOne& is_one) noexcept {
    for (std::size_t at = text.find(mark); at != text.npos; at = text.find(mark, at)) {
        const std::size_t begin = text.rfind('\n', at) + 1;
        at = std::min(text.find('\n', at), text.size());
        std::string_view line = text.substr(begin, at - begin);
        if (line.ends_with('\r')) line.remove_suffix(1);
        const std::string_view before = text.substr(0, begin);
        if (is_one(before, line)) return 1 + static_cast<std::size_t>(std::count(before.begin(), before.end(), '\n'));
    }
    return std::nullopt;
}

std::string_view last_line(std::string_view text) noexcept {
    if (text.ends_with('\n')) text.remove_suffix(1);
    if (text.ends_with('\r')) text.remove_suffix(1);
    return text.substr(text.rfind('\n') + 1);
}

}  // namespace

std::optional<std::size_t> find_diff_line(std::string_view text) noexcept {
    const auto is_of_command = [](std::string_view before, std::string_view line) {
        return (line.starts_with("< ") || line.starts_with("> ")) && is_command(last_line(before));
    };
    for (const char mark : {'<', '>'}) {
        if (const auto line = find_line(text, mark, is_of_command)) return *line - 1;
    }
    if (const auto line = find_line(text, '@', [](auto, auto each) { return is_hunk(each); })) return line;
    for (const char mark : {'\t', '|'}) {
        if (const auto line = find_line(text, mark, [](auto, auto each) { return is_side_by_side(bare(each)); }))
            return line;
    }
    return std::nullopt;
}

}  // namespace poolcpuid::dump
