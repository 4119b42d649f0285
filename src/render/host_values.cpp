#include "render/host_values.hpp"

#include <algorithm>

#include "poolcpuid/policy_registers.hpp"

namespace poolcpuid::render {

namespace {

// True where the policy has the value only if every host has it: whole masks of what every host must have, and numbers
// that are 0 where hosts differ.
bool is_of_all(const promises::VendorRules& rules, const Field& field, std::uint64_t promised) {
    const FieldIndex index = rules.rulebook().find(field.id);
    const bool is_group = field.rule == Rule::group && index != no_field && !rules.is_inverted(index);
    if (field.rule == Rule::intersect || is_group) return promised == field.mask() >> field.low;
    return field.rule == Rule::equal && promised != 0;
}

// True where no host has the value, but the policy that was a ceiling.
bool is_of_ceiling(const PoolPolicy& policy, const ValueOfHosts& value) {
    if (value.count != 1 || value.hosts.empty()) return false;
    return std::any_of(policy.hosts.begin(), policy.hosts.end(), [&](const HostClass& host) {
        return host.is_ceiling() && !host.names.empty() && host.names.front() == value.hosts.front();
    });
}

}  // namespace

HostValues::HostValues(const promises::VendorRules& rules, const PoolPolicy& policy)
    : rules_(rules), policy_(policy), are_untold_(policy.lean || policy.rulebook_sha256 != rules.rulebook().sha256) {
    for (const Decision& decision : policy.decisions) {
        Told& told = told_[decision.field];
        const bool is_alike = decision.values.size() == 1 && decision.values.front().value == decision.value;
        told.is_contested = told.is_contested || !is_alike;
        for (const ValueOfHosts& value : decision.values) {
            told.values.insert(value.value);
            if (value.value && !is_of_ceiling(policy, value)) told.of_hosts.insert(*value.value);
        }
        rows_.emplace(decision.field, decision.place.subleaf_first);
    }
}

// Family, model and stepping of the hosts stand in every policy.
std::set<std::optional<std::uint64_t>> HostValues::by_signature(const Field& field) const {
    std::set<std::optional<std::uint64_t>> values;
    for (const HostClass& host : policy_.hosts) {
        if (host.is_ceiling()) continue;
        const std::optional<Cpu>& cpu = host.facts.cpu;
        if (!cpu) return {std::nullopt};
        const std::uint32_t eax = leaf1_eax_of({cpu->family, cpu->model, cpu->stepping});
        values.insert((eax & field.mask()) >> field.low);
    }
    if (values.empty()) return {std::nullopt};
    return values;
}

std::set<std::optional<std::uint64_t>> HostValues::untold(const Field& field, std::uint64_t promised) const {
    if (is_of_all(rules_, field, promised)) return {promised};
    const bool is_signature = !field.is_msr && LeafKey{field.leaf, field.subleaf_first} == signature_key &&
                              field.reg == Register::eax &&
                              (signature_bits(0xFFFFFFFFU) & field.mask()) == field.mask();
    return is_signature ? by_signature(field) : std::set<std::optional<std::uint64_t>>{std::nullopt};
}

std::set<std::optional<std::uint64_t>> HostValues::of(const Field& field) const {
    const std::uint64_t promised = PolicyRegisters(policy_).value(field, field.subleaf_first);
    std::set<std::optional<std::uint64_t>> values;
    if (const auto told = told_.find(field.id); told != told_.end()) {
        values = told->second.values;
    } else if (are_untold_) {
        values = untold(field, promised);
    }
    values.insert(promised);
    return values;
}

std::set<std::uint64_t> HostValues::known(const Field& field) const {
    const auto told = told_.find(field.id);
    return told == told_.end() ? std::set<std::uint64_t>() : told->second.of_hosts;
}

bool HostValues::are_contested(const Field& field) const {
    const auto told = told_.find(field.id);
    return told != told_.end() ? told->second.is_contested : are_untold_ && of(field).size() > 1;
}

bool HostValues::is_told(const Field& field) const { return !are_untold_ || told_.contains(field.id); }

bool HostValues::may_be_there(const Field& field, std::uint32_t subleaf) const {
    return are_untold_ || rows_.contains({field.id, subleaf});
}

}  // namespace poolcpuid::render
