// The storage behind a rulebook that was loaded from files.
#pragma once

#include <deque>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "poolcpuid/load_rulebook.hpp"
#include "rulebook/source.hpp"

namespace poolcpuid {

// Owns every string and list that the view points into. Deques, because growing one leaves the
// elements where they are.
struct RulebookStorage {
    std::deque<std::string> strings;
    std::deque<std::vector<std::string_view>> string_lists;
    std::deque<std::vector<FieldIndex>> field_lists;
    std::deque<std::vector<GuardTerm>> guard_lists;
    std::deque<std::vector<std::span<const GuardTerm>>> guards;
    std::deque<std::vector<XsaveLayout>> layouts;
    std::deque<std::vector<NumberRange>> ranges;
    std::deque<std::vector<SiliconFact>> facts;
    std::deque<std::vector<MicrocodeFacts>> microcode;
    std::deque<std::vector<BitSource>> bits;
    std::deque<std::vector<Choice>> choices;
    std::deque<std::vector<Cover>> covers;
    std::deque<std::vector<Easing>> easings;
    std::deque<std::vector<VulnerabilityIndex>> mitigations;

    std::vector<Vendor> vendors;
    std::vector<Vulnerability> vulnerabilities;
    std::vector<Field> fields;
    std::vector<Dependency> dependencies;
    std::vector<EqualityGroup> equality;
    std::vector<RetpolineBits> retpoline;
    std::vector<XsaveComponent> xsave;
    std::vector<Model> models;
    std::vector<Level> levels;
    std::vector<SourceKey> sources;

    Rulebook view;
};

namespace rulebook {

// Fills storage from a source without lint findings. sha256 is the rulebook's digest.
void flatten(SourceRulebook source, std::string sha256, RulebookStorage& storage);

}  // namespace rulebook

}  // namespace poolcpuid
