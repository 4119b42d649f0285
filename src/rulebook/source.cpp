#include "rulebook/source.hpp"

#include <algorithm>
#include <charconv>
#include <functional>
#include <string_view>
#include <tuple>
#include <utility>

#include "base/located_json.hpp"
#include "rulebook/entry_parser.hpp"
#include "rulebook/files.hpp"

namespace poolcpuid::rulebook {

namespace {

using json::ObjectReader;
using json::Value;

// Reads the entries of one file and keeps what was wrong with each of them.
class FileParser : EntryParser {
public:
    FileParser(const RulebookFile& file, SourceRulebook& out, std::vector<LintFinding>& findings)
        : EntryParser(file, &findings), out_(out) {}

    void parse() {
        collect("", [&] {
            if (!is_read(file_.path)) throw InputError(file_.path, 0, "a file that policy/README.md names", "this one");
            const Value document = json::parse(file_.bytes, file_.path);
            if (file_.path == "rulebook.json") return parse_head(document);
            if (file_.path == "dependencies.json") return each(document, "dependencies", &FileParser::parse_dependency);
            if (file_.path == "equality.json") return each(document, "groups", &FileParser::parse_equality);
            if (file_.path == "xsave.json") return parse_xsave(document);
            if (file_.path == "models.json") return each(document, "models", &FileParser::parse_model);
            if (file_.path == "levels.json") return each(document, "levels", &FileParser::parse_level);
            parse_fields(document);
        });
    }

private:
    Place place_of(const Value& value) const { return {file_.path, value.line()}; }

    void each(const Value& document, std::string_view key, void (FileParser::*parse_one)(const Value&)) {
        ObjectReader reader(document, file_.path, "a rulebook file");
        reader.optional_string("comment");
        for (const Value& entry : reader.required_array(key)) {
            collect("", [&] { (this->*parse_one)(entry); });
        }
        reader.finish();
    }

    static std::string text_or_empty(const std::string* text) { return text == nullptr ? std::string() : *text; }

    std::uint32_t number(const Value& value) const {
        const auto result = json::unsigned_of(value);
        if (!result || *result > 0xFFFFFFFFU) {
            fail(value, "a number of at most 32 bits");
        }
        return static_cast<std::uint32_t>(*result);
    }

    // A bit by its number, where that is a key or stands alone: "7".
    std::uint8_t bit_number(const std::string& key, const Value& value) const {
        unsigned result = 0;
        const auto [end, error] = std::from_chars(key.data(), key.data() + key.size(), result);
        if (error != std::errc{} || end != key.data() + key.size() || result > 63) {
            throw InputError(file_.path, value.line(), "the number of a bit, 0 to 63", "\"" + key + "\"");
        }
        return static_cast<std::uint8_t>(result);
    }

    void parse_head(const Value& document) {
        ObjectReader reader(document, file_.path, "rulebook.json");
        out_.version = reader.required_string("version");
        for (const Value& entry : reader.required_array("vendors")) {
            ObjectReader vendor(entry, file_.path, "a vendor");
            SourceVendor result;
            result.place = place_of(entry);
            result.id = vendor.required_string("id");
            result.name = vendor.required_string("name");
            result.strings = strings(vendor.required_array("strings"));
            vendor.finish();
            out_.vendors.push_back(std::move(result));
        }
        if (const std::vector<Value>* vulnerabilities = reader.optional_array("vulnerabilities")) {
            for (const Value& entry : *vulnerabilities) parse_vulnerability(entry);
        }
        if (const std::vector<Value>* retpoline = reader.optional_array("retpoline")) {
            for (const Value& entry : *retpoline) parse_retpoline(entry);
        }
        for (const auto& [key, means] : reader.required_object("sources").members()) {
            out_.sources.emplace(key, string_of(means));
        }
        reader.optional_string("comment");
        reader.finish();
    }

    void parse_vulnerability(const Value& entry) {
        ObjectReader reader(entry, file_.path, "a vulnerability");
        SourceVulnerability result;
        result.place = place_of(entry);
        result.id = reader.required_string("id");
        result.name = reader.required_string("name");
        result.source = reader.required_string("source");
        reader.finish();
        out_.vulnerabilities.push_back(std::move(result));
    }

    void parse_retpoline(const Value& entry) {
        ObjectReader reader(entry, file_.path, "the retpoline bits");
        SourceRetpoline bits;
        bits.place = place_of(entry);
        bits.rsba = reader.required_string("rsba");
        bits.rrsba = reader.required_string("rrsba");
        bits.eibrs = reader.required_string("eibrs");
        bits.why = reader.required_string("why");
        bits.source = reader.required_string("source");
        reader.finish();
        out_.retpoline.push_back(std::move(bits));
    }

    void parse_fields(const Value& document) {
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

    // What a file says once for all of its fields that do not say it themselves.
    struct FileDefaults {
        std::optional<SubleafRange> subleaf;
        std::optional<Register> reg;
        std::optional<std::vector<std::string>> vendors;
        std::optional<std::string> exposure;
    };

    FileDefaults parse_defaults(ObjectReader& reader, bool is_msr) const {
        FileDefaults defaults;
        if (!is_msr) {
            if (const Value* subleaf = reader.optional("subleaf")) defaults.subleaf = subleaf_range(*subleaf);
            if (const Value* reg = reader.optional("register")) defaults.reg = register_of(*reg);
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
        field.place = place_of(entry);
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
        field.rule = reader.required_string("rule");
        field.exposure = says(reader, "exposure", defaults.exposure.has_value()) ? reader.required_string("exposure")
                                                                                 : *defaults.exposure;
        field.ask = text_or_empty(reader.optional_string("ask"));
        field.required = reader.optional_bool("required", false);
        field.emulated = reader.optional_bool("emulated", false);
        field.by_microcode = reader.optional_bool("by_microcode", false);
        field.of_identity = reader.optional_bool("of_identity", false);
        field.gate = text_or_empty(reader.optional_string("gate"));
        field.implied_by = text_or_empty(reader.optional_string("implied_by"));
        field.zero_means = text_or_empty(reader.optional_string("zero_means"));
        field.length_from = text_or_empty(reader.optional_string("length_from"));
        if (const Value* covers = reader.optional_object("covers")) {
            for (const auto& [bit, covered] : covers->members())
                field.covers[bit_number(bit, covered)] = bit_number(string_of(covered), covered);
        }
        if (const Value* eased_by = reader.optional_object("eased_by")) {
            for (const auto& [other, impact] : eased_by->members())
                field.eased_by.push_back({other, string_of(impact)});
        }
        if (const Value* guard = reader.optional_object("guard")) parse_guard(*guard, field);
        if (const Value* made = reader.optional_object("made")) field.made = parse_made(*made);
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
        reader.finish();
    }

    SourceMade parse_made(const Value& value) const {
        ObjectReader reader(value, file_.path, "what hypervisors make");
        SourceMade made;
        made.by = reader.required_string("by");
        if (const auto* where = reader.optional_array("where")) made.where = conditions(*where);
        if (const auto* model = reader.optional_array("model")) made.model = strings(*model);
        made.source = reader.required_string("source");
        reader.finish();
        return made;
    }

    std::vector<std::vector<std::string>> conditions(const std::vector<Value>& lists) const {
        std::vector<std::vector<std::string>> result;
        for (const Value& list : lists) {
            if (!list.is_array()) fail(list, "an array of fields");
            result.push_back(strings(list.items()));
        }
        return result;
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

    void parse_dependency(const Value& entry) {
        ObjectReader reader(entry, file_.path, "a dependency");
        SourceDependency dependency;
        dependency.place = place_of(entry);
        const std::string* single = reader.optional_string("prerequisite");
        dependency.prerequisites = optional_strings(reader, "any_of");
        if (single != nullptr) dependency.prerequisites.push_back(*single);
        if (dependency.prerequisites.empty() || (single != nullptr && dependency.prerequisites.size() > 1)) {
            reader.fail(entry, "either \"prerequisite\" or \"any_of\"");
        }
        dependency.dependents = strings(reader.required_array("dependents"));
        if (const Value* shown = reader.optional_object("shown_without")) {
            for (const auto& [dependent, reason] : shown->members())
                dependency.shown_without[dependent] = string_of(reason);
        }
        dependency.why = reader.required_string("why");
        dependency.source = reader.required_string("source");
        reader.finish();
        out_.dependencies.push_back(std::move(dependency));
    }

    void parse_equality(const Value& entry) {
        ObjectReader reader(entry, file_.path, "an equality group");
        SourceEquality group;
        group.place = place_of(entry);
        group.id = reader.required_string("id");
        group.fields = strings(reader.required_array("fields"));
        group.drop = strings(reader.required_array("drop"));
        group.why = reader.required_string("why");
        group.source = reader.required_string("source");
        reader.finish();
        out_.equality.push_back(std::move(group));
    }

    void parse_xsave(const Value& document) {
        ObjectReader reader(document, file_.path, "xsave.json");
        reader.optional_string("comment");
        out_.xsave_legacy_size = static_cast<std::uint32_t>(reader.required_hex("legacy_size", 8));
        for (const Value& entry : reader.required_array("components")) {
            collect("", [&] { parse_component(entry); });
        }
        for (const Value& list : reader.required_array("together")) {
            if (!list.is_array()) fail(list, "an array of components");
            out_.xsave_together.push_back(strings(list.items()));
        }
        reader.finish();
    }

    void parse_component(const Value& entry) {
        ObjectReader reader(entry, file_.path, "an XSAVE component");
        SourceComponent component;
        component.place = place_of(entry);
        component.id = reader.required_string("id");
        component.bit = bit_range(reader.required("bit"), 63).low;
        component.state = reader.required_string("state");
        component.features = strings(reader.required_array("features"));
        component.why = reader.required_string("why");
        component.source = reader.required_string("source");
        if (const std::vector<Value>* layouts = reader.optional_array("layouts")) {
            for (const Value& layout : *layouts) component.layouts.push_back(parse_layout(layout));
        }
        reader.finish();
        out_.xsave.push_back(std::move(component));
    }

    SourceLayout parse_layout(const Value& value) const {
        ObjectReader reader(value, file_.path, "a layout");
        SourceLayout layout;
        layout.vendors = strings(reader.required_array("vendors"));
        layout.size = static_cast<std::uint32_t>(reader.required_hex("size", 8));
        layout.offset = static_cast<std::uint32_t>(reader.required_hex("offset", 8));
        layout.align64 = reader.optional_bool("align64", false);
        layout.source = reader.required_string("source");
        reader.finish();
        return layout;
    }

    std::vector<NumberRange> number_ranges(const std::vector<Value>& values) const {
        std::vector<NumberRange> ranges;
        for (const Value& value : values) {
            const auto [first, last] = hex_range(value);
            if (last > 0xFFFF) fail(value, "numbers of 16 bits");
            ranges.push_back({static_cast<std::uint16_t>(first), static_cast<std::uint16_t>(last)});
        }
        return ranges;
    }

    std::map<std::string, std::uint32_t> facts(const Value& silicon) const {
        std::map<std::string, std::uint32_t> result;
        for (const auto& [field, value] : silicon.members()) {
            result[field] = static_cast<std::uint32_t>(json::hex_of(value, file_.path, 8));
        }
        return result;
    }

    SourceMicrocode parse_microcode(const Value& value) const {
        ObjectReader reader(value, file_.path, "facts of a microcode");
        const auto bound = [&](std::string_view key) -> std::optional<std::uint32_t> {
            const Value* revision = reader.optional(key);
            if (revision == nullptr) return std::nullopt;
            return static_cast<std::uint32_t>(json::hex_of(*revision, file_.path, 8));
        };
        SourceMicrocode microcode;
        microcode.place = place_of(value);
        microcode.from = bound("from");
        microcode.below = bound("below");
        microcode.silicon = facts(reader.required_object("silicon"));
        reader.finish();
        return microcode;
    }

    void parse_model(const Value& entry) {
        ObjectReader reader(entry, file_.path, "a model");
        SourceModel model;
        model.place = place_of(entry);
        model.vendor = reader.required_string("vendor");
        model.family = static_cast<std::uint16_t>(reader.required_hex("family", 3));
        model.models = number_ranges(reader.required_array("models"));
        if (const std::vector<Value>* steppings = reader.optional_array("steppings")) {
            model.steppings = number_ranges(*steppings);
        }
        model.name = reader.required_string("name");
        model.microarchitecture = reader.required_string("microarchitecture");
        model.generation = number(reader.required("generation"));
        if (const Value* silicon = reader.optional_object("silicon")) model.silicon = facts(*silicon);
        if (const std::vector<Value>* microcode = reader.optional_array("microcode")) {
            for (const Value& range : *microcode) model.microcode.push_back(parse_microcode(range));
        }
        model.immune = optional_strings(reader, "immune");
        model.inferred = optional_strings(reader, "inferred");
        model.source = reader.required_string("source");
        reader.finish();
        std::sort(model.inferred.begin(), model.inferred.end());
        out_.models.push_back(std::move(model));
    }

    void parse_level(const Value& entry) {
        ObjectReader reader(entry, file_.path, "a level");
        SourceLevel level;
        level.place = place_of(entry);
        level.id = reader.required_string("id");
        level.features = strings(reader.required_array("features"));
        reader.required_string("why");
        reader.required_string("source");
        reader.finish();
        out_.levels.push_back(std::move(level));
    }

    SourceRulebook& out_;
};

}  // namespace

SourceRulebook parse_source(const std::vector<RulebookFile>& files, std::vector<LintFinding>& findings) {
    SourceRulebook source;
    for (const RulebookFile& file : files) FileParser(file, source, findings).parse();
    return source;
}

}  // namespace poolcpuid::rulebook
