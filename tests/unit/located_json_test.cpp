// The JSON reader: the line of every value, and what it refuses.

#include "base/located_json.hpp"

#include "tests/catch.hpp"
#include "tests/support/law_divisor.hpp"
#include "tests/unit/host_samples.hpp"

namespace poolcpuid::test::located_json_test {

using poolcpuid::test::contains;

namespace {

std::string refusal_of(std::string_view text) {
    try {
        json::parse(text, "f");
    } catch (const InputError& error) {
        return error.what();
    }
    return {};
}

}  // namespace

TEST_CASE("a value's line is the line on which it starts", "[json]") {
    const json::Value root =
        json::parse("\n{\n  \"a\": 1\n,\n  \"b\": [\n    true\n,\n 2\n\n]\n, \"c\":\n\"x\"\n}\n", "f");
    CHECK(root.line() == 2);
    CHECK(root.find("a")->line() == 3);  // the lexer has read the line feed after the number
    CHECK(root.find("b")->line() == 5);
    CHECK(root.find("b")->items()[0].line() == 6);
    CHECK(root.find("b")->items()[1].line() == 8);
    CHECK(root.find("c")->line() == 12);
}

TEST_CASE("a number at the very end has the last line", "[json]") {
    CHECK(json::parse("\n\n17", "f").line() == 3);
    CHECK(json::parse("\n\n17\n", "f").line() == 3);
}

TEST_CASE("lines count from the given first line", "[json]") {
    CHECK(json::parse("{\"a\":\n0}", "f", 7).find("a")->line() == 8);
}

TEST_CASE("a syntax error names the line of the offending text", "[json]") {
    CHECK(refusal_of("{\n\"a\": ?\n}") == "f:2: expected well-formed JSON, found \"\"a\": ?\"");
    CHECK(contains(refusal_of("{\n1\n}"), "f:2: "));
    // What the parser calls its token goes back to the last string.
    CHECK(refusal_of("{\n \"a\": \"0x000000000c02a1eb\"\n}x") == "f:3: expected well-formed JSON, found \"}x\"");
    CHECK(contains(refusal_of("{\"a\": 1}\n{}"), "f:2: "));
    CHECK(contains(refusal_of("{\"a\": 1"), "f:1: "));
    // Of a text that was cut off it is the end that is wrong, and not what stands before it.
    const std::string whole = R"({"a": [true, 17], "b": "text\n"})";
    for (std::size_t size = 0; size < whole.size(); ++size) {
        CAPTURE(size);
        CHECK(contains(refusal_of(whole.substr(0, size)), "f:1: expected well-formed JSON, found the end of the text"));
    }
    CHECK(contains(refusal_of(R"({"a": "te)"), "found the end of the text after \"\"te\""));
}

TEST_CASE("empty text, comments and trailing commas are no JSON", "[json]") {
    CHECK_FALSE(refusal_of("").empty());
    CHECK_FALSE(refusal_of("{} // no").empty());
    CHECK_FALSE(refusal_of("[1,]").empty());
}

TEST_CASE("a key may stand once in an object, at any distance", "[json]") {
    CHECK(refusal_of("{\"a\": 1,\n \"b\": 2,\n \"a\": 3}") ==
          "f:3: expected each key once in an object, found key \"a\" again");
    CHECK(contains(refusal_of("[{\"x\": {\"a\": 1, \"a\": 1}}]"), "key \"a\" again"));
    CHECK(refusal_of("{\"a\": {\"a\": 1}, \"b\": {\"a\": 1}}").empty());
    CHECK(contains(refusal_of("{\"a\": 1, \"\\u0061\": 2}"), "key \"a\" again"));
}

TEST_CASE("an object of very many keys is read in reasonable time", "[json]") {
    std::string text = "{\"k\": 0";
    for (int i = 0; i < 200000; ++i) text += ",\"" + std::to_string(i) + "\":0";
    CHECK(json::parse(text + "}", "f").members().size() == 200001);
}

TEST_CASE("nesting is bounded", "[json]") {
    const std::string deepest = std::string(32, '[') + std::string(32, ']');
    CHECK(refusal_of(deepest).empty());
    CHECK(contains(refusal_of("[" + deepest + "]"), "nested at most 32 deep"));
    CHECK(contains(refusal_of(std::string(1000000, '[')), "nested at most 32 deep"));
}

TEST_CASE("the number of values is bounded", "[json]") {
    if (test::law_divisor() > 1)
        return;  // millions of values take half a minute under the sanitizers, and are all alike
    std::string text = "[0";
    for (std::size_t i = 0; i < limits::json_values; ++i) text += ",0";
    CHECK(contains(refusal_of(text + "]"), "at most 8388608 values"));
}

TEST_CASE("text that is not UTF-8, and half a surrogate pair, are refused", "[json]") {
    CHECK_FALSE(refusal_of("\"\xC3\"").empty());
    CHECK_FALSE(refusal_of("\"\xC0\x80\"").empty());
    CHECK_FALSE(refusal_of("\"\\ud800\"").empty());
    CHECK(json::parse("\"\\ud83d\\ude00\"", "f").text() == "\xF0\x9F\x98\x80");
}

TEST_CASE("content reaches messages without control characters and cut to a bearable length", "[json]") {
    CHECK(json::describe(json::parse("\"\\u001b[31m\"", "f")) == "\"\\x1b[31m\"");
    const std::string described = json::describe(json::parse("\"" + std::string(5000, 'x') + "\"", "f"));
    CHECK(described == "\"" + std::string(60, 'x') + "…\"");
    CHECK(json::describe(json::parse("0." + std::string(5000, '1'), "f")).size() < 60);
    CHECK(json::describe(json::parse("[1]", "f")) == "an array");
    CHECK(json::describe(json::parse("null", "f")) == "null");
}

TEST_CASE("an object reader names what is missing, of the wrong type or unknown", "[json]") {
    const json::Value root = json::parse("{\"a\": 1,\n\"b\": \"t\",\n\"c\": true}", "f");
    json::ObjectReader reader(root, "f", "a thing");
    CHECK_THROWS_WITH(reader.required("z"), "f:1: expected \"z\" in a thing, found none");
    CHECK_THROWS_WITH(reader.required_string("a"), "f:1: expected a string as \"a\" of a thing, found 1");
    CHECK_THROWS_WITH(reader.required_array("b"), "f:2: expected an array as \"b\" of a thing, found \"t\"");
    CHECK(reader.optional("y") == nullptr);
    CHECK(reader.optional_bool("y", true));
    CHECK_THROWS_WITH(reader.finish(), "f:3: expected only known keys in a thing, found \"c\"");
    CHECK(reader.optional_bool("c", false));
    CHECK_NOTHROW(reader.finish());
}

TEST_CASE("hexadecimal strings are \"0x\" and 1 to so many digits", "[json]") {
    const auto hex = [](const std::string& text) { return json::hex_of(json::parse("\"" + text + "\"", "f"), "f", 8); };
    CHECK(hex("0x0") == 0);
    CHECK(hex("0xFfFfFfFf") == 0xFFFFFFFF);
    for (const char* wrong : {"", "0x", "10", "0X1", "0x123456789", "0x-1", "0x1 ", " 0x1", "0xg", "x1"}) {
        CAPTURE(wrong);
        CHECK_THROWS_AS(hex(wrong), InputError);
    }
    CHECK_THROWS_AS(json::hex_of(json::parse("16", "f"), "f", 8), InputError);
    CHECK(json::hex_of(json::parse("\"0xffffffffffffffff\"", "f"), "f", 16) == 0xFFFFFFFFFFFFFFFF);
}

}  // namespace poolcpuid::test::located_json_test
