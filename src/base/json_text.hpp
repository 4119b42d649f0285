// How our JSON documents are written.
#pragma once

#include <nlohmann/json_fwd.hpp>
#include <string>

namespace poolcpuid::json {

// The document indented by two blanks, with a line feed at the end. Control and formatting characters, of which names
// in foreign documents may hold any, are escaped (\u202e), so that showing the text in a terminal is safe; bytes that
// are not UTF-8 are U+FFFD. Linear.
std::string text_of(const nlohmann::ordered_json& document);

// The same without blanks, on one line: for NDJSON.
std::string line_of(const nlohmann::ordered_json& document);

// What nlohmann wrote, with the characters escaped that text_of escapes and nlohmann leaves: the text itself where
// there is none. Linear.
std::string with_escapes(std::string text);

}  // namespace poolcpuid::json
