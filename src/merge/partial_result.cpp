#include "poolcpuid/partial_result.hpp"

#include <algorithm>
#include <utility>

#include "base/hex.hpp"
#include "base/printable.hpp"
#include "merge/pool.hpp"

namespace poolcpuid {

namespace {

using Digest = std::array<std::uint8_t, 32>;

// Of 64 hexadecimal digits; zero of an empty text.
Digest digest_of(std::string_view hex) {
    Digest digest{};
    for (std::size_t i = 0; i < digest.size() && 2 * i + 2 <= hex.size(); ++i) {
        digest.at(i) = static_cast<std::uint8_t>(from_hex("0x" + std::string(hex.substr(2 * i, 2)), 2).value_or(0));
    }
    return digest;
}

std::string text_of(const Digest& digest) {
    std::string hex;
    for (const std::uint8_t byte : digest) hex += to_hex(byte, 2).substr(2);
    return hex;
}

// Of meta, what a merge reads.
std::map<std::string, std::string> merged_meta(const HostDump& host) {
    std::map<std::string, std::string> meta;
    for (const char* key : {"kernel", "microcode"}) {
        const auto at = host.meta.find(key);
        if (at != host.meta.end()) meta.insert(*at);
    }
    return meta;
}

bool has_content(const HostDump& host, const HostDump& content) {
    return host.format == content.format && host.hardware == content.hardware &&
           host.hypervisor == content.hypervisor && host.notes == content.notes && merged_meta(host) == content.meta;
}

}  // namespace

std::size_t PartialResult::content(const HostDump& host) {
    std::vector<std::size_t>& alike = by_views_[merge::views_digest(host)];
    for (const std::size_t number : alike) {
        if (has_content(host, contents_[number])) return number;
    }
    alike.push_back(contents_.size());
    contents_.push_back({{}, host.format, {}, {}, host.hardware, host.hypervisor, merged_meta(host), host.notes});
    return alike.back();
}

PartialResult::Alike& PartialResult::alike_of(const Digests& digests, std::size_t content, const std::string& name) {
    // A document that is spelt in several ways has one digest of its content, and several of its bytes.
    const auto near = hosts_.lower_bound({digests.first, {}});
    if (near != hosts_.end() && near->first.first == digests.first && near->second.content != content) {
        throw InputError(name, 0, "one content with the digest " + text_of(digests.first), "two");
    }
    Alike& alike = hosts_[digests];
    alike.content = content;
    return alike;
}

void PartialResult::add(const HostDump& host) { add(content(host), {{}, host.sha256, host.bytes_sha256}, {host.name}); }

void PartialResult::add(std::size_t content, const HostName& digests, const std::vector<std::string>& names) {
    if (names.empty()) return;
    alike_of({digest_of(digests.sha256), digest_of(digests.bytes_sha256)}, content, names.front())
        .names.insert(names.begin(), names.end());
}

void PartialResult::note_unreadable(std::string_view input, const InputError& error) {
    unreadable_.insert({printable(input), printable(error.file()), error.line(), printable(error.expected()),
                        printable(error.found())});
}

void PartialResult::combine(const PartialResult& other) {
    std::vector<std::size_t> places;
    places.reserve(other.contents_.size());
    for (const HostDump& host : other.contents_) places.push_back(content(host));
    for (const auto& [digests, hosts] : other.hosts_) {
        alike_of(digests, places.at(hosts.content), *hosts.names.begin())
            .names.insert(hosts.names.begin(), hosts.names.end());
    }
    unreadable_.insert(other.unreadable_.begin(), other.unreadable_.end());
}

void PartialResult::forget(const std::set<std::string>& names) {
    if (names.empty()) return;
    for (auto& [digests, hosts] : hosts_) {
        std::erase_if(hosts.names, [&](const std::string& name) { return names.contains(name); });
    }
    std::erase_if(hosts_, [](const auto& entry) { return entry.second.names.empty(); });
}

void PartialResult::each(
    const std::function<void(const HostDump& content, const std::vector<HostName>& hosts)>& take) const {
    std::vector<std::vector<const std::pair<const Digests, Alike>*>> by_content(contents_.size());
    for (const auto& entry : hosts_) by_content.at(entry.second.content).push_back(&entry);
    for (std::size_t content = 0; content < contents_.size(); ++content) {
        std::vector<HostName> hosts;
        for (const auto* entry : by_content[content]) {
            const auto& [sha256, bytes_sha256] = entry->first;
            const std::string of_content = text_of(sha256);
            const std::string of_bytes = bytes_sha256 == Digest{} ? std::string() : text_of(bytes_sha256);
            for (const std::string& name : entry->second.names) hosts.push_back({name, of_content, of_bytes});
        }
        if (!hosts.empty()) take(contents_[content], hosts);
    }
}

std::size_t PartialResult::host_count() const noexcept {
    std::size_t count = 0;
    for (const auto& [digests, hosts] : hosts_) count += hosts.names.size();
    return count;
}

std::size_t PartialResult::content_count() const {
    std::set<std::size_t> contents;
    for (const auto& [digests, hosts] : hosts_) contents.insert(hosts.content);
    return contents.size();
}

}  // namespace poolcpuid
