// The guest's CPU in QEMU's words: a model, and properties with their values. Targets that go through QEMU write the
// same in files of their own.
#pragma once

#include <set>
#include <string>
#include <utility>
#include <vector>

#include "poolcpuid/rulebook.hpp"
#include "render/qemu_view.hpp"
#include "render/target_data.hpp"
#include "render/targets.hpp"

namespace poolcpuid::render {

// Where the guest is to start though the accelerator does not list a bit, and where it is not.
inline constexpr const char* refuse_property = "enforce=on";
inline constexpr const char* force_property = "x-force-features=on";

struct QemuCpu {
    std::string model;
    std::vector<std::pair<std::string, std::string>> properties;  // names and values, in the order to give them
    Rendering rendering;  // its version, what cannot be said, and what to know of names
};

// What a target that goes through QEMU can hand on.
struct QemuWords {
    // The numbers that it has words for, and none for texts; nothing: all of both.
    std::optional<std::vector<SayableNumber>> numbers;
    std::string why_not;                 // one sentence: why it has no more
    bool trims = false;                  // blanks at the ends of a text are lost
    std::set<std::string> on_by_itself;  // flags that it turns on, asked or not
    std::string plainest;                // the model where none was asked for; empty: QEMU's
    std::set<std::string> plainest_has;  // the flags of it
    ShownSignature plainest_shows;       // its family and model
};

// Throws UsageError where a model is asked for and no QEMU was. Linear in the rulebook's fields.
QemuCpu qemu_cpu(const TargetInput& input, const QemuWords& words = {});

// The model, then each property as NAME=VALUE, joined by commas: the argument of -cpu.
std::string properties_text(const QemuCpu& cpu);

// What of these its KVM hides and the QEMU of the input gives there all the same.
std::vector<StartUp> added_by_qemu(const TargetInput& input, const HostDump& host, const std::vector<StartUp>& hidden);

// What helps on a host that hides these, where the target's text may hold force_property in the place of
// refuse_property.
Remedy through_qemu_remedy(const TargetInput& input, const Rendering& rendering, const HostDump& host,
                           const std::vector<StartUp>& hidden);

}  // namespace poolcpuid::render
