#include "policy/document_text.hpp"

#include <algorithm>
#include <utility>

#include "base/hex.hpp"
#include "base/lists.hpp"
#include "base/printable.hpp"

namespace poolcpuid::document {

std::string bits(const BitPlace& place) {
    if (place.low == place.high) return std::to_string(place.low);
    return std::to_string(place.high) + ":" + std::to_string(place.low);
}

std::string subleaves(const BitPlace& place) {
    if (place.subleaf_first == place.subleaf_last) return to_hex(place.subleaf_first);
    return to_hex(place.subleaf_first) + "-" + to_hex(place.subleaf_last);
}

std::string options_text(const RecordedOptions& options) {
    std::string text;
    const auto add = [&](const char* option, const std::string& value) {
        text += (text.empty() ? "" : " ") + std::string(option) + " " + shell_word(value);
    };
    if (!options.identity.empty()) add("--identity", options.identity);
    if (!options.ceiling_level.empty()) add("--ceiling", options.ceiling_level);
    if (options.ceiling_policy) {
        constexpr std::size_t digest_digits = 12;
        // Which file that was is not known, so this is no word of a command.
        text += (text.empty() ? "" : " ") + std::string("--ceiling POLICY of the pool ") +
                printable(options.ceiling_policy->pool) + " (" +
                printable(options.ceiling_policy->sha256.substr(0, digest_digits)) + ")";
    }
    for (const std::string& field : options.hide) add("--hide", field);
    for (const std::string& field : options.show) add("--show", field);
    for (const auto& [field, value] : options.set) add("--set", field + "=" + value);
    return text.empty() ? "no options" : text;
}

std::string place_text(const BitPlace& place) {
    const std::string range = "[" + bits(place) + "]";
    if (place.is_msr) return "MSR " + to_hex(place.leaf) + range;
    return to_hex(place.leaf) + "." + subleaves(place).substr(2) + " " + to_string(place.reg) + range;
}

std::string leaves_text(const std::vector<LeafKey>& keys) {
    const auto leaf_text = [](const LeafKey& key) { return to_hex(key.leaf) + "." + to_hex(key.subleaf).substr(2); };
    std::string text;
    for (std::size_t first = 0; first < keys.size();) {
        std::size_t last = first;
        while (last + 1 < keys.size() && keys[last + 1] == LeafKey{keys[last].leaf, keys[last].subleaf + 1}) ++last;
        text += (text.empty() ? "" : ", ") + leaf_text(keys[first]);
        if (last > first) text += "-" + to_hex(keys[last].subleaf).substr(2);
        first = last + 1;
    }
    return text;
}

std::string field_text(const Rulebook& rulebook, const std::string& field, const BitPlace& place) {
    const FieldIndex index = rulebook.find(field);
    const bool in_several = index != no_field && rulebook[index].subleaf_first != rulebook[index].subleaf_last;
    return in_several ? field + "[" + std::to_string(place.subleaf_first) + "]" : field;
}

std::string name_of(const Rulebook& rulebook, const Decision& decision) {
    if (!decision.state.empty()) return "xsave state " + decision.state;
    return field_text(rulebook, decision.field, decision.place);
}

std::vector<std::string> by_count(const CpuCounts& counts) {
    std::vector<std::pair<std::string, std::size_t>> rows(counts.begin(), counts.end());
    std::stable_sort(rows.begin(), rows.end(), [](const auto& a, const auto& b) { return a.second > b.second; });
    std::vector<std::string> texts;
    for (const auto& [name, count] : rows) texts.push_back(name + " ×" + std::to_string(count));
    return texts;
}

std::string cpus_text(const CpuCounts& cpus, std::size_t most) { return short_list(by_count(cpus), most); }

std::string enumerate(const HostList& hosts) {
    constexpr std::size_t most_cpus = 3;
    if (hosts.count <= most_names || hosts.cpus.empty()) return poolcpuid::enumerate(hosts.names, hosts.count);
    return counted(hosts.count, "host") + " (" + cpus_text(hosts.cpus, most_cpus) + ")";
}

std::string value_word(const std::optional<std::uint64_t>& value) { return value ? to_hex(*value) : "unknown"; }

std::string layout_text(const ValueOfHosts& value) {
    if (!value.value) return value_word(value.value);
    if (*value.value == 0) return "none";
    std::string text = std::to_string(*value.value) + " bytes";
    if (!value.at) return text;
    if (value.at->offset != 0) text += " at " + std::to_string(value.at->offset);
    return text + (value.at->aligned ? ", aligned" : "");
}

std::string value_text(const Field& field, const std::string& value) {
    constexpr int widest_decimal = 12;  // bits: masks and register halves read better in hexadecimal
    if (value == "unknown") return "not known";
    const auto number = from_hex(value, 16);
    return number && field.high - field.low < widest_decimal ? std::to_string(*number) : value;
}

std::string value_text(const Field& field, const std::optional<std::uint64_t>& value) {
    return value_text(field, value_word(value));
}

std::string value_text(const Rulebook& rulebook, const Decision& decision) {
    const FieldIndex index = rulebook.find(decision.field);
    return index == no_field ? to_hex(decision.value) : value_text(rulebook[index], decision.value);
}

}  // namespace poolcpuid::document
