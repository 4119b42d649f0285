#include "rulebook/near_names.hpp"

#include <algorithm>
#include <optional>
#include <tuple>
#include <utility>

#include "rulebook/names.hpp"

namespace poolcpuid::rulebook {

namespace {

std::string folded(std::string_view name) {
    std::string result(name);
    for (char& c : result) {
        if (c == '_') c = '-';
        if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
    }
    return result;
}

struct Candidate {
    bool is_part = false;  // the one name is part of the other, and not just a few edits away
    std::size_t distance = 0;
    std::string name;
};

bool is_nearer(const Candidate& a, const Candidate& b) {
    return std::tie(a.is_part, a.distance) < std::tie(b.is_part, b.distance);
}

// How far a name is from what was asked for; nothing when it is too far.
std::optional<Candidate> candidate_of(const std::string& wanted, std::string_view name) {
    const std::size_t edits = edits_between(wanted, name);
    if (edits <= 1 + wanted.size() / 4 && edits < wanted.size()) return Candidate{false, edits, std::string(name)};
    constexpr std::size_t shortest_part = 3;
    const std::string other = folded(name);
    const bool holds = wanted.size() >= shortest_part && other.find(wanted) != std::string::npos;
    const bool held = other.size() >= shortest_part && wanted.find(other) != std::string::npos;
    if (!holds && !held) return std::nullopt;
    return Candidate{true, edits, std::string(name)};
}

// The names of the first most, the nearest first, each once.
std::vector<std::string> nearest(std::vector<Candidate> candidates, std::size_t most) {
    std::sort(candidates.begin(), candidates.end(), [](const Candidate& a, const Candidate& b) {
        return is_nearer(a, b) || (!is_nearer(b, a) && a.name < b.name);
    });
    std::vector<std::string> names;
    for (const Candidate& candidate : candidates) {
        if (names.size() == most) break;
        if (std::find(names.begin(), names.end(), candidate.name) == names.end()) names.push_back(candidate.name);
    }
    return names;
}

constexpr std::size_t most_suggested = 4;

}  // namespace

std::size_t edits_between(std::string_view first, std::string_view second) {
    const std::string a = folded(first);
    const std::string b = folded(second);
    // Rows of the optimal string alignment: the one being filled, and the two before it.
    std::vector<std::size_t> before_last(b.size() + 1);
    std::vector<std::size_t> last(b.size() + 1);
    std::vector<std::size_t> row(b.size() + 1);
    for (std::size_t j = 0; j <= b.size(); ++j) last[j] = j;
    for (std::size_t i = 1; i <= a.size(); ++i) {
        row[0] = i;
        for (std::size_t j = 1; j <= b.size(); ++j) {
            const std::size_t replaced = last[j - 1] + (a[i - 1] == b[j - 1] ? 0 : 1);
            row[j] = std::min({replaced, last[j] + 1, row[j - 1] + 1});
            const bool swapped = i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1];
            if (swapped) row[j] = std::min(row[j], before_last[j - 2] + 1);
        }
        std::swap(before_last, last);
        std::swap(last, row);
    }
    return last[b.size()];
}

std::vector<std::string> near_names(const Rulebook& rulebook, VendorMask vendors, std::string_view name,
                                    std::size_t most) {
    const std::string wanted = folded(name);
    std::vector<Candidate> candidates;
    for (const Field& field : rulebook.fields) {
        if ((field.vendors & vendors) == 0) continue;
        std::optional<Candidate> best = candidate_of(wanted, field.id);
        for (const auto& [project, other] : names_of(field)) {
            const std::optional<Candidate> next = candidate_of(wanted, other);
            if (next && (!best || is_nearer(*next, *best))) best = next;
        }
        if (best) candidates.push_back(std::move(*best));
    }
    return nearest(std::move(candidates), most);
}

std::vector<std::string> near_words(const std::vector<std::string>& words, std::string_view word) {
    const std::string wanted = folded(word);
    std::vector<Candidate> candidates;
    for (const std::string& other : words) {
        if (auto candidate = candidate_of(wanted, other)) candidates.push_back(std::move(*candidate));
    }
    return nearest(std::move(candidates), most_suggested);
}

std::string did_you_mean(const Rulebook& rulebook, VendorMask vendors, std::string_view name) {
    return did_you_mean(near_names(rulebook, vendors, name, most_suggested));
}

std::string did_you_mean(const std::vector<std::string>& names) {
    if (names.empty()) return "";
    std::string text = "; did you mean " + names.front();
    for (std::size_t i = 1; i < names.size(); ++i) text += (i + 1 == names.size() ? " or " : ", ") + names[i];
    return text + "?";
}

}  // namespace poolcpuid::rulebook
