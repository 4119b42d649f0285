#include "tests/cli/support/example_policy.hpp"

#include <map>
#include <stdexcept>

#include "tests/cli/support/run_program.hpp"
#include "tests/cli/support/temporary_directory.hpp"

namespace poolcpuid::test {

const std::string& example_policy(std::string_view name) {
    const std::string pool(name);
    static const TemporaryDirectory directory;
    static std::map<std::string, std::string> files;
    const auto [entry, is_new] = files.try_emplace(pool, directory.file(pool + ".json"));
    if (is_new) {
        const std::string hosts = POOLCPUID_SOURCE_DIR "/examples/" + pool + "/hosts";
        const Result result = run({"merge", "--pool", pool, hosts, "-o", entry->second});
        if (result.status != 0) throw std::runtime_error("no policy of the example " + pool + ": " + result.text());
    }
    return entry->second;
}

}  // namespace poolcpuid::test
