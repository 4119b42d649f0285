#include "dump/within_json.hpp"

#include <algorithm>
#include <map>
#include <nlohmann/json.hpp>

#include "base/located_json.hpp"
#include "base/printable.hpp"
#include "dump/host_stream.hpp"
#include "dump/in_base64.hpp"
#include "dump/line_reader.hpp"
#include "dump/recognise.hpp"

namespace poolcpuid::dump {

namespace {

using json::Value;

constexpr std::size_t fewest_bytes = 64;  // no dump has fewer, and nearly all strings do

const Format* format_within(std::string_view text) noexcept {
    return text.size() < fewest_bytes ? nullptr : recognise(text);
}

// The step of a path of jq from an object to this member.
std::string step_to(const std::string& key) {
    const auto is_plain = [](char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_'; };
    if (!key.empty() && std::all_of(key.begin(), key.end(), is_plain)) return "." + key;
    return "." + nlohmann::json(key).dump(-1, ' ', true, nlohmann::json::error_handler_t::replace);
}

std::string call_of_jq(const std::string& options, const std::string& path) {
    return "`jq " + options + " " + shell_word(path.empty() ? "." : path) + "`";
}

// The items of an array as the lines of a text; empty where they are no lines.
std::string text_of_lines(const std::vector<Value>& items) {
    std::string text;
    for (const Value& item : items) {
        if (!item.is_string() || item.text().find('\n') != std::string::npos) return {};
        (text += item.text()) += '\n';
    }
    return text;
}

WithinJson within(const Format& format, const Value& value, const std::string& path) {
    return {"JSON with " + name_of_rows(format) + " in a string", "take it out: " + call_of_jq("-r", path),
            value.line()};
}

// A string that stands for a file, as Ansible's slurp and Kubernetes have them.
std::optional<WithinJson> find_in_base64(const Value& value, const std::string& path) {
    const auto what = what_in_base64(value.text());
    if (!what) return std::nullopt;
    return WithinJson{"JSON with base64 of " + *what + " in a string",
                      "take it out: " + call_of_jq("-r", path) + ", and decode that: `base64 -d`", value.line()};
}

// path is that of jq to value; of the document itself it is empty.
std::optional<WithinJson> find_in(const Value& value, const std::string& path) {
    if (value.is_string()) {
        const Format* format = format_within(value.text());
        return format == nullptr ? find_in_base64(value, path) : std::optional(within(*format, value, path));
    }
    if (value.is_object()) {
        for (const auto& [key, member] : value.members()) {
            if (auto found = find_in(member, path + step_to(key))) return found;
        }
    }
    if (!value.is_array()) return std::nullopt;
    const std::string from = path.empty() ? "." : path;
    const Format* of_lines = format_within(text_of_lines(value.items()));
    if (of_lines != nullptr && value.items().size() > 1) return within(*of_lines, value, from + "[]");
    for (std::size_t i = 0; i < value.items().size(); ++i) {
        if (auto found = find_in(value.items()[i], from + "[" + std::to_string(i) + "]")) return found;
    }
    return std::nullopt;
}

std::optional<Value> parsed(std::string_view text) {
    try {
        return json::parse(text, {});
    } catch (const InputError&) {
        return std::nullopt;
    }
}

// The strings that the lines of a text have under the same key, one after another.
struct Pieces {
    std::string text;
    std::size_t first_line = 0;
    bool have_ends = false;  // the line feeds are in the strings
};

void add(const Value& value, std::size_t line, Pieces& pieces) {
    if (pieces.first_line == 0) pieces.first_line = line;
    pieces.text += value.text();
    pieces.have_ends = value.text().ends_with('\n');
    if (!pieces.have_ends) pieces.text += '\n';
}

std::map<std::string, Pieces> pieces_by_key(std::string_view text) {
    std::map<std::string, Pieces> by_key;
    Lines lines(text);
    while (const auto line = lines.next()) {
        if (trim(*line).empty()) continue;
        const auto document = parsed(*line);
        if (!document || !document->is_object()) break;  // the last line that is looked at may be cut off
        for (const auto& [key, value] : document->members()) {
            if (value.is_string()) add(value, lines.number(), by_key[key]);
        }
    }
    return by_key;
}

std::optional<WithinJson> find_in_lines(std::string_view text) {
    constexpr std::size_t head_bytes = 32U << 10U;
    for (const auto& [key, pieces] : pieces_by_key(text.substr(0, head_bytes))) {
        const Format* format = format_within(pieces.text);
        if (format == nullptr) continue;
        return WithinJson{"lines of JSON with " + name_of_rows(*format) + " in pieces",
                          "put them together: " + call_of_jq(pieces.have_ends ? "-rj" : "-r", step_to(key)),
                          pieces.first_line};
    }
    return std::nullopt;
}

}  // namespace

std::optional<WithinJson> find_within_json(std::string_view text) {
    const auto document = parsed(text);
    return document ? find_in(*document, {}) : find_in_lines(text);
}

}  // namespace poolcpuid::dump
