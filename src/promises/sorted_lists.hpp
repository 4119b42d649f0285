// Sorted lists without repetition, such as the fields of which something is so.
#pragma once

#include <algorithm>
#include <vector>

namespace poolcpuid::promises {

// Puts from into the list, sorts it and takes out what stands there twice. Neither need be sorted.
template <typename T>
void merge_sorted(std::vector<T>& into, const std::vector<T>& from) {
    into.insert(into.end(), from.begin(), from.end());
    std::sort(into.begin(), into.end());
    into.erase(std::unique(into.begin(), into.end()), into.end());
}

}  // namespace poolcpuid::promises
