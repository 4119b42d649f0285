// poolcpuid/partial/v1: what it keeps, and every way in which a document is refused.

#include <nlohmann/json.hpp>
#include <set>
#include <string>
#include <vector>

#include "base/canonical_json.hpp"
#include "base/json_parts.hpp"
#include "base/located_json.hpp"
#include "poolcpuid/partial_result.hpp"
#include "tests/catch.hpp"
#include "tests/support/host_builder.hpp"

namespace poolcpuid::test::partial_result_test {

using Catch::Contains;
using Json = nlohmann::ordered_json;

namespace {

const PartialOptions plain;

HostDump amd(const std::string& name, std::uint32_t signature = 0x00830F10) {
    return hardware_host(name, amd_table(signature));
}

std::string written(const PartialResult& part, const PartialOptions& options = plain) {
    return to_json(part, builtin_rulebook(), options);
}

PartialResult read(const std::string& document, const PartialOptions& options = plain) {
    return read_partial_result(document, "a.part", 1, builtin_rulebook(), options);
}

// The message of the InputError; empty when there is none.
std::string refusal(const std::string& document, const PartialOptions& options = plain) {
    try {
        (void)read(document, options);
    } catch (const InputError& error) {
        return error.what();
    }
    return {};
}

// Two hosts of one content and one of another.
void add(PartialResult& part, const HostDump& host) { part.add(host, host.name); }

PartialResult sample() {
    PartialResult part;
    add(part, amd("a"));
    add(part, amd("b"));
    add(part, amd("c", 0x00A00F11));
    return part;
}

// The document with the digest that its content now has.
std::string sealed(Json document) {
    document.erase("sha256");
    const std::string text = document.dump();
    document["sha256"] = sha256_hex(json::canonical(json::parse(text, "")));
    return document.dump(1);
}

template <typename Change>
std::string changed(const Change& change) {
    Json document = Json::parse(written(sample()));
    change(document);
    return sealed(std::move(document));
}

}  // namespace

TEST_CASE("a partial result has each content once, and every host's name and digest", "[partial]") {
    const Json document = Json::parse(written(sample()));
    CHECK(document.at("contents").size() == 2);
    REQUIRE(document.at("hosts").size() == 2);
    std::size_t names = 0;
    for (const Json& entry : document.at("hosts")) names += entry.at("names").size();
    CHECK(names == 3);
    CHECK(document.at("hosts").at(0).at("sha256") < document.at("hosts").at(1).at("sha256"));
    CHECK(written(read(written(sample()))) == written(sample()));
    CHECK(sample().host_count() == 3);
    CHECK(sample().content_count() == 2);
}

TEST_CASE("hosts with digests of their own share a content", "[partial]") {
    PartialResult part;
    for (const char* name : {"a", "b", "c"}) {
        HostDump host = amd(name);
        host.sha256 = sha256_hex(name);
        host.meta["serial"] = name;  // no merge reads it
        add(part, host);
    }
    const Json document = Json::parse(written(part));
    CHECK(document.at("contents").size() == 1);
    CHECK(document.at("hosts").size() == 3);
    std::vector<std::string> all;
    read(written(part)).each([&](const HostDump& host, const std::set<std::string>& names) {
        for (const std::string& name : names) all.push_back(name + " " + host.sha256);
    });
    std::sort(all.begin(), all.end());
    REQUIRE(all.size() == 3);
    CHECK(all.front() == "a " + sha256_hex("a"));
}

TEST_CASE("contents differ by format, kernel, microcode and notes, too", "[partial]") {
    PartialResult part;
    std::vector<HostDump> hosts(5, amd("a"));
    hosts[1].format = "cpuid-r";
    hosts[2].meta["kernel"] = "6.1";
    hosts[3].meta["microcode"] = "0x8301034";
    hosts[4].notes.push_back({"truncated", "It is cut off."});
    for (std::size_t i = 0; i < hosts.size(); ++i) {
        hosts[i].sha256 = sha256_hex(std::to_string(i));
        add(part, hosts[i]);
    }
    CHECK(part.content_count() == 5);
    CHECK(written(read(written(part))) == written(part));
}

TEST_CASE("a note that earlier versions wrote and the merge makes by itself is left out", "[partial]") {
    PartialResult part;
    HostDump host = amd("a");
    host.notes = {{"cpuid-hidden", "As it was told."}, {"truncated", "It is cut off."}};
    add(part, host);
    read(written(part)).each([](const HostDump& back, const std::set<std::string>&) {
        CHECK(back.notes == std::vector<DumpNote>{{"truncated", "It is cut off."}});
    });
}

TEST_CASE("a name with two contents stays for the last merge to find", "[partial]") {
    PartialResult part;
    add(part, amd("a"));
    add(part, amd("a", 0x00A00F11));
    CHECK(read(written(part)).host_count() == 2);
}

TEST_CASE("a digest with two contents is refused, from wherever they come", "[partial]") {
    HostDump other = amd("b", 0x00A00F11);
    other.sha256 = amd("a").sha256;
    PartialResult part;
    add(part, amd("a"));
    CHECK_THROWS_WITH(add(part, other), Contains("b: expected one content with the digest " + other.sha256));
    PartialResult second;
    add(second, other);
    CHECK_THROWS_AS(part.combine(second), InputError);
}

TEST_CASE("what was left out is a set of its own", "[partial]") {
    PartialResult part;
    const InputError error("bad\x1b.txt", 3, "a dump", "none");
    part.note_unreadable("bad\x1b.txt", error);
    part.note_unreadable("bad\x1b.txt", error);
    PartialResult again = read(written(part));
    again.combine(part);
    REQUIRE(again.unreadable().size() == 1);
    CHECK((*again.unreadable().begin() == UnreadableInput{"bad\\u{1b}.txt", "bad\\u{1b}.txt", 3, "a dump", "none"}));
}

TEST_CASE("any spelling of a document is the same document", "[partial]") {
    const std::string document = written(sample());
    CHECK(written(read(Json::parse(document).dump())) == document);
    CHECK(written(read("\n\n" + Json::parse(document).dump(4) + "\n")) == document);
    CHECK(written(read(nlohmann::json::parse(document).dump(1))) == document);  // members by key
    CHECK(is_partial_result(nlohmann::json::parse(document).dump(1)));
    CHECK(is_partial_result(document.substr(0, 60)));
    for (const char* other : {"", "{", "{\"schema\": \"poolcpuid/host/v1\"", "[{\"schema\":\"poolcpuid/partial/v1\"}]",
                              "{\"name\": \"poolcpuid/partial/v1\"}"}) {
        INFO(other);
        CHECK_FALSE(is_partial_result(other));
    }
}

TEST_CASE("a byte that was changed, or a piece that is missing, is found", "[partial]") {
    const std::string document = written(sample());
    for (std::size_t at = 0; at < document.size(); at += 7) {
        std::string damaged = document;
        damaged[at] = static_cast<char>(damaged[at] ^ 1);
        if (damaged[at] == '\r' || damaged[at] == '\v') continue;
        INFO(at << ": " << document.substr(at, 20));
        CHECK_FALSE(refusal(damaged).empty());
        CHECK_FALSE(refusal(document.substr(0, at)).empty());
    }
    Json other = Json::parse(document);
    other["hosts"].erase(0);
    CHECK_THAT(refusal(other.dump()), Contains("a.part:1: expected the digest of the document's content, ") &&
                                          Contains("it is damaged, or was changed"));
}

TEST_CASE("another rulebook or other options are refused, and both are named", "[partial]") {
    CHECK_THAT(refusal(changed([](Json& document) { document["rulebook"]["version"] = "1999"; })),
               Contains("expected a partial result by the rulebook " + std::string(builtin_rulebook().version)) &&
                   Contains("found one by the rulebook 1999 (sha256 " + std::string(builtin_rulebook().sha256)));
    CHECK_THAT(refusal(written(sample(), {true, false})),
               Contains("expected a partial result of merge without --skip-unreadable and without --allow-partial, as "
                        "this one is, found one with --skip-unreadable and without --allow-partial"));
    CHECK_THAT(refusal(written(sample()), {false, true}), Contains("and with --allow-partial, as this one is"));
    CHECK(refusal(written(sample(), {true, true}), {true, true}).empty());
}

TEST_CASE("what is no partial result is refused, with the place", "[partial]") {
    struct Case {
        const char* what;
        std::string document;
        std::string message;
    };
    const std::vector<Case> cases{
        {"no member", changed([](Json& d) { d.erase("skipped"); }),
         "expected \"skipped\" in a partial result, found none"},
        {"another member", changed([](Json& d) { d["more"] = 1; }),
         "only the members of a partial result, found \"more\""},
        {"another schema", changed([](Json& d) { d["schema"] = "poolcpuid/partial/v2"; }), "\"poolcpuid/partial/v1\""},
        {"contents", changed([](Json& d) { d["contents"] = Json::object(); }), "an array as \"contents\""},
        {"content", changed([](Json& d) { d["contents"][0] = 1; }), "a content"},
        {"named", changed([](Json& d) { d["contents"][0]["host"]["name"] = "x"; }),
         "a host without a name in a content"},
        {"host", changed([](Json& d) { d["contents"][0]["host"]["views"] = Json::object(); }), "\"hardware\" or"},
        {"format", changed([](Json& d) { d["contents"][0]["format"] = "x"; }), "the word of a format of dumps"},
        {"code", changed([](Json& d) {
             d["contents"][0]["notes"] = {{{"code", "x"}, {"message", "y"}}};
         }),
         "the code of a finding"},
        {"number", changed([](Json& d) { d["hosts"][0]["content"] = 2; }), "the number of a content, below 2"},
        {"negative", changed([](Json& d) { d["hosts"][0]["content"] = -1; }), "the number of a content"},
        {"names", changed([](Json& d) { d["hosts"][0]["names"] = Json::array(); }), "at least one name"},
        {"name", changed([](Json& d) { d["hosts"][0]["names"][0] = "\x1b[31m"; }), "the name of a host"},
        {"digest", changed([](Json& d) { d["hosts"][0]["sha256"] = "A"; }), "64 lower-case hexadecimal digits"},
        {"two contents", changed([](Json& d) { d["hosts"][0]["sha256"] = d["hosts"][1]["sha256"]; }),
         "one content with"},
        {"skipped", changed([](Json& d) { d["skipped"] = {1}; }), "an entry of \"skipped\""},
        {"twice", "{\"schema\":\"poolcpuid/partial/v1\",\"schema\":1}", "expected \"schema\" once, found it again"},
        {"cut off", "{\"schema\":\"poolcpuid/partial/v1\",\n\"conte", "a.part:2: expected"},
        {"behind", written(sample()) + "x", "nothing behind the document"},
        {"array", "[1]", "an object as a partial result"},
    };
    for (const Case& each : cases) {
        INFO(each.what);
        CHECK_THAT(refusal(each.document), Contains(each.message));
    }
}

TEST_CASE("views of two vendors are no host of a partial result", "[partial]") {
    PartialResult part;
    add(part, with_hypervisor(amd("a"), intel_table()));
    CHECK_THAT(refusal(written(part)), Contains("CPUs of one vendor"));
}

TEST_CASE("the parts of a large JSON document are its members or elements as they stand", "[json]") {
    const std::string text = " {\"a\" : [1, {\"}\": \"]\\\"\"}],\n \"b\\u0063\":\"x,y\" , \"d\":-1.5e3,\"e\": null }\n";
    json::Parts parts(text, "f", 5);
    std::vector<std::string> seen;
    while (const auto part = parts.next()) {
        seen.push_back(part->key + "|" + std::string(part->text) + "|" + std::to_string(part->line));
    }
    CHECK(seen == std::vector<std::string>{"a|[1, {\"}\": \"]\\\"\"}]|5", "bc|\"x,y\"|6", "d|-1.5e3|6", "e|null|6"});
    CHECK_FALSE(json::Parts("[]", "f", 1).next());
    for (const char* bad : {"", "1", "{\"a\"}", "{\"a\":}", "{\"a\":1 \"b\":2}", "{,}", "[1,]", "[1 2]", "[1]]",
                            "{1:2}", "[1", "{\"a\":1", "[,1]"}) {
        INFO(bad);
        CHECK_THROWS_AS(([&] {
                            json::Parts all(bad, "f", 1);
                            while (const auto part = all.next()) {
                            }
                        }()),
                        InputError);
    }
}

}  // namespace poolcpuid::test::partial_result_test
