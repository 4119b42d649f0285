// Writing host dumps: our own document, which carries everything, and the text of `cpuid -r`.
#pragma once

#include <string>
#include <vector>

#include "poolcpuid/host_dump.hpp"

namespace poolcpuid {

// The canonical poolcpuid/host/v1 document of host, ending in a line feed: members in a fixed order, two
// blanks of indent, registers of 8 and MSR values of 16 digits, leaves and indices without leading zeros.
// read_hosts gives back a host that is equal but for format, sha256 and notes, and which is written to
// the same bytes. Bytes of name and meta that are not UTF-8 become U+FFFD. Linear.
std::string to_host_json(const HostDump& host);

// The same document on one line, without blanks: a line of NDJSON. Linear.
std::string to_host_line(const HostDump& host);

// host as `cpuid -r` prints it: every logical CPU of the hardware view, or the hypervisor view as CPU 0
// when there is no other. Appends to warnings one sentence for each thing that the text cannot carry.
//
// Reading the text back gives the same rows, but for an XSAVE component of size 0 (which no reader
// believes) and for rows of zeros: a row that the dump leaves out because it is zero is written
// as zeros where a reader of `cpuid -r` text would otherwise take it for unknown. O(n log n).
std::string to_cpuid_r(const HostDump& host, std::vector<std::string>& warnings);

}  // namespace poolcpuid
