// Dumps within strings of JSON: what Ansible registered, logs of containers, snapshots of VMs.
#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>

namespace poolcpuid::dump {

struct WithinJson {
    std::string what;      // "JSON with rows of cpuid -r in a string"
    std::string remedy;    // "take it out: `jq -r .stdout`"
    std::size_t line = 0;  // of the string, from 1
};

// The first string, or array of lines, of the JSON document text that would be read as a dump; else of JSON a line the
// key whose strings would be, one after another; a string may be base64 of it. Nothing where there is none, and for
// what is no JSON. Takes the time of parsing it, and of recognising each long string; of lines looks at the first
// kilobytes.
std::optional<WithinJson> find_within_json(std::string_view text);

}  // namespace poolcpuid::dump
