// Host documents that were read, so that of another one which says the same but for the host's name only the name need
// be read: in a fleet that is nearly all of them.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <mutex>
#include <optional>
#include <shared_mutex>
#include <string>
#include <string_view>
#include <unordered_map>
#include <utility>

#include "poolcpuid/read_hosts.hpp"

namespace poolcpuid::dump {

// Several threads may use one at once.
class KnownDocuments {
public:
    // The host of a document that differs from one which was learnt in nothing but the name, which is a valid one;
    // else nothing. Linear.
    std::optional<StreamedHost> find(std::string_view document) const;

    // Remembers what document was read to, up to a bound of memory, and unless it was made to collide. Linear. Whether
    // its name is the host's is looked at when another document would be taken for it: it is read once more then.
    void learn(std::string_view document, const StreamedHost& host);

private:
    struct Known {
        Known(std::string_view bytes_before, std::string_view bytes_after, std::shared_ptr<const HostDump> read)
            : before(bytes_before), after(bytes_after), dump(std::move(read)) {}

        std::string before;  // the bytes of the document up to the name
        std::string after;   // and behind it
        std::shared_ptr<const HostDump> dump;
        mutable std::once_flag asked;
        mutable bool names_host = false;  // another name there is another host with this content
    };

    std::shared_ptr<const Known> find_known(std::string_view before, std::string_view after) const;

    mutable std::shared_mutex mutex_;
    std::unordered_multimap<std::uint64_t, std::shared_ptr<const Known>> known_;  // by a hash of their bytes
    std::size_t bytes_ = 0;
};

}  // namespace poolcpuid::dump
