#include <algorithm>
#include <nlohmann/json.hpp>

#include "base/json_text.hpp"
#include "policy/document_json.hpp"
#include "poolcpuid/pool_split.hpp"

namespace poolcpuid {

namespace {

using Json = nlohmann::ordered_json;

Json gained_fields(const SplitPool& pool) {
    Json fields = Json::array();
    for (const FieldChange& change : pool.gains) {
        const Json entry{{"field", change.field}, {"impact", to_string(change.impact)}};
        if (std::find(fields.begin(), fields.end(), entry) == fields.end()) fields.push_back(entry);
    }
    return fields;
}

Json split_pool_json(const SplitPool& pool) {
    return {{"hosts", pool.hosts},
            {"count", pool.hosts.size()},
            {"classes", pool.classes},
            {"vendor", pool.vendor},
            {"kept", pool.kept},
            {"gains", gained_fields(pool)},
            {"errors", document::array_of(pool.errors, document::finding_json)},
            {"cleared", document::array_of(pool.cleared, document::finding_json)}};
}

}  // namespace

std::string to_json(const PoolSplit& split, const Rulebook& rulebook) {
    Json json;
    json["schema"] = "poolcpuid/split/v1";
    json["rulebook"] = {{"version", rulebook.version}, {"sha256", rulebook.sha256}};
    json["max_pools"] = split.most_pools;
    json["method"] = split.exact ? "exact" : "heuristic";
    json["hosts"] = split.hosts;
    json["classes"] = split.classes;
    json["weights"] = Json::object();
    for (const ImpactWeight& entry : impact_weights) {
        json["weights"][std::string(to_string(entry.impact))] = entry.weight;
    }
    json["kept"] = {{"split", split.kept}, {"one_pool", split.kept_by_one}, {"bound", split.bound}};
    json["errors"] = {{"split", split.errors}, {"one_pool", split.errors_of_one}};
    json["pools"] = document::array_of(split.pools, split_pool_json);
    json["migrations_end"] = document::array_of(split.ended, [&](const EndedMigrations& pair) {
        return Json{{"pools", {pair.first + 1, pair.second + 1}},
                    {"hosts", {split.pools[pair.first].hosts.size(), split.pools[pair.second].hosts.size()}}};
    });
    return json::text_of(json);
}

}  // namespace poolcpuid
