// The conditions of a guest's rules, asked of a guest or of a host. What is not known stays so unless the rest decides.
#pragma once

#include <functional>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "poolcpuid/audit.hpp"
#include "poolcpuid/rulebook.hpp"
#include "rulebook/guest_data.hpp"

namespace poolcpuid::audit {

class Conditions;

// Of whom is asked.
struct Subject {
    bool is_guest = false;
    std::string vendor;                       // its id
    std::optional<Signature> signature;       // nothing: the dump does not say
    bool is_virtual = false;                  // a virtual machine, whose hypervisor chose its signature
    std::vector<std::string> assumptions;     // those that hold
    std::function<Answer(FieldIndex)> field;  // whether it is not 0
    const Conditions* told = nullptr;         // of a host: the guest there
    // Of a host: whether its dump leaves the field open to a merge, which takes from it what it says alone.
    std::function<bool(FieldIndex)> is_unsaid = nullptr;
    // Of a host: whether its CPU has the field, and its hypervisor does not offer it.
    std::function<bool(FieldIndex)> is_withheld = nullptr;
    // Of a host: whether no microcode brings the field to it: its CPUID ends before it, or it is for other CPUs.
    std::function<bool(FieldIndex)> is_beyond = nullptr;
};

// The subject with some fields set or cleared.
Subject with(Subject subject, std::vector<FieldIndex> changed, Answer value);

// Answers with what they rest on.
using Grounds = std::vector<AuditGround>;

// Appends those that are not there yet.
void add_grounds(Grounds& to, const Grounds& more);

class Conditions {
public:
    // All must outlive this, and what subject refers to.
    Conditions(const Rulebook& rulebook, const rulebook::GuestData& data, const VmmVersion& release, Subject subject);

    const Subject& subject() const noexcept { return subject_; }
    const VmmVersion& release() const noexcept { return release_; }
    const Rulebook& rulebook() const noexcept { return rulebook_; }

    // The same of a CPU of which neither family nor model is known.
    Conditions without_signature() const;

    // Whether any list of the condition holds. grounds: nullptr, or where to add what decided.
    Answer holds(const rulebook::GuestCondition& condition, Grounds* grounds = nullptr) const;

private:
    Answer holds(const rulebook::GuestTerm& term, Grounds& grounds) const;
    Answer value(const rulebook::GuestTerm& term, Grounds& grounds) const;
    Answer tag(const std::string& name) const;
    Answer tag_of_vendor(const std::string& name) const;

    const Rulebook& rulebook_;
    const rulebook::GuestData& data_;
    VmmVersion release_;
    Subject subject_;
    VendorMask vendor_ = 0;
    std::vector<const rulebook::GuestCpus*> rows_;  // of each table the one that has the CPU, if any
};

// The fields that a condition asks to be set, itself or by the facts of a kernel, each once, in the order in which it
// asks.
std::vector<FieldIndex> fields_wanted(const Rulebook& rulebook, const rulebook::GuestData& data,
                                      const VmmVersion& release, const rulebook::GuestCondition& condition);

// Whether a field is another vendor's name for what CPUs of this one have a field of their own for, of which
// hypervisors make it: STIBP of leaf 7 on AMD. No microcode of the vendor brings it. The CPU models say whose a field
// is.
bool is_made_of_own(const Rulebook& rulebook, const std::string& vendor, FieldIndex field);

// Three-valued logic.
constexpr Answer answer_of(bool yes) noexcept { return yes ? Answer::yes : Answer::no; }

constexpr Answer negation(Answer answer) noexcept {
    if (answer == Answer::unknown) return answer;
    return answer == Answer::yes ? Answer::no : Answer::yes;
}

}  // namespace poolcpuid::audit
