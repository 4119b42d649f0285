// policy/*.json as the oracle reads them: straight from the files, so that a mistake of the rulebook
// compiler or of the merge's tables is not a mistake of the oracle too.
#pragma once

#include <algorithm>
#include <cstdint>
#include <filesystem>
#include <fstream>
#include <limits>
#include <map>
#include <optional>
#include <stdexcept>
#include <string>
#include <tuple>
#include <utility>
#include <vector>

#include <nlohmann/json.hpp>

#include "poolcpuid/host_dump.hpp"

namespace poolcpuid::test {

inline std::uint32_t hex_number(const std::string& text) {
    return static_cast<std::uint32_t>(std::stoul(text, nullptr, 16));
}

// "0x2-0x3f" or "0x7".
struct Span {
    std::uint32_t first = 0;
    std::uint32_t last = 0;

    bool has(std::uint32_t number) const noexcept { return first <= number && number <= last; }
};

inline Span span_of(const std::string& text) {
    const auto dash = text.find('-');
    if (dash == std::string::npos) return {hex_number(text), hex_number(text)};
    return {hex_number(text.substr(0, dash)), hex_number(text.substr(dash + 1))};
}

// Whether every term of one of the lists holds.
template <typename Holds>
bool any_list_holds(const nlohmann::json& lists, const Holds& holds) {
    return std::any_of(lists.begin(), lists.end(), [&](const nlohmann::json& list) {
        const auto terms = list.get<std::vector<std::string>>();
        return std::all_of(terms.begin(), terms.end(), holds);
    });
}

struct RuleField {
    std::string id;
    bool is_msr = false;
    std::uint32_t leaf = 0;  // or the MSR's index
    Span subleaves;          // CPUID only, as reg is; of an MSR's field, 0 to 0
    Register reg = Register::eax;
    unsigned low = 0;
    std::uint64_t mask = 0;
    std::string rule;
    std::string exposure;
    std::string ask;
    std::string gate;
    std::string implied_by;
    std::string length_from;
    unsigned allowed_by = 0;              // the lowest of the bits that allow these; 0: none
    std::string zero_means;               // a hexadecimal number or a field id
    std::map<unsigned, unsigned> covers;  // bits of the register: which keeps the promise of which
    std::string hypervisor;               // whose interface it is of; with what signs that one's leaves
    std::string signature;                // in EBX, ECX and EDX of the first
    std::string interface;                // in EAX of the second
    std::uint64_t assured = 0;            // what is known of a number without a hypervisor's view; 0: all
    std::uint64_t known_to = 0;           // the largest number that is described; 0: any
    bool emulated = false;
    bool required = false;
    bool of_identity = false;  // a microcode revision
    std::vector<std::string> vendors;
    bool is_made = false;                    // by hypervisors
    std::vector<std::string> made_of_model;  // where the model is immune to these
    nlohmann::json guard;
    nlohmann::json derive;
};

inline std::uint64_t ones_of(const RuleField& field) { return field.mask >> field.low; }

// A value with the bits whose promises its bits keep: until nothing is added, whatever the order.
inline std::uint64_t with_covered(const RuleField& field, std::uint64_t value) {
    for (std::uint64_t before = ~value; before != value;) {
        before = value;
        for (const auto& [bit, covered] : field.covers) {
            if (((value >> (bit - field.low)) & 1U) != 0) value |= std::uint64_t{1} << (covered - field.low);
        }
    }
    return value;
}

struct ComponentLayout {
    std::uint32_t size = 0;
    std::uint32_t offset = 0;
    bool align64 = false;

    friend bool operator==(const ComponentLayout&, const ComponentLayout&) = default;
};

struct ComponentRule {
    std::string id;
    unsigned bit = 0;
    std::string state;
    std::vector<std::string> features;
    std::optional<ComponentLayout> documented;  // of the vendor in question
    std::vector<unsigned> together;             // bits, its own included
};

struct DependencyRule {
    std::vector<std::string> prerequisites;
    std::vector<std::string> dependents;
    std::vector<std::string> shown_without;  // dependents that real hosts show without a prerequisite
    bool where_had = false;                  // only of hosts that have a prerequisite
};

struct EqualityRule {
    std::string id;
    std::vector<std::string> fields;
    std::vector<std::string> drop;
    bool of_model = false;
};

// The retpoline bits of rulebook.json; empty for a vendor that has none of them.
struct RetpolineRule {
    std::string rsba;
    std::string rrsba;
    std::string eibrs;
};

// What the silicon does with microcode from first to last.
struct MicrocodeFacts {
    Span revisions;
    std::map<std::string, std::uint32_t> silicon;
    bool recalled = false;
    bool spares_guests = false;
};

struct ModelRow {
    Span family;
    std::vector<Span> models;
    std::vector<Span> steppings;
    std::uint32_t generation = 0;
    std::map<std::string, std::uint32_t> silicon;
    std::vector<MicrocodeFacts> microcode;
    std::vector<std::string> immune;
    std::vector<std::string> inferred;
    std::vector<std::string> reported;
};

// Of several CPUs the one from which guests infer the least, then the oldest, lends its family and model; one of which
// nothing is known comes last.
inline auto lender_rank(const ModelRow* model) {
    constexpr std::size_t last = std::numeric_limits<std::size_t>::max();
    return model == nullptr ? std::tuple(last, last, 0U)
                            : std::tuple(model->inferred.size(), model->reported.size(), model->generation);
}

inline bool is_listed(const std::vector<std::string>& list, const std::string& item) {
    return std::find(list.begin(), list.end(), item) != list.end();
}

// The rulebook of one vendor ("intel", "amd" …).
struct VendorRules {
    std::string vendor;
    std::vector<RuleField> fields;  // of this vendor: CPUID and MSRs
    std::map<std::string, std::size_t> index;
    std::map<std::string, RuleField> foreign;          // of other vendors: a guard may ask for the absence of one
    std::map<std::uint32_t, std::string> enumerators;  // MSR index: the CPUID field that says whether it is offered
    RetpolineRule retpoline;
    std::vector<ComponentRule> components;
    std::vector<DependencyRule> dependencies;
    std::vector<EqualityRule> equality;
    std::vector<ModelRow> models;

    const RuleField* find(const std::string& id) const {
        const auto at = index.find(id);
        return at == index.end() ? nullptr : &fields[at->second];
    }

    // In the rows of XSAVE's states, those of states that are known.
    bool says_something(const RuleField& field, std::uint32_t subleaf) const {
        if (field.is_msr || field.leaf != 0xD || subleaf < 2) return true;
        return std::any_of(components.begin(), components.end(),
                           [&](const ComponentRule& component) { return component.bit == subleaf; });
    }
};

namespace rulebook_files {

inline nlohmann::json parse(const std::filesystem::path& path) {
    std::ifstream in(path);
    return nlohmann::json::parse(in);
}

inline std::filesystem::path directory() { return std::filesystem::path(POOLCPUID_SOURCE_DIR) / "policy"; }

inline Register register_of(const std::string& name) {
    for (const Register reg : all_registers) {
        if (name == to_string(reg)) return reg;
    }
    throw std::runtime_error("no register " + name);
}

// "15:8" or "7": low and high bit.
inline std::pair<unsigned, unsigned> bits_of(const std::string& text) {
    const auto colon = text.find(':');
    const auto high = static_cast<unsigned>(std::stoul(text));
    return {colon == std::string::npos ? high : static_cast<unsigned>(std::stoul(text.substr(colon + 1))), high};
}

inline bool has_vendor(const nlohmann::json& entry, const std::string& vendor) {
    const auto vendors = entry.at("vendors").get<std::vector<std::string>>();
    return is_listed(vendors, "all") || is_listed(vendors, vendor);
}

inline RuleField field_of(const nlohmann::json& entry, const nlohmann::json& document) {
    RuleField field;
    field.id = entry.at("id");
    field.is_msr = document.contains("msr");
    field.leaf = hex_number(document.at(field.is_msr ? "msr" : "leaf"));
    if (!field.is_msr) {
        field.subleaves = span_of(entry.at("subleaf"));
        field.reg = register_of(entry.at("register"));
    }
    const auto [low, high] = bits_of(entry.at("bits"));
    field.low = low;
    field.mask = (~std::uint64_t{0} >> (63 - (high - low))) << low;
    field.rule = entry.at("rule");
    field.exposure = entry.at("exposure");
    field.ask = entry.value("ask", "");
    field.gate = entry.value("gate", "");
    field.implied_by = entry.value("implied_by", "");
    field.length_from = entry.value("length_from", "");
    if (entry.contains("allowed_by")) field.allowed_by = bits_of(entry.at("allowed_by")).first;
    field.zero_means = entry.value("zero_means", "");
    const nlohmann::json covers = entry.value("covers", nlohmann::json::object());
    for (const auto& [bit, covered] : covers.items())
        field.covers[static_cast<unsigned>(std::stoul(bit))] =
            static_cast<unsigned>(std::stoul(covered.get<std::string>()));
    field.hypervisor = document.value("hypervisor", "");
    if (entry.contains("assured")) field.assured = hex_number(entry.at("assured"));
    if (entry.contains("known_to")) field.known_to = hex_number(entry.at("known_to"));
    field.emulated = entry.value("emulated", false);
    field.required = entry.value("required", false);
    field.of_identity = entry.value("of_identity", false);
    field.vendors = entry.at("vendors").get<std::vector<std::string>>();
    field.is_made = entry.contains("made");
    if (field.is_made) field.made_of_model = entry.at("made").value("model", field.made_of_model);
    if (entry.contains("guard")) field.guard = entry.at("guard");
    if (entry.contains("derive")) field.derive = entry.at("derive");
    return field;
}

inline void sign(RuleField& field) {
    static const nlohmann::json hypervisors = parse(directory() / "rulebook.json").at("hypervisors");
    for (const auto& entry : hypervisors) {
        if (entry.at("id") != field.hypervisor) continue;
        field.signature = entry.value("signature", "");
        field.interface = entry.value("interface", "");
    }
}

inline void read_fields(VendorRules& rules) {
    for (const char* folder : {"cpuid", "msr"}) {
        for (const auto& file : std::filesystem::directory_iterator(directory() / folder)) {
            const nlohmann::json document = parse(file.path());
            for (nlohmann::json entry : document.at("fields")) {
                for (const char* key : {"subleaf", "register", "vendors", "exposure"}) {  // said once for the file
                    if (!entry.contains(key) && document.contains(key)) entry[key] = document.at(key);
                }
                RuleField field = field_of(entry, document);
                sign(field);
                if (has_vendor(entry, rules.vendor)) {
                    rules.fields.push_back(std::move(field));
                } else {
                    rules.foreign.emplace(field.id, std::move(field));
                }
            }
        }
    }
    std::sort(rules.fields.begin(), rules.fields.end(),
              [](const RuleField& a, const RuleField& b) { return a.id < b.id; });
    for (std::size_t i = 0; i < rules.fields.size(); ++i) {
        const RuleField& field = rules.fields[i];
        rules.index[field.id] = i;
        if (field.rule == "derive" && field.derive.at("how") == "msr_offered")
            rules.enumerators[hex_number(field.derive.at("index"))] = field.id;
    }
}

// RSBA and RRSBA are judged together. EIBRS is a promise like others: a set bit.
inline void read_retpoline(VendorRules& rules) {
    const nlohmann::json document = parse(directory() / "rulebook.json");
    for (const auto& bits : document.at("retpoline")) {
        const RetpolineRule rule{bits.at("rsba"), bits.at("rrsba"), bits.at("eibrs")};
        if (rules.find(rule.rsba) == nullptr) continue;
        rules.retpoline = rule;
        rules.fields[rules.index.at(rule.eibrs)].rule = "intersect";
    }
}

inline void read_components(VendorRules& rules) {
    const nlohmann::json document = parse(directory() / "xsave.json");
    for (const auto& entry : document.at("components")) {
        ComponentRule component;
        component.id = entry.at("id");
        component.bit = static_cast<unsigned>(std::stoul(entry.at("bit").get<std::string>()));
        component.state = entry.at("state");
        component.features = entry.at("features").get<std::vector<std::string>>();
        for (const auto& layout : entry.value("layouts", nlohmann::json::array())) {
            if (!has_vendor(layout, rules.vendor)) continue;
            component.documented = ComponentLayout{hex_number(layout.at("size")), hex_number(layout.at("offset")),
                                                   layout.at("align64").get<bool>()};
        }
        rules.components.push_back(component);
    }
    for (ComponentRule& component : rules.components) {
        component.together = {component.bit};
        for (const auto& group : document.at("together")) {
            const auto ids = group.get<std::vector<std::string>>();
            if (!is_listed(ids, component.id)) continue;
            for (const ComponentRule& other : rules.components) {
                if (is_listed(ids, other.id)) component.together.push_back(other.bit);
            }
        }
    }
}

inline void read_relations(VendorRules& rules) {
    const nlohmann::json dependencies = parse(directory() / "dependencies.json");
    for (const auto& entry : dependencies.at("dependencies")) {
        DependencyRule rule;
        rule.prerequisites = entry.contains("any_of") ? entry.at("any_of").get<std::vector<std::string>>()
                                                      : std::vector<std::string>{entry.at("prerequisite")};
        rule.dependents = entry.at("dependents").get<std::vector<std::string>>();
        if (entry.contains("vendors") && !has_vendor(entry, rules.vendor)) continue;
        const nlohmann::json shown = entry.value("shown_without", nlohmann::json::object());
        for (const auto& [id, reason] : shown.items()) rule.shown_without.push_back(id);
        rule.where_had = entry.value("where_had", false);
        rules.dependencies.push_back(rule);
    }
    const nlohmann::json equality = parse(directory() / "equality.json");
    for (const auto& entry : equality.at("groups")) {
        rules.equality.push_back({entry.at("id"), entry.at("fields").get<std::vector<std::string>>(),
                                  entry.at("drop").get<std::vector<std::string>>(), entry.value("of_model", false)});
    }
}

inline std::vector<Span> spans_of(const nlohmann::json& list) {
    std::vector<Span> spans;
    for (const auto& text : list) spans.push_back(span_of(text));
    return spans;
}

inline std::map<std::string, std::uint32_t> facts_of(const nlohmann::json& entry) {
    std::map<std::string, std::uint32_t> facts;
    const nlohmann::json silicon = entry.value("silicon", nlohmann::json::object());
    for (const auto& [id, value] : silicon.items()) facts[id] = hex_number(value);
    return facts;
}

inline void read_models(VendorRules& rules) {
    const nlohmann::json document = parse(directory() / "models.json");
    for (const auto& entry : document.at("models")) {
        if (entry.at("vendor") != rules.vendor) continue;
        ModelRow row;
        row.family = span_of(entry.at("family"));
        row.models = spans_of(entry.at("models"));
        row.steppings = spans_of(entry.value("steppings", nlohmann::json::array()));
        row.generation = entry.at("generation").get<std::uint32_t>();
        row.silicon = facts_of(entry);
        for (const auto& facts : entry.value("microcode", nlohmann::json::array())) {
            // Revision FFFFFFFF is what hypervisors show in the place of one, and below is exclusive.
            const Span revisions{hex_number(facts.value("from", "0x0")),
                                 hex_number(facts.value("below", "0xffffffff")) - 1};
            row.microcode.push_back(
                {revisions, facts_of(facts), facts.value("recalled", false), facts.value("spares_guests", false)});
        }
        row.immune = entry.value("immune", std::vector<std::string>{});
        row.inferred = entry.value("inferred", std::vector<std::string>{});
        row.reported = entry.value("reported", std::vector<std::string>{});
        rules.models.push_back(row);
    }
}

inline VendorRules read(const std::string& vendor) {
    VendorRules rules;
    rules.vendor = vendor;
    read_fields(rules);
    read_retpoline(rules);
    read_components(rules);
    read_relations(rules);
    read_models(rules);
    return rules;
}

}  // namespace rulebook_files

// The rules for a CPUID vendor string, read once.
inline const VendorRules& rules_for(const std::string& vendor_string) {
    static std::map<std::string, VendorRules> cache;
    const auto at = cache.find(vendor_string);
    if (at != cache.end()) return at->second;
    const nlohmann::json rulebook = rulebook_files::parse(rulebook_files::directory() / "rulebook.json");
    for (const auto& vendor : rulebook.at("vendors")) {
        if (!is_listed(vendor.at("strings").get<std::vector<std::string>>(), vendor_string)) continue;
        return cache.emplace(vendor_string, rulebook_files::read(vendor.at("id"))).first->second;
    }
    throw std::runtime_error("no vendor " + vendor_string);
}

}  // namespace poolcpuid::test
