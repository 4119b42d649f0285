// Several sorted sequences of names, no name in two, walked over as one.
#pragma once

#include <cstddef>
#include <deque>
#include <functional>
#include <vector>

#include "names/name_record.hpp"

namespace poolcpuid::names {

class NameMerge {
public:
    // The next name of a sequence; false when there is none left. A name lives until the next call.
    using Source = std::function<bool(NameRecord& record)>;

    // All are added before the first next().
    void add(Source source);

    // The next name of all; false when there is none left. It lives until the next call. Logarithmic in the number of
    // sequences; two comparisons where the name is of the same sequence as the last.
    bool next(NameRecord& record);

private:
    // A sequence and the name at which it stands.
    struct Head {
        NameRecord record;
        std::size_t source = 0;
    };

    static bool is_later(const Head& a, const Head& b) noexcept { return a.record.name > b.record.name; }
    void advance();
    void sift_down() noexcept;

    std::deque<Source> sources_;  // none is moved, for heads_ has names of theirs
    std::vector<Head> heads_;     // a heap, the least name first
    bool has_begun_ = false;
};

}  // namespace poolcpuid::names
