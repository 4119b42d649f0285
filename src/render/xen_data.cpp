#include "render/xen_data.hpp"

#include <algorithm>
#include <bit>
#include <cctype>
#include <map>

#include "poolcpuid/error.hpp"

namespace poolcpuid::render {

namespace {

using json::Value;

bool is_at(const Field& field, const DataPlace& place) {
    if (field.is_msr != place.is_msr || field.leaf != place.leaf_first) return false;
    if (!field.is_msr && (field.reg != place.registers.front() || !field.is_in_subleaf(place.subleaf_first))) {
        return false;
    }
    return field.low == field.high && (field.mask() & place.mask()) != 0;
}

// The bits by Xen's names. A rulebook that lacks a name has no policy with the bit either.
class XenNames {
public:
    XenNames(const Rulebook& rulebook, const std::vector<FeatureWord>& words) {
        for (const Field& field : rulebook.fields) {
            if (field.names.xen.empty()) continue;
            const auto word = std::find_if(words.begin(), words.end(),
                                           [&](const FeatureWord& entry) { return is_at(field, entry.place); });
            if (word == words.end()) continue;
            const unsigned number = static_cast<unsigned>(field.low) - word->place.low;
            bits_[std::string(field.names.xen)] = {static_cast<std::size_t>(word - words.begin()), number};
        }
    }

    std::optional<XenBit> find(const std::string& name) const {
        const auto at = bits_.find(name);
        return at == bits_.end() ? std::nullopt : std::optional(at->second);
    }

    void add(Featureset& set, const std::vector<std::string>& names) const {
        for (const std::string& name : names) {
            if (const auto bit = find(name)) set[bit->word] |= bit->mask();
        }
    }

    void remove(Featureset& set, const std::vector<std::string>& names) const {
        for (const std::string& name : names) {
            if (const auto bit = find(name)) set[bit->word] &= ~bit->mask();
        }
    }

    // Calls body with the name and place of each bit of the set, in the set's order.
    template <typename Body>
    void for_each(const Featureset& set, const Body& body) const {
        std::map<std::pair<std::size_t, unsigned>, std::string> sorted;
        for (const auto& [name, bit] : bits_) {
            if (bit.is_in(set)) sorted[{bit.word, bit.number}] = name;
        }
        for (const auto& [place, name] : sorted) body(name, XenBit{place.first, place.second});
    }

private:
    std::map<std::string, XenBit> bits_;
};

// The names of a word; by_default: those with a capital letter among their attributes alone.
std::vector<std::string> names_of_word(const Value& word, bool by_default) {
    std::vector<std::string> names;
    for (const auto& [attribute, list] : word.find("guests")->members()) {
        if (by_default && attribute.find_first_of("ASH") == std::string::npos) continue;
        for (const Value& name : list.items()) names.push_back(name.text());
    }
    return names;
}

template <typename Body>
void for_vendor(const Value& document, std::string_view key, std::string_view vendor, const Body& body) {
    for (const Value& entry : document.find(key)->items()) {
        if (is_for(strings_of(entry, "vendors"), vendor)) body(entry);
    }
}

std::vector<FixedBits> fixed_for(const Value& document, std::string_view vendor) {
    std::vector<FixedBits> all;
    const Value& empty = *document.find("empty");
    for_vendor(empty, "places", vendor, [&](const Value& entry) {
        FixedBits bits;
        bits.place = place_of(entry);
        bits.value = 0;
        if (const Value* condition = entry.find("if")) bits.condition = condition->text();
        bits.why = empty.find("why")->text();
        all.push_back(std::move(bits));
    });
    for (FixedBits& bits : fixed_bits(document)) {
        if (is_for(bits.vendors, vendor)) all.push_back(std::move(bits));
    }
    return all;
}

VmmVersion version_of(const Value& value) { return parse_version(value.find("release")->text()).value(); }

}  // namespace

XenData::XenData(const Rulebook& rulebook, std::string_view vendor, const std::optional<VmmVersion>& asked) {
    const Value document = target_document("xen");
    const Value& older = *document.find("older");
    newest = version_of(document);
    oldest = version_of(older);
    if (asked && *asked < oldest) {
        throw UsageError("what Xen " + to_string(*asked) + " gives to guests is not known here: --xen takes " +
                         to_string(oldest) + " and later");
    }
    const bool is_older = asked && *asked < newest;
    release = is_older ? oldest : newest;

    words = feature_words(document);
    const XenNames names(rulebook, words);
    possible = defaults = newer = given = absent = none();
    for (const Value& word : document.find("words")->items()) {
        names.add(possible, names_of_word(word, false));
        names.add(defaults, names_of_word(word, true));
        const Value* with_bit = word.find("read_with");
        read_with.push_back(with_bit == nullptr ? std::nullopt : names.find(with_bit->text()));
    }
    names.add(newer, strings_of(older, "lacks"));
    if (is_older) {
        for (Featureset* set : {&possible, &defaults}) {
            names.remove(*set, strings_of(older, "lacks"));
            names.add(*set, strings_of(older, "has"));
        }
    }
    for_vendor(document, "given", vendor, [&](const Value& entry) { names.add(given, strings_of(entry, "names")); });
    for_vendor(document, "absent", vendor, [&](const Value& entry) { names.add(absent, strings_of(entry, "names")); });
    for_vendor(document, "hidden", vendor, [&](const Value& entry) {
        Hidden rule{none(), entry.find("field")->text(), {}};
        names.add(rule.bits, strings_of(entry, "names"));
        for (const Value& value : entry.find("values")->items()) {
            rule.values.push_back(json::hex_of(value, "policy/targets", 16));
        }
        hidden.push_back(std::move(rule));
    });
    Featureset named = possible;
    for (std::size_t i = 0; i < named.size(); ++i) named[i] |= given[i];
    for (const auto& [name, other] : document.find("with")->members()) {
        const auto bit = names.find(name);
        const auto other_bit = names.find(other.text());
        if (!bit || !other_bit) continue;
        with.push_back({*bit, *other_bit});
        named[bit->word] |= bit->mask();
    }
    for (const auto& [name, dependents] : document.find("needs")->members()) {
        const auto bit = names.find(name);
        if (!bit) continue;
        Need need{{name, *bit}, none()};
        for (const Value& dependent : dependents.items()) names.add(need.dependents, {dependent.text()});
        needs.push_back(std::move(need));
    }
    for (const Value& entry : document.find("said")->items()) {
        if (const auto bit = names.find(entry.find("name")->text())) said.push_back({*bit, entry.find("why")->text()});
    }
    names.for_each(named, [&](const std::string& name, const XenBit& bit) { features.push_back({name, bit}); });

    fixed = fixed_for(document, vendor);
    for_vendor(document, "highest", vendor, [&](const Value& entry) {
        FixedBits bits;
        bits.place = place_of(entry);
        bits.value = json::hex_of(*entry.find("value"), "policy/targets", 8);
        highest.push_back(std::move(bits));
    });
    for (const Value& entry : document.find("computed")->items()) computed.push_back(place_of(entry));
    for (const Value& leaf : document.find("subleafed")->items()) {
        leaves.push_back(static_cast<std::uint32_t>(json::hex_of(leaf, "policy/targets", 8)));
    }
    const Value& libxl = *document.find("libxl");
    for (const auto& [name, other] : libxl.find("names")->members()) libxl_names_.emplace_back(name, other.text());
    for (const Value& entry : libxl.find("numbers")->items()) {
        numbers.emplace_back(entry.find("name")->text(), place_of(entry));
    }
    signature = place_of(*libxl.find("signature"));
}

std::string XenData::libxl_name(const XenFeature& feature) const {
    for (const auto& [name, other] : libxl_names_) {
        if (name == feature.name) return other;
    }
    std::string name = feature.name;
    for (char& letter : name) {
        letter = letter == '_' ? '-' : static_cast<char>(std::tolower(static_cast<unsigned char>(letter)));
    }
    return name;
}

}  // namespace poolcpuid::render
