#include <algorithm>
#include <nlohmann/json.hpp>

#include "base/json_text.hpp"
#include "compare/json.hpp"
#include "policy/document_json.hpp"
#include "poolcpuid/check.hpp"

namespace poolcpuid {

namespace compare {

nlohmann::ordered_json violation_json(const Rulebook& rulebook, const Violation& violation) {
    nlohmann::ordered_json json;
    document::put_field(json, rulebook, violation.field, violation.place);
    json["breach"] = to_string(violation.breach);
    json["known"] = violation.known;
    if (!violation.known) json["given"] = violation.given;
    json["promised"] = violation.promised;
    json["host"] = violation.host;
    json["impact"] = to_string(violation.impact);
    json["message"] = violation.message;
    json["remedy"] = violation.remedy;
    return json;
}

nlohmann::ordered_json start_up_json(const Rulebook& rulebook, const StartUp& start_up) {
    nlohmann::ordered_json json;
    document::put_field(json, rulebook, start_up.field, start_up.place);
    json["value"] = start_up.value;
    json["message"] = start_up.message;
    return json;
}

}  // namespace compare

namespace {

using Json = nlohmann::ordered_json;

Json verdict_json(const Rulebook& rulebook, const Verdict& verdict, Strictness strictness) {
    Json json;
    json["name"] = verdict.name;
    json["kind"] = verdict.is_policy ? "policy" : "host";
    json["sha256"] = verdict.sha256;
    json["compatible"] = verdict.compatible(strictness);
    json["outcome"] = to_string(verdict.outcome(strictness.unknown));
    json["violations"] = document::array_of(
        verdict.violations, [&](const Violation& violation) { return compare::violation_json(rulebook, violation); });
    json["start_up"] = document::array_of(
        verdict.start_up, [&](const StartUp& start_up) { return compare::start_up_json(rulebook, start_up); });
    return json;
}

}  // namespace

std::string to_json(const PoolPolicy& policy, const Rulebook& rulebook, const std::vector<Verdict>& verdicts,
                    Strictness strictness) {
    std::vector<const Verdict*> sorted;
    for (const Verdict& verdict : verdicts) sorted.push_back(&verdict);
    std::stable_sort(sorted.begin(), sorted.end(),
                     [](const Verdict* a, const Verdict* b) { return a->name < b->name; });
    Json json;
    json["schema"] = "poolcpuid/check/v1";
    json["pool"] = policy.pool;
    json["vendor"] = policy.vendor;
    json["rulebook"] = {{"version", rulebook.version}, {"sha256", rulebook.sha256}};
    json["unknown"] = strictness.unknown == UnknownIs::failure ? "fail" : "warn";
    json["strict"] = strictness.degraded_fails;
    json["compatible"] = std::all_of(sorted.begin(), sorted.end(),
                                     [&](const Verdict* verdict) { return verdict->compatible(strictness); });
    json["hosts"] = Json::array();
    for (const Verdict* verdict : sorted) json["hosts"].push_back(verdict_json(rulebook, *verdict, strictness));
    return json::text_of(json);
}

}  // namespace poolcpuid
