// A large JSON document, written while it is made: each value goes into the text as soon as it is known, so that no
// tree of the whole is held.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <nlohmann/json.hpp>
#include <string>
#include <string_view>
#include <type_traits>
#include <vector>

namespace poolcpuid::json {

// Writes one document, which is an object, as text_of (json_text.hpp) writes the tree with the same members. What is
// assigned to a member is written there and then, so members stand in the order in which they are assigned, each once:
//
//     Writer json;
//     json["pool"] = policy.pool;
//     json.objects("hosts", hosts, [](Writer& entry, const Host& host) { entry["name"] = host.name; });
//     return json.text();
//
// A function template over what has members takes a Writer and an ordered_json alike.
class Writer {
public:
    // room: the bytes that are got for the text beforehand.
    explicit Writer(std::size_t room = 0);
    Writer(const Writer&) = delete;
    Writer& operator=(const Writer&) = delete;
    ~Writer();

    class Member {
    public:
        Member(Writer& writer, std::string_view key) : writer_(writer), key_(key) {}
        // NOLINTBEGIN(misc-unconventional-assign-operator)
        void operator=(const nlohmann::ordered_json& value) const { put(value); }

        template <typename Value>
        void operator=(const Value& value) const {
            if constexpr (std::is_convertible_v<const Value&, std::string_view>) {
                put(std::string_view(value));
            } else if constexpr (std::is_same_v<Value, std::vector<std::string>>) {
                writer_.values(key_, value, [](const std::string& text) { return std::string_view(text); });
            } else if constexpr (std::is_same_v<Value, bool> || std::is_unsigned_v<Value>) {
                put(value);
            } else {
                put(nlohmann::ordered_json(value));
            }
        }
        // NOLINTEND(misc-unconventional-assign-operator)

    private:
        template <typename Value>
        void put(const Value& value) const {
            writer_.put_key(key_);
            writer_.put_value(value);
        }

        Writer& writer_;
        std::string_view key_;
    };

    // A member of the object that is being written. key: a word of ours, of letters, digits and underscores.
    Member operator[](std::string_view key) { return {*this, key}; }

    // A member that is an object: put(*this) assigns its members.
    template <typename Put>
    void object(std::string_view key, const Put& put) {
        put_key(key);
        put_object(put);
    }

    // A member that is an array of an object for each entry: put(*this, entry) assigns its members.
    template <typename Entries, typename Put>
    void objects(std::string_view key, const Entries& entries, const Put& put) {
        put_array(key, entries, [&](const auto& entry) { put_object([&](Writer& json) { put(json, entry); }); });
    }

    // A member that is an array of the value to_json_of(entry), or of that text, for each entry.
    template <typename Entries, typename ToJson>
    void values(std::string_view key, const Entries& entries, const ToJson& to_json_of) {
        put_array(key, entries, [&](const auto& entry) { put_value(to_json_of(entry)); });
    }

    // The whole document, with a line feed at the end. Nothing is written after it.
    std::string text();

private:
    template <typename Entries, typename PutEntry>
    void put_array(std::string_view key, const Entries& entries, const PutEntry& put_entry) {
        put_key(key);
        begin('[');
        for (const auto& entry : entries) {
            put_separator();
            put_entry(entry);
        }
        end(']');
    }

    template <typename Put>
    void put_object(const Put& put) {
        begin('{');
        put(*this);
        end('}');
    }

    void begin(char bracket);
    void end(char bracket);
    void put_key(std::string_view key);
    void put_separator();
    void put_value(const nlohmann::ordered_json& value);
    void put_value(std::string_view text);

    template <typename Value, typename = std::enable_if_t<std::is_unsigned_v<Value>>>
    void put_value(Value value) {
        if constexpr (std::is_same_v<Value, bool>) {
            text_ += value ? "true" : "false";
        } else {
            put_number(value);
        }
    }

    void put_number(std::uint64_t number);
    // Ends the line before with these characters and indents the next one, with room for size bytes: where they go.
    char* put_line(std::string_view end, std::size_t size = 0);

    struct Serializer;

    std::string text_;
    std::unique_ptr<Serializer> serializer_;  // to text_
    unsigned depth_ = 0;                      // of the brackets that are open
    bool is_first_ = true;                    // nothing stands between the innermost yet
};

}  // namespace poolcpuid::json
