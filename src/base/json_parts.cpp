#include "base/json_parts.hpp"

#include <algorithm>

#include "base/located_json.hpp"
#include "base/printable.hpp"

namespace poolcpuid::json {

namespace {

// The length of the string with which text begins, with both its quotes; all of text when it does not end.
std::size_t string_length(std::string_view text) noexcept {
    for (std::size_t at = 1; at < text.size(); ++at) {
        if (text[at] == '\\') {
            ++at;
        } else if (text[at] == '"') {
            return at + 1;
        }
    }
    return text.size();
}

std::size_t value_length(std::string_view text) noexcept {
    if (text.empty()) return 0;
    if (text.front() == '"') return string_length(text);
    if (text.front() == '{' || text.front() == '[') return bracketed_length(text, Brackets::all).value_or(text.size());
    return std::min(text.find_first_of(",]}\"{[: \t\r\n"), text.size());
}

}  // namespace

std::optional<std::size_t> bracketed_length(std::string_view text, Brackets brackets) noexcept {
    const bool counts_arrays = brackets == Brackets::all;
    std::size_t depth = 0;
    for (std::size_t at = 0; at < text.size(); ++at) {
        const char c = text[at];
        if (c == '"') {
            at += string_length(text.substr(at)) - 1;
        } else if (c == '{' || (counts_arrays && c == '[')) {
            ++depth;
        } else if (c == '}' || (counts_arrays && c == ']')) {
            if (--depth == 0) return at + 1;
        }
    }
    return std::nullopt;
}

Parts::Parts(std::string_view text, std::string_view file, std::size_t first_line)
    : text_(text, first_line), file_(file) {
    text_.go_over_blanks();
    if (text_.rest().empty() || (text_.rest().front() != '{' && text_.rest().front() != '['))
        refuse("an object or an array");
    end_ = text_.rest().front() == '{' ? '}' : ']';
    text_.go_over(1);
}

std::optional<Part> Parts::next() {
    if (ended_) return std::nullopt;
    text_.go_over_blanks();
    if (text_.rest().starts_with(end_)) {
        text_.go_over(1);
        text_.go_over_blanks();
        if (!text_.rest().empty()) refuse("nothing behind the document");
        ended_ = true;
        return std::nullopt;
    }
    if (!begins_) expect(',', is_object() ? "a comma or the end of the object" : "a comma or the end of the array");
    begins_ = false;
    Part part;
    if (is_object()) part.key = take_key();
    text_.go_over_blanks();
    part.line = text_.line();
    part.text = text_.rest().substr(0, value_length(text_.rest()));
    if (part.text.empty()) refuse("a value");
    text_.go_over(part.text.size());
    return part;
}

void Parts::refuse(const std::string& expected) const {
    const std::string_view found = text_.rest().substr(0, text_.rest().find('\n'));
    throw InputError(file_, text_.line(), expected, found.empty() ? "the end of the text" : quote(found));
}

void Parts::expect(char token, const char* what) {
    text_.go_over_blanks();
    if (!text_.rest().starts_with(token)) refuse(what);
    text_.go_over(1);
}

std::string Parts::take_key() {
    text_.go_over_blanks();
    if (!text_.rest().starts_with('"')) refuse("the name of a member");
    const std::string_view text = text_.rest().substr(0, string_length(text_.rest()));
    std::string key = parse(text, file_, text_.line()).text();
    text_.go_over(text.size());
    expect(':', "a colon behind the name of a member");
    return key;
}

}  // namespace poolcpuid::json
