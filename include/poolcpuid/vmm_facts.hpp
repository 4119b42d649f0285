// What an installed VMM says of itself: the names that it knows, and what its CPU models are.
#pragma once

#include <compare>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

namespace poolcpuid {

// A release of QEMU or libvirt.
struct VmmVersion {
    unsigned major = 0;
    unsigned minor = 0;

    friend constexpr auto operator<=>(const VmmVersion&, const VmmVersion&) = default;
};

// "7.2" of "7.2", "7.2.22"; nothing for all else.
std::optional<VmmVersion> parse_version(std::string_view text);

// "7.2".
std::string to_string(const VmmVersion& version);

// The model of QEMU that has no feature at all.
inline constexpr const char* plainest_qemu_model = "base";

// What a QEMU said, or what is known of its version.
struct QemuFacts {
    VmmVersion version;
    std::string full_version;  // "7.2.22", as QEMU words it
    std::string program;       // its path; empty when it was not asked
    // The model that was asked for, by the versioned name that it stands for: what the name alone means depends
    // on the machine type.
    std::string model;
    // The boolean properties, and whether each is on in the model, and in the model "base", where those that were
    // wanted are turned on: some models have features that come on only with another, and one feature can have
    // several names. Empty when no QEMU was asked.
    std::map<std::string, bool> flags;
    std::map<std::string, bool> plain_flags;
    std::set<std::string> numbers;        // the names of the other properties
    std::set<std::string> model_numbers;  // those of them that the model sets and "base" does not
};

// Starts the program without a machine and asks for its version and the properties of model with those of wanted
// turned on that it knows (QMP query-cpu-model-expansion). Takes some tens of milliseconds, with a named model
// some hundreds. Throws SystemError when it cannot be started or is no QEMU for x86-64, UsageError when it has no
// such model, or when what the model has depends on the host (max, host).
QemuFacts ask_qemu(const std::string& program, const std::string& model, const std::set<std::string>& wanted = {});

// The path of the first of qemu-system-x86_64 and qemu-kvm on PATH and in /usr/libexec, or nothing.
std::optional<std::string> find_qemu();

// A CPU model of libvirt's cpu_map.
struct CpuMapModel {
    std::string name;
    std::string vendor;  // the CPUID vendor string; empty: any
    // A family, model and stepping that the model stands for; no stepping: several.
    struct Signature {
        unsigned family = 0;
        unsigned model = 0;
        std::optional<unsigned> stepping;
    };
    std::vector<Signature> signatures;
    std::set<std::string> features;  // by libvirt's name
    std::set<std::string> removed;   // what the model once had, and QEMU's may still have
};

// libvirt's cpu_map directory.
struct CpuMap {
    std::string directory;           // empty when it was not read
    std::set<std::string> features;  // the names that libvirt knows
    std::map<std::string, CpuMapModel> models;
};

// Reads a cpu_map directory (index.xml and what it includes). Throws InputError.
CpuMap read_cpu_map(const std::string& directory);

// Where Debian and others install libvirt's cpu_map, if it is there.
std::optional<std::string> find_cpu_map();

}  // namespace poolcpuid
