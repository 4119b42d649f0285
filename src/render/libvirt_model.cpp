#include "render/libvirt_model.hpp"

#include <algorithm>
#include <bit>

#include "base/lists.hpp"
#include "base/printable.hpp"
#include "poolcpuid/error.hpp"
#include "poolcpuid/policy_registers.hpp"
#include "rulebook/claims.hpp"

namespace poolcpuid::render {

namespace {

bool has(const std::vector<std::string>& all, std::string_view text) {
    return std::find(all.begin(), all.end(), text) != all.end();
}

}  // namespace

LibvirtModels::LibvirtModels(const TargetInput& input, const LibvirtData& data, const LibvirtNames& names)
    : input_(input),
      data_(data),
      names_(names),
      policy_(PolicyRegisters(input.policy).signature()),
      vendor_(input.rules.rulebook().vendor_of(input.policy.vendor).value()) {
    if (input.options.cpu_map) map_ = &*input.options.cpu_map;
    if (input.options.qemu_models) qemu_ = &*input.options.qemu_models;
}

CpuMapModel LibvirtModels::choose(const std::set<std::string>& required) const {
    if (map_ == nullptr) return known_model();
    const std::string& base = input_.options.base;
    if (!base.empty()) {
        const auto at = map_->models.find(base);
        if (at == map_->models.end()) throw UsageError("the cpu_map has no CPU model " + printable(base));
        if (qemu_ != nullptr && is_gone(base)) {
            throw UsageError(printable(qemu_->program) + " has no CPU model " + printable(base));
        }
        return at->second;
    }
    const std::set<std::string> unwanted = unwanted_features();
    const CpuMapModel* best = nullptr;
    std::optional<Rank> least;
    for (const auto& [name, model] : map_->models) {
        if (is_gone(name) || (!model.vendor.empty() && model.vendor != input_.policy.vendor)) continue;
        const Rank mine = rank(model, required, unwanted);
        if (least && *least < mine) continue;
        best = &model;
        least = mine;
    }
    if (best == nullptr) {
        throw UsageError("the cpu_map has no CPU model for " + printable(input_.policy.vendor) + " that QEMU has");
    }
    return *best;
}

// What is known of the plainest model without a cpu_map.
CpuMapModel LibvirtModels::known_model() const {
    CpuMapModel model;
    model.name = data_.plainest;
    if (!input_.options.base.empty() && input_.options.base != model.name) {
        throw UsageError("--base needs libvirt's cpu_map, to know what the model has: --cpu-map DIR");
    }
    model.features.insert(data_.features.begin(), data_.features.end());
    return model;
}

// A guest that takes its CPU for one with more immunities than the pool's leaves protections out; so that counts
// before age. A model of the policy's own CPU comes before all others. What libvirt does not take for guests by itself
// are versions that not every QEMU has: where none was asked, the lowest is the likeliest.
LibvirtModels::Rank LibvirtModels::rank(const CpuMapModel& model, const std::set<std::string>& required,
                                        const std::set<std::string>& unwanted) const {
    const std::optional<ShownSignature> seen = shown(model);
    const bool is_other_family = !seen || seen->signature.family != policy_.family;
    const bool claims_more = row_of(model) == nullptr || !claims(model).empty();
    const bool is_certain = qemu_ != nullptr || model.for_guests;
    return {!is_for_policy(model),
            claims_more,
            is_newer(model),
            is_other_family,
            !model.for_guests,
            is_certain ? changes(model, required, unwanted) : 0,
            model.name};
}

const LibvirtData::Gone* LibvirtModels::gone(const std::string& name) const {
    for (const LibvirtData::Gone& entry : data_.gone) {
        if (has(entry.models, name)) return &entry;
    }
    return nullptr;
}

bool LibvirtModels::is_gone(const std::string& name) const {
    return qemu_ != nullptr ? !qemu_->models.contains(name) : gone(name) != nullptr;
}

std::optional<ShownSignature> LibvirtModels::shown(const CpuMapModel& model) const {
    if (qemu_ != nullptr) {
        const auto at = qemu_->models.find(model.name);
        if (at == qemu_->models.end()) return std::nullopt;
        return shown_by(at->second);
    }
    for (const LibvirtData::Shown& entry : data_.shown) {
        if (has(entry.models, model.name)) return ShownSignature{entry.signature};
    }
    if (model.signatures.empty()) return std::nullopt;
    const CpuMapModel::Signature& first = model.signatures.front();
    return ShownSignature{{static_cast<std::uint16_t>(first.family), static_cast<std::uint16_t>(first.model),
                           static_cast<std::uint16_t>(std::countr_zero(first.steppings))}};
}

bool LibvirtModels::is_for_policy(const CpuMapModel& model) const {
    return std::any_of(model.signatures.begin(), model.signatures.end(), [&](const CpuMapModel::Signature& entry) {
        return entry.family == policy_.family && entry.model == policy_.model &&
               (entry.steppings >> policy_.stepping & 1U) != 0;
    });
}

const Model* LibvirtModels::row_of(const Signature& signature) const {
    return input_.rules.rulebook().model_of(vendor_, signature);
}

const Model* LibvirtModels::row_of(const CpuMapModel& model) const {
    const std::optional<ShownSignature> seen = shown(model);
    return seen ? row_of(seen->signature) : nullptr;
}

// A model that the table does not have may be of any age.
bool LibvirtModels::is_newer(const CpuMapModel& model) const {
    const Model* row = row_of(model);
    const Model* pool = row_of(policy_);
    return row == nullptr || (pool != nullptr && row->generation > pool->generation);
}

// The immunities that guests infer from the model and that the policy's CPU does not have.
std::vector<std::string> LibvirtModels::claims(const CpuMapModel& model) const {
    std::vector<std::string> more;
    const Model* row = row_of(model);
    if (row == nullptr) return more;
    for (const std::string_view claim : rulebook::claims_beyond(*row, row_of(policy_))) more.emplace_back(claim);
    return more;
}

// The features that have to be disabled in a model that has them. Found once for all models.
std::set<std::string> LibvirtModels::unwanted_features() const {
    std::set<std::string> unwanted;
    for (const auto& [name, feature] : map_->features) {
        if (!names_.is_in_policy(name) && names_.counts(name)) unwanted.insert(name);
    }
    return unwanted;
}

// The number of features that have to be required or disabled.
std::size_t LibvirtModels::changes(const CpuMapModel& model, const std::set<std::string>& required,
                                   const std::set<std::string>& unwanted) const {
    std::set<std::string> has;
    std::size_t count = 0;
    for (const std::string& name : model.features) {
        has.insert(names_.first_of_equals(name));
        count += unwanted.contains(name) ? 1 : 0;
    }
    for (const std::string& name : required) count += has.contains(names_.first_of_equals(name)) ? 0 : 1;
    return count;
}

// The required features that libvirt says of no host with the policy's CPU, though the host has them.
std::vector<std::string> LibvirtModels::unsaid(const std::set<std::string>& required) const {
    std::vector<std::string> names;
    for (const LibvirtData::Unsaid& entry : data_.unsaid) {
        const bool is_there = is_for(entry.vendors, input_.vendor) && entry.family == policy_.family &&
                              entry.model == policy_.model &&
                              (!entry.below_stepping || policy_.stepping < *entry.below_stepping);
        if (!is_there) continue;
        for (const std::string& name : entry.features) {
            if (required.contains(name)) names.push_back(name);
        }
    }
    return names;
}

std::vector<std::string> LibvirtModels::notes(const CpuMapModel& model, const std::set<std::string>& required) const {
    if (map_ == nullptr) {
        return {
            "Without libvirt's cpu_map only the model " + model.name +
            " is known, and not which names your libvirt has: it refuses a guest with one that it does not know. Give "
            "a copy of /usr/share/libvirt/cpu_map of your hosts with --cpu-map DIR."};
    }
    std::vector<std::string> all;
    const std::string name = printable(model.name);
    if (!is_for_policy(model)) {
        const bool is_told = input_.options.base.empty();
        all.push_back("The model " + name + " is not for the policy's family, model and stepping" +
                      (is_told ? "; it is the nearest." : ".") + " The qemu target can say them.");
    }
    if (is_newer(model) && row_of(model) != nullptr) {
        all.push_back("The model " + name + " is newer than the policy's CPU (" + std::string(row_of(policy_)->name) +
                      ").");
    }
    const std::vector<std::string> immunities = claims(model);
    if (!immunities.empty()) {
        all.push_back("A guest takes itself for a " + std::string(row_of(model)->name) +
                      ", and Linux infers that this is immune to " + joined(immunities) +
                      "; the policy's CPU is not known to be. The qemu target can say the policy's family and model.");
    }
    if (const LibvirtData::Gone* entry = gone(model.name); entry != nullptr && qemu_ == nullptr) {
        all.push_back("QEMU does not start a guest with the model " + name + ": " + entry->why);
    }
    if (const std::vector<std::string> names = unsaid(required); !names.empty()) {
        all.push_back("libvirt says of no host with the policy's CPU that it has " + joined(names) +
                      ": the guest starts, but cpu-compare and schedulers that go by it refuse.");
    }
    return all;
}

}  // namespace poolcpuid::render
