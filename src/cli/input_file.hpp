// What one file, or a piece of one, holds. Nothing here speaks to the user or keeps anything between calls, so that
// several threads can read at once.
#pragma once

#include <cstddef>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "cli/inputs.hpp"
#include "dump/host_stream.hpp"
#include "poolcpuid/error.hpp"
#include "poolcpuid/host_dump.hpp"
#include "poolcpuid/partial_result.hpp"
#include "poolcpuid/policy.hpp"
#include "poolcpuid/read_hosts.hpp"

namespace poolcpuid::cli {

// A stream of host documents one a line, and what became of its pieces that were taken so far.
struct StreamState {
    StreamState(std::string name, IsListed listed) : file(std::move(name)), lines(file, std::move(listed)) {}

    std::string file;  // as messages have it
    HostLines lines;
    bool failed = false;  // what it is cannot be told from here on: the rest does not count
    std::size_t hosts = 0;
    std::size_t unreadable = 0;
};

struct FileContent {
    std::vector<HostDump> hosts;
    std::vector<std::string> files;                              // of which each of them is, as messages have it
    std::vector<StreamedHost> streamed;                          // of a piece of a stream
    std::vector<PoolPolicy> policies;                            // only where they are accepted
    std::vector<PartialResult> parts;                            // likewise
    std::vector<InputError> refused;                             // partial results that cannot be read
    std::vector<std::pair<std::string, InputError>> unreadable;  // a file or host, and what is wrong with it
    std::vector<std::string> said;                               // what was left aside, for the user
    std::size_t bytes = 0;                                       // that were read
    std::shared_ptr<StreamState> stream;                         // of a piece of a stream
    bool ends_stream = false;                                    // the rest of the stream cannot be read
    std::string piece;                                           // its bytes, which nobody needs any more
};

// How a file is to be read.
struct FileReading {
    std::string path;                 // "-" for standard input
    std::string argument;             // that named it, for the list of what is unreadable
    std::optional<std::string> name;  // that its one host, or the policy's pool, is given
    bool is_of_directory = false;     // it is one host, and a regular file
    bool accepts_policies = false;
    IsListed listed{};                   // as read_hosts has it
    std::optional<MergeInputs> merge{};  // none: partial results are not taken
};

// path as messages have it.
std::string display_name(const std::string& path);

// Reads the file; what is wrong stands in the result. bytes: what it holds, where that was read already.
FileContent read_input_file(const FileReading& reading, std::optional<std::string> bytes = std::nullopt);

// Reads a piece of a stream: whole lines, the first of which is number first_line. hosts: those of the pieces before
// it, for the bound on their number.
FileContent read_input_lines(const FileReading& reading, const std::shared_ptr<StreamState>& stream,
                             std::string_view lines, std::size_t first_line, std::size_t hosts);

// Gives up as soon as what was read can be nothing that is taken: one document has a limit, a stream of hosts has
// another, and so have its lines and what is packed.
class LimitWatch {
public:
    explicit LimitWatch(std::string path) : path_(std::move(path)) {}

    // Looks at all that was read of the file. Throws InputError.
    void operator()(std::string_view bytes);

    // The same of a stream of lines of which so many bytes were read, with so many behind the last line's end.
    void check_lines(std::size_t bytes, std::size_t of_line) const;

private:
    [[noreturn]] void refuse(const char* expected, std::size_t most) const;

    std::string path_;
    std::optional<dump::StreamKind> kind_;
};

}  // namespace poolcpuid::cli
