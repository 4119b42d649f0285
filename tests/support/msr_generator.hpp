// Random MSRs of generated hosts: lists that are complete, partial or missing, with registers that fault.
#pragma once

#include <array>
#include <cstdint>
#include <iterator>
#include <map>
#include <optional>
#include <vector>

#include "tests/support/host_builder.hpp"
#include "tests/support/host_views.hpp"
#include "tests/support/random.hpp"

namespace poolcpuid::test {

class MsrGenerator {
public:
    using Values = std::map<std::uint32_t, std::uint64_t>;

    explicit MsrGenerator(Random& random) : random_(random) {}

    // Whether the hosts list nearly all their MSRs: without such pools, hardly any would agree on VMX or OSVW.
    void set_complete(bool complete) { complete_ = complete; }

    // A value for every MSR that the vendor's rules know, dense or sparse as a whole.
    Values design(const VendorRules& rules) {
        const std::uint32_t density = 1 + random_.below(20);
        Values values;
        for (const RuleField& field : rules.fields) {
            if (field.is_msr) values[field.leaf] |= random_.bits_of(field.mask, density);
        }
        for (const RuleField& field : rules.fields) {
            if (field.allowed_by != 0) allow_duties(values, field, rules);
        }
        set_returns(values, rules);
        static const std::array<std::uint64_t, 8> lengths{0, 1, 4, 5, 9, 63, 64, 0x1234};
        if (const RuleField* length = rules.find("osvw_len"))
            put(values, *length, lengths.at(random_.below(lengths.size())));
        return values;
    }

    // The same with some bits changed; now and then one that has no field.
    Values varied(Values values, const VendorRules& rules) {
        std::vector<const RuleField*> fields;
        for (const RuleField& field : rules.fields) {
            if (field.is_msr) fields.push_back(&field);
        }
        const std::uint32_t flips = random_.below(6);
        for (std::uint32_t i = 0; i < flips; ++i) {
            const RuleField& field = *fields[random_.below(static_cast<std::uint32_t>(fields.size()))];
            values[field.leaf] ^= random_.bits_of(field.mask, 1 + random_.below(8));
        }
        if (random_.one_in(3)) set_returns(values, rules);
        if (random_.one_in(8) && !values.empty()) {
            auto stray = values.begin();
            std::advance(stray, random_.below(static_cast<std::uint32_t>(values.size())));
            stray->second ^= std::uint64_t{1} << random_.below(64);
        }
        return values;
    }

    // What a dump says of them: nothing, all, or some, and that some fault.
    std::optional<std::vector<MsrRow>> listed(const Values& values) {
        if (!complete_ && random_.one_in(4)) return std::nullopt;
        const bool complete = complete_ || random_.one_in(3);
        std::vector<MsrRow> rows;
        for (const auto& [index, value] : values) {
            if (!complete && random_.one_in(5)) continue;
            const bool faults = random_.one_in(complete_ ? 200 : 10);
            rows.push_back({index, faults ? std::nullopt : std::optional(value)});
        }
        return rows;
    }

    // The CPUID bits that enumerate MSRs, each on, off or as it is; in a pool that lists them, mostly on.
    void enumerate(TableBuilder& table, const VendorRules& rules) {
        for (const char* id : {"arch_caps", "pdcm", "vmx", "osvw"}) {
            const RuleField* field = rules.find(id);
            if (field == nullptr || (!complete_ && random_.one_in(2))) continue;
            const auto bits = static_cast<std::uint32_t>(field->mask);
            const bool on = complete_ ? !random_.one_in(12) : random_.one_in(2);
            if (on) table.set(field->leaf, field->subleaves.first, field->reg, bits);
            if (!on) table.clear(field->leaf, field->subleaves.first, field->reg, bits);
        }
    }

    // A revision at one of the bounds between which the model's facts hold, if it has any.
    void set_microcode(Values& values, const VendorRules& rules, std::uint32_t signature) {
        const ModelRow* model = model_of(rules, signature_bits(signature));
        if (model == nullptr || model->microcode.empty()) return;
        const auto& facts = model->microcode[random_.below(static_cast<std::uint32_t>(model->microcode.size()))];
        const std::array<std::uint32_t, 4> bounds{facts.revisions.first, facts.revisions.last, facts.revisions.last + 1,
                                                  facts.revisions.first - 1};
        for (const RuleField& field : rules.fields) {
            if (field.of_identity) put(values, field, bounds.at(random_.below(bounds.size())));
        }
    }

private:
    // Demands what the host allows, and what no dependency takes from it: else no pool would agree on VMX.
    static void allow_duties(Values& values, const RuleField& duty, const VendorRules& rules) {
        const auto may_go = [&](const RuleField& field) {
            return std::any_of(rules.dependencies.begin(), rules.dependencies.end(),
                               [&](const DependencyRule& rule) { return is_listed(rule.dependents, field.id); });
        };
        std::uint64_t allowable = 0;
        for (const RuleField& field : rules.fields) {
            const bool is_of_it = field.is_msr && field.leaf == duty.leaf && field.rule == "intersect";
            if (is_of_it && !may_go(field)) allowable |= field.mask;
        }
        const std::uint64_t demanded = values[duty.leaf] & duty.mask & allowable >> duty.allowed_by << duty.low;
        put(values, duty, demanded >> duty.low);
        values[duty.leaf] |= demanded >> duty.low << duty.allowed_by;
    }

    static void put(Values& values, const RuleField& field, std::uint64_t value) {
        values[field.leaf] = (values[field.leaf] & ~field.mask) | (value << field.low & field.mask);
    }

    // RSBA, RRSBA and EIBRS in every combination, neither of the first two the most.
    void set_returns(Values& values, const VendorRules& rules) {
        if (rules.retpoline.rsba.empty()) return;
        put(values, *rules.find(rules.retpoline.rsba), random_.one_in(5) ? 1 : 0);
        put(values, *rules.find(rules.retpoline.rrsba), random_.one_in(5) ? 1 : 0);
        put(values, *rules.find(rules.retpoline.eibrs), random_.one_in(4) ? 0 : 1);
    }

    Random& random_;
    bool complete_ = false;
};

}  // namespace poolcpuid::test
