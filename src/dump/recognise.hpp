// Which format a text is in.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

#include "dump/reader.hpp"

namespace poolcpuid::dump {

// The first format whose recogniser takes text, or nullptr.
const Format* recognise(std::string_view text) noexcept;

// The number of the first line that the format recognises by itself, or 0.
std::size_t first_row(const Format& format, std::string_view text) noexcept;

// Whether the format is a document of JSON or XML: one, and no lines that each say something.
bool is_document(const Format& format) noexcept;

// What messages call that of which a format is made: "rows of kcpuid", "what is read as cpuinfo".
std::string name_of_rows(const Format& format);

// True for what begins as an object or an array, which need not be well-formed: what logs and prompts have in brackets
// ("[CPUID]", "[2024-01-01T00:00:00Z] CPU 0:") is none. Looks at the first line.
bool begins_as_json(std::string_view text) noexcept;

// True for what is recognised by how it begins and by a word that stands anywhere.
bool begins_as_json_or_xml(std::string_view text) noexcept;

}  // namespace poolcpuid::dump
