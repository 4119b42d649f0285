#include <algorithm>
#include <memory>
#include <optional>
#include <string_view>
#include <utility>

#include "promises/host_promises.hpp"
#include "promises/retpoline_group.hpp"
#include "promises/table_promises.hpp"
#include "promises/table_values.hpp"
#include "rulebook/claims.hpp"

namespace poolcpuid::promises {

namespace {

// A policy's registers say what its guests were told, so nothing is added to them.
class PolicyPromises {
public:
    PolicyPromises(const VendorRules& rules, const PoolPolicy& policy) : rules_(rules), policy_(policy) {}

    HostPromises read() {
        HostPromises result;
        result.table = std::make_shared<const CpuidTable>(CpuidTable{policy_.cpuid, {}});
        result.offered_table = result.table;
        result.msrs = std::make_shared<const Msrs>(policy_.msrs);
        result.has_msrs = true;
        result.has_hypervisor_view = true;
        constexpr bool only_listed = true;
        const ViewReader registers(rules_, *result.table, *result.msrs, only_listed);
        TablePromises read = read_view(rules_, registers, Silicon{}, ViewKind::policy);
        result.easings = registers.easings();
        result.offered = read.atoms.words;
        result.atoms = std::move(read.atoms);
        read_microcode(result);
        result.absent = std::move(read.absent);
        result.immune = read.immune;
        result.unknown = std::move(read.unknown);
        for (auto* bits : {&result.modelled, &result.implied, &result.by_microcode, &result.made, &result.given,
                           &result.withheld, &result.foreign}) {
            bits->assign(rules_.words().size(), 0);
        }
        read_scrubs(result);
        for (const RetpolineBits& group : rules_.retpoline()) join_bad_news(rules_, group, result);
        return result;
    }

private:
    void read_microcode(HostPromises& result) const {
        result.leaf1_eax = signature_bits(register_value(*result.table, signature_key, Register::eax).value_or(0));
        result.atoms.microcode = {{result.leaf1_eax, {}}};
        if (rules_.microcode() == no_field) return;
        constexpr bool only_listed = true;
        const Field& field = rules_.rulebook()[rules_.microcode()];
        const ViewReader registers(rules_, *result.table, *result.msrs, only_listed);
        const std::uint64_t revision = registers.field(field, field.subleaf_first).value_or(0);
        result.atoms.microcode = {{result.leaf1_eax, {revision != 0, revision}}};
    }

    // Where the bit is clear, the registers do not say whether the pool's hosts are immune. Their models may.
    void read_scrubs(HostPromises& result) const {
        for (std::size_t i = 0; i < rules_.guards().size(); ++i) {
            const std::uint64_t bit = std::uint64_t{1} << i;
            const Field& field = rules_.rulebook()[rules_.guards()[i].field];
            const auto scrubs = decided_scrubs(field.id);
            const bool are_immune = by_model_immune(field.guard);
            if (are_immune) result.immune |= bit;
            if (scrubs.value_or(are_immune)) {
                result.atoms.scrubs |= bit;
            } else if (scrubs == std::optional(false)) {
                result.atoms.scrubs &= ~bit;
            } else if ((result.atoms.scrubs & bit) == 0) {
                result.scrub_unknown |= bit;
            }
        }
    }

    // True when no host needs VERW, by the model table. What a virtual machine's hypervisor chose says nothing of that.
    bool by_model_immune(const Guard& guard) const {
        bool any = false;
        for (const HostClass& host : policy_.hosts) {
            if (host.is_ceiling()) continue;  // which is no host
            if (host.facts.is_virtual || !host.facts.cpu || !is_immune(guard, *host.facts.cpu)) return false;
            any = true;
        }
        return any;
    }

    bool is_immune(const Guard& guard, const Cpu& cpu) const {
        const Model* model = rules_.rulebook().model_of(rules_.vendor(), {cpu.family, cpu.model, cpu.stepping});
        return rulebook::is_immune_to_all(model, guard.model);
    }

    // false: a host that is affected, or of which it is not known, took the promise that VERW scrubs.
    std::optional<bool> decided_scrubs(std::string_view field) const {
        const auto at = std::find_if(policy_.decisions.begin(), policy_.decisions.end(), [&](const Decision& decision) {
            return decision.field == field && decision.scrubs;
        });
        return at == policy_.decisions.end() ? std::nullopt : at->scrubs;
    }

    const VendorRules& rules_;
    const PoolPolicy& policy_;
};

}  // namespace

HostPromises promises_of(const VendorRules& rules, const PoolPolicy& policy) {
    return PolicyPromises(rules, policy).read();
}

}  // namespace poolcpuid::promises
