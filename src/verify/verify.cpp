#include "poolcpuid/verify.hpp"

#include <algorithm>
#include <set>
#include <utility>

#include "capture/meta.hpp"
#include "poolcpuid/capture.hpp"
#include "poolcpuid/error.hpp"
#include "promises/vendor_rules.hpp"
#include "rulebook/target_data.hpp"
#include "verify/probe.hpp"
#include "verify/questions.hpp"
#include "verify/seen_fields.hpp"

namespace poolcpuid {

namespace {

using promises::VendorRules;
using verify::Question;
using verify::WrongBits;

class Verifier {
public:
    Verifier(const VendorRules& rules, const PoolPolicy& policy, const VcpuRunner& run)
        : rules_(rules), run_(run), owned_(policy.owned), questions_(verify::questions_of(rules, policy)) {
        task_.cpuid = verify::entries_of(rules, policy);
        for (const Question& question : questions_) task_.execute.push_back(question.row.key);
        if (!policy.msrs.empty()) kvm_ = rulebook::kvm_data(rules.rulebook());
        for (const MsrRow& msr : policy.msrs) put_msr(msr);
    }

    Verification run() {
        VcpuAnswer answer = run_(task_);
        if (!answer.refusal.empty()) answer = run_without_refused(answer);
        if (!answer.refusal.empty()) return std::move(result_);
        compare_cpuid(answer);
        compare_msrs(answer);
        if (!wrong_.empty()) {
            const verify::Control control = verify::divide(rules_, task_, wrong_, run_);
            result_.differences = verify::seen_fields(rules_, control.controlled);
            result_.uncontrolled = verify::seen_fields(rules_, control.uncontrolled);
        }
        return std::move(result_);
    }

private:
    // A policy is a file that anybody may have written: no MSR is set because it says so, but for those that the
    // rulebook knows.
    void put_msr(const MsrRow& msr) {
        if (rules_.bits_with_field({true, {msr.index, 0}, {}}) == 0) {
            result_.refused.push_back({true, LeafKey{msr.index, 0}, "The rulebook knows no such MSR: it is not set."});
            return;
        }
        if (!kvm_.makes(msr.index)) task_.msrs.push_back(msr);
        msrs_.push_back(msr);
        task_.rdmsr.push_back(msr.index);
    }

    // Leaves out the entries that KVM refuses each by itself, and goes on with the others.
    VcpuAnswer run_without_refused(const VcpuAnswer& refused) {
        std::vector<VcpuEntry> taken;
        for (std::size_t i = 0; i < task_.cpuid.size(); ++i) {
            const VcpuEntry& entry = task_.cpuid[i];
            const std::string& reason = refused.entry_refusals.at(i);
            if (reason.empty()) {
                taken.push_back(entry);
            } else {
                result_.refused.push_back({false, entry.row.key, reason});
            }
        }
        const bool some = taken.size() < task_.cpuid.size();
        task_.cpuid = std::move(taken);
        VcpuAnswer answer;
        answer.refusal = refused.refusal;
        if (some) answer = run_(task_);
        if (!answer.refusal.empty()) result_.refused.push_back({false, std::nullopt, answer.refusal});
        return answer;
    }

    std::set<LeafKey> refused_rows() const {
        std::set<LeafKey> keys;
        for (const Refused& refused : result_.refused) {
            if (!refused.is_msr && refused.key) keys.insert(*refused.key);
        }
        return keys;
    }

    void compare_cpuid(const VcpuAnswer& answer) {
        const std::set<LeafKey> refused = refused_rows();
        for (std::size_t i = 0; i < questions_.size(); ++i) {
            const Question& question = questions_[i];
            if (refused.contains(question.row.key)) continue;
            ++(question.in_policy ? result_.rows : result_.other_rows);
            const Registers echoed = question.echo ? answer_to(*question.echo, answer) : Registers{};
            for (const WrongBits& bits : verify::wrong_bits(question, answer.cpuid.at(i), echoed, owned_)) {
                wrong_.push_back(bits);
            }
        }
    }

    // What was read at a key that was asked for.
    const Registers& answer_to(const LeafKey& key, const VcpuAnswer& answer) const {
        const auto at = std::lower_bound(task_.execute.begin(), task_.execute.end(), key);
        return answer.cpuid.at(static_cast<std::size_t>(at - task_.execute.begin()));
    }

    void compare_msrs(const VcpuAnswer& answer) {
        for (std::size_t i = 0, set = 0; i < msrs_.size(); ++i) {
            const MsrRow& msr = msrs_[i];
            const std::optional<std::uint64_t>& seen = answer.msrs.at(i);
            const promises::RegisterPlace place{true, {msr.index, 0}, Register::eax};
            const bool is_made = kvm_.makes(msr.index);
            const std::string refusal = is_made ? "" : answer.msr_refusals.at(set++);
            if (!refusal.empty()) {
                result_.refused.push_back({true, place.key, refusal});
            } else if (!seen) {
                result_.refused.push_back({true, place.key,
                                           is_made
                                               ? "KVM makes no such MSR of what it is given: the guest's RDMSR faults."
                                               : "KVM takes the value, and the guest's RDMSR faults."});
            } else {
                ++result_.msrs;
                const std::uint64_t bits = (*msr.value ^ *seen) & ~owned_.of(place);
                if (bits != 0) wrong_.push_back({place, *msr.value, *seen, bits});
            }
        }
    }

    const VendorRules& rules_;
    const VcpuRunner& run_;
    promises::OwnedBits owned_;
    std::vector<Question> questions_;
    rulebook::KvmData kvm_;
    std::vector<MsrRow> msrs_;  // that are read: those that are set, and those that KVM makes itself
    VcpuTask task_;
    std::vector<WrongBits> wrong_;
    Verification result_;
};

std::string value_or_empty(const std::map<std::string, std::string>& meta, const char* key) {
    const auto at = meta.find(key);
    return at == meta.end() ? std::string() : at->second;
}

}  // namespace

Verification verify_policy(const Rulebook& rulebook, const PoolPolicy& policy, const VcpuRunner& run) {
    const VendorRules rules = VendorRules::of(rulebook, policy);
    return Verifier(rules, policy, run).run();
}

KvmHost this_kvm_host() {
    std::vector<NotSeen> not_seen;
    const auto meta = capture::read_meta(CaptureSources{}, not_seen);
    return {value_or_empty(meta, "kernel"), value_or_empty(meta, "kvm_module")};
}

}  // namespace poolcpuid
