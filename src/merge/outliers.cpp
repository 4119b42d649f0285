#include "merge/outliers.hpp"

#include <algorithm>
#include <map>
#include <optional>
#include <tuple>
#include <utility>

#include "base/hex.hpp"
#include "base/lists.hpp"
#include "promises/seen_value.hpp"
#include "promises/table_values.hpp"

namespace poolcpuid::merge {

namespace {

using Hosts = std::vector<const AlikeHosts*>;

bool is_compared(const Field& field) {
    return !field.is_msr && field.rule == Rule::intersect && field.low == field.high &&
           field.exposure == Exposure::shown && !field.emulated;
}

// Whether the host's silicon has a feature; nothing where no view of the hardware says so. A view of the hardware alone
// is read as the merge reads it; of two views seen_value is what the hypervisor offers.
std::optional<bool> silicon_has(const promises::VendorRules& rules, const promises::HostPromises& host,
                                FieldIndex index) {
    if (!host.has_hardware_view) return std::nullopt;
    const Field& field = rules.rulebook()[index];
    const promises::SeenValue seen = promises::seen_value(rules, host, index, field.subleaf_first);
    if (!host.has_hypervisor_view || seen.modelled) {
        return seen.known ? std::optional(seen.value != 0) : std::nullopt;
    }
    const auto value = promises::field_value(*host.table, field, field.subleaf_first);
    return value ? std::optional(*value != 0) : std::nullopt;
}

std::size_t count_of(const Hosts& hosts) {
    std::size_t count = 0;
    for (const AlikeHosts* host : hosts) count += host->hosts.count;
    return count;
}

// The revisions that are known. False when one is not.
bool collect_microcode(const Hosts& hosts, std::vector<std::uint32_t>& revisions) {
    bool all = true;
    for (const AlikeHosts* host : hosts) {
        const promises::Silicon& silicon = host->promises.silicon;
        if (silicon.microcode) revisions.push_back(*silicon.microcode);
        all = all && silicon.microcode.has_value();
    }
    std::sort(revisions.begin(), revisions.end());
    revisions.erase(std::unique(revisions.begin(), revisions.end()), revisions.end());
    return all;
}

// The outliers among hosts of one CPU.
std::vector<Outlier> outliers_among(const promises::VendorRules& rules, const Hosts& hosts, std::size_t most_names) {
    if (hosts.size() < 2) return {};                                      // nobody to differ from
    std::map<std::pair<Hosts, Hosts>, std::vector<FieldIndex>> by_hosts;  // that lack, and that have
    for (const FieldIndex index : rules.fields()) {
        if (!is_compared(rules.rulebook()[index])) continue;
        Hosts lack;
        Hosts have;
        for (const AlikeHosts* host : hosts) {
            const auto has = silicon_has(rules, host->promises, index);
            if (has) (*has ? have : lack).push_back(host);
        }
        if (!lack.empty() && count_of(lack) < count_of(have)) by_hosts[{lack, have}].push_back(index);
    }
    std::vector<Outlier> found;
    for (auto& [sides, fields] : by_hosts) {
        Outlier outlier;
        outlier.cpu = cpu_of(rules.rulebook(), rules.vendor(), hosts.front()->promises.signature);
        outlier.fields = std::move(fields);
        for (const AlikeHosts* host : sides.first) {
            outlier.hosts.add(host->hosts, most_names);
            outlier.promises.insert(&host->promises);
        }
        outlier.others = count_of(sides.second);
        const bool knows_theirs = collect_microcode(sides.first, outlier.microcode);
        outlier.knows_microcode = collect_microcode(sides.second, outlier.others_microcode) && knows_theirs;
        found.push_back(std::move(outlier));
    }
    std::sort(found.begin(), found.end(),
              [](const Outlier& one, const Outlier& other) { return one.fields < other.fields; });
    return found;
}

std::string revisions_text(const std::vector<std::uint32_t>& revisions) {
    std::vector<std::string> words;
    for (const std::uint32_t revision : revisions) words.push_back(to_hex(revision));
    return short_list(words, names_in_sentence);
}

std::string microcode_text(const Outlier& outlier) {
    if (!outlier.knows_microcode) return ", whose revision is not known of all,";
    if (outlier.microcode == outlier.others_microcode) return " (the same: " + revisions_text(outlier.microcode) + ")";
    return " (" + revisions_text(outlier.microcode) + ", the others " + revisions_text(outlier.others_microcode) + ")";
}

}  // namespace

std::vector<Outlier> outliers_of(const promises::VendorRules& rules, const std::vector<AlikeHosts>& hosts,
                                 std::size_t most_names) {
    std::map<std::tuple<std::uint16_t, std::uint16_t, std::uint16_t>, Hosts> by_signature;
    for (const AlikeHosts& host : hosts) {
        const Signature& signature = host.promises.signature;
        by_signature[{signature.family, signature.model, signature.stepping}].push_back(&host);
    }
    std::vector<Outlier> all;
    for (const auto& [signature, same] : by_signature) {
        std::vector<Outlier> found = outliers_among(rules, same, most_names);
        std::move(found.begin(), found.end(), std::back_inserter(all));
    }
    return all;
}

std::string sentence_of(const Rulebook& rulebook, const Outlier& outlier) {
    constexpr std::size_t most_features = 12;
    std::vector<std::string> features;
    for (const FieldIndex index : outlier.fields) features.emplace_back(rulebook[index].id);
    const std::size_t all = outlier.hosts.count + outlier.others;
    return std::to_string(outlier.hosts.count) + " of " + std::to_string(all) + " " + short_text(outlier.cpu) + " (" +
           poolcpuid::enumerate(outlier.hosts.names, outlier.hosts.count) + ") " +
           (outlier.hosts.count == 1 ? "lacks " : "lack ") + short_list(features, most_features) + "; the other " +
           std::to_string(outlier.others) + ", of the same family, model and stepping, have " +
           (features.size() == 1 ? "it" : "them") + ". Look for a setting of the BIOS, the microcode" +
           microcode_text(outlier) + " or another variant of the CPU.";
}

}  // namespace poolcpuid::merge
