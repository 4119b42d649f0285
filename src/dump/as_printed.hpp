// A text as the tool printed it: what a mail, a web page, a chat or an editor made of its blanks, and what stands
// around a document in it, is undone. The marks of a quotation and broken rows are a LineReader's task.
#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace poolcpuid::dump {

// True where no byte of text is above 7Fh. Linear: a look at each eight bytes.
bool is_ascii(std::string_view text) noexcept;

// True where text has tabs, other blanks than ASCII's (U+00A0, as HTML has them; U+2003, as typesetters do), or
// characters that have no width. are_ascii: as is_ascii() says of text. Linear; of ASCII a search for tabs.
bool has_odd_blanks(std::string_view text, bool are_ascii) noexcept;

// text with a blank for each of the first two, and nothing for each of the others. Linear.
std::string with_plain_blanks(std::string_view text);

// True for a line that begins or ends a block of code in a chat: "```". line has no blanks around it.
bool is_fence(std::string_view line) noexcept;

// What stands between the only two fences of text, or, without any, from the first line that is quoted ("> ") to the
// last, each line bare. The lines before it are left, empty, so that all have their numbers. Nothing where there is no
// such part, or several. Linear.
std::optional<std::string> enclosed_document(std::string_view text);

}  // namespace poolcpuid::dump
