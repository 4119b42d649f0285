// A bit that a vendor published yesterday is one entry in one file of the rulebook: every verb and every target knows
// it then. Its QEMU name carries its release there: what a release is given, and what lint says of a name without.

#include <algorithm>
#include <filesystem>
#include <nlohmann/json.hpp>
#include <string>

#include "tests/catch.hpp"
#include "tests/cli/support/run_program.hpp"
#include "tests/cli/support/sample_hosts.hpp"
#include "tests/cli/support/small_cpu_map.hpp"
#include "tests/cli/support/temporary_directory.hpp"

namespace poolcpuid::test::new_bit_test {

using Catch::Contains;
using Json = nlohmann::json;

namespace {

constexpr LeafKey leaf_7_1{0x7, 0x1};
constexpr const char* leaf_file = "policy/cpuid/0x7.json";

// A copy of policy/ with a bit that Intel published yesterday, whose QEMU name is said as given.
std::string rulebook_with_new_bit(const TemporaryDirectory& dir, const std::string& qemu_name) {
    std::filesystem::copy(POOLCPUID_SOURCE_DIR "/policy", dir.file("policy"), std::filesystem::copy_options::recursive);
    std::string leaf = dir.read(leaf_file);
    const std::size_t next = leaf.find(R"(  {"id": "uiret_uif")");
    REQUIRE(next != std::string::npos);
    leaf.insert(next, R"(  {"id": "avx_foo", "subleaf": "0x1", "register": "edx", "bits": "16",
   "names": {"qemu": )" + qemu_name +
                          R"(},
   "vendors": ["all"], "rule": "intersect", "exposure": "default", "impact": "crash", "why": "W.", "source": "SDM"},
)");
    dir.write(leaf_file, leaf);
    return dir.file("policy");
}

std::size_t line_of(const std::string& text, const std::string& what) {
    const auto end = text.begin() + static_cast<std::ptrdiff_t>(text.find(what));
    return 1 + static_cast<std::size_t>(std::count(text.begin(), end, '\n'));
}

// Why the bit is not said to that release, or nothing when the argument says it.
std::string why_not_said(const Json& document) {
    for (const Json& entry : document.at("inexpressible")) {
        if (entry.at("field") == "avx_foo") return entry.at("reason");
    }
    CHECK_THAT(document.at("output").get<std::string>(), Contains(",avx-foo=on,"));
    return {};
}

// Two policies with that rulebook: of a host with the bit, and of one without. Both have another bit of that register,
// so that they do not differ in the leaf's highest subleaf.
struct Pools {
    TemporaryDirectory dir;
    std::string rulebook = rulebook_with_new_bit(dir, R"({"name": "avx-foo", "since": "7.2"})");
    std::string host_with = dir.write("with.json", document(with_bit(host("with"), leaf_7_1, Register::edx, 16, true)));
    std::string host_without = dir.write("without.json", document(host("without")));
    std::string with = dir.file("with_policy.json");
    std::string without = dir.file("without_policy.json");

    Pools() {
        REQUIRE(run({"merge", "--rulebook", rulebook, host_with, "-o", with}).status == 0);
        REQUIRE(run({"merge", "--rulebook", rulebook, host_with, host_without, "-o", without}).status == 0);
    }

    static HostDump host(const std::string& name) {
        return with_bit(intel_host(name), leaf_7_1, Register::edx, 14, true);  // PREFETCHIT0 and PREFETCHIT1
    }

    Result ask(const std::string& verb, const std::vector<std::string>& arguments) const {
        std::vector<std::string> all{verb, "--rulebook", rulebook};
        all.insert(all.end(), arguments.begin(), arguments.end());
        return run(all);
    }
};

}  // namespace

TEST_CASE("a bit that is one new entry of the rulebook is known to every verb", "[rules][long]") {
    const Pools pools;
    const auto value = [&](const std::string& policy) -> Json {
        return Json::parse(
            pools.ask("explain", {policy, "avx_foo", "--format", "json"}).out)["fields"][0]["values"][0]["value"];
    };
    CHECK(value(pools.with) == "0x1");
    CHECK(value(pools.without) == "0x0");
    CHECK_THAT(run({"rules", "show", "--rulebook", pools.rulebook, "avx-foo"}).out, Contains("avx_foo"));
    CHECK_THAT(pools.ask("explain", {pools.without, "avx-foo", "--format", "text"}).out, Contains("without"));
    const Result check = pools.ask("check", {pools.with, pools.host_without, "--format", "text"});
    CHECK(check.status == 1);
    CHECK_THAT(check.out, Contains("avx_foo"));
    CHECK(pools.ask("check", {pools.without, pools.host_with}).status == 0);
    CHECK_THAT(pools.ask("diff", {pools.with, pools.without, "--format", "json"}).out, Contains("\"avx_foo\""));
    const std::string page = pools.dir.file("page.html");
    CHECK(pools.ask("report", {pools.without, "--hosts", pools.host_with, pools.host_without, "-o", page}).status == 0);
    CHECK_THAT(pools.dir.read("page.html"), Contains("avx_foo"));
}

TEST_CASE("a bit that is one new entry of the rulebook is given by every target, or listed as lost", "[render][long]") {
    const Pools pools;
    for (const std::vector<std::string>& target : {std::vector<std::string>{"qemu", "--qemu", "12.0"},
                                                   {"libvirt", "--cpu-map", cpu_map_in(pools.dir)},
                                                   {"kvm"},
                                                   {"xen"},
                                                   {"xapi"},
                                                   {"firecracker"}}) {
        CAPTURE(target);
        const auto render = [&](const std::string& policy) {
            std::vector<std::string> arguments{policy, "--format", "json", "--to"};
            arguments.insert(arguments.end(), target.begin(), target.end());
            const Result result = pools.ask("render", arguments);
            INFO(result.text());
            REQUIRE(result.status == 0);
            return Json::parse(result.out);
        };
        const Json with = render(pools.with);
        const bool is_listed = with.at("inexpressible").dump().find("avx_foo") != std::string::npos;
        // What is not listed is in the output: it is another one than that of the policy without the bit.
        CHECK(is_listed != (with.at("output") != render(pools.without).at("output")));
        if (target.front() == "qemu") CHECK_THAT(with.at("output").get<std::string>(), Contains(",avx-foo=on,"));
    }
}

TEST_CASE("a new bit is said to the releases of QEMU that have its name, and listed for all others", "[render]") {
    const TemporaryDirectory dir;
    const std::string rulebook =
        rulebook_with_new_bit(dir, R"({"name": "avx-foo", "since": "12.0", "absent": "11.0"})");
    const std::string host =
        dir.write("host.json", document(with_bit(intel_host("new"), leaf_7_1, Register::edx, 16, true)));
    const std::string policy = dir.file("policy.json");
    REQUIRE(run({"merge", "--rulebook", rulebook, host, "-o", policy}).status == 0);
    const auto told = [&](const std::string& version) {
        const Result result =
            run({"render", "--rulebook", rulebook, "--to", "qemu", "--qemu", version, policy, "--format", "json"});
        INFO(result.text());
        REQUIRE(result.status == 0);
        return why_not_said(Json::parse(result.out));
    };
    CHECK(told("7.2") == "QEMU 7.2 has no name for it.");
    CHECK(told("11.0") == "QEMU 11.0 has no name for it.");
    CHECK_THAT(told("11.1"), Contains("not known here whether QEMU 11.1"));
    CHECK(told("12.0").empty());
    CHECK(told("13.1").empty());
}

TEST_CASE("render goes by the targets of the rulebook that it is given", "[render][rules]") {
    const Pools pools;
    const std::string target = "policy/targets/xen.json";
    const auto version = [&] {
        const Result result = pools.ask("render", {pools.with, "--to", "xapi", "--format", "json"});
        INFO(result.text());
        REQUIRE(result.status == 0);
        return Json::parse(result.out).at("version").get<std::string>();
    };
    CHECK_THAT(version(), !Contains("Xen 4.30"));
    std::string document = pools.dir.read(target);
    const std::string release = R"("release": "4.20")";
    document.replace(document.find(release), release.size(), R"("release": "4.30")");
    pools.dir.write(target, document);
    CHECK_THAT(version(), Contains("Xen 4.30"));
    document.replace(document.find("4.30"), 4, "next");
    pools.dir.write(target, document);
    const Result refused = pools.ask("render", {pools.with, "--to", "kvm"});
    CHECK(refused.status == 3);
    CHECK_THAT(refused.err, Contains("targets/xen.json:" + std::to_string(line_of(document, "next"))));
}

TEST_CASE("lint refuses a QEMU name without its release, on its line", "[rules]") {
    for (const auto& [name, message] : std::vector<std::pair<std::string, std::string>>{
             {R"("avx-foo")", "expected QEMU's name with its release"},
             {R"({"name": "avx-foo"})", "\"since\""},
             {R"({"name": "avx-foo", "since": "next"})", "expected a release \"MAJOR.MINOR\""}}) {
        CAPTURE(name);
        const TemporaryDirectory dir;
        const std::string rulebook = rulebook_with_new_bit(dir, name);
        const std::string line = std::to_string(line_of(dir.read(leaf_file), R"({"qemu": )" + name));
        const Result result = run({"rules", "lint", rulebook});
        CHECK(result.status == 3);
        CHECK_THAT(result.out, Contains("cpuid/0x7.json:" + line + ": avx_foo: ") && Contains(message));
        CHECK(run({"rules", "list", "--rulebook", rulebook}).status == 3);
    }
}

TEST_CASE("rules show says from which release on QEMU has a name", "[rules]") {
    const Result shown = run({"rules", "show", "fs_gs_base_ns", "--format", "text"});
    CHECK_THAT(shown.out, Contains("fs-gs-base-ns, 10.1 and later\n"));
}

}  // namespace poolcpuid::test::new_bit_test
