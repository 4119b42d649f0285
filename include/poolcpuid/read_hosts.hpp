// Reading host dumps: bytes in, HostDumps out, or an InputError that says what is wrong and where.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "poolcpuid/error.hpp"
#include "poolcpuid/host_dump.hpp"
#include "poolcpuid/limits.hpp"

namespace poolcpuid {

struct Unpacked;

namespace dump {
class KnownDocuments;
}

// What a policy lists. A host document that it does not list by the digest of its content, but by one of earlier
// versions (of its content with the name, or of its bytes), goes by that. Several threads may ask it at once.
using IsListed = std::function<bool(const std::string& sha256)>;

// Reads every host that bytes holds: one; one for each host document of a stream; all of those in compressed data
// or in the files of an archive (see unpack.hpp).
//
// file is used in messages and, without its directories and extension, as the name of a host whose
// document has none. A stream is of documents one a line (NDJSON), one after another, or in an array. Throws InputError
// when the format is not recognised or the content is malformed. Linear in the size of bytes, but for sorting the rows
// of each logical CPU and the members of an object.
std::vector<HostDump> read_hosts(std::string_view bytes, std::string_view file, const IsListed& listed = {});

// Asked of every document before it is read as a host: true when the caller has taken it, as what is no host.
using TakeOther = std::function<bool(std::string_view document, std::size_t first_line)>;

// Given what is wrong with a document of a stream, of which the others are read all the same.
using TakeProblem = std::function<void(const InputError& error)>;

// The same, of one text out of what it was wrapped in. take_other: none, or what takes documents of another kind.
// take_problem: none, so that a stream with a malformed document is refused, or what takes that; where it cannot be
// told how a stream goes on, or beyond limits::unreadable_per_stream malformed documents, that is the last problem, and
// what follows is not read.
std::vector<HostDump> read_hosts(const Unpacked& text, const IsListed& listed = {}, const TakeOther& take_other = {},
                                 const TakeProblem& take_problem = {});

// A host of a stream. What many of them say is held once: the dump's own name is not the host's.
struct StreamedHost {
    std::string name;
    std::shared_ptr<const HostDump> dump;
};

// Reads the hosts of a stream of host documents one a line piece by piece, so that it need not be held as one. Nearly
// all documents of a fleet say the same but for the host's name, so what was read to what is remembered (within a
// bound), and such a one costs little more than a comparison. Several threads may read pieces at once.
class HostLines {
public:
    explicit HostLines(std::string file, IsListed listed = {});
    HostLines(const HostLines&) = delete;
    HostLines& operator=(const HostLines&) = delete;
    ~HostLines();

    // The hosts of whole lines, of which the first is line first_line of the file, after so many hosts. As read_hosts,
    // but that beyond a limit it throws.
    std::vector<StreamedHost> read(std::string_view lines, std::size_t first_line, std::size_t hosts_before,
                                   const TakeOther& take_other = {}, const TakeProblem& take_problem = {}) const;

private:
    std::string file_;
    IsListed listed_;
    std::unique_ptr<dump::KnownDocuments> known_;
};

// True when bytes, which may be the beginning of more, are a stream of host documents. Linear in the first of them.
bool is_host_stream(std::string_view bytes) noexcept;

// Nothing when name may be a host's name (1 to 255 bytes of UTF-8 without control or bidirectional
// formatting characters); else what is wrong with it.
std::string host_name_problem(std::string_view name);

}  // namespace poolcpuid
