// merge: the options that shape the policy, and those that are conditions (docs/design.md, "Merge options").

#include <algorithm>
#include <cstdint>
#include <cstdio>
#include <filesystem>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "tests/catch.hpp"
#include "tests/cli/support/run_program.hpp"
#include "tests/cli/support/sample_hosts.hpp"
#include "tests/cli/support/temporary_directory.hpp"

namespace poolcpuid::test::merge_options_test {

using Catch::Contains;
using nlohmann::json;

namespace {

constexpr unsigned svm_bit = 2;  // 80000001h, ECX

// Two hosts that agree, in a directory of their own.
struct Pool {
    TemporaryDirectory dir;
    std::string strong = dir.write("strong.json", document(amd_host("strong")));
    std::string weak =
        dir.write("weak.json", document(with_bit(amd_host("weak"), leaf_7, Register::ebx, avx2_bit, false)));
    std::string relaxed =
        dir.write("relaxed.json",
                  document(with_bit(amd_host("relaxed"), leaf_8000_0021, Register::eax, fs_gs_base_ns_bit, true)));
    std::string nested = dir.write("nested.json", document(svm_host("nested")));
};

std::uint32_t number(const json& value) {
    return static_cast<std::uint32_t>(std::stoul(value.get<std::string>(), nullptr, 16));
}

// A register of a policy; 0 when the leaf has no row.
std::uint32_t reg(const Result& result, LeafKey key, const char* name) {
    if (result.status != 0) FAIL(result.text());
    const json policy = json::parse(result.out);
    for (const json& row : policy.at("cpuid")) {
        if (number(row.at("leaf")) == key.leaf && number(row.at("subleaf")) == key.subleaf) return number(row.at(name));
    }
    return 0;
}

bool has_avx2(const Result& result) { return (reg(result, leaf_7, "ebx") >> avx2_bit & 1U) != 0; }

// The decision on a field, or null.
json decision(const Result& result, const std::string& field) {
    const json policy = json::parse(result.out);
    for (const json& entry : policy.at("decisions")) {
        if (entry.at("field") == field) return entry;
    }
    return nullptr;
}

}  // namespace

TEST_CASE("--pool names the pool in the document", "[merge][options]") {
    const Pool pool;
    CHECK(json::parse(run({"merge", pool.strong, "--pool", "rack 7"}).out).at("pool") == "rack 7");
    const Result unnamed = run({"merge", pool.strong, "--pool", ""});
    CHECK(unnamed.status == 2);
    CHECK(unnamed.out.empty());
    CHECK_THAT(unnamed.err, Contains("--pool takes a name, not an empty one"));
}

TEST_CASE("--identity takes the identity from the host of that name or digest", "[merge][options]") {
    const Pool pool;
    const HostDump other = with_register(amd_host("other"), {0x1, 0}, Register::eax, 0x00A00F10);
    const std::string file = pool.dir.write("other.json", document(other));
    CHECK(reg(run({"merge", pool.strong, file, "--identity", "other"}), {1, 0}, "eax") == 0x00A00F10);
    CHECK(reg(run({"merge", pool.strong, file, "--identity", "strong"}), {1, 0}, "eax") == 0x00A00F11);
    const json classes = json::parse(run({"merge", file}).out).at("hosts");
    const auto digest = classes.at(0).at("sha256").get<std::string>();
    CHECK(reg(run({"merge", pool.strong, file, "--identity", digest}), {1, 0}, "eax") == 0x00A00F10);
    const Result unknown = run({"merge", pool.strong, "--identity", "nobody"});
    CHECK(unknown.status == 2);
    CHECK_THAT(unknown.err, Contains("nobody"));
}

TEST_CASE("--ceiling withholds what higher levels enumerate and no mitigation", "[merge][options]") {
    const Pool pool;
    const Result v2 = run({"merge", pool.relaxed, "--ceiling", "x86-64-v2"});
    CHECK_FALSE(has_avx2(v2));
    CHECK(reg(v2, {0xD, 0}, "eax") == 3);  // the state goes with AVX
    CHECK((reg(v2, leaf_8000_0021, "eax") >> fs_gs_base_ns_bit & 1U) == 1);
    CHECK(decision(v2, "avx2").at("reason").get<std::string>().find("--ceiling") != std::string::npos);
    CHECK(has_avx2(run({"merge", pool.strong, "--ceiling", "x86-64-v4"})));
    const Result unknown = run({"merge", pool.strong, "--ceiling", "x86-64-v9"});
    CHECK(unknown.status == 2);
    CHECK_THAT(unknown.err, Contains("x86-64-v9") && Contains("x86-64-v4"));
}

TEST_CASE("--ceiling takes a CPU model of QEMU or libvirt", "[merge][options]") {
    const Pool pool;
    const Result old = run({"merge", pool.relaxed, "--ceiling", "qemu:Opteron_G3-v1"});
    CHECK_FALSE(has_avx2(old));
    CHECK((reg(old, leaf_8000_0021, "eax") >> fs_gs_base_ns_bit & 1U) == 1);  // bad news stays
    CHECK(decision(old, "avx2").at("cause") == "ceiling");
    CHECK(json::parse(old.out).at("options").at("ceiling") == "qemu:Opteron_G3-v1");
    CHECK(has_avx2(run({"merge", pool.strong, "--ceiling", "libvirt:EPYC"})));

    // The name alone will do where it says one thing, and the document has the whole name.
    const Result alone = run({"merge", pool.strong, "--ceiling", "cpu64-rhel6"});
    CHECK(json::parse(alone.out).at("options").at("ceiling") == "libvirt:cpu64-rhel6");
    CHECK(run({"merge", pool.strong, "--ceiling", "libvirt:EPYC", "--expect",
               pool.dir.write("old.json", run({"merge", pool.strong, "--ceiling", "libvirt:EPYC"}).out)})
              .status == 0);

    const Result text = run({"merge", pool.strong, "--ceiling", "qemu:Opteron_G3", "--format", "text"});
    CHECK_THAT(text.out, Contains("--ceiling qemu:Opteron_G3"));
}

TEST_CASE("--ceiling refuses a baseline that it cannot keep, and says why", "[merge][options]") {
    const Pool pool;
    const auto refusal = [&](const std::string& name) {
        const Result result = run({"merge", pool.strong, "--ceiling", name});
        CHECK(result.status == 2);
        CHECK(result.out.empty());
        return result.err;
    };
    CHECK_THAT(refusal("qemu:Haswell-v4"),
               Contains("--ceiling qemu:Haswell-v4: a CPU of Intel, and the hosts' are of AMD"));
    CHECK_THAT(refusal("qemu:EPYC-Rmoe"),
               Contains("did you mean qemu:EPYC-Rome") && Contains("poolcpuid rules levels"));
    CHECK_THAT(refusal("EPYC-Rmoe"), Contains("did you mean EPYC-Rome"));
    CHECK_THAT(refusal("EPYC-v3"),
               Contains("more than one baseline has that name, and they differ: libvirt:EPYC-v3, qemu:EPYC-v3"));
    for (const char* evc : {"evc:amd-bulldozer", "amd-bulldozer", "evc:amd-zen4"}) {
        CHECK_THAT(refusal(evc), Contains("VMware's EVC baselines") && Contains("vCenter alone"));
    }
}

TEST_CASE("--ceiling POLICY joins as one more host and lends no identity", "[merge][options]") {
    const Pool pool;
    const std::string policy = pool.dir.file("weak-policy.json");
    REQUIRE(run({"merge", pool.weak, "-o", policy}).status == 0);
    const Result result = run({"merge", pool.strong, "--ceiling", policy});
    CHECK_FALSE(has_avx2(result));
    CHECK(decision(result, "avx2").at("because") == json::array({"ceiling:pool"}));
    const json hosts = json::parse(result.out).at("hosts");
    CHECK(hosts.size() == 2);
    CHECK(std::count_if(hosts.begin(), hosts.end(), [](const json& host) { return host.at("format") == "policy"; }) ==
          1);
    CHECK(run({"merge", pool.strong, "--ceiling", "./missing.json"}).status == 3);
}

TEST_CASE("--floor fails, names field and host, and writes nothing when a promise is lost", "[merge][options]") {
    const Pool pool;
    const std::string floor = pool.dir.file("floor.json");
    REQUIRE(run({"merge", pool.strong, "-o", floor}).status == 0);
    CHECK(run({"merge", pool.strong, "--floor", floor}).status == 0);
    const std::string target = pool.dir.file("result.json");
    const Result weak = run({"merge", pool.strong, pool.weak, "--floor", floor, "-o", target});
    CHECK(weak.status == 1);
    CHECK_THAT(weak.err, Contains("avx2") && Contains("weak"));
    CHECK_FALSE(pool.dir.has("result.json"));
    const Result relaxed = run({"merge", pool.strong, pool.relaxed, "--floor", floor});
    CHECK(relaxed.status == 1);
    CHECK(relaxed.out.empty());
    CHECK_THAT(relaxed.err, Contains("fs_gs_base_ns") && Contains("relaxed"));
}

TEST_CASE("--hide gives the weakest value: 0 for a promise, 1 for a relaxed behaviour", "[merge][options]") {
    const Pool pool;
    CHECK_FALSE(has_avx2(run({"merge", pool.strong, "--hide", "avx2"})));
    CHECK((reg(run({"merge", pool.strong, "--hide", "fs-gs-base-ns"}), leaf_8000_0021, "eax") >> 1 & 1U) == 1);
    CHECK(run({"merge", pool.strong, "--hide", "no-such-field"}).status == 2);
    CHECK(run({"merge", pool.strong, "--hide", "maxphyaddr"}).status == 2);
}

TEST_CASE("--show shows what is shown only when asked for, by field or by group", "[merge][options]") {
    const Pool pool;
    const auto svm = [](const Result& result) { return reg(result, {0x80000001, 0}, "ecx") >> svm_bit & 1U; };
    CHECK(svm(run({"merge", pool.nested})) == 0);
    CHECK(svm(run({"merge", pool.nested, "--show", "nested"})) == 1);
    CHECK(svm(run({"merge", pool.nested, "--show", "svm"})) == 1);
    CHECK(run({"merge", pool.nested, "--show", "no-such-field"}).status == 2);
    CHECK(run({"merge", pool.nested, "--show", "amd_ppin"}).status == 2);
    CHECK(run({"merge", pool.nested, "--show", ""}).status == 2);  // an empty variable of a script asks for nothing
}

TEST_CASE("--set gives a value that every host keeps, or there is no policy", "[merge][options]") {
    const Pool pool;
    CHECK_FALSE(has_avx2(run({"merge", pool.strong, "--set", "avx2=0"})));
    CHECK((reg(run({"merge", pool.strong, "--set", "maxphyaddr=40"}), leaf_8000_0008, "eax") & 0xFFU) == 40);
    const Result broken = run({"merge", pool.strong, pool.weak, "--set", "avx2=1"});
    CHECK(broken.status == 4);
    CHECK_THAT(broken.err, Contains("weak") && Contains("avx2"));
    CHECK(run({"merge", pool.relaxed, "--set", "fs_gs_base_ns=0"}).status == 4);
    CHECK(run({"merge", pool.strong, "--set", "maxphyaddr=52"}).status == 4);
    CHECK(run({"merge", pool.strong, "--set", "avx2=2"}).status == 2);
    CHECK(run({"merge", pool.strong, "--set", "avx2"}).status == 2);
    CHECK(run({"merge", pool.strong, "--set", "avx2=x"}).status == 2);
}

TEST_CASE("options that contradict each other are refused", "[merge][options]") {
    const Pool pool;
    const Result hidden = run({"merge", pool.strong, "--hide", "avx2", "--set", "avx2=1"});
    CHECK(hidden.status == 2);
    CHECK_THAT(hidden.err, Contains("hidden by --hide"));
    const Result twice = run({"merge", pool.strong, "--set", "avx2=1", "--set", "avx2=0"});
    CHECK(twice.status == 2);
    CHECK_THAT(twice.err, Contains("two values"));
    const Result other = run({"merge", pool.strong, "--set", "family=15"});
    CHECK(other.status == 2);
    CHECK_THAT(other.err, Contains("--identity"));
}

TEST_CASE("a guest without long mode is of no level", "[merge][options]") {
    const Pool pool;
    CHECK(run({"merge", pool.strong, "--hide", "lm"}).out.find("\"level\"") == std::string::npos);
}

TEST_CASE("an option that changes nothing is said to change nothing", "[merge][options]") {
    const Pool pool;
    const auto said = [](std::vector<std::string> hosts, const std::string& option, const std::string& field) {
        hosts.insert(hosts.begin(), "merge");
        hosts.insert(hosts.end(), {option, field});
        const Result result = run(hosts);
        CHECK(result.status == 0);
        return result.err;
    };
    const std::vector<std::string> both{pool.strong, pool.weak};
    CHECK_THAT(said(both, "--hide", "avx2"),
               Contains("--hide avx2 changes nothing: not every host is known to have it"));
    CHECK(said({pool.strong}, "--hide", "avx2").empty());
    CHECK_THAT(said({pool.nested}, "--hide", "svm"), Contains("--hide svm changes nothing: it is shown only with"));
    CHECK_THAT(said(both, "--hide", "amd_ppin"), Contains("amd_ppin changes nothing: no guest in a pool is shown it"));
    CHECK_THAT(said({pool.relaxed}, "--hide", "fs_gs_base_ns"),
               Contains("changes nothing: a host is known to have it"));
    CHECK(said({pool.strong}, "--hide", "fs_gs_base_ns").empty());

    const char* unasked = " changes nothing: guests are shown it without being asked for";
    CHECK_THAT(said(both, "--show", "la57"), Contains(std::string("--show la57") + unasked));
    CHECK_THAT(said(both, "--show", "hypervisor"), Contains(std::string("--show hypervisor_bit") + unasked));
    CHECK_THAT(said(both, "--show", "nested"), Contains("--show nested changes nothing: not every host"));
    CHECK_THAT(run({"merge", pool.nested, "--show", "svm", "--hide", "svm"}).err,
               Contains("--show svm changes nothing: --hide takes it away"));
    const HostDump reads = with_register(with_bit(amd_host("reads"), leaf_8000_0008, Register::ebx, 4, true),
                                         leaf_8000_0008, Register::edx, 0x10000);  // RDPRU of registers up to 1
    CHECK_THAT(said({pool.dir.write("reads.json", document(reads))}, "--show", "rdpru_max"),
               Contains("--show rdpru_max changes nothing: it needs rdpru, which"));
    CHECK(said({pool.nested}, "--show", "nested").find("changes nothing") == std::string::npos);
    CHECK(said({pool.nested}, "--show", "svm").find("changes nothing") == std::string::npos);

    // What comes with the rest of its group, or with its gate, need not be named.
    const auto of_svm = [&](const std::string& other) {
        return run({"merge", pool.nested, "--show", "nested", "--show", other}).err;
    };
    for (const char* name : {"svm", "nested"}) {
        CHECK_THAT(of_svm("svm"), Contains(std::string("--show ") + name +
                                           " changes nothing: guests are shown it with what else is asked for"));
    }

    const Result data = run({"merge", pool.strong, "--show", "la57", "--log-format", "json"});
    const json line = json::parse(data.err.substr(0, data.err.find('\n')));
    CHECK(line.at("kind") == "usage");
    CHECK(line.at("fields") == json{"la57"});
}

TEST_CASE("the summary says of a bit that announces whether a host or an option sets it", "[merge][options]") {
    const Pool pool;
    const auto said = [](const std::string& host) {
        return run({"merge", host, "--hide", "fs_gs_base_ns", "--format", "text"}).out;
    };
    const char* of_option = "Set by the operator's options, though no host relaxes the promise";
    CHECK_THAT(said(pool.relaxed), !Contains(of_option));
    CHECK_THAT(said(pool.strong), Contains(std::string(of_option) + "\n    fs_gs_base_ns"));
}

TEST_CASE("a name of several fields of the vendor is refused, and an id says what it leaves", "[merge][options]") {
    const TemporaryDirectory dir;
    const auto with_both = [](HostDump host) {
        for (const unsigned bit : {26U, 31U}) host = with_bit(std::move(host), leaf_7, Register::edx, bit, true);
        for (const unsigned bit : {12U, 14U, 24U}) {
            host = with_bit(std::move(host), leaf_8000_0008, Register::ebx, bit, true);
        }
        return host;
    };
    for (const HostDump& host : {with_both(amd_host("host")), with_both(intel_host("host"))}) {
        const std::string file = dir.write("host.json", document(host));
        const auto hide = [&](const char* name) { return run({"merge", file, "--hide", name}); };
        for (const auto& [name, fields] :
             {std::pair("IBRS", "spec_ctrl amd_ibrs"), std::pair("ibpb", "spec_ctrl amd_ibpb"),
              std::pair("SSBD", "ssbd amd_ssbd")}) {
            CAPTURE(name);
            CHECK(hide(name).status == 2);
            CHECK_THAT(hide(name).err, Contains(std::string("more than one field has that name: ") + fields));
        }
        CHECK(hide("spec-ctrl").status == 0);
        const Result one = hide("ssbd");
        CHECK(one.status == 0);
        CHECK_THAT(one.err,
                   Contains("--hide ssbd hides the field of that id alone: amd_ssbd, which goes by that name"));
        CHECK_THAT(run({"merge", file, "--hide", "ssbd", "--hide", "amd_ssbd"}).err, !Contains("stays shown"));
    }
}

TEST_CASE("a --set that goes with something hidden is no policy", "[merge][options]") {
    const Pool pool;
    const Result result = run({"merge", pool.strong, "--hide", "avx", "--set", "avx2=1"});
    CHECK(result.status == 4);
    CHECK_THAT(result.err, Contains("avx2"));
}

TEST_CASE("each override leaves a decision", "[merge][options]") {
    const Pool pool;
    CHECK(decision(run({"merge", pool.strong, "--hide", "avx2"}), "avx2").at("value") == "0x0");
    CHECK(decision(run({"merge", pool.strong, "--set", "maxphyaddr=40"}), "maxphyaddr").at("value") == "0x28");
    CHECK(decision(run({"merge", pool.strong, "--hide", "fs_gs_base_ns"}), "fs_gs_base_ns").at("value") == "0x1");
}

TEST_CASE("--rulebook lints the directory and merges with it", "[merge][options]") {
    const Pool pool;
    const std::string copy = pool.dir.file("policy");
    std::filesystem::copy(POOLCPUID_SOURCE_DIR "/policy", copy, std::filesystem::copy_options::recursive);
    CHECK(run({"merge", pool.strong, "--rulebook", copy}).out == run({"merge", pool.strong}).out);
    pool.dir.write("policy/cpuid/0x7.json", R"({"leaf": "0x7", "title": "t", "fields": [{"id": "avx2"}]})");
    const Result broken = run({"merge", pool.strong, "--rulebook", copy});
    CHECK(broken.status == 3);
    CHECK_THAT(broken.err, Contains("cpuid/0x7.json:1: avx2"));
    CHECK(run({"merge", pool.strong, "--rulebook", pool.dir.file("nowhere")}).status == 3);
}

TEST_CASE("--fail-on writes the policy and fails by severity", "[merge][options]") {
    const Pool pool;
    CHECK(run({"merge", pool.strong, "--fail-on", "error"}).status == 0);
    CHECK(run({"merge", pool.strong, "--fail-on", "warning"}).status == 0);
    const HostDump narrow =
        with_register(amd_host("narrow"), leaf_8000_0008, Register::eax, 0x302E);  // 46 bits, not 48
    const std::string other = pool.dir.write("narrow.json", document(narrow));
    const Result warning = run({"merge", pool.strong, other, "--fail-on", "warning"});
    CHECK(warning.status == 1);
    CHECK(run({"merge", pool.strong, other, "--fail-on", "error"}).status == 0);
    CHECK(json::accept(warning.out));
    CHECK(run({"merge", pool.strong, "--fail-on", "note"}).status == 2);
}

TEST_CASE("a mitigation that newer hosts miss in a mixed pool is a warning", "[merge][options]") {
    const TemporaryDirectory dir;
    const auto write = [&](const std::string& name, std::uint32_t signature, std::uint32_t controls) {
        HostDump host = with_register(intel_host(name), {0x1, 0x0}, Register::eax, signature);
        host = with_register(host, leaf_7, Register::eax, 2);
        host = with_bit(host, leaf_7, Register::edx, 26, true);  // IBRS, which has the MSR
        return dir.write(name + ".json", document(with_register(host, {0x7, 0x2}, Register::edx, controls)));
    };
    const std::string older = write("icx", 0x000606A6, 0);
    const std::string newer = write("spr", 0x000806F8, 0x10);
    const Result mixed = run({"merge", older, newer, "--format", "text", "--fail-on", "warning"});
    CHECK(mixed.status == 1);
    CHECK_THAT(mixed.out, Contains("warning mitigation-not-enough: bhi_ctrl is not in the policy"));
    CHECK_THAT(mixed.out, Contains("icx has it not."));
    CHECK_THAT(mixed.err, Contains("--fail-on warning: ") && Contains("mitigation-not-enough"));
    const std::string policy = dir.file("pool.json");
    CHECK(run({"merge", older, newer, "-o", policy, "--fail-on", "error"}).status == 0);
    CHECK_THAT(run({"explain", policy, "bhi_ctrl"}).out, Contains("mitigation-not-enough"));
    CHECK(run({"check", policy, older, newer}).status == 0);
    for (const std::string& alone : {older, newer}) {
        CHECK_THAT(run({"merge", alone, "--format", "text", "--notes"}).out, !Contains("mitigation-not-enough"));
    }
}

TEST_CASE("--expect says why a policy is not what the inputs give", "[merge][options]") {
    const Pool pool;
    const std::string policy = pool.dir.file("policy.json");
    REQUIRE(run({"merge", pool.strong, pool.weak, "-o", policy}).status == 0);
    const auto expect = [&](std::vector<std::string> more) {
        more.insert(more.begin(), {"merge", "--expect", policy});
        return run(more);
    };
    CHECK(expect({pool.weak, pool.strong}).status == 0);
    CHECK(expect({pool.weak, pool.strong}).out.empty());

    const Result missing = expect({pool.strong});
    CHECK(missing.status == 1);
    CHECK_THAT(missing.err, Contains("host weak") && Contains("is missing"));
    const Result added = expect({pool.strong, pool.weak, pool.relaxed});
    CHECK(added.status == 1);
    CHECK_THAT(added.err, Contains("host relaxed") && Contains("was not among"));
    const Result changed = expect({pool.strong, "weak=" + pool.relaxed});
    CHECK(changed.status == 1);
    CHECK_THAT(changed.err, Contains("the dump of host weak changed"));
    CHECK_THAT(changed.err, !Contains("missing") && !Contains("was not among"));
    CHECK_THAT(changed.err, Contains("with that, ") && Contains("fields are not the same"));
    CHECK_THAT(expect({pool.strong, "renamed=" + pool.weak}).err,
               Contains("host weak") && Contains("is missing") && Contains("host renamed"));
    const Result twin = expect({pool.strong, pool.weak, "twin=" + pool.weak});
    CHECK(twin.status == 1);
    CHECK_THAT(twin.err, Contains("host twin") && Contains("was not among") && !Contains("fields"));
    CHECK_THAT(expect({pool.strong, pool.weak, "--pool", "other"}).err,
               Contains("its pool is called pool; this run's --pool is other"));
    CHECK_THAT(expect({pool.strong, pool.weak, "--hide", "avx2"}).err,
               Contains("it was made with other options: no options; this run has --hide avx2"));
    CHECK(expect({pool.strong, pool.weak, "-o", policy}).status == 2);

    const std::string copy = pool.dir.file("rules");
    std::filesystem::copy(POOLCPUID_SOURCE_DIR "/policy", copy, std::filesystem::copy_options::recursive);
    std::string levels = bytes_of(copy + "/levels/x86-64.json");
    pool.dir.write("rules/levels/x86-64.json", levels + "\n");
    CHECK_THAT(expect({pool.strong, pool.weak, "--rulebook", copy}).err, Contains("another rulebook"));
}

TEST_CASE("--expect counts the hosts of a class that has more names than a document lists", "[merge][options]") {
    const Pool pool;
    const std::string policy = pool.dir.file("policy.json");
    std::vector<std::string> hosts{"merge"};
    for (int i = 10; i < 20; ++i) hosts.push_back("node-" + std::to_string(i) + "=" + pool.weak);
    auto with = [&](std::vector<std::string> more) {
        std::vector<std::string> arguments = hosts;
        arguments.insert(arguments.end(), more.begin(), more.end());
        return run(arguments);
    };
    REQUIRE(with({"-o", policy}).status == 0);
    CHECK(with({"--expect", policy}).status == 0);
    const Result more = with({"node-99=" + pool.weak, "--expect", policy});
    CHECK(more.status == 1);
    CHECK_THAT(more.err, Contains("it had 10 hosts with the sha256") && Contains("the inputs have 11"));
    hosts.pop_back();
    CHECK_THAT(with({"node-99=" + pool.weak, "--expect", policy}).err, Contains("the hosts have other names"));
}

TEST_CASE("--expect names what was changed in a document besides its registers", "[merge][options]") {
    const Pool pool;
    const std::string policy = pool.dir.file("policy.json");
    REQUIRE(run({"merge", pool.strong, pool.weak, "-o", policy}).status == 0);
    json document = json::parse(bytes_of(policy));
    REQUIRE_FALSE(document.at("decisions").empty());
    document.at("decisions").at(0).at("because") = json::array({"nobody"});
    const std::string field = document.at("decisions").at(0).at("field");
    const Result result =
        run({"merge", pool.strong, pool.weak, "--expect", pool.dir.write("forged.json", document.dump())});
    CHECK(result.status == 1);
    CHECK_THAT(result.err, Contains("its registers are right, but not the rest") && Contains(field) &&
                               Contains("changed after it was made"));
}

TEST_CASE("--expect finds a flipped bit, or refuses it when a decision contradicts it", "[merge][options]") {
    const Pool pool;
    const std::string policy = pool.dir.file("policy.json");
    REQUIRE(run({"merge", pool.strong, pool.weak, "-o", policy}).status == 0);
    json flipped = json::parse(bytes_of(policy));
    const auto flip = [&](LeafKey key, const char* name, std::uint32_t mask) {
        for (json& row : flipped.at("cpuid")) {
            if (number(row.at("leaf")) != key.leaf || number(row.at("subleaf")) != key.subleaf) continue;
            char text[11];
            std::snprintf(text, sizeof text, "0x%08x", number(row.at(name)) ^ mask);
            row.at(name) = text;
        }
        return pool.dir.write("flipped.json", flipped.dump());
    };
    const Result quiet =
        run({"merge", pool.strong, pool.weak, "--expect", flip(leaf_7, "ebx", 1)});  // FSGSBASE, no decision
    CHECK(quiet.status == 1);
    CHECK_THAT(quiet.err, Contains("fsgsbase (0x7.0 ebx[0]) is 0x0 in it, and these inputs give 0x1") &&
                              Contains("changed after it was made"));
    const Result loud = run({"merge", pool.strong, pool.weak, "--expect", flip(leaf_7, "ebx", 1U << avx2_bit)});
    CHECK(loud.status == 3);
    CHECK_THAT(loud.err, Contains("avx2"));
}

TEST_CASE("a pool without a policy is exit status 4 and says why", "[merge][options]") {
    const Pool pool;
    const std::string intel = pool.dir.write("intel.json", document(intel_host("intel")));
    const Result mixed = run({"merge", pool.strong, intel});
    CHECK(mixed.status == 4);
    CHECK(mixed.out.empty());
    CHECK_THAT(mixed.err, Contains("mixed vendors") && Contains("1 AuthenticAMD") && Contains("1 GenuineIntel"));
    const HostDump no_long_mode = with_bit(amd_host("old"), {0x80000001, 0}, Register::edx, 29, false);
    const Result old = run({"merge", pool.dir.write("old.json", document(no_long_mode))});
    CHECK(old.status == 4);
    CHECK_THAT(old.err, Contains("old") && Contains("lm"));
}

TEST_CASE("wrong usage is exit status 2", "[merge][options]") {
    for (const std::vector<std::string>& arguments : {std::vector<std::string>{},
                                                      {"merge"},
                                                      {"frobnicate"},
                                                      {"merge", "--frobnicate", "x"},
                                                      {"rules"},
                                                      {"convert"}}) {
        const Result result = run(arguments);
        INFO(result.text());
        CHECK(result.status == 2);
        CHECK(result.out.empty());
        CHECK_FALSE(result.err.empty());
    }
}

TEST_CASE("help fits 80 columns and is exit status 0", "[help]") {
    for (const std::vector<std::string>& verb : {std::vector<std::string>{},
                                                 {"merge"},
                                                 {"check"},
                                                 {"diff"},
                                                 {"explain"},
                                                 {"plan"},
                                                 {"render"},
                                                 {"report"},
                                                 {"capture"},
                                                 {"verify"},
                                                 {"convert"},
                                                 {"hosts"},
                                                 {"show"},
                                                 {"audit"},
                                                 {"schema"},
                                                 {"rules"},
                                                 {"rules", "list"},
                                                 {"rules", "show"},
                                                 {"rules", "lint"}}) {
        std::vector<std::string> arguments = verb;
        arguments.emplace_back("--help");
        const Result result = run(arguments);
        CHECK(result.status == 0);
        for (std::size_t begin = 0; begin < result.out.size();) {
            const std::size_t end = result.out.find('\n', begin);
            const std::string line = result.out.substr(begin, end - begin);
            const auto continues = [](char byte) { return (static_cast<unsigned char>(byte) & 0xC0U) == 0x80U; };
            INFO(line);
            CHECK(static_cast<std::size_t>(std::count_if(line.begin(), line.end(), continues)) + 80 >= line.size());
            begin = end + 1;
        }
    }
}

TEST_CASE("--expect knows a ceiling that joined, which is none of the inputs", "[merge][options][ceiling]") {
    const Pool pool;
    const auto policy_of = [&](const std::string& host, const std::string& file) {
        const std::string path = pool.dir.file(file);
        REQUIRE(run({"merge", host, "--pool", "low", "-o", path}).status == 0);
        return path;
    };
    const std::string ceiling = policy_of(pool.weak, "ceiling.json");
    const std::string policy = pool.dir.file("policy.json");
    REQUIRE(run({"merge", pool.strong, "--ceiling", ceiling, "-o", policy}).status == 0);
    const Result same = run({"merge", pool.strong, "--ceiling", ceiling, "--expect", policy});
    INFO(same.text());
    CHECK(same.status == 0);
    // Another one is another option, and none a host.
    const std::string other = policy_of(pool.relaxed, "other.json");
    const Result changed = run({"merge", pool.strong, "--ceiling", other, "--expect", policy});
    CHECK(changed.status == 1);
    CHECK_THAT(changed.err, Contains("it was made with other options") && !Contains("missing"));
    CHECK(run({"merge", pool.strong, "--expect", policy}).status == 1);
}

TEST_CASE("--expect says what of a host was changed in a document, and does not call it renamed", "[merge][options]") {
    const Pool pool;
    const std::string policy = pool.dir.file("policy.json");
    REQUIRE(run({"merge", pool.strong, pool.weak, "-o", policy}).status == 0);
    json forged = json::parse(bytes_of(policy));
    for (json& host : forged.at("hosts")) {
        if (host.at("names").at(0) == "weak") host["microcode"] = "0x1234";
    }
    const Result result =
        run({"merge", pool.strong, pool.weak, "--expect", pool.dir.write("forged.json", forged.dump())});
    CHECK(result.status == 1);
    CHECK_THAT(result.err, Contains("hosts of which something else is said: weak (") &&
                               Contains("): microcode 0x1234 -> not known") && !Contains("other names"));
}

TEST_CASE("--expect names a member of which only the order was changed", "[merge][options]") {
    const Pool pool;
    const std::string policy = pool.dir.file("policy.json");
    REQUIRE(run({"merge", pool.strong, pool.weak, "-o", policy}).status == 0);
    json forged = json::parse(bytes_of(policy));
    json& hosts = forged.at("hosts");
    std::swap(hosts.at(0), hosts.at(1));
    const Result result =
        run({"merge", pool.strong, pool.weak, "--expect", pool.dir.write("forged.json", forged.dump())});
    CHECK(result.status == 1);
    CHECK_THAT(result.err, Contains("not the rest: the order or the wording of hosts"));
}

TEST_CASE("a level or features that contradict the registers are named, and warned of where they are read",
          "[merge][options]") {
    const Pool pool;
    const std::string policy = pool.dir.file("policy.json");
    REQUIRE(run({"merge", pool.strong, pool.weak, "-o", policy}).status == 0);
    CHECK(run({"show", policy}).err.empty());
    const json whole = json::parse(bytes_of(policy));
    const auto told = [&](const json& forged, const std::string& member) {
        const std::string file = pool.dir.write("forged.json", forged.dump());
        const Result shown = run({"show", file});
        CHECK(shown.status == 0);
        CHECK_THAT(shown.err,
                   Contains("was changed after it was made: its " + member + " not what its registers show"));
        const Result result = run({"merge", pool.strong, pool.weak, "--expect", file});
        CHECK(result.status == 1);
        return result.err;
    };
    json level = whole;
    level["level"] = "x86-64-v4";
    CHECK_THAT(told(level, "level is"), Contains("the level is x86-64-v4 in it, and these inputs give "));
    json more = whole;
    more.at("features").push_back("avx2");
    CHECK_THAT(told(more, "features are"), Contains("its list of features has what the guest has not: avx2"));
    json fewer = whole;
    const std::string gone = fewer.at("features").at(0);
    fewer.at("features").erase(0);
    CHECK_THAT(told(fewer, "features are"), Contains("its list of features lacks " + gone));
    // What another rulebook makes of the registers nobody here knows.
    level.at("rulebook").at("sha256") = std::string(64, 'a');
    CHECK_THAT(run({"show", pool.dir.write("other.json", level.dump())}).err,
               Contains("another rulebook") && !Contains("registers"));
}

TEST_CASE("no option takes what a 64-bit guest cannot do without", "[merge][options]") {
    const Pool pool;
    const auto refused = [&](const std::vector<std::string>& options) {
        std::vector<std::string> arguments{"merge", pool.strong};
        arguments.insert(arguments.end(), options.begin(), options.end());
        const Result result = run(arguments);
        INFO(result.text());
        CHECK(result.status == 4);
        CHECK(result.out.empty());
        return result.err;
    };
    CHECK_THAT(refused({"--hide", "lm"}),
               Contains("--hide lm: the policy would be without lm, and no 64-bit guest runs without that"));
    CHECK_THAT(refused({"--set", "lm=0"}), Contains("--set lm=0: the policy would be without lm"));
    CHECK_THAT(refused({"--set", "sse2=0x0"}), Contains("--set sse2=0x0: the policy would be without sse2"));
    // What takes it along is named.
    CHECK_THAT(refused({"--hide", "fxsr"}), Contains("--hide fxsr: "));
    CHECK(run({"merge", pool.strong, "--hide", "avx2"}).status == 0);

    json low = json::parse(run({"merge", pool.strong, "--pool", "low"}).out);
    for (json& row : low.at("cpuid")) {
        if (row.at("leaf") != "0x80000001") continue;
        char edx[11];
        std::snprintf(edx, sizeof edx, "0x%08x", number(row.at("edx")) & ~(1U << 29U));
        row.at("edx") = edx;
    }
    const std::string ceiling = pool.dir.write("low.json", low.dump());
    CHECK_THAT(refused({"--ceiling", ceiling}),
               Contains("--ceiling: the policy ceiling:low does not have lm, without which no 64-bit guest runs"));
}

}  // namespace poolcpuid::test::merge_options_test
