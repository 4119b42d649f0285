#include "poolcpuid/partial_result.hpp"

#include <utility>

#include "base/printable.hpp"
#include "base/sha256.hpp"
#include "poolcpuid/write_hosts.hpp"

namespace poolcpuid {

namespace {

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
    HostDump content{{}, host.format, {}, host.hardware, host.hypervisor, merged_meta(host), host.notes};
    std::vector<std::size_t>& alike = by_document_[sha256_hex(to_host_line(content))];
    for (const std::size_t number : alike) {
        if (has_content(host, contents_[number])) return number;
    }
    alike.push_back(contents_.size());
    contents_.push_back(std::move(content));
    return alike.back();
}

PartialResult::Alike& PartialResult::alike_of(const std::string& sha256, std::size_t content, const std::string& name) {
    const auto [at, fresh] = hosts_.try_emplace(sha256, Alike{content, {}});
    if (!fresh && at->second.content != content) {
        throw InputError(name, 0, "one content with the digest " + sha256, "two");
    }
    return at->second;
}

void PartialResult::add(const HostDump& host, const std::string& name) {
    const std::string digest = sha256_of(host);
    const auto at = hosts_.find(digest);
    if (at != hosts_.end() && has_content(host, contents_[at->second.content])) {
        at->second.names.insert(name);
        return;
    }
    add(content(host), digest, {name});
}

void PartialResult::add(std::size_t content, const std::string& sha256, const std::vector<std::string>& names) {
    if (names.empty()) return;
    alike_of(sha256, content, names.front()).names.insert(names.begin(), names.end());
}

void PartialResult::note_unreadable(std::string_view input, const InputError& error) {
    unreadable_.insert({printable(input), printable(error.file()), error.line(), printable(error.expected()),
                        printable(error.found())});
}

void PartialResult::combine(const PartialResult& other) {
    std::vector<std::size_t> places;
    places.reserve(other.contents_.size());
    for (const HostDump& host : other.contents_) places.push_back(content(host));
    for (const auto& [digest, hosts] : other.hosts_) {
        alike_of(digest, places.at(hosts.content), *hosts.names.begin())
            .names.insert(hosts.names.begin(), hosts.names.end());
    }
    unreadable_.insert(other.unreadable_.begin(), other.unreadable_.end());
}

void PartialResult::each(
    const std::function<void(const HostDump& host, const std::set<std::string>& names)>& take) const {
    for (const auto& [digest, hosts] : hosts_) {
        HostDump host = contents_.at(hosts.content);
        host.sha256 = digest;
        take(host, hosts.names);
    }
}

std::size_t PartialResult::host_count() const noexcept {
    std::size_t count = 0;
    for (const auto& [digest, hosts] : hosts_) count += hosts.names.size();
    return count;
}

std::size_t PartialResult::content_count() const {
    std::set<std::size_t> contents;
    for (const auto& [digest, hosts] : hosts_) contents.insert(hosts.content);
    return contents.size();
}

}  // namespace poolcpuid
