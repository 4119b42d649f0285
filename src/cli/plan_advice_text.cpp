#include <algorithm>
#include <utility>

#include "cli/plan_words.hpp"
#include "cli/texts.hpp"
#include "policy/document_text.hpp"

namespace poolcpuid::cli {

namespace {

using Kind = PlanAdvice::Kind;

// "1 host has left", "2 hosts have left".
std::string when(const PoolPlan& plan, const std::vector<std::string>& hosts, const char* what) {
    return hosts.empty() ? "" : named(plan, hosts) + (hosts.size() == 1 ? " has " : " have ") + what;
}

class AdviceText {
public:
    AdviceText(const PoolPlan& plan, const Rulebook& rulebook) : plan_(plan), rulebook_(rulebook) {}

    // What mends hosts and what they cost stands between what is said of them and of the policy.
    std::vector<std::string> run() {
        for (const PlanAdvice& advice : plan_.advice) {
            if (advice.kind != Kind::start_new_vms) put(text(advice));
        }
        for (const Mend& mend : plan_.mends) {
            put(named(plan_, mend.hosts) + " (" + short_list(mend.fields, most_fields) + "): " + mend.remedy);
        }
        for (const HostPrice& price : plan_.price) put(price_text(price));
        for (const PlanAdvice& advice : plan_.advice) {
            if (advice.kind == Kind::start_new_vms) put(text(advice));
        }
        for (std::string& sentence : belief_advice(plan_.difference, name_of(plan_.restart_with())))
            put(std::move(sentence));
        for (const Finding* error : plan_.new_errors()) put("error " + error->code + ": " + error->message);
        return std::move(sentences_);
    }

private:
    void put(std::string sentence) { sentences_.push_back(std::move(sentence)); }

    std::string text(const PlanAdvice& advice) const {
        switch (advice.kind) {
            case Kind::keep_vms:
                return "Keep the VMs of " + enumerate(advice.running) +
                       " on the hosts that they reach until they have restarted with " + name_of(advice.with) + ".";
            case Kind::shut_down_vms:
                return "Shut down the VMs of " + enumerate(advice.running) +
                       (plan_.changes_hosts() ? " before the change, and start" : ", and start") + " them again with " +
                       name_of(advice.with) + ".";
            case Kind::restart_vms:
                return "Restart the VMs of " + enumerate(advice.running) + " with " + name_of(advice.with) + ": on " +
                       named(plan_, advice.hosts) + " that protects them (" + short_list(advice.fields, most_fields) +
                       "). Until then they are as open " + where_they_run(plan_) +
                       ", and lose nothing of that by a move.";
            case Kind::restore_settings: return weaker(advice);
            case Kind::other_cpu:
                return come(advice) + " back with another CPU (" + advice.cpu->before.value_or("unknown") + " -> " +
                       advice.cpu->after.value_or("unknown") +
                       "), which lacks promises of the policy before: no setting of before would mend that.";
            case Kind::start_new_vms: break;
        }
        return new_vms(advice);
    }

    std::string come(const PlanAdvice& advice) const {
        return named(plan_, advice.hosts) + (advice.hosts.size() == 1 ? " comes" : " come");
    }

    std::string weaker(const PlanAdvice& advice) const {
        const auto& settings = advice.settings;
        const bool has_microcode = std::find(settings.begin(), settings.end(), microcode_setting) != settings.end();
        return come(advice) + " back weaker: the " + (has_microcode ? "microcode, " : "") +
               "BIOS settings and kernel of before would mend that" +
               (advice.if_same_cpu ? ", if the CPU is that of before." : ".");
    }

    std::string new_vms(const PlanAdvice& advice) const {
        if (advice.with == PlanAdvice::Start::before) {
            return "Keep the pool's policy: new VMs start with it as before.";
        }
        const std::string left = when(plan_, advice.when_left, "left");
        const std::string back = when(plan_, advice.when_back, "come back");
        if (left.empty() && back.empty()) {
            const bool is_flawed = !advice.errors.empty() || !advice.falsely_safe.empty();
            return std::string("Start new VMs with the policy after from now on: ") +
                   (plan_.policy_is_current ? "every host keeps it, before the change and after"
                                            : "every host keeps it that has a dump now") +
                   (is_flawed ? ", but for what follows." : ".");
        }
        return "Start new VMs with the policy after when " + left + (left.empty() || back.empty() ? "" : " and ") +
               back + ", and not before: as the pool is now, they must not run there.";
    }

    // No list of fields where it is all that the difference lists.
    std::string price_text(const HostPrice& price) const {
        const std::size_t lost = plan_.counts.loses + plan_.counts.both + plan_.counts.relaxes;
        const std::string all = counted(lost, "promise") + " that the policy loses";
        const std::string start = "The price of " + named(plan_, price.hosts) + ": ";
        if (price.gains.size() == lost) return start + "the " + all + ".";
        std::vector<std::string> fields;
        for (const FieldChange& change : price.gains) fields.push_back(name_of(rulebook_, change));
        return start + std::to_string(fields.size()) + " of the " + all + ", " + short_list(fields, most_fields) + ".";
    }

    const PoolPlan& plan_;
    const Rulebook& rulebook_;
    std::vector<std::string> sentences_;
};

}  // namespace

std::string named(const PoolPlan& plan, const std::vector<std::string>& hosts) {
    return document::enumerate(list_of(hosts, plan.cpus));
}

const char* name_of(PlanAdvice::Start policy) noexcept {
    return policy == PlanAdvice::Start::after ? "the policy after" : "the pool's policy";
}

const char* where_they_run(const PoolPlan& plan) noexcept {
    return plan.changes_hosts() ? "on every host where they may run before the change"
                                : "on every host where they may run now";
}

std::vector<std::string> plan_advice(const PoolPlan& plan, const Rulebook& rulebook) {
    return AdviceText(plan, rulebook).run();
}

}  // namespace poolcpuid::cli
