// The writer of large documents: it writes what text_of writes of the whole tree.

#include "base/json_writer.hpp"

#include <map>
#include <string>
#include <vector>

#include "base/json_text.hpp"
#include "tests/catch.hpp"

namespace poolcpuid::test::json_writer_test {

using json::Writer;
using Json = nlohmann::ordered_json;

namespace {

// Characters of every kind that is escaped: by JSON, by us, and because it is not UTF-8.
const std::string odd =
    "a\"b\\c/\b\f\n\r\t\x01\x1f\x7f \xc3\x97 \xe2\x80\xae \xf3\xa0\x80\x81 \xe2\x80\xa8 \xff\xc3 \xf0\x9f\x98\x80";

}  // namespace

TEST_CASE("a document without members is an empty object", "[json_writer]") {
    CHECK(Writer().text() == "{}\n");
    CHECK(Writer().text() == json::text_of(Json::object()));
}

TEST_CASE("members are written as text_of writes them, whatever their values", "[json_writer]") {
    const std::vector<Json> values = {
        nullptr,
        true,
        false,
        0,
        -1,
        ~std::uint64_t{0},
        0.5,
        "",
        odd,
        Json::array(),
        Json::object(),
        {{"a", Json::array({1, "x", Json::array(), Json::object()})}, {"b", {{"c", odd}}}},
        Json::array({Json::array({Json::array({odd})})})};
    Writer json;
    Json tree;
    for (std::size_t i = 0; i < values.size(); ++i) {
        const std::string key = "key_" + std::to_string(i);
        json[key] = values[i];
        tree[key] = values[i];
        Writer alone;
        alone[key] = values[i];
        CHECK(alone.text() == json::text_of(Json{{key, values[i]}}));
    }
    CHECK(json.text() == json::text_of(tree));
}

TEST_CASE("what converts to a JSON value is assigned as it is to a tree", "[json_writer]") {
    const std::map<std::string, std::size_t> counts = {{"Rome", 2}, {"Genoa", 1}};
    const auto put = [&](auto& object) {
        object["text"] = std::string("text");
        object["odd"] = odd;
        object["literal"] = "literal";
        object["view"] = std::string_view("view");
        object["names"] = std::vector<std::string>{"a", odd};
        object["none"] = std::vector<std::string>{};
        object["counts"] = counts;
        object["members"] = {{"version", "1"}, {"sha256", "2"}};
    };
    Writer json;
    Json tree;
    put(json);
    put(tree);
    CHECK(json.text() == json::text_of(tree));
}

TEST_CASE("a text with any byte is written as nlohmann writes it", "[json_writer]") {
    for (int byte = 0; byte < 256; ++byte) {
        const std::string text = "before" + std::string(1, static_cast<char>(byte)) + "behind";
        Writer json;
        json["text"] = text;
        CHECK(json.text() == json::text_of(Json{{"text", text}}));
    }
}

TEST_CASE("objects and arrays nest, empty ones too", "[json_writer]") {
    const std::vector<int> none;
    const std::vector<int> numbers = {1, 2, 3};
    const auto number_json = [](int number) { return Json(number); };
    const auto put_nothing = [](Writer&) {};
    Writer json;
    json.object("empty_object", put_nothing);
    json.values("no_values", none, number_json);
    json.objects("no_objects", none, [](Writer&, int) {});
    json.values("values", numbers, number_json);
    json.objects("objects", numbers, [&](Writer& entry, int number) {
        if (number == 1) return;
        entry["number"] = number;
        entry.objects("below", std::vector<int>(static_cast<std::size_t>(number)), [&](Writer& below, int) {
            below.object("empty", put_nothing);
            below["odd"] = odd;
            below.values("values", none, number_json);
        });
        entry["last"] = Json::array({number, Json{{"a", "b"}}});
    });
    json.object("object", [&](Writer& object) { object.object("inner", [](Writer& inner) { inner["x"] = 1; }); });

    const auto below = [] { return Json{{"empty", Json::object()}, {"odd", odd}, {"values", Json::array()}}; };
    const Json tree = {
        {"empty_object", Json::object()},
        {"no_values", Json::array()},
        {"no_objects", Json::array()},
        {"values", {1, 2, 3}},
        {"objects",
         Json::array({Json::object(),
                      {{"number", 2}, {"below", {below(), below()}}, {"last", {2, {{"a", "b"}}}}},
                      {{"number", 3}, {"below", {below(), below(), below()}}, {"last", {3, {{"a", "b"}}}}}})},
        {"object", {{"inner", {{"x", 1}}}}}};
    CHECK(json.text() == json::text_of(tree));
}

TEST_CASE("control and formatting characters are escaped, wherever in a text they stand", "[json_writer]") {
    CHECK(json::with_escapes("").empty());
    for (std::size_t before = 0; before < 20; ++before) {
        for (std::size_t behind = 0; behind < 20; ++behind) {
            const std::string a(before, 'a');
            const std::string b(behind, 'b');
            CHECK(json::with_escapes(a + b) == a + b);
            CHECK(json::with_escapes(a + "\xc3\x97" + b) == a + "\xc3\x97" + b);
            CHECK(json::with_escapes(a + "\x7f" + b + "\xe2\x80\xae") == a + "\\u007f" + b + "\\u202e");
            CHECK(json::with_escapes(a + "\xf3\xa0\x80\x81\xc3\x97" + b) == a + "\\udb40\\udc01\xc3\x97" + b);
        }
    }
}

}  // namespace poolcpuid::test::json_writer_test
