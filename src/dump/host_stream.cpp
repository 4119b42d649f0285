#include "dump/host_stream.hpp"

#include <algorithm>
#include <string>

#include "base/json_parts.hpp"
#include "base/located_text.hpp"
#include "base/printable.hpp"
#include "dump/line_reader.hpp"

namespace poolcpuid::dump {

namespace {

constexpr std::string_view json_blanks = " \t\r\n";

std::string_view without_blanks(std::string_view text) noexcept {
    return text.substr(std::min(text.find_first_not_of(json_blanks), text.size()));
}

// The length of the object with which text begins, in braces of its own; 0 when it begins with none, or with one that
// does not end.
std::size_t object_length(std::string_view text) noexcept {
    return text.starts_with('{') ? json::bracketed_length(text, json::Brackets::of_objects).value_or(0) : 0;
}

// True when the first two lines that are not blank are "{…}" and "{…", and one of them is a host document: within one
// JSON value a comma stands between an object's end and another's beginning, so these are two documents.
bool is_document_a_line(std::string_view text) noexcept {
    Lines lines(text);
    std::string_view first;
    while (const auto line = lines.next()) {
        const std::string_view bare = trim(*line);
        if (bare.empty()) continue;
        if (!first.empty()) return bare.front() == '{' && (is_host_json(first) || is_host_json(bare));
        if (bare.front() != '{' || bare.back() != '}') return false;
        first = bare;
    }
    return false;
}

// Walks over the documents of a stream that is not one a line.
class Walk {
public:
    Walk(StreamKind kind, const Source& source) : kind_(kind), source_(source), text_(source.bytes) {
        text_.go_over_blanks();
        if (kind_ == StreamKind::array) text_.go_over(1);
    }

    // The next document, or nothing at the end.
    std::optional<std::string_view> next() {
        text_.go_over_blanks();
        if (kind_ == StreamKind::array && taken_ != 0 && !go_over_comma()) return std::nullopt;
        if (kind_ == StreamKind::documents && text_.rest().empty()) return std::nullopt;
        if (kind_ == StreamKind::array && !text_.rest().starts_with('{')) {
            refuse("a host document as element " + std::to_string(taken_ + 1) + " of the array");
        }
        const std::size_t length = object_length(text_.rest());
        const std::string_view document = text_.rest().substr(0, length == 0 ? text_.rest().size() : length);
        line_ = text_.line();
        text_.go_over(document.size());
        ++taken_;
        return document;
    }

    // The line on which the document begins that next() returned last.
    std::size_t line() const noexcept { return line_; }

private:
    // False at the end of the array, and of the text.
    bool go_over_comma() {
        const bool ends = text_.rest().starts_with(']');
        if (!ends && !text_.rest().starts_with(',')) refuse("a comma or the end of the array");
        text_.go_over(1);
        text_.go_over_blanks();
        if (ends && !text_.rest().empty()) refuse("nothing behind the array");
        return !ends;
    }

    [[noreturn]] void refuse(const std::string& expected) const {
        const std::string_view line = trim(text_.rest().substr(0, text_.rest().find('\n')));
        throw InputError(std::string(source_.file), text_.line(), expected,
                         line.empty() ? "the end of the text" : quote(line));
    }

    StreamKind kind_;
    Source source_;
    LocatedText text_;
    std::size_t taken_ = 0;  // documents so far
    std::size_t line_ = 1;
};

}  // namespace

std::string_view without_byte_order_mark(std::string_view text) noexcept {
    constexpr std::string_view mark = "\xEF\xBB\xBF";
    return text.starts_with(mark) ? text.substr(mark.size()) : text;
}

bool may_be_several(std::string_view text) noexcept {
    for (std::size_t at = 0; (at = text.find('}', at)) != std::string_view::npos; ++at) {
        if (without_blanks(text.substr(at + 1)).starts_with('{')) return true;
    }
    return false;
}

StreamKind stream_kind(std::string_view text) noexcept {
    if (is_document_a_line(text)) return StreamKind::lines;
    std::string_view rest = without_blanks(text);
    const bool is_array = rest.starts_with('[');
    if (is_array) rest = without_blanks(rest.substr(1));
    if (!rest.starts_with('{') || !is_host_json(rest)) return StreamKind::none;
    if (!is_array && !may_be_several(rest)) return StreamKind::none;
    const std::size_t length = object_length(rest);
    if (length == 0 || !is_host_json(rest.substr(0, length))) return StreamKind::none;
    if (is_array) return StreamKind::array;
    return without_blanks(rest.substr(length)).starts_with('{') ? StreamKind::documents : StreamKind::none;
}

InputError too_many_unreadable(std::string_view file, std::size_t line) {
    return {std::string(file), line,
            "at most " + std::to_string(limits::unreadable_per_stream) + " malformed documents in a stream", "more"};
}

void split_stream(const StreamPart& part, const Source& source,
                  const std::function<void(std::string_view document, std::size_t line)>& take) {
    std::size_t taken = part.documents_before;
    const auto give = [&](std::string_view document, std::size_t line, std::size_t most, const char* what) {
        const auto refuse = [&](std::size_t limit, const char* of) {
            throw InputError(std::string(source.file), line, "at most " + std::to_string(limit) + of, "more");
        };
        if (document.size() > most) refuse(most, what);
        if (++taken > limits::hosts_per_stream) refuse(limits::hosts_per_stream, " hosts in a stream");
        take(document, line);
    };
    if (part.kind == StreamKind::lines) {
        Lines lines(source.bytes);
        while (const auto line = lines.next()) {
            if (trim(*line).empty()) continue;
            give(*line, part.first_line + lines.number() - 1, limits::line_bytes, " bytes in a line");
        }
        return;
    }
    Walk walk(part.kind, source);
    while (const auto document = walk.next()) {
        give(*document, walk.line(), limits::dump_bytes, " bytes in a document");
    }
}

}  // namespace poolcpuid::dump
