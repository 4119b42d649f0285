#include "names/names.hpp"

#include <utility>

namespace poolcpuid::names {

namespace {

// Names are seldom longer. Where they are, their text is the bound, and not their number.
constexpr std::size_t bytes_of_name = 32;

// So many runs of a level become one of the next: a name is looked for in no more than seven of each, and written once
// more for each.
constexpr std::size_t runs_of_level = 8;

NameMerge::Source source_of(const NameTable& table) {
    return [walk = NameTable::Walk(table)](NameRecord& record) mutable { return walk.next(record); };
}

NameMerge::Source source_of(const NameRun& run) {
    return [walk = NameRun::Walk(run)](NameRecord& record) mutable { return walk.next(record); };
}

template <typename Source>
std::shared_ptr<const NameRun> run_of(Source&& source, std::size_t names) {
    auto run = std::make_shared<NameRun>(names);
    for (NameRecord record; source.next(record);) run->add(record);
    run->seal();
    return run;
}

std::shared_ptr<const NameRun> one_of(const std::vector<std::shared_ptr<const NameRun>>& runs) {
    NameMerge all;
    std::size_t names = 0;
    for (const auto& run : runs) {
        all.add(source_of(*run));
        names += run->size();
    }
    return run_of(all, names);
}

}  // namespace

std::optional<std::uint32_t> Names::find(std::string_view name) const {
    if (size() == 0) return std::nullopt;
    const auto hash = static_cast<std::uint32_t>(hash_(name));
    if (const auto content = table_.find(name, hash)) return content;
    for (const auto& level : levels_) {
        for (const Run& run : level) {
            if (const auto content = run->find(name, hash)) return content;
        }
    }
    return std::nullopt;
}

void Names::add(std::string_view name, std::uint32_t content) {
    if (table_.size() > 0 && is_full_for(name)) {
        put_aside();
        merge_runs();
    }
    table_.add({name, static_cast<std::uint32_t>(hash_(name)), content});
}

bool Names::is_full_for(std::string_view name) const noexcept {
    return table_.size() >= most_ || table_.text_size() + name.size() > bytes_of_name * most_;
}

void Names::put_aside() {
    if (levels_.empty()) levels_.emplace_back();
    levels_.front().push_back(run_of(NameTable::Walk(table_), table_.size()));
    in_runs_ += table_.size();
    table_.clear();
}

void Names::merge_runs() {
    for (std::size_t level = 0; levels_[level].size() >= runs_of_level; ++level) {
        Run larger = one_of(levels_[level]);
        if (level + 1 == levels_.size()) levels_.emplace_back();
        levels_[level + 1].push_back(std::move(larger));
        levels_[level].clear();
    }
}

NameMerge Names::merged() const {
    NameMerge all;
    all.add(source_of(table_));
    for (const auto& level : levels_) {
        for (const Run& run : level) all.add(source_of(*run));
    }
    return all;
}

std::string Names::first() const {
    std::string least;
    each_until([&](std::string_view name, std::uint32_t) {
        least = name;
        return true;
    });
    return least;
}

}  // namespace poolcpuid::names
