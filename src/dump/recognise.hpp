// Which format a text is in.
#pragma once

#include <cstddef>
#include <string_view>

#include "dump/reader.hpp"

namespace poolcpuid::dump {

// The first format whose recogniser takes text, or nullptr.
const Format* recognise(std::string_view text) noexcept;

// The number of the first line that the format recognises by itself, or 0.
std::size_t first_row(const Format& format, std::string_view text) noexcept;

// True for what is recognised by how it begins and by a word that stands anywhere.
bool begins_as_json_or_xml(std::string_view text) noexcept;

}  // namespace poolcpuid::dump
