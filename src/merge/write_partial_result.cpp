// The canonical poolcpuid/partial/v1 document.

#include <map>
#include <nlohmann/json.hpp>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "base/json_text.hpp"
#include "merge/partial_document.hpp"
#include "poolcpuid/partial_result.hpp"
#include "poolcpuid/write_hosts.hpp"

namespace poolcpuid {

namespace {

using Json = nlohmann::ordered_json;

std::string without_line_feed(std::string line) {
    line.pop_back();
    return line;
}

std::string compact(const Json& json) { return without_line_feed(json::line_of(json)); }

// The host's own document stands in it as it is written elsewhere.
std::string content_text(const HostDump& content) {
    std::string text =
        R"({"format":)" + compact(content.format) + R"(,"host":)" + without_line_feed(to_host_line(content));
    if (!content.notes.empty()) {
        Json notes = Json::array();
        for (const DumpNote& note : content.notes) {
            notes.push_back({{"code", std::string(note.code)}, {"message", note.message}});
        }
        text += R"(,"notes":)" + compact(notes);
    }
    return text + "}";
}

Json skipped_json(const UnreadableInput& input) {
    Json json{{"input", input.input}, {"file", input.file}};
    if (input.line != 0) json["line"] = input.line;
    json["expected"] = input.expected;
    json["found"] = input.found;
    return json;
}

// Puts `,"KEY":[` and each element on a line of its own.
class ListWriter {
public:
    ListWriter(std::string& text, const char* key) : text_(text) { text_ += std::string(",\"") + key + "\":["; }

    void add(const std::string& element) {
        text_ += is_empty_ ? "\n" : ",\n";
        text_ += element;
        is_empty_ = false;
    }

    void end() { text_ += is_empty_ ? "]" : "\n]"; }

private:
    std::string& text_;
    bool is_empty_ = true;
};

// The hosts of one digest.
struct Entry {
    std::string sha256;
    const std::size_t* content;  // its number, once all contents are known
    const std::set<std::string>* names;
};

std::string entry_text(const Entry& entry) {
    return compact(Json{{"sha256", entry.sha256}, {"content", *entry.content}, {"names", *entry.names}});
}

}  // namespace

std::string to_json(const PartialResult& part, const Rulebook& rulebook, const PartialOptions& options) {
    std::map<std::string, std::size_t> numbers;  // of contents, by their texts
    std::vector<Entry> entries;
    part.each([&](const HostDump& host, const std::set<std::string>& names) {
        entries.push_back({host.sha256, &numbers.emplace(content_text(host), 0).first->second, &names});
    });
    const Json head{
        {"schema", std::string(merge::partial_schema)},
        {"rulebook", {{"version", rulebook.version}, {"sha256", rulebook.sha256}}},
        {"options", {{"skip_unreadable", options.skip_unreadable}, {"allow_partial", options.allow_partial}}}};
    std::string text = compact(head);
    text.pop_back();  // the brace: more follows
    ListWriter contents(text, "contents");
    std::size_t count = 0;
    for (auto& [content, number] : numbers) {
        number = count++;
        contents.add(content);
    }
    contents.end();
    ListWriter hosts(text, "hosts");
    for (const Entry& entry : entries) hosts.add(entry_text(entry));
    hosts.end();
    ListWriter skipped(text, "skipped");
    for (const UnreadableInput& input : part.unreadable()) skipped.add(compact(skipped_json(input)));
    skipped.end();
    const auto nothing = [](const json::Part&, const json::Value&) {};
    text += R"(,"sha256":")";
    const std::size_t place = text.size();
    text += std::string(64, '0') + "\"}\n";
    text.replace(place, 64, merge::PartialDocument(text, {}, 1).walk(nothing, nothing));
    return text;
}

}  // namespace poolcpuid
