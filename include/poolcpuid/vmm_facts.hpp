// What an installed VMM says of itself: the names that it knows, and what its CPU models are.
#pragma once

#include <compare>
#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "poolcpuid/registers.hpp"

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

// What a QEMU said, or what is known of its version.
struct QemuFacts {
    VmmVersion version;
    std::string full_version;  // "7.2.22", as QEMU words it
    std::string program;       // its path; empty when it was not asked
    // The model that was asked for, by the versioned name that it stands for: what the name alone means depends
    // on the machine type.
    std::string model;
    // The boolean properties of the model and what it sets them to. Empty when no QEMU was asked.
    std::map<std::string, bool> flags;
    std::set<std::string> numbers;  // the names of its other properties
};

// Starts the program without a machine and asks for its version and the properties of model (QMP
// query-cpu-model-expansion). Takes some tens of milliseconds. Throws SystemError when it cannot be
// started or is no QEMU for x86-64, UsageError when it has no such model.
QemuFacts ask_qemu(const std::string& program, const std::string& model);

// The path of the first of qemu-system-x86_64 and qemu-kvm on PATH and in /usr/libexec, or nothing.
std::optional<std::string> find_qemu();

// A CPU model of a QEMU, as it is without a machine, a host or an accelerator's defaults.
struct QemuModel {
    unsigned family = 0;  // as displayed
    unsigned model = 0;
    unsigned stepping = 0;
    std::set<std::string> on;  // its boolean properties that are on
};

// What a QEMU said of several models.
struct QemuModels {
    std::string full_version;                 // "7.2.22"
    std::string program;                      // its path
    std::set<std::string> properties;         // the boolean properties that its models have
    std::map<std::string, QemuModel> models;  // those of the names asked for that it has
};

// Starts the program without a machine and asks for each of the models that it has. Takes some milliseconds a
// model. Throws SystemError as ask_qemu does.
QemuModels ask_qemu_models(const std::string& program, const std::set<std::string>& names);

// Bits of a register that libvirt has a name for.
struct CpuMapBits {
    bool is_msr = false;
    std::uint32_t leaf = 0;  // or the MSR's index
    std::uint32_t subleaf = 0;
    Register reg = Register::eax;
    std::uint64_t mask = 0;  // 32 bits of a CPUID register, 64 of an MSR
};

// A feature of libvirt's cpu_map: a guest has it when all its bits are set.
struct CpuMapFeature {
    std::vector<CpuMapBits> bits;
    std::vector<std::string> qemu_names;  // what QEMU calls it, where that is another name
};

// A CPU model of libvirt's cpu_map.
struct CpuMapModel {
    std::string name;
    std::string vendor;  // the CPUID vendor string; empty: any
    // A family, model and steppings that the model stands for.
    struct Signature {
        unsigned family = 0;
        unsigned model = 0;
        std::uint16_t steppings = 0xFFFF;  // bit s: stepping s
    };
    std::vector<Signature> signatures;  // the first is what QEMU's model of that name shows, with few exceptions
    std::set<std::string> features;     // by libvirt's name
    std::set<std::string> removed;      // what the model once had, and QEMU's may still have
    bool for_guests = true;             // libvirt takes it for a guest by itself; not so versions of another model
};

// libvirt's cpu_map directory.
struct CpuMap {
    std::string directory;  // empty when it was not read
    std::map<std::string, CpuMapFeature> features;
    std::map<std::string, CpuMapModel> models;
};

// Reads a cpu_map directory (index.xml and what it includes). Throws InputError: also for a model of which the
// ancestor, the vendor or a feature is not in the map, since what it has is not known then.
CpuMap read_cpu_map(const std::string& directory);

// Where Debian and others install libvirt's cpu_map, if it is there.
std::optional<std::string> find_cpu_map();

}  // namespace poolcpuid
