// The names of a pool's hosts, each with the number of its content. A fleet has a million of them, and they are all
// that is held of most hosts: a bounded number in memory, the rest sorted in files (name_run.hpp), for which memory has
// some two bytes a name.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/keyed_hash.hpp"
#include "names/name_merge.hpp"
#include "names/name_record.hpp"
#include "names/name_run.hpp"
#include "names/name_table.hpp"

namespace poolcpuid::names {

// Several threads may read one at once. Copies share the runs. Whatever walks over names or looks for one throws
// SystemError when a file does not give back what was written to it.
class Names {
public:
    // So many names are in memory, or fewer where they have more than 32 bytes on average: with their table 4 MiB.
    static constexpr std::size_t most_in_memory = 65'536;

    explicit Names(std::size_t most = most_in_memory) : most_(most) {}

    std::size_t size() const noexcept { return in_runs_ + table_.size(); }

    // The content of the host of this name, if there is one. Linear in the name, but for a read in each run that may
    // have it, which is seldom so of a new name.
    std::optional<std::uint32_t> find(std::string_view name) const;

    // A name that is not there yet. As find, amortised, but for writing each name a logarithmic number of times. It is
    // copied.
    void add(std::string_view name, std::uint32_t content);

    // Calls body(name, content) for each, in the order of names. Linear where they were added in it, or were walked
    // over since the last was added, and are in memory; else O(n log n). A name lives until body returns.
    template <typename Body>
    void each(const Body& body) const {
        each_until([&](std::string_view name, std::uint32_t content) {
            body(name, content);
            return false;
        });
    }

    // The same, and ends where body returns true.
    template <typename Body>
    void each_until(const Body& body) const {
        if (levels_.empty()) {
            walk(NameTable::Walk(table_), body);
        } else {
            walk(merged(), body);
        }
    }

    // The first of each(). There must be one.
    std::string first() const;

private:
    using Run = std::shared_ptr<const NameRun>;

    template <typename Source, typename Body>
    static void walk(Source&& source, const Body& body) {
        for (NameRecord record; source.next(record);) {
            if (body(record.name, record.content)) return;
        }
    }

    NameMerge merged() const;
    bool is_full_for(std::string_view name) const noexcept;
    void put_aside();
    void merge_runs();

    KeyedHash hash_;
    std::size_t most_;
    NameTable table_;                       // the names that were added last
    std::vector<std::vector<Run>> levels_;  // each run of a level is several of the level before
    std::size_t in_runs_ = 0;               // names
};

}  // namespace poolcpuid::names
