#include "cli/schemas.hpp"

#include <algorithm>
#include <nlohmann/json.hpp>
#include <set>

#include "base/json_text.hpp"
#include "poolcpuid/error.hpp"
#include "rulebook/near_names.hpp"

namespace poolcpuid::cli {

namespace {

using Json = nlohmann::ordered_json;

constexpr std::string_view in_definitions = "#/definitions/";
constexpr std::string_view schema_extension = ".schema.json";

const SchemaFile& file_named(std::string_view name) {
    const auto files = schema_files();
    const auto at = std::ranges::find(files, name, &SchemaFile::name);
    if (at != files.end()) return *at;
    std::vector<std::string> names;
    for (const SchemaFile& file : files) names.emplace_back(file.name);
    throw UsageError("there is no schema \"" + std::string(name) + "\"" +
                     rulebook::did_you_mean(rulebook::near_words(names, name)) + " (see poolcpuid schema)");
}

class Bundle {
public:
    explicit Bundle(std::string_view name) : root_(Json::parse(file_named(name).text)) {
        point_inside(root_, "");
        if (!others_.empty()) root_["definitions"].update(others_);
    }

    std::string text() const { return json::text_of(root_); }

private:
    // owner: the file that json is of, without its extension; empty for the root.
    void point_inside(Json& json, const std::string& owner) {
        for (auto& [key, part] : json.items()) {
            if (part.is_structured()) point_inside(part, owner);
            if (key == "$ref" && part.is_string()) part = inside(part.get<std::string>(), owner);
        }
    }

    // Where a reference of a file leads once all of them are one.
    std::string inside(const std::string& reference, const std::string& owner) {
        const std::size_t hash = std::min(reference.find('#'), reference.size());
        const std::string file = reference.substr(0, hash);
        const std::string of = file.empty() ? owner : file.substr(0, file.size() - schema_extension.size());
        if (!file.empty()) take_in(of);
        if (of.empty()) return reference;
        if (reference.size() - hash <= 1) return std::string(in_definitions) + of + std::string(schema_extension);
        return std::string(in_definitions) + of + "." + reference.substr(hash + in_definitions.size());
    }

    void take_in(const std::string& name) {
        if (!taken_.insert(name).second) return;
        Json other = Json::parse(file_named(name).text);
        point_inside(other, name);
        Json parts = std::move(other["definitions"]);
        for (const char* key : {"$schema", "$id", "definitions"}) other.erase(key);
        for (auto& [key, part] : parts.items()) others_[name + "." + key] = std::move(part);
        others_[name + std::string(schema_extension)] = std::move(other);
    }

    Json root_;
    Json others_ = Json::object();  // definitions of other files, by their names here
    std::set<std::string> taken_;
};

}  // namespace

std::vector<SchemaHead> schema_heads() {
    std::vector<SchemaHead> heads;
    for (const SchemaFile& file : schema_files()) {
        heads.push_back({std::string(file.name), Json::parse(file.text).at("title").get<std::string>()});
    }
    return heads;
}

std::string bundled_schema(std::string_view name) { return Bundle(name).text(); }

}  // namespace poolcpuid::cli
