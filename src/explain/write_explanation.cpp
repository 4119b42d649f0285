#include <nlohmann/json.hpp>

#include "base/json_writer.hpp"
#include "policy/document_json.hpp"
#include "poolcpuid/explain.hpp"
#include "poolcpuid/policy_registers.hpp"

namespace poolcpuid {

namespace {

using Json = nlohmann::ordered_json;

using document::hosts_json;

// What set a value, or keeps a state out, or that this is not known.
std::string_view origin_word(const std::optional<Cause>& cause) { return cause ? to_string(*cause) : "undecided"; }

Json seen_json(const std::string& value, const HostList& hosts) {
    Json json{{"value", value}};
    document::put_hosts(json, hosts);
    return json;
}

Json ids_json(const Rulebook& rulebook, const std::vector<FieldIndex>& fields) {
    return document::array_of(fields, [&](FieldIndex index) { return rulebook[index].id; });
}

Json state_json(const Rulebook& rulebook, const ExplainedState& state) {
    Json json;
    json["state"] = state.id;
    json["bit"] = state.bit;
    json["register"] = state.supervisor ? "IA32_XSS" : "XCR0";
    json["kept"] = state.kept;
    json["cause"] = origin_word(state.cause);
    if (!state.layout.empty()) json["layout"] = state.layout;
    if (!state.reason.empty()) json["reason"] = state.reason;
    json["because"] = hosts_json(state.because);
    json["seen"] = document::array_of(
        state.seen, [](const ValueOfHosts& seen) { return seen_json(document::layout_text(seen), seen.list()); });
    json["features"] = ids_json(rulebook, state.features);
    return json;
}

Json states_json(const Rulebook& rulebook, const std::vector<ExplainedState>& states) {
    return document::array_of(states, [&](const ExplainedState& state) { return state_json(rulebook, state); });
}

void put_former(const std::optional<FormerClass>& former, Json& json) {
    if (!former) return;
    Json& decided = json["decided_as"];
    if (!former->rule.empty()) decided["rule"] = former->rule;
    if (former->exposure) decided["exposure"] = to_string(*former->exposure);
}

Json value_json(const ExplainedValue& value) {
    Json json;
    document::put_place(json, value.place);
    json["value"] = to_hex(value.value);
    json["means"] = value.means;
    json["origin"] = origin_word(value.cause);
    if (!value.reason.empty()) json["reason"] = value.reason;
    put_former(value.former, json);
    json["seen"] = document::array_of(
        value.seen, [](const ValueOfHosts& seen) { return seen_json(document::value_word(seen.value), seen.list()); });
    json["because"] = hosts_json(value.because);
    if (value.deciders.unknown.count > 0) {
        if (value.deciders.known.count > 0) json["because_known"] = hosts_json(value.deciders.known);
        json["because_unknown"] = hosts_json(value.deciders.unknown);
    }
    return json;
}

Json field_json(const Rulebook& rulebook, VendorMask vendor, const ExplainedField& explained) {
    const Field& field = rulebook[explained.field];
    Json json;
    json["field"] = field.id;
    json["names"] = document::names_json(rulebook, std::string(field.id));
    json["rule"] = to_string(field.rule);
    json["exposure"] = to_string(field.exposure);
    if (!field.ask.empty()) json["ask"] = field.ask;
    json["impact"] = to_string(field.impact);
    const auto mitigates = rulebook.ids_mitigated_by(field, vendor);
    if (!mitigates.empty()) json["mitigates"] = mitigates;
    json["why"] = field.why;
    json["source"] = field.source;
    json["values"] = document::array_of(explained.values, value_json);
    if (!explained.reading.empty()) json["reading"] = explained.reading;
    if (!explained.derivation.empty()) json["derivation"] = explained.derivation;
    json["follows_from"] = ids_json(rulebook, explained.follows_from);
    json["lacking"] = ids_json(rulebook, explained.lacking);
    json["states"] = states_json(rulebook, explained.states);
    json["findings"] = document::array_of(explained.findings, document::finding_json);
    return json;
}

Json item_json(const StoryItem& item) {
    Json json;
    json["field"] = item.decision->field;
    document::put_place(json, item.decision->place);
    json["value"] = to_hex(item.decision->value);
    put_former(item.former, json);
    return json;
}

Json group_json(const StoryGroup& group) {
    Json json;
    json["origin"] = to_string(group.cause);
    json["because"] = hosts_json(group.because);
    if (!group.reason.empty()) json["reason"] = group.reason;
    if (!group.ask.empty()) json["ask"] = group.ask;
    json["fields"] = document::array_of(group.items, item_json);
    return json;
}

Json story_json(const Rulebook& rulebook, const Story& story) {
    Json json;
    json["groups"] = document::array_of(story.groups, group_json);
    json["states"] = states_json(rulebook, story.states);
    json["agreed"] = story.agreed;
    json["unknown_fields"] = story.unknown_fields;
    return json;
}

Json gain_json(const FieldChange& change) {
    Json json;
    json["field"] = change.field;
    document::put_place(json, change.place);
    json["before"] = change.before;
    json["after"] = change.after;
    json["impact"] = to_string(change.impact);
    return json;
}

// What the fields that were asked about are in the policy of all hosts, and in the one without some.
Json values_json(const Rulebook& rulebook, const Explanation& explanation, const PoolPolicy& without) {
    const PolicyRegisters whole(*explanation.whole);
    const PolicyRegisters registers(without);
    Json json = Json::array();
    for (const ExplainedField& explained : explanation.fields) {
        const Field& field = rulebook[explained.field];
        for (const ExplainedValue& value : explained.values) {
            Json entry;
            entry["field"] = field.id;
            document::put_place(entry, value.place);
            entry["before"] = to_hex(whole.value(field, value.place.subleaf_first));
            entry["after"] = to_hex(registers.value(field, value.place.subleaf_first));
            json.push_back(std::move(entry));
        }
    }
    return json;
}

Json what_if_json(const WhatIf& what_if, const Explanation& explanation, const Rulebook& rulebook) {
    Json json{{"without", what_if.hosts}, {"gains", document::array_of(what_if.gains, gain_json)}};
    if (!explanation.fields.empty() && explanation.whole != nullptr)
        json["values"] = values_json(rulebook, explanation, what_if.policy);
    return json;
}

Json policy_json(const PoolPolicy& policy, const PoolPolicy* whole) {
    std::size_t hosts = 0;
    for (const HostClass& host : policy.hosts) hosts += host.is_ceiling() ? 0 : host.count;
    Json json{{"pool", policy.pool},
              {"sha256", sha256_of(policy)},
              {"vendor", policy.vendor},
              {"rulebook", {{"version", policy.rulebook_version}, {"sha256", policy.rulebook_sha256}}},
              {"hosts", hosts}};
    if (whole != nullptr) json["current"] = policy.cpuid == whole->cpuid && policy.msrs == whole->msrs;
    return json;
}

}  // namespace

std::string to_json(const Explanation& explanation, const Rulebook& rulebook, const PoolPolicy& policy) {
    json::Writer json;
    json["schema"] = "poolcpuid/explain/v1";
    json["rulebook"] = {{"version", rulebook.version}, {"sha256", rulebook.sha256}};
    json["policy"] = policy_json(policy, explanation.whole);
    const VendorMask vendor = rulebook.vendor_mask(policy.vendor);
    json.values("fields", explanation.fields,
                [&](const ExplainedField& field) { return field_json(rulebook, vendor, field); });
    json["states"] = states_json(rulebook, explanation.states);
    if (explanation.story) json["story"] = story_json(rulebook, *explanation.story);
    if (explanation.what_ifs) {
        json.values("what_ifs", *explanation.what_ifs,
                    [&](const WhatIf& what_if) { return what_if_json(what_if, explanation, rulebook); });
    }
    return json.text();
}

}  // namespace poolcpuid
