#include "poolcpuid/diff.hpp"

#include <algorithm>
#include <iterator>
#include <utility>

#include "base/printable.hpp"
#include "compare/beliefs.hpp"
#include "compare/change_words.hpp"
#include "compare/field_changes.hpp"
#include "compare/provenance.hpp"
#include "compare/two_vendors.hpp"
#include "policy/document_text.hpp"
#include "poolcpuid/error.hpp"
#include "promises/vendor_rules.hpp"

namespace poolcpuid {

namespace {

using compare::Promised;

DiffSide side_of(const PoolPolicy& policy) {
    return {policy.pool,
            true,
            sha256_of(policy),
            policy.vendor,
            policy.rulebook_version,
            policy.rulebook_sha256,
            document::options_text(policy.options)};
}

DiffSide side_of(const HostDump& host) {
    const std::string vendor = vendor_string(host.first_table()).value_or("");
    return {host.name, false, sha256_of(host), printable(vendor), {}, {}, {}};  // twelve bytes of any kind
}

Promised promised_by(const promises::VendorRules& rules, const PolicyOrHost& side) {
    return std::visit([&](const auto& input) { return compare::promised_by(rules, input); }, side);
}

// A row of zeros says the same as no row.
std::vector<CpuidRow> with_content(std::vector<CpuidRow> rows) {
    std::erase_if(rows, [](const CpuidRow& row) { return row.value.all_zero(); });
    return rows;
}

bool same(const CpuidTable& a, const CpuidTable& b) {
    return a.unknown == b.unknown && a.unknown_bits == b.unknown_bits && with_content(a.rows) == with_content(b.rows);
}

bool same(const HardwareView& a, const HardwareView& b) {
    return a.msrs == b.msrs &&
           std::equal(a.cpus.begin(), a.cpus.end(), b.cpus.begin(), b.cpus.end(),
                      [](const LogicalCpu& one, const LogicalCpu& other) { return same(one.cpuid, other.cpuid); });
}

bool same(const HypervisorView& a, const HypervisorView& b) { return a.msrs == b.msrs && same(a.cpuid, b.cpuid); }

template <typename View>
bool same(const std::optional<View>& a, const std::optional<View>& b) {
    return a && b ? same(*a, *b) : a.has_value() == b.has_value();
}

bool equal_registers(const PolicyOrHost& before, const PolicyOrHost& after, const std::vector<FieldChange>& changes) {
    if (before.index() != after.index()) {
        return std::all_of(changes.begin(), changes.end(),
                           [](const FieldChange& change) { return change.field == stray_change; });
    }
    if (const auto* policy = std::get_if<PoolPolicy>(&before)) {
        const auto& other = std::get<PoolPolicy>(after);
        return with_content(policy->cpuid) == with_content(other.cpuid) && policy->msrs == other.msrs;
    }
    const auto& host = std::get<HostDump>(before);
    const auto& other = std::get<HostDump>(after);
    return same(host.hardware, other.hardware) && same(host.hypervisor, other.hypervisor);
}

compare::HostsByName by_name(const std::vector<const HostDump*>& hosts) {
    compare::HostsByName named;
    for (const HostDump* host : hosts) named.emplace(host->name, host);
    return named;
}

}  // namespace

std::string_view to_string(Direction direction) noexcept {
    switch (direction) {
        case Direction::loses: return "loses";
        case Direction::both: return "both";
        case Direction::relaxes: return "relaxes";
        case Direction::gains: return "gains";
        case Direction::none: break;
    }
    return "none";
}

bool Provenance::empty() const noexcept {
    return !rulebook && !options && !pool && !names && hosts_removed.empty() && hosts_added.empty() &&
           hosts_renamed.empty() && hosts_recaptured.empty() && owned_removed.empty() && owned_added.empty() &&
           decisions.empty() && findings_removed.empty() && findings_added.empty() && findings_changed.empty();
}

Difference differences(const Rulebook& rulebook, const PolicyOrHost& before, const PolicyOrHost& after,
                       const std::vector<const HostDump*>& hosts) {
    const auto describe = [](const PolicyOrHost& input) {
        return std::visit([](const auto& side) { return side_of(side); }, input);
    };
    Difference difference;
    difference.before = describe(before);
    difference.after = describe(after);
    if (std::holds_alternative<PoolPolicy>(before) && std::holds_alternative<PoolPolicy>(after)) {
        difference.provenance = compare::provenance(std::get<PoolPolicy>(before), std::get<PoolPolicy>(after));
    }
    const auto vendor = rulebook.vendor_of(difference.before.vendor);
    if (difference.is_of_two_vendors()) {
        difference.changes.push_back(compare::vendor_changed(difference.before, difference.after));
        const auto other = rulebook.vendor_of(difference.after.vendor);
        if (!vendor || !other) return difference;
        const promises::VendorRules old_rules(rulebook, *vendor);
        const promises::VendorRules new_rules(rulebook, *other);
        const Promised old_side = promised_by(old_rules, before);
        const Promised new_side = promised_by(new_rules, after);
        std::ranges::move(compare::register_changes(old_rules, old_side, new_rules, new_side),
                          std::back_inserter(difference.changes));
        return difference;
    }
    if (!vendor) {
        throw NoPolicyError("both are of the vendor \"" + difference.before.vendor +
                            "\", which the rulebook does not know");
    }
    const promises::VendorRules rules(rulebook, *vendor);
    difference.changes = compare::field_changes(rules, promised_by(rules, before), promised_by(rules, after));
    difference.equal_registers = equal_registers(before, after, difference.changes);
    const auto* old_policy = std::get_if<PoolPolicy>(&before);
    const auto* new_policy = std::get_if<PoolPolicy>(&after);
    if (old_policy != nullptr && new_policy != nullptr && !rulebook.guests.empty()) {
        difference.beliefs = compare::belief_changes(rulebook, *old_policy, *new_policy, by_name(hosts));
    }
    return difference;
}

}  // namespace poolcpuid
