// The oracle: is a policy true on every host of its pool, and is it no weaker than it must be?
//
// Written from docs/design.md and policy/*.json alone. It judges the registers of a finished policy and does
// not compute one: each field is held against what each host keeps (host_facts.hpp), in both polarities,
// and each promise that all hosts keep but the policy does not must have a reason in the rulebook.
#pragma once

#include <algorithm>
#include <array>
#include <map>
#include <set>
#include <string>
#include <tuple>
#include <vector>

#include "poolcpuid/policy.hpp"
#include "tests/support/host_facts.hpp"
#include "tests/support/oracle_msrs.hpp"
#include "tests/support/policy_values.hpp"

namespace poolcpuid::test {

class Oracle {
public:
    // shown: names given to --show; "all asked" for every field that is shown only when asked for.
    explicit Oracle(const std::string& vendor, std::set<std::string> shown = {})
        : rules_(rules_for(vendor)), slots_(slots_of(rules_)), shown_(std::move(shown)) {
        for (const RuleField& field : rules_.fields) {
            if (!field.is_msr) by_leaf_[field.leaf].push_back(&field);
        }
        for (std::size_t i = 0; i < slots_.size(); ++i) first_slot_.emplace(slots_[i].field, i);
    }

    HostFacts facts(const HostDump& host) const { return facts_of(rules_, slots_, host); }

    // Everything that is wrong with policy as the policy of these hosts; empty when nothing is.
    std::vector<std::string> complaints(const PoolPolicy& policy, const std::vector<const HostFacts*>& hosts) {
        complaints_.clear();
        const PolicyValues values(rules_, policy, shown_);
        values_ = &values;
        hosts_ = &hosts;
        meet_components();
        for (std::size_t i = 0; i < slots_.size(); ++i) check_slot(i);
        for (const RuleField& field : rules_.fields) check_unpromised(field);
        check_coverage();
        check_dependencies();
        check_equality();
        check_duties();
        check_components();
        check_identity();
        check_guards(policy);
        check_maxima();
        for (const std::string& what : MsrOracle(rules_, slots_, values, policy, hosts).complaints())
            complain(what + " in " + names());
        return complaints_;
    }

private:
    void complain(const std::string& what) { complaints_.push_back(what); }

    std::string names() const {
        std::string text;
        for (const HostFacts* host : *hosts_) text += (text.empty() ? "" : " + ") + host->name;
        return text;
    }

    std::uint64_t value(const RuleField& field, std::uint32_t subleaf) const { return values_->value(field, subleaf); }
    std::uint64_t value(const RuleField& field) const { return values_->value(field); }
    bool present(const std::string& id) const { return values_->present(id); }

    bool component_lost(const ComponentRule& component) const {
        return std::any_of(component.together.begin(), component.together.end(),
                           [&](unsigned bit) { return !pool_components_[bit]; });
    }

    bool dependency_unmet(const DependencyRule& rule) const {
        const auto is_had = [&](const std::string& id) {
            return std::any_of(hosts_->begin(), hosts_->end(),
                               [&](const HostFacts* host) { return host->had.contains(id); });
        };
        const auto& needed = rule.prerequisites;
        if (rule.where_had && std::none_of(needed.begin(), needed.end(), is_had)) return false;
        return std::none_of(needed.begin(), needed.end(), [&](const std::string& id) { return present(id); });
    }

    // The stepping is no part of a model.
    bool are_of_several_models() const {
        std::set<std::uint32_t> models;
        for (const HostFacts* host : *hosts_) {
            for (const auto& [signature, revision] : host->microcode) models.insert(signature & ~0xFU);
        }
        return models.size() > 1;
    }

    bool disagree(const EqualityRule& rule) const {
        if (rule.of_model && are_of_several_models()) return true;
        return std::any_of(rule.fields.begin(), rule.fields.end(), [&](const std::string& id) {
            const RuleField* field = rules_.find(id);
            return field != nullptr && values_->is_shown(*field) && !is_layout_field(*field) && !pool_number(*field);
        });
    }

    std::optional<std::uint64_t> pool_number(const RuleField& field) const {
        return pool_number(first_slot_.at(&field));
    }

    std::optional<std::uint64_t> pool_number(std::size_t slot) const {
        std::optional<std::uint64_t> result = hosts_->front()->numbers[slot];
        const std::string& rule = slots_[slot].field->rule;
        for (const HostFacts* host : *hosts_) {
            const auto& number = host->numbers[slot];
            if (!number || !result || (rule == "equal" && *number != *result)) return std::nullopt;
            result = rule == "min" ? std::min(*number, *result) : std::max(*number, *result);
        }
        return result;
    }

    // A reason in the rulebook for which the field goes though every host has it.
    bool has_reason_to_go(const RuleField& field) const {
        if (is_unmet(field)) return true;
        for (const ComponentRule& component : rules_.components) {
            // XSAVE itself stands on the legacy states, whose features are there without it.
            const bool needs =
                component.state == "legacy" ? field.id == "xsave" : is_listed(component.features, field.id);
            if (needs && component_lost(component)) return true;
        }
        for (const RuleField& duty : rules_.fields) {
            if (duty.allowed_by != 0 && duty.gate == field.id && are_at_odds(duty)) return true;
        }
        for (const EqualityRule& rule : rules_.equality) {
            if ((is_listed(rule.drop, field.id) || is_listed(rule.fields, field.id)) && disagree(rule)) return true;
        }
        return false;
    }

    // The bits of a slot of bits that all hosts bring.
    std::uint64_t brought_by_all(const RuleField& field) const {
        std::uint64_t all = ones_of(field);
        for (const HostFacts* host : *hosts_) all &= host->brought[first_slot_.at(&field)];
        return all;
    }

    // One host demands what another, or what the policy lost, does not allow.
    bool are_at_odds(const RuleField& duty) const {
        std::uint64_t allowed = 0;
        for (const RuleField& field : rules_.fields) {
            const bool is_of_it = field.is_msr && field.leaf == duty.leaf && field.rule == "intersect";
            if (!is_of_it || !values_->is_shown(field) || is_unmet(field)) continue;
            allowed |= brought_by_all(field) << field.low;
        }
        return (~brought_by_all(duty) & ones_of(duty) & ~(allowed >> duty.allowed_by)) != 0;
    }

    bool is_unmet(const RuleField& field) const {
        return std::any_of(rules_.dependencies.begin(), rules_.dependencies.end(), [&](const DependencyRule& rule) {
            return is_listed(rule.dependents, field.id) && dependency_unmet(rule);
        });
    }

    void check_duties() {
        for (const RuleField& field : rules_.fields) {
            if (field.allowed_by == 0 || !values_->speaks(field, 0)) continue;
            const std::uint64_t barred = value(field) & ~(values_->msr(field.leaf) >> field.allowed_by);
            if (barred != 0) complain(field.id + " demands what is not allowed, " + hex(barred) + ", in " + names());
        }
    }

    void complain(const Slot& slot, std::uint64_t shown, const std::string& what) {
        complain(slot.field->id + "." + std::to_string(slot.subleaf) + " = " + hex(shown) + " in " + names() + ": " +
                 what);
    }

    void check_slot(std::size_t i) {
        const Slot& slot = slots_[i];
        const std::uint64_t shown = value(*slot.field, slot.subleaf);
        if (!values_->speaks(*slot.field, slot.subleaf)) {
            if (shown != 0) complain(slot, shown, "says something though it is not shown or its gate is 0");
        } else if (is_bit_rule(slot.field->rule)) {
            check_bits(i, shown);
        } else {
            check_number(i, shown);
        }
    }

    void check_bits(std::size_t i, std::uint64_t shown) {
        const RuleField& field = *slots_[i].field;
        const std::uint64_t ones = ones_of(field);
        const std::uint64_t promised =
            field.rule == "intersect" ? with_covered(field, shown) : values_->clear_bits(field, slots_[i].subleaf);
        if (!field.length_from.empty() && (shown & ~(ones & reach_of(field))) != 0) {
            complain(slots_[i], shown, "has bits that its length does not reach");
        }
        std::uint64_t all = ones;
        for (const HostFacts* host : *hosts_) {
            all &= host->brought[i];
            const std::uint64_t broken = promised & ~host->kept[i];
            if (broken != 0) complain(slots_[i], shown, host->name + " does not keep " + hex(broken));
        }
        if (field.rule == "intersect" && (promised & ~all) != 0) {
            complain(slots_[i], shown, "shows what not every VMM offers: " + hex(promised & ~all));
        }
        if ((all & ~promised) != 0 && !(field.rule == "intersect" && has_reason_to_go(field))) {
            complain(slots_[i], shown, "weaker than it must be by " + hex(all & ~promised));
        }
        for (std::uint64_t bit = 1; bit != 0 && bit <= shown; bit <<= 1) {
            const std::uint64_t covered = (shown & bit) != 0 ? with_covered(field, bit) & ~bit : 0;
            if ((covered & shown) != 0) complain(slots_[i], shown, "shows what another bit covers");
        }
    }

    std::uint64_t reach_of(const RuleField& field) const {
        const std::uint64_t length = value(*rules_.find(field.length_from));
        return length >= 64 ? ~std::uint64_t{0} : (std::uint64_t{1} << length) - 1;
    }

    static bool keeps(const std::string& rule, std::optional<std::uint64_t> number, std::uint64_t meant) {
        if (!number) return false;
        return rule == "min" ? meant <= *number : rule == "max" ? meant >= *number : meant == *number;
    }

    void check_number(std::size_t i, std::uint64_t shown) {
        const RuleField& field = *slots_[i].field;
        const std::uint64_t meant = values_->meaning(field, slots_[i].subleaf);
        // A limit of 0 promises nothing; an obligation of 0 promises the most, and all ones nothing.
        const bool promises =
            field.rule == "max" ? shown != field.mask >> field.low : shown != 0 || !field.zero_means.empty();
        for (const HostFacts* host : *hosts_) {
            const auto& number = host->numbers[i];
            if (!promises || keeps(field.rule, number, meant)) continue;
            complain(slots_[i], shown, host->name + " has " + (number ? hex(*number) : "unknown"));
        }
        const auto best = pool_number(i);
        if (best && meant != *best && !has_reason_to_go(field)) complain(slots_[i], shown, "the meet is " + hex(*best));
    }

    // Fields without a promise: what is hidden or owned is 0, what is derived follows from the rest.
    void check_unpromised(const RuleField& field) {
        if (field.exposure == "never" || field.rule == "hide" || field.rule == "owned") {
            for (std::uint32_t s = field.subleaves.first; s <= field.subleaves.last; ++s) {
                if (value(field, s) != 0) complain(field.id + " is shown in " + names());
            }
        }
        if (field.rule != "derive") return;
        const std::string how = field.derive.at("how");
        const std::uint64_t shown = value(field);
        std::uint64_t expected = shown;
        if (!values_->speaks(field, field.subleaves.first)) {
            expected = 0;
        } else if (how == "copy_bits") {
            const Registers row =
                values_->row({hex_number(field.derive.at("leaf")), hex_number(field.derive.at("subleaf"))});
            const std::uint64_t from = row[rulebook_files::register_of(field.derive.at("register"))];
            expected = (from & field.mask) >> field.low;
        } else if (how == "select") {
            expected = hex_number(field.derive.at(present(field.derive.at("if")) ? "then" : "else"));
        } else if (how == "constant") {
            expected = hex_number(field.derive.at("value"));
        } else if (how == "msr_offered") {
            expected = values_->msrs().contains(hex_number(field.derive.at("index"))) ? 1 : 0;
        }
        if (shown != expected) complain(field.id + " = " + hex(shown) + " in " + names() + ", not " + hex(expected));
    }

    // No bit that no field of the vendor covers, and so no reserved bit either.
    void check_coverage() {
        for (const auto& [key, row] : values_->rows()) {
            std::array<std::uint64_t, register_count> covered{};
            for (const RuleField* field : by_leaf_[key.leaf]) {
                if (field->subleaves.has(key.subleaf) && rules_.says_something(*field, key.subleaf))
                    covered[static_cast<std::size_t>(field->reg)] |= field->mask;
            }
            for (const Register reg : all_registers) {
                const std::uint64_t stray = row[reg] & ~covered[static_cast<std::size_t>(reg)];
                if (stray != 0)
                    complain(hex(key.leaf) + "." + hex(key.subleaf) + " " + to_string(reg) + " in " + names() +
                             " has bits without a row: " + hex(stray));
            }
        }
    }

    void check_dependencies() {
        for (const DependencyRule& rule : rules_.dependencies) {
            if (!dependency_unmet(rule)) continue;
            for (const std::string& id : rule.dependents) {
                if (present(id)) complain(id + " is there without " + rule.prerequisites.front() + " in " + names());
            }
        }
    }

    void check_equality() {
        for (const EqualityRule& rule : rules_.equality) {
            if (!disagree(rule)) continue;
            for (const auto* list : {&rule.fields, &rule.drop}) {
                for (const std::string& id : *list) {
                    if (present(id)) complain(id + " is there though " + rule.id + " disagrees in " + names());
                }
            }
        }
    }

    void meet_components() {
        pool_components_ = hosts_->front()->components;
        for (const HostFacts* host : *hosts_) {
            for (std::size_t i = 0; i < pool_components_.size(); ++i) {
                if (pool_components_[i] != host->components[i]) pool_components_[i].reset();
            }
        }
    }

    void check_components() {
        std::uint64_t user = 0;
        std::uint64_t supervisor = 0;
        std::uint32_t size = 0x240;
        for (const ComponentRule& component : rules_.components) {
            const bool wanted = std::any_of(component.features.begin(), component.features.end(),
                                            [&](const std::string& id) { return present(id); });
            const bool kept = wanted && !component_lost(component);
            if (wanted && !kept && component.state != "legacy")
                complain("XSAVE state " + component.id + " is lost in " + names() + ", its features are not");
            const Registers row = values_->row({0xD, component.bit});
            if (component.state == "legacy") {
                if (kept) user |= std::uint64_t{1} << component.bit;
                continue;
            }
            const bool is_super = component.state == "supervisor";
            Registers expected;
            if (kept) {
                const ComponentLayout& layout = *pool_components_[component.bit];
                (is_super ? supervisor : user) |= std::uint64_t{1} << component.bit;
                expected = {layout.size, layout.offset, (is_super ? 1U : 0U) | (layout.align64 ? 2U : 0U), 0};
                if (!is_super) size = std::max(size, layout.offset + layout.size);
            }
            Registers plain = row;
            plain.ecx &= ~4U;  // XFD support is a promise of its own
            if (plain != expected)
                complain("XSAVE row of " + component.id + " is " + hex(row.eax) + "@" + hex(row.ebx) + " in " +
                         names());
        }
        check_xsave_masks(user, supervisor, size);
    }

    void check_xsave_masks(std::uint64_t user, std::uint64_t supervisor, std::uint32_t size) {
        const auto expect = [&](std::uint32_t subleaf, Register reg, std::uint64_t expected) {
            const std::uint32_t shown = values_->row({0xD, subleaf})[reg];
            if (shown != expected)
                complain("leaf D." + std::to_string(subleaf) + " " + to_string(reg) + " = " + hex(shown) + " in " +
                         names() + ", not " + hex(expected));
        };
        const bool xsave = present("xsave");
        const bool xsaves = present("xsaves");
        expect(0, Register::eax, xsave ? user & 0xFFFFFFFF : 0);
        expect(0, Register::edx, xsave ? user >> 32 : 0);
        expect(0, Register::ecx, xsave ? size : 0);
        expect(1, Register::ecx, xsaves ? supervisor & 0xFFFFFFFF : 0);
        expect(1, Register::edx, xsaves ? supervisor >> 32 : 0);
        if (xsave && (user & 3) != 3) complain("XSAVE is kept without the states of x87 and SSE in " + names());
        if (!xsave && user > 3) complain("XSAVE state is kept without XSAVE in " + names());
        if (!xsaves && supervisor != 0) complain("supervisor state is kept without XSAVES in " + names());
    }

    static const CpuidTable& table_of(const HostFacts& host, const RuleField& field) {
        return field.hypervisor.empty() ? *host.table : *host.offered;
    }

    // Identity fields of which the dump of the host's first CPU says nothing.
    std::size_t silent_identity(const HostFacts& host) const {
        return static_cast<std::size_t>(
            std::count_if(rules_.fields.begin(), rules_.fields.end(), [&](const auto& field) {
                return field.rule == "identity" && !value_in(table_of(host, field), field, field.subleaves.first);
            }));
    }

    // Of equal models, the host of which most is known, then by digest.
    const HostFacts& lender() const {
        const auto rank = [this](const HostFacts* host) {
            return std::tuple(lender_rank(host->model), silent_identity(*host), host->sha256);
        };
        return **std::min_element(hosts_->begin(), hosts_->end(),
                                  [&](const auto* a, const auto* b) { return rank(a) < rank(b); });
    }

    void check_identity() {
        const HostFacts& host = lender();
        for (const RuleField& field : rules_.fields) {
            if (field.rule != "identity") continue;
            for (std::uint32_t s = field.subleaves.first; s <= field.subleaves.last; ++s) {
                const std::uint64_t expected =
                    values_->speaks(field, s) ? value_in(table_of(host, field), field, s).value_or(0) : 0;
                if (value(field, s) != expected)
                    complain(field.id + "." + std::to_string(s) + " = " + hex(value(field, s)) + " is not that of " +
                             host.name + " in " + names());
            }
        }
    }

    // A guest counts on VERW: the bit tells it to, or what says the same.
    bool is_told(const RuleField& field) const {
        const auto holds = [&](const std::string& term) {
            const bool negated = term.starts_with("!");
            const RuleField* of = rules_.find(negated ? term.substr(1) : term);
            return (of != nullptr && value(*of) != 0) != negated;
        };
        return value(field) != 0 || any_list_holds(field.guard.value("told_by", nlohmann::json::array()), holds);
    }

    // A guarded bit whose promise is lost somewhere is an error that names the hosts; those that are silent of an
    // MSR's bit are named by a finding about that.
    void check_guards(const PoolPolicy& policy) {
        for (const RuleField& field : rules_.fields) {
            if (field.rule != "guarded") continue;
            std::vector<std::string> open;
            for (const HostFacts* host : *hosts_) {
                const std::size_t slot = first_slot_.at(&field);
                const bool silent = field.is_msr && host->kept[slot] == 0 && host->bad[slot] == 0;
                if (!host->scrubs.at(field.id) && !silent && is_told(field)) open.push_back(host->name);
            }
            std::sort(open.begin(), open.end());
            open.resize(std::min(open.size(), most_names));
            std::vector<std::string> named;
            for (const Finding& finding : policy.findings) {
                if (finding.code == "verw-promise-lost" && finding.field == field.id) named = finding.hosts.names;
            }
            if (named != open)
                complain(field.id + ": the finding does not name the hosts where VERW does not scrub, in " + names());
        }
    }

    // The highest leaf with content, or with owned fields that a kept feature needs.
    void check_maxima() {
        const auto highest = [&](std::uint32_t range) {
            std::uint32_t result = 0;
            for (const auto& [key, row] : values_->rows()) {
                if (range_of(key.leaf) == range && key.leaf != range) result = std::max(result, key.leaf);
            }
            for (const RuleField& field : rules_.fields) {
                if (field.rule == "owned" && !field.is_msr && range_of(field.leaf) == range && present(field.gate))
                    result = std::max(result, field.leaf);
            }
            return result;
        };
        for (const RuleField& field : rules_.fields) {
            if (field.rule != "derive") continue;
            const std::string how = field.derive.at("how");
            std::uint32_t expected = 0;
            if (how == "max_leaf") {
                expected = highest(field.leaf);
            } else if (how == "max_subleaf") {
                for (const auto& [key, row] : values_->rows())
                    expected = key.leaf == field.leaf ? std::max(expected, key.subleaf) : expected;
            } else {
                continue;
            }
            if (value(field) != expected)
                complain(field.id + " = " + hex(value(field)) + " in " + names() + ", not " + hex(expected));
        }
    }

    const VendorRules& rules_;
    std::vector<Slot> slots_;
    std::set<std::string> shown_;
    std::map<std::uint32_t, std::vector<const RuleField*>> by_leaf_;
    std::map<const RuleField*, std::size_t> first_slot_;
    const std::vector<const HostFacts*>* hosts_ = nullptr;
    const PolicyValues* values_ = nullptr;
    std::array<std::optional<ComponentLayout>, 63> pool_components_;
    std::vector<std::string> complaints_;
};

}  // namespace poolcpuid::test
