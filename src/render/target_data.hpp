// What a target shows whatever it is told, and how it words things: the files of policy/targets/.
#pragma once

#include <algorithm>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/located_json.hpp"
#include "merge/vendor_rules.hpp"
#include "poolcpuid/registers.hpp"
#include "poolcpuid/rulebook.hpp"
#include "poolcpuid/vmm_version.hpp"

namespace poolcpuid::render {

// A range of registers and bits in them.
struct DataPlace {
    bool is_msr = false;
    std::uint32_t leaf_first = 0;  // or the MSR's index
    std::uint32_t leaf_last = 0;
    std::uint32_t subleaf_first = 0;
    std::uint32_t subleaf_last = 0;
    std::vector<Register> registers;
    std::uint8_t low = 0;
    std::uint8_t high = 31;

    std::uint64_t mask() const noexcept;

    // Where the bits stand in the first of the rows and registers, and that register.
    BitPlace first() const noexcept;
    merge::RegisterPlace first_register() const noexcept;

    // Whether all of a field is there, in this subleaf if it is one of CPUID.
    bool covers(const Field& field, std::uint32_t subleaf) const;

    // Of places that are no MSRs: whether the row is one of them.
    bool has_row(const LeafKey& key) const noexcept {
        return leaf_first <= key.leaf && key.leaf <= leaf_last && subleaf_first <= key.subleaf &&
               key.subleaf <= subleaf_last;
    }

    // Likewise, whether the register of that row is.
    bool has(const LeafKey& key, Register reg) const noexcept {
        return has_row(key) && std::find(registers.begin(), registers.end(), reg) != registers.end();
    }
};

// Releases of a VMM, both ends included; nothing: no end.
struct Releases {
    std::optional<VmmVersion> since;
    std::optional<VmmVersion> until;

    // release: nothing for any.
    bool has(const std::optional<VmmVersion>& release) const noexcept {
        if (!release) return !since && !until;
        return (!since || *since <= *release) && (!until || *release <= *until);
    }
};

// Bits that the target sets by itself.
struct FixedBits {
    DataPlace place;
    std::vector<std::string> vendors;      // empty: all
    Releases releases;                     // of which it is known
    std::optional<std::uint64_t> value;    // nothing: the host's, or unknown
    std::string condition;                 // a field that must be in the policy, or empty
    std::optional<std::uint32_t> if_leaf;  // known only where the guest sees something in this leaf
    std::string accelerator;               // "kvm" or "tcg": only there; empty: anywhere
    std::string why;                       // a sentence
};

// One word of a Xen featureset.
struct FeatureWord {
    std::string name;
    DataPlace place;
};

// The document of policy/targets/NAME.json that was compiled into the program. NAME must be one of them.
json::Value target_document(std::string_view name);

// The place that an entry names with leaf or msr, and subleaf, register and bits where they are not all.
DataPlace place_of(const json::Value& entry);

// The members since and until of an entry.
Releases releases_of(const json::Value& entry);

// The entries of the member "fixed".
std::vector<FixedBits> fixed_bits(const json::Value& document);

// Whole registers: the entries of an array whose members are the registers themselves.
std::vector<FixedBits> fixed_rows(const json::Value& array, const std::string& why);

// The entries of "words".
std::vector<FeatureWord> feature_words(const json::Value& document);

// The strings of a member that is an array.
std::vector<std::string> strings_of(const json::Value& document, std::string_view key);

// True when a list of vendors (by their ids in the rulebook) is empty or has this one.
bool is_for(const std::vector<std::string>& vendors, std::string_view vendor);

}  // namespace poolcpuid::render
