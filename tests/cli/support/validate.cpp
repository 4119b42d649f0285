#include "tests/cli/support/validate.hpp"

#include <algorithm>
#include <map>
#include <memory>
#include <nlohmann/json.hpp>
#include <set>
#include <valijson/adapters/nlohmann_json_adapter.hpp>
#include <valijson/schema.hpp>
#include <valijson/schema_parser.hpp>
#include <valijson/validation_results.hpp>
#include <valijson/validator.hpp>

#include "tests/cli/support/temporary_directory.hpp"

namespace poolcpuid::test {

namespace {

using valijson::adapters::NlohmannJsonAdapter;

using Json = nlohmann::json;

// A schema with those that it speaks of. valijson follows references into other documents, but mixes up
// definitions of one name, so each of them becomes a definition here: "diff.schema.json#/definitions/rule" is
// "#/definitions/diff.schema.json:rule", and the whole of it "#/definitions/diff.schema.json:".
class Bundle {
public:
    explicit Bundle(const std::string& file) : root_(document(file)) { point_inside(root_, ""); }

    const Json& schema() const noexcept { return root_; }

private:
    static Json document(const std::string& file) {
        return Json::parse(bytes_of(POOLCPUID_SOURCE_DIR "/schemas/" + file));
    }

    // prefix: of the definitions of the document that json is of.
    void point_inside(Json& json, const std::string& prefix) {
        if (json.is_object() && json.contains("$ref"))
            return point_inside(json.at("$ref").get_ref<std::string&>(), prefix);
        for (Json& part : json) {
            if (part.is_structured()) point_inside(part, prefix);
        }
    }

    void point_inside(std::string& reference, const std::string& prefix) {
        const std::string definitions = "#/definitions/";
        const std::size_t hash = std::min(reference.find('#'), reference.size());
        const std::string file = reference.substr(0, hash);
        if (!file.empty()) take_in(file);
        const std::string name = hash == reference.size() ? "" : reference.substr(hash + definitions.size());
        reference = definitions + (file.empty() ? prefix : file + ":") + name;
    }

    void take_in(const std::string& file) {
        if (!taken_.insert(file).second) return;
        Json other = document(file);
        other.erase("$id");
        point_inside(other, file + ":");
        Json& all = root_["definitions"];
        for (auto& [name, definition] : other.at("definitions").items()) all[file + ":" + name] = definition;
        other.erase("definitions");
        all[file + ":"] = other;
    }

    Json root_;
    std::set<std::string> taken_;
};

const valijson::Schema& schema(const std::string& name) {
    static std::map<std::string, std::unique_ptr<valijson::Schema>> schemas;
    std::unique_ptr<valijson::Schema>& entry = schemas[name];
    if (!entry) {
        const Bundle bundle(name + ".schema.json");
        auto fresh = std::make_unique<valijson::Schema>();
        valijson::SchemaParser(valijson::SchemaParser::kDraft7)
            .populateSchema(NlohmannJsonAdapter(bundle.schema()), *fresh);
        entry = std::move(fresh);
    }
    return *entry;
}

}  // namespace

std::vector<std::string> schema_errors(const std::string& name, std::string_view document) {
    const auto json = nlohmann::json::parse(document, nullptr, false);
    if (json.is_discarded()) return {"no JSON"};
    valijson::Validator validator;
    valijson::ValidationResults results;
    validator.validate(schema(name), NlohmannJsonAdapter(json), &results);
    std::vector<std::string> errors;
    valijson::ValidationResults::Error error;
    while (results.popError(error)) {
        std::string where;
        for (const std::string& part : error.context) where += part;
        errors.push_back(where + ": " + error.description);
    }
    return errors;
}

}  // namespace poolcpuid::test
