// What dumps come wrapped in: compression (gzip, xz, zstd) and tar archives, recognised by their content.
#pragma once

#include <cstddef>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "poolcpuid/error.hpp"
#include "poolcpuid/read_hosts.hpp"

namespace poolcpuid {

// One text, out of what it was wrapped in.
struct Unpacked {
    std::string_view bytes;  // there for as long as the function that is given them runs
    std::string file;        // for messages: "fleet.tar:hosts/node7.txt" of a member of an archive
    std::string named_by;    // the file whose name is that of a host whose document has none
    bool is_member = false;  // of an archive
};

// How much is unpacked of one input; what is beyond is refused. See poolcpuid::limits.
struct UnpackLimits {
    std::size_t text_bytes = limits::dump_bytes;        // of a text, but for streams and partial results
    std::size_t all_bytes = limits::unpacked_bytes;     // of everything, also of what is left aside
    std::size_t members = limits::hosts_per_stream;     // of an archive, without those that are left aside
    std::size_t decoder_bytes = limits::decoder_bytes;  // of memory that a decoder may take for its window
};

// True when bytes, which may be the beginning of more, are compressed or a tar archive. Constant.
bool is_packed(std::string_view bytes) noexcept;

// Gives every text that bytes holds to take, in the order in which they come: bytes themselves where they are not
// packed, what they decompress to, or each regular file of a tar archive (ustar, pax, GNU), compressed or not. A file
// of an archive may be compressed, too. Nothing is unpacked twice over: an archive in an archive is given as it is.
// Returns the names of an archive's members that are left aside, as a directory's are: links and devices, and names
// that begin with a dot; directories are not named.
//
// Names of members are names in messages and of hosts and nothing else: no file is opened or written. Throws InputError
// for what is damaged or cut off, with the reason that the library gives, for an archive without a file, for more than
// limits allow, and what take throws. take may have been called by then. Linear in what is unpacked; holds one text and
// the window of a decoder or two in memory.
std::vector<std::string> unpack(std::string_view bytes, std::string_view file,
                                const std::function<void(const Unpacked&)>& take, const UnpackLimits& limits = {});

}  // namespace poolcpuid
