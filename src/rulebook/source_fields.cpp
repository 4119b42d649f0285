// The fields of a leaf or MSR file.
#include <algorithm>
#include <charconv>
#include <optional>
#include <string_view>
#include <tuple>
#include <utility>

#include "base/located_json.hpp"
#include "rulebook/entry_parser.hpp"
#include "rulebook/source.hpp"

namespace poolcpuid::rulebook {

namespace {

using json::ObjectReader;
using json::Value;

class FieldParser : EntryParser {
public:
    FieldParser(const RulebookFile& file, SourceRulebook& out, std::vector<LintFinding>& findings)
        : EntryParser(file, &findings), out_(out) {}

    void parse(const Value& document) {
        ObjectReader reader(document, file_.path, "a leaf or MSR file");
        const bool is_msr = file_.path.starts_with("msr/");
        const auto leaf = static_cast<std::uint32_t>(reader.required_hex(is_msr ? "msr" : "leaf", 8));
        reader.required_string("title");
        reader.optional_string("comment");
        const FileDefaults defaults = parse_defaults(reader, is_msr);
        for (const Value& entry : reader.required_array("fields")) {
            const Value* id = entry.is_object() ? entry.find("id") : nullptr;
            collect(id != nullptr && id->is_string() ? id->text() : "",
                    [&] { parse_field(entry, is_msr, leaf, defaults); });
        }
        reader.finish();
    }

private:
    static std::string text_or_empty(const std::string* text) { return text == nullptr ? std::string() : *text; }

    // A bit by its number, where that is a key or stands alone: "7".
    std::uint8_t bit_number(const std::string& key, const Value& value) const {
        unsigned result = 0;
        const auto [end, error] = std::from_chars(key.data(), key.data() + key.size(), result);
        if (error != std::errc{} || end != key.data() + key.size() || result > 63) {
            throw InputError(file_.path, value.line(), "the number of a bit, 0 to 63", "\"" + key + "\"");
        }
        return static_cast<std::uint8_t>(result);
    }

    // What a file says once for all of its fields that do not say it themselves.
    struct FileDefaults {
        std::optional<SubleafRange> subleaf;
        std::optional<Register> reg;
        std::optional<std::vector<std::string>> vendors;
        std::optional<std::string> exposure;
        std::string hypervisor;
    };

    FileDefaults parse_defaults(ObjectReader& reader, bool is_msr) const {
        FileDefaults defaults;
        if (!is_msr) {
            if (const Value* subleaf = reader.optional("subleaf")) defaults.subleaf = subleaf_range(*subleaf);
            if (const Value* reg = reader.optional("register")) defaults.reg = register_of(*reg);
            defaults.hypervisor = text_or_empty(reader.optional_string("hypervisor"));
        }
        if (const auto* vendors = reader.optional_array("vendors")) defaults.vendors = strings(*vendors);
        if (const std::string* exposure = reader.optional_string("exposure")) defaults.exposure = *exposure;
        return defaults;
    }

    SubleafRange subleaf_range(const Value& value) const {
        const auto [first, last] = hex_range(value);
        return {first, last};
    }

    // True when the entry says the key itself, which it must where the file does not.
    static bool says(ObjectReader& reader, std::string_view key, bool file_says) {
        return (file_says ? reader.optional(key) : &reader.required(key)) != nullptr;
    }

    void parse_field(const Value& entry, bool is_msr, std::uint32_t leaf, const FileDefaults& defaults) {
        ObjectReader reader(entry, file_.path, "a field");
        SourceField field;
        field.place = {file_.path, entry.line()};
        field.id = reader.required_string("id");
        field.is_msr = is_msr;
        field.leaf = leaf;
        if (!is_msr) {
            field.subleaf = says(reader, "subleaf", defaults.subleaf.has_value())
                                ? subleaf_range(reader.required("subleaf"))
                                : *defaults.subleaf;
            field.reg = says(reader, "register", defaults.reg.has_value()) ? register_of(reader.required("register"))
                                                                           : *defaults.reg;
        }
        field.bits = bit_range(reader.required("bits"), is_msr ? 64 : 32);
        if (const Value* names = reader.optional_object("names")) {
            for (const auto& [project, name] : names->members()) {
                field.names[project] = project == "qemu" ? parse_qemu_name(name, field.qemu_age) : string_of(name);
            }
        }
        field.vendors = says(reader, "vendors", defaults.vendors.has_value())
                            ? strings(reader.required_array("vendors"))
                            : *defaults.vendors;
        field.hypervisor = defaults.hypervisor;
        field.rule = reader.required_string("rule");
        field.exposure = says(reader, "exposure", defaults.exposure.has_value()) ? reader.required_string("exposure")
                                                                                 : *defaults.exposure;
        field.ask = text_or_empty(reader.optional_string("ask"));
        field.required = reader.optional_bool("required", false);
        field.emulated = reader.optional_bool("emulated", false);
        field.by_microcode = reader.optional_bool("by_microcode", false);
        field.brought_to = optional_strings(reader, "brought_to");
        field.of_identity = reader.optional_bool("of_identity", false);
        field.gate = text_or_empty(reader.optional_string("gate"));
        field.implied_by = text_or_empty(reader.optional_string("implied_by"));
        field.zero_means = text_or_empty(reader.optional_string("zero_means"));
        if (reader.optional("assured") != nullptr) {
            field.assured = static_cast<std::uint32_t>(reader.required_hex("assured", 8));
        }
        if (reader.optional("known_to") != nullptr) {
            field.known_to = static_cast<std::uint32_t>(reader.required_hex("known_to", 8));
        }
        field.wider = text_or_empty(reader.optional_string("wider"));
        field.length_from = text_or_empty(reader.optional_string("length_from"));
        if (const Value* allowed_by = reader.optional("allowed_by")) {
            field.allowed_by = bit_range(*allowed_by, is_msr ? 64 : 32);
        }
        if (const Value* covers = reader.optional_object("covers")) {
            for (const auto& [bit, covered] : covers->members())
                field.covers[bit_number(bit, covered)] = bit_number(string_of(covered), covered);
        }
        if (const Value* eased_by = reader.optional_object("eased_by")) {
            for (const auto& [other, impact] : eased_by->members())
                field.eased_by.push_back({other, string_of(impact)});
        }
        field.hides = optional_strings(reader, "hides");
        if (const auto* rates = reader.optional_array("rate")) {
            for (const Value& rate : *rates) field.rates.push_back(parse_rate(rate));
        }
        if (const Value* guard = reader.optional_object("guard")) parse_guard(*guard, field);
        if (const Value* made = reader.optional_object("made")) field.made = parse_made(*made);
        if (const Value* missed = reader.optional_object("missed")) field.missed = parse_missed(*missed);
        if (const Value* derive = reader.optional_object("derive")) field.derive = parse_derive(*derive);
        field.impact = reader.required_string("impact");
        field.mitigation = optional_strings(reader, "mitigation");
        field.why = reader.required_string("why");
        field.source = reader.required_string("source");
        reader.finish();
        out_.fields.push_back(std::move(field));
    }

    // QEMU refuses a property that it does not know, so a name of its own comes with its release.
    std::string parse_qemu_name(const Value& entry, NameAge& age) const {
        if (!entry.is_object()) {
            fail(entry, "QEMU's name with its release, {\"name\": \"…\", \"since\": \"9.0\"}");
        }
        ObjectReader reader(entry, file_.path, "a QEMU name");
        std::string name = reader.required_string("name");
        age.since = release(reader.required("since"));
        if (const Value* absent = reader.optional("absent")) {
            age.absent = release(*absent);
            if (*age.absent >= age.since) {
                fail(*absent, "a release before since");
            }
        }
        reader.finish();
        return name;
    }

    void parse_guard(const Value& value, SourceField& field) const {
        ObjectReader reader(value, file_.path, "a guard");
        field.guard_immune = conditions(reader.required_array("immune"));
        field.guard_model = strings(reader.required_array("model"));
        if (const auto* told_by = reader.optional_array("told_by")) field.guard_told_by = conditions(*told_by);
        if (const auto* heeds = reader.optional_array("heeds")) field.guard_heeds = conditions(*heeds);
        if (const auto* in_vain = reader.optional_array("in_vain")) field.guard_in_vain = conditions(*in_vain);
        reader.finish();
    }

    SourceRate parse_rate(const Value& value) const {
        ObjectReader reader(value, file_.path, "where a host tells a rate");
        SourceRate rate;
        rate.product = strings(reader.required_array("product"));
        rate.per = text_or_empty(reader.optional_string("per"));
        rate.unit = reader.required_string("unit");
        reader.finish();
        return rate;
    }

    SourceMade parse_made(const Value& value) const {
        ObjectReader reader(value, file_.path, "what hypervisors make");
        SourceMade made;
        made.by = reader.required_string("by");
        made.vendors = optional_strings(reader, "vendors");
        if (const auto* where = reader.optional_array("where")) made.where = conditions(*where);
        if (const auto* model = reader.optional_array("model")) made.model = strings(*model);
        if (const auto* unsure = reader.optional_array("unsure")) made.unsure = conditions(*unsure);
        made.source = reader.required_string("source");
        reader.finish();
        return made;
    }

    SourceMissed parse_missed(const Value& value) const {
        ObjectReader reader(value, file_.path, "what it means to miss a mitigation");
        SourceMissed missed;
        missed.unless = text_or_empty(reader.optional_string("unless"));
        missed.says = reader.required_string("says");
        reader.finish();
        return missed;
    }

    SourceDerive parse_derive(const Value& value) const {
        ObjectReader reader(value, file_.path, "a derivation");
        SourceDerive derive;
        derive.how = reader.required_string("how");
        if (derive.how == "copy_bits") {
            derive.from.leaf = static_cast<std::uint32_t>(reader.required_hex("leaf", 8));
            derive.from.subleaf = static_cast<std::uint32_t>(reader.required_hex("subleaf", 8));
            derive.reg = register_of(reader.required("register"));
        } else if (derive.how == "select") {
            derive.condition = reader.required_string("if");
            derive.then_value = static_cast<std::uint32_t>(reader.required_hex("then", 8));
            derive.else_value = static_cast<std::uint32_t>(reader.required_hex("else", 8));
        } else if (derive.how == "constant") {
            derive.then_value = static_cast<std::uint32_t>(reader.required_hex("value", 8));
        } else if (derive.how == "msr_offered") {
            derive.msr = static_cast<std::uint32_t>(reader.required_hex("index", 8));
        } else if (derive.how == "vmx_default1") {
            derive.msr = static_cast<std::uint32_t>(reader.required_hex("from", 8));
            derive.default1 = static_cast<std::uint32_t>(reader.required_hex("default1", 8));
        } else if (derive.how == "vmx_cr4_fixed1") {
            derive.bits = bit_sources(reader.required_object("bits"));
        } else if (derive.how == "vmx_vmcs_enum") {
            for (const Value& choice : reader.required_array("choices")) {
                derive.choices.push_back(parse_choice(choice));
            }
            derive.else_value = static_cast<std::uint32_t>(reader.required_hex("else", 8));
        }
        reader.finish();
        return derive;
    }

    // {"0": "vme", "8": "always", "23": ["cet_ss", "ibt"]}: a list is any of its fields.
    std::vector<SourceBit> bit_sources(const Value& object) const {
        std::vector<SourceBit> bits;
        for (const auto& [key, value] : object.members()) {
            const std::uint8_t bit = bit_number(key, value);
            const bool always = value.is_string() && value.text() == "always";
            std::vector<std::string> fields;
            if (value.is_array()) fields = strings(value.items());
            if (!value.is_array() && !always) fields.push_back(string_of(value));
            for (const std::string& field : fields) bits.push_back({bit, field});
            if (always) bits.push_back({bit, {}});
            if (std::count(fields.begin(), fields.end(), "") != 0 || (fields.empty() && !always)) {
                fail(value, "a field, a list of fields or \"always\"");
            }
        }
        std::sort(bits.begin(), bits.end(), [](const SourceBit& a, const SourceBit& b) {
            return std::tie(a.bit, a.field) < std::tie(b.bit, b.field);
        });
        return bits;
    }

    SourceChoice parse_choice(const Value& value) const {
        ObjectReader reader(value, file_.path, "a choice");
        SourceChoice choice;
        choice.condition = reader.required_string("if");
        choice.value = static_cast<std::uint32_t>(reader.required_hex("value", 8));
        reader.finish();
        return choice;
    }

    SourceRulebook& out_;
};

}  // namespace

void parse_fields(const RulebookFile& file, const Value& document, SourceRulebook& out,
                  std::vector<LintFinding>& findings) {
    FieldParser(file, out, findings).parse(document);
}

}  // namespace poolcpuid::rulebook
