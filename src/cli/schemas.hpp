// The JSON Schemas of what the program reads and writes: schemas/, compiled into it.
#pragma once

#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace poolcpuid::cli {

// A file of schemas/.
struct SchemaFile {
    std::string_view name;  // "policy", of policy.schema.json
    std::string_view text;
};

// All of them, sorted by name.
std::span<const SchemaFile> schema_files() noexcept;

// A schema in short.
struct SchemaHead {
    std::string name;
    std::string title;
};

// Of all schemas, sorted by name. Linear in their bytes.
std::vector<SchemaHead> schema_heads();

// The schema, with all that it refers to in other files among its definitions: of policy.schema.json,
// "#/definitions/cause" is "policy.cause" there, and the whole file "policy.schema.json". Throws UsageError, with a
// suggestion, for a name that no schema has. Linear in the bytes of the files.
std::string bundled_schema(std::string_view name);

}  // namespace poolcpuid::cli
