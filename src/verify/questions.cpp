#include "verify/questions.hpp"

#include <algorithm>
#include <set>

#include "dump/leaf_shapes.hpp"
#include "policy/subleaves.hpp"

namespace poolcpuid::verify {

namespace {

using promises::RegisterPlace;
using promises::VendorRules;

CpuidTable table_of(const PoolPolicy& policy) { return {policy.cpuid, {}}; }

// The first leaves of the ranges of which the rulebook has fields for this vendor.
std::set<std::uint32_t> ranges_of(const VendorRules& rules) {
    std::set<std::uint32_t> ranges;
    for (const FieldIndex index : rules.fields()) {
        const Field& field = rules.rulebook()[index];
        if (!field.is_msr) ranges.insert(range_of(field.leaf));
    }
    return ranges;
}

// Adds the subleaves of a leaf: those of which the rulebook has fields, for whichever vendor, and one beyond the
// policy's.
void add_subleaves(const VendorRules& rules, const PoolPolicy& policy, std::uint32_t leaf, std::set<LeafKey>& keys) {
    keys.insert({leaf, 0});
    if (!has_subleaves(rules.rulebook(), policy, leaf)) return;
    const std::uint32_t last = last_subleaf(policy, leaf);
    if (last + 1 != 0) keys.insert({leaf, last + 1});
    for (const Field& field : rules.rulebook().fields) {
        if (field.is_msr || field.leaf != leaf) continue;
        for (std::uint32_t sub = field.subleaf_first; sub <= field.subleaf_last; ++sub) keys.insert({leaf, sub});
    }
}

class QuestionList {
public:
    QuestionList(const VendorRules& rules, const PoolPolicy& policy)
        : rules_(rules), policy_(policy), table_(table_of(policy)) {}

    std::vector<Question> run() {
        for (const std::uint32_t first : ranges_of(rules_)) add_range(first);
        for (const CpuidRow& row : policy_.cpuid) within_.insert(row.key);
        std::vector<Question> questions;
        for (const LeafKey& key : beyond_) {
            if (within_.contains(key)) continue;
            questions.push_back(question(key));
            const auto highest = maximum(vendor_key.leaf);
            if (!highest) continue;
            questions.back().echo = {*highest, key.subleaf};
            within_.insert(*questions.back().echo);
        }
        for (const LeafKey& key : within_) questions.push_back(question(key));
        std::sort(questions.begin(), questions.end(),
                  [](const Question& a, const Question& b) { return a.row.key < b.row.key; });
        return questions;
    }

private:
    std::optional<std::uint32_t> maximum(std::uint32_t first) const {
        return dump::maximum_leaf(table_, first, dump::ViewKind::hypervisor);
    }

    void add_range(std::uint32_t first) {
        const std::optional<std::uint32_t> last = maximum(first);
        if (!last) {
            beyond_.insert({first, 0});
            return;
        }
        for (std::uint32_t leaf = first; leaf <= *last && leaf - first < most_leaves_of_range; ++leaf) {
            add_subleaves(rules_, policy_, leaf, within_);
        }
        beyond_.insert({*last + 1, 0});
    }

    Question question(const LeafKey& key) const {
        const Registers* value = table_.find(key);
        return {{key, value != nullptr ? *value : Registers{}}, value != nullptr, std::nullopt};
    }

    const VendorRules& rules_;
    const PoolPolicy& policy_;
    CpuidTable table_;
    std::set<LeafKey> within_;
    std::set<LeafKey> beyond_;
};

}  // namespace

std::vector<VcpuEntry> entries_of(const VendorRules& rules, const PoolPolicy& policy) {
    std::vector<VcpuEntry> entries;
    for (const CpuidRow& row : policy.cpuid) {
        entries.push_back({row, has_subleaves(rules.rulebook(), policy, row.key.leaf)});
    }
    return entries;
}

std::vector<Question> questions_of(const VendorRules& rules, const PoolPolicy& policy) {
    return QuestionList(rules, policy).run();
}

std::vector<WrongBits> wrong_bits(const Question& question, const Registers& seen, const Registers& echoed,
                                  const promises::OwnedBits& owned) {
    const auto compared_with = [&](const CpuidRow& expected) {
        std::vector<WrongBits> wrong;
        for (const Register reg : all_registers) {
            const std::uint64_t compared = ~owned.of({false, expected.key, reg});
            const std::uint64_t bits = std::uint64_t{expected.value[reg] ^ seen[reg]} & compared;
            if (bits != 0) wrong.push_back({{false, question.row.key, reg}, expected.value[reg], seen[reg], bits});
        }
        return wrong;
    };
    if (question.echo && compared_with({*question.echo, echoed}).empty()) return {};
    return compared_with(question.row);
}

}  // namespace poolcpuid::verify
