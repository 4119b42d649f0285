#include "tests/cli/support/plan_pool.hpp"

#include <algorithm>
#include <sstream>

#include "tests/catch.hpp"

namespace poolcpuid::test {

using Json = nlohmann::ordered_json;

HostDump without_avx2(const std::string& name) {
    return with_bit(amd_host(name), leaf_7, Register::ebx, avx2_bit, false);
}

HostDump relaxed_base(const std::string& name) {
    return with_bit(amd_host(name), leaf_8000_0021, Register::eax, fs_gs_base_ns_bit, true);
}

HostDump silent_on_leaf_7(const std::string& name) {
    HostDump host = amd_host(name);
    CpuidTable& table = host.hardware->cpus.front().cpuid;
    std::erase_if(table.rows, [](const CpuidRow& row) { return row.key == leaf_7; });
    table.unknown.push_back({leaf_7.leaf, leaf_7.subleaf});
    return host;
}

std::string PlanPool::policy_of(const std::vector<std::string>& arguments, const std::string& file) const {
    std::vector<std::string> merge{"merge", "--pool", "blue", "-o", dir.file(file)};
    merge.insert(merge.end(), arguments.begin(), arguments.end());
    const Result result = run(merge);
    INFO(result.text());
    REQUIRE(result.status == 0);
    return dir.file(file);
}

Result PlanPool::plan(const std::vector<std::string>& arguments, const Surroundings& surroundings) const {
    std::vector<std::string> all{"plan", policy, "--hosts", a, b};
    all.insert(all.end(), arguments.begin(), arguments.end());
    return run(all, surroundings);
}

Json plan_json(const Result& result) {
    Json json = Json::parse(result.out, nullptr, false);
    INFO(result.text());
    REQUIRE_FALSE(json.is_discarded());
    return json;
}

Json running_of(const Json& plan, const std::string& label) {
    for (const Json& entry : plan.at("running")) {
        if (entry.at("label") == label) return entry;
    }
    return nullptr;
}

std::string cannot_reach(const Json& entry) {
    std::string text;
    for (const Json& group : entry.at("cannot_reach")) {
        text += (text.empty() ? "" : ", ") + words(group.at("hosts")) + "(";
        for (const Json& violation : group.at("violations")) {
            text += (text.ends_with('(') ? "" : " ") + violation.at("field").get<std::string>();
        }
        text += ")";
    }
    return text;
}

std::string words(const Json& list) {
    std::string text;
    for (const Json& entry : list) text += entry.get<std::string>() + " ";
    return text;
}

std::string flat(const std::string& text) {
    std::istringstream words(text);
    std::string all;
    for (std::string word; words >> word;) all += (all.empty() ? "" : " ") + word;
    return all;
}

std::size_t longest_line(const std::string& text) {
    std::size_t longest = 0;
    std::istringstream lines(text);
    for (std::string line; std::getline(lines, line);) {
        const std::size_t first = line.find_first_not_of(' ');
        const bool one_word = first == std::string::npos || line.find(' ', first) == std::string::npos;
        if (!one_word) longest = std::max(longest, line.size());
    }
    return longest;
}

std::size_t count_of(const std::string& text, const std::string& part) {
    std::size_t count = 0;
    for (std::size_t at = text.find(part); at != std::string::npos; at = text.find(part, at + 1)) ++count;
    return count;
}

}  // namespace poolcpuid::test
