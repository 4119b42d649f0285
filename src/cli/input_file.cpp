#include "cli/input_file.hpp"

#include <functional>
#include <utility>

#include "base/lists.hpp"
#include "cli/inputs.hpp"
#include "os/read_file.hpp"
#include "poolcpuid/unpack.hpp"

namespace poolcpuid::cli {

namespace {

constexpr std::size_t most_left_out = 20;  // names of an archive's members in a sentence

class ContentReader {
public:
    explicit ContentReader(const FileReading& reading) : reading_(reading), file_(display_name(reading.path)) {}

    FileContent read(std::optional<std::string> bytes) {
        attempt(reading_.argument, [&] {
            if (!bytes) bytes = bytes_of_file();
            content_.bytes = bytes->size();
            read_bytes(*bytes);
        });
        return std::move(content_);
    }

    FileContent read_lines(const std::shared_ptr<StreamState>& stream, std::string_view lines, std::size_t first_line,
                           std::size_t hosts) {
        content_.stream = stream;
        content_.bytes = lines.size();
        attempt(reading_.argument, [&] {
            content_.ends_stream = true;
            content_.streamed = stream->lines.read(lines, first_line, hosts, take_parts_of(file_),
                                                   [&](const InputError& error) { note(error); });
            content_.ends_stream = false;
        });
        if (parts_ != 0) refuse_unreadable();
        return std::move(content_);
    }

private:
    void attempt(const std::string& file, const std::function<void()>& body) {
        try {
            body();
        } catch (const InputError& error) {
            content_.unreadable.emplace_back(file, error);
        }
    }

    // A document of a stream that cannot be read goes by the file and its line.
    void note(const InputError& error) {
        content_.unreadable.emplace_back(reading_.argument + ":" + std::to_string(error.line()), error);
    }

    // A file of a directory is one document.
    static void watch_document(std::string_view bytes) {
        const std::size_t most = is_partial_result(bytes) ? limits::stream_bytes : limits::dump_bytes;
        if (bytes.size() > most) throw os::ReadError("more than " + std::to_string(most) + " bytes");
    }

    std::string bytes_of_file() const {
        return reading_.is_of_directory ? os::read_regular_file(reading_.path, watch_document)
                                        : read_file(reading_.path);
    }

    void read_bytes(const std::string& bytes) {
        if (reading_.accepts_policies && is_policy(bytes)) {
            PoolPolicy policy = read_policy(bytes, file_);
            if (reading_.name) policy.pool = *reading_.name;
            content_.policies.push_back(std::move(policy));
            return;
        }
        try {
            read_texts(bytes);
            if (parts_ != 0) refuse_unreadable();
            if (reading_.name && content_.unreadable.empty() && content_.refused.empty()) give_name();
        } catch (const InputError& error) {
            content_.hosts.clear();  // what they came from cannot be read as a whole
            content_.files.clear();
            if (parts_ == 0) throw;
            refuse_unreadable();
            content_.refused.push_back(error);
        }
    }

    // A partial result stands for any number of hosts: what it stood in, or may have stood in, is never left out.
    void refuse_unreadable() {
        for (auto& [file, error] : std::exchange(content_.unreadable, {})) content_.refused.push_back(std::move(error));
    }

    void give_name() {
        if (content_.hosts.size() != 1) {
            throw InputError(reading_.path, 0, "one host, since it is given the name \"" + *reading_.name + "\"",
                             std::to_string(content_.hosts.size()));
        }
        content_.hosts.back().name = *reading_.name;
    }

    // Reads the hosts of each text that the file holds. Each file of an archive is attempted, and is one host.
    void read_texts(const std::string& bytes) {
        const std::vector<std::string> left_aside = unpack(bytes, file_, [&](const Unpacked& text) {
            if (!text.is_member) return take(text);
            attempt(text.file, [&] { take(text); });
        });
        if (left_aside.empty()) return;
        content_.said.push_back(file_ + ": each file is a host; left out: " + short_list(left_aside, most_left_out) +
                                " (links, devices, and names that begin with a dot)");
    }

    void take(const Unpacked& text) {
        const std::size_t parts = parts_;
        std::vector<HostDump> hosts = hosts_in(text);
        const std::size_t documents = hosts.size() + parts_ - parts;
        if (documents != 1 && (reading_.is_of_directory || text.is_member)) {
            throw InputError(
                text.file, 0,
                std::string("one host, as each file of ") + (text.is_member ? "an archive" : "a directory") + " is one",
                std::to_string(documents));
        }
        for (HostDump& host : hosts) {
            content_.hosts.push_back(std::move(host));
            content_.files.push_back(text.file);
        }
    }

    std::vector<HostDump> hosts_in(const Unpacked& text) {
        if (reading_.accepts_policies && is_policy(text.bytes)) {  // the file itself was none
            throw InputError(text.file, 0, "a policy as it stands", "one that is packed (unpack it first)");
        }
        TakeProblem take_problem;
        const bool is_one_host = reading_.name || reading_.is_of_directory || text.is_member;
        if (!is_one_host) take_problem = [&](const InputError& error) { note(error); };
        Unpacked named = text;
        if (reading_.name)
            named.named_by = *reading_.name;  // which counts, also where the file's name can name no host
        return read_hosts(named, reading_.listed, take_parts_of(text.file), take_problem);
    }

    // Nothing for a verb that takes no partial results.
    TakeOther take_parts_of(const std::string& file) {
        if (!reading_.merge) return {};
        return [this, file](std::string_view document, std::size_t line) {
            return is_partial_result(document) && take_part(document, file, line);
        };
    }

    // Always true.
    bool take_part(std::string_view document, const std::string& file, std::size_t line) {
        ++parts_;
        try {
            if (reading_.name) throw InputError(file, line, "one host, since it is given a name", "a partial result");
            content_.parts.push_back(
                read_partial_result(document, file, line, *reading_.merge->rulebook, reading_.merge->options));
        } catch (const InputError& error) {
            content_.refused.push_back(error);
        }
        return true;
    }

    const FileReading& reading_;
    std::string file_;
    FileContent content_;
    std::size_t parts_ = 0;  // partial results that were met
};

}  // namespace

std::string display_name(const std::string& path) { return path == "-" ? "stdin" : path; }

FileContent read_input_file(const FileReading& reading, std::optional<std::string> bytes) {
    return ContentReader(reading).read(std::move(bytes));
}

FileContent read_input_lines(const FileReading& reading, const std::shared_ptr<StreamState>& stream,
                             std::string_view lines, std::size_t first_line, std::size_t hosts) {
    return ContentReader(reading).read_lines(stream, lines, first_line, hosts);
}

void LimitWatch::operator()(std::string_view bytes) {
    if (bytes.size() <= limits::dump_bytes) return;
    if (is_partial_result(bytes)) return check_lines(bytes.size(), 0);
    if (is_packed(bytes)) {
        if (bytes.size() > limits::unpacked_bytes) refuse("at most ", limits::unpacked_bytes);
        return;
    }
    if (!kind_) kind_ = dump::stream_kind(dump::without_byte_order_mark(bytes));
    if (kind_ == dump::StreamKind::none) refuse("one document of at most ", limits::dump_bytes);
    const std::size_t last = bytes.rfind('\n');
    const bool is_lines = kind_ == dump::StreamKind::lines;
    check_lines(bytes.size(), !is_lines ? 0 : last == std::string_view::npos ? bytes.size() : bytes.size() - last - 1);
}

void LimitWatch::check_lines(std::size_t bytes, std::size_t of_line) const {
    if (bytes > limits::stream_bytes) refuse("at most ", limits::stream_bytes);
    if (of_line > limits::line_bytes) refuse("lines of at most ", limits::line_bytes);
}

void LimitWatch::refuse(const char* expected, std::size_t most) const {
    throw InputError(path_, 0, expected + std::to_string(most) + " bytes", "more");
}

}  // namespace poolcpuid::cli
