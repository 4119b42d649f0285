// JSON that remembers the line on which each value stands, so that a message about a value can say where.
//
// nlohmann_json does the parsing (its SAX interface); this adds the lines, refuses duplicate keys and
// too deep nesting, and gives readers accessors that throw InputError with file, line and path.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

#include "poolcpuid/error.hpp"

namespace poolcpuid::json {

class Value {
public:
    enum class Type : std::uint8_t { null, boolean, number, string, array, object };
    using Member = std::pair<std::string, Value>;

    Type type() const noexcept { return type_; }
    // The line (from 1) on which the value starts.
    std::size_t line() const noexcept { return line_; }

    bool is_object() const noexcept { return type_ == Type::object; }
    bool is_array() const noexcept { return type_ == Type::array; }
    bool is_string() const noexcept { return type_ == Type::string; }

    // The content; each may be called only when type() says so.
    bool boolean() const { return text() == "true"; }
    // The text of a string (unescaped), or of a number: an integer in decimal, any other as it stands.
    const std::string& text() const { return std::get<std::string>(content_); }
    const std::vector<Value>& items() const { return std::get<std::vector<Value>>(content_); }
    const std::vector<Member>& members() const { return std::get<std::vector<Member>>(content_); }

    // The member of an object, or nullptr. Linear in the number of members.
    const Value* find(std::string_view key) const;

private:
    friend class Builder;
    Type type_ = Type::null;
    std::size_t line_ = 0;
    std::variant<std::string, std::vector<Value>, std::vector<Member>> content_;  // scalars are text
};

// Parses one document. first_line is the line number of its first byte in file (for NDJSON).
// Throws InputError: syntax errors, duplicate keys, nesting beyond limits::json_depth, more than
// limits::json_values values, trailing text. O(n log n) in the size of bytes, for the keys of large objects.
Value parse(std::string_view bytes, std::string_view file, std::size_t first_line = 1);

// "an object", "a string" …: a value's type for messages, with the text of a short scalar.
std::string describe(const Value& value);

// Reads the members of an object by name, each with the type that the caller expects. Throws
// InputError that names file, line and key; finish() refuses members that no call asked for.
class ObjectReader {
public:
    // what names the object in messages: "a CPUID row".
    ObjectReader(const Value& object, std::string_view file, std::string what);

    const Value& required(std::string_view key);
    const Value* optional(std::string_view key);
    const std::string& required_string(std::string_view key);
    const std::string* optional_string(std::string_view key);
    const std::vector<Value>& required_array(std::string_view key);
    const std::vector<Value>* optional_array(std::string_view key);
    const Value& required_object(std::string_view key);
    const Value* optional_object(std::string_view key);
    bool optional_bool(std::string_view key, bool otherwise);
    // A string "0x…" of at most digits hexadecimal digits.
    std::uint64_t required_hex(std::string_view key, std::size_t digits);

    // Throws when the object has a member that was not asked for.
    void finish() const;

    // An InputError at value's line.
    [[noreturn]] void fail(const Value& value, std::string expected) const;
    const std::string& file() const noexcept { return file_; }

private:
    const Value& typed(std::string_view key, Value::Type type, const char* expected);
    const Value* optional_typed(std::string_view key, Value::Type type, const char* expected);

    const Value& object_;
    std::string file_;
    std::string what_;
    std::vector<std::string_view> asked_;
};

// The value of a number that is a whole one of at most 64 bits, and not negative; nothing for all else.
std::optional<std::uint64_t> unsigned_of(const Value& value);

// The value of "0x…" with 1 to digits hexadecimal digits, or throws InputError at value's line.
std::uint64_t hex_of(const Value& value, std::string_view file, std::size_t digits);

}  // namespace poolcpuid::json
