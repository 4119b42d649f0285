// What a target of render shows whatever it is told, and how it words things: the files of targets/ of a rulebook.
// policy/README.md says what each key means. Render parses the file of its target when it needs it; lint parses all of
// them with the same code.
#pragma once

#include <algorithm>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "poolcpuid/load_rulebook.hpp"
#include "poolcpuid/registers.hpp"
#include "poolcpuid/rulebook.hpp"
#include "poolcpuid/vmm_version.hpp"

namespace poolcpuid::rulebook {

struct SourceRulebook;

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

    std::uint64_t mask() const noexcept { return bit_mask(low, high); }

    // Where the bits stand in the first of the rows and registers.
    BitPlace first() const noexcept {
        return {is_msr, leaf_first, subleaf_first, subleaf_first, registers.front(), low, high};
    }

    // Whether all of a field is there, in this subleaf if it is one of CPUID.
    bool covers(const Field& field, std::uint32_t subleaf) const noexcept {
        if (field.is_msr != is_msr || (field.mask() & ~mask()) != 0) return false;
        return is_msr ? has_row({field.leaf, 0}) : has({field.leaf, subleaf}, field.reg);
    }

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

// What must be so: a field that is there, or an option of the target that is on; negated, it is not. Written "!" before
// the name.
struct Condition {
    std::string name;  // the field's id, or the option's; empty: nothing must be so
    bool negated = false;

    bool holds(bool is_so) const noexcept { return name.empty() || is_so != negated; }
};

// Bits that the target sets by itself.
struct FixedBits {
    DataPlace place;
    std::vector<std::string> vendors;      // empty: all
    Releases releases;                     // of which it is known
    std::optional<std::uint64_t> value;    // nothing: the host's, or unknown
    Condition condition;                   // of a field
    std::uint64_t from = 1;                // the field of the condition is there from this value on
    std::optional<std::uint64_t> below;    // and below this one
    std::optional<std::uint32_t> if_leaf;  // known only where the guest sees something in this leaf
    std::string accelerator;               // "kvm" or "tcg": only there; empty: anywhere
    Condition with;                        // of an option
    std::string why;                       // a sentence

    // of_field: the value of the condition's field.
    bool holds(std::uint64_t of_field) const noexcept {
        return condition.holds(from <= of_field && (!below || of_field < *below));
    }
};

// targets/firecracker.json.
struct FirecrackerData {
    std::vector<std::string> vendors;  // whose guests it runs
    std::vector<FixedBits> fixed;
    // Rows that KVM lists where the host has them: no template can take them away, nor name them where KVM has none.
    std::vector<FixedBits> of_host;
    DataPlace services;  // of KVM: the VMM's business where the policy has none
};

// targets/kvm.json.
struct KvmData {
    std::vector<DataPlace> made;  // MSRs that KVM makes from what else it is given, and takes from no VMM

    bool makes(std::uint32_t msr) const noexcept {
        return std::any_of(made.begin(), made.end(), [&](const DataPlace& place) { return place.has_row({msr, 0}); });
    }
};

struct ValueForVendors {
    std::vector<std::string> vendors;  // empty: all
    std::uint64_t value = 0;
};

// Fields that QEMU turns on together with a number of at least so much.
struct TurnedOn {
    std::uint64_t from = 0;
    std::vector<std::string> fields;
    Releases releases;  // that do so
};

// Bits that raise the last leaf of their range, where they are not 0, to one that has it at least.
struct RaisedBy {
    DataPlace place;  // in one register
    std::uint32_t to = 0;
};

// A property that takes a number, and where the guest sees it.
struct NumberProperty {
    std::string name;
    DataPlace place;
    std::string only_with;   // a field that must be in the policy, or empty
    bool says_zero = false;  // left out, it is not 0
    // What guests of a model see, which has none of its own; of other vendors it is not known.
    std::vector<ValueForVendors> untold;
    std::vector<TurnedOn> turns_on;
    // What a model has that leaves the number to the host; guests of one that has another see that. Nothing: what
    // they see follows from more than the model.
    std::optional<std::uint64_t> of_host;
    std::vector<RaisedBy> raised_by;  // of the last leaf of a range: what a guest has raises that of its model
    std::optional<NameAge> age;       // nothing: the rulebook's field of that name says it
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

// A field that QEMU gives on hosts whose KVM does not list it.
struct AddedField {
    std::string field;
    std::vector<std::string> where;  // fields that KVM lists there, all of them
    Releases releases;
};

// Numbers that QEMU's models have, by the names of their properties.
struct ModelNumbers {
    std::vector<std::string> models;
    std::vector<std::pair<std::string, std::uint64_t>> numbers;
};

// A property that some releases turn off again though they know it, for want of one that no guest needs for it.
struct DroppedProperty {
    std::string name;
    Releases releases;  // some of whose patch levels do so
    std::string why;    // a sentence
};

// A property without which QEMU shows no leaf that is its own to fill in.
struct LeafSwitch {
    std::string name;
    std::uint32_t leaf = 0;
    std::optional<NameAge> age;
};

// targets/qemu.json: what is known of QEMU without asking one.
struct QemuData {
    VmmVersion oldest;  // the oldest release whose names are known
    std::vector<LeafSwitch> switches;
    std::vector<NumberProperty> numbers;
    std::vector<ModelNumbers> models;  // what is known of models without asking a QEMU
    std::vector<DroppedProperty> drops;
    DataPlace brand;                      // the leaves of the brand string, in their order
    std::vector<std::string> always;      // properties that are the VMM's business and are turned on
    std::vector<std::string> always_kvm;  // likewise, under KVM
    std::vector<std::string> pmu_for;     // fields that QEMU shows with pmu=on alone
    std::vector<std::string> defaults;    // flags that accelerators and machines turn on or off by default
    DataPlace of_host;                    // where QEMU completes what it is told from what the host has
    std::vector<AddedField> adds;
    std::vector<CopiedRegister> copies;
    std::vector<std::string> copied_bits_for;     // the vendors for which QEMU repeats bits of leaf 1
    DataPlace compacted_size;                     // the size of the compacted XSAVE area, with or without XSAVEC
    std::string tcg_xsave_layout;                 // the vendor whose XSAVE layout the emulation has
    std::vector<std::string> tcg_xsave_unplaced;  // states that the emulation gives a size and no place
    std::vector<TcgStates> tcg_xsave_states;
    std::vector<FixedBits> fixed;
    VmmVersion caches_until;            // the last release of which caches and without_l3 are known
    std::vector<FixedBits> caches;      // of models without a cache description
    std::vector<FixedBits> without_l3;  // what l3-cache=off changes
};

// targets/libvirt.json.
struct LibvirtData {
    struct Gone {
        std::vector<std::string> models;
        std::string why;  // a sentence
    };
    struct Shown {
        std::vector<std::string> models;
        Signature signature;  // of stepping 0
    };
    struct Unsaid {
        std::vector<std::string> vendors;
        std::uint16_t family = 0;
        std::uint16_t model = 0;
        std::optional<std::uint16_t> below_stepping;  // nothing: any stepping
        std::vector<std::string> features;
    };

    std::string plainest;                                      // the model that is known without a cpu_map
    std::vector<std::string> features;                         // of it
    std::vector<std::pair<std::string, std::string>> vendors;  // CPUID's string, and libvirt's name
    std::vector<std::string> always;                           // features that are the VMM's own and are required
    std::vector<std::string> defaults;                         // that an accelerator or a model may turn on
    std::string keeps;                                         // QEMU's name of the number that libvirt can say
    std::vector<Gone> gone;                                    // models that QEMU does not have
    std::vector<Shown> shown;                                  // models that show something else than the cpu_map says
    std::vector<Unsaid> unsaid;                                // features that libvirt leaves out of what hosts have
};

// A number by QEMU's name, and the values that a target takes for it.
struct SayableNumber {
    std::string name;
    std::uint64_t min = 0;
    std::uint64_t max = 0;
};

// targets/proxmox.json.
struct ProxmoxData {
    std::vector<std::pair<std::string, std::vector<std::string>>> models;  // that it reports, by CPUID's vendor string
    std::vector<std::string> generic;                                      // those that take the host's vendor
    std::string plainest;                                                  // the one that is known without asking
    Signature signature;                                                   // of it, of stepping 0
    std::vector<std::string> features;                                     // the flags of it, by QEMU's names
    std::vector<SayableNumber> numbers;                                    // those that it can say
    std::vector<std::string> adds;                                         // flags that it turns on by itself

    // Whether it reports a model of the vendor's own.
    bool has_models_of(std::string_view vendor_string) const {
        return std::any_of(models.begin(), models.end(),
                           [&](const auto& entry) { return entry.first == vendor_string; });
    }

    // The models that it reports to guests of a vendor.
    std::vector<std::string> models_for(std::string_view vendor_string) const {
        std::vector<std::string> all = generic;
        for (const auto& [vendor, names] : models) {
            if (vendor == vendor_string) all.insert(all.end(), names.begin(), names.end());
        }
        return all;
    }
};

struct LeafRange {
    std::uint32_t first = 0;
    std::uint32_t last = 0;
};

// Which rows a target is told that has words for whole registers of a first subleaf.
struct RowWords {
    std::vector<LeafRange> leaves;    // what it takes
    std::vector<LeafRange> caches;    // leaves that it does not take and that only describe
    std::vector<LeafRange> computed;  // leaves that it does not take and that follow from the rest
};

// The bits of a register that a target may show; it clears the others.
struct ShownBits {
    DataPlace place;
    std::uint64_t mask = 0;
    std::string why;  // a sentence
};

// An option of VirtualBox that is on where its condition holds.
struct Switch {
    std::string option;
    Condition condition;               // of a field of the policy
    std::vector<std::string> vendors;  // empty: all
};

// targets/virtualbox.json.
struct VirtualBoxData {
    VmmVersion release;  // of which it is known
    RowWords words;
    std::vector<Switch> switches;  // of several for one option any turns it on
    std::vector<ShownBits> shown;
    std::vector<FixedBits> highest;  // the last leaf of a range
    std::vector<FixedBits> fixed;
};

// targets/vmware.json.
struct VmwareData {
    RowWords words;
    std::vector<std::pair<std::string, std::string>> names;  // fields, and what VMware calls them
};

// One word of a Xen featureset.
struct FeatureWord {
    std::string name;
    DataPlace place;
    std::vector<std::pair<std::string, std::vector<std::string>>> guests;  // features by their attributes
    std::string read_with;  // the feature without which Xen does not read the word, or empty
};

// targets/xen.json: features are by Xen's names.
struct XenTarget {
    struct OfVendors {
        std::vector<std::string> vendors;  // empty: all
        std::vector<std::string> names;
    };
    struct Hidden {
        std::vector<std::string> vendors;
        std::vector<std::string> names;
        std::string field;
        std::vector<std::uint64_t> values;
    };

    // The last leaf of a range, as the value of its register.
    struct Highest : FixedBits {
        bool up_to_host = false;  // it starts no guest with more than the host has
    };

    VmmVersion release;
    VmmVersion older;
    std::vector<std::string> older_lacks;
    std::vector<std::string> older_has;
    std::vector<FeatureWord> words;
    std::vector<OfVendors> given;
    std::vector<OfVendors> absent;
    std::vector<Hidden> hidden;
    std::vector<std::pair<std::string, std::string>> with;
    std::vector<std::pair<std::string, std::vector<std::string>>> needs;
    std::vector<std::pair<std::string, std::string>> said;  // and why, a sentence
    std::vector<FixedBits> fixed;                           // "empty" first
    std::vector<Highest> highest;
    std::vector<DataPlace> computed;                               // registers
    std::vector<std::uint32_t> subleafed;                          // leaves
    std::vector<std::pair<std::string, std::string>> libxl_names;  // Xen's name, and libxl's where it is another
    std::vector<std::pair<std::string, DataPlace>> libxl_numbers;  // what libxl has a number for
    DataPlace libxl_signature;                                     // what it has family, model and stepping for
};

// The data of each target as the rulebook has it. Throws InputError where the rulebook has no such file, or one with
// a slip that lint would have found.
FirecrackerData firecracker_data(const Rulebook& rulebook);
KvmData kvm_data(const Rulebook& rulebook);
QemuData qemu_data(const Rulebook& rulebook);
LibvirtData libvirt_data(const Rulebook& rulebook);
ProxmoxData proxmox_data(const Rulebook& rulebook);
VirtualBoxData virtualbox_data(const Rulebook& rulebook);
VmwareData vmware_data(const Rulebook& rulebook);
XenTarget xen_data(const Rulebook& rulebook);

// Appends a finding for everything that is wrong with those of the files that are targets. source: what their names
// are checked against; nullptr where it is not whole, and only their shape can be checked.
void lint_targets(const std::vector<RulebookFile>& files, const SourceRulebook* source,
                  std::vector<LintFinding>& findings);

// True when a list of vendors (by their ids in the rulebook) is empty or has this one.
inline bool is_for(const std::vector<std::string>& vendors, std::string_view vendor) {
    return vendors.empty() || std::find(vendors.begin(), vendors.end(), vendor) != vendors.end();
}

}  // namespace poolcpuid::rulebook
