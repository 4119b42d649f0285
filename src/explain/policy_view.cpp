#include "explain/policy_view.hpp"

#include <algorithm>

#include "merge/host_promises.hpp"
#include "poolcpuid/error.hpp"
#include "text/hex.hpp"
#include "text/printable.hpp"

namespace poolcpuid::explain {

namespace {

std::size_t vendor_index(const Rulebook& rulebook, const PoolPolicy& policy) {
    const auto vendor = rulebook.vendor_of(policy.vendor);
    if (!vendor) {
        throw NoPolicyError("the policy is of the vendor \"" + printable(policy.vendor) +
                            "\", which the rulebook does not know");
    }
    return *vendor;
}

}  // namespace

PolicyView::PolicyView(const Rulebook& rulebook, const PoolPolicy& policy)
    : plan_(rulebook, vendor_index(rulebook, policy)), policy_(policy) {
    for (const CpuidRow& row : policy.cpuid) rows_[row.key] = row.value;
    for (const MsrRow& row : policy.msrs) msrs_[row.index] = row.value.value_or(0);
    for (const Decision& decision : policy.decisions) {
        decisions_[{decision.field, decision.place.subleaf_first}] = &decision;
    }
}

std::uint64_t PolicyView::value(const Field& field, std::uint32_t subleaf) const {
    std::uint64_t bits = 0;
    if (field.is_msr) {
        bits = msr(field.leaf);
    } else {
        const auto row = rows_.find({field.leaf, subleaf});
        if (row != rows_.end()) bits = row->second[field.reg];
    }
    return (bits & field.mask()) >> field.low;
}

std::uint64_t PolicyView::value(FieldIndex index) const {
    const Field& field = rulebook()[index];
    return plan_.applies(field) ? value(field, field.subleaf_first) : 0;
}

std::uint64_t PolicyView::msr(std::uint32_t index) const {
    const auto at = msrs_.find(index);
    return at == msrs_.end() ? 0 : at->second;
}

const Decision* PolicyView::decision(const Field& field, std::uint32_t subleaf) const {
    const auto at = decisions_.find({std::string(field.id), subleaf});
    return at == decisions_.end() ? nullptr : at->second;
}

std::vector<const Decision*> PolicyView::decisions_at(LeafKey key) const {
    std::vector<const Decision*> found;
    for (const Decision& decision : policy_.decisions) {
        const BitPlace& place = decision.place;
        if (!place.is_msr && LeafKey{place.leaf, place.subleaf_first} == key) found.push_back(&decision);
    }
    return found;
}

bool PolicyView::is_asked_for(const Field& field) const {
    const RecordedOptions& options = policy_.options;
    const auto is_this = [&](const std::string& name) { return name == field.id || name == field.ask; };
    return std::any_of(options.show.begin(), options.show.end(), is_this) ||
           std::any_of(options.set.begin(), options.set.end(),
                       [&](const auto& entry) { return entry.first == field.id; });
}

bool PolicyView::is_owned(const Field& field) const {
    return std::any_of(policy_.owned.begin(), policy_.owned.end(), [&](const BitPlace& place) {
        return place.is_msr == field.is_msr && place.leaf == field.leaf && place.reg == field.reg &&
               place.subleaf_first <= field.subleaf_first && field.subleaf_last <= place.subleaf_last &&
               place.low <= field.low && field.high <= place.high;
    });
}

bool PolicyView::is_scrub_lost(const Field& field) const {
    const bool is_found = std::any_of(policy_.findings.begin(), policy_.findings.end(), [&](const Finding& finding) {
        return finding.code == merge::verw_promise_lost && finding.field == field.id;
    });
    const Decision* known = decision(field, field.subleaf_first);
    return is_found || (known != nullptr && std::any_of(known->values.begin(), known->values.end(),
                                                        [](const ValueOfHosts& v) { return v.value == "unknown"; }));
}

std::vector<Finding> PolicyView::findings_about(const Field& field) const {
    std::vector<Finding> found;
    for (const Finding& finding : policy_.findings) {
        if (finding.field == field.id) found.push_back(finding);
    }
    return found;
}

std::uint64_t number_of(const std::string& value) {
    const auto number = from_hex(value, 16);
    return number ? *number : 0;
}

}  // namespace poolcpuid::explain
