// Names of hosts that are not held in memory: sorted, in a file, in blocks of some kilobytes. In memory are a filter
// and the first name of each block, so that a name that is not there is seldom looked for in the file, and one that is
// there takes one read.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "names/name_filter.hpp"
#include "names/name_record.hpp"
#include "os/scratch_file.hpp"

namespace poolcpuid::names {

// It is filled, sealed, and read only then; several threads may read one at once. Reading throws SystemError when the
// file does not give back what was written.
class NameRun {
public:
    // Of no name, and with room for so many.
    explicit NameRun(std::size_t names) : filter_(names) {}

    // A name that is greater than those before.
    void add(const NameRecord& record);

    // No name is added any more.
    void seal();

    std::size_t size() const noexcept { return size_; }

    // The content of the name, whose hash this is, if it is there.
    std::optional<std::uint32_t> find(std::string_view name, std::uint32_t hash) const;

    // The names one by one, in order. A name lives until the next call.
    class Walk;

private:
    struct Block {
        std::uint64_t begin = 0;  // in file_; it ends where the next begins
        std::size_t first = 0;    // its first name in firsts_, which ends where the next begins
    };

    std::string_view first_name(std::size_t block) const noexcept;
    std::size_t block_of(std::string_view name) const noexcept;
    std::string read(std::size_t block) const;

    NameFilter filter_;
    std::size_t size_ = 0;
    std::vector<Block> blocks_;
    std::string firsts_;   // their first names, one behind another
    std::string pending_;  // a block that is not in file_ yet
    os::ScratchFile file_;
};

class NameRun::Walk {
public:
    explicit Walk(const NameRun& run) : run_(&run) {}

    // False when there is none left.
    bool next(NameRecord& record);

private:
    const NameRun* run_;
    std::size_t next_block_ = 0;
    std::string block_;
    std::string_view left_;  // of block_
};

}  // namespace poolcpuid::names
