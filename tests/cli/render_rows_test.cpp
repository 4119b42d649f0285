// render for VMMs that are told whole registers: VirtualBox by commands, VMware by lines of its configuration. What
// they are told is the policy, and what they show otherwise is listed.

#include <algorithm>
#include <map>
#include <nlohmann/json.hpp>
#include <regex>
#include <sstream>
#include <string>
#include <utility>
#include <vector>

#include "tests/catch.hpp"
#include "tests/cli/support/rendered.hpp"
#include "tests/cli/support/run_program.hpp"
#include "tests/cli/support/sample_hosts.hpp"
#include "tests/cli/support/temporary_directory.hpp"

namespace poolcpuid::test::render_rows_test {

using Catch::Contains;
using Json = nlohmann::json;

namespace {

constexpr const char* hostile = "a'b\"c: $(touch owned) `touch owned`; [x] #y \xC3\xBC";

struct Pool {
    TemporaryDirectory dir;
    std::string plain = dir.write("plain.json", document(amd_host("plain")));
    std::string told = dir.write(
        "told.json", document(with_bit(amd_host("told"), leaf_8000_0021, Register::eax, fs_gs_base_ns_bit, true)));
    std::string intel = dir.write("intel.json", document(intel_host("intel")));

    std::string policy(const std::vector<std::string>& hosts) const {
        std::vector<std::string> arguments{"merge", "--pool", hostile, "-o", dir.file("policy.json")};
        arguments.insert(arguments.end(), hosts.begin(), hosts.end());
        REQUIRE(run(arguments).status == 0);
        return dir.file("policy.json");
    }

    Json render(const std::string& target, const std::string& policy, const std::vector<std::string>& more = {}) const {
        std::vector<std::string> arguments{"render", "--to", target, policy, "--format", "json"};
        arguments.insert(arguments.end(), more.begin(), more.end());
        return rendered_by(run(arguments));
    }
};

std::vector<std::string> lines_of(const Json& document) {
    std::vector<std::string> lines;
    std::istringstream in(document.at("output").get<std::string>());
    for (std::string line; std::getline(in, line);) lines.push_back(line);
    return lines;
}

Json lost(const Json& document, const std::string& field) {
    for (const Json& entry : document.at("inexpressible")) {
        if (entry.at("field") == field) return entry;
    }
    return nullptr;
}

// The four registers that the commands set, by leaf, and the switches.
struct Commands {
    std::map<std::string, std::vector<std::string>> rows;
    std::map<std::string, std::string> switches;
};

Commands commands_of(const Json& document) {
    Commands commands;
    const std::regex row(R"x(VBoxManage modifyvm "\$VM" --cpuid-set ([0-9a-f]{8})((?: [0-9a-f]{8}){4}))x");
    const std::regex option(R"x(VBoxManage modifyvm "\$VM" --([a-z0-9-]+)(?: (on|off|0))?)x");
    std::vector<std::string> lines = lines_of(document);
    CHECK(lines.front() == ": \"${VM:?is to be the name or UUID of a machine}\"");
    lines.erase(lines.begin());
    for (const std::string& line : lines) {
        CAPTURE(line);
        std::smatch part;
        if (std::regex_match(line, part, row)) {
            std::istringstream in(part[2]);
            std::vector<std::string> values;
            for (std::string value; in >> value;) values.push_back("0x" + value);
            CHECK(commands.rows.emplace(part[1], values).second);
        } else {
            REQUIRE(std::regex_match(line, part, option));
            CHECK(commands.rows.empty());  // what was set before is put away first
            CHECK(commands.switches.emplace(part[1], part[2]).second);
        }
    }
    return commands;
}

}  // namespace

TEST_CASE("VirtualBox is told every first subleaf of the policy that it takes", "[render]") {
    const Pool pool;
    const std::string file = pool.policy({pool.plain, pool.told});
    const Commands commands = commands_of(pool.render("virtualbox", file));
    const Json policy = Json::parse(bytes_of(file));
    std::size_t found = 0;
    for (const Json& row : policy.at("cpuid")) {
        const std::string leaf = row.at("leaf").get<std::string>().substr(2);
        const auto at = commands.rows.find(std::string(8 - leaf.size(), '0') + leaf);
        if (row.at("subleaf") != "0x0" || at == commands.rows.end()) continue;
        ++found;
        CHECK(at->second == std::vector<std::string>{row.at("eax"), row.at("ebx"), row.at("ecx"), row.at("edx")});
    }
    CHECK(found >= 7);
    // A leaf that the policy does not show is told as zeros: the host may have something there.
    CHECK(commands.rows.at("00000005") == std::vector<std::string>(4, "0x00000000"));
    // Leaves that VirtualBox refuses, and those whose subleaves it would lose.
    for (const char* leaf : {"0000000d", "80000021", "00000004"}) CHECK_FALSE(commands.rows.contains(leaf));
    CHECK(commands.switches.at("cpuid-remove-all").empty());
    CHECK(commands.switches.at("cpuid-portability-level") == "0");
    CHECK(commands.switches.at("long-mode") == "on");
    CHECK(commands.switches.at("nested-hw-virt") == "off");
}

TEST_CASE("what VirtualBox withholds and adds is listed", "[render]") {
    const Pool pool;
    const Json amd = pool.render("virtualbox", pool.policy({pool.plain, pool.told}));
    CHECK(lost(amd, "fs_gs_base_ns").at("telling") == "more");
    CHECK_THAT(lost(amd, "fs_gs_base_ns").at("reason").get<std::string>(), Contains("0x8000001e"));
    CHECK(lost(amd, "avx2").is_null());
    const Json intel = pool.render("virtualbox", pool.policy({pool.intel}));
    CHECK(lost(intel, "ac_rsba").at("instead") == "unknown");
    CHECK_THAT(lost(intel, "ac_rsba").at("reason").get<std::string>(), Contains("MSRs"));
    CHECK_THAT(intel.at("notes").dump(), Contains("VBox.log") && Contains("powered off"));
}

TEST_CASE("what VirtualBox gives with another feature alone is listed where the policy lacks that one", "[render]") {
    const Pool pool;
    constexpr unsigned pcid = 17;     // leaf 1, ECX
    constexpr unsigned fsgsbase = 0;  // leaf 7, EBX
    const auto rendered = [&](bool has_fsgsbase) {
        const HostDump host = with_bit(with_bit(intel_host("host"), {1, 0}, Register::ecx, pcid, true), leaf_7,
                                       Register::ebx, fsgsbase, has_fsgsbase);
        return pool.render("virtualbox", pool.policy({pool.dir.write("pcid.json", document(host))}));
    };
    CHECK(lost(rendered(true), "pcid").is_null());
    const Json without = rendered(false);
    CHECK(lost(without, "pcid").at("telling") == "less");
    CHECK(lost(without, "pcid").at("reason") == "VirtualBox gives no PCID without FSGSBASE.");
}

TEST_CASE("a mitigation that VirtualBox does not give is no matter of speed", "[render]") {
    const Pool pool;
    constexpr unsigned smep = 7;  // leaf 7, EBX
    const std::string host =
        pool.dir.write("smep.json", document(with_bit(amd_host("smep"), leaf_7, Register::ebx, smep, true)));
    const Json document = pool.render("virtualbox", pool.policy({host}));
    CHECK(lost(document, "smep").at("telling") == "less");
    CHECK(lost(document, "smep").at("impact") == "security");
    CHECK_THAT(lost(document, "smep").at("consequence").get<std::string>(), Contains("it may lack a protection"));
}

TEST_CASE("QEMU's own microcode revision, for one that is not known, is no loss", "[render]") {
    const Pool pool;
    HostDump known = amd_host("known");
    known.meta["microcode"] = "0xa0011d1";
    const std::string newer = pool.policy({pool.dir.write("known.json", document(known))});
    CHECK(lost(pool.render("libvirt", newer), "amd_ucode_rev").at("impact") == "security");
    const Json unknown = pool.render("libvirt", pool.policy({pool.plain}));
    CHECK(lost(unknown, "amd_ucode_rev").at("impact") == "cosmetic");
}

TEST_CASE("a nested policy turns VirtualBox's switch for it on", "[render]") {
    const Pool pool;
    const std::string host = pool.dir.write("svm.json", document(svm_host("svm")));
    const std::string file = pool.dir.file("nested.json");
    REQUIRE(run({"merge", host, "--show", "nested", "-o", file}).status == 0);
    CHECK(commands_of(pool.render("virtualbox", file)).switches.at("nested-hw-virt") == "on");
}

TEST_CASE("VirtualBox's switch for speculation control is off only where AMD's policy has what it then shows",
          "[render]") {
    const Pool pool;
    constexpr unsigned ssb_no = 26;  // leaf 80000008h, EBX
    const auto rendered = [&](bool is_immune) {
        const HostDump host = with_bit(amd_host("host"), leaf_8000_0008, Register::ebx, ssb_no, is_immune);
        return pool.render("virtualbox", pool.policy({pool.dir.write("ssb.json", document(host))}));
    };
    const Json immune = rendered(true);
    CHECK(commands_of(immune).switches.at("spec-ctrl") == "off");
    CHECK(lost(immune, "amd_ssb_no").is_null());
    const Json open = rendered(false);
    CHECK(commands_of(open).switches.at("spec-ctrl") == "on");
    CHECK(lost(open, "amd_ssb_no").is_null());
}

TEST_CASE("VirtualBox's switch for speculation control gives Intel's guests what the host has", "[render]") {
    const Pool pool;
    constexpr unsigned spec_ctrl = 26;  // leaf 7, EDX
    constexpr unsigned stibp = 27;
    constexpr unsigned ssbd = 31;
    const auto rendered = [&](const std::vector<unsigned>& bits) {
        HostDump host = intel_host("host");
        for (const unsigned bit : bits) host = with_bit(host, leaf_7, Register::edx, bit, true);
        return pool.render("virtualbox", pool.policy({pool.dir.write("spec.json", document(host))}));
    };
    const Json none = rendered({});
    CHECK(commands_of(none).switches.at("spec-ctrl") == "off");
    for (const char* field : {"spec_ctrl", "intel_stibp", "ssbd"}) CHECK(lost(none, field).is_null());
    const Json all = rendered({spec_ctrl, stibp, ssbd});
    CHECK(commands_of(all).switches.at("spec-ctrl") == "on");
    CHECK(lost(all, "spec_ctrl").is_null());
    CHECK(lost(all, "intel_stibp").is_null());
    CHECK(lost(all, "ssbd").at("telling") == "less");  // 7.0 does not give it
    CHECK(lost(all, "ssbd").at("impact") == "security");
    const Json without = rendered({spec_ctrl});
    CHECK(commands_of(without).switches.at("spec-ctrl") == "on");
    CHECK(lost(without, "intel_stibp").at("telling") == "more");
    CHECK_THAT(lost(without, "intel_stibp").at("reason").get<std::string>(), Contains("--spec-ctrl on"));
    for (const char* field : {"ssbd", "bhi_ctrl"}) {  // of newer releases
        CAPTURE(field);
        CHECK(lost(without, field).at("telling") == "unknown");
        CHECK_THAT(lost(without, field).at("reason").get<std::string>(), Contains("newer"));
    }
}

TEST_CASE("what VirtualBox's switch for long mode turns on and the policy lacks is more than is promised", "[render]") {
    const Pool pool;
    constexpr LeafKey extended{0x80000001, 0};
    HostDump host = with_bit(intel_host("host"), extended, Register::ecx, 0, false);  // LAHF
    host = with_bit(host, extended, Register::edx, 20, false);                        // NX
    host = with_bit(host, {1, 0}, Register::edx, 11, false);                          // SEP
    const Json wide = pool.render("virtualbox", pool.policy({pool.dir.write("old.json", document(host))}));
    REQUIRE(commands_of(wide).switches.at("long-mode") == "on");
    for (const auto& [field, impact] : {std::pair{"lahf_lm", "crash"}, {"nx", "security"}, {"sep", "crash"}}) {
        CAPTURE(field);
        CHECK(lost(wide, field).at("telling") == "more");
        CHECK(lost(wide, field).at("impact") == impact);
        CHECK_THAT(lost(wide, field).at("reason").get<std::string>(), Contains("--long-mode on"));
    }
    CHECK(lost(wide, "syscall").is_null());
}

TEST_CASE("VMware is told each register bit by bit, and the names of features that the policy lacks", "[render]") {
    const Pool pool;
    const std::string file = pool.policy({pool.plain, pool.told});
    const Json document = pool.render("vmware", file);
    const std::regex name(R"x(featMask\.vm\.cpuid\.([A-Z0-9_]+) = "Val:0")x");
    const std::regex mask(R"x(cpuid\.([0-9a-f]+)\.(e[abcd]x) = "([01-]{4}(?::[01-]{4}){7})")x");
    std::map<std::pair<std::string, std::string>, std::string> masks;
    std::vector<std::string> names;
    for (const std::string& line : lines_of(document)) {
        CAPTURE(line);
        std::smatch part;
        if (std::regex_match(line, part, name)) {
            names.push_back(part[1]);
        } else {
            REQUIRE(std::regex_match(line, part, mask));
            std::string bits = part[3];
            bits.erase(std::remove(bits.begin(), bits.end(), ':'), bits.end());
            CHECK(masks.emplace(std::pair{part[1], part[2]}, bits).second);
        }
    }
    CHECK(std::is_sorted(names.begin(), names.end()));
    for (const char* lacking : {"AVX512F", "SVM"}) CHECK(std::count(names.begin(), names.end(), lacking) == 1);
    for (const char* there : {"AVX2", "LM", "NX"}) CHECK(std::count(names.begin(), names.end(), there) == 0);
    const Json policy = Json::parse(bytes_of(file));
    std::size_t found = 0;
    for (const Json& row : policy.at("cpuid")) {
        if (row.at("subleaf") != "0x0") continue;
        for (const char* reg : {"eax", "ebx", "ecx", "edx"}) {
            const auto at = masks.find({row.at("leaf").get<std::string>().substr(2), reg});
            if (at == masks.end()) continue;
            ++found;
            std::string bits = at->second;
            const auto value = static_cast<std::uint32_t>(std::stoul(row.at(reg).get<std::string>(), nullptr, 16));
            for (unsigned bit = 0; bit < 32; ++bit) {
                const char digit = bits.at(31 - bit);
                if (digit != '-') CHECK((digit == '1') == ((value >> bit & 1U) != 0));
            }
        }
    }
    CHECK(found >= 32);
    CHECK_THAT((masks.at({"1", "ebx"})), Contains("----------------"));  // APIC id and count are VMware's
    CHECK((masks.at({"80000021", "eax"}).at(31 - fs_gs_base_ns_bit)) == '1');
    CHECK_THAT(document.at("output").get<std::string>(), !Contains("owned"));
}

TEST_CASE("what a mask has no words for is unknown", "[render]") {
    const Pool pool;
    const Json document = pool.render("vmware", pool.policy({pool.intel}));
    CHECK(lost(document, "ac_rsba").at("instead") == "unknown");
    const Json& state = lost(document, "xcr0_lo");
    CHECK((state.is_null() || state.at("instead") == "unknown"));
    // What the policy lacks and a feature mask hides is known.
    for (const char* hidden : {"xsaves", "xfd"}) CHECK(lost(document, hidden).is_null());
    CHECK_THAT(document.at("notes").dump(), Contains("guestCPUID"));
}

TEST_CASE("VirtualBox and VMware need no other text on a host that hides an announcement", "[render]") {
    const Pool pool;
    const std::string file = pool.policy({pool.plain, pool.told});
    for (const char* target : {"virtualbox", "vmware"}) {
        CAPTURE(target);
        const Json document = pool.render(target, file, {"--hosts", pool.plain});
        CHECK_THAT(document.at("hosts").at(0).at("advice").get<std::string>(),
                   Contains("cannot be told") || Contains("whether the host has it or not"));
        CHECK_FALSE(document.at("hosts").at(0).contains("output"));
    }
}

}  // namespace poolcpuid::test::render_rows_test
