#include "base/json_parts.hpp"

#include <algorithm>

#include "base/located_json.hpp"
#include "base/printable.hpp"

namespace poolcpuid::json {

namespace {

constexpr std::string_view blanks = " \t\r\n";

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

// The same of an object or array. Which bracket closes which is for its parser to see.
std::size_t nested_length(std::string_view text) noexcept {
    std::size_t depth = 0;
    for (std::size_t at = 0; at < text.size(); ++at) {
        at = std::min(text.find_first_of("\"{}[]", at), text.size());
        if (at == text.size()) break;
        switch (text[at]) {
            case '"': at += string_length(text.substr(at)) - 1; break;
            case '{':
            case '[': ++depth; break;
            default:
                if (--depth == 0) return at + 1;
        }
    }
    return text.size();
}

std::size_t value_length(std::string_view text) noexcept {
    if (text.empty()) return 0;
    if (text.front() == '"') return string_length(text);
    if (text.front() == '{' || text.front() == '[') return nested_length(text);
    return std::min(text.find_first_of(",]}\"{[: \t\r\n"), text.size());
}

}  // namespace

Parts::Parts(std::string_view text, std::string_view file, std::size_t first_line)
    : rest_(text), file_(file), line_(first_line) {
    go_over_blanks();
    if (rest_.empty() || (rest_.front() != '{' && rest_.front() != '[')) refuse("an object or an array");
    end_ = rest_.front() == '{' ? '}' : ']';
    go_over(1);
}

std::optional<Part> Parts::next() {
    if (ended_) return std::nullopt;
    go_over_blanks();
    if (rest_.starts_with(end_)) {
        go_over(1);
        go_over_blanks();
        if (!rest_.empty()) refuse("nothing behind the document");
        ended_ = true;
        return std::nullopt;
    }
    if (!begins_) expect(',', is_object() ? "a comma or the end of the object" : "a comma or the end of the array");
    begins_ = false;
    Part part;
    if (is_object()) part.key = take_key();
    go_over_blanks();
    part.line = line_;
    part.text = rest_.substr(0, value_length(rest_));
    if (part.text.empty()) refuse("a value");
    go_over(part.text.size());
    return part;
}

void Parts::refuse(const std::string& expected) const {
    const std::string_view found = rest_.substr(0, rest_.find('\n'));
    throw InputError(file_, line_, expected, found.empty() ? "the end of the text" : quote(found));
}

void Parts::go_over(std::size_t length) noexcept {
    const std::string_view passed = rest_.substr(0, length);
    line_ += static_cast<std::size_t>(std::count(passed.begin(), passed.end(), '\n'));
    rest_.remove_prefix(passed.size());
}

void Parts::go_over_blanks() noexcept { go_over(std::min(rest_.find_first_not_of(blanks), rest_.size())); }

void Parts::expect(char token, const char* what) {
    go_over_blanks();
    if (!rest_.starts_with(token)) refuse(what);
    go_over(1);
}

std::string Parts::take_key() {
    go_over_blanks();
    if (!rest_.starts_with('"')) refuse("the name of a member");
    const std::string_view text = rest_.substr(0, string_length(rest_));
    std::string key = parse(text, file_, line_).text();
    go_over(text.size());
    expect(':', "a colon behind the name of a member");
    return key;
}

}  // namespace poolcpuid::json
