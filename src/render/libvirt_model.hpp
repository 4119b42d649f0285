// Which of libvirt's CPU models a policy is rendered on, and which CPU a guest takes that model for.
#pragma once

#include <cstddef>
#include <optional>
#include <set>
#include <string>
#include <tuple>
#include <vector>

#include "poolcpuid/vmm_facts.hpp"
#include "render/libvirt_names.hpp"
#include "render/qemu_view.hpp"
#include "render/targets.hpp"

namespace poolcpuid::render {

class LibvirtModels {
public:
    // All must outlive this.
    LibvirtModels(const TargetInput& input, const LibvirtData& data, const QemuView& guest, const LibvirtNames& names);

    // The model of --base, else the best of those that QEMU has; without a cpu_map the only one that is known.
    // required: the features that the guest gets. Throws UsageError where there is no such model.
    CpuMapModel choose(const std::set<std::string>& required) const;

    // The family, model and stepping that QEMU shows for it, as far as that is known.
    std::optional<ShownSignature> shown(const CpuMapModel& model) const;

    // Whether libvirt has the model for the policy's family, model and stepping.
    bool is_for_policy(const CpuMapModel& model) const;

    // What to know of a model that was chosen, with these features required.
    std::vector<std::string> notes(const CpuMapModel& model, const std::set<std::string>& required) const;

private:
    // What makes a model worse than another, the worst first.
    using Rank = std::tuple<bool, bool, bool, bool, bool, std::size_t, std::string>;

    Rank rank(const CpuMapModel& model, const std::set<std::string>& required,
              const std::set<std::string>& unwanted) const;
    CpuMapModel known_model() const;
    const LibvirtData::Gone* gone(const std::string& name) const;
    bool is_gone(const std::string& name) const;
    const Model* row_of(const Signature& signature) const;
    const Model* row_of(const CpuMapModel& model) const;
    bool is_newer(const CpuMapModel& model) const;
    std::vector<std::string> claims(const CpuMapModel& model) const;
    std::set<std::string> unwanted_features() const;
    std::size_t changes(const CpuMapModel& model, const std::set<std::string>& required,
                        const std::set<std::string>& unwanted) const;
    std::vector<std::string> unsaid(const std::set<std::string>& required) const;

    const TargetInput& input_;
    const LibvirtData& data_;
    const LibvirtNames& names_;
    const CpuMap* map_ = nullptr;
    const QemuModels* qemu_ = nullptr;
    Signature policy_;
    std::size_t vendor_ = 0;
};

}  // namespace poolcpuid::render
