// The names of a pool's hosts, each with the number of its content. A fleet has a million of them, and this is all that
// is held of most: some fifty bytes a host, and no allocation.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <mutex>
#include <optional>
#include <string_view>
#include <vector>

#include "base/keyed_hash.hpp"

namespace poolcpuid::merge {

// Several threads may read one at once.
class Names {
public:
    Names() = default;
    Names(const Names& other);
    Names& operator=(const Names&) = delete;
    ~Names() = default;

    std::size_t size() const noexcept { return entries_.size(); }

    // The content of the host of this name, if there is one. Linear in the name alone.
    std::optional<std::uint32_t> find(std::string_view name) const noexcept;

    // A name that is not there yet. As find, amortised. It is copied.
    void add(std::string_view name, std::uint32_t content);

    // Calls body(name, content) for each, in the order of names. Linear where they were added in it, or were walked
    // over since the last was added; else O(n log n). A name lives until the next is added.
    template <typename Body>
    void each(const Body& body) const {
        const auto order = sorted();
        for (std::size_t i = 0; i < entries_.size(); ++i) {
            const std::size_t number = order ? (*order)[i] : i;
            body(name(number), entries_[number].content);
        }
    }

    // The first of each(). There must be one.
    std::string_view first() const;

private:
    struct Entry {
        std::size_t begin = 0;  // in text_; it ends where the next begins
        std::uint32_t content = 0;
    };
    // With the hash, so that to see that a name is new takes one look at memory that is not in a cache.
    struct Slot {
        std::uint32_t hash = 0;
        std::uint32_t place = 0;  // a number of entries_ and one; 0: empty
    };
    using Order = std::vector<std::uint32_t>;

    std::string_view name(std::size_t number) const noexcept;
    std::size_t slot_of(std::string_view name, std::uint32_t hash) const noexcept;
    std::shared_ptr<const Order> sorted() const;
    void grow();

    KeyedHash hash_;
    std::vector<char> text_;      // all names, one behind another
    std::vector<Entry> entries_;  // in the order in which they were added
    std::vector<Slot> slots_;     // open addressing, linear; as many as a power of two
    bool in_order_ = true;        // entries_ is sorted
    mutable std::mutex mutex_;
    mutable std::shared_ptr<const Order> order_;  // under mutex_: the numbers of entries_, by name; none: not known
};

}  // namespace poolcpuid::merge
