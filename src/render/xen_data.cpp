#include "render/xen_data.hpp"

#include <algorithm>
#include <cctype>
#include <map>

#include "poolcpuid/error.hpp"

namespace poolcpuid::render {

namespace {

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
std::vector<std::string> names_of_word(const FeatureWord& word, bool by_default) {
    std::vector<std::string> all;
    for (const auto& [attribute, names] : word.guests) {
        if (by_default && attribute.find_first_of("ASH") == std::string::npos) continue;
        all.insert(all.end(), names.begin(), names.end());
    }
    return all;
}

template <typename Bits>
std::vector<Bits> for_vendor(std::vector<Bits> all, std::string_view vendor) {
    std::erase_if(all, [&](const Bits& bits) { return !is_for(bits.vendors, vendor); });
    return all;
}

}  // namespace

XenData::XenData(const Rulebook& rulebook, std::string_view vendor, const std::optional<VmmVersion>& asked) {
    XenTarget target = rulebook::xen_data(rulebook);
    newest = target.release;
    oldest = target.older;
    if (asked && *asked < oldest) {
        throw UsageError("what Xen " + to_string(*asked) + " gives to guests is not known here: --xen takes " +
                         to_string(oldest) + " and later");
    }
    const bool is_older = asked && *asked < newest;
    release = is_older ? oldest : newest;

    words = std::move(target.words);
    const XenNames names(rulebook, words);
    possible = defaults = newer = given = absent = none();
    for (const FeatureWord& word : words) {
        names.add(possible, names_of_word(word, false));
        names.add(defaults, names_of_word(word, true));
        read_with.push_back(names.find(word.read_with));
    }
    names.add(newer, target.older_lacks);
    if (is_older) {
        for (Featureset* set : {&possible, &defaults}) {
            names.remove(*set, target.older_lacks);
            names.add(*set, target.older_has);
        }
    }
    for (const XenTarget::OfVendors& entry : target.given) {
        if (is_for(entry.vendors, vendor)) names.add(given, entry.names);
    }
    for (const XenTarget::OfVendors& entry : target.absent) {
        if (is_for(entry.vendors, vendor)) names.add(absent, entry.names);
    }
    for (XenTarget::Hidden& entry : target.hidden) {
        if (!is_for(entry.vendors, vendor)) continue;
        hidden.push_back({none(), std::move(entry.field), std::move(entry.values)});
        names.add(hidden.back().bits, entry.names);
    }
    Featureset named = possible;
    for (std::size_t i = 0; i < named.size(); ++i) named[i] |= given[i];
    for (const auto& [name, other] : target.with) {
        const auto bit = names.find(name);
        const auto other_bit = names.find(other);
        if (!bit || !other_bit) continue;
        with.push_back({*bit, *other_bit});
        named[bit->word] |= bit->mask();
    }
    for (const auto& [name, dependents] : target.needs) {
        const auto bit = names.find(name);
        if (!bit) continue;
        needs.push_back({{name, *bit}, none()});
        names.add(needs.back().dependents, dependents);
    }
    for (const auto& [name, why] : target.said) {
        if (const auto bit = names.find(name)) said.push_back({*bit, why});
    }
    names.for_each(named, [&](const std::string& name, const XenBit& bit) { features.push_back({name, bit}); });

    fixed = for_vendor(std::move(target.fixed), vendor);
    highest = for_vendor(std::move(target.highest), vendor);
    computed = std::move(target.computed);
    leaves = std::move(target.subleafed);
    libxl_names_ = std::move(target.libxl_names);
    numbers = std::move(target.libxl_numbers);
    signature = target.libxl_signature;
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
