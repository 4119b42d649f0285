// libvirt's names of features, by the bits that they stand for.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <utility>
#include <vector>

#include "poolcpuid/vmm_facts.hpp"
#include "promises/owned_bits.hpp"
#include "render/qemu_view.hpp"
#include "render/targets.hpp"

namespace poolcpuid::render {

class LibvirtNames {
public:
    // The names of options.cpu_map, less those that the QEMU in options.qemu_models lacks; the rulebook's where there
    // is no map. Both must outlive this.
    LibvirtNames(const TargetInput& input, const QemuView& guest);

    // What to call the bit of a field; empty where it has no name of its own. Of several names the rulebook's, else the
    // first.
    std::string name_of(const Field& field, std::uint32_t subleaf) const;

    // One sentence: why it has none.
    std::string why_not(const Field& field, std::uint32_t subleaf) const;

    // True for a name that libvirt, and the QEMU, take and keep; without a map, of which nothing is known, for any.
    bool knows(const std::string& name) const;

    // The name of QEMU's property in libvirt's words; empty where libvirt has none.
    std::string name_of_property(const std::string& property) const;

    // True when the policy sets every bit of the feature.
    bool is_in_policy(const std::string& name) const;

    // True when the policy leaves every bit of the feature to the VMM.
    bool is_left_to_vmm(const std::string& name) const;

    // False for a feature that says nothing without another one that the policy lacks: those of VMX without VMX.
    bool counts(const std::string& name) const;

    // The same name for all that stand for the same bits.
    const std::string& first_of_equals(const std::string& name) const;

private:
    using Bit = std::pair<promises::RegisterPlace, std::uint8_t>;

    void take_map(const CpuMap& map);
    void take_rulebook();
    void index_bits();
    void correct(const std::string& name, CpuMapFeature& feature) const;
    const std::vector<std::string>& names_at(const Field& field, std::uint32_t subleaf) const;
    bool qemu_has(const std::string& name, const CpuMapFeature& feature) const;
    bool qemu_drops(const std::string& name, const CpuMapFeature& feature) const;
    const Field* gate_of(const CpuMapBits& bits) const;

    const TargetInput& input_;
    const QemuView& guest_;
    const promises::OwnedBits owned_;
    const QemuModels* qemu_ = nullptr;
    std::map<std::string, CpuMapFeature> features_;
    std::map<std::string, std::string> by_property_;
    std::map<Bit, std::vector<std::string>> by_bit_;
    std::map<std::string, std::string> first_;
};

}  // namespace poolcpuid::render
