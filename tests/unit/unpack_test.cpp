// What dumps come wrapped in: compressed data, tar archives, and host documents in arrays or one after another.

#include "poolcpuid/unpack.hpp"

#include <nlohmann/json.hpp>

#include "base/sha256.hpp"
#include "tests/catch.hpp"
#include "tests/support/packed.hpp"
#include "tests/unit/host_samples.hpp"

namespace poolcpuid::test::unpack_test {

namespace {

// `cpuid -r` of an example host.
const std::string sample = read_file(std::string(POOLCPUID_SOURCE_DIR) + "/examples/amd-zen/hosts/milan-1.txt");

std::string named(const std::string& name) { return document(one_cpu(), R"("name": ")" + name + "\""); }

std::string pretty(const std::string& json) { return nlohmann::ordered_json::parse(json).dump(2); }

// "a b c": the names of the hosts.
std::string names_in(std::string_view bytes, std::string_view file = "fleet") {
    std::string names;
    for (const HostDump& host : read_hosts(bytes, file)) names += (names.empty() ? "" : " ") + host.name;
    return names;
}

// "file (name)" of each text.
std::vector<std::string> texts_in(std::string_view bytes, const UnpackLimits& limits = {}) {
    std::vector<std::string> texts;
    unpack(
        bytes, "in", [&](const Unpacked& text) { texts.push_back(text.file + " (" + text.named_by + ")"); }, limits);
    return texts;
}

std::string refusal_within(const UnpackLimits& limits, std::string_view bytes) {
    try {
        texts_in(bytes, limits);
    } catch (const InputError& error) {
        return error.what();
    }
    return {};
}

constexpr Packing each_packing[] = {Packing::gzip, Packing::xz, Packing::zstd};

std::string spaces(std::size_t count) { return std::string(count, ' '); }

}  // namespace

TEST_CASE("compressed dumps are those that were compressed", "[unpack]") {
    for (const Packing packing : each_packing) {
        const HostDump plain = read_host(sample, "node7.txt");
        for (const char* file : {"node7.txt.gz", "d.d/node7.txt.xz", "node7.txt.zst", "node7.txt", "node7.gz"}) {
            const HostDump host = read_host(packed(packing, sample), file);
            CHECK(host.name == "node7");
            CHECK(host.sha256 == plain.sha256);
            CHECK(host.format == plain.format);
            CHECK(host.hardware == plain.hardware);
        }
        CHECK(names_in(packed(packing, named("a") + "\n" + named("b"))) == "a b");
        const std::string of_bytes = sha256_hex(named("a"));
        const IsListed listed = [&](const std::string& sha256) { return sha256 == of_bytes; };
        CHECK(read_hosts(packed(packing, named("a")), "f", listed)[0].sha256 == of_bytes);
    }
    CHECK(read_host(packed(Packing::gzip, sample), ".gz").name == ".gz");
}

TEST_CASE("compressed data in several parts is one text", "[unpack]") {
    for (const Packing packing : each_packing) {
        const std::string parts = packed(packing, sample.substr(0, 700)) + packed(packing, sample.substr(700));
        CHECK(read_host(parts).sha256 == sha256_hex(sample));
    }
    CHECK(read_host(packed(Packing::gzip, sample) + std::string(100, '\0')).sha256 == sha256_hex(sample));
}

TEST_CASE("lines in compressed data are those of the text", "[unpack]") {
    CHECK(contains(refusal(packed(Packing::gzip, "\n\n{\"schema\": 1}"), "a.gz"), "a.gz:3: expected a host document"));
}

TEST_CASE("each file of an archive is a host", "[unpack]") {
    const std::vector<Member> members{
        {"hosts/", "", MemberType::directory}, {"hosts/node7.txt", sample}, {"node8.json", named("own")}};
    for (const Packing packing : {Packing::none, Packing::gzip, Packing::xz, Packing::zstd}) {
        const auto hosts = read_hosts(tar_of(members, packing), "fleet.tar");
        REQUIRE(hosts.size() == 2);
        CHECK(hosts[0].name == "node7");
        CHECK(hosts[0].sha256 == sha256_hex(sample));
        CHECK(hosts[1].name == "own");
    }
}

// The tar of Unix V7 has no mark but the sum of a header.
TEST_CASE("an archive without the mark of ustar is one", "[unpack]") {
    const auto old = [](const std::string& name) {
        std::string header = tar_detail::header_of(name, sample.size(), MemberType::file);
        tar_detail::put(header, 257, std::string(8, '\0'));
        std::string text = tar_detail::with_sum(header) + sample;
        text.resize((text.size() + 511) / 512 * 512);
        return text;
    };
    CHECK(names_in(old("a.txt") + old("b.txt") + tar_end) == "a b");
    std::string damaged = old("a.txt") + tar_end;
    damaged[0] = 'x';
    CHECK(contains(refusal(damaged, "f"), "f:1: expected a CPUID dump, found zero bytes in a text"));
}

TEST_CASE("a file of an archive may be compressed, and nothing is unpacked twice over", "[unpack]") {
    const std::string inner = packed(Packing::zstd, sample);
    const auto hosts = read_hosts(tar_of({{"d/node7.txt.zst", inner}}), "fleet.tar");
    REQUIRE(hosts.size() == 1);
    CHECK(hosts[0].name == "node7");
    CHECK(hosts[0].sha256 == sha256_hex(sample));
    const std::string archive = tar_of({{"a", sample}});
    CHECK(
        contains(refusal(tar_of({{"in.tar", archive}}), "f.tar"), "f.tar:in.tar: expected a CPUID dump, found a tar"));
    CHECK(contains(refusal(packed(Packing::gzip, packed(Packing::gzip, sample))), "gzip-compressed data"));
    CHECK(contains(refusal(tar_of({{"a.tgz", packed(Packing::gzip, archive)}})), "a tar archive"));
}

TEST_CASE("errors name the member and its line", "[unpack]") {
    CHECK(contains(refusal(tar_of({{"d/node7.json", "\n{\"schema\": 1}"}}), "fleet.tar"),
                   "fleet.tar:d/node7.json:2: expected a host document"));
    CHECK(contains(refusal(tar_of({{"node7.txt", "hello"}}, Packing::xz), "fleet.txz"),
                   "fleet.txz:node7.txt: expected a CPUID dump, found text"));
    CHECK(contains(refusal(tar_of({{"node\x07.txt", sample}}), "f"), "control character U+0007"));
}

TEST_CASE("links, devices and dot files of an archive are left aside, and named", "[unpack]") {
    const std::string archive = tar_of({{"./", "", MemberType::directory},
                                        {"d/.hidden.json", "no dump"},
                                        {"._node7.txt", "no dump"},
                                        {"link", "", MemberType::symbolic_link},
                                        {"fifo", "", MemberType::fifo},
                                        {"./node7.txt", sample}});
    std::vector<std::string> files;
    const auto left_aside = unpack(archive, "f", [&](const Unpacked& text) { files.push_back(text.file); });
    CHECK(files == std::vector<std::string>{"f:./node7.txt"});
    CHECK(left_aside == std::vector<std::string>{"d/.hidden.json", "._node7.txt", "link", "fifo"});
}

TEST_CASE("a member's path is a name and leads nowhere", "[unpack]") {
    const std::string archive = tar_of({{"/etc/node1.txt", sample}, {"../../node2.txt", sample}});
    CHECK(names_in(archive) == "node1 node2");
}

TEST_CASE("long and foreign names of members are read", "[unpack]") {
    const std::string directory(300, 'd');
    const std::vector<Member> members{{directory + "/nöde.txt", sample}, {"日本.txt", sample}};
    CHECK(names_in(gnu_tar_of(members)) == "nöde 日本");
    CHECK(names_in(tar_of(members)) == "nöde 日本");
}

TEST_CASE("an archive without a file is refused", "[unpack]") {
    CHECK(contains(refusal(tar_of({{"d/", "", MemberType::directory}})),
                   "expected an archive with host dumps, found no file"));
}

TEST_CASE("two archives in a row are both read", "[unpack]") {
    CHECK(names_in(tar_of({{"a.txt", sample}}) + tar_of({{"b.txt", sample}})) == "a b");
}

TEST_CASE("an archive that is cut off or damaged is refused", "[unpack]") {
    const std::string archive = tar_of({{"a.txt", sample}, {"b.txt", sample}});
    const std::size_t one = 512 + (sample.size() + 511) / 512 * 512;
    CHECK(contains(refusal(archive.substr(0, 700)), "a tar archive that is whole, found Truncated tar archive"));
    for (const std::size_t size : {one, one + 100, one + 512, 2 * one}) {
        CAPTURE(size);
        CHECK(contains(refusal(archive.substr(0, size)), "expected a tar archive that is whole, found "));
    }
    std::string damaged = archive;
    damaged[one + 3] = 'y';
    CHECK(contains(refusal(damaged), "expected a tar archive that is whole, found Damaged tar archive"));
    damaged = archive;
    damaged[3] = 'y';
    CHECK(contains(refusal(damaged), "expected a tar archive that is whole, found "));
}

TEST_CASE("compressed data that is cut off, damaged or followed by other data is refused", "[unpack]") {
    for (const Packing packing : each_packing) {
        const std::string data = packed(packing, sample);
        for (std::size_t size = 12; size < data.size(); size += 7) {
            CAPTURE(size);
            CHECK(contains(refusal(data.substr(0, size)), "expected compressed data that is whole, found "));
        }
        CHECK(
            contains(refusal(data.substr(0, data.size() - 1)), "found its end before it is complete: it is cut short"));
        CHECK(contains(refusal(data + "x"), "expected compressed data that is whole, found "));
        std::string damaged = data;
        for (std::size_t at = data.size() / 2; at < data.size() / 2 + 8; ++at) damaged[at] = '\xAA';
        CHECK(contains(refusal(damaged), "expected compressed data that is whole, found "));
    }
}

TEST_CASE("what unpacks to more than its bound is refused", "[unpack]") {
    CHECK(contains(refusal(packed(Packing::gzip, spaces(limits::dump_bytes + 70000)), "f"),
                   "f: expected one document of at most 67108864 bytes when unpacked, found more"));
    UnpackLimits small;
    small.text_bytes = 1000;
    const std::string large = spaces(200000);
    for (const Packing packing : each_packing) {
        CHECK(contains(refusal_within(small, packed(packing, large)), "one document of at most 1000 bytes"));
        CHECK(contains(refusal_within(small, tar_of({{"a", packed(packing, large)}})), "in:a: expected one document"));
    }
    CHECK(contains(refusal_within(small, tar_of({{"a", large}})), "in:a: expected a dump of at most 1000 bytes"));
    const std::string host = named("a");
    std::string stream;
    while (stream.size() < 200000) stream += host + "\n";
    CHECK(refusal_within(small, packed(Packing::gzip, stream)).empty());
}

TEST_CASE("all that an input unpacks to is bounded, also what is left aside", "[unpack]") {
    UnpackLimits small;
    small.all_bytes = 300000;
    const std::string large = spaces(200000);
    const char* const refused = "in: expected at most 300000 bytes when unpacked, found more";
    CHECK(refusal_within(small, tar_of({{"a", large}}, Packing::gzip)).empty());
    CHECK(contains(refusal_within(small, tar_of({{"a", large}, {"b", large}}, Packing::gzip)), refused));
    CHECK(contains(refusal_within(small, tar_of({{".a", large}, {".b", large}}, Packing::xz)), refused));
    CHECK(contains(refusal_within(small, tar_of({{"a", large}, {"b", large}})), refused));
    const std::string inner = packed(Packing::zstd, large);
    CHECK(contains(refusal_within(small, tar_of({{"a", inner}, {"b", inner}})), refused));
}

TEST_CASE("holes in the files of an archive count as their zeros", "[unpack]") {
    const std::string hole = tar_detail::hole_of("a", 200000);
    UnpackLimits small;
    std::size_t size = 0;
    unpack(hole + tar_end, "in", [&](const Unpacked& text) { size = text.bytes.size(); });
    CHECK(size == 200512);
    small.all_bytes = 300000;
    CHECK(refusal_within(small, hole + tar_end).empty());
    CHECK(contains(refusal_within(small, hole + hole + tar_end), "at most 300000 bytes when unpacked"));
    CHECK(refusal_within(small, tar_detail::hole_of(".a", std::size_t{1} << 32) + hole + tar_end).empty());
    CHECK(contains(refusal(tar_detail::hole_of("a", std::size_t{1} << 32) + tar_end, "f"),
                   "f:a: expected a dump of at most 67108864 bytes"));
}

TEST_CASE("the files of an archive are bounded", "[unpack]") {
    UnpackLimits small;
    small.members = 2;
    const std::vector<Member> three{{"a", "1"}, {"b", "2"}, {".c", "3"}, {"d", "4"}};
    CHECK(contains(refusal_within(small, tar_of(three)), "in: expected at most 2 files in an archive, found more"));
    small.members = 3;
    CHECK(texts_in(tar_of(three), small) == std::vector<std::string>{"in:a (a)", "in:b (b)", "in:d (d)"});
}

TEST_CASE("the memory of a decoder is bounded", "[unpack]") {
    UnpackLimits small;
    small.decoder_bytes = 1 << 16;
    const std::string large = spaces(200000);
    CHECK(contains(refusal_within(small, packed(Packing::xz, large)), "data that takes more memory"));
    CHECK(contains(refusal_within(small, packed(Packing::zstd, large)), "too much memory"));
}

TEST_CASE("documents one after another, each over several lines, are hosts", "[unpack]") {
    const std::string a = pretty(named("a"));
    const std::string b = pretty(named("b \\\" } {"));
    CHECK(names_in(a + "\n" + b + "\n") == "a b \" } {");
    CHECK(names_in(a + b) == "a b \" } {");
    CHECK(names_in("\xEF\xBB\xBF\n" + a + "\r\n\r\n" + named("c")) == "a c");
    CHECK(read_hosts(a + "\n" + b, "f")[0].sha256 == read_host(a).sha256);
}

TEST_CASE("an array of documents is hosts", "[unpack]") {
    const std::string a = pretty(named("a"));
    CHECK(names_in("[" + a + ",\n" + a + "\n]\n") == "a a");
    CHECK(names_in(" [ " + named("b") + " ] ") == "b");
    CHECK(read_hosts("[" + a + "]", "f")[0].sha256 == read_host(a).sha256);
}

TEST_CASE("what is wrong in documents of a stream is told with its line", "[unpack]") {
    const std::string a = pretty(named("a"));
    const auto line_of = [&](std::size_t more) {
        const auto lines = static_cast<std::size_t>(std::count(a.begin(), a.end(), '\n'));
        return "host.json:" + std::to_string(lines + 1 + more) + ": expected ";
    };
    CHECK(contains(refusal(a + "\n{\"schema\": 1}"), line_of(1) + "a host document"));
    CHECK(contains(refusal(a + "\n{\n\"schema\": "), line_of(2) + "well-formed JSON"));
    CHECK(contains(refusal(a + "\n" + a + "x"), ": expected well-formed JSON, found \"x\""));
    CHECK(contains(refusal("[" + a + "\n" + a + "]"), line_of(1) + "a comma or the end of the array, found \"{\""));
    CHECK(contains(refusal("[" + a + ",\n]"), line_of(1) + "a host document as element 2 of the array"));
    CHECK(contains(refusal("[" + a), line_of(0) + "a comma or the end of the array, found the end of the text"));
    CHECK(contains(refusal("[" + a + "]\nx"), line_of(1) + "nothing behind the array, found \"x\""));
    CHECK(contains(refusal("[" + a + ",\n5]"), line_of(1)));
    CHECK(contains(refusal("[" + a + ",\n{\"schema\": \"poolcpuid/policy/v1\"}]"), line_of(1) + "a host document"));
}

TEST_CASE("documents of a stream are bounded each", "[unpack]") {
    const std::string a = pretty(named("a"));
    std::string large = a;
    large.insert(large.size() - 1, limits::dump_bytes, ' ');
    CHECK(contains(refusal(a + large), "at most 67108864 bytes in a document, found more"));
}

}  // namespace poolcpuid::test::unpack_test
