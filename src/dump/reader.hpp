// What every dump reader has in common: its signature, and the steps after the rows are collected.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "poolcpuid/host_dump.hpp"
#include "poolcpuid/read_hosts.hpp"

namespace poolcpuid::dump {

// The bytes of one dump and the file name that messages give.
struct Source {
    std::string_view bytes;
    std::string_view file;
};

// A reader: whether the bytes look like its format (cheap, never throws), and the reading itself.
// Readers leave name empty unless the document has one, and leave sha256 empty: read_hosts fills both.
bool is_instlatx64(std::string_view bytes) noexcept;
HostDump read_instlatx64(const Source& source);

bool is_cpuid_r(std::string_view bytes) noexcept;
HostDump read_cpuid_r(const Source& source);

bool is_kcpuid(std::string_view bytes) noexcept;
HostDump read_kcpuid(const Source& source);

bool is_libcpuid(std::string_view bytes) noexcept;
HostDump read_libcpuid(const Source& source);

// True when libcpuid's raw dump has a place for the row: an entry of one of its arrays.
bool libcpuid_expresses(LeafKey key) noexcept;

bool is_libvirt(std::string_view bytes) noexcept;
HostDump read_libvirt(const Source& source);

bool is_firecracker(std::string_view bytes) noexcept;
HostDump read_firecracker(const Source& source);

bool is_host_json(std::string_view bytes) noexcept;
HostDump read_host_json(const Source& source);

}  // namespace poolcpuid::dump
