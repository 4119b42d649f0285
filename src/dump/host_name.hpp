// What the names and other free texts of a dump may consist of, and the name that a file gives its host.
#pragma once

#include <string>
#include <string_view>

#include "poolcpuid/error.hpp"

namespace poolcpuid::dump {

// Nothing when text is UTF-8 without control or bidirectional formatting characters (which could make
// a listing show something else than it says); else what is wrong with it. Linear.
std::string text_problem(std::string_view text);

// Nothing when key and value may be an entry of HostDump::meta: a key is made like a host's name, a
// value is text of at most 4096 bytes; else what is wrong with them. Linear.
std::string meta_problem(std::string_view key, std::string_view value);

// What is wrong with a name that two hosts with different content have. files: in which they stand, or nothing.
InputError name_conflict(const std::string& name, const std::string& files = {});

// The name of a host whose document has none: the file's name without directories and without its last
// extension; "stdin" for "-". May be no valid name: host_name_problem decides.
std::string name_from_file(std::string_view file);

}  // namespace poolcpuid::dump
