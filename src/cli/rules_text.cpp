// rules: the fields of a rulebook as tables, details and JSON.
#include <algorithm>
#include <iterator>
#include <map>
#include <nlohmann/json.hpp>
#include <utility>

#include "base/hex.hpp"
#include "base/json_text.hpp"
#include "cli/texts.hpp"
#include "policy/document_text.hpp"
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

std::vector<std::string> ids(const Rulebook& rulebook, std::span<const FieldIndex> fields) {
    std::vector<std::string> result;
    for (const FieldIndex index : fields) result.emplace_back(rulebook[index].id);
    return result;
}

bool holds(std::span<const FieldIndex> fields, FieldIndex index) {
    return std::find(fields.begin(), fields.end(), index) != fields.end();
}

// The field by which guests are shown this one or not: itself, or a gate on the way up, without which it says nothing.
const Field& decider_of_exposure(const Rulebook& rulebook, const Field& field) {
    const Field* decider = &field;
    const Field* at = &field;
    while (at->exposure != Exposure::never && at->gate != no_field) {
        at = &rulebook[at->gate];
        if (at->exposure == Exposure::never || decider->exposure == Exposure::shown) decider = at;
    }
    return *decider;
}

std::string exposure_text(const Rulebook& rulebook, const Field& field) {
    const Field& decider = decider_of_exposure(rulebook, field);
    const std::string by_gate = " (it says nothing without " + std::string(decider.id) + ")";
    const std::string why = &decider == &field ? "" : by_gate;
    switch (decider.exposure) {
        case Exposure::shown: return "shown by default";
        case Exposure::never: return "never shown" + why;
        case Exposure::asked: break;
    }
    return "only with --show " + std::string(decider.ask.empty() ? decider.id : decider.ask) + why;
}

// The releases that know QEMU's name: "11.0 and later, not 9.2".
std::string release_text(const NameAge& age) {
    return to_string(age.since) + " and later" + (age.absent ? ", not " + to_string(*age.absent) : "");
}

class Details {
public:
    Details(const Rulebook& rulebook, Page& page) : rulebook_(rulebook), page_(page) {}

    void put(FieldIndex index) {
        const Field& field = rulebook_[index];
        page_.paragraph(0, std::string(field.id) + "  ", document::place_text(field.place()));
        for (const auto& [project, name] : rulebook::names_of(field)) {
            const std::string release = project == "qemu" ? ", " + release_text(field.names.qemu_age) : "";
            row(project == "vendor" ? "SDM/APM" : std::string(project), std::string(name) + release);
        }
        row("vendors", joined(vendor_ids(rulebook_, field.vendors)));
        row("rule", std::string(to_string(field.rule)));
        row("guest", exposure_text(rulebook_, field) + (field.required ? "; a 64-bit guest cannot do without it" : ""));
        row("if broken", cost_text(field));
        const auto attacks = rulebook::mitigated_names(rulebook_, field, field.vendors);
        if (!attacks.empty()) row("against", joined(attacks));
        row("why", std::string(field.why));
        relations(index, field);
        row("source", std::string(field.source));
    }

private:
    void row(const std::string& label, const std::string& words) { page_.row(2, label, 14, words); }

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
        if (!field.hides.empty()) row("hides", joined(ids(rulebook_, field.hides)) + " in a dump that has it set");
        for (const Dependency& dependency : rulebook_.dependencies) {
            if (holds(dependency.dependents, index)) {
                row("needs", joined(ids(rulebook_, dependency.prerequisites)) +
                                 (dependency.where_had ? " where a host has it (" : " (") +
                                 std::string(dependency.why) + ")");
            }
            if (holds(dependency.prerequisites, index)) {
                row("needed by",
                    joined(ids(rulebook_, dependency.dependents)) + " (" + std::string(dependency.why) + ")");
            }
        }
        for (const EqualityGroup& group : rulebook_.equality) {
            if (holds(group.fields, index)) {
                row(group.of_model ? "must agree, on one model" : "must agree",
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
    Page& page_;
};

Json field_json(const Rulebook& rulebook, FieldIndex index) {
    const Field& field = rulebook[index];
    Json json;
    json["field"] = field.id;
    if (field.is_msr) {
        json["msr"] = to_hex(field.leaf);
    } else {
        json["leaf"] = to_hex(field.leaf);
        json["subleaf"] = document::subleaves(field.place());
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
    const auto mitigates = rulebook.ids_mitigated_by(field, field.vendors);
    if (!mitigates.empty()) json["mitigates"] = mitigates;
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

void rules_table(const Rulebook& rulebook, const std::vector<FieldIndex>& fields, Page& page) {
    const auto row = [&](std::string_view where, std::string_view field, std::string_view rule, std::string_view guest,
                         const std::string& vendors) {
        page.cells({{std::string(where), 26},
                    {std::string(field), 28},
                    {std::string(rule), 11},
                    {std::string(guest), 9},
                    {vendors}});
    };
    row("where", "field", "rule", "guest", "vendors");
    for (const FieldIndex index : fields) {
        const Field& field = rulebook[index];
        row(document::place_text(field.place()), field.id, to_string(field.rule),
            to_string(decider_of_exposure(rulebook, field).exposure), joined(vendor_ids(rulebook, field.vendors)));
    }
}

namespace {

struct Count {
    std::size_t cpuid = 0;
    std::size_t msr = 0;
};

// Of each rule that a field has, and of all.
struct Counts {
    std::map<std::string_view, Count> by_rule;
    Count all;
};

Counts counts_of(const Rulebook& rulebook, const std::vector<FieldIndex>& fields) {
    Counts counts;
    for (const FieldIndex index : fields) {
        for (Count* count : {&counts.by_rule[to_string(rulebook[index].rule)], &counts.all}) {
            ++(rulebook[index].is_msr ? count->msr : count->cpuid);
        }
    }
    return counts;
}

constexpr const char* psabi = "x86-64 psABI";

// Each level of the psABI with all that it asks for: what it lists, and the levels below.
std::vector<std::pair<const Level*, std::vector<FieldIndex>>> levels_of(const Rulebook& rulebook) {
    std::vector<std::pair<const Level*, std::vector<FieldIndex>>> levels;
    std::set<FieldIndex> features;
    for (const Level& level : rulebook.levels) {
        features.insert(level.features.begin(), level.features.end());
        levels.emplace_back(&level, std::vector(features.begin(), features.end()));
    }
    return levels;
}

VendorMask every_vendor(const Rulebook& rulebook) {
    return static_cast<VendorMask>((1U << rulebook.vendors.size()) - 1U);
}

Json rulebook_json(const Rulebook& rulebook) { return {{"version", rulebook.version}, {"sha256", rulebook.sha256}}; }

}  // namespace

void rules_count(const Rulebook& rulebook, const std::vector<FieldIndex>& fields, Page& page) {
    const Counts counts = counts_of(rulebook, fields);
    const auto row = [&](std::string_view rule, const std::string& cpuid, const std::string& msr) {
        page.cells({{std::string(rule), 12}, {cpuid, 8}, {msr}});
    };
    row("rule", "CPUID", "MSR");
    for (const auto& [rule, count] : counts.by_rule) row(rule, std::to_string(count.cpuid), std::to_string(count.msr));
    row("all", std::to_string(counts.all.cpuid), std::to_string(counts.all.msr));
}

std::string rules_count_json(const Rulebook& rulebook, const std::vector<FieldIndex>& fields) {
    const Counts counts = counts_of(rulebook, fields);
    Json rules = Json::array();
    for (const auto& [rule, count] : counts.by_rule) {
        rules.push_back({{"rule", rule}, {"cpuid", count.cpuid}, {"msr", count.msr}});
    }
    return json::text_of({{"schema", "poolcpuid/rules-count/v1"},
                          {"rulebook", rulebook_json(rulebook)},
                          {"rules", rules},
                          {"all", {{"cpuid", counts.all.cpuid}, {"msr", counts.all.msr}}}});
}

void rules_levels(const Rulebook& rulebook, Page& page) {
    const auto row = [&](std::string_view name, const std::string& vendors, const std::string& features,
                         std::string_view of) {
        page.cells({{std::string(name), 36}, {vendors, 9}, {features, 10}, {std::string(of)}});
    };
    row("ceiling", "vendors", "features", "of");
    for (const auto& [level, features] : levels_of(rulebook)) {
        row(level->id, "all", std::to_string(features.size()), psabi);
    }
    for (const Baseline& baseline : rulebook.baselines) {
        row(baseline.id, joined(vendor_ids(rulebook, baseline.vendors)),
            baseline.refusal.empty() ? std::to_string(baseline.features.size()) : "unknown", baseline.of);
    }
}

std::string rules_levels_json(const Rulebook& rulebook) {
    Json list = Json::array();
    for (const auto& [level, features] : levels_of(rulebook)) {
        list.push_back({{"name", level->id},
                        {"of", psabi},
                        {"vendors", vendor_ids(rulebook, every_vendor(rulebook))},
                        {"features", ids(rulebook, features)}});
    }
    for (const Baseline& baseline : rulebook.baselines) {
        Json entry{{"name", baseline.id}, {"of", baseline.of}, {"vendors", vendor_ids(rulebook, baseline.vendors)}};
        if (baseline.refusal.empty()) {
            entry["features"] = ids(rulebook, baseline.features);
            for (const NumberBound& bound : baseline.numbers) {
                entry["numbers"][std::string(rulebook[bound.field].id)] = to_hex(bound.most);
            }
        } else {
            entry["refused"] = baseline.refusal;
        }
        list.push_back(std::move(entry));
    }
    return json::text_of(
        {{"schema", "poolcpuid/rules-levels/v1"}, {"rulebook", rulebook_json(rulebook)}, {"levels", list}});
}

void rules_details(const Rulebook& rulebook, const std::vector<FieldIndex>& fields, Page& page) {
    for (const FieldIndex index : fields) {
        if (!page.empty()) page.blank();
        Details(rulebook, page).put(index);
    }
}

std::string rules_json(const Rulebook& rulebook, const std::vector<FieldIndex>& fields) {
    Json list = Json::array();
    for (const FieldIndex index : fields) list.push_back(field_json(rulebook, index));
    const Json json{{"schema", "poolcpuid/rules/v1"}, {"rulebook", rulebook_json(rulebook)}, {"fields", list}};
    return json::text_of(json);
}

}  // namespace poolcpuid::cli
