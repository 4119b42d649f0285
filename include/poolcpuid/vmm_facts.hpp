// What an installed VMM says of itself: the names that it knows, and what its CPU models are.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "poolcpuid/registers.hpp"
#include "poolcpuid/vmm_version.hpp"

namespace poolcpuid {

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
// some hundreds. Throws SystemError when it cannot be started, InputError when it does not answer as a QEMU for x86-64
// does, UsageError when it has no such model, or when what the model has depends on the host (max, host).
QemuFacts ask_qemu(const std::string& program, const std::string& model, const std::set<std::string>& wanted = {});

// The path of the first of qemu-system-x86_64 and qemu-kvm on PATH and in /usr/libexec, or nothing.
std::optional<std::string> find_qemu();

// A CPU model of a QEMU, as it is without a machine, a host or an accelerator's defaults.
struct QemuModel {
    unsigned family = 0;  // as displayed
    unsigned model = 0;
    unsigned stepping = 0;
    std::set<std::string> on;                        // its boolean properties that are on
    std::string vendor{};                            // the CPUID vendor string; empty: not told
    std::map<std::string, std::uint64_t> numbers{};  // its properties that are numbers
};

// What a QEMU said of several models.
struct QemuModels {
    std::string full_version;                 // "7.2.22"
    std::string program;                      // its path
    std::set<std::string> properties;         // the boolean properties that its models have
    std::map<std::string, QemuModel> models;  // those of the names asked for that it has
    std::set<std::string> numbers{};          // the properties of its models that are numbers
    std::set<std::string> dropped{};  // of those that were wanted, what it turns off again where they alone are on
};

// Starts the program without a machine and asks for each of the models that it has; without names, for all but second
// names of others and those that are whatever the host has. wanted: the boolean properties that a guest is to have.
// Takes some milliseconds a model. Throws SystemError and InputError as ask_qemu does.
QemuModels ask_qemu_models(const std::string& program, const std::set<std::string>& names,
                           const std::set<std::string>& wanted = {});

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
