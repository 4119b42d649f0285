// A conversation with a QEMU, given as lines: what is asked, what is made of the answers, and which are refused.
#include "render/qmp.hpp"

#include <set>
#include <string>
#include <vector>

#include "poolcpuid/error.hpp"
#include "tests/catch.hpp"

namespace poolcpuid::test::qmp_test {

using Catch::Contains;

namespace {

const std::string greeting = R"({"QMP": {"version": {"qemu": {"major": 9, "minor": 2, "micro": 1}}}})";
const std::string done = R"({"return": {}})";
const std::string definitions =
    R"({"return": [{"name": "EPYC", "migration-safe": true, "alias-of": "EPYC-v1"}, {"name": "host"}]})";

std::string properties(const std::string& members) { return R"({"return": {"model": {"props": {)" + members + "}}}}"; }

// A program that answers one line after another, and what it was asked.
class Script {
public:
    explicit Script(std::vector<std::string> answers) : answers_(std::move(answers)) {}

    render::QmpLines lines() {
        return {[this](std::string_view line) { asked.emplace_back(line); },
                [this] {
                    if (next_ == answers_.size()) throw InputError("qemu", 0, "an answer", "none");
                    return answers_[next_++];
                }};
    }

    std::vector<std::string> asked;

private:
    std::vector<std::string> answers_;
    std::size_t next_ = 0;
};

QemuFacts facts(std::vector<std::string> answers, const std::string& model = plainest_qemu_model) {
    Script script(std::move(answers));
    return render::facts_over(script.lines(), "qemu", model, {"avx2"});
}

QemuModels models(const std::string& family) {
    Script script({greeting, done, definitions, properties(R"("lm": true, "nx": false, "family": )" + family)});
    return render::models_over(script.lines(), "qemu", {"EPYC"});
}

}  // namespace

TEST_CASE("the model is asked for by the name that its alias stands for, with what is wanted and known", "[qmp]") {
    Script script({greeting, done, definitions, properties(R"("avx2": false, "level": 1)"), R"({"event": "SOMETHING"})",
                   properties(R"("avx2": true, "level": 1)"), properties(R"("avx2": true, "level": 13)")});
    const QemuFacts known = render::facts_over(script.lines(), "qemu", "EPYC", {"avx2", "amx-tile"});
    CHECK(known.full_version == "9.2.1");
    CHECK(known.model == "EPYC-v1");
    CHECK(known.plain_flags == std::map<std::string, bool>{{"avx2", true}});
    CHECK(known.model_numbers == std::set<std::string>{"level"});
    REQUIRE(script.asked.size() == 5);
    CHECK_THAT(script.asked.back(), Contains("\"EPYC-v1\"") && Contains("\"avx2\":true") && !Contains("amx-tile"));
    CHECK_THAT(script.asked.back(), Catch::EndsWith("\n"));
}

TEST_CASE("of models it is asked, too, what of the wanted is turned off again", "[qmp]") {
    Script script({greeting, done, definitions, properties(R"("lm": true, "family": 6)"),
                   properties(R"("avx2": false, "waitpkg": false, "level": 1)"),
                   properties(R"("avx2": true, "waitpkg": false, "level": 7)")});
    const QemuModels known = render::models_over(script.lines(), "qemu", {"EPYC"}, {"avx2", "waitpkg", "amx-tile"});
    CHECK(known.models.size() == 1);
    CHECK(known.dropped == std::set<std::string>{"waitpkg"});
    CHECK_THAT(script.asked.back(), Contains("avx2") && Contains("waitpkg") && !Contains("amx-tile"));
}

TEST_CASE("what no QEMU answers is refused", "[qmp]") {
    const std::string deep = R"({"return": )" + std::string(100000, '[') + std::string(100000, ']') + "}";
    CHECK_THROWS_WITH(facts({deep}), Contains("nested at most"));
    CHECK_THROWS_WITH(facts({greeting, done, properties("\"x\": " + deep)}), Contains("nested at most"));
    CHECK_THROWS_AS(facts({"[]"}), InputError);
    CHECK_THROWS_AS(facts({""}), InputError);
    CHECK_THROWS_AS(facts({greeting, done, R"({"return": [1]})"}), InputError);
    for (const char* major : {"-1", "1e300", "4294967296", "true", "[]"}) {
        CAPTURE(major);
        const std::string odd = R"({"QMP": {"version": {"qemu": {"major": )" + std::string(major) + "}}}}";
        CHECK_THROWS_WITH(facts({odd, done}), Contains("a number in \"major\""));
        CHECK_THROWS_AS(models(major), InputError);
    }
    CHECK(models("25").models.at("EPYC").family == 25);
    CHECK(models("25").properties == std::set<std::string>{"lm", "nx"});
}

TEST_CASE("a model that the QEMU lacks, or that depends on the host, is wrong usage", "[qmp]") {
    CHECK_THROWS_AS(facts({greeting, done, definitions}, "host"), UsageError);
    const std::string error = R"({"error": {"desc": "no such model"}})";
    CHECK_THROWS_WITH(facts({greeting, done, definitions, properties(""), properties(""), error}, "none"),
                      Contains("no such model"));
    // A name of any bytes is asked for, and is the program's to refuse.
    CHECK_THROWS_AS(facts({greeting, done, definitions, properties(""), properties(""), error}, "\xFF"), UsageError);
}

}  // namespace poolcpuid::test::qmp_test
