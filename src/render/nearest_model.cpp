// Which of QEMU's named models is nearest to a policy.
#include <set>
#include <tuple>

#include "poolcpuid/guest_features.hpp"
#include "poolcpuid/policy_registers.hpp"
#include "poolcpuid/render.hpp"
#include "rulebook/claims.hpp"

namespace poolcpuid {

namespace {

class NearestQemuModel {
public:
    NearestQemuModel(const Rulebook& rulebook, const PoolPolicy& policy)
        : rulebook_(rulebook), policy_(policy), vendor_(rulebook.vendor_of(policy.vendor)) {
        const Registers* row = PolicyRegisters(policy).row(signature_key);
        signature_ = signature_of(row == nullptr ? 0 : row->eax);
        for (const Field& field : rulebook.fields) {
            const bool applies = vendor_ && ((field.vendors >> *vendor_) & 1U) != 0;
            if (applies && field.rule != Rule::owned && !field.names.qemu.empty()) known_.emplace(field.names.qemu);
        }
        for (const FieldIndex index : guest_features(rulebook, policy)) {
            const std::string_view name = rulebook[index].names.qemu;
            if (!name.empty()) wanted_.emplace(name);
        }
    }

    std::optional<NearestModel> choose(const QemuModels& models) const {
        std::optional<NearestModel> best;
        std::optional<Rank> least;
        for (const auto& [name, model] : models.models) {
            if (name == plainest_qemu_model || (!model.vendor.empty() && model.vendor != policy_.vendor)) continue;
            NearestModel nearest = compared(name, model, models.properties);
            const Rank mine = rank(nearest, model);
            if (least && *least < mine) continue;
            best = std::move(nearest);
            least = mine;
        }
        return best;
    }

private:
    // What makes a model worse than another, the worst first.
    using Rank = std::tuple<bool, std::size_t, bool, std::string>;

    Rank rank(const NearestModel& nearest, const QemuModel& model) const {
        const Signature shown{static_cast<std::uint16_t>(model.family), static_cast<std::uint16_t>(model.model),
                              static_cast<std::uint16_t>(model.stepping)};
        const Model* row = row_of(shown);
        const Model* ours = row_of(signature_);
        return {row == nullptr || row != ours, nearest.add.size() + nearest.remove.size(),
                row == nullptr || !rulebook::claims_beyond(*row, ours).empty(), nearest.name};
    }

    const Model* row_of(const Signature& signature) const {
        return vendor_ ? rulebook_.model_of(*vendor_, signature) : nullptr;
    }

    // What that QEMU has no property for cannot be added to any of its models.
    NearestModel compared(const std::string& name, const QemuModel& model, const std::set<std::string>& has) const {
        NearestModel nearest;
        nearest.name = name;
        for (const std::string& property : wanted_) {
            if (has.contains(property) && !model.on.contains(property)) nearest.add.push_back(property);
        }
        for (const std::string& property : model.on) {
            if (known_.contains(property) && !wanted_.contains(property)) nearest.remove.push_back(property);
        }
        return nearest;
    }

    const Rulebook& rulebook_;
    const PoolPolicy& policy_;
    std::optional<std::size_t> vendor_;
    Signature signature_;
    std::set<std::string> known_;   // the properties that fields of this vendor have
    std::set<std::string> wanted_;  // those that the guest has
};

}  // namespace

std::optional<NearestModel> nearest_qemu_model(const Rulebook& rulebook, const PoolPolicy& policy,
                                               const QemuModels& models) {
    return NearestQemuModel(rulebook, policy).choose(models);
}

}  // namespace poolcpuid
