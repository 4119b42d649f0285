// Any tree of partial results gives the bytes of one merge, and the same part whatever its tree: over generated pools
// of a few hosts, and over one of 10,000.

#include <algorithm>
#include <optional>
#include <random>
#include <set>
#include <string>
#include <vector>

#include "poolcpuid/partial_result.hpp"
#include "poolcpuid/pool_state.hpp"
#include "poolcpuid/read_hosts.hpp"
#include "poolcpuid/write_hosts.hpp"
#include "tests/catch.hpp"
#include "tests/support/host_generator.hpp"
#include "tests/support/law_divisor.hpp"

namespace poolcpuid::test::partial_result_test {

namespace {

const PartialOptions skipping{true, false};

std::string written(const PartialResult& part) { return to_json(part, builtin_rulebook(), skipping); }

PartialResult read(const std::string& document) {
    return read_partial_result(document, "part", 1, builtin_rulebook(), skipping);
}

PartialResult part_of(const std::vector<HostDump>& hosts) {
    PartialResult part;
    for (const HostDump& host : hosts) part.add(host, host.name);
    return part;
}

PoolState state_of(const PartialResult& part) {
    PoolState state(builtin_rulebook());
    part.each([&](const HostDump& host, const std::set<std::string>& names) {
        for (const std::string& name : names) state.add(host, name);
    });
    return state;
}

PoolState state_of(const std::vector<HostDump>& hosts) {
    PoolState state(builtin_rulebook());
    for (const HostDump& host : hosts) state.add(host);
    return state;
}

void drop_listed(CpuidTable& table) {
    std::erase_if(table.unknown, [&](const UnknownRow& row) {
        return row.subleaf && table.find({row.leaf, *row.subleaf}) != nullptr;
    });
}

// A host as readers give it: the generator makes some that no dump can be of.
std::optional<HostDump> readable(HostDump host) {
    if (host.hypervisor) drop_listed(host.hypervisor->cpuid);
    if (host.hardware) {
        for (LogicalCpu& cpu : host.hardware->cpus) drop_listed(cpu.cpuid);
    }
    for (const bool whole : {true, false}) {
        if (!whole && host.hardware) host.hardware->cpus.resize(1);  // CPUs of two models are two machines
        try {
            return read_hosts(to_host_line(host), "host").front();
        } catch (const InputError&) {
        }
    }
    return std::nullopt;
}

std::vector<HostDump> pool_of(HostGenerator& generate, const std::string& vendor, std::size_t size) {
    std::vector<HostDump> hosts;
    for (const HostDump& host : generate.pool(vendor, size)) {
        if (auto one = readable(host)) hosts.push_back(std::move(*one));
    }
    return hosts;
}

// Leaves of a few hosts each, some in two of them, joined two and two until one is left. Each node is written and read,
// or combined in memory.
PartialResult tree_of(std::vector<HostDump> hosts, Random& choose, std::mt19937& shuffle, std::size_t most_in_leaf) {
    for (std::size_t i = hosts.size() / 8; i > 0; --i) {
        hosts.push_back(hosts[choose.below(static_cast<std::uint32_t>(hosts.size()))]);
    }
    std::shuffle(hosts.begin(), hosts.end(), shuffle);
    std::vector<std::string> documents;
    for (std::size_t at = 0; at < hosts.size();) {
        const std::size_t count =
            std::min(hosts.size() - at, std::size_t{1} + choose.below(static_cast<std::uint32_t>(most_in_leaf)));
        const auto first = hosts.begin() + static_cast<std::ptrdiff_t>(at);
        documents.push_back(written(part_of({first, first + static_cast<std::ptrdiff_t>(count)})));
        at += count;
    }
    while (documents.size() > 1) {
        PartialResult joined;
        const std::size_t width = std::size_t{2} + choose.below(3);
        for (std::size_t i = 0; i < width && !documents.empty(); ++i) {
            const std::size_t from = choose.below(static_cast<std::uint32_t>(documents.size()));
            joined.combine(read(documents[from]));
            documents.erase(documents.begin() + static_cast<std::ptrdiff_t>(from));
        }
        documents.push_back(written(joined));
    }
    return read(documents.front());
}

}  // namespace

TEST_CASE("any tree of partial results gives the bytes of one merge", "[law][partial]") {
    for (std::uint32_t i = 0; i < 100 / law_divisor(); ++i) {
        const std::uint32_t seed = law_seed() + 7000003U + i;
        CAPTURE(seed, i);
        HostGenerator generate(seed);
        std::vector<HostDump> hosts = pool_of(generate, generate.vendor(), 8);
        if (hosts.empty()) continue;
        for (HostDump& host : hosts) {
            if (generate.one_in(3)) host.meta["kernel"] = "6.1." + std::to_string(generate.below(3));
            if (generate.one_in(3)) host.notes.push_back({"truncated", "A note."});
            const std::string name = host.name;  // which is no more while the host is moved
            host = with_digest(std::move(host), name);
        }
        HostDump twin = hosts.front();
        twin.name = "a twin";
        hosts.push_back(twin);
        Random choose(seed);
        std::mt19937 shuffle(seed);
        const PartialResult tree = tree_of(hosts, choose, shuffle, 3);
        CHECK(written(tree) == written(part_of(hosts)));
        const PoolState whole = state_of(hosts);
        const PoolState parts = state_of(tree);
        CHECK(parts.names() == whole.names());
        CHECK(to_json(parts.finish({})) == to_json(whole.finish({})));
    }
}

TEST_CASE("the same for a fleet of 10,000", "[law][partial]") {
    HostGenerator generate(law_seed());
    const std::vector<HostDump> kinds = pool_of(generate, "AuthenticAMD", 50);
    REQUIRE(kinds.size() >= 40);
    std::vector<HostDump> hosts;
    std::set<std::size_t> used;  // of the kinds: a short run may miss one
    for (std::size_t i = 0; i < 10000 / law_divisor(); ++i) {
        const auto kind = generate.below(40);
        used.insert(kind);
        HostDump host = kinds[kind];
        host.name = "node-" + std::to_string(i);
        // As a document of which the name is a part: a digest of its own. Of every other the name is its file's.
        if (i % 2 == 0) host.sha256 = sha256_hex(host.sha256 + host.name);
        hosts.push_back(std::move(host));
    }
    const std::string policy = to_json(state_of(hosts).finish({}));
    for (const std::uint32_t seed : {1U, 2U}) {
        Random choose(seed);
        std::mt19937 shuffle(seed);
        const PartialResult tree = tree_of(hosts, choose, shuffle, 500);
        CHECK(tree.host_count() == hosts.size());
        CHECK(tree.content_count() == used.size());
        CHECK(to_json(state_of(tree).finish({})) == policy);
    }
}

}  // namespace poolcpuid::test::partial_result_test
