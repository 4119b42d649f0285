// XML dumps: parsed with their limits, and the lines on which their elements stand.
#pragma once

#include <cstddef>
#include <pugixml.hpp>
#include <string_view>

#include "dump/reader.hpp"

namespace poolcpuid::dump {

// The line on which an offset of the text lies. Offsets must not decrease from call to call, so that
// a whole document costs one pass.
class LineFinder {
public:
    explicit LineFinder(std::string_view text) noexcept : text_(text) {}

    std::size_t line_of(std::ptrdiff_t offset) noexcept;

private:
    std::string_view text_;
    std::size_t at_ = 0;
    std::size_t line_ = 1;
};

// Parses a document. Throws InputError: it is not well-formed, or larger than a dump in XML may be.
pugi::xml_document parse_xml(const Source& source, LineFinder& lines);

// Throws InputError where something follows the root element: the document of another host. To be called once the
// root was read, for offsets must not decrease.
void expect_end_after(const pugi::xml_node& root, const Source& source, LineFinder& lines);

}  // namespace poolcpuid::dump
