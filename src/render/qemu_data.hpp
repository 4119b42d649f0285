// What is known of QEMU without asking one: policy/targets/qemu.json.
#pragma once

#include <algorithm>
#include <optional>
#include <string>
#include <vector>

#include "poolcpuid/vmm_version.hpp"
#include "render/target_data.hpp"

namespace poolcpuid::render {

// A property that takes a number, and where the guest sees it.
struct NumberProperty {
    std::string name;
    DataPlace place;
    std::string condition;       // a field that must be in the policy, or empty
    bool says_zero = false;      // left out, it is not 0
    std::optional<NameAge> age;  // nothing: the rulebook's field of that name says it
};

// A register that repeats another.
struct CopiedRegister {
    DataPlace place;
    DataPlace from;
    std::vector<std::string> vendors;  // empty: all
    Releases releases;
};

// The states of XSAVE that some releases' emulation has.
struct TcgStates {
    Releases releases;
    std::vector<std::string> states;  // by their ids in the rulebook; empty: all

    bool has(std::string_view id) const noexcept {
        return states.empty() || std::find(states.begin(), states.end(), id) != states.end();
    }
};

// A property without which QEMU shows no leaf that is its own to fill in.
struct LeafSwitch {
    std::string name;
    std::uint32_t leaf = 0;
    std::optional<NameAge> age;
};

struct QemuData {
    QemuData();

    VmmVersion oldest;  // the oldest release whose names are known
    std::vector<LeafSwitch> switches;
    std::vector<NumberProperty> numbers;
    DataPlace brand;                      // the leaves of the brand string, in their order
    std::vector<std::string> always;      // properties that are the VMM's business and are turned on
    std::vector<std::string> always_kvm;  // likewise, under KVM
    std::vector<std::string> defaults;    // flags that accelerators and machines turn on or off by default
    DataPlace of_host;                    // where QEMU completes what it is told from what the host has
    std::vector<CopiedRegister> copies;
    std::vector<std::string> copied_bits_for;     // the vendors for which QEMU repeats bits of leaf 1
    DataPlace compacted_size;                     // the size of the compacted XSAVE area, with or without XSAVEC
    std::string tcg_xsave_layout;                 // the vendor whose XSAVE layout the emulation has
    std::vector<std::string> tcg_xsave_unplaced;  // states that the emulation gives a size and no place
    std::vector<TcgStates> tcg_xsave_states;
    std::vector<FixedBits> fixed;
    VmmVersion caches_until;            // the last release of which caches and caches_without_l3 are known
    std::vector<FixedBits> caches;      // of models without a cache description
    std::vector<FixedBits> without_l3;  // what l3-cache=off changes
};

}  // namespace poolcpuid::render
