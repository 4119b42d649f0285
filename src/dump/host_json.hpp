// Reading one poolcpuid/host/v1 document, which may be a line of a larger stream.
#pragma once

#include <cstddef>
#include <string>

#include "base/located_json.hpp"
#include "dump/reader.hpp"

namespace poolcpuid::dump {

// Reads the document that source holds and whose first byte stands on first_line of the file. Strict:
// unknown keys, repeated rows, and rows that are both present and unknown are refused with InputError.
// As in every reader, rows beyond the maximum leaf of their range are dropped with a note, and name
// stays empty when the document has none. The digest is of the content. O(n log n) in the size of the document.
HostDump read_host_document(const Source& source, std::size_t first_line);

// The digest of a document's content, without the host's name.
std::string content_digest(const json::Value& document);

// The same of a document with the name: that of earlier versions. source must be one that can be read.
std::string digest_with_name(const Source& source);

}  // namespace poolcpuid::dump
