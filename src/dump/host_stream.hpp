// Texts that hold several host documents: a document a line (NDJSON), documents over several lines one after another
// (what `jq .` prints of a stream), and an array of documents.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <optional>
#include <string_view>

#include "dump/line_reader.hpp"
#include "dump/reader.hpp"

namespace poolcpuid::dump {

// Takes the lines of a text one by one, without their line feeds (or carriage returns and line feeds).
// Unlike a LineReader it leaves blanks in place (a digest covers them) and bounds nothing.
class Lines {
public:
    explicit Lines(std::string_view text) noexcept : rest_(text) {}

    // The next line, or nothing at the end.
    std::optional<std::string_view> next() noexcept {
        if (rest_.empty()) return std::nullopt;
        ++number_;
        std::string_view line = take_line(rest_);
        if (line.ends_with('\r')) line.remove_suffix(1);
        return line;
    }

    // The number of the line that next() returned last; the first is 1.
    std::size_t number() const noexcept { return number_; }

private:
    std::string_view rest_;
    std::size_t number_ = 0;
};

// text without the mark that Windows programs put before UTF-8.
std::string_view without_byte_order_mark(std::string_view text) noexcept;

enum class StreamKind : std::uint8_t { none, lines, documents, array };

// Which of them text is, which may be the beginning of more; none for documents of other tools. Linear in the length of
// its first document; of lines, of the first two.
StreamKind stream_kind(std::string_view text) noexcept;

// False for one JSON value: in it no object ends before another begins with nothing but blanks between. Nearly all
// dumps are one value, and this is quicker than to go through it letter by letter.
bool may_be_several(std::string_view text) noexcept;

// A stream, or a part of one that is not the first.
struct StreamPart {
    StreamKind kind = StreamKind::none;
    std::size_t first_line = 1;
    std::size_t documents_before = 0;
};

// The error of a stream with more malformed documents than limits::unreadable_per_stream; line: that of the last.
InputError too_many_unreadable(std::string_view file, std::size_t line);

// Gives each document of a stream to take, with the line on which it begins. Throws InputError: more documents than
// limits::hosts_per_stream, one larger than it may be, what no array may have between or behind its documents, and what
// take throws. A document that does not end is given with all that follows, for its reader says best what is wrong.
// Linear, but for take.
void split_stream(const StreamPart& part, const Source& source,
                  const std::function<void(std::string_view document, std::size_t line)>& take);

}  // namespace poolcpuid::dump
