// The order of policies: does one promise no more than another? Read off the registers by policy/*.json.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "poolcpuid/policy.hpp"
#include "tests/support/host_facts.hpp"

namespace poolcpuid::test {

class PolicyOrder {
public:
    explicit PolicyOrder(const std::string& vendor) : rules_(rules_for(vendor)), slots_(slots_of(rules_)) {}

    // Where weak promises something that strong does not; empty when weak is below strong.
    std::vector<std::string> above(const PoolPolicy& weak, const PoolPolicy& strong) const {
        const Rows low = rows_of(weak);
        const Rows high = rows_of(strong);
        std::vector<std::string> found;
        for (const Slot& slot : slots_) {
            if (promises_more(slot, low, high)) found.push_back(slot.field->id + "." + std::to_string(slot.subleaf));
        }
        for (const auto& [key, row] : low) {
            if (key.leaf != 0xD || key.subleaf < 2) continue;
            const Registers other = row_of(high, key);
            if (row.eax != other.eax || row.ebx != other.ebx)
                found.push_back("XSAVE row " + std::to_string(key.subleaf));
        }
        return found;
    }

private:
    using Rows = std::map<LeafKey, Registers>;

    static Rows rows_of(const PoolPolicy& policy) {
        Rows rows;
        for (const CpuidRow& row : policy.cpuid) rows[row.key] = row.value;
        return rows;
    }

    static Registers row_of(const Rows& rows, LeafKey key) {
        const auto at = rows.find(key);
        return at == rows.end() ? Registers{} : at->second;
    }

    static std::uint32_t value(const Rows& rows, const RuleField& field, std::uint32_t subleaf) {
        return (row_of(rows, {field.leaf, subleaf})[field.reg] & field.mask) >> field.low;
    }

    std::uint32_t meaning(const Rows& rows, const RuleField& field, std::uint32_t subleaf) const {
        const std::uint32_t shown = value(rows, field, subleaf);
        if (shown != 0 || field.zero_means.empty()) return shown;
        if (field.zero_means.starts_with("0x")) return hex_number(field.zero_means);
        const RuleField& other = *rules_.find(field.zero_means);
        return meaning(rows, other, other.subleaves.first);
    }

    bool promises_more(const Slot& slot, const Rows& low, const Rows& high) const {
        const RuleField& field = *slot.field;
        // A field that is only shown when asked for, or whose gate is 0, promises nothing. A gate that
        // describes the identity host (a cache) may come and go with that host.
        if (field.exposure != "default") return false;
        if (const RuleField* gate = rules_.find(field.gate)) {
            if (gate->rule == "identity" || value(low, *gate, gate->subleaves.first) == 0) return false;
            if (value(high, *gate, gate->subleaves.first) == 0) return true;
        } else if (!field.gate.empty()) {
            return false;
        }
        const std::uint32_t weak = meaning(low, field, slot.subleaf);
        const std::uint32_t strong = meaning(high, field, slot.subleaf);
        if (field.rule == "intersect") return (weak & ~strong) != 0;
        if (field.rule == "union" || field.rule == "guarded") return (strong & ~weak) != 0;
        if (field.rule == "min") return weak > strong;
        if (field.rule == "max") return weak < strong;
        return weak != 0 && weak != strong;
    }

    const VendorRules& rules_;
    std::vector<Slot> slots_;
};

}  // namespace poolcpuid::test
