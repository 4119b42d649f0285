// Every bound on inputs stands in docs/formats.md as it stands in limits.hpp, and what exceeds it is refused by its
// name.
#include "poolcpuid/limits.hpp"

#include <filesystem>
#include <functional>
#include <map>
#include <regex>
#include <string>

#include "base/hex.hpp"
#include "cli/input_file.hpp"
#include "poolcpuid/error.hpp"
#include "poolcpuid/load_rulebook.hpp"
#include "poolcpuid/read_hosts.hpp"
#include "poolcpuid/unpack.hpp"
#include "poolcpuid/vmm_facts.hpp"
#include "tests/catch.hpp"
#include "tests/cli/support/sample_hosts.hpp"
#include "tests/cli/support/temporary_directory.hpp"
#include "tests/support/packed.hpp"

namespace poolcpuid::test::limits_test {

namespace {

std::string refusal(const std::function<void()>& reading) {
    try {
        reading();
    } catch (const InputError& error) {
        return error.what();
    }
    return "nothing was refused";
}

std::string refusal_of(const std::string& dump) {
    return refusal([&] { read_hosts(dump, "host.json"); });
}

std::string refusal_of_packed(const std::string& bytes, const UnpackLimits& limits) {
    return refusal([&] {
        unpack(
            bytes, "packed", [](const Unpacked&) {}, limits);
    });
}

std::string times(std::size_t count, const std::function<std::string(std::size_t)>& text, const char* between = "") {
    std::string all;
    for (std::size_t i = 0; i < count; ++i) all += (i == 0 ? "" : between) + text(i);
    return all;
}

std::string host_of(const std::string& view) {
    return R"({"schema":"poolcpuid/host/v1","name":"a","views":{"hardware":{)" + view + "}}}";
}

std::string row(std::size_t leaf) {
    return R"({"leaf":")" + to_hex(leaf) + R"(","subleaf":"0x0","eax":"0x00000001","ebx":"0x00000000",)" +
           R"("ecx":"0x00000000","edx":"0x00000000"})";
}

std::string cpus_of(std::size_t count, std::size_t rows) {
    const std::string cpuid = times(rows, row, ",");
    return R"("cpus":[)" +
           times(
               count, [&](std::size_t i) { return R"({"cpu":)" + std::to_string(i) + R"(,"cpuid":[)" + cpuid + "]}"; },
               ",") +
           "]";
}

// A cpu_map whose index has this content, and whose file features.xml that.
std::string refusal_of_map(const std::string& index, const std::string& features) {
    const TemporaryDirectory dir;
    dir.write("index.xml", "<cpus><arch name='x86'>" + index + "</arch></cpus>");
    dir.write("features.xml", features);
    return refusal([&] { read_cpu_map(dir.path()); });
}

std::string refusal_of_rulebook_file(const std::string& bytes) {
    const TemporaryDirectory dir;
    std::filesystem::copy(std::string(POOLCPUID_SOURCE_DIR) + "/policy", dir.file("policy"),
                          std::filesystem::copy_options::recursive);
    dir.write("policy/dependencies.json", bytes);
    return refusal([&] { read_rulebook_directory(dir.file("policy")); });
}

// A model that has so many features, and others that build on it.
std::string models(std::size_t features, std::size_t heirs) {
    const auto named = [](std::size_t i) { return "<feature name='f" + std::to_string(i) + "'"; };
    return "<cpus>" +
           times(features, [&](std::size_t i) { return named(i) + "><cpuid eax_in='0x1' ecx='0x1'/></feature>"; }) +
           "<model name='m'>" + times(features, [&](std::size_t i) { return named(i) + "/>"; }) + "</model>" +
           times(heirs,
                 [](std::size_t i) { return "<model name='m" + std::to_string(i) + "'><model name='m'/></model>"; }) +
           "</cpus>";
}

// How each bound is exceeded, but for those of a running QEMU, and that of JSON values:
// tests/unit/located_json_test.cpp.
const std::map<std::string, std::function<std::string()>>& excesses() {
    static const std::map<std::string, std::function<std::string()>> all{
        {"dump_bytes", [] { return refusal_of(std::string(limits::dump_bytes + 1, '\n')); }},
        {"stream_bytes", [] { return refusal([] { cli::LimitWatch("f").check_lines(limits::stream_bytes + 1, 0); }); }},
        {"line_bytes", [] { return refusal([] { cli::LimitWatch("f").check_lines(0, limits::line_bytes + 1); }); }},
        {"unpacked_bytes",
         [] {
             UnpackLimits none;
             CHECK(none.all_bytes == limits::unpacked_bytes);
             none.all_bytes = 100;
             return refusal_of_packed(packed(Packing::gzip, std::string(70000, ' ')), none);
         }},
        {"decoder_bytes",
         [] {
             UnpackLimits none;
             CHECK(none.decoder_bytes == limits::decoder_bytes);
             none.decoder_bytes = 1 << 16;
             return refusal_of_packed(packed(Packing::xz, std::string(1 << 20, ' ')), none);
         }},
        {"hosts_per_stream",
         [] {
             const std::string line = document_line(amd_host("a"));
             return refusal([&] { HostLines("f").read(line, 1, limits::hosts_per_stream); });
         }},
        {"unreadable_per_stream",
         [] {
             const std::string lines = times(limits::unreadable_per_stream + 1, [](std::size_t) { return "{}\n"; });
             std::size_t told = 0;
             std::string text =
                 refusal([&] { HostLines("f").read(lines, 1, 0, {}, [&](const InputError&) { ++told; }); });
             CHECK(told == limits::unreadable_per_stream);
             return text;
         }},
        {"logical_cpus", [] { return refusal_of(host_of(cpus_of(limits::logical_cpus + 1, 1))); }},
        {"rows_per_cpu", [] { return refusal_of(host_of(cpus_of(1, limits::rows_per_cpu + 1))); }},
        {"rows_per_host",
         [] {
             const std::string head = "2016-01-04T16:19:46.611-08:00| vmx| I125: hostCPUID level ";
             return refusal_of(times(200,
                                     [&](std::size_t i) {
                                         return head + to_hex(i, 8).substr(2) +
                                                ", 0: 0x00000007 0x756e6547 0x6c65746e 0x49656e69\n";
                                     }) +
                               "2016-01-04T16:19:46.611-08:00| vmx| I125: CPUID[8000] level 00000001, 0: 0x00050654 "
                               "0x00100800 0x00000001 0x00000010\n");
         }},
        {"msrs_per_view",
         [] {
             return refusal_of(host_of(
                 cpus_of(1, 2) + R"(,"msrs":[)" +
                 times(
                     limits::msrs_per_view + 1,
                     [](std::size_t i) { return R"({"index":")" + to_hex(i) + R"(","value":"0x0000000000000000"})"; },
                     ",") +
                 "]"));
         }},
        {"name_bytes", [] { return host_name_problem(std::string(limits::name_bytes + 1, 'a')); }},
        {"meta_value_bytes",
         [] {
             return refusal_of(R"({"schema":"poolcpuid/host/v1","name":"a","meta":{"note":")" +
                               std::string(limits::meta_value_bytes + 1, 'a') + R"("},"views":{"hardware":{)" +
                               cpus_of(1, 2) + "}}}");
         }},
        {"json_depth",
         [] { return refusal_of(R"({"schema":"poolcpuid/host/v1","x":)" + std::string(limits::json_depth + 1, '[')); }},
        {"xml_bytes", [] { return refusal_of("<cpudata arch='x86'>" + std::string(limits::xml_bytes, ' ')); }},
        {"rulebook_file_bytes",
         [] { return refusal_of_rulebook_file(std::string(limits::rulebook_file_bytes + 1, ' ')); }},
        {"cpu_map_file_bytes",
         [] {
             return refusal_of_map("<include filename='features.xml'/>",
                                   std::string(limits::cpu_map_file_bytes + 1, ' '));
         }},
        {"cpu_map_depth",
         [] {
             return refusal_of_map(
                 times(limits::cpu_map_depth + 1, [](std::size_t) { return std::string("<group>"); }) +
                     times(limits::cpu_map_depth + 1, [](std::size_t) { return std::string("</group>"); }),
                 "");
         }},
        {"cpu_map_entries", [] { return refusal_of_map("<include filename='features.xml'/>", models(2000, 600)); }},
    };
    return all;
}

}  // namespace

TEST_CASE("the documentation has the limits of the program", "[limits]") {
    const std::string page = bytes_of(std::string(POOLCPUID_SOURCE_DIR) + "/docs/formats.md");
    std::string rows;
    for (const limits::Limit& limit : limits::table) {
        rows += "| `" + std::string(limit.name) + "` | " + std::to_string(limit.most) + " " + std::string(limit.unit) +
                " | " + std::string(limit.of) + " |\n";
    }
    CHECK_THAT(page, Catch::Contains("| limit | at most | of |\n|---|---|---|\n" + rows));
    CHECK(page.ends_with(rows));
    // Every constant is in the table.
    const std::string header = bytes_of(std::string(POOLCPUID_SOURCE_DIR) + "/include/poolcpuid/limits.hpp");
    const std::regex constant("constexpr std::size_t (\\w+) =");
    std::size_t constants = 0;
    for (auto at = std::sregex_iterator(header.begin(), header.end(), constant); at != std::sregex_iterator(); ++at) {
        CHECK_THAT(rows, Catch::Contains("`" + at->str(1) + "`"));
        ++constants;
    }
    CHECK(constants == limits::table.size());
}

TEST_CASE("a host of as many CPUs as the limit allows is taken, and an XML document of as many bytes", "[limits]") {
    CHECK(refusal_of(host_of(cpus_of(limits::logical_cpus, 2))) == "nothing was refused");
    const std::string begin = "<cpudata arch='x86'>";
    const std::string end =
        "<cpuid eax_in='0x0' ecx_in='0x0' eax='0x1' ebx='0x756e6547' ecx='0x6c65746e' edx='0x49656e69'/>"
        "<cpuid eax_in='0x1' ecx_in='0x0' eax='0x50654' ebx='0x0' ecx='0x0' edx='0x0'/></cpudata>";
    const std::string spaces(limits::xml_bytes - begin.size() - end.size(), ' ');
    CHECK(refusal_of(begin + spaces + end) == "nothing was refused");
}

TEST_CASE("compressed data and archives may be larger than a dump", "[limits]") {
    const std::string dump(limits::dump_bytes + 1, ' ');
    CHECK_THAT(refusal([&] { cli::LimitWatch("f")(dump); }), Catch::Contains("one document of at most"));
    CHECK(refusal([&] { cli::LimitWatch("f")(tar_of({{"node7.txt", dump}})); }) == "nothing was refused");
    const std::string beginning = packed(Packing::gzip, "node7");
    CHECK(refusal([&] { cli::LimitWatch("f")(beginning + dump); }) == "nothing was refused");
}

TEST_CASE("what exceeds a limit is refused with the limit", "[limits][attack]") {
    for (const limits::Limit& limit : limits::table) {
        const std::string name(limit.name);
        CAPTURE(name);
        const auto excess = excesses().find(name);
        if (excess == excesses().end()) {
            CHECK((name == "json_values" || name.starts_with("qemu_")));
            continue;
        }
        const std::string said = excess->second();
        CAPTURE(said);
        // Two are exceeded by way of a smaller one, and a name says how long it is.
        const bool names_another = name == "unpacked_bytes" || name == "decoder_bytes" || name == "name_bytes";
        CHECK_THAT(said, Catch::Contains(name == "unpacked_bytes"  ? "at most 100 bytes when unpacked"
                                         : name == "decoder_bytes" ? "more memory"
                                         : name == "name_bytes"    ? "256 bytes"
                                                                   : std::to_string(limit.most)));
        CHECK((names_another || said.find("at most") != std::string::npos ||
               said.find("more than") != std::string::npos));
    }
}

}  // namespace poolcpuid::test::limits_test
