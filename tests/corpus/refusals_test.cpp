// What keeps a VM of one real host off another: the fields on which the refusals of all pairs of one vendor rest.

#include <algorithm>
#include <cstddef>
#include <fstream>
#include <iomanip>
#include <iterator>
#include <map>
#include <set>
#include <sstream>
#include <string>
#include <vector>

#include "poolcpuid/check.hpp"
#include "poolcpuid/pool_state.hpp"
#include "tests/catch.hpp"
#include "tests/support/corpus.hpp"
#include "tests/support/law_divisor.hpp"
#include "tests/support/policy_fields.hpp"

namespace poolcpuid::test::refusals_test {

namespace {

// How often a field takes part in a refusal.
struct Cause {
    Impact impact = Impact::cosmetic;
    std::size_t lost = 0;
    std::size_t not_told = 0;
    std::size_t unknown = 0;
    std::size_t unseen = 0;  // of unknown, those that a hypervisor's view would show
};

struct Refusals {
    std::size_t pairs = 0;
    std::size_t runs = 0;
    std::size_t degraded = 0;
    std::size_t refused = 0;
    std::map<std::string, Cause> causes;

    void add(const Verdict& verdict) {
        ++pairs;
        switch (verdict.outcome(UnknownIs::failure)) {
            case Outcome::runs: ++runs; return;
            case Outcome::runs_degraded: ++degraded; return;
            case Outcome::must_not_run: ++refused; break;
        }
        for (const Violation& violation : verdict.violations) {
            // A refusal rests on what would refuse by itself.
            Verdict alone;
            alone.violations = std::vector{violation};
            if (alone.outcome(UnknownIs::failure) != Outcome::must_not_run) continue;
            Cause& cause = causes[violation.field];
            cause.impact = violation.impact;
            if (violation.known) {
                ++(violation.breach == Breach::lost ? cause.lost : cause.not_told);
            } else {
                ++cause.unknown;
                cause.unseen += violation.remedy.find("/dev/kvm") == std::string::npos ? 0 : 1;
            }
        }
    }

    // The most frequent first.
    std::string table() const {
        std::vector<std::pair<std::string, Cause>> rows(causes.begin(), causes.end());
        const auto total = [](const Cause& cause) { return cause.lost + cause.not_told + cause.unknown; };
        std::stable_sort(rows.begin(), rows.end(),
                         [&](const auto& a, const auto& b) { return total(a.second) > total(b.second); });
        std::ostringstream out;
        out << pairs << " pairs: " << runs << " run, " << degraded << " degraded, " << refused << " refused\n";
        out << std::left << std::setw(28) << "field" << std::setw(14) << "impact" << std::right << std::setw(8)
            << "lost" << std::setw(10) << "not told" << std::setw(9) << "unknown"
            << "\n";
        for (const auto& [field, cause] : rows) {
            out << std::left << std::setw(28) << field << std::setw(14) << to_string(cause.impact) << std::right
                << std::setw(8) << cause.lost << std::setw(10) << cause.not_told << std::setw(9) << cause.unknown
                << "\n";
        }
        return out.str();
    }
};

// Every real host that can be in a pool by itself (64-bit, of a known vendor) against all others of its vendor.
const Refusals& all_pairs() {
    static const Refusals result = [] {
        Refusals refusals;
        std::map<std::string, std::vector<const HostDump*>> vendors;
        std::map<const HostDump*, PoolPolicy> policies;
        for (const HostDump& host : real_hosts()) {
            try {
                PoolState state(builtin_rulebook());
                state.add(host);
                policies.emplace(&host, state.finish_promises({}));
                vendors[vendor_string(host.first_table()).value_or("")].push_back(&host);
            } catch (const NoPolicyError&) {
                continue;
            }
        }
        std::size_t guests = 0;
        for (const auto& [vendor, hosts] : vendors) {
            for (const HostDump* from : hosts) {
                if (!is_in_part(guests)) continue;
                const PolicyCheck check(builtin_rulebook(), policies.at(from));
                for (const HostDump* to : hosts) {
                    if (from != to) refusals.add(check.against(*to));
                }
            }
        }
        return refusals;
    }();
    return result;
}

// A host of shared/cases, which stands beside the dumps.
HostDump public_case(const std::string& name) {
    const auto path = dump_directory().parent_path() / "cases" / (name + ".json");
    std::ifstream in(path, std::ios::binary);
    return read_hosts(std::string{std::istreambuf_iterator<char>(in), {}}, path.filename().string()).at(0);
}

// Of a number no more than a part is sure without a hypervisor's view.
bool is_cut_by_kernels(const std::string& field) {
    const FieldIndex index = builtin_rulebook().find(field);
    return index != no_field && builtin_rulebook()[index].assured != 0;
}

Verdict verdict(const std::string& of, const std::string& on) {
    return PolicyCheck(builtin_rulebook(), Merged({public_case(of)}).policy).against(public_case(on));
}

bool is_in(const std::string& id, std::uint32_t leaf) {
    const FieldIndex index = builtin_rulebook().find(id);
    return index != no_field && !builtin_rulebook()[index].is_msr && builtin_rulebook()[index].leaf == leaf;
}

// Newer kernels keep the field from guests of some microcodes: hosts without a hypervisor's view may well lack it.
bool kernels_take(const std::string& field) {
    const Rulebook& rulebook = builtin_rulebook();
    return std::any_of(rulebook.models.begin(), rulebook.models.end(), [&](const poolcpuid::Model& model) {
        return std::any_of(model.microcode.begin(), model.microcode.end(), [&](const poolcpuid::MicrocodeFacts& facts) {
            return facts.spares_guests && facts.silicon.begin()->field == rulebook.find(field);
        });
    });
}

// Kernels of today differ in whether they make it, or try what the microcode can: the hardware alone does not say.
bool is_not_always_made(const std::string& field) {
    const FieldIndex index = builtin_rulebook().find(field);
    return index != no_field && !builtin_rulebook()[index].made.unsure.empty();
}

}  // namespace

TEST_CASE("no refusal between real hosts rests on what breaks no guest", "[corpus][refusals]") {
    const Refusals& all = all_pairs();
    WARN(all.table());
    CHECK(all.refused > 4000 / law_divisor());
    CHECK(all.runs > 100 / law_divisor());
    if (law_divisor() == 1) CHECK(all.degraded > 0);
    for (const auto& [field, cause] : all.causes) {
        CAPTURE(field, cause.lost, cause.not_told, cause.unknown);
        CHECK(cause.impact != Impact::performance);
        CHECK(cause.impact != Impact::cosmetic);
        CHECK_FALSE(is_in(field, 0x15));
        CHECK(field.find("wbinvd") == std::string::npos);
    }
}

TEST_CASE("no refusal between real hosts rests on a bit that a missing hypervisor view would show",
          "[corpus][refusals]") {
    for (const auto& [field, cause] : all_pairs().causes) {
        CAPTURE(field);
        const bool depends_on_kernel = kernels_take(field) || is_cut_by_kernels(field) || is_not_always_made(field);
        if (!depends_on_kernel) CHECK(cause.unseen == 0);
    }
}

// SPEC_CTRL older kernels make there, and newer ones do not: neither does that of the third.
TEST_CASE("what KVM gives a guest on Milan under any kernel is known on Milan's hardware alone, but for SPEC_CTRL",
          "[corpus][refusals]") {
    const HostDump& hardware = real_host("instlatx64/AuthenticAMD0A00F11_K19_Milan");
    for (const char* kernel : {"5.10", "6.1", "6.18"}) {
        CAPTURE(kernel);
        // The dump's own microcode is older than that of the policy, and does not scrub.
        const HostDump updated = with_microcode(hardware, "0xa0011de");
        const HostDump& guest = real_host(std::string("firecracker/fingerprint_AMD_MILAN_") + kernel + "host");
        const PolicyCheck check(builtin_rulebook(), Merged({guest}).policy);
        const Verdict verdict = check.against(updated);
        for (const Violation& violation : verdict.violations) {
            CAPTURE(violation.field, violation.message);
            CHECK(violation.counts(UnknownIs::failure) == (violation.field == "spec_ctrl"));
        }
        const bool makes_spec_ctrl = std::string(kernel) != "6.18";
        CHECK(verdict.outcome(UnknownIs::failure) == (makes_spec_ctrl ? Outcome::must_not_run : Outcome::runs));
        for (const Violation& violation : check.against(hardware).violations) {
            const std::string& field = violation.field;
            const bool is_old =
                field == "verw_clear" || field == "amd_ucode_rev" || field == "sbpb" || field == "ibpb_brtype";
            CHECK((is_old || field == "spec_ctrl" || !violation.counts(UnknownIs::failure)));
        }
        const auto is_deadline = [](const Violation& v) { return v.field == "tsc_deadline"; };
        CHECK(std::any_of(verdict.violations.begin(), verdict.violations.end(), is_deadline));
    }
}

TEST_CASE("Milan without ERMS and with FSRM runs a VM of Milan with ERMS, slower", "[corpus][refusals]") {
    const Verdict slower = verdict("c05-milan-erms", "c05-milan-noerms-fsrm");
    REQUIRE(slower.violations.size() == 1);
    CHECK(slower.violations.front().field == "erms");
    CHECK(slower.outcome(UnknownIs::failure) == Outcome::runs_degraded);
    CHECK(slower.compatible(UnknownIs::failure));
    CHECK_FALSE(slower.compatible({UnknownIs::failure, true}));
}

TEST_CASE("Haswell whose mitigations are not there is sent for microcode and a kernel", "[corpus][refusals]") {
    const Verdict of = verdict("c19-hsw-new", "c19-hsw-oldkernel");
    CHECK(of.outcome(UnknownIs::failure) == Outcome::must_not_run);
    std::set<std::string> fields;
    for (const Violation& violation : of.violations) {
        CAPTURE(violation.field);
        CHECK_THAT(violation.remedy, Catch::Contains("microcode"));
        fields.insert(violation.field);
    }
    for (const char* field : {"spec_ctrl", "intel_stibp", "ssbd", "l1d_flush", "md_clear"}) {
        CAPTURE(field);
        CHECK(fields.contains(field));
    }
}

}  // namespace poolcpuid::test::refusals_test
