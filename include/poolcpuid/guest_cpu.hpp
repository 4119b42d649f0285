// The CPU that a guest with a policy gets, for people and scripts that know features by name: schemas/show.schema.json.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "poolcpuid/cpu.hpp"
#include "poolcpuid/policy.hpp"
#include "poolcpuid/render.hpp"
#include "poolcpuid/rulebook.hpp"

namespace poolcpuid {

// Whose names features can be told in: the rulebook's ids first, then other projects'.
inline constexpr std::array<std::string_view, 6> tongues{"poolcpuid", "vendor", "linux", "qemu", "libvirt", "xen"};

// What a field is called in a tongue; empty where that has no name for it.
std::string_view name_in(std::string_view tongue, const Field& field) noexcept;

// A named model that a VMM knows.
struct ModelChoice {
    NearestModel model;
    std::string version;  // who said so: "QEMU 7.2.22, asked /usr/bin/qemu-system-x86_64"
};

struct GuestCpu {
    Cpu identity;
    const Level* level = nullptr;                              // nullptr: not even the lowest
    const Level* next = nullptr;                               // the one above; nullptr: there is none
    std::vector<FieldIndex> next_missing;                      // what the policy lacks for it, in the rulebook's order
    std::vector<FieldIndex> features;                          // as guest_features gives them
    std::vector<std::pair<FieldIndex, std::uint64_t>> limits;  // numbers that hold everywhere, those that are not 0
    std::optional<ModelChoice> qemu;                           // the nearest; nothing: nobody was asked
    std::optional<ModelChoice> libvirt;                        // likewise
};

// All of it but the models. Linear in the rulebook's fields.
GuestCpu guest_cpu_of(const Rulebook& rulebook, const PoolPolicy& policy);

// The JSON document, with features by their names in a tongue: deterministic, ends with a newline.
std::string to_json(const Rulebook& rulebook, const PoolPolicy& policy, const GuestCpu& guest, std::string_view tongue);

}  // namespace poolcpuid
