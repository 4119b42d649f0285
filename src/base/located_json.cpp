#include "base/located_json.hpp"

#include <algorithm>
#include <charconv>
#include <iterator>
#include <nlohmann/json.hpp>
#include <optional>

#include "base/hex.hpp"
#include "base/printable.hpp"
#include "poolcpuid/read_hosts.hpp"

namespace poolcpuid::json {

// The line of the character that the lexer read last. The lexer reads one character beyond a number
// and reports the number then; so a line feed counts only once the lexer has gone on from it.
struct LineCounter {
    std::size_t line = 1;
    bool line_feed_read = false;

    void read(char c) noexcept {
        if (line_feed_read) ++line;
        line_feed_read = c == '\n';
    }
};

namespace {

// Walks the bytes for nlohmann's lexer and counts the lines. The lexer copies iterators, so the count
// lives with the parse and not in the iterator.
class CountingIterator {
public:
    using iterator_category = std::input_iterator_tag;
    using value_type = char;
    using difference_type = std::ptrdiff_t;
    using pointer = const char*;
    using reference = const char&;

    CountingIterator(const char* at, LineCounter* counter) noexcept : at_(at), counter_(counter) {}

    reference operator*() const noexcept { return *at_; }
    CountingIterator& operator++() noexcept {
        counter_->read(*at_);
        ++at_;
        return *this;
    }
    CountingIterator operator++(int) noexcept {
        CountingIterator before = *this;
        ++*this;
        return before;
    }
    friend bool operator==(const CountingIterator& a, const CountingIterator& b) noexcept { return a.at_ == b.at_; }
    friend bool operator!=(const CountingIterator& a, const CountingIterator& b) noexcept { return !(a == b); }

private:
    const char* at_;
    LineCounter* counter_;
};

}  // namespace

// Receives nlohmann's SAX events and builds the tree. Values are placed by moving finished children
// into their parent, so a stack of open containers is all the state there is.
class Builder : public nlohmann::json_sax<nlohmann::json> {
public:
    Builder(std::string_view file, std::size_t size, const LineCounter* counter)
        : file_(file), size_(size), counter_(counter) {}

    bool null() override { return scalar(Value::Type::null, "null"); }
    bool boolean(bool value) override { return scalar(Value::Type::boolean, value ? "true" : "false"); }
    bool number_integer(number_integer_t value) override { return scalar(Value::Type::number, std::to_string(value)); }
    bool number_unsigned(number_unsigned_t value) override {
        return scalar(Value::Type::number, std::to_string(value));
    }
    bool number_float(number_float_t, const string_t& text) override { return scalar(Value::Type::number, text); }
    bool string(string_t& text) override { return scalar(Value::Type::string, std::move(text)); }
    bool binary(binary_t&) override { return false; }

    bool start_object(std::size_t) override { return open(Value::Type::object, std::vector<Value::Member>{}); }
    bool start_array(std::size_t) override { return open(Value::Type::array, std::vector<Value>{}); }
    bool end_object() override {
        refuse_repeated_keys(members());
        return close();
    }
    bool end_array() override { return close(); }

    bool key(string_t& name) override {
        members().emplace_back(std::move(name), Value{});
        return true;
    }

    // read: how many characters were, the end of the text among them.
    bool parse_error(std::size_t read, const std::string& token, const nlohmann::json::exception&) override {
        const std::string end = "the end of the text";
        const std::string last = quote(last_of(token));
        const std::string found = token.empty() ? end : read > size_ ? end + " after " + last : last;
        throw InputError(file_, counter_->line, "well-formed JSON", found);
    }

    Value take() { return std::move(root_); }

private:
    // What is wrong stands at the end of what the parser calls the token, which goes back to the last string or number:
    // on the last line of it that is not blank.
    static std::string_view last_of(std::string_view token) noexcept {
        constexpr std::string_view line_feed = "<U+000A>";  // as the parser spells it
        std::size_t begin = 0;
        for (std::size_t at = 0; (at = token.find(line_feed, at)) != std::string_view::npos; at += line_feed.size()) {
            const std::size_t next = token.find_first_not_of(" \t", at + line_feed.size());
            if (next != std::string_view::npos && !token.substr(next).starts_with("<U+")) begin = next;
        }
        return token.substr(begin);
    }

    bool scalar(Value::Type type, std::string text) {
        place(make(type, std::move(text)));
        return true;
    }

    template <typename Content>
    bool open(Value::Type type, Content content) {
        if (open_.size() >= limits::json_depth) {
            throw InputError(file_, counter_->line,
                             "JSON nested at most " + std::to_string(limits::json_depth) + " deep", "a deeper value");
        }
        open_.push_back(make(type, std::move(content)));
        return true;
    }

    template <typename Content>
    Value make(Value::Type type, Content content) {
        if (++values_ > limits::json_values) {
            throw InputError(file_, counter_->line,
                             "JSON of at most " + std::to_string(limits::json_values) + " values", "more");
        }
        Value value;
        value.type_ = type;
        value.line_ = counter_->line;
        value.content_ = std::move(content);
        return value;
    }

    bool close() {
        Value done = std::move(open_.back());
        open_.pop_back();
        place(std::move(done));
        return true;
    }

    void place(Value value) {
        if (open_.empty()) {
            root_ = std::move(value);
        } else if (open_.back().is_array()) {
            std::get<std::vector<Value>>(open_.back().content_).push_back(std::move(value));
        } else {
            members().back().second = std::move(value);
        }
    }

    std::vector<Value::Member>& members() { return std::get<std::vector<Value::Member>>(open_.back().content_); }

    // Sorting keeps an object of a million keys from taking a million million comparisons.
    void refuse_repeated_keys(const std::vector<Value::Member>& members) const {
        std::vector<const Value::Member*> sorted;
        sorted.reserve(members.size());
        for (const Value::Member& member : members) sorted.push_back(&member);
        std::stable_sort(sorted.begin(), sorted.end(),
                         [](const auto* a, const auto* b) { return a->first < b->first; });
        const auto same = [](const auto* a, const auto* b) { return a->first == b->first; };
        const auto repeated = std::adjacent_find(sorted.begin(), sorted.end(), same);
        if (repeated == sorted.end()) return;
        const Value::Member& again = **std::next(repeated);
        throw InputError(file_, again.second.line(), "each key once in an object",
                         "key " + quote(again.first) + " again");
    }

    std::string file_;
    std::size_t size_;  // of the text, in bytes
    const LineCounter* counter_;
    std::size_t values_ = 0;
    std::vector<Value> open_;
    Value root_;
};

const Value* Value::find(std::string_view key) const {
    const std::vector<Member>& all = members();
    const auto at = std::find_if(all.begin(), all.end(), [&](const Member& m) { return m.first == key; });
    return at == all.end() ? nullptr : &at->second;
}

Value parse(std::string_view bytes, std::string_view file, std::size_t first_line) {
    LineCounter counter{first_line};
    Builder builder(file, bytes.size(), &counter);
    const CountingIterator begin(bytes.data(), &counter);
    const CountingIterator end(bytes.data() + bytes.size(), &counter);
    nlohmann::json::sax_parse(begin, end, &builder);
    return builder.take();
}

std::string describe(const Value& value) {
    switch (value.type()) {
        case Value::Type::null: return "null";
        case Value::Type::boolean:
        case Value::Type::number: return value.text().size() <= 40 ? value.text() : "a long number";
        case Value::Type::string: return quote(value.text());
        case Value::Type::array: return "an array";
        case Value::Type::object: break;
    }
    return "an object";
}

ObjectReader::ObjectReader(const Value& object, std::string_view file, std::string what)
    : object_(object), file_(file), what_(std::move(what)) {
    if (!object.is_object()) throw InputError(file_, object.line(), what_ + " (an object)", describe(object));
}

const Value* ObjectReader::optional(std::string_view key) {
    asked_.push_back(key);
    return object_.find(key);
}

const Value& ObjectReader::required(std::string_view key) {
    const Value* value = optional(key);
    if (value == nullptr) {
        throw InputError(file_, object_.line(), "\"" + std::string(key) + "\" in " + what_, "none");
    }
    return *value;
}

const Value* ObjectReader::optional_typed(std::string_view key, Value::Type type, const char* expected) {
    const Value* value = optional(key);
    if (value != nullptr && value->type() != type) {
        throw InputError(file_, value->line(), std::string(expected) + " as \"" + std::string(key) + "\" of " + what_,
                         describe(*value));
    }
    return value;
}

const Value& ObjectReader::typed(std::string_view key, Value::Type type, const char* expected) {
    required(key);
    asked_.pop_back();
    return *optional_typed(key, type, expected);
}

const std::string& ObjectReader::required_string(std::string_view key) {
    return typed(key, Value::Type::string, "a string").text();
}

const std::string* ObjectReader::optional_string(std::string_view key) {
    const Value* value = optional_typed(key, Value::Type::string, "a string");
    return value == nullptr ? nullptr : &value->text();
}

const std::vector<Value>& ObjectReader::required_array(std::string_view key) {
    return typed(key, Value::Type::array, "an array").items();
}

const std::vector<Value>* ObjectReader::optional_array(std::string_view key) {
    const Value* value = optional_typed(key, Value::Type::array, "an array");
    return value == nullptr ? nullptr : &value->items();
}

const Value& ObjectReader::required_object(std::string_view key) {
    return typed(key, Value::Type::object, "an object");
}

const Value* ObjectReader::optional_object(std::string_view key) {
    return optional_typed(key, Value::Type::object, "an object");
}

bool ObjectReader::optional_bool(std::string_view key, bool otherwise) {
    const Value* value = optional_typed(key, Value::Type::boolean, "true or false");
    return value == nullptr ? otherwise : value->boolean();
}

std::uint64_t ObjectReader::required_hex(std::string_view key, std::size_t digits) {
    return hex_of(required(key), file_, digits);
}

void ObjectReader::finish() const {
    for (const auto& [key, value] : object_.members()) {
        if (std::find(asked_.begin(), asked_.end(), key) == asked_.end()) {
            throw InputError(file_, value.line(), "only known keys in " + what_, quote(key));
        }
    }
}

void ObjectReader::fail(const Value& value, std::string expected) const {
    throw InputError(file_, value.line(), std::move(expected) + " in " + what_, describe(value));
}

std::optional<std::uint64_t> unsigned_of(const Value& value) {
    if (value.type() != Value::Type::number) return std::nullopt;
    const std::string& text = value.text();
    std::uint64_t result = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), result);
    if (error != std::errc{} || end != text.data() + text.size()) return std::nullopt;
    return result;
}

std::uint64_t hex_of(const Value& value, std::string_view file, std::size_t digits) {
    const std::optional<std::uint64_t> result = value.is_string() ? from_hex(value.text(), digits) : std::nullopt;
    if (!result) {
        throw InputError(std::string(file), value.line(),
                         "a string of \"0x\" and 1 to " + std::to_string(digits) + " hexadecimal digits",
                         describe(value));
    }
    return *result;
}

}  // namespace poolcpuid::json
