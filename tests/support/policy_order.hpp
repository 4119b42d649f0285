// The order of policies: does one promise no more than another? Read off the registers by policy/*.json.
#pragma once

#include <set>
#include <string>
#include <utility>
#include <vector>

#include "poolcpuid/policy.hpp"
#include "tests/support/host_facts.hpp"
#include "tests/support/policy_values.hpp"

namespace poolcpuid::test {

class PolicyOrder {
public:
    // shown: names given to --show for both policies.
    explicit PolicyOrder(const std::string& vendor, std::set<std::string> shown = {})
        : rules_(rules_for(vendor)), slots_(slots_of(rules_)), shown_(std::move(shown)) {}

    // Where weak promises something that strong does not; empty when weak is below strong.
    std::vector<std::string> above(const PoolPolicy& weak, const PoolPolicy& strong) const {
        const PolicyValues low(rules_, weak, shown_);
        const PolicyValues high(rules_, strong, shown_);
        std::vector<std::string> found;
        for (const Slot& slot : slots_) {
            if (promises_more(slot, low, high)) found.push_back(slot.field->id + "." + std::to_string(slot.subleaf));
        }
        for (const auto& [key, row] : low.rows()) {
            if (key.leaf != 0xD || key.subleaf < 2) continue;
            const Registers other = high.row(key);
            if (row.eax != other.eax || row.ebx != other.ebx)
                found.push_back("XSAVE row " + std::to_string(key.subleaf));
        }
        if (returns_level(low) > returns_level(high)) found.emplace_back("safe returns");
        for (const RuleField& field : rules_.fields) {
            const bool one_signature = signature_bits(low.row({1, 0}).eax) == signature_bits(high.row({1, 0}).eax);
            if (field.of_identity && one_signature && low.value(field) > high.value(field)) found.push_back(field.id);
            if (field.rule != "guarded" || low.value(field) == 0 || high.value(field) == 0) continue;
            if (!lost_scrub(weak, field.id) && lost_scrub(strong, field.id))
                found.push_back(field.id + ": VERW scrubs");
        }
        return found;
    }

private:
    // How safe returns are: 2 without RSBA and RRSBA, 1 where they are restricted (RRSBA with EIBRS), else 0.
    int returns_level(const PolicyValues& policy) const {
        const RetpolineRule& rule = rules_.retpoline;
        if (policy.present(rule.rsba)) return 0;
        if (policy.present(rule.rrsba)) return policy.present(rule.eibrs) ? 1 : 0;
        return 2;
    }

    // A guest is asked to run VERW, and on some host it does not scrub, or nobody knows whether it does.
    static bool lost_scrub(const PoolPolicy& policy, const std::string& id) {
        for (const Finding& finding : policy.findings) {
            if (finding.code == "verw-promise-lost" && finding.field == id) return true;
        }
        for (const Decision& decision : policy.decisions) {
            if (decision.field != id) continue;
            for (const ValueOfHosts& value : decision.values) {
                if (!value.value) return true;
            }
        }
        return false;
    }

    bool promises_more(const Slot& slot, const PolicyValues& low, const PolicyValues& high) const {
        const RuleField& field = *slot.field;
        // A field that is not shown, or whose gate is 0, promises nothing. A gate that describes the identity
        // host (a cache) may come and go with that host.
        if (!low.is_shown(field)) return false;
        if (const RuleField* gate = rules_.find(field.gate)) {
            if (gate->rule == "identity" || low.value(*gate) == 0) return false;
            if (high.value(*gate) == 0) return true;
        } else if (!field.gate.empty()) {
            return false;
        }
        const std::uint64_t weak = low.meaning(field, slot.subleaf);
        const std::uint64_t strong = high.meaning(field, slot.subleaf);
        if (field.rule == "intersect") return (with_covered(field, weak) & ~with_covered(field, strong)) != 0;
        if (field.rule == "union" || field.rule == "guarded")
            return (low.clear_bits(field, slot.subleaf) & strong) != 0;
        if (field.rule == "min") return weak > strong;
        if (field.rule == "max") return weak < strong;
        return weak != 0 && weak != strong;
    }

    const VendorRules& rules_;
    std::vector<Slot> slots_;
    std::set<std::string> shown_;
};

}  // namespace poolcpuid::test
