// Host documents that were read, so that of another one which says the same but for the host's name only the name need
// be read: in a fleet that is nearly all of them.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <shared_mutex>
#include <string>
#include <string_view>
#include <unordered_map>

#include "poolcpuid/read_hosts.hpp"

namespace poolcpuid::dump {

// Several threads may use one at once.
class KnownDocuments {
public:
    // The host of a document that differs from one which was learnt in nothing but the name, which is a valid one;
    // else nothing. Linear.
    std::optional<StreamedHost> find(std::string_view document) const;

    // Remembers what document was read to, where that can be told apart from the name; up to a bound of memory.
    // O(n log n): the document is read once more, to see what another name changes in it.
    void learn(std::string_view document, const StreamedHost& host);

private:
    struct Known {
        std::string before;  // the bytes of the document up to the name
        std::string after;   // and behind it
        std::shared_ptr<const HostDump> dump;
    };

    std::shared_ptr<const Known> find_known(std::string_view before, std::string_view after) const;

    mutable std::shared_mutex mutex_;
    std::unordered_multimap<std::uint64_t, std::shared_ptr<const Known>> known_;  // by a hash of their bytes
    std::size_t bytes_ = 0;
};

}  // namespace poolcpuid::dump
