#include "names/name_merge.hpp"

#include <algorithm>
#include <utility>

namespace poolcpuid::names {

void NameMerge::add(Source source) {
    sources_.push_back(std::move(source));
    Head head{{}, sources_.size() - 1};
    if (!sources_.back()(head.record)) return;
    heads_.push_back(head);
    std::push_heap(heads_.begin(), heads_.end(), is_later);
}

bool NameMerge::next(NameRecord& record) {
    // Not before: the name that was given lives until now.
    if (has_begun_ && !heads_.empty()) advance();
    has_begun_ = true;
    if (heads_.empty()) return false;
    record = heads_.front().record;
    return true;
}

void NameMerge::advance() {
    Head& first = heads_.front();
    if (!sources_[first.source](first.record)) {
        first = heads_.back();
        heads_.pop_back();
    }
    sift_down();
}

// The first head goes to its place. (To take it out of the heap and put it in again would compare twice as often.)
void NameMerge::sift_down() noexcept {
    for (std::size_t at = 0;;) {
        std::size_t child = 2 * at + 1;
        if (child >= heads_.size()) return;
        if (child + 1 < heads_.size() && is_later(heads_[child], heads_[child + 1])) ++child;
        if (!is_later(heads_[at], heads_[child])) return;
        std::swap(heads_[at], heads_[child]);
        at = child;
    }
}

}  // namespace poolcpuid::names
