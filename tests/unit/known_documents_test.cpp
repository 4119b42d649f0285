// Documents that say the same but for the host's name are read once: what comes out is what reading each would give.
#include "dump/known_documents.hpp"

#include <memory>
#include <string>

#include "dump/host_json.hpp"
#include "poolcpuid/read_hosts.hpp"
#include "tests/catch.hpp"
#include "tests/unit/host_samples.hpp"

namespace poolcpuid::test::known_documents_test {

using dump::KnownDocuments;

// A document with both views; its hypervisor's name comes first where views do.
std::string both_views(const std::string& name, const std::string& hypervisor, bool name_first) {
    const std::string views = R"("views": {"hypervisor": {"name": ")" + hypervisor + R"(", "cpuid": [)" + intel_leaf_0 +
                              ", " + leaf_1 + "]}}";
    const std::string own = "\"name\": \"" + name + "\"";
    return "{\"schema\": \"poolcpuid/host/v1\", " + (name_first ? own + ", " + views : views + ", " + own) + "}";
}

HostDump read(const std::string& text) { return dump::read_host_document({text, "f"}, 1); }

StreamedHost streamed(const std::string& text) {
    const auto dump = std::make_shared<const HostDump>(read(text));
    return {dump->name, dump};
}

TEST_CASE("another name in a known document is another host with the same content", "[known_documents]") {
    KnownDocuments known;
    const std::string first = both_views("node-1", "kvm", true);
    CHECK_FALSE(known.find(first));
    known.learn(first, streamed(first));
    const auto found = known.find(both_views("node-2", "kvm", true));
    REQUIRE(found);
    const HostDump direct = read(both_views("node-2", "kvm", true));
    CHECK(found->name == "node-2");
    CHECK(found->dump->sha256 == direct.sha256);
    CHECK(found->dump->hypervisor == direct.hypervisor);
    CHECK_FALSE(known.find(both_views("node-2", "xen", true)));  // another content
}

TEST_CASE("a name that is not the host's is not taken for it", "[known_documents]") {
    KnownDocuments known;
    const std::string first = both_views("kvm", "kvm", false);  // the hypervisor's comes first, and is the same
    known.learn(first, streamed(first));
    CHECK_FALSE(known.find(both_views("kvm", "xen", false)));
    CHECK_FALSE(known.find(first));
}

TEST_CASE("what is no plain name is left to the reader of documents", "[known_documents]") {
    KnownDocuments known;
    const std::string first = both_views("node-1", "kvm", true);
    known.learn(first, streamed(first));
    for (const char* name : {"", "a\\u0041", "a\\\"b", "tab\there", "\xFF", "\xE2\x80\xAE"}) {
        INFO(name);
        CHECK_FALSE(known.find(both_views(name, "kvm", true)));
    }
    CHECK_FALSE(known.find(first.substr(0, first.size() - 1)));
    CHECK_FALSE(known.find(""));
}

TEST_CASE("a stream that is read in pieces gives what it gives as a whole", "[known_documents]") {
    std::string text;
    for (int i = 0; i < 50; ++i) {
        text += both_views("node-" + std::to_string(i), i % 3 == 0 ? "kvm" : "xen", i % 2 == 0) + "\n";
    }
    const std::vector<HostDump> whole = read_hosts(text, "f");
    const HostLines lines("f");
    std::vector<StreamedHost> pieces;
    std::size_t first_line = 1;
    for (std::size_t at = 0; at < text.size(); ++first_line) {
        const std::size_t end = text.find('\n', at) + 1;
        for (StreamedHost& host : lines.read(text.substr(at, end - at), first_line, pieces.size())) {
            pieces.push_back(std::move(host));
        }
        at = end;
    }
    REQUIRE(pieces.size() == whole.size());
    for (std::size_t i = 0; i < whole.size(); ++i) {
        CHECK(pieces[i].name == whole[i].name);
        CHECK(pieces[i].dump->sha256 == whole[i].sha256);
        CHECK(pieces[i].dump->hypervisor == whole[i].hypervisor);
    }
    CHECK_THROWS_WITH(lines.read("{}\n", 51, 50), Catch::Contains("f:51: expected"));
}

}  // namespace poolcpuid::test::known_documents_test
