#include "merge/names.hpp"

#include <algorithm>
#include <numeric>
#include <utility>

namespace poolcpuid::merge {

Names::Names(const Names& other)
    : hash_(other.hash_),
      text_(other.text_),
      entries_(other.entries_),
      slots_(other.slots_),
      in_order_(other.in_order_),
      order_(other.sorted()) {}

std::string_view Names::name(std::size_t number) const noexcept {
    const std::size_t begin = entries_[number].begin;
    const std::size_t end = number + 1 == entries_.size() ? text_.size() : entries_[number + 1].begin;
    return {text_.data() + begin, end - begin};
}

// The slot of the name, or the empty one in which it belongs.
std::size_t Names::slot_of(std::string_view name, std::uint32_t hash) const noexcept {
    const std::size_t mask = slots_.size() - 1;
    for (std::size_t slot = hash & mask;; slot = (slot + 1) & mask) {
        const Slot& there = slots_[slot];
        if (there.place == 0 || (there.hash == hash && this->name(there.place - 1) == name)) return slot;
    }
}

std::optional<std::uint32_t> Names::find(std::string_view name) const noexcept {
    if (slots_.empty()) return std::nullopt;
    const std::uint32_t place = slots_[slot_of(name, static_cast<std::uint32_t>(hash_(name)))].place;
    return place == 0 ? std::nullopt : std::optional(entries_[place - 1].content);
}

void Names::add(std::string_view name, std::uint32_t content) {
    if (slots_.size() < 2 * (entries_.size() + 1)) grow();
    const auto hash = static_cast<std::uint32_t>(hash_(name));
    in_order_ = in_order_ && (entries_.empty() || this->name(entries_.size() - 1) < name);
    const std::size_t slot = slot_of(name, hash);
    entries_.push_back({text_.size(), content});
    text_.insert(text_.end(), name.begin(), name.end());
    slots_[slot] = {hash, static_cast<std::uint32_t>(entries_.size())};
    order_ = nullptr;
}

void Names::grow() {
    constexpr std::size_t least = 16;
    const std::vector<Slot> old = std::exchange(slots_, std::vector<Slot>(std::max(least, 2 * slots_.size())));
    const std::size_t mask = slots_.size() - 1;
    for (const Slot& taken : old) {
        if (taken.place == 0) continue;
        std::size_t slot = taken.hash & mask;
        while (slots_[slot].place != 0) slot = (slot + 1) & mask;
        slots_[slot] = taken;
    }
}

std::shared_ptr<const Names::Order> Names::sorted() const {
    if (in_order_) return nullptr;
    const std::scoped_lock lock(mutex_);
    if (!order_) {
        Order order(entries_.size());
        std::iota(order.begin(), order.end(), std::uint32_t{0});
        std::sort(order.begin(), order.end(), [&](std::uint32_t a, std::uint32_t b) { return name(a) < name(b); });
        order_ = std::make_shared<const Order>(std::move(order));
    }
    return order_;
}

std::string_view Names::first() const {
    const auto order = sorted();
    return name(order ? order->front() : 0);
}

}  // namespace poolcpuid::merge
