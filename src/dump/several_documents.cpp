#include "dump/several_documents.hpp"

#include <string>

#include "base/json_parts.hpp"
#include "base/located_text.hpp"
#include "dump/host_stream.hpp"
#include "dump/line_reader.hpp"
#include "dump/one_machine.hpp"
#include "dump/recognise.hpp"

namespace poolcpuid::dump {

namespace {

// The first of several objects; empty where there are not several.
struct FirstObject {
    std::string_view text;
    std::size_t line = 1;       // on which it begins
    std::size_t next_line = 0;  // on which the next one begins
};

// The object with which what is left of text begins, and the one behind it.
FirstObject first_object(LocatedText text) noexcept {
    FirstObject first;
    first.text = text.rest().substr(0, json::bracketed_length(text.rest(), json::Brackets::of_objects).value_or(0));
    first.line = text.line();
    text.go_over(first.text.size());
    text.go_over_blanks();
    first.next_line = text.line();
    return text.rest().starts_with('{') ? first : FirstObject{};
}

// An array with one element is one, too.
FirstObject first_element(LocatedText text) noexcept {
    text.go_over(1);
    text.go_over_blanks();
    if (!text.rest().starts_with('{')) return {};
    const auto length = json::bracketed_length(text.rest(), json::Brackets::of_objects);
    return {text.rest().substr(0, length.value_or(0)), text.line(), 0};
}

// The format of JSON that an object is by itself, or nullptr.
const Format* format_of_object(std::string_view object) noexcept {
    const Format* format = object.empty() ? nullptr : recognise(object);
    return format == nullptr || format->documents.empty() ? nullptr : format;
}

void refuse_array(const LocatedText& text, std::string_view file) {
    const FirstObject first = first_element(text);
    const Format* format = format_of_object(first.text);
    if (format == nullptr) return;
    throw InputError(std::string(file), first.line, "a CPUID dump",
                     "an array of " + std::string(format->documents) +
                         " (each host needs a file of its own: `jq '.[0]'` prints the first)");
}

}  // namespace

void refuse_several_documents(const Format* whole, const Source& source) {
    if (whole != nullptr && (whole->documents.empty() || whole->in_a_row)) return;
    LocatedText text(source.bytes);
    text.go_over_blanks();
    if (text.rest().starts_with('[')) return refuse_array(text, source.file);
    if (!text.rest().starts_with('{') || !may_be_several(text.rest())) return;
    const FirstObject first = first_object(text);
    if (first.text.empty()) return;
    if (format_of_object(first.text) != nullptr) {
        throw InputError(std::string(source.file), first.next_line,
                         "the end of the text after the document of line " + std::to_string(first.line),
                         std::string("another JSON document") + two_hosts);
    }
    if (whole == nullptr) return;
    throw InputError(std::string(source.file), first.line, "a dump of one host",
                     "JSON of another kind, and more documents behind it");
}

}  // namespace poolcpuid::dump
