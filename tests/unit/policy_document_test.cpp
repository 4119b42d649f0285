// The policy document: what is written is read back the same, and what contradicts itself is refused.

#include <cctype>
#include <string>
#include <string_view>
#include <vector>

#include "poolcpuid/error.hpp"
#include "poolcpuid/policy.hpp"
#include "tests/catch.hpp"
#include "tests/unit/small_rulebook.hpp"

namespace poolcpuid::test::policy_document_test {

namespace {

const std::string digest_a(64, 'a');
const std::string digest_b(64, 'b');

// An invented policy that uses every member of the document.
PoolPolicy sample_policy() {
    PoolPolicy policy;
    policy.pool = "zen-böhm";
    policy.vendor = "AuthenticAMD";
    policy.level = "x86-64-v2";
    policy.features = {"avx2", "fs_gs_base_ns"};
    policy.rulebook_version = "2026.1";
    policy.rulebook_sha256 = digest_b;
    const HostFacts genoa{Cpu{"Genoa, Siena", "Zen 4", 25, 17, 1}, 0xa101148, "6.1.0-37-amd64", "kvm"};
    policy.hosts = {{digest_a, "host-json", {"hardware", "hypervisor"}, {"genoa-1", "genoa-2"}, 2, genoa},
                    {digest_b, "cpuid-r", {"hardware"}, {"rome-1"}, 1}};
    policy.names_sha256 = digest_a;
    policy.cpuid = {{{0x0, 0x0}, {0x7, 0x68747541, 0x444d4163, 0x69746e65}},
                    {{0x1, 0x0}, {0x00830f10, 0x0, 0x1, 0x178bfbff}},
                    {{0x7, 0x0}, {0x1, 0x20, 0x0, 0x0}},
                    {{0x7, 0x1}, {0x0, 0x0, 0xffffffff, 0x0}},
                    {{0x80000021, 0x0}, {0x00000042, 0x0, 0x0, 0x0}}};
    policy.msrs = {{0x10a, 0x8000000000000020}, {0x480, 0x0}};
    policy.owned = {{false, 0x1, 0x0, 0x0, Register::ebx, 24, 31},
                    {false, 0xb, 0x0, 0x1f, Register::edx, 0, 31},
                    {true, 0x35, 0x0, 0x0, Register::eax, 0, 31}};
    Decision relaxed{"fs_gs_base_ns",
                     {false, 0x80000021, 0, 0, Register::eax, 1, 1},
                     "union",
                     0x1,
                     {{0x0, {"rome-1"}, 1}, {0x1, {"genoa-1", "genoa-2"}, 2, {}, {{"Genoa", 2}}}}};
    relaxed.because = {{"genoa-1", "genoa-2"}, 9, {{"Genoa", 7}, {"Milan", 2}}};
    relaxed.because_known = {{"genoa-1"}, 3, {{"Genoa", 3}}};
    relaxed.because_unknown = {{"genoa-2"}, 6, {{"Genoa", 4}, {"Milan", 2}}};
    relaxed.remarks = {{Remark::Kind::modelled, "", {{"genoa-1"}, 1, {{"Genoa", 1}}}},
                       {Remark::Kind::withheld, "6.1.0", {{"rome-1"}, 1}}};
    relaxed.reason = "One has it.";
    Decision identity{"fms", {false, 0x1, 0, 0, Register::eax, 0, 31}, "identity", 0x830f10, {}};
    identity.cause = Cause::identity;
    identity.reason = "Oldest.";
    Decision gone{"gone", {false, 0x4, 0x3, 0x3, Register::ecx, 8, 15}, "min", 0x0, {{std::nullopt, {"rome-1"}, 1}}};
    gone.cause = Cause::dependency;
    gone.on = {"xsave", "cet_ss"};
    gone.reason = "No row.";
    Decision state{"xs_size",
                   {false, 0xd, 9, 9, Register::eax, 0, 31},
                   "equal",
                   0x0,
                   {{0x8, {"genoa-1"}, 1, StatePlace{0x980, true}, {{"Genoa", 1}}}, {std::nullopt, {"rome-1"}, 1}}};
    state.state = "pkru";
    state.cause = Cause::layout;
    state.reason = "Laid out.";
    Decision guarded{"ac_high", {true, 0x10a, 0, 0, Register::eax, 60, 63}, "intersect", 0x8, {}};
    guarded.scrubs = false;
    guarded.mitigates = {"mds"};
    guarded.reason = "MSR.";
    policy.decisions = {relaxed, identity, gone, state, guarded};
    policy.findings = {{Severity::error, "unread", "A host was left out.", "", {{"genoa-1"}, 40, {{"Rome", 40}}}},
                       {Severity::warning, "uneven", "CPUs differ: \"x\".", "fs_gs_base_ns", {}},
                       {Severity::note, "assumed", "By the model table.", "", {}}};
    return policy;
}

// The message of the InputError that reading bytes throws; empty when it throws none.
std::string refusal(std::string_view bytes) {
    try {
        read_policy(bytes, "pool.json");
    } catch (const InputError& error) {
        return error.what();
    }
    return {};
}

// In the sample's document from, which stands there once, becomes to; reading it then says message.
struct Slip {
    const char* from;
    const char* to;
    const char* message;
};

void check_refused(const Slip& slip) {
    std::string text = to_json(sample_policy());
    text.replace(only_place_of(text, slip.from), std::string_view(slip.from).size(), slip.to);
    INFO(slip.from << " became " << slip.to);
    CHECK_THAT(refusal(text), Catch::StartsWith("pool.json:") && Catch::Contains(slip.message));
}

}  // namespace

TEST_CASE("a policy is read back as it was written", "[policy]") {
    const PoolPolicy policy = sample_policy();
    const std::string text = to_json(policy);
    const PoolPolicy back = read_policy(text, "pool.json");
    CHECK(back == policy);
    CHECK(to_json(back) == text);
    CHECK(text.back() == '\n');
}

TEST_CASE("annotations are read over, and change no digest", "[policy]") {
    const PoolPolicy policy = sample_policy();
    std::string text = to_json(policy);
    text.replace(text.find("\"pool\""), 0, R"("annotations": {"ticket": 4711, "by": ["a", "b"]},
  )");
    const PoolPolicy back = read_policy(text, "pool.json");
    CHECK(back == policy);
    CHECK(sha256_of(back) == sha256_of(policy));
}

TEST_CASE("a list that is whole says its CPUs by the classes of its hosts, and does not repeat them", "[policy]") {
    PoolPolicy policy = sample_policy();
    policy.decisions.at(1).because = {{"genoa-1", "genoa-2"}, 2, {{"Genoa", 2}}};
    const std::string text = to_json(policy);
    CHECK(text.find("\"Genoa\": 2") == std::string::npos);
    CHECK(text.find("\"Genoa\": 7") != std::string::npos);  // of nine, two are named
    CHECK(read_policy(text, "pool.json").decisions.front().values.back().cpus == CpuCounts{{"Genoa", 2}});
}

TEST_CASE("a document of version 1.1 is read, keeps its digest, and may not say what came later", "[policy]") {
    const PoolPolicy old = as_minor(sample_policy(), 1);
    const std::string text = to_json(old);
    CHECK(text.find("\"cpus\"") == std::string::npos);
    CHECK(text.find("\"cpu\"") == std::string::npos);
    CHECK(text.find("\"minor\": 1,") != std::string::npos);
    PoolPolicy back = read_policy(text, "pool.json");
    CHECK(to_json(back) == text);
    CHECK(sha256_of(back) == sha256_of(old));
    CHECK(back.findings.front().hosts == HostList{{"genoa-1"}, 1});
    std::string newer = to_json(sample_policy());
    newer.replace(newer.find("\"minor\": 3"), 10, "\"minor\": 1");
    CHECK_THAT(refusal(newer), Catch::Contains("\"cpu\""));
}

TEST_CASE("a document of version 1.2 is read and keeps its digest, and may not say who decided by not being known",
          "[policy]") {
    const PoolPolicy old = as_minor(sample_policy(), 2);
    const std::string text = to_json(old);
    CHECK(text.find("\"minor\": 2,") != std::string::npos);
    CHECK(text.find("because_unknown") == std::string::npos);
    const PoolPolicy back = read_policy(text, "pool.json");
    CHECK(to_json(back) == text);
    CHECK(sha256_of(back) == sha256_of(old));
    std::string newer = to_json(sample_policy());
    newer.replace(newer.find("\"minor\": 3"), 10, "\"minor\": 2");
    CHECK_THAT(refusal(newer), Catch::Contains("\"because_known\""));
}

TEST_CASE("hosts that decided are known or not, and all of those that did", "[policy]") {
    check_refused({R"("count": 3)", R"("count": 4)", "the hosts of \"because\" that decided by not being known"});
    check_refused({R"("count": 6)", R"("count": 5)", "the hosts of \"because\" that decided by not being known"});
    PoolPolicy policy = sample_policy();
    policy.decisions.front().because_unknown = {};
    CHECK_THAT(refusal(to_json(policy)), Catch::Contains("that decided by not being known"));
    policy.decisions.front().because_unknown = policy.decisions.front().because;
    policy.decisions.front().because_known = {};
    CHECK(read_policy(to_json(policy), "pool.json") == policy);
    check_refused({R"("because_known": {
        "hosts": [
          "genoa-1"
        ],
        "count": 3,)",
                   R"("because_known": {
        "hosts": [],
        "count": 0,)",
                   "at least one host"});
}

TEST_CASE("registers, values and places are written as the contract says", "[policy]") {
    const std::string text = to_json(sample_policy());
    const auto has = [&](const char* part) {
        INFO(part);
        CHECK(text.find(part) != std::string::npos);
    };
    has(R"("leaf": "0x80000021",
      "subleaf": "0x0",
      "eax": "0x00000042",
      "ebx": "0x00000000",)");
    has(R"("index": "0x10a",
      "value": "0x8000000000000020")");
    has(R"("subleaf": "0x0-0x1f",
      "register": "edx",
      "bits": "31:0")");
    has(R"("msr": "0x35",
      "bits": "31:0")");
    has(R"("field": "ac_high",
      "msr": "0x10a",
      "bits": "63:60",
      "rule": "intersect",
      "value": "0x8",)");
    has(R"("severity": "warning")");
    has("zen-böhm");
}

TEST_CASE("a policy may have its keys in any order", "[policy]") {
    std::string text = to_json(sample_policy());
    const std::string schema = "  \"schema\": \"poolcpuid/policy/v1\",\n";
    text.erase(only_place_of(text, schema), schema.size());
    text.replace(text.rfind("\n}"), 2, ",\n  \"schema\": \"poolcpuid/policy/v1\"\n}");
    CHECK(read_policy(text, "pool.json") == sample_policy());
}

TEST_CASE("a policy is told from a host", "[policy]") {
    CHECK(is_policy(to_json(sample_policy())));
    CHECK_FALSE(is_policy(R"({"schema": "poolcpuid/host/v1"})"));
    for (const char* other : {"", " ", "{", "{}", "[]", R"({"schema")", R"({"schema": "poolcpuid/policy/v1)",
                              R"({"meta": {"schema": "poolcpuid/policy/v1"}, "schema": "poolcpuid/host/v1"})",
                              R"(CPUID 00000000: "poolcpuid/policy/v1")"}) {
        CAPTURE(other);
        CHECK_FALSE(is_policy(other));
    }
    CHECK(is_policy("\xEF\xBB\xBF" + to_json(sample_policy())));
    CHECK(is_policy(R"({"schema": "poolcpuid/policy/v2"})"));  // whose refusal is to say so
    // As `jq -S` writes it: what is long comes before the schema.
    const std::string sorted =
        R"({"decisions": [")" + std::string(10000, 'x') + R"("], "schema": "poolcpuid/policy/v1"})";
    CHECK(is_policy(sorted));
}

TEST_CASE("a count of fewer hosts than are named, and a number that is too wide, are refused", "[policy]") {
    check_refused({R"("count": 40)", R"("count": 0)", "a count of the 1 host named, and more, found 0"});
    check_refused({R"("family": 25)", R"("family": 65561)", "a number of 16 bits, found 65561"});
}

TEST_CASE("a host that a policy has twice is refused: nobody knows which of its contents is meant", "[policy]") {
    PoolPolicy policy = sample_policy();
    policy.hosts.push_back(policy.hosts.front());
    CHECK_THAT(refusal(to_json(policy)), Catch::Contains(R"(expected each host once, found "sha256": ")" +
                                                         policy.hosts.front().sha256 + "\" again"));
    policy.hosts.back().sha256 = std::string(64, '7');
    CHECK_THAT(refusal(to_json(policy)),
               Catch::Contains(R"(expected each host once, found ")" + policy.hosts.back().names.front() + "\" again"));
}

TEST_CASE("a decision that contradicts the registers is refused", "[policy]") {
    for (const Slip& slip : std::vector<Slip>{
             {R"("eax": "0x00000042")", R"("eax": "0x00000040")",
              "the value 0x1 that the decision on fs_gs_base_ns states, found 0x0 in the registers"},
             {R"("value": "0x8000000000000020")", R"("value": "0x7000000000000020")",
              "the value 0x8 that the decision on ac_high states, found 0x7"},
             {R"("value": "0x830f10")", R"("value": "0x830f11")", "decision on fms states, found 0x830f10"},
             {R"("value": "0x8",
      "values": [],)",
              R"("value": "0x08",
      "values": [],)",
              R"(expected "0x8", found "0x08")"},
             {R"("rule": "min",
      "value": "0x0")",
              R"("rule": "min",
      "value": "0x1")",
              "the value 0x1 that the decision on gone states, found 0x0"},
         }) {
        check_refused(slip);
    }
}

TEST_CASE("a refusal names the line of the decision", "[policy]") {
    std::string text = to_json(sample_policy());
    const std::size_t at = only_place_of(text, R"("eax": "0x00000042")");
    text.replace(at, 19, R"("eax": "0x00000040")");
    const std::size_t decision = line_at(text, text.rfind('{', only_place_of(text, R"("field": "fs_gs_base_ns",
      "leaf")")));
    CHECK_THAT(refusal(text), Catch::StartsWith("pool.json:" + std::to_string(decision) + ": expected "));
}

TEST_CASE("rows out of order or twice are refused", "[policy]") {
    for (const Slip& slip : std::vector<Slip>{
             {R"("leaf": "0x7",
      "subleaf": "0x1")",
              R"("leaf": "0x7",
      "subleaf": "0x0")",
              "CPUID rows in rising order, each once, found leaf 0x7"},
             {R"("leaf": "0x7",
      "subleaf": "0x1")",
              R"("leaf": "0x6",
      "subleaf": "0x1")",
              "CPUID rows in rising order"},
             {R"("index": "0x480")", R"("index": "0x10a")", "MSR rows in rising order, each once, found 0x10a"},
             {R"("index": "0x480")", R"("index": "0x10")", "MSR rows in rising order"},
         }) {
        check_refused(slip);
    }
}

TEST_CASE("values of the wrong shape are refused", "[policy]") {
    for (const Slip& slip : std::vector<Slip>{
             {R"("schema": "poolcpuid/policy/v1")", R"("schema": "poolcpuid/policy/v2")", "poolcpuid/policy/v1"},
             {R"("schema": "poolcpuid/policy/v1")", R"("schema": 1)", "poolcpuid/policy/v1"},
             {R"("eax": "0x00000042")", R"("eax": "0x000000042")", "1 to 8 hexadecimal digits"},
             {R"("eax": "0x00000042")", R"("eax": "42")", "1 to 8 hexadecimal digits"},
             {R"("eax": "0x00000042")", R"("eax": 66)", "1 to 8 hexadecimal digits"},
             {R"("value": "0x8000000000000020")", R"("value": "0x80000000000000201")", "1 to 16 hexadecimal digits"},
             {R"("severity": "warning")", R"("severity": "fatal")", "error, warning or note, found \"fatal\""},
             {R"("subleaf": "0x0-0x1f")", R"("subleaf": "0x0-")", "found \"0x0-\""},
             {R"("subleaf": "0x0-0x1f")", R"("subleaf": "0-31")", "0x"},
             {R"("subleaf": "0x0-0x1f")", R"("subleaf": "0x1f-0x0")", "found \"0x1f-0x0\""},
             {R"("subleaf": "0x0-0x1f")", R"("subleaf": [])", "found an array"},
             {R"("bits": "31:24")", R"("bits": "24:31")", "the high one first"},
             {R"("bits": "31:24")", R"("bits": "32:24")", "the high one first"},
             {R"("bits": "63:60")", R"("bits": "64:60")", "the high one first"},
             {R"("bits": "31:24")", R"("bits": "")", "a number or a range"},
             {R"("bits": "31:24")", R"("bits": {})", "found an object"},
             {R"("bits": "31:24")", R"("bits": 31)", "found 31"},
             {R"("register": "ebx")", R"("register": "rbx")", "eax, ebx, ecx or edx"},
             {R"("pool": "zen-böhm")", R"("pool": null)", "a string as \"pool\""},
             {R"("names": [
        "rome-1"
      ])",
              R"("names": [1])", "a string, found 1"},
             {R"("names": [
        "rome-1"
      ])",
              R"("names": "rome-1")", "an array as \"names\""},
         }) {
        check_refused(slip);
    }
}

TEST_CASE("numbers have one spelling, as the schema has it", "[policy]") {
    for (const Slip& slip : std::vector<Slip>{
             {R"("eax": "0x00000042")", R"("eax": "0x42")", R"(expected "0x00000042", found "0x42")"},
             {R"("value": "0x8000000000000020")", R"("value": "0x20")", R"(expected "0x0000000000000020")"},
             {R"("value": "0x830f10")", R"("value": "0x830F10")", R"(expected "0x830f10", found "0x830F10")"},
             {R"("index": "0x480")", R"("index": "0x0480")", R"(expected "0x480")"},
             {R"("subleaf": "0x0-0x1f")", R"("subleaf": "0x0-0x1F")", R"(expected "0x1f", found "0x0-0x1F")"},
             {R"("subleaf": "0x0-0x1f")", R"("subleaf": "0x00-0x1f")", R"(expected "0x0")"},
             {R"("bits": "63:60")", R"("bits": "63:060")", R"(expected "60", found "63:060")"},
         }) {
        check_refused(slip);
    }
}

TEST_CASE("a policy of no host is refused", "[policy]") {
    PoolPolicy policy = sample_policy();
    policy.hosts.clear();
    CHECK_THAT(refusal(to_json(policy)), Catch::Contains("expected one host or more, found none"));
}

TEST_CASE("a count is a whole number", "[policy]") {
    const std::string anchor = "\"rome-1\"\n      ],\n      \"count\": ";
    for (const char* count : {"-1", "1.5", "\"1\"", "true", "[]", "{}", "null", "1e3"}) {
        std::string text = to_json(sample_policy());
        text.replace(only_place_of(text, anchor) + anchor.size(), 1, count);
        INFO(count);
        CHECK_THAT(refusal(text), Catch::StartsWith("pool.json:") && Catch::Contains("a count"));
    }
}

TEST_CASE("every member but a finding's field is required, and no other is allowed", "[policy]") {
    const std::string text = to_json(sample_policy());
    std::size_t members = 0;
    // to_json writes a member a line, so every line that opens with a key can be renamed.
    for (std::size_t begin = 0; begin < text.size(); begin = text.find('\n', begin) + 1) {
        const std::size_t key = text.find_first_not_of(' ', begin);
        const std::string_view line = std::string_view(text).substr(key, text.find('\n', begin) - key);
        if (line.front() != '"' ||
            std::isupper(static_cast<unsigned char>(line[1])) != 0 ||  // "Genoa": any name will do
            line.find("\": ") == std::string_view::npos)
            continue;
        std::string changed = text;
        changed.insert(key + 1, "x");
        INFO(line);
        CHECK_THAT(refusal(changed), Catch::StartsWith("pool.json:"));
        ++members;
    }
    CHECK(members > 100);
}

TEST_CASE("the vendor must be that of leaf 0", "[policy]") {
    check_refused({R"("vendor": "AuthenticAMD")", R"("vendor": "GenuineIntel")",
                   "leaf 0 with the vendor \"GenuineIntel\", found \"AuthenticAMD\""});
    PoolPolicy policy = sample_policy();
    policy.cpuid.erase(policy.cpuid.begin());
    CHECK_THAT(refusal(to_json(policy)), Catch::Contains("found no leaf 0"));
}

TEST_CASE("what is no policy at all is refused", "[policy]") {
    for (const char* text :
         {"", "{}", "[]", "1", "null", "{\"schema\": \"poolcpuid/host/v1\"}", "not JSON", "\xff\xfe"}) {
        INFO(text);
        CHECK_THAT(refusal(text), Catch::StartsWith("pool.json"));
    }
    std::string twice = to_json(sample_policy());
    twice.replace(only_place_of(twice, "\"pool\":"), 7, "\"vendor\": \"x\", \"pool\":");
    CHECK_THAT(refusal(twice), Catch::Contains("each key once"));
    CHECK_THAT(refusal(to_json(sample_policy()) + "{}"), Catch::Contains("well-formed JSON"));
}

}  // namespace poolcpuid::test::policy_document_test
