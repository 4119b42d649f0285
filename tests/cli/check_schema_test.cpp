// What check prints for scripts is as schemas/check.schema.json says, whatever a host breaks; and the schema
// is not one that accepts anything.

#include <functional>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <vector>

#include "tests/catch.hpp"
#include "tests/cli/support/run_program.hpp"
#include "tests/cli/support/sample_hosts.hpp"
#include "tests/cli/support/temporary_directory.hpp"
#include "tests/cli/support/validate.hpp"

namespace poolcpuid::test::check_schema_test {

namespace {

using Json = nlohmann::json;

constexpr unsigned arch_capabilities_bit = 29;  // leaf 7, EDX
constexpr std::uint32_t arch_capabilities = 0x10A;
constexpr std::uint64_t immune = 0x21;  // RDCL_NO, MDS_NO

// An Intel host with IA32_ARCH_CAPABILITIES; of what the MSR holds it may be silent.
HostDump with_arch_capabilities(const std::string& name, std::optional<std::uint64_t> value) {
    HostDump host = with_bit(intel_host(name), leaf_7, Register::edx, arch_capabilities_bit, true);
    if (value) host.hardware->msrs = std::vector<MsrRow>{{arch_capabilities, *value}};
    return host;
}

// The verdict of a policy of these hosts on another, which must be as the schema says.
Json checked(const std::vector<HostDump>& pool, const HostDump& host, const std::vector<std::string>& options = {}) {
    const TemporaryDirectory dir;
    std::vector<std::string> merge{"merge", "-o", dir.file("policy")};
    for (const HostDump& member : pool) merge.push_back(dir.write(member.name, document(member)));
    REQUIRE(run(merge).status == 0);
    std::vector<std::string> check{"check", dir.file("policy"), dir.write("checked", document(host)), "--format",
                                   "json"};
    check.insert(check.end(), options.begin(), options.end());
    const Result result = run(check);
    INFO(result.text());
    for (const std::string& error : schema_errors("check", result.out)) FAIL_CHECK(error);
    const Json json = Json::parse(result.out);
    CHECK(result.status == (json.at("compatible").get<bool>() ? 0 : 1));
    return json;
}

// The first host's entry for a field in a list, or an empty object.
Json entry(const Json& document, const char* list, const std::string& field) {
    for (const Json& candidate : document.at("hosts").at(0).at(list)) {
        if (candidate.at("field") == field) return candidate;
    }
    return Json::object();
}

Json violation(const Json& document, const std::string& field) { return entry(document, "violations", field); }
Json start_up(const Json& document, const std::string& field) { return entry(document, "start_up", field); }

HostDump relaxed(const std::string& name) {
    return with_bit(amd_host(name), leaf_8000_0021, Register::eax, fs_gs_base_ns_bit, true);
}

}  // namespace

TEST_CASE("a compatible host's verdict is valid", "[schema][check]") {
    const Json json = checked({amd_host("a")}, amd_host("b"));
    CHECK(json.at("compatible") == true);
    CHECK(json.at("strict") == false);
    CHECK(json.at("hosts").at(0).at("outcome") == "runs");
    CHECK(json.at("hosts").at(0).at("violations").empty());
    CHECK(json.at("hosts").at(0).at("kind") == "host");
}

TEST_CASE("a violation in either direction is valid", "[schema][check]") {
    const HostDump weak = with_bit(amd_host("b"), leaf_7, Register::ebx, avx2_bit, false);
    CHECK(violation(checked({amd_host("a")}, weak), "avx2").value("breach", "") == "lost");
    CHECK(violation(checked({amd_host("a")}, relaxed("b")), "fs_gs_base_ns").value("breach", "") == "not-told");
}

TEST_CASE("a number, an XSAVE state and a foreign vendor are valid", "[schema][check]") {
    const HostDump narrow = with_register(amd_host("b"), leaf_8000_0008, Register::eax, 0x00003028);
    CHECK(violation(checked({amd_host("a")}, narrow), "maxphyaddr").value("host", "") == "0x28");
    const HostDump moved = with_register(amd_host("b"), {0xD, 0x2}, Register::ebx, 0x280);
    CHECK(violation(checked({amd_host("a")}, moved), "xsave state avx").value("leaf", "") == "0xd");
    CHECK(violation(checked({amd_host("a")}, intel_host("b")), "vendor").value("host", "") == "GenuineIntel");
}

TEST_CASE("a violation in an MSR is valid, and names the MSR instead of a leaf", "[schema][check]") {
    const Json json = checked({with_arch_capabilities("a", immune)}, with_arch_capabilities("b", 0x0));
    const Json found = violation(json, "ac_rdcl_no");
    CHECK(found.value("msr", "") == "0x10a");
    CHECK_FALSE(found.contains("leaf"));
}

TEST_CASE("what a dump does not say is valid, as a failure and as a warning", "[schema][check]") {
    const std::vector<HostDump> pool{with_arch_capabilities("a", immune)};
    const HostDump silent = with_arch_capabilities("b", std::nullopt);
    const Json failed = checked(pool, silent);
    const Json found = violation(failed, "ac_rdcl_no");
    CHECK(found.value("known", true) == false);
    CHECK(found.value("host", "") == "unknown");
    CHECK(failed.at("unknown") == "fail");
    CHECK(failed.at("compatible") == false);
    const Json warned = checked(pool, silent, {"--unknown", "warn"});
    CHECK(warned.at("unknown") == "warn");
    CHECK(warned.at("compatible") == true);
}

TEST_CASE("what a VMM must be told to show is valid", "[schema][check]") {
    const Json cpuid = checked({amd_host("a"), relaxed("b")}, amd_host("c"));
    CHECK(start_up(cpuid, "fs_gs_base_ns").value("value", "") == "0x1");
    CHECK(cpuid.at("compatible") == true);
    // Skylake has RSBA whatever its MSR shows.
    const Json msr = checked({with_arch_capabilities("a", 0x0)}, with_arch_capabilities("b", 0x0));
    CHECK(start_up(msr, "ac_rsba").value("msr", "") == "0x10a");
}

TEST_CASE("a policy in a host's place is valid", "[schema][check]") {
    const TemporaryDirectory dir;
    const std::string host = dir.write("a", document(amd_host("a")));
    REQUIRE(run({"merge", host, "-o", dir.file("policy"), "--pool", "blue"}).status == 0);
    const Result result = run({"check", dir.file("policy"), dir.file("policy"), "--format", "json"});
    for (const std::string& error : schema_errors("check", result.out)) FAIL_CHECK(error);
    CHECK(Json::parse(result.out).at("hosts").at(0).at("kind") == "policy");
}

TEST_CASE("the schema refuses a verdict that is not as the program writes it", "[schema][check]") {
    const HostDump weak = with_bit(relaxed("c"), leaf_7, Register::ebx, avx2_bit, false);
    HostDump told = with_bit(amd_host("b"), leaf_8000_0008, Register::ebx, 20, true);  // EferLmsleUnsupported
    const Json good = checked({amd_host("a"), told}, weak);
    REQUIRE(good.at("hosts").at(0).at("violations").size() >= 2);
    REQUIRE_FALSE(good.at("hosts").at(0).at("start_up").empty());

    struct Slip {
        const char* what;
        std::function<void(Json& document, Json& violation, Json& start_up)> make;
    };
    const std::vector<Slip> slips{
        {"another schema", [](Json& d, Json&, Json&) { d["schema"] = "poolcpuid/check/v2"; }},
        {"no pool", [](Json& d, Json&, Json&) { d.erase("pool"); }},
        {"a short vendor", [](Json& d, Json&, Json&) { d["vendor"] = "AMD"; }},
        {"an unknown word", [](Json& d, Json&, Json&) { d["unknown"] = "ignore"; }},
        {"a word for a truth", [](Json& d, Json&, Json&) { d["compatible"] = "no"; }},
        {"no host", [](Json& d, Json&, Json&) { d["hosts"] = Json::array(); }},
        {"something more", [](Json& d, Json&, Json&) { d["date"] = "today"; }},
        {"a host without digest", [](Json& d, Json&, Json&) { d["hosts"][0].erase("sha256"); }},
        {"a host of a third kind", [](Json& d, Json&, Json&) { d["hosts"][0]["kind"] = "pool"; }},
        {"something more of a host", [](Json& d, Json&, Json&) { d["hosts"][0]["names"] = Json::array(); }},
        {"a third breach", [](Json&, Json& v, Json&) { v["breach"] = "both"; }},
        {"a number for a value", [](Json&, Json& v, Json&) { v["promised"] = 1; }},
        {"nothing for a value", [](Json&, Json& v, Json&) { v["host"] = ""; }},
        {"a leaf with leading zeros", [](Json&, Json& v, Json&) { v["leaf"] = "0x07"; }},
        {"a register of 64 bits", [](Json&, Json& v, Json&) { v["register"] = "rax"; }},
        {"bits beyond the register", [](Json&, Json& v, Json&) { v["bits"] = "32"; }},
        {"a leaf and an MSR", [](Json&, Json& v, Json&) { v["msr"] = "0x10a"; }},
        {"an impact of no rulebook", [](Json&, Json& v, Json&) { v["impact"] = "wrong result"; }},
        {"no remedy", [](Json&, Json& v, Json&) { v.erase("remedy"); }},
        {"an empty message", [](Json&, Json& v, Json&) { v["message"] = ""; }},
        {"a project of no rulebook", [](Json&, Json& v, Json&) { v["names"]["hyperv"] = "x"; }},
        {"a field with capitals", [](Json&, Json& v, Json&) { v["field"] = "AVX2"; }},
        {"a start-up without value", [](Json&, Json&, Json& s) { s.erase("value"); }},
        {"a start-up with a word for a value", [](Json&, Json&, Json& s) { s["value"] = "unknown"; }},
        {"a start-up with a breach", [](Json&, Json&, Json& s) { s["breach"] = "lost"; }},
    };
    for (const Slip& slip : slips) {
        CAPTURE(slip.what);
        Json bad = good;
        Json& host = bad["hosts"][0];
        slip.make(bad, host["violations"][0], host["start_up"][0]);
        CHECK_FALSE(schema_errors("check", bad.dump()).empty());
    }
}

}  // namespace poolcpuid::test::check_schema_test
