#include "tests/cli/support/validate.hpp"

#include <map>
#include <memory>
#include <nlohmann/json.hpp>
#include <valijson/adapters/nlohmann_json_adapter.hpp>
#include <valijson/schema.hpp>
#include <valijson/schema_parser.hpp>
#include <valijson/validation_results.hpp>
#include <valijson/validator.hpp>

#include "tests/cli/support/run_program.hpp"

namespace poolcpuid::test {

namespace {

using valijson::adapters::NlohmannJsonAdapter;

const valijson::Schema& schema(const std::string& name) {
    static std::map<std::string, std::unique_ptr<valijson::Schema>> schemas;
    std::unique_ptr<valijson::Schema>& entry = schemas[name];
    if (!entry) {
        const auto document = nlohmann::json::parse(run({"schema", name}).out);
        auto fresh = std::make_unique<valijson::Schema>();
        valijson::SchemaParser(valijson::SchemaParser::kDraft7).populateSchema(NlohmannJsonAdapter(document), *fresh);
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
