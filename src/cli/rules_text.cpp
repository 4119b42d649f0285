#include "cli/rules_text.hpp"

#include <algorithm>
#include <iterator>
#include <nlohmann/json.hpp>
#include <utility>

#include "base/hex.hpp"
#include "base/json_text.hpp"
#include "base/lists.hpp"
#include "cli/page.hpp"
#include "rulebook/names.hpp"

namespace poolcpuid::cli {

namespace {

using Json = nlohmann::ordered_json;

std::vector<std::string> vendor_ids(const Rulebook& rulebook, VendorMask mask) {
    std::vector<std::string> ids;
    for (std::size_t i = 0; i < rulebook.vendors.size(); ++i) {
        if (((mask >> i) & 1U) != 0) ids.emplace_back(rulebook.vendors[i].id);
    }
    if (ids.size() == rulebook.vendors.size()) return {"all"};
    return ids;
}

std::string subleaf_text(const Field& field) {
    const std::string first = to_hex(field.subleaf_first);
    return field.subleaf_first == field.subleaf_last ? first : first + "-" + to_hex(field.subleaf_last);
}

// "0x7.0 ebx[16]", or "MSR 0x10a[19]".
std::string place_text(const Field& field) {
    const std::string bits = "[" + bits_text(field) + "]";
    if (field.is_msr) return "MSR " + to_hex(field.leaf) + bits;
    return to_hex(field.leaf) + "." + subleaf_text(field).substr(2) + " " + to_string(field.reg) + bits;
}

std::vector<std::string> ids(const Rulebook& rulebook, std::span<const FieldIndex> fields) {
    std::vector<std::string> result;
    for (const FieldIndex index : fields) result.emplace_back(rulebook[index].id);
    return result;
}

bool holds(std::span<const FieldIndex> fields, FieldIndex index) {
    return std::find(fields.begin(), fields.end(), index) != fields.end();
}

std::string exposure_text(const Field& field) {
    switch (field.exposure) {
        case Exposure::shown: return "shown by default";
        case Exposure::never: return "never shown";
        case Exposure::asked: break;
    }
    return "only with --show " + std::string(field.ask.empty() ? field.id : field.ask);
}

// The releases that know QEMU's name: "11.0 and later, not 9.2".
std::string release_text(const NameAge& age) {
    return to_string(age.since) + " and later" + (age.absent ? ", not " + to_string(*age.absent) : "");
}

class Details {
public:
    Details(const Rulebook& rulebook, std::size_t width) : rulebook_(rulebook), width_(width) {}

    std::string of(FieldIndex index) {
        const Field& field = rulebook_[index];
        text_.clear();
        text_ += std::string(field.id) + "  " + place_text(field) + "\n";
        for (const auto& [project, name] : rulebook::names_of(field)) {
            const std::string release = project == "qemu" ? ", " + release_text(field.names.qemu_age) : "";
            row(project == "vendor" ? "SDM/APM" : std::string(project), std::string(name) + release);
        }
        row("vendors", joined(vendor_ids(rulebook_, field.vendors)));
        row("rule", std::string(to_string(field.rule)));
        row("guest", exposure_text(field) + (field.required ? "; a 64-bit guest cannot do without it" : ""));
        row("if broken", cost_text(field));
        if (!field.mitigation.empty()) row("against", joined(rulebook::mitigated_names(rulebook_, field)));
        row("why", std::string(field.why));
        relations(index, field);
        row("source", std::string(field.source));
        return std::move(text_);
    }

private:
    void row(const std::string& label, const std::string& text) {
        constexpr std::size_t column = 14;
        text_ += "  " + padded(label, column - 2) + wrapped(text, width_, column, column) + "\n";
    }

    std::string cost_text(const Field& field) const {
        std::string text(to_string(field.impact));
        for (const Easing& easing : field.eased_by) {
            text += "; " + std::string(to_string(easing.impact)) + " on a host with " +
                    std::string(rulebook_[easing.field].id);
        }
        return text;
    }

    void relations(FieldIndex index, const Field& field) {
        if (field.gate != no_field) row("only with", std::string(rulebook_[field.gate].id));
        for (const Dependency& dependency : rulebook_.dependencies) {
            if (holds(dependency.dependents, index)) {
                row("needs",
                    joined(ids(rulebook_, dependency.prerequisites)) + " (" + std::string(dependency.why) + ")");
            }
            if (holds(dependency.prerequisites, index)) {
                row("needed by",
                    joined(ids(rulebook_, dependency.dependents)) + " (" + std::string(dependency.why) + ")");
            }
        }
        for (const EqualityGroup& group : rulebook_.equality) {
            if (holds(group.fields, index)) {
                row("must agree",
                    "else these go: " + joined(ids(rulebook_, group.drop)) + " (" + std::string(group.why) + ")");
            }
        }
        for (const XsaveComponent& component : rulebook_.xsave) {
            if (holds(component.features, index)) row("XSAVE state", std::string(component.id));
        }
        for (const Level& level : rulebook_.levels) {
            if (holds(level.features, index)) row("level", std::string(level.id));
        }
    }

    const Rulebook& rulebook_;
    std::size_t width_;
    std::string text_;
};

Json field_json(const Rulebook& rulebook, FieldIndex index) {
    const Field& field = rulebook[index];
    Json json;
    json["field"] = field.id;
    if (field.is_msr) {
        json["msr"] = to_hex(field.leaf);
    } else {
        json["leaf"] = to_hex(field.leaf);
        json["subleaf"] = subleaf_text(field);
        json["register"] = to_string(field.reg);
    }
    json["bits"] = bits_text(field);
    json["names"] = Json::object();
    for (const auto& [project, name] : rulebook::names_of(field)) json["names"][std::string(project)] = name;
    json["vendors"] = vendor_ids(rulebook, field.vendors);
    json["rule"] = to_string(field.rule);
    json["exposure"] = to_string(field.exposure);
    if (!field.ask.empty()) json["ask"] = field.ask;
    json["required"] = field.required;
    json["impact"] = to_string(field.impact);
    if (!field.mitigation.empty()) json["mitigates"] = rulebook.mitigated_by(field);
    if (field.gate != no_field) json["gate"] = rulebook[field.gate].id;
    std::vector<std::string> needs;
    std::vector<std::string> needed_by;
    for (const Dependency& dependency : rulebook.dependencies) {
        if (holds(dependency.dependents, index))
            std::ranges::copy(ids(rulebook, dependency.prerequisites), std::back_inserter(needs));
        if (holds(dependency.prerequisites, index))
            std::ranges::copy(ids(rulebook, dependency.dependents), std::back_inserter(needed_by));
    }
    json["needs"] = needs;
    json["needed_by"] = needed_by;
    json["why"] = field.why;
    json["source"] = field.source;
    return json;
}

}  // namespace

std::string rules_table(const Rulebook& rulebook, const std::vector<FieldIndex>& fields) {
    std::string text =
        padded("where", 26) + padded("field", 28) + padded("rule", 11) + padded("guest", 9) + "vendors\n";
    for (const FieldIndex index : fields) {
        const Field& field = rulebook[index];
        text += padded(place_text(field), 25) + " " + padded(field.id, 27) + " " + padded(to_string(field.rule), 11) +
                padded(to_string(field.exposure), 9) + joined(vendor_ids(rulebook, field.vendors)) + "\n";
    }
    return text;
}

std::string rules_details(const Rulebook& rulebook, const std::vector<FieldIndex>& fields, std::size_t width) {
    std::string text;
    Details details(rulebook, width);
    for (const FieldIndex index : fields) text += (text.empty() ? "" : "\n") + details.of(index);
    return text;
}

std::string rules_json(const Rulebook& rulebook, const std::vector<FieldIndex>& fields) {
    Json list = Json::array();
    for (const FieldIndex index : fields) list.push_back(field_json(rulebook, index));
    const Json json{{"schema", "poolcpuid/rules/v1"},
                    {"rulebook", {{"version", rulebook.version}, {"sha256", rulebook.sha256}}},
                    {"fields", list}};
    return json::text_of(json);
}

}  // namespace poolcpuid::cli
