#include "merge/rate_findings.hpp"

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <utility>

#include "policy/document_text.hpp"
#include "promises/table_values.hpp"

namespace poolcpuid::merge {

namespace {

using document::enumerate;
using Khz = std::optional<std::uint64_t>;  // nothing: the dump does not say

// What a field is of a host of the rules' vendor. 0 is how CPUs say nothing of a rate.
std::optional<std::uint64_t> factor(const promises::VendorRules& rules, const promises::ViewReader& view,
                                    FieldIndex index) {
    const Field& field = rules.rulebook()[index];
    if (!rules.applies(field)) return std::nullopt;
    const auto value = view.field(field, field.subleaf_first);
    return value.value_or(0) == 0 ? std::nullopt : value;
}

Khz told_by(const promises::VendorRules& rules, const promises::ViewReader& view, const Rate& rate) {
    constexpr std::uint64_t hz_in_khz = 1000;
    std::uint64_t result = 1;
    for (const FieldIndex index : rate.product) {
        const auto value = factor(rules, view, index);
        if (!value) return std::nullopt;
        result *= *value;  // two registers of CPUID at most
    }
    if (rate.per != no_field) {
        const auto per = factor(rules, view, rate.per);
        if (!per) return std::nullopt;
        result /= *per;
    }
    return rate.in_khz ? result : result / hz_in_khz;
}

Khz rate_of(const promises::VendorRules& rules, const promises::HostPromises& host, const Field& field) {
    const promises::ViewReader view(rules, *host.table, *host.msrs);
    for (const Rate& rate : field.rates) {
        if (const Khz khz = told_by(rules, view, rate)) return khz;
    }
    return std::nullopt;
}

std::string rates_text(const std::map<Khz, VariantSet>& rates, std::size_t most) {
    std::string text;
    for (const auto& [khz, variants] : rates) {
        const std::string what = khz ? std::to_string(*khz) + " kHz on " : "not told by the dump of ";
        text += (text.empty() ? "" : "; ") + what + enumerate(hosts_of(variants, most));
    }
    return text;
}

}  // namespace

void report_rates(FindingList& list) {
    const promises::VendorRules& rules = list.rules();
    for (const FieldIndex index : rules.fields()) {
        const Field& field = rules.rulebook()[index];
        if (field.rates.empty() || !list.draft().present(index)) continue;
        std::map<Khz, VariantSet> rates;
        VariantSet all;
        for (const Variant& variant : list.variants()) {
            if (variant.is_ceiling) continue;
            rates[rate_of(rules, *variant.promises, field)].insert(&variant);
            all.insert(&variant);
        }
        HostList hosts = list.list_of(all);
        const bool is_one = rates.size() == 1 && rates.begin()->first.has_value();
        if (is_one || hosts.count < 2) continue;
        const std::string id(field.id);
        list.add("rate-not-one",
                 id +
                     " is shown, and guests then count on one rate wherever they run, which the hosts are "
                     "not known to have: " +
                     rates_text(rates, list.inputs().most_names) +
                     ". Pin the rate of each VM to one that every host has or can scale to (QEMU: "
                     "tsc-frequency; libvirt: <timer name='tsc' frequency='HZ'/>), or leave " +
                     id + " out of --show.",
                 std::move(hosts), id);
    }
}

}  // namespace poolcpuid::merge
