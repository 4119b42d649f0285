// The last step of every text for people: colours are put in, and nothing else that a terminal acts on gets through.
//
// A text is made with painted(), which puts in marks that are no UTF-8 and so cannot come from an input file.
// terminal_text() turns the marks into ANSI colours and makes everything around them printable, whoever put it there.
#pragma once

#include <string>
#include <string_view>

namespace poolcpuid::cli {

enum class Colour : char { none = '0', bold = '1', red = '2', green = '3', yellow = '4', cyan = '5' };

// text between the marks of a colour; as it is where that is none or there is no text.
std::string painted(std::string_view text, Colour colour);

// What may be written to a terminal: marks as ANSI colours, or left out without colour; line feeds as they are; every
// other control or formatting character as \u{…}. Linear.
std::string terminal_text(std::string_view marked, bool colour);

}  // namespace poolcpuid::cli
