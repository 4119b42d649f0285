// Names of hosts in memory, each with the number of its content: some thirty bytes beside its text, and no allocation.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <mutex>
#include <optional>
#include <string_view>
#include <vector>

#include "names/name_record.hpp"

namespace poolcpuid::names {

// Several threads may read one at once. Their text is less than 4 GiB.
class NameTable {
public:
    NameTable() = default;
    NameTable(const NameTable& other);
    NameTable& operator=(const NameTable&) = delete;
    ~NameTable() = default;

    std::size_t size() const noexcept { return entries_.size(); }
    std::size_t text_size() const noexcept { return text_.size(); }

    // The content of the name, whose hash this is, if it is there. Linear in the name alone.
    std::optional<std::uint32_t> find(std::string_view name, std::uint32_t hash) const noexcept;

    // A name that is not there yet. As find, amortised. It is copied.
    void add(const NameRecord& record);

    // No name is there then; the memory is kept for others.
    void clear() noexcept;

    // The names one by one, in order. To begin is linear where they were added in order, or were walked over since the
    // last was added; else O(n log n). Names live until the table changes.
    class Walk;

private:
    using Order = std::vector<std::uint32_t>;
    struct Entry {
        std::uint32_t begin = 0;  // in text_; it ends where the next begins
        std::uint32_t hash = 0;
        std::uint32_t content = 0;
    };
    // With the hash, so that to see that a name is new takes one look at memory that is not in a cache.
    struct Slot {
        std::uint32_t hash = 0;
        std::uint32_t place = 0;  // a number of entries_ and one; 0: empty
    };

    std::string_view name(std::size_t number) const noexcept;
    std::size_t slot_of(std::string_view name, std::uint32_t hash) const noexcept;
    std::shared_ptr<const Order> sorted() const;
    void grow();

    std::vector<char> text_;      // all names, one behind another
    std::vector<Entry> entries_;  // in the order in which they were added
    std::vector<Slot> slots_;     // open addressing, linear; as many as a power of two
    bool in_order_ = true;        // entries_ is sorted
    mutable std::mutex mutex_;
    mutable std::shared_ptr<const Order> order_;  // under mutex_: the numbers of entries_, by name; none: not known
};

class NameTable::Walk {
public:
    explicit Walk(const NameTable& table) : table_(&table), order_(table.sorted()) {}

    // False when there is none left.
    bool next(NameRecord& record) noexcept;

private:
    const NameTable* table_;
    std::shared_ptr<const Order> order_;
    std::size_t at_ = 0;
};

}  // namespace poolcpuid::names
