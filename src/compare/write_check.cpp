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

Json rulebook_json(const Rulebook& rulebook) { return {{"version", rulebook.version}, {"sha256", rulebook.sha256}}; }

bool are_compatible(const std::vector<Verdict>& verdicts, Strictness strictness) {
    return std::all_of(verdicts.begin(), verdicts.end(),
                       [&](const Verdict& verdict) { return verdict.compatible(strictness); });
}

void put_strictness(Json& json, Strictness strictness) {
    json["unknown"] = strictness.unknown == UnknownIs::failure ? "fail" : "warn";
    json["strict"] = strictness.degraded_fails;
}

Json verdicts_json(const Rulebook& rulebook, std::vector<Verdict> verdicts, Strictness strictness) {
    std::stable_sort(verdicts.begin(), verdicts.end(),
                     [](const Verdict& a, const Verdict& b) { return a.name < b.name; });
    return document::array_of(verdicts,
                              [&](const Verdict& verdict) { return verdict_json(rulebook, verdict, strictness); });
}

Json check_json(const PoolPolicy& policy, const Rulebook& rulebook, const std::vector<Verdict>& verdicts,
                Strictness strictness) {
    Json json;
    json["schema"] = "poolcpuid/check/v1";
    json["pool"] = policy.pool;
    json["vendor"] = policy.vendor;
    json["rulebook"] = rulebook_json(rulebook);
    put_strictness(json, strictness);
    json["compatible"] = are_compatible(verdicts, strictness);
    json["hosts"] = verdicts_json(rulebook, verdicts, strictness);
    return json;
}

}  // namespace

std::string to_json(const PoolPolicy& policy, const Rulebook& rulebook, const std::vector<Verdict>& verdicts,
                    Strictness strictness) {
    return json::text_of(check_json(policy, rulebook, verdicts, strictness));
}

std::string to_ndjson(const PoolPolicy& policy, const Rulebook& rulebook, const std::vector<Verdict>& verdicts,
                      Strictness strictness) {
    std::string lines;
    for (const Verdict& verdict : verdicts) {
        lines += json::line_of(check_json(policy, rulebook, {verdict}, strictness));
    }
    return lines;
}

std::string to_json(const std::vector<PolicyVerdicts>& matrix, const Rulebook& rulebook, Strictness strictness) {
    Json json;
    json["schema"] = "poolcpuid/check-matrix/v1";
    json["rulebook"] = rulebook_json(rulebook);
    put_strictness(json, strictness);
    json["compatible"] = std::all_of(matrix.begin(), matrix.end(), [&](const PolicyVerdicts& row) {
        return are_compatible(row.verdicts, strictness);
    });
    json["policies"] = document::array_of(matrix, [&](const PolicyVerdicts& row) {
        Json policy{{"pool", row.policy.pool}, {"sha256", sha256_of(row.policy)}, {"vendor", row.policy.vendor}};
        policy["compatible"] = are_compatible(row.verdicts, strictness);
        policy["hosts"] = verdicts_json(rulebook, row.verdicts, strictness);
        return policy;
    });
    return json::text_of(json);
}

}  // namespace poolcpuid
