// poolcpuid schema: the JSON Schemas of what is read and written.
#include <CLI/CLI.hpp>
#include <algorithm>
#include <memory>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "base/json_text.hpp"
#include "cli/arguments.hpp"
#include "cli/commands.hpp"
#include "cli/output.hpp"
#include "cli/schemas.hpp"

namespace poolcpuid::cli {

namespace {

struct SchemaArguments {
    std::string name;
    ResultOptions result;
};

std::string schemas_json() {
    nlohmann::ordered_json list = nlohmann::ordered_json::array();
    for (const SchemaHead& head : schema_heads()) list.push_back({{"name", head.name}, {"title", head.title}});
    return json::text_of({{"schema", "poolcpuid/schemas/v1"}, {"schemas", list}});
}

void schemas_text(Page& page) {
    std::size_t column = 0;
    const std::vector<SchemaHead> heads = schema_heads();
    for (const SchemaHead& head : heads) column = std::max(column, head.name.size() + 2);
    for (const SchemaHead& head : heads) page.row(0, head.name, column, head.title);
}

ExitStatus schema(const SchemaArguments& arguments) {
    if (arguments.name.empty()) {
        emit(arguments.result, schemas_json, schemas_text);
    } else {
        write_result(arguments.result.output, bundled_schema(arguments.name));
    }
    return ExitStatus::done;
}

}  // namespace

void add_schema_command(CLI::App& verb, Action& action) {
    auto arguments = std::make_shared<SchemaArguments>();
    std::vector<std::string> names;
    for (const SchemaFile& file : schema_files()) names.emplace_back(file.name);
    verb.add_option("NAME", arguments->name, "The schema: policy, host, check … Default: list them")
        ->check(likely(names));
    verb.add_option("--format", arguments->result.format, "Of the list: json or text; text on a terminal, else json")
        ->check(one_of({"json", "text"}))
        ->type_name("FORMAT");
    add_output_option(verb, arguments->result.output, "Write to FILE instead of standard output");
    verb.footer(
        "A schema stands alone: what it refers to in others is among its definitions.\n\n"
        "Examples:\n"
        "  poolcpuid schema policy -o policy.schema.json\n"
        "  check-jsonschema --schemafile policy.schema.json pool.json");
    verb.callback([&action, arguments] { action = [arguments] { return schema(*arguments); }; });
}

}  // namespace poolcpuid::cli
