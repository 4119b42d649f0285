// A JSON document that is too large to be held as values: its members, or the elements of an array, one after another,
// each as the text that it is. Whoever takes a part parses it (located_json.hpp), which refuses what is no JSON.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "base/located_text.hpp"
#include "poolcpuid/error.hpp"

namespace poolcpuid::json {

// A member's value, or an element.
struct Part {
    std::string key;  // of a member, unescaped; empty of an element
    std::string_view text;
    std::size_t line = 0;  // of its first byte
};

// The length of the object or array with which text begins; nothing when it does not end. Which bracket closes which is
// for its parser to see; objects alone: those of arrays do not count. Linear.
enum class Brackets : std::uint8_t { of_objects, all };
std::optional<std::size_t> bracketed_length(std::string_view text, Brackets brackets) noexcept;

// Goes over one object or array.
class Parts {
public:
    // text is one value and may have blanks around it; its first byte stands on first_line of file. Throws InputError
    // when it is neither an object nor an array.
    Parts(std::string_view text, std::string_view file, std::size_t first_line);

    // The next part, or nothing at the end. Throws InputError where what stands between the parts is not what JSON has
    // there, also behind the end. Linear in the part.
    std::optional<Part> next();

    bool is_object() const noexcept { return end_ == '}'; }

private:
    [[noreturn]] void refuse(const std::string& expected) const;
    void expect(char token, const char* what);
    std::string take_key();

    LocatedText text_;
    std::string file_;
    char end_ = '\0';
    bool begins_ = true;
    bool ended_ = false;
};

}  // namespace poolcpuid::json
