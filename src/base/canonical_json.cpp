#include "base/canonical_json.hpp"

#include <algorithm>
#include <string_view>
#include <utility>
#include <vector>

namespace poolcpuid::json {

namespace {

class CanonicalWriter {
public:
    std::string run(const Value& document, std::string_view without) {
        if (document.is_object()) {
            put_object(document.members(), without);
        } else {
            put(document);
        }
        return std::move(text_);
    }

private:
    void put(const Value& value) {
        switch (value.type()) {
            case Value::Type::null: text_ += "null"; break;
            case Value::Type::boolean: text_ += value.boolean() ? "true" : "false"; break;
            case Value::Type::number: text_ += value.text(); break;
            case Value::Type::string: put_string(value.text()); break;
            case Value::Type::array: put_array(value.items()); break;
            case Value::Type::object: put_object(value.members()); break;
        }
    }

    void put_array(const std::vector<Value>& items) {
        text_ += '[';
        for (const Value& item : items) {
            if (&item != items.data()) text_ += ',';
            put(item);
        }
        text_ += ']';
    }

    void put_object(const std::vector<Value::Member>& members, std::string_view without = {}) {
        const auto by_key = [](const Value::Member* a, const Value::Member* b) { return a->first < b->first; };
        std::vector<const Value::Member*> sorted;
        sorted.reserve(members.size());
        for (const Value::Member& member : members) {
            if (without.empty() || member.first != without) sorted.push_back(&member);
        }
        if (!std::is_sorted(sorted.begin(), sorted.end(), by_key)) std::sort(sorted.begin(), sorted.end(), by_key);
        text_ += '{';
        for (const Value::Member* member : sorted) put_member(*member, member == sorted.front());
        text_ += '}';
    }

    void put_member(const Value::Member& member, bool first) {
        if (!first) text_ += ',';
        put_string(member.first);
        text_ += ':';
        put(member.second);
    }

    static bool is_plain(char character) {
        return static_cast<unsigned char>(character) >= 0x20U && character != '"' && character != '\\' &&
               character != '\x7f';
    }

    void put_string(std::string_view text) {
        text_ += '"';
        if (std::all_of(text.begin(), text.end(), is_plain)) {
            text_ += text;
        } else {
            for (const char character : text) put_character(character);
        }
        text_ += '"';
    }

    void put_character(char character) {
        constexpr std::string_view named = "\"\\\b\f\n\r\t";
        constexpr std::string_view letters = "\"\\bfnrt";
        constexpr std::string_view digits = "0123456789abcdef";
        if (is_plain(character)) {
            text_ += character;
        } else if (const std::size_t at = named.find(character); at != std::string_view::npos) {
            text_ += {'\\', letters[at]};
        } else {
            const auto byte = static_cast<unsigned char>(character);
            text_ += {'\\', 'u', '0', '0', digits[byte >> 4U], digits[byte & 0xFU]};
        }
    }

    std::string text_;
};

}  // namespace

std::string canonical(const Value& document, std::string_view without) {
    return CanonicalWriter().run(document, without);
}

}  // namespace poolcpuid::json
