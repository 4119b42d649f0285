#include "rulebook/target_data.hpp"

#include <functional>
#include <map>
#include <set>
#include <tuple>

#include "rulebook/entry_parser.hpp"
#include "rulebook/source.hpp"

namespace poolcpuid::rulebook {

namespace {

using json::ObjectReader;
using json::Value;

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

class TargetParser : EntryParser {
public:
    // known: nullptr for a file whose names need no check. Both must outlive this.
    TargetParser(const RulebookFile& file, const KnownNames* known, std::vector<LintFinding>* findings)
        : EntryParser(file, findings), known_(known) {}

    // Reads the file with parse(parser, document); all that is wrong becomes findings.
    template <typename Parse>
    void lint(const Parse& parse) {
        collect("", [&] { parse(*this, json::parse(file_.bytes, file_.path)); });
    }

    FirecrackerData firecracker(const Value& document) {
        FirecrackerData data;
        ObjectReader reader = head(document, "firecracker");
        data.fixed = fixed(reader, [](ObjectReader&, FixedBits&) {});
        reader.finish();
        return data;
    }

    QemuData qemu(const Value& document) {
        QemuData data;
        ObjectReader reader = head(document, "qemu");
        data.oldest = release(reader.required("oldest"));
        each(reader, "numbers", "a number", [&](ObjectReader& entry, const Value& value) {
            NumberProperty number;
            number.name = property(entry, number.age);
            number.place = one_register(entry, value);
            number.condition = condition(entry, false);
            number.says_zero = entry.optional_bool("says_zero", false);
            data.numbers.push_back(std::move(number));
        });
        each(reader, "switches", "a switch", [&](ObjectReader& entry, const Value&) {
            LeafSwitch leaf_switch;
            leaf_switch.name = property(entry, leaf_switch.age);
            leaf_switch.leaf = static_cast<std::uint32_t>(entry.required_hex("leaf", 8));
            data.switches.push_back(std::move(leaf_switch));
        });
        data.brand = member_place(reader, "brand");
        data.of_host = member_place(reader, "of_host");
        data.always = known_list(reader, "always", &KnownNames::qemu, "a name that QEMU has for a field");
        data.always_kvm = known_list(reader, "always_kvm", &KnownNames::qemu, "a name that QEMU has for a field");
        data.defaults = strings(reader.required_array("defaults"));
        each(reader, "copies", "a copy", [&](ObjectReader& entry, const Value& value) {
            CopiedRegister copy;
            copy.place = one_register(entry, value);
            copy.from = one_register_at(entry.required_object("from"));
            copy.vendors = vendors(entry);
            copy.releases = releases(entry);
            data.copies.push_back(std::move(copy));
        });
        data.copied_bits_for = known_list(reader, "copied_bits_for", &KnownNames::vendors, vendor);
        data.compacted_size = one_register_at(reader.required_object("compacted_size"));
        data.tcg_xsave_layout = reader.required_string("tcg_xsave_layout");
        check(reader.required("tcg_xsave_layout"), data.tcg_xsave_layout, &KnownNames::vendors, vendor);
        data.tcg_xsave_unplaced = known_list(reader, "tcg_xsave_unplaced", &KnownNames::states, state);
        each(reader, "tcg_xsave_states", "states of releases", [&](ObjectReader& entry, const Value&) {
            TcgStates states;
            states.releases = releases(entry);
            if (entry.optional("states") != nullptr) {
                states.states = known_list(entry, "states", &KnownNames::states, state);
            }
            data.tcg_xsave_states.push_back(std::move(states));
        });
        data.fixed = fixed(reader, [&](ObjectReader& entry, FixedBits& bits) {
            bits.condition = condition(entry, false);
            bits.releases = releases(entry);
            bits.accelerator = accelerator(entry);
        });
        ObjectReader caches(reader.required_object("caches"), file_.path, "the caches");
        data.caches_until = release(caches.required("until"));
        data.caches = rows(caches, "rows");
        data.without_l3 = rows(caches, "rows_without_l3");
        caches.finish();
        reader.finish();
        return data;
    }

    LibvirtData libvirt(const Value& document) {
        LibvirtData data;
        ObjectReader reader = head(document, "libvirt");
        data.plainest = reader.required_string("plainest");
        data.features = strings(reader.required_array("features"));
        for (const auto& [text, name] : reader.required_object("vendors").members()) {
            check(name, text, &KnownNames::vendor_strings, "the name of a CPUID vendor string of rulebook.json");
            data.vendors.emplace_back(text, string_of(name));
        }
        data.always = strings(reader.required_array("always"));
        data.defaults = strings(reader.required_array("defaults"));
        data.keeps = reader.required_string("keeps");
        check(reader.required("keeps"), data.keeps, &KnownNames::numbers, "a number of qemu.json");
        each(reader, "gone", "models that are gone", [&](ObjectReader& entry, const Value&) {
            data.gone.push_back({strings(entry.required_array("models")), sentence(entry, "why")});
            if (const Value* since = entry.optional("since")) release(*since);
            sentence(entry, "source");
        });
        each(reader, "shown", "what models show", [&](ObjectReader& entry, const Value&) {
            data.shown.push_back({strings(entry.required_array("models")),
                                  {number(entry.required("family")), number(entry.required("model")), 0}});
        });
        each(reader, "unsaid", "what libvirt leaves out", [&](ObjectReader& entry, const Value&) {
            LibvirtData::Unsaid unsaid;
            unsaid.vendors = vendors(entry);
            unsaid.family = number(entry.required("family"));
            unsaid.model = number(entry.required("model"));
            if (const Value* below = entry.optional("below_stepping")) unsaid.below_stepping = number(*below);
            unsaid.features = strings(entry.required_array("features"));
            data.unsaid.push_back(std::move(unsaid));
        });
        reader.finish();
        return data;
    }

    XenTarget xen(const Value& document) {
        XenTarget data;
        ObjectReader reader = head(document, "xen");
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
        reader.finish();
        return data;
    }

private:
    static constexpr const char* field = "a field of the rulebook";
    static constexpr const char* vendor = "a vendor of rulebook.json";
    static constexpr const char* state = "a component of xsave.json";

    ObjectReader head(const Value& document, std::string_view name) const {
        ObjectReader reader(document, file_.path, "a target");
        if (reader.required_string("target") != name) {
            fail(reader.required("target"), "\"" + std::string(name) + "\", as the file is called");
        }
        sentence(reader, "source");
        return reader;
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

    std::string sentence(ObjectReader& reader, std::string_view key) const {
        const std::string& text = reader.required_string(key);
        if (text.empty()) fail(reader.required(key), "a text");
        return text;
    }

    std::uint16_t number(const Value& value) const {
        return static_cast<std::uint16_t>(json::hex_of(value, file_.path, 3));
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

    std::string condition(ObjectReader& reader, bool may_be_negated) const {
        const Value* value = reader.optional("if");
        if (value == nullptr) return {};
        const std::string& text = string_of(*value);
        check(*value, may_be_negated && text.starts_with("!") ? text.substr(1) : text, &KnownNames::fields, field);
        return text;
    }

    std::string accelerator(ObjectReader& reader) const {
        const Value* value = reader.optional("accel");
        if (value == nullptr) return {};
        if (string_of(*value) != "kvm" && string_of(*value) != "tcg") fail(*value, "kvm or tcg");
        return value->text();
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

    // Whole registers, each a member of a row by its name.
    std::vector<FixedBits> rows(ObjectReader& reader, std::string_view key) const {
        std::vector<FixedBits> all;
        each(reader, key, "a row of caches", [&](ObjectReader& entry, const Value&) {
            FixedBits bits;
            bits.place = place(entry);
            bits.vendors = vendors(entry);
            bits.releases = releases(entry);
            if (entry.optional("if_leaf") != nullptr) {
                bits.if_leaf = static_cast<std::uint32_t>(entry.required_hex("if_leaf", 8));
            }
            bits.why = "QEMU describes the caches of the base model.";
            for (const Register reg : all_registers) {
                const Value* value = entry.optional(to_string(reg));
                if (value == nullptr) continue;
                bits.place.registers = {reg};
                bits.value = value_of(*value, bits.place);
                all.push_back(bits);
            }
        });
        return all;
    }

    // QEMU refuses a property that it does not know: its release stands here, or at the field whose name it is.
    std::string property(ObjectReader& reader, std::optional<NameAge>& age) const {
        const std::string& name = reader.required_string("property");
        const Value* since = reader.optional("since");
        if (since != nullptr) age = NameAge{release(*since), std::nullopt};
        if (known_ != nullptr && known_->qemu.contains(name) == (since != nullptr)) {
            fail(reader.required("property"), since != nullptr ? "no since: the field of that name says its release"
                                                               : "since, or a name that QEMU has for a field");
        }
        return name;
    }

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
            bits.condition = condition(entry, true);
            bits.why = why;
            data.fixed.push_back(std::move(bits));
        });
        empty.finish();
        for (FixedBits& bits :
             fixed(reader, [&](ObjectReader&entry, FixedBits&more) { more.condition = condition(entry, true); })) {
            data.fixed.push_back(std::move(bits));
        }
        each(reader, "highest", "the last leaf of a range", [&](ObjectReader& entry, const Value& value) {
            FixedBits bits;
            bits.place = one_register(entry, value);
            bits.vendors = vendors(entry);
            bits.value = value_of(entry.required("value"), bits.place);
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

    const KnownNames* known_;
    std::set<std::string> in_words_;
};

// The file of a target that the rulebook was linted with.
template <typename Data>
Data parsed(const Rulebook& rulebook, const std::string& name, Data (TargetParser::*parse)(const Value&)) {
    const auto at = std::find_if(rulebook.targets.begin(), rulebook.targets.end(),
                                 [&](const TargetFile& target) { return target.name == name; });
    const RulebookFile file{"targets/" + name + ".json",
                            at == rulebook.targets.end() ? std::string() : std::string(at->document)};
    if (at == rulebook.targets.end()) throw InputError(file.path, 0, "a file of the rulebook", "none");
    TargetParser parser(file, nullptr, nullptr);
    return (parser.*parse)(json::parse(file.bytes, file.path));
}

}  // namespace

FirecrackerData firecracker_data(const Rulebook& rulebook) {
    return parsed(rulebook, "firecracker", &TargetParser::firecracker);
}
QemuData qemu_data(const Rulebook& rulebook) { return parsed(rulebook, "qemu", &TargetParser::qemu); }
LibvirtData libvirt_data(const Rulebook& rulebook) { return parsed(rulebook, "libvirt", &TargetParser::libvirt); }
XenTarget xen_data(const Rulebook& rulebook) { return parsed(rulebook, "xen", &TargetParser::xen); }

void lint_targets(const std::vector<RulebookFile>& files, const SourceRulebook* source,
                  std::vector<LintFinding>& findings) {
    std::optional<KnownNames> known;
    if (source != nullptr) known.emplace(*source);
    const auto check = [&](std::string_view name, const auto& parse) {
        const std::string path = "targets/" + std::string(name) + ".json";
        const auto at = std::find_if(files.begin(), files.end(), [&](const auto& file) { return file.path == path; });
        if (at != files.end()) TargetParser(*at, known ? &*known : nullptr, &findings).lint(parse);
    };
    const std::size_t before = findings.size();
    check("qemu", [&](TargetParser& parser, const Value& document) {
        const QemuData data = parser.qemu(document);
        for (const NumberProperty& number : data.numbers) {
            if (known) known->numbers.insert(number.name);
        }
    });
    // A number that could not be read may be the one that is meant.
    if (known && findings.size() != before) known->numbers = known->qemu;
    check("firecracker", [](TargetParser& parser, const Value& document) { parser.firecracker(document); });
    check("libvirt", [](TargetParser& parser, const Value& document) { parser.libvirt(document); });
    check("xen", [](TargetParser& parser, const Value& document) { parser.xen(document); });
}

}  // namespace poolcpuid::rulebook
