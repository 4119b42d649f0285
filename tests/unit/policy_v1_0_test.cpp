// Documents of version 1.0, which said causes in sentences, are read as what version 1.1 says as data.

#include <algorithm>
#include <string>
#include <string_view>
#include <vector>

#include "base/sha256.hpp"
#include "poolcpuid/error.hpp"
#include "poolcpuid/policy.hpp"
#include "tests/catch.hpp"

namespace poolcpuid::test::policy_v1_0_test {

namespace {

struct Written {
    std::string field;
    std::string place;  // leaf, subleaf, register, bits
    std::string rule;
    std::string value;
    std::string values;
    std::string because;
    std::string reason;
};

std::string place(const std::string& leaf, const std::string& subleaf, const std::string& reg,
                  const std::string& bits) {
    return "      \"leaf\": \"" + leaf + "\",\n      \"subleaf\": \"" + subleaf + "\",\n      \"register\": \"" + reg +
           "\",\n      \"bits\": \"" + bits + "\",\n";
}

std::string value(const std::string& value, const std::vector<std::string>& hosts, std::size_t count) {
    std::string names;
    for (const std::string& host : hosts)
        names += (names.empty() ? "" : ",") + std::string("\n            \"") + host + "\"";
    return "        {\n          \"value\": \"" + value + "\",\n          \"hosts\": [" + names +
           "\n          ],\n          \"count\": " + std::to_string(count) + "\n        }";
}

std::string names(const std::vector<std::string>& hosts) {
    std::string text;
    for (const std::string& host : hosts) text += (text.empty() ? "\n        \"" : ",\n        \"") + host + "\"";
    return hosts.empty() ? "[]" : "[" + text + "\n      ]";
}

// A document as the program wrote it before decisions had causes.
std::string document_of(const std::vector<Written>& decisions, const std::string& findings = "[]") {
    std::string text = R"({
  "schema": "poolcpuid/policy/v1",
  "pool": "old",
  "vendor": "AuthenticAMD",
  "rulebook": {
    "version": "2026.11",
    "sha256": ")" + std::string(64, 'b') +
                       R"("
  },
  "hosts": [
    {
      "sha256": ")" + std::string(64, 'a') +
                       R"(",
      "format": "cpuid-r",
      "views": [
        "hardware"
      ],
      "names": [
        "a"
      ],
      "count": 1
    }
  ],
  "names_sha256": ")" + std::string(64, 'c') +
                       R"(",
  "cpuid": [
    {
      "leaf": "0x0",
      "subleaf": "0x0",
      "eax": "0x0000000d",
      "ebx": "0x68747541",
      "ecx": "0x444d4163",
      "edx": "0x69746e65"
    },
    {
      "leaf": "0x7",
      "subleaf": "0x0",
      "eax": "0x00000000",
      "ebx": "0x00000000",
      "ecx": "0x00000000",
      "edx": "0x00000400"
    }
  ],
  "msrs": [],
  "owned": [],
  "decisions": [)";
    for (const Written& written : decisions) {
        text += std::string(&written == &decisions.front() ? "" : ",") + "\n    {\n      \"field\": \"" +
                written.field + "\",\n" + written.place + "      \"rule\": \"" + written.rule +
                "\",\n      \"value\": \"" + written.value +
                "\",\n      \"values\": " + (written.values.empty() ? "[]" : "[\n" + written.values + "\n      ]") +
                ",\n      \"because\": " + written.because + ",\n      \"reason\": \"" + written.reason + "\"\n    }";
    }
    return text + "\n  ],\n  \"findings\": " + findings + "\n}\n";
}

Written avx2(const std::string& reason, const std::vector<std::string>& because = {}) {
    return {"avx2", place("0x7", "0x0", "ebx", "5"), "intersect", "0x0", value("0x1", {"a"}, 1), names(because),
            reason};
}

const Decision& decision_on(const PoolPolicy& policy, const std::string& field) {
    const auto at = std::find_if(policy.decisions.begin(), policy.decisions.end(),
                                 [&](const Decision& decision) { return decision.field == field; });
    REQUIRE(at != policy.decisions.end());
    return *at;
}

PoolPolicy read(const std::string& text) { return read_policy(text, "old.json"); }

using Names = std::vector<std::string>;

}  // namespace

TEST_CASE("a document of version 1.0 keeps its digest and is written as version 1.1", "[policy]") {
    const std::string text = document_of({avx2("Not every host has it (b). Vectors.", {"b"})});
    const PoolPolicy policy = read(text);
    CHECK(sha256_of(policy) == sha256_hex(text));
    CHECK(policy.minor == 1);
    const PoolPolicy again = read(to_json(policy));
    CHECK(again.decisions == policy.decisions);
    CHECK(sha256_of(again) == sha256_hex(to_json(policy)));
}

TEST_CASE("the causes that version 1.0 said in sentences are read from them", "[policy]") {
    struct Row {
        const char* reason;
        Cause cause;
        Names on;
    };
    for (const Row& row : std::vector<Row>{
             {"Not every host has it (b). Vectors.", Cause::hosts, {}},
             {"Shown only when asked for with --show. Vectors.", Cause::not_asked, {}},
             {"Withheld by --ceiling. Vectors.", Cause::ceiling, {}},
             {"Hidden by --hide. Vectors.", Cause::hidden, {}},
             {"Set by the operator. Vectors.", Cause::set, {}},
             {"The hosts do not agree on amx_palette, or not all dumps say it (b): Tiles.",
              Cause::equality,
              {"amx_palette"}},
             {"Goes with avx or xsave (b): faults. Vectors.", Cause::dependency, {"avx", "xsave"}},
             {"Its XSAVE state pkru is not on every host (b). Keys.", Cause::xsave_state, {"pkru"}},
             {"Says nothing without hypervisor. Vectors.", Cause::gate, {"hypervisor"}},
             {"Shown as ac_rrsba, since the policy has ac_ibrs_all (b). Bad news.", Cause::group, {"ac_rrsba"}},
             {"In words of nobody.", Cause::hosts, {}},
         }) {
        INFO(row.reason);
        const PoolPolicy policy = read(document_of({avx2(row.reason)}));
        CHECK(policy.decisions.front().cause == row.cause);
        CHECK(policy.decisions.front().on == row.on);
    }
}

TEST_CASE("the number of hosts that a document of version 1.0 lists the first of is in its sentence", "[policy]") {
    const Names eight{"a", "b", "c", "d", "e", "f", "g", "h"};
    CHECK(
        read(document_of({avx2("Not every host has it (a, b, c and 9 more). x", eight)})).decisions[0].because.count ==
        12);
    CHECK(read(document_of({avx2("Not every host has it (a, b and c). x", {"a", "b", "c"})}))
              .decisions[0]
              .because.count == 3);
    CHECK(
        read(document_of({avx2("Not every host has it (a, b, c and x more). x", eight)})).decisions[0].because.count ==
        8);
    CHECK(read(document_of({avx2("Not every host has it.")})).decisions[0].because.count == 0);
}

TEST_CASE("the decisions of version 1.0 on one XSAVE state become one with its layouts", "[policy]") {
    const std::string reason = "The XSAVE state pkru is laid out differently on the hosts (b). Size.";
    const Written size{"xs_size",
                       place("0xd", "0x9", "eax", "31:0"),
                       "equal",
                       "0x0",
                       value("0x8", {"a", "b"}, 2) + ",\n" + value("0x0", {"c"}, 1),
                       names({"b"}),
                       reason};
    const Written offset{"xs_offset",
                         place("0xd", "0x9", "ebx", "31:0"),
                         "equal",
                         "0x0",
                         value("0x980", {"a"}, 1) + ",\n" + value("0xa80", {"b"}, 1) + ",\n" + value("0x0", {"c"}, 1),
                         names({"b"}),
                         reason};
    const PoolPolicy policy = read(document_of({size, offset}));
    REQUIRE(policy.decisions.size() == 1);
    const Decision& state = policy.decisions.front();
    CHECK(state.state == "pkru");
    CHECK(state.cause == Cause::layout);
    CHECK(state.values == std::vector<ValueOfHosts>{{0x8, {"a"}, 1, StatePlace{0x980, false}},
                                                    {0x8, {"b"}, 1, StatePlace{0xa80, false}},
                                                    {0x0, {"c"}, 1}});
    // A list that is cut off cannot be joined: the sizes alone are known.
    Written cut = size;
    cut.values = value("0x8", {"a"}, 9) + ",\n" + value("0x0", {"c"}, 1);
    const PoolPolicy sizes = read(document_of({cut, offset}));
    REQUIRE(sizes.decisions.size() == 1);
    CHECK(sizes.decisions.front().values == std::vector<ValueOfHosts>{{0x8, {"a"}, 9}, {0x0, {"c"}, 1}});
}

TEST_CASE("whether VERW scrubs is read from a finding or from what is not known of a host", "[policy]") {
    const auto md_clear = [](const char* other) {
        return Written{"md_clear",
                       place("0x7", "0x0", "edx", "10"),
                       "guarded",
                       "0x1",
                       value("0x1", {"a"}, 1) + ",\n" + value(other, {"b"}, 1),
                       names({"a"}),
                       "Set as soon as one host has it (a). VERW."};
    };
    const auto finding = [](const std::string& code, const std::string& field) {
        return R"([
    {
      "severity": "error",
      "code": ")" +
               code + R"(",
      "message": "x",
      "field": ")" +
               field + R"(",
      "hosts": []
    }
  ])";
    };
    CHECK(decision_on(read(document_of({md_clear("0x0")})), "md_clear").scrubs == std::optional(true));
    CHECK(decision_on(read(document_of({md_clear("unknown")})), "md_clear").scrubs == std::optional(false));
    const auto scrubs_beside = [&](const std::string& code, const std::string& field) {
        return decision_on(read(document_of({md_clear("0x0")}, finding(code, field))), "md_clear").scrubs;
    };
    CHECK(scrubs_beside("verw-promise-lost", "md_clear") == std::optional(false));
    // Of another field, and another finding on the field.
    CHECK(scrubs_beside("verw-promise-lost", "ac_fb_clear") == std::optional(true));
    CHECK(scrubs_beside("microcode-unknown", "md_clear") == std::optional(true));
}

TEST_CASE("members of version 1.1 are refused in a document without the minor version, and newer documents",
          "[policy]") {
    std::string text = document_of({avx2("Not every host has it.")});
    const auto refusal = [](const std::string& document) -> std::string {
        try {
            read(document);
        } catch (const InputError& error) {
            return error.what();
        }
        return "read";
    };
    std::string with_cause = text;
    with_cause.replace(with_cause.find("\"because\""), 0, "\"cause\": \"hosts\",\n      ");
    CHECK_THAT(refusal(with_cause), Catch::Contains("\"cause\""));
    text.replace(text.find("\"pool\""), 0, "\"minor\": 4,\n  ");
    CHECK_THAT(refusal(text), Catch::Contains("\"minor\": 1 to 3, or none of a document of version 1.0, found 4"));
}

}  // namespace poolcpuid::test::policy_v1_0_test
