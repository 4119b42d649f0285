#include "verify/questions.hpp"

#include <algorithm>
#include <iterator>
#include <set>

#include "dump/leaf_shapes.hpp"

namespace poolcpuid::verify {

namespace {

using merge::Plan;
using merge::RegisterPlace;

CpuidTable table_of(const PoolPolicy& policy) { return {policy.cpuid, {}}; }

// The first leaves of the ranges of which the rulebook has fields for this vendor.
std::set<std::uint32_t> ranges_of(const Plan& plan) {
    std::set<std::uint32_t> ranges;
    for (const FieldIndex index : plan.fields()) {
        const Field& field = plan.rulebook()[index];
        if (!field.is_msr) ranges.insert(range_of(field.leaf));
    }
    return ranges;
}

// The last subleaf of a leaf that the policy has a row for, else 0. Logarithmic in its rows.
std::uint32_t last_subleaf(const PoolPolicy& policy, std::uint32_t leaf) {
    const auto above = std::upper_bound(policy.cpuid.begin(), policy.cpuid.end(), LeafKey{leaf, ~std::uint32_t{0}},
                                        [](const LeafKey& key, const CpuidRow& row) { return key < row.key; });
    const bool has_rows = above != policy.cpuid.begin() && std::prev(above)->key.leaf == leaf;
    return has_rows ? std::prev(above)->key.subleaf : 0;
}

// Adds the subleaves of a leaf: those of which the rulebook has fields, for whichever vendor, and one beyond the
// policy's.
void add_subleaves(const Plan& plan, const PoolPolicy& policy, std::uint32_t leaf, std::set<LeafKey>& keys) {
    keys.insert({leaf, 0});
    if (!has_subleaves(plan, policy, leaf)) return;
    const std::uint32_t last = last_subleaf(policy, leaf);
    if (last + 1 != 0) keys.insert({leaf, last + 1});
    for (const Field& field : plan.rulebook().fields) {
        if (field.is_msr || field.leaf != leaf) continue;
        for (std::uint32_t sub = field.subleaf_first; sub <= field.subleaf_last; ++sub) keys.insert({leaf, sub});
    }
}

class QuestionList {
public:
    QuestionList(const Plan& plan, const PoolPolicy& policy) : plan_(plan), policy_(policy), table_(table_of(policy)) {}

    std::vector<Question> run() {
        for (const std::uint32_t first : ranges_of(plan_)) add_range(first);
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
            add_subleaves(plan_, policy_, leaf, within_);
        }
        beyond_.insert({*last + 1, 0});
    }

    Question question(const LeafKey& key) const {
        const Registers* value = table_.find(key);
        return {{key, value != nullptr ? *value : Registers{}}, value != nullptr, std::nullopt};
    }

    const Plan& plan_;
    const PoolPolicy& policy_;
    CpuidTable table_;
    std::set<LeafKey> within_;
    std::set<LeafKey> beyond_;
};

}  // namespace

bool has_subleaves(const Plan& plan, const PoolPolicy& policy, std::uint32_t leaf) {
    const auto& fields = plan.rulebook().fields;
    return dump::has_subleaves(leaf) || last_subleaf(policy, leaf) > 0 ||
           std::any_of(fields.begin(), fields.end(), [&](const Field& field) {
               return !field.is_msr && field.leaf == leaf && field.subleaf_last > 0;
           });
}

std::vector<VcpuEntry> entries_of(const Plan& plan, const PoolPolicy& policy) {
    std::vector<VcpuEntry> entries;
    for (const CpuidRow& row : policy.cpuid) entries.push_back({row, has_subleaves(plan, policy, row.key.leaf)});
    return entries;
}

std::vector<Question> questions_of(const Plan& plan, const PoolPolicy& policy) {
    return QuestionList(plan, policy).run();
}

std::vector<WrongBits> wrong_bits(const Question& question, const Registers& seen, const Registers& echoed,
                                  const merge::OwnedBits& owned) {
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
