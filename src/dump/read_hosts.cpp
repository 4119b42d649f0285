#include "poolcpuid/read_hosts.hpp"

#include <optional>
#include <utility>

#include "base/printable.hpp"
#include "base/sha256.hpp"
#include "dump/host_json.hpp"
#include "dump/host_name.hpp"
#include "dump/line_reader.hpp"
#include "dump/named_features.hpp"
#include "dump/reader.hpp"
#include "dump/unrecognised.hpp"

namespace poolcpuid {

namespace {

using dump::Format;
using dump::formats;

std::string_view without_byte_order_mark(std::string_view bytes) noexcept {
    constexpr std::string_view mark = "\xEF\xBB\xBF";
    return bytes.starts_with(mark) ? bytes.substr(mark.size()) : bytes;
}

// Takes the lines of a stream one by one, without their line feeds (or carriage returns and line feeds).
// Unlike a dump::LineReader it leaves blanks in place (a digest covers them) and bounds nothing.
class Lines {
public:
    explicit Lines(std::string_view text) noexcept : rest_(text) {}

    // The next line, or nothing at the end.
    std::optional<std::string_view> next() noexcept {
        if (rest_.empty()) return std::nullopt;
        ++number_;
        const std::size_t end = rest_.find('\n');
        std::string_view line = rest_.substr(0, end);
        rest_.remove_prefix(end == std::string_view::npos ? rest_.size() : end + 1);
        if (line.ends_with('\r')) line.remove_suffix(1);
        return line;
    }

    // The number of the line that next() returned last, from 1.
    std::size_t number() const noexcept { return number_; }

private:
    std::string_view rest_;
    std::size_t number_ = 0;
};

// True when the first two lines that are not blank are "{…}" and "{…": within one JSON value a comma
// stands between an object's end and another's beginning, so these are two documents.
bool is_stream(std::string_view bytes) noexcept {
    Lines lines(bytes);
    std::string_view first;
    while (const auto line = lines.next()) {
        const std::string_view text = dump::trim(*line);
        if (text.empty()) continue;
        if (!first.empty()) return text.front() == '{';
        if (text.front() != '{' || text.back() != '}') return false;
        first = text;
    }
    return false;
}

// The views of a host are of one machine. (Readers see to it that the CPUs are.)
void refuse_mixed_vendors(const HostDump& host, std::string_view file, std::size_t line) {
    if (!host.hardware || !host.hypervisor) return;
    const std::string hardware = vendor_string(host.first_table()).value();
    const std::string hypervisor = vendor_string(host.hypervisor->cpuid).value();
    if (hardware == hypervisor) return;
    throw InputError(std::string(file), line, "CPUs of one vendor, " + quote(hardware), quote(hypervisor));
}

// The steps after every reader. bytes are those of the host alone.
void complete(HostDump& host, std::string_view bytes, std::string_view file, std::size_t line, Digests digests) {
    refuse_mixed_vendors(host, file, line);
    dump::note_partial(host);
    if (host.sha256.empty()) {
        host.sha256 = sha256_hex(bytes);
    } else if (digests == Digests::and_of_bytes) {
        host.bytes_sha256 = sha256_hex(bytes);
    }
    if (!host.name.empty()) return;
    host.name = dump::name_from_file(file);
    const std::string problem = host_name_problem(host.name);
    if (!problem.empty()) throw InputError(std::string(file), 0, "a file name that can name the host", problem);
}

using Done = std::function<void(std::size_t bytes)>;

std::vector<HostDump> read_stream(std::string_view bytes, std::string_view file, Digests digests, const Done& done) {
    std::vector<HostDump> hosts;
    Lines lines(bytes);
    while (const auto line = lines.next()) {
        if (dump::trim(*line).empty()) continue;
        const auto refuse = [&](std::size_t most, const char* what) {
            throw InputError(std::string(file), lines.number(), "at most " + std::to_string(most) + what, "more");
        };
        if (line->size() > limits::line_bytes) refuse(limits::line_bytes, " bytes in a line");
        if (hosts.size() >= limits::hosts_per_stream) refuse(limits::hosts_per_stream, " hosts in a stream");
        HostDump host = dump::read_host_document({*line, file}, lines.number());
        complete(host, *line, file, lines.number(), digests);
        hosts.push_back(std::move(host));
        if (done) done(line->size() + 1);
    }
    return hosts;
}

// The number of the first line that the format recognises.
std::size_t first_row(const Format& format, std::string_view text) noexcept {
    Lines lines(text);
    while (const auto line = lines.next()) {
        if (format.recognise(*line)) break;
    }
    return lines.number();
}

// A text of rows must be of one tool: those of another are another dump, which no reader would see.
void refuse_other_rows(const Format& own, std::string_view text, std::string_view file) {
    for (const Format& other : formats) {
        if (own.rows_of.empty() || other.rows_of.empty() || other.rows_of == own.rows_of) continue;
        if (!other.recognise(text)) continue;
        throw InputError(std::string(file), first_row(other, text), "rows of " + std::string(own.rows_of) + " alone",
                         "a row of " + std::string(other.rows_of) +
                             " (two dumps in one text are two hosts, which need a file each)");
    }
}

HostDump read_one(std::string_view text, std::string_view file) {
    for (const Format& format : formats) {
        if (!format.recognise(text)) continue;
        refuse_other_rows(format, text, file);
        HostDump host = format.read({text, file});
        host.format = format.word;
        return host;
    }
    throw InputError(std::string(file), 0, "a CPUID dump", dump::describe_unrecognised(text));
}

}  // namespace

bool is_host_stream(std::string_view bytes) noexcept { return is_stream(without_byte_order_mark(bytes)); }

std::vector<HostDump> read_hosts(std::string_view bytes, std::string_view file, Digests digests, const Done& done) {
    const std::string_view text = without_byte_order_mark(bytes);
    if (is_stream(text)) return read_stream(text, file, digests, done);
    if (bytes.size() > limits::dump_bytes) {
        throw InputError(std::string(file), 0, "a dump of at most " + std::to_string(limits::dump_bytes) + " bytes",
                         std::to_string(bytes.size()) + " bytes");
    }
    std::vector<HostDump> hosts;
    hosts.push_back(read_one(text, file));
    complete(hosts.front(), bytes, file, 0, digests);
    if (done) done(bytes.size());
    return hosts;
}

}  // namespace poolcpuid
