#include <nlohmann/json.hpp>

#include "base/json_text.hpp"
#include "compare/json.hpp"
#include "policy/document_json.hpp"
#include "poolcpuid/diff.hpp"

namespace poolcpuid {

namespace {

using Json = nlohmann::ordered_json;

Json side_json(const DiffSide& side) {
    Json json;
    json["name"] = side.name;
    json["kind"] = side.is_policy ? "policy" : "host";
    json["sha256"] = side.sha256;
    json["vendor"] = side.vendor;
    if (side.is_policy) {
        json["rulebook"] = {{"version", side.rulebook_version}, {"sha256", side.rulebook_sha256}};
        json["options"] = side.options;
    }
    return json;
}

Json change_json(const Rulebook& rulebook, const FieldChange& change) {
    Json json;
    document::put_field(json, rulebook, change.field, change.place);
    if (!change.rule.empty()) json["rule"] = change.rule;
    json["before"] = change.before;
    json["after"] = change.after;
    json["known"] = change.known;
    if (change.given) json["given"] = true;
    json["direction"] = to_string(change.direction);
    json["impact"] = to_string(change.impact);
    if (!change.mitigates.empty()) json["mitigates"] = change.mitigates;
    json["restarted"] = change.restarted;
    json["migrated"] = change.migrated;
    return json;
}

Json place_json(const BitPlace& place) {
    Json json;
    document::put_place(json, place);
    return json;
}

Json pair_json(const HostPair& hosts) {
    return {{"before", document::class_json(hosts.before)}, {"after", document::class_json(hosts.after)}};
}

Json finding_pair_json(const FindingPair& finding) {
    return {{"before", document::finding_json(finding.before)}, {"after", document::finding_json(finding.after)}};
}

Json provenance_json(const Provenance& provenance) {
    Json json;
    json["equal"] = provenance.empty();
    json["rulebook"] = provenance.rulebook;
    json["options"] = provenance.options;
    json["pool"] = provenance.pool;
    json["names"] = provenance.names;
    json["hosts"] = {{"removed", document::array_of(provenance.hosts_removed, document::class_json)},
                     {"added", document::array_of(provenance.hosts_added, document::class_json)},
                     {"renamed", document::array_of(provenance.hosts_renamed, pair_json)},
                     {"recaptured", document::array_of(provenance.hosts_recaptured, pair_json)}};
    json["owned"] = {{"removed", document::array_of(provenance.owned_removed, place_json)},
                     {"added", document::array_of(provenance.owned_added, place_json)}};
    json["decisions"] = provenance.decisions;
    json["findings"] = {{"removed", document::array_of(provenance.findings_removed, document::finding_json)},
                        {"added", document::array_of(provenance.findings_added, document::finding_json)},
                        {"changed", document::array_of(provenance.findings_changed, finding_pair_json)}};
    return json;
}

Json false_belief_json(const FalseBelief& belief) {
    return {{"id", belief.id},
            {"name", belief.name},
            {"before", {{"says", belief.before}, {"hosts", belief.hosts_before}}},
            {"after", {{"says", belief.after}, {"hosts", belief.hosts_after}}},
            {"advice", document::array_of(belief.advice, document::advice_json)}};
}

Json beliefs_json(const BeliefChanges& beliefs) {
    Json json;
    json["guest"] = document::guest_json(beliefs.kernel);
    json["changes"] = document::array_of(beliefs.changes, [](const BeliefChange& change) {
        return Json{{"id", change.id},
                    {"name", change.name},
                    {"before", {{"says", change.before}, {"belief", to_string(change.belief_before)}}},
                    {"after", {{"says", change.after}, {"belief", to_string(change.belief_after)}}}};
    });
    if (beliefs.hosts > 0) {
        json["hosts"] = beliefs.hosts;
        json["falsely_safe"] = document::array_of(beliefs.falsely_safe, false_belief_json);
    }
    return json;
}

}  // namespace

nlohmann::ordered_json compare::difference_json(const Difference& difference, const Rulebook& rulebook) {
    Json json;
    json["schema"] = "poolcpuid/diff/v1";
    json["rulebook"] = {{"version", rulebook.version}, {"sha256", rulebook.sha256}};
    json["before"] = side_json(difference.before);
    json["after"] = side_json(difference.after);
    json["equal"] = difference.equal_registers;
    json["changes"] = document::array_of(difference.changes,
                                         [&](const FieldChange& change) { return change_json(rulebook, change); });
    const bool are_policies = difference.before.is_policy && difference.after.is_policy;
    if (are_policies) json["provenance"] = provenance_json(difference.provenance);
    if (difference.beliefs) json["beliefs"] = beliefs_json(*difference.beliefs);
    return json;
}

std::string to_json(const Difference& difference, const Rulebook& rulebook) {
    return json::text_of(compare::difference_json(difference, rulebook));
}

}  // namespace poolcpuid
