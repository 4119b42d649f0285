#include "poolcpuid/report.hpp"

#include <algorithm>

#include "base/sha256.hpp"
#include "policy/document_text.hpp"
#include "policy/summary_groups.hpp"
#include "report/html.hpp"
#include "report/page.hpp"

namespace poolcpuid {

namespace report {

namespace {

// The page may use its one style and its one script, and nothing else from anywhere.
std::string security_policy() {
    return "default-src 'none'; style-src 'sha256-" + sha256_base64(page_style) + "'; script-src 'sha256-" +
           sha256_base64(page_script) + "'; base-uri 'none'; form-action 'none'";
}

void put_document_head(Page& page) {
    const auto head = page.html.open("head");
    page.html.void_element("meta", {{"charset", "utf-8"}});
    const std::string policy = security_policy();
    page.html.void_element("meta", {{"http-equiv", "Content-Security-Policy"}, {"content", policy}});
    page.html.void_element("meta", {{"name", "viewport"}, {"content", "width=device-width, initial-scale=1"}});
    page.html.void_element("meta", {{"name", "color-scheme"}, {"content", "light dark"}});
    page.html.element("title", "CPUID policy of " + page.policy.pool);
    page.html.inline_style(page_style);
}

std::string hosts_text(const PoolPolicy& policy) {
    const std::size_t count = summary::host_count(policy);
    const auto classes = static_cast<std::size_t>(std::count_if(
        policy.hosts.begin(), policy.hosts.end(), [](const HostClass& host) { return !host.is_ceiling(); }));
    if (classes == count) return std::to_string(count);
    return std::to_string(count) + " in " + std::to_string(classes) + " classes of equal content";
}

void put_header(Page& page) {
    const auto header = page.html.open("header");
    page.html.element("p", {{"class", "kind"}}, "CPUID policy of a migration pool");
    {
        const auto title = page.html.open("h1");
        page.html.element("bdi", page.policy.pool);
    }
    const auto facts = page.html.open("dl", {{"class", "facts"}});
    put_term(page, "Vendor", page.policy.vendor);
    put_term(page, "Hosts", hosts_text(page.policy));
    constexpr std::size_t most_cpus = 8;
    const CpuCounts cpus = cpus_of(page.policy);
    if (!cpus.empty()) put_term(page, "CPUs", document::cpus_text(cpus, most_cpus));
    if (!page.policy.level.empty()) put_term(page, "Level", page.policy.level);
    put_term(page, "Guests see", summary::identity_text(page.policy, page.rulebook));
    put_term(page, "Rulebook", page.policy.rulebook_version + " (" + page.policy.rulebook_sha256.substr(0, 12) + ")");
}

void put_contents(Page& page) {
    const auto nav = page.html.open("nav", {{"aria-label", "Contents"}});
    const auto list = page.html.open("ul");
    const auto entry = [&](std::string_view target, std::string_view title) {
        const auto item = page.html.open("li");
        page.html.element("a", {{"href", target}}, title);
    };
    entry("#summary", "Summary");
    entry("#findings", "Findings");
    if (page.input.audit) entry("#vulnerabilities", "Vulnerabilities");
    entry("#fields", "Fields");
    if (page.input.hosts) entry("#costs", "Costs");
    entry("#registers", "Registers");
    entry("#inputs", "Inputs");
    entry("#rulebook", "Rulebook");
}

}  // namespace

}  // namespace report

std::string report_html(const Rulebook& rulebook, const ReportInput& input) {
    using namespace report;
    Page page(rulebook, input);
    {
        const auto document = page.html.open("html", {{"lang", "en"}});
        put_document_head(page);
        const auto body = page.html.open("body");
        page.html.element("a", {{"class", "skip"}, {"href", "#summary"}}, "Skip to the summary");
        put_header(page);
        put_contents(page);
        {
            const auto main = page.html.open("main");
            put_summary(page);
            put_findings(page);
            put_vulnerabilities(page);
            put_fields(page);
            put_costs(page);
            put_registers(page);
            put_inputs(page);
            put_rulebook(page);
        }
        page.html.inline_script(page_script);
    }
    return page.html.take() + "\n";
}

}  // namespace poolcpuid
