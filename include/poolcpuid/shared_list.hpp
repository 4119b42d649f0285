// A list that does not change, and that its copies share.
//
// What a fleet's hosts have in common is said of each of them: a verdict's violations. A copy of such a list is a
// pointer's.
#pragma once

#include <cstddef>
#include <memory>
#include <utility>
#include <vector>

namespace poolcpuid {

// Several threads may read one, and copies of it, at once. Nothing throws but what allocates.
template <typename T>
class SharedList {
public:
    SharedList() = default;
    SharedList(std::vector<T> items)  // NOLINT(google-explicit-constructor): a vector is one, once it is filled
        : items_(items.empty() ? nullptr : std::make_shared<const std::vector<T>>(std::move(items))) {}

    operator const std::vector<T>&() const noexcept { return get(); }  // NOLINT(google-explicit-constructor)

    const std::vector<T>& get() const noexcept { return items_ ? *items_ : empty_list(); }

    auto begin() const noexcept { return get().begin(); }
    auto end() const noexcept { return get().end(); }
    std::size_t size() const noexcept { return get().size(); }
    bool empty() const noexcept { return !items_; }
    const T& front() const noexcept { return get().front(); }
    const T& back() const noexcept { return get().back(); }
    const T& operator[](std::size_t at) const noexcept { return get()[at]; }

    // Equal where the items are, at the price of a pointer where they are shared.
    friend bool operator==(const SharedList& a, const SharedList& b) {
        return a.items_ == b.items_ || a.get() == b.get();
    }

private:
    static const std::vector<T>& empty_list() noexcept {
        static const std::vector<T> none;
        return none;
    }

    std::shared_ptr<const std::vector<T>> items_;
};

}  // namespace poolcpuid
