// The document that render printed.
#pragma once

#include <cstdint>
#include <nlohmann/json.hpp>
#include <sstream>
#include <string>
#include <vector>

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

// The words of the featureset that render --to xapi wrote.
inline std::vector<std::uint32_t> featureset_of(const nlohmann::json& document) {
    std::vector<std::uint32_t> words;
    std::istringstream in(document.at("output").get<std::string>());
    for (std::string word; std::getline(in, word, '-');) {
        words.push_back(static_cast<std::uint32_t>(std::stoul(word, nullptr, 16)));
    }
    REQUIRE(words.size() == 19);
    return words;
}

}  // namespace poolcpuid::test
