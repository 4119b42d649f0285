#include "dump/known_documents.hpp"

#include <functional>
#include <mutex>
#include <utility>

#include "dump/host_json.hpp"
#include "poolcpuid/error.hpp"

namespace poolcpuid::dump {

namespace {

constexpr std::size_t most_bytes = std::size_t{64} << 20;  // of documents that are remembered
constexpr std::size_t most_alike = 16;                     // in a bucket: more were made to collide

// A document around the first string that is called "name". It may be another's than the host's: learn() sees to that.
struct Split {
    std::string_view before;
    std::string_view name;
    std::string_view after;
};

// Nothing where there is none, and where its characters do not stand for themselves.
std::optional<Split> split_at_name(std::string_view document) noexcept {
    constexpr std::string_view key = "\"name\":";
    constexpr std::size_t searched = 4096;  // the name stands before the views, or is looked for in vain
    const std::size_t at = document.substr(0, searched).find(key);
    if (at == std::string_view::npos) return std::nullopt;
    const std::size_t quote = document.find_first_not_of(' ', at + key.size());
    if (quote == std::string_view::npos || document[quote] != '"') return std::nullopt;
    const std::size_t end = document.find('"', quote + 1);
    if (end == std::string_view::npos) return std::nullopt;
    const std::string_view name = document.substr(quote + 1, end - quote - 1);
    if (name.find('\\') != std::string_view::npos) return std::nullopt;
    return Split{document.substr(0, quote + 1), name, document.substr(end)};
}

std::uint64_t hash_of(std::string_view before, std::string_view after) noexcept {
    const std::hash<std::string_view> hash;
    return hash(before) * 31 + hash(after);
}

// Between equal bytes another string of plain characters is read as one, too. So what was read of a document counts for
// those with another name if the name is all that another name changes; the digest is of everything else.
bool names_host(std::string_view before, std::string_view after, const HostDump& dump) {
    const std::string name = dump.name == "a" ? "b" : "a";
    const std::string text = std::string(before) + name + std::string(after);
    try {
        const HostDump other = read_host_document({text, {}}, 1);
        return other.name == name && other.sha256 == dump.sha256;
    } catch (const InputError&) {
        return false;
    }
}

}  // namespace

std::optional<StreamedHost> KnownDocuments::find(std::string_view document) const {
    const auto split = split_at_name(document);
    if (!split) return std::nullopt;
    const std::shared_ptr<const Known> known = find_known(split->before, split->after);
    // A name that is none is refused by whoever reads the document.
    if (!known || !host_name_problem(split->name).empty()) return std::nullopt;
    std::call_once(known->asked, [&] { known->names_host = names_host(known->before, known->after, *known->dump); });
    if (!known->names_host) return std::nullopt;
    return StreamedHost{std::string(split->name), known->dump};
}

std::shared_ptr<const KnownDocuments::Known> KnownDocuments::find_known(std::string_view before,
                                                                        std::string_view after) const {
    const std::uint64_t hash = hash_of(before, after);
    const std::shared_lock lock(mutex_);
    const auto [first, last] = known_.equal_range(hash);
    for (auto at = first; at != last; ++at) {
        if (at->second->before == before && at->second->after == after) return at->second;
    }
    return nullptr;
}

void KnownDocuments::learn(std::string_view document, const StreamedHost& host) {
    const auto split = split_at_name(document);
    if (!split || split->name != host.name || document.size() > most_bytes) return;
    const auto known = std::make_shared<const Known>(split->before, split->after, host.dump);
    const std::uint64_t hash = hash_of(known->before, known->after);
    const std::scoped_lock lock(mutex_);
    if (bytes_ + document.size() > most_bytes) return;
    // Without a bucket for any yet, there is none of this hash.
    if (!known_.empty() && known_.bucket_size(known_.bucket(hash)) >= most_alike) return;
    bytes_ += document.size();
    known_.emplace(hash, known);
}

}  // namespace poolcpuid::dump
