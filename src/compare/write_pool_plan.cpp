#include <algorithm>
#include <nlohmann/json.hpp>

#include "base/json_writer.hpp"
#include "compare/json.hpp"
#include "policy/document_json.hpp"
#include "poolcpuid/pool_plan.hpp"

namespace poolcpuid {

namespace {

using Json = nlohmann::ordered_json;

Json counts_json(const PromiseCounts& counts) {
    return {{"loses", counts.loses}, {"both", counts.both}, {"relaxes", counts.relaxes}, {"gains", counts.gains}};
}

Json added_json(const ChangedHost& host) {
    return {{"name", host.name}, {"sha256", host.after}, {"promises", counts_json(host.counts)}};
}

Json removed_json(const ChangedHost& host) {
    Json json{{"name", host.name}};
    if (!host.before.empty()) json["sha256"] = host.before;
    return json;
}

// Of a setting; what the dump does not say has a word.
std::string word_of(const std::optional<std::string>& value) { return value.value_or("unknown"); }

Json setting_json(const SettingChange& change) {
    return {{"name", change.name}, {"before", word_of(change.before)}, {"after", word_of(change.after)}};
}

Json replaced_json(const ChangedHost& host) {
    Json json;
    json["name"] = host.name;
    if (!host.before.empty()) json["sha256_before"] = host.before;
    json["sha256_after"] = host.after;
    json["promises"] = counts_json(host.counts);
    if (!host.former_known) json["former_unknown"] = true;
    json["settings"] = document::array_of(host.settings, setting_json);
    return json;
}

void put_some(Json& json, const char* key, const std::vector<std::string>& texts) {
    if (!texts.empty()) json[key] = texts;
}

Json advice_json(const PlanAdvice& advice) {
    using Kind = PlanAdvice::Kind;
    Json json{{"kind", to_string(advice.kind)}};
    const bool is_of_hosts = advice.kind == Kind::restore_settings || advice.kind == Kind::other_cpu;
    if (!is_of_hosts) json["with"] = to_string(advice.with);
    put_some(json, "running", advice.running);
    put_some(json, "hosts", advice.hosts);
    put_some(json, "fields", advice.fields);
    put_some(json, "settings", advice.settings);
    if (advice.cpu) json["cpu"] = {{"before", word_of(advice.cpu->before)}, {"after", word_of(advice.cpu->after)}};
    if (advice.if_same_cpu) json["if_same_cpu"] = true;
    put_some(json, "when_left", advice.when_left);
    put_some(json, "when_back", advice.when_back);
    put_some(json, "errors", advice.errors);
    put_some(json, "falsely_safe", advice.falsely_safe);
    return json;
}

// The ids, each once: a field of several subleaves has several changes.
std::vector<std::string> fields_of(const std::vector<FieldChange>& changes) {
    std::vector<std::string> fields;
    for (const FieldChange& change : changes) {
        if (std::find(fields.begin(), fields.end(), change.field) == fields.end()) fields.push_back(change.field);
    }
    return fields;
}

class Writer {
public:
    Writer(const PoolPlan& plan, const Rulebook& rulebook) : plan_(plan), rulebook_(rulebook) {}

    std::string text() const {
        json::Writer json;
        json["schema"] = "poolcpuid/plan/v1";
        json["pool"] = plan_.before.pool;
        json["vendor"] = plan_.before.vendor;
        json["rulebook"] = {{"version", rulebook_.version}, {"sha256", rulebook_.sha256}};
        json["unknown"] = plan_.strictness.unknown == UnknownIs::failure ? "fail" : "warn";
        json["strict"] = plan_.strictness.degraded_fails;
        json["stranded"] = plan_.stranded();
        json["hosts"] = {{"before", plan_.hosts_before}, {"after", plan_.hosts_after}};
        json.object("change", [&](json::Writer& change) {
            change.values("added", plan_.added, added_json);
            change.values("removed", plan_.removed, removed_json);
            change.values("replaced", plan_.replaced, replaced_json);
        });
        json["policy"] = policy_json();
        json.values("running", plan_.running, [&](const RunningPlan& entry) { return running(entry); });
        if (plan_.running.size() > 1) json.values("matrix", matrix_of(plan_), matrix_json);
        if (!plan_.findings.empty()) json.values("findings", plan_.findings, document::finding_json);
        json["start_up"] = start_up(plan_.start_up);
        json.values("price", plan_.price, [](const HostPrice& price) {
            return Json{{"hosts", price.hosts}, {"gains", fields_of(price.gains)}};
        });
        json.values("mends", plan_.mends, [](const Mend& mend) {
            return Json{{"hosts", mend.hosts}, {"fields", mend.fields}, {"remedy", mend.remedy}};
        });
        json.values("advice", plan_.advice, advice_json);
        json.object("before", [&](json::Writer& policy) { document::put_policy(policy, plan_.before); });
        json.object("after", [&](json::Writer& policy) { document::put_policy(policy, plan_.after); });
        json["diff"] = compare::difference_json(plan_.difference, rulebook_);
        return json.text();
    }

private:
    static Json matrix_json(const MatrixHosts& group) {
        return {{"hosts", group.hosts}, {"standing", document::array_of(group.standing, [](VmStanding standing) {
                                             return Json(to_string(standing));
                                         })}};
    }

    Json policy_json() const {
        Json json;
        json["change"] = to_string(strength_of(plan_.counts));
        json["promises"] = counts_json(plan_.counts);
        if (plan_.policy_is_current) json["current"] = *plan_.policy_is_current;
        if (!plan_.identity_gone.empty()) json["identity_gone"] = plan_.identity_gone;
        json["wait_for"] = plan_.wait_for;
        return json;
    }

    Json running(const RunningPlan& entry) const {
        Json json;
        json["label"] = entry.label;
        json["sha256"] = entry.sha256;
        json["of_pool"] = entry.of_pool;
        json["stranded"] = entry.stranded();
        json["reaches"] = entry.reaches;
        json["cannot_reach"] = document::array_of(entry.cannot_reach, [&](const Unreachable& hosts) {
            Json group{{"hosts", hosts.hosts}, {"before", hosts.before}, {"violations", violations(hosts.violations)}};
            if (!hosts.open_before.empty()) group["open_before"] = hosts.open_before;
            return group;
        });
        json["degraded"] = flawed(entry.degraded);
        json["doubtful"] = flawed(entry.doubtful);
        json["start_up"] = start_up(entry.start_up);
        json["must_move"] = entry.must_move;
        json["no_refuge"] = entry.no_refuge;
        json["restart"] = counts_json(entry.restart);
        return json;
    }

    Json flawed(const std::vector<FlawedHosts>& groups) const {
        return document::array_of(groups, [&](const FlawedHosts& hosts) {
            return Json{{"hosts", hosts.hosts}, {"violations", violations(hosts.violations)}};
        });
    }

    Json violations(const std::vector<Violation>& all) const {
        return document::array_of(
            all, [&](const Violation& violation) { return compare::violation_json(rulebook_, violation); });
    }

    Json start_up(const std::vector<StartUpHosts>& groups) const {
        return document::array_of(groups, [&](const StartUpHosts& hosts) {
            Json entry;
            entry["hosts"] = hosts.hosts;
            entry["fields"] = document::array_of(
                hosts.start_up, [&](const StartUp& field) { return compare::start_up_json(rulebook_, field); });
            return entry;
        });
    }

    const PoolPlan& plan_;
    const Rulebook& rulebook_;
};

}  // namespace

std::string to_json(const PoolPlan& plan, const Rulebook& rulebook) { return Writer(plan, rulebook).text(); }

}  // namespace poolcpuid
