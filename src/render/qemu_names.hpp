// Which property names the QEMU that is rendered for knows.
#pragma once

#include <algorithm>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "poolcpuid/rulebook.hpp"
#include "poolcpuid/vmm_facts.hpp"
#include "poolcpuid/vmm_version.hpp"
#include "render/target_data.hpp"

namespace poolcpuid::render {

// What is known of QEMU without asking one: policy/targets/qemu.json.

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

class QemuNames {
public:
    // facts: nothing for any version that is known. All must outlive this. Throws UsageError for a version
    // that was not asked and is older than those that are known.
    QemuNames(const Rulebook& rulebook, const QemuData& data, const std::optional<QemuFacts>& facts);

    // True when the QEMU takes the property; remembers how new a QEMU has to be for it.
    bool takes(std::string_view name);

    // True when the oldest release that is known has the property.
    bool has_always(std::string_view name) const;

    // One sentence: why it does not take the name, which is empty when QEMU has none.
    std::string why_not(std::string_view name) const;

    // "QEMU 7.2.22, asked PATH", "QEMU 9.0, not asked", "QEMU 9.2 or later".
    std::string version() const;

    // The oldest QEMU that is known to take every name so far, where that is newer than all known ones.
    const std::optional<VmmVersion>& needed() const noexcept { return needed_; }

    bool is_asked() const noexcept { return facts_ != nullptr && !facts_->program.empty(); }
    // The version that is rendered for, or nothing for any.
    std::optional<VmmVersion> release() const;

private:
    Knows knows(std::string_view name) const;

    VmmVersion oldest_;
    std::map<std::string_view, NameAge> ages_;  // names without one are the oldest release's
    const QemuFacts* facts_ = nullptr;
    std::optional<VmmVersion> needed_;
};

}  // namespace poolcpuid::render
