#include "verbs.hpp"

#include <array>
#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

#include "poolcpuid/audit.hpp"
#include "poolcpuid/check.hpp"
#include "poolcpuid/diff.hpp"
#include "poolcpuid/error.hpp"
#include "poolcpuid/explain.hpp"
#include "poolcpuid/floor.hpp"
#include "poolcpuid/guest_cpu.hpp"
#include "poolcpuid/policy_registers.hpp"
#include "poolcpuid/pool_plan.hpp"
#include "poolcpuid/pool_state.hpp"
#include "poolcpuid/render.hpp"
#include "poolcpuid/report.hpp"
#include "poolcpuid/verify.hpp"
#include "poolcpuid/what_if.hpp"
#include "require.hpp"
#include "tests/support/fake_kvm.hpp"

namespace poolcpuid::fuzz {

namespace {

std::vector<HostDump> hosts_of_vendor(const Question& question) {
    std::vector<HostDump> hosts;
    for (const HostDump& host : question.hosts) {
        if (vendor_string(host.first_table()).value_or("") == question.policy.vendor) hosts.push_back(host);
    }
    return hosts;
}

// The options with which the policy says that it was made, where they can be told from it alone.
MergeOptions recorded_options(const PoolPolicy& policy) {
    try {
        return options_of(policy, std::nullopt);
    } catch (const UsageError&) {
        return {};
    }
}

std::size_t count_of(std::string_view text, std::string_view part) {
    std::size_t count = 0;
    for (std::size_t at = text.find(part); at != std::string_view::npos; at = text.find(part, at + 1)) ++count;
    return count;
}

std::vector<RenderOptions> render_options(std::string_view target, const std::vector<HostDump>& hosts) {
    std::vector<RenderOptions> all(3);
    all[0].hosts = hosts;
    if (target == "qemu") {
        all[1].qemu = QemuFacts{};
        all[1].qemu->version = {7, 2};
        all[2].accelerator = QemuAccelerator::tcg;
    } else if (target == "xen" || target == "xapi") {
        all[1].xen = VmmVersion{4, 17};
        all[1].xen_form = XenForm::libxl;
        all[2].xen_form = XenForm::xend;
    } else {
        all.resize(1);
    }
    return all;
}

void render_one(const Question& question, std::string_view target, const RenderOptions& options) {
    try {
        const Rendering rendering = render_policy(question.rulebook, question.policy, target, options);
        require(rendering.output.ends_with('\n'), "a rendering is whole lines");
        require(target != "kvm" || rendering.inexpressible.empty(), "KVM can be told everything");
        require(to_json(question.policy, question.rulebook, rendering).ends_with('\n'), "a document is whole lines");
    } catch (const UsageError&) {  // a rulebook of which the target's document knows other fields
    }
}

bool is_of_vendor(const Field& field, std::size_t vendor) { return (field.vendors >> vendor & 1U) != 0; }

void explain_decisions(const Question& question, const Explainer& explainer) {
    for (const Decision& decision : question.policy.decisions) {
        try {
            require(!explainer.fields_named(decision.field).empty(), "a name is of a field, or refused");
        } catch (const UsageError&) {
        }
        (void)explainer.state_named(decision.field);
    }
}

void check(const Question& question) {
    const PolicyCheck check(question.rulebook, question.policy);
    std::vector<Verdict> verdicts;
    for (const HostDump& host : question.hosts) verdicts.push_back(check.against(host));
    verdicts.push_back(check.against(question.other));
    for (const Verdict& verdict : verdicts) {
        const bool strictly = verdict.compatible({UnknownIs::failure, true});
        require(!strictly || verdict.compatible(UnknownIs::failure), "strict is stricter");
        require(!verdict.compatible(UnknownIs::failure) || verdict.compatible(UnknownIs::warning),
                "what is known to run runs where the unknown is let pass");
    }
    require(check.against(question.policy).violations.empty(), "a pool keeps what its policy promises");
    for (const UnknownIs unknown : {UnknownIs::failure, UnknownIs::warning}) {
        require(to_json(question.policy, question.rulebook, verdicts, unknown).ends_with('\n'),
                "a document is whole lines");
    }
}

void diff(const Question& question) {
    const Difference there = differences(question.rulebook, question.policy, question.other);
    const Difference back = differences(question.rulebook, question.other, question.policy);
    require(there.equal_registers == back.equal_registers, "equal is equal from either side");
    require(there.changes.size() == back.changes.size(), "as many changes there as back");
    require(!there.equal_registers || there.changes.empty(), "equal registers differ in nothing");
    require(to_json(there, question.rulebook).ends_with('\n'), "a document is whole lines");
    const Difference none = differences(question.rulebook, question.policy, question.policy);
    require(none.equal_registers && none.changes.empty() && none.provenance.empty(), "a policy is like itself");
    for (const HostDump& host : question.hosts) {
        (void)to_json(differences(question.rulebook, question.policy, host), question.rulebook);
    }
}

void explain(const Question& question) {
    const Explainer explainer(question.rulebook, question.policy);
    Explanation explanation;
    explanation.story = explainer.story();
    const std::size_t vendor = question.rulebook.vendor_of(question.policy.vendor).value();
    // A part of the fields, or one policy would take a second. Which part depends on the policy.
    const std::size_t step = question.rulebook.fields.size() / 50 + 1;
    for (std::size_t i = question.policy.cpuid.size() % step; i < question.rulebook.fields.size(); i += step) {
        const auto index = static_cast<FieldIndex>(i);
        if (!is_of_vendor(question.rulebook[index], vendor)) continue;
        explanation.fields.push_back(explainer.field(index));
        require(!explanation.fields.back().values.empty(), "a field has a value");
    }
    explain_decisions(question, explainer);
    require(to_json(explanation, question.rulebook, question.policy).ends_with('\n'), "a document is whole lines");
}

// The policy is in force on some hosts; the last host comes, the first one goes.
void plan(const Question& question) {
    std::vector<HostDump> pool = hosts_of_vendor(question);
    if (pool.size() < 2) return;
    PoolChange change{{pool.back()}, {pool.front().name}, {}};
    pool.pop_back();
    PoolState state(question.rulebook);
    for (const HostDump& host : pool) state.add(host);
    const MergeOptions options = recorded_options(question.policy);
    const std::vector<RunningPolicy> running{{"pool", question.policy, true}, {"old", question.other, false}};
    try {
        const PoolPlan plan = plan_change(question.rulebook, {question.policy, pool, state, options}, change, running,
                                          UnknownIs::failure);
        require(plan.running.size() == running.size(), "every running policy has a plan");
        require(plan.hosts_after == pool.size(), "one host comes and one goes");
        const PolicyCheck new_vms(question.rulebook, plan.after);
        require(new_vms.against(change.added.front()).compatible(UnknownIs::failure), "a host keeps its pool's policy");
        require(to_json(plan, question.rulebook).ends_with('\n'), "a document is whole lines");
        const MergeOptions all_names = with_all_names(options);
        (void)what_ifs(question.rulebook, state, all_names, state.finish(all_names));
        for (const FloorLoss& loss : below_floor(state, question.policy, state.finish(options))) {
            require(!loss.field.empty(), "a loss is of a field");
        }
    } catch (const UsageError&) {     // options that the rulebook or these hosts do not have
    } catch (const NoPolicyError&) {  // a --set that a host does not keep
    }
}

// What a target says is in a file of its own. A directory without one is no rulebook; a fuzzer's files may be.
void render(const Question& question) {
    const std::vector<HostDump> hosts = hosts_of_vendor(question);
    const bool has_all = question.rulebook.targets.size() == builtin_rulebook().targets.size();
    for (const auto& [target, what, through] : render_targets()) {
        try {
            for (const RenderOptions& options : render_options(target, hosts)) render_one(question, target, options);
        } catch (const InputError&) {
            require(!has_all, "a rulebook with all targets renders for each");
        }
    }
    if (has_all) (void)qemu_properties(question.rulebook, question.policy, QemuAccelerator::kvm);
}

void report(const Question& question) {
    const std::string page = report_html(question.rulebook, {question.policy, "", std::nullopt, false});
    require(count_of(page, "<script") == 1 && count_of(page, "<style") == 1, "a page has its own script and style");
    require(page.ends_with('\n'), "a page is whole lines");
}

void verify(const Question& question) {
    test::FakeKvm faithful;
    const Verification shown = verify_policy(question.rulebook, question.policy, faithful.runner());
    require(shown.differences.empty() && shown.uncontrolled.empty(), "what shows the policy differs in nothing");
    require(to_json(question.policy, question.rulebook, shown, {}).ends_with('\n'), "a document is whole lines");

    test::FakeKvm odd;
    odd.overlay([](const VcpuTask&, LeafKey key, Registers& value) { value.eax ^= key.leaf >> 1U ^ key.subleaf; });
    odd.refuse([](const std::vector<VcpuEntry>& entries) { return entries.size() % 3 == 1; });
    const Verification result = verify_policy(question.rulebook, question.policy, odd.runner());
    require(to_json(question.policy, question.rulebook, result, {}).ends_with('\n'), "a document is whole lines");
}

void show(const Question& question) {
    const GuestCpu guest = guest_cpu_of(question.rulebook, question.policy);
    const PolicyRegisters registers(question.policy);
    for (const FieldIndex index : guest.features) {
        require(registers.value(question.rulebook[index]) == 1, "a feature reads as 1");
    }
    require(guest.next == nullptr || !guest.next_missing.empty(), "the level is the highest");
    for (const std::string_view tongue : tongues) {
        require(to_json(question.rulebook, question.policy, guest, tongue).ends_with('\n'),
                "a document is whole lines");
    }
}

// As with targets: the rules of guests are in files of their own.
void audit(const Question& question) {
    const std::vector<HostDump> hosts = hosts_of_vendor(question);
    if (question.rulebook.guests.empty()) return;
    for (const GuestKernel& kernel : guest_kernels(question.rulebook)) {
        const Audit result = audit_policy(question.rulebook, question.policy, hosts, {kernel.id, {}});
        for (const AuditEntry& entry : result.entries) {
            require(entry.verdict.has_value() == (result.hosts != 0), "hosts give a verdict");
            const bool deceives = entry.belief == Belief::not_affected || entry.belief == Belief::mitigated;
            require(deceives || entry.verdict != AuditVerdict::falsely_safe, "who says so is not falsely safe");
        }
        require(to_json(question.policy, question.rulebook, result).ends_with('\n'), "a document is whole lines");
    }
}

struct NamedVerb {
    unsigned char letter;
    Verb verb;
};

constexpr std::array<NamedVerb, 9> all_verbs{{{'c', check},
                                              {'d', diff},
                                              {'e', explain},
                                              {'p', plan},
                                              {'r', render},
                                              {'h', report},
                                              {'v', verify},
                                              {'s', show},
                                              {'a', audit}}};

}  // namespace

std::vector<Verb> verbs() {
    std::vector<Verb> all;
    for (const NamedVerb& entry : all_verbs) all.push_back(entry.verb);
    return all;
}

Verb verb_of(unsigned char letter) {
    for (const NamedVerb& entry : all_verbs) {
        if (entry.letter == letter) return entry.verb;
    }
    return all_verbs[letter % all_verbs.size()].verb;
}

}  // namespace poolcpuid::fuzz
