// render: what each target is given to paste, what it says that the target cannot say, and its exit status.
// QEMU and libvirt themselves read the output in tests/e2e; here their names are those of a stated version.

#include <algorithm>
#include <nlohmann/json.hpp>
#include <pugixml.hpp>
#include <sstream>
#include <string>
#include <utility>
#include <vector>

#include "tests/catch.hpp"
#include "tests/cli/support/rendered.hpp"
#include "tests/cli/support/run_program.hpp"
#include "tests/cli/support/sample_hosts.hpp"
#include "tests/cli/support/small_cpu_map.hpp"
#include "tests/cli/support/temporary_directory.hpp"
#include "tests/cli/support/validate.hpp"

namespace poolcpuid::test::render_test {

using Catch::Contains;
using Json = nlohmann::json;

namespace {

HostDump relaxed(const std::string& name) {
    return with_bit(amd_host(name), leaf_8000_0021, Register::eax, fs_gs_base_ns_bit, true);
}

struct Pool {
    TemporaryDirectory dir;
    std::string plain = dir.write("plain.json", document(amd_host("plain")));
    std::string told = dir.write("told.json", document(relaxed("told")));
    std::string intel = dir.write("intel.json", document(intel_host("intel")));
    std::string policy = merged({plain, told}, "policy.json");
    std::string intel_policy = merged({intel}, "intel-policy.json");
    std::string map = cpu_map_in(dir);

    std::string merged(const std::vector<std::string>& hosts, const std::string& file,
                       const std::vector<std::string>& more = {}) const {
        std::vector<std::string> arguments{"merge", "--pool", "blue", "-o", dir.file(file)};
        arguments.insert(arguments.end(), hosts.begin(), hosts.end());
        arguments.insert(arguments.end(), more.begin(), more.end());
        REQUIRE(run(arguments).status == 0);
        return dir.file(file);
    }

    // The options without which a target asks what happens to be installed.
    std::vector<std::string> fixed(const std::string& target) const {
        if (target == "qemu" || target == "incus" || target == "proxmox") return {"--qemu", "10.2"};
        if (target == "libvirt" || target == "kubevirt" || target == "nova") return {"--cpu-map", map};
        return {};
    }

    // Rendered for the QEMU of this path.
    Result asked(const std::string& target, const std::string& program) const {
        std::vector<std::string> arguments{"render", "--to", target, "--qemu", program, policy};
        if (target == "libvirt") arguments.insert(arguments.end(), {"--cpu-map", map});
        return run(arguments);
    }

    Result render(const std::string& target, std::vector<std::string> more = {}, std::string of = {}) const {
        std::vector<std::string> arguments{"render", "--to", target, of.empty() ? policy : of};
        for (const std::string& option : fixed(target)) arguments.push_back(option);
        arguments.insert(arguments.end(), more.begin(), more.end());
        return run(arguments);
    }

    Json json(const std::string& target, std::vector<std::string> more = {}, const std::string& of = {}) const {
        more.insert(more.end(), {"--format", "json"});
        return rendered_by(render(target, more, of));
    }
};

const std::vector<std::string> all_targets{"firecracker", "incus", "kubevirt",   "kvm",    "libvirt", "nova",
                                           "proxmox",     "qemu",  "virtualbox", "vmware", "xapi",    "xen"};

// The entry of a field in the list of what cannot be said, or null.
Json lost(const Json& document, const std::string& field) {
    for (const Json& entry : document.at("inexpressible")) {
        if (entry.at("field") == field) return entry;
    }
    return nullptr;
}

std::vector<std::string> properties(const std::string& argument) {
    std::vector<std::string> all;
    std::istringstream in(argument.substr(0, argument.find('\n')));
    for (std::string part; std::getline(in, part, ',');) all.push_back(part);
    return all;
}

bool has(const std::vector<std::string>& all, const std::string& one) {
    return std::find(all.begin(), all.end(), one) != all.end();
}

// True when the advice for hosts names a field that they do not show.
bool hides_field(const Json& advice, const std::string& field) {
    const Json& hidden = advice.at("hidden");
    return std::any_of(hidden.begin(), hidden.end(), [&](const Json& entry) { return entry.at("field") == field; });
}

// The register of an entry of --to kvm, or nothing.
std::string register_of(const Json& document, const std::string& function, const std::string& reg) {
    for (const Json& entry : document.at("cpuid")) {
        if (entry.at("function") == function) return entry.at(reg);
    }
    return {};
}

}  // namespace

TEST_CASE("stdout is what is to be pasted and nothing else; the remarks go to stderr", "[render]") {
    const Pool pool;
    for (const std::string& target : all_targets) {
        CAPTURE(target);
        const Result result = pool.render(target);
        CHECK(result.status == 0);
        CHECK_THAT(result.out, !Contains("note:") && !Contains("cannot say"));
        CHECK(result.out.back() == '\n');
        CHECK_THAT(result.err, Contains("blue for " + target));
        std::istringstream lines(result.err);
        for (std::string line; std::getline(lines, line);) {
            CAPTURE(line);
            CHECK((line.size() <= 80 || line.find(' ', line.find_first_not_of(' ')) == std::string::npos));
        }
    }
}

TEST_CASE("-o writes to a file what stdout would have been", "[render]") {
    const Pool pool;
    const Result result = pool.render("xapi", {"-o", pool.dir.file("set")});
    CHECK(result.out.empty());
    CHECK(pool.dir.read("set") == pool.render("xapi").out);
    CHECK(pool.render("xapi", {"-o", "/dev/full"}).status == 5);
}

TEST_CASE("--strict is exit status 1 when something cannot be said, and 0 when all can", "[render]") {
    const Pool pool;
    CHECK(pool.render("xapi", {"--strict"}).status == 1);
    CHECK_FALSE(pool.render("xapi", {"--strict"}).out.empty());
    CHECK(pool.render("kvm", {"--strict"}).status == 0);
    CHECK(pool.json("kvm").at("inexpressible").empty());
}

TEST_CASE("the same policy gives the same bytes", "[render]") {
    const Pool pool;
    for (const std::string& target : all_targets) {
        const std::vector<std::string> hosts{"--hosts", pool.plain, pool.told};
        const std::vector<std::string> other{"--hosts", pool.told, pool.plain};
        CHECK(pool.json(target, hosts).dump() == pool.json(target, other).dump());
    }
}

TEST_CASE("kvm has every register of the policy, and flags the leaves that have subleaves", "[render]") {
    const Pool pool;
    const Result result = pool.render("kvm");
    for (const std::string& error : schema_errors("kvm", result.out)) FAIL_CHECK(error);
    const Json document = Json::parse(result.out);
    const Json policy = Json::parse(bytes_of(pool.policy));
    REQUIRE(document.at("cpuid").size() == policy.at("cpuid").size());
    for (std::size_t i = 0; i < policy.at("cpuid").size(); ++i) {
        const Json& row = policy.at("cpuid").at(i);
        const Json& entry = document.at("cpuid").at(i);
        CHECK(entry.at("function") == row.at("leaf"));
        CHECK(entry.at("index") == row.at("subleaf"));
        for (const char* reg : {"eax", "ebx", "ecx", "edx"}) CHECK(entry.at(reg) == row.at(reg));
        const std::string leaf = row.at("leaf");
        CHECK(entry.at("flags") == (leaf == "0x7" || leaf == "0xd" ? 1 : 0));
    }
    CHECK(document.at("owned") == policy.at("owned"));
    CHECK(register_of(document, "0x80000021", "eax") == "0x00000202");
}

TEST_CASE("an MSR of the policy is in what targets for MSRs get, and is listed where they have no words", "[render]") {
    const Pool pool;
    const Json intel = Json::parse(bytes_of(pool.intel_policy));
    REQUIRE(intel.at("msrs").at(0).at("index") == "0x10a");
    const Json kvm = Json::parse(pool.render("kvm", {}, pool.intel_policy).out);
    CHECK(kvm.at("msrs").at(0).at("data") == intel.at("msrs").at(0).at("value"));
    const Json fire = Json::parse(pool.render("firecracker", {}, pool.intel_policy).out);
    CHECK(fire.at("msr_modifiers").at(0).at("addr") == "0x10a");
    CHECK(has(properties(pool.render("qemu", {}, pool.intel_policy).out), "rsba=on"));
    CHECK(lost(pool.json("qemu", {}, pool.intel_policy), "ac_rsba").is_null());
}

TEST_CASE("that KVM may refuse an MSR is said of a policy that has any", "[render]") {
    const Pool pool;
    REQUIRE(Json::parse(bytes_of(pool.policy)).at("msrs").empty());
    CHECK_THAT(pool.json("kvm").at("notes").dump(), !Contains("KVM_SET_MSRS"));
    CHECK_THAT(pool.json("kvm", {}, pool.intel_policy).at("notes").dump(), Contains("KVM_SET_MSRS refuses"));
}

TEST_CASE("a Firecracker template has every bit, and x for those that the VMM fills in", "[render]") {
    const Pool pool;
    const Result result = pool.render("firecracker");
    for (const std::string& error : schema_errors("firecracker-template", result.out)) FAIL_CHECK(error);
    const Json document = Json::parse(result.out);
    const auto bitmap = [&](const std::string& leaf, std::size_t reg) -> std::string {
        for (const Json& entry : document.at("cpuid_modifiers")) {
            if (entry.at("leaf") == leaf && entry.at("subleaf") == "0x0") {
                return entry.at("modifiers").at(reg).at("bitmap");
            }
        }
        return "none";
    };
    CHECK(bitmap("0x1", 1) == "0bxxxxxxxxxxxxxxxx0000100000000000");  // APIC id and count
    CHECK(bitmap("0x80000021", 0) == "0b00000000000000000000001000000010");
    // KVM lists every leaf up to the maximum: what the policy does not show is cleared.
    CHECK(bitmap("0x5", 0) == "0b00000000000000000000000000000000");
}

TEST_CASE("Firecracker tells AMD's guests what is announced in leaf 80000021", "[render]") {
    const Pool pool;
    const Json document = pool.json("firecracker");
    for (const char* field : {"fs_gs_base_ns", "max_ext_leaf"}) CHECK(lost(document, field).is_null());
    CHECK_THAT(document.at("output").dump(), Contains("0b10000000000000000000000000100001"));
}

TEST_CASE("what each KVM gives is no surprise under Firecracker where dumps do not tell of it", "[render]") {
    const Pool pool;
    const Json silicon = pool.json("firecracker");
    CHECK(lost(silicon, "tsc_deadline").is_null());
    CHECK_THAT(silicon.at("notes").dump(), Contains("Guests have tsc_deadline, too"));
    // A KVM that lacks it, and an operator who does not want it.
    HostDump host = amd_host("old");
    host.hypervisor = HypervisorView{"kvm", host.hardware->cpus.front().cpuid, std::nullopt};
    const std::string lacks = pool.merged({pool.dir.write("old.json", document(host))}, "lacks.json");
    CHECK(lost(pool.json("firecracker", {}, lacks), "tsc_deadline").at("telling") == "more");
    host = with_bit(amd_host("new"), {0x1, 0x0}, Register::ecx, 24, true);
    const std::string hides =
        pool.merged({pool.dir.write("new.json", document(host))}, "hides.json", {"--hide", "tsc_deadline"});
    CHECK(lost(pool.json("firecracker", {}, hides), "tsc_deadline").at("telling") == "more");
}

TEST_CASE("what Firecracker takes away or passes through after the template is listed", "[render]") {
    const Pool pool;
    constexpr unsigned waitpkg = 5;  // leaf 7, ECX
    const HostDump waits = with_bit(intel_host("waits"), leaf_7, Register::ecx, waitpkg, true);
    const std::string intel = pool.merged({pool.dir.write("waits.json", document(waits))}, "waits-policy.json");
    CHECK(lost(pool.json("firecracker", {}, intel), "waitpkg").at("telling") == "less");
    CHECK(lost(pool.json("firecracker", {}, intel), "waitpkg").at("impact") == "performance");
    CHECK(lost(pool.json("firecracker", {}, pool.intel_policy), "waitpkg").is_null());
    CHECK(lost(pool.json("firecracker"), "l1_amd_eax").at("instead") == "unknown");
    CHECK(lost(pool.json("firecracker"), "l2_amd_eax").at("instead") == "unknown");
    // Leaf 80000006h describes caches and TLBs; of Intel's only ECX has fields, and no bit of the others is a feature.
    const HostDump cached = with_register(intel_host("cached"), {0x80000006, 0x0}, Register::ecx, 0x01006040);
    const std::string caches = pool.merged({pool.dir.write("cached.json", document(cached))}, "caches.json");
    std::size_t of_caches = 0;
    const Json rendered = pool.json("firecracker", {}, caches);
    for (const Json& entry : rendered.at("inexpressible")) {
        if (entry.value("leaf", "") != "0x80000006") continue;
        CAPTURE(entry.dump());
        CHECK(entry.at("impact") == "cosmetic");
        ++of_caches;
    }
    CHECK(of_caches == 4);
}

TEST_CASE("an MSR that KVM makes itself is left out of what is set", "[render]") {
    const Pool pool;
    const std::string nested =
        pool.merged({pool.dir.write("vmx.json", document(vmx_host("vmx")))}, "nested.json", {"--show", "nested"});
    const auto has_msr = [](const Json& rows, const char* key, const std::string& index) {
        return std::any_of(rows.begin(), rows.end(), [&](const Json& row) { return row.at(key) == index; });
    };
    const Json policy = Json::parse(bytes_of(nested));
    const Json kvm = Json::parse(pool.render("kvm", {}, nested).out);
    const Json fire = Json::parse(pool.render("firecracker", {}, nested).out);
    for (const char* made : {"0x481", "0x482", "0x483", "0x484", "0x487", "0x489"}) {
        CAPTURE(made);
        CHECK(has_msr(policy.at("msrs"), "index", made));
        CHECK_FALSE(has_msr(kvm.at("msrs"), "index", made));
        CHECK_FALSE(has_msr(fire.at("msr_modifiers"), "addr", made));
    }
    for (const char* set : {"0x480", "0x48d", "0x490"}) {
        CAPTURE(set);
        CHECK(has_msr(kvm.at("msrs"), "index", set));
        CHECK(has_msr(fire.at("msr_modifiers"), "addr", set));
    }
}

TEST_CASE("what a host has in a row that Firecracker cannot take away is unknown", "[render]") {
    const Pool pool;
    constexpr LeafKey leaf_7_1{0x7, 0x1};
    constexpr unsigned avx_vnni = 4;  // EAX
    HostDump with = with_bit(intel_host("with"), leaf_7, Register::eax, 0, true);
    with = with_bit(std::move(with), leaf_7_1, Register::eax, avx_vnni, true);
    const std::string more = pool.dir.write("with.json", document(with));
    const std::string some = pool.merged({pool.intel, more}, "some.json");
    for (const char* target : {"firecracker", "vmware", "virtualbox"}) {
        CAPTURE(target);
        // VMware hides it by its name, and VirtualBox shows no other subleaf than the first.
        const bool is_unknown = std::string(target) == "firecracker";
        CHECK(lost(pool.json(target, {}, some), "avx_vnni").is_object() == is_unknown);
        CHECK(lost(pool.json(target, {}, pool.intel_policy), "avx_vnni").is_null());
    }
    CHECK(lost(pool.json("firecracker", {}, some), "avx_vnni").at("instead") == "unknown");
    CHECK(lost(pool.json("firecracker", {}, pool.merged({more}, "all.json")), "avx_vnni").is_null());
    // A lean policy does not say what hosts have.
    const std::string lean = pool.merged({pool.intel}, "lean.json", {"--lean"});
    CHECK(lost(pool.json("firecracker", {}, lean), "avx_vnni").at("instead") == "unknown");
    // Nor does one of another rulebook, which may not have known the field.
    Json other = Json::parse(bytes_of(pool.intel_policy));
    other["rulebook"] = {{"version", "1999.01"}, {"sha256", std::string(64, 'a')}};
    const std::string old = pool.dir.write("old.json", other.dump());
    CHECK(lost(pool.json("firecracker", {}, old), "avx_vnni").at("instead") == "unknown");
}

TEST_CASE("Firecracker turns off after the template what IA32_MISC_ENABLE announces", "[render]") {
    const Pool pool;
    HostDump host = with_bit(intel_host("ds"), {0x1, 0x0}, Register::edx, 21, true);
    host = with_bit(std::move(host), {0x1, 0x0}, Register::ecx, 2, true);  // DTES64
    host = with_register(std::move(host), {0xA, 0x0}, Register::eax, 0x07300404);
    host.hardware->msrs = std::vector<MsrRow>{{0x10A, 0}, {0x1A0, 0x1801}};
    const std::string policy =
        pool.merged({pool.dir.write("ds.json", document(host))}, "ds-policy.json", {"--show", "pmu"});
    CHECK(lost(pool.json("firecracker", {}, policy), "misc_en_bts").at("instead") == "0x0");
    CHECK(lost(pool.json("firecracker", {}, policy), "misc_en_pebs").at("impact") == "crash");
}

TEST_CASE("a vendor whose hosts Firecracker does not run on is refused", "[render]") {
    const Pool pool;
    const auto refused = [&](std::uint32_t ebx, std::uint32_t edx, std::uint32_t ecx, HostDump host) {
        host = with_register(host, {0, 0}, Register::ebx, ebx);
        host = with_register(host, {0, 0}, Register::edx, edx);
        host = with_register(host, {0, 0}, Register::ecx, ecx);
        const std::string policy = pool.merged({pool.dir.write("other.json", document(host))}, "other-policy.json");
        const Result result = pool.render("firecracker", {}, policy);
        CHECK(result.status == 2);
        CHECK(result.out.empty());
        return result.err;
    };
    CHECK_THAT(refused(0x6F677948, 0x6E65476E, 0x656E6975, amd_host("hygon")),
               Contains("Firecracker runs no guest on HygonGenuine"));
    CHECK_THAT(refused(0x746E6543, 0x48727561, 0x736C7561, intel_host("centaur")), Contains("CentaurHauls"));
}

TEST_CASE("the argument of QEMU's -cpu states the identity, the limits and every feature", "[render]") {
    const Pool pool;
    const std::vector<std::string> all = properties(pool.render("qemu").out);
    REQUIRE(all.size() > 20);
    CHECK(all.front() == "base");
    CHECK(all.back() == "enforce=on");
    for (const char* wanted : {"vendor=AuthenticAMD", "family=25", "xlevel=0x80000021", "phys-bits=48",
                               "host-phys-bits=off", "avx2=on", "fs-gs-base-ns=on", "hypervisor=on", "kvmclock=on"}) {
        CAPTURE(wanted);
        CHECK(has(all, wanted));
    }
    CHECK_FALSE(has(all, "svm=on"));
    CHECK(properties(pool.render("qemu", {"--accel", "tcg"}).out).back() == "x-force-features=on");
}

TEST_CASE("what KVM refuses and gives is noted where QEMU has KVM", "[render]") {
    const Pool pool;
    const auto speaks_of_kvm = [&](const std::string& accelerator) {
        const Json notes = pool.json("qemu", {"--accel", accelerator}).at("notes");
        return std::any_of(notes.begin(), notes.end(), [](const Json& note) {
            return note.get<std::string>().find("enforce=on") != std::string::npos;
        });
    };
    CHECK(speaks_of_kvm("kvm"));
    CHECK_FALSE(speaks_of_kvm("tcg"));
}

// QEMU target/i386/cpu.c, cpu_x86_cpuid, leaf 80000022h.
TEST_CASE("QEMU shows AMD's counters with pmu=on alone, and how many is the host's", "[render]") {
    const Pool pool;
    constexpr LeafKey counters{0x80000022, 0x0};
    HostDump host = with_bit(amd_host("zen4"), {0x80000001, 0x0}, Register::ecx, 23, true);
    host = with_register(std::move(host), {0x80000000, 0x0}, Register::eax, counters.leaf);
    host = with_register(with_register(std::move(host), counters, Register::eax, 1), counters, Register::ebx, 6);
    const std::string policy =
        pool.merged({pool.dir.write("zen4.json", document(host))}, "counters.json", {"--show", "pmu"});
    const auto argument = properties(pool.render("qemu", {}, policy).out);
    CHECK(has(argument, "perfmon-v2=on"));
    CHECK(has(argument, "pmu=on"));
    CHECK(lost(pool.json("qemu", {}, policy), "pmc_core").at("instead") == "unknown");
    CHECK(lost(pool.json("qemu", {}, policy), "perfmon_v2").is_null());
    CHECK_FALSE(has(properties(pool.render("qemu").out), "pmu=on"));
}

namespace {

// What KVM lists for a host of these services.
HostDump served(const std::string& name, std::uint32_t services) {
    HostDump host = with_register(amd_host(name), {0x40000001, 0}, Register::eax, services);
    host = with_register(host, {0x40000000, 0}, Register::eax, 0x40000001);
    host = with_register(host, {0x40000000, 0}, Register::ebx, 0x4B4D564B);  // "KVMK" "VMKV" "M"
    host = with_register(host, {0x40000000, 0}, Register::ecx, 0x564B4D56);
    host = with_register(host, {0x40000000, 0}, Register::edx, 0x4D);
    host.hypervisor = HypervisorView{"kvm", host.hardware->cpus.front().cpuid, std::nullopt};
    host.hardware.reset();
    return host;
}

}  // namespace

TEST_CASE("a service of KVM that a host is known to lack is withheld, though the policy decides none", "[render]") {
    const Pool pool;
    const std::string all = pool.dir.write("all.json", document(served("all", 0x29)));
    const std::string less = pool.dir.write("less.json", document(served("less", 0x09)));  // no steal time
    const std::string mixed = pool.merged({all, less}, "mixed.json");
    const std::string alike = pool.merged({all}, "alike.json");
    CHECK_THAT(pool.render("firecracker", {}, mixed).out,
               Contains(R"("0x40000001")") && Contains("0bxxxxxxxxxxxxxxxxxxxxxxxxxx0xxxxx"));
    CHECK_THAT(pool.render("firecracker", {}, alike).out, !Contains(R"("0x40000001")"));
    CHECK_THAT(pool.json("firecracker", {}, alike).at("notes").dump(), Contains("services of the KVM"));
    const std::vector<std::string> said = properties(pool.render("qemu", {}, mixed).out);
    CHECK(has(said, "kvmclock=on"));
    CHECK_FALSE(has(said, "kvm-steal-time=on"));
    CHECK(has(properties(pool.render("qemu", {}, alike).out), "kvm-steal-time=on"));
    for (const char* target : {"libvirt", "nova", "kubevirt"}) {
        CAPTURE(target);
        CHECK(lost(pool.json(target, {}, mixed), "kvm_steal_time").at("telling") == "more");
        CHECK(lost(pool.json(target, {}, mixed), "kvm_clocksource2").is_null());
        CHECK(lost(pool.json(target, {}, alike), "kvm_steal_time").is_null());
        CHECK_THAT(pool.json(target, {}, alike).at("notes").dump(), Contains("services of KVM"));
    }
    // A policy that was a ceiling is no host.
    const std::string under = pool.merged({all}, "under.json", {"--ceiling", pool.policy});
    CHECK(has(properties(pool.render("qemu", {}, under).out), "kvm-steal-time=on"));
}

TEST_CASE("bits of an MSR that says one CPU's revision promise nothing to another vendor's guests", "[render]") {
    const Pool pool;
    HostDump host = amd_host("hygon");
    host = with_register(host, {0, 0}, Register::ebx, 0x6F677948);
    host = with_register(host, {0, 0}, Register::edx, 0x6E65476E);
    host = with_register(host, {0, 0}, Register::ecx, 0x656E6975);
    const std::string policy = pool.merged({pool.dir.write("hygon.json", document(host))}, "hygon-policy.json");
    std::size_t of_revision = 0;
    const Json rendered = pool.json("proxmox", {}, policy);
    for (const Json& entry : rendered.at("inexpressible")) {
        if (entry.value("msr", "") != "0x8b" || entry.at("bits") != "63:32") continue;
        CHECK(entry.at("impact") == "cosmetic");
        ++of_revision;
    }
    CHECK(of_revision == 1);
}

TEST_CASE("KVM's services are the policy's where it speaks of them, and QEMU's own business else", "[render]") {
    const Pool pool;
    const std::string file = pool.dir.write("served.json", document(served("served", 0x29)));  // clocks, steal time
    const std::string policy =
        pool.merged({file}, "served-policy.json",
                    {"--show", "kvm_clocksource", "--show", "kvm_clocksource2", "--show", "kvm_steal_time"});
    const std::vector<std::string> said = properties(pool.render("qemu", {}, policy).out);
    for (const char* wanted : {"kvmclock=on", "kvm-steal-time=on"}) CHECK(has(said, wanted));
    for (const char* other : {"kvm-pv-eoi=on", "kvm-asyncpf=on", "kvmclock-stable-bit=on"})
        CHECK_FALSE(has(said, other));
    const Json kvm = pool.json("qemu", {}, policy);
    CHECK(lost(kvm, "kvm_clocksource").is_null());
    CHECK(lost(kvm, "kvm_steal_time").is_null());
    const Json tcg = pool.json("qemu", {"--accel", "tcg"}, policy);
    CHECK(lost(tcg, "kvm_clocksource").is_object());
    CHECK_THAT(lost(tcg, "kvm_steal_time").at("reason").get<std::string>(), Contains("no KVM"));
    CHECK_THAT(tcg.at("output").get<std::string>(), !Contains("kvm"));
    const std::vector<std::string> own = properties(pool.render("qemu", {}, pool.merged({file}, "own.json")).out);
    for (const char* wanted : {"kvmclock=on", "kvm-pv-eoi=on", "kvmclock-stable-bit=on"}) CHECK(has(own, wanted));
}

TEST_CASE("a name that a release of QEMU lacks is not used and is listed", "[render]") {
    const Pool pool;
    const auto with = [&](const std::string& version) {
        return run({"render", "--to", "qemu", "--qemu", version, pool.policy, "--format", "json"});
    };
    const Json old = Json::parse(with("7.2").out);
    CHECK_THAT(old.at("output").get<std::string>(), !Contains("fs-gs-base-ns"));
    CHECK(lost(old, "fs_gs_base_ns").at("reason") == "QEMU 7.2 has no name for it.");
    const Json last = Json::parse(with("10.0").out);
    CHECK_THAT(last.at("output").get<std::string>(), !Contains("fs-gs-base-ns"));
    CHECK(lost(last, "fs_gs_base_ns").at("reason") == "QEMU 10.0 has no name for it.");
    const Json recent = Json::parse(with("10.1").out);
    CHECK_THAT(recent.at("output").get<std::string>(), Contains("fs-gs-base-ns=on"));
    CHECK(lost(recent, "fs_gs_base_ns").is_null());
    CHECK(recent.at("version") == "QEMU 10.1, not asked");
    const Result older = with("5.2");
    CHECK(older.status == 2);
    CHECK_THAT(older.err, Contains("5.2") && Contains("--qemu PATH"));
}

TEST_CASE("without a QEMU that is installed every known name is used, and the release that needs is named",
          "[render]") {
    const Pool pool;
    const Result result =
        run({"render", "--to", "qemu", pool.policy, "--format", "json"}, {.environment = {"PATH=/nowhere"}});
    REQUIRE(result.status == 0);
    const Json document = Json::parse(result.out);
    if (document.at("version").get<std::string>().find("asked /usr/libexec") != std::string::npos) {
        WARN("skipped: /usr/libexec has a QEMU");
        return;
    }
    CHECK(document.at("version") == "QEMU 10.1 or later, not asked");
    CHECK_THAT(document.at("output").get<std::string>(), Contains("fs-gs-base-ns=on"));
}

TEST_CASE("a program that cannot be run is exit status 5, one that is no QEMU 3, and nothing is written", "[render]") {
    const Pool pool;
    const std::vector<std::pair<const char*, int>> programs{
        {"/nonexistent/qemu", 5}, {"/bin/true", 3}, {"/bin/cat", 3}};
    for (const auto& [program, status] : programs) {
        CAPTURE(program);
        for (const char* target : {"qemu", "libvirt"}) {
            const Result result = pool.asked(target, program);
            CHECK(result.status == status);
            CHECK(result.out.empty());
            CHECK_THAT(result.err, Contains(program));
        }
    }
}

TEST_CASE("a brand string with a comma is kept out of -cpu, and listed as lost", "[render]") {
    const Pool pool;
    HostDump host = amd_host("comma");
    for (std::uint32_t leaf = 0x80000002; leaf <= 0x80000004; ++leaf) {
        for (const Register reg : all_registers) {
            host = with_register(std::move(host), {leaf, 0}, reg, 0x202C6141);  // "Aa, "
        }
    }
    const std::string policy = pool.merged({pool.dir.write("comma.json", document(host))}, "comma-policy.json");
    const Json rendered = pool.json("qemu", {}, policy);
    CHECK_THAT(lost(rendered, "brand0_eax").at("reason").get<std::string>(), Contains("-cpu or a shell"));
    CHECK_THAT(rendered.at("output").get<std::string>(), Contains(",model-id=,"));
}

TEST_CASE("libvirt gets the model of the policy's family, and what differs from it", "[render]") {
    const Pool pool;
    const std::string text = pool.render("libvirt").out;
    pugi::xml_document document;
    REQUIRE(document.load_string(text.c_str()));
    const pugi::xml_node cpu = document.child("cpu");
    CHECK(std::string(cpu.attribute("match").value()) == "exact");
    CHECK(std::string(cpu.attribute("check").value()) == "full");
    CHECK(std::string(cpu.child("model").child_value()) == "New");
    CHECK(std::string(cpu.child("vendor").child_value()) == "AMD");
    CHECK(std::string(cpu.child("maxphysaddr").attribute("bits").value()) == "48");
    const auto policy_of = [&](const char* name) {
        return std::string(cpu.find_child_by_attribute("feature", "name", name).attribute("policy").value());
    };
    CHECK(policy_of("avx2") == "require");
    CHECK(policy_of("hypervisor") == "require");
    CHECK(policy_of("3dnow") == "disable");
    CHECK(policy_of("svm") == "disable");
    CHECK(policy_of("sse2").empty());  // this cpu_map does not know it
    CHECK(lost(pool.json("libvirt"), "sse2").at("reason") == "This libvirt has no name for it.");
    CHECK(lost(pool.json("libvirt"), "fs_gs_base_ns").at("telling") == "more");
    CHECK_THAT(pool.render("libvirt", {"--base", "Old"}).out, Contains(">Old</model>"));
    CHECK(pool.render("libvirt", {"--base", "None"}).status == 2);
}

TEST_CASE("a cpu_map that is none is exit status 3", "[render]") {
    const Pool pool;
    pool.dir.write("empty/index.xml", "<cpus/>");
    pool.dir.write("broken/index.xml", "<cpus");
    for (const char* directory : {"empty", "broken", "missing"}) {
        const Result result = run({"render", "--to", "libvirt", pool.policy, "--cpu-map", pool.dir.file(directory)});
        CAPTURE(directory);
        CHECK(result.status == 3);
        CHECK_THAT(result.err, Contains("index.xml"));
    }
}

TEST_CASE("--hosts says what each host needs, hosts that need the same together", "[render]") {
    const Pool pool;
    const std::string more = pool.dir.write("more.json", document(amd_host("more")));
    const std::vector<std::string> hosts{"--hosts", pool.plain, pool.told, more};
    const Json qemu = pool.json("qemu", hosts);
    REQUIRE(qemu.at("hosts").size() == 2);
    const Json& shows = qemu.at("hosts").at(0);
    const Json& hides = qemu.at("hosts").at(1);
    CHECK(shows.at("hosts") == Json{"told"});
    CHECK_FALSE(hides_field(shows, "fs_gs_base_ns"));
    CHECK_FALSE(shows.contains("output"));  // QEMU has no name for the other that it hides
    CHECK(hides.at("hosts") == Json{"more", "plain"});
    CHECK(hides_field(hides, "fs_gs_base_ns"));
    const std::string output = hides.at("output");
    CHECK_THAT(output, Contains("x-force-features=on") && !Contains("enforce=on"));
    CHECK_THAT(pool.json("kvm", hosts).at("hosts").at(1).at("advice").get<std::string>(), Contains("Nothing to do"));
    CHECK_THAT(pool.render("qemu", hosts).err,
               Contains("host more, plain: does not show") && Contains("fs_gs_base_ns"));
}

TEST_CASE("many hosts that need the same are counted by their CPU and kernel", "[render]") {
    const Pool pool;
    std::vector<std::string> hosts{"--hosts", pool.told};
    for (int i = 0; i < 12; ++i) {
        HostDump host = amd_host("n" + std::to_string(i));
        host.meta["kernel"] = i < 7 ? "6.1.0-22-amd64" : "6.12.3";
        hosts.push_back(pool.dir.write(host.name + ".json", document(host)));
    }
    hosts.push_back(hosts.back());  // the same dump again is the same host
    const Json advice = pool.json("qemu", hosts).at("hosts");
    REQUIRE(advice.size() == 2);
    CHECK(advice.at(1).at("hosts").size() == 12);
    const Json& kinds = advice.at(1).at("kinds");
    REQUIRE(kinds.size() == 2);
    CHECK(kinds.at("Milan, kernel 6.1.0-22-amd64") == 7);
    CHECK(kinds.at("Milan, kernel 6.12.3") == 5);
    const std::string text = pool.render("qemu", hosts).err;
    CHECK_THAT(text, Contains("12 hosts (Milan, kernel 6.1.0-22-amd64 \xC3\x97"
                              "7, Milan, kernel"));
    CHECK_THAT(text, Contains("host told: "));
}

TEST_CASE("a bit that QEMU has no name for needs no other text on a host that hides it", "[render]") {
    const Pool pool;
    const Result result =
        run({"render", "--to", "qemu", "--qemu", "7.2", pool.policy, "--hosts", pool.plain, "--format", "json"});
    const Json document = Json::parse(result.out);
    CHECK_THAT(document.at("hosts").at(0).at("advice").get<std::string>(),
               Contains("QEMU cannot be told of these bits") && !Contains("Nothing to do"));
    CHECK_FALSE(document.at("hosts").at(0).contains("output"));
}

TEST_CASE("a host that does not keep what a target leaves unsaid is named", "[render]") {
    const Pool pool;
    const Result result = run(
        {"render", "--to", "qemu", "--qemu", "7.2", pool.policy, "--hosts", pool.plain, pool.told, "--format", "json"});
    const Json hosts = Json::parse(result.out).at("hosts");
    const auto advice_of = [&](const char* name) {
        for (const Json& entry : hosts) {
            if (entry.at("hosts") == Json{name}) return entry.at("advice").get<std::string>();
        }
        return std::string();
    };
    // Both have the one, of which no release of then can tell.
    CHECK_THAT(advice_of("plain"), Contains("more than this host keeps: efer_lmsle_unsupported,") &&
                                       !Contains("fs_gs_base_ns") && !Contains("Nothing to do"));
    CHECK_THAT(advice_of("told"), Contains("more than this host keeps: efer_lmsle_unsupported, fs_gs_base_ns,"));
}

TEST_CASE("a host that breaks a promise of the policy is told apart", "[render]") {
    const Pool pool;
    const std::string weak =
        pool.dir.write("weak.json", document(with_bit(amd_host("weak"), leaf_7, Register::ebx, avx2_bit, false)));
    const Json document = pool.json("qemu", {"--hosts", weak});
    CHECK(document.at("hosts").at(0).at("breaks") == Json{"avx2"});
    CHECK_THAT(document.at("hosts").at(0).at("advice").get<std::string>(), Contains("poolcpuid check"));
}

TEST_CASE("an option of another target, a bad policy and bad hosts are refused", "[render]") {
    const Pool pool;
    CHECK(run({"render", "--to", "xapi", pool.policy, "--base", "EPYC"}).status == 2);
    CHECK(run({"render", "--to", "kvm", pool.policy, "--accel", "tcg"}).status == 2);
    CHECK(run({"render", "--to", "qemu", pool.policy, "--cpu-map", pool.map}).status == 2);
    CHECK(run({"render", "--to", "libvirt", pool.policy, "--cpu-map", pool.map, "--qemu", "9.2"}).status == 2);
    CHECK(run({"render", "--to", "qemu", "--qemu", "9.2", pool.policy, "--base", "EPYC"}).status == 2);
    CHECK(run({"render", "--to", "bhyve", pool.policy}).status == 2);
    CHECK(run({"render", pool.policy}).status == 2);
    const Result host = run({"render", "--to", "kvm", pool.plain});
    CHECK(host.status == 3);
    CHECK(host.out.empty());
    CHECK(run({"render", "--to", "kvm", pool.policy, "--hosts", pool.dir.file("missing")}).status == 3);
}

}  // namespace poolcpuid::test::render_test
