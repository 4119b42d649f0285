// targets/xen.json of a rulebook.
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "rulebook/target_parser.hpp"

namespace poolcpuid::rulebook {

namespace {

class XenParser : TargetParser {
public:
    using TargetParser::TargetParser;

    XenTarget parse() {
        XenTarget data;
        read("xen", [&](ObjectReader& reader) {
            data.release = release(reader.required("release"));
            each(reader, "words", "a word",
                 [&](ObjectReader& entry, const Value& value) { data.words.push_back(word(entry, value)); });
            ObjectReader older(reader.required_object("older"), file_.path, "an older release");
            data.older = release(older.required("release"));
            data.older_lacks = xen_names(older.required("lacks"));
            data.older_has = xen_names(older.required("has"));
            older.finish();
            data.given = of_vendors(reader, "given");
            data.absent = of_vendors(reader, "absent");
            each(reader, "hidden", "features that are hidden", [&](ObjectReader& entry, const Value&) {
                XenTarget::Hidden hidden{
                    vendors(entry), xen_names(entry.required("names")), entry.required_string("field"), {}};
                check(entry.required("field"), hidden.field, &KnownNames::fields, field);
                for (const Value& value : entry.required_array("values")) {
                    hidden.values.push_back(json::hex_of(value, file_.path, 16));
                }
                data.hidden.push_back(std::move(hidden));
            });
            for (const auto& [name, other] : reader.required_object("with").members()) {
                data.with.emplace_back(xen_name(other, name), xen_name(other, string_of(other)));
            }
            for (const auto& [name, dependents] : reader.required_object("needs").members()) {
                data.needs.emplace_back(xen_name(dependents, name), xen_names(dependents));
            }
            each(reader, "said", "a feature that is said", [&](ObjectReader& entry, const Value& value) {
                data.said.emplace_back(xen_name(value, entry.required_string("name")), sentence(entry, "why"));
            });
            xen_registers(reader, data);
        });
        return data;
    }

private:
    FeatureWord word(ObjectReader& entry, const Value& value) {
        FeatureWord result;
        result.name = entry.required_string("name");
        result.place = one_register(entry, value);
        if (result.place.high - result.place.low > 31) entry.fail(value, "a word of 32 bits");
        if (const Value* bit = entry.optional("read_with")) result.read_with = xen_name(*bit, string_of(*bit));
        for (const auto& [attribute, names] : entry.required_object("guests").members()) {
            if (attribute.empty() || attribute.find_first_not_of("!|ASHash") != std::string::npos) {
                throw InputError(file_.path, names.line(), "attributes of cpufeatureset.h", "\"" + attribute + "\"");
            }
            result.guests.emplace_back(attribute, xen_names(names));
            for (const Value& name : names.items()) check_in_word(name, result);
        }
        return result;
    }

    // Each feature is one bit of one word.
    void check_in_word(const Value& name, const FeatureWord& word) {
        if (!in_words_.insert(name.text()).second) fail(name, "a feature that no word has yet");
        if (known_ == nullptr) return;
        const auto [first, last] = known_->xen.equal_range(name.text());
        const bool is_here = std::any_of(first, last, [&](const auto& entry) {
            const SourceField& other = *entry.second;
            const DataPlace& place = word.place;
            return other.is_msr == place.is_msr && other.leaf == place.leaf_first &&
                   other.subleaf.first <= place.subleaf_first && place.subleaf_first <= other.subleaf.last &&
                   other.reg == place.registers.front() && other.bits.low == other.bits.high &&
                   place.low <= other.bits.low && other.bits.high <= place.high;
        });
        if (!is_here) fail(name, "a feature of the word " + word.name);
    }

    const std::string& xen_name(const Value& at, const std::string& name) const {
        if (known_ != nullptr && !known_->xen.contains(name)) {
            throw InputError(file_.path, at.line(), "a name that Xen has for a field", "\"" + name + "\"");
        }
        return name;
    }

    std::vector<std::string> xen_names(const Value& list) const {
        if (!list.is_array()) fail(list, "an array of names");
        for (const Value& name : list.items()) xen_name(name, string_of(name));
        return strings(list.items());
    }

    std::vector<XenTarget::OfVendors> of_vendors(ObjectReader& reader, std::string_view key) const {
        std::vector<XenTarget::OfVendors> all;
        each(reader, key, "features of vendors", [&](ObjectReader& entry, const Value&) {
            all.push_back({vendors(entry), xen_names(entry.required("names"))});
        });
        return all;
    }

    void xen_registers(ObjectReader& reader, XenTarget& data) const {
        ObjectReader empty(reader.required_object("empty"), file_.path, "what is empty");
        const std::string why = sentence(empty, "why");
        each(empty, "places", "an empty place", [&](ObjectReader& entry, const Value&) {
            FixedBits bits;
            bits.place = place(entry);
            bits.vendors = vendors(entry);
            bits.value = 0;
            bits.condition = condition(entry);
            bits.why = why;
            data.fixed.push_back(std::move(bits));
        });
        empty.finish();
        for (FixedBits& bits :
             fixed(reader, [&](ObjectReader&entry, FixedBits&more) { more.condition = condition(entry); })) {
            data.fixed.push_back(std::move(bits));
        }
        each(reader, "highest", "the last leaf of a range", [&](ObjectReader& entry, const Value& value) {
            XenTarget::Highest bits;
            bits.place = one_register(entry, value);
            bits.vendors = vendors(entry);
            bits.value = value_of(entry.required("value"), bits.place);
            bits.up_to_host = entry.optional_bool("up_to_host", false);
            data.highest.push_back(std::move(bits));
        });
        each(reader, "computed", "a register that is computed",
             [&](ObjectReader& entry, const Value&) { data.computed.push_back(place(entry)); });
        for (const Value& leaf : reader.required_array("subleafed")) {
            data.subleafed.push_back(static_cast<std::uint32_t>(json::hex_of(leaf, file_.path, 8)));
        }
        ObjectReader libxl(reader.required_object("libxl"), file_.path, "libxl's words");
        for (const auto& [name, other] : libxl.required_object("names").members()) {
            data.libxl_names.emplace_back(xen_name(other, name), string_of(other));
        }
        each(libxl, "numbers", "a number", [&](ObjectReader& entry, const Value& value) {
            std::string name = entry.required_string("name");
            data.libxl_numbers.emplace_back(std::move(name), one_register(entry, value));
        });
        data.libxl_signature = one_register_at(libxl.required_object("signature"));
        libxl.finish();
    }

    std::set<std::string> in_words_;
};

}  // namespace

XenTarget parse_xen(const RulebookFile& file, const KnownNames* known, std::vector<LintFinding>* findings) {
    return XenParser(file, known, findings).parse();
}

}  // namespace poolcpuid::rulebook
