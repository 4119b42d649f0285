#include "names/name_run.hpp"

#include <array>
#include <cstring>
#include <utility>

namespace poolcpuid::names {

namespace {

// A block is whole with the name that makes it so large: a read of one costs not much more than the call, and its first
// name is a small part of it.
constexpr std::size_t least_block = 4096;

// What stands before a name: its hash, content and length.
using Prefix = std::array<std::uint32_t, 3>;

void put_record(std::string& block, const NameRecord& record) {
    const Prefix prefix = {record.hash, record.content, static_cast<std::uint32_t>(record.name.size())};
    block.append(reinterpret_cast<const char*>(prefix.data()), sizeof prefix);
    block += record.name;
}

// Takes the first record of what is left of a block.
NameRecord take_record(std::string_view& left) noexcept {
    Prefix prefix{};
    std::memcpy(prefix.data(), left.data(), sizeof prefix);
    const NameRecord record{left.substr(sizeof prefix, prefix[2]), prefix[0], prefix[1]};
    left.remove_prefix(sizeof prefix + record.name.size());
    return record;
}

}  // namespace

void NameRun::add(const NameRecord& record) {
    if (pending_.empty()) {
        blocks_.push_back({file_.size(), firsts_.size()});
        firsts_ += record.name;
    }
    put_record(pending_, record);
    filter_.add(record.hash);
    ++size_;
    if (pending_.size() < least_block) return;
    file_.append(pending_);
    pending_.clear();
}

void NameRun::seal() {
    file_.append(std::exchange(pending_, {}));
    blocks_.shrink_to_fit();
    firsts_.shrink_to_fit();
}

std::string_view NameRun::first_name(std::size_t block) const noexcept {
    const std::size_t begin = blocks_[block].first;
    const std::size_t end = block + 1 == blocks_.size() ? firsts_.size() : blocks_[block + 1].first;
    return std::string_view(firsts_).substr(begin, end - begin);
}

// The block in which the name would stand: the last whose first name is not greater; where all are, the first.
std::size_t NameRun::block_of(std::string_view name) const noexcept {
    std::size_t from = 0;
    std::size_t to = blocks_.size();
    while (to - from > 1) {
        const std::size_t middle = from + (to - from) / 2;
        (first_name(middle) <= name ? from : to) = middle;
    }
    return from;
}

std::string NameRun::read(std::size_t block) const {
    const std::uint64_t begin = blocks_[block].begin;
    const std::uint64_t end = block + 1 == blocks_.size() ? file_.size() : blocks_[block + 1].begin;
    return file_.read(begin, static_cast<std::size_t>(end - begin));
}

std::optional<std::uint32_t> NameRun::find(std::string_view name, std::uint32_t hash) const {
    if (!filter_.may_have(hash)) return std::nullopt;
    const std::string block = read(block_of(name));
    for (std::string_view left = block; !left.empty();) {
        const NameRecord record = take_record(left);
        if (record.hash == hash && record.name == name) return record.content;
    }
    return std::nullopt;
}

bool NameRun::Walk::next(NameRecord& record) {
    if (left_.empty()) {
        if (next_block_ == run_->blocks_.size()) return false;
        block_ = run_->read(next_block_++);
        left_ = block_;
    }
    record = take_record(left_);
    return true;
}

}  // namespace poolcpuid::names
