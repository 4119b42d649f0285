#include <algorithm>
#include <map>
#include <nlohmann/json.hpp>
#include <utility>

#include "base/json_text.hpp"
#include "base/json_writer.hpp"
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
    json["violations"] = document::array_of(verdict.violations.get(), [&](const Violation& violation) {
        return compare::violation_json(rulebook, violation);
    });
    json["start_up"] = document::array_of(
        verdict.start_up.get(), [&](const StartUp& start_up) { return compare::start_up_json(rulebook, start_up); });
    return json;
}

Json rulebook_json(const Rulebook& rulebook) { return {{"version", rulebook.version}, {"sha256", rulebook.sha256}}; }

bool are_compatible(const std::vector<Verdict>& verdicts, Strictness strictness) {
    return std::all_of(verdicts.begin(), verdicts.end(),
                       [&](const Verdict& verdict) { return verdict.compatible(strictness); });
}

template <typename Object>
void put_strictness(Object& json, Strictness strictness) {
    json["unknown"] = strictness.unknown == UnknownIs::failure ? "fail" : "warn";
    json["strict"] = strictness.degraded_fails;
}

// What stands before the hosts.
template <typename Object>
void put_head(Object& json, const PoolPolicy& policy, const Rulebook& rulebook, const std::vector<Verdict>& verdicts,
              Strictness strictness) {
    json["schema"] = "poolcpuid/check/v1";
    json["pool"] = policy.pool;
    json["vendor"] = policy.vendor;
    json["rulebook"] = rulebook_json(rulebook);
    put_strictness(json, strictness);
    json["compatible"] = are_compatible(verdicts, strictness);
}

// By name.
void put_hosts(json::Writer& json, const Rulebook& rulebook, std::vector<Verdict> verdicts, Strictness strictness) {
    std::stable_sort(verdicts.begin(), verdicts.end(),
                     [](const Verdict& a, const Verdict& b) { return a.name < b.name; });
    json.values("hosts", verdicts, [&](const Verdict& verdict) { return verdict_json(rulebook, verdict, strictness); });
}

// The document of a host without a name, for hosts of that content. A line of a fleet costs its bytes.
class Line {
public:
    Line() = default;
    explicit Line(const std::string& nameless) {
        constexpr std::string_view place = R"("hosts":[{"name":)";  // in a string its quotes would be escaped
        const std::size_t at = nameless.find(place) + place.size();
        before_ = nameless.substr(0, at);
        after_ = nameless.substr(at + 2);
    }

    std::string with_name(const std::string& name) const {
        std::string line = before_ + json::line_of(name);
        line.back() = after_.front();  // the line feed
        return line.append(after_, 1);
    }

private:
    std::string before_;
    std::string after_;
};

}  // namespace

std::string to_json(const PoolPolicy& policy, const Rulebook& rulebook, const std::vector<Verdict>& verdicts,
                    Strictness strictness) {
    json::Writer json;
    put_head(json, policy, rulebook, verdicts, strictness);
    put_hosts(json, rulebook, verdicts, strictness);
    return json.text();
}

void to_ndjson(const PoolPolicy& policy, const Rulebook& rulebook, const std::vector<Verdict>& verdicts,
               Strictness strictness, const std::function<void(std::string_view line)>& sink) {
    std::map<std::pair<bool, std::string_view>, Line> lines;
    for (const Verdict& verdict : verdicts) {
        const auto [at, fresh] = lines.try_emplace({verdict.is_policy, verdict.sha256});
        if (fresh) {
            Verdict nameless = verdict;
            nameless.name.clear();
            Json json;
            put_head(json, policy, rulebook, {nameless}, strictness);
            json["hosts"] = Json::array({verdict_json(rulebook, nameless, strictness)});
            at->second = Line(json::line_of(json));
        }
        sink(at->second.with_name(verdict.name));
    }
}

std::string to_json(const std::vector<PolicyVerdicts>& matrix, const Rulebook& rulebook, Strictness strictness) {
    json::Writer json;
    json["schema"] = "poolcpuid/check-matrix/v1";
    json["rulebook"] = rulebook_json(rulebook);
    put_strictness(json, strictness);
    json["compatible"] = std::all_of(matrix.begin(), matrix.end(), [&](const PolicyVerdicts& row) {
        return are_compatible(row.verdicts, strictness);
    });
    json.objects("policies", matrix, [&](json::Writer& policy, const PolicyVerdicts& row) {
        policy["pool"] = row.policy.pool;
        policy["sha256"] = sha256_of(row.policy);
        policy["vendor"] = row.policy.vendor;
        policy["compatible"] = are_compatible(row.verdicts, strictness);
        put_hosts(policy, rulebook, row.verdicts, strictness);
    });
    return json.text();
}

}  // namespace poolcpuid
