// hosts: the inventory before a merge, as text, JSON and NDJSON; and what merge says of mixed vendors.

#include <nlohmann/json.hpp>
#include <sstream>
#include <string>
#include <vector>

#include "tests/catch.hpp"
#include "tests/cli/support/run_program.hpp"
#include "tests/cli/support/sample_hosts.hpp"
#include "tests/cli/support/temporary_directory.hpp"
#include "tests/cli/support/validate.hpp"

namespace poolcpuid::test::hosts_test {

using Catch::Contains;
using Json = nlohmann::json;

namespace {

HostDump told(HostDump host, const std::string& microcode, const std::string& kernel) {
    host.meta["microcode"] = microcode;
    host.meta["kernel"] = kernel;
    return host;
}

// Three Milan, of which one lacks AVX2 and has an older microcode, and a Skylake-SP with a gap.
struct Hosts {
    TemporaryDirectory dir;
    TemporaryDirectory amd;

    Hosts() {
        for (const char* name : {"m-1", "m-2"}) put(told(amd_host(name), "0xa0011de", "6.1.0"));
        put(told(with_bit(amd_host("m-3"), leaf_7, Register::ebx, avx2_bit, false), "0xa0011d1", "6.1.0"));
        HostDump intel = intel_host("s-1");
        CpuidTable& table = intel.hardware->cpus.front().cpuid;
        std::erase_if(table.rows, [](const CpuidRow& row) { return row.key == leaf_7; });
        table.unknown.push_back({leaf_7.leaf, leaf_7.subleaf});
        dir.write("s-1.json", document(intel));
    }

    void put(const HostDump& host) {
        dir.write(host.name + ".json", document(host));
        amd.write(host.name + ".json", document(host));
    }

    Result hosts(std::vector<std::string> options, const Surroundings& surroundings = {}) const {
        options.insert(options.begin(), {"hosts", dir.path()});
        return run(options, surroundings);
    }
};

void check_valid(const std::string& text) {
    for (const std::string& error : schema_errors("hosts", text)) FAIL_CHECK(error);
}

}  // namespace

TEST_CASE("hosts groups what is alike, by vendor and CPU", "[hosts]") {
    const Hosts pool;
    const Result text = pool.hosts({"--format", "text"});
    CHECK(text.status == 0);
    CHECK(text.err.empty());
    CHECK(text.out ==
          "4 hosts: 3 AuthenticAMD, 1 GenuineIntel\n"
          "Software reads CPUID by vendor: no policy is true on all of them. Merge each\n"
          "  apart.\n"
          "\n"
          "Outliers: what fewer than half of the hosts with one CPU lack\n"
          "  - 1 of 3 Milan (m-3) lacks avx2; the other 2, of the same family, model and\n"
          "    stepping, have it. Look for a setting of the BIOS, the microcode (0xa0011d1,\n"
          "    the others 0xa0011de) or another variant of the CPU.\n"
          "\n"
          "AuthenticAMD: 3 hosts\n"
          "hosts  CPU    microcode  kernel  format     views     MSRs\n"
          "    1  Milan  0xa0011d1  6.1.0   host-json  hardware  no\n"
          "       m-3\n"
          "    2  Milan  0xa0011de  6.1.0   host-json  hardware  no\n"
          "       m-1, m-2\n"
          "\n"
          "GenuineIntel: 1 host\n"
          "hosts  CPU         microcode  format     views     MSRs\n"
          "    1  Skylake-SP  unknown    host-json  hardware  no\n"
          "       s-1\n"
          "       not known: 0x7.0\n");
}

TEST_CASE("hosts --each has a line a host", "[hosts]") {
    const Hosts pool;
    const std::string text = pool.hosts({"--each", "--format", "text"}).out;
    CHECK_THAT(text, Contains("host  CPU    microcode  kernel  format     views     MSRs\n"
                              "m-1   Milan  0xa0011de  6.1.0   host-json  hardware  no\n"
                              "m-2   Milan  0xa0011de  6.1.0   host-json  hardware  no\n"
                              "m-3   Milan  0xa0011d1  6.1.0   host-json  hardware  no\n"
                              "      lacks: avx2\n"));
}

TEST_CASE("hosts stand apart of which other things are unknown", "[hosts]") {
    const TemporaryDirectory dir;
    dir.write("a.json", document(amd_host("a")));
    dir.write("c.json", document(amd_host("c")));
    HostDump silent = amd_host("b");
    CpuidTable& table = silent.hardware->cpus.front().cpuid;
    std::erase_if(table.rows, [](const CpuidRow& row) { return row.key == leaf_7; });
    table.unknown.push_back({leaf_7.leaf, leaf_7.subleaf});
    dir.write("b.json", document(silent));
    const Json groups = Json::parse(run({"hosts", dir.path()}).out).at("groups");
    REQUIRE(groups.size() == 2);
    CHECK(groups.at(0).at("names") == Json{"a", "c"});
    CHECK(groups.at(1).at("names") == Json{"b"});
}

TEST_CASE("hosts of one vendor need no title", "[hosts]") {
    const TemporaryDirectory dir;
    dir.write("a.json", document(amd_host("a")));
    CHECK(run({"hosts", dir.path(), "--format", "text"}).out ==
          "1 host, AuthenticAMD\n"
          "\n"
          "hosts  CPU    microcode  format     views     MSRs\n"
          "    1  Milan  unknown    host-json  hardware  no\n"
          "       a\n");
}

TEST_CASE("hosts as JSON has groups and every host, as NDJSON a document a host", "[hosts][schema]") {
    const Hosts pool;
    const Result piped = pool.hosts({});
    check_valid(piped.out);
    const Json json = Json::parse(piped.out);
    CHECK(json.at("count") == 4);
    CHECK(json.at("groups").size() == 3);
    CHECK(json.at("groups").at(1).at("names") == Json{"m-1", "m-2"});
    CHECK(json.at("vendors").at(0).at("cpus") == Json::parse(R"({"Milan": 3})"));
    CHECK(json.at("outliers").at(0).at("fields") == Json{"avx2"});
    CHECK(json.at("hosts").at(2).at("lacks") == Json{"avx2"});
    CHECK(json.at("hosts").at(2).at("cpu").at("family") == 25);
    CHECK(json.at("hosts").at(3).at("unknown") == Json::parse(R"([{"leaf": "0x7", "subleaf": "0x0"}])"));
    CHECK_FALSE(json.at("hosts").at(3).contains("microcode"));

    std::istringstream lines(pool.hosts({"--format", "ndjson"}).out);
    std::size_t count = 0;
    for (std::string line; std::getline(lines, line); ++count) {
        check_valid(line);
        CHECK(Json::parse(line).at("hosts") == Json::array({json.at("hosts").at(count)}));
    }
    CHECK(count == 4);
}

TEST_CASE("hosts takes vendors that the rulebook does not know, and hostile names", "[hosts][schema]") {
    const TemporaryDirectory dir;
    HostDump odd = amd_host("odd");
    odd.hardware->cpus.front().cpuid.rows.front().value.ebx = 0x1B5B3141;  // an escape sequence in the vendor string
    dir.write("odd.json", document(odd));
    const Result text = run({"hosts", dir.path(), "--format", "text"});
    CHECK(text.status == 0);
    CHECK_THAT(text.out, !Contains("\033") && Contains("odd"));
    check_valid(run({"hosts", dir.path()}).out);
    check_valid(run({"hosts", dir.path(), "--format", "ndjson"}).out);
}

TEST_CASE("hosts that cannot be read are all named", "[hosts]") {
    const Hosts pool;
    pool.dir.write("bad-1", "x");
    pool.dir.write("bad-2", "x");
    const Result result = pool.hosts({});
    CHECK(result.status == 3);
    CHECK(result.out.empty());
    CHECK_THAT(result.err, Contains("bad-1") && Contains("bad-2"));
    CHECK(pool.hosts({"--skip-unreadable"}).status == 0);
    CHECK(run({"hosts"}).status == 2);
    CHECK(run({"hosts", pool.dir.path(), "--format", "xml"}).status == 2);
}

TEST_CASE("merge names all of both vendors by CPU", "[hosts][merge]") {
    const Hosts pool;
    const Result mixed = run({"merge", pool.dir.path()});
    CHECK(mixed.status == 4);
    CHECK_THAT(mixed.err, Contains("mixed vendors: 3 AuthenticAMD (Milan ×3), 1 GenuineIntel (Skylake-SP ×1)"));
}

TEST_CASE("the summary of merge begins with outliers that cost the pool a feature", "[hosts][merge]") {
    const Hosts pool;
    const std::string text = run({"merge", pool.amd.path(), "--format", "text"}).out;
    CHECK_THAT(text, Contains("warning outlier: 1 of 3 Milan (m-3) lacks avx2;"));
    CHECK(text.find("Outliers") < text.find("Given up"));
    CHECK(text.find("outlier:") == text.rfind("outlier:"));
}

}  // namespace poolcpuid::test::hosts_test
