// The storage behind a rulebook that was loaded from files.
#pragma once

#include <deque>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "poolcpuid/load_rulebook.hpp"
#include "rulebook/source.hpp"

namespace poolcpuid {

// Owns every string and list that the view points into.
class RulebookStorage {
public:
    Text keep(std::string text) { return Text(strings_.emplace_back(std::move(text))); }

    template <typename Entry>
    List<Entry> keep(std::vector<Entry> list) {
        const auto kept = std::make_shared<const std::vector<Entry>>(std::move(list));
        lists_.push_back(kept);
        return List<Entry>(*kept);
    }

    Rulebook view;

private:
    std::deque<std::string> strings_;  // growing a deque leaves the elements where they are
    std::vector<std::shared_ptr<const void>> lists_;
};

namespace rulebook {

// Fills storage from a source without lint findings. sha256 is the rulebook's digest.
void flatten(SourceRulebook source, std::string sha256, RulebookStorage& storage);

}  // namespace rulebook

}  // namespace poolcpuid
