// Which files a rulebook has; policy/README.md says what each holds.
#pragma once

#include <algorithm>
#include <array>
#include <string_view>

namespace poolcpuid::rulebook {

// Those that every rulebook has, by their paths within its directory.
inline constexpr std::array<std::string_view, 15> whole_files{
    "dependencies.json",        "equality.json",     "guests/linux.json",
    "levels/x86-64.json",       "models.json",       "rulebook.json",
    "targets/firecracker.json", "targets/kvm.json",  "targets/libvirt.json",
    "targets/proxmox.json",     "targets/qemu.json", "targets/virtualbox.json",
    "targets/vmware.json",      "targets/xen.json",  "xsave.json"};

inline constexpr std::array<std::string_view, 5> folders{"cpuid", "guests", "levels", "msr", "targets"};

// The levels of the x86-64 psABI; the other files of their folder have baselines, each of one project.
inline constexpr std::string_view psabi_levels = "levels/x86-64.json";

// Whether something reads a file of that path.
inline bool is_read(std::string_view path) noexcept {
    const bool is_of_folder = path.starts_with("cpuid/") || path.starts_with("msr/") || path.starts_with("levels/");
    return (is_of_folder && path.ends_with(".json")) ||
           std::find(whole_files.begin(), whole_files.end(), path) != whole_files.end();
}

// Whether it is one of those that render reads.
inline bool is_target(std::string_view path) noexcept { return path.starts_with("targets/") && is_read(path); }

// Whether it is one of those that audit reads.
inline bool is_guest(std::string_view path) noexcept { return path.starts_with("guests/") && is_read(path); }

}  // namespace poolcpuid::rulebook
