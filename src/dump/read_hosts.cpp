#include "poolcpuid/read_hosts.hpp"

#include <utility>

#include "base/printable.hpp"
#include "base/sha256.hpp"
#include "dump/host_json.hpp"
#include "dump/host_name.hpp"
#include "dump/host_stream.hpp"
#include "dump/line_reader.hpp"
#include "dump/named_features.hpp"
#include "dump/one_machine.hpp"
#include "dump/reader.hpp"
#include "dump/unrecognised.hpp"
#include "poolcpuid/unpack.hpp"

namespace poolcpuid {

namespace {

using dump::Format;
using dump::formats;

// Where a host comes from: what messages and, where its document has none, its name are made of.
struct Origin {
    std::string_view file;
    std::string_view named_by;
    Digests digests;
};

// The steps after every reader. bytes are those of the host alone.
void complete(HostDump& host, std::string_view bytes, const Origin& origin, std::size_t line) {
    dump::check_same_vendor(host, origin.file, line);  // readers see to it that the CPUs are of one machine
    dump::note_partial(host);
    if (host.sha256.empty()) {
        host.sha256 = sha256_hex(bytes);
    } else if (origin.digests == Digests::and_of_bytes) {
        host.bytes_sha256 = sha256_hex(bytes);
    }
    if (!host.name.empty()) return;
    host.name = dump::name_from_file(origin.named_by);
    const std::string problem = host_name_problem(host.name);
    if (!problem.empty()) throw InputError(std::string(origin.file), 0, "a file name that can name the host", problem);
}

using Done = std::function<void(std::size_t bytes)>;

std::vector<HostDump> read_stream(dump::StreamKind kind, std::string_view text, const Origin& origin, const Done& done,
                                  const TakeOther& take_other) {
    std::vector<HostDump> hosts;
    dump::split_stream(kind, {text, origin.file}, [&](std::string_view document, std::size_t line) {
        if (take_other && take_other(document, line)) return;
        HostDump host = dump::read_host_document({document, origin.file}, line);
        complete(host, document, origin, line);
        hosts.push_back(std::move(host));
        if (done) done(document.size() + 1);
    });
    return hosts;
}

// The number of the first line that the format recognises.
std::size_t first_row(const Format& format, std::string_view text) noexcept {
    dump::Lines lines(text);
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

bool is_host_stream(std::string_view bytes) noexcept {
    return dump::stream_kind(dump::without_byte_order_mark(bytes)) != dump::StreamKind::none;
}

std::size_t count_hosts(std::string_view bytes) noexcept {
    const std::string_view text = dump::without_byte_order_mark(bytes);
    return dump::count_documents(dump::stream_kind(text), text);
}

std::vector<HostDump> read_hosts(const Unpacked& text, Digests digests, const Done& done, const TakeOther& take_other) {
    const Origin origin{text.file, text.named_by, digests};
    const std::string_view bare = dump::without_byte_order_mark(text.bytes);
    const dump::StreamKind kind = dump::stream_kind(bare);
    if (kind != dump::StreamKind::none) return read_stream(kind, bare, origin, done, take_other);
    if (take_other && take_other(bare, 1)) return {};
    if (text.bytes.size() > limits::dump_bytes) {
        throw InputError(text.file, 0, "a dump of at most " + std::to_string(limits::dump_bytes) + " bytes",
                         std::to_string(text.bytes.size()) + " bytes");
    }
    std::vector<HostDump> hosts;
    hosts.push_back(read_one(bare, text.file));
    complete(hosts.front(), text.bytes, origin, 0);
    if (done) done(text.bytes.size());
    return hosts;
}

std::vector<HostDump> read_hosts(std::string_view bytes, std::string_view file, Digests digests, const Done& done) {
    std::vector<HostDump> all;
    unpack(bytes, file, [&](const Unpacked& text) {
        for (HostDump& host : read_hosts(text, digests, done)) all.push_back(std::move(host));
    });
    return all;
}

}  // namespace poolcpuid
