#include "dump/xml.hpp"

#include <algorithm>
#include <string>

#include "poolcpuid/error.hpp"
#include "poolcpuid/limits.hpp"

namespace poolcpuid::dump {

std::size_t LineFinder::line_of(std::ptrdiff_t offset) noexcept {
    const std::size_t target = offset < 0 ? at_ : std::min(static_cast<std::size_t>(offset), text_.size());
    for (; at_ < target; ++at_) {
        if (text_[at_] == '\n') ++line_;
    }
    return line_;
}

pugi::xml_document parse_xml(const Source& source, LineFinder& lines) {
    if (source.bytes.size() > limits::xml_bytes) {
        throw InputError(std::string(source.file), 0, "XML of at most " + std::to_string(limits::xml_bytes) + " bytes",
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

void expect_end_after(const pugi::xml_node& root, const Source& source, LineFinder& lines) {
    const pugi::xml_node next = root.next_sibling();
    if (!next) return;
    throw InputError(std::string(source.file), lines.line_of(next.offset_debug()),
                     "the end of the text after </" + std::string(root.name()) + ">", "more");
}

}  // namespace poolcpuid::dump
