// What the parsers of the files of targets/ share: places, releases and conditions, and that the names which a target
// speaks of are the rulebook's.
#pragma once

#include <algorithm>
#include <functional>
#include <map>
#include <set>
#include <string>
#include <string_view>
#include <tuple>
#include <vector>

#include "rulebook/entry_parser.hpp"
#include "rulebook/source.hpp"
#include "rulebook/target_data.hpp"

namespace poolcpuid::rulebook {

// What a rulebook has for a target to name.
struct KnownNames {
    explicit KnownNames(const SourceRulebook& source) {
        for (const SourceVendor& vendor : source.vendors) {
            vendors.insert(vendor.id);
            vendor_strings.insert(vendor.strings.begin(), vendor.strings.end());
        }
        for (const SourceComponent& component : source.xsave) states.insert(component.id);
        for (const SourceField& field : source.fields) {
            fields.insert(field.id);
            if (const auto name = field.names.find("qemu"); name != field.names.end()) qemu.insert(name->second);
            if (const auto name = field.names.find("xen"); name != field.names.end()) xen.emplace(name->second, &field);
        }
    }

    std::set<std::string> vendors;
    std::set<std::string> vendor_strings;
    std::set<std::string> states;
    std::set<std::string> fields;
    std::set<std::string> qemu;
    std::multimap<std::string, const SourceField*> xen;
    std::set<std::string> numbers;  // QEMU's properties that take one; set once its file was read
};

class TargetParser : protected EntryParser {
public:
    // known: nullptr for a file whose names need no check. Both must outlive this.
    TargetParser(const RulebookFile& file, const KnownNames* known, std::vector<LintFinding>* findings)
        : EntryParser(file, findings), known_(known) {}

protected:
    using ObjectReader = json::ObjectReader;
    using Value = json::Value;

    static constexpr const char* field = "a field of the rulebook";
    static constexpr const char* vendor = "a vendor of rulebook.json";
    static constexpr const char* state = "a component of xsave.json";

    // Reads the file of the target called name, of which no key may be left over.
    void read(std::string_view name, const std::function<void(ObjectReader&)>& body) const {
        const Value document = json::parse(file_.bytes, file_.path);
        ObjectReader reader(document, file_.path, "a target");
        if (reader.required_string("target") != name) {
            fail(reader.required("target"), "\"" + std::string(name) + "\", as the file is called");
        }
        sentence(reader, "source");
        body(reader);
        reader.finish();
    }

    // Reads each entry of a list of objects, of which no key may be left over.
    void each(ObjectReader& reader, std::string_view key, const std::string& what,
              const std::function<void(ObjectReader&, const Value&)>& body) const {
        for (const Value& value : reader.required_array(key)) {
            collect("", [&] {
                ObjectReader entry(value, file_.path, what);
                body(entry, value);
                entry.finish();
            });
        }
    }

    void check(const Value& at, const std::string& text, std::set<std::string> KnownNames::*names,
               const char* expected) const {
        if (known_ == nullptr || (known_->*names).contains(text)) return;
        throw InputError(file_.path, at.line(), expected, "\"" + text + "\"");
    }

    std::vector<std::string> known_list(ObjectReader& reader, std::string_view key,
                                        std::set<std::string> KnownNames::*names, const char* expected) const {
        std::vector<std::string> result;
        for (const Value& value : reader.required_array(key)) {
            result.push_back(string_of(value));
            check(value, result.back(), names, expected);
        }
        return result;
    }

    // Absent: all.
    std::vector<std::string> vendors(ObjectReader& reader) const {
        const Value* value = reader.optional("vendors");
        if (value == nullptr) return {};
        std::vector<std::string> result = known_list(reader, "vendors", &KnownNames::vendors, vendor);
        if (result.empty()) fail(*value, vendor);
        return result;
    }

    // A family, model or stepping.
    std::uint16_t number(const Value& value) const {
        return static_cast<std::uint16_t>(json::hex_of(value, file_.path, 3));
    }

    std::string sentence(ObjectReader& reader, std::string_view key) const {
        const std::string& text = reader.required_string(key);
        if (text.empty()) fail(reader.required(key), "a text");
        return text;
    }

    DataPlace place(ObjectReader& reader) const {
        DataPlace result;
        const Value* msr = reader.optional("msr");
        result.is_msr = msr != nullptr;
        std::tie(result.leaf_first, result.leaf_last) = hex_range(result.is_msr ? *msr : reader.required("leaf"));
        const Value* subleaf = result.is_msr ? nullptr : reader.optional("subleaf");
        if (subleaf != nullptr) std::tie(result.subleaf_first, result.subleaf_last) = hex_range(*subleaf);
        const Value* reg = result.is_msr ? nullptr : reader.optional("register");
        result.registers.assign(all_registers.begin(), all_registers.end());
        if (result.is_msr) result.registers = {Register::eax};
        if (reg != nullptr) result.registers = {register_of(*reg)};
        const unsigned width = result.is_msr ? 64 : 32;
        result.high = static_cast<std::uint8_t>(width - 1);
        if (const Value* bits = reader.optional("bits")) {
            const BitRange range = bit_range(*bits, width);
            result.low = range.low;
            result.high = range.high;
        }
        return result;
    }

    DataPlace member_place(ObjectReader& reader, std::string_view key) const {
        ObjectReader entry(reader.required_object(key), file_.path, "a place");
        DataPlace result = place(entry);
        entry.finish();
        return result;
    }

    DataPlace one_register(ObjectReader& reader, const Value& entry) const {
        DataPlace result = place(reader);
        const bool is_one = result.leaf_first == result.leaf_last && result.subleaf_first == result.subleaf_last &&
                            result.registers.size() == 1;
        if (!is_one) reader.fail(entry, "one register");
        return result;
    }

    DataPlace one_register_at(const Value& value) const {
        ObjectReader entry(value, file_.path, "a register");
        DataPlace result = one_register(entry, value);
        entry.finish();
        return result;
    }

    Releases releases(ObjectReader& reader) const {
        Releases result;
        if (const Value* since = reader.optional("since")) result.since = release(*since);
        if (const Value* until = reader.optional("until")) {
            result.until = release(*until);
            if (result.since && *result.until < *result.since) fail(*until, "a release that is not before since");
        }
        return result;
    }

    // "NAME" or "!NAME".
    Condition negatable(const Value& value) const {
        const std::string& text = string_of(value);
        const bool negated = text.starts_with("!");
        return {negated ? text.substr(1) : text, negated};
    }

    // Of a field; absent: none.
    Condition condition(ObjectReader& reader) const {
        const Value* value = reader.optional("if");
        if (value == nullptr) return {};
        Condition result = negatable(*value);
        check(*value, result.name, &KnownNames::fields, field);
        return result;
    }

    // more: reads what the target knows to say beside place, vendors, value and why.
    std::vector<FixedBits> fixed(ObjectReader& reader,
                                 const std::function<void(ObjectReader&, FixedBits&)>& more) const {
        std::vector<FixedBits> all;
        each(reader, "fixed", "bits that are fixed", [&](ObjectReader& entry, const Value&) {
            FixedBits bits;
            bits.place = place(entry);
            bits.vendors = vendors(entry);
            if (const Value* value = entry.optional("value")) bits.value = value_of(*value, bits.place);
            bits.why = sentence(entry, "why");
            more(entry, bits);
            all.push_back(std::move(bits));
        });
        return all;
    }

    // Of the bits of a place, shifted down.
    std::uint64_t value_of(const Value& value, const DataPlace& place) const {
        const std::uint64_t result = json::hex_of(value, file_.path, 16);
        if ((result & ~(place.mask() >> place.low)) != 0) fail(value, "a value of no more bits than the place has");
        return result;
    }

    const KnownNames* known_;
};

// targets/xen.json. Throws InputError for what is wrong outside of its entries, and within where findings is nullptr.
XenTarget parse_xen(const RulebookFile& file, const KnownNames* known, std::vector<LintFinding>* findings);

}  // namespace poolcpuid::rulebook
