// Which files a rulebook has; policy/README.md says what each holds.
#pragma once

#include <algorithm>
#include <array>
#include <string_view>

namespace poolcpuid::rulebook {

// Those that every rulebook has, by their paths within its directory.
inline constexpr std::array<std::string_view, 14> whole_files{
    "dependencies.json",    "equality.json",     "guests/linux.json",        "levels.json",
    "models.json",          "rulebook.json",     "targets/firecracker.json", "targets/libvirt.json",
    "targets/proxmox.json", "targets/qemu.json", "targets/virtualbox.json",  "targets/vmware.json",
    "targets/xen.json",     "xsave.json"};

inline constexpr std::array<std::string_view, 4> folders{"cpuid", "guests", "msr", "targets"};

// Whether something reads a file of that path.
inline bool is_read(std::string_view path) noexcept {
    const bool is_leaf = (path.starts_with("cpuid/") || path.starts_with("msr/")) && path.ends_with(".json");
    return is_leaf || std::find(whole_files.begin(), whole_files.end(), path) != whole_files.end();
}

// Whether it is one of those that render reads.
inline bool is_target(std::string_view path) noexcept { return path.starts_with("targets/") && is_read(path); }

// Whether it is one of those that audit reads.
inline bool is_guest(std::string_view path) noexcept { return path.starts_with("guests/") && is_read(path); }

}  // namespace poolcpuid::rulebook
