// A lean policy does not say in what its hosts differ. Whatever it is rendered for says at least what is said of the
// policy with its decisions, and asks for nothing that this does not ask for.

#include <nlohmann/json.hpp>
#include <set>
#include <string>
#include <vector>

#include "tests/catch.hpp"
#include "tests/cli/support/example_policy.hpp"
#include "tests/cli/support/rendered.hpp"
#include "tests/cli/support/run_program.hpp"
#include "tests/cli/support/temporary_directory.hpp"

namespace poolcpuid::test::render_lean_test {

using Json = nlohmann::json;

namespace {

using Arguments = std::vector<std::string>;

Json rendered(const Arguments& target, const std::string& policy) {
    Arguments arguments{"render", policy, "--format", "json", "--to"};
    arguments.insert(arguments.end(), target.begin(), target.end());
    return rendered_by(run(arguments));
}

std::string lean_policy(const TemporaryDirectory& dir, const std::string& pool) {
    const std::string file = dir.file(pool + "-lean.json");
    const std::string hosts = POOLCPUID_SOURCE_DIR "/examples/" + pool + "/hosts";
    REQUIRE(run({"merge", "--lean", "--pool", pool, hosts, "-o", file}).status == 0);
    return file;
}

// What is said to be otherwise than in the policy, but for mere descriptions.
std::set<std::string> said(const Json& document) {
    std::set<std::string> all;
    for (const Json& entry : document.at("inexpressible")) {
        if (entry.at("impact") == "cosmetic") continue;
        std::string place;
        for (const char* key : {"leaf", "msr", "subleaf", "register", "bits"}) place += entry.value(key, "") + " ";
        all.insert(entry.at("field").get<std::string>() + " at " + place);
    }
    return all;
}

}  // namespace

TEST_CASE("of a lean policy nothing less is said than of the whole one, for no target", "[render]") {
    const TemporaryDirectory dir;
    const std::vector<Arguments> targets{{"firecracker"},
                                         {"kubevirt"},
                                         {"kvm"},
                                         {"libvirt"},
                                         {"nova"},
                                         {"proxmox", "--qemu", "10.2"},
                                         {"incus", "--qemu", "10.2"},
                                         {"qemu", "--qemu", "10.2"},
                                         {"virtualbox"},
                                         {"vmware"},
                                         {"xapi"},
                                         {"xen"},
                                         {"xen", "--form", "xend"},
                                         {"xen", "--form", "libxl"}};
    for (const char* pool : {"amd-zen", "intel-haswell-skylake"}) {
        const std::string lean = lean_policy(dir, pool);
        for (const Arguments& target : targets) {
            CAPTURE(pool, target);
            const std::set<std::string> of_lean = said(rendered(target, lean));
            for (const std::string& field : said(rendered(target, example_policy(pool)))) {
                CAPTURE(field);
                CHECK(of_lean.contains(field));
            }
        }
    }
}

TEST_CASE("a lean policy asks Xen for no bit for which the whole one does not", "[render][xen]") {
    const TemporaryDirectory dir;
    for (const char* pool : {"amd-zen", "intel-haswell-skylake"}) {
        CAPTURE(pool);
        const auto whole = featureset_of(rendered({"xapi"}, example_policy(pool)));
        const auto lean = featureset_of(rendered({"xapi"}, lean_policy(dir, pool)));
        REQUIRE(lean.size() == whole.size());
        for (std::size_t word = 0; word < lean.size(); ++word) {
            CAPTURE(word);
            CHECK((lean[word] & ~whole[word]) == 0);
        }
    }
}

}  // namespace poolcpuid::test::render_lean_test
