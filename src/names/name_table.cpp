#include "names/name_table.hpp"

#include <algorithm>
#include <numeric>
#include <utility>

namespace poolcpuid::names {

NameTable::NameTable(const NameTable& other)
    : text_(other.text_),
      entries_(other.entries_),
      slots_(other.slots_),
      in_order_(other.in_order_),
      order_(other.sorted()) {}

std::string_view NameTable::name(std::size_t number) const noexcept {
    const std::size_t begin = entries_[number].begin;
    const std::size_t end = number + 1 == entries_.size() ? text_.size() : entries_[number + 1].begin;
    return {text_.data() + begin, end - begin};
}

// The slot of the name, or the empty one in which it belongs.
std::size_t NameTable::slot_of(std::string_view name, std::uint32_t hash) const noexcept {
    const std::size_t mask = slots_.size() - 1;
    for (std::size_t slot = hash & mask;; slot = (slot + 1) & mask) {
        const Slot& there = slots_[slot];
        if (there.place == 0 || (there.hash == hash && this->name(there.place - 1) == name)) return slot;
    }
}

std::optional<std::uint32_t> NameTable::find(std::string_view name, std::uint32_t hash) const noexcept {
    if (slots_.empty()) return std::nullopt;
    const std::uint32_t place = slots_[slot_of(name, hash)].place;
    return place == 0 ? std::nullopt : std::optional(entries_[place - 1].content);
}

void NameTable::add(const NameRecord& record) {
    if (slots_.size() < 2 * (entries_.size() + 1)) grow();
    in_order_ = in_order_ && (entries_.empty() || name(entries_.size() - 1) < record.name);
    const std::size_t slot = slot_of(record.name, record.hash);
    entries_.push_back({static_cast<std::uint32_t>(text_.size()), record.hash, record.content});
    text_.insert(text_.end(), record.name.begin(), record.name.end());
    slots_[slot] = {record.hash, static_cast<std::uint32_t>(entries_.size())};
    order_ = nullptr;
}

void NameTable::clear() noexcept {
    text_.clear();
    entries_.clear();
    std::fill(slots_.begin(), slots_.end(), Slot{});
    in_order_ = true;
    order_ = nullptr;
}

void NameTable::grow() {
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

std::shared_ptr<const NameTable::Order> NameTable::sorted() const {
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

bool NameTable::Walk::next(NameRecord& record) noexcept {
    if (at_ == table_->size()) return false;
    const std::size_t number = order_ ? (*order_)[at_] : at_;
    ++at_;
    const Entry& entry = table_->entries_[number];
    record = {table_->name(number), entry.hash, entry.content};
    return true;
}

}  // namespace poolcpuid::names
