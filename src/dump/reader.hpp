// The formats of dumps that are read: a row each, and what their readers have in common.
#pragma once

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
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

// What a format prints when a leaf is all zeros: if it prints such rows, a missing one is unknown.
struct Habits {
    bool zero_leaves = false;          // leaves without subleaves
    bool zero_subleafed = false;       // leaves with subleaves, all of them zeros
    bool announced_subleaves = false;  // subleaves that subleaf 0 announces
    // True when the format has a place for the row; all have, where there is no such function.
    bool (*expresses)(LeafKey key, bool amd) noexcept = nullptr;
    bool grew = false;  // older versions of the tool had no place for some lists of subleaves
};

// A format: its word, whether bytes look like it (cheap, never throws), and the reading itself. Readers leave name
// empty unless the document has one, and leave format, and sha256 where it is that of the bytes: read_hosts fills them.
struct Format {
    std::string_view word;
    bool (*recognise)(std::string_view bytes) noexcept;
    HostDump (*read)(const Source& source);
    std::optional<Habits> habits;  // nothing where the document itself says what is unknown
    // The name of what is lines of text, of which each row is recognised by itself.
    std::string_view rows_of{};
};

// AIDA64, EVEREST and InstLatx64 text.
bool is_instlatx64(std::string_view bytes) noexcept;
HostDump read_instlatx64(const Source& source);

// `cpuid -r` of Todd Allen's cpuid.
bool is_cpuid_r(std::string_view bytes) noexcept;
HostDump read_cpuid_r(const Source& source);

// `kcpuid -r` of the Linux tree.
bool is_kcpuid(std::string_view bytes) noexcept;
HostDump read_kcpuid(const Source& source);
bool kcpuid_expresses(LeafKey key, bool amd) noexcept;

// libcpuid's raw dump, and its .test files.
bool is_libcpuid(std::string_view bytes) noexcept;
HostDump read_libcpuid(const Source& source);
bool libcpuid_expresses(LeafKey key, bool amd) noexcept;

// <cpudata> XML of libvirt's tests.
bool is_libvirt(std::string_view bytes) noexcept;
HostDump read_libvirt(const Source& source);

// Fingerprint and CPU-configuration JSON of Firecracker.
bool is_firecracker(std::string_view bytes) noexcept;
HostDump read_firecracker(const Source& source);

// Lists of KVM's CPUID entries as JSON: of `render --to kvm`, and of Cloud Hypervisor.
bool is_kvm_entries(std::string_view bytes) noexcept;
HostDump read_kvm_entries(const Source& source);

// Our own poolcpuid/host/v1 document.
bool is_host_json(std::string_view bytes) noexcept;
HostDump read_host_json(const Source& source);

// A new one is a file of its own, and here its functions and a row. In the order in which they are tried.
inline constexpr std::array formats{
    // KVM answers zeros for what is not in its list. Before host documents, which have a "schema", too.
    Format{"kvm", is_kvm_entries, read_kvm_entries, Habits{}},
    Format{"host-json", is_host_json, read_host_json, std::nullopt},
    // KVM's own list: what is not in it reads as zeros.
    Format{"firecracker", is_firecracker, read_firecracker, Habits{}},
    Format{"libvirt", is_libvirt, read_libvirt, Habits{.zero_leaves = true, .announced_subleaves = true}},
    Format{"libcpuid", is_libcpuid, read_libcpuid,
           Habits{.zero_leaves = true,
                  .zero_subleafed = true,
                  .announced_subleaves = true,
                  .expresses = libcpuid_expresses,
                  .grew = true},
           "libcpuid"},
    Format{"instlatx64", is_instlatx64, read_instlatx64, Habits{.zero_leaves = true, .announced_subleaves = true},
           "InstLatx64"},
    // Omits every row of zeros.
    Format{"kcpuid", is_kcpuid, read_kcpuid, Habits{.expresses = kcpuid_expresses}, "kcpuid"},
    // cpuid -r also prints the dumps of others again.
    Format{"cpuid-r", is_cpuid_r, read_cpuid_r, Habits{.zero_leaves = true, .announced_subleaves = true}, "cpuid -r"},
};

// The format of this word, which there is.
consteval const Format& format_of(std::string_view word) {
    return *std::find_if(formats.begin(), formats.end(), [&](const Format& format) { return format.word == word; });
}

}  // namespace poolcpuid::dump
