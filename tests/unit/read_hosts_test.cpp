// Recognising formats, streams of hosts, names, digests, and what is refused as what.

#include "poolcpuid/read_hosts.hpp"

#include <algorithm>
#include <nlohmann/json.hpp>
#include <set>
#include <string>
#include <vector>

#include "base/sha256.hpp"
#include "poolcpuid/write_hosts.hpp"
#include "tests/catch.hpp"
#include "tests/support/corpus.hpp"
#include "tests/support/packed.hpp"
#include "tests/unit/host_samples.hpp"
#include "tests/unit/text_dump_samples.hpp"

namespace poolcpuid::test::read_hosts_test {

namespace {

const std::string cpuid_r_rows =
    "   0x00000000 0x00: eax=0x00000002 ebx=0x756e6547 ecx=0x6c65746e edx=0x49656e69\n"
    "   0x00000001 0x00: eax=0x000906ea ebx=0x00100800 ecx=0x00000001 edx=0x00000002\n"
    "   0x00000002 0x00: eax=0x00000000 ebx=0x00000000 ecx=0x00000000 edx=0x00000000\n";

std::string named(const std::string& name) { return document(one_cpu(), R"("name": ")" + name + "\""); }

}  // namespace

TEST_CASE("a stream holds a host a line", "[read_hosts]") {
    const auto hosts = read_hosts(named("a") + "\n" + named("b") + "\n" + named("c") + "\n", "pool.ndjson");
    REQUIRE(hosts.size() == 3);
    CHECK(hosts[0].name == "a");
    CHECK(hosts[2].name == "c");
}

TEST_CASE("the last line of a stream may lack its line feed, and blank lines are passed over", "[read_hosts]") {
    const auto hosts = read_hosts("\n" + named("a") + "\n\n \t\n" + named("b") + "\r\n\n" + named("c"), "-");
    REQUIRE(hosts.size() == 3);
    CHECK(hosts[1].name == "b");
}

TEST_CASE("a document over several lines is one host", "[read_hosts]") {
    std::string pretty = named("a");
    for (std::size_t at = 0; (at = pretty.find(", ", at)) != std::string::npos; ++at) pretty[at + 1] = '\n';
    CHECK(read_host(pretty).name == "a");
    CHECK(read_host("\n\n" + named("a") + "\n").name == "a");
}

TEST_CASE("each line of a stream is a host document", "[read_hosts]") {
    CHECK(contains(refusal(named("a") + "\n{\"schema\": \"poolcpuid/policy/v1\"}\n"),
                   "host.json:2: expected a host document"));
    CHECK(contains(refusal(named("a") + "\n" + named("b") + "\nx\n"), "host.json:3: expected well-formed JSON"));
    CHECK(contains(refusal(named("a") + "\n" + named("b") + named("c")), "host.json:2: expected well-formed JSON"));
    CHECK(contains(refusal(named("a") + "\nx\n"), "host.json:2: expected well-formed JSON"));
}

TEST_CASE("a stream's mixed vendors are found on their line", "[read_hosts]") {
    const std::string mixed =
        document(one_cpu() + R"(, "hypervisor": {"name": "kvm", "cpuid": [)" + intel_leaf_0 + ", " + leaf_1 + "]}");
    CHECK(contains(refusal(named("a") + "\n" + mixed), "host.json:2: expected CPUs of one vendor"));
}

TEST_CASE("whatever was taken in a virtual machine says so, once", "[read_hosts]") {
    const auto notes = [](const std::string& text) {
        const HostDump host = read_host(text);
        return std::count_if(host.notes.begin(), host.notes.end(),
                             [](const DumpNote& note) { return note.code == "virtual-machine"; });
    };
    const auto with_features = [](const std::string& ecx) {
        return R"({"leaf": "0x1", "subleaf": "0x0", "eax": "0xa10f11", "ebx": "0x0", "ecx": ")" + ecx +
               R"(", "edx": "0x2"})";
    };
    const auto cpu = [&](const std::string& ecx) {
        return R"("hardware": {"cpus": [{"cpu": 0, "cpuid": [)" + leaf_0 + ", " + with_features(ecx) + "]}]}";
    };
    const auto view = [&](const std::string& ecx) {
        return R"("hypervisor": {"name": "kvm", "cpuid": [)" + leaf_0 + ", " + with_features(ecx) + "]}";
    };
    const HostDump in_guest = read_host(document(cpu("0x80000001")));
    CHECK(notes(document(cpu("0x80000001"))) == 1);
    CHECK(notes(document(cpu("0x80000001") + ", " + view("0x1"))) == 1);
    CHECK(notes(document(cpu("0x1") + ", " + view("0x80000001"))) == 0);  // what KVM lists for its guests
    CHECK(notes(document(view("0x80000001"))) == 0);
    std::vector<std::string> warnings;
    CHECK(notes(to_cpuid_r(in_guest, warnings)) == 1);
    CHECK(notes(to_host_json(in_guest)) == 1);

    const auto libvirt = [](const std::string& ecx) {
        return "<cpudata arch='x86'>\n<cpuid eax_in='0x0' ecx_in='0x0' eax='0x00000001' ebx='0x756e6547' "
               "ecx='0x6c65746e' edx='0x49656e69'/>\n<cpuid eax_in='0x1' ecx_in='0x0' eax='0x000906ea' "
               "ebx='0x00100800' ecx='" +
               ecx + "' edx='0x00000002'/>\n</cpudata>\n";
    };
    CHECK(notes(libvirt("0x80000001")) == 1);
    CHECK(notes(libvirt("0x00000001")) == 0);
}

TEST_CASE("the root partition of Hyper-V is the host's own system, and no virtual machine", "[read_hosts]") {
    // Leaves 40000003h and 40000004h of a Comet Lake under Windows (InstLatx64).
    constexpr Registers features{0x00003FFF, 0x002BB9FF, 0x00000002, 0x19FFFBF6};
    constexpr Registers hints{0x00060E14, 0, 0x0000002E, 0};
    const auto text = [](const Registers& with_features, const Registers& with_hints, std::uint32_t interface) {
        return aida(0, intel_signature(1)) + aida(1, {0x000A0654, 0x00200800, 0xFEFAF387, 0xBFEBFBFF}) +
               aida(0x40000000, {0x40000004, 0x7263694D, 0x666F736F, 0x76482074}) +
               aida(0x40000001, {interface, 0, 0, 0}) + aida(0x40000003, with_features) + aida(0x40000004, with_hints);
    };
    constexpr std::uint32_t hv_1 = 0x31237648;
    const HostDump root = read_host(text(features, hints, hv_1));
    CHECK(note_text(root, "virtual-machine").empty());
    CHECK(contains(note_text(root, "hyperv-root"), "the root partition of Hyper-V"));
    CHECK_FALSE(microcode_revision(root).has_value());
    const auto is_guest = [&](Registers with_features, Registers with_hints, std::uint32_t interface) {
        const HostDump host = read_host(text(with_features, with_hints, interface));
        return has_note(host, "virtual-machine") && !has_note(host, "hyperv-root");
    };
    const auto without = [&](std::uint32_t privilege) {
        return Registers{features.eax, features.ebx & ~privilege, features.ecx, features.edx};
    };
    CHECK(is_guest(without(1U), hints, hv_1));         // CreatePartitions
    CHECK(is_guest(without(1U << 12U), hints, hv_1));  // CpuManagement: an L1VH
    CHECK(is_guest({features.eax, features.ebx | 1U << 22U, features.ecx, features.edx}, hints, hv_1));  // Isolation
    CHECK(is_guest(features, {hints.eax | 1U << 12U, 0, 0x2E, 0}, hv_1));                                // nested
    CHECK(is_guest(features, hints, 0));
}

TEST_CASE("a source of names that names the hypervisor is of a virtual machine", "[read_hosts]") {
    const auto notes = [](const std::string& before, const std::string& name, const std::string& after) {
        const HostDump host = read_host(before + name + after);
        return std::count_if(host.notes.begin(), host.notes.end(),
                             [](const DumpNote& note) { return note.code == "virtual-machine"; });
    };
    struct Source {
        const char* before;
        const char* name;
        const char* after;
    };
    for (const Source& source :
         {Source{"vendor_id : AuthenticAMD\ncpu family : 25\nmodel : 1\nstepping : 1\nflags : fpu", " hypervisor",
                 "\n"},
          Source{
              R"({"lscpu": [{"field": "Vendor ID:", "data": "AuthenticAMD"}, {"field": "CPU family:", "data": "25"},)"
              R"({"field": "Model:", "data": "1"}, {"field": "Stepping:", "data": "1"}, )"
              R"({"field": "Flags:", "data": "fpu)",
              " hypervisor", R"("}]})"},
          Source{"<capabilities><host><cpu><arch>x86_64</arch><vendor>AMD</vendor><feature name='ss'/>",
                 "<feature name='hypervisor'/>", "</cpu></host></capabilities>"},
          Source{R"({"kind": "Node", "metadata": {"labels": {)"
                 R"("feature.node.kubernetes.io/cpu-model.vendor_id": "AMD", )",
                 R"("feature.node.kubernetes.io/cpu-cpuid.HYPERVISOR": "true", )",
                 R"("feature.node.kubernetes.io/cpu-cpuid.AVX2": "true"}}})"}}) {
        CAPTURE(source.before);
        CHECK(notes(source.before, source.name, source.after) == 1);
        CHECK(notes(source.before, "", source.after) == 0);
    }
}

TEST_CASE("the digest of a host document is of its content, however it is spelt", "[read_hosts]") {
    const std::string plain = named("a");
    const std::string digest = read_host(plain).sha256;
    const auto spelt = nlohmann::ordered_json::parse(plain);
    CHECK(read_host(spelt.dump(8) + "\n").sha256 == digest);
    CHECK(read_host(nlohmann::json::parse(plain).dump()).sha256 == digest);  // by key: `jq -cS .`
    auto without_name = nlohmann::json::parse(plain);
    without_name.erase("name");
    CHECK(digest == sha256_hex(without_name.dump()));
    auto backwards = nlohmann::ordered_json::object();
    for (auto member = spelt.rbegin(); member != spelt.rend(); ++member) backwards[member.key()] = *member;
    CHECK(read_host(backwards.dump()).sha256 == digest);
    CHECK(read_hosts(plain + "\n" + named("b") + "\r\n", "f")[0].sha256 == digest);
    CHECK(read_host(named("b")).sha256 == digest);  // the same content by another name
}

TEST_CASE("a host that a policy lists by a digest of earlier versions goes by that", "[read_hosts]") {
    const std::string one = named("say \\\"hi\\\" \\\\") + "\n";
    const std::string of_content = read_host(one).sha256;
    const std::string with_name = sha256_hex(nlohmann::json::parse(one).dump());
    const auto digest = [&](const std::set<std::string>& listed) {
        return read_hosts(one, "f", [&](const std::string& sha256) { return listed.contains(sha256); })[0].sha256;
    };
    CHECK(digest({}) == of_content);
    CHECK(digest({with_name}) == with_name);
    CHECK(digest({sha256_hex(one)}) == sha256_hex(one));
    CHECK(digest({with_name, of_content, sha256_hex(one)}) == of_content);
}

TEST_CASE("of a stream each host goes by its own older digest", "[read_hosts]") {
    const std::set<std::string> listed{sha256_hex(named("a")), sha256_hex(named("c"))};
    const auto hosts = read_hosts(named("a") + "\n" + named("b") + "\r\n" + named("c") + "\n" + named("d") + "\n", "f",
                                  [&](const std::string& sha256) { return listed.contains(sha256); });
    CHECK(hosts[0].sha256 == sha256_hex(named("a")));
    CHECK(hosts[1].sha256 == read_host(named("b")).sha256);
    CHECK(hosts[2].sha256 == sha256_hex(named("c")));
    CHECK(hosts[3].sha256 == hosts[1].sha256);
}

TEST_CASE("a host without a name is called as its file", "[read_hosts]") {
    const auto name = [](const std::string& file) { return read_host(document(one_cpu()), file).name; };
    CHECK(name("dir.d/node-17.json") == "node-17");
    CHECK(name("/a/b/node.example.org.txt") == "node.example.org");
    CHECK(name("node") == "node");
    CHECK(name("dir.d/node") == "node");
    CHECK(name(".hidden") == ".hidden");
    CHECK(name("-") == "stdin");
    CHECK(read_host(named("own"), "file.json").name == "own");
}

TEST_CASE("a file name that cannot be a host's name is refused", "[read_hosts]") {
    CHECK(contains(refusal(document(one_cpu()), "a\x07.json"), "control character U+0007"));
    CHECK(contains(refusal(document(one_cpu()), "a\xff.json"), "not UTF-8"));
    CHECK(contains(refusal(document(one_cpu()), "dir/"), "an empty name"));
    CHECK(refusal(named("own"), "a\x07.json").empty());
}

TEST_CASE("names are UTF-8 without control and bidirectional formatting characters", "[read_hosts]") {
    CHECK(host_name_problem("node-17").empty());
    CHECK(host_name_problem("größe 日本 \xF0\x9F\x98\x80").empty());
    CHECK(host_name_problem(std::string(255, 'a')).empty());
    CHECK(host_name_problem("") == "an empty name");
    CHECK(host_name_problem(std::string(256, 'a')) == "a name of 256 bytes");
    for (const char* c : {"\x01", "\x1F", "\x7F", "\xC2\x80", "\xC2\x9F", "\n"}) {
        CHECK(contains(host_name_problem("a" + std::string(c)), "control character"));
    }
    CHECK(contains(host_name_problem(std::string_view("a\0b", 3)), "control character U+0000"));
    for (const char* c : {"\u061C", "\u200E", "\u200F", "\u202A", "\u202B", "\u202C", "\u202D", "\u202E", "\u2066",
                          "\u2067", "\u2068", "\u2069"}) {
        CHECK(contains(host_name_problem(c), "bidirectional formatting character"));
    }
    for (const char* c : {"\u200D", "\u2010", "\u2029", "\u202F", "\u2065", "\u206A"})
        CHECK(host_name_problem(c).empty());
}

TEST_CASE("names that are not well-formed UTF-8 are refused", "[read_hosts]") {
    for (const char* wrong : {"\xFF", "\xC3", "\xC0\xAF", "\xE2\x82", "\xED\xA0\x80", "\xF4\x90\x80\x80", "\x80"}) {
        CHECK(host_name_problem("a" + std::string(wrong)) == "a name with bytes that are not UTF-8");
    }
}

TEST_CASE("a byte order mark is passed over, and is part of the digest of the file's bytes", "[read_hosts]") {
    const std::string marked = "\xEF\xBB\xBF" + named("a");
    CHECK(read_host(marked).name == "a");
    CHECK(read_host(marked).sha256 == read_host(named("a")).sha256);
    const IsListed listed = [&](const std::string& sha256) { return sha256 == sha256_hex(marked); };
    CHECK(read_hosts(marked, "f", listed)[0].sha256 == sha256_hex(marked));
}

TEST_CASE("what is no dump is refused as what it is", "[read_hosts]") {
    const auto found = [](std::string_view bytes) { return refusal(bytes, "f"); };
    CHECK(found("") == "f: expected a CPUID dump, found an empty file");
    CHECK(contains(found("\n \n"), "nothing but blanks"));
    CHECK(contains(found("version https://git-lfs.github.com/spec/v1\noid sha256:00\nsize 1\n"),
                   "a Git LFS pointer, not the dump itself"));
    CHECK(contains(found(std::string_view("\x1F\x8B", 2)), "gzip-compressed"));
    CHECK(contains(found("BZh91AY"), "bzip2-compressed data (decompress it first)"));
    CHECK(contains(found(std::string_view("\x01\x00\x02", 3)), "binary data"));
    CHECK(contains(found(std::string_view("\xFF\xFE\x43\x00", 4)), "UTF-16"));
    CHECK(contains(found("<cpu>\n  <arch>x86_64</arch>\n</cpu>"), "libvirt XML of a CPU model"));
    CHECK(contains(found("<a/>"), "XML without <cpudata>"));
    CHECK(contains(found("{\"return\": {\"model\": {\"name\": \"base\"}}}"), "QEMU's monitor"));
    CHECK(contains(found("{\"a\": 1}"), "JSON of another kind"));
    CHECK(contains(found("[]"), "a JSON array without elements"));
    CHECK(contains(found("[5]"), "JSON of another kind"));
    CHECK(contains(found(std::string(1024, '\0')), "zero bytes alone, as of a tar archive without files"));
    CHECK(contains(found("   1 X86   :NOP       L: [no true dep.]   T:   0.18ns=  0.33c\n"),
                   "a latency table of InstLatx64"));
    CHECK(contains(found("hello\n"), "text without CPUID rows"));
}

TEST_CASE("a container is refused as such, though it holds a dump as it was", "[read_hosts]") {
    struct Container {
        std::string beginning;
        const char* what;
    };
    const std::string row = "CPU:\n" + cpuid_r_rows;
    REQUIRE(read_host(row).format == "cpuid-r");
    const auto zip = [](const char* mark) { return mark + std::string("\x14\0\0\0 n1.txt", 11); };
    const std::string newc = "070701" + std::string(104, '0') + std::string("n1.txt\0", 7);
    const auto [beginning, what] = GENERATE_COPY(values<Container>(
        {{zip("PK\x03\x04"), "a zip archive (unpack it first)"},
         {"PK\x03\x04n1.txt", "a zip archive (unpack it first)"},
         {newc, "a cpio archive (unpack it first)"},
         {"070707" + std::string(70, '1'), "a cpio archive (unpack it first)"},
         {"\xC7\x71\1", "a cpio archive"},
         {"!<arch>\nn1.txt/         0           0     0     644     5         `\n", "an ar archive (unpack it first)"},
         {"Rar!\x1A\x07", "a rar archive"},
         {"7z\xBC\xAF\x27\x1C", "a 7z archive"},
         {"BZh91AY&SY", "bzip2-compressed data"},
         {"\x04\x22\x4D\x18", "lz4-compressed data"},
         {"MZ", "a Windows program"}}));
    CAPTURE(beginning, what);
    const std::string bytes = beginning + "\n" + (beginning == "MZ" ? std::string(9, '\0') : row);
    CHECK(contains(refusal(bytes, "f"), std::string("f: expected a CPUID dump, found ") + what));
    const bool is_name = beginning == "MZ" || beginning.starts_with("BZh");
    if (is_name) CHECK(read_host(beginning.substr(0, 3) + "72-HB0\n" + row).format == "cpuid-r");
}

TEST_CASE("a text with other data in it is refused where that begins", "[read_hosts]") {
    const std::string row = "CPU:\n" + cpuid_r_rows;
    const auto found = [&](const std::string& behind) { return refusal(row + behind, "f"); };
    const std::string at_end = "f:5: expected a CPUID dump, found ";
    for (const Packing packing : {Packing::gzip, Packing::xz, Packing::zstd}) {
        CHECK(contains(found(packed(packing, row)), at_end));
        CHECK(contains(found(packed(packing, row)), "-compressed data behind other text (give each dump a file"));
    }
    CHECK(contains(found("BZh91AY&SY\xB0"), at_end + "bzip2-compressed data behind"));
    const std::string hole = at_end + "zero bytes in a text, where rows may have stood";
    CHECK(contains(found(std::string(4000, '\0')), hole));
    CHECK(contains(found(std::string(2, '\0') + "\n" + row), hole));
    // PowerShell's >> adds UTF-16 to a text of another encoding.
    std::string wide;
    for (const char c : row) (wide += c) += '\0';
    CHECK(contains(found(wide), at_end + "UTF-16 behind other text"));
    CHECK(contains(refusal(wide, "f"), "UTF-16 text without its mark (convert it to UTF-8 first: `iconv -f UTF-16LE"));
    CHECK(contains(refusal('\0' + wide, "f"), "`iconv -f UTF-16BE"));
}

TEST_CASE("a zero byte that stands alone is of a text", "[read_hosts]") {
    const std::string text = "CPU:\n" + cpuid_r_rows;
    const std::string zero(1, '\0');
    for (const std::string& noisy : {zero + "\n" + text, text + zero, "boot" + zero + "ed\n" + text}) {
        CHECK(read_host(noisy).first_table() == read_host(text).first_table());
    }
}

TEST_CASE("another host in a text is refused, though its lines stand behind other text", "[read_hosts]") {
    const auto example = [](const std::string& name) {
        return read_file(POOLCPUID_SOURCE_DIR "/examples/formats/" + name);
    };
    const auto own = GENERATE(as<std::string>{}, "cpuinfo.txt", "xe-featureset.txt", "VBox.log", "cpuid-r.txt");
    for (const char* other : {"cpuinfo.txt", "xe-featureset.txt", "VBox.log", "cpuid-r.txt", "instlatx64.txt"}) {
        std::string behind = example(other);
        for (std::size_t at = 0; at < behind.size(); at = behind.find('\n', at) + 1) behind.insert(at, "n2: ");
        CAPTURE(own, other);
        const std::string message = refusal(example(own) + "\n" + behind, "f");
        CHECK(contains(message, "n2: "));
    }
}

TEST_CASE("words of xe and a /proc/cpuinfo in one text are of one CPU", "[read_hosts]") {
    const auto cpuinfo = [](int model) {
        return "processor\t: 0\nvendor_id\t: AuthenticAMD\ncpu family\t: 25\nmodel\t\t: " + std::to_string(model) +
               "\nstepping\t: 1\nmicrocode\t: 0xa0011d1\nflags\t\t: fpu vme de pse tsc msr\n\n";
    };
    std::string xe = "vendor: AuthenticAMD\nfamily: 25\nmodel: 1\nstepping: 1\nfeatures_hvm: 178bfbff-f6f83203\n";
    const HostDump host = read_host(cpuinfo(1) + xe);
    CHECK(host.format == "xe-featureset");
    CHECK(host.meta.at("microcode") == "0xa0011d1");
    CHECK(contains(refusal(cpuinfo(17) + xe, "f"), "one host a text, which has one line \"model\""));
    CHECK(contains(refusal(xe + cpuinfo(17), "f"), "one host a text, which has one line \"model\""));
}

TEST_CASE("the microcode of a /proc/cpuinfo beside registers is theirs", "[read_hosts]") {
    const std::string text = "CPU:\n" + cpuid_r_rows;
    const auto cpuinfo = [](const std::string& microcode) {
        return "processor\t: 0\nvendor_id\t: GenuineIntel\ncpu family\t: 6\nmodel\t\t: 158\nstepping\t: 10\n"
               "microcode\t: " +
               microcode + "\nflags\t\t: fpu vme de\n\n";
    };
    CHECK(microcode_revision(read_host(text + cpuinfo("0xf4"))) == 0xF4U);
    CHECK(microcode_revision(read_host(cpuinfo("0xf4") + text)) == 0xF4U);
    CHECK_FALSE(microcode_revision(read_host(text)));
    const HostDump mixed = read_host(text + cpuinfo("0xf4") + cpuinfo("0xf2"));
    CHECK_FALSE(microcode_revision(mixed));
    CHECK(has_note(mixed, "cpus-differ"));
}

TEST_CASE("a revision that a document has twice is the older one, and told", "[read_hosts]") {
    const auto host = [](const std::string& said, const std::string& read) {
        std::string view = one_cpu();
        view.insert(view.size() - 1, R"(, "msrs": [{"index": "0x8b", "value": ")" + read + "\"}]");
        return read_host(document(view, R"("meta": {"microcode": ")" + said + "\"}"));
    };
    for (const auto& [said, read] : {std::pair("0x46", "0x000000000000003d"), {"0x3d", "0x0000000000000046"}}) {
        const HostDump both = host(said, read);
        CHECK(microcode_revision(both) == 0x3DU);
        CHECK(contains(note_text(both, "microcode-unknown"), "0x46"));
        CHECK(contains(note_text(both, "microcode-unknown"), "the older one counts, 0x3d."));
    }
    CHECK_FALSE(has_note(host("0x46", "0x0000000000000046"), "microcode-unknown"));
    CHECK_FALSE(has_note(host("0x46", "0x0000000000000000"), "microcode-unknown"));
}

TEST_CASE("a dump in base64 in a string of JSON is told with the way to it", "[read_hosts]") {
    const std::string slurped =
        "{\n\"content\": \"Q1BVOgogICAweDAwMDAwMDAwIDB4MDA6IGVheD0weDAwMDAwMDAyIGVieD0weDc1NmU2NTQ3IGVj\"}";
    CHECK(contains(refusal(slurped, "f"),
                   "f:2: expected a CPUID dump, found JSON with base64 of rows of cpuid -r in a string (take it out: "
                   "`jq -r .content`, and decode that: `base64 -d`)"));
}

TEST_CASE("what other tools print is refused by its name, with what to run instead", "[read_hosts]") {
    struct Text {
        const char* bytes;
        const char* what;
        const char* remedy;
    };
    const auto text = GENERATE(values<Text>({
        {"cpu0: highest basic info 00000010\ncpu0: 00000000: 00000010 68747541 444d4163 69746e65\n",
         "found rows of NetBSD's `cpuctl -v identify` (not read", "cpuid -r"},
        {"CPU 0:\nCPUID 00000000:00 = 00000010 68747541 444d4163 69746e65 | ....AuthcAMDenti\n",
         "found rows of Steven Noonan's cpuid (not read", "cpuid -r"},
        {"CPUID_SIGNATURE (Leaf 00000000)\n  EAX:00000010  EBX:68747541  ECX:444d4163  EDX:69746e65\n",
         "found what EDK II's Cpuid application prints (not read", "cpuid -r"},
        {" eax in    eax      ebx      ecx      edx\n00000000 00000010 68747541 444d4163 69746e65\n",
         "found rows of Phil Karn's cpuid", "cpuid -r"},
        {"(0x0, 0x0) => CpuIdResult { eax: 0x10, ebx: 0x68747541, ecx: 0x444d4163, edx: 0x69746e65 }\n",
         "found rows of the raw-cpuid crate of Rust (not read", "cpuid -r"},
        {"processor\t: 0\nvendor_id\t: GenuineIntel\ncpu family\t: 6\n", "a part of /proc/cpuinfo", "cpuid -r"},
        {"processor\t: 0 vendor_id\t: AuthenticAMD cpu family\t: 25 model\t\t: 1 flags\t\t: fpu vme de pse tsc\n",
         "/proc/cpuinfo whose lines were joined", "copy it with its line breaks"},
        {"processor : 0 vendor_id : GenuineIntel cpu family : 6 stepping : 1 flags : fpu vme",
         "whose lines were joined", "line breaks"},
        {"processor       : 0\ncpu family      : 6\n", "a part of /proc/cpuinfo", "cpuid -r"},
        {"processor\t: 0\nCPU implementer\t: 0x41\n", "/proc/cpuinfo of an ARM CPU", ""},
        {"Architecture:        x86_64\nCPU op-mode(s):      32-bit, 64-bit\nCPU family:  6\n", "`lscpu`",
         "lscpu --json"},
        {"CPU 0:\n   vendor_id = \"GenuineIntel\"\n   version information (1/eax):\n"
         "   0x00000003 0x00: eax=0x00000000 ebx=0x00000000 ecx=0x00000000 edx=0x00000000\n",
         "`cpuid` prints without -r", "run `cpuid -r`"},
        {"CPU features:\n=============\n\n", "`kcpuid` prints without -r", "run `kcpuid -r`"},
        {"CPUID is present\nCPU Info for type #0:\n------------------\n", "cpuid_tool", "--save"},
        {"Raw                             178bfbff-f6d8320b-2fd3fbff-35c233ff-0000000f\n", "a Xen featureset",
         "xen-cpuid -p"},
        {"17cbfbff-f7fa3223-2d93fbff-00000023-00000001-000007ab\n", "a Xen featureset", "xen-cpuid -p"},
        {"bfebfbff:28100800:00000000:00003b40\n", "a Xen featureset", "xen-cpuid -p"},
        {"nr_cpus                : 4\nhw_caps                : bfebfbff:28100800\n", "`xl info`", "xen-cpuid -p"},
        {"Static sets:\nKnown                         bfebffff         fffef3ff        ee500800\n",
         "`xen-cpuid` prints without -p", "run `xen-cpuid -p`"},
        {"CPU: 0\n   Family: 6\n   Core Speed: 2600000000\n", "`esxcli hardware cpu list`", "vmware.log"},
        {"Level     SubLevel  EAX         EBX\n0x0       0x0       0x1b        0x756e6547\n",
         "`esxcli hardware cpu cpuid`", "vmware.log"},
        {"CPU {\n   id:0\n   family:0x06\n", "ESXi's `vsish`", "vmware.log"},
        {"Content-Transfer-Encoding: base64\n\nQ1BVOgogICAw\n", "a mail with base64", "save its attachment"},
        {"Q1BVOgogICAweDAwMDAwMDAwIDB4MDA6IGVheD0weDAwMDAwMDAyIGVieD0weDc1NmU2NTQ3IGVj\neD0weDZjNjU3NDZlIGVkeD0weDQ5"
         "NjU2ZTY5Cg==\n",
         "base64 of rows of cpuid -r", "`base64 -d`"},
        {"      (vim.host.CpuIdInfo) {\n         level = 1,\n", "vSphere", "vmware.log"},
        {"  Origin=\"GenuineIntel\"  Id=0x306f2  Family=0x6  Model=0x3f  Stepping=2\n", "FreeBSD's kernel",
         "`cpucontrol -i`"},
        {"  00000000:ffffffff -> 0000000d:756e6547:6c65746e:49656e69\n",
         "rows of `xen-cpuid -p` without the name of their policy", "Raw policy: "},
        {"00:00:04.809416          Raw Standard CPUID Leaves\n"
         "00:00:04.809418 Gst: 00000000/0000  00000016 756e6547 6c65746e 49656e69\n",
         "rows of a guest in a VBox.log", "cpuid -r"},
        {"vmx| I005: guest vs. host CPUID guest level 00000000,  0: 0x00000016 0x756e6547 0x6c65746e 0x49656e69\n",
         "rows of a guest in a vmware.log", "cpuid -r"},
        {"<domain type='kvm'>\n  <cpu mode='host-model'/>\n", "libvirt XML of a domain", "cpuid -r"},
        {"# dmidecode 3.5\nHandle 0x0004, DMI type 4, 48 bytes\n", "`dmidecode`", "cpuid -r"},
        {"     *-cpu\n          product: Xeon\n", "`lshw`", "cpuid -r"},
        {"Architecture: x86\n", "the summary of a directory of hwloc-gather-cpuid", "cat DIRECTORY/pu*"},
        {"x86info v1.30.  Dave Jones 2001-2011\n", "`x86info` prints without -r", "cpuid -r"},
        {"CPU-Z TXT Report\n", "CPU-Z", "cpuid -r"},
        {"Coreinfo v3.31 - Dump information on system CPU\n", "Coreinfo", "cpuid -r"},
        {"Available CPUs:\n  qemu64\n", "`qemu -cpu help`", "cpuid -r"},
        {"[    0.000000] Linux version 6.1.0\n", "a log of the kernel", "cpuid -r"},
        {"[    0.004321] x86/fpu: Supporting XSAVE feature 0x001\n", "a log of the kernel", "cpuid -r"},
        {"Nov 28 09:00:00 node-1 kernel: x86/fpu: Supporting XSAVE\n", "a log of the kernel", "cpuid -r"},
        {"flags\t\t: fpu vme de pse tsc msr\n", "a list of flags as /proc/cpuinfo has it", "cpuid -r"},
        {"Markierungen:   fpu vme de pse tsc msr\n", "a list of flags", "cpuid -r"},
        {"   vendor_id = \"GenuineIntel\"\n", "`cpuid` prints without -r", "run `cpuid -r`"},
        {"<list>\n<node id=\"cpu\" class=\"processor\" handle=\"\">\n", "`lshw -xml`", "cpuid -r"},
        {"<?xml version=\"1.0\"?>\n<topology version=\"2.0\">\n", "`lstopo`", "cpuid -r"},
        {"%PDF-1.7\n", "a PDF document", "cpuid -r"},
        {"\x89PNG\r\n", "a picture", "cpuid -r"},
        {"Leaf 0x00000000: eax=0x00000001 ebx=0x756e6547 ecx=0x6c65746e edx=0x49656e69\n",
         "rows of cpuid -r behind other text", "leave in each line only what the tool printed"},
        {"CPU features\n------------\n\nCPUID_0x0_EAX[0x0]:\n", "`kcpuid` prints without -r", "run `kcpuid -r`"},
        {"# rdmsr -a 0x10a\nd000421\n", "`rdmsr`", "cpuid -r"},
        {"node1:\nMSR 0x10a = 0xc02a0eb\n", "MSRs without CPUID registers", "cpuid -r"},
        {"cpu0: cpuid 1 edx=178bfbff<FPU,VME> ecx=7efa320b<SSE3>\n", "OpenBSD's kernel", "cpuid -r"},
        {"cpu0: highest basic info 0000000d\n", "NetBSD's `cpuctl identify`", "cpuid -r"},
        {"machdep.cpu.vendor: GenuineIntel\n", "`sysctl` prints on macOS", "cpuid -r"},
        {"64-bit amd64 applications\n        avx2 fma\n", "`isainfo`", "cpuid -r"},
        {"   featureCapability = (vim.host.FeatureCapability) [\n", "`vim-cmd`", "vmware.log"},
        {"CPU list {\n   /hardware/cpu/cpuList/0\n", "`vsish`", "vmware.log"},
        {"/sys/devices/system/cpu/vulnerabilities/itlb_multihit:KVM: Mitigation: VMX disabled\n",
         "/sys/devices/system/cpu/vulnerabilities", "poolcpuid capture"},
        {"  Hardware Class: cpu\n  Arch: X86-64\n", "`hwinfo`", "cpuid -r"},
        {"CPU #0\n [CPU Feature Flags]\n", "HWiNFO", "cpuid -r"},
        {"CPU model:           x86_64\nCPU frequency:       2500 MHz\n", "`virsh nodeinfo`", "virsh capabilities"},
        {"# cpudesc : Xeon\n# cpuid : GenuineIntel,6,85,7\n", "`perf`", "cpuid -r"},
        {"Caption : Intel64 Family 6\nProcessorId : BFEBFBFF00050657\n", "WMI", "cpuid -r"},
        {"HW_CPU_X86_AVX2\nHW_CPU_X86_AVX\n", "OpenStack's Placement", "cpuid -r"},
        {"{\"traits\": [\"HW_CPU_X86_AVX2\"]}", "OpenStack's Placement", "cpuid -r"},
        {"{\"cpu_info\": {\"model\": \"Broadwell\"}, \"hypervisor_hostname\": \"n1\"}",
         "OpenStack says of a hypervisor", "cpuid -r"},
        {"{\"cpuinfo\": {\"flags\": \"fpu vme\"}, \"kversion\": \"Linux 6.8\"}", "Proxmox VE", "cpuid -r"},
        {"{\"kind\":\"Node\",\"metadata\":{\"labels\":{\"cpu-feature.node.kubevirt.io/avx2\":\"true\"}}}", "KubeVirt",
         "cpuid -r"},
        {"    cpu-model.node.kubevirt.io/EPYC-Rome: \"true\"\n", "KubeVirt", "cpuid -r"},
        {"{\"cpus\": [{\"cpu\": 0, \"node\": 0, \"online\": true}]}", "`lscpu --extended --json`", "lscpu --json"},
        {"[2024-01-01T00:00:00Z] nothing\n", "text without CPUID rows", "cpuid -r"},
        {"[[1], [2] ]", "JSON of another kind", ""},
    }));
    CAPTURE(text.bytes);
    const std::string message = refusal(text.bytes, "f");
    CAPTURE(message);
    CHECK(contains(message, "f: expected a CPUID dump, found "));
    CHECK(contains(message, text.what));
    CHECK(contains(message, text.remedy));
}

TEST_CASE("a dump in a mail's quoted-printable form is refused with what to do", "[read_hosts]") {
    const std::string message = " expected a dump as its tool printed it, found a mail's quoted-printable form of it, ";
    for (const char* text :
         {"Hello\nCPU 0:\n   0x00000000 0x00: eax=3D0x00000010 ebx=3D0x68747541 ecx=3D0x444d4163 edx=\n=3D0x69746e65\n",
          "Hello\n\n0x00000000: EAX=3D0x00000010, EBX=3D0x68747541, ECX=3D0x444d4163, EDX=3D0x69746e65\n",
          "Hello\n\neax in: 0x00000000, eax =3D 00000010 ebx =3D 68747541 ecx =3D 444d4163 edx =3D 69746e65\n"}) {
        CAPTURE(text);
        CHECK(contains(refusal(text, "f"), "f:3:" + message));
    }
    CHECK(
        contains(refusal("<cpudata arch=3D'x86'>\n<cpuid eax_in=3D'0x0' ecx_in=3D'0x0' eax=3D'0x1'/>\n</cpudata>", "f"),
                 "f:2:" + message));
}

TEST_CASE("what diff prints of two dumps is told as such, and is no dump", "[read_hosts]") {
    const std::string head = "CPU:\n   0x00000000 0x00: eax=0x00000001 ebx=0x756e6547 ecx=0x6c65746e edx=0x49656e69\n";
    const std::string row = "   0x00000001 0x00: eax=0x000906ea ebx=0x00100800 ecx=0x00000001 edx=0x0000000";
    const std::string message = " expected a dump as its tool printed it, found what `diff` prints of two";
    CHECK(contains(refusal("--- a\n+++ b\n@@ -1,4 +1,4 @@\n" + head + "-" + row + "2\n+" + row + "3\n", "f"),
                   "f:3:" + message));
    CHECK(contains(refusal("8c8\n< " + row + "2\n---\n> " + row + "3\n", "f"), "f:1:" + message));
    CHECK(contains(refusal("CPU:\t\tCPU:\n" + row + "2\t" + row + "2\n", "f"), "f:2:" + message));
    CHECK(contains(refusal("CPU:\t\tCPU:\r\n" + row + "2\t      |\t" + row + "3\r\n", "f"), "f:2:" + message));
    // Neither is a quoted dump below a number, nor one whose rows a tab begins.
    CHECK(refusal("8\n> " + head + "> " + row + "2\n", "f").empty());
    CHECK(refusal(head + "\t" + row + "2\n", "f").empty());
}

TEST_CASE("words of hexadecimal digits that are too few, short or long are no featureset", "[read_hosts]") {
    for (const char* text : {"17cbfbff-f7fa3223-2d93fbff", "17cbfbf-f7fa3223-2d93fbff-00000023",
                             "17cbfbff-f7fa3223-2d93fbff-000000233", "17cbfbff-f7fa3223-2d93fbff-00000023-"}) {
        CAPTURE(text);
        CHECK(contains(refusal(text), "text without CPUID rows"));
    }
}

TEST_CASE("a dump larger than the bound is refused, however it looks", "[read_hosts]") {
    std::string large = named("a");
    large.resize(limits::dump_bytes + 1, '\n');
    CHECK(contains(refusal(large), "a dump of at most 67108864 bytes"));
}

TEST_CASE("lines of a stream are bounded each, the stream only in its hosts", "[read_hosts]") {
    const std::string padding(limits::line_bytes, ' ');
    CHECK(contains(refusal(named("a") + "\n" + named("b") + padding),
                   "host.json:2: expected at most 16777216 bytes in a line"));
}

TEST_CASE("reading twice gives equal hosts", "[read_hosts]") {
    CHECK(read_host(named("a")).hardware == read_host(named("a")).hardware);
}

TEST_CASE("every real dump that is none is refused with a reason", "[read_hosts][corpus]") {
    const auto corpus = dump_directory();
    const std::map<std::string, std::string> reasons{
        {"AuthenticAMD0100F21_K10_Barcelona_InstLatX64.txt", "latency table"},
        {"T2A.json", "CPU template"},
        {"amd-epyc-9654-96-core-processor-dual.test.xz", "Git LFS pointer"},
        {"cortex-a72.test", "ARM CPU"},
        {"fingerprint_ARM_NEOVERSE_N1_6.1host.json", "ARM CPU"},
        {"x86_64-cpuid-EPYC-7502-32-Core-host.xml", "libvirt XML of a CPU model"},
    };
    const std::string answers = "x86_64-cpuid-EPYC-7502-32-Core.json";  // of QEMU's monitor, several in a row
    std::size_t seen = 0;
    for (const auto& entry : std::filesystem::directory_iterator(corpus / "reject")) {
        const std::string name = entry.path().filename();
        CAPTURE(name);
        if (name == answers) {
            CHECK(read_host(read_file(entry.path())).format == "qmp-model");
            continue;
        }
        const std::string message = refusal(read_file(entry.path()), name);
        CHECK_FALSE(message.empty());
        const auto reason = reasons.find(name);
        if (reason == reasons.end()) continue;
        CAPTURE(message);
        CHECK(contains(message, reason->second));
        ++seen;
    }
    CHECK(seen == reasons.size());
}

TEST_CASE("every real Firecracker and libvirt dump is read with its values", "[read_hosts][corpus]") {
    const auto corpus = dump_directory();
    std::map<std::string, HostDump> hosts;
    for (const char* directory : {"firecracker", "libvirt"}) {
        for (const auto& entry : std::filesystem::directory_iterator(corpus / directory)) {
            CAPTURE(entry.path().string());
            HostDump host = read_host(read_file(entry.path()), entry.path().string());
            CHECK(host.name == entry.path().stem());
            CHECK(host.hypervisor.has_value() == (host.format == "firecracker"));
            hosts.emplace(host.name, std::move(host));
        }
    }
    CHECK(hosts.size() >= 41);

    const HostDump& genoa = hosts.at("fingerprint_AMD_GENOA_6.1host");
    CHECK(vendor_string(genoa.first_table()) == "AuthenticAMD");
    CHECK(*genoa.first_table().find({0, 0}) == Registers{0x10, 0x68747541, 0x444d4163, 0x69746e65});
    CHECK(*genoa.first_table().find({1, 0}) == Registers{0x00a10f11, 0x00010800, 0xf7fa3203, 0x078bfbff});
    CHECK(genoa.meta.at("kernel") == "6.1.172-216.329.amzn2023.x86_64");
    CHECK(genoa.meta.at("microcode") == "0xa101158");
    CHECK(genoa.hypervisor->msrs->size() == 33);

    const HostDump& ice_lake = hosts.at("x86_64-cpuid-Ice-Lake-Server");
    CHECK(*ice_lake.first_table().find({7, 0}) == Registers{0, 0xf3bfffff, 0x40417f5e, 0xbc000012});
    CHECK(*ice_lake.first_table().find({0xd, 9}) == Registers{8, 0xa80, 0, 0});
    CHECK(ice_lake.first_table().find({0xc0000000, 0}) == nullptr);
    CHECK(ice_lake.hardware->msrs == std::vector<MsrRow>{{0x10a, 0xb}});
}

}  // namespace poolcpuid::test::read_hosts_test
