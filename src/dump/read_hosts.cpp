#include "poolcpuid/read_hosts.hpp"

#include <algorithm>
#include <optional>
#include <utility>

#include "base/located_text.hpp"
#include "base/printable.hpp"
#include "base/sha256.hpp"
#include "dump/as_printed.hpp"
#include "dump/behind_text.hpp"
#include "dump/below_text.hpp"
#include "dump/damaged_rows.hpp"
#include "dump/diff_output.hpp"
#include "dump/hidden_cpuid.hpp"
#include "dump/host_json.hpp"
#include "dump/host_name.hpp"
#include "dump/host_stream.hpp"
#include "dump/known_documents.hpp"
#include "dump/line_reader.hpp"
#include "dump/microcode.hpp"
#include "dump/named_features.hpp"
#include "dump/no_text.hpp"
#include "dump/one_machine.hpp"
#include "dump/reader.hpp"
#include "dump/recognise.hpp"
#include "dump/several_documents.hpp"
#include "dump/unrecognised.hpp"
#include "dump/virtual_machine.hpp"
#include "poolcpuid/unpack.hpp"

namespace poolcpuid {

namespace {

using dump::Format;
using dump::formats;

// Where a host comes from: what messages and, where its document has none, its name are made of.
struct Origin {
    std::string_view file;
    std::string_view named_by;
    const IsListed& listed;
};

// The digest of a host document's content, or the one of earlier versions that is listed.
std::string listed_digest(std::string sha256, std::string_view document, const Origin& origin) {
    if (!origin.listed || origin.listed(sha256)) return sha256;
    std::string with_name = dump::digest_with_name({document, origin.file});
    if (origin.listed(with_name)) return with_name;
    std::string of_bytes = sha256_hex(document);
    return origin.listed(of_bytes) ? of_bytes : sha256;
}

// The steps after every reader. bytes are those of the host alone.
void complete(HostDump& host, std::string_view bytes, const Origin& origin, std::size_t line) {
    dump::check_same_vendor(host, origin.file, line);  // readers see to it that the CPUs are of one machine
    dump::note_partial(host);
    dump::note_virtual_machine(host);
    dump::note_revision(host);
    host.sha256 = host.sha256.empty() ? sha256_hex(bytes) : listed_digest(std::move(host.sha256), bytes, origin);
    if (!host.name.empty()) return;
    host.name = dump::name_from_file(origin.named_by);
    const std::string problem = host_name_problem(host.name);
    if (!problem.empty()) throw InputError(std::string(origin.file), 0, "a file name that can name the host", problem);
}

StreamedHost read_document(std::string_view document, std::size_t line, const Origin& origin,
                           dump::KnownDocuments& known) {
    if (auto host = known.find(document)) return std::move(*host);
    HostDump dump = dump::read_host_document({document, origin.file}, line);
    const bool is_for_all = !origin.listed || origin.listed(dump.sha256);  // older digests are of each document
    complete(dump, document, origin, line);
    std::string name = dump.name;
    StreamedHost host{std::move(name), std::make_shared<const HostDump>(std::move(dump))};
    if (is_for_all) known.learn(document, host);
    return host;
}

// part: what of the stream is at hand. What is read before an error stands in hosts.
void read_stream(const dump::StreamPart& part, std::string_view text, const Origin& origin, dump::KnownDocuments& known,
                 const TakeOther& take_other, const TakeProblem& take_problem, std::vector<StreamedHost>& hosts) {
    std::size_t problems = 0;
    dump::split_stream(part, {text, origin.file}, [&](std::string_view document, std::size_t line) {
        std::optional<InputError> problem;
        try {
            if (take_other && take_other(document, line)) return;
            hosts.push_back(read_document(document, line, origin, known));
            return;
        } catch (const InputError& error) {
            if (!take_problem) throw;
            problem = error;
        }
        if (++problems > limits::unreadable_per_stream) throw dump::too_many_unreadable(origin.file, line);
        take_problem(*problem);
    });
}

// The same of a whole stream: where it cannot be told how it goes on, that is one more problem.
std::vector<StreamedHost> read_whole_stream(dump::StreamKind kind, std::string_view text, const Origin& origin,
                                            const TakeOther& take_other = {}, const TakeProblem& take_problem = {}) {
    dump::KnownDocuments known;
    std::vector<StreamedHost> hosts;
    try {
        read_stream({kind}, text, origin, known, take_other, take_problem, hosts);
    } catch (const InputError& error) {
        if (!take_problem) throw;
        take_problem(error);
    }
    return hosts;
}

std::vector<HostDump> copies_of(const std::vector<StreamedHost>& streamed) {
    std::vector<HostDump> hosts;
    hosts.reserve(streamed.size());
    for (const StreamedHost& host : streamed) {
        hosts.push_back(*host.dump);
        hosts.back().name = host.name;
    }
    return hosts;
}

// The other format of rows that is recognised in text, or nullptr.
const Format* other_rows_in(const Format& own, std::string_view text) {
    const auto is_other = [&](const Format& other) {
        return !other.rows_of.empty() && other.rows_of != own.rows_of && other.recognise(text);
    };
    const auto* const at = own.rows_of.empty() ? formats.end() : std::find_if(formats.begin(), formats.end(), is_other);
    return at == formats.end() ? nullptr : at;
}

// A text of rows must be of one tool: those of another are another dump, which no reader would see.
void refuse_other_rows(const Format& own, std::string_view text, std::string_view file) {
    const Format* other = other_rows_in(own, text);
    if (other == nullptr) return;
    throw InputError(std::string(file), dump::first_row(*other, text), "rows of " + std::string(own.rows_of) + " alone",
                     "a row of " + std::string(other->rows_of) + dump::two_hosts);
}

// A document of JSON or XML before rows, or below them, is another dump, which their reader would not see.
void refuse_other_documents(const Format& own, std::string_view rest, std::string_view text, std::string_view file) {
    const auto refuse = [&](std::size_t line, const std::string& what) {
        throw InputError(std::string(file), line, "one dump", what + dump::two_hosts);
    };
    if (!dump::begins_as_json_or_xml(text)) {
        if (dump::find_below_text(rest)) {
            const dump::BelowText found = dump::find_below_text(text).value();
            refuse(found.line, found.what);
        }
        return;
    }
    if (own.rows_of.empty()) return;
    for (const Format& other : formats) {
        if (!dump::is_document(other) || !other.recognise(text)) continue;
        refuse(dump::first_row(own, text),
               "rows of " + std::string(own.rows_of) + " in what is read as " + std::string(other.word));
    }
}

// A row behind other text is no prose: the reader would pass over it, and its leaf or its host would be gone.
void refuse_row_behind_text(const Format& own, std::string_view rest, std::string_view text, std::string_view file) {
    if (dump::is_document(own) || !dump::find_row_behind_text(own, rest)) return;
    const dump::RowBehindText found = dump::find_row_behind_text(own, text).value();
    const std::string rows = dump::name_of_rows(*found.format);
    const std::string behind = " behind " + quote(found.before) + " (" + std::string(dump::only_the_rows) + ")";
    if (found.format == &own) {
        throw InputError(std::string(file), found.line, rows + " with nothing before them", "one" + behind);
    }
    throw InputError(std::string(file), found.line, "one dump", rows + behind);
}

// rest: the lines of text that may be no rows, without their numbers.
HostDump checked(HostDump host, const Format& format, std::string_view text, std::string_view rest,
                 std::string_view file) {
    host.format = format.word;
    if (!format.rows_of.empty()) dump::take_cpuinfo(host, {text, file});
    refuse_other_documents(format, rest, text, file);
    refuse_row_behind_text(format, rest, text, file);  // last, for what the others refuse says more
    return host;
}

// The format of the first rows of a long text.
const Format* format_of_head(std::string_view text) {
    constexpr std::size_t head_bytes = 16U << 10U;
    if (text.size() <= head_bytes || dump::begins_as_json_or_xml(text)) return nullptr;
    return dump::recognise(text.substr(0, text.rfind('\n', head_bytes)));
}

// The host of a long text whose rows are all of one format: to look for those of the other formats in the lines that
// the reader did not use is quick, in all of them is slow. Nothing where that does not tell, and where a row is
// refused: another format may say more.
std::optional<HostDump> read_by_head(std::string_view text, std::string_view file) {
    const Format* own = format_of_head(text);
    if (own == nullptr || own->is_row == nullptr || own->rows_of.empty()) return std::nullopt;
    dump::UnusedLines unused;
    HostDump host;
    try {
        host = own->read({text, file, &unused});
    } catch (const InputError&) {
        return std::nullopt;
    }
    if (!unused.is_all || other_rows_in(*own, unused.text) != nullptr) return std::nullopt;
    return checked(std::move(host), *own, text, unused.text, file);
}

// A mail as it is sent, where "=3D" stands for "=" and "=" at the end of a line joins it to the next.
void refuse_quoted_printable(std::string_view text, std::string_view file) {
    for (std::size_t at = 0; (at = text.find("=3D", at)) != std::string_view::npos; ++at) {
        const std::string_view before = text.substr(0, text.substr(0, at).find_last_not_of(" \t\r\n") + 1);
        if (!before.ends_with("eax") && !before.ends_with("EAX")) continue;
        throw InputError(std::string(file), 1 + count_line_feeds(before), "a dump as its tool printed it",
                         "a mail's quoted-printable form of it, \"eax=3D\" (save the text that the mail program shows, "
                         "or undo it: `python3 -m quopri -d`)");
    }
}

// What `diff` prints of two dumps: rows of the one, of the other and of both.
void refuse_diff(std::string_view text, std::string_view file) {
    const auto line = dump::find_diff_line(text);
    if (!line) return;
    throw InputError(std::string(file), *line, "a dump as its tool printed it",
                     "what `diff` prints of two (give each dump in a file of its own)");
}

// A row with a terminal's escapes in it would be passed over among others.
void refuse_rows_with_escapes(std::string_view text, std::string_view file) {
    const auto found = dump::find_row_with_escape(text);
    if (!found) return;
    throw InputError(std::string(file), found->line, "a CPUID dump", found->what + " (" + found->remedy + ")");
}

// What a format's reader makes of text. Where it refuses it, rows of another tool that have a name, or a row behind
// other text above, say more.
HostDump read_rows(const Format& format, std::string_view text, std::string_view file) {
    try {
        return format.read({text, file});
    } catch (const InputError& error) {
        if (dump::is_document(format)) throw;
        if (const auto tool = dump::describe_other_rows(text))
            throw InputError(std::string(file), 0, "a CPUID dump", *tool);
        const auto row = dump::find_row_behind_text(format, text);
        if (row && row->line < error.line()) refuse_row_behind_text(format, text, text, file);
        throw;
    }
}

// Nothing where no format is recognised.
std::optional<HostDump> read_recognised(std::string_view text, std::string_view file) {
    refuse_quoted_printable(text, file);
    refuse_rows_with_escapes(text, file);
    if (auto host = read_by_head(text, file)) return host;
    const Format* format = dump::recognise(text);
    dump::refuse_several_documents(format, {text, file});
    if (format == nullptr) return std::nullopt;
    refuse_other_rows(*format, text, file);
    return checked(read_rows(*format, text, file), *format, text, text, file);
}

// In a text of lines no blank is odd that a tool printed; in JSON and XML it may be of a name.
std::optional<HostDump> read_plain(std::string_view text, bool is_ascii, std::string_view file) {
    if (dump::begins_as_json_or_xml(text)) return read_recognised(text, file);
    refuse_diff(text, file);  // which puts tabs between two rows
    if (!dump::has_odd_blanks(text, is_ascii)) return read_recognised(text, file);
    return read_recognised(dump::with_plain_blanks(text), file);
}

std::vector<HostDump> completed(HostDump host, std::string_view bytes, const Origin& origin) {
    std::vector<HostDump> hosts;
    hosts.push_back(std::move(host));
    complete(hosts.front(), bytes, origin, 0);
    return hosts;
}

// The hosts of a document that a mail quotes or a chat encloses; none where there is no such document.
std::vector<HostDump> read_enclosed(std::string_view text, std::string_view bytes, const Origin& origin) {
    const auto document = dump::enclosed_document(dump::with_plain_blanks(text));
    if (!document) return {};
    const dump::StreamKind kind = dump::stream_kind(*document);
    if (kind != dump::StreamKind::none) return copies_of(read_whole_stream(kind, *document, origin));
    auto host = read_recognised(*document, origin.file);
    return host ? completed(std::move(*host), bytes, origin) : std::vector<HostDump>{};
}

[[noreturn]] void refuse_kind(const dump::Unrecognised& kind, std::string_view file) {
    throw InputError(std::string(file), kind.line, "a CPUID dump", kind.what);
}

}  // namespace

bool is_host_stream(std::string_view bytes) noexcept {
    return dump::stream_kind(dump::without_byte_order_mark(bytes)) != dump::StreamKind::none;
}

std::vector<HostDump> read_hosts(const Unpacked& text, const IsListed& listed, const TakeOther& take_other,
                                 const TakeProblem& take_problem) {
    const Origin origin{text.file, text.named_by, listed};
    const std::string_view bare = dump::without_byte_order_mark(text.bytes);
    const dump::StreamKind kind = dump::stream_kind(bare);
    if (kind != dump::StreamKind::none) {
        return copies_of(read_whole_stream(kind, bare, origin, take_other, take_problem));
    }
    if (take_other && take_other(bare, 1)) return {};
    if (text.bytes.size() > limits::dump_bytes) {
        throw InputError(text.file, 0, "a dump of at most " + std::to_string(limits::dump_bytes) + " bytes",
                         std::to_string(text.bytes.size()) + " bytes");
    }
    const bool is_ascii = dump::is_ascii(bare);
    if (const auto other = dump::describe_no_text(bare, is_ascii)) refuse_kind(*other, text.file);
    if (auto host = read_plain(bare, is_ascii, text.file)) return completed(std::move(*host), text.bytes, origin);
    std::vector<HostDump> hosts = read_enclosed(bare, text.bytes, origin);
    if (hosts.empty()) refuse_kind(dump::describe_unrecognised(bare), text.file);
    return hosts;
}

HostLines::HostLines(std::string file, IsListed listed)
    : file_(std::move(file)), listed_(std::move(listed)), known_(std::make_unique<dump::KnownDocuments>()) {}

HostLines::~HostLines() = default;

std::vector<StreamedHost> HostLines::read(std::string_view lines, std::size_t first_line, std::size_t hosts_before,
                                          const TakeOther& take_other, const TakeProblem& take_problem) const {
    const std::string_view bare = first_line == 1 ? dump::without_byte_order_mark(lines) : lines;
    std::vector<StreamedHost> hosts;
    read_stream({dump::StreamKind::lines, first_line, hosts_before}, bare, {file_, file_, listed_}, *known_, take_other,
                take_problem, hosts);
    return hosts;
}

std::vector<HostDump> read_hosts(std::string_view bytes, std::string_view file, const IsListed& listed) {
    std::vector<HostDump> all;
    unpack(bytes, file, [&](const Unpacked& text) {
        for (HostDump& host : read_hosts(text, listed)) all.push_back(std::move(host));
    });
    return all;
}

}  // namespace poolcpuid
