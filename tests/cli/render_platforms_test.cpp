// render for platforms above QEMU and libvirt: what each is given to paste, what it says that the platform cannot be
// told, and that no name leaves its place. Guests start with it in tests/e2e.

#include <nlohmann/json.hpp>
#include <regex>
#include <set>
#include <sstream>
#include <string>
#include <utility>
#include <vector>

#include "tests/catch.hpp"
#include "tests/cli/support/fake_qemu.hpp"
#include "tests/cli/support/rendered.hpp"
#include "tests/cli/support/run_program.hpp"
#include "tests/cli/support/sample_hosts.hpp"
#include "tests/cli/support/small_cpu_map.hpp"
#include "tests/cli/support/temporary_directory.hpp"

namespace poolcpuid::test::render_platforms_test {

using Catch::Contains;
using Json = nlohmann::json;

namespace {

// Means something to INI files, YAML, shells and Proxmox's sections.
constexpr const char* hostile = "a'b\"c: $(touch owned) `touch owned`; [x] #y \xC3\xBC";

struct Pool {
    TemporaryDirectory dir;
    std::string plain = dir.write("plain.json", document(amd_host("plain")));
    std::string told = dir.write(
        "told.json", document(with_bit(amd_host("told"), leaf_8000_0021, Register::eax, fs_gs_base_ns_bit, true)));
    std::string map = cpu_map_in(dir);

    std::string policy(const std::string& name = "blue") const {
        const std::string file = dir.file("policy.json");
        REQUIRE(run({"merge", "--pool", name, "-o", file, plain, told}).status == 0);
        return file;
    }

    Json render(const std::string& target, const std::vector<std::string>& more,
                const std::string& name = "blue") const {
        std::vector<std::string> arguments{"render", "--to", target, policy(name), "--format", "json"};
        arguments.insert(arguments.end(), more.begin(), more.end());
        return rendered_by(run(arguments));
    }
};

// A QEMU with two models that Proxmox reports for AMD, and one that it does not know.
FakeQemu qemu_of_proxmox() {
    FakeQemu qemu;
    for (const char* name : {"fpu", "avx2", "lm", "svm", "hypervisor", "3dnow", "sep", "lahf-lm", "kvm-pv-eoi",
                             "kvm-asyncpf", "kvm-steal-time", "kvm-pv-unhalt", "cpuid-0xb", "a-feature-of-tomorrow"})
        qemu.flags[name];
    qemu.numbers = {"level", "xlevel", "phys-bits", "family", "model", "stepping"};
    qemu.models["EPYC-Milan"].on = {"fpu", "avx2", "lm", "svm", "a-feature-of-tomorrow"};
    qemu.models["EPYC-Milan"].numbers = {{"family", 25}, {"model", 1}, {"level", 0xD}, {"xlevel", 0x8000001E}};
    qemu.models["phenom"].on = {"fpu", "3dnow", "svm"};
    qemu.models["phenom"].numbers = {{"family", 16}, {"model", 2}};
    qemu.models["EPYC-Private"].on = {"fpu", "avx2", "lm"};
    qemu.models["EPYC-Private"].numbers = {{"family", 25}, {"model", 1}};
    return qemu;
}

struct Section {
    std::string name;
    std::vector<std::pair<std::string, std::string>> options;

    std::string at(const std::string& key) const {
        for (const auto& [name_of, value] : options) {
            if (name_of == key) return value;
        }
        return "none";
    }
};

// By the rules of parse_config in PVE::SectionConfig and of pve_verify_configid.
Section section_of(const std::string& text) {
    std::istringstream in(text);
    std::string line;
    std::getline(in, line);
    std::smatch part;
    Section section;
    REQUIRE(std::regex_match(line, part, std::regex("cpu-model: ([a-zA-Z][a-zA-Z0-9_-]+)")));
    section.name = part[1];
    while (std::getline(in, line) && !line.empty()) {
        CAPTURE(line);
        REQUIRE(std::regex_match(line, part, std::regex("\\s+(\\S+)\\s+(.*\\S)")));
        section.options.emplace_back(part[1], part[2]);
    }
    CHECK(in.rdbuf()->in_avail() == 0);
    return section;
}

std::set<std::string> flags_of(const Section& section) {
    std::set<std::string> all;
    std::istringstream in(section.at("flags"));
    for (std::string flag; std::getline(in, flag, ';');) {
        CAPTURE(flag);
        CHECK(std::regex_match(flag, std::regex("[+-][a-zA-Z0-9._-]+")));
        CHECK(all.insert(flag).second);
    }
    return all;
}

Json lost(const Json& document, const std::string& field) {
    for (const Json& entry : document.at("inexpressible")) {
        if (entry.at("field") == field) return entry;
    }
    return nullptr;
}

// A cpu_map whose models and features have a name that quotes and means.
std::string map_with(const TemporaryDirectory& dir, const std::string& feature) {
    dir.write("odd/index.xml", "<cpus><arch name='x86'><include filename='all.xml'/></arch></cpus>");
    dir.write("odd/all.xml",
              "<cpus><vendor name='AMD' string='AuthenticAMD'/><feature name='" + feature +
                  "'><cpuid eax_in='0x7' ecx_in='0x0' ebx='0x20'/></feature>"
                  "<feature name='hypervisor'><cpuid eax_in='0x1' ecx='0x80000000'/></feature>"
                  "<model name='New'><signature family='25' model='1'/><vendor name='AMD'/></model></cpus>");
    return dir.file("odd");
}

}  // namespace

TEST_CASE("Proxmox gets the nearest of the models that it reports, and what differs from it", "[render]") {
    const Pool pool;
    const std::string qemu = qemu_of_proxmox().write(pool.dir);
    const Json document = pool.render("proxmox", {"--qemu", qemu});
    const Section section = section_of(document.at("output").get<std::string>() + "\n\n");
    CHECK(section.name == "blue");
    CHECK(section.at("reported-model") == "EPYC-Milan");
    CHECK(section.at("phys-bits") == "48");
    const std::set<std::string> flags = flags_of(section);
    for (const char* flag : {"+avx2", "+lm", "+hypervisor", "-svm", "-a-feature-of-tomorrow"}) {
        CAPTURE(flag);
        CHECK(flags.contains(flag));
    }
    CHECK(lost(document, "family").is_null());  // the model's is the policy's
    CHECK(lost(document, "stepping").at("instead") == "0x0");
    CHECK_THAT(lost(document, "stepping").at("reason").get<std::string>(), Contains("CPU model"));
    CHECK(lost(document, "maxphyaddr").is_null());
    const Json old = pool.render("proxmox", {"--qemu", qemu, "--base", "phenom"});
    const std::set<std::string> changed = flags_of(section_of(old.at("output").get<std::string>() + "\n\n"));
    CHECK(lost(old, "ext_family").is_object());
    CHECK(changed.contains("-3dnow"));
    CHECK(changed.contains("+avx2"));
}

TEST_CASE("the stepping of a model that Proxmox reports is the one that the asked QEMU names", "[render]") {
    const Pool pool;
    FakeQemu fake = qemu_of_proxmox();
    fake.models["EPYC-Milan"].numbers["stepping"] = 1;  // the policy's
    const Json document = pool.render("proxmox", {"--qemu", fake.write(pool.dir)});
    CHECK(lost(document, "stepping").is_null());
    CHECK(lost(document, "ext_fms").is_null());
}

TEST_CASE("guest-phys-bits is said where Proxmox can, and is 0 in a QEMU that has no such property", "[render]") {
    const Pool pool;
    constexpr std::uint32_t widths = 0x00003030;  // leaf 80000008h, EAX: linear and physical
    const auto rendered = [&](std::uint32_t guest_width, const std::string& qemu) {
        const HostDump host =
            with_register(amd_host("wide"), leaf_8000_0008, Register::eax, widths | guest_width << 16);
        const std::string policy = pool.dir.file("wide-policy.json");
        REQUIRE(run({"merge", "-o", policy, pool.dir.write("wide.json", document(host))}).status == 0);
        return rendered_by(run({"render", "--to", "proxmox", policy, "--qemu", qemu, "--format", "json"}));
    };
    const auto said = [](const Json& document) {
        return section_of(document.at("output").get<std::string>() + "\n\n").at("guest-phys-bits");
    };
    FakeQemu fake = qemu_of_proxmox();
    const std::string without = fake.write(pool.dir);
    for (const std::string& qemu : {without, std::string("7.2")}) {
        CAPTURE(qemu);
        CHECK(said(rendered(0, qemu)) == "none");
        CHECK(lost(rendered(0, qemu), "guestphys").is_null());
        CHECK(said(rendered(0x2F, qemu)) == "none");
        CHECK(lost(rendered(0x2F, qemu), "guestphys").at("instead") == "0x0");
    }
    fake.numbers.insert("guest-phys-bits");
    fake.models["EPYC-Milan"].numbers["guest-phys-bits"] = 0xFFFFFFFF;  // the host's
    for (const std::string& qemu : {fake.write(pool.dir), std::string("10.2")}) {
        CAPTURE(qemu);
        CHECK(said(rendered(0x2F, qemu)) == "47");
        CHECK(lost(rendered(0x2F, qemu), "guestphys").is_null());
        CHECK(said(rendered(0, qemu)) == "none");  // a section takes 32 to 64
        CHECK(lost(rendered(0, qemu), "guestphys").at("instead") == "unknown");
    }
    fake.models["EPYC-Milan"].numbers["guest-phys-bits"] = 0;
    CHECK(lost(rendered(0, fake.write(pool.dir)), "guestphys").is_null());
}

TEST_CASE("where Proxmox reports no model of the vendor, that is said, and one that takes the node's is asked for",
          "[render]") {
    const Pool pool;
    HostDump host = amd_host("hygon");
    for (const LeafKey key : {LeafKey{0, 0}, LeafKey{0x80000000, 0}}) {
        host = with_register(host, key, Register::ebx, 0x6F677948);  // "HygonGenuine"
        host = with_register(host, key, Register::edx, 0x6E65476E);
        host = with_register(host, key, Register::ecx, 0x656E6975);
    }
    host = with_register(host, {1, 0}, Register::eax, 0x00900F02);
    const std::string policy = pool.dir.file("hygon-policy.json");
    REQUIRE(run({"merge", "-o", policy, pool.dir.write("hygon.json", document(host))}).status == 0);
    const auto rendered = [&](const std::string& qemu) {
        return rendered_by(run({"render", "--to", "proxmox", policy, "--qemu", qemu, "--format", "json"}));
    };
    FakeQemu fake = qemu_of_proxmox();
    fake.models["kvm64"].on = {"fpu", "lm", "sep"};
    fake.models["kvm64"].numbers = {{"family", 15}, {"model", 6}, {"stepping", 1}};
    const Json asked = rendered(fake.write(pool.dir));
    CHECK(section_of(asked.at("output").get<std::string>() + "\n\n").at("reported-model") == "kvm64");
    CHECK(lost(asked, "stepping").at("instead") == "0x1");
    CHECK_THAT(asked.at("notes").dump(),
               Contains("Proxmox reports no CPU model of HygonGenuine") && !Contains("Without a QEMU"));
    CHECK_THAT(rendered("10.2").at("notes").dump(), Contains("Proxmox reports no CPU model of HygonGenuine"));
    CHECK_THAT(pool.render("proxmox", {"--qemu", "10.2"}).at("notes").dump(), !Contains("reports no CPU model"));
}

TEST_CASE("Proxmox's section stays within its rules whatever the pool is called", "[render]") {
    const Pool pool;
    for (const auto& [name, section] :
         std::vector<std::pair<std::string, std::string>>{{hostile, "a-b-c----touch-owned---touch-owned----x---y---"},
                                                          {"aZ", "aZ"},
                                                          {"7", "pool-7"},
                                                          {"x", "pool-x"},
                                                          {"A_b-1", "A_b-1"}}) {
        CAPTURE(name);
        const Json document = pool.render("proxmox", {"--qemu", "10.2"}, name);
        const std::string found = section_of(document.at("output").get<std::string>() + "\n\n").name;
        // Six digits of the pool's name behind one that had to change.
        CHECK(found.substr(0, section.size()) == section);
        CHECK(found.size() == section.size() + (name == section ? 0 : 7));
        const bool is_noted = document.at("notes").dump().find("became") != std::string::npos;
        CHECK(is_noted == (name != section));
    }
}

TEST_CASE("pools whose names Proxmox cannot tell apart get sections of their own", "[render]") {
    const Pool pool;
    const auto section = [&](const std::string& name) {
        const Json document = pool.render("proxmox", {"--qemu", "10.2"}, name);
        return section_of(document.at("output").get<std::string>() + "\n\n").name;
    };
    CHECK(section("a-b") == "a-b");
    CHECK(section("a b") != section("a-b"));
    CHECK(section("a b") != section("a.b"));
    CHECK(section("a b") == section("a b"));
}

TEST_CASE("without a QEMU to ask Proxmox's section starts from the one model that is known", "[render]") {
    const Pool pool;
    const Json document = pool.render("proxmox", {"--qemu", "10.2"});
    const Section section = section_of(document.at("output").get<std::string>() + "\n\n");
    CHECK(section.at("reported-model") == "qemu64");
    CHECK(flags_of(section).contains("-svm"));
    CHECK(lost(document, "ext_model").at("instead") == "0x6");    // family 15, model 107
    CHECK(lost(document, "ext_fms").at("instead") == "unknown");  // AMD's copy of both, with a stepping like any
    // What no model says QEMU chooses itself (cpu.c x86_cpu_realizefn; cpu_x86_cpuid without PadLock's features).
    CHECK(lost(document, "amd_ucode_rev").at("instead") == "0x1000065");
    for (const Json& entry : document.at("inexpressible")) {
        CHECK(entry.value("leaf", "") != "0xc0000000");
        CHECK_FALSE((entry.value("index", "") == "0x8b" && entry.at("field") == "bits without a field"));
    }
    CHECK_THAT(document.at("notes").dump(), Contains("only the model qemu64"));
}

TEST_CASE("a model that Proxmox does not report for the vendor is refused", "[render]") {
    const Pool pool;
    const std::string qemu = qemu_of_proxmox().write(pool.dir);
    const Result other = run({"render", "--to", "proxmox", pool.policy(), "--qemu", qemu, "--base", "EPYC-Private"});
    CHECK(other.status == 2);
    CHECK_THAT(other.err, Contains("Proxmox reports no CPU model EPYC-Private"));
    CHECK(other.out.empty());
    CHECK(run({"render", "--to", "proxmox", pool.policy(), "--accel", "tcg"}).status == 2);
}

TEST_CASE("what Proxmox turns on and the policy lacks is turned off where the policy speaks of it", "[render]") {
    const Pool pool;
    const std::string qemu = qemu_of_proxmox().write(pool.dir);
    const auto flags = [&](const std::string& policy) {
        const Json document =
            rendered_by(run({"render", "--to", "proxmox", policy, "--qemu", qemu, "--format", "json"}));
        return flags_of(section_of(document.at("output").get<std::string>() + "\n\n"));
    };
    CHECK_FALSE(flags(pool.policy()).contains("-kvm-pv-unhalt"));
    HostDump host = with_register(amd_host("served"), {0x40000001, 0}, Register::eax, 0x29);
    host = with_register(host, {0x40000000, 0}, Register::eax, 0x40000001);
    host = with_register(host, {0x40000000, 0}, Register::ebx, 0x4B4D564B);  // "KVMK" "VMKV" "M"
    host = with_register(host, {0x40000000, 0}, Register::ecx, 0x564B4D56);
    host = with_register(host, {0x40000000, 0}, Register::edx, 0x4D);
    host.hypervisor = HypervisorView{"kvm", host.hardware->cpus.front().cpuid, std::nullopt};
    host.hardware.reset();
    const std::string file = pool.dir.file("served-policy.json");
    REQUIRE(
        run({"merge", pool.dir.write("served.json", document(host)), "--show", "kvm_steal_time", "-o", file}).status ==
        0);
    CHECK(flags(file).contains("-kvm-pv-unhalt"));
    CHECK(flags(file).contains("-kvm-pv-eoi"));
    CHECK(flags(file).contains("-kvm-asyncpf"));  // on in each of QEMU's models
}

TEST_CASE("Nova gets the model and features of the <cpu> element as lines of nova.conf", "[render]") {
    const Pool pool;
    const Json document = pool.render("nova", {"--cpu-map", pool.map}, hostile);
    CHECK(document.at("output") ==
          "[libvirt]\ncpu_mode = custom\ncpu_models = New\n"
          "cpu_model_extra_flags = -3dnow, +avx2, +fpu, +lm, -svm");  // QEMU shows +hypervisor by itself
    CHECK_THAT(document.at("notes").dump(),
               Contains("skip_cpu_compare_at_startup") && Contains("skip_cpu_compare_on_dest"));
    CHECK_THAT(document.at("notes").dump(), Contains("hw:maxphysaddr_bits=48"));
    CHECK_THAT(lost(document, "maxphyaddr").at("reason").get<std::string>(), Contains("flavor"));
    CHECK(lost(document, "fs_gs_base_ns").at("telling") == "more");
    CHECK(run({"render", "--to", "nova", pool.policy(), "--cpu-map", pool.map, "--base", "Old"}).status == 0);
}

TEST_CASE("a name that nova.conf would take for something else is refused", "[render]") {
    const Pool pool;
    for (const char* name : {"a,b", "$my_ip", "a b", "=x"}) {
        CAPTURE(name);
        const Result result = run({"render", "--to", "nova", pool.policy(), "--cpu-map", map_with(pool.dir, name)});
        CHECK(result.status == 2);
        CHECK(result.out.empty());
        CHECK_THAT(result.err, Contains("nova.conf cannot hold the name \"" + std::string(name)));
    }
}

TEST_CASE("KubeVirt gets the same as YAML, with every name in quotes", "[render]") {
    const Pool pool;
    const std::string head =
        "spec:\n  template:\n    spec:\n      domain:\n        cpu:\n          model: \"New\"\n          features:\n";
    const Json document = pool.render("kubevirt", {"--cpu-map", pool.map}, hostile);
    CHECK(document.at("output") == head +
                                       "          - name: \"3dnow\"\n            policy: disable\n"
                                       "          - name: \"avx2\"\n            policy: require\n"
                                       "          - name: \"fpu\"\n            policy: require\n"
                                       "          - name: \"hypervisor\"\n            policy: require\n"
                                       "          - name: \"lm\"\n            policy: require\n"
                                       "          - name: \"svm\"\n            policy: disable");
    CHECK_THAT(lost(document, "maxphyaddr").at("reason").get<std::string>(), Contains("KubeVirt"));
    CHECK_THAT(document.at("notes").dump(),
               Contains("cpu-model.node.kubevirt.io/") && Contains("cpu-feature.node.kubevirt.io/"));
    const Json odd = pool.render("kubevirt", {"--cpu-map", map_with(pool.dir, "a&quot;: \\n [b] # &amp;c")});
    CHECK_THAT(odd.at("output").get<std::string>(), Contains("- name: \"a\\\": \\\\n [b] # &c\"\n"));
    const Result broken =
        run({"render", "--to", "kubevirt", pool.policy(), "--cpu-map", map_with(pool.dir, "a&#10;b")});
    CHECK(broken.status == 2);
    CHECK(broken.out.empty());
}

TEST_CASE("Incus gets two commands, in which nothing is the pool's name", "[render]") {
    const Pool pool;
    const Json document = pool.render("incus", {"--qemu", "10.2"}, hostile);
    std::istringstream in(document.at("output").get<std::string>());
    std::string baseline;
    std::string flags;
    std::getline(in, baseline);
    std::getline(in, flags);
    CHECK(baseline == "incus cluster group set \"${GROUP:-default}\" instances.vm.cpu.x86_64.baseline=base");
    CHECK_THAT(flags, Contains("incus cluster group set \"${GROUP:-default}\" ") &&
                          Contains("instances.vm.cpu.x86_64.flags=vendor=AuthenticAMD,family=25,") &&
                          Contains(",topoext=off,") && Contains(",enforce=on"));
    CHECK_THAT(document.at("output").get<std::string>(), !Contains("owned"));
    CHECK_THAT(document.at("notes").dump(), Contains("migration.stateful=true"));
}

TEST_CASE("blanks at the ends of a brand string, which Incus loses, are not asked for, and listed", "[render]") {
    const Pool pool;
    const HostDump host = with_register(amd_host("blank"), {0x80000002, 0}, Register::eax, 0x5A412020);  // "  AZ"
    const std::string policy = pool.dir.file("blank-policy.json");
    REQUIRE(run({"merge", "-o", policy, pool.dir.write("blank.json", document(host))}).status == 0);
    const auto rendered = [&](const std::string& target) {
        return rendered_by(run({"render", "--to", target, policy, "--qemu", "10.2", "--format", "json"}));
    };
    const Json incus = rendered("incus");
    CHECK_THAT(incus.at("output").get<std::string>(), Contains(",model-id=AZ,"));
    CHECK(lost(incus, "brand0_eax").at("instead") == "0x5a41");
    CHECK_THAT(lost(incus, "brand0_eax").at("reason").get<std::string>(), Contains("lost on the way to QEMU"));
    // QEMU itself takes them.
    const Json qemu = rendered("qemu");
    CHECK_THAT(qemu.at("output").get<std::string>(), Contains(",model-id=  AZ,"));
    CHECK(lost(qemu, "brand0_eax").is_null());
}

TEST_CASE("what each platform can do about a host that hides an announcement is said", "[render]") {
    const Pool pool;
    const std::vector<std::pair<std::string, std::string>> platforms{{"incus", "x-force-features=on"},
                                                                     {"kubevirt", "cannot be told"},
                                                                     {"nova", "cannot be told"},
                                                                     {"proxmox", "args"}};
    for (const auto& [target, advice] : platforms) {
        CAPTURE(target);
        const bool is_qemu = target == "incus" || target == "proxmox";
        const Json document =
            pool.render(target, {is_qemu ? "--qemu" : "--cpu-map", is_qemu ? "10.2" : pool.map, "--hosts", pool.plain});
        REQUIRE(document.at("hosts").size() == 1);
        CHECK_THAT(document.at("hosts").at(0).at("advice").get<std::string>(), Contains(advice));
        CHECK(document.at("hosts").at(0).contains("output") == (target == "incus"));
    }
}

}  // namespace poolcpuid::test::render_platforms_test
