// Reading a poolcpuid/partial/v1 document, which may be larger than what could be held as values.

#include <algorithm>
#include <optional>
#include <utility>

#include "base/canonical_json.hpp"
#include "base/printable.hpp"
#include "base/sha256.hpp"
#include "dump/host_json.hpp"
#include "dump/one_machine.hpp"
#include "dump/reader.hpp"
#include "merge/partial_document.hpp"
#include "poolcpuid/partial_result.hpp"
#include "poolcpuid/read_hosts.hpp"

namespace poolcpuid {

using json::ObjectReader;
using json::Part;
using json::Parts;
using json::Value;

namespace merge {

namespace {

// Bytewise, as the digest has them.
constexpr std::array<const char*, 7> members{"contents", "hosts", "options", "rulebook", "schema", "sha256", "skipped"};

constexpr const char* what_it_is = "a partial result";

}  // namespace

PartialDocument::PartialDocument(std::string_view bytes, std::string_view file, std::size_t first_line) : file_(file) {
    Parts parts(bytes, file, first_line);
    if (!parts.is_object()) throw InputError(file_, first_line, std::string("an object as ") + what_it_is, "an array");
    while (std::optional<Part> part = parts.next()) {
        const std::string key = quote(part->key);
        const std::size_t line = part->line;
        if (std::find(members.begin(), members.end(), part->key) == members.end()) {
            throw InputError(file_, line, std::string("only the members of ") + what_it_is, key);
        }
        if (!members_.emplace(part->key, *part).second) throw InputError(file_, line, key + " once", "it again");
    }
    for (const char* key : members) {
        if (members_.contains(key)) continue;
        throw InputError(file_, 0, quote(key) + " in " + what_it_is, "none (the document is cut off or no such one)");
    }
    const Value schema = value("schema");
    if (schema.is_string() && schema.text() == partial_schema) return;
    throw InputError(file_, schema.line(), "a partial result, with \"schema\": " + quote(partial_schema),
                     describe(schema));
}

Value PartialDocument::value(const std::string& key) const {
    const Part& member = members_.at(key);
    return json::parse(member.text, file_, member.line);
}

std::string PartialDocument::walk(const Take& content, const Take& host) const {
    Sha256 sum;
    sum.add("{");
    for (const std::string key : members) {
        if (key == "sha256") continue;
        sum.add((key == members.front() ? "\"" : ",\"") + key + "\":");
        const Part& member = members_.at(key);
        if (key != "contents" && key != "hosts") {
            sum.add(json::canonical(value(key)));
            continue;
        }
        Parts elements(member.text, file_, member.line);
        if (elements.is_object()) throw InputError(file_, member.line, "an array as " + quote(key), "an object");
        sum.add("[");
        bool is_first = true;
        while (const std::optional<Part> element = elements.next()) {
            const Value parsed = json::parse(element->text, file_, element->line);
            sum.add((std::exchange(is_first, false) ? "" : ",") + json::canonical(parsed));
            (key == "contents" ? content : host)(*element, parsed);
        }
        sum.add("]");
    }
    sum.add("}");
    return sum.hex();
}

}  // namespace merge

namespace {

std::string text_of(const PartialOptions& options) {
    return std::string(options.skip_unreadable ? "with" : "without") + " --skip-unreadable and " +
           (options.allow_partial ? "with" : "without") + " --allow-partial";
}

class PartReader {
public:
    PartReader(std::string_view bytes, std::string_view file, std::size_t first_line)
        : document_(bytes, file, first_line), file_(file) {}

    PartialResult run(const Rulebook& rulebook, const PartialOptions& options) {
        // What is wrong with an element is told when nothing is wrong with the document as a whole.
        const std::string digest =
            document_.walk([&](const Part& text, const Value& value) { attempt([&] { read_content(text, value); }); },
                           [&](const Part&, const Value& value) { attempt([&] { read_hosts_of(value); }); });
        check_digest(digest);
        check_rulebook(rulebook);
        check_options(options);
        if (problem_) throw InputError(*problem_);
        read_skipped();
        return std::move(part_);
    }

private:
    [[noreturn]] void refuse(std::size_t line, std::string expected, std::string found) const {
        throw InputError(file_, line, std::move(expected), std::move(found));
    }

    template <typename Body>
    void attempt(const Body& body) {
        if (problem_) return;
        try {
            body();
        } catch (const InputError& error) {
            problem_ = error;
        }
    }

    void check_digest(const std::string& digest) const {
        const Value given = document_.value("sha256");
        if (given.is_string() && given.text() == digest) return;
        refuse(given.line(), "the digest of the document's content, " + digest,
               describe(given) + " (it is damaged, or was changed: make it again)");
    }

    void check_rulebook(const Rulebook& rulebook) const {
        const Value value = document_.value("rulebook");
        ObjectReader reader(value, file_, "\"rulebook\"");
        const std::string& version = reader.required_string("version");
        const std::string& sha256 = reader.required_string("sha256");
        reader.finish();
        if (version == rulebook.version && sha256 == rulebook.sha256) return;
        refuse(value.line(),
               "a partial result by the rulebook " + std::string(rulebook.version) + " (sha256 " +
                   std::string(rulebook.sha256) + ")",
               "one by the rulebook " + printable(version) + " (sha256 " + printable(sha256) +
                   "); all parts of a merge are made with one");
    }

    void check_options(const PartialOptions& options) const {
        const Value value = document_.value("options");
        ObjectReader reader(value, file_, "\"options\"");
        const PartialOptions given{reader.optional_bool("skip_unreadable", false),
                                   reader.optional_bool("allow_partial", false)};
        reader.finish();
        if (given == options) return;
        refuse(value.line(), "a partial result of merge " + text_of(options) + ", as this one is",
               "one " + text_of(given));
    }

    void read_content(const Part& text, const Value& value) {
        ObjectReader reader(value, file_, "a content");
        const std::string& format = reader.required_string("format");
        (void)reader.required_object("host");
        const std::vector<Value>* const notes = reader.optional_array("notes");
        reader.finish();
        Parts parts(text.text, file_, text.line);
        HostDump host;
        while (const std::optional<Part> part = parts.next()) {
            if (part->key != "host") continue;
            host = dump::read_host_document({part->text, file_}, part->line);
            dump::check_same_vendor(host, file_, part->line);
            if (!host.name.empty()) refuse(part->line, "a host without a name in a content", quote(host.name));
        }
        host.sha256.clear();
        host.format = format_of(format, value.line());
        host.notes.clear();
        if (notes != nullptr) read_notes(*notes, host);
        contents_.push_back(part_.content(host));
    }

    std::string format_of(const std::string& word, std::size_t line) const {
        const auto is_it = [&](const dump::Format& format) { return format.word == word; };
        if (std::any_of(dump::formats.begin(), dump::formats.end(), is_it)) return word;
        refuse(line, "the word of a format of dumps as \"format\"", quote(word));
    }

    void read_notes(const std::vector<Value>& notes, HostDump& host) const {
        for (const Value& value : notes) {
            ObjectReader reader(value, file_, "a note");
            const std::string& word = reader.required_string("code");
            const std::string& message = reader.required_string("message");
            reader.finish();
            const auto code = FindingCode::find(word);
            if (!code) refuse(value.line(), "the code of a finding as \"code\"", quote(word));
            if (message.empty()) refuse(value.line(), "a sentence as \"message\"", "none");
            // Earlier versions wrote down what the merge finds by itself.
            if (*code != FindingCode("cpuid-hidden")) host.notes.push_back({*code, message});
        }
    }

    // The content of part_ that has this number in the document.
    std::size_t content_of(const Value& number) const {
        const std::uint64_t none = contents_.size();
        const std::uint64_t content =
            number.type() == Value::Type::number ? json::unsigned_of(number).value_or(none) : none;
        if (content >= none) {
            refuse(number.line(), "the number of a content, below " + std::to_string(none), describe(number));
        }
        return contents_[content];
    }

    void read_hosts_of(const Value& value) {
        ObjectReader reader(value, file_, "an entry of \"hosts\"");
        const std::string sha256 = digest(reader, reader.required("sha256"));
        const Value& number = reader.required("content");
        const std::vector<Value>& names = reader.required_array("names");
        reader.finish();
        if (names.empty()) refuse(value.line(), "at least one name", "none");
        std::vector<std::string> texts;
        for (const Value& name : names) {
            const std::string problem = name.is_string() ? host_name_problem(name.text()) : describe(name);
            if (!problem.empty()) refuse(name.line(), "the name of a host", problem);
            texts.push_back(name.text());
        }
        part_.add(content_of(number), sha256, texts);
    }

    std::string digest(const ObjectReader& reader, const Value& value) const {
        const bool is_one = value.is_string() && value.text().size() == 64 &&
                            value.text().find_first_not_of("0123456789abcdef") == std::string::npos;
        if (!is_one) reader.fail(value, "a SHA-256 digest of 64 lower-case hexadecimal digits");
        return value.text();
    }

    void read_skipped() {
        const Value list = document_.value("skipped");
        if (!list.is_array()) refuse(list.line(), "an array as \"skipped\"", describe(list));
        for (const Value& value : list.items()) {
            ObjectReader reader(value, file_, "an entry of \"skipped\"");
            const std::string& input = reader.required_string("input");
            const std::string& file = reader.required_string("file");
            const Value* const number = reader.optional("line");
            const auto line = number == nullptr                       ? std::optional<std::uint64_t>(0)
                              : number->type() == Value::Type::number ? json::unsigned_of(*number)
                                                                      : std::nullopt;
            if (!line) refuse(number->line(), "the number of a line", describe(*number));
            const std::string& expected = reader.required_string("expected");
            const std::string& found = reader.required_string("found");
            reader.finish();
            part_.note_unreadable(input, InputError(file, *line, expected, found));
        }
    }

    merge::PartialDocument document_;
    std::string file_;
    std::vector<std::size_t> contents_;  // by their numbers in the document, those in part_
    PartialResult part_;
    std::optional<InputError> problem_;
};

}  // namespace

bool is_partial_result(std::string_view bytes) noexcept {
    constexpr std::string_view blanks = " \t\r\n";
    const auto take = [&](std::string_view token) {
        bytes.remove_prefix(std::min(bytes.find_first_not_of(blanks), bytes.size()));
        if (!bytes.starts_with(token)) return false;
        bytes.remove_prefix(token.size());
        return true;
    };
    if (!take("{")) return false;
    // With its members in the order of their keys it begins so, and no host's document does.
    if (take("\"contents\"")) return take(":");
    return take("\"schema\"") && take(":") && take("\"") && bytes.starts_with(merge::partial_schema);
}

PartialResult read_partial_result(std::string_view bytes, std::string_view file, std::size_t first_line,
                                  const Rulebook& rulebook, const PartialOptions& options) {
    return PartReader(bytes, file, first_line).run(rulebook, options);
}

}  // namespace poolcpuid
