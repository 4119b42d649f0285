// What mails, web pages, chats and editors make of a dump is undone in every format, or refused: never is it read as
// another host.

#include <algorithm>
#include <cstdio>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <tuple>
#include <vector>

#include "dump/as_printed.hpp"
#include "dump/behind_text.hpp"
#include "dump/reader.hpp"
#include "tests/catch.hpp"
#include "tests/cli/support/temporary_directory.hpp"
#include "tests/unit/host_samples.hpp"

namespace poolcpuid::test::as_printed_test {

namespace {

const std::vector<std::string> of_lines{"VBox.log",          "cpu-z.txt",    "cpucontrol.txt",      "cpuid-r.txt",
                                        "cpuinfo.txt",       "hwloc.txt",    "kcpuid.txt",          "libcpuid.txt",
                                        "instlatx64.txt",    "vmware.log",   "vbox-hostcpuids.txt", "x86info.txt",
                                        "xe-featureset.txt", "xen-cpuid.txt"};
const std::vector<std::string> json_and_xml{
    "cloud-hypervisor.json",       "firecracker.json", "host-json.json", "kvm.json", "libvirt-capabilities.xml",
    "libvirt-domcapabilities.xml", "libvirt.xml",      "lscpu.json",     "nfd.json", "qmp-model.json"};

std::vector<std::string> all_examples() {
    std::vector<std::string> all = of_lines;
    all.insert(all.end(), json_and_xml.begin(), json_and_xml.end());
    return all;
}

std::string example(const std::string& name) { return read_file(POOLCPUID_SOURCE_DIR "/examples/formats/" + name); }

// Why the text is refused; empty where it is read.
std::string refusal_or_empty(const std::string& text) {
    try {
        read_host(text);
        return {};
    } catch (const InputError& error) {
        return error.what();
    }
}

std::string replaced(std::string text, std::string_view old, std::string_view fresh) {
    for (std::size_t at = 0; (at = text.find(old, at)) != std::string::npos; at += fresh.size()) {
        text.replace(at, old.size(), fresh);
    }
    return text;
}

// before each line of text.
std::string with_prefix(std::string text, std::string_view before) {
    for (std::size_t at = 0; at < text.size(); at = text.find('\n', at) + 1) text.insert(at, before);
    return text;
}

// As mail programs do: no line has more characters than width where it has a blank at which it can be broken.
std::string wrapped(std::string_view text, std::size_t width) {
    std::string result;
    while (!text.empty()) {
        const std::size_t end = std::min(text.find('\n'), text.size());
        const std::size_t blank = end <= width ? std::string_view::npos : text.substr(0, width + 1).find_last_of(" \t");
        const bool breaks = blank != std::string_view::npos && text.find_first_not_of(" \t") < blank;
        const std::size_t length = breaks ? blank : end;
        result.append(text.substr(0, length)) += '\n';
        text.remove_prefix(std::min(length + 1, text.size()));
    }
    return result;
}

// What a text says of its host; nothing where it is refused.
std::optional<HostDump> said_by(const std::string& text) {
    try {
        return read_host(text);
    } catch (const InputError&) {
        return std::nullopt;
    }
}

// What was found of a guest is left out, and need not be told of one whose rows are broken.
std::vector<DumpNote> notes_of_host(const HostDump& host) {
    std::vector<DumpNote> notes = host.notes;
    std::erase_if(notes, [](const DumpNote& note) { return note.code == "guest-rows"; });
    return notes;
}

bool say_the_same(const HostDump& one, const HostDump& other) {
    return one.format == other.format && one.hardware == other.hardware && one.hypervisor == other.hypervisor &&
           notes_of_host(one) == notes_of_host(other);
}

void check_read_as(const std::string& text, const std::string& plain) {
    CAPTURE(refusal(text));
    const auto host = said_by(text);
    REQUIRE(host.has_value());
    CHECK(say_the_same(*host, read_host(plain)));
}

// Every CPU of host has rows that some CPU of whole has; of names of features, and where bits are unknown, no others.
bool has_rows_of(const CpuidTable& table, const CpuidTable& whole) {
    return std::all_of(table.rows.begin(), table.rows.end(), [&](const CpuidRow& row) {
        const Registers* other = whole.find(row.key);
        return (other != nullptr && *other == row.value) || row.value.all_zero() || !table.unknown_bits.empty();
    });
}

bool has_rows_of(const HostDump& host, const HostDump& whole) {
    if (host.hypervisor && !has_rows_of(host.hypervisor->cpuid, whole.hypervisor->cpuid)) return false;
    if (!host.hardware) return true;
    const auto& cpus = host.hardware->cpus;
    return std::all_of(cpus.begin(), cpus.end(), [&](const LogicalCpu& cpu) {
        const auto& others = whole.hardware->cpus;
        return std::any_of(others.begin(), others.end(),
                           [&](const LogicalCpu& other) { return has_rows_of(cpu.cpuid, other.cpuid); });
    });
}

}  // namespace

TEST_CASE("a quoted dump is the dump, in every format", "[as_printed]") {
    const auto name = GENERATE(from_range(all_examples()));
    const auto mark = GENERATE(as<std::string>{}, "> ", ">", "> > ", ">\u00A0 ");
    CAPTURE(name, mark);
    const std::string plain = example(name);
    check_read_as(with_prefix(plain, mark), plain);
    check_read_as("On Monday somebody wrote:\n\n" + with_prefix(plain, mark) + "\nThanks: A. Person\n", plain);
}

TEST_CASE("a dump between fences is the dump, in every format", "[as_printed]") {
    const auto name = GENERATE(from_range(all_examples()));
    CAPTURE(name);
    const std::string plain = example(name);
    check_read_as("Here is the dump:\n\n```\n" + plain + "```\n\nThanks: A. Person\n", plain);
    check_read_as("```text\n" + plain + "\n```", plain);
    check_read_as(with_prefix("Here is the dump:\n```\n" + plain + "```\nThanks\n", "> "), plain);
}

TEST_CASE("blanks that do not break, tabs and characters without a width are blanks and nothing", "[as_printed]") {
    const auto name = GENERATE(from_range(of_lines));
    CAPTURE(name);
    const std::string plain = example(name);
    check_read_as(replaced(plain, " ", "\u00A0"), plain);
    check_read_as(replaced(plain, "  ", " \u00A0"), plain);
    check_read_as(replaced(plain, " ", "\t"), plain);
    check_read_as(replaced(plain, " ", "\u2003"), plain);
    check_read_as(with_prefix(plain, "\u200B"), plain);
    check_read_as("\uFEFF\uFEFF" + replaced(plain, "\n", "\u200B\n"), plain);
}

TEST_CASE("an odd blank is found wherever it stands in a long text", "[as_printed]") {
    for (std::size_t at = 0; at < 200; ++at) {
        CAPTURE(at);
        const std::string before(at, 'a');
        const auto is_found = [&](const char* odd) {
            const std::string text = before + odd + "a";
            return dump::has_odd_blanks(text, dump::is_ascii(text));
        };
        for (const char* odd : {"\t", "\xC2\xA0", "\xEF\xBB\xBF", "\xE2\x80\x83"}) CHECK(is_found(odd));
        for (const char* other : {"", " ", "\xC3\xA9"}) CHECK_FALSE(is_found(other));
    }
}

TEST_CASE("a dump of lines that a mail program wrapped is the dump", "[as_printed]") {
    const auto name = GENERATE(from_range(of_lines));
    const std::size_t width = GENERATE(range<std::size_t>(64, 81));
    CAPTURE(name, width);
    const std::string plain = example(name);
    check_read_as(wrapped(plain, width), plain);
    check_read_as(wrapped(with_prefix(plain, "> "), width), plain);
    check_read_as(with_prefix(wrapped(plain, width), "> "), plain);
    check_read_as(replaced(wrapped(plain, width), "\n", "\r\n"), plain);
}

TEST_CASE("wherever a dump was broken it says the same or is refused", "[as_printed]") {
    const auto name = GENERATE(from_range(all_examples()));
    const std::size_t width = GENERATE(range<std::size_t>(20, 64));
    CAPTURE(name, width);
    const HostDump plain = read_host(example(name));
    const auto host = said_by(wrapped(example(name), width));
    if (host) CHECK(say_the_same(*host, plain));
}

TEST_CASE("only one document is enclosed, and its lines keep their numbers", "[as_printed]") {
    CHECK(dump::enclosed_document("a\n> b\nc\n> d\ne\n") == "\nb\nc\nd\n");
    CHECK(dump::enclosed_document("a\n```json\n > b\n```\nc") == "\n\nb\n");
    CHECK_FALSE(dump::enclosed_document("a\n```\nb\n"));
    CHECK_FALSE(dump::enclosed_document("```\na\n```\n```\nb\n```\n"));
    CHECK_FALSE(dump::enclosed_document("a\n"));
    CHECK(contains(refusal("Look:\n```\n" + document("\"hardware\":\n 5") + "\n```\n"), "host.json:4: expected"));
    CHECK(contains(refusal("```\na\n```\nand\n```\nb\n```\n"), "blocks between fences"));
}

TEST_CASE("a stream of hosts that a mail quotes is all of them", "[as_printed]") {
    const std::string two =
        document(one_cpu(), "\"name\": \"a\"") + "\n" + document(one_cpu(), "\"name\": \"b\"") + "\n";
    CHECK(read_hosts(with_prefix(two, "> "), "f").size() == 2);
}

TEST_CASE("a row behind other text among rows is refused with its line, and no prose", "[as_printed]") {
    struct Case {
        std::string file;
        std::string row;  // the beginning of one that the example has
        std::string rows_of;
    };
    const auto [file, row, rows_of] = GENERATE(
        Case{"instlatx64.txt", "CPUID 00000007: ", "InstLatx64"}, Case{"instlatx64.txt", "MSR 0000", "InstLatx64"},
        Case{"libcpuid.txt", "basic_cpuid[7]=", "libcpuid"}, Case{"cpucontrol.txt", "cpuid level 0x7", "cpucontrol"},
        Case{"vbox-hostcpuids.txt", "00000007  ", "VBoxManage list hostcpuids"},
        Case{"x86info.txt", "eax in: 0x00000006", "x86info -r"}, Case{"cpu-z.txt", "0x00000007", "CPU-Z"});
    const auto before = GENERATE(as<std::string>{}, "x: ", "node-1: ", "+");
    std::string text = example(file);
    CAPTURE(file, row, before);
    const std::size_t at = text.find(row);
    REQUIRE(at != std::string::npos);
    text.insert(at, before);
    CHECK(contains(refusal(text, "f"),
                   ": expected rows of " + rows_of + " with nothing before them, found one behind \""));
}

TEST_CASE("a row behind text of any length is found", "[as_printed]") {
    for (std::size_t length = 1; length < 40; ++length) {
        for (const std::string& before : {std::string(length, 'x') + ' ', std::string(1 + length % 7, 'f') + ' '}) {
            CAPTURE(before);
            const std::string line = before + "MSR 0000001B: < FAILED >";  // its number is the only one
            const auto found = dump::find_row_behind_text(dump::format_of("instlatx64"), line);
            REQUIRE(found);
            CHECK(found->before == before);
        }
    }
}

TEST_CASE("rows behind other text are named with their line and that text", "[as_printed]") {
    const auto name = GENERATE(from_range(all_examples()));
    if (name == "vmware.log") return;  // any text may stand before its rows
    CAPTURE(name);
    for (const char* before : {"node17: ", "JM> ", "Nov 28 09:00:00 node-1 dump[17]: ", "| "}) {
        const std::string message = refusal(with_prefix(example(name), before), "f");
        CAPTURE(message);
        CHECK(contains(message, " behind other text, \"" +
                                    std::string(before).substr(0, std::string(before).find_last_not_of(' '))));
        CHECK(contains(message, "(leave in each line only what the tool printed)"));
        CHECK_FALSE(contains(message, "f: expected"));
    }
}

TEST_CASE("a terminal's escapes in a dump are named with their line", "[as_printed]") {
    const auto name = GENERATE(from_range(all_examples()));
    if (name == "vmware.log" || name == "VBox.log") return;  // any text may stand before their rows
    CAPTURE(name);
    const std::string message = refusal(with_prefix(example(name), "\x1B[32m"), "f");
    CAPTURE(message);
    CHECK(contains(message, " with escapes of a terminal, \"\\x1b[32m\" (take them out: `LC_ALL=C sed "));
    CHECK_FALSE(contains(message, "f: expected"));
}

TEST_CASE("a terminal's escapes within rows are named with the first such row", "[as_printed]") {
    const auto found = [](std::string_view escape) {
        return refusal("Look:\n" + replaced(example("cpuid-r.txt"), "eax", std::string(escape) + "eax\x1B[m\x1B[K"),
                       "f");
    };
    const std::size_t first = example("cpuid-r.txt").starts_with("CPU") ? 3 : 2;
    const std::string what = "f:" + std::to_string(first) + ": expected a CPUID dump, found rows of cpuid -r with ";
    CHECK(contains(found("\x1B[01;31m\x1B[K"), what + "escapes of a terminal, \"\\x1b[01;31m\""));
    CHECK(contains(found("\x1B(B"), what + "escapes of a terminal, \"\\x1b(B\""));
    CHECK(contains(refusal("\x1B[01;31mhello\x1B[m\n\x1B[\n\x1B", "f"), "text without CPUID rows"));
}

TEST_CASE("one row with escapes among plain ones is refused, and not passed over", "[as_printed]") {
    const auto [file, row] = GENERATE(table<std::string, std::string>({{"instlatx64.txt", "CPUID 00000007"},
                                                                       {"libcpuid.txt", "basic_cpuid[7]"},
                                                                       {"cpucontrol.txt", "cpuid level 0x7"},
                                                                       {"vbox-hostcpuids.txt", "00000007  "},
                                                                       {"x86info.txt", "eax in: 0x00000006"},
                                                                       {"cpu-z.txt", "0x00000007"},
                                                                       {"cpuid-r.txt", "0x00000007"},
                                                                       {"cpuinfo.txt", "processor"},
                                                                       {"cpuinfo.txt", "microcode"}}));
    const auto escape =
        GENERATE(as<std::string>{}, "\x1B[01;31m\x1B[K", "\x1B[?2004l\r", "\x1B]0;root@node: ~\x07", "\x1B(B");
    std::string text = example(file);
    CAPTURE(file, row, escape);
    const std::size_t at = text.rfind(row);
    REQUIRE(at != std::string::npos);
    text.insert(at, escape);
    CHECK(contains(refusal(text, "f"), " with escapes of a terminal, \"\\x1b"));
    // As grep marks what it found.
    std::string marked = example(file);
    marked.insert(marked.rfind(row) + row.size(), "\x1B[m\x1B[K");
    CHECK_FALSE(refusal(marked).empty());
}

TEST_CASE("a document below a terminal's prompt and its escapes is told as such", "[as_printed]") {
    const auto name = GENERATE(from_range(json_and_xml));
    CAPTURE(name);
    const std::string text = "\x1B[?2004h\x1B]0;root@h: ~\x07root@h:~# tool\r\n\x1B[?2004l\r" + example(name);
    const std::string message = refusal(text, "f");
    CHECK(contains(message, "f:2: expected a CPUID dump, found "));
    CHECK(contains(message, " below other lines"));
    CHECK(
        contains(message, ", with escapes of a terminal (leave the lines above it away, and take the escapes out: `"));
}

// What a message says to run.
std::string filtered(const std::string& text, const std::string& message) {
    const std::size_t begin = message.find('`') + 1;
    const std::string command = message.substr(begin, message.rfind('`') - begin);
    const TemporaryDirectory dir;
    const std::string whole = command + " <" + dir.write("typescript", text);
    const std::unique_ptr<std::FILE, int (*)(std::FILE*)> pipe(::popen(whole.c_str(), "r"), &::pclose);
    std::string result;
    for (int c = 0; pipe && (c = std::fgetc(pipe.get())) != EOF;) result += static_cast<char>(c);
    return result;
}

TEST_CASE("what takes out escapes takes out all that are told of", "[as_printed]") {
    const std::string plain = example("cpuid-r.txt");
    for (const char* escape : {"\x1B[01;31m\x1B[K", "\x1B[?2004l", "\x1B]0;root@node: ~\x07", "\x1B]0;a title\x1B\\",
                               "\x1B(B", "\x1B[m", "\x1B="}) {
        CAPTURE(escape);
        const std::string text = with_prefix(plain, escape);
        const std::string message = refusal(text, "f");
        CHECK(contains(message, " with escapes of a terminal, \"\\x1b"));
        const std::string without = filtered(text, message);
        CHECK_FALSE(contains(without, "\x1B"));
        CHECK(without == plain);
    }
}

TEST_CASE("a first row behind other text is what a refusal names, not that leaf 0 is missing", "[as_printed]") {
    const auto before = GENERATE(as<std::string>{}, "\f", "--More--\r        \r", "node17: ");
    std::string text = example("instlatx64.txt");
    text.insert(text.find("CPUID 00000000"), before);
    CAPTURE(before);
    CHECK(contains(refusal(text, "f"), ": expected rows of InstLatx64 with nothing before them, found one behind \""));
}

TEST_CASE("rows that lost their beginning are refused with their line", "[as_printed]") {
    const auto [file, row] = GENERATE(table<std::string, std::string>({{"instlatx64.txt", "CPUID 00000007"},
                                                                       {"libcpuid.txt", "basic_cpuid[7]"},
                                                                       {"libcpuid.txt", "amd_fn8000001dh[0]"},
                                                                       {"cpucontrol.txt", "cpuid level 0x7"},
                                                                       {"vbox-hostcpuids.txt", "00000007  "},
                                                                       {"cpuid-r.txt", "0x00000007"},
                                                                       {"x86info.txt", "eax in: 0x00000006"},
                                                                       {"cpu-z.txt", "0x00000007"},
                                                                       {"hwloc.txt", "5 7 0 0 0"},
                                                                       {"vmware.log", "hostCPUID level 00000007"},
                                                                       {"VBox.log", "Hst: 0000000f"},
                                                                       {"kcpuid.txt", "0x80000001: "}}));
    const std::string text = example(file);
    const std::size_t at = text.find(row);
    REQUIRE(at != std::string::npos);
    const std::size_t begin = text.rfind('\n', at) + 1;
    // What is left of a row that has lost a register more is of no format.
    for (std::size_t length = at - begin + 1; length <= at - begin + row.size(); ++length) {
        const std::string broken = text.substr(0, begin) + text.substr(begin + length);
        CAPTURE(file, row, length);
        const auto host = said_by(broken);
        CHECK((!host || say_the_same(*host, read_host(text))));  // of VBox.log the time alone was lost
    }
}

// What is missing may be unknown, or the text refused; nowhere does another row stand in its place.
TEST_CASE("no gap in a dump gives a leaf another leaf's row", "[as_printed]") {
    const auto name = GENERATE(from_range(of_lines));
    CAPTURE(name);
    const std::string text = example(name);
    std::vector<std::size_t> lines{0};
    for (std::size_t at = 0; (at = text.find('\n', at)) != std::string::npos;) lines.push_back(++at);
    const HostDump whole = read_host(text);
    for (const std::size_t length : {1U, 2U, 3U, 4U, 7U, 20U}) {
        for (std::size_t first = 0; first + length < lines.size(); ++first) {
            const std::string gap = text.substr(0, lines[first]) + "[...]\n" + text.substr(lines[first + length]);
            const auto host = said_by(gap);
            if (!host) continue;
            CAPTURE(first + 1, length);
            CHECK(has_rows_of(*host, whole));
        }
    }
}

TEST_CASE("rows that lost a part are named with their line", "[as_printed]") {
    const auto found = [](const std::string& text) { return refusal(text, "f"); };
    const std::string end = " (give the dump as the tool printed it)";
    CHECK(found("CPU 0:\n   0x00000000: eax=0x00000001 ebx=0x68747541 ecx=0x444d4163 edx=0x69746e65\n") ==
          "f:2: expected a CPUID dump, found a row of cpuid -r without its subleaf (give the dump as the tool printed "
          "it; where an old version printed it so, as `cpuid -r -f FILE` of a new one prints it again)");
    CHECK(found("   0x00000000\n0x00: eax=0x00000002 ebx=0x756e6547 ecx=0x6c65746e edx=0x49656e69\n") ==
          "f:2: expected a CPUID dump, found a row of cpuid -r that is broken behind its leaf" + end);
    CHECK(found("\n00000000: 00000001-68747541-444D4163-69746E65 [AuthenticAMD]\n00000001: "
                "00A00F11-00200800-7EFA320B-0\n") ==
          "f:2: expected a CPUID dump, found a row of InstLatx64 without the word CPUID before its leaf" + end);
    CHECK(found("allcpu: valid\ncpuid 00000000: 00000001-68747541-444d4163-69746e65\n") ==
          "f:2: expected a CPUID dump, found a row of InstLatx64 in lower case" + end);
    for (const char* text : {"0x00000000: eax is 5\n", "0x00000000 eax=0x5\n", "00000000: 00000001-68747541-444D4163\n",
                             "cpuid 00000000\n"}) {
        CAPTURE(text);
        CHECK(contains(found(text), "text without CPUID rows"));
    }
}

TEST_CASE("a document of JSON or XML below other lines is told with the line on which it begins", "[as_printed]") {
    const auto name = GENERATE(from_range(json_and_xml));
    CAPTURE(name);
    const HostDump host = read_host(example(name));
    const std::string message = refusal("virsh # capabilities\n\n" + example(name), "f");
    CAPTURE(message);
    const std::string what = name.ends_with(".xml") ? "XML" : "JSON";
    CHECK(contains(message, "f:3: expected a CPUID dump, found " + what +
                                " below other lines, which alone would be read as " + host.format +
                                " (leave the lines above it away)"));
}

TEST_CASE("a dump of lines and a document in one text are two hosts, in either order", "[as_printed]") {
    const auto lines = GENERATE(from_range(of_lines));
    for (const std::string& document : json_and_xml) {
        CAPTURE(lines, document);
        CHECK_THROWS_AS(read_host(example(lines) + "\n" + example(document)), InputError);
        CHECK_THROWS_AS(read_host(example(document) + "\n" + example(lines)), InputError);
        const std::string prose(20000, '\n');  // of a long text the rows are read first
        CHECK_THROWS_AS(read_host(prose + example(lines) + "\n" + example(document)), InputError);
    }
    const bool is_of_flags = lines == "cpuinfo.txt";  // that may be of the same host
    if (!is_of_flags && lines != "xe-featureset.txt") {
        CHECK_THROWS_AS(read_host(example(lines) + example("xe-featureset.txt")), InputError);
        CHECK_THROWS_AS(read_host(example("xe-featureset.txt") + example(lines)), InputError);
    }
}

TEST_CASE("a line of a dump that begins as JSON or XML does is no document", "[as_printed]") {
    const auto lines = GENERATE(from_range(of_lines));
    CAPTURE(lines);
    for (const char* line : {"{", "[1]", "<none>", "<a>", "{\"a\": 1}"}) {
        CAPTURE(line);
        const std::string text = example(lines) + line + "\n" + example(lines);
        CHECK(!contains(refusal_or_empty(text), "other lines"));
    }
}

TEST_CASE("words of xe that a terminal broke before a dash are refused", "[as_printed]") {
    std::string text = example("xe-featureset.txt");
    const std::size_t words = text.find("features_hvm");
    REQUIRE(words != std::string::npos);
    text.insert(text.find('-', text.find('-', words) + 1), "\n");
    CHECK(contains(refusal(text, "f"), "expected all words of a featureset on one line"));
}

TEST_CASE("flags in a mail's quoted-printable form are refused", "[as_printed]") {
    std::string text = example("cpuinfo.txt");
    text.insert(text.find(" sse4_1") + 4, "=\n");
    CHECK(contains(refusal(text, "f"), "quoted-printable"));
}

TEST_CASE("what is below other lines need not begin with its element, and may be of no kind", "[as_printed]") {
    const std::string xml = "<!-- a comment -->\n" + example("libvirt.xml");
    CHECK(contains(refusal("model name\t: Intel\n" + xml, "f"),
                   "f:2: expected a CPUID dump, found XML below other lines"));
    CHECK(contains(refusal("<Q> a\n" + std::string(20, '<') + "\n<a/>\n", "f"), "f: expected a CPUID dump, found XML"));
    CHECK(contains(refusal("hello\n<a/>\n{}\n[5]\n", "f"), "text without CPUID rows"));
}

}  // namespace poolcpuid::test::as_printed_test
