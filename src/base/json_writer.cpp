#include "base/json_writer.hpp"

#include <algorithm>
#include <array>
#include <charconv>
#include <limits>
#include <utility>

#include "base/json_text.hpp"

namespace poolcpuid::json {

namespace {

using Json = nlohmann::ordered_json;

constexpr unsigned indent_step = 2;  // as text_of has it

// True for a character that stands for itself in a JSON string, whatever stands beside it.
constexpr auto is_plain = [] {
    std::array<bool, 256> plain{};
    for (unsigned c = ' '; c <= '~'; ++c) plain[c] = c != '"' && c != '\\';
    return plain;
}();

}  // namespace

// nlohmann's class behind Json::dump, which makes one for each call: that takes more than to write a short value.
struct Writer::Serializer : nlohmann::detail::serializer<Json> {
    explicit Serializer(std::string& text)
        : nlohmann::detail::serializer<Json>(nlohmann::detail::output_adapter<char>(text), ' ',
                                             Json::error_handler_t::replace) {}
};

Writer::Writer(std::size_t room) : serializer_(std::make_unique<Serializer>(text_)) {
    text_.reserve(room);
    begin('{');
}

Writer::~Writer() = default;

std::string Writer::text() {
    end('}');
    text_ += '\n';
    return with_escapes(std::move(text_));
}

void Writer::begin(char bracket) {
    text_ += bracket;
    ++depth_;
    is_first_ = true;
}

void Writer::end(char bracket) {
    --depth_;
    if (!is_first_) put_line("\n");
    text_ += bracket;
    is_first_ = false;
}

// All at once: a document has some hundreds of keys, and most texts in it are as short.
void Writer::put_key(std::string_view key) {
    constexpr std::string_view behind = "\": ";
    char* at = put_line(is_first_ ? "\n" : ",\n", 1 + key.size() + behind.size());
    *at = '"';
    at = std::copy(key.begin(), key.end(), at + 1);
    std::copy(behind.begin(), behind.end(), at);
    is_first_ = false;
}

void Writer::put_separator() {
    put_line(is_first_ ? "\n" : ",\n");
    is_first_ = false;
}

void Writer::put_value(const Json& value) { serializer_->dump(value, true, false, indent_step, depth_ * indent_step); }

// Most texts have nothing that nlohmann would have to look at.
void Writer::put_value(std::string_view text) {
    const auto stands = [](char character) { return is_plain[static_cast<unsigned char>(character)]; };
    if (!std::all_of(text.begin(), text.end(), stands)) return put_value(Json(text));
    ((text_ += '"') += text) += '"';
}

void Writer::put_number(std::uint64_t number) {
    std::array<char, std::numeric_limits<std::uint64_t>::digits10 + 1> digits{};
    const char* end = std::to_chars(digits.data(), digits.data() + digits.size(), number).ptr;
    text_.append(digits.data(), static_cast<std::size_t>(end - digits.data()));
}

char* Writer::put_line(std::string_view end, std::size_t size) {
    const std::size_t begin = text_.size();
    const std::size_t indent = std::size_t{depth_} * indent_step;
    text_.append(end.size() + indent + size, ' ');
    std::copy(end.begin(), end.end(), text_.begin() + static_cast<std::ptrdiff_t>(begin));
    return text_.data() + begin + end.size() + indent;
}

}  // namespace poolcpuid::json
