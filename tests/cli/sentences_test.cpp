// The sentences of a policy document are for people: no verb reads one.

#include <algorithm>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "tests/catch.hpp"
#include "tests/cli/support/example_policy.hpp"
#include "tests/cli/support/run_program.hpp"
#include "tests/cli/support/temporary_directory.hpp"

namespace poolcpuid::test::sentences_test {

using nlohmann::ordered_json;

namespace {

const std::string examples = POOLCPUID_SOURCE_DIR "/examples/";

// The same policy with other words in the place of every sentence of the kind: reason or message.
std::string reworded(const TemporaryDirectory& directory, const std::string& policy, const std::string& list,
                     const std::string& sentence) {
    ordered_json document = ordered_json::parse(bytes_of(policy));
    std::size_t count = 0;
    for (ordered_json& entry : document.at(list)) {
        // Each another one, and each says what the oldest readers took for a cause.
        entry.at(sentence) = "Withheld by --ceiling. (a, b, c and " + std::to_string(++count) + " more)";
    }
    REQUIRE(count > 0);
    return directory.write(policy.substr(policy.rfind('/') + 1), document.dump(2) + "\n");
}

void replace_all(std::string& text, const std::string& from, const std::string& to) {
    for (std::size_t at = text.find(from); at != std::string::npos; at = text.find(from, at + to.size())) {
        text.replace(at, from.size(), to);
    }
}

// Documents name a policy by its digest and its file, which differ.
std::string without_names(const Result& result, const std::string& policy) {
    std::string text = std::to_string(result.status) + "\n" + result.out + result.err;
    replace_all(text, policy, "POLICY");
    std::string masked;
    std::size_t digits = 0;
    for (const char c : text + '\n') {
        const bool is_digit = (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f');
        digits = is_digit ? digits + 1 : 0;
        masked += c;
        constexpr std::size_t digest = 64;
        if (digits == digest) masked.replace(masked.size() - digest, digest, "DIGEST");
    }
    return masked;
}

// Every verb that reads a policy, in the form that shows most of it.
std::vector<std::vector<std::string>> verbs(const std::string& policy, const std::string& pool) {
    const std::string hosts = examples + pool + "/hosts";
    return {{"explain", policy, "--format", "text"},
            {"explain", policy, "--format", "json"},
            {"explain", policy, "--hosts", hosts, "--format", "text"},
            {"explain", policy, "avx2", "md_clear", "pku", "xsave state pkru", "xcr0_lo", "xs_size", "xs_offset"},
            {"check", policy, hosts, "--format", "text"},
            {"check", policy, hosts, "--format", "json"},
            {"check", policy, policy, "--format", "json"},
            {"diff", policy, example_policy(pool), "--format", "json"},
            {"diff", policy, example_policy(pool), "--format", "text"},
            {"plan", policy, "--hosts", hosts, "--format", "text"},
            {"merge", hosts, "--ceiling", policy, "--format", "text"},
            {"merge", hosts, "--floor", policy, "--format", "json"},
            {"report", policy},
            {"render", policy, "--to", "kvm"},
            {"render", policy, "--to", "xen"},
            {"render", policy, "--to", "firecracker"},
            {"render", policy, "--to", "qemu", "--qemu", "11.0"}};
}

// What a verb says where the words of findings are not data but shown.
void erase_messages(ordered_json& json) {
    if (json.is_object() && json.contains("severity")) json["message"] = "";
    for (ordered_json& value : json) {
        if (value.is_structured()) erase_messages(value);
    }
}

// A policy's hosts stand in the order of their digests, and the digest of a reworded ceiling is another one.
void sort_hosts(ordered_json& json) {
    if (!json.contains("hosts")) return;
    const auto names = [](const ordered_json& host) { return host.value("names", ordered_json()); };
    std::stable_sort(json["hosts"].begin(), json["hosts"].end(),
                     [&](const ordered_json& a, const ordered_json& b) { return names(a) < names(b); });
}

}  // namespace

TEST_CASE("a policy whose reasons are worded otherwise is told the same by every verb", "[policy][long]") {
    for (const std::string& pool : std::vector<std::string>{"amd-zen", "intel-haswell-skylake"}) {
        const TemporaryDirectory directory;
        const std::string& original = example_policy(pool);
        const std::string other = reworded(directory, original, "decisions", "reason");
        const auto before = verbs(original, pool);
        const auto after = verbs(other, pool);
        for (std::size_t i = 0; i < before.size(); ++i) {
            CAPTURE(pool, before[i]);
            CHECK(without_names(run(after[i]), other) == without_names(run(before[i]), original));
        }
    }
}

TEST_CASE("a policy whose findings are worded otherwise decides the same in every verb", "[policy]") {
    const std::string pool = "amd-zen";
    const TemporaryDirectory directory;
    const std::string& original = example_policy(pool);
    const std::string other = reworded(directory, original, "findings", "message");
    const std::string hosts = examples + pool + "/hosts";
    const auto documents = [&](const std::string& policy) {
        return std::vector<std::vector<std::string>>{{"explain", policy, "--format", "json"},
                                                     {"check", policy, hosts, "--format", "json"},
                                                     {"merge", hosts, "--ceiling", policy, "--format", "json"},
                                                     {"render", policy, "--to", "kvm", "--format", "json"}};
    };
    const auto told = [](const Result& result, const std::string& policy) {
        CAPTURE(result.text());
        ordered_json json = ordered_json::parse(result.out);
        erase_messages(json);
        sort_hosts(json);
        return without_names({result.status, json.dump(1), ""}, policy);
    };
    const auto before = documents(original);
    const auto after = documents(other);
    for (std::size_t i = 0; i < before.size(); ++i) {
        CAPTURE(before[i]);
        CHECK(told(run(after[i]), other) == told(run(before[i]), original));
    }
}

}  // namespace poolcpuid::test::sentences_test
