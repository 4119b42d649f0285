#include "dump/xml.hpp"

#include <algorithm>
#include <string>

#include "poolcpuid/error.hpp"

namespace poolcpuid::dump {

namespace {

// A document with limits::rows_per_cpu rows has half a megabyte; the bound keeps a hostile one, whose
// tree takes many times its size, from taking all memory.
constexpr std::size_t largest_document = 8U << 20;

}  // namespace

std::size_t LineFinder::line_of(std::ptrdiff_t offset) noexcept {
    const std::size_t target = offset < 0 ? at_ : std::min(static_cast<std::size_t>(offset), text_.size());
    for (; at_ < target; ++at_) {
        if (text_[at_] == '\n') ++line_;
    }
    return line_;
}

pugi::xml_document parse_xml(const Source& source, LineFinder& lines) {
    if (source.bytes.size() > largest_document) {
        throw InputError(std::string(source.file), 0, "XML of at most " + std::to_string(largest_document) + " bytes",
                         std::to_string(source.bytes.size()));
    }
    pugi::xml_document document;
    const pugi::xml_parse_result parsed = document.load_buffer(
        source.bytes.data(), source.bytes.size(), pugi::parse_default | pugi::parse_fragment, pugi::encoding_utf8);
    if (!parsed) {
        throw InputError(std::string(source.file), lines.line_of(parsed.offset), "well-formed XML",
                         parsed.description());
    }
    return document;
}

}  // namespace poolcpuid::dump
