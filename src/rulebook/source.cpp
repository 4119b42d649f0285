#include "rulebook/source.hpp"

#include <algorithm>
#include <string_view>
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
            const Value document = json::parse(file_.bytes, file_.path);
            if (file_.path == "rulebook.json") return parse_head(document);
            if (file_.path == "dependencies.json") return each(document, "dependencies", &FileParser::parse_dependency);
            if (file_.path == "equality.json") return each(document, "groups", &FileParser::parse_equality);
            if (file_.path == "xsave.json") return parse_xsave(document);
            if (file_.path == "models.json") return parse_models(document);
            if (file_.path == psabi_levels) return each(document, "levels", &FileParser::parse_level);
            if (file_.path.starts_with("levels/")) return parse_baselines(document);
            parse_fields(file_, document, out_, *findings_);
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

    void parse_models(const Value& document) {
        ObjectReader reader(document, file_.path, "a rulebook file");
        reader.optional_string("comment");
        for (const Value& entry : reader.required_array("models")) {
            collect("", [&] { parse_model(entry); });
        }
        if (const std::vector<Value>* families = reader.optional_array("families")) {
            for (const Value& entry : *families) collect("", [&] { parse_family(entry); });
        }
        reader.finish();
    }

    std::uint32_t number(const Value& value) const {
        const auto result = json::unsigned_of(value);
        if (!result || *result > 0xFFFFFFFFU) {
            fail(value, "a number of at most 32 bits");
        }
        return static_cast<std::uint32_t>(*result);
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
        if (const std::vector<Value>* hypervisors = reader.optional_array("hypervisors")) {
            for (const Value& entry : *hypervisors) parse_hypervisor(entry);
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
        if (const auto* vendors = reader.optional_array("vendors")) result.vendors = strings(*vendors);
        if (const auto* by_hand = reader.optional_array("by_hand")) {
            for (const Value& option : *by_hand) result.by_hand.push_back(parse_by_hand(option));
        }
        result.source = reader.required_string("source");
        reader.finish();
        out_.vulnerabilities.push_back(std::move(result));
    }

    SourceByHand parse_by_hand(const Value& entry) const {
        ObjectReader reader(entry, file_.path, "an option of a guest");
        SourceByHand result;
        result.option = reader.required_string("option");
        if (const auto* where = reader.optional_array("where")) result.where = conditions(*where);
        reader.finish();
        return result;
    }

    void parse_hypervisor(const Value& entry) {
        ObjectReader reader(entry, file_.path, "a hypervisor's interface");
        SourceHypervisor result;
        result.place = place_of(entry);
        result.id = reader.required_string("id");
        result.name = reader.required_string("name");
        if (const auto* signature = reader.optional_string("signature")) result.signature = *signature;
        if (const auto* interface = reader.optional_string("interface")) result.interface = *interface;
        result.source = reader.required_string("source");
        reader.finish();
        out_.hypervisors.push_back(std::move(result));
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
        if (const auto* vendors = reader.optional_array("vendors")) dependency.vendors = strings(*vendors);
        dependency.where_had = reader.optional_bool("where_had", false);
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
        group.of_model = reader.optional_bool("of_model", false);
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

    std::map<std::string, std::uint32_t> numbers_of(const Value& by_field) const {
        std::map<std::string, std::uint32_t> result;
        for (const auto& [field, value] : by_field.members()) {
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
        microcode.silicon = numbers_of(reader.required_object("silicon"));
        microcode.recalled = reader.optional_bool("recalled", false);
        microcode.spares_guests = reader.optional_bool("spares_guests", false);
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
        if (const Value* silicon = reader.optional_object("silicon")) model.silicon = numbers_of(*silicon);
        if (const std::vector<Value>* microcode = reader.optional_array("microcode")) {
            for (const Value& range : *microcode) model.microcode.push_back(parse_microcode(range));
        }
        model.immune = optional_strings(reader, "immune");
        model.inferred = optional_strings(reader, "inferred");
        model.reported = optional_strings(reader, "reported");
        model.unaware = optional_strings(reader, "unaware");
        model.beyond_software = optional_strings(reader, "beyond_software");
        model.source = reader.required_string("source");
        reader.finish();
        std::sort(model.inferred.begin(), model.inferred.end());
        out_.models.push_back(std::move(model));
    }

    void parse_family(const Value& entry) {
        ObjectReader reader(entry, file_.path, "a family");
        SourceFamily family;
        family.place = place_of(entry);
        family.vendor = reader.required_string("vendor");
        family.family = static_cast<std::uint16_t>(reader.required_hex("family", 3));
        family.inferred = optional_strings(reader, "inferred");
        family.unaware = optional_strings(reader, "unaware");
        family.source = reader.required_string("source");
        reader.finish();
        out_.families.push_back(std::move(family));
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

    void parse_baselines(const Value& document) {
        constexpr std::string_view folder = "levels/";
        constexpr std::string_view suffix = ".json";
        ObjectReader reader(document, file_.path, "a file of baselines");
        SourceBaseline shared;
        shared.project = file_.path.substr(folder.size(), file_.path.size() - folder.size() - suffix.size());
        reader.optional_string("comment");
        shared.of = reader.required_string("of");
        reader.required_string("source");
        if (const std::string* refused = reader.optional_string("refused")) shared.refused = *refused;
        for (const Value& entry : reader.required_array("baselines")) {
            collect("", [&] { parse_baseline(entry, shared); });
        }
        reader.finish();
    }

    void parse_baseline(const Value& entry, SourceBaseline baseline) {
        ObjectReader reader(entry, file_.path, "a baseline");
        baseline.place = place_of(entry);
        baseline.id = reader.required_string("id");
        baseline.vendors = strings(reader.required_array("vendors"));
        if (const std::string* like = reader.optional_string("like")) baseline.like = *like;
        baseline.features = optional_strings(reader, "features");
        baseline.without = optional_strings(reader, "without");
        if (const Value* bounds = reader.optional_object("numbers")) baseline.numbers = numbers_of(*bounds);
        reader.finish();
        out_.baselines.push_back(std::move(baseline));
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
