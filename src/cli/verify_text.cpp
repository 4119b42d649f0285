#include "cli/verify_text.hpp"

#include <utility>
#include <vector>

#include "base/hex.hpp"
#include "cli/page.hpp"
#include "policy/document_text.hpp"

namespace poolcpuid::cli {

namespace {

std::string counted(std::size_t count, const char* one, const char* many) {
    return std::to_string(count) + " " + (count == 1 ? one : many);
}

class VerifyText {
public:
    VerifyText(const PoolPolicy& policy, const Rulebook& rulebook, const Verification& verification,
               const KvmHost& host, std::size_t width, bool colour)
        : policy_(policy), rulebook_(rulebook), verification_(verification), host_(host), page_(width, colour) {}

    std::string text() {
        head();
        if (!verification_.refused.empty()) {
            title("KVM refuses", Colour::red);
            for (const Refused& refused : verification_.refused) {
                page_.line(place_of(refused) + ": " + refused.reason, Colour::none, 2);
            }
        }
        if (!verification_.differences.empty()) {
            title("The guest sees it otherwise", Colour::red);
            fields(verification_.differences);
        }
        if (!verification_.uncontrolled.empty()) {
            title("Out of the VMM's hands: this KVM shows it whatever it is told", Colour::yellow);
            fields(verification_.uncontrolled);
        }
        return page_.text();
    }

private:
    void title(const std::string& words, Colour colour) {
        page_.blank();
        page_.line(words, colour);
    }

    std::string verdict() const {
        if (!verification_.shows_policy()) {
            std::string text = "The vCPU does not show the policy:";
            const std::size_t different = verification_.differences.size();
            const std::size_t refused = verification_.refused.size();
            if (different != 0) text += " " + counted(different, "field differs", "fields differ");
            if (refused != 0) text += (different != 0 ? ", " : " ") + counted(refused, "refusal", "refusals");
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
        page_.line("compared: " + counted(verification_.rows, "row", "rows") + " of CPUID and " +
                   counted(verification_.msrs, "MSR", "MSRs") + " of the policy; " +
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
            std::string items;
            for (; i < list.size() && list[i].meaning == meaning; ++i)
                items += (items.empty() ? "" : ", ") + item(list[i]);
            page_.line(meaning, Colour::none, 2);
            page_.line(items, Colour::none, 6);
        }
    }

    std::string item(const SeenField& seen) const {
        const FieldIndex index = rulebook_.find(seen.field);
        const std::string values = " (" + seen.seen + ", not " + seen.policy + ")";
        if (index == no_field) return document::place_text(seen.place) + values;
        const Field& field = rulebook_[index];
        std::string text = seen.field;
        if (field.subleaf_first != field.subleaf_last) text += "[" + std::to_string(seen.place.subleaf_first) + "]";
        if (field.low != field.high) return text + values;
        return text + (seen.seen == "0x0" ? " (clear)" : " (set)");
    }

    const PoolPolicy& policy_;
    const Rulebook& rulebook_;
    const Verification& verification_;
    const KvmHost& host_;
    Page page_;
};

}  // namespace

std::string verify_text(const PoolPolicy& policy, const Rulebook& rulebook, const Verification& verification,
                        const KvmHost& host, std::size_t width, bool colour) {
    return VerifyText(policy, rulebook, verification, host, width, colour).text();
}

}  // namespace poolcpuid::cli
