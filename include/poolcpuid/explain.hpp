// Why each value of a policy is what it is.
//
//   const Explainer explainer(builtin_rulebook(), policy);
//   for (const FieldIndex field : explainer.fields_named("avx512f")) ... explainer.field(field) ...
//
// A policy document says all that this needs: registers, decisions, options, findings. What the pool would
// be without some of its hosts takes the hosts themselves: see what_if.hpp. So does what they have of a field on
// which a policy of another rulebook has no decision: hosts agree without one on what the rulebook that made it knows,
// and of anything else it says nothing.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "poolcpuid/policy.hpp"
#include "poolcpuid/rulebook.hpp"
#include "poolcpuid/what_if.hpp"

namespace poolcpuid {

// How the rulebook that made a policy classed a field, where the one that explains it does otherwise.
struct FormerClass {
    std::string rule;                  // by which it decided; empty where the policy has no decision
    std::optional<Exposure> exposure;  // to whom it showed the field; nothing: to the same, as far as the policy says
    std::string sentence;              // that, and how it is classed now
};

// A field in one subleaf.
struct ExplainedValue {
    BitPlace place;           // of one subleaf, or of all in which the field is 0 without a decision
    std::uint64_t value = 0;  // as the registers have it, shifted down
    std::string means;        // what it tells or promises the guest, a sentence
    std::optional<Cause> cause = Cause::agreement;  // nothing: what set it is not known
    bool undecided = false;             // so are the hosts' values: the policy's rulebook may not have known the field
    std::vector<ValueOfHosts> seen;     // the hosts' values; empty where no decision holds them, and no dumps say them
    HostList because;                   // the hosts that limit it
    Deciders deciders;                  // the same, by how they do
    std::string reason;                 // what happened, without the hosts and the rulebook's why; empty for agreement
    std::optional<FormerClass> former;  // of what was decided otherwise than this rulebook would
};

// An XSAVE state component.
struct ExplainedState {
    std::string id;  // the rulebook's
    std::uint8_t bit = 0;
    bool supervisor = false;
    bool kept = false;
    std::string layout;                             // of one that is kept, where it has a row: "256 bytes at 576"
    std::optional<Cause> cause = Cause::agreement;  // what keeps it out; agreement: no host has it; nothing: not known
    std::string reason;                             // the same, a sentence
    HostList because;                               // the hosts that keep it out
    std::vector<ValueOfHosts> seen;                 // layouts that differ: "64 bytes at 832", "none"
    std::vector<FieldIndex> features;               // those that need it
};

struct ExplainedField {
    FieldIndex field = no_field;
    bool asked = false;                    // the operator named it, or its group, to have it shown
    std::vector<ExplainedValue> values;    // one, or one for each subleaf with something to say; sorted
    std::string reading;                   // what counts besides what a dump shows, in sentences; else empty
    std::string derivation;                // of a derived field: from what it follows, a sentence
    std::vector<FieldIndex> follows_from;  // the fields from which it does
    std::vector<FieldIndex> lacking;       // of one that is 0: what it needs and the policy has not, either
    std::vector<ExplainedState> states;    // those that it lists, lays out, or needs
    std::vector<Finding> findings;         // those about it
};

// A field in a story.
struct StoryItem {
    FieldIndex field = no_field;
    const Decision* decision = nullptr;  // of the policy that is explained, which must outlive the story
    std::optional<FormerClass> former;   // as of an ExplainedValue
};

// Decisions that have the same cause.
struct StoryGroup {
    Cause cause = Cause::hosts;
    HostList because;              // of limits and closure: the hosts behind it
    std::string reason;            // of closure: what happened
    std::string ask;               // of what was not asked for: the group of --show, or empty
    std::vector<StoryItem> items;  // in order of place
};

// A whole policy.
struct Story {
    std::vector<StoryGroup> groups;           // in order of cause; of one cause the largest first
    std::vector<ExplainedState> states;       // those that the policy keeps or a host has
    std::size_t agreed = 0;                   // fields with a promise that every host makes alike
    std::vector<std::string> unknown_fields;  // decided in the policy, and not in this rulebook
};

class Explainer {
public:
    // All must outlive the explainer. hosts: what the policy's hosts give by this rulebook, with all names (see
    // with_all_names), or nullptr; it says what they have where a policy of another rulebook does not. Throws
    // NoPolicyError when the rulebook does not know the policy's vendor.
    Explainer(const Rulebook& rulebook, const PoolPolicy& policy, const PoolPolicy* hosts = nullptr);
    Explainer(Explainer&& other) noexcept;
    Explainer& operator=(Explainer&& other) noexcept;
    ~Explainer();

    // Every field of the policy's vendor that has this id or, in any project, this name, in the rulebook's
    // order. Throws UsageError, with names that are near, when there is none.
    std::vector<FieldIndex> fields_named(std::string_view name) const;

    // Why a field of the policy's vendor is what it is. Linear in the policy's decisions.
    ExplainedField field(FieldIndex field) const;

    // Why the XSAVE state that is named as check and diff name it ("xsave state pkru") is kept or not; nothing
    // for any other name.
    std::optional<ExplainedState> state_named(std::string_view name) const;

    // Why the whole policy is what it is. Linear in the policy's decisions and the rulebook's fields.
    Story story() const;

private:
    struct Impl;
    std::unique_ptr<const Impl> impl_;
};

// policy with the complete lists of names of whole (see with_all_names), which is what the same hosts give
// now, wherever the two decide alike.
PoolPolicy with_names_of(PoolPolicy policy, const PoolPolicy& whole);

// What a document of explain holds.
struct Explanation {
    std::vector<ExplainedField> fields;
    std::vector<ExplainedState> states;
    std::optional<Story> story;                   // of a whole policy
    std::optional<std::vector<WhatIf>> what_ifs;  // where the hosts were at hand
    // Of which the what-ifs are: what the hosts give by this rulebook, where they were at hand. It must outlive this.
    const PoolPolicy* whole = nullptr;
};

// The explanation as a JSON document (schemas/explain.schema.json): deterministic, ends with a newline.
std::string to_json(const Explanation& explanation, const Rulebook& rulebook, const PoolPolicy& policy);

}  // namespace poolcpuid
