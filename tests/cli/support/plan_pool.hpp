// A small pool for tests of plan, and short ways to ask what a plan's document says.
#pragma once

#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "tests/cli/support/run_program.hpp"
#include "tests/cli/support/sample_hosts.hpp"
#include "tests/cli/support/temporary_directory.hpp"

namespace poolcpuid::test {

// Hosts that keep, lose and relax promises of one another.
HostDump without_avx2(const std::string& name);
HostDump relaxed_base(const std::string& name);      // FS_BASE writes need not be serializing
HostDump silent_on_leaf_7(const std::string& name);  // the dump does not say what it has there

// A directory with the pool "blue" of the hosts a and b, which agree, its policy in blue.json, and others.
struct PlanPool {
    TemporaryDirectory dir{};
    std::string a = dir.write("hosts/a.json", document(amd_host("a")));
    std::string b = dir.write("hosts/b.json", document(amd_host("b")));
    std::string strong = dir.write("strong.json", document(amd_host("strong")));
    std::string weak = dir.write("weak.json", document(without_avx2("weak")));
    std::string relaxed = dir.write("relaxed.json", document(relaxed_base("relaxed")));
    std::string silent = dir.write("silent.json", document(silent_on_leaf_7("silent")));
    std::string policy = policy_of({a, b}, "blue.json");

    // Merges with these arguments into a file of the directory, and returns its path.
    std::string policy_of(const std::vector<std::string>& arguments, const std::string& file) const;

    // plan blue.json --hosts a b, and more arguments.
    Result plan(const std::vector<std::string>& arguments, const Surroundings& surroundings = {}) const;
};

// A plan's document; a failed requirement when stdout is none.
nlohmann::ordered_json plan_json(const Result& result);

// The entry of a running policy; null when there is none.
nlohmann::ordered_json running_of(const nlohmann::ordered_json& plan, const std::string& label);

// "weak (avx2), x y (avx2)": the groups that an entry cannot reach, with the fields of their violations.
std::string cannot_reach(const nlohmann::ordered_json& entry);

// Strings of a list, each followed by a blank.
std::string words(const nlohmann::ordered_json& list);

// text with each run of blanks and newlines as one blank: sentences, however they wrap.
std::string flat(const std::string& text);

// The longest line, in bytes, of those that hold more than one word.
std::size_t longest_line(const std::string& text);

// How often part stands in text.
std::size_t count_of(const std::string& text, const std::string& part);

}  // namespace poolcpuid::test
