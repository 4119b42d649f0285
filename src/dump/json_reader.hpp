// What readers of dumps have in common that are JSON of other tools: the document, and refusals that say where.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

#include "base/located_json.hpp"
#include "dump/reader.hpp"

namespace poolcpuid::dump {

class JsonReader {
protected:
    // The bytes of file's name must outlive the reader; first_line is that of source.bytes in it. Throws InputError for
    // what is no JSON.
    explicit JsonReader(const Source& source, std::size_t first_line = 1)
        : file_(source.file), document_(json::parse(source.bytes, source.file, first_line)) {}

    const json::Value& document() const noexcept { return document_; }
    std::string_view file() const noexcept { return file_; }

    [[noreturn]] void refuse(const json::Value& value, const std::string& expected, const std::string& found) const {
        throw InputError(std::string(file_), value.line(), expected, found);
    }

private:
    std::string_view file_;
    json::Value document_;
};

}  // namespace poolcpuid::dump
