#include "cli/idle_options.hpp"

#include <algorithm>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/lists.hpp"
#include "cli/log.hpp"
#include "merge/shown.hpp"
#include "poolcpuid/policy_registers.hpp"
#include "promises/vendor_rules.hpp"

namespace poolcpuid::cli {

namespace {

void warn(const std::string& message, std::vector<std::string> fields) {
    Problem problem{.kind = "usage", .message = message};
    problem.fields = std::move(fields);
    log_warning(problem);
}

class IdleOptions {
public:
    IdleOptions(const PoolPolicy& policy, const Rulebook& rulebook)
        : policy_(policy),
          rules_(promises::VendorRules::of(rulebook, policy)),
          registers_(policy),
          shown_(rules_, policy.options),
          unasked_(rules_, RecordedOptions{}) {}

    void warn_of_all() const {
        for (const std::string& id : policy_.options.hide) {
            warn_if_idle("--hide " + id, without_hide(id), id);
            warn_of_namesakes(id);
        }
        for (const std::string& name : policy_.options.show) {
            warn_if_idle("--show " + name, without_show(name), name);
        }
    }

private:
    static void warn_if_idle(const std::string& option, const std::string& why, const std::string& field) {
        if (!why.empty()) warn(option + " changes nothing: " + why, {field});
    }

    const Field& field_of(const std::string& id) const {
        const Rulebook& rulebook = rules_.rulebook();
        return rulebook[rulebook.find(id)];
    }

    // What the policy has of a field that --hide names even without that; empty: something else.
    std::string without_hide(const std::string& id) const {
        const Field& field = field_of(id);
        if (field.exposure == Exposure::never || field.rule == Rule::hide) return "no guest in a pool is shown it";
        bool do_hosts_decide = false;
        for (const Decision& decision : policy_.decisions) {
            if (decision.field != id) continue;
            if (decision.cause == Cause::hidden) return "";
            do_hosts_decide = do_hosts_decide || decision.cause == Cause::hosts || decision.cause == Cause::group;
        }
        const FieldIndex index = rules_.rulebook().find(id);
        if (shown_.is_unasked(index)) return "it is shown only with --show";
        if (!do_hosts_decide) return "the policy is without it anyway";
        return rules_.is_inverted(index) ? "a host is known to have it, or not all are known not to" : lacking;
    }

    // Likewise of what --show names.
    std::string without_show(const std::string& name) const {
        RecordedOptions others = policy_.options;
        std::erase(others.show, name);
        const merge::Shown without(rules_, others);
        for (const FieldIndex index : rules_.fields()) {
            if (without.is_unasked(index) && is_there(index)) return "";
        }
        const std::vector<FieldIndex> fields = merge::fields_shown_by(rules_.rulebook(), name);
        const auto needs_asking = [&](FieldIndex index) { return unasked_.is_unasked(index); };
        if (std::none_of(fields.begin(), fields.end(), needs_asking)) {
            return "guests are shown it without being asked for, where their hosts have it";
        }
        const bool is_shown =
            std::any_of(fields.begin(), fields.end(), [&](FieldIndex index) { return is_there(index); });
        return is_shown ? "guests are shown it with what else is asked for" : why_absent(fields);
    }

    // Why the policy has none of the fields though they were asked for.
    std::string why_absent(const std::vector<FieldIndex>& fields) const {
        const Rulebook& rulebook = rules_.rulebook();
        std::string why = lacking;
        for (const Decision& decision : policy_.decisions) {
            if (std::find(fields.begin(), fields.end(), rulebook.find(decision.field)) == fields.end()) continue;
            if (decision.cause == Cause::hosts || decision.cause == Cause::group) return lacking;
            if (decision.cause == Cause::hidden) why = "--hide takes it away";
            if (decision.cause == Cause::ceiling) why = "--ceiling takes it away";
            if (is_consequence(decision.cause) && !decision.on.empty()) why = "it needs " + needed(decision.on.front());
        }
        return why;
    }

    std::string needed(const std::string& id) const {
        const FieldIndex index = rules_.rulebook().find(id);
        if (index == no_field || !shown_.is_unasked(index)) return id + ", which the policy is without";
        const std::string_view group = rules_.rulebook()[index].ask;
        return id + ", which is shown only with --show " + (group.empty() ? id : std::string(group));
    }

    bool is_there(FieldIndex index) const {
        const Field& field = rules_.rulebook()[index];
        if (!rules_.applies(field)) return false;
        for (std::uint32_t subleaf = field.subleaf_first; subleaf <= field.subleaf_last; ++subleaf) {
            if (registers_.value(field, subleaf) != 0) return true;
        }
        return false;
    }

    // A name may be of a bit of Intel's and one of AMD's, both of which a VMM gives guests of either.
    void warn_of_namesakes(const std::string& id) const {
        std::vector<std::string> others;
        for (const FieldIndex index : rules_.rulebook().find_any_name(id)) {
            const Field& field = rules_.rulebook()[index];
            const bool is_shown =
                rules_.applies(field) && field.rule == Rule::intersect && registers_.value(field) != 0;
            if (field.id != id && is_shown) others.emplace_back(field.id);
        }
        if (others.empty()) return;
        warn("--hide " + id + " hides the field of that id alone: " + enumerate(others) +
                 (others.size() == 1 ? ", which goes by that name as well, stays shown"
                                     : ", which go by that name as well, stay shown"),
             others);
    }

    static constexpr const char* lacking = "not every host is known to have it";

    const PoolPolicy& policy_;
    promises::VendorRules rules_;
    PolicyRegisters registers_;
    merge::Shown shown_;
    merge::Shown unasked_;  // where nothing is asked for
};

}  // namespace

void warn_of_idle_options(const PoolPolicy& policy, const Rulebook& rulebook) {
    if (policy.options.hide.empty() && policy.options.show.empty()) return;  // most merges, which are to be short
    IdleOptions(policy, rulebook).warn_of_all();
}

}  // namespace poolcpuid::cli
