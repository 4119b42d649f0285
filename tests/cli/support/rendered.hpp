// The document that render printed.
#pragma once

#include <nlohmann/json.hpp>
#include <string>

#include "tests/catch.hpp"
#include "tests/cli/support/run_program.hpp"
#include "tests/cli/support/validate.hpp"

namespace poolcpuid::test {

// What a run of render --format json wrote, which must have succeeded and be as the schema says.
inline nlohmann::json rendered_by(const Result& result) {
    INFO(result.text());
    REQUIRE(result.status == 0);
    for (const std::string& error : schema_errors("render", result.out)) FAIL_CHECK(error);
    return nlohmann::json::parse(result.out);
}

}  // namespace poolcpuid::test
