// verify: reads a policy, and says whether a vCPU shows it and what differs, whatever KVM it is that makes the vCPUs.
#include <utility>
#include <vector>

#include "base/hex.hpp"
#include "cli/inputs.hpp"
#include "cli/texts.hpp"
#include "policy/document_text.hpp"

namespace poolcpuid::cli {

namespace {

class VerifyText {
public:
    VerifyText(const PoolPolicy& policy, const Rulebook& rulebook, const Verification& verification,
               const KvmHost& host, Page& page)
        : policy_(policy), rulebook_(rulebook), verification_(verification), host_(host), page_(page) {}

    void put() {
        head();
        if (!verification_.refused.empty()) {
            page_.title("KVM refuses", Colour::red);
            for (const Refused& refused : verification_.refused) {
                page_.line(place_of(refused) + ": " + refused.reason, Colour::none, 2);
            }
        }
        if (!verification_.differences.empty()) {
            page_.title("The guest sees it otherwise", Colour::red);
            fields(verification_.differences);
        }
        if (!verification_.uncontrolled.empty()) {
            page_.title("Out of the VMM's hands: this KVM shows it whatever it is told", Colour::yellow);
            fields(verification_.uncontrolled);
        }
    }

private:
    std::string verdict() const {
        if (!verification_.shows_policy()) {
            std::string text = "The vCPU does not show the policy:";
            const std::size_t different = verification_.differences.size();
            const std::size_t refused = verification_.refused.size();
            if (different != 0) text += " " + counted(different, "field differs", "fields differ");
            if (refused != 0) text += (different != 0 ? ", " : " ") + counted(refused, "refusal");
            return text + ".";
        }
        if (verification_.uncontrolled.empty()) return "The vCPU shows the policy.";
        return "The vCPU shows the policy as far as this KVM lets a VMM decide; " +
               counted(verification_.uncontrolled.size(), "field is", "fields are") + " out of its hands.";
    }

    void head() {
        page_.line(verdict());
        page_.line("policy: " + policy_.pool + " (" + policy_.vendor + ")");
        std::string kvm = host_.module.empty() ? "KVM" : host_.module;
        if (!host_.kernel.empty()) kvm += ", Linux " + host_.kernel;
        page_.line("on: " + kvm);
        if (verification_.rows + verification_.other_rows == 0) return;
        page_.line("compared: " + counted(verification_.rows, "row") + " of CPUID and " +
                   counted(verification_.msrs, "MSR") + " of the policy; " +
                   counted(verification_.other_rows, "other leaf or subleaf", "other leaves and subleaves") +
                   " (zeros unless listed below)");
    }

    static std::string place_of(const Refused& refused) {
        if (!refused.key) return "the list of entries";
        if (refused.is_msr) return "MSR " + to_hex(refused.key->leaf);
        return "leaf " + to_hex(refused.key->leaf) + " subleaf " + to_hex(refused.key->subleaf);
    }

    // Fields with the same meaning are one paragraph; they stand together in the list.
    void fields(const std::vector<SeenField>& list) {
        for (std::size_t i = 0; i < list.size();) {
            const std::string& meaning = list[i].meaning;
            std::vector<std::string> items;
            for (; i < list.size() && list[i].meaning == meaning; ++i) items.push_back(item(list[i]));
            page_.line(meaning, Colour::none, 2);
            page_.line(joined(items), Colour::none, 6);
        }
    }

    std::string item(const SeenField& seen) const {
        const FieldIndex index = rulebook_.find(seen.field);
        const std::string values = " (" + seen.seen + ", not " + seen.policy + ")";
        if (index == no_field) return document::place_text(seen.place) + values;
        const std::string text = document::field_text(rulebook_, seen.field, seen.place);
        if (seen.place.low != seen.place.high) return text + values;
        return text + (seen.seen == "0x0" ? " (clear)" : " (set)");
    }

    const PoolPolicy& policy_;
    const Rulebook& rulebook_;
    const Verification& verification_;
    const KvmHost& host_;
    Page& page_;
};

}  // namespace

void verify_text(const PoolPolicy& policy, const Rulebook& rulebook, const Verification& verification,
                 const KvmHost& host, Page& page) {
    VerifyText(policy, rulebook, verification, host, page).put();
}

ExitStatus verify(const VerifyArguments& arguments, const std::function<VcpuRunner()>& open_kvm, const KvmHost& host) {
    check_output(arguments.result.output, {arguments.policy});
    const RulebookChoice choice(arguments.rulebook);
    const Rulebook& rulebook = choice.get();
    const PoolPolicy policy = read_bound(arguments.policy, rulebook);
    const Verification result = verify_policy(rulebook, policy, open_kvm());
    emit(
        arguments.result, [&] { return to_json(policy, rulebook, result, host); },
        [&](Page& page) { verify_text(policy, rulebook, result, host, page); });
    return result.shows_policy() ? ExitStatus::done : ExitStatus::different;
}

}  // namespace poolcpuid::cli
